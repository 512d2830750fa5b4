#!/bin/sh
# postrider check: who looks on is told what is awaited, and nothing is left of that; a
# pipe and a program get the rows alone.
. "$(dirname "$0")/lib.sh"
need python3
begin 60
make_certificates
TERM=xterm
export TERM

# on_terminal OPTION... -- COMMAND...
on_terminal () {
  on_options=
  while [ "$1" != -- ]; do
    on_options="$on_options '$1'"
    shift
  done
  shift
  eval "timeout 50 python3 '$source/tests/e2e/progress.py' $on_options" \
    '"$work/shown" "$work/screen" "$@"' 2>"$work/err"
  status=$?
}

seen () { # All that was waited for was shown.
  cat -v "$work/shown"
  ! grep . "$work/err"
}

rows_alone () { # of the account: labels, in the end
  cat "$work/screen"
  ! grep -F ' ...' "$work/screen" &&
    [ "$(sed -n '/^Account/,/^$/s/^  \([a-zA-Z][a-zA-Z]*\) .*/\1/p' \
      "$work/screen" | xargs)" = \
      'account password DNS connection TLS greeting EHLO login sender' ]
}

unshown () { # Nothing but rows ever was.
  cat -v "$work/shown"
  ! grep -E '\.\.\.|'"$(printf '\033')" "$work/shown"
}

served
scripted_account me
password me secret || exit 1
wiped=$(printf '\r\033')'\[K'

on_terminal --see 'Asking the keyring \.\.\.' --see "$wiped" \
  --see "Connecting to localhost, port $port \.\.\." --see "$wiped  password" \
  --see "Connecting to localhost" --see "$wiped  DNS" \
  --see "Connecting to localhost" --see "$wiped  EHLO" \
  --see 'Logging in \.\.\.' --see "$wiped  login" \
  --see 'Asking the relay about the sender \.\.\.' --see "$wiped  sender" \
  -- postrider check me
check "at a terminal: what is awaited is told" seen
check "at a terminal: the status" exits 0
check "at a terminal: only the rows are left" rows_alone
check "at a terminal: as who, and by what, it is logged in" \
  grep -qE '^  login  .*  me \([A-Z0-9-]+\)$' "$work/screen"

scripted_account command 'password-command = echo secret'
on_terminal --see 'Connecting to' -- postrider check command
check "a command that prints the password: nobody says that the keyring is asked" \
  eval '! grep -F keyring "$work/shown"'

on_terminal -- sh -c 'postrider check me | cat'
check "a pipe gets rows alone" unshown
on_terminal -- sh -c 'postrider check me 2>/dev/null'
check "so does who reads no errors" unshown
on_terminal -- postrider check --json me
check "so does a program" unshown
TERM=dumb
on_terminal -- postrider check me
TERM=xterm
check "so does a terminal that cannot clear a line" unshown
on_terminal -- postrider check -v me
check "the conversation is told instead, where that is wanted" unshown

become --serve --starttls
: >"$accounts"
scripted_account me 'tls = starttls'
on_terminal --see "Connecting to localhost, port $port, with STARTTLS \.\.\." \
  --see "$wiped  TLS" -- postrider check me
check "STARTTLS: that is told" seen

dialogue stalls <<'D'
begin
until MAIL*
stall
D
become "$work/stalls"
: >"$accounts"
scripted_account me 'timeout-command = 1s'
on_terminal --see 'about the sender \.\.\.' --see "$wiped  sender" \
  -- postrider check me
check "silence: what was awaited was told" seen
check "silence: the status" exits 75
check "silence: only the rows are left" rows_alone
end
