#!/bin/sh
# Who comes from another program: the same messages go the same ways, to the same
# relays with the same logins, and no password is shown or left in the open.
. "$(dirname "$0")/lib.sh"
need msmtp base64
begin 120
make_certificates

# relay NAME OPTION...: one of its own, whose port is $port_NAME and whose record
# is in $work/NAME. A login is PLAIN, so that it can be read.
relay () {
  relay_name=$1
  shift
  "$build/tests/relay/scripted-relay" --port-file "$work/$relay_name.port" \
    --record "$work/$relay_name" --certificate "$work/certificates/good.pem" \
    --mechanisms PLAIN --serve "$@" >"$work/$relay_name.out" 2>&1 &
  keep $!
  await [ -s "$work/$relay_name.port" ] || exit 1
  eval "port_$relay_name=$(cat "$work/$relay_name.port")"
}
home_password='sec"ret # one'
relay work --starttls --user worker --password 'from a command'
relay home --user me@home.example --password "$home_password"
relay club --user chair --password 'in the keyring'

# What msmtp's users do today.
printf 'from a command\nand more\n' >"$HOME/work-password"
chmod 600 "$HOME/work-password"
printf 'in the keyring' | secret-tool store --label=msmtp \
  host localhost service smtp user chair || exit 1
cat >"$HOME/aliases" <<'END'
root: admin@home.example
staff: you@example.net, root
default: lost@home.example
END
cat >"$HOME/.msmtprc" <<END
# Mail of mine
defaults
tls on
tls_trust_file $work/certificates/ca.pem
auth on
host localhost
logfile ~/.msmtp.log
aliases $HOME/aliases

account work
from worker@work.example
port $port_work
user worker
passwordeval "cat ~/work-password"

account home
from me@home.example
port $port_home
tls_starttls off
user me@home.example
password $home_password

account club : home
from *@club.example
port $port_club
user chair
password
timeout 20
undisclosed_recipients off

account plain
from me@plain.example
tls off
port 25

account default : home
END
chmod 600 "$HOME/.msmtprc"

# each COMMAND: gets all of the messages, by -f and recipients.
each () {
  for sender in worker@work.example worker+list@work.example \
    me@home.example chair@club.example Treasurer@club.example \
    somebody@else.example; do
    printf 'Subject: to one\n\ntext\n' |
      timeout 30 "$@" -f $sender -- you@example.net || return
    printf 'Subject: to several\n\ntext\n' |
      timeout 30 "$@" -f $sender -- a@example.net b@example.net root || return
    printf 'Subject: to names\n\ntext\n' |
      timeout 30 "$@" -f $sender -- staff || return
    printf 'Subject: to one who is not there\n\ntext\n' |
      timeout 30 "$@" -f $sender -- nobody || return
  done
}

