#!/bin/sh
# Every mechanism, against every server here that knows it: the right password (or
# ticket, or certificate) delivers; with the wrong one twenty messages cost one
# login, and are held. A table of that comes last. Then: who is between us and the
# relay, a relay that offers less than before, and tickets.
. "$(dirname "$0")/lib.sh"
begin 400
make_certificates
tls13=NORMAL:-VERS-ALL:+VERS-TLS1.3
tls12=NORMAL:-VERS-ALL:+VERS-TLS1.2
: >"$work/table"
ids=0

has_kerberos () {
  command -v krb5kdc >/dev/null && command -v kdb5_util >/dev/null &&
    command -v kinit >/dev/null
}

# A realm, and no ticket yet.
if has_kerberos; then
  "$source/tests/relay/kerberos" start "$work/realm" || exit 1
  at_end "'$source/tests/relay/kerberos' stop '$work/realm'"
  KRB5_CONFIG=$work/realm/krb5.conf KRB5CCNAME=FILE:$work/tickets
  KRB5_KTNAME=$work/realm/relay.keytab KRB5RCACHETYPE=none
  DOVECOT_KEYTAB=$KRB5_KTNAME
  export KRB5_CONFIG KRB5CCNAME KRB5_KTNAME KRB5RCACHETYPE DOVECOT_KEYTAB
fi

ticket () { # ticket [OPTION...]
  kinit -k -t "$work/realm/me.keytab" "$@" me
}

# new_account MECHANISM PORT CA SETTING...: $name. Short deadlines: nothing here is
# slow.
new_account () {
  ids=$((ids + 1)) name=a$ids
  account "$name" 'host = localhost' "port = $2" "trust-file = $3" \
    "auth = $(echo "$1" | tr A-Z a-z)" 'timeout-command = 10s'
  shift 3
  [ $# = 0 ] || printf '%s\n' "$@" >>"$accounts"
}

# lines PATTERN FILES: how many there are; FILES is a pattern as well.
lines () {
  cat $2 2>/dev/null | grep -cE -- "$1"
}

logs_in () {
  : >"$work/log"
  echo "by $mechanism" | message "Subject: $mechanism" >"$work/sent"
  submit --account "$name" -f "$name@example.org" you@example.net \
    <"$work/sent"
  exits 0 && silent &&
    grep "auth=$mechanism from=.*fate=relayed" "$work/log" && has "$1"
}

# has PLACE: the message came there, to the octet, behind what a relay between put
# before it.
has () {
  case $1 in
  record)
    tr -d '\r' <"$(ls -t "$work"/record/*.message-* | head -n 1)" |
      sed -n '/^From: /,$p' | cmp - "$work/sent"
    ;;
  *) came "$work/sent" "$1" ;;
  esac
}

# one_login PATTERN FILES: twenty messages with the wrong secret are one line like
# PATTERN to the relay, and so are twenty-one.
one_login () {
  logins=$(lines "$1" "$2")
  enqueue 1 20 --account "$name" -f "$name@example.org" you@example.net ||
    return
  run_once
  queued 0 && queued 20 held || return
  numbered 21 >"$work/sent"
  submit --account "$name" -f "$name@example.org" you@example.net <"$work/sent"
  exits 77 && queued 21 held && grep -q 'refused' "$work/err" || return
  await [ "$(lines "$1" "$2")" -gt "$logins" ]
  [ "$(lines "$1" "$2")" = $((logins + 1)) ] || {
    echo "$(($(lines "$1" "$2") - logins)) logins"
    return 1
  }
}

# judge NAME COMMAND...: a check, and the verdict of the row.
verdict=proved
judge () {
  judge_failures=$failures
  judge_name=$1
  shift
  check "$mechanism, $tls, $server: $judge_name" "$@"
  [ $failures = $judge_failures ] || verdict=FAILED
}

