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
#   #: seconds N        at most; 10 unless said
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
#   #: shut no          the relay need not see the end of the dialogue
#
# And always, whatever the relay does: outside TLS nothing but EHLO, STARTTLS and
# QUIT; never HELO; nothing sent before its time; no password, whether plain or
# base64, in log, output (with the conversation that -v shows) or state; no
# control character in log or output; a message that arrived is the one that was
# sent.
#
# HOSTILE_ONLY=NAME in the environment: only dialogues whose names hold NAME.

here=$(cd "$(dirname "$0")" && pwd)
relay_tools=$here/../relay
build=${G_TEST_BUILDDIR:-$PWD}
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
  KEYRING_USER=me KEYRING_PASSWORD=$password timeout -k 10 600 \
    "$relay_tools/keyring" open "$HOSTILE_DIRECTORY/keyring" sh "$0"
  status=$?
  [ $status != 77 ] || echo "1..0 # SKIP there is no keyring here"
  exit $status
fi

directory=$HOSTILE_DIRECTORY
password_base64=$(printf %s "$password" | base64)
password_plain=$(printf '\0me\0%s' "$password" | base64)

# What the head of the dialogue says, in variables say_NAME.
read_head () {
  say_tokens=
  say_exit=0 say_fate=queued say_stage= say_log= say_unlogged= say_logins=0
  say_messages= say_ends= say_connections=1 say_seconds=10 say_account= say_relay=
  say_notifications=0
  say_modes='implicit starttls' say_for= say_certificate=good say_shut=yes
  say_to=one@example.org say_many=0 say_size=0
  while IFS= read -r line; do
    case $line in
    '#: tokens '*) say_tokens=${line#*: tokens } ;;
    '#: account '*)
      replace "${line#*: account }"
      say_account=$say_account$replaced$nl
      ;;
    '#: '*' '*)
      key=${line#*: }
      replace "${key#* }"
      key=${key%% *}
      case " exit fate notifications stage log unlogged logins messages ends connections seconds \
relay modes for certificate to many size shut " in
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
host = localhost
user = me
trust-file = $directory/certificates/ca.pem
port = $1
tls = $tls
END
  for default in 'connect = 5s' 'command = 5s' 'data = 5s' 'block = 5s' \
    'end-of-data = 5s' 'quit = 1s'; do
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

run_sendmail () {
  write_account "$port" >"$case/accounts"
  chmod 600 "$case/accounts"
  write_token_command >"$case/token"
  chmod 700 "$case/token"
  mkdir "$case/state"
  write_body >"$case/body"
  write_message >"$case/message"
  start=$(date +%s%3N)
  # shellcheck disable=SC2046 # recipients are words
  XDG_STATE_HOME="$case/state" timeout -s KILL 30 "$build/postrider" sendmail \
    -C "$case/accounts" -v -f me@example.org $(recipients) \
    <"$case/message" >"$case/out" 2>&1
  status=$?
  milliseconds=$(($(date +%s%3N) - start))
  kill -s TERM "$relay_pid"
  wait "$relay_pid"
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
  case $say_fate:$queued:$held:$counted in
  queued:1:0:0 | held:0:1:0 | gone:0:0:0 | any:1:0:0 | any:0:1:0) ;;
  *) complain "not $say_fate: $queued queued, $held held, $counted corrupt" ;;
  esac
}

# Nothing but EHLO, STARTTLS and QUIT in clear, apart from TLS's own records,
# which begin with 20 to 23 and 3.
check_clear () {
  for clear in "$case"/relay/*.clear; do
    [ -s "$clear" ] || continue
    LC_ALL=C sed -E '/^(EHLO [][0-9A-Za-z.:]+|STARTTLS|QUIT)\r$/d' "$clear" \
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
  ends=$(cat "$case"/relay/*.tls | LC_ALL=C grep -caxF ".$cr")
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

check_secrets () {
  ! grep -rqF -e "$password" -e "$password_base64" -e "$password_plain" \
    "$case/log" "$case/out" "$case/state" ||
    complain "the password is in log, output or state"
  for token in $say_tokens; do
    ! grep -rqF -e "$token" -e "$(printf %s "$token" | base64 -w 0)" \
      "$case/log" "$case/out" "$case/state" ||
      complain "a token is in log, output or state"
  done
  cat "$case/log" "$case/out" >"$case/said"
  # C0, DEL, C1 and what turns the direction of text.
  ! tr -d '\n' <"$case/said" | LC_ALL=C grep -qaP \
    '[\x00-\x1f\x7f]|\xc2[\x80-\x9f]|\xe2\x80[\xaa-\xae]' ||
    complain "control characters in log or output"
  iconv -f UTF-8 -t UTF-8 "$case/said" >/dev/null 2>&1 ||
    complain "log or output is not UTF-8"
}

check_case () {
  complaints=
  [ "$say_exit" = any ] || [ "$status" = "$say_exit" ] ||
    complain "exit $status, not $say_exit"
  [ "$milliseconds" -le $((say_seconds * 1000)) ] ||
    complain "it took $milliseconds ms"
  check_fate
  check_clear
  check_relay
  check_messages
  check_log
  check_secrets
}

show () {
  printf '%s' "$complaints"
  echo "-- output"
  cat "$case/out"
  echo "-- log"
  cat "$case/log"
  for log in "$case"/relay/*.log; do
    echo "-- relay ${log##*/}"
    head -n 40 "$log"
  done
}

run_case () {
  number=$((number + 1))
  case=$directory/$number
  mkdir "$case"
  title=${dialogue##*/}
  title="${title%.dialogue}, $mode${variable:+, $setting}"
  read_head
  run_relay
  run_sendmail
  check_case
  if [ -z "$complaints" ]; then
    printf "ok %d - %s\n" $number "$title"
  else
    printf "not ok %d - %s\n" $number "$title"
    show | LC_ALL=C tr -c ' -~\n' '?' | cut -c 1-300 | sed 's/^/# /'
  fi
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

# hostile GROUP: all its dialogues.
hostile () {
  number=0
  "$relay_tools/certificates" "$directory/certificates"
  for dialogue in "$here/$1"/*"${HOSTILE_ONLY-}"*.dialogue; do
    variable=
    read_head
    for mode in $say_modes; do
      run_mode
    done
  done
  echo "1..$number"
}
