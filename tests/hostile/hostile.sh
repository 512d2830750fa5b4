# hostile.sh - sendmail against relays that break the protocol; sourced by a
# script for each group, which then says: hostile DIRECTORY
#
# Every *.dialogue of the directory is run against the scripted relay (its
# language: tests/relay/dialogue.h), over implicit TLS and over STARTTLS. What
# has to come of it stands at its head:
#
#   #: exit N           of sendmail; 0 unless said; any
#   #: fate WHERE       queued, held or gone; queued unless said. any: queued or
#                      held
#   #: notifications N  to the sender, queued besides; 0 unless said
#   #: stage NAME       of the log line
#   #: log REGEX        the log line matches
#   #: unlogged REGEX   and does not match this
#   #: logins N         so many AUTH lines reached the relay; 0 unless said
#   #: messages N       so many whole messages did; 0, or 1 where the fate is gone
#   #: ends N           so many ends of data; as many unless said
#   #: connections N    1 unless said
#   #: waits TIMEOUT... it lasts as long as these timeouts of the account
#                       together, no less and hardly more: "command" for
#                       timeout-command. Unless said, nothing is waited for
#   #: seconds N        so much more is given to it at the most; 5 unless said
#   #: modes MODE...    implicit starttls unless said
#   #: for NAME A|B|... runs once for each value of the variable
#   #: account SETTING  one more line of the account; %{NAME} is replaced
#   #: tokens TOKEN...  the account has a command that prints these, one after the
#                      other and the last one again and again
#   #: relay OPTION...  more options of the scripted relay; the same
#   #: certificate NAME good unless said; the same
#   #: to ADDRESS...    recipients; one@example.org unless said
#   #: many N           so many recipients instead
#   #: size N           octets of the body; a few hundred unless said
#   #: queue N          so many messages wait, and go one after the other
#   #: left N           so many of them are queued or held then; 1 unless said
#   #: listed yes       what the commands show of the queue is looked at as well
#   #: shut no          the relay need not see the end of the dialogue
#
# Of each run a line is printed that says what became of it: exit status, fate,
# milliseconds and how many there may be, what was said in clear and in how many
# octets, AUTH lines. And in the end one for each dialogue.
#
# And always, whatever the relay does: outside TLS nothing but EHLO, STARTTLS and
# QUIT; never HELO; nothing sent before its time; no password, whether plain or
# base64, in log, output (with the conversation that -v shows) or state; no
# control character in log or output; a message that arrived is the one that was
# sent.
#
# In the environment: HOSTILE_ONLY=NAME, only dialogues whose names hold NAME;
# HOSTILE_PEER=msmtp, another client is put in front of the same relays
# (tests/hostile/msmtp); HOSTILE_LIMIT=SECONDS, of the whole script.

here=$(cd "$(dirname "$0")" && pwd)
build=${G_TEST_BUILDDIR:-$PWD}
relay_tools=${G_TEST_SRCDIR:-$here/../..}/tests/relay
password='s3cr3t-Pa55%word'
nl='
'
cr=$(printf '\r')

# A keyring that holds the password, then this script again.
if [ -z "${HOSTILE_DIRECTORY-}" ]; then
  command -v certtool >/dev/null || {
    echo "1..0 # SKIP certtool is not installed"
    exit 0
  }
  HOSTILE_DIRECTORY=$(mktemp -d) || exit 1
  export HOSTILE_DIRECTORY
  trap 'rm -rf "$HOSTILE_DIRECTORY"' EXIT
  # A script that hangs is ended, and has failed then: it printed no plan.
  KEYRING_USER=me KEYRING_PASSWORD=$password timeout -k 10 "${HOSTILE_LIMIT:-600}" \
    "$relay_tools/keyring" open "$HOSTILE_DIRECTORY/keyring" sh "$0"
  status=$?
  [ $status != 77 ] || echo "1..0 # SKIP there is no keyring here"
  exit $status
fi

directory=$HOSTILE_DIRECTORY
password_base64=$(printf %s "$password" | base64)
password_plain=$(printf '\0me\0%s' "$password" | base64)

# Further keys that a script looks at.
more_keys=

