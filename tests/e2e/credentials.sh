#!/bin/sh
# Where passwords come from beside the keyring: each source logs in; whatever is
# wrong with one has its exit status, its fate and its line, no other source is
# asked, and the relay is left alone.
. "$(dirname "$0")/lib.sh"
need dbus-monitor strace
need_root
begin 240
start_relay postfix
make_certificates
start_scripted --serve --certificate "$work/certificates/good.pem"
box=$work/postfix/mail/all
secrets=$work/secrets
mkdir -m 700 "$secrets"

# Who asks the keyring is seen. It holds the right passwords all the time.
relay_account keyring postfix tls
password keyring "$relay_password" || exit 1
scripted_account kept
password kept secret || exit 1
dbus-monitor --session "type='method_call',member='SearchItems'" \
  >"$work/monitor" 2>/dev/null &
keep $!

asked () { # asked N: the keyring was, so many times by now.
  asked_n=$(grep -c 'member=SearchItems' "$work/monitor")
  [ "$asked_n" = "$1" ] || {
    echo "the keyring was asked $asked_n times"
    return 1
  }
}
is_asked () {
  ! asked 0
}
lacks () {
  ! grep -F -e can''ary-7 -e "$(printf can''ary-7 | base64)" "$1"
}
nothing_has () {
  ! grep -rF -e can''ary-7 -e "$(printf can''ary-7 | base64)" "$1"
}
not_said () {
  ! grep -F -- "$1" "$work/said"
}

# A program that prints what its arguments say.
cat >"$work/print" <<'END'
#!/bin/sh
case $1 in
argv) shift; printf '%s' "$*" ;;
*) exec cat "$1" ;;
esac
END
chmod 755 "$work/print"

printf '%s\n' "$relay_password" >"$secrets/right"
printf '%s' "$relay_password" >"$secrets/bare"
printf '%s\nurl: smtp.example.org\nuser: me\n' "$relay_password" \
  >"$secrets/entry"
