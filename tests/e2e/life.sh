#!/bin/sh
# The life of a message that the relay always puts off: its sender is warned once,
# then told that it failed; a copy is held, and removed much later.
. "$(dirname "$0")/lib.sh"
need_faketime
begin
make_certificates
start_scripted --serve --certificate "$work/certificates/good.pem"
scripted_account me
password me secret || exit 1

told () { # told N ACTION: so many notifications have arrived.
  told_n=$(cat "$work"/record/*.message-* 2>/dev/null |
    grep -c "^Action: $2")
  [ "$told_n" = "$1" ] || {
    echo "$told_n, not $1"
    return 1
  }
}

numbered 1 >"$work/sent"
submit defer@example.net <"$work/sent"
check "put off: the status is 0" exits 0
check "put off: it is queued" queued 1

# What is left over from a pass (a notification just made) goes with the next.
pass () { # pass OFFSET
  at "$1" run_once
  at "$1" run_once
}

pass +1h
check "an hour later: the sender is not told" told 0 delayed
pass +5h
check "five hours later: the sender is warned" told 1 delayed
pass +10h
check "ten hours later: once" told 1 delayed
for day in 1 2 3 4; do
  pass +${day}d
done
check "four days later: once" told 1 delayed
check "four days later: it is still tried" queued 1
check "four days later: it has not failed" told 0 failed
pass +5d
pass +6d
check "six days later: the sender is told that it failed" told 1 failed
check "six days later: it is queued no more" queued 0
check "six days later: a copy is held" queued 1 held
seen=$(cat "$work"/record/*.log | grep -c '< RCPT TO:<defer@')
pass +7d
check "it is not tried again" heard "$seen" 'RCPT TO:<defer@'
check "nobody is told again" told 1 failed
pass +34d
check "less than thirty days later the copy is held" queued 1 held
pass +37d
check "found to be held too long, the copy is held" queued 1 held
pass +38d
check "a day later the copy is held" queued 1 held
pass +41d
check "four days later it is removed" queued 0 held

# By settings

sed -i 's/^start-runner.*/&\nqueue-lifetime = 2h\ndelay-warning = never\nkeep-held = forever/' \
  "$accounts"
rm -rf "$work/record"
numbered 2 >"$work/sent"
submit defer@example.net <"$work/sent"
check "two hours to live: it is queued" queued 1
pass +1h
check "two hours to live: after one it is queued" queued 1
pass +150m
check "two hours to live: then it failed" told 1 failed
check "two hours to live: nobody was warned" told 0 delayed
check "two hours to live: a copy is held" queued 1 held
pass +30d
pass +60d
pass +90d
check "for ever means for ever" queued 1 held
end
