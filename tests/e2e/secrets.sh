#!/bin/sh
# Where the password is while a relay keeps us waiting right behind the login, and
# long after it: in pages that no core file has and nowhere else, in no shape. And in
# no argument, variable, file, or line of a log.
. "$(dirname "$0")/lib.sh"
need python3
need_root "see all memory of a process that hides it"
! with_sanitizers ||
  skip_all "a sanitizer keeps copies of memory"
begin 400
make_certificates
secret=s3cr3t-Zq9xKp4vWm2T-6fHd
salt=QSXCR+Q6sek8bf92
memory=$source/tests/e2e/memory.py
message 'Subject: nothing secret' >"$work/message" </dev/null
start_scripted --serve --certificate "$work/certificates/good.pem"
scripted_account me
password me "$secret" || exit 1
scripted_account bearer 'auth = oauthbearer'
password bearer "$secret" || exit 1
scripted_account google 'auth = xoauth2'
password google "$secret" || exit 1
echo "$secret" >"$work/token"
scripted_account command "token-command = cat $work/token"

dialogue PLAIN <<'END'
offer AUTH PLAIN
until AUTH *
< AUTH PLAIN *
stall
END
dialogue LOGIN <<'END'
offer AUTH LOGIN
until AUTH *
< AUTH LOGIN*
> 334 VXNlcm5hbWU6
< *
> 334 UGFzc3dvcmQ6
< *
stall
END
for hash in SHA-1 SHA-256; do
  dialogue SCRAM-$hash <<END
offer AUTH SCRAM-$hash
until AUTH *
< AUTH SCRAM-$hash *
nonce
challenge r=%{nonce}abc,s=$salt,i=4096
< ?*
stall
END
done
dialogue OAUTHBEARER <<'END'
offer AUTH OAUTHBEARER
until AUTH *
< AUTH OAUTHBEARER *
stall
END
dialogue XOAUTH2 <<'END'
offer AUTH XOAUTH2
until AUTH *
< AUTH XOAUTH2 *
stall
END
dialogue after <<'END'
offer AUTH %{NAME}
until MAIL *
stall
END

base64_of () { # of the password, without what its neighbours may change
  printf %s "$1" | base64 | tr -d '=\n'
}
# The last thing that the relay of a dialogue hears.
last_word () {
  case $1 in
  PLAIN | *AUTH*) echo "AUTH $1 .*" ;;
  LOGIN) base64_of "$secret" ;;
  SCRAM*) echo 'Yz1[^ ]*' ;;
  esac
}
waits () { # waits PID: for the relay
  grep -q poll "/proc/$1/wchan"
}

# hidden PID: the secret is in no memory of it but such as no core file has
hidden () {
  python3 "$memory" "$1" "$secret" "$salt" 4096 >"$work/places" || return 1
  ! grep -v '^[^:]*: anonymous undumped' "$work/places"
}
unknown () { # unknown PID: it has it nowhere
  python3 "$memory" "$1" "$secret" "$salt" 4096 >"$work/places" || return 1
  ! grep . "$work/places"
}
known () { # known PID: the test sees what there is to see
  python3 "$memory" "$1" "$secret" | grep '^text: anonymous undumped'
}
no_core () { # no_core PID: has it
  gcore -o "$work/core" "$1" >"$work/gcore" 2>&1
  [ -s "$work/core.$1" ] || { cat "$work/gcore"; return 1; }
  python3 "$memory" --core "$work/core.$1" "$secret" "$salt" 4096 \
    >"$work/places" || return 1
  rm "$work/core.$1"
  ! grep . "$work/places"
}
public () { # public PID: neither arguments nor environment have it
  ! cat "/proc/$1/cmdline" "/proc/$1/environ" | tr '\0' '\n' |
    grep -F -e "$secret" -e "$(base64_of "$secret" | cut -c 4-20)"
}

# examine NAME PID: of one that speaks with the relay
examine () {
  check "$1: it waits for the relay" await waits "$2"
  check "$1: the password can be found at all" known "$2"
  check "$1: it is in no memory but its own" hidden "$2"
  case $1 in
  *LOGIN | *SHA-1 | *OAUTHBEARER) ;; # as the others, and gdb takes its time
  *)
    if command -v gcore >/dev/null; then
      check "$1: it is in no core image" no_core "$2"
    else
      skip "$1: it is in no core image" "gcore is not installed"
    fi
    ;;
  esac
  check "$1: nor in arguments and environment" public "$2"
}

