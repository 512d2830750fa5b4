#!/bin/sh
# Each certificate that a relay may show, over TLS from the start and over STARTTLS:
# who is believed, and the one line that the user reads where nobody is. Nothing but
# EHLO and STARTTLS is ever said to a relay that is not believed. The table is
# printed.
. "$(dirname "$0")/lib.sh"
need openssl
need_faketime
if [ "$(id -u)" = 0 ] && [ -z "${own_network-}" ] &&
  unshare --mount --net true 2>/dev/null; then
  own_network=yes
  export own_network
  exec unshare --mount --net --propagation private sh "$0"
fi
begin 300
[ -z "${own_network-}" ] || ip link set lo up

made=$work/made
"$source/tests/relay/certificate-set" "$made" || exit 1
pin=$(cat "$made/good.pin") other_pin=$(cat "$made/other-key.pin")
: >"$work/empty"
echo garbage >"$work/garbage"
cp "$made/ca.pem" "$work/open.pem"
chmod 666 "$work/open.pem"

# A password is for the user at the host, whatever the account.
knows_password () {
  grep -qxF "$1" "$work/hosts" || {
    password "$2" secret || exit 1
    echo "$1" >>"$work/hosts"
  }
}
: >"$work/hosts"

# The line for the user, without what differs from run to run.
reason () {
  sed -nE 's/.* text="(.*)".*/\1/p' "$work/log" |
    sed -E "s/([0-9A-F]{2}:){31}[0-9A-F]{2}/FP/; s/:$port:/:PORT:/
      s|$made/||g; s|$work/||g"
}

