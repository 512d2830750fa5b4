#!/bin/sh
# What comes from outside may hold anything; what a person or another program is shown of
# it may not: no control character, none that turns the direction of the text, and no
# line that was not meant to be one.
. "$(dirname "$0")/lib.sh"
need python3
begin 60

# ESC, a line end, U+009B, U+202E, and an octet that is no UTF-8.
odd=$(printf 'odd\033[31m\npostrider: \302\233\342\200\256\377/x')
odd=$work/${odd%/x}
mkdir -p "$odd"

# shown COMMAND...: what it says, on a terminal or not, goes to $work/out and $work/err.
shown () {
  "$@" >"$work/out" 2>"$work/err" </dev/null
  status=$?
}
# is_clean [LINES]: there is something, without any of that, and as many lines.
is_clean () {
  python3 -c 'import re, sys
said = b"".join (open (name, "rb").read () for name in sys.argv[2:])
print (said)
text = said.decode ("utf-8")
odd = re.search ("[\0-\x09\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]", text)
count = text.count ("\n")
sys.exit (not text or odd is not None or int (sys.argv[1]) not in (0, count))' \
    "${1:-0}" "$work/out" "$work/err"
}

shown env XDG_CONFIG_HOME="$odd" postrider accounts
check 'no accounts file' is_clean
cp "$accounts" "$odd/accounts"
shown postrider accounts -C "$odd/accounts"
check 'an accounts file without an account' is_clean 3
printf 'nonsense\n[a\n' >"$odd/bad"
shown postrider accounts -C "$odd/bad"
check 'an accounts file with errors' is_clean 3
printf '%s\n' '[me]' 'from = me@x.example' 'host = localhost' 'port = 1' \
  'user = me' "$(printf 'password-file = /a\342\200\256b')" >"$odd/override"
shown postrider accounts -C "$odd/override"
check 'text in it that turns its direction' is_clean
check '... is refused' exits 78

shown postrider setup --batch --no-check --host x.example -C "$odd/accounts" \
  --password-file "$odd/secret" --test no --service no --link no me@x.example
check 'setup refuses such a path in the file' is_clean
shown postrider setup --batch --no-check --host x.example -C "$odd/accounts" \
  --password-file /secret --test no --service no --link no me@x.example
check 'setup writes the file' is_clean
check '... and that works' exits 0
shown postrider setup --batch --no-check --host x.example -C "$odd/accounts" \
  --password-file /secret --test no --service no --link no --replace me@x.example
check 'setup leaves it as it is' is_clean
shown postrider accounts -C "$odd/accounts"
check 'accounts' is_clean
shown postrider accounts -C "$odd/accounts" --json
check 'accounts --json' is_clean 1
shown postrider accounts -C "$odd/accounts" --which me@x.example
check 'accounts --which' is_clean 1
shown postrider check -C "$odd/accounts"
check 'check' is_clean
shown "$sendmail" -C "$odd/accounts" root nobody
check 'nobody to send to' is_clean
shown "$sendmail" -C "$odd/accounts" -bv root
check 'where mail would go' is_clean 1
shown postrider run -C "$odd/accounts" --once
shown postrider log -C "$odd/none"
check 'no such file' is_clean 1

printf 'a:\nb: b c@x.example\nroot: |cat\n' >"$odd/aliases"
printf 'aliases = ~/aliases\n' | sed -i '/^log = /r /dev/stdin' "$odd/accounts"
shown env HOME="$odd" "$sendmail" -bi -C "$odd/accounts"
check 'errors of the aliases' is_clean 2
shown env HOME="$odd" "$sendmail" -bv -C "$odd/accounts" root
check 'an alias that cannot be followed' is_clean 1

cat >"$odd/msmtprc" <<'END'
nonsense
account default
host smtp.x.example
tls on
tls_starttls off
from you@x.example
auth on
user you
END
cp "$accounts" "$work/empty"
shown postrider import -C "$work/empty" -n msmtp "$odd/msmtprc"
check 'what import has to say' is_clean
check '... is said' grep -q 'msmtprc:1: ' "$work/err"
# A bus of its own, with a keyring that fails.
dbus-daemon --session --nofork --print-address >"$work/bus" 2>/dev/null &
keep $!
await [ -s "$work/bus" ]
bus=$(head -n 1 "$work/bus")
DBUS_SESSION_BUS_ADDRESS=$bus "$build/tests/relay/keyring-fault" answer \
  "$(printf 'no\npostrider: \033[31m\302\233\342\200\256')" >"$work/ready" &
keep $!
await grep -qs ready "$work/ready"
shown env DBUS_SESSION_BUS_ADDRESS="$bus" \
  postrider import -C "$work/empty" msmtp "$odd/msmtprc"
check 'import: the keyring fails' is_clean
check '... and its words are there' grep -q 'no postrider: ?\[31m??' "$work/out"
shown sh -c 'echo x | DBUS_SESSION_BUS_ADDRESS=$1 postrider password set \
  -C "$2" default' - "$bus" "$work/empty"
check 'password set: the keyring fails' is_clean 1

# A question on a terminal.
no=$(printf 'n\n_')
timeout 20 "$build/tests/e2e/terminal" 'Change it' "${no%_}" postrider setup \
  -C "$odd/accounts" --host x.example me@x.example >"$work/shown" 2>&1
tr -d '\r' <"$work/shown" >"$work/out"
: >"$work/err"
check 'a question' is_clean
check '... that was asked' grep -q 'odd?\[31m postrider: .*Change it' "$work/out"
end
