#!/bin/sh
# Client certificates: from files and from a token (SoftHSM). A relay that asks gets
# that of the account, and no other account's; keys that others can read, and PINs
# that are wrong, are told in one line.
. "$(dirname "$0")/lib.sh"
need softhsm2-util p11tool openssl
grep -qs softhsm /usr/share/p11-kit/modules/* /etc/pkcs11/modules/* ||
  skip_all 'p11-kit does not know SoftHSM here'
begin 300

make_certificates
keys=$work/certificates patience=
line () {
  sed -nE 's/.* text="(.*)".*/\1/p' "$work/log" | tail -n 1 |
    sed -E "s/:$port:/:PORT:/; s|$keys/||g; s|$work/||g"
}
says () {
  line
  [ "$(line)" = "$1" ]
}

# certified NAME CERTIFICATE KEY [SETTING...]
certified () {
  certified=$1
  certificate=$2 key=$3
  shift 3
  scripted_account "$certified" "certificate = $certificate" "key = $key" \
    "timeout-connect = ${patience:-5s}" "$@"
}

# send NAME: through its account.
send () {
  rm -rf "$work/record"
  stop_scripted
  start_scripted --serve --port "$port" --certificate "$keys/good.pem" \
    --client-ca "$keys/ca.pem" --mechanisms 'EXTERNAL PLAIN'
  : >"$work/log"
  message </dev/null >"$work/sent"
  submit -f "$1@example.org" you@example.net <"$work/sent"
}

shown () { # shown N: certificates, and the message came
  cat "$work"/record/1.log
  exits 0 && grep "client certificates: $1\$" "$work/record/1.log" &&
    [ -e "$work/record/1.message-1" ]
}

sent_external () {
  shown 1 && grep 'AUTH EXTERNAL' "$work/record/1.log"
}

