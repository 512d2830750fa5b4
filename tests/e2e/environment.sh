#!/bin/sh
# Whatever surroundings a caller leaves us: the message is sent as it is, or there is
# one clear line; no octet of a dialogue is somebody else's, and nothing leaks.
# What arguments and standard streams can be is in inputs.sh.
. "$(dirname "$0")/lib.sh"
need python3
begin
make_certificates
python=$(python3 -c 'import sys; print (sys.executable)')
password=s3cr3t-Zq9xKp4vWm2T
become --password "$password" --serve
scripted_account me 'default = yes' 'auth = any'
password me "$password" || exit 1
printf 'Subject: I\nTo: you@example.net\n\nb\n' >"$work/given"

# delivered: by the last submit, with nothing said, and every line English
delivered () {
  exits 0 && queued 0 && queued 0 held &&
    grep -q '^Subject: I' "$work"/record/*.message-1 && ! leaks &&
    grep -qE '^Date: (Mon|Tue|Wed|Thu|Fri|Sat|Sun), [0-9]{1,2} (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) [0-9]{4} ' \
      "$work"/record/*.message-1 && heard 1 'EHLO \[127.0.0.1\]' &&
    heard 1 'MAIL FROM:<me@example.org>.*' && heard 1 DATA
}
leaks () { # something that was printed or logged has the password
  grep -rF -e "$password" -e "$(printf %s "$password" | base64)" \
    "$work/out" "$work/err" "$work/log"
}
surrounded () { # surrounded COMMAND...: with a message on stdin
  rm -rf "$work/record"/* "$state"/*/*
  timeout 60 "$@" <"$work/given" >"$work/out" 2>"$work/err"
  status=$?
}
one_line () {
  cat "$work/err"
  [ "$(wc -l <"$work/err")" = 1 ] && [ ! -s "$work/out" ]
}
# arrives NAME COMMAND...
arrives () {
  arrives_name=$1
  shift
  surrounded "$@" "$sendmail" you@example.net
  check "$arrives_name: it arrives, and nothing is said" \
    eval 'delivered && silent'
}

# Variables

huge=$(head -c 131000 /dev/zero | tr '\0' x)
for name in TZ LC_ALL HOME PATH DBUS_SESSION_BUS_ADDRESS XDG_RUNTIME_DIR \
  XDG_CONFIG_DIRS GCONV_PATH HOSTALIASES; do
  case $name in
  DBUS*) continue ;; # there would be no keyring
  esac
  arrives "$name of 131000 octets" env "$name=$huge"
done
arrives "a megabyte of variables" env A="$huge" B="$huge" C="$huge" D="$huge" \
  E="$huge" F="$huge" G="$huge" H="$huge"
arrives "no variables of the user's language, name, or terminal" \
  env -u LANG -u LC_ALL -u USER -u LOGNAME -u TERM -u PATH
arrives "a variable without a name" env '=x'
arrives "an octet that is not UTF-8" env "$(printf 'LANG=\377')" \
  "$(printf 'HOME=/\377')"
mkdir "$work/other"
chown 54321 "$work/other" 2>/dev/null
for variable in "HOME=$work/other" TZ=: TZ=,,, TZ=../../../../../../dev/zero \
  'TZ=<x>-1' NLSPATH=%N LOCPATH=/proc GCONV_PATH=/nonexistent \
  CHARSET=x G_FILENAME_ENCODING=x OUTPUT_CHARSET=UTF-16 TEXTDOMAINDIR=/tmp \
  LANGUAGE=../../../tmp \
  'RES_OPTIONS=ndots:15 attempts:0 timeout:0 garbage' LOCALDOMAIN=example.com \
  HOSTALIASES=/etc/passwd KRB5_CONFIG=/dev/null KRB5CCNAME=garbage \
  G_MESSAGES_DEBUG=all G_DBUS_DEBUG=all \
  G_ENABLE_DIAGNOSTIC=1 GIO_MODULE_DIR=/nonexistent \
  GIO_EXTRA_MODULES=/nonexistent GIO_USE_VFS=x \
  GIO_USE_NETWORK_MONITOR=x GSETTINGS_BACKEND=x G_SLICE=debug-blocks \
  GNUTLS_NO_EXPLICIT_INIT=1 GNUTLS_NO_IMPLICIT_INIT=1 \
  GNUTLS_FORCE_FIPS_MODE=0 GNUTLS_CPUID_OVERRIDE=1 \
  SECRET_SERVICE_BUS_NAME=x.y SECRET_FILE_TEST_PATH=/nonexistent \
  MALLOC_PERTURB_=255 MALLOC_CHECK_=3 MALLOC_ARENA_MAX=1 \
  MALLOC_TRACE="$work/malloc" DBUS_STARTER_BUS_TYPE=garbage \
  DBUS_VERBOSE=1 DBUS_SYSTEM_BUS_ADDRESS=garbage \
  XDG_DATA_DIRS=relative XDG_RUNTIME_DIR=/; do
  case $variable in
  # The C library loses some memory with a LOCPATH.
  MALLOC_* | G_SLICE* | LOCPATH*) ! with_sanitizers || continue ;;
  esac
  arrives "$variable" env "$variable"
