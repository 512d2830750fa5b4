#!/bin/sh
# What the fuzzers have found worth keeping (tests/fuzz/corpus/NAME/) goes through
# each parser once more.
source=${G_TEST_SRCDIR:-$(cd "$(dirname "$0")/../.." && pwd)}
build=${G_TEST_BUILDDIR:-$source/build}
. "$source/tests/report.sh"

for corpus in "$source"/tests/fuzz/corpus/*/; do
  name=$(basename "$corpus")
  said=$("$build/tests/fuzz/replay-$name" "$corpus"* 2>&1)
  report $? "$name: $(find "$corpus" -type f | wc -l) inputs" \
    "$(printf '%s\n' "$said" | tail -n 20)"
done
echo "1..$count"
