#!/bin/sh
# What a person and a monitor see of the queue, and what a person does to it: each
# command does what it says, and says what it did.
. "$(dirname "$0")/lib.sh"
need python3
begin 300
make_certificates
ln -s "$build/postrider" "$work/bin/mailq"
mailq=$work/bin/mailq
terminal=$build/tests/e2e/terminal

# queue ARGUMENT...: the command; see exits.
queue () {
  timeout 60 postrider queue "$@" >"$work/out" 2>"$work/err"
  status=$?
}

says () { # says LINE: on standard output, alone
  echo "$1" | diff - "$work/out"
}

complains () { # complains REGEX: one line on standard error
  [ "$(wc -l <"$work/err")" = 1 ] && grep -E "^postrider: $1" "$work/err" || {
    cat "$work/err"
    return 1
  }
}

# json EXPRESSION: of the objects of `queue list --json', as the list m.
json () {
  postrider queue list --json >"$work/json" &&
    python3 -c 'import json, sys
m = [json.loads (line) for line in open (sys.argv[1], encoding="utf-8")]
value = eval ("(" + sys.argv[2] + ")")
print (value)
sys.exit (not value)' "$work/json" "$1"
}

narrow () { # No line of the last output is wider than 80 columns.
  python3 -c 'import sys, unicodedata
for line in open (sys.argv[1], encoding="utf-8"):
  width = sum (2 if unicodedata.east_asian_width (c) in "WF" else 1
               for c in line.rstrip ("\n"))
  if width > 80: sys.exit (line)' "$work/out"
}

first () { # first [ROOM]: the identifier of the oldest message there
  ls "$state/${1:-queue}" | head -n 1
}

id_of () { # id_of ROOM TEXT: of the message that has this text in it
  basename "$(grep -l -- "$2" "$state/$1"/*)"
}

forget () { # All messages, and what the log says.
  rm -f "$state"/queue/* "$state"/held/* "$state"/corrupt/* "$work/log"
  rm -rf "$work/record"
  mkdir -p "$work/record"
}

become --serve
scripted_account me
password me secret || exit 1

# Nothing

queue
check "empty: the status is 0" exits 0
check "empty: it says so" says 'The queue is empty.'
queue list --json
check "empty: JSON is nothing" files 1 "$work/out"
check "empty: really" [ ! -s "$work/out" ]
"$mailq" >"$work/out" 2>&1
check "empty: mailq says so" says 'Mail queue is empty'
check "empty: remove --all says so" \
  [ "$(postrider queue remove --all)" = 'There is no such message.' ]
queue release --account mine
check "empty: an account that is not there" exits 78
check "empty: it may be another" complains 'there is no account .mine.: did you mean .me.'

# Waiting

enqueue 1 1 -f me@example.org you@example.net || exit 1
numbered 2 | submit -f me@example.org defer@example.net one@example.net
numbered 3 | submit -f me@example.org reject@example.net
one=$(id_of queue 'X-Number: 1')
two=$(id_of queue 'X-Number: 2')
three=$(id_of held 'X-Number: 3')
size=$(json 'm[0]["size"]')

queue
check "the list: the status is 0" exits 0
check "the list: nothing is wider than a terminal" narrow
anytime () { # without what depends on the moment
  sed 's/ 20[0-9]*-[0-9-]* [0-9:]*/ DATE/; s/[0-9]* bytes/SIZE/
    s/in [12] minutes*/in MINUTES/' "$work/out"
}
anytime >"$work/seen"
check "the list: all is there" diff - "$work/seen" <<END
$one  waiting  SIZE  DATE  me
    me@example.org -> you@example.net
    to be tried now
$two  waiting  SIZE  DATE  me
    me@example.org -> defer@example.net
    450 4.2.1 try again later
    next try in MINUTES
$three  held     SIZE  DATE  me
    me@example.org -> reject@example.net
    550 5.1.1 no such user

