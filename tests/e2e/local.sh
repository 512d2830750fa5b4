#!/bin/sh
# Local names: where mail for root and others goes, by aliases and by
# `local-mail-to'; that no bare name ever reaches a relay; and that nothing is lost
# where nobody can tell.
. "$(dirname "$0")/lib.sh"
begin
make_certificates
start_scripted --serve --certificate "$work/certificates/good.pem"
scripted_account me 'default = yes'
scripted_account other
password me secret || exit 1
aliases=$work/aliases
: >"$aliases"
chmod 644 "$aliases"

# set_to NAME [VALUE]: a setting of [postrider]; without VALUE it is not set.
set_to () {
  sed -i "/^$1 = /d" "$accounts"
  [ $# = 1 ] || sed -i "/^log = /a $1 = $2" "$accounts"
}

# rcpts ADDRESS...: these were named to the relay, each once.
rcpts () {
  cat "$work"/record/*.log 2>/dev/null |
    sed -n 's/.*< RCPT TO:<\([^>]*\)>.*/\1/p' | sort >"$work/rcpts"
  printf '%s\n' "$@" | sort | diff - "$work/rcpts"
}

# nobody_asked: no connection was made.
nobody_asked () {
  ! ls "$work"/record/*.log 2>/dev/null
}

# send ARGUMENT...: from me@example.org, whom the default account is for.
send () {
  rm -f "$work"/record/*
  echo body | message >"$work/sent"
  submit "$@" <"$work/sent"
}

# goes NAME "ADDRESS..." ARGUMENT...: with these arguments it is sent to these.
goes () {
  goes_name=$1 goes_to=$2
  shift 2
  send "$@"
  check "$goes_name: the status is 0" exits 0
  check "$goes_name: nothing is printed" silent
  check "$goes_name: sent to $goes_to" rcpts $goes_to
  check "$goes_name: nothing is kept" queued 0
}

# stays NAME STATUS LINE ARGUMENT...: with these arguments it is held, LINE (a
# fixed string) is told, and the relay is not asked.
stays () {
  stays_name=$1 stays_status=$2 stays_line=$3
  shift 3
  send "$@"
  check "$stays_name: the status is $stays_status" exits "$stays_status"
  check "$stays_name: the reason is told" grep -qF -- "$stays_line" "$work/err"
  check "$stays_name: it is said that a copy is held" \
    grep -q 'nothing was sent; a copy is held as' "$work/err"
  check "$stays_name: the log has it" grep -qF -- "$stays_line" "$work/log"
  check "$stays_name: it is held" queued 1 held
  check "$stays_name: the relay is not asked" nobody_asked
  rm -f "$state"/held/*
}

# Nothing is set, and the machine's own aliases do not count

set_to aliases "$aliases"
for name in root root@localhost root@LocalHost.LocalDomain root@myhost \
  '\root' '"root"'; do
  stays "no alias ($name)" 67 'is a local name, and no mail is kept on this machine: write `local-mail-to = you@example.org'"'" "$name"
  check "no alias ($name): the line names both files" \
    grep -q "under \\[postrider\\] in $accounts, or an alias for .*root.* in $aliases" \
    "$work/err"
done
stays "two names" 67 'root is a local name' root bob
check "two names: the other is named as well" grep -q 'bob is a local name' \
  "$work/err"
send root you@example.net
check "a name beside an address: the status is 0" exits 0
check "a name beside an address: nothing is printed" silent
check "a name beside an address: sent to who has one" rcpts you@example.net
check "a name beside an address: the log tells" \
  grep -q 'text="root is a local name' "$work/log"
check "a name beside an address: a copy is held" queued 1 held
check "a name beside an address: the sender will be told" queued 1
run_once
told () {
  grep -h "$1" "$work"/record/*.message-*
}
check "a name beside an address: the sender is told" \
  told '^Final-Recipient: rfc822; *root'
check "a name beside an address: why" told '^Status: 5\.1\.1'
rm -f "$state"/held/*
send -v root you@example.net
check "a name beside an address, with -v: who asked is told" \
  grep -q 'root is a local name' "$work/err"
rm -f "$state"/held/* "$state"/queue/*
send 'a@@b' root
check "no address, and a name: the status is that of the first" exits 65
check "no address, and a name: nothing is kept" queued 0 held
send -odb root
check "in the background: the status is 67 as well" exits 67
check "in the background: it is held" queued 1 held
rm -f "$state"/held/*
printf 'To: root, you@example.net\nCc: bob@localhost\n\nbody\n' >"$work/sent"
rm -f "$work"/record/*
submit -t <"$work/sent"
check "in the header: the status is 0" exits 0
check "in the header: who has an address gets it" rcpts you@example.net
check "in the header: the sender will be told of the others" queued 1
rm -f "$state"/held/* "$state"/queue/*

# local-mail-to

set_to local-mail-to 'Me <me@example.org>'
for name in root root@localhost '\root' bob@myhost '"a b"'; do
  goes "local-mail-to ($name)" me@example.org "$name"
done
goes "local-mail-to: two names lead to one" me@example.org root bob
goes "local-mail-to: who has an address keeps it" \
  "me@example.org you@example.net" you@example.net root
set_to local-mail-to 'me@example.org, you@example.net'
goes "local-mail-to: two addresses" "me@example.org you@example.net" root
goes "local-mail-to: nobody twice" "me@example.org you@EXAMPLE.net" \
  you@EXAMPLE.net root
printf 'From: root (Cron Daemon)\nTo: root\nSubject: cron\n\nbody\n' \
  >"$work/sent"
rm -f "$work"/record/*
submit -i -t -f root <"$work/sent"
check "as cron sends it: the status is 0" exits 0
check "as cron sends it: it is sent" rcpts me@example.org you@example.net
set_to local-mail-to root
send root
check "local-mail-to is local itself: the status is 78" exits 78
check "local-mail-to is local itself: the line says so" \
  grep -q "^postrider: $accounts:[0-9]*:17: \`local-mail-to' cannot be \`root'" \
  "$work/err"
check "local-mail-to is local itself: the message is held" queued 1 held
rm -f "$state"/held/*
set_to local-mail-to

# Aliases

cat >"$aliases" <<'END2'
# what a machine has
root: admin@example.net
postmaster: root
MAILER-DAEMON: Postmaster
team: a@example.net, "B, C" <b@example.net>,
	c@example.net
all: team, root, a@example.net
chain: one
one: two@localhost
two: \three
three: three@example.net
mixed: bob, a@example.net
nobody: bob
self: self, a@example.net
alone: alone
loop: pool
pool: loop
command: "|cat >/tmp/never"
file: /var/mail/file
include: :include:/etc/list
some: a@example.net, command
twice: a@example.net
twice: b@example.net
broken: a@@example.net
END2
goes "an alias" admin@example.net root
goes "an alias, by other letters" admin@example.net ROOT@localhost
goes "aliases in a chain" admin@example.net mailer-daemon
goes "aliases in a longer chain" three@example.net chain
goes "an alias for several" "a@example.net b@example.net c@example.net" team
goes "nobody twice" \
  "a@example.net b@example.net c@example.net admin@example.net" all root
goes "the first of two definitions" a@example.net twice
goes "its own mailbox is left out" a@example.net self
check "its own mailbox is left out: the log tells" \
  grep -q "$aliases:14: .self. has no mailbox on this machine" "$work/log"
goes "a target that leads nowhere" a@example.net mixed
check "a target that leads nowhere: the log tells" \
  grep -q 'text="bob is a local name' "$work/log"
stays "an alias for a name alone" 67 'bob is a local name' nobody
stays "its own mailbox alone" 67 'alone is a local name' alone
stays "-n" 67 'root is a local name' -n root
for name in "loop 16 leads back to itself" \
  "command 18 leads to the command" "some 18 leads to the command" \
  "file 19 leads to the file /var/mail/file" \
  "include 20 leads to :include:/etc/list" "broken 24 is unusable"; do
  set -- $name
  name=$1 line=$2
  shift 2
  stays "$name" 78 "$aliases:$line: the alias \`" "$name"
  grep -F "$*" "$work/err" >"$work/words"
  check "$name: in these words" [ -s "$work/words" ]
  stays "$name, beside others" 78 "$aliases:$line: " you@example.net "$name" root
done
check "nothing was run" [ ! -e /tmp/never ]
goes "who needs no alias is not troubled" you@example.net you@example.net
set_to local-mail-to me@example.org
goes "aliases go before local-mail-to" "admin@example.net me@example.org" \
  root bob
goes "-n: local-mail-to" me@example.org -n root
goes "a name among its own targets" me@example.org alone
set_to local-mail-to
echo 'default: everybody@example.net' >>"$aliases"
goes "a catch-all" "admin@example.net everybody@example.net" bob root carol
goes "a catch-all is not for other domains" \
  "bob@example.com" bob@example.com

# Where mail would go

# verify STATUS ARGUMENT...: by -bv; what is said is in $work/out and $work/err.
verify () {
  rm -f "$work"/record/*
  verify_status=$1
  shift
  submit -bv "$@" </dev/null
  check "-bv $*: the status is $verify_status" exits "$verify_status"
  check "-bv $*: the relay is not asked" nobody_asked
  check "-bv $*: nothing is kept" queued 0 held
}

# says FILE LINE: that is all it has.
says () {
  printf '%s\n' "$2" | diff - "$work/$1"
}

by="through account me and relay localhost, port $port"
verify 0 root
check "-bv: an alias" says out "root goes to admin@example.net $by"
check "-bv: no error" [ ! -s "$work/err" ]
verify 0 --account other root 'Me <you@example.net>, one@localhost'
by="through account other and relay localhost, port $port"
check "-bv: a line for each" says out "root goes to admin@example.net $by
you@example.net goes to you@example.net $by
one@localhost goes to three@example.net $by"
verify 0 all
check "-bv: several addresses" grep -q \
  '^all goes to a@example.net, b@example.net, c@example.net, admin@example.net through' \
  "$work/out"
verify 78 bob loop root
check "-bv: who leads nowhere goes with the catch-all" \
  grep -q '^bob goes to everybody@example.net ' "$work/out"
check "-bv: the worst of them" grep -q "^postrider: $aliases:16: " "$work/err"
check "-bv: the others" grep -q '^root goes to ' "$work/out"
verify 67 -n root you@example.net
check "-bv -n: no alias, and that is said once" \
  [ "$(grep -c '^postrider: root is a local name' "$work/err")" = 1 ]
verify 65 'a@@b'
submit -bv </dev/null
check "-bv without a recipient: the status is 64" exits 64

# What is wrong with the file

submit -bi
check "-bi: the status is 0" exits 0
check "-bi: two lines are wrong" [ "$(wc -l <"$work/err")" = 2 ]
check "-bi: one stands there twice" grep -q "^postrider: $aliases:23: .*twice" \
  "$work/err"
check "-bi: one is no address" grep -q "^postrider: $aliases:24: " "$work/err"
chmod 664 "$aliases"
submit -bi
check "-bi: others may write the file: the status is 78" exits 78
chmod 644 "$aliases"

# Files that cannot be used

chmod 664 "$aliases"
stays "others may write the file" 78 "$aliases can be written by others" root
goes "others may write the file: who needs no alias is not troubled" \
  you@example.net you@example.net
chmod 644 "$aliases"
if [ "$(id -u)" = 0 ]; then
  chown 65534 "$aliases"
  stays "the file is another user's" 78 "$aliases belongs to another user" root
  chown 0 "$aliases"
else
  skip "the file is another user's" "only root can give it away"
fi
mv "$aliases" "$work/away"
stays "no such file" 78 "cannot read $aliases" root
mkdir "$aliases"
stays "a directory" 78 "$aliases is not a file" root
rmdir "$aliases"
mkfifo "$aliases"
chmod 600 "$aliases"
stays "a fifo" 78 "$aliases is not a file" root
rm "$aliases"
head -c 1048577 /dev/zero | tr '\0' '#' >"$aliases"
stays "too large" 78 "$aliases is too large" root
mv "$work/away" "$aliases"

# What was held is sent once it can be, and to nobody else

release () {
  rm -f "$work"/record/*
  postrider queue release --all >"$work/released" 2>&1
  run_once
}

send --account other root loop you@example.net
check "held for a loop" queued 1 held
release
check "the loop is still there: it is held again" queued 1 held
check "the loop is still there: the relay is not asked" nobody_asked
check "the loop is still there: the runner's log tells" \
  grep -q 'fate=held.*leads back to itself' "$work/log"
sed -i 's/^pool: loop/pool: p@example.net/' "$aliases"
release
check "the loop is mended: all have it" \
  rcpts admin@example.net p@example.net you@example.net
check "the loop is mended: through the account that was named" \
  grep -q 'account=other .*recipients=3 relayed=3' "$work/log"
check "the loop is mended: nothing is kept" queued 0
check "the loop is mended: nothing is held" queued 0 held

sed -i '/^default/d' "$aliases"
send bob
check "held for want of an alias" queued 1 held
set_to local-mail-to me@example.org
release
check "local-mail-to is set: it is sent" rcpts me@example.org
set_to local-mail-to

mv "$accounts" "$work/accounts"
send -f root root 'bob@localhost' you@example.net
check "without an account: the status is 78" exits 78
check "without an account: it is held" queued 1 held
mv "$work/accounts" "$accounts"
release
check "an account, and no alias for one: it is held again" queued 1 held
check "an account, and no alias for one: the relay is not asked" nobody_asked
echo 'bob: b@example.net' >>"$aliases"
release
check "an account and aliases: all have it" \
  rcpts admin@example.net b@example.net you@example.net
check "an account and aliases: from the account's own address" \
  sh -c 'grep -q "< MAIL FROM:<me@example.org>" "$1"/*.log' - "$work/record"
check "an account and aliases: nothing is held" queued 0 held

# This machine's full name, and its own aliases

inside () { # inside COMMAND...
  unshare --uts --mount --propagation private sh -c '
    hostname host.example.com && mount --bind "$1" /etc && shift && "$@"' - \
    "$work/etc" "$@"
}
set_to aliases
if [ "$(id -u)" = 0 ] && cp -a /etc "$work/etc" &&
  rm -f "$work/etc/mailname" "$work/etc/aliases" && inside true; then
  on_host () {
    inside timeout 60 "$work/bin/sendmail" "$@"
  }
  sendmail=on_host
  submit () {
    on_host "$@" >"$work/out" 2>"$work/err"
    status=$?
  }
  stays "no file of the machine" 67 'root is a local name' root
  goes "no file of the machine: its name is sent as it is" \
    root@host.example.com root@host.example.com
  printf 'root: admin@example.net\ndefault: d@example.net\nx: |y\n' \
    >"$work/etc/aliases"
  chmod 644 "$work/etc/aliases"
  goes "the file of the machine" admin@example.net root
  goes "at the machine's name: an alias" admin@example.net \
    root@host.example.com
  goes "at the machine's name: no alias" bob@Host.Example.com \
    bob@Host.Example.com
  stays "at the machine's name: a command" 78 '/etc/aliases:3: ' \
    x@host.example.com
  echo mail.example.com >"$work/etc/mailname"
  goes "at its name for mail: an alias" \
    "admin@example.net bob@mail.example.com" root@mail.example.com \
    bob@mail.example.com
else
  skip "the machine's own name and aliases" \
    "only root can have a machine of one's own"
fi
end
