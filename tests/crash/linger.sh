#!/bin/sh
# With `linger': a caller that is killed while somebody else carries its message, or
# of which a system call fails; who carries it, killed while two callers hand theirs
# over: they go their own way then, and have nothing to tell of; and the same where a
# call of his fails.
. "$(dirname "$0")/lib.sh"
begin_sweeps 600
sed -i 's/^user = me/&\nlinger = 30s/' "$accounts"
place=$state/accounts/me.linger
postrider run --once
template empty

# submits N: the line of a script
submits () {
  echo "'$sendmail' -odi -f $(sender $1)@example.org $(recipients $1)" \
    "<'$work/letters/$1.in'"
}

no_letters
letter me you reject they
letter me others
submits 2 >"$work/opener"
set -- --template "$work/empty" --place "$place"
sweep 'handed over' submit "$@" --input "$work/letters/1.in" \
  --opener "$work/opener" --faults kill,fail --errno EIO -- \
  "$sendmail" -odi -f me@example.org $(recipients 1)

no_letters
letter me you
letter me others
letter me they
{
  echo "$(submits 3) & $(submits 1)"
  echo 'status=$?; wait $! || exit; exit $status'
} >"$work/riders"
sweep 'its bearer' carry "$@" --input "$work/letters/2.in" \
  --rider "$work/riders" --faults crash -- \
  "$sendmail" -odi -f me@example.org $(recipients 2)
check 'its bearer: no caller is told anything but 0' \
  grep -q 'ended with 0 [0-9]* times, with an error 0, by a signal 0' \
  "$work/sweep.out"
no_letters
letter me you reject they
letter me others
submits 1 >"$work/riders"
sweep 'its bearer fails' submit "$@" --input "$work/letters/2.in" \
  --rider "$work/riders" --faults fail --errno EIO -- \
  "$sendmail" -odi -f me@example.org $(recipients 2)
end
