#!/bin/sh
# What people do wrong when they set the program up, or what is wrong around them:
# each mistake is made, and `postrider check' tells it in a line, says what to do, and
# ends with the status of that failure. The table is what they read.
. "$(dirname "$0")/lib.sh"
need python3
need_faketime
begin 240
make_certificates
certificates=$work/certificates
cp "$accounts" "$work/bare"
(umask 077 && echo secret >"$work/given")
given="password-file = $work/given"

# What `check --json' found: the first row that failed or, with WARNINGS, is a
# warning: its part, its status, and what it says, over three lines.
cat >"$work/row.py" <<'END'
import json, sys
with open(sys.argv[1]) as f:
    found = json.load(f)
rows = [r for a in found["accounts"] for r in a["parts"]] + found["machine"]
bad = [r for r in rows if r["result"] == sys.argv[2]]
if len(sys.argv) > 3:
    bad = [r for r in bad if r["part"] == sys.argv[3]]
if bad:
    print(bad[0]["part"])
    print(found["exit_status"])
    print(bad[0]["text"] + (" -> " + bad[0]["advice"] if bad[0]["advice"] else ""))
END

# fresh [SETTING...]: one account, of the scripted relay.
fresh () {
  rm -rf "$state"
  cp "$work/bare" "$accounts"
  scripted_account me 'timeout-connect = 5s' 'timeout-command = 5s' "$@"
}

