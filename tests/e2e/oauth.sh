#!/bin/sh
# Tokens instead of passwords, against Postfix and Dovecot, which checks their
# signatures and times.
. "$(dirname "$0")/lib.sh"
need_root
need postfix dovecot openssl
begin 300
start_relay postfix

# What is asked for tokens. It gives those of its list one after the other, the last
# one again and again, and notes whether another one of it runs at the same time.
mkdir "$work/list"
cat >"$work/token" <<END
#!/bin/sh
mkdir '$work/running' 2>/dev/null || echo overlap >>'$work/overlaps'
echo run >>'$work/runs'
n=\$(wc -l <'$work/runs')
while [ ! -e '$work/list/'\$n ]; do n=\$((n - 1)); done
trap "rmdir '$work/running' 2>/dev/null" EXIT
. '$work/list/'\$n
END
chmod 755 "$work/token"

# Each ARGUMENT is a line of shell.
gives () {
  rm -f "$work"/list/* "$work/runs" "$work/overlaps"
  rm -rf "$work/running" # of one that was ended
  gives_n=0
  for gives_line; do
    gives_n=$((gives_n + 1))
    printf '%s\n' "$gives_line" >"$work/list/$gives_n"
  done
}

ran () { # ran N: so often since then, never twice at once
  ran_n=$(cat "$work/runs" 2>/dev/null | wc -l)
  [ "$ran_n" = "$1" ] && [ ! -e "$work/overlaps" ] || {
    echo "$ran_n runs; $(cat "$work/overlaps" 2>/dev/null)"
    return 1
  }
}

new_token () { # new_token [SECONDS [OCTETS]]: $token
  token=$("$source/tests/relay/postfix" token "$work/postfix" "$@") || exit 1
  echo "$token" >>"$work/tokens"
}

print () { # the line that prints TOKEN
  printf "printf '%%s\\\\n' %s\n" "$1"
}

# token_account NAME [SETTING...]
token_account () {
  token_name=$1
  shift
  relay_account "$token_name" postfix tls "token-command = $work/token" "$@"
}

# What Postfix and Dovecot have seen since `mark`.
mark () {
  mark_line=$(($(wc -l <"$work/postfix/log") + 1))
}

lines () { # lines N PATTERN
  lines_n=$(tail -n "+$mark_line" "$work/postfix/log" | grep -cE -- "$2")
  [ "$lines_n" = "$1" ] || {
    echo "$lines_n lines with $2, not $1"
    tail -n "+$mark_line" "$work/postfix/log"
    return 1
  }
}

said () { # said PATTERN: to the caller, on stderr
  grep -qE -- "$1" "$work/err" || {
    cat "$work/err"
    return 1
  }
}

send () { # send ACCOUNT ARGUMENT...
  send_from=$1
  shift
  numbered 1 >"$work/sent"
  submit -f "$send_from@example.org" "$@" you@example.net <"$work/sent"
}

came_once () {
  arrived "$work/postfix/mail/all" &&
    cmp "$work/sent" "$work/arrived"
}

# refused NAME TRIES: the last message was, after so many logins
refused () {
  check "$1: the status is 77" exits 77
  check "$1: it is held" queued 1 held
  check "$1: so many logins failed" await lines "$2" 'authentication failed'
  check "$1: so many connections" await lines "$2" 'disconnect from'
  check "$1: nothing arrived" files 0 "$work/postfix/mail/all/new"
}

# A person mends it, and it is sent.
mend () { # mend ACCOUNT
  new_token
  gives "$(print "$token")"
  postrider queue release --account "$1" >"$work/out" 2>&1
  run_once
  check "$1: once mended it is sent" came_once
  check "$1: nothing is held" queued 0 held
}

parts () { # 16 octets of each token's signature, and of what is said to the relay
  sed 's/.*\.//; s/^\(.\{16\}\).*/\1/' "$work/tokens"
  while read -r parts_token; do
    printf 'Bearer %s' "$parts_token" | base64 -w 0 | cut -c 100-130
  done <"$work/tokens"
}
unseen () { # in FILE...
  parts >"$work/parts"
  ! grep -rlaFf "$work/parts" "$@"
}
new_token
good=$token

for mechanism in oauthbearer xoauth2; do
  token_account $mechanism "auth = $mechanism"
  gives "$(print "$good")"
  send $mechanism
  check "$mechanism: the status is 0" exits 0
  check "$mechanism: it arrives" came_once
  check "$mechanism: the log says so" \
    grep -q " auth=$(echo $mechanism | tr a-z A-Z) " "$work/log"
  check "$mechanism: one run" ran 1
done

token_account me
gives "$(print "$good")"
mark
send me
check "unless set: the status is 0" exits 0
check "unless set: it arrives" came_once
check "unless set: OAUTHBEARER" await lines 1 'sasl_method=OAUTHBEARER'
check "silent" silent

# More than fits into a line with AUTH, and than into one of the RFC's at all.
new_token 3600 5000
gives "$(print "$token")"
send me -v
check "a long token: the status is 0" exits 0
check "a long token: it arrives" came_once
check "a long token: AUTH alone on its line" grep -q '> AUTH OAUTHBEARER$' \
  "$work/err"