# What the head of the dialogue says, in variables say_NAME.
read_head () {
  say_tokens=
  say_exit=0 say_fate=queued say_stage= say_log= say_unlogged= say_logins=0
  say_messages= say_ends= say_connections=1 say_seconds=5 say_account= say_relay=
  say_notifications=0 say_waits= say_queue=0 say_left=1
  say_listed=no
  say_host=localhost say_hosts= say_asked= say_dns=
  say_modes='implicit starttls' say_for= say_certificate=good say_shut=yes
  say_to=one@example.org say_many=0 say_size=0
  while IFS= read -r line; do
    case $line in
    '#: tokens '*) say_tokens=${line#*: tokens } ;;
    '#: account '*)
      replace "${line#*: account }"
      say_account=$say_account$replaced$nl
      ;;
    '#: dns '*)
      replace "${line#*: dns }"
      say_dns=$say_dns$replaced$nl
      ;;
    '#: '*' '*)
      key=${line#*: }
      replace "${key#* }"
      key=${key%% *}
      case " exit fate notifications stage log unlogged logins messages ends connections seconds \
relay modes for certificate to many size shut waits queue left listed $more_keys " in
      *" $key "*) eval "say_$key=\$replaced" ;;
      esac
      ;;
    '#'*) ;;
    *) break ;;
    esac
  done <"$dialogue"
  [ "$say_fate" != gone ] || : "${say_messages:=1}"
  : "${say_messages:=0}"
  : "${say_ends:=$say_messages}"
}

# replace TEXT: $replaced, with the variable's value in its place.
replace () {
  replaced= rest=$1
  [ -n "$variable" ] || rest= replaced=$1
  while :; do
    case $rest in
    *"%{$variable}"*)
      replaced=$replaced${rest%%"%{$variable}"*}$setting
      rest=${rest#*"%{$variable}"}
      ;;
    *) break ;;
    esac
  done
  replaced=$replaced$rest
}

write_account () { # write_account PORT
  tls=implicit
  [ "$mode" = starttls ] && tls=starttls
  cat <<END
[postrider]
log = $case/log
start-runner = no
[test]
from = me@example.org
host = $say_host
user = me
trust-file = $directory/certificates/ca.pem
port = $1
tls = $tls
END
  for default in 'connect = 10s' 'command = 10s' 'data = 10s' 'block = 10s' \
    'end-of-data = 10s' 'quit = 1s'; do
    case $nl$say_account in
    *"${nl}timeout-${default%% *} "*) ;;
    *) printf 'timeout-%s\n' "$default" ;;
    esac
  done
  printf '%s' "$say_account"
  [ -z "$say_tokens" ] || printf 'token-command = %s/token\n' "$case"
}

write_token_command () {
  cat <<END
#!/bin/sh
echo asked >>'$case/asked'
set -- $say_tokens
n=\$(wc -l <'$case/asked')
[ \$n -le \$# ] || n=\$#
shift \$((n - 1))
echo "\$1"
END
}

write_body () {
  printf '%s\n' 'A line.' '.' '..' '.dot' '' 'From here' \
    'QUIT' 'a line of some length that says nothing in particular, twice.'
  [ "$say_size" = 0 ] || awk -v n="$say_size" 'BEGIN {
    for (i = 0; i < n; i += 70)
      printf "%069d\n", i
  }'
  printf '%s\n' 'The end.'
}

write_message () {
  printf '%s\n' 'From: me@example.org' 'To: one@example.org' 'Subject: test' ''
  cat "$case/body"
}

# run_relay: started, and its port known, when this returns.
run_relay () {
  # shellcheck disable=SC2086 # options are words
  set -- $say_relay
  [ "$mode" = implicit ] || set -- "$@" --starttls
  [ -z "$variable" ] || set -- "$@" --set "$variable=$setting"
  mkfifo "$case/port"
  "$build/tests/relay/scripted-relay" \
    --certificate "$directory/certificates/$say_certificate.pem" \
    --password "$password" --record "$case/relay" "$@" "$dialogue" \
    >"$case/port" 2>"$case/relay.err" &
  relay_pid=$!
  read -r port <"$case/port"
}

recipients () {
  if [ "$say_many" = 0 ]; then
    echo "$say_to"
  else
    awk -v n="$say_many" 'BEGIN { for (i = 0; i < n; i++) print i "@example.org" }'
  fi
}

