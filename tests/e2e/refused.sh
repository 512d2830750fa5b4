#!/bin/sh
# A relay that refuses the login is asked once, not once for each message: that
# would lock the login. What is queued is held until the password is mended.
. "$(dirname "$0")/lib.sh"
begin
make_certificates
start_desktop
start_scripted --serve --certificate "$work/certificates/good.pem"
scripted_account me
password me 'not the secret' || exit 1

enqueue 1 50 you@example.net || exit 1
check "all are queued" queued 50
check "the relay has not been asked" connections 0
run_once
check "all are held" queued 50 held
check "none is queued" queued 0
check "the relay was asked once" connections 1
check "it saw one login" heard 1 AUTH
check "the desktop is told once" shown 1
check "it says what to do" grep -q 'postrider password set me' "$work/shown"
run_once
check "later it is not asked again" connections 1

numbered 51 >"$work/sent"
submit you@example.net <"$work/sent"
check "the next caller: the status is 77" exits 77
check "the next caller: the relay is not asked" connections 1
check "the next caller: the message is held" queued 51 held
check "the next caller: he is told why" grep -q 'login\|password' "$work/err"
numbered 52 >"$work/sent"
submit -odb you@example.net <"$work/sent"
check "one who does not wait: the status is 0" exits 0
kept () { # kept N: queued or held
  [ "$(find "$state/queue" "$state/held" -type f | wc -l)" = "$1" ]
}
check "one who does not wait: the message is queued or held" kept 52
run_once
check "later still: the relay is not asked" connections 1
check "later still: all are held" queued 52 held
check "later still: the desktop is not told again" shown 1

printf 'secret\n' | postrider password set --release me >"$work/out" 2>&1
check "the password is mended" [ $? = 0 ]
run_once
check "all arrive, each once" await each_once 1 52 "$work/record"
check "in one session" connections 2
check "nothing is queued" queued 0
check "nothing is held" queued 0 held

# Many callers at once: none but those who have a connection log in.

rm -rf "$work/record"
scripted_account other
password other 'not the secret' || exit 1
self_starting
few_logins () { # As many as max-connections allows.
  logins=$(cat "$work"/record/*.log | grep -c '< AUTH')
  echo "$logins logins"
  [ "$logins" -le 3 ]
}
at_once 101 120 -f other@example.org you@example.net
check "twenty callers: no more than three logins" few_logins
check "twenty callers: nobody got another status than 0 or 77" all_exit '\(0\|77\)'
check "twenty callers: what was started for them ends" await no_runner
check "twenty callers: all are held" queued 20 held
check "twenty callers: then there was no further login" few_logins
check "twenty callers: the desktop is told once more" shown 2
end
