#!/bin/sh
# Relays that cannot take all that a message may have in it get it in another
# form, which says the same; where that cannot be, nothing is sent.
. "$(dirname "$0")/lib.sh"
need python3 openssl
begin 240
make_certificates
same () { "$source/tests/e2e/same-message" "$@"; }

# relay NAME [EXTENSION...]: a scripted relay that offers these, and an account.
relay () {
  relay_name=$1
  shift
  {
    printf 'offer %s\n' "AUTH PLAIN" PIPELINING SIZE "$@"
    echo serve
  } >"$work/$relay_name.dialogue"
  start_scripted --certificate "$work/certificates/good.pem" \
    --record "$work/$relay_name" --size 1073741824 "$work/$relay_name.dialogue"
  scripted_account "$relay_name"
  password "$relay_name" secret || exit 1
}
relay all 8BITMIME SMTPUTF8
relay ascii 8BITMIME
relay seven
relay odd SMTPUTF8

# What is sent

L=$(printf '%01200d' 0)
text () { # text CHARSET
  printf 'Content-Type: text/plain; charset=%s\n' "$1"
  printf 'Content-Transfer-Encoding: 8bit\n\n'
}
mixed () { # mixed BOUNDARY: parts on stdin, separated by "--"
  printf 'MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=%s\n' "$1"
  printf 'Content-Transfer-Encoding: 8bit\n\n--%s\n' "$1"
  sed "s/^--$/--$1/"
  printf -- '--%s--\n' "$1"
}
of_parts () {
  message_header='Subject: parts'
  {
    text UTF-8
    printf 'Gr\303\274\303\237e\nFrom here\n.\n-- \nMe\n--\n'
    text ISO-8859-1
    printf 'Gr\374\337e\n--\n'
    printf 'Content-Type: image/png\nContent-Transfer-Encoding: 8bit\n\n\377\330\376 \001\n--\n'
    printf 'Content-Type: message/rfc822\nContent-Transfer-Encoding: 8bit\n\n'
    printf 'From: x@example.org\nSubject: inside\n'
    text UTF-8
    printf '\342\202\254\n--\n'
    printf 'Content-Transfer-Encoding: base64\n\nR3L8Cg==\n'
  } | mixed outer
}
signed () { # signed: the signed part on stdin
  printf 'MIME-Version: 1.0\nContent-Type: multipart/signed; boundary=sig;\n'
  printf ' protocol="application/pgp-signature"; micalg=pgp-sha256\n\n--sig\n'
  cat
  printf -- '\n--sig\nContent-Type: application/pgp-signature\n\nxyz\n--sig--\n'
}
headed () { # headed [FIELD...]: more of a header, and all that follows
  printf '%s\n' 'From: Me <me@example.org>' 'To: you@example.net' \
    'Date: Thu, 01 Oct 2026 12:00:00 +0000' 'Message-ID: <1@example.org>' "$@"
  cat
}

mkdir "$work/messages"
cd "$work/messages" || exit 1
{ text UTF-8; echo plain; } | headed 'Subject: x' >7bit
{ text UTF-8; printf 'Gr\303\274\303\237e =20 \n.\n'; } |
  headed 'Subject: x' 'MIME-Version: 1.0' >text
{ text ISO-8859-1; printf 'Gr\374\337e\n'; } |
  headed 'Subject: x' 'MIME-Version: 1.0' >latin1
printf '\nGr\303\274\303\237e\n' | headed 'Subject: no MIME' >bare
of_parts | headed 'Subject: parts' >parts
{ text UTF-8; echo plain; } |
  headed "Subject: $(printf 'Gr\303\274\303\237e %060d' 0)" \
    "Cc: $(printf 'J\303\266rg <joerg@example.net>, "\303\204, B" <b@example.net>')" \
    'X-Note: ascii' >header
{
  printf 'Content-Type: text/plain;\n name="\303\204 b.txt"\n'
  printf 'Content-Disposition: attachment; filename="\303\204 b.txt"\n\na\n--\n'
  printf 'Content-Type: message/rfc822\n\n'
  printf 'From: J\303\266rg <x@example.org>\nSubject: Gr\303\274\303\237e\n\nb\n'
} | mixed b | headed 'Subject: nested' >nested
{ text UTF-8; printf 'Gr\303\274\303\237e\n'; } | signed |
  headed 'Subject: signed' >signed-text
printf 'X: Gr\303\274\303\237e\n\na\n' | signed |
  headed 'Subject: signed' >signed-header
printf 'Content-Type: text/plain\n\nascii\n' | signed |
  headed "Subject: $(printf 'Gr\303\274\303\237e')" >signed-ascii
{
  printf '\nGr\303\274\303\237e\n--\n'
  printf 'Content-Type: text/plain\n\nascii =\n' | signed
} | mixed b | headed 'Subject: beside' >beside-signed
{ text UTF-8; printf 'Gr\303\274\303\237e\n'; } |
  headed 'DKIM-Signature: v=1' 'Subject: sealed' >dkim
{ text UTF-8; echo a; } |
  headed 'DKIM-Signature: v=1' "Subject: $(printf '\303\274')" >dkim-header
