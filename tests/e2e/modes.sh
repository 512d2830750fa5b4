#!/bin/sh
# What a caller waits for: -odi, -odb, -odq, and the settings `delivery' and
# `max-connections'. And sendmail -q, which sends what was only queued.
. "$(dirname "$0")/lib.sh"
begin
make_certificates

# relay [DIALOGUE]: for the first connection; later ones, or all, are served.
relay () {
  echo serve >"$work/serve"
  rm -rf "$work/record"
  start_scripted ${port:+--port "$port"} \
    --certificate "$work/certificates/good.pem" ${1+"$1"} "$work/serve"
}

# of_relay N: it has so many messages.
of_relay () {
  files_n=$(find "$work/record" -name '*.message-*' | wc -l)
  [ "$files_n" = "$1" ] || {
    echo "$files_n messages, not $1"
    return 1
  }
}

# send ARGUMENT...: one message.
send () {
  echo body | message >"$work/sent"
  submit "$@" <"$work/sent"
}

cat >"$work/stalls" <<'END'
until DATA
stall
END

relay
scripted_account me
scripted_account background 'delivery = background'
scripted_account queue 'delivery = queue'
scripted_account one 'max-connections = 1'
scripted_account background-one 'max-connections = 1' 'delivery = background'
password me secret || exit 1

# Interactive: the verdict is waited for

for mode in '' -odi -odx '-f me@example.org -odi' '-f queue@example.org -odi'; do
  send $mode reject@example.net
  check "interactive ($mode): the relay's refusal is the status" exits 67
  send $mode you@example.net
  check "interactive ($mode): the message is at the relay" exits 0
  check "interactive ($mode): nothing waits" queued 0
done
check "interactive: all refused are held" queued 5 held
check "interactive: all taken are there" of_relay 5
rm -f "$state"/held/*

# Only queued: nobody is asked

stop_scripted
relay
sed -i 's/^start-runner = no/start-runner = yes/' "$accounts"
for mode in -odq '-f queue@example.org' '-f background@example.org -odq'; do
  send $mode late-reject@example.net
  check "queue ($mode): the status is 0, whatever the relay thinks" exits 0
  check "queue ($mode): nothing is printed" silent
  check "queue ($mode): the message is queued" queued 1
  check "queue ($mode): no runner is started" no_runner
  rm -f "$state"/queue/*
done
check "queue: the relay was not called" connections 0
echo body | message >"$work/sent"
submit -odq -f nobody@example.com --account nobody you@example.net <"$work/sent"
check "queue: an account that is not there is told" exits 78
submit -odq <"$work/sent"
check "queue: no recipient is told" exits 64
echo body | message >"$work/sent"
submit -odq -v you@example.net <"$work/sent"
check "queue: with -v it says what it did" grep -q "$(ls "$state/queue")" \
  "$work/err"
rm -f "$state"/held/* "$state"/queue/*
sed -i 's/^start-runner = yes/start-runner = no/' "$accounts"

# In the background: somebody else is started for it

stop_scripted
relay "$work/stalls"
send -f background@example.org you@example.net
check "background, no runner may start: the status is 0" exits 0
check "background, no runner may start: the relay is not called" connections 0
check "background, no runner may start: the message is queued" queued 1
rm -f "$state"/queue/*
sed -i 's/^start-runner = no/start-runner = yes/' "$accounts"

for mode in -odb '-f background@example.org' '-f queue@example.org -odb'; do
  stop_scripted
  relay "$work/stalls"
  send $mode you@example.net
  check "background ($mode): the status is 0 before the relay's verdict" exits 0
  check "background ($mode): nothing is printed" silent
  check "background ($mode): the message is queued" queued 1
  check "background ($mode): the relay is called" await heard 1 'RCPT TO'
  stop_scripted
  relay
  await grep -q 'attempt=1 .* fate=queued' "$work/log" || exit 1
  postrider queue retry >"$work/out" 2>&1
  check "background ($mode): it is sent when the relay can" await of_relay 1
  check "background ($mode): the runner ends" await no_runner
  check "background ($mode): nothing waits" queued 0
  : >"$work/log"
done

stop_scripted
relay
send -odb -f me@example.org reject@example.net
check "background, refused: the status is 0" exits 0
check "background, refused: the sender is told by mail" await of_relay 1
check "background, refused: that is a notification to the sender" \
  heard 1 'RCPT TO:<me@example.org>'
check "background, refused: the runner ends" await no_runner
check "background, refused: the message is held" queued 1 held
check "background, refused: nothing waits" queued 0
rm -f "$state"/held/*
sed -i 's/^start-runner = yes/start-runner = no/' "$accounts"

# As many connections as allowed

stop_scripted
relay "$work/stalls"
echo body | message >"$work/sent"
"$sendmail" -f one@example.org you@example.net <"$work/sent" >"$work/first" 2>&1 &
first=$!
keep $first
await heard 1 'RCPT TO' || exit 1
submit -f one@example.org you@example.net <"$work/sent"
check "max-connections: who is above is told 0" exits 0
check "max-connections: and nothing else" silent
check "max-connections: both messages are in the queue" queued 2
run_once
check "max-connections: it holds for whoever runs the queue" connections 1
check "max-connections: who is told that something waits" exits 75
submit -f me@example.org you@example.net <"$work/sent"
check "max-connections: another account is not concerned" of_relay 1
check "max-connections: another account has its own connection" connections 2
child=$(ps -o pid= --ppid $first | tr -d ' ')
kill -s KILL $first
wait $first
await ended "$child"
run_once
check "max-connections: the dead count no more" of_relay 3
check "max-connections: nothing waits" queued 0
check "max-connections: one session is enough for two" connections 3

# The runner's own session takes along what came above the limit.
stop_scripted
sed -i 's/^start-runner = no/start-runner = yes/' "$accounts"
cat >"$work/slow" <<'END'
until DATA
delay 300
serve
END
relay "$work/slow"
submit -f background-one@example.org you@example.net <"$work/sent"
await heard 1 'RCPT TO' || exit 1
for n in 1 2 3 4; do
  submit -odi -f background-one@example.org you@example.net <"$work/sent"
  check "max-connections: caller $n beside the runner is told 0" exits 0
done
check "max-connections: the runner's session carries them all" await of_relay 5
check "max-connections: it is the only one" connections 1
check "max-connections: the runner ends" await no_runner
check "max-connections: nothing waits in the end" queued 0
sed -i 's/^start-runner = yes/start-runner = no/' "$accounts"

# sendmail -q

stop_scripted
relay
submit -q </dev/full
check "-q, nothing waits: the status is 0" exits 0
check "-q, nothing waits: the relay is not called" connections 0
enqueue 1 3 -f me@example.org you@example.net || exit 1
enqueue 4 5 -f me@example.org defer@example.net || exit 1
submit -q </dev/full
check "-q: the status is 0" exits 0
check "-q: nothing is printed" silent
check "-q: what can be sent is" each_once 1 3 "$work/record"
check "-q: the rest waits" queued 2
check "-q: one session is enough" connections 1
run_once
check "-q: what is put off is not due then" connections 1
submit -qf -v
check "-qf: it is tried all the same" connections 2
check "-v: the conversation is shown" grep -q 'RCPT TO:<defer@' "$work/err"
submit -q5m
check "-q5m: is refused" exits 64
submit -q you@example.net </dev/null
check "-q with a recipient: is refused" exits 64
end
