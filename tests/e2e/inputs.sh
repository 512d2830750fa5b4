#!/bin/sh
# Whatever callers and machines do to sendmail, as a table: what it is given, and
# what becomes of it. Where it says no, nothing is kept, or a copy is held, and one
# line tells why; where it says yes, nothing is printed, and what was given arrives.
. "$(dirname "$0")/lib.sh"
need python3
begin 600
make_certificates
start_scripted --serve --certificate "$work/certificates/good.pem"
scripted_account me 'default = yes'
password me secret || exit 1
mkdir "$work/tmp" "$work/arrived"
# For what no sanitizer can look through: libraries' own, and other rights.
unchecked="ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0"
python=$(python3 -c 'import sys; print (sys.executable)')
TMPDIR=$work/tmp
export TMPDIR
: >"$work/table"

# Rows
#
#   given FORMAT              stdin, for printf; it stays until the next one
#   given_by COMMAND...       what that prints
#   row TITLE STATUS FATE WHAT ARGUMENT...
#
# FATE is nothing, held, queued or arrives; noisy: it arrives, and something is
# printed; untold: it does not wait, and there is nobody to hear why. Of what arrives WHAT is a command that looks at it, else the
# pattern of a line on stderr. In front of the program stands $through, words of a
# shell command.

given () {
  printf "$1" >"$work/given"
}

given_by () {
  "$@" >"$work/given"
}

through= unlogged=

row () {
  row_title=$1 row_status=$2 row_fate=$3 row_what=$4
  shift 4
  rm -rf "$work/record"/* "$work/arrived"/*
  : >"$work/log"
  eval "timeout 60 $through \"\$sendmail\" \"\$@\"" \
    <"$work/given" >"$work/out" 2>"$work/err"
  status=$?
  tell "$row_status" "$row_fate" "$row_title"
  check "$row_title" row_holds
  rm -rf "$state/queue" "$state/held" "$work/tmp"/*
}

tell () {
  printf '%6s  %-9s %s\n' "$1" "$2" "$3" >>"$work/table"
}

row_holds () {
  exits "$row_status" && unchanged_elsewhere || return
  case $row_fate in
  arrives) silent && kept 0 0 && split && eval "$row_what" ;;
  queued) silent && kept 1 0 ;;
  held) kept 0 1 && held_rightly ;;
  nothing) kept 0 0 && not_sent && told "$row_what" ;;
  untold) queued 0 ;;
  noisy) kept 0 0 && split && eval "$row_what" ;;
  esac
}

held_rightly () { # A part that was refused is told by mail, and not here.
  if [ "$status" = 0 ]; then silent; else told "$row_what"; fi
}

kept () { # kept QUEUED HELD
  queued "$1" && queued "$2" held
}

# No temporary file stays, wherever one might have been made.
unchanged_elsewhere () {
  ! find "$work/tmp" "$state" -mindepth 1 -type f ! -path "$state/accounts/*" \
    ! -path "$state/queue/[0-9A-F]*" ! -path "$state/held/[0-9A-F]*" \
    ! -name runner.lock | grep .
}

not_sent () {
  ! ls "$work/record" 2>/dev/null | grep .
}

# A line or two, each of them ours, of things one can read; and the log has it.
told () { # told PATTERN
  cat "$work/err"
  [ ! -s "$work/out" ] && [ "$(wc -l <"$work/err")" -le 2 ] || return
  ! grep -v '^postrider: ' "$work/err" || return
  ! LC_ALL=C grep -n "$(printf '[\001-\010\013-\037\177]')" "$work/err" || return
  iconv -f UTF-8 -t UTF-8 "$work/err" >"$work/utf8" || return
  grep -qe "$1" "$work/err" || return
  [ -n "$unlogged" ] || grep 'text=' "$work/log"
}

split () {
  "$python" -IS "$source/tests/e2e/wire" "$work"/record/*.tls "$work/arrived"
}

# What arrived

body () { # body FORMAT: decoded, and with LF
  printf "$1" >"$work/wanted"
  diff -a "$work/wanted" "$work/arrived/decoded"
}

same () { # as given, but for line ends
  sed '1,/^\r*$/d' "$work/given" >"$work/wanted"
  "$python" -IS "$source/tests/e2e/wire" --same "$work/wanted" "$work/arrived/decoded"
}

has () { # has LINE: the header does, by an extended pattern
  cat "$work/arrived/header"
  grep -qaxE -e "$1" "$work/arrived/header"
}

lacks () { # lacks PATTERN: all of it, header and body
  ! grep -aiE -e "$1" "$work/arrived/header" "$work/arrived/body"
}

recipients () { # recipients PATH...: these, and no other
  printf 'RCPT TO:<%s>\n' "$@" | sort >"$work/wanted"
  grep '^RCPT' "$work/arrived/envelope" | sed 's/> .*/>/' | sort |
    diff "$work/wanted" -
}

sender () { # sender PATH
  cat "$work/arrived/envelope"
  grep -qF "MAIL FROM:<$1>" "$work/arrived/envelope"
}

complete () { # with all that a message must have
  has 'Date: .*' && has 'From: (.*<me@example.org>|me@example.org)' &&
    has 'Message-ID: <.*@example.org>'
}

