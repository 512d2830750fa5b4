# lib.sh - what the scripts share that have the program fail everywhere. Sourced
# by them, in place of tests/e2e/lib.sh.
#
#   begin_sweeps SECONDS
#   no_letters, letter SENDER RECIPIENT...   the messages of the next sweeps
#   sweep NAME PROMISE OPTION... -- PROGRAM ARGUMENT...
#
# A sweep kills the program at each system call that anybody else can notice, and
# has each call fail with EIO, ENOSPC, EDQUOT, EMFILE, ENOMEM, and EINTR, where that
# makes sense for it (calls.c); with CRASH_ALL=1, or --all, all of it in any case.
#
# CRASH_ONLY="NAME" is one sweep alone, "NAME CALL:N:FAULT" one point of it, of
# which all is told.
. "$(dirname "$0")/../e2e/lib.sh"

begin_sweeps () {
  ! grep -q fsanitize=address "$build/Makefile" ||
    skip_all "a sanitizer makes more system calls than the program"
  # Thousands of runs, and each waits for the disk many times; what is in memory
  # stands a kill as well.
  [ ! -w /dev/shm ] || place=/dev/shm
  begin "$1"
  unset G_DEBUG # what GLib warns of is no end of the program
  make_certificates
  start_scripted --serve --certificate "$work/certificates/good.pem"
  for name in me other; do
    account $name 'host = localhost' "port = $port" 'user = me' \
      "trust-file = $work/certificates/ca.pem" 'timeout-connect = 2s' \
      'timeout-command = 2s' 'timeout-end-of-data = 2s' 'timeout-quit = 1s'
    password $name secret || exit 1
  done
  letters=0
}

# No letters yet, and an empty queue.
no_letters () {
  letters=0
  rm -rf "$work/letters" "$state"
  mkdir "$work/letters"
}

# letter SENDER RECIPIENT...: the next one.
letter () {
  letters=$((letters + 1))
  printf '%s\n' "From: $1@example.org" 'To: undisclosed-recipients:;' \
    'Date: Thu, 01 Oct 2026 12:00:00 +0000' \
    "Message-ID: <$letters@crash.test>" "Subject: letter $letters" '' \
    'one' '.two' '..' 'three' >"$work/letter"
  cp "$work/letter" "$work/letters/$letters.in"
  echo "$1" >"$work/letters/$letters.from"
  shift
  sed 's/$/\r/' "$work/letter" >"$work/letters/$letters"
  printf '%s@example.net\n' "$@" >"$work/letters/$letters.to"
}

# recipients N: of letter N
recipients () {
  tr '\n' ' ' <"$work/letters/$1.to"
}

sender () { # of letter N
  cat "$work/letters/$1.from"
}

# template NAME: the queue as it is now becomes what sweeps begin with.
template () {
  rm -rf "$work/$1"
  mv "$state" "$work/$1"
}

# sweep NAME PROMISE OPTION... -- PROGRAM ARGUMENT...
sweep () {
  sweep_name=$1 sweep_promise=$2
  shift 2
  sweep_only= sweep_errors=--sensible
  [ -z "${CRASH_ALL-}" ] || sweep_errors=
  if [ -n "${CRASH_ONLY-}" ]; then
    [ "${CRASH_ONLY% *:*:*}" = "$sweep_name" ] || return 0
    case $CRASH_ONLY in *:*:*) sweep_only=${CRASH_ONLY##* } ;; esac
  fi
  sweep_start=$(date +%s)
  "$build/tests/crash/sweep" --name "$sweep_name" --promise "$sweep_promise" \
    --queue "$state" --record "$work/record" --port "$port" \
    --letters "$work/letters" --sendmail "$sendmail" --only "$sweep_only" \
    $sweep_errors \
    "$@" >"$work/sweep.out" 2>&1
  sweep_status=$?
  cat "$work/sweep.out"
  echo "$sweep_name took $(($(date +%s) - sweep_start)) seconds" | diagnose
  check "$sweep_name: the promise holds" [ $sweep_status = 0 ]
}

# queue_letters: all of them.
queue_letters () {
  for n in $(seq $letters); do
    "$sendmail" -odq -f "$(sender $n)@example.org" $(recipients $n) \
      <"$work/letters/$n.in" || exit 1
  done
}

# id_of N ROOM: the entry of letter N
id_of () {
  basename "$(grep -l "<$1@crash.test>" "$state/$2"/*)"
}

# As a record of an entry.
record () {
  printf '%s' "$*" | gzip -c | tail -c 8 | od -An -tx4 -N4 --endian=little |
    sed "s/^ *//; s/\$/ $*/"
}

# The template of two runners: messages of two accounts, one refused for one of two,
# one whose time is over.
several_wait () {
  no_letters
  letter me you
  letter me reject you
  letter other you they
  letter me defer
  queue_letters
  # The last one is tried for an hour only, and waits for two.
  record "attempt $(($(date +%s) - 7200))" >>"$state/queue/$(id_of 4 queue)"
  sed -i 's/^start-runner = no/&\nqueue-lifetime = 1h/' "$accounts"
  template several
}
