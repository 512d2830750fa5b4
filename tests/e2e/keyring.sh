#!/bin/sh
# Keyrings in every state: what is got from them or said about them, and that it
# is said in time. No call may take longer than its deadline and a little more.
top=${G_TEST_SRCDIR:-$(cd "$(dirname "$0")/../.." && pwd)}
build=${G_TEST_BUILDDIR:-$top}
probe=$build/tests/e2e/keyring-probe
fault=$build/tests/relay/keyring-fault
terminal=$build/tests/e2e/terminal
export KEYRING_HOST=relay.example KEYRING_USER=me@example.org
export KEYRING_PASSWORD='pass word "\&7'
directory=$(mktemp -d /tmp/keyring-XXXXXX)
trap 'rm -rf "$directory"' EXIT
trap 'exit 1' HUP INT TERM
umask 022
count=0

# check NAME EXPECTED MODE COMMAND...: runs COMMAND, a line of shell, in a session
# of MODE; it must print EXPECTED, and end in the time that is given in seconds
# with limit=.
limit=5
check () {
  name=$1 expected=$2 mode=$3
  shift 3
  count=$((count + 1))
  begun=$(date +%s)
  got=$(timeout 30 "$top/tests/relay/keyring" "$mode" "$directory/$mode" \
    sh -c "$*" 2>"$directory/stderr")
  status=$?
  taken=$(($(date +%s) - begun))
  if [ $status = 77 ]; then
    echo "ok $count - $name # SKIP $(tail -n 1 "$directory/stderr")"
  elif [ "$got" = "$expected" ] && [ $taken -le $limit ] \
    && ! grep -q . "$directory/stderr"; then
    echo "ok $count - $name"
  else
    echo "not ok $count - $name"
    printf 'wanted: %s\ngot: %s\n%s seconds\n' "$expected" "$got" $taken |
      sed 's/^/# /'
    sed 's/^/# stderr: /' "$directory/stderr"
  fi
}

