#!/bin/sh
# With `linger' the session of a caller stays open, and those that come next hand their
# message over: one connection for all, and each has its own verdict. Whoever keeps the
# session open holds nothing of its caller, and may die at any moment: nothing is lost,
# nothing sent twice.
. "$(dirname "$0")/lib.sh"
need env
env --default-signal=INT true 2>/dev/null || skip_all "env knows no signals"
. "$source/tests/e2e/lingering"

# One after the other

n=1
while [ $n -le 12 ]; do
  case $n in
  4) recipient=reject expected=67 ;;
  6) recipient=defer expected=0 ;;
  8) recipient=late-reject expected=69 ;;
  9) recipient=jürgen expected=0 ;;
  *) recipient=you expected=0 ;;
  esac
  if [ $n = 10 ]; then
    { numbered 10 && echo 'grün'; } | timeout 60 "$sendmail" \
      -f me@example.org you@example.net >"$work/out" 2>"$work/err"
    status=$?
  else
    submit_number $n "$recipient@example.net"
  fi
  check "in a row: $n: its status" exits $expected
  if [ $expected = 0 ]; then
    check "in a row: $n: it says nothing" silent
  else
    check "in a row: $n: it tells the relay's words" grep -q '5[0-9][0-9] ' "$work/err"
    check "in a row: $n: and where the copy is" grep -q 'held as' "$work/err"
  fi
  n=$((n + 1))
done
check "in a row: one connection" connections 1
check "in a row: one login" heard 1 'AUTH .*'
numbers "$work/record" >"$work/numbers"
check "in a row: whose content was taken arrived, each once" \
  sh -c 'printf "%s\n" 1 2 3 5 7 8 9 10 11 12 | diff - "$1"' - "$work/numbers"
check "in a row: two are held" queued 2 held
check "in a row: one waits" queued 1
check "in a row: nobody has it locked" \
  sh -c '! grep -q "OFDLCK .*:$(stat -c %i "$1"/*) " /proc/locks' - "$state/queue"
check "in a row: each has its line in the log" \
  [ "$(grep -c 'account=me .*auth=.*fate=' "$work/log")" = 12 ]
check "in a row: one holder" one_holder

# Who it is

holder=$(runners)
check "the holder: no descriptor of its caller" \
  sh -c '[ "$(readlink /proc/$1/fd/0 /proc/$1/fd/1 /proc/$1/fd/2 | sort -u)" = /dev/null ]' \
  - "$holder"
check "the holder: nothing open outside the queue, but for sockets and the log" \
  sh -c '! ls -l /proc/$1/fd | sed "1d; s/.* -> //" | grep -v -e ^/dev/null\$ \
    -e "^socket:" -e "^anon_inode:" -e "^$2/log\$" -e "^$3"' \
  - "$holder" "$work" "$state"
check "the holder: no message" \
  sh -c '! ls -l /proc/$1/fd | grep -e "$2/queue/." -e "$2/held/." -e deleted' \
  - "$holder" "$state"
check "the holder: its directory is the root" \
  [ "$(readlink "/proc/$holder/cwd")" = / ]
check "the holder: a session of its own" \
  [ "$(ps -o sid= -p "$holder" | tr -d ' ')" = "$holder" ]
check "the holder: no new privileges" \
  grep -q '^NoNewPrivs:[[:space:]]*1' "/proc/$holder/status"
check "the holder: its socket is for this user alone" \
  [ "$(stat -c %a "$place")" = 600 ]
check "the holder: it is no runner" \
  sh -c '! grep "OFDLCK .*:$(stat -c %i "$1" 2>/dev/null) " /proc/locks' - \
  "$state/runner.lock"
check "the holder: nobody but root sees into it" \
  [ "$(stat -c %U "/proc/$holder/fd")" = root ]

# Callers that wait for the end of a pipe

dismiss
served
sed -i "s/^port = .*/port = $port/" "$accounts"
text=$(numbered 1 | timeout 20 "$sendmail" -f me@example.org you@example.net 2>&1)
status=$?
check "behind \$(...): it does not hang" exits 0
check "behind \$(...): a session is open" one_holder
mkdir "$work/elsewhere"
(cd "$work/elsewhere" && numbered 2 | (umask 0; "$sendmail" -f me@example.org you@example.net) | cat)
rmdir "$work/elsewhere"
check "from elsewhere: the same session" connections 1
check "from elsewhere: it arrived" each_once 1 2 "$work/record"
numbered 3 | env -u DBUS_SESSION_BUS_ADDRESS -u XDG_RUNTIME_DIR "$sendmail" \
  -f me@example.org you@example.net
check "from cron: it needs no keyring" each_once 1 3 "$work/record"

# At once

anew --serve
at_once 1 20 -f me@example.org you@example.net
check "at once: all are told 0" all_exit 0
check "at once: nobody is told anything else" cmp /dev/null "$work/printed"
run_once
check "at once: all messages arrive, each once" await each_once 1 20 "$work/record"
check "at once: far fewer connections" \
  [ "$(ls "$work"/record/*.log | wc -l)" -lt 10 ]
check "at once: one session stays open" one_holder

