#!/bin/sh
# What a person decides about messages, killed at every system call, or one of them
# fails.
. "$(dirname "$0")/lib.sh"
begin_sweeps 1500
no_letters
letter me you
letter other they
queue_letters
id=$(id_of 1 queue)
template queued
for command in retry hold remove; do
  promise=$command
  [ $command != retry ] || promise=carry
  sweep "queue $command" $promise --template "$work/queued" -- \
    "$build/postrider" queue $command "$id"
done
rm -rf "$state"
cp -r "$work/queued" "$state"
postrider queue hold "$id" >"$work/out" || exit 1
template held
sweep "queue release" release --template "$work/held" -- \
  "$build/postrider" queue release "$id"
sweep "queue remove, held" remove --template "$work/held" -- \
  "$build/postrider" queue remove "$id"

# Held for a login that was refused.
password me wrong
no_letters
letter me you
"$sendmail" -odi -f me@example.org $(recipients 1) <"$work/letter" \
  2>"$work/err"
status=$?
check 'a refused login holds the message' exits 77
template refused
password me secret
echo secret >"$work/password"
sweep 'password set --release' offer --template "$work/refused" \
  --input "$work/password" -- "$build/postrider" password set --release me
end