# Shown elsewhere: by a test of that script, which there is.
elsewhere () { # elsewhere STATUS FATE TITLE SCRIPT TEXT
  tell "$1" "$2" "$3 ($4)"
  check "$3: $4 shows it" grep -qF -- "$5" "$source/tests/$4"
}

to=you@example.net

# Recipients

given 'Subject: s\n\nb\n'
row "no recipient" 64 nothing 'no recipient'
row "no recipient, with -f ''" 64 nothing 'no recipient' -f ''
row "-t, and no address in the header" 65 nothing 'no recipient' -t
given ''
row "-t, and nothing on stdin" 65 nothing 'no recipient' -t
given 'To: undisclosed-recipients:;\n\nb\n'
row "-t, and an empty group alone" 65 nothing 'no recipient' -t
given 'To: one@example.net\nCc: two@example.net\nBcc: three@example.net\n\nb\n'
row "-t and recipients as arguments: all of them" 0 arrives \
  "recipients one@example.net two@example.net three@example.net $to four@example.net" \
  -t $to four@example.net one@example.net
row "-t, each given twice: each once" 0 arrives \
  'recipients one@EXAMPLE.net two@example.net three@example.net One@example.net' \
  -t one@EXAMPLE.net One@example.net two@example.net

given 'Subject: s\n\nb\n'
for octal in 001 007 010 012 013 014 015 016 033 037 177; do
  row "the character $octal in a recipient" 65 nothing 'control character' \
    "$(printf "y\\$octal.u@example.net")"
  row "the character $octal in the domain of a recipient" 65 nothing \
    'control character' "$(printf "you@exa\\$octal.mple.net")"
  row "the character $octal in the sender" 65 nothing 'control character' \
    -f "$(printf "y\\$octal.u@example.org")" $to
done
row "a command behind a recipient" 65 nothing 'control character' \
  "$(printf "$to>\r\nRCPT TO:<x@example.net")"
row "a command behind the sender" 65 nothing 'control character' \
  -f "$(printf 'me@example.org>\nRCPT TO:<x@example.net')" $to
row "a command inside quotes" 65 nothing 'control character' \
  "$(printf '"a\r\nRCPT TO:<x@example.net>"@example.net')"
row "a command inside a comment" 65 nothing 'control character' \
  "$(printf "$to (\r\nRCPT TO:<x@example.net>)")"
row "a command in the envelope identifier" 64 nothing 'argument of -V' \
  -V "$(printf 'a\r\nRCPT TO:<x@example.net>')" $to
given 'To: "a\rb"@example.net\n\nb\n'
row "-t, a carriage return inside quotes" 65 nothing 'carriage return' -t
given 'To: "a\001b"@example.net\n\nb\n'
row "-t, a control character inside quotes" 65 nothing '' -t
given 'To: you@example.net\0\n\nb\n'
row "-t, NUL behind an address" 65 nothing NUL -t

given 'Subject: s\n\nb\n'
row "a source route is left out" 0 arrives 'recipients u@d.example' \
  '<@a,@b:u@d.example>'
row "no sender: <>" 0 arrives 'sender ""' -f '<>' $to
row "no sender: an empty argument" 0 arrives 'sender ""' -f '' $to
row "no sender, one of two refused: no notification, a copy" 0 held '' \
  -f '<>' $to reject@example.net
name64=$(printf '%064d' 1)
name63=$(printf '%063d' 1)
row "64 octets before the @" 0 arrives "recipients $name64@example.net" \
  "$name64@example.net"
row "65 octets before the @" 65 nothing '64 octets' "1$name64@example.net"
row "65 octets before the @ of the sender" 65 nothing '64 octets' \
  -f "1$name64@example.net" $to
row "an address of 255 octets" 65 nothing '254 octets' \
  "me@$name63.$name63.$name63.$(printf '%060d' 1)"
row "a label of 64 octets" 65 nothing '' "me@$name64.example"
row "an address that is not UTF-8" 65 nothing 'UTF-8' \
  "$(printf 'b\374cher@example.net')"
row "letters beyond ASCII before the @" 0 arrives \
  'recipients bücher@example.net && grep -q SMTPUTF8 "$work/arrived/envelope"' \
  bücher@example.net
row "letters beyond ASCII in the domain" 0 arrives \
  'recipients you@xn--bcher-kva.example' you@bücher.example
row "an address that begins with -" 64 nothing 'dash' -- -y@example.net
row "an option behind a recipient" 64 nothing 'options stand before' \
  $to -fx@example.net

# 10 000 of them go in as many transactions as the relay wants.
many_sent () {
  [ "$(cat "$work"/record/*.log | grep '< RCPT TO:<r[0-9]*@example.net>' |
    sort -u | wc -l)" = 10000 ]
}
row "10 000 recipients" 0 queued '' -odq $(seq -f 'r%.0f@example.net' 10000)
"$sendmail" -odq $(seq -f 'r%.0f@example.net' 10000) <"$work/given"
run_once
check "10 000 recipients: each is told to the relay" many_sent
check "10 000 recipients: nothing waits" queued 0

# The shapes of addresses in a header

given 'To: "x, y" <z@example.net>, a@b.example (c, d),\n g: one@example.net, (\\)) two@example.net;,\n\tthree@example.net\nCc: =?UTF-8?Q?Doe=2C_J?= <four@example.net>\n\nb\n'
row "-t: quotes, comments, groups, folding" 0 arrives \
  'recipients z@example.net a@b.example one@example.net two@example.net three@example.net four@example.net' \
  -t
