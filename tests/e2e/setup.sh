#!/bin/sh
# postrider setup: the whole dialogue, from nothing to a test message that has arrived,
# with a real keyring and a Postfix with an authority of its own; all of it by options;
# what DNS may say of a relay, friendly or not; and that nothing is changed by who
# leaves, or by what fails. In a network of its own, for it has a name server.
. "$(dirname "$0")/lib.sh"
need postfix dovecot python3
need_own_network ip link set lo up
begin 170

# A name server that the tests write.
hostile=$source/tests/hostile
put_file () { # put_file FILE: in its place, from stdin
  cat >"$work/${1##*/}"
  mount --bind "$work/${1##*/}" "$1"
}
ip link set lo up
echo 'hosts: files dns' | put_file /etc/nsswitch.conf
echo '127.0.0.1 localhost' | put_file /etc/hosts
printf 'nameserver 127.0.0.1\noptions timeout:1 attempts:1\n' |
  put_file /etc/resolv.conf
: >"$work/zone"
: >"$work/questions"
python3 "$hostile/nameserver.py" "$work/zone" "$work/questions" \
  >"$work/nameserver" 2>&1 &
keep $!
await grep -q ready "$work/nameserver" || exit 1

# The other programs of this machine do not count.
start_relay postfix
tls=$(port postfix tls) starttls=$(port postfix starttls)
other=$(port postfix wrong_host)
ca=$work/postfix/certificates/ca.pem
mail=$work/postfix/mail/all

# begins: as it was at first, or (begins TEXT) with that accounts file.
begins () {
  secret-tool clear service smtp 2>/dev/null
  rm -rf "${accounts%/*}" "$mail/new"
  : >"$work/zone"
  : >"$work/questions"
  [ $# = 0 ] || {
    mkdir -p "${accounts%/*}"
    printf "$@" >"$accounts"
    chmod 600 "$accounts"
  }
}

# talk PROMPT KEYS [PROMPT KEYS]... -- ARGUMENT...: at a terminal; what it showed is in
# $work/err.
talk () {
  rm -f "$work/out"
  talk_words=0 talk_over=
  for talk_word; do
    shift
    if [ -n "$talk_over" ]; then
      set -- "$@" "$talk_word"
    elif [ "$talk_word" = -- ]; then
      talk_over=yes
      set -- "$@" "$build/postrider" setup --link no
    else
      [ $talk_words = 0 ] || [ $((talk_words % 2)) = 1 ] || set -- "$@" +
      set -- "$@" "$talk_word"
      talk_words=$((talk_words + 1))
    fi
  done
  timeout 30 "$build/tests/e2e/terminal" "$@" 2>&1 | tr -d '\r' >"$work/err"
}

enter='
'

# batch PASSWORD ARGUMENT...: it is on standard input; "" is nothing.
batch () {
  (umask 077 && printf "${1:+%s\n}" "$1" >"$work/password")
  shift
  timeout 100 postrider setup --batch "$@" >"$work/out" 2>"$work/err" \
    <"$work/password"
  status=$?
}

said () { # said TEXT...: on the terminal, or by batch
  for said_text; do
    cat "$work/err" "$work/out" 2>/dev/null | tr -s '\n ' ' ' |
      grep -qF -- "$said_text" || {
        echo "not said: $said_text"
        cat "$work/err" "$work/out"
        return 1
      }
  done
}

unsaid () {
  ! said "$1" >/dev/null
}

ended_with () { # ended_with LINE: terminal's last
  tail -n 1 "$work/err"
  [ "$(tail -n 1 "$work/err")" = "$1" ]
}

nothing_changed () {
  [ ! -e "$accounts" ] && no_password
}

no_password () {
  ! secret-tool search --all service smtp 2>/dev/null | grep -q .
}

stored () { # stored HOST PORT
  [ "$(secret-tool lookup service smtp host "$1" port "$2" user "$relay_user")" \
    = "$relay_password" ]
}

