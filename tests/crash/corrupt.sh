#!/bin/sh
# What is no queue file any more, or never was one, is set aside with a line in the
# log, and the others are sent. A queue that others could get at is not used.
. "$(dirname "$0")/../e2e/lib.sh"
begin
make_certificates
start_scripted --serve --certificate "$work/certificates/good.pem"
account me 'host = localhost' "port = $port" 'user = me' \
  "trust-file = $work/certificates/ca.pem"
password me secret || exit 1

# One more message that waits: its file is $entry.
enqueue () {
  ls "$state/queue" >"$work/before" 2>/dev/null
  echo body | message "Subject: $1" |
    "$sendmail" -odq -f me@example.org you@example.net || exit 1
  entry=$state/queue/$(ls "$state/queue" | comm -13 "$work/before" -)
}

# overwrite FILE OFFSET TEXT
overwrite () {
  printf %s "$3" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

spoil () { # spoil KIND FILE
  size=$(stat -c %s "$2")
  case $1 in
  'truncated in its first line') truncate -s 50 "$2" ;;
  'truncated in the message') truncate -s 150 "$2" ;;
  'truncated in the envelope') truncate -s $((size - 20)) "$2" ;;
  'empty') truncate -s 0 "$2" ;;
  'with a flipped bit in its body') overwrite "$2" 97 'n' ;;
  'with a flipped bit in its header') overwrite "$2" 110 '~' ;;
  'with a flipped bit in its recipient')
    overwrite "$2" $((size - 10)) '?' ;;
  'with records that are none') echo '00000000 attempt 1' >>"$2" ;;
  'of another format') overwrite "$2" 16 9 ;;
  'full of zeros')
    rm "$2"
    truncate -s "$size" "$2"
    chmod 600 "$2"
    ;;
  'of ten gigabytes, all zeros')
    rm "$2"
    truncate -s 10G "$2"
    chmod 600 "$2"
    ;;
  'with ten gigabytes of zeros behind it') truncate -s 10G "$2" ;;
  'of somebody else') chown 12345 "$2" ;;
  'open to others') chmod 644 "$2" ;;
  'a FIFO') rm "$2" && mkfifo -m 600 "$2" ;;
  'a directory') rm "$2" && mkdir -m 700 "$2" ;;
  'a link to a message')
    mv "$2" "$work/elsewhere"
    ln -s "$work/elsewhere" "$2"
    ;;
  'a link to nothing') rm "$2" && ln -s /nonexistent "$2" ;;
  'a device') rm "$2" && mknod -m 600 "$2" c 1 5 ;;
  esac
}

arrivals () { # How many messages the relay has.
  cat "$work"/record/*.log 2>/dev/null | grep -c ' - message [0-9]* whole'
}

# What cannot be read is not there to be listed either.
run_queue () {
  timeout 60 postrider run --once >"$work/out" 2>"$work/err"
  status=$?
}

is_aside () { # of $entry
  name=${entry##*/}
  [ ! -e "$entry" ] && [ ! -h "$entry" ] || return 1
  [ -e "$state/corrupt/$name" ] || [ -h "$state/corrupt/$name" ]
}

is_logged () {
  grep "id=${entry##*/} fate=corrupt kept=$state/corrupt/${entry##*/} text=" \
    "$work/log"
}

kinds='truncated in its first line
truncated in the message
truncated in the envelope
empty
with a flipped bit in its body
with a flipped bit in its header
with a flipped bit in its recipient
with records that are none
of another format
full of zeros
of ten gigabytes, all zeros
with ten gigabytes of zeros behind it
open to others
a FIFO
a directory
a link to a message
a link to nothing'
[ "$(id -u)" != 0 ] || kinds="$kinds
of somebody else
a device"

expected=0
while read -r kind; do
  enqueue before
  enqueue "$kind"
  spoil "$kind" "$entry"
  bad=$entry
  enqueue after
  entry=$bad
  run_queue
  expected=$((expected + 2))
  check "a file $kind: set aside" is_aside
  check "a file $kind: the log says so" is_logged
  check "a file $kind: the others are sent" \
    [ "$(arrivals) $(ls "$state/queue" | wc -l)" = "$expected 0" ]