given 'To: =?UTF-8?Q?x=0D=0ABcc:_evil@example.net?= <you@example.net>\n\nb\n'
row "-t: a header field inside an encoded word" 0 arrives \
  "recipients $to && lacks '^bcc' && has 'To: =[?]UTF-8[?]Q[?]x=0D=0ABcc:.*'" -t
given 'To: one@example.net\nBcc: two@example.net,\n\tthree@example.net\nbCC:four@example.net\nBcc:\nBcc : five@example.net\n\nBcc: body\n'
for option in -t ''; do
  others=
  [ -z "$option" ] ||
    others='one@example.net two@example.net three@example.net four@example.net five@example.net'
  row "Bcc folded, empty, in any case of letters${option:+, $option}" 0 arrives \
    "recipients $to $others && ! grep -i bcc \"\$work/arrived/header\" &&
     lacks 'two@|three@|four@|five@' && body 'Bcc: body\n'" $option $to
done
given 'To: one@example.net\nResent-To: two@example.net\nResent-Bcc: three@example.net\nSubject: s\n\nb\n'
row "Resent-Bcc" 0 arrives "recipients $to && lacks 'resent-bcc|three@'" $to
row "Resent-Bcc, -t: they get it, and nobody else" 0 arrives \
  "recipients two@example.net three@example.net && lacks 'resent-bcc|three@'" -t

# Header sections

given ''
row "nothing on stdin" 0 arrives "body '' && complete" $to
given '\n'
row "an empty line on stdin" 0 arrives "body '' && complete" $to
given 'Backup finished.\nAll well.\n'
row "text without a header" 0 arrives \
  "body 'Backup finished.\nAll well.\n' && complete" $to
given 'Backup finished: ok\nAll well.\n'
row "text that looks like a header, but for a blank" 0 arrives \
  "body 'Backup finished: ok\nAll well.\n' && complete" $to
given ' indented\n'
row "a first line that continues nothing" 0 arrives \
  "body ' indented\n' && complete" $to
given 'From root@host Sat Nov 21 03:14:47 2026\nSubject: s\n\nFrom b\n'
row "an mbox line first" 0 arrives \
  "body 'From b\n' && has 'Subject: s' && lacks '^From root'" $to
given 'Subject: s\nno field\n\nb\n'
row "a line in the header that is no field" 0 arrives \
  "has 'Subject: s' && body 'no field\n\nb\n' && complete &&
   grep -q 'body begins with it' \"\$work/log\"" $to
given 'Subject : s\n\nb\n'
row "a blank before the colon" 0 arrives "has 'Subject ?: s' && body 'b\n'" $to
given 'Subject: a\rBcc: evil@example.net\n\nb\n'
row "a bare CR in a header" 65 nothing 'carriage return' $to
given 'Subject: a\0b\n\nb\n'
row "NUL in a header" 65 nothing 'NUL' $to
given 'Subject: a\001\033[31m\177b\n\nb\n'
row "control characters in a header stay" 0 arrives \
  "has '$(printf 'Subject: a\001\033\\[31m\177b')'" $to
for field in 'From: a@example.org' 'Date: Thu, 01 Oct 2026 12:00:00 +0000' \
  'Message-ID: <a@example.org>'; do
  given "$field\nSubject: s\n$field\n\nb\n"
  row "two fields ${field%%:*}" 65 nothing "${field%%:*}" $to
done
given 'Subject: Gr\374\337e\nContent-Type: text/plain; charset=ISO-8859-1\nMIME-Version: 1.0\n\nb\n'
row "ISO 8859-1 in a header of that charset" 0 arrives \
  "has 'Subject: =[?]UTF-8[?]B[?]R3LDvMOfZQ==[?]='" $to
given 'Subject: Gr\374\337e\n\nb\n'
row "octets in a header that are no UTF-8" 0 arrives \
  "has 'Subject: =[?]unknown-8bit[?][QB][?].*[?]='" $to
given 'Subject: Gr\303\274\303\237e\n\nb\n'
row "UTF-8 in a header" 0 arrives "has 'Subject: Grüße'" $to
long_words () {
  printf 'Subject:'
  yes ' word' | head -n 2000 | tr -d '\n'
  printf '\n\nb\n'
}
given_by long_words
row "a header field of 10 000 octets with blanks" 0 arrives \
  "body 'b\n' && [ \$(grep -o ' word' \"\$work/arrived/header\" | wc -l) = 2000 ]" $to
fill () { # fill N CHARACTER
  head -c "$1" /dev/zero | tr '\0' "$2"
}
long_word () {
  printf 'Subject: '
  fill "$1" x
  printf '\n\nb\n'
}
given_by long_word 998
row "a header field of 1007 octets without a blank" 65 nothing 'Subject' $to
given_by long_word 1000000
row "a header field of 1 MB without a blank" 65 nothing '' $to
many_fields () {
  seq -f 'X-%.0f: field' "$1"
  printf '\nb\n'
}
given_by many_fields 9000
row "9000 header fields" 0 arrives "has 'X-9000: field'" $to
given_by many_fields 11000
row "11 000 header fields" 65 nothing 'header' $to
big_header () {
  seq -f "X-%.0f: $(fill 900 x)" "$1"
  printf '\nb\n'
}
given_by big_header 1300
row "a header of more than 1 MiB" 65 nothing 'header' $to
given_by long_word 2000000
row "a header line of 2 MB" 65 nothing '' $to