# These are written anew for all.
printf '\n%s\n\n%s%s \nend\n' "$L" "$L" "$L" | headed 'Subject: long' >long
printf '\na\0b\n' | headed 'Subject: NUL' >nul
printf '\n10%%\r20%%\rdone\n' | headed 'Subject: CR' >return
{
  printf 'Content-Transfer-Encoding: base64\n\n%s%s\n--\n' "$L" "$L"
  printf 'Content-Transfer-Encoding: quoted-printable\n\n%s=3D=\n%s\na  \n--\n' "$L" "$L"
  printf 'Content-Type: image/svg+xml\n\n<%s>\n--\n' "$L"
  printf '\n%s\n' "$L"
} | mixed b | headed 'Subject: long parts' >long-parts
printf 'X: \344\n\na\n--\n\nb\n' | mixed b | headed 'Subject: raw' >raw-header
printf '\n%s\n' "$L" | signed | headed 'Subject: signed' >signed-long
printf '\na\rb\n' | signed | headed 'Subject: signed' >signed-return
printf '\na\0b\n' | signed | headed 'Subject: signed' >signed-nul
printf '\na\0b\n--\n\nc\n' | mixed b | headed 'Subject: two' >two-nul

# What becomes of it

# through RELAY MESSAGE [ARGUMENT...]: it is submitted.
through () {
  relay=$1 sent=$2
  shift 2
  rm -f "$work/$relay"/*
  submit -i -f "$relay@example.org" "$@" you@example.net <"$sent"
}
told () { # told LINE: what MAIL said, but for its size.
  sed -n 's/^tls < MAIL FROM:<[^>]*>//p' "$work/$relay"/*.log |
    sed 's/ SIZE=[0-9]*//' | grep -x -- "$1" || {
      cat "$work/$relay"/*.log
      return 1
    }
}
sized () { # SIZE was that of what was sent: here without doubled dots.
  sized=$(sed -n 's/.* SIZE=\([0-9]*\).*/\1/p' "$work/$relay"/*.log)
  [ "$sized" = "$(cat "$work/$relay"/*.message-1 | wc -c)" ]
}
as_sent () {
  cat "$work/$relay"/*.message-1 | tr -d '\r' | cmp - "$sent"
}
lines_end () {
  tr '\r' '\n' <"$sent" | sed 's/$/\r/' | cmp - "$work/$relay"/*.message-1
}
says_the_same () {
  same "$@" "$sent" "$work/$relay"/*.message-1
}

while read -r relay sent how parameters; do
  through "$relay" "$sent"
  check "$sent, $relay: the status is 0" exits 0
  check "$sent, $relay: MAIL says${parameters:+ $parameters}" \
    told "${parameters:+ $parameters}"
  case $how in
  lines) check "$sent, $relay: a lone CR ends a line" lines_end ;;
  same) check "$sent, $relay: it arrives as it was sent" as_sent ;;
  7bit) check "$sent, $relay: it is 7bit, and says the same" says_the_same --7bit ;;
  ascii) check "$sent, $relay: its header is ASCII, and says the same" \
    says_the_same --ascii-header ;;
  recoded) check "$sent, $relay: it says the same" says_the_same ;;
  esac
  check "$sent, $relay: its SIZE is what was sent" sized
done <<END
all 7bit same
all text same BODY=8BITMIME
all latin1 same BODY=8BITMIME
all bare same BODY=8BITMIME
all parts same BODY=8BITMIME
all header same BODY=8BITMIME SMTPUTF8
all nested same BODY=8BITMIME SMTPUTF8
all signed-text same BODY=8BITMIME
all signed-header same BODY=8BITMIME SMTPUTF8
all beside-signed same BODY=8BITMIME
all dkim same BODY=8BITMIME
all dkim-header same BODY=8BITMIME SMTPUTF8
ascii 7bit same
ascii text same BODY=8BITMIME
ascii parts same BODY=8BITMIME
ascii header 7bit
ascii nested 7bit
ascii signed-text same BODY=8BITMIME
ascii signed-ascii 7bit
ascii dkim same BODY=8BITMIME
seven 7bit same
seven text 7bit
seven latin1 7bit
seven bare 7bit
seven parts 7bit
seven header 7bit
seven nested 7bit
seven signed-ascii 7bit
seven beside-signed 7bit
odd text 7bit
odd header 7bit
all long recoded
all return lines
all nul recoded
all long-parts recoded
all raw-header 7bit
seven long-parts 7bit
END

# Nothing may be changed: nothing is sent.
while read -r relay sent code; do
  through "$relay" "$sent"
  check "$sent, $relay: the status is 65" exits 65
  check "$sent, $relay: no MAIL" [ -z "$(grep MAIL "$work/$relay"/*.log)" ]
  check "$sent, $relay: it is held, for $code" grep -qF " $code" \
    "$state/held/$(ls -t "$state/held" | head -n 1)"
done <<END
ascii signed-header 5.6.9
ascii dkim-header 5.6.9
seven signed-text 5.6.3
seven signed-header 5.6
seven dkim 5.6.3
odd dkim 5.6.3
END

# Nor is it kept.
held=$(find "$state/held" -type f | wc -l)
for sent in signed-long signed-return signed-nul two-nul; do
  through all $sent
  check "$sent: the status is 65" exits 65
  check "$sent: the relay is not asked" connections 0 "$work/all"
  check "$sent: nothing is kept" queued "$held" held
done
check "nothing is queued" queued 0

# An envelope that is not ASCII.
while read -r relay recipient status parameters; do
  rm -f "$work/$relay"/*
  submit -f "$relay@example.org" "$recipient" <7bit
  check "to $recipient, $relay: the status is $status" exits "$status"
  case $status in
  0) check "to $recipient, $relay: MAIL says $parameters" \
    told "${parameters:+ $parameters}" ;;
  esac
done <<END
all jörg@example.net 0 SMTPUTF8
all you@bücher.example 0
ascii jörg@example.net 65
ascii you@bücher.example 0
END
check "a domain goes as its A-label" \
  grep -rqF 'RCPT TO:<you@xn--bcher-kva.example>' "$work/ascii"

# 100 MiB on one line.
large () {
  openssl enc -aes-128-ctr -K 0 -iv 0 -in /dev/zero 2>/dev/null |
    base64 -w 0 | head -c 104857600
  printf '\nGr\303\274\303\237e\n'
}
relay=seven
rm -f "$work/$relay"/*
{ text UTF-8; large; } | headed 'Subject: large' |
  "$build/tests/e2e/peak" "$work/peak" "$sendmail" -i -f seven@example.org \
    you@example.net >"$work/out" 2>"$work/err"
status=$?
check "100 MiB on one line: the status is 0" exits 0
sed '1,/^\r$/d' "$work/$relay"/*.message-1 |
  python3 -c 'import quopri, sys
quopri.decode (sys.stdin.buffer, sys.stdout.buffer)' | tr -d '\r' |
  sha256sum >"$work/arrived"
check "100 MiB on one line: they arrive as they were sent" \
  sh -c 'cat "$1" - | uniq -d | grep -q .' - "$work/arrived" <<END
$(large | sha256sum)
END
rm -f "$work/$relay"/*
if with_sanitizers; then
  skip "100 MiB on one line: less than 20 MiB of memory" "not with sanitizers"
else
  check "100 MiB on one line: less than 20 MiB of memory" \
    sh -c 'cat "$0"; [ "$(cat "$0")" -lt 20480 ]' "$work/peak"
fi

# No room for what would be sent: it waits.
{ text UTF-8; yes "$(printf '\303\274\303\274\303\274')" | head -n 30000; } |
  headed 'Subject: no room' >no-room
rm -f "$work/seven"/*
(
  ulimit -f 600
  submit -i -f seven@example.org you@example.net <no-room
  exit $status
)
status=$?
check "no room: the status is 0" exits 0
check "no room: it is queued" queued 1
check "no room: nothing was said of it" \
  [ -z "$(grep MAIL "$work/seven"/*.log)" ]
postrider queue retry "$(ls "$state/queue")" >"$work/out"
run_once
check "no room: it is sent later" queued 0
check "no room: it says the same" \
  same --7bit no-room "$work/seven"/*.message-1

# A Postfix that looks for octets above 127 itself.

if [ "$(id -u)" = 0 ] && command -v postfix dovecot >"$work/out"; then
  start_relay postfix
  for relay in strict strict_7bit; do
    relay_account $relay postfix $relay
    password $relay "$relay_password" || exit 1
  done
  while read -r relay sent how; do
    rm -rf "$work/postfix/mail/all/new"
    submit -i -f "$relay@example.org" you@example.net <"$sent"
    check "$sent, Postfix $relay: the status is 0" exits 0
    check "$sent, Postfix $relay: it arrives" arrived "$work/postfix/mail/all"
    check "$sent, Postfix $relay: it says the same" \
      same "$how" "$sent" "$work/arrived"
  done <<END
strict text --ascii-header
strict parts --ascii-header
strict header --ascii-header
strict nested --ascii-header
strict_7bit text --7bit
strict_7bit latin1 --7bit
strict_7bit bare --7bit
strict_7bit parts --7bit
strict_7bit header --7bit
strict_7bit nested --7bit
strict_7bit long-parts --7bit
strict_7bit beside-signed --7bit
END
else
  skip "a real Postfix" "only root can start it, if it is there"
fi

# Another attempt may meet another relay.
through seven signed-ascii -odq
other=$(sed -n '/^\[all\]/,/^$/s/^port = //p' "$accounts")
sed -i "/^\[seven\]/,/^\$/s/^port = .*/port = $other/" "$accounts"
rm -f "$work/all"/*
run_once
relay=all
check "a queued message waits as it is" as_sent
check "and is sent as that relay can take it" told ' BODY=8BITMIME SMTPUTF8'
end
