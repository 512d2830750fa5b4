#!/bin/sh
# The traps that have cost users of other programs their mail, one by one: what
# callers really do, and what they must never have to notice.
. "$(dirname "$0")/lib.sh"
need python3
begin
make_certificates
python=$(python3 -c 'import sys; print (sys.executable)')
mkdir "$work/arrived"
to=you@example.net

served
scripted_account me 'default = yes'
password me secret || exit 1
sed -i '2ilocal-mail-to = admin@example.net' "$accounts"

# sends FORMAT ARGUMENT...: that, for printf, on stdin.
sends () {
  printf "$1" >"$work/given"
  shift
  rm -rf "$work/record"/*
  submit "$@" <"$work/given"
}

# came_to RECIPIENT...: the last message, in one transaction, to these and no other,
# and who called saw 0 and no output. Its parts are in $work/arrived.
came_to () {
  exits 0 && silent && queued 0 &&
    "$python" -IS "$source/tests/e2e/wire" "$work"/record/*.tls \
      "$work/arrived" || return
  printf 'RCPT TO:<%s>\n' "$@" | sort >"$work/wanted"
  grep '^RCPT' "$work/arrived/envelope" | sort | diff "$work/wanted" -
}

body () { # body FORMAT
  printf "$1" | diff - "$work/arrived/body"
}

has () { # has LINE: of the header, by an extended pattern
  cat "$work/arrived/header"
  grep -qxE -e "$1" "$work/arrived/header"
}

lacks () { # lacks PATTERN: header and body
  ! grep -iE -e "$1" "$work/arrived/header" "$work/arrived/body"
}

not_sent () { # Nobody called the relay, and nothing is queued.
  queued 0 && ! ls "$work"/record/*.log 2>/dev/null
}

# A web framework speaks SMTP to `sendmail -bs -i'

sends 'EHLO localhost\r\nMAIL FROM:<me@example.org>\r\nRCPT TO:<you@example.net>\r\nDATA\r\nSubject: s\r\n\r\n..dot\r\n.\r\nQUIT\r\n' \
  -bs -i
check "SMTP on stdin: it is greeted, and the message taken" eval \
  'exits 0 && grep -q "^220 " "$work/out" && grep -q "^354 " "$work/out" &&
   [ "$(grep -c ^250 "$work/out")" -ge 4 ] && grep "^221 " "$work/out"'
: >"$work/out"
check "SMTP on stdin: the message arrives, and no word of the dialogue" eval \
  'came_to $to && body ".dot\n" && lacks "RCPT|QUIT"'

# The status is 0, and there is no mail

sends 'To: one@example.net,\n\ttwo@example.net\nBcc: three@example.net,\n four@example.net\n\nb\n' \
  -t five@example.net
check "-t, folded fields, and an argument: all get it" came_to \
  one@example.net two@example.net three@example.net four@example.net \
  five@example.net
sends 'Subject: s\n\nb\n' -N never $to
check "-N never: notify never, and not: never deliver" eval \
  'exits 0 && grep -q "< RCPT TO:<you@example.net> NOTIFY=NEVER" \
     "$work"/record/*.log && ls "$work"/record/*.message-1'
sends 'Subject: s\n\na\n.\nb\n' -oi $to
check "-oi: nothing is cut off at a dot" eval 'came_to $to && body "a\n.\nb\n"'
sends 'Subject: s\n\nb\n' -t
check "-t without a recipient is no success" eval 'exits 65 && not_sent'

# Bcc is shown

sends 'To: one@example.net\nBcc: secret@example.net\n\nb\n' one@example.net \
  secret@example.net
check "Bcc without -t: nobody is shown it" eval \
  'came_to one@example.net secret@example.net && lacks "bcc|secret"'
sends 'Resent-To: new@example.net\nResent-Bcc: secret@example.net\nResent-From: me@example.org\nFrom: a@example.com\nTo: old@example.net\nBcc: older@example.net\n\nb\n' \
  -t
check "a message is passed on: to whom it is passed on, and nobody else" eval \
  'came_to new@example.net secret@example.net && lacks "bcc|secret|older"'

# The relay waits for as long as the job runs

mkfifo "$work/job"
"$sendmail" $to <"$work/job" >"$work/out" 2>"$work/err" &
process=$!
keep $process
rm -rf "$work/record"/*
exec 4>"$work/job"
# More than a pipe holds: what was written is being read.
{
  printf 'Subject: job\n\n'
  yes 'one more line of output' | head -n 40000
} >&4
no_socket () {
  ! ls -l "/proc/$process/fd" | grep socket
}
check "a job that still writes: no connection is open" no_socket
check "a job that still writes: the relay was not called" connections 0
exec 4>&-
wait $process
status=$?
check "a job that has ended: it is sent" eval 'exits 0 && connections 1'

# There is no network

stop_scripted
sends 'Subject: offline\n\nb\n' $to
check "no relay: it is queued, which is success" eval 'exits 0 && silent &&
  queued 1'
dialogue grey <<'END'
until RCPT *
< RCPT *
> 451 4.7.1 greylisted, come back later
< DATA
> 554 5.5.1 no valid recipients
serve
END
echo serve >"$work/serve"
scripted= # which was stopped already
become "$work/grey" "$work/serve"
sends 'Subject: grey\n\nb\n' $to
check "greylisted: it is queued, which is success" eval 'exits 0 && silent &&
  queued 2'
submit -q </dev/null
check "later both are sent" eval 'exits 0 && queued 0 &&
  grep -q "Subject: offline" "$work"/record/*.message-* &&
  grep "Subject: grey" "$work"/record/*.message-*'

# One of them is unknown

served
sends 'Subject: s\n\nb\n' one@example.net reject@example.net two@example.net
check "one bad recipient: the others get it" eval \
  'exits 0 && silent && heard 1 "RCPT TO:<one@" && heard 1 "RCPT TO:<two@" &&
   ls "$work"/record/*.message-1'
check "one bad recipient: the sender will be told" eval \
  'queued 1 && queued 1 held'
rm -f "$state"/queue/* "$state"/held/*

# Text that is no message

sends 'Pool tank is DEGRADED: see zpool status\nsecond line\n' root
check "text without a header: no line is lost, and it becomes a message" eval \
  'came_to admin@example.net &&
   body "Pool tank is DEGRADED: see zpool status\nsecond line\n" &&
   has "From: (.*<me@example.org>|me@example.org)" && has "Date: .*" &&
   has "Message-ID: <.*>"'
sends 'Subject: s\nand then no blank line\n' $to
check "a header without an empty line: the text is the body" eval \
  'came_to $to && has "Subject: s" && body "and then no blank line\n"'

# Line ends of both kinds

sends 'To: you@example.net\r\nSubject: mixed\r\n\r\none\ntwo\r\nthree\n' -t
check "CRLF above, LF below: one header, one body" eval \
  'came_to $to && has "Subject: mixed" && body "one\ntwo\nthree\n"'

# Names of this machine

for name in root root@localhost root@localhost.localdomain; do
  sends 'From: root (Cron Daemon)\nTo: root\nSubject: Cron\n\nb\n' \
    -f fail2ban "$name"
  check "cron writes to $name, as root: no bare name leaves" eval \
    'came_to admin@example.net && grep "FROM:<me@example.org>" \
       "$work/arrived/envelope" &&
     has "From: .*me@example.org.*" && has "To: .*@.*" &&
     lacks "^(from|to|cc|sender|message-id):[^@]*$"'
done

# No environment (keyring-cron.sh and homeless.sh have the rest)

printf 'Subject: s\n\nb\n' >"$work/given"
rm -rf "$work/record"/*
timeout 60 setsid env -u LOGNAME -u USER -u DISPLAY -u TERM -u SHELL HOME=/ \
  "$sendmail" $to <"$work/given" >"$work/out" 2>"$work/err"
status=$?
check "sudo's home, no name, no terminal, no session: it arrives" came_to $to

# Options that other programs pass

for options in '-i -odi -em' '-m' '-p ESMTP:localhost' '-G' '-r me@example.org' \
  '-oem' '-oee' '-ep' '-V envelope' '-U' '-O DeliveryMode=i' '-n' \
  '-X /nonexistent' '-h 5' '-R hdrs' '-B 8BITMIME' '-B8BITMIME' '-tio' '-oi -oem -t' \
  '-v -i' '-Fme -fme@example.org' '-A c' '-bm' '-L tag' \
  '-oMshost' '-d0.1'; do
  sends 'To: you@example.net\n\nb\n' $options $to
  : >"$work/err" # of -v
  check "$options: it arrives, and to nobody else" came_to $to
done

# Descriptors, output, masks

for closed in '>&-' '2>&-' '>&- 2>&-'; do
  rm -rf "$work/record"/*
  sh -c "exec \"\$@\" $closed" - "$sendmail" $to <"$work/given" \
    >"$work/out" 2>"$work/err"
  status=$?
  check "the caller has closed $closed: it arrives as it was" eval \
    'came_to $to && body "b\n"'
done
rm -rf "$work/record"/*
sh -c 'umask 177; exec env --block-signal=CHLD --ignore-signal=CHLD "$@" 7<&0' \
  - "$sendmail" $to <"$work/given" >"$work/out" 2>"$work/err"
status=$?
check "umask 177, SIGCHLD blocked, a descriptor leaked: it arrives" came_to $to

# A lone dot

sends 'Subject: report\n\nbefore\n.\nafter\n' $to
check "a dot in a report without -i: all of the report arrives" eval \
  'came_to $to && body "before\n.\nafter\n"'

# Odd calls

sends 'To: you@example.net\n\nb\n' -F
check "-F and nothing behind it, as netdata does: an error, and no crash" eval \
  'exits 64 && not_sent'
sends 'Subject: s\n\nb\n' -f ''
check "-f '' and no recipient: an error that says so" eval \
  'exits 64 && not_sent && grep recipient "$work/err"'
sends 'Subject: s\n\nb\n'
check "no argument: an error that says so" eval \
  'exits 64 && not_sent && grep recipient "$work/err"'
sends 'BCC: secret@example.net\nSubject: s\n\nb\n' -t
check "only Bcc: it is sent, and Bcc is not shown" eval \
  'came_to secret@example.net && lacks "bcc|secret"'
sends 'Subject: s\n\nb\n' 'A <a@example.net>, b@example.net'
check "two addresses in one argument: both get it" came_to a@example.net \
  b@example.net
ln -s "$build/postrider" "$work/bin/mailq"
check "mailq can be called, and knows of no mail" eval \
  '"$work/bin/mailq" | grep "queue is empty"'

# Commands in addresses

for bad in 'a@example.net>\r\nRCPT TO:<x@example.net' \
  'a@example.net>\nDATA\nx' 'a\r@example.net'; do
  bad=$(printf "$bad")
  sends 'Subject: s\n\nb\n' "$bad"
  check "a command in a recipient is refused" eval 'exits 65 && not_sent'
  sends 'Subject: s\n\nb\n' -f "$bad" $to
  check "a command in the sender is refused" eval 'exits 65 && not_sent'
done
sends 'Subject: s\n\nb\n' $to -fevil@example.net
check "an option behind a recipient is none" eval 'exits 64 && not_sent'
sends 'Subject: s\n\nb\n' '"john doe"@example.com'
check "a blank inside quotes stays there" came_to '"john doe"@example.com'
sends 'Subject: s\n\nb\n' -f '<>' $to
check "-f <> is no sender" eval 'came_to $to &&
  grep -F "MAIL FROM:<>" "$work/arrived/envelope"'
end