# Bodies

for option in '' -i -oi; do
  given 'Subject: s\n\na\n.\nb\n'
  row "a lone dot${option:+, $option}" 0 arrives same $option $to
done
given 'Subject: s\n\n.\n..\n.a\na.\n\n.\n\n.'
row "dots first, doubled, last" 0 arrives same $to
given 'Subject: s\n\n.'
row "nothing but a dot" 0 arrives "body '.\n'" $to
given '.\nb\n'
row "a dot as the first line" 0 arrives "body '.\nb\n' && complete" $to
for ends in '\n.\n' '\r\n.\r' '\r.\r\n' '\r\n.\n' '\n.\r\n' '\r.\r' '\r\n.\r\n' \
  '\n\r.\r\n' '\r\r\n.\r\r\n'; do
  given "Subject: s\n\na${ends}MAIL FROM:<x@example.net>\nRCPT TO:<evil@example.net>\nDATA\nb\n"
  name=$(printf '%s\n' "$ends" | sed 's/\\r/CR /g; s/\\n/LF /g; s/\./dot /')
  row "${name}and a command in the body" 0 arrives "same && recipients $to" $to
done
given 'Subject: s\r\nTo: you@example.net\r\n\r\na\nb\r\n\r\nc\n'
row "a header with CRLF, a body with both" 0 arrives \
  "has 'Subject: s' && body 'a\nb\n\nc\n'" -t
given 'Subject: s\n\nno newline'
row "no newline at the end" 0 arrives "body 'no newline\n'" $to
given 'Subject: s\n\na\rb\r\rc\n'
row "a bare CR in the body" 0 arrives "body 'a\nb\n\nc\n'" $to
given 'Subject: s\n\na\0b\n'
row "NUL in the body" 0 arrives "body 'a\0b\n' &&
  has 'Content-Transfer-Encoding: quoted-printable'" $to
mime='MIME-Version: 1.0\nContent-Type: '
mixed="${mime}multipart/mixed; boundary=x\n\n--x\n\n"
given "${mixed}a\0b\n--x--\n"
row "NUL in a part" 65 nothing NUL $to
signed="${mime}multipart/signed; boundary=x; micalg=pgp-sha256; protocol=\"application/pgp-signature\"\n\n--x\nContent-Type: text/plain\n\n"
signature='\n--x\nContent-Type: application/pgp-signature\n\nsignature\n--x--\n'
given "${signed}a\rb\n$signature"
row "a bare CR in what is signed" 65 nothing 'carriage return' $to
given "${signed}a\0b\n$signature"
row "NUL in what is signed" 65 nothing NUL $to
long_body () { # long_body HEADER N
  printf "$1"
  fill "$2" x
  printf '\nb\n'
}
given_by long_body "$signed" 999
printf "$signature" >>"$work/given"
row "a line of 999 octets in what is signed" 65 nothing '998' $to
given "${signed} trailing \t \n.\n..dots\n\na\n$signature"
row "what is signed stays as it is" 0 arrives same $to
given "${mime}application/pkcs7-mime\nContent-Transfer-Encoding: base64\n\nTUlJ\nQg=\n=\n"
row "S/MIME stays as it is" 0 arrives \
  'sed "1,/^$/d" "$work/given" | cmp - "$work/arrived/body"' $to
given "DKIM-Signature: v=1; b=x\n${mime}text/plain\n\na \n.b \t\n"
row "what DKIM signed stays as it is" 0 arrives same $to
given_by long_body 'Subject: s\n\n' 998
row "a line of 998 octets" 0 arrives \
  "same && lacks 'content-transfer-encoding'" $to
given_by long_body 'Subject: s\n\n' 999
row "a line of 999 octets" 0 arrives \
  "same && has 'Content-Transfer-Encoding: quoted-printable'" $to
given_by long_body 'Subject: s\n\n' 1000000
row "a line of 1 MB" 0 arrives \
  "same && has 'Content-Transfer-Encoding: quoted-printable'" $to
given_by long_body "${mime}application/octet-stream\n\n" 1000
row "a line of 1000 octets of data" 0 arrives \
  "same && has 'Content-Transfer-Encoding: base64'" $to
long_body "${mime}text/plain\nContent-Transfer-Encoding: base64\n\n" 4000 |
  sed '$d' >"$work/given"
row "a line of 4000 octets of base64 is wrapped" 0 arrives \
  'has "Content-Transfer-Encoding: base64" &&
   [ $(tr -cd x <"$work/arrived/body" | wc -c) = 4000 ]' $to
given 'Subject: s\n\nGr\303\274\303\237e\n\377\200\n'
row "octets above 127 in the body" 0 arrives \
  'same && grep -q BODY=8BITMIME "$work/arrived/envelope"' $to

setting () { # setting LINE: of [postrider]
  cp "$accounts" "$work/accounts"
  chmod 600 "$work/accounts"
  sed -i "2i$1" "$accounts"
}

settings_back () {
  mv "$work/accounts" "$accounts"
}

setting 'maximum-size = 1M'
given_by long_body 'Subject: s\n\n' 1048576
row "a message above the maximum size" 65 nothing 'longer than' $to
through='yes | timeout 60 '
row "stdin without an end" 65 nothing 'longer than' $to
through=
settings_back

