#!/bin/sh
# `postrider log' shows what was sent when, and what the relay said, wherever the log
# went: of all messages, or of those that an identifier or an address names.
. "$(dirname "$0")/lib.sh"
need python3 gzip
begin 120
make_certificates
terminal=$build/tests/e2e/terminal

# log ARGUMENT...: the command; see exits.
log () {
  timeout 60 postrider log "$@" >"$work/out" 2>"$work/err"
  status=$?
}

# json EXPRESSION: of the objects that the last log printed, as the list m.
json () {
  python3 -c 'import json, sys
m = [json.loads (line) for line in open (sys.argv[1], encoding="utf-8")]
value = eval ("(" + sys.argv[2] + ")")
print (value, m)
sys.exit (not value)' "$work/out" "$1"
}

# send N ARGUMENT...: message N
send () {
  numbered "$1" >"$work/message"
  shift
  submit -f me@example.org "$@" <"$work/message"
}

has () { # has FILE REGEX...: lines that follow each other
  has_file=$1
  shift
  awk 'BEGIN { for (i = 1; i < ARGC; i++) { want[i - 1] = ARGV[i]; ARGV[i] = "" } n = ARGC - 1 }
    { line[NR] = $0 }
    END {
      for (at = 1; at <= NR; at++) {
        for (i = 0; i < n && line[at + i] ~ want[i]; i++);
        if (i == n) exit 0
      }
      for (at = 1; at <= NR; at++) print line[at]
      exit 1
    }' "$@" <"$has_file"
}

narrow () { # No line of the last output is wider than 80 columns.
  python3 -c 'import sys, unicodedata
for line in open (sys.argv[1], encoding="utf-8"):
  width = sum (2 if unicodedata.east_asian_width (c) in "WF" else 1
               for c in line.rstrip ("\n"))
  if width > 80: sys.exit (line)' "$work/out"
}

blocks () { # blocks N: so many are shown
  [ "$(grep -c '^[0-9]' "$work/out")" = "$1" ] || {
    cat "$work/out"
    return 1
  }
}

dialogue refuses <<'D'
begin
until RCPT TO:<no@example.net>*
< RCPT*
> 550 5.1.1 no such "user" here
serve
D

become --serve
scripted_account me
password me secret || exit 1

# Nothing yet

log
check "empty: the status is 0" exits 0
check "empty: it says so" [ "$(cat "$work/out")" = 'The log is empty.' ]
log --json
check "empty: JSON is nothing" [ ! -s "$work/out" ]
log you@example.net
check "empty: nothing of an address" exits 66

# Sent, held

send 1 you@example.net them@example.com
check "a message goes" exits 0
log
check "sent: the status is 0" exits 0
check "sent: when, to whom, and what the relay said" has "$work/out" \
  "^20[0-9-]* [0-9:]*  [0-9A-F]*  sent  +[0-9]+ bytes  me\$" \
  '^    me@example.org -> you@example.net, them@example.com$' '^    250 '
one=$(awk '{ print $3; exit }' "$work/out")
log --json
check "sent: JSON" json "len (m) == 1 and m[0]['id'] == '$one' \
and m[0]['fate'] == 'relayed' and m[0]['sender'] == 'me@example.org' \
and m[0]['recipients'] == ['you@example.net', 'them@example.com'] \
and m[0]['tried'] == 2 and m[0]['relayed'] == 2 and m[0]['port'] == $port \
and m[0]['reply'][:4] == '250 ' and m[0]['failures'] == [] \
and m[0]['milliseconds'] >= 0 and abs (m[0]['time'] - $(date +%s)) < 60"

become "$work/refuses"
send 2 no@example.net
check "another is refused" exits 67
log no@example.net
check "held: one is shown" blocks 1
check "held: and why" has "$work/out" \
  '  held  ' '-> no@example.net$' \
  "^    no@example.net: 550 5.1.1 no such 'user' here\$"
two=$(awk '{ print $3; exit }' "$work/out")
log --json "$two"
check "held: JSON" json "len (m) == 1 and m[0]['failures'] == [{'address': \
'no@example.net', 'stage': 'rcpt', 'fate': 'failed', 'ambiguous': False, \
'text': \"550 5.1.1 no such 'user' here\"}]"
postrider queue remove "$two" >"$work/removed" || exit 1
log NO@example.net
check "what follows about a message is shown with it" has "$work/out" \
  '  removed  ' '^    me@example.org$' '^    removed by a person$'
