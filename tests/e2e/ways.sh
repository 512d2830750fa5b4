#!/bin/sh
# Every way to a relay, through programs that people use for it, and all that can
# go wrong on the way: nothing of a message or a login is ever said in clear, only
# the relay that the account names gets it, and what fails is told in one line.
. "$(dirname "$0")/lib.sh"
need python3
begin 300
make_certificates

# Programs that listen

listens () {
  grep -q "^ *[0-9]*: 0100007F:$(printf %04X "$1") [0-9A-F:]* 0A" /proc/net/tcp
}

# free_port: one on which nothing listens yet, in $free.
free_port () {
  while
    free=$((20000 + $(od -An -N2 -tu2 /dev/urandom) % 12000))
    listens $free
  do :; done
}

# start NAME COMMAND...: one that listens on $free; its output goes to NAME.log.
start () {
  start_name=$1
  shift
  "$@" >"$work/$start_name.log" 2>&1 &
  keep $!
  await listens $free || {
    diagnose <"$work/$start_name.log"
    exit 1
  }
}

# faulty FAULT: that proxy of ways.py, on $faulty.
faulty () {
  rm -f "$work/faulty"
  python3 "$source/tests/e2e/ways.py" "$1" "$work/faulty" "${port:-0}" &
  faulty_pid=$!
  keep $faulty_pid
  await [ -s "$work/faulty" ] || exit 1
  faulty=$(cat "$work/faulty")
}

# Accounts, one after the other

# way SETTING...: the one account, "me", of the scripted relay.
limit=20s
way () {
  sed -i '/^\[me\]/,$d' "$accounts"
  scripted_account me "timeout-connect = $limit" "timeout-command = $limit" "$@"
}

# relay_way PORT-NAME SETTING...: the same, of Postfix.
relay_way () {
  sed -i '/^\[me\]/,$d' "$accounts"
  relay_way_port=$1
  shift
  relay_account me postfix "$relay_way_port" "$@"
}

send () {
  rm -rf "$state/queue" "$state/held" "$state/accounts"
  : >"$work/log"
  printf 'secret\n' | message 'Subject: secret' >"$work/sent"
  began=$(date +%s)
  submit -v -f me@example.org you@example.net <"$work/sent"
  took=$(($(date +%s) - began))
}

taken () { # taken: by the scripted relay, whole.
  cat "$work/err" "$work/log"
  [ "$status" = 0 ] && queued 0 && grep -q '^secret' "$work"/record/*.message-1 &&
    ! grep -alE 'AUTH|MAIL|secret' "$work"/record/*.clear
}

goes () { # goes NAME [SETTING...]: through the scripted relay.
  goes_name=$1
  shift
  way "$@"
  send
  check "$goes_name" taken
}

posted () { # by Postfix
  cat "$work/err" "$work/log"
  [ "$status" = 0 ] && queued 0 && came "$work/sent" "$work/postfix/mail/all"
}

# fails NAME STATUS TEXT SECONDS: the last one, with one line like TEXT (a pattern
# of grep), in that time.
fails () {
  line=$(sed -n 's/.*text="\(.*\)"$/\1/p' "$work/log")
  check "$1: ${line#localhost:* }" failed "$2" "$3" "$4"
}

failed () {
  cat "$work/err" "$work/log"
  echo "$took seconds"
  exits "$1" && [ "$took" -le "$3" ] || return
  [ "$(printf '%s\n' "$line" | grep -c .)" = 1 ] || return
  printf '%s\n' "$line" | grep -q -- "$2" || return
  printf '%s' "$line" | LC_ALL=C grep -q '[[:cntrl:]]' && return 1
  case $1 in
  0) queued 1 ;;
  *) queued 1 held ;;
  esac
}

unheard () { # The relay was not spoken to, or only in clear.
  ! grep -alE 'AUTH|MAIL|secret' "$work"/record/*.clear "$work"/record/*.tls \
    2>/dev/null
}

# gone MARK: no process has it among its arguments.
gone () {
  echo "$1" >"$work/mark"
  set -- $(grep -lsaFf "$work/mark" /proc/[0-9]*/cmdline)
  for process; do
    tr '\0' ' ' <"$process"
  done
  [ $# = 0 ]
}

# SOCKS5