check "a long token: -v does not show it" unseen "$work/err"

# Refused.

new_token -60
expired=$token
new_token -120
gives "$(print "$expired")" "$(print "$good")"
mark
send me
check "expired, then good: the status is 0" exits 0
check "expired, then good: it arrives" came_once
check "expired, then good: two runs" ran 2
check "expired, then good: two connections" await lines 2 'disconnect from'
check "expired, then good: one login failed" lines 1 'authentication failed'

for mechanism in oauthbearer xoauth2; do
  # Another one, even within the same second.
  new_token -6000
  gives "$(print "$expired")" "$(print "$token")"
  mark
  send $mechanism
  refused "$mechanism, expired twice" 2
  check "$mechanism, expired twice: two runs" ran 2
  check "$mechanism: what the relay says is told" said '535.*status='
  send $mechanism
  check "$mechanism: paused, the status is 77" exits 77
  check "$mechanism: paused, what to do is told" said 'queue release --account'
  check "$mechanism: paused, no further run" ran 2
  postrider queue remove --all >"$work/out" 2>&1 || postrider queue list
  numbered 1 | submit -f $mechanism@example.org you@example.net
  mend $mechanism
done

gives "$(print "$expired")"
mark
send me
refused "the same token again" 1
check "the same token again: two runs" ran 2
mend me

gives "$(print "$expired")" 'echo sorry >&2; exit 1'
mark
send me
refused "no second one" 1
check "no second one: why" said 'status=.*no new one.*sorry'
mend me

account_timeout='timeout-password = 1s'
token_account slow "$account_timeout"
gives "$(print "$expired")" 'exec tail -f /dev/null'
mark
send slow
check "the second one hangs: the status is 0" exits 0
check "the second one hangs: it is queued" queued 1
postrider queue remove --all >"$work/out" 2>&1

gives 'exec tail -f /dev/null'
mark
send slow
check "it hangs: the status is 0" exits 0
check "it hangs: it is queued" queued 1
check "it hangs: the relay is not asked" lines 0 connect
postrider queue remove --all >"$work/out" 2>&1

# What is no token. The last lines would be good ones.

while read -r name line; do
  gives "$line"
  mark
  send me
  check "$name: the status is 77" exits 77
  check "$name: it is held" queued 1 held
  check "$name: the relay is not asked" lines 0 connect
  check "$name: one run" ran 1
  check "$name: what is wrong is told" said '(token.*none|token-command): '
  postrider queue remove --all >"$work/out" 2>&1
done <<'END'
empty true
blank echo 'abc def'
CR printf 'abc\rdef\n'
CRLF printf 'abc\r\n'
^A printf 'abc\001\001\n'
NUL printf 'abc\000def\n'
8-bit printf 'abc\303\244\n'
JSON echo '{"access_token":"abc"}'
an-empty-line-first printf '\nabc\n'
too-much yes abc | tr -d '\n' | head -c 70000
a-failure echo abc; exit 1
END

# Tokens from where passwords are.

relay_account stored postfix tls 'auth = xoauth2'
password stored "$good" || exit 1
send stored
check "from the keyring: the status is 0" exits 0
check "from the keyring: it arrives" came_once
password stored "$expired" || exit 1
mark
send stored
refused "an expired one from the keyring" 1
postrider queue remove --all >"$work/out" 2>&1
(umask 077 && echo "$good" >"$work/file")
relay_account filed postfix tls 'auth = oauthbearer' \
  "password-file = $work/file"
send filed
check "from a file: the status is 0" exits 0
check "from a file: it arrives" came_once
# No relay gets a password for a token, nor a token for a password.
relay_account secretive postfix tls
password secretive "$relay_password" || exit 1
mark
send secretive
check "a password: the status is 0" exits 0
check "a password: it arrives" came_once
check "a password: by SCRAM" await lines 1 'sasl_method=SCRAM-SHA-256'

# Many at once: whoever finds the stored token ended gets a new one, and it is the
# only one who does.

token_account busy 'max-connections = 8'
cat >"$work/list-busy" <<END
if [ "\$(cat '$work/store')" != '$good' ]; then
  echo refresh >>'$work/refreshes'
  ls -lR /usr/share/doc >/dev/null 2>&1
  echo '$good' >'$work/store'
fi
cat '$work/store'
END
echo "$expired" >"$work/store"
gives ". '$work/list-busy'"
enqueue 101 104 -f busy@example.org you@example.net
mark
start_runner --once
at_once 1 12 -f busy@example.org you@example.net
wait $runner
run_once
check "many at once: each status is 0" all_exit 0
check "many at once: all arrive" await files 16 "$work/postfix/mail/all/new"
check "many at once: one got the new token" [ "$(wc -l <"$work/refreshes")" = 1 ]
check "many at once: no two of it ran at once" [ ! -e "$work/overlaps" ]
check "many at once: no login failed" lines 0 'authentication failed'

check "no token is in the log, or the queue, or what was said" \
  unseen "$work/log" "$state" "$work/out" "$work/err" "$work/printed"
check "there were tokens to look for" [ "$(wc -l <"$work/parts")" -ge 12 ]
end