# mistake NAME PART STATUS PATTERN ADVICE: `postrider check' finds that PART
# fails with what is like PATTERN and then ADVICE (both of grep -E). STATUS 0: it
# is a warning.
around=
mistake () {
  mistake_name=$1
  shift
  $around timeout 60 postrider check --json me >"$work/json" 2>"$work/err"
  status=$?
  kind=failed
  [ "$2" != 0 ] || kind=warning
  python3 "$work/row.py" "$work/json" $kind ${2##[1-9]*} >"$work/row"
  [ "$2" != 0 ] ||
    python3 "$work/row.py" "$work/json" $kind "$1" >"$work/row"
  check "$mistake_name" told "$@"
  printf '# | %s | %s | %s | %s |\n' "$mistake_name" "$status" \
    "$(sed -n 1p "$work/row")" "$(sed -n 3p "$work/row")" |
    sed "s|$work|...|g; s|localhost:[0-9]*|localhost:PORT|g" | tee -a "$work/table"
}

told () {
  cat "$work/row" "$work/err"
  exits "$2" || return
  { read -r told_part; read -r told_status; read -r told_text; } <"$work/row"
  [ "$told_part" = "$1" ] && [ "$told_status" = "$2" ] || return
  [ ! -s "$work/err" ] || return
  printf '%s\n' "$told_text" | grep -qE -- "($3).*($4)" || return
  ! printf '%s' "$told_text" | LC_ALL=C grep -q '[[:cntrl:]]'
}

served
fresh
password me secret || exit 1
postrider check me >"$work/out" 2>"$work/err"
status=$?
check "without a mistake all is well" exits 0
check "nothing is said on stderr" [ ! -s "$work/err" ]
check "the relay was told of a sender, and of no recipient" heard 1 MAIL
check "and that it was nothing" heard 1 RSET
check "no RCPT" heard 0 RCPT
check "no DATA" heard 0 DATA
check "one login" heard 1 AUTH
check "the parts are told in their order" [ "$(sed -n 's/^  \([a-zA-Z][a-zA-Z]*\) .*/\1/p' \
  "$work/out" | head -n 9 | xargs)" = \
  "account password DNS connection TLS greeting EHLO login sender" ]

# The shape of --json is a promise.
cat >"$work/shape.py" <<'END'
import json, sys
with open(sys.argv[1]) as f:
    found = json.load(f)
assert list(found) == ["accounts", "machine", "exit_status"], found
account, = found["accounts"]
assert list(account) == ["name", "file", "line", "host", "port", "user", "parts",
                         "result"], account
for row in account["parts"] + found["machine"]:
    assert list(row) == ["part", "result", "milliseconds", "text", "advice",
                         "exit_status", "code", "expires"], row
    assert row["result"] in ("ok", "warning", "skipped", "failed"), row
assert [r["part"] for r in account["parts"]] == [
    "account", "secret", "address", "connection", "tls", "greeting", "ehlo",
    "login", "sender"], account
assert [r["part"] for r in found["machine"]] == [
    "file", "queue", "runner", "sendmail", "cron", "unit"], found
tls = account["parts"][4]
assert tls["expires"] > 1500000000, tls
END
postrider check --json me >"$work/json"
check "--json has the shape that is documented" python3 "$work/shape.py" "$work/json"
landlock=$("$build/tests/e2e/confined")
if [ "${landlock:-0}" -gt 0 ] && command -v strace >/dev/null && ! with_sanitizers; then
  strace -f -qq -e trace=landlock_restrict_self,connect -o "$work/calls" \
    postrider check me >"$work/out" 2>&1
  status=$?
  check "who speaks with the relay is confined" \
    grep -q 'landlock_restrict_self.*= 0' "$work/calls"
  check "and all is well all the same" exits 0
else
  skip "who speaks with the relay is confined" "no Landlock, or it cannot be seen"
fi
if [ "$(id -u)" = 0 ] && command -v postfix >/dev/null; then
  start_relay postfix
  relay_account implicit postfix tls
  relay_account starttls postfix starttls 'tls = starttls'
  for account in implicit starttls; do
    password $account "$relay_password"
    check "Postfix, $account" postrider check $account
  done
  password me secret
else
  skip "Postfix" "only root can start it"
fi

# The login

fresh
password me wrong
rm -rf "$work/record"
mistake "wrong password" login 77 'localhost refused the login: 535' \
  'postrider password set me'
check "it is asked once" heard 1 AUTH
check "nothing is counted against the account" [ ! -e "$state/accounts/me" ]
numbered 1 | timeout 60 "$sendmail" -f me@example.org you@example.net 2>/dev/null
check "a message that is refused pauses the account" [ -e "$state/accounts/me" ]
postrider check me >"$work/out" 2>&1
status=$?
check "an account that is paused is tried all the same" exits 77
check "and that is said" grep -q 'paused since .* 535' "$work/out"
check "it stays paused" grep -q 535 "$state/accounts/me"
become --serve --password wrong
postrider check me >"$work/out" 2>&1
status=$?
check "what is mended elsewhere is found to be" exits 0
check "that is said" grep -q 'the account works again' "$work/out"
check "and what waits for a person" grep -q 'queue release --account me' "$work/out"
check "the pause is over" [ ! -e "$state/accounts/me" ]
check "nothing was sent" queued 1 held

printf '%s\n' begin '> 220 relay' 'until AUTH*' '< AUTH *' \
  '> 535 5.7.8 no such user' serve | dialogue stranger
become "$work/stranger"
fresh "$given"
mistake "a login name that wants its domain" login 77 '535 5.7.8 no such user' \
  'whole mail address as `user., such as me@example.org'
sed -i 's/^user.*/&@example.org/' "$accounts"
become "$work/stranger"
mistake "a login name that the relay does not know" login 77 \
  '535 5.7.8 no such user' 'check `user.'
check "of one that is a whole address no other is wanted" \
  eval '! grep "whole mail address" "$work/row"'
served

fresh
sed -i '/^user/d' "$accounts"
mistake "no user" secret 78 'has no `user' 'mend what the account says'
fresh 'auth = cram-md5'
become --serve --mechanisms PLAIN
mistake "a mechanism that the relay has not" login 77 'offers no login' 'auth'
printf '%s\n' 'offer SIZE' 'serve' | dialogue no-auth
become "$work/no-auth"
fresh
mistake "a relay without AUTH" login 77 'offers no login at all' 'port'

# The secret

served
fresh
postrider password forget me >"$work/out"
secret-tool clear service smtp host localhost user me
mistake "no password in the keyring" secret 77 'has no password' \
  'postrider password set me'
password me secret
for mode in locked nobus absent; do
  around="sh $source/tests/relay/keyring $mode $work/$mode
    env XDG_CONFIG_HOME=$XDG_CONFIG_HOME XDG_STATE_HOME=$XDG_STATE_HOME"
  case $mode in
  locked) mistake "a locked keyring" secret 75 'keyring is locked' 'unlock it' ;;
  nobus) mistake "no session bus" secret 75 'no session bus' 'log in' ;;
  absent) mistake "no keyring" secret 75 'no keyring runs' 'start one' ;;
  esac
done
around=
fresh 'password-command = false'
mistake "a password command that fails" secret 77 'false. exited with status 1' \
  'run the command'
fresh 'password-command = true'
mistake "a password command that prints nothing" secret 77 'its first line is empty' \
  'run the command'
