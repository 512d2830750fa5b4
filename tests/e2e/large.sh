#!/bin/sh
# Messages of 1 GiB, and of many short lines with dots: they arrive whole, and are
# never in memory as a whole.
. "$(dirname "$0")/lib.sh"
need_root
need postfix dovecot openssl
begin 400
start_relay postfix
relay_account me postfix tls
password me "$relay_password" || exit 1

# The same octets each time, no two lines alike.
random () {
  message 'Subject: large' </dev/null
  openssl enc -aes-128-ctr -K 0 -iv 0 -in /dev/zero 2>/dev/null |
    base64 -w 76 | head -c 1073741824
  echo
}

# Line ends of each kind, and dots wherever a block may end.
dotted () {
  message 'Subject: dotted' </dev/null
  yes "$(printf '.\n..\n\n.dot\r\n\r\n.\r\nno dot. .\n.')" | head -c 67108864
  echo
}

# send WHAT: and wait for its sum; peak-WHAT is how much memory it took.
send () {
  rm -f "$work/postfix/mail/sum"
  $1 | sed '1,/^$/d' | tr -d '\r' | sha256sum >"$work/sent"
  $1 | "$build/tests/e2e/peak" "$work/peak-$1" "$sendmail" sum@example.net \
    >"$work/out" 2>"$work/err"
  status=$?
  check "$1: the status is 0" exits 0
  check "$1: nothing is printed" silent
  check "$1: nothing stays in the queue" queued 0
  check "$1: it arrives" await [ -s "$work/postfix/mail/sum" ]
  check "$1: it is what was sent" cmp "$work/sent" "$work/postfix/mail/sum"
}

await_seconds=120
send random
send dotted
if with_sanitizers; then
  skip "less than 20 MiB of memory are used" "not with sanitizers"
  skip "as much for 64 MiB as for 1 GiB" "not with sanitizers"
else
  check "less than 20 MiB of memory are used" \
    sh -c 'cat "$0"; [ "$(cat "$0")" -lt 20480 ]' "$work/peak-random"
  check "as much for 64 MiB as for 1 GiB" sh -c '
    cat "$@"; [ "$(cat "$1")" -lt $(($(cat "$2") + 1024)) ]' - \
    "$work/peak-random" "$work/peak-dotted"
fi
end
