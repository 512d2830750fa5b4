#!/bin/sh
# `postrider accounts': what counts for each account, where that stands, and which
# account a sender takes.
. "$(dirname "$0")/lib.sh"
need python3
begin 60

cat >"$accounts" <<'END'
# mine
[defaults]
host = smtp.example.org
tunnel = ssh gate -W %h:%p
password-command = pass show mail

[work]
from = me@work.example, *@team.work.example
user = "a # b"

[home]
from = me@home.example
host = mail.home.example
port = 1465
proxy = localhost:9050
user = me
password-file = ~/password
default = yes

[postrider]
notify = no
END

accounts () {
  postrider accounts "$@" >"$work/out" 2>"$work/err"
  status=$?
}
says () { # says LINE: on stdout, blanks aside
  tr -s ' ' <"$work/out" | grep -qxF -- "$1" || {
    cat "$work/out" "$work/err"
    return 1
  }
}
lacks () { # lacks PART
  ! grep -F -- "$1" "$work/out"
}
json () {
  python3 -c 'import json, sys
o = json.load (open (sys.argv[1]))
value = eval ("(" + sys.argv[2] + ")")
print (value)
sys.exit (0 if value else 1)' "$work/out" "$1"
}

accounts
check "all: the status is 0" exits 0
check "all: an account's own" \
  says "from = me@work.example, *@team.work.example # $accounts:8"
check "all: of [defaults]" says "host = smtp.example.org # $accounts:3"
check "all: of no file" says 'port = 465 # unless set'
check "all: quotes are not needed to understand it" \
  says "user = a # b # $accounts:9"
check "all: an own setting goes before that of [defaults]" \
  says "host = mail.home.example # $accounts:13"
check "all: for all accounts" says "notify = no # $accounts:21"
accounts home
check "one: nothing of the others" lacks team.work
check "one: its way takes the place of that of [defaults]" lacks tunnel
check "one: so does where its password is" lacks password-command
check "one: nothing that no file sets" lacks timeout
accounts --all home
check "--all: what no file sets" says 'timeout-connect = 30s # unless set'
accounts --json
check "--json: it is JSON" json 'len (o["accounts"]) == 2'
check "--json: a setting" json '{"name": "port", "value": "1465",
  "file": "'"$accounts"'", "line": 14} in o["accounts"][1]["settings"]'
check "--json: where the password is" \
  json '[a["secret"] for a in o["accounts"]] == ["password-command", "password-file"]'
check "--json: of all" json 'any (s["name"] == "notify" for s in o["general"])'

accounts --which me@work.example
check "--which: an address" \
  says "$accounts:7: account \`work' takes it: its \`from' has me@work.example."
accounts --which X@Team.Work.example
check "--which: a pattern" \
  says "$accounts:7: account \`work' takes it: its \`from' has *@team.work.example."
accounts --which you@else.example
check "--which: the default" \
  says "$accounts:11: account \`home' takes it: no \`from' names this sender, and it is the default."
accounts --which root
check "--which: a local sender" \
  says 'The relay mail.home.example is told that the sender is me@home.example.'
accounts --which root --json
check "--which --json" json 'o["account"] == "home" and not o["claimed"]
  and o["sender"] == "me@home.example"'
sed -i '/^default/d' "$accounts"
accounts --which you@else.example
check "--which: no default" exits 78
accounts --which 'a b'
check "--which: no address" exits 65
accounts nobody
check "an account that is not there" exits 78
accounts --which a@b.example home
check "an account beside --which" exits 64
rm "$accounts"
accounts
check "no account" says \
  "There is no account: run \`postrider setup', or write one to $accounts."
printf '[a]\nhots = x\n' >"$accounts"
accounts
check "a file with errors" exits 78

# A file's name obeys nobody.
red=$work/$(printf 'a\033[31m\302\233')
printf '[a]\nfrom = me@a.example\nhost = localhost\n' >"$red"
chmod 600 "$red"
harmless () { # harmless ARGUMENT...
  postrider "$@" >"$work/out" 2>&1
  cat "$work/out"
  grep -q '?\[31m' "$work/out" &&
    [ "$(LC_ALL=C tr -d '\033\233' <"$work/out" | cmp - "$work/out")" = "" ]
}
check "where a setting stands, in a file of an odd name" harmless accounts -C "$red"
check "--which, of that" harmless accounts -C "$red" --which me@a.example
rm "$red"
check "an error of that" harmless accounts -C "$red"

# What an account has of [defaults], where its way is its own.
printf '%s\n' '[defaults]' 'host = smtp.example.org' 'proxy = localhost:9050' \
  'source-address = 127.0.0.1' '[a]' 'from = a@example.org' \
  'socket = /run/relay' '[b]' 'from = b@example.org' \
  'proxy = localhost:9051' >"$accounts"
accounts a
check "its way: it is there" says "socket = /run/relay # $accounts:7"
check "its way: no proxy" lacks proxy
check "its way: no address that went with that" lacks source-address
accounts b
check "its proxy: the address goes with that, too" \
  says "source-address = 127.0.0.1 # $accounts:4"
end
