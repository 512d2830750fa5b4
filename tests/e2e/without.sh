#!/bin/sh
# A library that is loaded at need (src/base/library.h) is not there: whatever needs it
# says so, ends in good order, and no message is lost. And packagers are told of all
# of them by a note in the program.
. "$(dirname "$0")/lib.sh"
need_root 'hide a library'
need readelf unshare ldconfig
unshare --mount true 2>/dev/null || skip_all 'there are no mounts of our own'
begin
make_certificates
start_scripted --serve --certificate "$work/certificates/good.pem"
scripted_account me
password me secret || exit 1
libraries=$(sed -n 's/^#define LIB.*_FILE "\(.*\)"/\1/p' "$build/build-config.h")
check 'there are six of them' [ "$(echo "$libraries" | wc -w)" = 6 ]

# without LIBRARY PROGRAM ARGUMENT...: its status is $status. The sandbox would deny
# a file that LD_LIBRARY_PATH leads to.
: >"$work/nothing"
without () {
  place=$(ldconfig -p | sed -n "s/^[[:space:]]*$1 .* => //p" | head -n 1)
  shift
  timeout 60 unshare --mount --propagation private sh -c '
    mount --bind "$1" "$2" || exit 99
    shift 2
    exec "$@"' - "$work/nothing" "$(readlink -f "$place")" "$@" \
    >"$work/out" 2>"$work/err"
  status=$?
}
tells () {
  cat "$work/out" "$work/err"
  grep -q "cannot load a library: .*$1" "$work/out" "$work/err"
}
# What waits or is held with that status is not lost; nor what arrived.
ends_well () {
  echo "status $status"
  cat "$work/err"
  case $status in
  0) queued 1 || arrived ;;
  71 | 75 | 78) queued 0 && ! arrived ;;
  *) return 1 ;;
  esac
}
arrived () {
  grep -qs "^Subject: one" "$work"/record/*.message-*
}
once () {
  [ "$(cat "$work"/record/*.message-* 2>/dev/null | grep -c '^Subject: one')" = 1 ]
}

for library in $libraries; do
  without "$library" "$build/postrider" --version
  check "$library: --version has status 0" exits 0
  check "$library: --version tells the version" grep -q '^postrider [0-9]' "$work/out"
  check "$library: --version tells that it is missing" tells "$library"

  for recipient in you@example.net you@bücher.example; do
    at="$library, $recipient"
    : >"$work/log"
    become --serve
    rm -rf "$state/queue"/* "$state/held"/*
    echo 'a line' | message 'Subject: one' "To: $recipient" >"$work/sent"
    without "$library" "$sendmail" -odi -f me@example.org "$recipient" \
      <"$work/sent"
    check "$at: it ends in good order" ends_well
    if ! arrived; then
      sed 's/^/# /' "$work/log"
      check "$at: the log tells which is missing" \
        grep -q "fate=.*$library" "$work/log"
      for id in $(ls "$state/held"); do
        postrider queue release "$id" >"$work/out" 2>&1
      done
      submit -q >"$work/out" 2>&1
      postrider run --once >"$work/out" 2>&1
    fi
    echo "# $at: status $status"
    check "$at: once it is there again, the message arrives" await once
    check "$at: nothing is left" queued 0
  done
  without "$library" "$build/postrider" verify me
  check "$library: verify ends in good order" [ "$status" -lt 128 ]
  echo other | without "$library" "$build/postrider" password set other
  check "$library: so does password set" [ "$status" -lt 128 ]
done

for library in $libraries; do
  check "$library: the note in the program has it" \
    sh -c 'readelf -p .note.dlopen "$1" | grep -aqF "\"soname\":[\"$2\"]"' - \
    "$build/postrider" "$library"
done
end
