#!/bin/sh
# Where nothing of the desktop session is in the environment: cron, and env -i.
# The password is found in the keyring all the same, and where that is locked the
# message waits.
. "$(dirname "$0")/lib.sh"
need_root "furnish a machine with a user and a cron of its own"
need gdbus unshare setpriv cron
has_machine || skip_all "this kernel or container gives no mount namespace"
[ -e /usr/sbin/sendmail ] ||
  skip_all "there is no /usr/sbin/sendmail that ours could stand in for"
begin
make_certificates
start_scripted --serve --certificate "$work/certificates/good.pem"

mkdir -p "$work/rider/.config/postrider"
cat >"$work/rider/.config/postrider/accounts" <<END
[postrider]
log = $work/rider/log
start-runner = no
[relay]
from = rider@example.org
host = localhost
port = $port
user = me
trust-file = $work/certificates/ca.pem
END
# Where the program was built need not be open to others.
cp "$build/postrider" "$work/bin/postrider"
ln -sf postrider "$work/bin/sendmail"

# What runs inside, as root. $rider COMMAND... is the user without environment,
# $session COMMAND... in the desktop session.
cat >"$work/inside" <<'END'
set -x
rider="setpriv --reuid rider --regid rider --clear-groups env -i"
. "$source/tests/e2e/session"
enter_session rider "$HOME"
# try NAME COMMAND...: with no environment; what came of it is in $work/NAME.*
try () {
  name=$1
  shift
  start=$(date +%s%N)
  $rider "$@" >"$work/$name.out" 2>&1
  echo $? >"$work/$name.status"
  echo $((($(date +%s%N) - start) / 1000000)) >"$work/$name.ms"
  find "$HOME/.local/state/postrider/queue" -type f | wc -l >"$work/$name.queued"
}
start_bus
start_keyring
echo secret | $session "$work/bin/postrider" password set relay || exit 1

printf 'Subject: open\n\nbody\n' |
  try open "$work/bin/sendmail" you@example.net
$session gdbus call --session --dest org.freedesktop.secrets \
  --object-path /org/freedesktop/secrets \
  --method org.freedesktop.Secret.Service.Lock \
  "['/org/freedesktop/secrets/collection/login']" >/dev/null || exit 1
printf 'Subject: locked\n\nbody\n' |
  try locked "$work/bin/sendmail" you@example.net
kill -s KILL $keyring
wait $keyring
start_keyring
try run "$work/bin/sendmail" -q

# Cron: at the next full minute.
mount --bind "$work/bin/sendmail" /usr/sbin/sendmail
table=/var/spool/cron/crontabs/rider
printf 'MAILTO=you@example.net\n* * * * * echo from cron\n' >$table
chown rider $table
chmod 600 $table
env -i PATH=/usr/bin:/bin:/usr/sbin:/sbin cron -f >/dev/null 2>&1 &
tries=900
until grep -qs 'from cron' "$work"/record/*.message-*; do
  tries=$((tries - 1))
  [ $tries -gt 0 ] || exit 1
  sleep 0.1
done
END

export source
in_machine "$work/inside" >"$work/inside.log" 2>&1
inside=$?
did_its_work () {
  tail -n 20 "$work/inside.log"
  [ $inside = 0 ]
}
check "the machine did its work" did_its_work
result () { # result NAME WHAT VALUE
  echo "$2 is $(cat "$work/$1.$2")"
  [ "$(cat "$work/$1.$2")" = "$3" ]
}
relayed () { # relayed SUBJECT: the relay has one message with it
  [ "$(cat "$work"/record/*.message-* | grep -c "^Subject: $1")" = 1 ]
}

check "no environment, open: the status is 0" result open status 0
check "no environment, open: nothing is printed" result open out ''
check "no environment, open: the relay has it" relayed open
check "no environment, open: nothing is queued" result open queued 0
check "locked: the status is 0" result locked status 0
check "locked: nothing is printed" result locked out ''
check "locked: it is queued" result locked queued 1
# Who waits for somebody to unlock it waits ten seconds at least.
check "locked: that was not waited for" [ "$(cat "$work/locked.ms")" -lt 5000 ]
check "unlocked: sendmail -q sends it" result run status 0
check "unlocked: the relay has it" relayed locked
check "unlocked: nothing is queued" result run queued 0
check "cron: the job's output came, once" relayed 'Cron <rider@.*> echo from cron'
check "cron: from the account's address" \
  grep -q '^From: .*rider@example.org' "$work"/record/*.message-*
end