done
# These are obeyed before the program begins.
for variable in P11_KIT_DEBUG=all G_DEBUG=help GNUTLS_DEBUG_LEVEL=99; do
  surrounded env "$variable" "$sendmail" you@example.net
  check "$variable: it arrives" delivered
  check "$variable: nothing is said on stdout" [ ! -s "$work/out" ]
done
check "no file was made of what is freed" [ ! -e "$work/malloc" ]

# A keyring that cannot be reached puts the message off; nothing is run for it.
for address in garbage '' autolaunch: tcp:host=localhost,port=1 \
  unix:path=/nonexistent "unix:path=$work/log" \
  "unixexec:path=/bin/sh,argv1=-c,argv2=touch $work/ran" \
  "unix:abstract=/nonexistent" "unix:path=$huge"; do
  surrounded env XDG_RUNTIME_DIR=/nonexistent \
    DBUS_SESSION_BUS_ADDRESS="$address" "$sendmail" you@example.net
  check "bus $(echo "$address" | cut -c 1-60): the status is 0" exits 0
  check "bus $(echo "$address" | cut -c 1-60): it waits, or arrives" \
    eval 'queued 1 || delivered'
done
check "what a bus's address names is not run" [ ! -e "$work/ran" ]
rm -f "$state"/accounts/*

# A dialogue stays one, whatever libraries are asked to say.
printf '%s\r\n' 'EHLO x' 'MAIL FROM:<me@example.org>' \
  'RCPT TO:<you@example.net>' DATA 'Subject: I' '' b . QUIT >"$work/dialogue"
for variable in G_MESSAGES_DEBUG=all G_DBUS_DEBUG=all GNUTLS_DEBUG_LEVEL=9 \
  CHARSET=x LC_ALL=de_DE.UTF-8 NOTHING=x; do
  env $variable "$sendmail" -bs <"$work/dialogue" 2>"$work/err" |
    tr -d '\r' | sed 's/queued as .*/queued/' >"$work/said"
  [ -s "$work/usual" ] || "$sendmail" -bs <"$work/dialogue" 2>"$work/err" |
    tr -d '\r' | sed 's/queued as .*/queued/' >"$work/usual"
  check "SMTP on stdin, $variable: no other octet" \
    diff "$work/usual" "$work/said"
done
check "it was one" grep -q '^250 .*queued' "$work/usual"
CHARSET=x "$sendmail" -bs </ >"$work/said" 2>"$work/err"
check "nor of an error in a charset that there is not" \
  [ "$(tr -d '\r' <"$work/said")" = '220 localhost ESMTP Postrider' ]

# Policies that others set for GnuTLS allow nothing less.
cat >"$work/policy" <<'END'
[global]
override-mode = allowlist
[priorities]
SYSTEM = NORMAL:-VERS-ALL:+VERS-TLS1.0:%UNSAFE_RENEGOTIATION
END
become --password "$password" --priority \
  'NORMAL:-VERS-ALL:+VERS-TLS1.1:+VERS-TLS1.0:%COMPAT' --serve
surrounded env GNUTLS_SYSTEM_PRIORITY_FILE="$work/policy" "$sendmail" \
  you@example.net
check "a policy for TLS 1.0, and such a relay: it is not sent" queued 1
check "a policy for TLS 1.0: no login" heard 0 'AUTH.*'
become --password "$password" --serve

# Languages. Turkish lowers I to another letter: keywords of relays, options,
# settings, and domains are compared in no language.
if command -v localedef >/dev/null && [ -f /usr/share/i18n/locales/tr_TR ] &&
  ! with_sanitizers; then
  mkdir "$work/locales"
  localedef -i tr_TR -f UTF-8 "$work/locales/tr_TR.UTF-8" 2>/dev/null
  localedef -i tr_TR -f ISO-8859-9 "$work/locales/tr_TR.ISO-8859-9" 2>/dev/null
  cat >"$work/capitals" <<'END'
offer pipelining
offer 8bitmime
offer size 1000000
offer auth plain login
serve
END
  for locale in tr_TR.UTF-8 tr_TR.ISO-8859-9; do
    turkish="env LOCPATH=$work/locales LC_ALL=$locale"
    become --password "$password" "$work/capitals"
    surrounded $turkish "$sendmail" -oi -O DELIVERYMODE=INTERACTIVE \
      -f ME@EXAMPLE.ORG you@example.net
    check "$locale: keywords of the relay in other letters" heard 1 'AUTH PLAIN.*'
    check "$locale: an address in capitals chooses the account" \
      grep -q 'account=me from=\|account=me ' "$work/log"
    become --password "$password" --serve
    surrounded $turkish "$sendmail" -f ME@EXAMPLE.ORG you@example.net
    check "$locale: it is sent" exits 0
    check "$locale: to the relay" heard 1 'RCPT TO:<you@example.net>.*'
    sed 's/^host = .*/HOST = LOCALHOST/; s/^user = /USER = /' "$accounts" \
      >"$work/capital"
    chmod 600 "$work/capital"
    surrounded $turkish postrider mailq
    check "$locale: mailq answers" exits 0
  done
