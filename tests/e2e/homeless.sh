#!/bin/sh
# Users that have no home directory of their own, such as those of daemons: where
# their mail waits, and what they are told where it cannot; and what the system's
# accounts file, where it is kept from users, is to them and to others.
. "$(dirname "$0")/lib.sh"
need_root "be another user"
need setpriv
has_machine || skip_all "there are no private namespaces here"
begin

# A copy that others may run: what lies above the build may be closed to them.
cp "$build/postrider" "$work/bin/postrider"
chmod 755 "$work/bin"

provide_sysconfdir

# No keyring is asked: nothing is tried.
cat >"$work/everybody" <<'END2'
[system]
from = system@example.org
host = localhost
user = me
END2
chmod 644 "$work/everybody"

cat >"$work/inside" <<'END2'
mount -t tmpfs -o mode=755 none /var/spool
unset XDG_STATE_HOME XDG_CONFIG_HOME HOME

# mails NAME: as nobody, whose home does not exist.
mails () {
  echo body | setpriv --reuid=65534 --regid=65534 --clear-groups \
    "$work/bin/postrider" sendmail --accounts-file="$work/everybody" -odq \
    you@example.net >"$work/$1.out" 2>&1
  echo $? >"$work/$1.status"
  find /var/spool -path '*/queue/*' -type f | wc -l >"$work/$1.queued"
}

mails nowhere
install -d -m 777 /var/spool/postrider-users
mails open
rmdir /var/spool/postrider-users
install -d -m 1733 /var/spool/postrider-users
mails place
stat -c '%a %u' /var/spool/postrider-users/65534 >"$work/place.mode"
rm -rf /var/spool/postrider-users/65534
install -d -m 777 /var/spool/postrider-users/65534
mails taken
rm -rf /var/spool/postrider-users/65534

# The system's file is root's alone.
mount -t tmpfs -o mode=755 none "$sysconfdir"
mkdir "$sysconfdir/postrider"
(umask 077 && cp "$work/everybody" "$sysconfdir/postrider/accounts")

# private NAME UID HOME ARGUMENT...: with the accounts that UID may see
private () {
  private_name=$1
  private_user="setpriv --reuid=$2 --regid=$2 --clear-groups"
  private_home=$3
  shift 3
  cd / && echo body | HOME=$private_home $private_user "$work/bin/postrider" \
    "$@" >"$work/$private_name.out" 2>&1
  echo $? >"$work/$private_name.status"
}
private daemon 65534 /nonexistent sendmail -odq you@example.net
private rider $uid "$work/rider" sendmail -odq you@example.net
private setup $uid "$work/rider" setup --batch --no-check --host localhost \
  --user me --password-file /nonexistent --test no rider@example.org
END2

in_machine "$work/inside" >"$work/inside.log" 2>&1
result () { # result NAME WHAT VALUE
  echo "$2 is $(cat "$work/$1.$2")"
  [ "$(cat "$work/$1.$2")" = "$3" ]
}
check "no place: the status says that no queue can be made" \
  result nowhere status 73
check "no place: the line tells root what to do" \
  grep -q 'install -d -m 1733 /var/spool/postrider-users' "$work/nowhere.out"
check "a place without the sticky bit is none" result open status 73
check "a place: the status is 0" result place status 0
check "a place: nothing is printed" result place out ''
check "a place: it is queued" result place queued 1
check "a place: the queue is the user's own" result place mode '700 65534'
check "a queue that somebody else has made is refused" result taken status 78
check "nothing is in that" result taken queued 0

told () { # told NAME TEXT
  cat "$work/$1.out"
  tr '\n' ' ' <"$work/$1.out" | grep -qF "$2"
}
check "a system's file that is kept from a daemon: the status says so" \
  result daemon status 78
check "so does the line" told daemon \
  "cannot read $sysconfdir/postrider/accounts: Permission denied"
check "to one with a home it is none" told rider 'there is no account: run '
check "who can set up an account" result setup status 0
end