# Stdin

given 'Subject: s\n\nb\n'
through="sh -c 'exec \"\$@\" <&-' -"
row "stdin closed" 74 nothing 'standard input is closed' $to
through="sh -c 'exec \"\$@\" </' -"
row "stdin a directory" 74 nothing 'cannot read the message: Is a directory' $to
through='"$python" -c "
import os, subprocess, sys
end, other = os.openpty ()
os.close (other)
sys.exit (subprocess.run (sys.argv[1:], stdin=end).returncode)
"'
row "stdin that fails" 74 nothing 'cannot read the message: Input/output' $to
through="sh -c 'exec \"\$@\" 0>/dev/null' -"
row "stdin open for writing only" 74 nothing 'message' $to
through="sh -c 'exec \"\$@\" </dev/null' -"
row "stdin /dev/null" 0 arrives "body '' && complete" $to
mkfifo "$work/fifo"
printf 'Subject: s\n\nb\n' >"$work/short"
through="sh -c 'cat \"\$0/short\" >\"\$0/fifo\" & exec \"\$@\" <\"\$0/fifo\"' \"\$work\""
row "stdin a FIFO" 0 arrives "body 'b\n'" $to
through="env --block-signal=PIPE "
row "SIGPIPE blocked" 0 arrives "body 'b\n'" $to

# On a terminal a lone dot is the end, unless -i was given.
typed () { # typed TITLE KEYS BODY ARGUMENT...
  typed_title=$1 typed_keys=$(printf "$2_") typed_body=$3
  shift 3
  rm -rf "$work/record"
  timeout 20 "$build/tests/e2e/terminal" ready "${typed_keys%_}" \
    sh -c 'echo ready; exec "$@"' - "$sendmail" "$@" $to >"$work/out" 2>&1
  tell 0 arrives "$typed_title"
  check "$typed_title" eval 'grep "^status 0" "$work/out" && split &&
    body "$typed_body"'
}
typed "typed on a terminal, a lone dot" 'Subject: s\n\na\n.\nb\n' 'a\n'
typed "typed on a terminal, a lone dot, -i" 'Subject: s\n\na\n.\nb\n\004' \
  'a\n.\nb\n' -i
typed "typed on a terminal, a lone dot, -oi" 'Subject: s\n\na\n.\nb\n\004' \
  'a\n.\nb\n' -oi
typed "typed on a terminal, the end of file" 'Subject: s\n\na\n..\n\004' \
  'a\n..\n'

# What callers leave open, closed, and full

for closed in '<&-' '>&-' '2>&-' '<&- >&-' '<&- 2>&-' '>&- 2>&-' '<&- >&- 2>&-'; do
  through="sh -c 'exec \"\$@\" $closed' -"
  case $closed in
  '<&-'*2*) row "closed: $closed" 74 untold '' $to ;;
  '<&-'*) row "closed: $closed" 74 nothing 'is closed' $to ;;
  *) row "closed: $closed" 0 arrives "body 'b\n'" $to ;;
  esac
done
through="sh -c 'exec \"\$@\" >/dev/full 2>/dev/full' -"
row "stdout and stderr full" 0 arrives "body 'b\n'" -v $to
row "stdout and stderr full, refused" 67 untold '' reject@example.net
# A pipe that nobody reads, with no room; and one whose reader is gone.
through='"$python" -c "
import os, subprocess, sys
r, w = os.pipe ()
os.set_blocking (w, False)
try:
    while True:
        os.write (w, bytes (4096))
except BlockingIOError:
    pass
sys.exit (subprocess.run (sys.argv[1:], stdout=w, stderr=w).returncode)
"'
row "stdout and stderr a full pipe" 0 arrives "body 'b\n'" -v $to
through='"$python" -c "
import os, subprocess, sys
r, w = os.pipe ()
os.close (r)
sys.exit (subprocess.run (sys.argv[1:], stdout=w, stderr=w).returncode)
"'
row "stdout and stderr a broken pipe" 0 arrives "body 'b\n'" -v $to
row "stdout and stderr a broken pipe, refused" 67 untold '' reject@example.net
through='"$python" -c "
import os, sys
for n in range (3, 200):
    os.dup2 (2, n)
os.execv (sys.argv[1], sys.argv[1:])
"'
row "two hundred descriptors leaked" 0 arrives "body 'b\n'" $to
for limit in 10 15 63; do
  through="prlimit --nofile=$limit:$limit"
  row "no more than $limit descriptors" 75 nothing 'ulimit -n' $to
done
through='prlimit --nofile=10:64'
row "as many descriptors as one may have" 0 arrives "body 'b\n'" $to
through='prlimit --fsize=0:0'
row "no file may grow, not even what stderr is" 74 untold '' $to
through='prlimit --core=unlimited --memlock=0:0'
row "no memory may be locked" 0 arrives "body 'b\n'" $to
through='sh -c "umask 777; exec \"\$@\"" -'
row "umask 777" 0 arrives "body 'b\n'" $to
through='sh -c "umask 000; exec \"\$@\"" -'
row "umask 000" 0 queued '' -odq $to
through=

# Arguments

