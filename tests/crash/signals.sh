#!/bin/sh
# Told to end while the relay considers its verdict, sendmail waits for it: its
# exit status is the truth, and nothing is sent twice. Told so earlier, it takes the
# message back.
. "$(dirname "$0")/../e2e/lib.sh"
begin
make_certificates

# dialogue NAME: on stdin; account NAME is for the relay that runs it
dialogue () {
  cat >"$work/$1"
  rm -rf "$work/record"
  start_scripted --certificate "$work/certificates/good.pem" "$work/$1"
  account "$1" 'host = localhost' "port = $port" 'user = me' \
    "trust-file = $work/certificates/ca.pem"
  password "$1" secret || exit 1
}

# interrupted SIGNAL NAME PATTERN: through account NAME, with SIGNAL as soon as
# the queue file has PATTERN.
interrupted () {
  echo body | message "Subject: $1 $2" >"$work/sent"
  "$sendmail" -f "$2@example.org" you@example.net <"$work/sent" \
    >"$work/out" 2>"$work/err" &
  process=$!
  await grep -qs "$3" -r "$state/queue"
  kill -s "$1" $process
  wait $process
  status=$?
}

for signal in TERM HUP; do
  dialogue late$signal <<'END'
until DATA
< DATA
> 354 go ahead
message
quiet 1000
> 250 2.0.0 queued
bye
END
  interrupted $signal late$signal ' end-of-data '
  check "SIG$signal after the final dot: the status is 0" exits 0
  check "SIG$signal after the final dot: nothing waits" queued 0
  check "SIG$signal after the final dot: the log says relayed" \
    grep -q "account=late$signal .* fate=relayed" "$work/log"
done

dialogue early <<'END'
until DATA
< DATA
stall
END
interrupted TERM early ' attempt '
check 'before it: the program ends' exits 143
check 'before it: the message does not wait' queued 0
check 'before it: a copy is held' queued 1 held
end
