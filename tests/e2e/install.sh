#!/bin/sh
# make install and make uninstall, and the languages that it installs.
. "$(dirname "$0")/lib.sh"
begin
unset MAKEFLAGS MFLAGS MAKELEVEL
root=$work/root

step () {
  make -C "$build" "$1" DESTDIR="$root" >"$work/$1" 2>&1 || {
    tail -n 20 "$work/$1"
    return 1
  }
}
installed () { # installed PATTERN
  find "$root" | grep -E "$1" || {
    find "$root" ! -type d
    return 1
  }
}
check "make install" step install
check "the program is there" installed '/bin/postrider$'
check "so is sendmail" installed '/sbin/sendmail$'
check "so is mailq" installed '/bin/mailq$'
check "it is the program" sh -c '"$1" --version | grep -q "^postrider "' - \
  "$(find "$root" -path '*/bin/postrider')"
if grep -q '^SYSTEMD_TRUE *= *#' "$build/Makefile"; then
  skip "the unit of systemd is there" "configured without"
else
  check "the unit of systemd is there" installed '/postrider.service$'
  unit=$(find "$root" -name postrider.service)
  runs_the_program () {
    cat "$unit"
    ! grep '@[a-z]*@' "$unit" &&
      grep -qx "ExecStart=$(find "$root" -path '*/bin/postrider' |
        sed "s,^$root,,") run" "$unit"
  }
  check "it runs the program" runs_the_program
  verified () { # What it names is not where it will be.
    sed "s,^ExecStart=,&$root," "$unit" >"$work/postrider.service"
    systemd-analyze verify --user --man=no "$work/postrider.service" 2>&1 |
      grep 'postrider.service'
    ! systemd-analyze verify --user --man=no "$work/postrider.service" 2>&1 |
      grep -q 'postrider.service'
  }
  if command -v systemd-analyze >/dev/null; then
    check "systemd has nothing to say about it" verified
  else
    skip "systemd has nothing to say about it" "systemd-analyze is not installed"
  fi
fi
for language in $(sed 's/#.*//' "$source/po/LINGUAS"); do
  check "it speaks $language" installed "/$language/LC_MESSAGES/postrider.mo\$"
done
check "make uninstall" step uninstall
nothing_left () {
  ! find "$root" ! -type d | grep .
}
check "nothing is left" nothing_left

end