check "in its order" blocks 2

# Named

served
send 3 "最初の受取人@日本.example" you@example.net
log
check "all: the newest is the last" blocks 4
check "all: within 80 columns" narrow
log "$(echo "$one" | cut -c -16 | tr A-F a-f)"
check "named: an identifier in lower case" blocks 1
log them@example.com
check "named: a recipient that was not the first" blocks 1
log @example.com
check "named: a domain" blocks 1
log you@example.net
check "named: a recipient of several messages" blocks 2
log me@example.org
check "named: a sender" blocks 4
log you@example.net no@example.net
check "named: two" blocks 4
log example.net@you
check "named: nobody" exits 66
log unheard-of
check "neither an ID nor an address" exits 64
log --since 1d
check "since: a day" blocks 4
log --since 2000-01-01
check "since: a date" blocks 4
log --since 2100-01-01
check "since: nothing yet" has "$work/out" 'nothing since then'
for since in yesterday 2026-11-21x10:00 2026-11-31 2d2 99999999d ''; do
  log --since "$since"
  check "since: no time: '$since'" exits 64
done

# A narrow terminal

python3 "$source/tests/e2e/progress.py" --columns 45 "$work/shown" "$work/screen" \
  "$build/postrider" log no@example.net </dev/null >"$work/err" 2>&1
check "a narrow terminal: within its columns" has "$work/screen" "550 5.1.1 no such 'user'\$" \
  '^    here$'

# More than a line of the log has room for

recipients=$(seq -f 'recipient-%g@a-domain-that-is-rather-long.example.org' 200)
send 4 $recipients
check "a message to 200 goes" exits 0
check "no line of the log was cut" [ "$(grep -c '\.\.\.$' "$work/log")" = 0 ]
for n in 1 77 200; do
  log recipient-$n@a-domain-that-is-rather-long.example.org
  check "many: number $n is found and shown" has "$work/out" '  sent  ' \
    "recipient-$n@" 'recipient-2@' 'recipient-3@.*and 197 more'
  check "many: once" blocks 1
done
log --json recipient-77@a-domain-that-is-rather-long.example.org
check "many: JSON has them all" json "len (m) == 1 and m[0]['tried'] == 200 \
and m[0]['recipients'] == '''$recipients'''.split ()"

# A log that was rotated, and has lines of others

mv "$work/log" "$work/log.2"
gzip "$work/log.2"
send 5 rotated@example.net
mv "$work/log" "$work/log-20261120"
send 6 fresh@example.net
touch -d '2 days ago' "$work/log.2.gz"
touch -d '1 day ago' "$work/log-20261120"
echo 'not a log' >"$work/log.old"
{
  printf 'Nov 20 14:32:05 host postfix/qmgr[1]: 4F2C: from=<me@example.org>, size=1\n'
  head -c 100000 /dev/zero | tr '\0' x
  printf '\n\0\n\033[31m\n'
} >>"$work/log"
send 7 behind@example.net
log
check "rotated: in their order" blocks 8
check "rotated: the newest is the last" \
  [ "$(grep -o '[a-z]*@example.net$' "$work/out" | tail -n 3 | tr '\n' ' ')" = \
  'rotated@example.net fresh@example.net behind@example.net ' ]
log @example.com
check "rotated: what is compressed is found" blocks 1

# A line that was half written

half='2026-11-20T14:32:05+00:00 postrider[1]: id=6B0121AF2C53A8F3 account=me from=<me@example.org> to=<half@ex'
printf '%s' "$half" >"$work/log"
rm -f "$work"/log.2.gz "$work/log-20261120"
send 8 next@example.net
check "half a line: it is ended as one that was cut" \
  [ "$(head -n 1 "$work/log")" = "$half..." ]
check "half a line: the next one is a line of its own" \
  [ "$(wc -l <"$work/log")" = 2 ]
send 9 next@example.net
check "half a line: it is ended once" [ "$(wc -l <"$work/log")" = 3 ]
log next@example.net
check "half a line: what follows is shown" blocks 2
chmod 200 "$work/log"
send 10 next@example.net
chmod 600 "$work/log"
log next@example.net
check "a log that may only be written is" blocks 3

