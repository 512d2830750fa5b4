#!/bin/sh
# A relay with two addresses, of which one swallows all that is sent to it: a name
# with a dead IPv6 address costs a moment, not the connection (RFC 8305). In a
# network of its own.
. "$(dirname "$0")/lib.sh"
need_own_network "$source/tests/relay/dead-link"
begin

# The wrong-host certificate is for this name; localhost is never looked up.
relay=other.example
printf '%s\n' '127.0.0.1 localhost' "100::1 $relay" "127.0.0.1 $relay" >hosts
mount --bind hosts /etc/hosts
"$source/tests/relay/dead-link" || exit 1

dead_first () {
  getent ahosts $relay | head -n 1 | grep '^100::1 '
}

arrived_over_ipv4 () {
  cat err
  grep -q 'over IPv4' record/1.message-1
}

make_certificates
start_scripted --serve --certificate "$work/certificates/wrong-host.pem"
account me "host = $relay" "port = $port" 'user = me' \
  "trust-file = $work/certificates/ca.pem" 'timeout-connect = 20s'
password me secret || exit 1
echo 'over IPv4' | message >sent
submit -v -f me@example.org you@example.net <sent
check 'the dead address is the first to be tried' dead_first
check 'the status is 0' exits 0
check 'nothing waits' queued 0
check 'the message arrived over the other address' arrived_over_ipv4

# IPv6 that fails at once costs nothing.
ip route add unreachable 2001:db8:2::/64
for broken in 2001:db8:1::1 2001:db8:2::1 ::1; do
  printf '%s\n' '127.0.0.1 localhost' "$broken $relay" "127.0.0.1 $relay" >hosts
  rm -rf record
  become --certificate "$work/certificates/wrong-host.pem" --serve
  echo 'over IPv4' | message >sent
  submit -v -f me@example.org you@example.net <sent
  check "no way to $broken: the message arrived over the other address" \
    arrived_over_ipv4
  check "no way to $broken: nothing waits" queued 0
  check "no way to $broken: all is well" postrider check me
done
end