postrider () { # postrider COMMAND...: with the accounts and the state of the case
  command=$1
  shift
  XDG_STATE_HOME="$case/state" timeout -s KILL 30 "$build/postrider" \
    "$command" -C "$case/accounts" "$@"
}

submit () { # submit ARGUMENT...
  # shellcheck disable=SC2046 # recipients are words
  postrider sendmail "$@" -f me@example.org $(recipients) <"$case/message"
}

# Of those that wait in the queue the first is sent, and then the next.
enqueue () {
  for waiting in $(seq "$say_queue"); do
    submit -odq
  done
  : >"$case/log"
}

run_sendmail () {
  write_account "$port" >"$case/accounts"
  chmod 600 "$case/accounts"
  write_token_command >"$case/token"
  chmod 700 "$case/token"
  mkdir "$case/state"
  write_body >"$case/body"
  write_message >"$case/message"
  [ "$say_queue" = 0 ] || enqueue
  start=$(date +%s%3N)
  if [ "$say_queue" = 0 ]; then
    submit -v
  else
    postrider run --once
  fi >"$case/out" 2>&1
  status=$?
  milliseconds=$(($(date +%s%3N) - start))
}

stop_relay () {
  kill -s TERM "$relay_pid"
  wait "$relay_pid"
}

# The timeouts of the account that $say_waits names, in milliseconds, together.
deadline () {
  awk -v names=" $say_waits " '
    /^timeout-/ {
      name = substr ($1, length ("timeout-") + 1)
      if (index (names, " " name " "))
        sum += $3 ~ /ms$/ ? $3 + 0 : ($3 + 0) * 1000
    }
    END { print sum + 0 }' "$case/accounts"
}

complain () {
  complaints="$complaints$*$nl"
}

count () { # count FILE...: $counted, those that exist
  counted=0
  for file; do
    [ ! -e "$file" ] || counted=$((counted + 1))
  done
}

# What the relay's logs hold, in variables.
read_relay () {
  logs=0 auth=0 helo=0 early=0 ok=0 messages=0 whole=0 clean=0
  [ -e "$case/relay/1.log" ] || return 0
  eval "$(awk '
    BEGIN { logs = auth = helo = early = ok = messages = whole = clean = 0 }
    FNR == 1 { logs++ }
    / - message [0-9]+ / { messages++ }
    / - message [0-9]+ whole: / { whole++ }
    / - message .* 0 bare CR, 0 bare LF, / { clean++ }
    / - early: / { early++ }
    $2 == "<" && $3 == "AUTH" { auth++ }
    $2 == "<" && $3 == "HELO" { helo++ }
    /^verdict ok/ { ok++ }
    END {
      printf "logs=%d auth=%d helo=%d early=%d ok=%d ", logs, auth, helo,
        early, ok
      printf "messages=%d whole=%d clean=%d", messages, whole, clean
    }' "$case"/relay/*.log)"
}