row "2 MB of arguments" 0 queued '' -odq $(seq -f 'x.%014.0f@example.net' 50000)
row "an argument of 100 000 octets" 65 nothing '' "$(fill 100000 x)@example.net"
row "an empty argument" 64 nothing '' ''
through='"$python" -c "
import ctypes, sys
libc = ctypes.CDLL (None)
libc.execve (sys.argv[1].encode (), (ctypes.c_char_p * 1) (None), None)
"'
row "no arguments at all, not even a name" 64 untold ''

# Rights

through=
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
  for mode in u+s g+s; do
    # One that looks for leaks cannot trace such a process.
    [ $mode = g+s ] || ! with_sanitizers || continue
    cp "$build/postrider" "$work/set-id"
    chown 54321:54321 "$work/set-id"
    chmod 755 "$work/set-id"
    chmod $mode "$work/set-id"
    through="env $unchecked sh -c 'shift; exec \"\$0/set-id\" sendmail \"\$@\"' \"\$work\""
    row "a copy with $mode" 77 untold '' $to
  done
else
  skip "a set-ID copy" "only root can make one that counts"
fi
through=

# Environment

for variable in TZ=garbage TZ=:/dev/zero TZ=../../etc/passwd LC_ALL=xx_XX \
  LANG=C LANGUAGE=de:fr LC_ALL= HOME= HOME=relative HOME=/ HOME=/nonexistent \
  XDG_CONFIG_HOME= XDG_DATA_HOME=/nonexistent LD_LIBRARY_PATH=/nonexistent \
  SECRET_BACKEND=file SECMEM_FORCE_FALLBACK=1 \
  GNUTLS_SYSTEM_PRIORITY_FILE=/dev/null \
  SSL_CERT_FILE=/dev/null https_proxy=http://localhost:1 MALLOC_PERTURB_=165 \
  POSIXLY_CORRECT=1 IFS=x EMAIL=evil@example.org QMAILINJECT=r; do
  through="env $variable"
  case $variable in
  # The accounts file is then elsewhere.
  XDG_CONFIG_HOME=) row "$variable" 0 arrives complete $to ;;
  *) row "$variable" 0 arrives "complete && body 'b\n'" $to ;;
  esac
done
through="env SSLKEYLOGFILE=$work/keylog"
row "SSLKEYLOGFILE" 0 arrives "complete && [ ! -e '$work/keylog' ]" $to
through="env G_DEBUG=fatal-warnings GIO_EXTRA_MODULES=/nonexistent"
row "GIO's variables" 0 arrives complete $to
through='env GNUTLS_DEBUG_LEVEL=99'
row "GNUTLS_DEBUG_LEVEL" 0 noisy \
  "complete && ! grep -aiE 'INT:|KEY|$(printf secret | base64)' \"\$work/err\"" $to
through=

# Languages: Turkish lowers I to another letter, Arabic has other digits.
if command -v localedef >/dev/null && [ -f /usr/share/i18n/locales/tr_TR ]; then
  mkdir "$work/locales"
  for locale in tr_TR de_DE ar_SA; do
    localedef -i $locale -f UTF-8 "$work/locales/$locale.UTF-8" 2>/dev/null
    through="env $unchecked LOCPATH=$work/locales LC_ALL=$locale.UTF-8 TZ=Asia/Istanbul"
    given 'SUBJECT: I\nBCC: i@EXAMPLE.NET\nMIME-VERSION: 1.0\nCONTENT-TYPE: TEXT/PLAIN\nCONTENT-TRANSFER-ENCODING: 8BIT\n\n\303\274\n'
    row "$locale: what a relay reads is English" 0 arrives \
      "recipients i@EXAMPLE.NET && lacks '^bcc' && body 'ü\n' &&
       has 'Date: (Mon|Tue|Wed|Thu|Fri|Sat|Sun), [0-9]{2} (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) [0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2} [+-][0-9]{4}'" -t
    given 'CONTENT-TYPE: MULTIPART/SIGNED; BOUNDARY=x\nMIME-VERSION: 1.0\n\n--x\n\na\rb\n--x--\n'
    row "$locale: what is signed is seen in capitals" 65 nothing 'carriage return' \
      $to
  done
  through=
else
  skip "other languages" "there are none to be made here"
fi

# The accounts file, where a wrong line may mean a wrong relay. A copy is held.

printf 'Subject: s\n\nb\n' >"$work/given"
cat "$accounts" >"$work/good"
# configured FORMAT: lines 1 and following of another accounts file, $work/other;
# those that are right come behind.
configured () {
  rm -rf "$work/other"
  {
    printf "$1"
    cat "$work/good"
  } >"$work/other"
  chmod 600 "$work/other"
}
wrong () { # wrong TITLE PATTERN
  # Where the log goes stands in that file.
  unlogged=yes
  row "accounts file: $1" 78 held "$2" --accounts-file="$work/other" $to
  unlogged=
}
rm -f "$work/other"
wrong "missing" "$work/other"
configured '# one\n[defaults]\nprot = 465\n'
wrong "a setting that there is not" "$work/other:3:.*prot.*did you mean .port"
configured '[defaults]\npassword = hunter2\n'
wrong "a password" "$work/other:2:.*passwords never stand in this file"
check "accounts file: a password is not printed" \
  sh -c '! grep hunter2 "$1/err" "$1/log"' - "$work"
