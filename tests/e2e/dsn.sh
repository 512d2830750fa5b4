#!/bin/sh
# What a sender is told by mail: a notification that a MIME parser and a mail
# program understand, and none where nobody wants one.
. "$(dirname "$0")/lib.sh"
need_root
need postfix dovecot python3
need_faketime
begin 300
start_relay postfix
mail=$work/postfix/mail
relay_account me postfix tls
password me "$relay_password" || exit 1

# notified: one notification has come to the sender; what it says is in
# $work/said.
notified () {
  arrived "$mail/all" && cp "$work/arrived" "$work/notification" &&
    python3 "$source/tests/e2e/notification" "$work/arrived" >"$work/said" || {
    cat "$work/said" "$work/arrived"
    return 1
  }
}

says () { # says LINE: the notification does.
  grep -qxF -- "$1" "$work/said" || {
    echo "it does not say: $1"
    cat "$work/said"
    return 1
  }
}

says_like () { # says_like REGEX: a whole line does.
  grep -qxE -- "$1" "$work/said" || {
    echo "it does not say: $1"
    cat "$work/said"
    return 1
  }
}

# send: all that waits, and what comes of it.
send () {
  timeout 60 postrider run --until-empty >"$work/out" 2>"$work/err"
  status=$?
}

nobody_is_told () {
  files 0 "$mail/all/new" && queued 0 && ! grep 'about=' "$work/log"
}

held_id () {
  set -- "$state"/held/*
  echo "${1##*/}"
}

