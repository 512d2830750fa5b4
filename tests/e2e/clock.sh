#!/bin/sh
# The clock is set by a year, or the machine sleeps in the middle of a session:
# nothing is given up, nothing is asked in a storm, nothing is sent twice.
. "$(dirname "$0")/lib.sh"
need_faketime
begin
make_certificates
many=20

dialogue down <<'END'
begin
> 421 4.3.2 not now
END
dialogue up <<'END'
serve
END

# A year

sed -i 's/^start-runner.*/&\ndelay-warning = never/' "$accounts"
become down
scripted_account me 'timeout-end-of-data = 2s'
password me secret || exit 1
for jump in +1y -1y; do
  enqueue 1 $many you@example.net || exit 1
  run_once
  check "before $jump: the relay was asked once" connections 1
  at $jump run_once
  check "after $jump: all are queued" queued $many
  check "after $jump: none is given up" queued 0 held
  check "after $jump: the relay was asked once more" connections 2
  at $jump run_once
  check "after $jump: and not again at once" connections 2
  become up
  run_once
  check "after $jump and back: all arrive, each once" \
    each_once 1 $many "$work/record"
  check "after $jump and back: in one session" connections 1
  check "after $jump and back: nothing is queued" queued 0
  become down
done

become up
for jump in +1y -1y; do
  enqueue 1 $many you@example.net || exit 1
  at $jump run_once
  check "queued, then $jump: all arrive, each once" \
    each_once 1 $many "$work/record"
  check "queued, then $jump: nothing is queued" queued 0
  become up
done

# Sleep: longer than the limit for a verdict, which comes meanwhile. The processes
# are stopped in place of the machine.

# asleep NAME: the runner sleeps through the relay's verdict.
asleep () {
  enqueue 1 3 you@example.net || exit 1
  postrider run --once >"$work/out" 2>&1 &
  process=$!
  check "$1: the relay has the message" \
    await grep -qs 'message 1 whole' "$work/record/1.log"
  sleepers=$(family $process)
  kill -s STOP $sleepers
  check "$1: it has answered" await grep -qs '> 250 2.0.0 taken' \
    "$work/record/1.log"
  kill -s CONT $sleepers
  wait $process
  check "$1: all arrive, each once" each_once 1 3 "$work/record"
  check "$1: nothing is queued" queued 0
}

dialogue verdict <<'END'
until DATA
< DATA
> 354 go ahead
message
delay 3000
> 250 2.0.0 taken
serve
END
become verdict up
asleep "asleep, then awake"

dialogue verdict <<'END'
until DATA
< DATA
> 354 go ahead
message
delay 3000
> 250 2.0.0 taken
close
END
become verdict up
asleep "asleep until the relay has hung up"
end