# It has its fill, and goes

anew --serve
n=1
while [ $n -le 102 ]; do
  submit_number $n you@example.net
  [ $status = 0 ] || break
  n=$((n + 1))
done
check "a hundred and two: all are taken" each_once 1 102 "$work/record"
check "a hundred and two: two connections" connections 2

# Settings that change

anew --serve
open_session edited
echo '# a remark' >>"$accounts"
submit_number 2 you@example.net
check "edited: the next is sent" exits 0
check "edited: in another session" connections 2
check "edited: the old one is over" await ended "$holder"
check "edited: the new one stays" one_holder
touch "$work/certificates/ca.pem"
submit_number 3 you@example.net
check "another trust-file: another session" connections 3
LANGUAGE=de submit_number 4 you@example.net
check "another language: another session" connections 4
check "edited: all arrived" each_once 1 4 "$work/record"
check "edited: one is open" one_holder
holder=$(runners)
numbered 5 | "$sendmail" -v -f me@example.org you@example.net >"$work/out" 2>&1
check "-v: a session of its own" connections 5
check "-v: which is shown" grep -q 'EHLO' "$work/out"
check "-v: the other stays" one_holder
sed -i 's/^linger = .*/max-connections = 1\n&/' "$accounts"
submit_number 6 you@example.net
holder=$(runners)
numbered 7 | "$sendmail" -v -f me@example.org you@example.net >"$work/out" 2>&1
check "max-connections = 1: who needs its own gets it" each_once 1 7 "$work/record"
check "max-connections = 1: the holder has left" await ended "$holder"
submit_number 8 you@example.net
enqueue 9 9 -f me@example.org you@example.net
run_once
check "max-connections = 1: the runner gets it" each_once 1 9 "$work/record"
sed -i '/^max-connections/d' "$accounts"

# Time, and the relay

dismiss
sed -i 's/^linger = .*/linger = 300ms/' "$accounts"
served
sed -i "s/^port = .*/port = $port/" "$accounts"
submit_number 1 you@example.net
check "time is over: it ends" await no_holder
check "time is over: it said QUIT" await heard 1 QUIT
check "time is over: nothing is left of it" [ ! -e "$place" ]
sed -i 's/^linger = .*/linger = 1m/' "$accounts"

dialogue one <<'END'
until MAIL*
< MAIL*
> 250 2.1.0 fine
< RCPT*
> 250 2.1.5 fine
< DATA
> 354 go ahead
message
> 250 2.0.0 taken
END
dialogue hangs-up <<'END'
include one
delay 200
close
END
dialogue resets <<'END'
include one
delay 200
reset
END
dialogue says-421 <<'END'
include one
delay 200
> 421 4.4.2 idle for too long
bye
END
dialogue refuses-mail <<'END'
include one
< MAIL*
> 452 4.5.3 no more in this session
< RCPT*
> 503 5.5.1 MAIL first
< DATA
> 503 5.5.1 MAIL first
serve
END
echo serve >"$work/serve"
for dialogue in hangs-up resets says-421; do
  anew "$work/$dialogue" "$work/serve"
  submit_number 1 you@example.net
  check "$dialogue: the first is sent" exits 0
  check "$dialogue: the holder ends" await no_holder
  submit_number 2 you@example.net
  check "$dialogue: the next is sent" exits 0
  check "$dialogue: both arrived" each_once 1 2 "$work/record"
done
anew "$work/refuses-mail" "$work/serve"
open_session refuses-mail
submit_number 2 you@example.net
check "refuses-mail: that is no verdict on the message" each_once 1 2 "$work/record"
check "refuses-mail: it was sent in another session" connections 2
check "refuses-mail: which stays open" one_holder

# It dies

anew --serve
open_session "killed idle"
kill -s KILL "$holder"
await ended "$holder"
check "killed idle: its name is left" [ -S "$place" ]
submit_number 2 you@example.net
check "killed idle: the next is sent" each_once 1 2 "$work/record"
check "killed idle: and keeps its session" one_holder

# stalls NAME: the second message, at the relay that stalls there.
dialogue at-mail <<'END'
include one
< MAIL*
stall
END
dialogue at-data <<'END'
include one
< MAIL*
> 250 2.1.0 fine
< RCPT*
> 250 2.1.5 fine
stall
END
dialogue at-dot <<'END'
include one
< MAIL*
> 250 2.1.0 fine
< RCPT*
> 250 2.1.5 fine
< DATA
> 354 go ahead
message
stall
END
dialogue verdict <<'END'
include one
< MAIL*
> 250 2.1.0 fine
< RCPT*
> 250 2.1.5 fine
< DATA
> 354 go ahead
message
delay 500
> 250 2.0.0 taken
serve
END
# taken PATTERN: the second message is at the relay so far.
taken () {
  heard 2 "$1"
}
whole () {
  [ "$(grep -s 'message . whole' "$work/record/1.log" | wc -l)" = 2 ]
}
# handed DIALOGUE COMMAND...: message 2 is with the holder, and COMMAND succeeds.
handed () {
  handed=$1
  anew "$work/$1" "$work/serve"
  open_session "$2"
  numbered 2 >"$work/sent"
  env --default-signal=INT "$sendmail" -f me@example.org you@example.net \
    <"$work/sent" >"$work/out" 2>"$work/err" &
  caller=$!
  at=$2
  shift 2
  check "$at: the message is at the relay" await "$@"
}

