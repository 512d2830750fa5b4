#!/bin/sh
# The manual pages say all that the tables of the sources say: every option,
# command, exit status, key of the log, and every setting with its default. And
# they render without a warning.
top=${G_TEST_SRCDIR:-$(dirname "$0")/..}
cd "$top" || exit 1
program=doc/postrider.1
accounts=doc/postrider-accounts.5
. tests/report.sh

# missing PAGE FORMAT: those of the lines on stdin, put in FORMAT, an extended
# regular expression, that PAGE does not have. No line at all is wrong as well.
missing () {
  lines=0
  while read -r name; do
    lines=$((lines + 1))
    grep -qE "$(printf "$2" "$name")" "$1" || echo "$1 lacks $name"
  done
  [ $lines -gt 0 ] || echo "nothing was found to look for"
}

letters () {
  grep -ohE "\{ '[A-Za-z]', (NULL|\")" src/cli/*.c | cut -c4 | sort -u
}

long_options () {
  grep -ohE "\{ ('[A-Za-z]'|0), \"[a-z-]+\"" src/cli/*.c | cut -d'"' -f2 |
    sort -u
}

commands () {
  grep -oE '\{ "[a-z]+", [a-z]+_main' src/main.c | cut -d'"' -f2
}

log_keys () {
  grep -ohE '[a-z]+=[%<"\\y]' src/submit/report.c \
    src/submit/tell.c src/queue/queue.c |
    sed 's/=.*//' | sort -u
}

exit_statuses () {
  for name in $(grep -ohE 'EX_[A-Z]+' src/base/*.c src/main.c | sort -u); do
    sed -n "s/^#define[[:space:]]*$name[[:space:]]*\([0-9]*\).*/\1/p" \
      /usr/include/sysexits.h
  done
}

# Lines "name default", the default "-" where there is none.
settings () {
  awk '/^const Setting settings\[\]/ { inside = 1; next }
    inside && /^};/ { exit }
    inside { text = text $0 " " }
    END {
      rows = split (text, row, /\},? +\{/)
      for (i = 1; i <= rows; i++) {
        split (row[i], name, "\"")
        rest = row[i]
        sub (/.*(ACCOUNT|GENERAL) \([a-z_.]+\), */, "", rest)
        initial = "-"
        if (rest ~ /^"/) { split (rest, part, "\""); initial = part[2] }
        print name[2], initial
      }
    }' src/account/settings.c
}

# The paragraphs of the page about setting NAME.
item () {
  awk -v name="$1" '/^\.It / { inside = $2 == "Cm" && $3 == name && $4 == "No" }
    /^\.El/ { inside = 0 }
    inside' $accounts
}

wrong_settings () {
  settings | while read -r name initial; do
    text=$(item "$name")
    if [ -z "$text" ]; then
      echo "$accounts lacks $name"
    elif [ "$initial" != - ] &&
      ! echo "$text" | sed -n '/^Default:/,$p' | grep -qw -- "$initial"; then
      echo "$accounts does not say that $name is $initial by default"
    fi
  done
  [ "$(settings | wc -l)" -gt 0 ] || echo "no setting was found"
}

# What the page has and the table has not.
unknown_settings () {
  sed -n 's/^\.It Cm \([a-z-]*\) No = .*/\1/p' $accounts |
    while read -r name; do
      settings | grep -q "^$name " || echo "there is no setting $name"
    done
}

found=$(letters | missing $program '^\.(It (.* )?)?Fl %s( |$)')
[ -z "$found" ]
report $? "every short option is in the manual" "$found"

found=$(long_options | missing $program '^\.It (.* )?Fl -%s( |$)')
[ -z "$found" ]
report $? "every long option is in the manual" "$found"

found=$(commands | missing $program '^\.It Cm %s( |$)')
[ -z "$found" ]
report $? "every command is in the manual" "$found"

found=$(log_keys | missing $program '(Cm|,) %s( |$)')
[ -z "$found" ]
report $? "every key of the log is in the manual" "$found"

if [ -r /usr/include/sysexits.h ]; then
  found=$(exit_statuses | missing $program '^\.It %s$')
  [ -z "$found" ]
  report $? "every exit status is in the manual" "$found"
else
  skip "every exit status is in the manual" "no sysexits.h"
fi

found=$(wrong_settings; unknown_settings)
[ -z "$found" ]
report $? "the manual has the settings that there are, with their defaults" \
  "$found"

for page in $program $accounts; do
  if command -v mandoc >/dev/null; then
    found=$(mandoc -Tlint -Wwarning $page 2>&1)
    [ -z "$found" ]
    report $? "mandoc has nothing to say about $page" "$found"
  else
    skip "mandoc has nothing to say about $page" "no mandoc"
  fi
  if command -v man >/dev/null && command -v groff >/dev/null; then
    found=$(man --warnings -E UTF-8 -l $page 2>&1 >/dev/null)
    [ -z "$found" ]
    report $? "man has nothing to say about $page" "$found"
  else
    skip "man has nothing to say about $page" "no man or groff"
  fi
done

echo "1..$count"
