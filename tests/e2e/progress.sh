#!/bin/sh
# How far a large message is, a terminal is told while it is read and while it is sent;
# nobody else is, and nothing is left of it.
. "$(dirname "$0")/lib.sh"
need python3
begin 240
make_certificates
TERM=xterm
export TERM

# on_terminal OPTION... [-- ARGUMENT...]: sendmail, with $big on stdin, or fed
on_terminal () {
  on_options=
  while [ $# -gt 0 ] && [ "$1" != -- ]; do
    on_options="$on_options '$1'"
    shift
  done
  [ $# = 0 ] || shift
  eval "timeout 100 python3 '$source/tests/e2e/progress.py' $on_options" \
    '"$work/shown" "$work/screen" "$sendmail" "$@"' -f me@example.org \
    you@example.net '<"$big"' 2>"$work/err"
  status=$?
}

seen () { # All that was waited for was shown.
  ! cat "$work/err" | grep .
}

clean () { # clean [LINE]: nothing but that is on the screen in the end
  printf '%s' "${1:+$1
}" | diff - "$work/screen"
}

never () { # never REGEX
  cat -v "$work/shown" | head -c 2000
  ! grep -qE "$1" "$work/shown"
}

widest () { # widest N: no line that was shown has more columns
  python3 -c 'import re, sys, unicodedata
for line in re.split (r"[\r\n]|\x1b\[K",
                      open (sys.argv[1], encoding="utf-8", newline="").read ()):
  width = sum (2 if unicodedata.east_asian_width (c) in "WF" else 1 for c in line)
  if width > int (sys.argv[2]): sys.exit (line)' "$work/shown" "$1"
}

big=$work/big
{
  numbered 1
  yes 'A line of a large message, as long as lines are in most of them, or so.' |
    head -c 24000000
} >"$big"
small=$work/small
numbered 2 >"$small"

# The relay takes nothing for a while, and thinks about what it got for another.
dialogue slow <<'D'
begin
until DATA*
< DATA
> 354 go on
delay 1500
message
delay 1500
> 250 2.0.0 taken
serve
D
dialogue stuck <<'D'
begin
until DATA*
< DATA
> 354 go on
stop-reading
D
served
scripted_account me
password me secret || exit 1

# Read

become --receive-buffer 16384 "$work/slow"
on_terminal --feed "$big" --see 'reading: [0-9.]+..MB, [0-9.]+..[kM]?B' \
  --see 'sending: [0-9.]+..MB of 24.[0-9]..MB, ' --see 'sending: .* left' \
  --see 'answer is awaited'
check "a pipe: all is seen" seen
check "a pipe: it is sent" exits 0
check "a pipe: nothing is left" clean
check "a pipe: within the columns" widest 79

become "$work/slow"
on_terminal --columns 300 --see 'sending: ' --narrow 30 --see '[\r]1?[0-9]?[0-9] %' \
  --see '[\r]'
check "narrow: it gets shorter" seen
check "narrow: it is sent" exits 0
check "narrow: nothing is left" clean

# Not seen

become "$work/slow"
on_terminal -- -v
check "-v: there is no progress" never 'sending:|reading:|awaited'
check "-v: it is sent" exits 0
become "$work/slow"
TERM=dumb
on_terminal
TERM=xterm
check "a terminal that cannot: no progress" never 'sending:|awaited|\['
check "a terminal that cannot: it is sent" exits 0
become "$work/slow"
submit -f me@example.org you@example.net <"$big"
check "no terminal: it is sent" exits 0
check "no terminal: nothing is said" silent
become "$work/slow"
on_big=$big big=$small
on_terminal
big=$on_big
check "a small message: no progress" never .
check "a small message: it is sent" exits 0

# What else is said

sed 's/> 250 2.0.0 taken/> 554 5.6.0 no, not this/' "$work/slow" >"$work/refuses"
become "$work/refuses"
on_terminal --see 'answer is awaited'
check "refused: it was seen" seen
check "refused: the status" exits 65
id=$(ls "$state/held")
check "refused: only that is left" clean \
  "postrider: localhost did not take the message: 554 5.6.0 no, not this
postrider: nothing was sent; a copy is held as $id"
rm -f "$state"/held/*

become "$work/stuck"
on_terminal --see 'sending: ' --see 'left|B/s' --see ', 0 bytes/s.\[K' --signal INT
check "taken back: it was seen, and that it stood still" seen
check "taken back: by the signal" exits 130
check "taken back: only that is left" clean \
  "postrider: interrupted: nothing was sent; a copy is held as $(ls "$state/held")"
rm -f "$state"/held/*

on_terminal --feed "$big" --see 'reading: ' --signal TERM
check "ended while it is read: it was seen" seen
check "ended while it is read: the status" exits 75
check "ended while it is read: only that is left" clean \
  "postrider: ended by a signal before the message was complete: nothing was sent"
check "ended while it is read: nothing is kept" queued 0

end