fresh 'password-command = no-such-program x'
mistake "a password command that is not there" secret 77 'no-such-program' \
  'run the command'
echo secret >"$work/password"
chmod 644 "$work/password"
fresh "password-file = $work/password"
mistake "a password file that others can read" secret 78 'read by others' \
  'run `chmod go='
chmod 600 "$work/password"
echo more >>"$work/password"
fresh "password-file = $work/password"
mistake "a password file with two lines" secret 77 'more than one line' \
  'put the password into'
echo secret >"$work/password"
fresh "password-file = $work/none"
mistake "a password file that is not there" secret 78 'cannot read' 'put the password into'

# The file

fresh "$given"
chmod 644 "$accounts"
mistake "an accounts file that others can read" file 0 'read by others' \
  'run `chmod go='
chmod 622 "$accounts"
mistake "an accounts file that others can write" file 78 'written by others' \
  'run `chmod go-w'
chmod 600 "$accounts"
sed -i 's/^timeout-connect/timeout-conect/' "$accounts"
mistake "a typo in a setting" file 78 'accounts:[0-9]+:1: .*timeout-conect' \
  'timeout-connect'
cp "$work/bare" "$accounts"
mistake "no account" file 78 'no account in' 'postrider setup'

# The way

fresh "$given"
free () { # a port at which nobody listens, and nobody will
  python3 -c 'import socket
s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1], flush=True)
import time; time.sleep(300)' >"$work/free" &
  keep $!
  await [ -s "$work/free" ]
  free=$(cat "$work/free")
}
free
sed -i "s/^port.*/port = $free/" "$accounts"
mistake "a wrong port: connection refused" connection 75 'nothing listens' \
  'check `port'
fresh "$given"
sed -i 's/^host.*/host = no-such-relay.invalid/' "$accounts"
mistake "an unknown host" address 75 'invalid:' \
  'check `host|is this computer online'
if unshare --net true 2>/dev/null; then
  around='unshare --net'
  mistake "no network: a name" address 75 'looked up|no host' \
    'is this computer online|check `host'
  sed -i 's/^host.*/host = 192.0.2.1/' "$accounts"
  mistake "no network: an address" connection 75 'no way to its network' \
    'is this computer online'
  around=
else
  skip "no network" "no network namespace can be had"
fi

# on_network ADDRESS COMMAND...: where other.example has this address, and this machine
# 192.0.2.2. With $firewall nothing comes through to port 465, and a relay listens at
# 587.
cat >"$work/on_network" <<END
set -e
"$source/tests/relay/dead-link"
printf '%s\n' '127.0.0.1 localhost' "\$1 other.example" >"$work/hosts"
mount --bind "$work/hosts" /etc/hosts
shift
[ -z "\${firewall-}" ] || {
  nft add table inet firewall
  nft 'add chain inet firewall input { type filter hook input priority 0; }'
  nft 'add rule inet firewall input tcp dport 465 drop'
  rm -rf "$work/587" "$work/at-587"
  "$build/tests/relay/scripted-relay" --serve --starttls --port 587 \
    --port-file "$work/587" --record "$work/at-587" \
    --certificate "$certificates/wrong-host.pem" >"$work/scripted-587.log" 2>&1 &
  until [ -s "$work/587" ]; do sleep 0.02; done
  nft add table ip here
  nft 'add chain ip here out { type nat hook output priority -100; }'
  nft 'add rule ip here out ip daddr 192.0.2.2 tcp dport 587 dnat to 127.0.0.1'
}
exec "\$@"
END
on_network="unshare --net --mount --pid --fork --kill-child --mount-proc
  sh $work/on_network"
if $on_network 192.0.2.1 true 2>/dev/null; then
  fresh "$given"
  sed -i 's/^host.*/host = other.example/; s/^port.*/port = 465/
    s/^timeout-connect.*/timeout-connect = 1s/' "$accounts"
  around="$on_network 2001:db8::1"
  mistake "a relay with IPv6 alone, and no IPv6 here" connection 75 \
    'no way to its network' 'only IPv6 addresses.*another `host'
  for address in 127.0.0.1 0.0.0.0 ::; do
    around="$on_network $address"
    mistake "a name of the relay that leads to $address" connection 75 \
      'nothing listens' 'to this computer itself: check /etc/hosts'
  done
  if firewall=yes $on_network 192.0.2.2 true 2>"$work/err"; then
    around="env firewall=yes $on_network 192.0.2.2"
    mistake "a firewall that swallows what is for port 465" connection 75 \
      'no connection within' 'port = 587. with `tls = starttls'
    sed -i 's/^port.*/port = 587\ntls = starttls/' "$accounts"
    $around postrider check me >"$work/out" 2>&1
    status=$?
    check "what it says to try then is the way" exits 0
  else
    skip "a firewall" "there is no nft, or it can do nothing here"
  fi
  around="$on_network 192.0.2.1"
  sed -i '/^tls/d; s/^port.*/port = 587\ntls = starttls/' "$accounts"
  mistake "a network that swallows what is for port 587" connection 75 \
    'no connection within' 'port = 465. with `tls = implicit'
  around=