forget () { # what is held, and what was logged
  rm -f "$state"/held/*
  : >"$work/log"
}

# Refused after it was queued

echo 'Good morning.' | message 'Subject: Grüße an =?utf-8?Q?=C3=A9?= alle' \
  'X-Folded: one' '	two' >"$work/sent"
submit -odq -V 'my+own=id' reject@example.net two@example.net <"$work/sent"
check "queued: the status is 0" exits 0
send
check "queued: the other has it" came "$work/sent" "$mail/two"
check "queued: a notification comes, as it should be" notified
id=$(held_id)
check "queued: it is held" queued 1 held
check "queued: nothing else waits" queued 0
check "queued: the log has it" \
  grep -q "to=<me@example.org> about=$id action=failed" "$work/log"
check "queued: it is from nobody" \
  grep -q 'from=<>, size=.*, nrcpt=1' "$work/postfix/log"
for line in \
  'header From: Postrider <me@example.org>' \
  'header To: me@example.org' \
  'header Subject: Your message could not be delivered' \
  "header In-Reply-To: $(sed -n 's/^Message-ID: //p' "$work/sent")" \
  "header References: $(sed -n 's/^Message-ID: //p' "$work/sent")" \
  'text     reject@example.net' \
  'text         localhost said: 550 5.1.1 <reject@example.net>: Recipient address' \
  'text     Subject: Grüße an é alle' \
  'text     Date: Thu, 01 Oct 2026 12:00:00 +0000' \
  "text     ID in the queue: $id" \
  "text     postrider queue show $id" \
  "text     postrider queue release $id" \
  "text     postrider queue remove $id" \
  'message Reporting-MTA: dns; localhost' \
  'message Original-Envelope-Id: my+own=id' \
  'recipient 1 Final-Recipient: rfc822; reject@example.net' \
  'recipient 1 Action: failed' \
  'recipient 1 Status: 5.1.1' \
  'recipient 1 Remote-MTA: dns; localhost' \
  'recipient 1 Diagnostic-Code: smtp; 550 5.1.1 <reject@example.net>: Recipient address rejected: nobody of that name' \
  'original message/global-headers' \
  'original Subject: Grüße an é alle' \
  'original X-Folded: one two' \
  'original To: you@example.net'; do
  check "queued: it says ${line%%: *}" says "$line"
done
date='[A-Z][a-z]{2}, [0-9]{1,2} [A-Z][a-z]{2} [0-9]{4} [0-9:]{8} [-+][0-9]{4}'
for line in "header Date" "message Arrival-Date" \
  "recipient 1 Last-Attempt-Date"; do
  check "queued: it says $line" says_like "$line: $date"
done
check "queued: it tells nothing of the other" \
  sh -c '! grep two@ "$1"' - "$work/said"
check "queued: it names neither the machine nor its user" \
  sh -c '! grep -iwE "$(uname -n)|$(id -un)" "$1"' - "$work/said"
check "queued: it is all ASCII" sh -c '! LC_ALL=C grep "[^	 -~]" "$1"' - \
  "$work/notification"

# As a person sees it

if command -v mutt >/dev/null; then
  mkdir -p "$work/box/cur" "$work/box/new" "$work/box/tmp"
  cp "$work/notification" "$work/box/new/1"
  cat >"$work/muttrc" <<END
set charset = utf-8
set mbox_type = Maildir
set folder = $work
set quit = yes
set record = ""
set header_cache = ""
END
  # Of the folder, opens the one message.
  screen () {
    TERM=xterm timeout 30 "$build/tests/e2e/terminal" \
      "postrider queue remove" qq mutt -n -F "$work/muttrc" -f "$work/box" \
      -e 'push <display-message>' >"$work/screen" 2>&1
    # What the terminal would show, near enough: no sequences, all in lines.
    sed 's/\x1b\[[0-9]*d/\n/g; s/\x1b\[[0-9;]*H/\n/g; s/\x1b[[(][0-9;?]*[a-zA-Z]//g' \
      "$work/screen" | tr '\r\017' '\n ' >"$work/shown"
    grep -q '^status 0' "$work/screen"
  }
  shows () {
    grep -qF -- "$1" "$work/shown" || {
      cat -v "$work/shown"
      return 1
    }
  }
  check "mutt opens it" screen
  check "mutt shows who says so" shows 'From: Postrider <me@example.org>'
  check "mutt shows what it is" \
    shows 'Subject: Your message could not be delivered'
  check "mutt shows which recipient" shows 'reject@example.net'
  check "mutt shows the relay's words" \
    shows 'localhost said: 550 5.1.1 <reject@example.net>: Recipient address'
  check "mutt shows which message" shows 'Subject: Grüße an é alle'
  check "mutt shows what to do" shows "postrider queue release $id"
else
  skip mutt "it is not installed"
fi

# Refused while the caller waits

forget
echo 'Good morning.' | message 'Subject: Hi' >"$work/sent"
submit one@example.net reject@example.net two@example.net <"$work/sent"
check "waiting: the status is 0" exits 0
check "waiting: nothing is printed" silent
check "waiting: one has it" came "$work/sent" "$mail/one"
check "waiting: so has two" came "$work/sent" "$mail/two"
send
check "waiting: a notification comes" notified
check "waiting: it is about the one" \
  says 'recipient 1 Final-Recipient: rfc822; reject@example.net'
check "waiting: and no other" sh -c '! grep "^recipient 2" "$1"' - "$work/said"
check "waiting: the header goes back" says 'original text/rfc822-headers'
check "waiting: the body does not" sh -c '! grep "Good morning" "$1"' - \
  "$work/arrived"

forget
submit reject@example.net <"$work/sent"
check "told by the status: it is 67" exits 67
send
check "told by the status: nobody is told again" nobody_is_told

# All of it

forget
submit -odq -R full reject@example.net <"$work/sent"
send
check "-R full: a notification comes" notified
check "-R full: the message goes back" says 'original message/rfc822'
check "-R full: with its header" says 'original Subject: Hi'
check "-R full: with its body" says 'original text Good morning.'

forget
echo 'Good morning.' | message 'Subject: Hi' 'X-Verdict: reject' |
  submit -odq -R full you@example.net
send
check "refused for what it is: a notification comes" notified
check "refused for what it is: why" says 'recipient 1 Status: 5.7.1'
check "refused for what it is: only its header goes back" \
  says 'original text/rfc822-headers'

# No address of ASCII

forget
submit -odq reject@grün.example <"$work/sent"
send
check "UTF-8: a notification comes" notified
check "UTF-8: it says whom" \
  says 'recipient 1 Final-Recipient: utf-8; reject@grün.example'
check "UTF-8: so does the text" says 'text     reject@grün.example'

# Nobody wants one

for how in '-f <>' '-N never' '-N success'; do
  forget
  # shellcheck disable=SC2086 # an option and its argument
  submit -odq $how reject@example.net <"$work/sent"
  send
  check "$how: it is held" queued 1 held
  check "$how: nobody is told" nobody_is_told
done

# A notification that is refused

forget
submit -odq -f reject@example.org reject@example.net <"$work/sent"
send
check "no notification of a notification: both are held" queued 2 held
check "no notification of a notification: there is one" \
  [ "$(grep -c about= "$work/log")" = 1 ]
check "no notification of a notification: nothing waits" queued 0
check "no notification of a notification: nothing arrives" \
  files 0 "$mail/all/new"

# It waits

forget
submit -odq defer@example.net <"$work/sent"
run_once
check "late: at first nobody is told" files 0 "$mail/all/new"
at +5h run_once
at +5h run_once
check "late: after four hours a notification comes" notified
check "late: it says so" \
  says 'header Subject: Your message could not yet be delivered'
check "late: it says why" says_like \
  'text  +localhost said: 450 4.2.1 <defer@example.net>: Recipient address'
check "late: it is delayed" says 'recipient 1 Action: delayed'
check "late: it has the relay's code" says 'recipient 1 Status: 4.2.1'
check "late: it says until when it is tried" \
  says_like "recipient 1 Will-Retry-Until: $date"
check "late: it is still queued" queued 1
at +8h run_once
at +8h run_once
check "late: one is enough" files 0 "$mail/all/new"
sed -i '/^start-runner/a queue-lifetime = 9h' "$accounts"
at +11h run_once
at +11h run_once
check "too late: a notification comes" notified
check "too late: it says so" says 'recipient 1 Action: failed'
check "too late: and why" says 'recipient 1 Status: 4.4.7'
check "too late: it is held" queued 1 held
check "too late: nothing is queued" queued 0
sed -i '/^queue-lifetime/d' "$accounts"

# A relay that takes nothing from nobody

forget
make_certificates
cat >"$work/picky" <<'END'
offer 8BITMIME
offer AUTH PLAIN
until MAIL FROM:<>*
< MAIL FROM:<>*
> 550 5.7.1 not from nobody
serve
END
start_scripted --certificate "$work/certificates/good.pem" "$work/picky"
sed -i '/^\[me\]/,$d' "$accounts"
scripted_account me
password me secret || exit 1
submit -odq reject@example.net <"$work/sent"
send
check "picky relay: the notification goes" queued 0
check "picky relay: from the account's address" \
  grep -q '< MAIL FROM:<me@example.org>' "$work/record/1.log"
check "picky relay: it has it" grep -rqF 'auto-replied' "$work/record"
check "picky relay: only the message is held" queued 1 held
end