check_fate () {
  count $(grep -laxF 'notification 1' "$case"/state/postrider/queue/* 2>/dev/null)
  [ $counted = "$say_notifications" ] || complain "$counted notifications"
  notifications=$counted
  count "$case"/state/postrider/queue/*
  queued=$((counted - notifications))
  count "$case"/state/postrider/held/*
  held=$counted
  count "$case"/state/postrider/corrupt/*
  fate=gone
  [ $held = 0 ] || fate=held
  [ $queued = 0 ] || fate=queued
  case $say_fate:$queued:$held:$counted in
  queued:$say_left:0:0 | held:0:$say_left:0 | gone:0:0:0 | any:1:0:0 | any:0:1:0) ;;
  *) complain "not $say_fate: $queued queued, $held held, $counted corrupt" ;;
  esac
}

# What was said in clear, and how many octets that were.
read_clear () {
  clear=$(cat "$case"/relay/*.clear 2>/dev/null | LC_ALL=C awk '
    /^(EHLO [][0-9A-Za-z.:]+|STARTTLS|QUIT)\r$/ {
      sub (/\r/, "")
      words = words (words == "" ? "" : "+") $1
      octets += length ($0) + 2
    }
    END { print words == "" ? "-" : words "=" octets }')
}

# Nothing but EHLO, STARTTLS and QUIT in clear, apart from TLS's own records,
# which begin with 20 to 23 and 3.
check_clear () {
  for file in "$case"/relay/*.clear; do
    [ -s "$file" ] || continue
    LC_ALL=C sed -E '/^(EHLO [][0-9A-Za-z.:]+|STARTTLS|QUIT)\r$/d' "$file" \
      >"$case/odd"
    [ -s "$case/odd" ] || continue
    case $(head -c 2 "$case/odd" | od -An -tx1) in
    ' 1'[4-7]' 03')
      ! LC_ALL=C grep -qaE '(HELO|EHLO|AUTH|MAIL|RCPT|DATA|STARTTLS)' \
        "$case/odd" || complain "commands behind TLS records in clear"
      ;;
    *) complain "in clear: $(head -c 300 "$case/odd")" ;;
    esac
  done
}

check_relay () {
  [ ! -s "$case/relay.err" ] || complain "relay: $(cat "$case/relay.err")"
  read_relay
  [ "$logs" = "$say_connections" ] || complain "$logs connections"
  [ "$auth" = "$say_logins" ] || complain "$auth AUTH lines"
  [ "$helo" = 0 ] || complain "HELO"
  [ "$early" = 0 ] || complain "sent before its time"
  [ "$ok" = "$say_connections" ] || [ "$say_shut" = no ] ||
    complain "the dialogue failed"
}

check_messages () {
  [ "$whole" = "$say_messages" ] || complain "$whole messages arrived"
  ends=$(cat "$case"/relay/*.tls 2>/dev/null | LC_ALL=C grep -caxF ".$cr")
  [ "$ends" = "$say_ends" ] || complain "$ends ends of data were sent"
  [ "$clean" = "$messages" ] || complain "bare CR or LF"
  [ "$whole" = 0 ] || for message in "$case"/relay/*.message-*; do
    grep -q " - message ${message##*-} whole" "${message%.message-*}.log" ||
      continue
    tr -d '\r' <"$message" | sed '1,/^$/d' | cmp -s - "$case/body" ||
      complain "${message##*/} is not what was sent"
  done
}

check_log () {
  touch "$case/log"
  [ -z "$say_stage" ] || grep -q " stage=$say_stage " "$case/log" ||
    complain "the stage is not $say_stage"
  [ -z "$say_log" ] || grep -qE -- "$say_log" "$case/log" ||
    complain "the log does not say $say_log"
  [ -z "$say_unlogged" ] || ! grep -qE -- "$say_unlogged" "$case/log" ||
    complain "the log says $say_unlogged"
  [ -s "$case/log" ] || complain "nothing was logged"
}

# The words of a relay are in what these show, too.
list_queue () {
  postrider queue list
  for entry in "$case"/state/postrider/queue/* "$case"/state/postrider/held/*; do
    [ ! -e "$entry" ] || postrider queue show "${entry##*/}"
  done
}

check_secrets () {
  [ "$say_listed" = no ] || list_queue >>"$case/out" 2>&1
  ! grep -rqF -e "$password" -e "$password_base64" -e "$password_plain" \
    "$case/log" "$case/out" "$case/state" ||
    complain "the password is in log, output or state"
  for token in $say_tokens; do
    ! grep -rqF -e "$token" -e "$(printf %s "$token" | base64 -w 0)" \
      "$case/log" "$case/out" "$case/state" ||
      complain "a token is in log, output or state"
  done
  cat "$case/log" "$case/out" >"$case/said"
  # C0, DEL, C1, what ends a line and what turns the direction of text.
  ! tr -d '\n' <"$case/said" | LC_ALL=C grep -qaP \
    '[\x00-\x1f\x7f]|\xc2[\x80-\x9f]|\xe2\x80[\xa8-\xae]|\xe2\x81[\xa6-\xa9]' ||
    complain "control characters in log or output"
  iconv -f UTF-8 -t UTF-8 "$case/said" >/dev/null 2>&1 ||
    complain "log or output is not UTF-8"
}

check_time () {
  least=$(deadline)
  most=$((least + say_seconds * 1000))
  [ "$milliseconds" -le $most ] ||
    complain "it took $milliseconds ms, $most at the most were expected"
  [ "$milliseconds" -ge "$least" ] ||
    complain "it did not wait for $least ms"
}