else
  skip "names that lead astray" "no network namespace can be had"
fi
python3 -c '
import socket, time
s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen(0)
c = [socket.socket() for _ in range(8)]
for x in c:
    x.setblocking(False)
    x.connect_ex(s.getsockname())
print(s.getsockname()[1], flush=True)
time.sleep(300)' >"$work/deaf" &
keep $!
await [ -s "$work/deaf" ]
fresh "$given"
sed -i "s/^port.*/port = $(cat "$work/deaf")/; s/^timeout-connect.*/timeout-connect = 1s/" \
  "$accounts"
mistake "a network that lets nothing through" connection 75 \
  'no connection within' 'perhaps this network'
echo stall | dialogue mute
become "$work/mute"
fresh "$given"
sed -i 's/^timeout-connect.*/timeout-connect = 1s/' "$accounts"
mistake "silence instead of TLS" tls 75 'no answer within' 'check `port. and `tls'
fresh "$given" "proxy = socks5://localhost:$free"
mistake "a proxy that is down" connection 75 \
  "the proxy localhost:$free cannot be reached" 'check `proxy'
fresh "$given" 'tunnel = no-such-tunnel %h %p'
mistake "a tunnel whose command is missing" connection 78 'no-such-tunnel' 'mend'

# TLS

served
fresh "$given" 'tls = starttls'
sed -i 's/^timeout-command.*/timeout-command = 1s/' "$accounts"
mistake "STARTTLS at a port with implicit TLS" greeting 75 'no answer within' \
  'tls = implicit'
become --serve --starttls
fresh "$given"
mistake "implicit TLS at a port with STARTTLS" tls 75 'does not speak TLS' \
  'tls = starttls'
cat >"$work/web.py" <<'END'
import socket, sys
s = socket.socket()
s.bind(("127.0.0.1", 0))
s.listen(8)
print(s.getsockname()[1], flush=True)
while True:
    c, _ = s.accept()
    if sys.argv[1] == "asked":
        c.recv(4096)
    c.sendall(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n<html>log in</html>")
    c.close()
END
for manner in asked unasked; do
  python3 "$work/web.py" $manner >"$work/$manner" &
  keep $!
  await [ -s "$work/$manner" ]
done
sed -i "s/^port.*/port = $(cat "$work/asked")/" "$accounts"
mistake "a captive portal: a web server answers" tls 75 'web server' 'log in'
fresh "$given" 'tls = starttls'
sed -i "s/^port.*/port = $(cat "$work/unasked")/" "$accounts"
mistake "a captive portal: a web server greets" greeting 75 \
  'web server' 'log in, else check `host'
sed -i "s/^port.*/port = $(cat "$work/asked")/
  s/^timeout-command.*/timeout-command = 1s/" "$accounts"
mistake "a captive portal: a web server waits for STARTTLS" greeting 75 \
  'no answer within' 'check `port. and `tls'
fresh "$given"
become --serve --certificate "$certificates/wrong-host.pem"
fresh "$given"
mistake "a captive portal: a certificate of another host" tls 75 \
  'for another name \(other.example\)' 'check `host.*log in'
become --serve --certificate "$certificates/expired.pem"
mistake "an expired certificate" tls 75 'has expired' 'the clock of this computer'
# As the certificates of most relays: for three months, from now on.
printf '%s\n' 'cn = brief' 'dns_name = localhost' tls_www_server signing_key \
  'expiration_days = 90' >"$work/brief.template"
cp "$certificates/good.key" "$work/brief.key"
certtool --generate-certificate --load-ca-certificate "$certificates/ca.pem" \
  --load-ca-privkey "$certificates/ca.key" --template "$work/brief.template" \
  --load-privkey "$work/brief.key" --outfile "$work/brief.pem" 2>"$work/err" ||
  exit 1
become --serve --certificate "$work/brief.pem"
check "a certificate for three months is good" postrider check me
around='at -1y'
mistake "a clock that is a year slow" tls 75 'not valid yet' \
  "the clock of this computer says $(($(date +%Y) - 1))"
around='at +1y'
mistake "a clock that is a year fast" tls 75 'has expired' \
  "the clock of this computer says $(($(date +%Y) + 1))"
around=
become --serve --certificate "$certificates/self-signed.pem"
mistake "a certificate of the relay's own making" tls 75 'self-signed' \
  'trust-file.*log in'
become --serve --certificate "$certificates/unknown-ca.pem"
mistake "an unknown authority" tls 75 'no authority that is trusted' 'trust-file'
served
fresh "$given" 'pin = pin-sha256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA='
mistake "another key than the pinned one" tls 75 'none of those that `pin' 'ask'
fresh "$given"
sed -i "s|^trust-file.*|trust-file = $work/none.pem|" "$accounts"
mistake "a trust file that is missing" tls 78 'cannot read .*none.pem' 'mend'

# The relay

fresh "$given"
for greeting in '421 4.3.2 too many' '554 5.7.1 not from there' 'nonsense'; do
  printf '%s\n' tls "> $greeting" drain | dialogue greeting
  become "$work/greeting"
  case $greeting in
  421*) advice='wait some minutes' ;;
  554*) advice='check `host' ;;
  *) advice='check `host' ;;
  esac
  mistake "greeted with $greeting" greeting 75 "${greeting%% [45].*}|no SMTP reply" "$advice"
