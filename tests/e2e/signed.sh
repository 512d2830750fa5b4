#!/bin/sh
# What is signed or encrypted arrives as it was: real signatures (PGP/MIME,
# S/MIME, DKIM) still verify. What cannot be sent as it is, is refused.
. "$(dirname "$0")/lib.sh"
need_root
need postfix dovecot gpg gpgconf openssl python3
for python in python3 /usr/bin/python3; do
  "$python" -c 'import dkim' 2>/dev/null && break
done
begin 400
start_relay postfix
box=$work/postfix/mail/all
relay_account me postfix tls
password me "$relay_password" || exit 1
make_certificates
PYTHONDONTWRITEBYTECODE=1
export PYTHONDONTWRITEBYTECODE

# Keys

GNUPGHOME=$work/gnupg
export GNUPGHOME
mkdir -m 700 "$GNUPGHOME"
at_end 'gpgconf --kill all'
gpg --batch --quiet --passphrase '' --quick-gen-key 'Me <me@example.org>' \
  rsa2048 sign,encr never 2>"$work/log-gpg"
openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=me -days 30 \
  -addext subjectAltName=email:me@example.org \
  -keyout "$work/key.pem" -out "$work/cert.pem" 2>/dev/null
openssl rsa -in "$work/key.pem" -pubout -out "$work/public.pem" 2>/dev/null

# Parts to be signed

awkward () {
  printf '%s\n' 'Content-Type: text/plain; charset=UTF-8' \
    "Content-Transfer-Encoding: $1" '' 'From the start' '>From here' '.' '..' \
    '.dots' 'trailing blank ' 'trailing tab	' '' '   ' '-- ' 'a=20b=' \
    'To: nobody' '' ''
}

in_utf8 () {
  awkward 8bit
  printf 'Gr\303\274\303\237e \342\202\254\n\n'
}

in_latin1 () {
  awkward 8bit
  printf 'Gr\374\337e\n'
}

in_base64 () {
  printf '%s\n' 'Content-Type: application/octet-stream' \
    'Content-Transfer-Encoding: base64' ''
  head -c 300000 "$build/postrider" | openssl base64
}

in_wide_base64 () {
  printf '%s\n' 'Content-Type: application/octet-stream' \
    'Content-Transfer-Encoding: base64' ''
  head -c 700 "$build/postrider" | openssl base64 -A
  echo
}

nested () {
  printf '%s\n' 'Content-Type: multipart/mixed; boundary=m' '' 'preamble ' \
    --m ''
  awkward 7bit | sed '1,/^$/d'
  printf '%s\n' --m 'Content-Type: text/plain; charset=UTF-8' \
    'Content-Transfer-Encoding: 8bit' '' 'Grüße ' --m-- 'epilogue '
}

with_long_line () {
  awkward 7bit
  awk 'BEGIN { while (n++ < 999) printf "x"; print "" }'
}

with_nul () {
  awkward 7bit
  printf 'a\0b\n'
}

with_bare_cr () {
  awkward 7bit
  printf '10%%\r20%%\n'
}

parts='in_utf8 in_latin1 in_base64 in_wide_base64 nested'
ascii_parts='in_base64 in_wide_base64'
impossible='with_long_line with_nul with_bare_cr'

crlf () {
  LC_ALL=C sed 's/$/\r/'
}

lf () {
  LC_ALL=C sed 's/\r$//'
}

# Messages: the part on stdin, signed

pgp () {
  cat >"$work/part"
  crlf <"$work/part" |
    gpg --batch --quiet --armor --detach-sign >"$work/signature"
  message 'Subject: PGP' 'Bcc: two@example.net' 'MIME-Version: 1.0' \
    'Content-Type: multipart/signed; micalg=pgp-sha256;' \
    ' protocol="application/pgp-signature"; boundary="=_pgp"' </dev/null
  printf '%s\n' 'This is signed. ' '--=_pgp'
  cat "$work/part"
  printf '%s\n' '' '--=_pgp' \
    'Content-Type: application/pgp-signature; name="signature.asc"' ''
  cat "$work/signature"
  printf '%s\n' '' '--=_pgp--'
}

