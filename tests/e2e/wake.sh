#!/bin/sh
# Nobody does anything, and what waits is sent: when the network comes up, when
# the time has come, and when the person logs in and the keyring opens.
. "$(dirname "$0")/lib.sh"
need_own_network ip link set lo up
need setpriv
has_machine || skip_all "this kernel or container gives no mount namespace"
begin
make_certificates
ip link set lo up
start_scripted --serve --certificate "$work/certificates/good.pem"
account me "host = localhost" "port = $port" 'user = me' \
  "trust-file = $work/certificates/ca.pem" 'timeout-connect = 1s'
password me secret || exit 1
sent () { # sent N: the relay has so many messages.
  set -- "$1" "$work"/record/*.message-*
  [ $# = $(($1 + 1)) ] && [ -e "$2" ]
}
tried () { # tried N: so many attempts are in the log.
  [ "$(grep -c ' attempt=' "$work/log")" = "$1" ]
}
# The runner has a socket of netlink(7), named by its process.
watches_network () {
  awk -v pid="$runner" '$3 == pid { found = 1 } END { exit !found }' \
    /proc/net/netlink
}

# The network

ip link set lo down
echo body | message >sent
submit -f me@example.org you@example.net <sent
check "no network: the status is 0" exits 0
check "no network: the message waits" queued 1
start_runner
await watches_network || exit 1
check "no network: the runner tries once when it starts" await tried 2
ip link set lo up
ip route add default dev lo
check "the network is up: the message arrives" await sent 1
check "the network is up: nothing waits" await queued 0
end_runner

# The time. While it passes, other things happen.

mkdir later
(
  XDG_STATE_HOME=$work/later
  export XDG_STATE_HOME
  sed "s/^port = .*/port = 9/" "$accounts" >"$work/later-accounts"
  chmod 600 "$work/later-accounts"
  "$sendmail" -C "$work/later-accounts" -f me@example.org you@example.net <sent
  exec postrider run -C "$work/later-accounts"
) >"$work/later.out" 2>&1 &
keep $!
await files 1 "$work/later/postrider/queue" || exit 1
await grep -q ' port=9 .* attempt=2 .*stage=connect' "$work/log" || exit 1
sed -i "s/^port = .*/port = $port/" "$work/later-accounts"

# The login

mkdir -p "$work/rider/.config/postrider"
sed "s,^log = .*,log = $work/rider/log," "$accounts" |
  sed 's/^from = .*/from = rider@example.org/' \
    >"$work/rider/.config/postrider/accounts"
cp "$build/postrider" "$build/tests/relay/keyring-fault" "$work/bin"
ln -sf postrider "$work/bin/sendmail"
cat >"$work/bus.conf" <<'END'
<busconfig><type>session</type><auth>EXTERNAL</auth>
<listen>unix:runtime=yes</listen>
<policy context="default"><allow send_destination="*" eavesdrop="true"/>
<allow eavesdrop="true"/><allow own="*"/></policy></busconfig>
END
printf %s keyring >"$work/keyring-password"
chmod 644 "$work/bus.conf" "$work/keyring-password"
cat >"$work/inside" <<'END'
set -x
rider="setpriv --reuid rider --regid rider --clear-groups env -i"
session="$rider HOME=$HOME XDG_RUNTIME_DIR=/run/user/$uid"
session="$session DBUS_SESSION_BUS_ADDRESS=unix:path=/run/user/$uid/bus"
queue=$HOME/.local/state/postrider/queue
try () { # try COMMAND...: until it succeeds
  tries=1000
  until "$@"; do
    tries=$((tries - 1))
    [ $tries -gt 0 ] || exit 1
    sleep 0.02
  done >/dev/null 2>&1
}
waiting () { # waiting NAME: how many; in $work/NAME
  find $queue -type f | wc -l >"$work/$1"
}
empty () {
  ! find $queue -type f | grep .
}
start_bus () {
  $session dbus-daemon --config-file="$work/bus.conf" --nofork &
  bus=$!
  try test -S /run/user/$uid/bus
}

# The person has a keyring with the password in it, and logged out.
start_bus
$session gnome-keyring-daemon --foreground --unlock --components=secrets \
  <"$work/keyring-password" &
keyring=$!
try sh -c "printf x | $session secret-tool store --label=x x x"
echo secret | $session "$work/bin/postrider" password set me || exit 1
kill -s KILL $keyring $bus
wait $keyring $bus
rm -rf /run/user/$uid

# The machine starts, and cron has mail.
$rider "$work/bin/postrider" run &
runner=$!
for n in 1 2 3; do
  printf "Subject: cron $n\n\nbody\n" |
    $rider "$work/bin/sendmail" you@example.net || exit 1
done
waiting boot

# The session: a directory, a file system in it, a bus, a keyring that is locked.
mkdir -m 700 /run/user/$uid
mount -t tmpfs -o mode=700,uid=$uid,gid=$uid none /run/user/$uid
start_bus
$session gnome-keyring-daemon --foreground --components=secrets &
try $session secret-tool search x x
grep -c ' attempt=' $HOME/log >"$work/before"
waiting locked
$session "$work/bin/keyring-fault" unlock keyring || exit 1
try empty
kill -s 0 $runner
END
in_machine "$work/inside" >"$work/inside.log" 2>&1
inside=$?
did_its_work () {
  tail -n 40 "$work/inside.log"
  tail -n 10 "$work/rider/log"
  [ $inside = 0 ]
}
is () { # is FILE N
  cat "$work/$1"
  [ "$(cat "$work/$1")" = "$2" ]
}
relayed_once () {
  for n in 1 2 3; do
    [ "$(cat "$work"/record/*.message-* | grep -c "^Subject: cron $n")" = 1 ] ||
      return 1
  done
}
check "after the login nothing waits" did_its_work
check "the machine has started: three wait" is boot 3
check "the keyring is locked: three wait" is locked 3
check "the keyring is open: each has arrived, once" relayed_once

# The time has come
await_seconds=100
check "the time has come: nothing waits" await files 0 \
  "$work/later/postrider/queue"
check "the time has come: the message has arrived" sent 5
check "no attempt came before its time" \
  [ "$(grep -c ' port=9 ' "$work/log")" = 2 ]
end