chmod 600 "$secrets"/*
mkdir -m 700 "$work/credentials"
cp "$secrets/right" "$work/credentials/mail"
chmod 400 "$work/credentials/mail"
export CREDENTIALS_DIRECTORY="$work/credentials"

# Each logs in

source_of () { # source_of ACCOUNT SETTING: at Postfix
  relay_account "$1" postfix tls "$2"
}
logs_in () { # logs_in NAME ACCOUNT
  printf 'from %s\n' "$2" | message >"$work/sent"
  submit -f "$2@example.org" you@example.net <"$work/sent"
  check "$1: the status is 0" exits 0
  check "$1: it arrives" came "$work/sent" "$box"
}
source_of command "password-command = $work/print $secrets/right"
source_of bare "password-command = cat $secrets/bare"
source_of entry "password-command = cat $secrets/entry"
source_of shell "password-command = sh -c 'read a <$secrets/right; cat $secrets/right'"
source_of agent "password-command = sh -c 'sleep 300 & cat $secrets/right'"
source_of file "password-file = $secrets/right"
source_of credential 'password-credential = mail'
logs_in "a command" command
logs_in "a command that prints no newline" bare
logs_in "a command that prints more lines" entry
logs_in "a command that is a shell" shell
logs_in "a command that leaves a process behind" agent
logs_in "a file" file
logs_in "a credential" credential

# A runner has it from the same place, with as little around it as cron gives.
numbered 1 >"$work/sent"
submit -odq -f command@example.org you@example.net <"$work/sent"
check "from cron: it is queued" queued 1
env -i HOME="$HOME" XDG_STATE_HOME="$XDG_STATE_HOME" \
  XDG_CONFIG_HOME="$XDG_CONFIG_HOME" PATH=/usr/bin:/bin \
  timeout 60 "$build/postrider" run --once >"$work/out" 2>"$work/err"
check "from cron: it arrives" came "$work/sent" "$box"

# What systemd makes where the file system has access control lists: root's, and
# the mask of the list is where the group's bits are.
chmod 440 "$work/credentials/mail"
logs_in "a credential with an access control list" credential
chmod 400 "$work/credentials/mail"

# What is wrong, and what follows

seconds=2
# fault NAME EXIT FATE LINE SETTING...: with an account of such settings; LINE is
# part of the one line that the caller or the log has.
faults=0
fault () {
  fault_name=$1 fault_exit=$2 fault_fate=$3 fault_line=$4
  shift 4
  faults=$((faults + 1))
  scripted_account "f$faults" 'timeout-password = 500ms' "$@"
  rm -rf "$state"
  : >"$work/log"
  fault_begun=$(date +%s)
  message 'Subject: one' </dev/null >"$work/sent"
  submit -v -f "f$faults@example.org" you@example.net <"$work/sent"
  fault_taken=$(($(date +%s) - fault_begun))
  cat "$work/err" >>"$work/said"
  cat "$work/log" >>"$work/said"
  check "$fault_name" as_told
  echo "# $fault_name | $fault_exit | $fault_fate | $(line)"
}
# The line of the caller, without what is the same in each.
line () {
  sed -n "s|.*$accounts:[0-9]*: ||p" "$work/err" | sed "s|$work/|…/|g"
}
as_told () {
  cat "$work/err"
  exits "$fault_exit" && queued 1 "$fault_fate" &&
    grep -qF -- "$fault_line" "$work/err" &&
    [ "$(grep -cF -- "$fault_line" "$work/err")" = 1 ] &&
    grep -q "f$faults" "$work/log" && [ "$fault_taken" -le "$seconds" ]
}
script () { # script: a program, on stdin; $program is its path
  programs=$((${programs-0} + 1))
  program=$work/program$programs
  { echo '#!/bin/sh' && cat; } >"$program"
  chmod 755 "$program"
}
secret_file () { # secret_file NAME: from stdin
  cat >"$secrets/$1"
  chmod 600 "$secrets/$1"
}

echo '# what is wrong | exit status | fate | line'

fault "command: missing" 77 held "cannot run \`/nonexistent': No such file" \
  'password-command = /nonexistent'
fault "command: not found" 77 held "cannot run \`no-such-program': it is not in" \
  'password-command = no-such-program canary'
fault "command: not executable" 77 held 'Permission denied' \
  "password-command = $secrets/right"
fault "command: a directory" 77 held 'Permission denied' \
  "password-command = $secrets"
script <<'END'
echo canary; echo first >&2; echo 'no such key' >&2; exit 1
END
fault "command: exits 1" 77 held 'exited with status 1: no such key' \
  "password-command = $program canary"
script <<'END'
printf 'a\033[31mb\007\n' >&2; exit 2
END
fault "command: its complaint has escapes" 77 held 'status 2: a?[31mb?' \
  "password-command = $program"
script <<'END'
echo canary; kill -s KILL $$
END
fault "command: killed" 77 held 'was ended by signal 9' \
  "password-command = $program"
fault "command: prints nothing" 77 held 'its first line is empty' \
  'password-command = true'
fault "command: prints an empty line" 77 held 'its first line is empty' \
  'password-command = echo'
fault "command: prints 1 GB" 77 held 'printed more than 65536 octets' \
  'password-command = head -c 1000000000 /dev/zero'
fault "command: never stops printing" 77 held 'printed more than 65536' \
  'password-command = yes canary'
fault "command: complains without end" 0 queue 'did not end in time' \
  "password-command = sh -c 'yes >&2'"
fault "command: hangs" 0 queue 'did not end in time' \
  "password-command = sh -c 'echo canary; exec sleep 300'"
fault "command: hangs, stdout closed" 0 queue 'did not end in time' \
  "password-command = sh -c 'echo canary; exec sleep 300 >&- 2>&-'"
fault "command: stopped" 0 queue 'did not end in time' \
  "password-command = sh -c 'echo canary; kill -s STOP \$\$'"
fault "command: a grandchild hangs" 0 queue 'did not end in time' \
  "password-command = sh -c 'sleep 300 & wait'"
fault "command: reads stdin" 77 held 'its first line is empty' \
  'password-command = cat'
fault "command: asks on the terminal" 77 held 'exited with status' \
  "password-command = sh -c 'cat </dev/tty'"
fault "command: CR LF inside" 77 held 'carriage return' \
  "password-command = printf 'can\\r\\nary\\n'"
fault "command: CR LF at the end" 77 held 'carriage return' \
  "password-command = printf 'canary\\r\\n'"
fault "command: NUL inside" 77 held 'NUL octet' \
  "password-command = printf 'can\\000ary\\n'"
fault "command: not UTF-8" 77 held 'not UTF-8' \
  "password-command = printf 'canary\\377\\n'"

fault "file: absent" 78 held 'No such file' "password-file = $secrets/none"
fault "file: a directory" 78 held 'is not a file' "password-file = $secrets"
mkfifo -m 600 "$secrets/fifo"
fault "file: a fifo" 78 held 'is not a file' "password-file = $secrets/fifo"
fault "file: a device" 78 held 'is not a file' "password-file = /dev/zero"
printf 'canary\n' | secret_file open
chmod 644 "$secrets/open"
fault "file: others may read it" 78 held 'can be read by others' \
  "password-file = $secrets/open"
chmod 640 "$secrets/open"
fault "file: its group may read it" 78 held 'can be read by others' \
  "password-file = $secrets/open"
chmod 622 "$secrets/open"
fault "file: others may write it" 78 held 'can be written by others' \
  "password-file = $secrets/open"
printf 'canary\n' | secret_file foreign
chown 65534 "$secrets/foreign"
fault "file: another user's" 78 held 'belongs to another user' \
  "password-file = $secrets/foreign"
ln -s right "$secrets/link"
fault "file: a symbolic link" 78 held 'is a symbolic link' \
  "password-file = $secrets/link"
: | secret_file empty
fault "file: empty" 77 held 'its first line is empty' \
  "password-file = $secrets/empty"
printf '\ncanary\n' | secret_file blank
fault "file: its first line is empty" 77 held 'its first line is empty' \
  "password-file = $secrets/blank"
printf 'canary\r\n' | secret_file cr
fault "file: CR LF" 77 held 'carriage return' "password-file = $secrets/cr"
printf 'can\0ary\n' | secret_file nul
fault "file: NUL" 77 held 'NUL octet' "password-file = $secrets/nul"
printf 'canary\377\n' | secret_file binary
fault "file: not UTF-8" 77 held 'not UTF-8' "password-file = $secrets/binary"
fault "file: two lines" 77 held 'more than one line' \
  "password-file = $secrets/entry"
head -c 65537 /dev/zero | tr '\0' x | secret_file large
fault "file: more than 64 KiB" 78 held 'is too large' \
  "password-file = $secrets/large"

unset CREDENTIALS_DIRECTORY
fault "credential: no directory is named" 78 held \
  '$CREDENTIALS_DIRECTORY is not set' 'password-credential = mail'
export CREDENTIALS_DIRECTORY=credentials
fault "credential: the directory's path is not whole" 78 held \
  '$CREDENTIALS_DIRECTORY is not set' 'password-credential = mail'
CREDENTIALS_DIRECTORY=$work/none
fault "credential: no such directory" 78 held 'No such file' \
  'password-credential = mail'
CREDENTIALS_DIRECTORY=$work/credentials
fault "credential: no such credential" 78 held 'No such file' \
  'password-credential = none'
cp "$secrets/right" "$work/credentials/open"
chmod 644 "$work/credentials/open"
fault "credential: others may read it" 78 held 'can be read by others' \
  'password-credential = open'
ln -s mail "$work/credentials/link"
fault "credential: a symbolic link" 78 held 'is a symbolic link' \
  'password-credential = link'
cp "$secrets/right" "$work/credentials/foreign"
chmod 400 "$work/credentials/foreign"
chown 65534 "$work/credentials/foreign"
fault "credential: another user's" 78 held 'belongs to another user' \
  'password-credential = foreign'
chmod 777 "$work/credentials"
fault "credential: others may write to the directory" 78 held \
  "is not of systemd's making" 'password-credential = mail'
chmod 700 "$work/credentials"
chown 65534 "$work/credentials"
fault "credential: another user's directory" 78 held \
  "is not of systemd's making" 'password-credential = mail'
chown 0 "$work/credentials"
ln -s credentials "$work/linked"
CREDENTIALS_DIRECTORY=$work/linked
fault "credential: the directory is a symbolic link" 78 held \
  'Not a directory' 'password-credential = mail'
CREDENTIALS_DIRECTORY=$work/credentials

check "no relay was asked" connections 0
check "no password is in what was said" not_said canary
check "nor the right one" not_said 'pass word'
check "the keyring was not asked" asked 0

# The file itself

refused () { # refused LINE SETTING...: the whole accounts file
  refused_line=$1
  shift
  cp "$accounts" "$work/accounts"
  scripted_account refused "$@"
  submit -f refused@example.org you@example.net <"$work/sent"
  mv "$work/accounts" "$accounts"
  cat "$work/err"
  exits 78 && grep -q "$accounts:[0-9]*:[0-9]*: .*$refused_line" "$work/err"
}
check "a credential's name is no path" refused 'without a path' \
  'password-credential = ../mail'
check "two sources are one too many" refused 'leave one of them' \
  'password-credential = mail' "password-file = $secrets/right"

# postrider password

not_in_keyring () {
  postrider password "$@" </dev/null >"$work/out" 2>&1
  status=$?
  cat "$work/out"
  exits 78 && grep -q "takes its password from \`$want', not from the keyring" \
    "$work/out"
}
want=password-command
check "a command: password set tells that" not_in_keyring set command
check "a command: password forget tells that" not_in_keyring forget command
want=password-file
check "a file: password set tells that" not_in_keyring set file
want=password-credential
check "a credential: password set tells that" not_in_keyring set credential
check "the keyring was not asked then either" asked 0

# A relay that refuses the login is asked once, until somebody releases what is
# held.

rm -rf "$state"
printf 'wrong\n' | secret_file changing
scripted_account changing "password-file = $secrets/changing"
numbered 1 >"$work/sent"
submit -f changing@example.org you@example.net <"$work/sent"
check "refused: the status is 77" exits 77
check "refused: it is held" queued 1 held
check "refused: the relay was asked" connections 1
numbered 2 >"$work/sent"
submit -f changing@example.org you@example.net <"$work/sent"
check "paused: the status is 77" exits 77
check "paused: the relay is not asked again" connections 1
mend="mend what \`password-file' gives, then run \`postrider queue release --account changing'"
check "paused: the line says what to do" grep -qF "$mend" "$work/err"
numbered 3 | submit -odq -f changing@example.org you@example.net
listed () { # listed WORDS: in the list, however its lines are broken
  postrider queue list | tr -s ' \n' ' ' >"$work/joined"
  cat "$work/joined" && echo
  grep -qF "account changing is paused: $1" "$work/joined"
}
check "paused: the list says so as well" listed "$mend"
postrider queue retry >"$work/out" 2>"$work/err"
check "paused: and whoever has it tried again" grep -qF \
  "account changing is paused, so its messages will be held: $mend" "$work/err"
cp "$accounts" "$work/accounts"
echo nonsense >>"$accounts"
check "paused: with wrong accounts the list says what is known" listed \
  "mend the account, then run \`postrider queue release --account changing'"
mv "$work/accounts" "$accounts"
postrider queue remove "$(postrider queue list | sed -n 's/  waiting .*//p')" \
  >"$work/out"
