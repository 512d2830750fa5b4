# lib.sh - end-to-end tests: the program as built, between real callers and real
# relays, with a home, a bus and a keyring of its own. Sourced by the scripts.
#
#   need..., then begin [SECONDS]   the limit of the whole script; else 180
#   check NAME COMMAND...           one TAP result
#   end                             last
#
# No runner starts by itself, unless a script takes `start-runner = no' out of
# $accounts.
#
# All is below $work, which is removed in the end with all processes that were
# started by `keep', and runners that started by themselves. Variables: $source
# and $build (directories), $sendmail (a link to the program), $status, $work/out
# and $work/err (of the last `submit'), $work/log (the program's log), $state (the
# queue's directory), $accounts.
set -u
source=${G_TEST_SRCDIR:-$(cd "$(dirname "$0")/../.." && pwd)}
build=${G_TEST_BUILDDIR:-$source/build}
PATH=$build:$PATH:/usr/sbin:/sbin
LC_ALL=C.UTF-8
export PATH LC_ALL

count=0 failures=0 kept= stops=

# TAP

diagnose () { # on stdin
  sed 's/^/# /'
}

check () {
  check_name=$1
  shift
  count=$((count + 1))
  if "$@" >"$work/check" 2>&1; then
    echo "ok $count - $check_name"
  else
    failures=$((failures + 1))
    echo "not ok $count - $check_name"
    echo "failed: $*" | diagnose
    head -n 30 "$work/check" | diagnose
  fi
}

skip () { # skip NAME REASON
  count=$((count + 1))
  echo "ok $count - $1 # SKIP $2"
}

skip_all () { # before begin
  echo "1..0 # SKIP $*"
  exit 0
}

need () { # need COMMAND...
  for command; do
    command -v "$command" >/dev/null ||
      skip_all "$command is not installed; see ./bootstrap deps"
  done
}

need_root () {
  [ "$(id -u)" = 0 ] || skip_all "only root can ${1:-start mail servers}"
}

# need_own_network COMMAND...: before begin; the script runs once more, in a network
# and mounts of its own, where COMMAND works in such a one.
need_own_network () {
  need_root 'have a network of its own'
  need unshare ip
  [ -z "${own_network-}" ] || return 0
  unshare --mount --net "$@" 2>/dev/null ||
    skip_all 'a network of its own cannot be had here'
  own_network=yes
  export own_network
  exec unshare --mount --net --propagation private sh "$0"
}

end () {
  echo "1..$count"
  finished=yes
  [ $failures = 0 ]
  exit
}

# What a script leaves

# The script runs once more, inside a session with an empty and unlocked keyring, all
# of it below $place, if that is set.
# One that hangs is ended, and has failed then: it printed no plan.
begin () {
  if [ -z "${postrider_work-}" ]; then
    need dbus-daemon gnome-keyring-daemon secret-tool certtool
    postrider_work=$(mktemp -d "${place:-/tmp}/postrider.XXXXXX") || exit 1
    export postrider_work
    chmod 755 "$postrider_work"
    exec timeout -k 10 "${1:-180}" sh "$source/tests/relay/keyring" empty \
      "$postrider_work/session" sh "$0"
  fi
  work=$postrider_work
  unset postrider_work
  finished=
  trap leave EXIT
  trap 'exit 1' HUP INT PIPE TERM
  mkdir "$work/bin"
  ln -s "$build/postrider" "$work/bin/sendmail"
  sendmail=$work/bin/sendmail
  XDG_CONFIG_HOME=$HOME/.config
  XDG_STATE_HOME=$HOME/.local/state
  export XDG_CONFIG_HOME XDG_STATE_HOME
  unset LANGUAGE EMAIL
  state=$XDG_STATE_HOME/postrider
  accounts=$XDG_CONFIG_HOME/postrider/accounts
  mkdir -p "$XDG_STATE_HOME" "${accounts%/*}"
  printf '[postrider]\nlog = %s\nstart-runner = no\n' "$work/log" >"$accounts"
  chmod 600 "$accounts"
  cd "$work" || exit 1
}

# Runs in the end: stops COMMAND...
at_end () {
  stops="$* ; $stops"
}

keep () { # keep PID: to be ended
  kept="$kept $1"
}

