#!/bin/sh
# Every option of sendmail as callers write it: what is obeyed has its effect, what
# is ignored has none, what is refused leaves standard input alone. And the
# command lines of forty programs, each with the message that it sends.
. "$(dirname "$0")/lib.sh"
need python3
begin 300
make_certificates
start_scripted --certificate "$work/certificates/good.pem" --serve
scripted_account me
printf '[postrider]\nlog = %s\nstart-runner = no\nlocal-mail-to = admin@example.net\n' \
  "$work/log" >"$work/general"
sed -n '/^\[me\]/,$p' "$accounts" | cat "$work/general" - >"$work/both"
cat "$work/both" >"$accounts"
password me secret || exit 1
from=me@example.org to=you@example.net

# What callers write

# calls ARGUMENT...: with $work/sent; only this call is in the record.
calls () {
  rm -f "$work"/record/*
  submit "$@" <"$work/sent"
}

# sent N [STATUS]: the last call printed nothing, and so many messages came.
sent () {
  sent_n=$(find "$work/record" -name '*.message-*' | wc -l)
  exits "${2:-0}" && silent && queued 0 &&
    [ "$sent_n" = "$1" ] || {
    echo "$sent_n messages"
    cat "$work"/record/*.log
    return 1
  }
}

# told PATTERN...: one message came, and the relay was told this.
told () {
  sent 1 || return
  for told_pattern; do
    heard 1 "$told_pattern" || {
      cat "$work"/record/*.log
      return 1
    }
  done
}

# holds PATTERN: so does the message, one line of it.
holds () {
  tr -d '\r' <"$(ls "$work"/record/*.message-1)" >"$work/came"
  cat "$work/came"
  [ "$(grep -c -- "$1" "$work/came")" = 1 ]
}

# refuses STATUS ARGUMENT...: one line on stderr, and the message is still there to
# be read.
refuses () {
  refuses_status=$1
  shift
  rm -f "$work"/record/*
  {
    timeout 60 "$sendmail" "$@" >"$work/out" 2>"$work/err"
    status=$?
    cat >"$work/left"
  } <"$work/sent"
  exits "$refuses_status" && cmp "$work/left" "$work/sent" && [ ! -s "$work/out" ] &&
    cat "$work/err" && [ "$(wc -l <"$work/err")" = 1 ] && connections 0 && queued 0
}

# obeyed ROW PATTERN ARGUMENT...
obeyed () {
  obeyed_row=$1 obeyed_pattern=$2
  shift 2
  calls "$@"
  check "$obeyed_row" told "$obeyed_pattern"
}

echo 'the body' | message >"$work/complete"
cp "$work/complete" "$work/sent"

# Obeyed

obeyed '-t' "RCPT TO:<$to>.*" -t
calls -t other@example.net
check '-t and a recipient: both' told "RCPT TO:<$to>.*" \
  'RCPT TO:<other@example.net>.*'
obeyed '-f A' "MAIL FROM:<$from>.*" -f $from $to
obeyed '-fA' 'MAIL FROM:<x@example.com>.*' -fx@example.com $to
obeyed '-f <A>' 'MAIL FROM:<x@example.com>.*' -f '<x@example.com>' $to
obeyed '-f Name <A>' 'MAIL FROM:<x@example.com>.*' -f 'X <x@example.com>' $to
obeyed '-f empty' 'MAIL FROM:<>.*' -f '' $to
obeyed '-f <>' 'MAIL FROM:<>.*' -f '<>' $to
obeyed '-f bare name' "MAIL FROM:<$from>.*" -f fail2ban $to
obeyed '-f twice: the last' 'MAIL FROM:<y@example.com>.*' -f x@example.com \
  -fy@example.com $to
obeyed '-r A' 'MAIL FROM:<x@example.com>.*' -r x@example.com $to
obeyed '-rA' 'MAIL FROM:<x@example.com>.*' -rx@example.com $to
obeyed '-bm' "RCPT TO:<$to>.*" -bm $to
obeyed '-b m' "RCPT TO:<$to>.*" -b m $to
obeyed '-N never' "RCPT TO:<$to> NOTIFY=NEVER.*" -N never $to
obeyed '-N failure,delay' "RCPT TO:<$to> NOTIFY=FAILURE,DELAY.*" \
  -N failure,delay $to
obeyed '-R hdrs' 'MAIL FROM:<me@example.org>.* RET=HDRS.*' -R hdrs $to
obeyed '-Rfull' 'MAIL FROM:<me@example.org>.* RET=FULL.*' -Rfull $to
obeyed '-V id' 'MAIL FROM:<me@example.org>.* ENVID=0000abcd.*' -V0000abcd $to
obeyed '-- A' "RCPT TO:<$to>.*" -i -- $to
obeyed '--account' "MAIL FROM:<x@example.com>.*" --account me -f x@example.com $to
obeyed '-C FILE' "RCPT TO:<$to>.*" -C "$accounts" $to
obeyed '-odi' "RCPT TO:<$to>.*" -odi $to
obeyed '-O DeliveryMode=i' "RCPT TO:<$to>.*" -O DeliveryMode=i $to

# Their effect is another one.

printf 'Subject: s\nTo: you@example.net\n\nfirst\n.\nlast\n' >"$work/sent"
for dots in -i -oi '-o i' -oitrue '-O IgnoreDots' -OIgnoreDots=true -ti ''; do
  calls $dots $to
  check "${dots:-no -i}: a lone dot" told "RCPT TO:<$to>.*"
  check "${dots:-no -i}: what is behind the dot came" holds '^last$'
done
types () { # types ARGUMENT...: the message, on a terminal
  rm -f "$work"/record/*
  types_keys=$(printf 'Subject: typed\n\nfirst\n.\nlast\n\004')
  timeout 60 "$build/tests/e2e/terminal" ready "$types_keys" \
    sh -c 'echo ready; exec "$@"' - "$sendmail" "$@" >"$work/out"
  status=$(sed -n 's/^status //p' "$work/out")
}
types $to
check 'no -i, on a terminal: the lone dot ends it' exits 0
check 'no -i, on a terminal: what is before it came' holds '^first$'
check 'no -i, on a terminal: what is behind it did not' \
  sh -c '! grep last "$1"' - "$work/came"
for dots in -i -oi '-O IgnoreDots'; do
  types $dots $to
  check "$dots, on a terminal: the lone dot ends nothing" exits 0
  check "$dots, on a terminal: what is behind it came" holds '^last$'
done
calls -F 'Me, "Myself" <i>' $to
check '-F: a name that has to be quoted' \
  holds '^From: "Me, \\"Myself\\" <i>" <me@example\.org>$'
calls -FCronDaemon $to
check '-FNAME' holds '^From: CronDaemon <me@example\.org>$'
calls -F 'Grüße' $to
check '-F: a name that is not ASCII' holds '^From: .*<me@example\.org>$'
calls -F "x$(printf '\nX-Evil: y\r\nX-Evil: z')" $to
not_evil () {
  ! holds '^X-Evil'
}
check '-F: a line end makes no field' not_evil
cp "$work/complete" "$work/sent"

for mode in -odb -odq '-o db' '-O DeliveryMode=b' '-O deliverymode=queue'; do
  calls $mode $to
  check "$mode: the status is 0" exits 0
  check "$mode: nothing is printed" silent
  check "$mode: it waits" queued 1
  check "$mode: the relay is not asked" connections 0
  rm -f "$state"/queue/*
done

calls -v $to
check '-v: the status is 0' exits 0
check '-v: nothing is on standard output' [ ! -s "$work/out" ]
check '-v: the conversation is on standard error' grep -q "RCPT TO:<$to>" \
  "$work/err"
check '-v: without the password' sh -c '! grep -E "$1" "$2"' - \
  "secret|$(printf '\0me\0secret' | base64)" "$work/err"
sed -i 's/^\[me\]/&\ndelivery = queue/' "$accounts"
calls -v $to
check '-v: the relay is asked, whatever the account has' connections 1
calls $to
check '... and without it, it is not' connections 0
rm -f "$state"/queue/*
cat "$work/both" >"$accounts"

calls -L 'a job' $to
check '-L: the log is under that name' grep -q ' a_job\[[0-9]*\]: id=' "$work/log"
calls -bv $to
check '-bv: the status is 0' exits 0
check '-bv: the recipient is named' grep -q "$to" "$work/out"
check '-bv: nothing is sent' connections 0
calls -bp
check '-bp: the status is 0' exits 0
check '-bp: the queue is listed' grep -qx 'Mail queue is empty' "$work/out"
for name in mailq newaliases send-mail; do
  ln -s "$build/postrider" "$work/bin/$name"
done
as () { # as NAME ARGUMENT...
  sendmail=$work/bin/$1
  shift
  calls "$@"
  sendmail=$work/bin/sendmail
}
for line in mailq 'mailq -v' 'mailq -Ac' 'mailq -A c'; do
  as $line
  check "$line: the status is 0" exits 0
  check "$line: the queue is listed" grep -qx 'Mail queue is empty' "$work/out"
done
for line in newaliases 'newaliases -v' 'sendmail -bi' 'sendmail -I' \
  'sendmail -b i' 'sendmail -bi -oA/etc/aliases'; do
  as $line
  check "$line: 0, and quiet" sent 0
done
echo 'root: hidden@example.net' >"$work/aliases"
sed -i "s,^\[postrider\],&\naliases = $work/aliases," "$accounts"
as newaliases
check 'newaliases: a good file: quiet' sent 0
obeyed 'an alias' 'RCPT TO:<hidden@example.net>.*' root
obeyed '-n: no alias' 'RCPT TO:<admin@example.net>.*' -n root
printf 'no colon\nroot: admin@example.net\n' >"$work/aliases"
as newaliases
check 'newaliases: a line that means nothing: 0' exits 0
check 'newaliases: it is named' grep -q "$work/aliases:1: " "$work/err"
chmod a+w "$work/aliases"
as newaliases
check 'newaliases: a file that others may write: 78' exits 78
cat "$work/both" >"$accounts"
for name in runq hoststat purgestat smtpd; do
  ln -s "$build/postrider" "$work/bin/$name"
  as $name
  check "$name is not offered: 64" exits 64
done
as send-mail $to
check 'send-mail is sendmail' sent 1
same () { # same COMMAND COMMAND: they say the same, and exit with 0
  eval "$1" >"$work/one" 2>&1 && eval "$2" >"$work/other" 2>&1 &&
    diff "$work/one" "$work/other"
}
check 'help: as --help' same 'postrider help' 'postrider --help'
check 'help: of a command' same 'postrider help queue' 'postrider queue --help'
check '--version of a command' same 'postrider log --version' \
  'postrider --version'
for line in --help --version 'queue --help' 'sendmail --help-all'; do
  postrider $line >/dev/full 2>"$work/err"
  status=$?
  check "$line that cannot be written: 74" exits 74
done
for line in 'qeue list' 'help qeue'; do
  postrider $line >"$work/out" 2>"$work/err"
  status=$?
  check "$line: 64" exits 64
  check "$line: what is meant" grep -q 'mean `postrider queue' "$work/err"
done
check 'newaliases as a command' sh -c '"$1" newaliases </dev/full' - \
  "$build/postrider"

for n in 1 2; do
  calls -odq "you$n@example.net"
done
calls -qRYOU2@
check '-qR: the status is 0' exits 0
check '-qR: that recipient has it' heard 1 'RCPT TO:<you2@.*'
check '-qR: nobody else' heard 1 'RCPT TO.*'
check '-qR: the other one waits' queued 1
calls -qI ABCDEF
check '-qI: no such message' connections 0
calls -qI "$(ls "$state/queue" | tr A-F a-f | cut -c 3-)"
check '-qI: it is sent' sent 1
calls -q
check '-q: nothing waits' sent 0

# Ignored

for options in -Ac '-A c' -Am -B8BITMIME '-B 8BITMIME' -B7BIT -c -d -d0.1 \
  "-D $work/debug" -E -em '-e m' -ep -eq -ee -ew -oem -oep -oeq -oee -oew \
  -G -h3 '-h 3' -J -m -om -n '-O LogLevel=9' -OTimeout.queuereturn=2d \
  '-O SMTPUTF8' -o7 -o8 -oA/etc/aliases -oMrSMTP -oQ/var/spool/x -oT5d -odf \
  -oo -or0s -ov -pNNTP:host '-p SMTP' -S -s -U -x "-X $work/debug" -imUG; do
  obeyed "$options: has no effect" "RCPT TO:<$to>.*" $options $to
done
check 'no file was opened that a caller names' [ ! -e "$work/debug" ]
calls -od b $to
check '-od b: b is a recipient' sent 1
bare () {
  ! grep -h '< RCPT TO:<[^@]*>' "$work"/record/*.log
}
check '-od b: no bare name is sent to the relay' bare

# Refused

for options in -bd -bD -ba -bh -bH -bt -bP -bC -bl -bx '-b x' '-bd -q15m' -q30m \
  -qS -qGx "-q $to" '-M x' -Mid '-Q why' -Q '-T 2d' -T2d -W '-a work' -P '-u x' \
  '-O RequireTLS' -z -tz --nothing --accounts-file --help=1 "--help $to" \
  "--version $to" -f -F '-t -F' -N -R -V -o -O -b -e -X -L -C -qI \
  "-N sometimes $to" "-R some $to" "$to -f" "$to -f x@example.org" \
  '-- -x@example.net' "$to -- $to" '-t -- -oi' '' -i; do
  check "${options:-no option, no recipient}: 64, and nothing is read" \
    refuses 64 $options
done
check 'an empty option argument: 64' refuses 64 -f ''
check 'a line end in a recipient: 65' refuses 65 \
  "a@example.net$(printf '\nRCPT TO:<x@y>')"
check 'a line end in the sender: 65' refuses 65 \
  -f "a@example.net$(printf '\r\nRCPT TO:<x@y>')" $to
check 'what is refused is in the log' \
  grep -q 'text="option -bd is refused: .*-bs' "$work/log"

# Odd command lines

no_arguments () { # argc is 0, or the name is empty
  python3 -c 'import ctypes, sys
ctypes.CDLL (None).execv (sys.argv[1].encode (),
                          (ctypes.c_char_p * 1) (None))' "$build/postrider"
  [ $? = 64 ]
}
check 'not even a name: 64' no_arguments
calls $(yes -- -i | head -n 150000) $to
check 'two megabytes of options' sent 1
calls -f "$(head -c 130000 /dev/zero | tr '\0' x)@example.org" $to
check 'an address of 130000 octets: refused' \
  sh -c '[ "$1" = 64 ] || [ "$1" = 65 ]' - "$status"
long=$(seq -f 'a%g@example.net' 1 5000)
calls -odq -- $long
check 'five thousand recipients' exits 0
rm -f "$state"/queue/*

# Forty programs

# program N NAME SHAPE ARGUMENT...: its command line, with a message that lacks
# what it leaves out.
program () {
  program_name="$1 $2" program_shape=$3
  shift 3
  shape_$program_shape >"$work/sent"
  calls "$@"
  check "$program_name: it is sent" sent 1
}
shape_cron () {
  printf 'From: root (Cron Daemon)\nTo: root\nSubject: Cron <root@host> job\n'
  printf 'MIME-Version: 1.0\nContent-Type: text/plain; charset=UTF-8\n'
  printf 'Content-Transfer-Encoding: 8bit\nX-Cron-Env: <SHELL=/bin/sh>\n\nGr\303\274\303\237e\n'
}
shape_subject () {
  printf 'Subject: s\nTo: root\n\nbody\n.\nmore\n'
}
shape_local () {
  printf 'From: %s\nTo: root\nSubject: s\n\nbody\n.\nmore, and no line end' \
    'Logwatch <root@localhost>'
}
shape_bcc () {
  printf 'To: you@example.net\nBcc: hidden@example.net\nSubject: s\n\nbody\n'
}
shape_only_bcc () {
  printf 'BCC: hidden@example.net\nSubject: s\n\nbody\n'
}
shape_complete () {
  cat "$work/complete"
}
shape_mixed () { # lines of the header end in CRLF
  printf 'To: you@example.net\r\nSubject: s\r\nX-Mailer: PHP/8.2\r\n\r\nbody\nmore\n'
}
shape_no_blank () {
  printf 'Subject: zfs\nZFS has finished a scrub:\n\n  pool: tank\n'
}
shape_resent () {
  printf 'Resent-From: me@example.org\nResent-To: you@example.net\n'
  cat "$work/complete"
}
shape_received () {
  printf 'Return-Path: <x@example.com>\nDelivered-To: me@example.org\n'
  printf 'Received: from a by b; Thu, 01 Oct 2026 12:00:00 +0000\n'
  cat "$work/complete"
}

program 1 'cron of Debian' cron -FCronDaemon -i -B8BITMIME -oem root
program 1 'cron, a list' cron -FCronDaemon -i -B8BITMIME -oem \
  'you@example.net,root'
program 2 cronie cron -FCronDaemon -i -odi -oem -oi -t -f root
program 3 'vixie-cron' cron -FCronDaemon -odi -oem -or0s root
program 4 'systemd-cron' cron -i -B8BITMIME root
program 4 'systemd-cron, newer' cron -i -B 8BITMIME root
program 5 at subject -i me
program 6 anacron local -FAnacron -odi root
program 7 sudo local -t
program 8 mdadm local -t
program 9 logwatch local -t
program 10 fail2ban local -f fail2ban root
program 11 'unattended-upgrades' local -oi -t
program 12 'apt-listchanges' local -oi -t
program 12 'cron-apt' local -t -oi
program 13 'smartd, by mail' bcc -i -t
program 14 rkhunter subject root
program 14 logcheck subject -oi root
program 15 'bsd-mailx' bcc -i -t -f $from -m
program 16 's-nail' complete -i -m -F Me -f $from -- $to
program 17 'GNU mail' bcc -oi -f $from -t
program 18 mutt complete -oem -oi -B8BITMIME -f $from -N failure,delay -R hdrs \
  -- $to
program 19 'git send-email' complete -i -f $from $to
program 20 'Emacs sendmail.el' complete -oi -f $from -oAfile -oep -odi -t
sed -i 's/^start-runner.*/start-runner = no/' "$accounts"
for mode in '-oem -odb -t'; do
  shape_complete >"$work/sent"
  calls -oi -f $from $mode
  check '20 Emacs, in the background: it is queued' queued 1
  rm -f "$state"/queue/*
done
program 21 'Emacs message.el, resent' resent -oi -f $from \
  'A <a@example.net>, b@example.net'
program 22 'PHP mail()' mixed -t -i -f$from
program 23 PHPMailer bcc -t -i -oi -f$from -t
program 24 'Symfony, -t' complete -i -f $from -- $to
program 25 'Ruby mail' complete -i -f $from -- $to
program 26 nodemailer mixed -i -f $from $to b@example.net
program 27 'Email::Sender' complete -i -f $from -- $to
program 27 'MIME::Lite' bcc -t -oi -oem -f$from
program 27 'Mail::Send' subject -t
program 28 Mercurial complete -f $from $to b@example.net
program 29 RT complete -oi -t -f '<>'
program 30 sympa complete -oi -odi -oem -N success,delay,failure -V0000002a -f '' \
  -- $to b@example.net c@example.net
program 30 dovecot complete -i -f '<>' -- $to
program 30 procmail complete -oi $to
program 31 vacation local -f me -- $to
program 31 smokeping subject -f $from $to
shape_subject >"$work/sent"
calls -oi -oee -odq -f$from -pNNTP:host $to
check '31 INN: it is queued' queued 1
rm -f "$state"/queue/*
check '31 mailbot: no recipient, no -t: 64' refuses 64 -f ''
program 32 'nmh, sendmail/pipe' complete -t -i
program 32 'nmh, the Bcc of it' only_bcc -t -i
program 33 sylpheed complete -t -i
program 34 aerc complete $to b@example.net
check '35 himalaya: no recipient, no -t: 64' refuses 64
program 35 'himalaya, with -t' complete -t
program 36 lettre complete -i -f $from -- $to
program 36 Gitea complete -f $from -i $to
program 36 Proxmox complete -B 8BITMIME -f $from -- $to
check '37 netdata asks what -F wants: 64' refuses 64 -F
program 37 netdata local -t -f $from -F netdata
program 38 'zfs-zed' no_blank root
program 39 reportbug complete -f $from -oi -oem $to
program 39 nmudiff complete -t
program 40 fetchmail received -i -f x@example.com -- $to
check 'Bcc is in none of them' \
  sh -c '! grep -li "^bcc:" "$1"/record/*.message-*' - "$work"

# The same through SMTP: smtpd.sh has more.
smtp () { # smtp ARGUMENT...
  printf '%s\r\n' 'EHLO localhost' "MAIL FROM:<$from>" "RCPT TO:<$to>" DATA \
    'Subject: s' '' body . QUIT >"$work/sent"
  calls "$@"
}
smtp_sent () {
  cat "$work/out"
  exits 0 && [ ! -s "$work/err" ] && [ "$(grep -c '^250 ' "$work/out")" = 4 ] &&
    heard 1 "RCPT TO:<$to>.*" && queued 0
}
for line in '24 Laravel: -bs -i' '24 Symfony: -bs' '32 alpine: -bs -oem -oi'; do
  smtp ${line#*: }
  check "$line" smtp_sent
done
for line in '32 nmh: -bs -odb -oem' '32 nmh: -bs -odb -oem -om'; do
  smtp ${line#*: }
  check "$line: the replies" [ "$(grep -c '^250 ' "$work/out")" = 4 ]
  check "$line: it is queued" queued 1
  rm -f "$state"/queue/*
done

check 'nothing is queued' queued 0
check 'nothing is held' queued 0 held
end