has () { # has LINE...: of the accounts file, whole ones
  for has_line; do
    grep -qxF -- "$has_line" "$accounts" || {
      echo "no line $has_line in"
      cat "$accounts"
      return 1
    }
  done
}

lacks () { # lacks PATTERN
  ! grep -e "$1" "$accounts"
}

mode () {
  [ "$(stat -c %a "$accounts")" = 600 ] &&
    [ "$(stat -c %a "${accounts%/*}")" = 700 ]
}

test_arrived () {
  arrived "$mail" && grep -q '^Subject: A test of Postrider' "$work/arrived" &&
    grep -q "^To: $relay_user" "$work/arrived"
}

asked_dns () { # asked_dns NAME TYPE
  grep -qx "$1 $2" "$work/questions"
}

unasked () { # unasked NAME: nobody even wanted its address
  ! grep -E "^$1 (A|AAAA)\$" "$work/questions"
}

# The whole way, with a wrong password on it.
begins
talk 'mail address: ' "$relay_user$enter" \
  'HOST:PORT): ' "localhost:$tls$enter" \
  'another relay): ' "$ca$enter" \
  "[$relay_user]: " "$enter" \
  'Password of' "wrong$enter" \
  "[$relay_user]: " "$enter" \
  'Password of' "$relay_password$enter" \
  'test message' "$enter" --
check 'from nothing: the status is 0' ended_with 'status 0'
check 'from nothing: SRV was asked for' asked_dns \
  _submissions._tcp.example.org SRV
check 'from nothing: it says whom it has reached' said \
  "Reached localhost, port $tls (127.0.0.1" 'TLS1.3' \
  'certificate for localhost by' 'until 2'
check 'from nothing: the wrong password was refused, with advice' said \
  'refused the login' 'an app password'
check 'from nothing: the login' said "Logged in as $relay_user."
check 'from nothing: the account' has "from = $relay_user" 'host = localhost' \
  "port = $tls" "user = $relay_user" "trust-file = $ca"
check 'from nothing: implicit TLS need not be said' lacks '^tls'
check 'from nothing: nobody else can read the file' mode
check 'from nothing: the password is in the keyring' stored localhost "$tls"
check 'from nothing: the password was not shown' \
  unsaid "$relay_password"
check 'from nothing: the test message has arrived' test_arrived
check 'from nothing: it says so' said \
  "has taken the test message for $relay_user"
check 'from nothing: the lines for other programs' said 'set sendmail = ' \
  'git config --global sendemail.' "MAILTO=$relay_user"

# Who says the same again changes nothing.
cp "$accounts" before
touch -d @1 "$accounts"
batch "" --replace --host localhost --port "$tls" --trust-file "$ca" "$relay_user"
check 'the same again: the status' exits 0
check 'the same again: says so' said 'stays as it is'
check 'the same again: the file is as it was' sh -c "cmp before '$accounts' &&
  [ \$(stat -c %Y '$accounts') = 1 ]"

# What was set up is good for real mail.
echo 'a body' | message >sent
submit -f "$relay_user" you@example.net <sent
check 'the account sends' exits 0
check 'what it sends arrives' came sent "$mail"

# An account that is there is changed only by who says so.
cp "$accounts" before
talk 'Change it? [y/N] ' "$enter" -- "$relay_user"
check 'an account that is there: no' said 'nothing was changed' 'status 64'
check 'an account that is there: the file is as it was' cmp before "$accounts"
batch "" "$relay_user"
check 'an account that is there, nobody is asked: the option' said --replace
check 'an account that is there, nobody is asked: the status' exits 64
postrider setup me@work.example "$relay_password" >"$work/out" 2>&1
status=$?
check 'a password on the command line: the status' exits 64
check 'a password on the command line: nobody repeats it' \
  eval '! grep -F "$relay_password" "$work/out"'
check 'an account that is there, nobody is asked: as it was' \
  cmp before "$accounts"
printf '# mine\n[postrider]\nnotify = no ; mine too\n\n' | cat - "$accounts" \
  >after
cat after >"$accounts"
talk 'Change it? [y/N] ' "y$enter" 'test message' "n$enter" -- \
  --host localhost --port "$tls" "$relay_user"
check 'an account that is changed: the keyring has the password' said \
  'The keyring has a password' 'status 0'
check 'an account that is changed: its file of trust is kept' \
  has "trust-file = $ca" '# mine' 'notify = no ; mine too'
talk 'Change it? [y/N] ' "y$enter" 'HOST:PORT) [localhost]: ' "$enter" \
  'test message' "n$enter" -- "$relay_user"
check 'an account that is changed: its relay is proposed, with its port' \
  ended_with 'status 0'
check 'an account that is changed: as it was' has "port = $tls" '# mine'
batch "" --replace --default "$relay_user"
check 'an account that is changed, nobody is asked: its relay is kept' exits 0
check 'an account that is changed: it is the only one' \
  test "$(grep -c '^\[' "$accounts")" = 2

# Leaving. Ctrl-C at each question.
leave_at () { # leave_at NAME PROMPT [ANSWERED PROMPT KEYS...]
  leave_name=$1 leave_prompt=$2
  shift 2
  begins
  talk "$@" "$leave_prompt" "$(printf '\003')" --
  check "Ctrl-C at $leave_name: it ends" said 'signal 2'
  check "Ctrl-C at $leave_name: nothing is changed" nothing_changed
  check "Ctrl-C at $leave_name: the terminal echoes" said 'echo on'
}
leave_at 'the address' 'mail address: '
set -- 'mail address: ' "$relay_user$enter"
leave_at 'the host' 'HOST:PORT): ' "$@"
set -- "$@" 'HOST:PORT): ' "localhost:$tls$enter"
leave_at 'the authority' 'another relay): ' "$@"
set -- "$@" 'another relay): ' "$ca$enter"
leave_at 'the login name' "[$relay_user]: " "$@"
set -- "$@" "[$relay_user]: " "$enter"
leave_at 'the password' 'Password of' "$@"
set -- "$@" 'Password of' "$relay_password$enter"
leave_at 'the test message' 'test message' "$@"
begins
talk "[$relay_user]: " "$enter" 'Password of' "$(printf '\004')" -- \
  --host localhost --port "$tls" --trust-file "$ca" "$relay_user"
check 'the end of what is typed for a password: nothing is changed' nothing_changed
check 'the end of what is typed for a password: the status' ended_with 'status 75'
check 'the end of what is typed for a password: the terminal echoes' said 'echo on'
begins
talk 'mail address: ' "$(printf '\004')" --
check 'the end of what is typed: nothing is changed' nothing_changed
check 'the end of what is typed: the status' ended_with 'status 75'

# By options alone.
begins
batch "$relay_password" --host localhost --port "$starttls" \
  --tls starttls --trust-file postfix/certificates/ca.pem --account work \
  --test yes "$relay_user"
check 'options: the status is 0' exits 0
check 'options: the account' has '[work]' "from = $relay_user" \
  'host = localhost' "port = $starttls" 'tls = starttls' "trust-file = $ca"
check 'options: the password is in the keyring' stored localhost "$starttls"
check 'options: the test message has arrived' test_arrived

begins
(umask 077 && printf '%s\n' "$relay_password" >file)
batch "" --host localhost --port "$tls" --trust-file "$ca" \
  --password-file file "$relay_user"
check 'another place for the password: the status is 0' exits 0
check 'another place for the password: the account' \
  has "password-file = $work/file"
check 'another place for the password: not the keyring' no_password
batch "" --host localhost --port "$tls" --trust-file "$ca" --account second \
  --user "$relay_user" --password-command "cat $work/file" me@example.com
check 'a second account: the first stays the default' \
  sh -c "sed '/^\[second/,\$d' '$accounts' | grep -qx 'default = yes'"
batch "" --host localhost --port "$tls" --trust-file "$ca" --account third \
  --default --user "$relay_user" --password-command "cat $work/file" me@example.net
check 'a third account, to be the default: it alone is' sh -c "
  [ \$(grep -c '^default = yes' '$accounts') = 1 ] &&
    sed -n '/^\[third/,\$p' '$accounts' | grep -qx 'default = yes'"

# An authority of its own, on a port whose TLS mode nobody has said.
begins
talk 'HOST:PORT): ' "localhost:$starttls$enter" \
  'another relay): ' "/none.pem$enter" \
  'another relay): ' "/etc/passwd$enter" \
  'another relay): ' "$ca$enter" \
  "[$relay_user]: " "$enter" \
  'Password of' "$relay_password$enter" \
  'test message' "n$enter" -- "$relay_user"
check 'STARTTLS and an unknown authority: the status is 0' ended_with 'status 0'
check 'STARTTLS and an unknown authority: the file is asked for until it is good' \
  said 'cannot read /none.pem' '/etc/passwd: no certificate'
check 'STARTTLS and an unknown authority: the account' has 'tls = starttls' \
  "port = $starttls" "trust-file = $ca"

# Without a keyring.
keyringless () { # keyringless NAME PROMPT KEYS...: at a terminal
  keyringless_name=$1
  shift
  begins
  DBUS_SESSION_BUS_ADDRESS=unix:path=/none talk "[$relay_user]: " "$enter" "$@" \
    -- --host localhost --port "$tls" --trust-file "$ca" "$relay_user"
  check "no keyring, $keyringless_name: why" said 'cannot ask the keyring'
}
keyringless 'a file' 'none): ' "nowhere$enter" 'none): ' "file$enter" \
  'test message' "n$enter"
check 'no keyring, a file: the status is 0' ended_with 'status 0'
check 'no keyring, a file: one that is not there' said 'cannot read'
check 'no keyring, a file: the account' has "password-file = $work/file"
keyringless 'a command' 'none): ' "$enter" 'none): ' "cat $work/file$enter" \
  'test message' "n$enter"
check 'no keyring, a command: the account' has "password-command = cat $work/file"
keyringless 'nothing' 'none): ' "$enter" 'none): ' "$enter"
check 'no keyring, nothing: the status' ended_with 'status 75'
check 'no keyring, nothing: nothing is changed' nothing_changed

# Port and TLS mode are found out.
start_scripted --serve --starttls --port 587 --certificate \
  "$work/postfix/certificates/good.pem"
begins
batch secret --host localhost --trust-file "$ca" --user me "$relay_user"
check 'a host alone: the status is 0' exits 0
check 'a host alone: STARTTLS was found' has 'tls = starttls'
check 'a host alone: on its usual port' lacks '^port'
stop_scripted

# An accounts file that cannot be written: the keyring is as it was.
unwritable () { # unwritable NAME SAID
  batch other --no-check --replace --host localhost --port "$tls" "$relay_user"
  check "$1: the status" exits 74
  check "$1: says so" said "cannot write $accounts: $2"
  check "$1: nothing is left beside the file" \
    sh -c "! ls -A '${accounts%/*}' | grep tmp"
}
on () { # on MOUNT-OPTION...: what there was, in a file system of its own
  cp "$accounts" before 2>/dev/null
  mount -t tmpfs "$@" none "${accounts%/*}"
  cp before "$accounts" 2>/dev/null
}
begins
rm -f before
mkdir -p "${accounts%/*}"
on
mount -o remount,ro "${accounts%/*}"
unwritable 'a directory that is read-only' 'Read-only file system'
check 'a directory that is read-only: no password is stored' nothing_changed
umount "${accounts%/*}"
batch "$relay_password" --host localhost --port "$tls" --trust-file "$ca" \
  "$relay_user"
check 'a password that is to be replaced' stored localhost "$tls"
on -o size=8k
dd if=/dev/zero of="${accounts%/*}/full" bs=4k count=9 2>/dev/null
unwritable 'a full disk' 'No space left on device'
check 'a full disk: the old password is there' stored localhost "$tls"
check 'a full disk: the old account is there' cmp before "$accounts"
umount "${accounts%/*}"

# A relay that takes the login, and not the sender.
dialogue sender <<'END'
until MAIL *
< MAIL *
> 550 5.7.60 not your address
serve
END
start_scripted --certificate "$work/postfix/certificates/good.pem" sender
begins
batch secret --host localhost --port "$port" --trust-file "$ca" --user me \
  "$relay_user"
check 'a sender that is refused: the status' exits 69
check 'a sender that is refused: says so' said 'not your address'
check 'a sender that is refused: nothing is changed' nothing_changed
talk 'Password of' "secret$enter" 'all the same? [y/N] ' "y$enter" \
  'test message' "n$enter" -- --host localhost --port "$port" \
  --trust-file "$ca" --user me "$relay_user"
check 'a sender that is refused: a person may want it all the same' \
  ended_with 'status 0'
check 'a sender that is refused: then the account is written' has "port = $port"
stop_scripted

# What was held for want of a password.
begins "[work]\nfrom = $relay_user\nhost = localhost\nport = $tls\nuser = \
$relay_user\ntrust-file = $ca\n"
submit -f "$relay_user" you@example.net <sent
check 'no password: the message is held' exits 77
batch "$relay_password" --host localhost --port "$tls" --replace "$relay_user"
check 'a password after all: the status is 0' exits 0
check 'a password after all: says what sends the message' said \
  'queue release --account work'
postrider queue release --account work >"$work/out" 2>&1
check 'a password after all: that sends it' came sent "$mail"

# The link, on a machine that has no sendmail, and the service.
begins
cat >link <<END
mount -t tmpfs none /usr/sbin || exit 99
program=$build/postrider
link () {
  "\$program" setup --batch --link yes --host localhost --port $tls \
    --trust-file "$ca" "\$@" "$relay_user"
}
cp /bin/true /usr/sbin/msmtp
ln -s msmtp /usr/sbin/sendmail
link --password-file file 2>"$work/foreign"
echo "status \$?" >>"$work/foreign"
readlink /usr/sbin/sendmail >>"$work/foreign"
rm "$accounts" /usr/sbin/msmtp
cp "$build/postrider" anybodys
chmod 757 anybodys
program=$work/anybodys
link --password-file file >"$work/lines" 2>"$work/anybody"
echo "status \$?" >>"$work/anybody"
readlink /usr/sbin/sendmail >>"$work/anybody"
"\$program" check >"$work/anybody-check"
mkdir -p home/bin
cp "$build/postrider" home/bin
chown 1000 home
"$work/home/bin/postrider" check >"$work/home-check"
"$build/postrider" check >"$work/roots-check"
rm "$accounts"
program=$build/postrider
link
status=\$?
readlink /usr/sbin/sendmail >"$work/led"
exit \$status
END
printf '%s\n' "$relay_password" >"$work/password"
unshare --mount sh link <"$work/password" >"$work/out" 2>"$work/err"
status=$?
check 'a link to another program: the status' grep -qx 'status 73' foreign
check 'a link to another program: it stays' grep -qx msmtp foreign
check 'a link to another program: what to do' \
  grep -q "remove that program's package" foreign
check 'a link to what others can change: the status' grep -qx 'status 73' anybody
check 'a link to what others can change: there is none' grep -qx msmtp anybody
check 'a link to what others can change: why' grep -q 'install it' anybody
not_linked () { # not_linked FILE PROGRAM: to install it is advised, and no link
  tr -s '\n ' ' ' <"$1" | grep -F -- "-> $2 can be changed" |
    grep 'install it for all users' && ! grep 'ln -s' "$1"
}
check 'what others can change: the last lines' not_linked lines "$work/anybodys"
check 'what others can change: postrider check' \
  not_linked anybody-check "$work/anybodys"
check 'what is in a home: postrider check' not_linked home-check \
  "$work/home/bin/postrider"
check "what only root can change: postrider check" eval "tr -s '\n ' ' ' \
  <roots-check | grep -F 'ln -sf $build/postrider /usr/sbin/sendmail'"
check 'a link that leads nowhere: the status is 0' exits 0
check 'the link: it leads here' grep -qx "$build/postrider" led
check 'the link: other programs are told of it' said \
  'set sendmail = "/usr/sbin/sendmail"'
if [ -e /usr/bin/systemctl ]; then
  cat >systemctl <<END
#!/bin/sh
echo "\$*" >>"$work/units"
[ "\$2" != show ] || echo UnitFileState=disabled
END
  chmod 755 systemctl
  begins
  talk "[$relay_user]: " "$enter" 'Password of' "$relay_password$enter" \
    'test message' "n$enter" -- --host localhost --port "$tls" \
    --trust-file "$ca" "$relay_user"
  check 'no systemd: it is not asked about' unsaid systemd
  # It knows the unit's file, as where none runs.
  sed 's/show/list-unit-files/; s/=/.service /' systemctl >stopped
  chmod 755 stopped
  mount --bind stopped /usr/bin/systemctl
  begins
  talk "[$relay_user]: " "$enter" 'Password of' "$relay_password$enter" \
    'test message' "n$enter" -- --host localhost --port "$tls" \
    --trust-file "$ca" "$relay_user"
  umount /usr/bin/systemctl
  check 'a systemd that does not run: it is not asked about' unsaid systemd
  mount --bind systemctl /usr/bin/systemctl
  begins
  talk "[$relay_user]: " "$enter" 'Password of' "$relay_password$enter" \
    'test message' "n$enter" 'Have systemd' "$enter" -- --host localhost \
    --port "$tls" --trust-file "$ca" "$relay_user"
  umount /usr/bin/systemctl
  check 'the service: the status is 0' ended_with 'status 0'
  manager=--user
  [ "$(id -u)" != 0 ] || manager=--system
  check 'the service: it is enabled' \
    grep -qx -- "$manager enable --now postrider.service" units
else
  skip 'the service' 'there is no systemctl here'
fi

# lacking NAME STATUS OPTION ARGUMENT...: one line that names it.
lacking () {
  lacking_name=$1 lacking_status=$2 lacking_option=$3
  shift 3
  batch "" "$@"
  check "$lacking_name: the status" exits "$lacking_status"
  check "$lacking_name: one line" test "$(wc -l <"$work/err")" = 1
  check "$lacking_name: names what to say" said "$lacking_option"
  check "$lacking_name: nothing is changed" nothing_changed
}
begins
lacking 'no address' 64 ADDRESS
lacking 'no host' 64 --host "$relay_user"
lacking 'no password' 64 --password-file --host localhost --port "$tls" \
  --trust-file "$ca" "$relay_user"
lacking 'an authority that nobody knows' 75 --trust-file --host localhost \
  --port "$tls" "$relay_user"
lacking 'two places for the password' 64 --token-command --host localhost \
  --password-file x --token-command y "$relay_user"
lacking 'no port of that number' 64 port --port 0 "$relay_user"
lacking 'nothing listens' 75 localhost --host localhost --port 9 "$relay_user"
batch wrong --host localhost --port "$tls" --trust-file "$ca" \
  "$relay_user"
check 'a wrong password: the status' exits 77
check 'a wrong password: nothing is changed' nothing_changed
DBUS_SESSION_BUS_ADDRESS=unix:path=/none batch "$relay_password" \
  --host localhost --port "$tls" --trust-file "$ca" "$relay_user"
check 'no keyring: says what to do' said 'or keep the password elsewhere' \
  --password-command
check 'no keyring: nothing is changed' nothing_changed
batch "$relay_password" --no-check --host nowhere.example \
  "$relay_user"
check 'no check: nobody is contacted' unasked nowhere.example
check 'no check: the account' has 'host = nowhere.example'
begins '[a]\nfrom = a@example.org\n'
batch "" "$relay_user"
check 'a file that is wrong: the status' exits 78
check 'a file that is wrong: its line' said "$accounts:1:"

# A provider of the table; in this network there is none.
begins
batch x me@gmail.com
check 'a provider: its relay' said 'Gmail: smtp.gmail.com, port 465 (as of 20'
check 'a provider: what its password is' said 'an app password' \
  https://myaccount.google.com/apppasswords
check 'a provider: DNS is not asked about it' \
  sh -c "! grep SRV '$work/questions'"

begins
batch x --no-check me@web.de
check 'a provider that wants the local part: it logs in' has 'user = me'

# What DNS says.
zone () {
  printf '%s\n' "$@" >"$work/zone"
}
at_other=me@other.example
begins
zone "_submissions._tcp.other.example SRV $other other.example" \
  'other.example A 127.0.0.1'
batch "$relay_password" --trust-file "$ca" \
  --user "$relay_user" "$at_other"
check 'SRV within the domain: the status is 0' exits 0
check 'SRV within the domain: it is used' has 'host = other.example' \
  "port = $other"
check 'SRV within the domain: for what stands there nothing is asked again' \
  lacks '^tls'

begins
zone 'trust-file.example A 127.0.0.1'
batch "$relay_password" --host trust-file.example --port "$tls" \
  --trust-file "$ca" "$relay_user"
check 'a certificate for another name: says so' said 'is for another name'
check 'a certificate for another name: no other authority is proposed' \
  unsaid 'takes it by --trust-file'

# foreign NAME OPTION RECORD...: not contacted, whatever it says.
foreign () {
  foreign_name=$1 foreign_word=$2
  shift 2
  begins
  zone "$@" 'evil.test A 127.0.0.1'
  batch "$relay_password" --trust-file "$ca" "$at_other"
  check "$foreign_name: the status" exits 64
  check "$foreign_name: says so" said "$foreign_word" --host
  check "$foreign_name: nobody is contacted" unasked evil.test
  check "$foreign_name: no control characters are shown" \
    sh -c "! LC_ALL=C grep -q '[[:cntrl:]]' '$work/err'"
  check "$foreign_name: nothing is changed" nothing_changed
}
srv=_submissions._tcp.other.example
foreign 'SRV to another domain' evil.test "$srv SRV $tls evil.test"
foreign 'SRV to a domain that looks like it' another.example \
  "$srv SRV $tls another.example"
foreign 'SRV to port 25' 'could be used' "$srv SRV 25 smtp.other.example"
foreign 'SRV to nobody' 'no relay for its users' "$srv SRV 0 ."
foreign 'SRV with control characters' 'could be used' \
  "$srv SRV 465 $(printf '\033[2Jx.other.example')"
foreign 'SRV with octets that are no text' 'could be used' \
  "$srv SRV 465 $(printf '\377\001.other.example')"
foreign 'an answer that is none' 'no answer' "$srv is garbled"
foreign 'a name server in trouble' 'no answer' "$srv is servfail"

begins
{
  seq -f "$srv SRV 465 n%g.evil.test" 1000
  echo 'evil.test A 127.0.0.1'
} >"$work/zone"
batch x --trust-file "$ca" "$at_other"
check 'a thousand records: one of them is named, none is contacted' said \
  '.evil.test'
check 'a thousand records: the status' exits 64
check 'a thousand records: one line' test "$(wc -l <"$work/err")" = 1

# A person may know that it is right, or that it is not.
begins
zone "$srv SRV $tls localhost.evil.test" 'localhost.evil.test A 127.0.0.1'
talk "provider's? [y/N] " "$enter" 'HOST:PORT): ' "$(printf '\004')" -- \
  "$at_other"
check 'SRV to another domain is shown' said 'localhost.evil.test' 'can be forged'
check 'SRV to another domain: no is taken for no' unasked localhost.evil.test
begins
zone "$srv SRV $tls localhost.evil.test" 'localhost.evil.test A 127.0.0.1'
talk "provider's? [y/N] " "y$enter" 'HOST:PORT)' "$(printf '\004')" -- \
  --trust-file "$ca" "$at_other"
check 'SRV to another domain: yes contacts it' said 'is for another name'
check 'SRV to another domain: nothing is changed' nothing_changed
end
