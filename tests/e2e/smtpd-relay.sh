#!/bin/sh
# sendmail -bs before real relays: what a client is told of each verdict, and what
# arrives.
. "$(dirname "$0")/lib.sh"
need_root
need postfix dovecot python3
begin 300
start_relay postfix
make_certificates
mail=$work/postfix/mail
: >aliases
sed -i "2i aliases = $work/aliases" "$accounts"
relay_account me postfix tls
password me "$relay_password" || exit 1

# say: commands on stdin, for one process; replies to $work/out, without the
# greeting, status to $work/status.
say () {
  sed 's/$/\r/' | timeout 100 "$sendmail" -bs "$@" >"$work/replies" 2>"$work/err"
  echo $? >"$work/status"
  tr -d '\r' <"$work/replies" | sed 1d >"$work/out"
}

# one RECIPIENT...: a message for them, as commands.
one () {
  echo 'MAIL FROM:<me@example.org>'
  printf 'RCPT TO:<%s>\n' "$@"
  printf '%s\n' DATA
  cat "$work/sent"
  echo .
}

# verdict PATTERN: the last reply but that to QUIT matches, and stderr is empty.
verdict () {
  tail -n 1 "$work/out" | grep -- "$1" && [ "$(cat "$work/status")" = 0 ] &&
    ! grep . "$work/err" || {
    cat "$work/out" "$work/err"
    return 1
  }
}

echo 'Good morning.' | message 'Subject: one' >"$work/sent"
one one@example.net | say
check "the relay took it: 250" verdict '^250 2\.0\.0 Ok: queued as [0-9A-F]*$'
check "and it is there" came "$work/sent" "$mail/one"
check "and not here any more" queued 0

one reject@example.net | say
check "refused for its only recipient: 550" \
  verdict '^550 5\.1\.1 .*nobody of that name; a copy is held as [0-9A-F]*$'
check "that is held" queued 1 held
rm -f "$state"/held/*

one reject@example.net one@example.net | say
check "refused for one of two: 250" verdict '^250 2\.0\.0 '
check "the other has it" came "$work/sent" "$mail/one"
run_once
check "and the sender is notified" arrived "$mail/all"
rm -f "$state"/held/*

# wishing NOTIFY: the one who is refused has that, and the other none.
wishing () {
  one reject@example.net one@example.net |
    sed "s/^RCPT TO:<reject.*/& NOTIFY=$1 ORCPT=rfc822;first+2Bname@example.net/" |
    say
}
wishing SUCCESS,DELAY
run_once
check "not wanted for that recipient: nobody is notified" \
  sh -c '! ls "$1" | grep .' - "$mail/all/new"
wishing FAILURE
run_once
check "wanted: the sender is" arrived "$mail/all"
check "and learns of the address that was given" \
  grep '^Original-Recipient: rfc822; first+name@example.net' "$work/arrived"
rm -rf "$state"/held/* "$mail"/one/new/*

one one@example.net | sed 's/^Subject: one/&\nX-Verdict: reject/' | say
check "refused for what it says: 554" verdict '^554 5\.0\.0 .*not this message'
rm -f "$state"/held/*

one defer@example.net | say
check "greylisted: 250, for it is queued" verdict '^250 2\.0\.0 '
check "it waits" queued 1
rm -f "$state"/queue/*

# Several in one process, each with its own verdict

{
  echo 'EHLO client.example'
  one reject@example.net
  one one@example.net
  one reject@example.net two@example.net
  one three@example.net | sed 's/^MAIL.*/MAIL FROM:<bad-sender@example.org>/'
  echo QUIT
} | say -i
check "several: each has a verdict" \
  sh -c '[ "$(grep -cE "^(250 2.0.0|55[04] .*copy is held)" "$1")" = 4 ]' - \
  "$work/out"
