#!/bin/sh
# Told to end while it reads, sendmail keeps nothing and says so. Told to end before
# the final dot, it takes the message back: it is held, nobody sends it, and whoever
# called sees the signal. Told so later, it waits for
# the verdict: its exit status is the truth, and nothing is sent twice. A terminal
# that goes away stops no message.
. "$(dirname "$0")/../e2e/lib.sh"
need env
env --default-signal=INT true 2>/dev/null || skip_all "env knows no signals"
begin
make_certificates

# dialogue NAME: on stdin, for the first connection of account NAME; later ones
# are served.
dialogue () {
  cat >"$work/$1"
  echo serve >"$work/serve"
  rm -rf "$work/record" "$state/held"/*
  start_scripted --certificate "$work/certificates/good.pem" "$work/$1" \
    "$work/serve"
  scripted_account "$1"
  password "$1" secret || exit 1
}

# interrupted SIGNAL NAME COMMAND...: submits through account NAME, with SIGNAL as
# soon as COMMAND succeeds. What begins in the background ignores SIGINT, so that
# is taken back.
interrupted () {
  echo body | message "Subject: $1 $2" >"$work/sent"
  interrupted_signal=$1
  env --default-signal=INT "$sendmail" -f "$2@example.org" you@example.net \
    <"$work/sent" >"$work/out" 2>"$work/err" &
  process=$!
  shift 2
  check "$at: the relay is at work" await "$@"
  kill -s "$interrupted_signal" $process
  wait $process
  status=$?
}

recorded () { # recorded RECORD: in the file of a queued message
  grep -qs " $1 " -r "$state/queue"
}

nothing_sent () {
  ! find "$work/record" -name '*.message-*' | grep .
}

# taken_back STATUS SIGNAL: and whoever runs the queue sends nothing.
taken_back () {
  check "$at: it ends by the signal" exits "$1"
  check "$at: the message does not wait" queued 0
  check "$at: a copy is held" queued 1 held
  check "$at: whoever called is told its name" \
    grep -q "$(ls "$state/held")" "$work/err"
  run_once
  check "$at: run --once has nothing to do" exits 0
  submit -q
  check "$at: sendmail -q has nothing to do" exits 0
  check "$at: the copy is still held" queued 1 held
  check "$at: nobody calls the relay again" connections 1
  check "$at: the relay has no message" nothing_sent
  postrider queue release "$(ls "$state/held")" >"$work/out" 2>"$work/err"
  run_once
  check "$at: it is sent once somebody releases it" \
    grep -q "^Subject: $2" "$work"/record/*.message-*
  check "$at: then nothing is held" queued 0 held
  check "$at: and nothing waits" queued 0
}

# Before the final dot

for signal in INT TERM; do
  case $signal in
  INT) number=130 ;;
  TERM) number=143 ;;
  esac

  at="SIG$signal before the greeting"
  dialogue greeting$signal <<'END'
tls
stall
END
  interrupted $signal greeting$signal connections 1
  taken_back $number $signal
  stop_scripted

  at="SIG$signal while the login is considered"
  dialogue login$signal <<'END'
until AUTH*
stall
END
  interrupted $signal login$signal heard 1 EHLO
  taken_back $number $signal
  stop_scripted

  at="SIG$signal before the final dot"
  dialogue data$signal <<'END'
until DATA
stall
END
  interrupted $signal data$signal heard 1 'RCPT TO'
  taken_back $number $signal
  stop_scripted
done

# A lost terminal

at="SIGHUP before the final dot"
dialogue terminal <<'END'
until DATA
delay 300
serve
END
interrupted HUP terminal heard 1 'RCPT TO'
check "$at: the status is 0" exits 0
check "$at: the message goes out" connections 1
check "$at: it is the one" grep -q body "$work"/record/*.message-*
check "$at: nothing waits" queued 0
check "$at: nothing is held" queued 0 held
stop_scripted

# Who has SIGINT ignored, such as nohup and a shell's background jobs, means it.
at="SIGINT that is ignored"
dialogue ignored <<'END'
until DATA
delay 300
serve
END
echo body | message "Subject: ignored" >"$work/sent"
env --ignore-signal=INT "$sendmail" -f ignored@example.org you@example.net \
  <"$work/sent" >"$work/out" 2>"$work/err" &
process=$!
check "$at: the relay is at work" await heard 1 'RCPT TO'
kill -s INT $process
wait $process
status=$?
check "$at: the status is 0" exits 0
check "$at: nothing waits" queued 0
check "$at: nothing is held" queued 0 held
stop_scripted

# After the final dot

for signal in INT TERM HUP; do
  at="SIG$signal after the final dot"
  dialogue late$signal <<'END'
until DATA
< DATA
> 354 go ahead
message
quiet 300
> 250 2.0.0 queued
bye
END
  interrupted $signal late$signal recorded end-of-data
  check "$at: the status is 0" exits 0
  check "$at: nothing waits" queued 0
  check "$at: nothing is held" queued 0 held
  check "$at: the log says relayed" \
    grep -q "account=late$signal .* fate=relayed" "$work/log"
  stop_scripted

  dialogue refused$signal <<'END'
until DATA
< DATA
> 354 go ahead
message
quiet 300
> 554 5.7.1 no thanks
serve
END
  interrupted $signal refused$signal recorded end-of-data
  check "$at, then refused: the status says so" exits 69
  check "$at, then refused: nothing waits" queued 0
  check "$at, then refused: a copy is held" queued 1 held
  stop_scripted
done
# Before the message is complete

# catches NUMBER PID: a handler waits for that signal.
catches () {
  caught=$(sed -n 's/^SigCgt:[[:space:]]*//p' "/proc/$2/status")
  [ $((0x$caught >> ($1 - 1) & 1)) = 1 ]
}

account reading 'host = localhost' 'port = 1'
mkfifo "$work/half"
for signal in HUP INT TERM; do
  at="half a message, SIG$signal"
  env --default-signal=INT "$sendmail" -f reading@example.org you@example.net \
    <"$work/half" >"$work/out" 2>"$work/err" &
  process=$!
  exec 4>"$work/half"
  printf 'Subject: half\n\nand no end' >&4
  check "$at: it reads" await catches 15 $process
  kill -s $signal $process
  wait $process
  status=$?
  exec 4>&-
  check "$at: it is to be tried again" exits 75
  check "$at: whoever called is told" grep -q 'nothing was sent' "$work/err"
  check "$at: nothing is queued" queued 0
done

end
