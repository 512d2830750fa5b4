#!/bin/sh
# The scripted relay itself, with another client: what it answers, what it
# records, and that its dialogues can fail.
here=$(cd "$(dirname "$0")" && pwd)
relay=${G_TEST_BUILDDIR:-$PWD}/tests/relay/scripted-relay
command -v gnutls-cli >/dev/null && command -v certtool >/dev/null || {
  echo "1..0 # SKIP gnutls-cli or certtool is not installed"
  exit 0
}
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
number=0
"$here/certificates" "$work/certificates" || exit 1
mkfifo "$work/port"

# talk OPTIONS RELAY-ARGUMENTS...: the client's lines on stdin, its output in
# $work/client, and the relay has ended.
talk () {
  how=$1
  shift
  rm -rf "$work/record"
  "$relay" --connections 1 --record "$work/record" \
    --certificate "$work/certificates/good.pem" "$@" >"$work/port" &
  pid=$!
  read -r port <"$work/port"
  # shellcheck disable=SC2086 # options are words
  timeout 10 gnutls-cli --x509cafile "$work/certificates/ca.pem" $how \
    --port "$port" localhost >"$work/client" 2>&1
  wait $pid
}

lines () {
  for line; do printf '%s\r\n' "$line"; done
}

dialogue () {
  printf '%s\n' "$@" >"$work/dialogue"
}

check () { # check DESCRIPTION PATTERN FILE
  number=$((number + 1))
  if grep -qE -- "$2" "$work/$3"; then
    echo "ok $number - $1"
  else
    echo "not ok $number - $1"
    sed 's/^/# /' "$work/client" "$work/record/1.log"
  fi
}

plain=$(printf '\0me\0secret' | base64)
lines 'EHLO x' "AUTH PLAIN $plain" 'MAIL FROM:<me@example.org>' \
  'RCPT TO:<reject@example.org>' 'RCPT TO:<one@example.org>' DATA \
  'Subject: x' '' '..dot' . QUIT | talk '' --serve
check "a login is accepted" '^235 ' client
check "a recipient is rejected" '^550 5\.1\.1' client
check "a message is taken" '^250 2\.0\.0 queued' client
check "and kept without its stuffing" '^\.dot' record/1.message-1
check "commands that do not wait for replies are noted" ' - early: ' \
  record/1.log

lines 'EHLO x' "AUTH PLAIN $(printf '\0me\0wrong' | base64)" QUIT |
  talk '' --serve
check "a wrong password is refused" '^535 ' client

lines 'EHLO x' 'MAIL FROM:<me@example.org>' QUIT |
  talk --starttls-proto=smtp --serve --starttls
check "what came in clear is recorded" '^STARTTLS' record/1.clear
check "apart from what came inside" '^MAIL FROM' record/1.tls
check "without a login there is no mail" '^530 ' client

dialogue 'until EHLO *' '< EHLO y*' '> 250 ok' bye
lines 'EHLO y' QUIT | talk '' "$work/dialogue"
check "a dialogue is followed" '^verdict ok' record/1.log
lines 'EHLO z' QUIT | talk '' "$work/dialogue"
check "a line that was not expected fails it" \
  '^verdict failed: .*/dialogue:2: not EHLO y\* but EHLO z' record/1.log
lines 'EHLO y' NOOP | talk '' "$work/dialogue"
check "so does one too many" \
  '^verdict failed: .*/dialogue:4: the client has more to say' record/1.log

dialogue 'secure' 'repeat 2' '< *' '> 250-%{NAME}\x41\r\n250 %{line}' end eof
lines 'one' 'two%{NAME}\x42' | talk '' --set NAME=value- "$work/dialogue"
check "texts hold octets and variables" '^250-value-A' client
check "what the client says is no text of ours" '^250 two%\{NAME\}\\x42' client
check "a repeated part is repeated" '^verdict ok' record/1.log

dialogue 'no-such-verb'
"$relay" --certificate "$work/certificates/good.pem" "$work/dialogue" \
  >"$work/client" 2>&1
check "an unknown verb is refused" '/dialogue:1: unknown verb' client

# The first one stays until its FIFO is closed.
mkfifo "$work/stay"
"$relay" --connections 2 --limit 1 --record "$work/record" \
  --certificate "$work/certificates/good.pem" --serve >"$work/port" &
pid=$!
read -r port <"$work/port"
rm -rf "$work/record"
timeout 10 gnutls-cli --x509cafile "$work/certificates/ca.pem" \
  --port "$port" localhost <"$work/stay" >"$work/client" 2>&1 &
exec 3>"$work/stay"
tries=1000
until grep -qs '> 220' "$work/record/1.log" || [ $tries = 0 ]; do
  tries=$((tries - 1))
  sleep 0.01
done
timeout 10 gnutls-cli --x509cafile "$work/certificates/ca.pem" \
  --port "$port" localhost </dev/null >"$work/client-2" 2>&1
exec 3>&-
wait $pid
check "one within the limit is served" '^220 ' client
check "one above it is not" '^421 ' client-2
echo "1..$number"
