#!/bin/sh
# What the program costs, in instructions, which are the same on a machine that is
# busy. The bounds are those of one set of libraries; others are not measured.
. "$(dirname "$0")/lib.sh"
need valgrind
! with_sanitizers || skip_all "instructions of sanitizers are not the program's"
libraries='gnutls 3.7.9, glib-2.0 2.74.6, x86_64'
here="gnutls $(pkg-config --modversion gnutls), glib-2.0 $(pkg-config \
  --modversion glib-2.0), $(uname -m)"
[ "$here" = "$libraries" ] ||
  skip_all "the bounds are those of $libraries, and here is $here"
begin 300
make_certificates

# In thousands. Who makes it cheaper lowers them; 5 % above is too much, and 10 %
# below is told.
#
#           what        instructions
bounds='
            enqueue      1270
            message     15400
            bundle      78600
'

# cost_of NAME COMMAND...: its instructions and those of all its processes. What is
# common to a process and its children counts once: they begin with nothing.
cost_of () {
  name=$1
  shift
  rm -f "$work"/cost.*
  valgrind -q --tool=callgrind --trace-children=yes --dump-before='fork*' \
    --callgrind-out-file="$work/cost.%p" "$@" <"$work/message" >"$work/out" \
    2>"$work/err" || {
    cat "$work/err"
    return 1
  }
  cost=$(cat "$work"/cost.* |
    awk '/^totals: / { sum += $2 } END { printf "%d", sum / 1000 }')
}

costs () { # costs NAME COMMAND...
  cost_of "$@" || return
  bound=$(echo "$bounds" | awk -v name="$1" '$1 == name { print $2 }')
  echo "$cost thousand instructions; the bound is $bound"
  [ "$cost" -gt 1000 ] && [ $((cost * 100)) -le $((bound * 105)) ] || return
  [ $((cost * 100)) -ge $((bound * 90)) ] ||
    echo "# $1: $cost, so the bound of $bound can be lowered" >&3
}

exec 3>&1
(umask 077 && echo secret >"$work/secret")
DBUS_SESSION_BUS_ADDRESS=disabled:
export DBUS_SESSION_BUS_ADDRESS
served
scripted_account me 'auth = plain' "password-file = $work/secret"
numbered 1 >"$work/message"
check "a message that is only queued" \
  costs enqueue "$sendmail" -odq -f me@example.org you@example.net
check "a message that is sent" \
  costs message "$sendmail" -f me@example.org you@example.net
# All authorities of a system, of which one is the relay's.
if [ -s /etc/ssl/certs/ca-certificates.crt ]; then
  cat "$work/certificates/ca.pem" /etc/ssl/certs/ca-certificates.crt \
    >"$work/bundle.pem"
  sed -i "s,^trust-file.*,trust-file = $work/bundle.pem," "$accounts"
  check "a message, where all of a system's authorities are trusted" \
    costs bundle "$sendmail" -f me@example.org you@example.net
else
  skip "a message, where all of a system's authorities are trusted" \
    "there is no /etc/ssl/certs/ca-certificates.crt"
fi
end