socks () { # socks NAME PORT
  goes "$1: implicit TLS" "proxy = socks5://127.0.0.1:$2"
  become --serve --starttls
  goes "$1: STARTTLS, and no octet in clear" "proxy = 127.0.0.1:$2" \
    'tls = starttls'
  served
  if [ "$(id -u)" = 0 ]; then
    relay_way tls "proxy = socks5://localhost:$2"
    password me "$relay_password"
    send
    check "$1: Postfix, implicit TLS" posted
    relay_way starttls "proxy = localhost:$2" 'tls = starttls'
    password me "$relay_password"
    send
    check "$1: Postfix, STARTTLS" posted
  fi
}

# Whose names nobody else knows.
start_microsocks () {
  free_port
  microsocks=$free
  printf '%s\n' '127.0.0.1 localhost other.example only.example' >"$work/hosts"
  if [ -n "$own_mounts" ]; then
    start microsocks unshare --mount --propagation private sh -c \
      "mount --bind '$work/hosts' /etc/hosts && exec microsocks -i 127.0.0.1 -p $free"
  else
    start microsocks microsocks -i 127.0.0.1 -p $free
  fi
}

start_danted () {
  free_port
  danted=$free
  cat >"$work/danted.conf" <<END
logoutput: stderr
internal: 127.0.0.1 port = $free
external: 127.0.0.1
clientmethod: none
socksmethod: none
client pass { from: 127.0.0.0/8 to: 0.0.0.0/0 }
socks block { from: 0.0.0.0/0 to: 0.0.0.0/0 port = 1 }
socks pass { from: 127.0.0.0/8 to: 0.0.0.0/0 }
END
  start danted danted -f "$work/danted.conf"
}

# What the program does on the network: every connection, and what it sends to
# an address. Neither its helpers nor the sanitizers can be traced.
traced () {
  ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0 \
    timeout 60 strace -f -qq -e trace=socket,connect,sendto,sendmsg,sendmmsg \
    -o "$work/calls" "$sendmail" -f me@example.org you@example.net \
    <"$work/sent" >"$work/out" 2>"$work/err"
  status=$?
}

# One TCP connection, to the proxy; nothing by UDP, and no question to anybody.
only_to_proxy () {
  grep -E 'AF_INET' "$work/calls"
  [ "$(grep -cE 'connect\(.*AF_INET' "$work/calls")" -ge 1 ] || return
  ! grep -E '(connect|send[a-z]*)\(.*AF_INET' "$work/calls" |
    grep -v "connect(.*sin_port=htons($microsocks).*127\.0\.0\.1" || return
  ! grep -E 'socket\(AF_INET6?, SOCK_DGRAM|socket\(AF_NETLINK' "$work/calls"
}

own_mounts=
! unshare --mount true 2>/dev/null || own_mounts=yes
served
way
password me secret || exit 1
if [ "$(id -u)" = 0 ] && command -v postfix >/dev/null; then
  start_relay postfix
fi

if command -v microsocks >/dev/null; then
  start_microsocks
  socks microsocks "$microsocks"
  if [ -n "$own_mounts" ]; then
    become --serve --certificate "$work/certificates/wrong-host.pem"
    way "proxy = socks5://127.0.0.1:$microsocks" 'host = other.example'
    sed -i '/^host = localhost/d' "$accounts"
    password me secret
    send
    check "microsocks: a name that only the proxy can look up" taken
    rm -rf "$state/queue"
    if command -v strace >/dev/null; then
      traced
      check "the same: nothing but the proxy is connected to, and no question asked" \
        only_to_proxy
      check "the same: traced, the message was sent" taken
    fi
    sed -i 's/^proxy = .*//' "$accounts"
    send
    fails "without the proxy that name does not exist" 0 \
      'there is no host of this name\|cannot be looked up' 9
    # The proxy leads elsewhere.
    become --serve
    way "proxy = socks5://127.0.0.1:$microsocks" 'host = only.example'
    sed -i '/^host = localhost/d' "$accounts"
    password me secret
    send
    fails "microsocks: it leads to another relay" 0 'only.example' 9
    check "the other relay was told nothing" unheard
    served
  else
    skip "names that only the proxy knows" "no mount namespace can be had"
  fi
  way "proxy = socks5://127.0.0.1:$microsocks" 'source-address = 127.7.7.7'
  send
  check "microsocks: from an address of choice" taken
  way "proxy = socks5://127.0.0.1:$microsocks"
  stop_scripted
  scripted=
  send
  fails "microsocks: nothing listens there" 0 \
    ': 127.0.0.1:[0-9]*: the proxy finds that nothing listens' 9
  served
else
  skip microsocks "it is not installed"
fi