row () {
  printf '%-19s %-8s %-18s %s\n' "$mechanism" "$tls" "$server" $verdict \
    >>"$work/table"
  verdict=proved
  rm -f "$state"/queue/* "$state"/held/*
}

# prove PATTERN FILES PLACE: $name logs in by $mechanism with the password $right,
# and not with another, of which the relay says PATTERN in FILES.
prove () {
  password "$name" "$right" || exit 1
  judge "it delivers" logs_in "$3"
  password "$name" 'not the password' || exit 1
  judge "a wrong password costs one login" one_login "$1" "$2"
  row
}

# prove_certificate PATTERN FILES PLACE DIRECTORY WRONG: the same with
# certificates, which the account $name takes from $name.pem.
prove_certificate () {
  (umask 077 && cat "$4/client.pem" "$4/client.key" >"$work/$name.pem")
  judge "it delivers" logs_in "$3"
  cat "$4/$5.pem" "$4/$5.key" >"$work/$name.pem"
  judge "a wrong certificate costs one login" one_login "$1" "$2"
  row
}

# prove_ticket PLACE: with a ticket, and without.
prove_ticket () {
  kdestroy -q
  judge "without a ticket it waits" waits 'no Kerberos ticket.*smtp/localhost.*kinit'
  ticket
  postrider queue retry >"$work/out" 2>&1
  run_once
  judge "with one it is sent" has "$1"
  queued 0 || verdict=FAILED
  judge "and so is the next" logs_in "$1"
  row
}

expired () { # The ticket of one second is, with a second of grace.
  [ "$(date +%s)" -gt $((issued + 3)) ]
}

# waits PATTERN: a message is queued, with one line that says so.
waits () {
  : >"$work/log"
  echo "by $mechanism" | message "Subject: waits for a ticket" >"$work/sent"
  submit --account "$name" -f "$name@example.org" you@example.net <"$work/sent"
  cat "$work/log"
  exits 0 && silent && queued 1 && queued 0 held &&
    [ "$(wc -l <"$work/log")" = 1 ] && grep -q "$1" "$work/log"
}

# Ours: GNU SASL's server, and a channel binding that it computes by itself.

right=secret
own_relay () { # own_relay PRIORITY [MECHANISMS]: all, unless it says otherwise
  become --serve --priority "$1" --client-ca "$work/certificates/ca.pem" \
    --mechanisms "${2-PLAIN LOGIN CRAM-MD5 DIGEST-MD5 SCRAM-SHA-1 SCRAM-SHA-256 \
SCRAM-SHA-1-PLUS SCRAM-SHA-256-PLUS EXTERNAL GSSAPI}"
}
own_account () { # own_account MECHANISM SETTING...
  own_mechanism=$1
  shift
  new_account "$own_mechanism" "$port" "$work/certificates/ca.pem" "$@"
}
heard_of () { # What the relay hears of a login by $mechanism.
  echo "< AUTH $mechanism( |\$)"
}
# The flag of the channel binding is FLAG in the last client-first (RFC 5802
# section 7).
flag () {
  grep -h 'client-first' $(ls -t "$work"/record/*.log) | head -n 1 |
    grep -- "client-first $1,,n=me,r="
}

server='ours, GNU SASL'
for tls in 'TLS 1.3' 'TLS 1.2'; do
  priority=$tls13
  [ "$tls" = 'TLS 1.3' ] || priority=$tls12
  own_relay $priority
  for mechanism in SCRAM-SHA-256-PLUS SCRAM-SHA-1-PLUS SCRAM-SHA-256 \
    SCRAM-SHA-1 PLAIN LOGIN DIGEST-MD5 CRAM-MD5; do
    case $tls:$mechanism in
    *1.2:SCRAM*-PLUS | *1.3:*) ;;
    *) continue ;; # TLS makes no difference to the others.
    esac
    own_account $mechanism 'user = me'
    prove "$(heard_of)" "$work/record/*.log" record
    # It could be bound, and so we do not say that it could not.
    case $mechanism in
    SCRAM*-PLUS) check "$mechanism, $tls: it is bound" flag p=tls-exporter ;;
    SCRAM*) check "$mechanism, $tls: not bound, as was asked for" flag n ;;
    esac
  done
done

tls='TLS 1.3' mechanism=EXTERNAL
own_relay $tls13
own_account EXTERNAL "certificate = $work/a$((ids + 1)).pem" \
  "key = $work/a$((ids + 1)).pem"
prove_certificate "$(heard_of)" "$work/record/*.log" record \
  "$work/certificates" unknown-ca
if has_kerberos; then
  mechanism=GSSAPI
  own_account GSSAPI
  prove_ticket record
  check "GSSAPI: nothing but tickets was used" \
    [ "$(lines "$(heard_of)" "$work/record/*.log")" = 2 ]
else
  skip GSSAPI 'krb5kdc or kinit is not installed'
fi

# Without a name the strongest is taken; one that cannot be bound is none.
strongest () { # strongest PRIORITY OFFER MECHANISM FLAG
  own_relay "$1" "$2"
  new_account any "$port" "$work/certificates/ca.pem" 'user = me'
  sed -i '/^auth = any$/d' "$accounts"
  mechanism=$3
  password "$name" "$right"
  logs_in record && flag "$4"
}
right=secret
offer='PLAIN CRAM-MD5 SCRAM-SHA-1 SCRAM-SHA-256 SCRAM-SHA-1-PLUS SCRAM-SHA-256-PLUS'
check "the strongest of all is bound" \
  strongest $tls13 "$offer" SCRAM-SHA-256-PLUS p=tls-exporter
check "a weaker hash that is bound goes before a stronger that is not" \
  strongest $tls13 'PLAIN SCRAM-SHA-256 SCRAM-SHA-1-PLUS' SCRAM-SHA-1-PLUS \
  p=tls-exporter
check "without the extended master secret there is nothing to bind" \
  strongest "$tls12:%NO_SESSION_HASH" "$offer" SCRAM-SHA-256 n
check "where the relay cannot bind" \
  strongest $tls13 'PLAIN SCRAM-SHA-256' SCRAM-SHA-256 '[ny]'

# Somebody between us and the relay, whose certificate we trust. What is bound does
# not get through him.
between () { # between KEYWORD...: on $port_between
  rm -f "$work/between"
  python3 "$source/tests/e2e/between.py" "$work/certificates/other-key.pem" \
    "$work/certificates/other-key.key" "$port" "$@" >"$work/between" 2>&1 &
  keep $!
  await [ -s "$work/between" ] || exit 1
  port_between=$(cat "$work/between")
}
sends () { # sends STATUS PATTERN: and the log says PATTERN
  : >"$work/log"
  echo body | message "Subject: $1" >"$work/sent"
  submit --account "$name" -f "$name@example.org" you@example.net \
    <"$work/sent"
  cat "$work/log"
  exits "$1" && grep -qE "$2" "$work/log"
}
if command -v python3 >/dev/null; then
  own_relay $tls13
  between
  new_account scram-sha-256-plus "$port_between" "$work/certificates/ca.pem" \
    'user = me'
  password "$name" secret
  check "in between: a login that is bound fails" sends 77 'stage=auth.*535'
  check "in between: there is no message" \
    [ "$(ls "$work"/record/*.message-* 2>/dev/null | wc -l)" = 0 ]
  between SCRAM-SHA-1-PLUS SCRAM-SHA-256-PLUS
  new_account scram-sha-256-plus "$port_between" "$work/certificates/ca.pem" \
    'user = me'
  check "in between, -PLUS hidden: an account that names it says nothing" \
    sends 77 'no login that this account can use'
  check "in between: the relay heard one login, the first" heard 1 AUTH
else
  skip "in between" "python3 is not installed"
fi
rm -f "$state"/queue/* "$state"/held/*

# A relay that offers less than before.

own_relay $tls13 'SCRAM-SHA-256 PLAIN'
new_account any "$port" "$work/certificates/ca.pem" 'user = me'
sed -i '/^auth = any$/d' "$accounts"
password "$name" secret
check "the first login is by what is strongest" sends 0 'auth=SCRAM-SHA-256 .*relayed'
check "and it is remembered" grep -q ' SCRAM-SHA-256 ' \
  "$state/accounts/$name.login"
own_relay $tls13 'PLAIN LOGIN'
check "less is offered: 77, held" sends 77 \
  'fate=held stage=auth.*SCRAM-SHA-256 before and offers only PLAIN, LOGIN now'
check "less is offered: one line says what to do" grep -c 'auth = any' "$work/err"
check "less is offered: the relay heard no login" heard 0 AUTH
check "less is offered: the message is held" queued 1 held
printf 'auth = any\n' >>"$accounts"
postrider queue release --account "$name" >"$work/out" 2>&1
run_once
check "allowed and released: it is sent" has record
check "allowed: by PLAIN" heard 1 'AUTH PLAIN'
sed -i '$d' "$accounts"
check "what was remembered is forgotten" sends 0 'auth=PLAIN .*relayed'
own_relay $tls13 'SCRAM-SHA-1 PLAIN'
check "more is offered: it is taken" sends 0 'auth=SCRAM-SHA-1 .*relayed'
own_relay $tls13 'LOGIN'
check "and remembered" sends 77 'SCRAM-SHA-1 before'
sed -i 's/^user = me$/user = you/' "$accounts"
postrider queue release --account "$name" >"$work/out" 2>&1
password "$name" secret
check "another user: nothing is remembered, and this one is refused" \
  sends 77 'stage=auth.*535'
rm -f "$state"/queue/* "$state"/held/*

# Real servers.

if [ "$(id -u)" != 0 ]; then
  skip "Dovecot and Postfix" "only root can start mail servers"
else
  right=$relay_password tls='TLS 1.3'
  if command -v dovecot >/dev/null && [ -e /usr/lib/dovecot/submission ]; then
    server='Dovecot submission'
    rm -rf "$work/record"
    become --serve --open
    "$source/tests/relay/dovecot" start "$work/dovecot" "$port" || exit 1
    at_end "'$source/tests/relay/dovecot' stop '$work/dovecot'"
    ca=$work/dovecot/certificates/ca.pem
    for mechanism in SCRAM-SHA-256 SCRAM-SHA-1 PLAIN LOGIN DIGEST-MD5 CRAM-MD5; do
      new_account $mechanism "$(port dovecot tls)" "$ca" "user = $relay_user"
      prove 'auth failed, 1 attempts' "$work/dovecot/log" record
    done
    mechanism=EXTERNAL
    new_account EXTERNAL "$(port dovecot tls)" "$ca" \
      "certificate = $work/a$((ids + 1)).pem" "key = $work/a$((ids + 1)).pem"
    prove_certificate 'auth failed, 1 attempts' "$work/dovecot/log" record \
      "$work/dovecot/certificates" client-only
    if has_kerberos && [ -e /usr/lib/dovecot/modules/auth/libmech_gssapi.so ]; then
      mechanism=GSSAPI
      new_account GSSAPI "$(port dovecot tls)" "$ca"
      prove_ticket record
      kdestroy -q
      ticket -l 1s
      issued=$(date +%s)
      await expired
      judge "an expired ticket: it waits" waits 'no Kerberos ticket'
      rm -f "$state"/queue/*
      ticket
      new_account GSSAPI "$(port dovecot tls)" "$ca"
      sed -i "/^\\[$name\\]/,\$s/^host = .*/host = 127.0.0.1/" "$accounts"
      judge "no service of that name: it waits" waits 'smtp/127.0.0.1'
      rm -f "$state"/queue/*
    else
      skip "GSSAPI, Dovecot" "krb5kdc or dovecot-gssapi is not installed"
    fi
  else
    skip "Dovecot" "its submission server is not installed"
  fi
  if command -v postfix >/dev/null; then
    start_relay postfix
    server='Postfix, Dovecot'
    for mechanism in SCRAM-SHA-256 PLAIN; do
      relay_account a$((ids += 1)) postfix tls "auth = $(echo $mechanism | tr A-Z a-z)"
      name=a$ids
      prove "SASL $mechanism authentication failed" "$work/postfix/log" \
        "$work/postfix/mail/all"
    done
    if command -v saslpasswd2 >/dev/null; then
      server='Postfix, Cyrus'
      for mechanism in SCRAM-SHA-256 SCRAM-SHA-1 PLAIN LOGIN DIGEST-MD5 CRAM-MD5 \
        NTLM; do
        relay_account a$((ids += 1)) postfix cyrus \
          "auth = $(echo $mechanism | tr A-Z a-z)"
        name=a$ids
        prove "SASL $mechanism authentication failed" "$work/postfix/log" \
          "$work/postfix/mail/all"
      done
    else
      skip "NTLM" "saslpasswd2 of Cyrus SASL is not installed"
    fi
  else
    skip "Postfix" "it is not installed"
  fi
fi

echo "# mechanism           TLS      server             verdict"
diagnose <"$work/table"
end
