#!/bin/sh
# Exim as the relay: no enhanced status codes of its own, and other mechanisms.
. "$(dirname "$0")/lib.sh"
need_root
"$source/tests/relay/exim" program >/dev/null ||
  skip_all "Exim is not there; see ./bootstrap deps"
begin
start_relay exim
box=$work/exim/mail/all

relay_account me exim tls
relay_account starttls exim starttls 'tls = starttls'
relay_account login exim tls 'auth = login'
for account in me starttls login; do
  password $account "$relay_password" || exit 1
done

message 'Subject: Dots and more' 'MIME-Version: 1.0' \
  'Content-Type: text/plain; charset=UTF-8' \
  'Content-Transfer-Encoding: 8bit' <<'END' >"$work/sent"
.
..dots
Grüße

END
for account in me starttls login; do
  submit -i --account $account you@example.net <"$work/sent"
  check "account $account: the status is 0" exits 0
  check "account $account: nothing is printed" silent
  check "account $account: it arrives as it was sent" came "$work/sent" "$box"
done

submit -i one@example.net reject@example.net two@example.net <"$work/sent"
check "one of three refused: the status is 0" exits 0
check "one of three refused: two have it" await files 2 "$box/new"
for file in "$box"/new/*; do
  without_trace "$file" >"$work/arrived"
  check "one of three refused: it is what was sent" \
    cmp "$work/sent" "$work/arrived"
done
rm "$box"/new/*
check "one of three refused: a copy is held" queued 1 held
check "one of three refused: the log has the relay's words" \
  grep -q 'reject@example.net.*nobody of that name' "$work/log"
check "one of three refused: the sender will be notified" queued 1
rm "$state"/held/* "$state"/queue/*

submit -i defer@example.net <"$work/sent"
check "deferred: the status is 0" exits 0
check "deferred: it is queued" queued 1
check "nothing else came" files 0 "$box/new"
end
