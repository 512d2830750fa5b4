#!/bin/sh
# A runner that is killed at every system call, or of which one fails.
. "$(dirname "$0")/lib.sh"
begin_sweeps 1500
several_wait
sweep 'run --once' carry --template "$work/several" -- \
  "$build/postrider" run --once
end
