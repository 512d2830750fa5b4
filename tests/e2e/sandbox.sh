#!/bin/sh
# What speaks with the relay can do little else; what has to be done besides is done
# all the same, by others. It may die, and nothing is lost.
. "$(dirname "$0")/lib.sh"
begin
make_certificates
start_scripted --serve --certificate "$work/certificates/good.pem"
scripted_account me 'timeout-command = 2s'
echo body | message >"$work/message"
password me secret || exit 1
confined=$build/tests/e2e/confined

# What is forbidden

mkdir "$HOME/.ssh" "$work/elsewhere"
echo key >"$HOME/.ssh/id"
echo data >"$work/elsewhere/file"
cp "$work/certificates/ca.pem" "$HOME/ca.pem"
mkdir "$HOME/authorities"
cp "$work/certificates/ca.pem" "$HOME/authorities/ca.pem"
account bare 'host = localhost' "port = $port" 'user = me' \
  "trust-file = $HOME/ca.pem"
account renewed 'host = localhost' "port = $port" 'user = me' \
  "trust-file = $HOME/authorities/ca.pem"
echo body | message | "$sendmail" -odq -f me@example.org you@example.net

# inside ACCOUNT ACTION ARGUMENT RESULT
inside () {
  "$confined" "$state" "$accounts" "$1" "$2" "$3" >"$work/inside" 2>&1 ||
    { cat "$work/inside"; return 1; }
  cat "$work/inside"
  grep -qx "$2 $3: $4" "$work/inside"
}

# forbidden ACTION ARGUMENT [RESULT]: and it would be possible.
forbidden () {
  check "outside: $1 $2" inside - "$1" "$2" ok
  check "inside: no $1 $2" inside me "$1" "$2" "${3:-EACCES}"
}

landlock=$("$confined" --version)
at_least () { # at_least VERSION: the kernel's Landlock
  [ "$landlock" -ge "$1" ]
}

if at_least 2; then
  forbidden read "$HOME/.ssh/id"
  forbidden thread-read "$HOME/.ssh/id"
  forbidden read "$accounts"
  forbidden list "$HOME"
  forbidden append "$work/elsewhere/file"
  forbidden append "$work/log"
  check "outside: a file is made" inside - make "$work/elsewhere/new" ok
  check "inside: it is not removed" inside me remove "$work/elsewhere/new" EACCES
  check "inside: none is made" inside me make "$work/elsewhere/newer" EACCES
  check "inside: nor a directory" inside me mkdir "$work/elsewhere/d" EACCES
  forbidden execute /bin/true
  forbidden execute /bin/sh
  forbidden list /proc
  forbidden read /proc/1/status
  check "inside: no file in /tmp" inside me make "/tmp/postrider.$$" EACCES
  check "inside: no device, socket, or pipe in the queue" \
    inside me socket "$state/socket" EACCES
  check "inside: the certificate that the account names" \
    inside bare read "$HOME/ca.pem" ok
  check "inside: not what stands beside it in the home directory" \
    inside bare read "$HOME/.ssh/id" EACCES
  check "inside: what is beside it in a directory of its own" \
    inside renewed list "$HOME/authorities" ok
  check "inside: not for another account" inside me read "$HOME/ca.pem" EACCES
  for path in /etc/passwd /etc/resolv.conf /etc/nsswitch.conf \
    /usr/bin/env /proc/self/status; do
    check "inside: read $path" inside me read "$path" ok
  done
  check "inside: a file is made in the queue" \
    inside me make "$state/queue/.tmp-1" ok
  check "inside: it is removed" inside me remove "$state/queue/.tmp-1" ok
  check "inside: the log goes on" inside me log 'from inside' ok
  check "inside: it is there" grep -q 'from inside' "$work/log"
else
  skip "files" "this kernel has no Landlock, or an old one"
fi
if at_least 3; then
  forbidden truncate "$work/elsewhere/file"
