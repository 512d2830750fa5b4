#!/bin/sh
# Every example of the guide does what the guide says: accounts are made, with this
# machine's relay in the place of theirs, and send; commands are run; what is said to
# be shown is shown, and lines that people look for are what the program says.
#
# In doc/postrider.texi there is a mark before each example, "@c test: KIND":
#
#   accounts [FILE]   an accounts file: it loads, and mail of each account goes out.
#                     With FILE, it is there from then on
#   run [with] [N]    commands, of which the last one ends with status N, else 0. All
#                     may read the password from standard input. `with' the accounts
#                     of the last `accounts', else with two, `work' and `home'
#   output            what these commands have shown, or some lines of it
#   queue             commands, where a message waits and another, 6B0121D0, is held
#   says              lines that the program says somewhere, or parts of them
#   crontab, muttrc, phpini, git, unit, msmtprc, imported
#                     for the program of that name; see below
G_TEST_SRCDIR=${G_TEST_SRCDIR:-$(cd "$(dirname "$0")/.." && pwd)}
. "$G_TEST_SRCDIR/tests/e2e/lib.sh"
need python3
begin 240
tool=$source/tests/manual-examples.py
guide=$source/doc/postrider.texi
make_certificates
authority=$work/certificates/ca.pem
mkdir "$work/examples" "$work/etc"
: >"$work/aliases"
echo 'the password' >"$work/password"
chmod 600 "$work/password"

# The machine of who reads the guide

# program NAME: is what stands on stdin.
program () {
  { echo '#!/bin/sh'; cat; } >"$work/bin/$1"
  chmod 755 "$work/bin/$1"
}
# What `setup' would find out by asking DNS and a person.
program postrider <<END
if [ "\$1" = setup ]; then
  shift
  set -- setup --host localhost --port "\$(cat '$work/port')" --replace \
    --trust-file '$authority' --account work --service no --link no --batch \
    --test no "\$@"
fi
exec '$build/postrider' "\$@"
END
program pass <<'END'
[ "$1" = show ] && echo 'the password'
END
program sudo <<'END'
[ "$1" != -u ] || shift 2
exec "$@"
END
program systemctl <<'END'
[ "$1" != --user ] || shift
[ "$*" = 'enable --now postrider' ] || [ "$*" = 'restart postrider' ]
END
program loginctl <<'END'
[ "$*" = enable-linger ]
END
program systemd-ask-password <<'END'
case $* in
-n) printf 'the password' ;;
'') echo 'the password' ;;
*) exit 1 ;;
esac
END
program systemd-creds <<'END'
[ "$*" = 'encrypt - /etc/credstore.encrypted/mail' ] && grep -qx 'the password'
END
PATH=$work/bin:$PATH
echo "set sendmail=$sendmail" >"$HOME/.mailrc"

# here FILE: an example, with places of this test.
here () {
  sed "s|/usr/sbin/sendmail|$sendmail|g; s|/etc/postrider/|$work/etc/|g
    s|/var/spool/|$work/etc/|g" "$1" |
    if [ "$(id -u)" = 0 ] && getent group www-data >/dev/null; then
      cat
    else
      sed 's/^\(install .*\) -[go] www-data/\1/'
    fi
}

# serve USER [OPTION...]: the relay, for who logs in as USER.
serve () {
  serve_user=$1
  shift
  become --serve --user "$serve_user" --password 'the password' \
    --mechanisms 'PLAIN LOGIN' "$@"
}

general () {
  printf '[postrider]\nlog = %s\nstart-runner = no\naliases = %s\n' "$work/log" \
    "$work/aliases"
}

