#!/bin/sh
# Side by side with Postfix's `sendmail': what leaves for the relay is the same,
# but for what is meant to differ (corpus/differences.py).
. "$(dirname "$0")/lib.sh"
need_root
need postfix python3
begin 400
make_certificates
here=$source/tests/e2e/corpus
PYTHONDONTWRITEBYTECODE=1
export PYTHONDONTWRITEBYTECODE

cat >"$work/aliases" <<'END'
root: admin@example.net
webmaster: root
team: one@example.net, two@example.net
loop: pool
pool: loop
pipe: "|/bin/true"
file: /nonexistent/file
include: :include:/nonexistent/list
self: self, admin@example.net
END
chmod 644 "$work/aliases"

# recording NAME OPTION...: a relay that keeps what it gets in $work/NAME.
recording () {
  mkdir "$work/$1"
  recording_of=$work/$1
  shift
  start_scripted --certificate "$work/certificates/good.pem" \
    --record "$recording_of/record" "$@"
}

recording ours --serve
sed -i "/^log/i aliases = $work/aliases" "$accounts"
scripted_account me 'max-connections = 4'
password me secret || exit 1
python3 "$here/submit.py" "$work/ours" "$sendmail"
run_once
check "all that was for the runner has been sent" queued 0
check "what a person has to mend is held, and nothing else" queued 6 held

recording theirs --serve --open
"$here/postfix" start "$work/postfix" "$port" "$work/aliases" || exit 1
at_end "'$here/postfix' stop '$work/postfix'"
python3 "$here/submit.py" "$work/theirs" \
  /usr/sbin/sendmail -C "$work/postfix/etc"
await_seconds=60
check "Postfix has sent all, too" await "$here/postfix" idle "$work/postfix"

python3 "$here/compare.py" "$work/ours" "$work/theirs" >"$work/list"
status=$?
diagnose <"$work/list"
check "what differs is explained, and what is explained differs" exits 0

# A relay that takes ASCII alone gets the same, but encoded.

printf '%s\n' 'offer PIPELINING' 'offer DSN' 'offer AUTH PLAIN' serve \
  >"$work/dialogue"
recording plain "$work/dialogue"
sed -i "s/^port = .*/port = $port/" "$accounts"
rm "$state"/held/*
python3 "$here/submit.py" "$work/plain" "$sendmail"
run_once
check "all is sent" queued 0
check "it is ASCII, and says the same" \
  python3 "$here/plain.py" "$work/ours" "$work/plain"
end
