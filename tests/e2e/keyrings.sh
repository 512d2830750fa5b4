#!/bin/sh
# Keyrings that misbehave, at each call that they get: what the caller is told,
# what becomes of the message, and that it is in time. And other keyrings than
# that of tests/e2e/keyring.sh. All at once, for some only end at the deadline.
. "$(dirname "$0")/lib.sh"
begin 300
make_certificates
start_scripted --serve --certificate "$work/certificates/good.pem"
message 'Subject: one' </dev/null >"$work/sent"
mkdir "$work/rows"

# inner RESULT HOW SERVICE-OPTION...: in a session of its own. HOW: alone, what
# sendmail does where nobody can be asked; locked, the same after the keyring was
# told to lock itself; ask, store: the keyring alone, with somebody to ask, and
# three seconds.
cat >"$work/inner" <<'END'
result=$1 how=$2
shift 2
if [ $# -gt 0 ]; then
  "$build/tests/relay/secret-service" log="$result.calls" host=localhost \
    user=me "$@" >"$result.ready" 2>&1 &
  service=$!
  trap 'kill -s KILL $service 2>/dev/null; wait $service 2>/dev/null' EXIT
  tries=0
  until grep -q ready "$result.ready"; do
    tries=$((tries + 1))
    kill -0 $service 2>/dev/null && [ $tries -lt 1000 ] || exit 1
    sleep 0.02
  done
fi
XDG_CONFIG_HOME=$HOME/config XDG_STATE_HOME=$HOME/state
export XDG_CONFIG_HOME XDG_STATE_HOME
mkdir -p "$XDG_CONFIG_HOME/postrider" "$XDG_STATE_HOME"
cp "$work/accounts" "$XDG_CONFIG_HOME/postrider/accounts"
export KEYRING_HOST=localhost KEYRING_USER=me
probe=$build/tests/e2e/keyring-probe
case $how in
locked) "$build/tests/relay/keyring-fault" lock && how=alone || exit 1 ;;
esac
begun=$(date +%s%N)
case $how in
alone) timeout 60 "$sendmail" -v you@example.net <"$work/sent" ;;
ask) timeout 60 "$probe" lookup 3 interactive ;;
store) printf secret | timeout 60 "$probe" store 3 ;;
esac >"$result.out" 2>"$result.err"
echo $? >"$result.status"
echo $((($(date +%s%N) - begun) / 1000000)) >"$result.ms"
for fate in queue held; do
  ! ls "$XDG_STATE_HOME/postrider/$fate" 2>/dev/null | grep -q . ||
    echo $fate >"$result.fate"
done
END
printf '[me]\nfrom = me@example.org\nhost = localhost\nport = %s\nuser = me\n' \
  "$port" >"$work/accounts"
printf 'trust-file = %s\n[postrider]\nstart-runner = no\nlog = %s\n' \
  "$work/certificates/ca.pem" "~/log" >>"$work/accounts"
export build work sendmail

# row NAME STATUS FATE LINE HOW SERVICE-OPTION...: FATE is queue, held, or gone;
# LINE is part of what is said. $mode and $address: of the session.
rows=0 mode=absent address= limit=5
row () {
  rows=$((rows + 1))
  printf '%s\n' "$1" >"$work/rows/$rows.name"
  printf '%s\n' "$2" "$3" "$limit" >"$work/rows/$rows.expected"
  printf '%s\n' "$4" >"$work/rows/$rows.line"
  shift 4
  (
    trap - EXIT
    set -- "$work/rows/$rows" "$@"
    timeout -k 5 60 sh "$source/tests/relay/keyring" $mode \
      "$work/rows/session$rows" ${address:+env} \
      ${address:+"DBUS_SESSION_BUS_ADDRESS=$address"} sh "$work/inner" "$@" \
      >"$work/rows/$rows.session" 2>&1
    echo $? >"$work/rows/$rows.ended"
  ) &
  started="$started $!"
  [ $((rows % 10)) != 0 ] || wait_for_rows
}
started=
wait_for_rows () {
  for process in $started; do
    wait "$process"
  done
  started=
}

