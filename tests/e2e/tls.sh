#!/bin/sh
# A relay that cannot prove who it is, or offers no TLS, gets nothing: no login
# and no octet of a message. The message waits in the queue.
. "$(dirname "$0")/lib.sh"
begin

# refused NAME ACCOUNT: sent through ACCOUNT, a message is queued, for a reason
# that the log says once.
refused () {
  name=$1
  : >"$work/log"
  message 'Subject: secret' >"$work/sent" <<END
the secret body
END
  submit -f "$2@example.org" you@example.net <"$work/sent"
  check "$name: the status is 0" exits 0
  check "$name: nothing is printed" silent
  check "$name: it is queued" queued 1
  check "$name: the log has one line that says why" says_why
  rm -f "$state"/queue/*
  submit -v -f "$2@example.org" you@example.net <"$work/sent"
  check "$name: the status is 0 with -v as well" exits 0
  reason=$(sed -n 's/.*text="\([^"]*\)".*/\1/p' "$work/log" | head -n 1)
  check "$name: -v prints it" grep -qF "$reason" "$work/err"
  rm -f "$state"/queue/*
}

says_why () {
  cat "$work/log"
  [ "$(grep -c 'text="[^"]' "$work/log")" = 1 ] &&
    [ "$(wc -l <"$work/log")" = 1 ]
}

# Octets that the scripted relay received: nothing inside TLS, and in clear no
# more than what precedes TLS.
saw_nothing () {
  set -- "$work"/record/*.clear "$work"/record/*.tls
  for file; do
    [ -e "$file" ] || continue
    ! grep -aiE 'AUTH|MAIL|secret' "$file" || return 1
  done
  for file in "$work"/record/*.tls; do
    [ ! -s "$file" ] || return 1
  done
}

make_certificates
for certificate in wrong-host expired future self-signed unknown-ca cn-only \
  client-only; do
  rm -rf "$work/record"
  start_scripted --serve --certificate "$work/certificates/$certificate.pem"
  account "$certificate" 'host = localhost' "port = $port" 'user = me' \
    "trust-file = $work/certificates/ca.pem"
  password "$certificate" secret || exit 1
  refused "$certificate" "$certificate"
  check "$certificate: the relay saw no command" saw_nothing
done

# Somebody between us and the relay who takes STARTTLS out of what it offers.
rm -rf "$work/record"
cat >"$work/no-starttls" <<'END'
> 220 relay.example ESMTP
< EHLO *
> 250-relay.example
> 250-AUTH PLAIN LOGIN
> 250 8BITMIME
bye
END
start_scripted --starttls --certificate "$work/certificates/good.pem" \
  "$work/no-starttls"
account no-starttls 'host = localhost' "port = $port" 'user = me' \
  'tls = starttls' "trust-file = $work/certificates/ca.pem"
password no-starttls secret || exit 1
refused "no STARTTLS" no-starttls
check "no STARTTLS: the relay saw no login and no message" saw_nothing

# And the same before a real mail server, which counts the commands it gets.
if [ "$(id -u)" != 0 ]; then
  skip "Postfix" "only root can start mail servers"
  end
elif ! command -v postfix >/dev/null; then
  skip "Postfix" "it is not installed"
  end
fi
start_relay postfix
for certificate in wrong_host expired self_signed cn_only; do
  relay_account postfix-$certificate postfix $certificate
  password postfix-$certificate "$relay_password" || exit 1
  refused "Postfix, $certificate" postfix-$certificate
done
relay_account postfix-plaintext postfix plaintext 'tls = starttls'
password postfix-plaintext "$relay_password" || exit 1
refused "Postfix, no STARTTLS" postfix-plaintext
commands_seen () {
  await [ "$(grep -c ': disconnect from ' "$work/postfix/log")" -ge 10 ] || return 1
  ! grep -E 'disconnect from .* (auth|mail|data)=' "$work/postfix/log"
}
check "Postfix counted no AUTH, MAIL or DATA" commands_seen
check "Postfix got no message" [ ! -e "$work/postfix/mail/all" ]
end
