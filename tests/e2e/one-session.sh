#!/bin/sh
# A hundred messages in one session: the envelope of each goes with the content of the
# one before it, so that each costs one wait; all arrive, each once, at real relays too.
. "$(dirname "$0")/lib.sh"
begin 300
many=100
make_certificates

# A relay that gives no verdict before it has the next envelope, and counts

dialogue counting <<END
until DATA
< DATA
> 354 go ahead
repeat $((many - 1))
message
< MAIL *
< RCPT *
< DATA
>- 250 2.0.0 queued\r\n250 2.1.0 ok\r\n250 2.1.5 ok\r\n354 go ahead\r\n
end
message
> 250 2.0.0 queued
bye
END
start_scripted --certificate "$work/certificates/good.pem" "$work/counting"
scripted_account me
password me secret || exit 1
enqueue 1 $many you@example.net || exit 1
run_once
check "one wait for each: all is sent" exits 0
check "one wait for each: the dialogue went well" \
  grep -q '^verdict ok' "$work/record/1.log"
check "one wait for each: all arrive, each once" \
  each_once 1 $many "$work/record"
check "one wait for each: in one session" connections 1
check "one wait for each: none is queued" queued 0
check "one wait for each: each is logged, in its order" \
  [ "$(grep -c ' attempt=1 .*fate=relayed' "$work/log")" = $many ]
check "one wait for each: with no RSET" heard 0 RSET

# One that does not offer PIPELINING is told one command after the other.

dialogue strict <<END
offer AUTH SCRAM-SHA-256-PLUS SCRAM-SHA-256 PLAIN
serve
END
become "$work/strict"
enqueue 1 5 you@example.net || exit 1
run_once
check "without PIPELINING: all arrive, each once" each_once 1 5 "$work/record"
check "without PIPELINING: in one session" connections 1
check "without PIPELINING: nothing came early" \
  [ "$(grep -c 'early' "$work/record/1.log")" = 0 ]

# A relay that takes only so many, and says so, is asked for no more.

dialogue limited <<END
offer PIPELINING
offer LIMITS MAILMAX=4 RCPTMAX=2
offer AUTH SCRAM-SHA-256-PLUS SCRAM-SHA-256 PLAIN
serve
END
become "$work/limited"
enqueue 1 10 you@example.net || exit 1
run_once
check "MAILMAX: all arrive, each once" each_once 1 10 "$work/record"
check "MAILMAX: four in each session" connections 3
check "MAILMAX: no other MAIL was said" heard 10 MAIL

# A secret for each session, and a turn gets only so many: then there is another one.
sed 's/MAILMAX=4/MAILMAX=1/' "$work/limited" >"$work/single"
become "$work/single"
enqueue 1 70 you@example.net || exit 1
run_once
check "MAILMAX=1: all arrive, each once" each_once 1 70 "$work/record"
check "MAILMAX=1: one in each session" connections 70

become "$work/limited"
enqueue 1 1 one@example.net two@example.net three@example.net || exit 1
run_once
check "RCPTMAX: each has it" heard 3 RCPT
check "RCPTMAX: in two transactions" heard 2 MAIL

# RCPTDOMAINMAX is about a session (RFC 9422 section 4.3).

dialogue narrow <<END
offer PIPELINING
offer LIMITS RCPTDOMAINMAX=1
offer AUTH SCRAM-SHA-256-PLUS SCRAM-SHA-256 PLAIN
serve
END
one_domain () { # in each session
  for log in "$work"/record/*.log; do
    sed -n 's/^tls < RCPT TO:<[^>]*@\([^>]*\)>.*/\1/p' "$log" | tr A-Z a-z |
      sort -u
  done >"$work/domains"
  cat "$work/domains"
  sort "$work/domains" | uniq -d | { ! grep . || return 1; }
  [ "$(wc -l <"$work/domains")" = "$1" ] && connections "$1"
}
become "$work/narrow"
enqueue 1 1 one@example.net two@example.org three@example.com four@EXAMPLE.NET || exit 1
run_once
check "RCPTDOMAINMAX: each is asked for once" heard 4 'RCPT.*'
check "RCPTDOMAINMAX: one domain in each session" one_domain 3
check "RCPTDOMAINMAX: nothing waits" queued 0
check "RCPTDOMAINMAX: three times it is sent" \
  [ "$(ls "$work"/record/*.message-* | wc -l)" = 3 ]