configured '[me]\nfrom = a@example.org\nhost = localhost\n'
wrong "an account that is there twice" ':.*\[me\] began in line 1'
configured "# $(fill 5000 x)\n"
wrong "a line of 5000 octets" "$work/other:1:.*longer than"
configured "# $(fill 100000 x)\n# $(fill 1000000 x)\n"
wrong "a megabyte" "$work/other"
configured '# a\n# b\0c\n'
wrong "NUL" "$work/other:2:.*NUL"
configured '# a\n# \377\n'
wrong "what is not UTF-8" "$work/other:2:.*UTF-8"
configured '[defaults]\nehlo-name = a\rb\n'
wrong "a carriage return in ehlo-name" "$work/other:2:"
configured '[defaults]\nehlo-name = "a\\r\\nRCPT TO:<x@example.net>"\n'
wrong "a command in ehlo-name" "$work/other:2:"
configured '[defaults]\nport = 70000\n'
wrong "a port that there is not" "$work/other:2:.*70000.*65535"
configured ''
chmod 666 "$work/other"
wrong "others may write it" "$work/other can be written by others"
configured ''
if [ "$(id -u)" = 0 ]; then
  chown 54321 "$work/other"
  wrong "of another user" 'belongs to another user'
  chown 0 "$work/other"
  chmod 0 "$work/other"
  through='setpriv --bounding-set=-dac_override,-dac_read_search '
  wrong "unreadable" "$work/other: Permission denied"
  through=
fi
rm -f "$work/other"
mkdir "$work/other"
wrong "a directory" "$work/other is not a file"
rmdir "$work/other"
mkfifo -m 600 "$work/other"
wrong "a FIFO" "$work/other is not a file"
configured ''
{
  printf '\357\273\277'
  sed 's/$/\r/' "$work/good"
} >"$work/other"
row "accounts file: a byte order mark and CRLF" 0 arrives "body 'b\n'" \
  --accounts-file="$work/other" $to
row "an account that there is not" 78 held 'no account .mee.: did you mean .me' \
  --account mee $to
configured "[you]\nfrom = you@example.org\nhost = localhost\n"
sed -i '/^default/d' "$work/other"
row "two accounts, and none is the default" 78 held 'none is the default' \
  --accounts-file="$work/other" -f x@example.com $to
sed "s|^log = .*|log = /nonexistent/log|" "$work/good" >"$work/other"
row "a log that cannot be written" 0 arrives "body 'b\n'" \
  --accounts-file="$work/other" $to
sed "s|^log = .*|log = /dev/full|" "$work/good" >"$work/other"
row "a log without room" 0 arrives "body 'b\n'" \
  --accounts-file="$work/other" $to

# Aliases

aliases () { # aliases FORMAT: the file $work/aliases, which is set
  rm -rf "$work/aliases"
  printf "$1" >"$work/aliases"
  chmod 644 "$work/aliases"
}
cp "$accounts" "$work/accounts-before"
sed -i "2ialiases = $work/aliases" "$accounts"
aliases 'other: you@example.net\n'
row "a local name without an alias" 67 held 'root is a local name' root
row "a local name with an alias" 0 arrives "recipients $to" other
aliases 'root: a\na: b\nb: root\n'
row "aliases that lead in a circle" 78 held "$work/aliases" root
for target in "|touch $work/ran" "\"|touch $work/ran\"" "$work/ran" \
  ":include:$work/good"; do
  aliases "root: $target\n"
  row "an alias that is $(printf %s "$target" | sed "s|$work|...|")" 78 held \
    "$work/aliases" root
done
check "what aliases name is not run, nor written" [ ! -e "$work/ran" ]
aliases 'root: you@example.net\n'
chmod 664 "$work/aliases"
row "aliases that others may write" 78 held "$work/aliases can be written" root
rm "$work/aliases"
row "aliases that are not there" 78 held "$work/aliases" root
cat "$work/accounts-before" >"$accounts"

# The keyring

account nobody 'host = localhost' "port = $port" 'user = nobody' \
  "trust-file = $work/certificates/ca.pem"
row "no password in the keyring" '77' held 'password set nobody' \
  -f nobody@example.org $to
through='env -u DBUS_SESSION_BUS_ADDRESS XDG_RUNTIME_DIR=/nonexistent '
row "no session bus" 0 queued '' $to
through=

# Queue and memory

rm -rf "$state"
row "no queue yet" 0 queued '' -odq $to
umask 000
"$sendmail" -odq $to <"$work/given"
umask 022
check "no queue yet: nobody else can read it" eval \
  '[ -z "$(find "$state" \( -type d ! -perm 700 -o -type f ! -perm 600 \))" ]'
if with_sanitizers; then
  skip "less and less memory" "sanitizers need much of it"
else
  # Whoever is told 0 finds it queued, and nobody else.
  little_memory () {
    for kib in $(seq 4000 500 20000); do
      rm -rf "$state/queue"
      (
        ulimit -v "$kib"
        exec "$sendmail" -odq $to <"$work/given" >"$work/out" 2>"$work/err"
      )
      case $?:$(ls "$state/queue" 2>/dev/null | wc -l) in
      0:1) enough=yes ;;
      0:* | *:[1-9]*) echo "$kib KiB" && cat "$work/err" && return 1 ;;
      *) little=yes ;;
      esac
    done 2>/dev/null
    echo "enough: $enough, too little: $little"
    [ "$enough$little" = yesyes ]
  }
  enough= little=
  tell any 'as told' "less and less memory"
  check "less and less memory: the status is true" little_memory
  rm -rf "$state/queue"
