#!/bin/sh
# With `linger': a session that leads nowhere any more, or whose process does not go
# on, costs the next caller seconds and not its message: that goes by a new session,
# once. In a network of its own.
. "$(dirname "$0")/lib.sh"
need nft
need_own_network nft add table ip probe
ip link set lo up
begin
make_certificates
start_scripted --serve --certificate "$work/certificates/good.pem"
scripted_account me 'linger = 1m'
password me secret || exit 1
place=$state/accounts/me.linger

one_holder () {
  set -- $(runners)
  [ $# = 1 ] && [ -S "$place" ]
}
# anew DIALOGUE...: nobody stays, and nothing is on record.
anew () {
  for process in $(runners); do
    kill -s KILL "$process"
    await ended "$process"
  done
  nft flush ruleset
  rm -rf "$state/queue"/* "$state/held"/*
  become "$@"
  sed -i "s/^port = .*/port = $port/" "$accounts"
}
# submit_number N: it took $took seconds.
submit_number () {
  took=$(date +%s)
  numbered "$1" | timeout 60 "$sendmail" -f me@example.org you@example.net \
    >"$work/out" 2>"$work/err"
  status=$?
  took=$(($(date +%s) - took))
}
open_session () {
  submit_number 1
  check "$1: the first message is sent" exits 0
  check "$1: its session stays open" one_holder
  holder=$(runners)
}
# within SECONDS NAME: message 2 got through, by a new session.
within () {
  check "$2: the next is told 0" exits 0
  check "$2: it says nothing" silent
  check "$2: both arrived, each once" each_once 1 2 "$work/record"
  check "$2: in another session" connections 2
  check "$2: nothing waits" queued 0
  check "$2: after $1 seconds at the most" [ $took -le "$1" ]
}
# on_the_way VERDICT: of what belongs to the session that is open.
on_the_way () {
  from=$(ss -Htnp state established "dport = :$port" |
    sed -n "s/.*:\([0-9]*\) .*:$port .*pid=$holder,.*/\1/p")
  [ -n "$from" ] || return 1
  nft -f - <<END
table ip way {
  chain out {
    type filter hook output priority 0
    tcp sport $from tcp dport $port $1
    tcp sport $port tcp dport $from tcp flags & rst == 0 drop
  }
}
END
}

open_session 'swallowed'
check 'swallowed: the way is gone' on_the_way drop
submit_number 2
within 10 'swallowed'
check 'swallowed: the one that lay idle is over' await ended "$holder"
check 'swallowed: another stays' one_holder
submit_number 3
check 'swallowed: which is used' connections 2

anew --serve
open_session 'forgotten'
check 'forgotten: on the way' on_the_way 'reject with tcp reset'
submit_number 2
within 3 'forgotten'
check 'forgotten: another stays' one_holder

cat >"$work/resets" <<'END'
until MAIL*
< MAIL*
> 250 2.1.0 fine
< RCPT*
> 250 2.1.5 fine
< DATA
> 354 go ahead
message
> 250 2.0.0 taken
delay 200
reset
END
echo serve >"$work/serve"
anew "$work/resets" "$work/serve"
submit_number 1
check 'reset: the first message is sent' exits 0
check 'reset: nobody stays' await sh -c '[ ! -e "$1" ]' - "$place"
submit_number 2
within 3 'reset'

# As far as a caller can see, it sleeps. It has taken nothing, so it sends nothing
# when it wakes up.
anew --serve
open_session 'stopped'
kill -s STOP "$holder"
submit_number 2
within 15 'stopped'
kill -s CONT "$holder"
submit_number 3
check 'stopped, and woken: it carries the next' exits 0
check 'stopped, and woken: in its session' connections 2
check 'stopped, and woken: all arrived, each once' each_once 1 3 "$work/record"
anew --serve
end