check "several: the first arrives" came "$work/sent" "$mail/one"
check "several: so does the second" came "$work/sent" "$mail/two"
rm -rf "$state"/held/* "$state"/queue/* "$mail"/all/new/*

# A client that stays: nobody has a session with the relay meanwhile.
idle () {
  mkfifo commands
  "$sendmail" -bs <commands >replies 2>err &
  client=$!
  exec 3>commands
  one one@example.net | sed 's/$/\r/' >&3
  await grep -q '^250 2.0.0 Ok' replies || return 1
  await sh -c "! ls -l /proc/$client/fd | grep socket:"
  idle_status=$?
  one two@example.net | sed 's/$/\r/' >&3
  exec 3>&-
  wait $client && [ $idle_status = 0 ] && came "$work/sent" "$mail/one" &&
    came "$work/sent" "$mail/two"
}
check "a client that stays keeps no session with the relay" idle

# Symfony, as it is by default: one process for all messages of a worker

if [ -e /usr/share/php/Symfony/Component/Mailer/autoload.php ] &&
  command -v php >/dev/null; then
  cat >symfony.php <<'END'
<?php
require '/usr/share/php/Symfony/Component/Mailer/autoload.php';
require '/usr/share/php/Symfony/Component/Mime/autoload.php';
use Symfony\Component\Mailer\Transport;
$dsn = 'sendmail://default?command=' . rawurlencode ("$argv[1] -bs -i");
$mailer = new Symfony\Component\Mailer\Mailer (Transport::fromDsn ($dsn));
foreach (['one@example.net', 'reject@example.net', 'two@example.net'] as $to)
  try
    {
      $mailer->send ((new Symfony\Component\Mime\Email ())
        ->from ('Me <me@example.org>')->to ($to)->bcc ('three@example.net')
        ->subject ("For $to")->text (".\r\n..\r\nGrüße\n"));
      echo "sent\n";
    }
  catch (Symfony\Component\Mailer\Exception\TransportExceptionInterface $e)
    {
      echo $e->getMessage (), "\n";
    }
END
  symfony () {
    timeout 60 php symfony.php "$sendmail" >symfony.out 2>&1
    cat symfony.out
    [ "$(grep -c '^sent' symfony.out)" = 3 ] && arrived "$mail/one" &&
      arrived "$mail/two" && await files 3 "$mail/three/new" &&
      ! grep -rq '^Bcc' "$mail/three/new"
  }
  check "Symfony sends three by one process" symfony
else
  skip "Symfony sends three by one process" "php-symfony-mailer is not installed"
fi
rm -rf "$state"/held/* "$state"/queue/* "$mail"/*/new/*

# What is told to the relay

wishes () {
  printf 'offer PIPELINING\noffer DSN\noffer SMTPUTF8\noffer 8BITMIME\n' >offers
  echo 'offer AUTH PLAIN' >>offers
  echo serve >>offers
  start_scripted --certificate "$work/certificates/good.pem" offers
  scripted_account other || return 1
  password other secret || return 1
  {
    printf '%s\n' 'MAIL FROM:<other@example.org> RET=HDRS ENVID=a+2Bb' \
      'RCPT TO:<one@example.net> NOTIFY=SUCCESS ORCPT=rfc822;x+2By@example.net' \
      'RCPT TO:<two@example.net> NOTIFY=NEVER' 'RCPT TO:<three@example.net>' DATA
    cat "$work/sent"
    echo .
  } | say
  cat "$work"/record/*.log
  heard 1 'MAIL FROM:<other@example.org> .*RET=HDRS ENVID=a+2Bb' &&
    heard 1 'RCPT TO:<one@example.net> NOTIFY=SUCCESS ORCPT=rfc822;x+2By@example.net' &&
    heard 1 'RCPT TO:<two@example.net> NOTIFY=NEVER ORCPT=rfc822;two@example.net' &&
    heard 1 'RCPT TO:<three@example.net>$'
}
check "the relay learns what is wished for each recipient" wishes

hundred () {
  rm -rf "$work"/record/*
  for n in $(seq 100); do
    printf '%s\n' 'MAIL FROM:<other@example.org>' 'RCPT TO:<one@example.net>' \
      DATA
    numbered "$n"
    echo .
  done | say
  [ "$(grep -c '^250 2.0.0 Ok' "$work/out")" = 100 ] &&
    each_once 1 100 "$work/record" && queued 0
}
check "a hundred messages, each once" hundred

# Without a relay, and without a password

stop_scripted
one one@example.net | sed 's/me@/other@/' | say
check "no relay: 250, for it is queued" verdict '^250 2\.0\.0 '
check "no relay: it waits" queued 1
postrider password forget other >/dev/null || exit 1
one one@example.net | sed 's/me@/other@/' | say
check "no password: 554" verdict '^554 5\.7\.0 .*; a copy is held as '
one one@example.net | sed 's/me@/other@/' | say -odb
check "no password, in the background: 250" verdict '^250 2\.0\.0 '
end
