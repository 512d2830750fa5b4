# Completions for a shell, of what --help says: the program's own, and then that of
# each command behind a line "@ COMMAND".
#
#   awk -v shell=bash|zsh|fish -v machine=FILE -f completions.awk HELP
#
# MACHINE is the accounts file of the machine.

# What an operand of this name is: account, id, file, or nothing known.
function kind_of (name)
{
  gsub (/[^A-Z]/, "", name)
  return name == "ACCOUNT" ? "account" : name == "ID" || name == "IDADDRESS" ? "id" \
    : name == "FILE" ? "file" : ""
}

# What argument option I of a command has: these, words, other, or "" for none.
function argument_kind (of, i,    name)
{
  name = argument[of, i]
  return name == "" ? "" : name ~ /[a-z]/ ? "words" \
    : name == "ACCOUNT" || long_name[of, i] == "--account" ? "account" \
    : short_name[of, i] == "-qI" ? "id" : name == "FILE" ? "file" : "other"
}

# "set", "set|forget", "[list]": what may come first.
function take_actions (word,    part, n, i)
{
  gsub (/\[|\]/, "", word)
  n = split (word, part, /\|/)
  for (i = 1; i <= n; i++)
    if (!((command, part[i]) in known))
      {
        known[command, part[i]] = 1
        actions[command] = actions[command] (actions[command] == "" ? "" : " ") part[i]
      }
}

function take_usage (line,    word, n, i)
{
  gsub (/ \| /, "|", line)
  n = split (line, word, / /)
  if (word[3] ~ /^\[?[a-z][a-z|]*\]?$/)
    take_actions (word[3])
  for (i = 3; i <= n; i++)
    {
      if (word[i] ~ /^[a-z][a-z]*\|[a-z|]*$/)
        take_actions (word[i])
      if (word[i - 1] !~ /--[a-z-]+$/ && kind_of (word[i]) != "" && \
          operand[command] == "")
        operand[command] = kind_of (word[i])
    }
}

# "  -C, --accounts-file FILE   read this"; TEXT is what is behind the names.
function take_option (names, text,    part, n, i, row)
{
  row = ++options[command]
  help[command, row] = text
  n = split (names, part, / /)
  for (i = 1; i <= n; i++)
    {
      sub (/,$/, "", part[i])
      sub (/\[.*\]$/, "", part[i])
      if (part[i] ~ /^--/)
        long_name[command, row] = part[i]
      else if (part[i] ~ /^-/)
        short_name[command, row] = part[i]
      else
        argument[command, row] = part[i]
    }
}

function end_option ()
{
  if (names != "")
    take_option(names, text)
  names = text = ""
}

# "-O IgnoreDots": the option is not all.
function is_half (of, i)
{
  return argument_kind(of, i) == "words" && argument[of, i] !~ /\|/
}

function words_of (of, i,    words)
{
  words = argument[of, i]
  gsub (/\|/, " ", words)
  gsub (/ *[A-Z]+/, "", words)
  return words
}