printf 'secret\n' | secret_file changing
postrider queue release --account changing >"$work/out" 2>&1
check "mended: both are released" queued 2
run_once
check "mended: both arrive" await each_once 1 2 "$work/record"

# The longest password: refused by the relay, not by us.

head -c 65536 /dev/zero | tr '\0' x | secret_file long
scripted_account long "password-file = $secrets/long"
numbered 3 >"$work/sent"
submit -f long@example.org you@example.net <"$work/sent"
check "64 KiB: the status is 77" exits 77
check "64 KiB: it is held" queued 1 held

# A signal ends the command as well.

script <<END
echo \$\$ >$work/hung
exec sleep 300
END
scripted_account hung "password-command = $program"
rm -rf "$state"
for signal in TERM INT; do
  rm -f "$work/hung"
  numbered 3 >"$work/sent"
  env --default-signal=INT "$sendmail" -f hung@example.org you@example.net \
    <"$work/sent" >"$work/out" 2>"$work/err" &
  hung=$!
  keep $hung
  check "SIG$signal: the command runs" await [ -s "$work/hung" ]
  kill -s $signal $hung
  wait $hung
  has_ended () {
    ! kill -s 0 "$(cat "$work/hung")"
  }
  check "SIG$signal: it ends with the caller" await has_ended