if command -v danted >/dev/null; then
  start_danted
  socks danted "$danted"
  way "proxy = socks5://127.0.0.1:$danted"
  sed -i 's/^port = .*/port = 1/' "$accounts"
  password me secret
  send
  fails "danted: forbidden" 0 'the proxy.s rules forbid this connection' 9
else
  skip danted "it is not installed"
fi

# A proxy that misbehaves: each fault, and what is told of it.
limit=1s
fault () { # fault NAME TEXT [SECONDS]
  faulty "$1"
  way "proxy = socks5://127.0.0.1:$faulty"
  password me secret
  send
  fails "a proxy's $1" 0 ": 127.0.0.1:$faulty: $2" "${3-2}"
  stop_faulty
}

stop_faulty () {
  kill -s KILL $faulty_pid
  wait $faulty_pid
} 2>/dev/null

faulty pieces
way "proxy = socks5://127.0.0.1:$faulty"
send
check "a proxy's pieces: they are put together" taken
fault close 'the proxy closed the connection$'
fault quit-1 'the proxy closed the connection$'
fault quit-2 'the proxy closed the connection$'
fault quit-4 'the proxy closed the connection$'
fault quit-6 'the proxy closed the connection$'
fault quit-9 'the proxy closed the connection$'
fault silent 'no answer from the proxy within [0-9]* m*s[econds]*$' 4
fault half 'no answer from the proxy within [0-9]* m*s[econds]*$' 4
fault drip 'no answer from the proxy within [0-9]* m*s[econds]*$' 4
fault garbage 'what answers there is no SOCKS5 proxy; check .proxy.$'
fault method-1 'what answers there is no SOCKS5 proxy; check .proxy.$'
fault method-2 'the proxy wants a login, and only proxies without one can be used$'
fault method-255 'the proxy wants a login, and only proxies without one can be used$'
fault code-1 'the proxy failed, and does not say why$'
fault code-2 'the proxy.s rules forbid this connection$'
fault code-3 "the proxy has no way to the relay's network\$"
fault code-4 'the proxy cannot reach the relay, or does not know its name; check .host.$'
fault code-5 "the proxy finds that nothing listens on the relay's port\$"
fault code-6 'the proxy gets no answer from the relay$'
fault code-7 'the proxy makes no TCP connections$'
fault code-8 'the proxy does not take names, or not this kind of address$'
fault code-9 'the proxy refuses with the unknown code 9$'
fault code-255 'the proxy refuses with the unknown code 255$'
for fault in connected endless; do
  faulty $fault
  way "proxy = 127.0.0.1:$faulty"
  send
  case $fault in
  connected) fails "a proxy's $fault" 0 'no answer within [0-9]* m*s[econds]*$' 4 ;;
  endless) fails "a proxy's $fault" 0 'localhost:[0-9]*: .' 4 ;;
  esac
done
free_port
way "proxy = 127.0.0.1:$free"
send
fails "no proxy" 0 "the proxy 127.0.0.1:$free cannot be reached: nothing listens on this port; check .proxy.\$" 2
way 'proxy = proxy.invalid:1080'
send
fails "a proxy without an address" 0 'the proxy proxy.invalid:1080 cannot be reached: .*look\|check .proxy.' 9
way 'proxy = socks5://me:hunter2@127.0.0.1:1080'
send
check "a proxy's password is refused" grep -q '^.*:[0-9]*:9: .*no password' "$work/err"
check "and told to nobody" [ -z "$(grep -rl hunter2 "$work/err" "$work/log" "$state")" ]

# Source address
limit=20s
if [ "$(id -u)" = 0 ] && [ -d "$work/postfix" ]; then
  relay_way tls 'source-address = 127.1.2.3'
  password me "$relay_password"
  send
  check "source address: Postfix takes the message" posted
  check "source address: it is what Postfix saw" \
    grep -q 'connect from .*\[127\.1\.2\.3\]' "$work/postfix/log"
fi
goes "source address: the scripted relay" 'source-address = 127.4.5.6'
way 'source-address = 192.0.2.77'
send
fails "source address of another machine" 0 \
  'this machine does not have the address 192.0.2.77 at present' 2

