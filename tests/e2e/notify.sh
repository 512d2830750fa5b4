#!/bin/sh
# What the desktop is told: once for each cause, not for each message, and again
# only for new trouble. Where it hangs, mail does not wait for it.
. "$(dirname "$0")/lib.sh"
begin
daemon=$build/tests/e2e/notification-daemon
shown=$work/shown
: >"$shown"
"$daemon" "$shown" >"$work/daemon" 2>&1 &
daemon_pid=$!
keep $daemon_pid
await grep -qs ready "$work/daemon" || exit 1
tab=$(printf '\t')

make_certificates
start_scripted --serve --certificate "$work/certificates/good.pem"
account me "host = localhost" "port = $port" 'user = me' \
  "trust-file = $work/certificates/ca.pem"
account other "host = localhost" "port = $port" 'user = other' \
  "trust-file = $work/certificates/other-ca.pem"
cp "$work/certificates/wrong-host.pem" "$work/certificates/other-ca.pem"

enqueue () { # enqueue ACCOUNT N
  for n in $(seq "$2"); do
    echo "$n" | message | "$sendmail" -odq -f "$1@example.org" \
      you@example.net || return 1
  done
}
told () { # told N LINE: N notifications in all, LINE (a pattern) among them.
  cat "$shown"
  [ "$(wc -l <"$shown")" = "$1" ] && grep -q "$2" "$shown"
}

# A refused login.
password me wrong || exit 1
enqueue me 5 || exit 1
start_runner
check "a refused login: all is held" await queued 5 held
check "a refused login: the desktop is told once" await told 1 \
  "^Postrider${tab}2${tab}email${tab}Account me cannot send mail${tab}localhost .*5 of its messages are held.*postrider password set me\$"
end_runner

# A relay that is somebody else.
password other secret || exit 1
enqueue other 2 || exit 1
start_runner
check "a wrong certificate: the desktop is told once" await told 2 \
  "^Postrider${tab}1${tab}email${tab}Account other cannot send mail${tab}localhost.*postrider queue list\$"
check "a wrong certificate: the messages wait" queued 2
end_runner
run_once
check "nothing new: nothing is told" told 2 ''

# Nobody there, and one that hangs.
kill -s KILL $daemon_pid
wait $daemon_pid 2>/dev/null
rm -f "$state"/accounts/* "$state"/queue/*
enqueue me 1 || exit 1
run_once
check "no desktop: the message is held all the same" queued 6 held
rm -f "$state"/accounts/*
"$daemon" "$shown" >"$work/daemon" 2>&1 &
keep $!
await grep -qs ready "$work/daemon" || exit 1
kill -s STOP $!
enqueue me 1 || exit 1
begun=$(date +%s)
run_once
check "a desktop that hangs: the message is held all the same" queued 7 held
check "a desktop that hangs: not for long" [ $(($(date +%s) - begun)) -le 6 ]
check "a desktop that hangs: nobody was told" told 2 ''
kill -s CONT $!
end