fi

# Any body at all

many=${INPUTS_MANY-200}
seed=${INPUTS_SEED-$(date +%s)}
echo "# INPUTS_SEED=$seed"
"$python" -IS "$source/tests/e2e/wire" --make "$seed" "$many" "$work/bodies"
rm -rf "$work/record" "$state/queue"
queue_bodies () {
  for file in "$work"/bodies/*.message; do
    "$sendmail" -odq $to <"$file" || {
      echo "$file"
      return 1
    }
  done
}
check "$many random bodies are taken" queue_bodies
run_once
check "$many random bodies are sent" queued 0
check "$many random bodies arrive as they were" \
  "$python" -IS "$source/tests/e2e/wire" --many "$work/bodies" "$work"/record/*.tls
tell 0 arrives "random bodies"

# Many at once

look () { # mailq, until the others have ended
  while [ ! -e "$work/all" ]; do
    postrider mailq >"$work/list" 2>&1 || echo "mailq: $?"
  done >"$work/looked"
}
rm -rf "$work/record"/* "$state/queue"
look &
looking=$!
at_once 1 100 -odq $to
postrider run --once >"$work/run1" 2>&1 &
running=$!
run_once
wait $running
: >"$work/all"
wait $looking
tell 0 arrives "a hundred callers at once, two runners, mailq beside them"
check "a hundred callers at once: each is told 0" all_exit 0
check "a hundred callers at once: mailq had nothing to complain of" \
  sh -c '! grep . "$1/looked"' - "$work"
run_once
check "a hundred callers at once: all arrive, each once" \
  await each_once 1 100 "$work/record"

# A relay that lacks what an address needs

cat >"$work/plain" <<'END'
offer PIPELINING
offer AUTH PLAIN
serve
END
start_scripted --record "$work/record" \
  --certificate "$work/certificates/good.pem" "$work/plain"
account plain 'host = localhost' "port = $port" 'user = me' \
  "trust-file = $work/certificates/ca.pem"
given 'Subject: s\n\nGr\303\274\303\237e\n'
row "no SMTPUTF8, letters beyond ASCII before the @" 65 held 'SMTPUTF8' \
  -f plain@example.org bücher@example.net
row "no SMTPUTF8, letters beyond ASCII in the domain" 0 arrives \
  'recipients you@xn--bcher-kva.example' -f plain@example.org \
  you@bücher.example
row "no 8BITMIME, octets above 127 in the body" 0 arrives \
  'body "Grüße\n" && has "Content-Transfer-Encoding: quoted-printable"' \
  -f plain@example.org $to

# Shown by other scripts

elsewhere 75 nothing "SIGTERM, SIGINT, SIGHUP while stdin is read" \
  crash/signals.sh 'half a message, SIG'
elsewhere any 'as told' "each system call fails, or is the last" \
  crash/submit.sh "sweep 'queued' submit"
elsewhere any 'as told' "each system call of a delivery is the last" \
  crash/submit.sh "sweep 'sent' submit"
elsewhere any 'as told' "the power is cut: what is synced, and when" \
  crash/order.sh 'each step is on disk before the next'
elsewhere 73 nothing "a queue on a read-only file system" e2e/filesystems.sh \
  'refused "read-only" 73'
elsewhere 74 nothing "a full disk" e2e/filesystems.sh \
  'refused "full while stdin is read" 74'
elsewhere 0 arrives "no unnamed files, no /proc, no links" e2e/filesystems.sh \
  'works "neither unnamed files nor links"'
elsewhere 78 nothing "a queue that others could get at" crash/corrupt.sh \
  'of somebody else: refused'
elsewhere 0 queued "queue files that are none" crash/corrupt.sh \
  'the others are sent'
elsewhere 0 arrives "three runners, a hundred messages, callers beside them" \
  e2e/runners.sh 'callers beside a runner: all messages arrive, each once'
elsewhere 0 queued "the clock jumps by a year" e2e/clock.sh \
  'none is given up'
elsewhere 0 queued "the machine sleeps in the middle of a session" \
  e2e/clock.sh 'asleep "asleep until the relay has hung up"'
elsewhere 0 queued "the connection breaks in the middle of a message" \
  hostile/content/body-stalled.dialogue \
  'stage content'
elsewhere 0 arrives "cron, without an environment" e2e/keyring-cron.sh \
  'no environment, open: the relay has it'
elsewhere 0 queued "a locked keyring" e2e/keyring-cron.sh 'locked: it is queued'
elsewhere 0 queued "a keyring that does not answer" e2e/keyring.sh '"stopped"'
elsewhere 130 nothing "Ctrl-C at a prompt for the password" e2e/keyring.sh \
  '"interrupted, '
elsewhere 0 queued "a temporary file that a dead process left" unit/queue.c \
  '".tmp-dead"'
elsewhere any 'as told' "each option of sendmail" e2e/options.sh \
  'Every option of sendmail'
elsewhere any 'as told' "where mail for local names goes" e2e/local.sh \
  'stays "no alias'
elsewhere 0 arrives "what is signed or encrypted, octet by octet" e2e/signed.sh \
  'check '
elsewhere 0 arrives "relays without 8BITMIME and SMTPUTF8" e2e/recode.sh \
  'check '

sed '1i\status  fate      case' "$work/table" | diagnose
end