handed at-mail "killed at MAIL" taken 'MAIL.*'
kill -s KILL "$holder"
wait "$caller"
status=$?
check "killed at MAIL: the caller is told 0" exits 0
check "killed at MAIL: it sent the message itself" each_once 1 2 "$work/record"
check "killed at MAIL: nothing waits" queued 0
check "killed at MAIL: a session is open" one_holder

handed at-data "killed at DATA" taken 'RCPT.*'
kill -s KILL "$holder"
wait "$caller"
status=$?
check "killed at DATA: the caller is told 0" exits 0
check "killed at DATA: it sent the message itself" each_once 1 2 "$work/record"
check "killed at DATA: nothing waits" queued 0

handed at-dot "killed behind the dot" whole
kill -s KILL "$holder"
wait "$caller"
status=$?
check "killed behind the dot: the caller is told 0" exits 0
check "killed behind the dot: the message waits" queued 1
check "killed behind the dot: the relay has it once" each_once 1 2 "$work/record"
check "killed behind the dot: the log says why" \
  grep -q 'sending this message has died' "$work/log"
check "killed behind the dot: nobody has it locked" \
  sh -c '! grep -q "OFDLCK .*:$(stat -c %i "$1"/*) " /proc/locks' - "$state/queue"
run_once
check "killed behind the dot: it is not sent again at once" connections 1

# The caller dies, or has enough

handed verdict "its caller is killed" whole
kill -s KILL "$caller"
wait "$caller" 2>/dev/null
check "its caller is killed: the verdict is recorded" await queued 0
check "its caller is killed: the relay has it once" each_once 1 2 "$work/record"
submit_number 3 you@example.net
check "its caller is killed: the session goes on" each_once 1 3 "$work/record"
check "its caller is killed: it is the same" connections 1

for signal in INT:130 TERM:143; do
  expected=${signal#*:} signal=${signal%:*}
  handed at-data "SIG$signal before the dot" taken 'RCPT.*'
  kill -s $signal "$caller"
  wait "$caller" 2>/dev/null
  status=$?
  check "$at: it ends by the signal" \
    exits $expected
  check "$at: the message does not wait" queued 0
  check "$at: a copy is held" queued 1 held
  check "$at: whoever called is told its name" \
    grep -q "$(ls "$state/held")" "$work/err"
  check "$at: nothing was sent" each_once 1 1 "$work/record"
  check "$at: the holder has ended" await ended "$holder"
done

handed verdict "SIGTERM behind the dot" whole
kill -s TERM "$caller"
wait "$caller"
status=$?
check "SIGTERM behind the dot: the status is the truth" exits 0
check "SIGTERM behind the dot: nothing waits" queued 0
check "SIGTERM behind the dot: the relay has it once" each_once 1 2 "$work/record"

# Git

if [ -x "$(git --exec-path 2>/dev/null)/git-send-email" ]; then
  anew --serve
  git=$work/repository
  git init -q "$git"
  for i in 1 2 3 4 5; do
    git -C "$git" -c user.name=Me -c user.email=me@example.org \
      commit -q --allow-empty -m "Change $i"
  done
  git -C "$git" format-patch -q --always --root -o "$work/patches"
  git -C "$git" -c user.name=Me -c user.email=me@example.org send-email --quiet \
    --to you@example.net --from me@example.org --confirm never \
    --suppress-cc all --smtp-server "$sendmail" "$work/patches" \
    >"$work/out" 2>"$work/err" </dev/null
  status=$?
  check "git send-email: five patches are sent" exits 0
  check "git send-email: they have arrived" heard 5 'DATA'
  check "git send-email: in one session" connections 1
else
  skip "git send-email" "it is not installed"
fi

# A real relay

if [ "$(id -u)" = 0 ] && command -v postfix >/dev/null; then
  dismiss
  start_relay postfix
  relay_account real postfix tls 'linger = 1m'
  password real "$relay_password" || exit 1
  n=1
  for recipient in you reject defer jürgen you you; do
    { numbered $n && echo 'grün'; } | timeout 60 "$sendmail" \
      -f real@example.org "$recipient@example.net" >"$work/out" 2>"$work/err"
    status=$?
    case $recipient in
    reject) check "Postfix: $n: its status" exits 67 ;;
    *) check "Postfix: $n: its status" exits 0 ;;
    esac
    n=$((n + 1))
  done
  check "Postfix: those that were taken arrived, each once" \
    await sh -c '[ "$(ls "$1" | wc -l)" = 4 ]' - "$work/postfix/mail/all/new"
  for process in $(runners); do
    kill -s KILL "$process"
  done
  check "Postfix: one connection" \
    [ "$(grep -c ': connect from ' "$work/postfix/log")" = 1 ]
else
  skip "Postfix" "it is not installed, or this is not root"
fi

dismiss
end