done
printf '%s\n' tls close | dialogue hasty
become "$work/hasty"
mistake "a relay that hangs up" greeting 75 'closed the connection' 'check `port'
printf '%s\n' begin '> 220 relay' 'until AUTH*' '< AUTH *' '> 454 4.7.0 later' \
  serve | dialogue trouble
become "$work/trouble"
mistake "a relay whose logins are in trouble" login 75 'login: 454 4.7.0' \
  'wait some minutes'
printf '%s\n' begin '> 220 relay' 'until MAIL*' '< MAIL*' \
  '> 553 5.7.1 not your address' serve | dialogue sender
become "$work/sender"
mistake "a sender that the relay refuses" sender 69 \
  'refused the sender me@example.org: 553 5.7.1' 'write into `from'

# This machine

served
fresh "$given"
mkdir -p "$state"
chmod 755 "$state"
mistake "a queue directory that others may enter" queue 78 "$state" 'chmod'
rm -rf "$state"
echo >"$state"
mistake "a queue directory that is a file" queue 78 "$state" 'must be'
rm -rf "$state"
sed -i 's/^start-runner.*/&\nreserve = 1000000G/' "$accounts"
mistake "a disk that is fuller than wanted" queue 75 'are needed' 'make room'
sed -i '/^reserve/d' "$accounts"
if [ "$(id -u)" = 0 ]; then
  chown 65534 "$state"
  mistake "a queue of another user" queue 78 'belongs to another user' 'chown'
  rm -rf "$state"
fi
# on_disk FIRST THEN COMMAND...: with the queue on a disk of its own, mounted with
# these options.
cat >"$work/on_disk" <<END
first=\$1 then=\$2
shift 2
mkdir -p "$state"
mount -t tmpfs -o mode=700,"\$first" none "$state"
postrider queue >/dev/null 2>&1
mount -o remount,"\$then" "$state"
exec "\$@"
END
if unshare --mount sh "$work/on_disk" size=1g ro true 2>/dev/null; then
  on_disk="unshare --mount sh $work/on_disk"
  around="$on_disk size=1m rw"
  mistake "a full disk" queue 75 'bytes left|KiB left' 'make room'
  around="$on_disk size=1g nr_inodes=6"
  mistake "a disk with too many files" queue 73 'No space left' 'no message is taken'
  around="$on_disk size=1g ro"
  mistake "a read-only disk" queue 73 'Read-only' 'no message is taken'
  around="$on_disk size=1g,nr_inodes=2 rw"
  mistake "a disk without room for the queue" queue 73 \
    'cannot make the queue directory' 'No space left'
  around=
else
  skip "a full disk" "no file system can be mounted"
fi

# on_quota COMMAND...: with the queue where a quota is used up.
cat >"$work/on_quota" <<END
mount -o loop "$work/image" "$state" && chmod 700 "$state" &&
  postrider queue >/dev/null && btrfs quota enable "$state" &&
  btrfs qgroup limit 32k 0/5 "$state" || exit 71
