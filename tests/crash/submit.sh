#!/bin/sh
# Submissions that are killed at every system call, or of which one fails.
. "$(dirname "$0")/lib.sh"
begin_sweeps 1500
no_letters
letter me you
sweep 'the first message, queued' submit --all --input "$work/letter" -- \
  "$sendmail" -odq -f me@example.org $(recipients 1)

postrider run --once
template empty
set -- --input "$work/letter" --template "$work/empty"
sweep 'queued' submit "$@" -- \
  "$sendmail" -odq -f me@example.org $(recipients 1)
sweep 'sent' submit "$@" --faults kill,term,crash -- \
  "$sendmail" -odi -f me@example.org $(recipients 1)

no_letters
letter me you reject they
sweep 'sent to three, of whom one is refused' submit "$@" -- \
  "$sendmail" -odi -f me@example.org $(recipients 1)

# Taken back by SIGTERM, and what follows from the signal fails.
cat >"$work/stall" <<'END'
until DATA
< DATA
stall
END
cp "$accounts" "$work/accounts"
chmod 600 "$work/accounts"
serving=$port
start_scripted --record "$work/stalled" \
  --certificate "$work/certificates/good.pem" "$work/stall"
sed -i "s/^port = .*/port = $port/" "$accounts"
port=$serving
no_letters
letter me you
sweep 'taken back' submit "$@" --ripe 'tls < DATA' \
  --ripe-record "$work/stalled" --recover-accounts "$work/accounts" -- \
  "$sendmail" -odi -f me@example.org $(recipients 1)
end
