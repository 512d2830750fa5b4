#!/bin/sh
# The order of the sources in Makefile.am is the order of dependency: a file
# includes files that stand above it, never one that stands below. And a few
# things belong in one place only.
top=${G_TEST_SRCDIR:-$(dirname "$0")/..}
cd "$top" || exit 1
. tests/report.sh

# only WHAT PATTERN FILE...: PATTERN is found in no source but FILE...
only () {
  what=$1 pattern=$2
  shift 2
  found=$(grep -lE "$pattern" $(find src -name '*.[ch]') || :)
  for file; do
    found=$(echo "$found" | grep -vx "$file" || :)
  done
  [ -z "$found" ]
  report $? "$what" "found in: $(echo $found)"
}

upward=$(awk '
  /^(base|mail|smtp|account|queue|submit|cli)_sources/ { inside = 1 }
  inside {
    for (i = 1; i <= NF; i++) if ($i ~ /^src\//) { place[$i] = ++n; file[n] = $i }
    if ($0 !~ /\\$/) inside = 0
  }
  END {
    for (i = 1; i <= n; i++) {
      own = file[i]; sub (/\.c$/, ".h", own)
      while ((getline line < file[i]) > 0) {
        if (line !~ /^ *# *include ".*\.h"/) continue
        split (line, part, "\""); wanted = "src/" part[2]
        if (!(wanted in place)) print file[i] ": " wanted " is not in Makefile.am"
        else if (place[wanted] > i) print file[i] " includes " wanted ", which stands below it"
      }
    }
  }' Makefile.am)
[ -z "$upward" ]
report $? "no source includes what stands below it" "$upward"

listed=$(grep -oE 'src/[a-z]+/[a-z0-9-]+\.[ch]' Makefile.am | sort)
existing=$(find src -mindepth 2 -name '*.[ch]' | sort)
[ "$listed" = "$existing" ]
report $? "Makefile.am lists every source once" \
  "$(printf '%s\n%s\n' "$listed" "$existing" | sort | uniq -u)"

only "only main.c ends the process, the handler of a signal, and work apart" \
  '(^|[^_a-z])_?exit \(' src/main.c src/submit/signals.c src/submit/apart.c
# loaded LIBRARY HEADER TABLE FILE...: LIBRARY, with its HEADER, comes through TABLE.h
# (base/library.h), which FILE... alone include.
loaded () {
  library=$1 header=$2 table=$3
  shift 3
  only "$library is loaded, not linked" "<$header" "src/$table.h"
  only "$library stays where it belongs" "\"$table\.h\"" "src/$table.c" "$@"
}

loaded GnuTLS gnutls/ smtp/gnutls \
  src/smtp/tls.c src/smtp/tls.h src/smtp/tls-anchors.h src/smtp/tls-credentials.c \
  src/smtp/tls-credentials.h src/smtp/tls-text.c src/smtp/token.c \
  src/smtp/token.h src/smtp/tls-verdict.c src/smtp/tls-verdict.h \
  src/smtp/sasl-scram.c src/smtp/session.c src/cli/version.c
loaded "GNU SASL" gsasl smtp/gsasl \
  src/smtp/sasl-gnu.c src/smtp/sasl-scram.c src/cli/version.c
loaded libsecret libsecret/ account/libsecret \
  src/account/keyring.c src/account/keyring-service.c \
  src/account/keyring-service.h src/cli/version.c
loaded JSON-GLib json-glib/ smtp/json-glib src/smtp/sasl-oauth.c src/cli/version.c
loaded libidn2 idn2 mail/idn2 \
  src/mail/address.c src/smtp/relay.c src/cli/version.c
only "GIO is loaded, not linked" '<(gio/|glib-object)' src/base/gio.h

long=$(find src -name '*.c' | while read -r file; do
  awk -v f="$file" '/^{/ { s = NR } /^}/ { if (s && NR - s > 80) print f ":" s ": " NR - s " lines"; s = 0 }' "$file"
done)
[ -z "$long" ]
report $? "no function is longer than 80 lines" "$long"

missing=$(grep -lE '[^a-z]_ \("|N_ \("|ngettext \(' $(find src -name '*.c') | while read -r file; do
  grep -qx "$file" po/POTFILES.in || echo "$file"
done)
[ -z "$missing" ]
report $? "every translated source is in po/POTFILES.in" "$missing"

echo "1..$count"
