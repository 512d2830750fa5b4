#!/bin/sh
# Every language of po/LINGUAS has every message of the sources, none of them
# fuzzy, and the program speaks it; its help fits a screen, and what the program
# makes of a failure does not hang on the words.
top=${G_TEST_SRCDIR:-$(cd "$(dirname "$0")/.." && pwd)}
build=${G_TEST_BUILDDIR:-$top/build}
# Where tests/translated, which is the program, looks for its catalogs.
catalogs=$build/tests/locale
. "$top/tests/report.sh"

for command in xgettext msgmerge msgattrib msgfmt; do
  if ! command -v $command >/dev/null; then
    echo "1..0 # SKIP $command is not installed"
    exit 0
  fi
done

work=$(mktemp -d) || exit 1
web_server=
trap 'rm -rf "$work" "$catalogs"; [ -z "$web_server" ] || kill $web_server' EXIT
trap 'exit 1' HUP INT TERM

languages=$(sed 's/#.*//' "$top/po/LINGUAS")
options=$(sed -n 's/^XGETTEXT_OPTIONS *= *//p' "$top/po/Makevars")

# The first message of what msgattrib lets through, without the header.
some () {
  msgattrib "$@" --no-obsolete --no-wrap 2>&1 | grep -A 3 '^#: ' | head -n 12
}

xgettext $options --directory="$top" --files-from="$top/po/POTFILES.in" \
  --output="$work/postrider.pot" >"$work/messages" 2>&1
report $? "the sources give their messages" "$(cat "$work/messages")"

found=$(cat "$work/messages")
[ -z "$found" ]
report $? "xgettext has nothing to say about the sources" "$found"

# What a macro stands for is not in the message that is looked up.
found=$(cd "$top" && sed 's/#.*//' po/POTFILES.in | xargs grep -nE \
  '" [A-OQ-Z][A-Z_]+ "|"[^"]*" [A-OQ-Z][A-Z_]+\)' | grep '_ ("')
[ -z "$found" ]
report $? "no message is made of pieces" "$found"

for language in $languages; do
  po=$top/po/$language.po
  found=$(msgfmt --check --output-file=/dev/null "$po" 2>&1)
  report $? "$language.po is well formed" "$found"

  msgmerge --quiet --output-file="$work/$language.po" "$po" \
    "$work/postrider.pot" || exit 1
  found=$(some --untranslated "$work/$language.po")
  [ -z "$found" ]
  report $? "$language.po has every message" "$found"

  found=$(some --only-fuzzy "$work/$language.po")
  [ -z "$found" ]
  report $? "$language.po has no fuzzy message" "$found"
done

# Locales of which one lets messages be translated: C does not, and C.UTF-8 not
# everywhere. Where there is no other, one is made.
candidates () {
  locale -a | grep -iE '\.utf-?8$' | grep -v '^C\.' | head -n 1
  if command -v localedef >/dev/null; then
    mkdir -p "$work/locales"
    localedef -i en_US -f UTF-8 "$work/locales/en_US.UTF-8" >/dev/null 2>&1
    [ ! -d "$work/locales/en_US.UTF-8" ] || echo made
  fi
  echo C.UTF-8
}

# speak LANGUAGE LOCALE ARGUMENT... The C library never frees what it makes of
# LOCPATH.
speak () {
  (
    LANGUAGE=$1 LC_ALL=$2
    if [ "$2" = made ]; then
      ASAN_OPTIONS=detect_leaks=0 LOCPATH=$work/locales LC_ALL=en_US.UTF-8
      export ASAN_OPTIONS LOCPATH
    fi
    export LANGUAGE LC_ALL
    shift 2
    exec "$build/tests/translated" "$@"
  )
}

first_line () { # first_line LANGUAGE LOCALE
  speak "$1" "$2" --help | head -n 1
}

# too_large LANGUAGE LOCALE: the help of commands that does not fit a screen of 24
# lines and 80 columns.
too_large () {
  for command in '' $(speak en C --help | awk '/^  [a-z]/ { print $1 }'); do
    speak "$1" "$2" $command --help | python3 -c 'import sys, unicodedata
lines = sys.stdin.buffer.read ().decode ("utf-8").splitlines ()
if not 3 <= len (lines) <= 24:
  print (sys.argv[1], "has", len (lines), "lines")
for line in lines:
  width = sum (0 if unicodedata.combining (c) else
               2 if unicodedata.east_asian_width (c) in "WF" else 1 for c in line)
  if width > 80:
    print (sys.argv[1], "is too wide:", line)' "help of ${command:-postrider}"
  done
}

check_size () { # check_size LANGUAGE LOCALE
  if command -v python3 >/dev/null; then
    found=$(too_large "$1" "$2" 2>&1)
    [ -z "$found" ]
    report $? "all help in $1 fits a screen" "$found"
  else
    skip "all help in $1 fits a screen" "no python3"
  fi
}

# The text of that failure tells what to do, in whatever quotes a language has; nothing
# has to be told beside it.
begin_web_server () {
  cat >"$work/web.py" <<'END'
import socket
with socket.create_server (("127.0.0.1", 0)) as server:
  print (server.getsockname ()[1], flush=True)
  while True:
    with server.accept ()[0] as client:
      client.sendall (b"HTTP/1.1 400 Bad Request\r\n\r\n")
END
  mkfifo "$work/port"
  python3 "$work/web.py" >"$work/port" &
  web_server=$!
  read -r port <"$work/port"
  printf '%s\n' '[a]' 'from = me@example.org' 'host = 127.0.0.1' "port = $port" \
    'tls = starttls' 'user = me' "password-file = $work/password" \
    '[postrider]' 'log = none' >"$work/accounts"
  echo secret >"$work/password"
  chmod 600 "$work/accounts" "$work/password"
}

check_advice () { # check_advice LANGUAGE LOCALE
  if [ -z "$web_server" ]; then
    skip "a failure in $1 is told with one advice" "no python3"
    return
  fi
  told=$(HOME=$work speak "$1" "$2" check -C "$work/accounts" 2>&1 | sed '/^$/q')
  case $told in
  *"->"*) false ;;
  *"
    127.0.0.1:$port"*) ;;
  *) false ;;
  esac
  report $? "a failure in $1 is told with one advice" "$told"
}

check_size en C
english=$(first_line en C)
! command -v python3 >/dev/null || begin_web_server
for language in $languages; do
  mkdir -p "$catalogs/$language/LC_MESSAGES"
  msgfmt --output-file="$catalogs/$language/LC_MESSAGES/postrider.mo" \
    "$top/po/$language.po"
  other=
  for locale in $(candidates); do
    [ "$locale" = C.UTF-8 ] || other=yes
    found=$(first_line "$language" "$locale")
    [ "$found" = "$english" ] || break
  done
  if [ "$found" = "$english" ] && [ -z "$other" ]; then
    skip "the program speaks $language" "there is no locale but C"
  else
    [ -n "$found" ] && [ "$found" != "$english" ]
    report $? "the program speaks $language" "it says: $found"
    check_size "$language" "$locale"
    check_advice "$language" "$locale"
  fi
done

echo "1..$count"