# A list has put its own text beside what is signed.
pgp_in_list () {
  pgp >"$work/inner"
  message 'Subject: [list] PGP' 'MIME-Version: 1.0' \
    'Content-Type: multipart/mixed; boundary="list"' </dev/null
  echo --list
  sed -n '/^Content-Type/,$p' "$work/inner"
  printf '%s\n' --list 'Content-Type: text/plain; charset=UTF-8' \
    'Content-Transfer-Encoding: 8bit' '' 'Grüße von der Liste'
  awk 'BEGIN { while (n++ < 1200) printf "y"; print "" }'
  echo --list--
}

# The header of `message' belongs to the outermost entity.
smime_header () {
  message 'Subject: S/MIME' 'Bcc: two@example.net' </dev/null | sed '$d'
}

smime () {
  smime_header
  crlf | openssl smime -sign -signer "$work/cert.pem" -inkey "$work/key.pem" \
    -binary | lf
}

smime_opaque () {
  smime_header
  crlf | openssl cms -sign -nodetach -signer "$work/cert.pem" \
    -inkey "$work/key.pem" -binary | lf
}

# dkim CANONICALIZATION SUBJECT: the header of the part is that of the message.
dkim () {
  message "Subject: $2" 'MIME-Version: 1.0' | LC_ALL=C sed '0,/^$/{//d}' |
    "$python" "$source/tests/e2e/signed.py" sign "$work/key.pem" "$1"
}

dkim_simple () {
  dkim simple 'DKIM  and   blanks '
}

dkim_relaxed () {
  dkim relaxed 'DKIM  and   blanks '
}

# Verification of $work/arrived

part_of () { # part_of first|second BOUNDARY
  python3 "$source/tests/e2e/signed.py" "$1" "$2" <"$work/arrived"
}

verify_pgp () {
  part_of first =_pgp >"$work/part.arrived" &&
    part_of second =_pgp >"$work/signature.arrived" &&
    gpg --batch --verify "$work/signature.arrived" "$work/part.arrived"
}

verify_pgp_in_list () {
  verify_pgp && grep -q '^Content-Transfer-Encoding: quoted-printable' \
    "$work/arrived"
}

verify_smime () {
  crlf <"$work/arrived" | openssl smime -verify -CAfile "$work/cert.pem" \
    -out "$work/content"
}

verify_smime_opaque () {
  crlf <"$work/arrived" | openssl cms -verify -CAfile "$work/cert.pem" \
    -out "$work/content"
}

verify_dkim_simple () {
  "$python" "$source/tests/e2e/signed.py" verify "$work/public.pem" \
    <"$work/arrived"
}

verify_dkim_relaxed () {
  verify_dkim_simple
}

kinds='pgp smime smime_opaque dkim_simple dkim_relaxed'

# makes KIND PART: the message is in $work/message.
makes () {
  case $1 in
  dkim*) "$python" -c 'import dkim' 2>/dev/null || return ;;
  esac
  "$2" | "$1" >"$work/message"
}

body_of () {
  LC_ALL=C sed '1,/^$/d' "$1"
}

same_body () {
  body_of "$work/message" >"$work/body" &&
    body_of "$work/arrived" | cmp - "$work/body"
}

# verifies KIND NAME ARGUMENT...: $work/message arrives, and verifies.
verifies () {
  kind=$1 name="$1, $2"
  shift 2
  submit -i you@example.net "$@" <"$work/message"
  check "$name: the status is 0" exits 0
  check "$name: it arrives" arrived "$box"
  check "$name: it verifies" "verify_$kind"
}

# refuses NAME: $work/message, with 65, and nothing is kept.
refuses () {
  submit -i you@example.net <"$work/message"
  check "$1: the status is 65" exits 65
  check "$1: nothing is queued" queued 0
  check "$1: nothing is held" queued 0 held
}

for kind in $kinds; do
  for part in $parts; do
    makes $kind $part || {
      skip "$kind" "python3-dkim is not installed"
      break
    }
    verifies $kind $part
    check "$kind, $part: the body is byte for byte the same" same_body
  done
