#!/bin/sh
# The manual pages say all that the tables of the sources say: every option,
# command, exit status, key of the log, and every setting with its default. And
# they render without a warning. So does the guide, which lists settings, commands,
# and options.
top=${G_TEST_SRCDIR:-$(cd "$(dirname "$0")/.." && pwd)}
build=${G_TEST_BUILDDIR:-$top/build}
cd "$top" || exit 1
program=doc/postrider.1
# Made with the program, or of a release.
sendmail=$build/doc/sendmail.1
[ -f "$sendmail" ] || sendmail=doc/sendmail.1
accounts=$build/doc/postrider-accounts.5
[ -f "$accounts" ] || accounts=doc/postrider-accounts.5
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

# letters FILE...
letters () {
  grep -ohE "\{ '[A-Za-z]'," "$@" | cut -c4 | sort -u
}

# long_options FILE...
long_options () {
  grep -ohE "\{ ('[A-Za-z]'|0), \"[a-z-]+\"" "$@" | cut -d'"' -f2 | sort -u
}

other_sources () {
  ls src/cli/*.c | grep -v /sendmail-options.c
}

# The table of sendmail, a row on each line: group, letter, long name, value.
rows () {
  awk '/^static const Option table\[\]/ { inside = 1; next }
    inside && /^  \{ 0 \},/ { exit }
    inside { text = text $0 " " }
    END {
      rows = split (text, row, /\},? +\{/)
      for (i = 1; i <= rows; i++) {
        group = "Obeyed"
        if (row[i] ~ /OPTION_IGNORED/) group = "ignored"
        if (row[i] ~ /OPTION_REFUSED/) group = "Refused"
        letter = name = value = "-"
        if (match (row[i], /\047.\047/)) letter = substr (row[i], RSTART + 1, 1)
        if (match (row[i], /^[^,]*, "[^"]*"/)) {
          name = substr (row[i], RSTART, RLENGTH - 1)
          sub (/.*"/, "", name)
        }
        if (match (row[i], /\.value = "[^"]+"/))
          value = substr (row[i], RSTART + 10, RLENGTH - 11)
        print group, letter, name, value
      }
    }' src/cli/sendmail-options.c
}

# Those of them that have no item below the heading of their group.
missing_rows () {
  rows | while read -r group letter name value; do
    item="-$name"
    [ "$letter" = - ] || item=$letter
    [ "$value" = - ] || item=$letter$value
    case $letter$value in
    O[A-Z]*) item="O Cm $value" ;;
    esac
    sed -n "/^\.Ss .*$group/,/^\.S[sh]/p" "$sendmail" |
      grep -qE "^\.It (.* )?Fl $item( |\$)" ||
      echo "the page of sendmail lacks -$item among what is $group"
  done
  [ "$(rows | wc -l)" -gt 60 ] || echo "not all rows were found"
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

found=$(letters $(other_sources) |
  missing $program '^\.(It (.* )?)?Fl %s( |$)')
[ -z "$found" ]
report $? "every short option is in the manual" "$found"

found=$(long_options $(other_sources) |
  missing $program '^\.It (.* )?Fl -%s( |$)')
[ -z "$found" ]
report $? "every long option is in the manual" "$found"

found=$(missing_rows; grep -n '^@.*@$' "$sendmail")
[ -z "$found" ]
report $? "every option of sendmail is in its page, in its group" "$found"

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

# What msmtp is told, one name for each thing, of the table of who imports it.
msmtp_commands () {
  awk '/^static const Command commands\[\]/ { inside = 1; next }
    inside && /^};/ { exit }
    inside && /NO_SLOT/ { next }
    inside && /^  {/ && split ($0, part, /["{, ]+/) > 3 && !(part[3] in seen) {
      seen[part[3]] = 1
      print part[2]
    }' src/cli/msmtprc.c
}
found=$(sed -n '/^@section Settings of msmtp/,/^@section/p' doc/postrider.texi |
  { table=$(cat); msmtp_commands | while read -r name; do
      echo "$table" | grep -q "^@item .*@code{$name[ }]" || echo "no $name"
    done; }
  [ "$(msmtp_commands | wc -l)" -gt 30 ] || echo "nothing was found to look for")
[ -z "$found" ]
report $? "the guide has a row for each setting of msmtp" "$found"

# fragment NAME: a part of the guide that is made of tables.
fragment () {
  if [ -f "$build/doc/$1.texi" ]; then
    cat "$build/doc/$1.texi"
  else
    cat "doc/$1.texi"
  fi 2>/dev/null
}

missing_in_guide () {
  { fragment settings; fragment general; } >"$work/settings"
  fragment commands >"$work/commands"
  settings | cut -d' ' -f1 | missing "$work/settings" '^@item @code\{%s = .'
  long_options src/cli/*.c | grep -vx -e help -e help-all -e version |
    missing "$work/commands" '^@seindex --%s \('
  commands | grep -vx newaliases |
    missing "$work/commands" '^@subheading postrider %s$'
  # Outside of a command "--" becomes a dash.
  grep -vE '^@(item|seindex|code)' "$work/commands" |
    grep -oE '(^|[ (])--[a-z-]+' | sed 's/^/this becomes a dash: /'
}
if [ -n "$(fragment commands)" ]; then
  work=$(mktemp -d "${TMPDIR:-/tmp}/postrider.XXXXXX") || exit 1
  trap 'rm -rf "$work"' EXIT
  found=$(missing_in_guide | sed "s|$work/|the guide's |")
  [ -z "$found" ]
  report $? "the guide has all settings, commands, and long options" "$found"
else
  skip "the guide has all settings, commands, and long options" \
    "they are listed where makeinfo is"
fi

if command -v makeinfo >/dev/null && [ -n "${work-}" ]; then
  for form in info html; do
    found=$(makeinfo --$form --no-split -I "$build/doc" -I doc -o "$work/guide" \
      doc/postrider.texi 2>&1)
    [ -z "$found" ]
    report $? "makeinfo has nothing to say about the guide as $form" "$found"
  done
else
  skip "makeinfo has nothing to say about the guide" "no makeinfo"
fi

for page in $program $accounts "$sendmail" doc/mailq.1 doc/newaliases.1; do
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