told () { # told ROW
  { read -r told_status; read -r told_fate; read -r told_limit; } \
    <"$1.expected"
  cat "$1.session" "$1.out" "$1.err"
  status=$(cat "$1.status")
  exits "$told_status" && [ "$(cat "$1.fate" 2>/dev/null || echo gone)" = \
    "$told_fate" ] && cat "$1.out" "$1.err" | grep -qF -f "$1.line" &&
    [ "$(cat "$1.ms")" -le $((told_limit * 1000)) ]
}
report () {
  wait_for_rows
  echo '# keyring | exit status | fate | seconds | line'
  row=0
  while [ $row -lt $rows ]; do
    row=$((row + 1))
    result=$work/rows/$row
    name=$(cat "$result.name")
    [ "$(cat "$result.ended")" != 77 ] || {
      skip "$name" "$(tail -n 1 "$result.session")"
      continue
    }
    check "$name" told "$result"
    echo "# $name | $(cat "$result.status") |" \
      "$(cat "$result.fate" 2>/dev/null || echo gone) |" \
      "$(awk '{ printf "%.1f", $1 / 1000 }' "$result.ms") |" \
      "$(grep -hF -f "$result.line" "$result.err" "$result.out" |
        head -n 1 | sed 's/^postrider: account me: //')"
  done
}
called () { # called NAME CALL: in the row of this name
  cat "${called_row=$(grep -lxF "$1" "$work"/rows/*.name | sed 's/name$//')}calls"
  grep -qx "$2" "${called_row}calls"
  set -- $?
  unset called_row
  return "$1"
}
not_called () {
  ! called "$@"
}

silent='the keyring does not answer'
absent='no keyring runs in this session'
locked='the keyring is locked: unlock it'
dismissed='the keyring is locked, and unlocking it was cancelled'
unanswered='the keyring is locked and was not unlocked in time'
failed='the keyring failed'
none='the keyring has no password of'

# It never answers a call: the deadline is ten seconds, and one more.
limit=14
for call in service.GetAll service.SearchItems item.GetAll service.OpenSession \
  item.GetSecret; do
  row "hangs at $call" 0 queue "$silent" alone hang=$call
done
row "hangs at service.ReadAlias" 0 queue "$silent" alone \
  hang=service.ReadAlias items=0
row "hangs at collection.GetAll" 0 queue "$silent" alone \
  hang=collection.GetAll items=0
row "hangs at service.Unlock" 0 queue "$silent" alone hang=service.Unlock \
  locked=item
limit=6
row "hangs at prompt.Prompt" 1 gone "$unanswered" ask hang=prompt.Prompt \
  locked=item prompt=never
row "hangs at collection.CreateItem" 1 gone "$silent" store \
  hang=collection.CreateItem
limit=5

# It ends instead of answering.
row "ends at service.GetAll" 0 queue "$absent" alone vanish=service.GetAll
for call in service.SearchItems item.GetAll service.OpenSession \
  item.GetSecret; do
  row "ends at $call" 0 queue "the keyring" alone vanish=$call
done
row "ends at service.ReadAlias" 0 queue "the keyring" alone \
  vanish=service.ReadAlias items=0
row "ends at service.Unlock" 0 queue "the keyring" alone \
  vanish=service.Unlock locked=item
row "ends at prompt.Prompt" 1 gone "the keyring" ask vanish=prompt.Prompt \
  locked=item prompt=answer
row "ends at collection.CreateItem" 1 gone "the keyring" store \
  vanish=collection.CreateItem

# It refuses a call, or answers it with something else.
for fault in refuse garbage; do
  row "$fault: service.GetAll, which is not needed" 0 gone "<- 250 2.0.0" alone \
    $fault=service.GetAll
  for call in service.SearchItems item.GetAll service.OpenSession \
    item.GetSecret; do
    row "$fault: $call" 0 queue "the keyring" alone $fault=$call
  done
  row "$fault: service.Unlock" 0 queue "the keyring" alone \
    $fault=service.Unlock locked=item
done

# Prompts.
row "an item is locked, and opens by itself" 0 gone "<- 250 2.0.0" alone locked=item
row "all is locked, and opens by itself" 0 gone "<- 250 2.0.0" alone locked=all
row "locked, a prompt, nobody to ask" 0 queue "$locked" alone locked=item \
  prompt=answer
row "all locked, a prompt, nobody to ask" 0 queue "$locked" alone locked=all \
  prompt=answer
row "locked, the prompt is answered" 0 gone secret ask locked=item \
  prompt=answer
row "locked, the prompt is dismissed" 1 gone "$dismissed" ask locked=item \
  prompt=dismiss