untouched () { # The relay was not even connected to.
  ! grep -h . "$work"/record/* 2>/dev/null
}

# held EXIT LINE, waits LINE
held () {
  line; exits "$1" && queued 1 held && says "$2" && untouched &&
    rm -f "$state"/held/*
}
waits () {
  line; exits 0 && queued 1 && says "$1" && untouched && rm -f "$state"/queue/*
}

start_scripted --serve --certificate "$keys/good.pem"

# Files.
certified file "$keys/client.pem" "$keys/client.key" 'auth = external'
send file
check 'a certificate from a file is shown, and logs in' sent_external
scripted_account other
password other secret || exit 1
send other
check 'an account without one shows none' shown 0
cp "$keys/client.key" "$work/open.key"
chmod 640 "$work/open.key"
certified open "$keys/client.pem" "$work/open.key" 'auth = external'
send open
check 'its group may read the key' sent_external
chmod 644 "$work/open.key"
send open
check_file () {
  exits 78 && queued 1 held && says "$1" && rm -f "$state"/held/*
}
check 'not so all others' check_file \
  "open.key can be read by others: run \`chmod go= open.key'"
chmod 620 "$work/open.key"
send open
check 'nor may its group write it' check_file \
  "open.key can be written by others: run \`chmod go-w open.key'"
if [ "$(id -u)" = 0 ]; then
  chmod 600 "$work/open.key"
  chown 65534 "$work/open.key"
  send open
  check 'it is of this user or root' check_file \
    "open.key belongs to another user (uid 65534): it must be yours or root's"
else
  skip 'it is of this user or root' 'only root can make a file of somebody else'
fi
certified mixed "$keys/client.pem" "$keys/good.key" 'auth = external'
send mixed
check 'the key is that of the certificate' check_file \
  "client.pem: cannot use this client certificate with the key good.key: The certificate and the given key do not match"

# A token.
mkdir "$work/tokens"
SOFTHSM2_CONF=$work/softhsm.conf
export SOFTHSM2_CONF
printf 'directories.tokendir = %s\nobjectstore.backend = file\n' \
  "$work/tokens" >"$SOFTHSM2_CONF"
softhsm2-util --init-token --free --label Rider --pin 1234 --so-pin 567890 \
  >"$work/out" || exit 1
certtool --generate-privkey --key-type=rsa --bits=2048 --no-text \
  --outfile "$work/rsa.key" 2>/dev/null
printf '%s\n' 'cn = "rsa"' tls_www_client signing_key 'expiration_days = 9' \
  >"$work/template"
certtool --generate-certificate --template "$work/template" --no-text \
  --load-ca-certificate "$keys/ca.pem" --load-ca-privkey "$keys/ca.key" \
  --load-privkey "$work/rsa.key" --outfile "$work/rsa.pem" 2>/dev/null
store () { # store LABEL FILE
  for object in privkey:key certificate:pem; do
    p11tool --batch --login --set-pin=1234 --label "$1" --write \
      --load-"${object%:*}" "$2.${object#*:}" pkcs11:token=Rider >"$work/out" \
      2>&1 || {
      cat "$work/out"
      exit 1
    }
  done
}
store client "$keys/client"
store rsa "$work/rsa"
on=pkcs11:token=Rider
echo 1234 >"$work/pin"
echo 4321 >"$work/wrong"
chmod 600 "$work/pin" "$work/wrong"

for kind in client rsa; do
  certified $kind "$on;object=$kind" \
    "$on;object=$kind?pin-source=file:$work/pin" 'auth = external'
  send $kind
  check "a key on a token ($kind) logs in" sent_external
done
certified both "$keys/client.pem" "$on;object=client?pin-source=$work/pin" \
  'auth = external' 'tls = starttls'
stop_scripted
rm -rf "$work/record"
start_scripted --serve --starttls --port "$port" --client-ca "$keys/ca.pem" \
  --mechanisms EXTERNAL --certificate "$keys/good.pem" \
  --priority NORMAL:-VERS-ALL:+VERS-TLS1.2
message </dev/null | submit -f both@example.org you@example.net
check 'a key on a token for a certificate in a file, in TLS 1.2 by STARTTLS' \
  sent_external

certified alone "$on;object=client" "$on;object=client" 'auth = external'
send alone
check 'without its PIN, and nobody there, it waits' waits \
  "$on;object=client: the token wants its PIN, and nobody is here to be asked; name a file with it by ?pin-source=PATH"
# ask KEYS: at a terminal that types them.
ask () {
  rm -rf "$work/record"
  stop_scripted
  start_scripted --serve --port "$port" --certificate "$keys/good.pem" \
    --client-ca "$keys/ca.pem" --mechanisms 'EXTERNAL PLAIN'
  message </dev/null >"$work/sent"
  "$build/tests/e2e/terminal" 'PIN of' "$(printf "$1")" sh -c "exec \
    '$sendmail' -v -f alone@example.org you@example.net <'$work/sent'" \
    >"$work/asked" 2>&1
}
asked () { # asked PATTERN...: the terminal showed, and it echoes again
  cat "$work/asked"
  for pattern; do
    grep -q -- "$pattern" "$work/asked" || return 1
  done
  ! grep -q 1234 "$work/asked"
}
ask '1234\r'
status=0
check 'at a terminal it is asked for' sent_external
check 'unseen' asked 'PIN of pkcs11:token=Rider' 'echo off' 'echo on'
ask '\003'
check 'an interrupt leaves the terminal as it was' asked 'echo on'
check 'and nothing was sent' untouched
rm -f "$state"/queue/* "$state"/held/*
certified absent "pkcs11:token=Other" "pkcs11:token=Other?pin-source=$work/pin" \
  'auth = external'
send absent
check 'a token that is not there is waited for' waits \
  "pkcs11:token=Other: there is no such token now; \`p11tool --list-tokens' shows those that there are"
certified nothing "$on;object=x" "$on;object=x?pin-source=$work/pin" \
  'auth = external'
send nothing
check 'a key that is not there is not' held 77 \
  "$on;object=x: the token has no such key, or no such certificate"
chmod 640 "$work/pin"
send client
check 'others cannot read the PIN' held 78 \
  "pin can be read by others: run \`chmod go= pin'"
chmod 600 "$work/pin"
if [ "$("$build/tests/e2e/confined" --version)" -ge 1 ]; then
  certified unnoted "$on;object=client" \
    "$on;object=client?pin-source=$work/wrong" 'auth = external'
  send unnoted
  check 'a wrong PIN that the module cannot note in the token says what to do' \
    waits "$on;object=client: the token or its module failed (PKCS #11 error); see whether it takes your PIN by \`p11tool --login --list-privkeys'"
else
  skip 'a wrong PIN that the module cannot note in the token' \
    'this kernel has no Landlock'
fi
certified wrong "$on;object=client" "$on;object=client?pin-source=$work/wrong" \
  'auth = external'
# A token that is where the module may write, as those are that count by themselves.
cp -r "$work/tokens" "$state/tokens"
sed "s|$work/tokens|$state/tokens|" "$SOFTHSM2_CONF" >"$work/noting.conf"
SOFTHSM2_CONF=$work/noting.conf
send wrong
check 'a wrong PIN is told' held 77 \
  "$on;object=client: the token does not take this PIN; too many wrong ones would lock it"
send wrong
check 'and not tried twice' held 77 \
  "$on;object=client: a wrong PIN was tried on this token; log in to it once by \`p11tool --login --list-privkeys', lest it locks"
p11tool --batch --login --set-pin=1234 --list-privkeys "$on" >"$work/out" 2>&1
send client
check 'until somebody has logged in' sent_external

# A module that does not come back: SoftHSM waits for its settings.
mkfifo "$work/hanging"
SOFTHSM2_CONF=$work/hanging
patience=500ms
certified hangs "$on" "$on?pin-source=$work/pin" 'auth = external'
send hangs
check 'one that hangs is left behind' waits \
  "$on: the token's module does not answer"
certified hangs-too "$on" "$on?pin-source=$work/pin" 'auth = external'
: >"$work/log"
message </dev/null | submit -odq -f hangs-too@example.org you@example.net
run_once
left_behind () {
  line
  exits 75 && queued 1 && says "$on: the token's module does not answer" &&
    rm -f "$state"/queue/*
}
check 'by a runner as well, which then ends' left_behind

# One that would not let the process end either, in SoftHSM's place.
softhsm=$(find /usr/lib* -name libsofthsm2.so | head -n 1)
with_it () { # with_it COMMAND...: within 20 seconds
  timeout -s KILL 20 unshare --mount --propagation private \
    sh -c 'mount --bind "$0" "$1" && shift && exec "$@"' \
    "$build/tests/e2e/staying-token.so" "$softhsm" "$@" \
    >"$work/out" 2>"$work/err"
  status=$?
}
if [ -n "$softhsm" ] && unshare --mount --propagation private \
  mount --bind "$build/tests/e2e/staying-token.so" "$softhsm" 2>/dev/null; then
  certified stays "$on" "$on?pin-source=$work/pin" 'auth = external'
  : >"$work/log"
  message </dev/null >"$work/sent"
  with_it "$sendmail" -f stays@example.org you@example.net <"$work/sent"
  check 'one that never comes back keeps nobody' waits \
    "$on: the token's module does not answer"
  certified stays-too "$on" "$on?pin-source=$work/pin" 'auth = external'
  : >"$work/log"
  submit -odq -f stays-too@example.org you@example.net <"$work/sent"
  with_it postrider run --once
  check 'nor a runner' left_behind
else
  skip 'one that never comes back' 'no mount namespace can be had'
fi
send file
check 'no module is loaded where no URI is' sent_external
end
