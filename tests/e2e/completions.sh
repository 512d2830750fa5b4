#!/bin/sh
# What bash, zsh and fish offer for a command line that was begun: real shells, with
# the completions as they are installed.
. "$(dirname "$0")/lib.sh"
need bash
begin
completions=$build/data/completions
[ -f "$completions/postrider" ] || completions=$source/data/completions
terminal=$build/tests/e2e/terminal
account work 'host = localhost'
account home 'host = localhost'
cat >"$work/other accounts" <<END
[elsewhere]
[me@home]
[\$(touch $work/run)]
[]
END
enqueue 1 1 --account work -f work@example.org you@example.net || exit 1
id=$(ls "$state/queue")

# offered WORD...: what $work/offers has, in this order
offered () {
  printf '%s\n' "$@" | sort >"$work/expected"
  sort "$work/offers" | diff "$work/expected" -
}

# bash_offers WORD...: for the last of them
bash_offers () {
  bash --norc -c '. "$1/postrider"
    shift
    COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
    _postrider
    ((${#COMPREPLY[@]} == 0)) || printf "%s\n" "${COMPREPLY[@]}"' - \
    "$completions" "$@" >"$work/offers" 2>&1
}

# fish_offers LINE
fish_offers () {
  fish --no-config -c 'source $argv[1]/postrider.fish; complete -C $argv[2]' \
    "$completions" "$1" 2>&1 | cut -f 1 >"$work/offers"
}

# runs KEYS LINE SHELL...: KEYS, where ^ is the tabulator, make SHELL run LINE
runs () {
  runs_keys=$(printf '%s' "$1" | tr ^ '\t')$return runs_line=$2
  shift 2
  ZDOTDIR=$work/zsh HOME=$work timeout 20 "$terminal" 'READY ' "$runs_keys" \
    "$@" >"$work/shown" 2>&1
  cat -v "$work/shown"
  grep -q "ran: $runs_line" "$work/shown"
}
bash_runs () {
  runs "$@" bash --rcfile "$work/bashrc" -i
}
zsh_runs () {
  runs "$@" zsh -i
}
mkdir "$work/zsh" || exit 1
cat >"$work/zsh/.zshrc" <<Z
fpath=('$completions' \$fpath)
autoload -U compinit && compinit -D -u
postrider () { print -r "ran: \$*"; exit; }
PS1='READY '
Z
cat >"$work/bashrc" <<B
. '$completions/postrider'
postrider () { echo "ran: \$*"; exit; }
PS1='READY '
B
return=$(printf '\r.')
return=${return%.}

commands=$(LC_ALL=C postrider --help | awk '/^  [a-z]/ { print $1 }')

# Bash

bash_offers postrider ''
check "bash: the commands" offered $commands --help --version
bash_offers postrider pass
check "bash: one of them" offered password
bash_offers postrider queue re
check "bash: what a command does" offered release remove retry
bash_offers postrider queue --a
check "bash: its options" offered --all --account --accounts-file
bash_offers postrider password set ''
check "bash: accounts" offered home work
bash_offers postrider password set w
check "bash: one of them" offered work
bash_offers postrider sendmail --account ''
check "bash: accounts, of an option" offered home work
bash_offers postrider sendmail --account = h
check "bash: the same, behind an equals sign" offered home
bash_offers postrider password -C "$work/other\\ accounts" set ''
check "bash: accounts of another file" offered elsewhere me@home
(cd "$work" && cp 'other accounts' ./-n && bash_offers postrider accounts -C -n '')
check "bash: accounts of a file that might be an option" offered elsewhere me@home
check "bash: what is no name of an account is not expanded" [ ! -e "$work/run" ]
check "bash: a name with an @, of a file at home" bash_runs \
  'postrider accounts -C ~/ot^me@h^' \
  "accounts -C $work/other accounts me@home"
bash_offers postrider sendmail -R ''
check "bash: the words of an option" offered full hdrs
bash_offers postrider setup --test ''
check "bash: the words of an option that takes others too" offered no yes
bash_offers postrider sendmail -od
check "bash: letters of sendmail" offered -odb -odi -odq
bash_offers postrider queue show ''
check "bash: messages" offered "$id"
bash_offers postrider log -C "$work/ot"
check "bash: files" offered "$work/other accounts"
bash_offers postrider log --since ''
check "bash: nothing where nothing is known" [ ! -s "$work/offers" ]
bash_offers postrider unheard-of ''
check "bash: nothing of what is no command" [ ! -s "$work/offers" ]

# All of what help has

missing () {
  for command in $commands; do
    bash_offers postrider $command -
    postrider $command --help | grep -oE '^  (-., )?--[a-z-]+' |
      grep -oE -- '--[a-z-]+' |
      while read -r option; do
        grep -qx -- "$option" "$work/offers" ||
          echo "$command lacks $option"
      done
  done
}
none_missing () {
  ! missing | grep .
}
check "bash: every option of every command" none_missing

# Fish

if command -v fish >/dev/null; then
  fish_offers 'postrider '
  check "fish: the commands" offered $commands
  fish_offers 'postrider queue re'
  check "fish: what a command does" offered release remove retry
  fish_offers 'postrider queue --acc'
  check "fish: its options" offered --account --accounts-file
  fish_offers 'postrider password set '
  check "fish: accounts" offered home work
  fish_offers 'postrider sendmail --account '
  check "fish: accounts, of an option" offered home work
  fish_offers "postrider password -C '$work/other accounts' set "
  check "fish: accounts of another file" offered elsewhere me@home
  fish_offers 'postrider --'
  check "fish: options without a command" offered --help --version
  fish_offers 'postrider queue show '
  check "fish: messages" offered "$id"
  fish_offers 'postrider sendmail -od'
  check "fish: letters of sendmail" offered -odb -odi -odq
else
  skip "fish" "it is not installed"
fi

# Zsh

if command -v zsh >/dev/null; then
  check "zsh: a command, what it does, and an account" \
    zsh_runs 'postrider pass^se^wo^' 'password set work'
  check "zsh: an option and its argument" \
    zsh_runs 'postrider sendmail --account ho^' 'sendmail --account home'
  check "zsh: its argument behind an equals sign" \
    zsh_runs 'postrider setup --tls=st^' 'setup --tls=starttls'
  check "zsh: an account of another file" \
    zsh_runs 'postrider accounts -C ~/ot^el^' \
    "accounts -C $work/other accounts elsewhere"
  check "zsh: an option without a command" zsh_runs 'postrider --v^' --version
  check "zsh: an option" zsh_runs 'postrider log --js^' 'log --json'
  check "zsh: a message" zsh_runs 'postrider queue sh^6^' "queue show $id"
else
  skip "zsh" "it is not installed"
fi

end