finish () { # finish PID
  kill -s KILL "$1"
  wait "$1"
  rm -f "$state"/queue/* "$state"/accounts/*
} 2>/dev/null

# interactive NAME DIALOGUE ACCOUNT WORD [OPTION]: a caller waits
interactive () {
  become --password "$secret" --set NAME="$2" "$work/${5:-$2}"
  "$sendmail" -v -f "$3@example.org" you@example.net <"$work/message" \
    >"$work/out" 2>"$work/err" &
  caller=$!
  check "$1: the relay heard" await heard 1 "$4"
  examine "$1" "$(children $caller)"
  check "$1: who was called has it nowhere" unknown "$caller"
  check "$1: nor in its arguments and environment" public "$caller"
  finish "$caller"
}
for name in PLAIN LOGIN SCRAM-SHA-1 SCRAM-SHA-256; do
  interactive "behind $name" $name me "$(last_word $name)"
done
for name in PLAIN SCRAM-SHA-256; do
  interactive "logged in by $name" $name me 'MAIL .*' after
done
interactive "behind OAUTHBEARER" OAUTHBEARER bearer "$(last_word OAUTHBEARER)"
interactive "behind XOAUTH2" XOAUTH2 google "$(last_word XOAUTH2)"
interactive "behind XOAUTH2, from a command" XOAUTH2 command \
  "$(last_word XOAUTH2)"

# Nor does it leave that place while a session waits for those that come next.
become --serve --password "$secret"
scripted_account staying 'linger = 1m'
password staying "$secret" || exit 1
submit -f staying@example.org you@example.net <"$work/message"
check "a session that stays open: it is one process" [ "$(runners | wc -l)" = 1 ]
examine "a session that stays open" "$(runners)"
finish "$(runners)"

# Nobody of a runner's processes has it but the one that speaks with the relay.
for name in PLAIN SCRAM-SHA-256 XOAUTH2; do
  become --password "$secret" "$work/$name"
  from=me
  [ $name != XOAUTH2 ] || from=command
  "$sendmail" -odq -f $from@example.org you@example.net <"$work/message"
  start_runner
  check "a runner behind $name: the relay heard" \
    await heard 1 "$(last_word $name)"
  speaker=$(turns_of "$runner")
  examine "a runner behind $name" "$speaker"
  for process in $(family "$runner" | grep -vx "$speaker"); do
    check "a runner behind $name: another process has it nowhere" \
      unknown "$process"
    check "a runner behind $name: nor in its arguments and environment" \
      public "$process"
  done
  finish "$runner"
done

# What is left

served_with () { # served_with ARGUMENT...: by one that knows the password
  become --password "$secret" --serve "$@"
}
secret_free () { # secret_free PATH...: no file there has it
  for shape in "$secret" "$(base64_of "$secret" | cut -c 1-28)" \
    "$(base64_of "x$secret" | cut -c 4-30)" \
    "$(base64_of "xx$secret" | cut -c 4-30)"; do
    ! grep -rlF -e "$shape" "$@" 2>/dev/null || return 1
  done
}
for name in PLAIN LOGIN SCRAM-SHA-256; do
  mkdir -p "$work/temporary"
  served_with --mechanisms $name
  TMPDIR=$work/temporary submit -v -f me@example.org you@example.net \
    reject@example.net <"$work/message"
  check "$name: it is sent" exits 0
  check "$name: neither output nor log has the password" \
    secret_free "$work/out" "$work/err" "$work/log"
  check "$name: no file of the queue has it" secret_free "$state"
  check "$name: nor one that is temporary" \
    secret_free "$work/temporary" /dev/shm
  rm -f "$state"/*/*
done
if command -v strace >/dev/null; then
  served_with --mechanisms PLAIN
  strace -f -qq -yy -s 100000 -o "$work/trace" \
    -e trace=write,pwrite64,writev,pwritev,execve,openat,linkat,renameat \
    "$sendmail" -f me@example.org you@example.net <"$work/message" \
    >"$work/out" 2>"$work/err"
  check "traced: it is sent" heard 1 'RCPT TO:.*'
  grep -v '<\(UNIX\|TCP\)' "$work/trace" >"$work/written"
  check "traced: the test sees what is written" \
    grep -q 'nothing secret' "$work/written"
  check "traced: it is written to no file, and is in no name of one" \
    secret_free "$work/written"
else
  skip "traced" "strace is not installed"
fi

# A refused password is told to nobody.
become --password other --mechanisms PLAIN --serve
submit -v -f me@example.org you@example.net <"$work/message"
check "refused: the status says so" exits 77
check "refused: nobody is told the password" \
  secret_free "$work/out" "$work/err" "$work/log" "$state"
end
