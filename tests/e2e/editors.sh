#!/bin/sh
# vim and Emacs show an accounts file in its colours.
. "$(dirname "$0")/lib.sh"
begin
mkdir -p "$work/postrider"
cat >"$work/postrider/accounts" <<'END'
# a comment
[work]
  from = me@work.example
hots = smtp.work.example
password-command = pass "a # b" # another
user = o'neill#1
END

# What has to be at LINE COLUMN, as vim and Emacs call it.
cat >"$work/places" <<'END'
1 3 postriderComment font-lock-comment a comment
2 2 postriderSection font-lock-type a section
3 3 postriderSetting font-lock-variable-name a setting
4 1 postriderUnknown font-lock-warning no setting
5 1 postriderSetting font-lock-variable-name another setting
5 28 postriderString font-lock-string a number sign in a string is no comment
5 36 postriderComment font-lock-comment a comment behind a value
6 9 - nil an apostrophe is nothing special
6 15 - nil nor is a number sign in a word
END

# says NAME LINE [TEXT]: the answer has that line
says () {
  check "$1" [ "$(sed -n "$2p" "$work/answer")" = "${3-}" ]
}

# vim

cat >"$work/ask.vim" <<'END'
redir! > answer
for place in readfile ('places')
  let [line, column; rest] = split (place)
  silent echo synIDattr (synID (line, column, 1), 'name')
endfor
silent echo &filetype
redir END
quitall!
END

if command -v vim >/dev/null && vim --version | grep -q '+syntax' &&
  vim --version | grep -q '+eval'; then
  (cd "$work" && HOME=$work vim -N -u NONE -i NONE -n -es \
    --cmd "set runtimepath^=$build/data/vim" -c 'filetype on' -c 'syntax on' \
    -c "edit postrider/accounts" -c 'source ask.vim') </dev/null
  line=1
  while read -r _ _ group _ name; do
    line=$((line + 1))
    says "vim: $name" $line "${group#-}"
  done <"$work/places"
  says "vim: the place of the file says what it is" $((line + 1)) postrider
else
  skip "vim" "there is none with syntax files"
fi

# Emacs

cat >"$work/ask.el" <<'END'
(defvar places (with-temp-buffer
                 (insert-file-contents "places")
                 (mapcar #'split-string (split-string (buffer-string) "\n" t))))
(find-file "postrider/accounts")
(font-lock-ensure)
(dolist (place places)
  (goto-char (point-min))
  (forward-line (1- (string-to-number (nth 0 place))))
  (forward-char (1- (string-to-number (nth 1 place))))
  (princ (format "%s\n" (get-text-property (point) 'face))))
(princ (format "%s\n" major-mode))
(goto-char (point-max))
(insert "keep-h")
(completion-at-point)
(princ (thing-at-point 'line t))
END

compiles () {
  cp "$mode" "$work/" && ! emacs -Q --batch -f batch-byte-compile \
    "$work/${mode##*/}" 2>&1 | grep .
}

if command -v emacs >/dev/null; then
  mode=$build/data/postrider-accounts-mode.el
  (cd "$work" && HOME=$work emacs -Q --batch -l "$mode" -l ask.el) \
    >"$work/answer"
  line=0
  while read -r _ _ _ face name; do
    line=$((line + 1))
    [ "$face" = nil ] || face=$face-face
    says "Emacs: $name" $line "$face"
  done <"$work/places"
  says "Emacs: the place of the file says what it is" $((line + 1)) \
    postrider-accounts-mode
  says "Emacs: a setting is completed" $((line + 2)) keep-held
  check "Emacs: its compiler warns of nothing" compiles
else
  skip "Emacs" "it is not installed"
fi
end