A held message is not sent by itself: \`postrider queue release ID' sends it,
\`postrider queue remove ID' removes it.
Nobody is sending what waits: start \`postrider run'.
END
queue list
check "the list: \`queue list' is the same" eval 'anytime | diff "$work/seen" -'
queue list "$two"
check "the list: of one" [ "$(grep -c '^[0-9A-F]' "$work/out")" = 1 ]
check "the list: that one" grep -q "^$two" "$work/out"

check "JSON: three objects" json 'len (m) == 3'
check "JSON: identifiers, oldest first" \
  json "[x['id'] for x in m] == ['$one', '$two', '$three']"
check "JSON: states" \
  json '[x["state"] for x in m] == ["waiting", "waiting", "held"]'
check "JSON: sizes and senders" json "m[0]['size'] > 150 and
  all (x['sender'] == 'me@example.org' and x['account'] == 'me' for x in m)"
check "JSON: never tried" json 'm[0]["attempts"] == 0 and
  m[0]["last_attempt"] is None and m[0]["reason"] is None and
  m[0]["recipients"] == [{"address": "you@example.net", "fate": "waiting"}]'
check "JSON: put off, for one" json 'm[1]["attempts"] == 1 and
  m[1]["next_attempt"] > m[1]["last_attempt"] >= m[1]["arrival"] and
  [x["fate"] for x in m[1]["recipients"]] == ["delayed", "relayed"] and
  m[1]["recipients"][0]["code"] == 450 and
  m[1]["recipients"][0]["enhanced"] == "4.2.1" and
  m[1]["recipients"][0]["text"] == "try again later"'
check "JSON: held" json 'm[2]["held_since"] >= m[2]["arrival"] and
  m[2]["next_attempt"] is None and
  m[2]["recipients"][0]["fate"] == "failed" and
  m[2]["reason"] == "550 5.1.1 no such user"'

# The shape of Postfix, and what monitors look for in it

postfix_shape () {
  "$mailq" "$@" >"$work/out" || return
  sed -E 's/[A-Z][a-z]{2} [A-Z][a-z]{2} [ 0-9][0-9] [0-9:]{8}/ARRIVAL............/
    s/^([0-9A-F]{16}.) +[0-9]+ /\1     SIZE /' "$work/out" >"$work/seen"
  diff - "$work/seen" <<END
----Queue ID----- --Size-- ---Arrival Time---- --Sender/Recipient------
$one      SIZE ARRIVAL............ me@example.org
                                               you@example.net

$two      SIZE ARRIVAL............ me@example.org
                                                   (450 4.2.1 try again later)
                                               defer@example.net

$three!     SIZE ARRIVAL............ me@example.org
                                                      (550 5.1.1 no such user)
                                               reject@example.net

-- 0 Kbytes in 3 Requests.
END
}
check "mailq: it is that of Postfix" postfix_shape
check "mailq: -v changes nothing" postfix_shape -v
check "mailq: sendmail -bp is the same" \
  eval '"$sendmail" -bp | diff "$work/out" -'
check "mailq: postrider mailq is the same" \
  eval 'postrider mailq | diff "$work/out" -'
check "mailq: dates are English in any language" \
  eval 'LC_ALL=de_DE.UTF-8 "$mailq" | diff "$work/out" -'
# As check_mailq of the monitoring plugins reads the last line.
check "mailq: check_mailq finds how many" \
  eval 'tail -n 1 "$work/out" | grep -qE "^-- [0-9]+ Kbytes in ([0-9]+) Requests?\.$"'
check "mailq: identifiers begin their lines" \
  [ "$(grep -c '^[A-F0-9]' "$work/out")" = 3 ]
first_of_recipient () { # The recipe of Postfix's own manual.
  tail -n +2 "$work/out" | grep -v '^ *(' | awk 'BEGIN { RS = "" }
    { if ($8 == "reject@example.net" && $9 == "") print $1 }' | tr -d '*!'
}
check "mailq: the well-known recipe finds a recipient" \
  eval '[ "$(first_of_recipient)" = "$three" ]'
check "mailq: an argument is refused" eval '"$mailq" x 2>"$work/err"; [ $? = 64 ]'

# Shown

queue show "$two"
check "show: the status is 0" exits 0
for line in "Message: *$two" 'State: *waiting' 'Account: *me' \
  'Sender: *me@example.org' 'Attempts: *1' '  defer@example.net' \
  '      put off: 450 4.2.1 try again later' '  one@example.net' \
  '      with the relay: 250 2.0.0 .*' 'Subject: number 2' \
  'This is number 2.'; do
  check "show: $line" grep -qxE "$line" "$work/out"
done
queue show --json "$two"
check "show: JSON is that of the list" \
  eval 'postrider queue list --json "$two" | diff - "$work/out"'

{
  printf 'From: Me <me@example.org>\nTo: you@example.net\n'
  printf 'Date: Thu, 01 Oct 2026 12:00:00 +0000\nMessage-ID: <x@example.org>\n'
  printf 'Subject: \033[31mred\033[0m\n\n'
  printf 'a\033]0;title\007b\n\tcaf\303\251 \377\n\n.\n\302\233m\n'
  # A character that lies across the end of a block.
  awk 'BEGIN {
    for (i = 0; i < 40000; i++) printf "%s\303\251", i % 400 ? "" : "\nx"
  }'
  echo
} >"$work/wild"
submit -odq you@example.net <"$work/wild"
wild=$(id_of queue x@example.org)
queue show --message "$wild"
check "show: to a pipe the message is as it was written" \
  cmp "$work/wild" "$work/out"
"$terminal" never x sh -c "postrider queue show --message $wild |
  head -c 100 >/dev/null; postrider queue show $wild | head -c 0
  exec postrider queue show --message $wild" >"$work/shown"
check "show: a terminal gets no control character" \
  eval '! LC_ALL=C grep -q "$(printf "[\001-\010\013\014\016-\037\177]")" "$work/shown"'
check "show: it sees where one was" grep -q '^a?]0;title?b' "$work/shown"
check "show: and letters" grep -q 'café ?' "$work/shown"
check "show: and no half of one" \
  eval '! sed 1,12d "$work/shown" | grep -q "é?\|?é"'

# Named

queue list "$(echo "$one" | tr A-F a-f)"
check "names: lower case is fine" grep -q "^$one" "$work/out"
queue hold "${one%?}"
check "names: a beginning is enough" says "$one is held"
queue release "${one%?}"
check "names: and finds it again" says "$one will be sent"
queue "$two"
check "the list: an identifier alone is that one" \
  eval 'postrider queue list "$two" | diff - "$work/out"'
queue --json "$two"
check "the list: also as JSON" \
  eval 'postrider queue list --json "$two" | diff - "$work/out"'
queue list 6
check "names: one of several is refused" exits 64
check "names: it says so" complains 'several messages begin with 6'
queue list FFFF "$two"
check "names: what is not there is refused" exits 66
check "names: it says so" complains 'there is no message FFFF'
check "names: the others are shown" grep -q "^$two" "$work/out"
queue remove ''
check "names: the empty one is none" exits 66
for arguments in show hold release remove 'release --all 6' 'remove --account me' \
  'list --all' 'hold --json' 'show --json --message 6' 'retry --message' \
  'list --wrong' 'gnaw 6' 'release --all --account me'; do
  queue $arguments
  check "queue $arguments: refused" exits 64
  check "queue $arguments: one line says so" complains .
done
check "nothing came of all that" \
  json '[x["state"] for x in m] == ["waiting", "waiting", "held", "waiting"]'
queue --help
check "the help" grep -q 'Usage: postrider queue' "$work/out"

# Tried, held, released, removed

forget
numbered 1 | submit defer@example.net
numbered 2 | submit -odq you@example.net
one=$(id_of queue 'X-Number: 1') two=$(id_of queue 'X-Number: 2')
become --serve
run_once
check "retry: what is not due is not tried" heard 0 'RCPT TO:<defer@'
queue retry "$one"
check "retry: it is asked for" says "$one will be tried now"
check "retry: and who would do it" complains 'nobody is sending the queue'
run_once
check "retry: it is tried" heard 1 'RCPT TO:<defer@'
run_once
check "retry: once" heard 1 'RCPT TO:<defer@'
start_runner
lock=$(stat -c %i "$state/runner.lock")
check "retry: a runner is there" await grep -q "OFDLCK .*:$lock " /proc/locks
queue retry
check "retry: all" says "$one will be tried now"
check "retry: a runner wakes" await heard 2 'RCPT TO:<defer@'
end_runner

forget
stop_scripted
scripted=
numbered 1 | submit you@example.net
queue
check "retry: an account that failed is put off" \
  grep -q 'next try in 1 minute' "$work/out"
queue retry "$(first)"
queue
check "retry: but not what is asked for" grep -q 'to be tried now' "$work/out"
rm -f "$state"/accounts/*
become --serve

forget
enqueue 1 3 you@example.net || exit 1
one=$(id_of queue 'X-Number: 1') two=$(id_of queue 'X-Number: 2')
queue hold "$one" "$two"
check "hold: it says so" says "$one is held
$two is held"
check "hold: two are held" queued 2 held
queue hold "$one"
check "hold: once more does no harm" exits 0
queue retry "$one"
check "hold: retry refuses it" exits 65
check "hold: and says what to do" \
  complains "$one is held; .postrider queue release $one. sends it"
run_once
check "hold: the third is sent, the others are not" \
  eval '[ "$(numbers "$work/record")" = 3 ]'
queue release "$one"
check "release: it says so" says "$one will be sent"
queue release "$one"
check "release: what waits is refused" exits 65
run_once
check "release: it is sent" \
  eval '[ "$(numbers "$work/record" | tr "\n" " ")" = "1 3 " ]'
queue release --all
check "release: all" says "$two will be sent"
run_once
check "release: all are sent, each once" each_once 1 3 "$work/record"

forget
enqueue 1 5 you@example.net || exit 1
one=$(id_of queue 'X-Number: 1') two=$(id_of queue 'X-Number: 2')
queue hold "$two"
queue remove "$one" "$two"
check "remove: it says so" says "$one is removed
$two is removed"
check "remove: they are gone" eval 'queued 3 && queued 0 held'
check "remove: the log tells" \
  grep -q "id=$one account=me from=<me@example.org> fate=removed" "$work/log"
queue remove "$one"
check "remove: once more, and it is not there" exits 66
queue hold "$(first)"
queue remove --all
check "remove: all" eval 'queued 0 && queued 0 held'
run_once
check "remove: nothing is sent" connections 0

# Damaged

forget
enqueue 1 2 you@example.net || exit 1
one=$(id_of queue 'X-Number: 1') two=$(id_of queue 'X-Number: 2')
echo nonsense >"$state/queue/$one"
queue
check "damaged: it is listed" grep -q "^$one  damaged" "$work/out"
check "damaged: the others are" grep -q "^$two  waiting" "$work/out"
check "damaged: JSON" json "m[0]['state'] == 'damaged' and
  m[0]['file'].endswith ('queue/$one') and len (m) == 2"
"$mailq" >"$work/out"
check "damaged: mailq has a line" grep -q "^$one! .* ?\$" "$work/out"
queue show "$one"
check "damaged: show refuses it" exits 65
queue hold "$one"
check "damaged: so does hold" exits 65
check "damaged: it was set aside" queued 1 corrupt
queue release "$one"
check "damaged: it cannot be released" exits 65
check "damaged: it says why" complains "$one is no message any more"
queue
check "damaged: it is listed there" grep -q "^$one  damaged" "$work/out"
check "damaged: with its place" grep -q "$state/corrupt/$one" "$work/out"
queue remove "$one"
check "damaged: it can be removed" says "$one is removed"
check "damaged: then it is gone" queued 0 corrupt
echo nonsense >"$state/held/$one"
chmod 600 "$state/held/$one"
queue remove "$one"
check "damaged: also where nobody had looked" \
  eval 'exits 0 && queued 0 held && queued 0 corrupt'

# Sent right now

forget
dialogue slow <<'END'
until DATA
stall
END
become slow
enqueue 1 1 you@example.net || exit 1
one=$(first)
start_runner
check "sending: it is" await heard 1 DATA
check "sending: the list says so" json 'm[0]["state"] == "sending"'
"$mailq" >"$work/out"
check "sending: mailq has an asterisk" grep -q "^$one\* " "$work/out"
queue retry
check "sending: retry leaves it" says "$one is being sent right now"
timeout 60 postrider queue remove "$one" >"$work/removed" 2>&1 &
removing=$!
queue hold "$one"
check "sending: it is too late to hold it" exits 75
check "sending: it says so" complains "$one is being sent right now: it is too late"
wait $removing
check "sending: it is too late to remove it" [ $? = 75 ]
check "sending: it is still there" queued 1
end_runner KILL

# slowly REPLY: while the relay takes its time to say this, a person removes it.
slowly () {
  forget
  dialogue slow <<END
until DATA
< DATA
> 354 go ahead
message
delay 1500
> $1
serve
END
  become slow
  numbered 1 | submit -odq -f me@example.org you@example.net
  one=$(first)
  start_runner
  check "$1: it is being sent" await grep -qs 'message 1 whole' "$work/record/1.log"
  queue remove "$one"
}
slowly '450 4.2.0 not now'
check "450 in time: who waits gets it" exits 0
check "450 in time: it is removed" says "$one is removed"
check "450 in time: nothing is left" queued 0
end_runner
slowly '250 2.0.0 taken'
check "250 in time: who waits is told" exits 66
check "250 in time: in one line" complains "$one is gone: it was sent or removed"
end_runner

# A login that was refused

forget
become --serve
password me wrong || exit 1
numbered 1 >"$work/sent"
submit -f me@example.org you@example.net <"$work/sent"
check "paused: the caller is told" exits 77
numbered 2 | submit -f me@example.org reject@example.net
numbered 3 | submit -odq -f me@example.org three@example.net
three=$(id_of queue 'X-Number: 3')
check "paused: two are held" queued 2 held
queue
advised () { # advised FILE WORDS: the advice, however the lines are broken
  tr -s ' \n' ' ' <"$1" >"$work/joined"
  cat "$work/joined" && echo
  grep -qF "account me is paused$2 run \`postrider password set me', or mend the account and run \`postrider queue release --account me'" \
    "$work/joined"
}
check "paused: the list says what to do" advised "$work/out" ':'
check "paused: JSON says so" \
  json 'm[2]["account_paused"] and m[2]["next_attempt"] is None'
queue retry "$three"
check "paused: retry says so" \
  advised "$work/err" ', so its messages will be held:'
queue hold "$three"
password me secret
check "paused: a new password says what is held" grep -qx \
  "2 messages are held because of this account; .postrider queue release --account me. sends them." \
  "$work/out"
check "paused: it is forgotten" json 'not any (x["account_paused"] for x in m)'
queue release --account me
check "paused: two are released" \
  eval '[ "$(grep -c "will be sent" "$work/out")" = 2 ]'
check "paused: what is held for another reason is not" queued 1 held
run_once
check "paused: they are sent" heard 1 'RCPT TO:<you@'
queue release --account me
check "paused: nothing else is held for it" says 'There is no such message.'

refused_again () { # Four messages are held for want of a right password.
  forget
  postrider password set me <"$work/wrong" >"$work/out" || return
  for n in 1 2 3 4; do
    numbered $n | submit -f me@example.org you@example.net
  done
  queued 4 held
}
echo wrong >"$work/wrong"
check "password set --release: four are held" refused_again
echo secret | postrider password set --release me >"$work/out"
check "password set --release: it releases them" \
  eval '[ "$(grep -c "will be sent" "$work/out")" = 4 ]'
run_once
check "password set --release: they are sent" each_once 1 4 "$work/record"
check "password forget --release is refused" \
  eval 'postrider password forget --release me; [ $? = 64 ]'

for answer in '' y; do
  check "asked, \"$answer\": four are held" refused_again
  "$terminal" 'Password of' "secret
" + '[Y/n]' "$answer
" postrider password set me >"$work/shown"
  check "asked, \"$answer\": it asks" grep -q \
    '4 messages are held because of this account. Send them now? \[Y/n\]' "$work/shown"
  check "asked, \"$answer\": they will be sent" \
    eval '[ "$(grep -c "will be sent" "$work/shown")" = 4 ] && queued 4'
done
# What is neither yes nor no is asked again.
for answer in n what; do
  check "asked, \"$answer\": four are held" refused_again
  set -- + '[Y/n]' "$answer
"
  [ $answer = n ] || set -- "$@" + '[Y/n]' "n
"
  "$terminal" 'Password of' "secret
" "$@" postrider password set me >"$work/shown"
  check "asked, \"$answer\": they stay" queued 4 held
  check "asked, \"$answer\": it says how to send them later" \
    grep -q 'postrider queue release --account me' "$work/shown"
done

check "released too early: four are held" refused_again
logins=$(cat "$work"/record/*.log | grep -c '< AUTH')
queue release --all
check "released too early: the pause is over" \
  json 'len (m) == 4 and not any (x["account_paused"] for x in m)'
run_once
check "released too early: one more login is tried" heard $((logins + 1)) AUTH
check "released too early: all are held again" queued 4 held
password me secret

# A runner that starts by itself

self_starting
queue release --all
check "by itself: all are released" \
  eval '[ "$(grep -c "will be sent" "$work/out")" = 4 ]'
check "by itself: and sent" await each_once 1 4 "$work/record"
check "by itself: whoever did it has ended" await no_runner
numbered 5 | submit defer@example.net
some_runner () {
  [ -n "$(runners)" ]
}
end_runners () {
  for process in $(runners); do
    kill -s TERM "$process"
  done
  no_runner
}
if [ "$(id -u)" = 0 ]; then
  check "by itself: somebody waits for the next try" await some_runner
  check "by itself: nobody sends" await end_runners
else
  skip "by itself: nobody sends" "only root sees who does, to end it"
fi
queue retry
check "by itself: retry has it tried" await heard 2 'RCPT TO:<defer@'
for process in $(runners); do
  kill -s TERM "$process"
done
sed -i '1a start-runner = no' "$accounts"

# A wrong accounts file keeps nobody from looking, holding, removing

forget
enqueue 1 2 you@example.net || exit 1
cp "$accounts" "$work/accounts"
echo 'nonsense' >>"$accounts"
queue
check "wrong accounts: the list" exits 0
queue hold "$(first)"
check "wrong accounts: hold" exits 0
queue release --all
check "wrong accounts: release does it, and says so" exits 78
check "wrong accounts: it is released" queued 2
queue remove --all
check "wrong accounts: remove" exits 0
cp "$work/accounts" "$accounts"

# Hostile words and addresses

forget
dialogue words <<'END'
until RCPT *
< RCPT *
>- 450 4.2.0 \e[31m"quoted" \\ \x07 \xe6\xbc\xa2\xe5\xad\x97\xe6\xbc\xa2\xe5\xad\x97 \xe6\xbc\xa2\xe5\xad\x97\xe6\xbc\xa2\xe5\xad\x97 \xe6\xbc\xa2\xe5\xad\x97\xe6\xbc\xa2\xe5\xad\x97 \xe6\xbc\xa2\xe5\xad\x97\xe6\xbc\xa2\xe5\xad\x97 \xe6\xbc\xa2\xe5\xad\x97\xe6\xbc\xa2\xe5\xad\x97 \xff\xfe </script>\r\n
< RCPT *
> 450 4.2.0 no
< DATA
> 554 5.5.1 no valid recipients
serve
END
become words
numbered 1 | submit -f me@example.org '"a \"b\\c"@example.net' 'grün@bücher.example'
check "hostile: it is queued" queued 1
queue
check "hostile: nothing is wider than a terminal" narrow
check "hostile: no control character" \
  eval '! LC_ALL=C grep -q "$(printf "[\001-\010\013-\037\177]")" "$work/out"'
check "hostile: wide letters are there" grep -q '漢字漢字' "$work/out"
check "hostile: addresses are" eval 'grep -qF "\"a \\\"b\\\\c\"@example.net" "$work/out" &&
  grep -q "grün@bücher.example" "$work/out"'
check "hostile: JSON is valid" json 'm[0]["recipients"][0]["text"].startswith (
  "?[31m\"quoted\" \\ ? 漢字")'
check "hostile: JSON has the address" \
  json "m[0]['recipients'][0]['address'] == r'\"a \\\"b\\\\c\"@example.net'"
check "hostile: mailq keeps to its lines" \
  eval '[ "$("$mailq" | wc -l)" = 8 ]'

# Somebody who could not be told

forget
become --serve
numbered 1 | submit -odq -f reject@example.org reject@example.net
timeout 60 postrider run --until-empty >"$work/out" 2>&1
check "untold: the message and its notification are held" queued 2 held
"$mailq" >"$work/out"
check "untold: mailq's status is 69" [ $? = 69 ]
check "untold: its last line is as ever" \
  eval 'tail -n 1 "$work/out" | grep -qx -- "-- [0-9]* Kbytes in 2 Requests."'
check "untold: JSON tells them apart" \
  json '[x["notification"] for x in m] == [False, True]'
queue remove "$(json '[x["id"] for x in m if x["notification"]][0]')"
"$mailq" >"$work/out"
check "untold: once that is seen to, it is 0" [ $? = 0 ]
end
