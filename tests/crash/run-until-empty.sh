#!/bin/sh
# A runner that waits for more, killed at every system call. Errors are those of one
# that does not wait.
. "$(dirname "$0")/lib.sh"
begin_sweeps 1500
several_wait
sweep 'run --until-empty' carry --template "$work/several" --sleeps \
  --faults "${CRASH_FAULTS-kill}" -- "$build/postrider" run --until-empty
end
