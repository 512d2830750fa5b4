#!/bin/sh
# With `linger': a session that leads nowhere any more, or whose process does not go
# on, costs the next caller seconds and not its message: that goes by a new session,
# once. In a network of its own.
. "$(dirname "$0")/lib.sh"
need nft
need_own_network nft add table ip probe
ip link set lo up
. "$source/tests/e2e/lingering"

# timed N: it took $took seconds.
timed () {
  took=$(date +%s)
  submit_number "$1" you@example.net
  took=$(($(date +%s) - took))
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
timed 2
within 10 'swallowed'
check 'swallowed: the one that lay idle is over' await ended "$holder"
check 'swallowed: another stays' one_holder
submit_number 3 you@example.net
check 'swallowed: which is used' connections 2

nft flush ruleset
anew --serve
open_session 'forgotten'
check 'forgotten: on the way' on_the_way 'reject with tcp reset'
timed 2
within 3 'forgotten'
check 'forgotten: another stays' one_holder

# As far as a caller can see, it sleeps. It has taken nothing, so it sends nothing
# when it wakes up.
nft flush ruleset
anew --serve
open_session 'stopped'
kill -s STOP "$holder"
timed 2
within 15 'stopped'
kill -s CONT "$holder"
submit_number 3 you@example.net
check 'stopped, and woken: it carries the next' exits 0
check 'stopped, and woken: in its session' connections 2
check 'stopped, and woken: all arrived, each once' each_once 1 3 "$work/record"
dismiss
end
