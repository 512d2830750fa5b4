#!/bin/sh
# Through real mail servers: what arrives is what was sent, octet by octet, and
# who refused it is told.
. "$(dirname "$0")/lib.sh"
need_root
need postfix dovecot
begin
start_relay postfix
box=$work/postfix/mail

relay_account me postfix tls
relay_account starttls postfix starttls 'tls = starttls'
for mechanism in plain login scram-sha-1 scram-sha-256; do
  relay_account $mechanism postfix tls "auth = $mechanism"
done
relay_account wrong postfix tls
for account in me starttls plain login scram-sha-1 scram-sha-256; do
  password $account "$relay_password" || exit 1
done

# Every way in

ordinary () {
  message 'Subject: Good morning' <<END
Good morning,
this is a body.
END
}

# delivered NAME ARGUMENT...: $work/sent arrives as it is.
delivered () {
  name=$1
  shift
  submit "$@" you@example.net <"$work/sent"
  check "$name: the status is 0" exits 0
  check "$name: nothing is printed" silent
  check "$name: it arrives as it was sent" came "$work/sent" "$box/all"
  check "$name: nothing stays in the queue" queued 0
}

ordinary >"$work/sent"
delivered "implicit TLS"
delivered "STARTTLS" --account starttls
for mechanism in plain login scram-sha-1 scram-sha-256; do
  delivered "AUTH $mechanism" --account $mechanism
  used=$(echo $mechanism | tr a-z A-Z)
  check "the relay saw $used" grep -q "sasl_method=$used," "$work/postfix/log"
done

# Every kind of body

message 'Subject: dots' <<'END' >"$work/sent"
.
..
.a
a.
...

.
END
delivered "dots" -i
{
  message 'Subject: =?UTF-8?Q?Gr=C3=BC=C3=9Fe?=' 'MIME-Version: 1.0' \
    'Content-Type: text/plain; charset=UTF-8' \
    'Content-Transfer-Encoding: 8bit' </dev/null
  printf 'Gr\303\274\303\237e \342\202\254\n'
} >"$work/sent"
delivered "UTF-8"
{
  message 'Subject: Latin' 'MIME-Version: 1.0' \
    'Content-Type: text/plain; charset=ISO-8859-1' \
    'Content-Transfer-Encoding: 8bit' </dev/null
  printf 'Gr\374\337e\377\n'
} >"$work/sent"
delivered "8-bit"
awk 'BEGIN { for (n = 990; n <= 998; n++) {
  line = sprintf ("%d", n); while (length (line) < n) line = line "x"; print line } }' |
  message 'Subject: long lines' >"$work/sent"
delivered "lines of up to 998 octets"
awk 'BEGIN { for (n = 0; n < 40000; n++) print n, "of many lines" }' |
  message 'Subject: large' >"$work/sent"
delivered "half a MiB"
message 'Subject: no body' </dev/null >"$work/sent"
delivered "an empty body"
ordinary | sed 's/$/\r/' >"$work/crlf"
submit you@example.net <"$work/crlf"
check "lines that end in CRLF: the status is 0" exits 0
tr -d '\r' <"$work/crlf" >"$work/sent"
check "lines that end in CRLF: it arrives" came "$work/sent" "$box/all"
printf 'no newline at the end' | message 'Subject: short' >"$work/sent"
submit you@example.net <"$work/sent"
echo >>"$work/sent"
check "no newline at the end: one is added" came "$work/sent" "$box/all"

# Recipients

ordinary >"$work/sent"
submit one@example.net reject@example.net two@example.net <"$work/sent"
check "one of three refused: the status is 0" exits 0
check "one of three refused: nothing is printed" silent
check "one of three refused: the first has it" came "$work/sent" "$box/one"
check "one of three refused: the third has it" came "$work/sent" "$box/two"
check "one of three refused: a copy is held" queued 1 held
check "one of three refused: the sender's notification is queued" queued 1
check "one of three refused: the log has it, and the relay's words" \
  grep -q 'reject@example.net.*550 5.1.1 .*nobody of that name' "$work/log"
rm "$state"/held/* "$state"/queue/*

submit reject@example.net <"$work/sent"
check "the only one refused: the status is 67" exits 67
check "the only one refused: it is held" queued 1 held
rm "$state"/held/*

submit one@example.net defer@example.net <"$work/sent"
check "one of two deferred: the status is 0" exits 0
check "one of two deferred: the other has it" came "$work/sent" "$box/one"
check "one of two deferred: it is queued" queued 1
rm "$state"/queue/*

message 'Subject: rejected' 'X-Verdict: reject' </dev/null >"$work/sent"
submit one@example.net <"$work/sent"
check "refused after the final dot: the status is 69" exits 69
check "refused after the final dot: it is held" queued 1 held
rm "$state"/held/*

ordinary >"$work/sent"
submit -f bad-sender@example.org one@example.net <"$work/sent"
check "sender refused: not 0" [ "$status" != 0 ]
check "sender refused: it is held" queued 1 held
rm "$state"/held/*

# The password

password wrong "not $relay_password" || exit 1
submit --account wrong one@example.net <"$work/sent"
check "wrong password: the status is 77" exits 77
check "wrong password: it is held" queued 1 held
check "wrong password: nothing is queued" queued 0
check "wrong password: it was tried once" \
  [ "$(grep -c 'SASL .* authentication failed' "$work/postfix/log")" = 1 ]
check "no password is in the log" \
  sh -c '! grep -F "$1" "$2"' - "$relay_password" "$work/log"
end