leave () {
  trap '' HUP INT PIPE TERM
  if [ $failures != 0 ] || [ -z "$finished" ]; then
    for file in "$work/err" "$work/log" "$work"/*/log; do
      [ -s "$file" ] || continue
      echo "$file:" | diagnose
      tail -n 40 "$file" | diagnose
    done
  fi
  cd /
  eval "$stops"
  [ -z "$kept" ] || kill -s KILL $kept
  kept=$(runners)
  [ -z "$kept" ] || kill -s KILL $kept
  rm -rf "$work"
} 2>/dev/null

# Waiting

# await COMMAND...: until it succeeds, for thirty seconds.
await () {
  await_until=$(($(date +%s) + ${await_seconds:-30}))
  until "$@"; do
    [ "$(date +%s)" -le $await_until ] || return 1
    sleep 0.02
  done
}

# ended PID: it has, whether somebody has waited for it or not.
ended () {
  ! grep -qs '^State:[[:space:]]*[^Z[:space:]]' "/proc/$1/status"
}

# files N DIRECTORY: so many are in it.
files () {
  [ "$(find "$2" -type f 2>/dev/null | wc -l)" = "$1" ]
}

# Accounts

# account NAME SETTING...: appends a section, for NAME@example.org; each SETTING
# "name = value".
account () {
  printf '\n[%s]\nfrom = %s@example.org\n' "$1" "$1" >>"$accounts"
  shift
  printf '%s\n' "$@" >>"$accounts"
}

# relay_account NAME RELAY PORT-NAME [SETTING...]: of the one who may log in.
relay_account () {
  account_name=$1 relay_name=$2 relay_port=$(port "$2" "$3")
  shift 3
  account "$account_name" "host = localhost" "port = $relay_port" \
    "user = $relay_user" "trust-file = $work/$relay_name/certificates/ca.pem" \
    "$@"
}

# password ACCOUNT PASSWORD
password () {
  printf '%s\n' "$2" | postrider password set "$1" >"$work/out"
}

# Relays

# Who may log in at the relays.
eval "$(grep '^relay_' "$source/tests/relay/lib.sh")"

# start_relay NAME: postfix or exim, in $work/NAME.
start_relay () {
  "$source/tests/relay/$1" start "$work/$1" || exit 1
  at_end "'$source/tests/relay/$1' stop '$work/$1'"
}

port () { # port RELAY NAME
  sed -n "s/^$2=//p" "$work/$1/ports"
}

make_certificates () { # in $work/certificates
  "$source/tests/relay/certificates" "$work/certificates" || exit 1
}

# start_scripted OPTION...: tests/relay/scripted-relay, on $port; its record is in
# $work/record.
start_scripted () {
  rm -f "$work/port"
  "$build/tests/relay/scripted-relay" --port-file "$work/port" \
    --record "$work/record" "$@" >"$work/scripted.log" 2>&1 &
  scripted=$!
  keep $scripted
  await [ -s "$work/port" ] || {
    cat "$work/scripted.log" >&2
    exit 1
  }
  port=$(cat "$work/port")
}

# stop_scripted: the last one; it ends what is left of its connections.
stop_scripted () {
  kill -s TERM $scripted && wait $scripted
}

# dialogue NAME: for the scripted relay, on stdin.
dialogue () {
  cat >"$work/$1"
}

# become ARGUMENT...: another scripted relay, with the same port.
scripted= port=0
become () {
  [ -z "$scripted" ] || stop_scripted
  rm -rf "$work/record"
  start_scripted --port "$port" --certificate "$work/certificates/good.pem" "$@"
}

served () { # by one that behaves
  become --serve
}

# scripted_account NAME [SETTING...]: for the scripted relay, of the one who may
# log in there with the password "secret".
scripted_account () {
  account_name=$1
  shift
  account "$account_name" 'host = localhost' "port = $port" 'user = me' \
    "trust-file = $work/certificates/ca.pem" "$@"
}

# connections N [RECORD]: the scripted relay has seen so many.
connections () {
  connections_n=$(ls "${2:-$work/record}"/*.log 2>/dev/null | wc -l)
  [ "$connections_n" = "$1" ] || {
    echo "$connections_n connections, not $1"
    return 1
  }
}

# heard N PATTERN: the scripted relay was told so many lines like this one.
heard () {
  heard_n=$(cat "$work"/record/*.log 2>/dev/null | grep -c -- "< $2")
  [ "$heard_n" = "$1" ] || {
    echo "$heard_n lines like $2, not $1"
    return 1
  }
}

# Many messages

# numbered N: message N, which says so.
numbered () {
  printf '%s\n' 'From: Me <me@example.org>' 'To: you@example.net' \
    'Date: Thu, 01 Oct 2026 12:00:00 +0000' "Message-ID: <$1@example.org>" \
    "Subject: number $1" "X-Number: $1" '' "This is number $1."
}

# numbers DIRECTORY: of the messages that arrived there; it is the record of the
# scripted relay, or a relay's mail.
numbers () {
  find "$1" -type f \( -name '*.message-*' -o -path '*/new/*' \) -exec awk '
    FNR == 1 { header = 1 }
    /^\r?$/ { header = 0 }
    header && /^X-Number:/ { print $2 + 0 }' {} + | sort -n
}

# each_once FIRST LAST DIRECTORY: these arrived there, and nothing twice.
each_once () {
  numbers "$3" >"$work/numbers"
  seq "$1" "$2" | diff - "$work/numbers"
}

# enqueue FIRST LAST ARGUMENT...: these messages, with no attempt.
enqueue () {
  enqueue_n=$1 enqueue_last=$2
  shift 2
  while [ $enqueue_n -le "$enqueue_last" ]; do
    numbered $enqueue_n | timeout 60 "$sendmail" -odq "$@" || return
    enqueue_n=$((enqueue_n + 1))
  done
}

# at_once FIRST LAST ARGUMENT...: as many callers submit these messages at the
# same time, each with -f me@example.org unless ARGUMENT says otherwise. Their
# statuses are in $work/statuses, all they print in $work/printed.
at_once () {
  at_once_n=$1 at_once_last=$2 at_once_pids=
  shift 2
  rm -f "$work"/status.* "$work"/printed.*
  while [ $at_once_n -le "$at_once_last" ]; do
    {
      numbered $at_once_n |
        timeout 120 "$sendmail" "$@" >"$work/printed.$at_once_n" 2>&1
      echo $? >"$work/status.$at_once_n"
    } &
    at_once_pids="$at_once_pids $!"
    at_once_n=$((at_once_n + 1))
  done
  wait $at_once_pids
  cat "$work"/status.* >"$work/statuses"
  cat "$work"/printed.* >"$work/printed"
  rm -f "$work"/status.* "$work"/printed.*
}

all_exit () { # all_exit STATUS: of at_once.
  ! grep -v "^$1\$" "$work/statuses"
}

# Runners

# The processes of this user's queue that nobody waits for. They hide what they are
# from all but root: others see none.
runners () {
  for process in $(grep -lsz "^XDG_STATE_HOME=$XDG_STATE_HOME\$" \
    /proc/[0-9]*/environ); do
    process=${process%/environ}
    case $(readlink "$process/exe") in
    "$build/postrider"*) echo "${process#/proc/}" ;;
    esac
  done 2>/dev/null
}

