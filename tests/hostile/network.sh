#!/bin/sh
# What goes wrong before a relay is reached: names, addresses, the way to them. In
# a network of its own, with a name server that says what the dialogue wants:
#
#   #: host NAME         of the account
#   #: dns RECORD        a line of the zone (nameserver.py); any number of them
#   #: hosts N           the file of hosts has so many addresses for the name
#   #: asked NAME...     nothing else was asked for
#
# 192.0.2.1 and 100::1 swallow all that is sent to them; to 198.51.100.0/24 the
# network says that no host is there, and to 203.0.113.0/24 there is no way.
[ "$(id -u)" = 0 ] || {
  echo '1..0 # SKIP only root can have a network of its own'
  exit 0
}
if [ -z "${own_network-}" ]; then
  unshare --net "$(dirname "$0")/../relay/dead-link" 2>/dev/null || {
    echo '1..0 # SKIP a network of its own cannot be had here'
    exit 0
  }
  own_network=yes
  export own_network
  exec unshare --mount --net --propagation private sh "$0"
fi
. "$(dirname "$0")/hostile.sh"
more_keys='host hosts asked'

put_file () { # put_file FILE: in its place, from stdin
  cat >"$directory/${1##*/}"
  mount --bind "$directory/${1##*/}" "$1"
}

"$relay_tools/dead-link" && ip route add unreachable 198.51.100.0/24 || exit 1
echo 'hosts: files dns' | put_file /etc/nsswitch.conf
echo '127.0.0.1 localhost' | put_file /etc/hosts
printf 'nameserver 127.0.0.1\n' | put_file /etc/resolv.conf
mkfifo "$directory/ready"
python3 "$here/nameserver.py" "$directory/zone" "$directory/questions" \
  >"$directory/ready" &
name_server=$!
trap 'kill $name_server' EXIT
read -r said <"$directory/ready"

# The keyring knows the password of another host alone.
(umask 077 && echo "$password" >"$directory/password")

prepare () {
  say_account="${say_account}password-file = $directory/password$nl"
  : >"$directory/questions"
  printf '%s' "$say_dns" >"$directory/zone"
  {
    echo '127.0.0.1 localhost'
    [ -z "$say_hosts" ] || awk -v n="$say_hosts" -v name="$say_host" 'BEGIN {
      for (i = 0; i < n; i++)
        printf "127.77.%d.%d %s\n", i / 250, i % 250 + 1, name
    }'
  } >"$directory/hosts"
}

check_more () {
  sort -u "$directory/questions" | while read -r name kind; do
    case " $say_asked :$kind" in
    *" $name "*:A | *" $name "*:AAAA) ;;
    *) echo "asked for $name $kind" ;;
    esac
  done >"$case/odd"
  [ ! -s "$case/odd" ] || complain "$(cat "$case/odd")"
}

hostile network