# Quotes for the shell: all but a quote itself are plain within them.
function quoted (text)
{
  gsub (/'/, "'\\''", text)
  return "'" text "'"
}

/^@ / {
  end_option()
  command = $2
  order[++commands] = command
  inside = 1
  next
}
command == "" && /^  [a-z]/ {
  name = $1
  sub (/^ +[a-z]+ +/, "")
  purpose[name] = $0
  last = name
  next
}
command == "" && /^        / { sub (/^ +/, " "); purpose[last] = purpose[last] $0 }
command == "" { next }
/^(Usage:|      ) postrider / && options[command] == 0 {
  usage = $0
  sub (/^(Usage:|      ) /, "", usage)
  take_usage(usage)
  next
}
/^(Accepted|Refused)/ { end_option(); inside = 0 }
inside && /^  -/ {
  end_option()
  names = $0
  sub (/^ +/, "", names)
  text = names
  sub (/  .*/, "", names)
  text = substr (text, length (names) + 1)
  sub (/^ +/, "", text)
  next
}
inside && names != "" && /^     / {
  sub (/^ +/, "")
  text = text (text == "" ? "" : " ") $0
  next
}

END {
  end_option()
  if (shell == "bash")
    print_bash()
  else if (shell == "zsh")
    print_zsh()
  else
    print_fish()
}

# Names of sections, and identifiers of messages: the same for every shell. Of what
# is no name nothing is taken: bash expands it.
function accounts_of (files)
{
  return "sed -n 's/^[[:space:]]*\\[[[:space:]]*\\([[:alnum:]._@+-]\\{1,\\}\\)" \
    "[[:space:]]*\\].*/\\1/p' -- " files " 2>/dev/null | " \
    "grep -vx -e defaults -e postrider"
}

function ids_of ()
{
  return "command postrider queue 2>/dev/null | " \
    "sed -n 's/^\\([0-9A-F]\\{16\\}\\)  .*/\\1/p'"
}

function all_names (of,    i, out)
{
  for (i = 1; i <= options[of]; i++)
    {
      if (is_half(of, i))
        continue
      if (short_name[of, i] != "")
        out = out " " short_name[of, i]
      if (long_name[of, i] != "")
        out = out " " long_name[of, i]
    }
  return substr (out, 2)
}

function print_bash_command (of,    i, names, kind)
{
  printf "    %s)\n      options=%s\n", of, quoted(all_names(of))
  if (actions[of] != "")
    printf "      actions=%s\n", quoted(actions[of])
  if (operand[of] != "")
    printf "      wanted=%s\n", operand[of]
  print "      case $previous in"
  for (i = 1; i <= options[of]; i++)
    {
      kind = argument_kind(of, i)
      if (kind == "" || is_half(of, i))
        continue
      names = short_name[of, i] "|" long_name[of, i]
      gsub (/^\||\|$/, "", names)
      printf "        %s) argument=%s%s ;;\n", names, kind, \
        kind == "words" ? " words=" quoted(words_of(of, i)) : ""
    }
  print "      esac\n      ;;"
}

function print_bash (    i)
{
  print "# bash completion for postrider: made of its --help."
  print "# For the words of the line; a file may begin with ~/, and has backslashes."
  print "_postrider_accounts ()\n{\n  local file files=()"
  print "  while (($# > 1)); do"
  print "    file=${2//\\\\/}"
  print "    [[ $1 != -C && $1 != --accounts-file ]] || files=(\"${file/#\\~\\//$HOME/}\")"
  print "    shift\n  done"
  print "  ((${#files[@]} > 0)) ||"
  print "    files=(\"${XDG_CONFIG_HOME:-$HOME/.config}/postrider/accounts\" " \
    quoted(machine) ")"
  print "  " accounts_of("\"${files[@]}\"") "\n}\n"
  print "_postrider ()\n{"
  print "  local line=() part glue= word previous before="
  print "  local options= actions= wanted= argument= action= words= i"
  print "  COMPREPLY=()"
  print "  # \"--account=NAME\" is three words here, and so is \"me@home\"."
  print "  for part in \"${COMP_WORDS[@]:0:COMP_CWORD + 1}\"; do"
  print "    case $part in"
  print "      =) line+=('') glue=yes ;;"
  print "      @) line[-1]+=@ glue=yes ;;"
  print "      *)"
  print "        [[ -n $glue ]] || line+=('')"
  print "        line[-1]+=$part glue="
  print "        ;;"
  print "    esac\n  done"
  print "  word=${line[-1]} previous=${line[-2]}"
  print "  if ((${#line[@]} == 2)); then"
  printf "    COMPREPLY=($(compgen -W '"
  for (i = 1; i <= commands; i++)
    printf "%s ", order[i]
  print "--help --version' -- \"$word\"))\n    return\n  fi"
  print "  case ${line[1]} in"
  for (i = 1; i <= commands; i++)
    print_bash_command(order[i])
  print "    *) return ;;\n  esac"
  print "  for ((i = 2; i < ${#line[@]} - 1; i++)); do"
  print "    [[ -z $actions || \" $actions \" != *\" ${line[i]} \"* ]] ||" \
    " action=${line[i]}"
  print "  done"
  print "  if [[ -n $argument ]]; then\n    wanted=$argument"
  print "  elif [[ $word == -* ]]; then\n    wanted= words=$options"
  print "  elif [[ -n $actions && -z $action ]]; then\n    wanted= words=$actions\n  fi"
  print "  case $wanted in"
  print "    account) words=$(_postrider_accounts \"${line[@]}\") ;;"
  print "    id) words=$(" ids_of() ") ;;"
  print "    file)\n      compopt -o filenames 2>/dev/null"
  print "      mapfile -t COMPREPLY < <(compgen -f -- \"$word\")\n      ;;"
  print "  esac"
  print "  [[ $wanted == file ]] || COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))"
  print "  # What stands before the last @ is not asked for."
  print "  [[ $word != *@* ]] || before=${word%@*}"
  print "  COMPREPLY=(\"${COMPREPLY[@]#\"$before\"}\")\n}\n"
  print "complete -F _postrider postrider"
}

# Within a specification of _arguments.
function zsh_text (text)
{
  gsub (/\\/, "\\\\", text)
  gsub (/\[/, "\\[", text)
  gsub (/\]/, "\\]", text)
  gsub (/:/, "\\:", text)
  return text
}

function zsh_action (kind, words)
{
  return kind == "words" ? "(" words ")" : kind == "account" ? "_postrider_accounts" : kind == "id" ? "_postrider_ids" \
    : kind == "file" ? "_files" : " "
}

function print_zsh_option (of, i,    name, end)
{
  if (is_half(of, i))
    return
  name = long_name[of, i]
  if (name != "" && argument[of, i] != "")
    name = name "="
  end = "[" zsh_text(help[of, i]) "]"
  if (argument[of, i] != "")
    end = end ":" tolower (long_name[of, i] == "" ? argument[of, i] : substr (long_name[of, i], 3)) ":" \
      zsh_action(argument_kind(of, i), words_of(of, i))
  if (short_name[of, i] != "" && long_name[of, i] != "")
    printf " \\\n        '(%s %s)'{%s,%s}%s", short_name[of, i], long_name[of, i], \
      short_name[of, i], name, quoted(end)
  else
    printf " \\\n        %s", quoted(short_name[of, i] name end)
}

function print_zsh_command (of,    i)
{
  printf "    (%s)\n      _arguments", of
  for (i = 1; i <= options[of]; i++)
    print_zsh_option(of, i)
  if (actions[of] != "")
    printf " \\\n        '1:action:(%s)'", actions[of]
  if (operand[of] != "")
    printf " \\\n        '*:%s:%s'", operand[of], zsh_action(operand[of])
  print "\n      ;;"
}

function print_zsh (    i)
{
  print "#compdef postrider\n# zsh completion for postrider: made of its --help.\n"
  print "_postrider_accounts ()\n{\n  local -a names files"
  print "  local i=${words[(I)(-C|--accounts-file)]}"
  print "  if (( i > 0 )); then\n    files=(${${(Q)words[i + 1]}/#\\~\\//$HOME/})"
  print "  else\n    files=(${XDG_CONFIG_HOME:-$HOME/.config}/postrider/accounts " \
    quoted(machine) ")\n  fi"
  print "  names=(${(f)\"$(" accounts_of("$files") ")\"})"
  print "  compadd -a names\n}\n"
  print "_postrider_ids ()\n{\n  local -a ids"
  print "  ids=(${(f)\"$(" ids_of() ")\"})"
  print "  compadd -a ids\n}\n"
  print "_postrider ()\n{\n  local -a commands\n  local command=$words[2]"
  print "  if (( CURRENT == 2 )) && [[ $PREFIX == -* ]]; then"
  print "    _arguments --help --version\n    return"
  print "  elif (( CURRENT == 2 )); then\n    commands=("
  for (i = 1; i <= commands; i++)
    print "      " quoted(order[i] ":" purpose[order[i]])
  print "    )\n    _describe -t commands command commands\n    return\n  fi"
  print "  shift words\n  (( CURRENT-- ))\n  case $command in"
  for (i = 1; i <= commands; i++)
    print_zsh_command(order[i])
  print "  esac\n}\n\n_postrider \"$@\""
}

function fish_quoted (text)
{
  gsub (/\\/, "\\\\", text)
  gsub (/'/, "\\'", text)
  return "'" text "'"
}

function fish_words (kind, words)
{
  return kind == "words" ? " -x -a " fish_quoted(words) : kind == "account" ? " -x -a '(__postrider_accounts)'" \
    : kind == "id" ? " -x -a '(__postrider_ids)'" : kind == "file" ? " -r -F" : " -x"
}

function print_fish_option (of, i,    line, name)
{
  if (is_half(of, i))
    return
  line = "complete -c postrider -n '__fish_seen_subcommand_from " of "'"
  name = short_name[of, i]
  if (length (name) == 2)
    line = line " -s " substr (name, 2)
  else if (name != "")
    line = line " -o " substr (name, 2)
  if (long_name[of, i] != "")
    line = line " -l " substr (long_name[of, i], 3)
  if (argument[of, i] != "")
    line = line fish_words(argument_kind(of, i), words_of(of, i))
  print line " -d " fish_quoted(help[of, i])
}

function print_fish_command (of,    i, when)
{
  printf "\ncomplete -c postrider -n __fish_use_subcommand -a %s -d %s\n", of, \
    fish_quoted(purpose[of])
  for (i = 1; i <= options[of]; i++)
    print_fish_option(of, i)
  when = "__fish_seen_subcommand_from " of
  if (actions[of] != "")
    {
      printf "complete -c postrider -n '%s; and not __fish_seen_subcommand_from %s' -a '%s'\n", \
        when, actions[of], actions[of]
      when = when "; and __fish_seen_subcommand_from " actions[of]
    }
  if (operand[of] == "file")
    printf "complete -c postrider -n '%s' -F\n", when
  else if (operand[of] != "")
    printf "complete -c postrider -n '%s' -a '(__postrider_%ss)'\n", when, operand[of]
}

function print_fish (    i)
{
  print "# fish completion for postrider: made of its --help."
  print "function __postrider_accounts"
  print "    set -l config $XDG_CONFIG_HOME\n    test -n \"$config\"; or set config ~/.config"
  print "    set -l files $config/postrider/accounts " fish_quoted(machine)
  print "    set -l words (commandline -opc)\n    for i in (seq (count $words))"
  print "        contains -- $words[$i] -C --accounts-file; and set files \\"
  print "            (string replace -r '^~/' \"$HOME/\" -- $words[(math $i + 1)])"
  print "    end"
  print "    " accounts_of("$files") "\nend\n"
  print "function __postrider_ids\n    " ids_of() "\nend\n"
  print "complete -c postrider -f"
  print "complete -c postrider -n __fish_use_subcommand -l help"
  print "complete -c postrider -n __fish_use_subcommand -l version"
  for (i = 1; i <= commands; i++)
    print_fish_command(order[i])
}