# None lives, and none is left. A process that makes no core file shows nothing of
# itself but to root; its lock shows to all.
no_runner () {
  set -- $(runners)
  [ $# = 0 ] || {
    ps -o pid,stat,args -p "$(echo "$@" | tr ' ' ,)"
    return 1
  }
  [ ! -e "$state/runner.lock" ] ||
    ! grep "OFDLCK .*:$(stat -c %i "$state/runner.lock") " /proc/locks
}

# start_runner ARGUMENT...: `postrider run', in the background; its PID is
# $runner.
start_runner () {
  postrider run "$@" >"$work/runner.out" 2>&1 &
  runner=$!
  keep $runner
}

children () { # children PID: those of it
  ps -o pid= --ppid "$1" | tr -d ' '
}

# turns_of PID: those of a runner's processes that speak with relays.
turns_of () {
  for turns_of_child in $(children "$1"); do
    children "$turns_of_child"
  done
}

# family PID: it, its children, theirs, and so on.
family () {
  ps -A -o pid=,ppid= | awk -v pid="$1" '
    { parent[$1] = $2 }
    END {
      for (one in parent)
        for (up = one; up in parent; up = parent[up])
          if (up == pid) {
            print one
            break
          }
    }'
}

# end_runner [SIGNAL]: and it has ended, with all that it has started.
end_runner () {
  set -- "${1:-TERM}" $(family $runner)
  kill -s "$1" $runner
  wait $runner
  shift
  for process; do
    await ended "$process"
  done
} 2>/dev/null

# run_once [ARGUMENT...]: what is due now.
run_once () {
  timeout 120 postrider run --once "$@" >"$work/out" 2>"$work/err"
  status=$?
}

# self_starting: what sendmail starts by itself, it may start from now on.
self_starting () {
  sed -i '/^start-runner/d' "$accounts"
}

