#!/bin/sh
# How often a message waits for the relay: a bound for each kind, which only ever
# gets lower. tests/e2e/waits.py counts, so that the machine's load does not.
. "$(dirname "$0")/lib.sh"
need python3
[ -e "/proc/$$/task/$$/children" ] ||
  skip_all "the kernel does not tell whose child a process is"
begin 300
make_certificates

# Here: most waits. In front of a real relay they are the same but for what it
# holds back itself.
message_bound=7       # TCP, TLS, greeting, EHLO, AUTH, envelope, content
starttls_bound=9      # and EHLO, STARTTLS
more_bound=5          # of five more messages in one session

# waits_of COMMAND...: in $waits; each turn is in $work/turns.
waits_of () {
  python3 "$source/tests/e2e/waits.py" "$accounts" "$scripted" "$@" \
    >"$work/turns" 2>"$work/waits.err" </dev/null || {
    cat "$work/turns" "$work/waits.err"
    return 1
  }
  waits=$(sed -n 's/^\([0-9]*\) waits$/\1/p' "$work/turns")
}

# message_waits BOUND RECIPIENT...: for one message, to all of them.
message_waits () {
  bound=$1
  shift
  numbered 1 >"$work/message"
  # shellcheck disable=SC2016 # the shell that runs it expands this
  waits_of sh -c 'exec "$0" -f me@example.org "$@" <message' "$sendmail" "$@" ||
    return
  cat "$work/turns"
  [ "$waits" -le "$bound" ]
}

# session_waits N: for so many, queued before.
session_waits () {
  enqueue 1 "$1" -f me@example.org you@example.net &&
    waits_of postrider run --once
}

more_waits () {
  session_waits 1 || return
  one=$waits
  session_waits 6 || return
  cat "$work/turns"
  echo "$waits with five more, $one without"
  [ $((waits - one)) -le $more_bound ]
}

one_record () { # Each flight of the last command is one record, inside TLS, but
  # for the last: QUIT, and the end of TLS.
  tail -n +4 "$work/turns" | grep 'octets in' |
    sed '/^52 octets in 2/d' >"$work/flights"
  [ -s "$work/flights" ] && ! grep -v ' in 1 records' "$work/flights"
}

new_relay () { # new_relay TLS OPTION...
  tls=$1
  shift
  printf '[postrider]\nlog = %s\nstart-runner = no\n' "$work/log" >"$accounts"
  become --serve "$@"
  scripted_account me 'auth = plain' "password-file = $work/secret" "tls = $tls"
}

(umask 077 && echo secret >"$work/secret")
DBUS_SESSION_BUS_ADDRESS=disabled:
export DBUS_SESSION_BUS_ADDRESS

new_relay implicit
check "a message waits $message_bound times" \
  message_waits $message_bound you@example.net
check "what it says at once is one record of TLS" one_record
check "more recipients wait for nothing" message_waits $message_bound \
  you@example.net you@example.com they@example.net
check "five more messages of a session wait $more_bound times" more_waits
new_relay starttls --starttls
check "with STARTTLS it is $starttls_bound times" \
  message_waits $starttls_bound you@example.net
end
