#!/bin/sh
# make install and make uninstall, and the languages that it installs.
. "$(dirname "$0")/lib.sh"
begin
unset MAKEFLAGS MFLAGS MAKELEVEL
root=$work/root

prefix=$(sed -n 's/^prefix = //p' "$build/Makefile")
links="sbin/sendmail lib/sendmail bin/mailq bin/newaliases"

# The list of all info files of the machine is not ours.
step () { # step TARGET [VARIABLE=VALUE]...
  make -C "$build" DESTDIR="$root" AM_UPDATE_INFO_DIR=no "$@" >"$work/$1" 2>&1 || {
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
is_link () { # is_link NAME: to the program
  ls -l "$root$prefix/$1"
  [ "$(readlink "$root$prefix/$1")" = "$prefix/bin/postrider" ]
}
for name in $links; do
  check "so is the link $name" is_link $name
done
for page in sendmail mailq newaliases postrider; do
  check "so is the page of $page" installed "/man1/$page.1\$"
done
if command -v makeinfo >/dev/null || [ -f "$source/doc/postrider.info" ]; then
  check "so is the guide" installed '/info/postrider.info$'
else
  skip "so is the guide" "there is no makeinfo"
fi
for shell in bash zsh fish; do
  case $shell in
  bash) file=bash-completion/completions/postrider ;;
  zsh) file=zsh/site-functions/_postrider ;;
  fish) file=fish/vendor_completions.d/postrider.fish ;;
  esac
  if grep -q "^${shell}completiondir = .*/${file%/*}\$" "$build/Makefile"; then
    check "so is the completion for $shell" installed "/$file\$"
  else
    skip "so is the completion for $shell" "configured elsewhere"
  fi
done
for directory in syntax ftdetect; do
  check "vim finds its $directory" \
    installed "/vim/vimfiles/$directory/postrider.vim\$"
done
check "Emacs finds its mode" \
  installed "/emacs/site-lisp/postrider-accounts-mode.el\$"
check "it is the program" sh -c '"$1" --version | grep -q "^postrider "' - \
  "$(find "$root" -path '*/bin/postrider')"
for language in $(sed 's/#.*//' "$source/po/LINGUAS"); do
  check "it speaks $language" installed "/$language/LC_MESSAGES/postrider.mo\$"
done
check "make install, once more" step install
for name in $links; do
  check "once more: the link $name" is_link $name
done
check "make uninstall" step uninstall
nothing_left () {
  ! find "$root" ! -type d | grep .
}
check "nothing is left" nothing_left

# Without the links

check "no links: make install" step install sendmail_links=no
check "no links: the program is there" installed '/bin/postrider$'
no_links () {
  ! find "$root" | grep -E '/(sendmail|mailq|newaliases)(\.1)?$'
}
check "no links: there is none, and no page of theirs" no_links
check "no links: make uninstall" step uninstall
check "no links: nothing is left" nothing_left

# Other programs that have the names already

taken="sbin/sendmail lib/sendmail bin/mailq bin/newaliases
  share/man/man1/mailq.1"
others () { # what has these names
  for name in $taken; do
    ls -dl --time-style=full-iso "$root$prefix/$name"
    [ ! -f "$root$prefix/$name" ] || cat "$root$prefix/$name"
  done
}
rm -rf "$root"
mkdir -p "$root$prefix/sbin" "$root$prefix/bin" "$root$prefix/lib" \
  "$root$prefix/share/man/man1"
echo another >"$root$prefix/sbin/sendmail"
ln -s ../sbin/sendmail "$root$prefix/lib/sendmail"
ln -s /nonexistent/mailq "$root$prefix/bin/mailq"
mkdir "$root$prefix/bin/newaliases"
echo 'of another' >"$root$prefix/share/man/man1/mailq.1"
others >"$work/before"
untouched () {
  others | diff "$work/before" -
}
check "others: make install" step install
check "others: they are left as they are" untouched
check "others: that is said of each" \
  [ "$(grep -c 'belongs to another program' "$work/install")" = 5 ]
check "others: the program is there" installed '/bin/postrider$'
check "others: a page of ours is there" installed '/man1/sendmail.1$'
check "others: make uninstall" step uninstall
check "others: they are left as they were" untouched
check "others: nothing of ours is left" sh -c 'cd "$1" &&
  ! find . ! -type d | grep -E "/postrider|man1/(sendmail|newaliases)"' - \
  "$root$prefix"

end