done <<END
$kinds
END
check 'what a link led to is untouched' [ -s "$work/elsewhere" ]
check 'what is no file of ours does not end the run' [ $status != 124 ]

# A last record that was cut short is what a crash leaves: it does not count.
enqueue torn
printf '12345678 stat' >>"$entry"
run_queue
expected=$((expected + 1))
check 'a record that was cut short does not count' \
  [ "$(arrivals) $(ls "$state/queue" | wc -l)" = "$expected 0" ]

# A backup made of hard links keeps what it has.
enqueue linked
ln "$entry" "$work/backup"
run_queue
expected=$((expected + 1))
check 'a message that a backup has linked is sent' \
  [ "$(arrivals) $(ls "$state/queue" | wc -l)" = "$expected 0" ]
check 'and is still in the backup' [ -s "$work/backup" ]

# Held messages, and what is known of accounts, in all these states.
held_all () {
  while read -r kind; do
    enqueue "held $kind"
    postrider queue hold "${entry##*/}" >/dev/null || exit 1
    spoil "$kind" "$state/held/${entry##*/}"
  done
}
held_all <<END
$kinds
END
enqueue good
postrider queue hold "${entry##*/}" >/dev/null
good=${entry##*/}
check 'held: the list names the good one' sh -c "
  timeout 20 postrider queue >'$work/list' 2>'$work/err'
  grep $good '$work/list'"
check 'held: the good one is released' timeout 20 postrider queue release "$good"
run_queue
expected=$((expected + 1))
check 'held: and sent' [ "$(arrivals)" = "$expected" ]
rm -rf "$state/held"
while read -r kind; do
  rm -rf "$state/accounts/me"
  printf '%s\n' '00000000 1 1 connect 0 0 none, and wrong' >"$state/accounts/me"
  chmod 600 "$state/accounts/me"
  spoil "$kind" "$state/accounts/me" 2>/dev/null
  enqueue "account $kind"
  run_queue
  expected=$((expected + 1))
  check "what is known of the account, $kind: the message is sent" \
    [ "$(arrivals) $(ls "$state/queue" | wc -l)" = "$expected 0" ]
done <<END
$kinds
END
rm -rf "$state/accounts/me"
touch -d '3 days ago' "$state/accounts/.tmp-old"
touch "$state/accounts/.tmp-new"
run_queue
check 'what was left half-written long ago is removed' \
  [ "$(cd "$state/accounts" && echo .tmp-*)" = .tmp-new ]

# The directories.

# refused DIRECTORY TEXT: with a line that has both.
refused () {
  echo body | message | timeout 20 "$sendmail" -odq -f me@example.org \
    you@example.net >"$work/out" 2>"$work/err"
  status=$?
  [ $status = 78 ] && grep -F "$1" "$work/err" | grep "$2" &&
    [ "$(wc -l <"$work/err")" = 1 ] || {
    echo "status $status"
    cat "$work/err"
    return 1
  }
  run_queue
  [ $status = 78 ] && grep -F "$1" "$work/err" | grep "$2"
}

for room in queue held corrupt accounts .; do
  directory=$state/$room
  [ $room != . ] || directory=$state
  mkdir -p "$directory"
  chmod 770 "$directory"
  check "$room open to its group: refused" refused "$directory" 'chmod 700'
  chmod 700 "$directory"
  mv "$directory" "$work/moved"
  ln -s "$work/moved" "$directory"
  check "$room a symbolic link: refused" refused "$directory" 'no symbolic link'
  rm "$directory"
  : >"$directory"
  check "$room a file: refused" refused "$directory" 'not a directory'
  rm "$directory"
  mv "$work/moved" "$directory"
  if [ "$(id -u)" = 0 ]; then
    chown 12345 "$directory"
    check "$room of somebody else: refused" \
      refused "$directory" 'belongs to another user'
    chown 0 "$directory"
  fi
done
enqueue last
run_queue
check 'then all is well again' \
  [ "$(arrivals) $(ls "$state/queue" | wc -l)" = "$((expected + 1)) 0" ]
end
