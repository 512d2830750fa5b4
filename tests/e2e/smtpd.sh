#!/bin/sh
# sendmail -bs: every dialogue of the directory smtpd, and what a table cannot
# say. Nothing is sent to a relay.
. "$(dirname "$0")/lib.sh"
need python3
begin
: >aliases
cat >>"$accounts" <<END
aliases = $work/aliases

[me]
from = *@example.org
host = relay.example
user = me
END
echo '[postrider' >none
{
  printf '[postrider]\nmaximum-size = 10K\nlog = none\nstart-runner = no\n'
  sed -n '/^\[me\]/,$p' "$accounts"
} >small
chmod 600 none small

for dialogue in "$source"/tests/e2e/smtpd/*.dialogue; do
  rm -rf "$state"
  name=${dialogue##*/}
  check "${name%.dialogue}" timeout 60 python3 "$source/tests/e2e/smtpd.py" \
    "$sendmail" "$state" "$dialogue"
done

# What the client does not say

# greeted: nothing was said to it, and it greets; then it waits.
greeted () {
  mkfifo silence
  "$sendmail" -bs <silence >greeting 2>err &
  client=$!
  exec 3>silence
  await grep -q '^220 ' greeting
  greeted_status=$?
  kill -0 $client || greeted_status=1
  exec 3>&-
  wait $client && [ $greeted_status = 0 ]
}
check "the greeting comes before anything is said" greeted

closed_input () {
  "$sendmail" -bs <&- >out 2>err
  [ $? = 74 ] && grep '^220 ' out && ! grep . err
}
check "a standard input that is closed: 74" closed_input

check "a standard output that is closed: 0" \
  sh -c 'echo QUIT | "$1" -bs >&-' - "$sendmail"

full_output () {
  echo QUIT | "$sendmail" -bs >/dev/full
}
check "one that is full: 0" full_output

# Twice nineteen mistakes, and a message that is taken in between.
forgiven () {
  seq -f 'what is %g' 19 >mistakes
  {
    cat mistakes
    printf '%s\n' 'MAIL FROM:<me@example.org>' 'RCPT TO:<you@example.net>' \
      DATA '' Hello .
    cat mistakes
    echo QUIT
  } | "$sendmail" -odq -bs >out
  [ $? = 0 ] && grep '^250 2.0.0 ' out && grep '^221 ' out
}
check "a message that is taken forgives mistakes" forgiven

# A file that is no pipe, both ways.
printf 'MAIL FROM:<me@example.org>\nRCPT TO:<one@example.net>\nDATA\n\na\n.\n' \
  >commands
from_file () {
  rm -rf "$state"
  "$sendmail" -bs -odq <commands >out && grep '^250 2.0.0 Ok' out && queued 1
}
check "commands from a file" from_file

# Ended while it waits: what had its 250 stays, and nothing else does.
ended () {
  rm -rf "$state" silence
  mkfifo silence
  "$sendmail" -bs -odq <silence >out 2>err &
  client=$!
  exec 3>silence
  cat commands >&3
  await grep -q '^250 2.0.0 Ok' out || return 1
  head -n 4 commands >&3
  await sh -c '[ "$(grep -c ^354 out)" = 2 ]' || return 1
  kill -s TERM $client
  wait $client
  ended_status=$?
  exec 3>&-
  [ $ended_status = 143 ] && queued 1
}
check "SIGTERM leaves what had its 250" ended

# Another accounts file from one message to the next.
mended () {
  rm -rf "$state" silence
  mkfifo silence
  echo '[nonsense' >mending
  chmod 600 mending
  "$sendmail" -bs -odq --accounts-file mending <silence >out 2>err &
  client=$!
  exec 3>silence
  cat commands >&3
  await grep -q '^554 5.3.5' out || return 1
  cat small >mending
  cat commands >&3
  await grep -q '^250 2.0.0 Ok' out || return 1
  exec 3>&-
  wait $client && queued 1 && queued 1 held
}
check "an accounts file that was mended meanwhile counts" mended

read_only () {
  rm -rf "$state"
  mkdir -p "$state"
  chmod 700 "$state"
  : >"$state/queue"
  "$sendmail" -bs -odq <commands >out
  grep '^451 4.3.0\|^554 5.3.5' out && ! grep '^250 2.0.0 Ok' out
}
check "no queue to be had: it is said at once" read_only
rm -rf "$state"

hundred () {
  for n in $(seq 100); do
    printf 'MAIL FROM:<me@example.org>\r\nRCPT TO:<one@example.net>\r\nDATA\r\n'
    numbered "$n" | sed 's/$/\r/'
    printf '.\r\n'
  done | "$sendmail" -bs -odq >out
  [ "$(grep -c '^250 2.0.0 Ok' out)" = 100 ] && queued 100
}
check "a hundred messages" hundred

# python3 speaks SMTP itself, given a socket.
cat >client.py <<'END'
import smtplib, socket, subprocess, sys

ours, theirs = socket.socketpair()
process = subprocess.Popen([sys.argv[1], "-bs", "-odq"], stdin=theirs,
                           stdout=theirs)
theirs.close()

class Local(smtplib.SMTP):
    def _get_socket(self, host, port, timeout):
        return ours

client = Local("localhost")
refused = client.sendmail(
    "me@example.org", ["one@example.net", "here", "tw\u00f6@example.net"],
    "Subject: t\r\n\r\n.\r\n..\r\ntext\n".encode(),
    ["SMTPUTF8", "BODY=8BITMIME", "RET=FULL"], ["NOTIFY=DELAY"])
assert list(refused) == ["here"] and refused["here"][0] == 550, refused
client.send_message(__import__("email").message_from_string(
    "From: me@example.org\nTo: one@example.net, two@example.net\n\nhello\n"))
client.quit()
sys.exit(process.wait())
END
rm -rf "$state"
smtplib () {
  python3 client.py "$sendmail" && queued 2
}
check "python3's smtplib over a socket" smtplib
end
