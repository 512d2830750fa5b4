#!/bin/sh
# A message of 1 GiB: it arrives whole, and is never in memory as a whole.
. "$(dirname "$0")/lib.sh"
need_root
need postfix dovecot openssl
begin 400
start_relay postfix
relay_account me postfix tls
password me "$relay_password" || exit 1

# The same octets each time, no two lines alike.
content () {
  message 'Subject: large' </dev/null
  openssl enc -aes-128-ctr -K 0 -iv 0 -in /dev/zero 2>/dev/null |
    base64 -w 76 | head -c 1073741824
  echo
}

content | sed '1,/^$/d' | sha256sum >"$work/sent"
content |
  "$build/tests/e2e/peak" "$work/peak" "$sendmail" sum@example.net \
    >"$work/out" 2>"$work/err"
status=$?
check "the status is 0" exits 0
check "nothing is printed" silent
check "nothing stays in the queue" queued 0
await_seconds=120
check "it arrives" await [ -s "$work/postfix/mail/sum" ]
check "it is what was sent" cmp "$work/sent" "$work/postfix/mail/sum"
if with_sanitizers; then
  skip "less than 20 MiB of memory are used" "not with sanitizers"
else
  check "less than 20 MiB of memory are used" \
    sh -c 'cat "$0"; [ "$(cat "$0")" -lt 20480 ]' "$work/peak"
fi
end
