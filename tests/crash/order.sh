#!/bin/sh
# A kill keeps what the kernel has in memory, a power cut does not: so the order
# counts as well. The file is synced, named, the name is synced, and only then is
# the relay spoken to; that the final dot is about to be sent is synced, and its
# verdict, before the file goes.
. "$(dirname "$0")/../e2e/lib.sh"
need strace
! grep -q fsanitize=address "$build/Makefile" ||
  skip_all "a sanitizer and strace cannot both trace the program"
begin
make_certificates
start_scripted --serve --certificate "$work/certificates/good.pem"
account me 'host = localhost' "port = $port" 'user = me' \
  "trust-file = $work/certificates/ca.pem"
password me secret >"$work/out"
echo body | message 'Subject: order' >"$work/message"

# synced_in_order RECIPIENTS ORDER
synced_in_order () {
  postrider run --once # makes the directories
  strace -f -qq -o "$work/trace" \
    -e trace=fsync,fdatasync,linkat,renameat,unlinkat,socket \
    "$sendmail" -f me@example.org $1 <"$work/message" || return 1
  sed -E 's/^[0-9]+ +//; s/^socket\(.*AF_INET.*/relay/; s/\(.*//' \
    "$work/trace" | grep -E '^(fsync|fdatasync|linkat|renameat|unlinkat|relay)$' |
    awk '$1 != "relay" || last != "relay"; { last = $1 }' >"$work/order"
  tr '\n' ' ' <"$work/order" >"$work/line"
  cat "$work/line"
  [ "$(cat "$work/line")" = "$2 " ]
}

entered='fsync linkat fsync'
# By what the relay logged us in is known from the first login on.
check "each step is on disk before the next" synced_in_order you@example.net \
  "$entered relay fsync renameat fdatasync fdatasync unlinkat fsync"
# The statuses; the notification; that it was made; why the rest is held.
check "so it is where the sender is notified" \
  synced_in_order 'you@example.net reject@example.net' \
  "$entered relay fdatasync fdatasync $entered fdatasync fdatasync renameat fsync fsync"
end
