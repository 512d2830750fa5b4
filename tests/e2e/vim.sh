#!/bin/sh
# vim shows an accounts file in its colours.
. "$(dirname "$0")/lib.sh"
command -v vim >/dev/null && vim --version | grep -q '+syntax' &&
  vim --version | grep -q '+eval' || skip_all "there is no vim with syntax files"
begin
mkdir -p "$work/postrider"
cat >"$work/postrider/accounts" <<'END'
# a comment
[work]
  from = me@work.example
hots = smtp.work.example
password-command = pass "a # b" # another
END

# The group of the character at LINE COLUMN.
cat >"$work/ask.vim" <<'END'
redir! > answer
for [line, column] in [[1, 1], [2, 2], [3, 3], [4, 1], [5, 1], [5, 28], [5, 36]]
  silent echo synIDattr (synID (line, column, 1), "name")
endfor
silent echo &filetype
redir END
quitall!
END
(cd "$work" && HOME=$work vim -N -u NONE -i NONE -n -es \
  --cmd "set runtimepath^=$build/data/vim" -c 'filetype on' -c 'syntax on' \
  -c "edit postrider/accounts" -c 'source ask.vim') </dev/null
expect () { # expect WHAT LINE GROUP
  check "$1" [ "$(sed -n "$(($2 + 1))p" "$work/answer")" = "$3" ]
}
expect 'a comment' 1 postriderComment
expect 'a section' 2 postriderSection
expect 'a setting' 3 postriderSetting
expect 'no setting' 4 postriderUnknown
expect 'another setting' 5 postriderSetting
expect 'a number sign in a string is no comment' 6 postriderString
expect 'a comment behind a value' 7 postriderComment
expect 'the place of the file says what it is' 8 postrider
end
