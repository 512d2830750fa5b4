#!/bin/sh
# The program is built so that a mistake in it is hard to make use of.
source=${G_TEST_SRCDIR:-$(cd "$(dirname "$0")/.." && pwd)}
build=${G_TEST_BUILDDIR:-$source/build}
. "$source/tests/report.sh"
LC_ALL=C
export LC_ALL
program=$build/postrider

if ! command -v readelf >/dev/null; then
  skip hardening "there is no readelf"
  echo "1..$count"
  exit
elif ! grep -q '^HARDEN_LDFLAGS = .*relro' "$build/Makefile"; then
  skip hardening "this build is without, or has sanitizers instead"
  echo "1..$count"
  exit
fi

headers=$(readelf -hlW "$program")
dynamic=$(readelf -dW "$program")
symbols=$(readelf -W --dyn-syms "$program")

has () { # has NAME TEXT PATTERN
  printf '%s\n' "$2" | grep -Eq "$3"
  report $? "$1" "$2"
}

has_no () {
  ! printf '%s\n' "$2" | grep -Eq "$3"
  report $? "$1" "$2"
}

has "it can be loaded anywhere" "$dynamic" 'FLAGS_1.*PIE'
has "relocations become read-only" "$headers" 'GNU_RELRO'
has "all symbols are bound at once" "$dynamic" 'FLAGS_1.*NOW'
has "its stack is not executable" "$headers" 'GNU_STACK.* RW +0x'
has_no "nothing is writable and executable" "$headers" '(LOAD|GNU_STACK).* RWE '
has_no "code has no relocations" "$dynamic" 'TEXTREL'
has_no "libraries come from the system's places alone" "$dynamic" 'R(UN)?PATH'
extra=$(printf '%s\n' "$dynamic" | sed -n 's/.*(NEEDED).*\[\(.*\)\]$/\1/p' |
  grep -Ev '^(lib(c|m|dl|z|intl|glib-2\.0)|ld-linux.*)\.so')
[ -z "$extra" ]
report $? "it starts with those libraries alone that each run needs" "$extra"
has "the stack is watched" "$symbols" '__stack_chk_fail'
has "functions of libc check sizes" "$symbols" '__(read|memcpy|printf|fprintf)_chk'
if grep -q '^HARDEN_CFLAGS = .*-fcf-protection' "$build/Makefile" &&
  [ "$(uname -m)" = x86_64 ]; then
  # Of the program itself the linker says so only where libc's start says it too.
  notes=$(readelf -nW "$build/libpostrider.a")
  [ "$(printf '%s\n' "$notes" | grep -c '^File: .*\.o)$')" = \
    "$(printf '%s\n' "$notes" | grep -c 'IBT, SHSTK')" ]
  report $? "jumps and returns are checked (IBT, SHSTK)" "$notes"
else
  skip "jumps and returns are checked" "this machine or compiler cannot"
fi
echo "1..$count"
