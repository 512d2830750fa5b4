#!/bin/sh
# analyse.sh FLAG...: three tools look at all sources of the program, and have
# nothing to say. FLAGs are those of the compiler. What a tool says wrongly is silenced
# in its line or in its list (.clang-tidy, tests/analyse/cppcheck), with the reason.
source=${G_TEST_SRCDIR:-$(cd "$(dirname "$0")/../.." && pwd)}
build=${G_TEST_BUILDDIR:-$source/build}
. "$source/tests/report.sh"
cd "$build" || exit 99

# analyse.sh --one TOOL FLAG... FILE
if [ "${1-}" = --one ]; then
  tool=$2
  shift 2
  left=$#
  for argument; do
    left=$((left - 1))
    # Of the flags of gcc, clang knows those that choose what is compiled.
    case $tool:$argument in
    *:-D_FORTIFY_SOURCE* | *:-U* | *:-Werror*) ;;
    gcc:* | *:-[DI]* | *:-std* | *:-W[ae]* | *:build-config.h | *:-include)
      [ $left = 0 ] || set -- "$@" "$argument"
      ;;
    esac
    [ $left != 0 ] || file=$argument
    shift
  done
  case $tool in
  gcc) said=$(gcc "$@" -O0 -fanalyzer -c -o /dev/null "$file" 2>&1) ;;
  clang-tidy) said=$(clang-tidy --quiet "$file" -- "$@" -Wno-unused-parameter \
    2>/dev/null) ;;
  esac
  status=$?
  [ -z "$said" ] || printf '%s\n' "$said"
  [ $status = 0 ] && [ -z "$said" ]
  exit
fi

jobs=$(getconf _NPROCESSORS_ONLN 2>/dev/null) || jobs=2
files=$(find "$source/src" -name '*.c' | sort)
number=$(printf '%s\n' "$files" | wc -l)

# look TOOL DESCRIPTION FLAG...: each file by itself.
look () {
  tool=$1
  name=$2
  shift 2
  said=$(printf '%s\n' "$files" |
    xargs -P "$jobs" -n 1 sh "$source/tests/analyse/analyse.sh" --one "$tool" \
      "$@" 2>&1)
  report $? "$name: $number files" "$said"
}

if echo 'int x;' | gcc -fanalyzer -x c -c -o /dev/null - 2>/dev/null; then
  look gcc "gcc -fanalyzer" "$@"
else
  skip "gcc -fanalyzer" "there is no gcc with it"
fi
if command -v clang-tidy >/dev/null; then
  look clang-tidy clang-tidy "$@"
else
  skip clang-tidy "it is not installed"
fi
if command -v cppcheck >/dev/null; then
  said=$(cppcheck -j "$jobs" --quiet --enable=warning,portability,performance \
    --std=c11 --error-exitcode=1 --inline-suppr --library=gtk --library=posix \
    --library=gnu --suppressions-list="$source/tests/analyse/cppcheck" \
    -I "$source/src" -I . --include=build-config.h -DHAVE_CONFIG_H \
    -DLOCALEDIR='""' -DSYSCONFDIR='""' -D'G_DEFINE_QUARK(a,b)=' $files 2>&1)
  report $? "cppcheck: $number files" "$said"
else
  skip cppcheck "it is not installed"
fi
echo "1..$count"