# start_desktop: what it shows is in $work/shown, a line each.
start_desktop () {
  : >"$work/shown"
  "$build/tests/e2e/notification-daemon" "$work/shown" >"$work/desktop" 2>&1 &
  keep $!
  await grep -q ready "$work/desktop" || exit 1
}

shown () { # shown N: so many notifications
  cat "$work/shown"
  [ "$(wc -l <"$work/shown")" = "$1" ]
}

# Another time

# at OFFSET COMMAND...: by a clock that is so much ahead ("+1y", "-3d", "+60").
at () {
  at_offset=$1
  shift
  LD_PRELOAD=$faketime FAKETIME=$at_offset
  FAKETIME_DONT_FAKE_MONOTONIC=1 NO_FAKE_STAT=1
  export LD_PRELOAD FAKETIME FAKETIME_DONT_FAKE_MONOTONIC NO_FAKE_STAT
  "$@"
  set -- $?
  unset LD_PRELOAD FAKETIME FAKETIME_DONT_FAKE_MONOTONIC NO_FAKE_STAT
  return "$1"
}

need_faketime () { # before begin
  need faketime
  faketime=$(faketime -m -f +0 sh -c 'echo "$LD_PRELOAD"')
  ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}verify_asan_link_order=0
  export ASAN_OPTIONS
}

with_sanitizers () {
  grep -q '^HARDEN_CFLAGS.*fsanitize' "$build/Makefile"
}

# A machine of one's own

# in_machine SCRIPT: runs SCRIPT (a file; by sh, as root) where other processes
# are not seen and end with it, /run is empty, cron has nothing to do, and there
# is a user rider with the home $work/rider. False where that cannot be had.
in_machine () {
  unshare --mount --pid --fork --kill-child --mount-proc --propagation private \
    sh "$source/tests/e2e/machine" "$work" "$@"
}

# provide_sysconfdir: sets sysconfdir to where this build has the system's accounts,
# a directory that a machine can cover.
provide_sysconfdir () {
  prefix=$(sed -n 's/^prefix = //p' "$build/Makefile")
  eval "sysconfdir=$(sed -n 's/^sysconfdir = //p' "$build/Makefile")"
  [ -d "$sysconfdir" ] || {
    mkdir -p "$sysconfdir"
    at_end "rmdir -p '$sysconfdir'"
  }
  export sysconfdir
}

has_machine () {
  unshare --mount --pid --fork --kill-child --mount-proc --propagation private \
    mount -t tmpfs none /run 2>/dev/null
}

# Messages

# message [HEADER-LINE...]: a complete header, and the body from stdin.
message () {
  printf '%s\n' 'From: Me <me@example.org>' 'To: you@example.net' \
    'Date: Thu, 01 Oct 2026 12:00:00 +0000' \
    "Message-ID: <$count.$$@example.org>" "$@" ''
  cat
}

# submit ARGUMENT...: the message on stdin.
submit () {
  timeout 60 "$sendmail" "$@" >"$work/out" 2>"$work/err"
  status=$?
}

exits () { # exits STATUS: the last submit did.
  [ "$status" = "$1" ] || {
    echo "status $status, not $1"
    return 1
  }
}

silent () { # The last submit said nothing.
  ! cat "$work/out" "$work/err" | grep .
}

# arrived MAILDIR: the one message in it, as the relay received it, in
# $work/arrived, and not in MAILDIR any more.
arrived () {
  await files 1 "$1/new" || {
    echo "$(find "$1/new" -type f | wc -l) messages in $1"
    return 1
  }
  set -- "$1"/new/*
  without_trace "$1" >"$work/arrived"
  rm "$1"
}

# A message without what the relay put before it: Return-Path, X-Original-To,
# Delivered-To, and one Received.
without_trace () {
  skipped=$(LC_ALL=C awk '
    /^[ \t]/ { n += length ($0) + 1; next }
    /^(Return-Path|X-Original-To|Delivered-To):/ { n += length ($0) + 1; next }
    /^Received:/ && !received { received = 1; n += length ($0) + 1; next }
    { print n + 1; exit }' "$1")
  tail -c "+$skipped" "$1"
}

# came FILE MAILDIR: that message, byte for byte.
came () {
  arrived "$2" && cmp "$1" "$work/arrived"
}

queued () { # queued N [held|corrupt|queue]
  files "$1" "$state/${2:-queue}" || {
    find "$state" -type f | head -n 30
    return 1
  }
}
