#!/bin/sh
# sendmail against smtp-sink of Postfix, which can be told to fail in many ways. It
# speaks no TLS: a terminator stands before it. For each row of the table a line
# tells what became of it.
. "$(dirname "$0")/../e2e/lib.sh"
need smtp-sink python3
need_root 'start smtp-sink'
begin
make_certificates
touch "$work/said"

# start_sink OPTION...: and TLS before it, on $port.
start_sink () {
  rm -rf "$work/mail" "$work/port"
  mkdir -m 777 "$work/mail"
  while sink_port=$((20000 + $(od -An -N2 -tu2 /dev/urandom) % 12000))
    listens $sink_port; do :; done
  smtp-sink -u nobody -d "$work/mail/" "$@" "127.0.0.1:$sink_port" 64 \
    >"$work/sink.log" 2>&1 &
  sink=$!
  keep $sink
  await listens $sink_port || exit 1
  : >"$work/said"
  python3 "$source/tests/hostile/tls-terminator.py" \
    "$work/certificates/good.pem" "$work/certificates/good.key" $sink_port \
    "$work/said" >"$work/port" 2>"$work/terminator.log" &
  terminator=$!
  keep $terminator
  await [ -s "$work/port" ] || exit 1
  port=$(cat "$work/port")
}

stop_sink () {
  kill $sink $terminator
  wait $sink $terminator
} 2>/dev/null

listens () {
  grep -q "^ *[0-9]*: 0100007F:$(printf %04X "$1") 00000000:0000 0A" \
    /proc/net/tcp
}

fate () {
  if files 1 "$state/queue"; then
    echo queued
  elif files 1 "$state/held"; then
    echo held
  else
    echo gone
  fi
}

# What is to come of it. The sink keeps what came whole, whatever it said of that.
as_expected () { # as_expected STATUS FATE MESSAGES LOGINS MILLISECONDS
  cat "$work/err"
  exits "$1" && [ "$became" = "$2" ] && [ "$kept_n" = "$3" ] &&
    [ "$logins" = "$4" ] && [ $milliseconds -le $(($5 + 3000)) ] &&
    ! grep -q HELO "$work/said"
}

try () { # try STATUS FATE MESSAGES LOGINS MILLISECONDS OPTION...
  tried="$1 $2 $3 $4 $5"
  shift 5
  start_sink "$@"
  sed -i '/^\[sink\]/,$d' "$accounts"
  account sink 'host = localhost' "port = $port" 'user = me' \
    "trust-file = $work/certificates/ca.pem" \
    "password-file = $work/password" 'timeout-connect = 5s' \
    'timeout-command = 1s' 'timeout-data = 1s' 'timeout-block = 1s' \
    'timeout-end-of-data = 1s' 'timeout-quit = 1s'
  start=$(date +%s%3N)
  submit -v -f sink@example.org one@example.net two@example.net <"$work/message"
  milliseconds=$(($(date +%s%3N) - start))
  became=$(fate)
  stop_sink
  kept_n=$(grep -rlx 'The end\.' "$work/mail" | wc -l)
  logins=$(grep -c '^AUTH' "$work/said")
  check "smtp-sink $*" as_expected $tried
  echo "# exit $status, $became, $milliseconds ms, $logins AUTH, $kept_n taken"
  rm -rf "$state"
}

umask 077
echo secret >"$work/password"
message 'Subject: test' >"$work/message" <<'END'
A line.
.
The end.
END

# What it does not offer. Without ESMTP it does not know EHLO.
try 0 gone 1 1 0
try 77 held 0 0 0 -a
for option in -E -p -8 -N; do
  try 0 gone 1 1 0 $option
done
for option in -e -P; do
  try 0 queued 0 0 0 $option
done

# What it refuses.
for command in CONNECT EHLO; do
  try 0 queued 0 0 0 -f $command
done
for command in MAIL RCPT DATA; do
  try 69 held 0 1 0 -f $command
done
try 69 held 1 1 0 -f .
for command in RSET QUIT; do
  try 0 gone 1 1 0 -f $command
done
try 67 held 0 1 0 -f RCPT -B '550 2.1.5 ok'
for command in CONNECT EHLO; do
  try 0 queued 0 0 0 -r $command
done
for command in MAIL RCPT DATA; do
  try 0 queued 0 1 0 -r $command
done
try 0 queued 1 1 0 -r .
try 0 gone 1 1 0 -r QUIT

# Where it hangs up, without a word and with one.
for option in -q -Q; do
  for command in CONNECT EHLO; do
    try 0 queued 0 0 0 $option $command
  done
  for command in MAIL RCPT DATA; do
    try 0 queued 0 1 0 $option $command
  done
  try 0 queued 1 1 0 $option .
  for command in RSET QUIT; do
    try 0 gone 1 1 0 $option $command
  done
done

# What it keeps us waiting for: a second is all we give it. With PIPELINING it
# answers the commands behind that one meanwhile.
for command in CONNECT EHLO; do
  try 0 queued 0 0 1000 -W $command:2
done
for command in MAIL RCPT DATA; do
  try 0 queued 0 1 1000 -p -W $command:2
done
try 0 queued 1 1 1000 -W .:2
try 0 gone 1 1 0 -W QUIT:2

# A message too large to be on its way as a whole: it is cut short, or not read.
{
  cat "$work/message"
  awk 'BEGIN { for (i = 0; i < 100000; i++) print "a line of a large message", i }'
} >"$work/large"
mv "$work/large" "$work/message"
try 69 held 0 1 0 -A 0
try 0 queued 0 1 1000 -T 4096 -H 10
end
