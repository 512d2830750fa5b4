#!/bin/sh
# brief.sh [SECONDS]: each fuzzer of this build from its corpus, for so long. Unless
# told how long, it is 5 seconds from the same seed each time: what one change passed
# is not refused to the next by chance. What ends a fuzzer is kept in fuzz-findings/,
# and shown. It takes a build for fuzzers.
source=${G_TEST_SRCDIR:-$(cd "$(dirname "$0")/../.." && pwd)}
build=${G_TEST_BUILDDIR:-$source/build-fuzz}
. "$source/tests/report.sh"

findings=$build/fuzz-findings
work=$(mktemp -d) || exit 99
trap 'rm -rf "$work"' EXIT
trap 'exit 99' HUP INT TERM

dictionary_of () {
  case $1 in
  auth | sasl | session | transaction) echo session ;;
  encoding | header | message | recode) echo header ;;
  config | edit) echo config ;;
  import) echo import ;;
  esac
}

# run NAME SECONDS: the figures and the exit status stay in $work.
run () {
  dictionary=$(dictionary_of "$1")
  mkdir -p "$work/$1.new" "$findings"
  "$build/tests/fuzz/$1" -max_total_time="$2" -seed="$seed" \
    -max_len=4096 -timeout=20 \
    ${dictionary:+-dict="$source/tests/fuzz/dictionary/$dictionary"} \
    -print_final_stats=1 -artifact_prefix="$findings/$1-" \
    "$work/$1.new" "$source/tests/fuzz/corpus/$1" >"$work/$1.log" 2>&1
  echo $? >"$work/$1.status"
}

figures () {
  sed -n 's/^#\([0-9]*\)[[:space:]]*DONE *cov: \([0-9]*\).*/\1 runs, \2 edges/p' \
    "$work/$1.log"
}

half () { # half FIRST-OR-SECOND NAME...: every other NAME
  turn=$1
  shift
  for name; do
    [ $turn = 0 ] || run "$name" "$seconds"
    turn=$((1 - turn))
  done
}

seconds=${1:-5}
seed=$([ $# = 0 ] && echo 1 || echo 0) # 0: another one each time
names=$(ls "$source/tests/fuzz/corpus")
for name in $names; do
  if [ ! -x "$build/tests/fuzz/$name" ]; then
    skip "fuzz $name" "not built"
    names=$(echo "$names" | grep -vx "$name")
  fi
done
half 0 $names &
half 1 $names
wait
for name in $names; do
  report "$(cat "$work/$name.status")" "fuzz $name: $(figures "$name")" \
    "$(tail -n 40 "$work/$name.log")"
done
echo "1..$count"
! cat "$work"/*.status | grep -qvx 0