cat >"$work/full.sh" <<'S'
# One page, with room for half a line.
mount -t tmpfs -o size=4k none "$work/full" || exit 1
head -c 4000 /dev/zero | tr '\0' x >"$work/full/log"
echo >>"$work/full/log"
attempt () {
  timeout 60 "$sendmail" -f me@example.org "$1" <"$work/message" || exit 1
}
attempt full@example.net
wc -c "$work/full/log" # The disk took half of it,
attempt full@example.net # and nothing of this one.
mount -o remount,size=64k "$work/full" || exit 1
attempt later@example.net
attempt last@example.net
cat "$work/full/log"
postrider log
echo "status $?"
S
export work sendmail
mkdir "$work/full"
if unshare --mount mount -t tmpfs none "$work/full" 2>/dev/null; then
  cp "$accounts" "$work/kept"
  sed -i "s,^log = .*,log = $work/full/log," "$accounts"
  unshare --mount --propagation private sh "$work/full.sh" >"$work/out" 2>&1
  check "a full disk: it takes half a line" grep -q '^4096 ' "$work/out"
  check "a full disk: the next line is one of its own, and so are others" \
    has "$work/out" '^xxxx' '^20.* postrider.*[.][.][.]$' \
    '^20.*later@example.net.*"$' '^20.*last@example.net.*"$'
  check "a full disk: whole lines are shown" \
    has "$work/out" '-> later@example.net$' '^    250 ' '  sent  ' \
    '-> last@example.net$' '^    250 ' '^status 0'
  cp "$work/kept" "$accounts"
else
  skip "a full disk" "none can be mounted here"
fi

chmod 000 "$work/log"
if [ "$(id -u)" = 0 ]; then
  skip "a log that cannot be read" "root can read all"
else
  log
  check "a log that cannot be read" exits 66
fi
chmod 600 "$work/log"
sed -i 's/^log = .*/log = none/' "$accounts"
log
check "no log: it says so" grep -q 'log = none' "$work/err"
check "no log: the status is 66" exits 66

# Syslog

sed -i '/^log = none/d' "$accounts"
cat >"$work/syslog.sh" <<'S'
mount -t tmpfs none /var/log && mount -t tmpfs none /usr/local/bin || exit 1
show () { # show NAME [ARGUMENT...]
  echo "$1:"
  shift
  "$build/postrider" log -C "$accounts" "$@" 2>&1
  echo "status $?"
}
show nothing
{
  echo 'Jan  1 00:00:01 host postfix/smtp[1]: 4F: to=<a@example.org>, relay=none'
  echo 'Jan  1 00:00:02 host postrider[1]: id=6B0121AF2C53A8F1 account=work from=<me@example.org> to=<old@example.org> fate=held text="no"'
} >/var/log/mail.log
show file
cat >/usr/local/bin/journalctl <<'J'
#!/bin/sh
case "$*" in
*--output=short-unix*" --since=@0 SYSLOG_FACILITY=2 _UID="*) ;;
*) exit 0 ;; # Nothing is so new.
esac
echo '1795271525.123456 host postrider[1]: id=6B0121AF2C53A8F2 account=work from=<me@example.org> to=<journal@example.org> fate=held text="no"'
J
chmod 755 /usr/local/bin/journalctl
show journal
rm /var/log/mail.log
show new --since 1h
S
export build accounts
if [ "$(id -u)" = 0 ] && has_machine; then
  in_machine "$work/syslog.sh" >"$work/syslog" 2>&1
  check "syslog: where there is none, what to do" \
    has "$work/syslog" '^nothing:' 'log = /path/of/a/file' '^status 66'
  check "syslog: its file is read" has "$work/syslog" '^file:' \
    '-01-01 00:00  6B0121AF2C53A8F1  held ' 'old@example.org' '^    no$' \
    '^status 0'
  check "syslog: the journal is preferred" has "$work/syslog" '^journal:' \
    '6B0121AF2C53A8F2' 'journal@example.org' '^    no$' '^status 0'
  check "syslog: a journal that has nothing so new" \
    has "$work/syslog" '^new:' 'nothing since then' '^status 0'
else
  skip "syslog" "only root can have another /var/log"
fi

end