# Octets that the relay received: nothing inside TLS, and in clear no more than
# what precedes TLS.
heard_nothing () {
  for file in "$work"/record/*.tls; do
    [ ! -s "$file" ] || return 1
  done
  for file in "$work"/record/*.clear; do
    [ -e "$file" ] || continue
    ! grep -aiE 'AUTH|MAIL|secret' "$file" || return 1
  done
}

# Sends a message through account $name, and tells in $verdict and $line what came
# of it.
try () {
  : >"$work/log"
  message 'Subject: secret' >"$work/sent" <<END
the secret body
END
  submit -f "$name@example.org" you@example.net <"$work/sent"
  line=$(reason)
  verdict="lost, $status"
  if [ -e "$work/record/1.message-1" ]; then
    [ "$status" != 0 ] || verdict=accepted
  elif queued 1; then
    verdict="queued, $status"
  elif queued 1 held; then
    verdict="held, $status"
  fi >"$work/try"
  rm -f "$state"/queue/* "$state"/held/*
}

as_expected () {
  echo "$verdict"
  echo "$line"
  [ "$verdict" = "$wanted" ] && [ "$line" = "$said" ] || return
  case $verdict in
  accepted) silent ;;
  queued*) silent && heard_nothing ;;
  *) heard_nothing ;;
  esac
}

# row CERTIFICATE[+STAPLE] HOST [SETTING...]: WANTED and the line on stdin, which is
# printed if it is as that.
number=0
row () {
  number=$((number + 1))
  title=$1 shows=${1%+*} host=$2
  stapled=
  [ "$shows" = "$1" ] || stapled="--staple $made/${1#*+}.staple"
  shift 2
  { read -r wanted; read -r said || said=; } <<END
$(cat)
END
  with=$(printf ', %s' "$@" ${priority:+"$priority"} | sed "s|$made/||; s|$work/||
    s|$pin|PIN|; s|$other_pin|OTHER|; s|pin-sha256:[^, ]*|WEAK|; /^, \$/d")
  for mode in implicit starttls; do
    name=row$number-$mode flag=
    [ $mode = implicit ] || flag=--starttls
    rm -rf "$work/record"
    start_scripted --serve --user me $flag $stapled ${priority:+--priority
      "$priority"} --certificate "$made/$shows.pem"
    account "$name" "host = $host" "port = $port" "tls = $mode" 'user = me' \
      'auth = plain' 'timeout-connect = 10s' "$@"
    case $* in
    *trust-file*) ;;
    *) [ -n "$system" ] || echo "trust-file = $made/ca.pem" >>"$accounts" ;;
    esac
    knows_password "$host" "$name"
    try
    check "$title at $host$with, $mode: $wanted" as_expected
    stop_scripted
  done
  printf '#     %s\n' "${said:-nothing}"
}

good () {
  row "$@" <<END
accepted
$note
END
}
note= priority= system=

# refused REASON ADVICE ROW...: with the fingerprint between.
refused () {
  refused=$1 advice=$2
  shift 2
  row "$@" <<END
queued, 0
${2%.}:PORT: $refused; SHA-256 fingerprint FP; $advice
END
}

# config LINE ROW...: needs a person first.
config () {
  config=$1
  shift
  row "$@" <<END
held, 78
$config
END
}

tell='tell whoever runs the relay'
clock="check the clock of this computer, then $tell"
relay=relay.localhost

# Whom it names.
other='its certificate is for another name'
check_host="check \`host'"
good good $relay
good second-name $relay
good many-names $relay
good thousands-of-names $relay
good good relay.localhost.
good good Relay.LocalHost
good idn straße.localhost
good wildcard a.relay.localhost
refused "$other (*.relay.localhost)" "$check_host" wildcard a.b.relay.localhost
refused "$other (*.relay.localhost)" "$check_host" wildcard $relay
refused "$other (re*.localhost)" "$check_host" wildcard-partial $relay
refused "$other (*.localhost)" "$check_host" wildcard-top $relay
refused "$other (*)" "$check_host" wildcard-of-all $relay
refused "$other (other.example)" "$check_host" wrong-host $relay
refused "$other (relay.localhost?.evil.example)" "$check_host" embedded-nul $relay
refused "$other (?[31mred.test)" "$check_host" escape $relay
refused "$other" "$check_host" long-name $relay
refused "$other" "$check_host" uri-and-cn $relay
refused 'its certificate has no subjectAltName, only a CN' "$tell" cn-only $relay
refused 'its certificate has no subjectAltName, only a CN' "$tell" mail-and-cn \
  $relay
good ip 127.0.0.1
refused "$other" "$check_host" other-ip 127.0.0.1
refused "$other (127.0.0.1)" "$check_host" ip-as-name 127.0.0.1
refused "$other" "$check_host" ip-as-cn 127.0.0.1
refused "$other (relay.localhost)" "$check_host" good 127.0.0.1

# When and for what it is good.
refused 'its certificate has expired (2020-01-01/2021-01-01)' "$clock" expired \
  $relay
refused 'its certificate is not valid yet (2090-01-01/2091-01-01)' "$clock" \
  future $relay
refused 'its certificate is not meant for a server' "$tell" client-only $relay
refused 'its certificate is not meant for a server' "$tell" mail-only $relay
weak='its certificate has a key or a signature that is too weak'
refused "$weak" "$tell" sha1 $relay
refused "$weak" "$tell" rsa-1024 $relay

# Who vouches for it.
unknown='no authority that is trusted here vouches for its certificate'
own="if the relay is your own, name its authority's certificate in \`trust-file'"
nobody='its certificate was issued by somebody who is no authority'
good chain $relay
good unsorted $relay
refused "$unknown" "$own" missing-intermediate $relay
refused "$unknown" "$own" unknown-ca $relay
refused 'its certificate is self-signed' \
  "if the relay is your own, name this certificate in \`trust-file'" \
  self-signed $relay
refused "$nobody" "$tell" issuer-no-ca $relay
refused "$nobody" "$tell" issuer-v1 $relay
refused 'its certificate was issued by an authority that may not do so for this name' \
  "$tell" name-constraint $relay
row deep $relay <<END
queued, 0
$relay:PORT: its certificate cannot be checked (Some constraint limits were reached); $tell
END
row too-many-names $relay <<END
queued, 0
$relay:PORT: the relay sends a TLS message that is too large
END
good unknown-ca $relay "trust-file = $made/other-ca.pem"
good self-signed $relay "trust-file = $made/self-signed.pem"
refused "$unknown" "$own" good $relay "trust-file = $made/other-ca.pem"
none='no certificate in PEM form was found'
config "empty: $none" good $relay "trust-file = $work/empty"
config "garbage: $none" good $relay "trust-file = $work/garbage"
config 'cannot read absent: No such file or directory' good $relay \
  "trust-file = $work/absent"
config "open.pem can be written by others: run \`chmod go-w open.pem'" good \
  $relay "trust-file = $work/open.pem"

# What has been revoked.
revoked='its certificate has been revoked'
staple='the OCSP response that came with its certificate'
good chain $relay "crl-file = $made/none.crl"
refused "$revoked" "$tell" good $relay "crl-file = $made/leaf.crl"
refused "$revoked" "$tell" chain $relay "crl-file = $made/issuer.crl"
row good $relay "crl-file = $made/old.crl" <<END
queued, 0
old.crl: this revocation list is not valid now (2020-01-01/2021-01-01); renew it, or check the clock of this computer
END
config 'empty: no revocation list in PEM form was found' good $relay \
  "crl-file = $work/empty"
good good+good $relay
good must-staple+must-good $relay
refused "$revoked" "$tell" good+revoked $relay
refused "$staple is out of date" "$clock" good+old $relay
refused "$staple is not valid" "$tell" good+for-other $relay
refused "$staple is not valid" "$tell" good+foreign $relay
refused "$staple does not know it" "$tell" good+unknown $relay
refused 'its certificate demands an OCSP response and none came with it' \
  "$tell" must-staple $relay

# Pins, beside the authorities and alone. One account's help no other.
not_pinned="its key is none of those that \`pin' names"
ask='ask whoever runs the relay whether it has another key now'
good good $relay "pin = $pin"
good good $relay "pin = $other_pin, $pin"
good other-key $relay "pin = $other_pin"
refused "$not_pinned" "$ask" other-key $relay "pin = $pin"
refused "$not_pinned" "$ask" good $relay "pin = $other_pin"
refused "$unknown" "$own" unknown-ca $relay "pin = $pin"
refused "$other (other.example)" "$check_host" wrong-host $relay "pin = $pin"
note="$relay:PORT: trusted by its pin alone, for \`trust-file = none'"
for certificate in good self-signed wrong-host expired cn-only unknown-ca; do
  good $certificate $relay "trust-file = none" "pin = $pin"
done
note=
refused "$not_pinned" "$ask" other-key $relay "trust-file = none" "pin = $pin"
refused "$weak" "$tell" rsa-1024 $relay "trust-file = none" \
  "pin = $(cat "$made/rsa-1024.pin")"

# TLS that is too weak, whatever the certificate.
weak () { # weak PRIORITY CERTIFICATE
  priority=$1
  row "$2" $relay <<END
queued, 0
$relay:PORT: the relay refused TLS 1.2 or later with ECDHE and AEAD (alert 40, Handshake failed)
END
  priority=
}
weak 'LEGACY:-VERS-ALL:+VERS-TLS1.0' rsa
weak 'LEGACY:-VERS-ALL:+VERS-TLS1.1' rsa
weak 'NORMAL:-VERS-ALL:+VERS-TLS1.2:-CIPHER-ALL:+AES-128-CBC:+AES-256-CBC' good
weak 'NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+RSA' rsa
# The first that such a relay would choose is a group of 1024 bits.
weak 'LEGACY:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+DHE-RSA:%PROFILE_VERY_WEAK' rsa
weak 'LEGACY:-VERS-ALL:+VERS-TLS1.2:-SIGN-ALL:+SIGN-RSA-SHA1' rsa

# The name that is looked up, not the one it leads to.
if [ -n "${own_network-}" ]; then
  ip link add away type veth peer name end
  ip address add 192.0.2.2/24 dev away
  ip link set away up
  ip link set end up
  echo 'nameserver 127.0.0.1' >"$work/resolv.conf"
  mount --bind "$work/resolv.conf" /etc/resolv.conf
  python3 "$source/tests/e2e/nameserver.py" >"$work/nameserver" &
  keep $!
  await grep -q ready "$work/nameserver" || exit 1
  check 'alias.example leads to target.example' \
    sh -c "getent ahosts alias.example | grep target.example"
  good cname-target target.example
  refused "$other (target.example)" "$check_host" cname-target alias.example
else
  skip 'the name of a CNAME' 'only root can have a network of its own'
fi
# The authorities of this system, which are read only as far as their names lead there.
trusts () {
  cat "$@" >"$work/bundle"
}
bundle=$(sed -n 's/^#define TRUST_BUNDLE "\(.*\)"/\1/p' "$build/build-config.h")
if [ -n "${own_network-}" ] && [ -s "$bundle" ]; then
  system=yes
  cp "$bundle" "$work/whole"
  : >"$work/bundle"
  mount --bind "$work/bundle" "$bundle"
  trusts "$work/whole" "$made/ca.pem"
  good chain $relay
  good good+good $relay
  refused "$unknown" "$own" unknown-ca $relay
  refused "$unknown" "$own" missing-intermediate $relay
  refused "$nobody" "$tell" issuer-no-ca $relay
  refused 'its certificate has expired (2020-01-01/2021-01-01)' "$clock" expired \
    $relay
  refused "$revoked" "$tell" good+revoked $relay
  refused "$revoked" "$tell" good $relay "crl-file = $made/leaf.crl"
  refused "$staple is not valid" "$tell" good+foreign $relay
  # Found by all of them alone.
  trusts "$work/whole" "$made/ca.pem" "$made/other-ca.pem"
  good good+foreign $relay
  trusts "$work/whole" "$made/self-signed.pem"
  good self-signed $relay
  refused "$unknown" "$own" good $relay
  trusts "$work/whole" "$made/ca.pem" "$made/good.key"
  good good $relay
  for damage in /dev/null "$work/garbage" "$work/damaged"; do
    sed '/BEGIN/{n;s/^.../@@@/;}' "$made/ca.pem" | cat "$work/whole" - \
      >"$work/damaged"
    trusts "$damage"
    row good $relay <<END
queued, 0
this system has no certificates of authorities to trust; install the package ca-certificates, or set \`trust-file'
END
  done
else
  skip 'the authorities of this system' 'only root can replace their bundle'
fi
echo "# $number kinds of certificates and TLS, each over implicit TLS and STARTTLS"
end