# ways: of each message the relay, the login and the envelope, whose forward-paths
# come in any order. The records go.
ways () {
  for name in work home club; do
    for log in $(ls "$work/$name"/*.tls 2>/dev/null | sort -V); do
      tr -d '\r' <"$log" | while read -r verb what; do
        case $verb in
        AUTH)
          what=${what#PLAIN}
          [ -n "$what" ] || read -r what
          printf 'login %s\n' "$(printf %s $what | base64 -d | tr '\0' ' ')"
          ;;
        MAIL | RCPT) printf '%s %s\n' $verb "${what%%>*}>" ;;
        DATA) break ;;
        esac
      done | sort | tr '\n' ' ' | sed "s/^/$name: /; s/\$/\n/"
    done
    rm -rf "${work:?}/$name"
  done
}

each msmtp >"$work/out" 2>"$work/err" || {
  cat "$work/err" >&2
  exit 1
}
ways >"$work/old"
check "msmtp takes the ways that its file says" \
  [ "$(cut -d' ' -f1 "$work/old" | sort | uniq -c | tr -s ' \n' ' ')" = \
  ' 8 club: 8 home: 8 work: ' ]

# import ARGUMENT...
import () {
  postrider import "$@" >"$work/out" 2>"$work/err"
  status=$?
}
says () { # says FILE LINE
  grep -qxF -- "$2" "$1" || {
    cat "$1"
    return 1
  }
}
tells () { # tells PART: on stderr
  grep -qF -- "$1" "$work/err" || {
    cat "$work/err"
    return 1
  }
}
no_secret () { # no_secret FILE...
  ! grep -F -e 'from a command' -e 'sec"ret' -e 'in the keyring' \
    -e secret-of "$@" |
    grep -v 'Its password is in the keyring'
}
old=$HOME/.msmtprc
line_of () { # line_of TEXT: its number
  grep -n -- "^$1" "$old" | head -n 1 | cut -d: -f1
}

# A file that is there keeps what it says.
printf '%s\n' '# mine' '[postrider]' "log = $work/log # here" \
  'start-runner = no' >"$accounts"
cp "$accounts" "$work/before"
import --dry-run msmtp
check "a dry run: its status is 0" exits 0
check "a dry run changes nothing" cmp "$work/before" "$accounts"
check "a dry run shows the new file" says "$work/out" '[work]'
check "a dry run tells where a password would go" \
  tells "$old:$(line_of 'password sec'): the password of account \`home'"
check "a dry run tells what is in the keyring" \
  says "$work/err" '  Its password is in the keyring already.'
check "a dry run tells whose mail takes another way" \
  says "$work/err" "Mail from me@plain.example goes through account \`home' now, as that of \`plain' is left out."
check "a dry run shows no password" no_secret "$work/out" "$work/err"
secret-tool search --all service smtp user me@home.example >"$work/search" 2>&1
check "a dry run stores none" eval '! grep -q "^secret" "$work/search"'

import msmtp
check "import: its status is 0" exits 0
check "import: no password is shown" no_secret "$work/out" "$work/err"
check "import: no password is in the file" no_secret "$accounts"
check "import: the file is its owner's alone" \
  [ "$(stat -c %a "$accounts")" = 600 ]
check "import: what stood there still does" \
  cmp "$work/before" - <<END
$(head -n 4 "$accounts")
END
check "import: the password of \`home' still stands in the old file" \
  grep -q "^  Its password is in the keyring now. It still stands in $old, line $(line_of 'password sec')" \
  "$work/out"
check "import: that of \`club' was in the keyring already" \
  [ "$(grep -c '^  Its password is in the keyring already.$' "$work/out")" = 1 ]
check "import: \`home' is the default" \
  grep -q "^Account .home' sends mail from me@home.example, .*and from anybody else" "$work/out"
check "import: an account without TLS is left out" \
  tells "$old:$(line_of 'tls off'): account \`plain' is left out: it sends without TLS"
check "import: where its mail goes is told" \
  says "$work/out" "Mail from me@plain.example goes through account \`home' now, as that of \`plain' is left out."
check "import: another log stays" \
  tells "$old:$(line_of logfile): \`log' is set in $accounts already"
check "import: the aliases are taken" says "$accounts" "aliases = $HOME/aliases"
check "import: a timeout is taken" says "$accounts" 'timeout-connect = 20s'
check "import: the old file stays" grep -qF "password $home_password" "$old"
check "import: what other programs need is told" \
  grep -qF 'set from = "me@home.example"' "$work/out"
check "import: so is what calls msmtp" grep -q '^What calls .msmtp. by' "$work/out"

each "$sendmail" >"$work/out" 2>"$work/err"
check "the messages are taken" [ $? = 0 ]
ways >"$work/new"
check "they go the same ways, with the same logins and envelopes" \
  diff "$work/old" "$work/new"
check "nothing is left in the queue" queued 0

# Once more: nothing is done twice.
cp "$accounts" "$work/before"
import msmtp
check "again: the status is 78" exits 78
check "again: each account is told" \
  tells "$old:$(line_of 'account work'): account \`work' is left out: there is one of this name in $accounts"
check "again: the file stays as it is" cmp "$work/before" "$accounts"

# What is wrong with files.
rm "$accounts"
chmod 666 "$old"
import msmtp
check "a file that others may write: the status is 78" exits 78
check "a file that others may write is refused" tells 'can be written by others'
check "nothing is written" [ ! -e "$accounts" ]
chmod 600 "$old"
import msmtp "$work/absent"
check "a file that is not there: the status is 78" exits 78
import qmail
check "an unknown program: the status is 64" exits 64

# Without a keyring the accounts are there, and what to do is told.
DBUS_SESSION_BUS_ADDRESS=unix:path=/nonexistent import msmtp
check "no keyring: the status is 75" exits 75
check "no keyring: what to do is told" \
  tells "once more when there is a keyring, or write \`password-file'"
check "no keyring: the accounts are written" says "$accounts" '[home]'
check "no keyring: no password is shown" \
  no_secret "$work/out" "$work/err" "$accounts"
secret-tool clear host localhost service smtp user me@home.example
cp "$accounts" "$work/before"
import --dry-run msmtp
check "once there is a keyring: a dry run's status is 0" exits 0
check "once there is a keyring: a dry run tells what is left" \
  tells "$old:$(line_of 'password sec'): the password of account \`home'"
check "once there is a keyring: a dry run has no file to show" [ ! -s "$work/out" ]
lay_open () { # lay_open FILE ACCOUNT: what is told of a password that stood there
  printf "  Others could read it there: run \`chmod go= %s', change it at your provider, and run \`postrider password set %s'." "$1" "$2"
}
check "a file that others cannot read: a dry run tells nothing of it" \
  eval '! grep -q "Others could" "$work/err"'
chmod 640 "$old"
import --dry-run msmtp
check "a file that others can read: a dry run tells it" \
  says "$work/err" "$(lay_open "$old" home)"
chmod 604 "$old"
import msmtp
check "a file that others can read: so does the other run" \
  says "$work/out" "$(lay_open "$old" home)"
check "a file that others can read: it is told once" \
  [ "$(grep -c 'Others could' "$work/out")" = 1 ]
chmod 600 "$old"
check "once there is a keyring: the status is 0" exits 0
check "once there is a keyring: the password goes there" \
  [ "$(grep -c '^  Its password is in the keyring now' "$work/out")" = 1 ]
check "once there is a keyring: the file stays as it is" \
  cmp "$work/before" "$accounts"
import msmtp
check "once it is stored: the status is 78" exits 78

# Passwords of ~/.netrc count where the keyring has none.
rm "$accounts"
secret-tool clear host localhost service smtp user me@home.example
cat >"$HOME/.netrc" <<END
machine localhost login you@home.example password secret-of-you
machine localhost login me@home.example
  password '$home_password'
machine localhost login chair password secret-of-chair
END
chmod 600 "$HOME/.netrc"
sed '/^password /d' "$old" >"$work/msmtprc"
import --dry-run msmtp "$work/msmtprc"
check "netrc: a dry run's status is 0" exits 0
check "netrc: a dry run tells where a password would go" \
  tells "$HOME/.netrc:3: the password of account \`home' would go into the keyring"
check "netrc: a dry run tells of no other" \
  [ "$(grep -c 'would go into' "$work/err")" = 1 ]
check "netrc: a dry run shows no password" no_secret "$work/out" "$work/err"
chmod 666 "$HOME/.netrc"
import --dry-run msmtp "$work/msmtprc"
check "netrc: a dry run tells that it cannot be read" exits 78
cp "$work/err" "$work/dry"
import msmtp "$work/msmtprc"
check "netrc: so does the other run" exits 78
check "netrc: in the same words" \
  [ "$(grep 'written by others' "$work/dry")" = "$(grep 'written by others' "$work/err")" ]
rm "$accounts"
chmod 600 "$HOME/.netrc"
import msmtp "$work/msmtprc"
check "netrc: the status is 0" exits 0
check "netrc: a password goes into the keyring" \
  grep -q "^  Its password is in the keyring now. It still stands in $HOME/.netrc, line 3:" \
  "$work/out"
check "netrc: others could not read it" \
  eval '! grep -q "Others could" "$work/out"'
check "netrc: one that was in the keyring stays" \
  [ "$(grep -c '^  Its password is in the keyring already.$' "$work/out")" = 1 ]
check "netrc: no password is shown" no_secret "$work/out" "$work/err" "$accounts"
printf 'Subject: one\n\ntext\n' | submit -f me@home.example you@example.net
check "netrc: it is the right one" exits 0
rm "$HOME/.netrc"

# What is no text.
printf 'host mx.example\0\n' >"$work/junk"
import msmtp "$work/junk"
check "no text: the status is 78" exits 78
check "no text: it is told once" \
  [ "$(cat "$work/err")" = "postrider: $work/junk is no text file" ]

# As it is found elsewhere, and by a link, with a command for a line.
rm "$accounts"
mkdir -p "$HOME/.config/msmtp"
{
  sed 's/^password .*/eval printf "password %s" "sec\\"ret # one"/' "$old"
} >"$HOME/dotfile"
rm "$old"
chmod 600 "$HOME/dotfile"
ln -s ../../dotfile "$HOME/.config/msmtp/config"
import msmtp
check "eval: the status is 0" exits 0
check "eval: no password is shown" no_secret "$work/out" "$work/err" "$accounts"
printf 'Subject: one\n\ntext\n' | submit -f me@home.example you@example.net
check "eval: the password is what the command printed" exits 0

# The others: each logs in at a relay, with the password that its file had.
fresh () {
  rm -f "$accounts"
  printf '[defaults]\ntrust-file = %s\n' "$work/certificates/ca.pem" >"$accounts"
  chmod 600 "$accounts"
  rm -rf "$work/work" "$work/home"
}
arrives () { # arrives PROGRAM RELAY SENDER
  check "$1: the status is 0" exits 0
  check "$1: no password is shown" no_secret "$work/out" "$work/err" "$accounts"
  printf 'Subject: one\n\ntext\n' | submit -f "$3" you@example.net
  check "$1: a message is taken" exits 0
  check "$1: it goes where it went" grep -q '^DATA' "$work/$2"/*.tls
}
fresh
mkdir "$work/ssmtp" "$work/nullmailer"
relay ssmtp_relay --starttls --user worker --password secret-of-ssmtp
cat >"$work/ssmtp/ssmtp.conf" <<END
root=postmaster@home.example
mailhub=localhost:$port_ssmtp_relay
UseSTARTTLS=YES
AuthUser=worker
AuthPass=secret-of-ssmtp
FromLineOverride=YES
END
printf 'root:me@work.example\n' >"$work/ssmtp/revaliases"
import ssmtp "$work/ssmtp/ssmtp.conf"
arrives ssmtp ssmtp_relay me@work.example
check "ssmtp: root's mail has its place" \
  says "$accounts" 'local-mail-to = postmaster@home.example'

fresh
printf "localhost smtp --port=%s --ssl --user=me@home.example --pass='%s'\n" \
  "$port_home" "$home_password" >"$work/nullmailer/remotes"
echo m.example >"$work/nullmailer/me"
echo admin@home.example >"$work/nullmailer/adminaddr"
import nullmailer "$work/nullmailer"
arrives nullmailer home me@home.example
check "nullmailer: the administrator's address" \
  says "$accounts" 'local-mail-to = admin@home.example'

fresh
rm "$work/nullmailer/me"
mkfifo "$work/nullmailer/me"
check "nullmailer: a pipe in a file's place keeps nobody" sh -c \
  'timeout 10 postrider import -n nullmailer "$1" 2>&1 | grep "me is not a file"' - \
  "$work/nullmailer"

fresh
cat >"$HOME/.esmtprc" <<END
# Mail of mine
identity worker@work.example
  hostname = localhost:$port_work
  username = "worker"
  password = "from a \\x63ommand"
  starttls = required
END
chmod 600 "$HOME/.esmtprc"
import esmtp
arrives esmtp work worker@work.example
end