done

for kind in $kinds; do
  makes $kind in_utf8 || continue
  crlf <"$work/message" >"$work/message.crlf"
  cp "$work/message" "$work/message.lf"
  mv "$work/message.crlf" "$work/message"
  verifies $kind "CRLF"
  printf '%s' "$(cat "$work/message.lf")" >"$work/message"
  verifies $kind "no newline at the end"
done

makes pgp_in_list in_utf8
verifies pgp_in_list "beside text that has to be encoded"

# A signature that is broken is seen.
makes pgp in_utf8
sed 's/trailing blank $/trailing blank/' "$work/message" >"$work/arrived"
check "a blank less, and PGP does not verify" sh -c '! "$@"' - gpg --batch \
  --verify "$work/signature" "$work/arrived"
if makes dkim_simple in_utf8; then
  sed 's/trailing blank $/trailing blank/' "$work/message" >"$work/arrived"
  check "a blank less, and DKIM does not verify" eval '! verify_dkim_simple'
fi

# Encrypted

awkward 8bit | crlf >"$work/part"
gpg --batch --quiet --armor --trust-model always -r me@example.org \
  --encrypt <"$work/part" >"$work/encrypted"
{
  message 'Subject: encrypted' 'MIME-Version: 1.0' \
    'Content-Type: multipart/encrypted;' \
    ' protocol="application/pgp-encrypted"; boundary="=_e"' </dev/null
  printf '%s\n' --=_e 'Content-Type: application/pgp-encrypted' '' \
    'Version: 1' '' --=_e 'Content-Type: application/octet-stream' ''
  cat "$work/encrypted"
  printf '%s\n' '' --=_e--
} >"$work/message"
verify_encrypted () {
  part_of second =_e >"$work/encrypted.arrived" &&
    gpg --batch --decrypt "$work/encrypted.arrived" 2>/dev/null |
    cmp - "$work/part"
}
verifies encrypted "PGP/MIME"
{
  smime_header
  openssl cms -encrypt -aes256 -binary -in "$work/part" "$work/cert.pem" |
    lf
} >"$work/message"
verify_enveloped () {
  crlf <"$work/arrived" |
    openssl cms -decrypt -inkey "$work/key.pem" -recip "$work/cert.pem" |
    cmp - "$work/part"
}
verifies enveloped "S/MIME"

# What no relay could get as it is

for kind in pgp smime dkim_simple; do
  for part in $impossible; do
    makes $kind $part && refuses "$kind, $part"
  done
done
check "nothing of it came" files 0 "$box/new"

# A relay without 8BITMIME

printf '%s\n' 'offer PIPELINING' 'offer ENHANCEDSTATUSCODES' \
  'offer AUTH PLAIN' serve >"$work/dialogue"
start_scripted --certificate "$work/certificates/good.pem" "$work/dialogue"
scripted_account old
password old secret || exit 1

for kind in pgp smime dkim_simple; do
  makes $kind in_utf8 || continue
  submit -i --account old you@example.net <"$work/message"
  check "$kind, 8-bit, no 8BITMIME: the status is 65" exits 65
  check "$kind, 8-bit, no 8BITMIME: it is held" queued 1 held
  check "$kind, 8-bit, no 8BITMIME: the reason is kept" \
    grep -q '5\.6\.3 .* does not offer 8BITMIME' "$state"/held/*
  rm -f "$state"/held/*
done
check "no relay got any of it" sh -c '! ls "$1"/*.message-*' - "$work/record"

# The one message in the record, as $work/arrived.
recorded () {
  set -- "$work"/record/*.message-*
  lf <"$1" >"$work/arrived" && rm "$@"
}

for kind in pgp smime smime_opaque dkim_simple; do
  for part in $ascii_parts; do
    makes $kind $part || continue
    submit -i --account old you@example.net <"$work/message"
    check "$kind, $part, no 8BITMIME: the status is 0" exits 0
    check "$kind, $part, no 8BITMIME: it arrives" recorded
    check "$kind, $part, no 8BITMIME: it verifies" verify_$kind
  done
done
end
