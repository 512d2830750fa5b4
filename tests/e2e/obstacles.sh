#!/bin/sh
# What keeps one message, or one of its recipients, keeps no other.
. "$(dirname "$0")/lib.sh"
need_faketime
begin
make_certificates

# A bad one

served
scripted_account me
password me secret || exit 1
enqueue 1 1 late-reject@example.net || exit 1
enqueue 2 2 reject@example.net || exit 1
enqueue 3 3 late-defer@example.net || exit 1
enqueue 4 4 defer@example.net || exit 1
enqueue 5 10 you@example.net || exit 1
run_once
bad_ones_apart () { # They were sent, and refused or put off thereafter.
  numbers "$work/record" >"$work/numbers"
  { echo 1; echo 3; seq 5 10; } | diff - "$work/numbers"
}
check "four bad ones before them: all others arrive, each once" bad_ones_apart
check "four bad ones before them: in one session" connections 1
check "two of them are refused, and held" queued 2 held
check "two of them are put off" heard 1 'RCPT TO:<defer@'
run_once
told () { # told N: so many notifications of failure
  [ "$(cat "$work"/record/*.message-* | grep -c '^Action: failed')" = "$1" ]
}
check "the sender is told of the two refused" told 2
check "nothing is tried again at once" heard 1 'RCPT TO:<defer@'
check "what was put off waits" queued 2
rm "$state"/queue/* "$state"/held/*

# Greylisting

dialogue grey <<'END'
until RCPT *
< RCPT *
> 451 4.7.1 greylisted, come back later
< DATA
> 554 5.5.1 no valid recipients
serve
END
dialogue serve <<'END'
serve
END
become grey serve
enqueue 1 3 you@example.net || exit 1
run_once
check "greylisted: the others arrive" each_once 2 3 "$work/record"
check "greylisted: it waits" queued 1
at +90 run_once
check "greylisted: later it is sent" each_once 1 3 "$work/record"
check "greylisted: nothing is queued" queued 0

# Recipients

served
enqueue 1 1 one@example.net defer@example.net two@example.net || exit 1
run_once
check "one of three put off: it is queued" queued 1
check "one of three put off: the two are sent to" heard 1 'RCPT TO:<two@'
at +90 run_once
at +600 run_once
check "one of three put off: it is tried again" heard 3 'RCPT TO:<defer@'
check "one of three put off: the others are not" heard 1 'RCPT TO:<one@'
check "one of three put off: the message went out once" \
  each_once 1 1 "$work/record"
rm "$state"/queue/*

# The relay ends the session

dialogue idle <<'END'
until DATA
pass DATA
until MAIL *
< MAIL *
> 421 4.4.2 too long idle
close
END
become idle serve
enqueue 1 5 you@example.net || exit 1
run_once
check "the session ends after one message: all arrive, each once" \
  each_once 1 5 "$work/record"
check "the session ends after one message: there is a second one" connections 2

dialogue cut <<'END'
until DATA
pass DATA
cut
END
become cut serve
enqueue 1 5 you@example.net || exit 1
run_once
check "the connection is lost after one message: all arrive, each once" \
  each_once 1 5 "$work/record"

# Accounts

become serve
dialogue down <<'END'
begin
> 421 4.3.2 not now
END
start_scripted --record "$work/record-down" \
  --certificate "$work/certificates/good.pem" "$work/down"
scripted_account down
password down secret || exit 1
account gone 'host = localhost' 'port = 1' 'user = me'
password gone secret || exit 1
for n in 1 3 5; do
  enqueue $n $n -f down@example.org you@example.net || exit 1
  enqueue $((n + 1)) $((n + 1)) -f me@example.org you@example.net || exit 1
done
enqueue 7 7 -f gone@example.org you@example.net || exit 1
run_once
two_four_six () {
  numbers "$work/record" >"$work/numbers"
  printf '2\n4\n6\n' | diff - "$work/numbers"
}
check "a relay that is down keeps no other account" two_four_six
check "a relay that is down is asked once" connections 1 "$work/record-down"
check "what is for it waits" queued 4
end
