#!/bin/sh
# One submission, killed at every system call that anybody outside the process
# could notice: what touches files, the relay or the bus. (Between two of them
# nothing changes, so that a kill there is a kill before the next.)
#
# After each kill: a message is in the queue whole, or with the relay whole, or
# nowhere and the caller was not told 0. Then the queue runs once more, and still
# no message is at the relay twice, and none is half.
. "$(dirname "$0")/../e2e/lib.sh"

calls='open openat creat mkdir mkdirat link linkat rename renameat renameat2
  unlink unlinkat ftruncate fcntl read pread64 readv write pwrite64 writev
  fsync fdatasync close socket connect send sendto sendmsg recv recvfrom recvmsg
  poll ppoll close_range umask exit_group'

need strace
! grep -q fsanitize=address "$build/Makefile" ||
  skip_all "a sanitizer and strace cannot both trace the program"
begin 600

make_certificates
start_scripted --serve --certificate "$work/certificates/good.pem"
account me 'host = localhost' "port = $port" 'user = me' \
  "trust-file = $work/certificates/ca.pem"
password me secret >"$work/out"
printf '%s\n' 'From: me@example.org' 'To: you@example.net' \
  'Date: Thu, 01 Oct 2026 12:00:00 +0000' 'Message-ID: <crash@example.org>' \
  'Subject: crash' '' 'one' '.two' '..' 'three' >"$work/message"
sed 's/$/\r/' "$work/message" >"$work/expected"

points=0 killed=0 bad=0 in_queue=0 at_relay=0 nowhere=0 twice_possible=0

complain () {
  bad=$((bad + 1))
  echo "killed at $point: $*" | diagnose
}

relayed () { # how many messages the relay has: those whose final dot came
  cat "$work"/record/*.log 2>/dev/null | grep -c ' - message [0-9]* whole'
}

whole_at_relay () {
  for file in $(grep -l ' - message 1 whole' "$work"/record/*.log); do
    cmp -s "${file%.log}.message-1" "$work/expected" ||
      complain "half a message at the relay"
  done
} 2>/dev/null

# The state right after the kill, STATUS as the caller saw it.
hold_against_promise () {
  waiting=$(find "$state/queue" -type f ! -name '.*' 2>/dev/null | wc -l)
  have=$(relayed)
  case $waiting$have in
  00) nowhere=$((nowhere + 1)) ;;
  01) at_relay=$((at_relay + 1)) ;;
  10) in_queue=$((in_queue + 1)) ;;
  11) twice_possible=$((twice_possible + 1)) ;;
  *) complain "$waiting messages wait, the relay has $have" ;;
  esac
  [ "$status" != 0 ] || [ $((waiting + have)) -gt 0 ] ||
    complain "status 0, and the message is lost"
  whole_at_relay
}

# What waits goes out, once; what the relay may have already stays, for now.
run_queue () {
  "$sendmail" -q >/dev/null 2>"$work/err" || :
  waiting=$(find "$state/queue" -type f ! -name '.*' 2>/dev/null | wc -l)
  have_now=$(relayed)
  [ "$have_now" -le 1 ] || complain "the relay has it $have_now times"
  [ $((waiting + have_now)) -ge $((have > 0 || in_queue_before > 0)) ] ||
    complain "a message that waited is gone"
  [ "$waiting" = 0 ] || grep -lq ' end-of-data ' "$state"/queue/* ||
    complain "a message that could be sent still waits"
  files 0 "$state/held" && files 0 "$state/corrupt" ||
    complain "something is held or corrupt"
  whole_at_relay
}

# A kill keeps what the kernel has in memory, a power cut does not: so the order
# counts as well. The file is synced, named, the name is synced, and only then is
# the relay spoken to; that the final dot is about to be sent is synced, and its
# verdict, before the file goes.
synced_in_order () {
  postrider run --once # makes the directories
  reset
  strace -f -qq -o "$work/trace" \
    -e trace=fsync,fdatasync,linkat,unlinkat,socket \
    "$sendmail" -f me@example.org you@example.net <"$work/message" || return 1
  sed -E 's/^[0-9]+ +//; s/^socket\(.*AF_INET.*/relay/; s/\(.*//' \
    "$work/trace" | grep -E '^(fsync|fdatasync|linkat|unlinkat|relay)$' |
    awk '$1 != "relay" || last != "relay"; { last = $1 }' >"$work/order"
  cat "$work/order"
  printf '%s\n' fsync linkat fsync relay fdatasync fdatasync unlinkat fsync |
    cmp - "$work/order"
}

reset () {
  find "$state" -type f -delete 2>/dev/null
  find "$work/record" -type f -delete 2>/dev/null
}

try_point () { # try_point CALL N; false when the program got past it
  point="$1 #$2"
  reset
  strace -f -qq -o "$work/trace" -e "trace=$1" \
    --inject="$1:signal=KILL:when=$2" "$sendmail" -f me@example.org \
    you@example.net <"$work/message" >"$work/out" 2>"$work/err"
  status=$?
  points=$((points + 1))
  hold_against_promise
  in_queue_before=$waiting
  run_queue
  grep -q 'killed by SIGKILL' "$work/trace" && killed=$((killed + 1))
}

sweep () {
  for call in $calls; do
    strace -qq -e "trace=$call" -o /dev/null true 2>/dev/null || continue
    number=1
    while try_point "$call" $number; do
      number=$((number + 1))
    done
  done
  echo "$points runs, killed in $killed: then in the queue $in_queue," \
    "with the relay $at_relay, in both $twice_possible, nowhere $nowhere" |
    diagnose
}

check "each step is on disk before the next" synced_in_order
sweep
check "no kill loses, halves or doubles a message" [ $bad = 0 ]
check "the kills reached every state" \
  [ $killed -gt 100 -a $in_queue -gt 0 -a $at_relay -gt 0 -a $nowhere -gt 0 ]
end