else
  skip "Turkish" "it cannot be made here"
fi

# Descriptors: none of 0, 1 and 2 becomes a file of ours.
for closed in '<&-' '>&-' '2>&-' '<&- >&-' '<&- 2>&-' '>&- 2>&-' \
  '<&- >&- 2>&-' ''; do
  surrounded sh -c "exec \"\$@\" $closed" - "$sendmail" you@example.net
  case $closed in
  *'<'*)
    check "closed: $closed: there is no message to send" \
      eval '[ $status != 0 ] && queued 0 && ! grep -q . "$work/out"'
    ;;
  *) check "closed: $closed: it arrives" delivered ;;
  esac
  check "closed: $closed: no queue file has text of ours" \
    sh -c '! grep -rs postrider: "$1"' - "$state"
done
arrives "a thousand descriptors" prlimit --nofile=2000:2000 "$python" -c '
import os, sys
for n in range (3, 1003):
    os.dup2 (2, n)
os.execv (sys.argv[1], sys.argv[1:])'

# Signals, priority, directory
arrives "all signals blocked and ignored" "$python" -c '
import os, signal, sys
for n in signal.valid_signals () - {signal.SIGKILL, signal.SIGSTOP}:
    try:
        signal.signal (n, signal.SIG_IGN)
    except (OSError, ValueError):
        pass
signal.pthread_sigmask (signal.SIG_BLOCK, signal.valid_signals ())
os.execv (sys.argv[1], sys.argv[1:])'
arrives "a child of the caller's, which ends meanwhile" "$python" -c '
import os, sys
if os.fork () == 0:
    os._exit (3)
os.execv (sys.argv[1], sys.argv[1:])'
arrives "the least priority" nice -n 19
arrives "a group and session of its own" setsid
mkdir "$work/gone"
arrives "a directory that is gone" sh -c 'cd "$1" && rmdir "$1" && shift &&
  exec "$@"' - "$work/gone"
arrives "umask 0" sh -c 'umask 0; exec "$@"' -
check "umask 0: nobody else may read the queue, or the log" \
  sh -c '! find "$1" "$2" -perm /077 | grep .' - "$state" "$work/log"

# No more processes: the message is safe all the same.
if command -v strace >/dev/null && ! with_sanitizers; then
  surrounded strace -f -qq -o "$work/trace" \
    -e inject=clone,fork,vfork:error=EAGAIN:when=1 "$sendmail" you@example.net
  check "no process to be had: the status is 0" exits 0
  check "no process to be had: it waits" queued 1
  check "no process to be had: the log says so" \
    grep -q 'cannot start a process' "$work/log"
  surrounded strace -f -qq -o "$work/trace" \
    -e inject=clone,fork,vfork:error=EAGAIN:when=1+ "$sendmail" -v \
    you@example.net
  check "never: -v tells why" grep -q 'cannot start a process' "$work/err"
fi

# Rights that are not ours
if [ "$(id -u)" = 0 ] && ! with_sanitizers; then
  cp "$build/postrider" "$work/set-id"
  chown 54321:54321 "$work/set-id"
  chmod 6755 "$work/set-id"
  surrounded "$work/set-id" sendmail you@example.net
  check "set-user-ID: it is refused" exits 77
  check "set-user-ID: in one line, that says what to do" \
    eval 'one_line && grep -q chmod "$work/err"'
  check "set-user-ID: nothing is queued" queued 0
fi
if [ "$(id -u)" = 0 ] && has_machine && ! with_sanitizers; then
  # Without /proc: what is on the system else, read-only.
  cat >"$work/inside" <<'END'
root=$1
shift
mkdir -p "$root"
for place in /usr /etc /dev /tmp /run /bin /lib /lib64 /sbin /var; do
  if [ -h "$place" ]; then
    ln -s "$(readlink "$place")" "$root$place"
  elif [ -d "$place" ]; then
    mkdir -p "$root$place"
    mount --rbind "$place" "$root$place"
  fi
done
mkdir -p "$root${0%/inside}" "$root$SOURCE"
mount --rbind "$SOURCE" "$root$SOURCE"
exec chroot "$root" sh -c 'cd / && exec "$@"' - "$@"
END
  SOURCE=$build
  export SOURCE
  surrounded unshare --mount --propagation private sh "$work/inside" \
    "$work/root" "$sendmail" you@example.net
  unset SOURCE
  check "no /proc: it arrives, and nothing is said" eval 'delivered && silent'
else
  skip "no /proc" "only root can make such a place, and a sanitizer wants it"
fi
check "nothing of all this has told the password" eval '! leaks'
end
