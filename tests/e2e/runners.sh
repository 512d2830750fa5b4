#!/bin/sh
# Several who send what is queued, and callers beside them: no message is sent
# twice, and none is forgotten where one of them dies.
. "$(dirname "$0")/lib.sh"
need_faketime
begin 300
make_certificates
many=100 callers=20
start_scripted --serve --certificate "$work/certificates/good.pem"
scripted_account me 'max-connections = 10'
password me secret || exit 1

# Three at once

enqueue 1 $many you@example.net || exit 1
start_runner
postrider run --once >"$work/once" 2>&1 &
once=$!
timeout 60 "$sendmail" -q >"$work/q" 2>&1
q=$?
wait $once
once=$?
check "three at once: all messages arrive, each once" \
  await each_once 1 $many "$work/record"
check "three at once: nothing is queued" await queued 0
# Whichever comes first sends; where that is this one, another may have had a
# message at that moment, which then still waited.
check "three at once: run --once ends well" [ $once = 0 -o $once = 75 ]
check "three at once: sendmail -q succeeds" [ $q = 0 ]
check "three at once: the one that stays goes on" kill -s 0 $runner

# Callers beside one

end_runner
enqueue $((many + 1)) $((2 * many)) you@example.net || exit 1
start_runner
last=$((2 * many + callers))
at_once $((2 * many + 1)) $last you@example.net
check "callers beside a runner: all are told 0" all_exit 0
check "callers beside a runner: all messages arrive, each once" \
  await each_once 1 $last "$work/record"
check "callers beside a runner: nothing is queued" await queued 0
end_runner
stop_scripted

each_once_but_6 () { # each_once_but_6 DIRECTORY
  numbers "$1" | uniq -c | awk '$1 != ($2 == 6 ? 2 : 1) { bad = 1; print }
    END { exit bad }'
}

# One dies

# dialogue: on stdin, for the first connection; later ones are served.
dialogue () {
  cat >"$work/dialogue"
  echo serve >"$work/serve"
  rm -rf "$work/record"
  start_scripted --port "$port" --certificate "$work/certificates/good.pem" \
    "$work/dialogue" "$work/serve"
}

dialogue <<'END'
repeat 5
until DATA
pass DATA
end
until DATA
stall
END
enqueue 1 10 you@example.net || exit 1
start_runner
check "killed before the content: five are sent" \
  await each_once 1 5 "$work/record"
check "killed before the content: the sixth is on its way" \
  await heard 6 'RCPT TO'
end_runner KILL
run_once
check "killed before the content: the next one sends the others" exits 0
check "killed before the content: all arrive, each once" \
  each_once 1 10 "$work/record"
check "killed before the content: nothing is queued" queued 0
stop_scripted

dialogue <<'END'
repeat 5
until DATA
pass DATA
end
until DATA
< DATA
> 354 go ahead
message
stall
END
enqueue 1 10 you@example.net || exit 1
start_runner
check "killed after the content: the relay has the sixth" \
  await grep -q 'message 6 whole' "$work/record/1.log"
end_runner KILL
run_once
check "killed after the content: the next one sends the others" \
  each_once 1 10 "$work/record"
check "killed after the content: it tells that one waits" exits 75
check "killed after the content: that one waits" queued 1
at +600 run_once
check "killed after the content: it is left alone for ten minutes" queued 1
postrider queue retry >"$work/out" 2>&1
run_once
check "killed after the content: even if somebody asks" queued 1
at +1200 run_once
check "killed after the content: then it is sent again" queued 0
check "killed after the content: and no other" each_once_but_6 "$work/record"
stop_scripted

# A caller dies beside a runner

dialogue <<'END'
until DATA
stall
END
start_runner
numbered 1 >"$work/sent"
"$sendmail" you@example.net <"$work/sent" >"$work/out" 2>&1 &
caller=$!
keep $caller
check "a caller is killed: its message was on its way" await heard 1 'RCPT TO'
kill -s KILL $caller
wait $caller 2>/dev/null
check "a caller is killed: the runner sends the message" \
  await each_once 1 1 "$work/record"
check "a caller is killed: nothing is queued" await queued 0
end_runner

# A relay hangs

stop_scripted
dialogue <<'END'
until DATA
stall
END
scripted_account second 'max-connections = 10'
password second secret || exit 1
enqueue 1 2 -f me@example.org you@example.net || exit 1
start_runner
check "one account's relay hangs" await heard 1 'RCPT TO'
enqueue 3 3 -f second@example.org you@example.net || exit 1
check "one account's relay hangs: another account's mail goes out" \
  await each_once 3 3 "$work/record"
check "one account's relay hangs: its own waits" await queued 2
end_runner
end