check_case () {
  complaints=
  [ "$say_exit" = any ] || [ "$status" = "$say_exit" ] ||
    complain "exit $status, not $say_exit"
  check_time
  check_fate
  read_clear
  check_clear
  check_relay
  check_messages
  check_log
  check_secrets
  check_more
}

show () {
  printf '%s' "$complaints"
  echo "-- output"
  cat "$case/out"
  echo "-- log"
  cat "$case/log"
  for log in "$case"/relay/*.log; do
    [ -e "$log" ] || continue
    echo "-- relay ${log##*/}"
    head -n 40 "$log"
  done
}

# For a script to define: what comes before each run, what more is looked at, and
# what comes after.
prepare () {
  :
}
check_more () {
  :
}
compare () {
  :
}
compare_all () {
  :
}

tell () { # tell FORMAT ARGUMENT...: a line that is no result
  # shellcheck disable=SC2059 # the format is an argument
  printf "# $@" | LC_ALL=C tr -c ' -~\n' '?'
}

report () {
  if [ -z "$complaints" ]; then
    printf "ok %d - %s\n" $number "$title"
  else
    printf "not ok %d - %s\n" $number "$title"
    show | LC_ALL=C tr -c ' -~\n' '?' | cut -c 1-${HOSTILE_WIDTH:-300} | sed 's/^/# /'
  fi
  tell '%4s %-6s %5d %5d  %-26s %4d  %s\n' "$status" "$fate" "$milliseconds" \
    "$most" "$clear" "$auth" "$title"
  printf '%s %s %d %d\n' "${title%%,*}" "${complaints:+failed}" "$milliseconds" \
    "$most" | sed 's/  / passed /' >>"$directory/summary"
}

# What was tried and what came of it; no dialogue may be left out unseen.
summarize () {
  tell '%-28s %5s %6s %8s %6s\n' dialogue tried passed 'at most' 'of ms'
  awk '
    { tried[$1]++; passed[$1] += $2 == "passed" }
    $3 > longest[$1] { longest[$1] = $3; limit[$1] = $4 }
    !seen[$1]++ { order[++n] = $1 }
    END {
      for (i = 1; i <= n; i++) {
        name = order[i]
        printf "# %-28s %5d %6d %8d %6d\n", name, tried[name], passed[name],
          longest[name], limit[name]
        all_tried += tried[name]
        all_passed += passed[name]
      }
      printf "# %d dialogues, %d runs: %d passed, %d failed\n", n, all_tried,
        all_passed, all_tried - all_passed
    }' "$directory/summary"
  tell '%d of %d dialogues skipped\n' \
    $(($(ls "$here/$1"/*.dialogue | wc -l) - $(cut -d ' ' -f 1 "$directory/summary" |
      sort -u | wc -l))) "$(ls "$here/$1"/*.dialogue | wc -l)"
}

run_case () {
  number=$((number + 1))
  case=$directory/$number
  mkdir "$case"
  title=${dialogue##*/}
  title="${title%.dialogue}, $mode${variable:+, $setting}"
  read_head
  prepare
  run_relay
  run_sendmail
  stop_relay
  check_case
  report
  compare
  rm -rf "$case"
}

# Once, or for each value of the variable.
run_mode () {
  variable=
  read_head
  if [ -z "$say_for" ]; then
    run_case
    return
  fi
  variable=${say_for%% *}
  values=$(printf '%s\n' "${say_for#* }" | tr '|' '\n')
  while IFS= read -r setting <&3; do
    run_case
  done 3<<END
$values
END
}

[ -z "${HOSTILE_PEER-}" ] || . "$relay_tools/../hostile/$HOSTILE_PEER"

# hostile GROUP: all its dialogues.
hostile () {
  number=0
  "$relay_tools/certificates" "$directory/certificates"
  tell '%4s %-6s %5s %5s  %-26s %4s  %s\n' exit fate ms limit 'in clear' AUTH run
  for dialogue in "$here/$1"/*"${HOSTILE_ONLY-}"*.dialogue; do
    variable=
    read_head
    for mode in $say_modes; do
      run_mode
    done
  done
  summarize "$1"
  compare_all
  echo "1..$number"
}