fi
if at_least 4; then
  other=$(python3 -c '
import socket, sys, time, os
s = socket.create_server (("", 0), family=socket.AF_INET6, dualstack_ipv6=True)
print (s.getsockname ()[1], flush=True)
if os.fork () == 0:
    os.setsid ()
    os.close (1)
    time.sleep (60)
')
  forbidden connect "$other"
  forbidden connect6 "$other"
  forbidden listen 0
  check "inside: the relay" inside me connect "$port" ok
  check "inside: it has nothing at port 53, but may ask" \
    inside me connect 53 ECONNREFUSED
else
  skip "TCP" "this kernel's Landlock knows none"
fi
if at_least 6; then
  forbidden signal $$ EPERM
else
  skip "signals" "this kernel's Landlock knows none"
fi

# When

traced () { # traced COMMAND...: in $work/trace, the calls by process
  rm -f "$work"/trace.*
  timeout 60 strace -ff -qq -o "$work/trace" \
    -e trace=clone,clone3,fork,vfork,landlock_restrict_self,connect,recvfrom,recvmsg,read,prctl,execve \
    "$@" <"$work/message" >"$work/out" 2>"$work/err"
  status=$?
}
# The process that reached the relay.
speaker () {
  grep -l "sin6*_port=htons($port)" "$work"/trace.*
}
# before PATTERN PATTERN: in its trace
before () {
  awk -v a="$1" -v b="$2" '$0 ~ a { found = 1 } $0 ~ b { exit }
    END { exit !found }' "$(speaker)"
}
if [ "$(id -u)" = 0 ] && command -v strace >/dev/null && ! with_sanitizers; then
  traced "$sendmail" -f me@example.org you@example.net
  check "traced: it is sent" exits 0
  check "one process speaks with the relay" [ "$(speaker | wc -l)" = 1 ]
  first=$(grep -l execve "$work"/trace.*)
  check "it is not the one that was called" [ "$(speaker)" != "$first" ]
  check "no process gains privileges" grep -q PR_SET_NO_NEW_PRIVS "$first"
  check "nor executes anything" \
    [ "$(cat "$work"/trace.* | grep -c 'execve(')" = 1 ]
  check "who speaks with the keyring does not speak with the relay" \
    sh -c '! grep -q "sun_path=.*bus" "$1"' - "$(speaker)"
  if at_least 2; then
    check "it is confined before it connects" \
      before 'landlock_restrict_self.*= 0' 'connect\(|recv'
    check "and before it has a second thread" \
      before 'landlock_restrict_self.*= 0' 'clone'
  fi

  # A runner's, for a message that has recipients to find in the aliases.
  sed -i "s|^\[postrider\]|&\naliases = $HOME/aliases|" "$accounts"
  echo nobody: you@example.net >"$HOME/aliases"
  submit -f me@example.org team <"$work/message"
  check "a runner: a message is held for want of an alias" queued 1 held
  echo "team: you@example.net, two@example.net" >"$HOME/aliases"
  postrider queue release --all >"$work/out" 2>&1
  traced postrider run --once
  check "traced, a runner: it is sent" exits 0
  check "traced, a runner: to whom the aliases say" heard 1 "RCPT TO:<two@example.net>.*"
  check "a runner: one process speaks with the relay" \
    [ "$(speaker | wc -l)" = 1 ]
  if at_least 2; then
    check "a runner: it is confined before it connects" \
      before 'landlock_restrict_self.*= 0' 'connect\('
    check "a runner: and before it has a second thread" \
      before 'landlock_restrict_self.*= 0' 'clone'
  fi

  # The command of a tunnel is outside, what comes through it is not.
  cat >"$work/tunnel" <<'END2'
import os, select, socket, sys
s = socket.create_connection (("localhost", int (sys.argv[1])))
open (os.path.expanduser ("~/.ssh/id")).read ()
os.write (2, b"")
while True:
    for ready in select.select ([0, s], [], [])[0]:
        octets = os.read (0, 65536) if ready == 0 else s.recv (65536)
        if not octets:
            sys.exit ()
        (s.sendall if ready == 0 else lambda o: os.write (1, o)) (octets)
END2
  scripted_account through "tunnel = python3 $work/tunnel %p"
  password through secret || exit 1
  traced "$sendmail" -f through@example.org you@example.net
  check "a tunnel: it is sent" exits 0
  check "a tunnel: the message is at the relay" \
    grep -q 'account=through .*fate=relayed' "$work/log"
  speaker=$(grep -l 'landlock_restrict_self' "$work"/trace.* | head -n 1)
  if at_least 2; then
    check "a tunnel: what speaks with the relay is confined" \
      grep -q 'landlock_restrict_self.*= 0' "$speaker"
    check "a tunnel: after its command was started" \
      sh -c 'sed "/landlock_restrict_self/q" "$1" | grep -q "clone3*(\|vfork("' \
      - "$speaker"
    check "a tunnel: before it hears anything from there" \
      sh -c '! sed "/landlock_restrict_self/q" "$1" | grep "recv[a-z]*(.*250"' \
      - "$speaker"
    check "a tunnel: nobody else is" \
      [ "$(grep -l 'landlock_restrict_self' "$work"/trace.* | wc -l)" = 1 ]
  fi

  # From an address of one's own
  scripted_account bound 'source-address = 127.0.0.2'
  password bound secret || exit 1
  submit -f bound@example.org you@example.net <"$work/message"
  check "source-address: it is sent" \
    grep -q 'account=bound .*fate=relayed' "$work/log"

  # Kernels without.
  for errno in ENOSYS EOPNOTSUPP; do
    for call in landlock_create_ruleset landlock_restrict_self; do
      connections_before=$(ls "$work"/record/*.log | wc -l)
      echo body | message | timeout 60 strace -f -qq -o "$work/trace" \
        -e inject=$call:error=$errno "$sendmail" -v -f me@example.org \
        you@example.net >"$work/out" 2>"$work/err"
      status=$?
      check "$call says $errno: it is sent all the same" exits 0
      check "$call says $errno: to the relay" \
        connections $((connections_before + 1))
      check "$call says $errno: -v tells" grep -q Landlock "$work/err"
    done
  done
  echo body | message | strace -f -qq -o "$work/trace" \
    -e inject=landlock_create_ruleset:error=ENOSYS "$sendmail" \
    -f me@example.org you@example.net >"$work/out" 2>"$work/err"
  check "no Landlock, and no -v: it says nothing" silent
else
  skip "when it is confined" \
    "only root sees what is hidden; or no strace, or a sanitizer that traces"
fi

# Who dies

dialogue stall <<'END'
until DATA
stall
END
waits_for_relay () {
  heard 1 'RCPT TO' && [ "$(children "$caller" | wc -l)" = 1 ]
}
submitting () {
  rm -rf "$work/record" "$state/queue"/*
  become stall
  "$sendmail" -f me@example.org you@example.net <"$work/message" \
    >"$work/out" 2>"$work/err" &
  caller=$!
  check "$1: the relay is at work" await waits_for_relay
  speaker=$(children "$caller")
}

submitting "it dies"
check "it dies: it has no new privileges" \
  grep -q '^NoNewPrivs:[[:space:]]*1' "/proc/$speaker/status"
kill -s KILL "$speaker"
wait "$caller"
status=$?
check "it dies: the caller is told 0" exits 0
check "it dies: the message waits" queued 1
check "it dies: the log says how" grep -q 'ended by signal 9' "$work/log"

submitting "its caller dies"
kill -s KILL "$caller"
wait "$caller" 2>/dev/null
check "its caller dies: so does it" await ended "$speaker"
check "its caller dies: the message waits" queued 1
served
submit -q
check "its caller dies: nobody has it locked" queued 0

submitting "it is ended by SIGTERM"
kill -s TERM "$speaker"
wait "$caller"
status=$?
check "it is ended by SIGTERM: so is its caller" exits 143
check "it is ended by SIGTERM: the message is held" queued 1 held
rm "$state"/held/*

# What happens besides

served
sed -i "s/^port = .*/port = $port/" "$accounts"
submit -f me@example.org you@example.net reject@example.net <"$work/message"
check "one is refused: the status is 0" exits 0
check "one is refused: the sender is notified" queued 1
check "one is refused: and a copy held" queued 1 held
check "one is refused: the log says so" grep -q 'action=failed' "$work/log"
run_once
check "one is refused: the notification is sent" heard 1 'RCPT TO:<me@.*'
rm -f "$state"/held/*

for account in renewed bare; do
  password $account secret || exit 1
  submit -f $account@example.org you@example.net <"$work/message"
  check "trust-file of account $account: it is read" \
    grep -q "account=$account .*fate=relayed" "$work/log"
done

# A runner

running () { # running NAME DIALOGUE...: at work on the first of three messages
  running=$1
  shift
  rm -rf "$work/record" "$state/queue"/*
  : >"$work/log"
  become "$@"
  sed -i "s/^port = .*/port = $port/" "$accounts"
  enqueue 1 3 you@example.net || exit 1
  start_runner
  check "$running: the relay is at work" await heard 1 'RCPT TO.*'
  speaker=$(turns_of "$runner")
}
all_ended () { # all_ended PID...
  for process; do
    await ended "$process" || return 1
  done
}

running "a runner" stall
check "a runner: one process speaks with the relay" \
  [ "$(echo "$speaker" | wc -w)" = 1 ]
check "a runner: it has no new privileges" \
  grep -q '^NoNewPrivs:[[:space:]]*1' "/proc/$speaker/status"
check "a runner: nor has the runner" [ "$(ls "/proc/$runner/task" | wc -l)" = 1 ]
end_runner

echo serve >serve
running "a turn dies" stall serve
kill -s KILL "$speaker"
check "a turn dies: the others arrive, each once" \
  await each_once 2 3 "$work/record"
check "a turn dies: its message waits" await queued 1
check "a turn dies: the log says how" \
  grep -q 'process that spoke with the relay was ended by signal 9' "$work/log"
check "a turn dies: the runner goes on" kill -s 0 "$runner"
end_runner
run_once
check "a turn dies: the next runner sends its message as well" queued 0
check "a turn dies: its message arrives" \
  each_once 1 3 "$work/record"

dialogue verdict <<'END'
until DATA
< DATA
> 354 go ahead
message
delay 500
> 250 2.0.0 taken
serve
END
running "a runner is ended behind the content" verdict
check "a runner is ended behind the content: the relay has it" \
  await grep -qs 'message 1 whole' "$work/record/1.log"
family=$(family "$runner")
kill -s TERM "$runner"
wait "$runner"
status=$?
check "a runner is ended behind the content: it ends" exits 143
check "a runner is ended behind the content: and all that it started" \
  all_ended $family
check "a runner is ended behind the content: the verdict is known" queued 2
check "a runner is ended behind the content: the relay has no other" \
  each_once 1 1 "$work/record"

rm -f "$state"/queue/*
self_starting
: >"$work/log"
dialogue later <<'END'
begin
> 421 4.3.2 not now
END
become later serve
sed -i "s/^port = .*/port = $port/" "$accounts"
submit -f me@example.org you@example.net <"$work/message"
check "put off: the status is 0" exits 0
check "put off: the message waits" queued 1
check "put off: a runner lives" await eval '! no_runner'
end