# Accounts `work' and `home', or those of EXAMPLE, for the relay at $port.
some_accounts () { # some_accounts [EXAMPLE]
  {
    general
    if [ -n "${1-}" ]; then
      sed -n '/^local-mail-to/p' "$1"
      python3 "$tool" list "$1" | while read -r some_name some_rest; do
        python3 "$tool" account "$1" "$port" "$authority" "$some_name"
      done
    else
      for some_name in work home; do
        printf '\n[%s]\nfrom = me@%s.example\nhost = localhost\nport = %s\n' \
          $some_name $some_name "$port"
        printf 'user = me@work.example\ntrust-file = %s\n' "$authority"
        [ $some_name != work ] || echo 'default = yes'
      done
    fi
  } >"$accounts"
  for some_name in $(sed -n 's/^\[\(.*\)\]$/\1/p' "$accounts" | grep -v postrider); do
    postrider password set "$some_name" <"$work/password" >"$work/null" || return
  done
}

# Kinds

# One account of EXAMPLE: a message of its sender goes out, with its login.
account_sends () { # account_sends EXAMPLE NAME ADDRESS TLS USER
  set -- "$@" "$(basename "$1").accounts"
  rm -rf "$state"
  starttls=
  [ "$4" != starttls ] || starttls=--starttls
  serve "$5" $starttls
  { general; python3 "$tool" account "$1" "$port" "$authority" "$2"; } >"$work/$6"
  chmod 600 "$work/$6"
  "$build/postrider" password set -C "$work/$6" "$2" <"$work/password" || return
  printf 'Subject: one\n\ntext\n' |
    timeout 30 "$sendmail" -C "$work/$6" -f "$3" you@example.org || return
  "$build/postrider" run --once -C "$work/$6" || return
  heard 1 "MAIL FROM:<$3>"
}

test_accounts () {
  timeout 20 "$build/postrider" accounts -C "$example" >"$work/out" || return
  python3 "$tool" list "$example" >"$work/list" || return
  while read -r name address tls user; do
    account_sends "$example" "$name" "$address" "$tls" "$user" </dev/null || return
  done <"$work/list"
  last=$example
  [ -z "${1-}" ] || cp "$work/$(basename "$example").accounts" "$(echo "$1" |
    sed "s|^/etc/postrider/|$work/etc/|")"
}

run () { # run STATUS: the example, by sh
  here "$example" >"$work/script"
  timeout 60 sh -e "$work/script" <"$work/password" >"$work/out" 2>"$work/err"
  status=$?
  cat "$work/out" "$work/err"
  exits "$1"
}

test_run () {
  if [ "${1-}" = with ]; then
    serve "$(python3 "$tool" list "$last" | sed -n '1s/.* //p')" || return
    some_accounts "$last" || return
    shift
  else
    serve me@work.example && some_accounts || return
  fi
  run "${1:-0}"
}

test_output () {
  python3 "$tool" shows "$example" "$work/out"
}

test_queue () {
  [ -s "$work/held" ] || {
    serve me@work.example && some_accounts || return
    numbered 1 | "$sendmail" -odq -f me@work.example you@example.org || return
    numbered 2 | "$sendmail" -odq -f me@home.example you@example.net || return
    grep -l 'me@home.example' "$state"/queue/* | sed 's|.*/||' >"$work/held"
    postrider queue hold "$(cat "$work/held")" || return
  }
  sed "s/6B0121D0/$(cat "$work/held")/" "$example" >"$work/queue"
  example=$work/queue
  run 0
}

