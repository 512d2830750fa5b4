#!/bin/sh
# Programs that call sendmail: what they send arrives, and what they make of the
# exit status. (Cron: keyring-cron.sh.)
. "$(dirname "$0")/lib.sh"
need_root
need postfix dovecot
begin
start_relay postfix
box=$work/postfix/mail/all
relay_account me postfix tls
password me "$relay_password" || exit 1

# calls COMMAND...: its status and output, as those of `submit'.
calls () {
  timeout 60 "$@" >"$work/out" 2>"$work/err"
  status=$?
}

has () { # has PATTERN: a line of what arrived
  grep -q "$1" "$work/arrived"
}

# mutt

if command -v mutt >/dev/null; then
  cat >"$work/muttrc" <<END
set sendmail = "$sendmail"
set from = "me@example.org"
set realname = "Me"
set copy = no
set charset = utf-8
set send_charset = utf-8
set allow_8bit
END
  echo 'from mutt, with Grüße' >"$work/body"
  calls mutt -F "$work/muttrc" -s 'Hi from mutt' -b two@example.net \
    you@example.net <"$work/body"
  check "mutt: the status is 0" exits 0
  check "mutt: nothing is printed" silent
  check "mutt: it arrives" arrived "$box"
  check "mutt: the body is as it was" has '^from mutt, with Grüße$'
  check "mutt: so is the subject" has '^Subject: Hi from mutt$'
  check "mutt: Bcc is not shown" sh -c '! grep -i ^bcc: "$1"' - "$work/arrived"
  check "mutt: who is in Bcc has it" arrived "$work/postfix/mail/two"
  calls mutt -F "$work/muttrc" -s 'Refused' reject@example.net <"$work/body"
  check "mutt: a refusal is not 0" [ "$status" != 0 ]
  check "mutt: it shows the relay's words" \
    grep -q 'nobody of that name' "$work/out" "$work/err"
  rm -f "$state"/held/*
else
  skip mutt "it is not installed"
fi

# git send-email

if [ -x "$(git --exec-path 2>/dev/null)/git-send-email" ]; then
  git init -q "$work/repository"
  (
    cd "$work/repository" || exit 1
    git config user.name Me
    git config user.email me@example.org
    git config sendemail.smtpServer "$sendmail"
    git config sendemail.confirm never
    git config sendemail.suppressCc all
    for n in 1 2; do
      echo ".line $n" >>file
      git add file
      git commit -q -m "Change $n"
    done
    git format-patch -q -1 -o "$work/patches"
  )
  calls git -C "$work/repository" send-email --quiet --to you@example.net \
    "$work/patches"
  check "git send-email: the status is 0" exits 0
  check "git send-email: it prints what it always does" \
    [ "$(cat "$work/out" "$work/err")" = 'Sent [PATCH] Change 2' ]
  check "git send-email: it arrives" arrived "$box"
  check "git send-email: the patch applies" \
    git -C "$work/repository" apply --reverse --check "$work/arrived"
  calls git -C "$work/repository" send-email --quiet --to reject@example.net \
    "$work/patches"
  check "git send-email: a refusal has sendmail's status, 67" exits 67
  check "git send-email: it is held" queued 1 held
  rm -f "$state"/held/*
else
  skip "git send-email" "it is not installed"
fi

# mail (bsd-mailx)

if command -v bsd-mailx >/dev/null; then
  echo "set sendmail=$sendmail" >"$work/mailrc"
  MAILRC=$work/mailrc
  export MAILRC
  printf 'from mail\n.\nand more\n' >"$work/body"
  calls bsd-mailx -s 'Hi from mail' -b two@example.net you@example.net \
    <"$work/body"
  check "mail: the status is 0" exits 0
  check "mail: nothing is printed" silent
  check "mail: it arrives" arrived "$box"
  check "mail: the body is as it was" has '^from mail$'
  check "mail: with what is after the dot" has '^and more$'
  check "mail: the sender is the account's" has '^From: .*me@example.org'
  check "mail: Date is added" has '^Date: '
  check "mail: Message-ID is added" has '^Message-I[Dd]: <.*@.*>$'
  check "mail: Bcc is not shown" sh -c '! grep -i ^bcc: "$1"' - "$work/arrived"
  check "mail: who is in Bcc has it" arrived "$work/postfix/mail/two"
  calls bsd-mailx -s Refused reject@example.net <"$work/body"
  check "mail: a refusal is not 0" [ "$status" != 0 ]
  check "mail: it names the status" grep -q 'error code 67' "$work/out" "$work/err"
  rm -f "$state"/held/*
else
  skip mail "bsd-mailx is not installed"
fi

check "nothing is queued" queued 0
end
