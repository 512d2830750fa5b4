#!/bin/sh
# Two hundred callers at once, and relays that take five connections and answer
# 421 above: every message arrives, once, without anybody's doing, and nothing
# runs on when that is done.
. "$(dirname "$0")/lib.sh"
begin 600
make_certificates
self_starting
many=200
! with_sanitizers || many=40
await_seconds=240

# burst NAME DIRECTORY [ARGUMENT]: as many callers, for the account NAME of the
# relay whose mail is in DIRECTORY.
burst () {
  at_once 1 $many -f "$1@example.org" ${3-} you@example.net
  set -- "$1${3+ $3}" "$2"
  check "$1: all are told 0" all_exit 0
  check "$1: nobody is told anything else" cmp /dev/null "$work/printed"
  check "$1: all messages arrive, each once" await each_once 1 $many "$2"
  check "$1: what sent them ends" await no_runner
  check "$1: nothing is queued" queued 0
  check "$1: nothing is held" queued 0 held
}

none_refused () {
  ! grep 'too many connections' -r "$work/record" --include='*.log'
}

start_scripted --serve --limit 5 --certificate "$work/certificates/good.pem"
scripted_account few
password few secret || exit 1
burst few "$work/record"
check "few: the relay had to refuse no connection" none_refused
rm -rf "$work/record"
burst few "$work/record" -odb
check "few -odb: the relay had to refuse no connection" none_refused
stop_scripted

rm -rf "$work/record"
start_scripted --serve --limit 5 --certificate "$work/certificates/good.pem"
scripted_account many 'max-connections = 100'
password many secret || exit 1
burst many "$work/record"
check "many: the relay refused some connections" \
  grep -q 'too many connections' -r "$work/record" --include='*.log'
stop_scripted

if [ "$(id -u)" != 0 ]; then
  skip "postfix" "only root can start mail servers"
elif ! command -v postfix >/dev/null || ! command -v dovecot >/dev/null; then
  skip "postfix" "postfix or dovecot is not installed; see ./bootstrap deps"
else
  start_relay postfix
  relay_account postfix postfix limited 'max-connections = 100'
  password postfix "$relay_password" || exit 1
  burst postfix "$work/postfix/mail/all"
  check "postfix: the relay refused some connections" \
    grep -q 'Connection concurrency limit exceeded' "$work/postfix/log"
fi
end
