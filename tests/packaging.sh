#!/bin/sh
# What a packager relies on: `make install' into a directory of his, the files for
# systemd, and that debian/control says what configure and ./bootstrap say.
source=${G_TEST_SRCDIR:-$(cd "$(dirname "$0")/.." && pwd)}
build=${G_TEST_BUILDDIR:-$source/build}
. "$source/tests/report.sh"
PATH=$PATH:/usr/sbin:/sbin
LC_ALL=C
export PATH LC_ALL
unset MAKEFLAGS MFLAGS MAKELEVEL
work=$(mktemp -d "${TMPDIR:-/tmp}/postrider.XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT PIPE TERM
root=$work/root debian=$source/packaging/debian

check () { # check NAME COMMAND...
  name=$1
  shift
  "$@" >"$work/check" 2>&1
  report $? "$name" "$(head -n 30 "$work/check")"
}

none () { # none COMMAND...: it prints nothing
  ! "$@" 2>&1 | grep .
}

same () { # same FILE FILE
  diff "$1" "$2"
}

# In a directory

staged () {
  make -C "$build" DESTDIR="$root" AM_UPDATE_INFO_DIR=no prefix=/usr install
}
check "make install, in a directory" staged

for file in bin/postrider share/man/man1/postrider.1 \
  share/man/man5/postrider-accounts.5 share/man/man1/sendmail.1 \
  share/man/man1/mailq.1 share/man/man1/newaliases.1; do
  check "there is $file" [ -f "$root/usr/$file" ]
done
for link in sbin/sendmail lib/sendmail bin/mailq bin/newaliases; do
  check "the link $link leads to the program" \
    [ "$(readlink "$root/usr/$link")" = /usr/bin/postrider ]
done
check "nothing is outside of /usr" \
  none sh -c 'cd "$1" && find . ! -type d ! -path "./usr/*"' - "$root"
check "nothing has rights of its own, or can be written by others" \
  none find "$root" ! -type l '(' -perm /6000 -o -perm /022 ')'
check "nothing names the directory" none grep -rlF "$root" "$root"

# For systemd

# configured NAME: there is a directory NAME.
configured () {
  ! grep -q "^$1 = no$" "$build/Makefile"
}

unit_is_right () { # unit_is_right UNIT
  sed "s,^ExecStart=,&$root," "$1" >"$work/postrider.service"
  grep -x "ExecStart=$root/usr/bin/postrider run" "$work/postrider.service" &&
    none grep '@[a-z]*@' "$work/postrider.service"
}

# What it names is not where it will be.
systemd_agrees () { # systemd_agrees MANAGER
  systemd-analyze verify "--$1" --man=no "$work/postrider.service" 2>&1 |
    sed -n '/postrider\.service/p' >"$work/said"
  none cat "$work/said"
}

for manager in user system; do
  unit=$root/usr/lib/systemd/$manager/postrider.service
  # As make made it, for any prefix.
  sed "s,^ExecStart=.*/bin/,ExecStart=/usr/bin/," "$unit" >"$unit.usr" \
    2>/dev/null && mv "$unit.usr" "$unit"
  if ! configured "systemd${manager}unitdir"; then
    skip "the unit for systemd's $manager" "configured without"
    continue
  fi
  check "the unit for systemd's $manager runs the program" unit_is_right "$unit"
  if command -v systemd-analyze >/dev/null; then
    check "systemd has nothing to say about it" systemd_agrees $manager
  else
    skip "systemd has nothing to say about it" "systemd-analyze is not installed"
  fi
done

place_is_made () {
  systemd-tmpfiles --create --root="$root" postrider.conf
  [ "$(stat -c '%a %u:%g' "$root/var/spool/postrider-users")" = '1733 0:0' ]
}
if ! configured tmpfilesdir; then
  skip "systemd-tmpfiles makes the place of daemons' queues" "configured without"
elif [ "$(id -u)" != 0 ] || ! command -v systemd-tmpfiles >/dev/null; then
  skip "systemd-tmpfiles makes the place of daemons' queues" \
    "it is not installed, or this is not root"
else
  check "systemd-tmpfiles makes the place of daemons' queues" place_is_made
fi

# What is loaded, and what is needed to build

sed -n 's/^#define LIB.*_FILE "\(.*\)"$/\1/p' "$build/build-config.h" \
  >"$work/loaded"
readelf -dW "$build/packaging/loaded" |
  sed -n 's/.*(NEEDED).*\[\(.*\)\]$/\1/p' >"$work/needed"
all_needed () {
  cat "$work/loaded" "$work/needed"
  [ "$(wc -l <"$work/loaded")" = 6 ] &&
    none grep -vxF -f "$work/needed" "$work/loaded"
}
check "packaging/loaded is linked with each library that is loaded" all_needed

# field NAME: the packages of this field of debian/control, one on each line.
field () {
  awk -v name="$1:" '$1 == name { inside = 1; next }
    /^[^ ]/ { inside = 0 }
    inside' "$debian/control" | tr -d ' ,'
}
field Build-Depends | sed 's/(.*//' | sort >"$work/debian"
{
  echo debhelper-compat
  sh -c "$(sed -n "/^to_build='/,/'\$/p" "$source/bootstrap")
    printf '%s\n' \$to_build"
} | sort >"$work/bootstrap"
# Each of them is there wherever packages are built.
grep -vx -e gcc -e libc6-dev -e make "$work/bootstrap" >"$work/wanted"
check "debian/control and ./bootstrap want the same packages" \
  same "$work/wanted" "$work/debian"

# The oldest versions, by what pkg-config calls them.
sed -n 's/^ *libglib2.0-dev/glib-2.0/; s/libgnutls28-dev/gnutls/
  s/libgsasl-dev/libgsasl/; s/libidn2-dev/libidn2/; s/libsecret-1-dev/libsecret-1/
  s/libjson-glib-dev/json-glib-1.0/
  s/^ *\(.*\) (>= \(.*\)),$/\1 \2/p' "$debian/control" | sort >"$work/debian"
grep -oE '[a-z0-9.-]+ >= [0-9.]+' "$source/configure.ac" | grep -v '^gio-2.0 ' |
  sed 's/ >= / /' | sort -u >"$work/configure"
check "and debian/control and configure.ac the same versions" \
  same "$work/configure" "$work/debian"

options_are_known () {
  "$source/configure" --help >"$work/help"
  grep -oE -- '--(with|enable)-[a-z-]+' "$debian/rules" >"$work/options"
  grep -oE -- '--without-[a-z-]+' "$debian/rules" |
    sed 's/without/with/' >>"$work/options"
  cat "$work/options"
  [ "$(wc -l <"$work/options")" -ge 3 ] || return 1
  while read -r option; do
    grep -q -- "$option" "$work/help" || return
  done <"$work/options"
}
check "configure knows the options of debian/rules" options_are_known

version_is_ours () {
  sed -n '1s/^postrider (\(.*\)-[^-]*).*/\1/p' "$debian/changelog" \
    >"$work/version"
  sed -n "s/^VERSION = //p" "$build/Makefile" | diff - "$work/version"
}
check "debian/changelog has our version" version_is_ours

for script in packaging/deb packaging/prove packaging/debian/postrm; do
  check "$script can be read by sh" sh -n "$source/$script"
done

# What becomes of a queue

spool=$work/system/var/spool
postrm () {
  DPKG_ROOT=$work/system sh "$debian/postrm" "$@" >"$work/postrm" 2>&1
}
somewhere () { # somewhere: with a queue of each kind
  rm -rf "$work/system"
  mkdir -p "$work/system/etc/postrider" "$spool/postrider-users" "$work/others"
  echo 'a secret' >"$work/system/etc/postrider/password"
  for queue in postrider postrider-users/1 postrider-users/2; do
    mkdir -p "$spool/$queue/queue" "$spool/$queue/held" \
      "$spool/$queue/corrupt" "$spool/$queue/accounts"
    echo >"$spool/$queue/accounts/me.lock"
    echo >"$spool/$queue/queue/.tmp-1"
  done
  ln -s "$work/others" "$spool/postrider-users/3"
}

all_is_left () {
  find "$work/system" | sort >"$work/before"
  for what in remove upgrade; do
    postrm $what 1 || return
  done
  find "$work/system" | sort | diff "$work/before" -
}
somewhere
check "removed, the package leaves everything" all_is_left
nothing_is_left () {
  rm -f "$spool/postrider-users/3"
  postrm purge && none find "$work/system/etc" "$spool" -mindepth 1 &&
    none cat "$work/postrm"
}
check "purged, it leaves nothing where no mail waits" nothing_is_left

somewhere
echo mail >"$spool/postrider/queue/6B0171B04CB3C7B6"
echo mail >"$spool/postrider-users/2/held/6B0171B04CB3C7B7"
echo mail >"$work/others/file"
hostile=$spool/postrider-users/$(printf '4\033[31m\npostrider: x')
mkdir -p "$hostile/held"
echo mail >"$hostile/held/6B0171B04CB3C7B8"
mail_is_left () {
  postrm purge && cat "$work/postrm" &&
    [ -e "$spool/postrider/queue/6B0171B04CB3C7B6" ] &&
    [ -e "$spool/postrider-users/2/held/6B0171B04CB3C7B7" ] &&
    [ ! -e "$spool/postrider-users/1" ] && [ ! -e "$work/system/etc/postrider" ]
}
check "but it leaves mail" mail_is_left
told () {
  cat "$work/postrm"
  [ "$(grep -c 'mail that was not sent (1) is left in /' "$work/postrm")" = 3 ]
}
check "and says where" told
check "on a line each" [ "$(wc -l <"$work/postrm")" = 3 ]
check "but nothing to the terminal" none grep '[[:cntrl:]]' "$work/postrm"
check "and what a link leads to is left as it is" [ -e "$work/others/file" ]

echo "1..$count"