done
check "both messages are held" queued 2 held
rm -rf "$state"

# Who sees the secret

# While the relay is silent after AUTH, our processes have it or had it. The
# command looks as well, before it prints it.
cat >"$work/looks" <<'END'
cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null | tr '\0' '\n'
END
printf 'can''ary-7\n' | secret_file looked
script <<END
sh $work/looks >>$work/seen
cat $secrets/looked
END
dialogue silent <<'END'
offer AUTH PLAIN
begin
until AUTH*
< AUTH*
stall
END
become "$work/silent"
scripted_account looked "password-command = $program" 'timeout-command = 2s'
numbered 4 >"$work/sent"
strace -f -q -s 1000 -o "$work/strace" -e trace=execve,execveat,openat,write \
  timeout 60 "$sendmail" -f looked@example.org you@example.net \
  <"$work/sent" >"$work/out" 2>"$work/err" &
looked=$!
keep $looked
check "the relay waits after AUTH" await heard 1 AUTH
sh "$work/looks" >>"$work/seen"
check "other processes were seen" grep -q 'looked@example.org' "$work/seen"
check "no argument, no environment has the password" lacks "$work/seen"
wait $looked
check "it is queued" queued 1
executed () {
  grep 'exec' "$work/strace" >"$work/execs"
  cat "$work/execs"
  grep -q "$program" "$work/execs" && lacks "$work/execs"
}
check "no program was executed with it" executed
# The command prints it, once; the rest is written by ours, to files and inside
# TLS.
written () {
  grep -F 'can''ary-7' "$work/strace" >"$work/writes"
  cat "$work/writes"
  [ "$(wc -l <"$work/writes")" = 1 ]
}
check "nobody writes it but the command" written
check "the log lacks it" lacks "$work/log"
check "the queue lacks it" nothing_has "$state"
check "the keyring was not asked in all this" asked 0
numbered 4 >"$work/sent"
submit -f kept@example.org you@example.net <"$work/sent"
check "it would have been seen" await is_asked
end
