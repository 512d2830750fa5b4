#!/bin/sh
# The relay is down, then up again: what waited goes out, when somebody asks for
# it, and when it is due, without anybody's doing.
. "$(dirname "$0")/lib.sh"
need_faketime
begin
make_certificates
relay_up () {
  rm -rf "$work/record"
  start_scripted --port "${port:-0}" --serve \
    --certificate "$work/certificates/good.pem"
}

relay_up
stop_scripted
for account in asked due; do
  scripted_account $account
  password $account secret || exit 1
done
start_runner

for n in 1 2 3; do
  numbered $n >"$work/sent"
  submit -f asked@example.org you@example.net <"$work/sent"
  check "down: the status of message $n is 0" exits 0
  check "down: nothing is printed about it" silent
done
check "down: all are queued" queued 3
relay_up
check "somebody asks: the command succeeds" postrider queue retry
check "somebody asks: all arrive, each once" await each_once 1 3 "$work/record"
check "somebody asks: in one session" connections 1
check "somebody asks: nothing is queued" await queued 0
stop_scripted

# The first failure waits for a minute; of this one most is over.
numbered 4 >"$work/sent"
at -45 submit -f due@example.org you@example.net <"$work/sent"
check "down again: the status is 0" exits 0
check "down again: it is queued" queued 1
relay_up
await_seconds=40
check "it is due: it arrives" await each_once 4 4 "$work/record"
check "it is due: nothing is queued" await queued 0

end_runner
check "told to end, the runner does" no_runner
end
