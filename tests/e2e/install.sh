#!/bin/sh
# make install and make uninstall, and the languages that it installs.
. "$(dirname "$0")/lib.sh"
need msgfmt msgmerge xgettext
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
check "it is the program" sh -c '"$1" --version | grep -q "^postrider "' - \
  "$(find "$root" -path '*/bin/postrider')"
check "make uninstall" step uninstall
nothing_left () {
  ! find "$root" ! -type d | grep .
}
check "nothing is left" nothing_left

# Every text of the sources in every language.
texts () {
  cd "$source" || return 1
  eval "$(sed -n 's/^XGETTEXT_OPTIONS = \(.*\)/options="\1/p' po/Makevars)\""
  xgettext $options --files-from=po/POTFILES.in -o "$work/texts.pot"
}
cd "$work" || exit 1
for language in $(sed 's/#.*//' "$source/po/LINGUAS"); do
  translated () {
    msgmerge -q --no-fuzzy-matching -o "$work/$language.po" \
      "$source/po/$language.po" "$work/texts.pot" &&
      msgfmt --check --statistics -o /dev/null "$work/$language.po" &&
      msgattrib --untranslated "$work/$language.po" | head -n 20 &&
      [ -z "$(msgattrib --untranslated --no-obsolete "$work/$language.po")" ] &&
      [ -z "$(msgattrib --only-fuzzy --no-obsolete "$work/$language.po")" ]
  }
  check "complete: $language" translated
done
end