test_says () {
  python3 "$tool" says "$example" "$source"/src/*/*.c
}

# As cron does it, but for when.
test_crontab () {
  serve me@work.example && some_accounts || return
  mailto=$(sed -n 's/^MAILTO=//p' "$example")
  sed '/^[A-Z]*=/d; s/^@reboot //; s/^\([0-9*]* \)\{5\}//
    s/^postrider run$/& --until-empty/' "$example" >"$work/job"
  [ "$(wc -l <"$work/job")" = 1 ] || return
  timeout 30 sh "$work/job" >"$work/out" || return
  [ -n "$mailto" ] || return 0
  { printf 'From: root (Cron Daemon)\nTo: %s\nSubject: Cron\n\n' "$mailto"
    cat "$work/out"; } | "$sendmail" -FCronDaemon -i -B8BITMIME -oem "$mailto" &&
    heard 1 "RCPT TO:<$mailto>"
}

# lacking KIND: the program for it, which is not here.
lacking () {
  case $1 in
  muttrc) lacking=mutt ;;
  phpini) lacking=php ;;
  unit) lacking=systemd-analyze ;;
  git) lacking=git-send-email ;;
  run)
    for lacking in mail git; do
      ! grep -qE "(^|\\| )$lacking " "$example" ||
        command -v $lacking >/dev/null || return 0
    done
    return 1
    ;;
  *) return 1 ;;
  esac
  ! PATH=$PATH:/usr/lib/git-core command -v $lacking >/dev/null
}

test_muttrc () {
  serve me@work.example && some_accounts || return
  here "$example" >"$work/muttrc"
  echo Hello | timeout 30 mutt -F "$work/muttrc" -e 'set copy=no' -s Hello -- \
    you@example.org >"$work/out" 2>&1 || return
  ! grep Error "$work/out" && heard 1 'MAIL FROM:<me@work.example>'
}

test_phpini () {
  serve web@example.org && some_accounts || return
  sed -i 's/^user = .*/user = web@example.org/' "$accounts"
  for name in work home; do
    postrider password set $name <"$work/password" || return
  done
  [ ! -f "$work/etc/web/accounts" ] ||
    sed -i "s/^port = .*/port = $port/" "$work/etc/web/accounts"
  here "$example" >"$work/php.ini"
  timeout 30 php -n -c "$work/php.ini" -r "exit (mail ('you@example.org', 'Hi',
    'text', 'From: web@example.org') ? 0 : 1);" || return
  [ ! -f "$work/etc/web/accounts" ] ||
    postrider run --once -C "$work/etc/web/accounts" || return
  heard 1 'MAIL FROM:<web@example.org>'
}

# What `run' has said to git holds still.
test_git () {
  serve me@work.example && some_accounts || return
  git init -q "$work/git" && cd "$work/git" || return
  git config user.name Me && git config user.email me@work.example
  echo one >one && git add one && git commit -q -m one &&
    git format-patch -1 -o . >"$work/null" || return
  sed 's/^git send-email/& --confirm=never/' "$example" >"$work/script"
  sh -e "$work/script" && heard 1 'MAIL FROM:<me@work.example>'
}

test_unit () {
  { printf '[Service]\nExecStart=/bin/true\n'; cat "$example"; } \
    >"$work/example.service"
  systemd-analyze verify --man=no "$work/example.service" 2>&1 |
    sed -n '/example\.service/p' >"$work/said"
  ! grep . "$work/said"
}

test_import () {
  number=$(sed -n 's/^\([0-9]*\) [0-9]* msmtprc$/\1/p' "$work/examples/index")
  install -m 600 "$work/examples/$number" "$HOME/.msmtprc"
  rm -f "$accounts"
  run 0
}

test_msmtprc () {
  ! command -v msmtp >/dev/null ||
    msmtp -C "$HOME/.msmtprc" --pretend you@example.org </dev/null
}

test_imported () {
  sed '/^ *#/d; /^$/d; s/ *#.*//' "$accounts" >"$work/imported"
  sed '/^$/d' "$example" | sed "s|~/|$HOME/|" >"$work/wanted"
  sed "s|~/|$HOME/|" "$work/imported" | diff - "$work/wanted"
}

# The guide

check "each example has a mark" python3 "$tool" extract "$guide" "$work/examples"
[ -s "$work/examples/index" ] || { end; }
serve me@work.example
exec 3<"$work/examples/index"
last=
while read -r number line kind arguments <&3; do
  example=$work/examples/$number
  cp "$example" "$work/show"
  chmod 600 "$example"
  cd "$work" || exit 1
  if lacking "$kind"; then
    skip "line $line: $kind" "$lacking is not installed"
  else
    check "line $line: $kind${arguments:+ $arguments}" "test_$kind" $arguments
  fi
done
exec 3<&-
many () {
  [ "$(wc -l <"$work/examples/index")" -ge 60 ]
}
check "there are many of them" many
end