row "locked, the prompt is never answered" 1 gone "$unanswered" ask \
  locked=item prompt=never

# What it has.
row "an item" 0 gone "<- 250 2.0.0" alone items=1
row "no default collection" 0 gone "<- 250 2.0.0" alone alias=none
row "no item" 77 held "$none" alone items=0
row "no item, and no default collection" 77 held "$none" alone items=0 \
  alias=none
row "two items: the newest" 0 gone "<- 250 2.0.0" alone items=2
row "a hundred items: the newest" 0 gone "<- 250 2.0.0" alone items=100
row "an empty secret" 77 held 'is empty' alone secret=
row "a binary secret" 77 held 'is not one line of text' alone \
  'secret=\377\376'
row "a secret with a line feed" 77 held 'is not one line of text' alone \
  'secret=sec\nret'
row "a secret with CR LF" 77 held 'is not one line of text' alone \
  'secret=secret\r\n'
row "a secret of 64 KiB" 77 held 'refused the login' alone size=65536
row "a secret of 64 KiB and one" 77 held 'is not one line of text' alone \
  size=65537
row "a secret of 4 MiB" 77 held 'is not one line of text' alone size=4194304
row "a secret that is called an image" 0 gone "<- 250 2.0.0" alone type=image/png
row "a secret of no type" 0 gone "<- 250 2.0.0" alone type=

# Addresses of the bus.
unreachable='cannot ask the keyring: the session bus cannot be reached'
mode=nobus
for address in nonsense unix: unix:path= "unix:path=$work/sent" \
  unix:path=/nonexistent "unix:path=$work" unix:abstract=/nobody \
  tcp:host=localhost,port=1 'unixexec:path=/bin/touch,argv1=/nonexistent/x' \
  'unix:path=/nonexistent;unix:path=/dev/null' 'unix:path=%zz' 'a b:c' ';;;'; do
  row "address $address" 0 queue "$unreachable" alone
done
long=$(head -c 60000 /dev/zero | tr '\0' x)
address=unix:path=/$long
row "an address of 60000 octets" 0 queue "$unreachable" alone
address=autolaunch:
row "address autolaunch:" 0 queue "the keyring" alone
address=

# Other keyrings.
export KEYRING_HOST=localhost KEYRING_USER=me KEYRING_PASSWORD=secret
mode=keepassxc
row "KeePassXC" 0 gone "<- 250 2.0.0" alone
mode=kwallet
row "KWallet" 0 gone "<- 250 2.0.0" alone
limit=14
row "KWallet locks itself" 0 queue "the keyring" locked
mode=kwallet-locked
row "KWallet, not opened yet" 0 queue "the keyring" alone
limit=5

# Signs of a sandbox, in which libsecret has its secrets elsewhere.
mode=open
for variable in SNAP_NAME=x FLATPAK_ID=org.example.x container=flatpak; do
  export "$variable"
  row "$variable" 0 gone "<- 250 2.0.0" alone
  unset "${variable%%=*}"
done

report
flatpak () {
  unshare --mount true || return 77
  mkdir "$work/upper" "$work/over" "$work/root" &&
    unshare --mount --propagation private sh -c '
      mount -t tmpfs none "$work/over" &&
        mkdir "$work/over/upper" "$work/over/work" &&
        mount -t overlay overlay "$work/root" \
          -o "lowerdir=/,upperdir=$work/over/upper,workdir=$work/over/work" &&
        for place in dev proc tmp run; do
          mount --rbind /$place "$work/root/$place" || exit 77
        done && : >"$work/root/.flatpak-info" || exit 77
      exec chroot "$work/root" sh "$source/tests/relay/keyring" open \
        "$work/rows/flatpak" sh -c "test -f /.flatpak-info || exit 77
          $build/tests/e2e/keyring-probe lookup 10"' >"$work/flatpak" 2>&1
}
export source
flatpak
case $? in
77) skip "/.flatpak-info is there" "there is no overlay of the root to be had" ;;
*) check "/.flatpak-info is there" grep -qx secret "$work/flatpak" ;;
esac

check "nobody is asked where nobody is" \
  not_called "locked, a prompt, nobody to ask" prompt.Prompt
check "that would have been seen" \
  called "locked, the prompt is answered" prompt.Prompt
warned () {
  cat "$work"/rows/session*/home/log | grep 'matches=2 used=newest'
}
check "the log tells of the second one" warned
end