"\$@"
set -- \$?
umount "$state"
exit \$1
END
mkdir -p "$state"
truncate -s 256M "$work/image"
if command -v btrfs >/dev/null && mkfs.btrfs -q "$work/image" >/dev/null 2>&1 &&
  unshare --mount sh "$work/on_quota" true 2>"$work/err"; then
  around="unshare --mount sh $work/on_quota"
  mistake "a quota that is used up" queue 73 'Disk quota exceeded' \
    'no message is taken; the queue is in'
  around=
else
  skip "a quota that is used up" "no file system with quotas can be mounted"
fi
rm -rf "$state"

# The home of who may not write everywhere, as root may

mkdir -m 755 "$work/public"
cp "$build/postrider" "$work/public"
home=$work/rider
rider=
[ "$(id -u)" != 0 ] || rider='setpriv --reuid 65534 --regid 65534 --clear-groups'

fresh_home () { # with nothing in it
  rm -rf "$home"
  mkdir -m 700 "$home"
  [ -z "$rider" ] || chown 65534:65534 "$home"
}

# at_home [VARIABLE=VALUE] COMMAND...: with nothing of this session.
at_home () {
  env -i PATH="$work/public:$PATH" $rider env "$@"
}

# mistaken_setup NAME STATUS PATTERN ADVICE [VARIABLE=VALUE]: setup says so before it
# asks anybody anything.
mistaken_setup () {
  mistake_name=$1 setup_status=$2
  setup_pattern="^postrider: .*($3).*($4)"
  shift 4
  at_home "$@" postrider setup --batch --host localhost --port "$port" --user me \
    --password-file /none --test no me@example.org >"$work/row" 2>&1 </dev/null
  status=$?
  check "$mistake_name" setup_told
  printf '# | %s | %s | setup | %s |\n' "$mistake_name" "$status" \
    "$(sed 's/^postrider: //' "$work/row")" | sed "s|$work|...|g" |
    tee -a "$work/table"
}

setup_told () {
  cat "$work/row"
  exits "$setup_status" && [ "$(wc -l <"$work/row")" = 1 ] &&
    grep -qE -- "$setup_pattern" "$work/row"
}

# checked PATTERN [VARIABLE=VALUE]: `check' says so, for programs too.
checked () {
  checked_pattern=$1
  shift
  at_home "$@" postrider check --json >"$work/json"
  status=$?
  cat "$work/json"
  exits 78 && grep -q -- "$checked_pattern" "$work/json" &&
    python3 -m json.tool "$work/json"
}

served
writable='let this user write there, or name another file with --accounts-file'
fresh_home
chmod 500 "$home"
mistaken_setup "setup in a home that is not writable" 74 \
  'accounts: Permission denied' "$writable" HOME="$home"
check "check in a home that is not writable" \
  checked 'local/state/postrider: Permission denied' HOME="$home"
chmod 700 "$home"
: >"$home/.config"
mistaken_setup "setup where ~/.config is a file" 74 'accounts: Not a directory' \
  "$writable" HOME="$home"
if [ -n "$rider" ]; then
  fresh_home
  mkdir -m 755 "$home/.config"
  mistaken_setup "setup where ~/.config is another user's" 74 \
    'accounts: Permission denied' "$writable" HOME="$home"
  for variable in HOME=/nonexistent --unset=HOME; do
    mistaken_setup "setup without a home, $variable" 78 'no home directory' \
      'name a file with --accounts-file' $variable
    check "check without a home, $variable" \
      checked 'let root run `install -d -m 1733' $variable
  done
  fresh_home
  root=$rider
  cat >"$work/read_only" <<END
mount --bind "$home" "$home" && mount -o remount,bind,ro "$home" &&
  exec $root "\$@"
END
  rider="unshare --mount sh $work/read_only"
  mistaken_setup "setup in a home that is read-only" 74 \
    'accounts: Read-only file system' "$writable" HOME="$home"
  check "check in a home that is read-only" \
    checked 'local/state/postrider: Read-only file system' HOME="$home"
else
  skip "homes of others, none, and a read-only one" "only root can make them"
fi
rm -rf "$state"
postrider check nobody >"$work/out" 2>"$work/err"
status=$?
check "an account that there is not" exits 78
check "it is told which there are" grep -q nobody "$work/err"

echo '#' "$(wc -l <"$work/table") mistakes"
end