become "$work/narrow"
n=1
while [ $n -le 8 ]; do
  enqueue $n $n "you@number$n.example" || exit 1
  n=$((n + 1))
done
run_once
check "RCPTDOMAINMAX: six sessions at once" one_domain 6
check "RCPTDOMAINMAX: what belongs there arrived, each once" each_once 1 6 "$work/record"
check "RCPTDOMAINMAX: the rest waits" queued 2
submit -q
check "RCPTDOMAINMAX: and goes in others" each_once 1 8 "$work/record"

# The turn is ended while the next one's envelope is under way: nothing of that one is
# sent, and it was not tried.

dialogue slow <<END
until DATA
< DATA
> 354 go ahead
message
< MAIL *
< RCPT *
< DATA
delay 1500
>- 250 2.0.0 queued\r\n250 2.1.0 ok\r\n250 2.1.5 ok\r\n354 go ahead\r\n
eof
END
become "$work/slow"
enqueue 1 2 you@example.net || exit 1
: >"$work/log"
start_runner
check "SIGTERM: the first one's verdict is awaited" await heard 2 DATA
end_runner
check "SIGTERM: the relay saw nothing of the second one" \
  await grep -q '^verdict ok' "$work/record/1.log"
check "SIGTERM: the first one's verdict is on record" queued 1
check "SIGTERM: nothing is in doubt" \
  [ "$(grep -c ambiguous=yes "$work/log")" = 0 ]
check "SIGTERM: it complains of nothing" \
  [ "$(grep -c '^text=\| text=' "$work/log")" = 0 ]
postrider queue list --json >"$work/out"
check "SIGTERM: the second was not tried" grep -q '"attempts":0' "$work/out"
served
run_once
check "SIGTERM: it is sent by the next" each_once 2 2 "$work/record"

# Real relays

# ahead: how many envelopes went right behind a final dot.
ahead () {
  awk '/^-> MAIL FROM:/ && last == "-> ." { n++ } { last = $0 }
    END { print n + 0 }' "$work/err"
}

real () { # real RELAY AHEAD [DIRECTORY]: where its mail comes to
  relay_account "$1" "$1" tls
  password "$1" "$relay_password" || exit 1
  enqueue 1 $many -f "$1@example.org" you@example.net || exit 1
  run_once -v
  check "$1: all are sent" exits 0
  check "$1: all arrive, each once" await each_once 1 $many "${3:-$work/$1/mail/all}"
  check "$1: in one session" [ "$(grep -c 'EHLO' "$work/err")" = 1 ]
  check "$1: $2 envelopes go with the content before them" [ "$(ahead)" = "$2" ]
}

if [ "$(id -u)" != 0 ]; then
  skip "real relays" "only root can start mail servers"
  end
fi
if command -v postfix >/dev/null && command -v dovecot >/dev/null; then
  start_relay postfix
  real postfix $((many - 1))
else
  skip "postfix" "postfix or dovecot is not installed; see ./bootstrap deps"
fi
if "$source/tests/relay/exim" program >/dev/null; then
  start_relay exim
  real exim $((many - 1))
else
  skip "exim" "it is not installed; see ./bootstrap deps"
fi
if command -v dovecot >/dev/null && [ -e /usr/lib/dovecot/submission ]; then
  become --serve --open
  "$source/tests/relay/dovecot" start "$work/dovecot" "$port" || exit 1
  at_end "'$source/tests/relay/dovecot' stop '$work/dovecot'"
  # It dies of them.
  real dovecot 0 "$work/record"
else
  skip "dovecot" "its submission server is not installed"
fi
end