# Unix-domain socket
socket=$work/relay.sock
become --serve --unix "$socket"
goes "socket: implicit TLS" "socket = $socket"
become --serve --starttls --unix "$socket"
goes "socket: STARTTLS, and no octet in clear" "socket = $socket" 'tls = starttls'
become --serve --certificate "$work/certificates/wrong-host.pem" --unix "$socket"
way "socket = $socket"
send
fails "socket: another relay" 0 'localhost:.*certificate' 2
check "socket: the other relay was told nothing" unheard
dialogue plain <<'END'
> 220 relay.example ESMTP
< EHLO *
> 250-relay.example
> 250 AUTH PLAIN LOGIN
bye
END
become --starttls --unix "$socket" "$work/plain"
way "socket = $socket" 'tls = starttls'
send
fails "socket: no STARTTLS" 0 'does not offer STARTTLS' 2
check "socket: no login, no message in clear" unheard
served
way "socket = $socket"
send
fails "socket: nobody listens" 0 "nothing listens on the socket $socket\$" 2
way "socket = $work/none"
send
fails "socket: there is none" 0 "the socket $work/none cannot be reached: " 2

# A command

start_sshd () {
  mkdir -m 755 "$work/ssh"
  ssh-keygen -q -t ed25519 -N '' -f "$work/ssh/host"
  ssh-keygen -q -t ed25519 -N '' -f "$work/ssh/id"
  free_port
  sshd=$free
  cat >"$work/ssh/sshd_config" <<END
ListenAddress 127.0.0.1:$free
HostKey $work/ssh/host
PidFile none
AuthorizedKeysFile $work/ssh/id.pub
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
END
  set -- "$(command -v sshd)" -D -e -f "$work/ssh/sshd_config"
  if [ "$(id -u)" = 0 ]; then
    # As root it wants a directory of the system's, and an account that is not
    # locked.
    sed 's/^root:[^:]*:/root:x:/' /etc/shadow >"$work/ssh/shadow"
    set -- unshare --mount --propagation private sh -c \
      "mount -t tmpfs none /run && mkdir /run/sshd &&
       mount --bind '$work/ssh/shadow' /etc/shadow && exec $*"
  fi
  echo "gate $(cat "$work/ssh/host.pub")" >"$work/ssh/known"
  cat >"$work/ssh/config" <<END
Host gate
HostName 127.0.0.1
HostKeyAlias gate
Port $free
User $(id -un)
IdentityFile $work/ssh/id
IdentitiesOnly yes
UserKnownHostsFile $work/ssh/known
GlobalKnownHostsFile /dev/null
StrictHostKeyChecking yes
BatchMode yes
LogLevel ERROR
END
  start sshd "$@"
}

if [ "$(id -u)" = 0 ] && [ -z "$own_mounts" ]; then
  skip "ssh" "no mount namespace can be had"
elif command -v sshd >/dev/null && command -v ssh >/dev/null; then
  start_sshd
  ssh="tunnel = ssh -F $work/ssh/config gate -W %h:%p"
  served
  goes "ssh: implicit TLS" "$ssh"
  check "ssh: it has ended" gone "$work/ssh/config"
  become --serve --starttls
  goes "ssh: STARTTLS, and no octet in clear" "$ssh" 'tls = starttls'
  check "ssh: the relay was told goodbye" heard 1 QUIT
  served
  if [ -d "$work/postfix" ]; then
    relay_way tls "$ssh"
    password me "$relay_password"
    send
    check "ssh: Postfix, implicit TLS" posted
    relay_way starttls "$ssh" 'tls = starttls'
    password me "$relay_password"
    send
    check "ssh: Postfix, STARTTLS" posted
  fi
  way "$ssh"
  stop_scripted
  scripted=
  send
  fails "ssh: nothing listens at the relay" 0 \
    'the tunnel: .ssh. exited with status [0-9]*: .' 9
  served
  way "tunnel = ssh -F $work/ssh/config -p 1 gate -W %h:%p"
  send
  fails "ssh: nobody to log in to" 0 \
    'the tunnel: .ssh. exited with status 255: .*Connection refused' 9
  echo "gate $(cat "$work/ssh/id.pub")" >"$work/ssh/known"
  way "$ssh"
  send
  fails "ssh: it is not who it should be" 0 \
    'the tunnel: .ssh. exited with status 255: ' 9
else
  skip "ssh" "its server is not installed"
fi

# Commands that fail, each with a mark by which it can be found afterwards.
limit=1s
served
mark=mark-$$-of-ways
tunnel () { # tunnel NAME STATUS SECONDS TEXT COMMAND: of sh, whose $0 is the mark
  way "tunnel = sh -c '$5' $mark"
  send
  fails "a command that $1" "$2" "$4" "$3"
  check "a command that $1 is gone" await gone $mark
}