absent='credential the keyring has no password of `me@example.org'\'' for relay.example: run `postrider password set work'\'
locked='temporary the keyring is locked: unlock it, or log in to the desktop that does'
dismissed='temporary the keyring is locked, and unlocking it was cancelled or could not be asked for: unlock it, then try again'
unanswered='temporary the keyring is locked and was not unlocked in time: unlock it, then try again'
silent='temporary the keyring does not answer: restart it, or log in again'
no_keyring='temporary no keyring runs in this session: start one, such as gnome-keyring, KWallet or KeePassXC'
no_bus='temporary cannot ask the keyring: this user has no session bus; log in, then try again'
silent_bus='temporary cannot ask the keyring: the session bus does not answer'

# The states. "interactive" allows a prompt.
check "open" "$KEYRING_PASSWORD" open "$probe lookup 10"
check "no such password" "$absent" empty "$probe lookup 10"
check "locked" "$locked" locked "$probe lookup 10"
check "locked, asking in vain" "$dismissed" locked \
  "$probe lookup 10 interactive"
check "locked, nothing is asked" "$locked" unanswered "$probe lookup 10"
check "locked, nobody answers" "$unanswered" unanswered \
  "$probe lookup 1 interactive"
check "locked, and empty as far as can be seen" "$locked" empty \
  "$fault lock; $probe lookup 10"
check "stopped" "$silent" stopped "$probe lookup 1"
check "stopped, a person waits" "$silent" stopped \
  "$probe lookup 1 interactive"
check "no keyring" "$no_keyring" absent "$probe lookup 10"
check "no bus" "$no_bus" nobus "$probe lookup 10"
check "an empty address of the bus" "$no_bus" nobus \
  "DBUS_SESSION_BUS_ADDRESS= $probe lookup 10"
check "a display and no bus" "$no_bus" nobus "DISPLAY=:99 $probe lookup 10"
check "silent bus" "$silent_bus" deadbus "$probe lookup 1"
check "bus that is gone" \
  "temporary cannot ask the keyring: the session bus cannot be reached: Could not connect: No such file or directory" \
  nobus "DBUS_SESSION_BUS_ADDRESS=unix:path=/nonexistent $probe lookup 10"
check "no address of the bus" "$KEYRING_PASSWORD" open \
  "env -u DBUS_SESSION_BUS_ADDRESS $probe lookup 10"
check "cron" "$KEYRING_PASSWORD" cron "$probe lookup 10"
check "cron, with a stale runtime directory" "$KEYRING_PASSWORD" cron \
  "XDG_RUNTIME_DIR=/nonexistent $probe lookup 10"

# What others may read is no directory for a bus.
check "runtime directory that is open to others" "$no_bus" open \
  "chmod 755 \$XDG_RUNTIME_DIR; unset DBUS_SESSION_BUS_ADDRESS
   $probe lookup 10"
if [ "$(id -u)" = 0 ]; then
  foreign="chown 65534 \${DBUS_SESSION_BUS_ADDRESS#unix:path=}"
  check "another user's bus" "$no_bus" open "$foreign; $probe lookup 10"
else
  count=$((count + 1))
  echo "ok $count - another user's bus # SKIP only root can give it away"
fi

# Variables that would have libsecret look elsewhere, or keep secrets in pages
# that are swapped out.
for variable in SECRET_BACKEND=file SECRET_FILE_TEST_PATH=/dev/null \
  SECRET_FILE_TEST_PASSWORD=x SECRET_SERVICE_BUS_NAME=org.example.Nobody \
  SECMEM_FORCE_FALLBACK=1; do
  check "$variable" "$KEYRING_PASSWORD" open "$variable $probe lookup 10"
done

# What other programs stored, and our own before it.
put='secret-tool store --label=x user me@example.org'
check "stored as NetworkPassword" network empty \
  "printf network | $put protocol smtp server relay.example
   $probe lookup 10"
check "stored as NetworkPassword for TLS" network empty \
  "printf network | $put protocol smtps server relay.example port 465
   $probe lookup 10"
check "msmtp's goes before NetworkPassword" "$KEYRING_PASSWORD" open \
  "printf network | $put protocol smtp server relay.example
   $probe lookup 10"
check "our own goes before msmtp's" own open \
  "printf own | $probe store 10; $probe lookup 10"
check "another user's or host's is not taken" "$absent" open \
  "secret-tool clear service smtp user $KEYRING_USER
   printf x | secret-tool store --label=x service smtp host relay.example user you
   printf x | secret-tool store --label=x service smtp host x user $KEYRING_USER
   $probe lookup 10"
later='now=$(date +%s); until [ $(date +%s) != $now ]; do :; done'
for order in "x y" "y x"; do
  check "the newest of several: $order" "${order#* }" empty \
    "printf ${order% *} | $put service smtp host relay.example more ${order% *}
     $later
     printf ${order#* } | $put service smtp host relay.example more ${order#* }
     $probe lookup 10"
done

# What is no password.
check "empty" \
  'credential the keyring'\''s password of `me@example.org'\'' for relay.example is empty: run `postrider password set work'\' \
  open "printf '' | $put service smtp host relay.example; $probe lookup 10"
check_text () { # check_text NAME OCTETS, as printf has them
  check "$1 as a password" \
    'credential the keyring'\''s password of `me@example.org'\'' for relay.example is not one line of text: run `postrider password set work'\' \
    open "printf '$2' | $put service smtp host relay.example
          $probe lookup 10"
  check "storing $1" "data the password is not one line of UTF-8 text" open \
    "printf '$2' | $probe store 10"
}
check_text "two lines" 'a\nb'
check_text "a carriage return" 'a\r'
check_text "a NUL" 'a\000b'
check_text "what is not UTF-8" 'a\377'

# Storing and forgetting.
check "stored, replaced, forgotten" "$(printf '%s\n' two found "$absent" none)" \
  empty "printf one | $probe store 10; printf two | $probe store 10
         $probe lookup 10; $probe forget 10; $probe lookup 10; $probe forget 10"
check "only our own is forgotten" "$(printf '%s\n' none "$KEYRING_PASSWORD")" \
  open "$probe forget 10; $probe lookup 10"
check "storing where it is locked" "$dismissed" locked \
  "printf one | $probe store 10"
check "storing where nobody answers" "$unanswered" unanswered \
  "printf one | $probe store 1"
check "forgetting where it is locked" "$dismissed" open \
  "printf one | $probe store 10; $fault lock; $probe forget 10"
# (libsecret forgets 16 octets there.)
check "storing without a default keyring" \
  'temporary there is no default keyring, and making one was cancelled or could not be asked for: make one with your desktop'\''s program for passwords' \
  bare "printf one | ASAN_OPTIONS=detect_leaks=0 $probe store 10"
check "nothing stored, no default keyring" "$absent" bare "$probe lookup 10"
check "storing where no keyring is" "$no_keyring" absent \
  "printf one | $probe store 10"
check "storing where it has stopped" "$silent" stopped \
  "printf one | $probe store 1"
check "storing nothing" "data the password is empty" open \
  "printf '' | $probe store 10"
check "storing more than a password" \
  "data the password is not one line of UTF-8 text" open \
  "head -c 65537 /dev/zero | tr '\\0' x | $probe store 10"

# postrider password.
cat >"$directory/accounts" <<END
[work]
from = $KEYRING_USER
host = $KEYRING_HOST
user = $KEYRING_USER
[open]
from = open@example.org
host = $KEYRING_HOST
END
set="$build/postrider password set -C $directory/accounts work 2>&1"
forget="$build/postrider password --accounts-file=$directory/accounts forget work 2>&1"
at="of $KEYRING_USER at $KEYRING_HOST"
cr=$(printf '\r')
check "typed, unseen" "$(printf '%s\n' "echo off" "Password $at: $cr" \
  "The password $at is stored.$cr" "echo on" "status 0" "a b")" empty \
  "$terminal Password 'a b
' $set
   $probe lookup 10"
for keys in '\003' '\003\003'; do
  check "interrupted, $((${#keys} / 4)) times" "$(printf '%s\n' "echo off" "Password $at: $cr" \
    "echo on" "signal 2" "$absent")" empty \
    "$terminal Password '$(printf "$keys")' $set; $probe lookup 10"
done
check "another signal" "$(printf '%s\n' "echo off" "Password $at: $cr" \
  "echo on" "status 124" "$absent")" empty \
  "$terminal Password '' timeout --foreground -s USR1 1 $set; $probe lookup 10"
check "the first line of stdin" \
  "$(printf '%s\n' "The password $at is stored." "a b")" empty \
  "printf 'a b\\nc\\n' | $set; $probe lookup 10"
check "a last line without its end" \
  "$(printf '%s\n' "The password $at is stored." "a b")" empty \
  "printf 'a b' | $set; $probe lookup 10"
check "nothing on stdin" \
  "$(printf '%s\n' "postrider: the password is empty" 65)" empty \
  "$set </dev/null; echo \$?"
check "a carriage return on stdin" \
  "$(printf '%s\n' "postrider: the password is not one line of UTF-8 text" 65)" \
  empty "printf 'a\\r\\n' | $set; echo \$?"
check "an endless line on stdin" \
  "$(printf '%s\n' "postrider: the password is too long" 65)" empty \
  "tr '\\0' x </dev/zero | $set; echo \$?"
check "removed, and not there any more" "$(printf '%s\n' \
  "The password $at is stored." "The password $at is removed." 0 \
  "There was no password $at." 0)" empty \
  "echo a | $set; $forget; echo \$?; $forget; echo \$?"
check "set in a keyring that is locked" \
  "$(printf '%s\n' "postrider: ${dismissed#* }" 75)" locked \
  "echo a | $set; echo \$?"
check "an account without a user" "$(printf '%s\n' \
  "postrider: $directory/accounts:5: account \`open' has no \`user' to log in with: write \`user = NAME'" 78)" \
  nobus "echo a | $build/postrider password set -C $directory/accounts open 2>&1
         echo \$?"
check "an account that is not there" "$(printf '%s\n' \
  "postrider: there is no account \`wrok': did you mean \`work'?" 78)" nobus \
  "echo a | $build/postrider password set -C $directory/accounts wrok 2>&1; echo \$?"
check "no action" "$(printf '%s\n' \
  "postrider: unknown command \`postrider password show'; see \`postrider password --help'" 64)" nobus \
  "$build/postrider password show work 2>&1; echo \$?"
usage="write \`postrider password set ACCOUNT' or \`postrider password forget ACCOUNT'"
for arguments in "" "set" "set work hunter2" "set work --release hunter2"; do
  check "password $arguments" "$(printf '%s\n' "postrider: $usage" 64)" nobus \
    "$build/postrider password $arguments 2>&1; echo \$?"
done

echo "1..$count"