tunnel 'ends at once' 0 2 '; the tunnel: .sh. exited with status 0$' 'exit 0'
tunnel 'fails' 0 2 'the tunnel: .sh. exited with status 3: no way$' \
  'echo no way >&2; exit 3'
tunnel 'says garbage' 0 4 'the tunnel' 'echo garbage; cat >/dev/null'
tunnel 'says garbage without end' 0 4 'the tunnel' 'yes garbage'
tunnel 'says nothing' 0 5 \
  "no answer within [0-9]* m*s[econds]*; the tunnel's command runs, and says nothing\$" \
  'cat >/dev/null'
tunnel 'hangs, and says why' 0 5 \
  'no answer within [0-9]* m*s[econds]*; the tunnel: .sh.: waiting for a token$' \
  'echo waiting for a token >&2; cat >/dev/null'
tunnel 'is killed' 0 2 'the tunnel: .sh. was ended by signal 9$' 'kill -9 $$'
tunnel 'writes control characters' 0 2 'status 1: ?\[31mred ??ä$' \
  'printf "\033[31mred\t\007\377ä\n" >&2; exit 1'
tunnel 'complains without end' 0 5 'the tunnel: ' 'yes complaint >&2'
tunnel 'ignores every signal and the end of its input' 0 6 'the tunnel' \
  'trap "" HUP INT TERM; while :; do sleep 9; done'
tunnel 'leaves another behind' 0 5 'the tunnel' \
  "sh -c \"sleep 99\" $mark & exit 4"
way "tunnel = /nonexistent/tunnel %h"
send
fails "no such command" 78 'the tunnel cannot be opened: cannot run ./nonexistent/tunnel.: ' 2
: >"$work/command"
way "tunnel = $work/command"
send
fails "a command that cannot be executed" 78 'the tunnel cannot be opened: cannot run ' 2
way 'tunnel = no-such-command-anywhere %h'
send
fails "a command that is not in the path" 78 \
  'the tunnel cannot be opened: cannot run .no-such-command-anywhere.: it is not in ' 2

# However the program ends, the command ends as well.
stalled () { # stalled SIGNAL SHELL-COMMAND: it is sent while the relay is awaited.
  limit=60s
  rm -rf "$work/up" "$state/queue" "$state/held" "$state/accounts"
  way "tunnel = sh -c 'echo >$work/up; $2' $mark"
  "$sendmail" -f me@example.org you@example.net <"$work/sent" 2>"$work/err" &
  stalled=$!
  await [ -e "$work/up" ] && kill -s "$1" $stalled
  wait $stalled
  status=$?
  check "$1 while the relay is awaited: the command is gone" await gone $mark
}

stalled TERM 'trap "" HUP INT TERM; while :; do sleep 9; done'
check "TERM: so are we" exits 143
check "TERM: the message was taken back" queued 1 held
stalled KILL 'cat >/dev/null'
check "KILL: the message waits" queued 1

# A runner goes on with other accounts, and leaves nothing behind.
limit=1s
rm -rf "$state/queue" "$state/held" "$state/accounts"
way "tunnel = sh -c 'cat >/dev/null' $mark"
faulty silent
scripted_account silent 'timeout-connect = 1s' "proxy = 127.0.0.1:$faulty"
scripted_account good 'timeout-connect = 20s' \
  "tunnel = python3 $source/tests/e2e/ways.py lead $mark %p"
for account in me silent good; do
  numbered 1 | submit -odq -f $account@example.org you@example.net
done
rm -rf "$work/record"
become --serve
start_runner
check "runner: what can go out does" await each_once 1 1 "$work/record"
check "runner: the others wait" await queued 2
check "runner: no command is left" await gone $mark
no_zombie () { ! ps -o pid,stat,args --ppid $runner | grep ' Z'; }
check "runner: and no zombie" no_zombie
end_runner
check "runner: it ends" no_runner

# Relays are not asked for more messages of one session, and a tunnel's command is
# started anew for the next.
rm -rf "$state/queue" "$state/held" "$state/accounts" "$work/record"
become --serve
enqueue 1 101 -f good@example.org you@example.net || exit 1
run_once
check "101 messages through a tunnel: all are sent" exits 0
check "101 messages through a tunnel: each arrives once" \
  each_once 1 101 "$work/record"
check "101 messages through a tunnel: in two sessions" connections 2
check "101 messages through a tunnel: no command is left" await gone $mark
end
