# The options of a manual page, of what --help-all says: what it says goes in place of
# the lines @OBEYED@, @IGNORED@ and @REFUSED@ of the page, as lists in mdoc(7).
#
#   awk -f options.awk HELP PAGE.in

# An argument: WORD is to be replaced, word is to be written as it is.
function argument (text, attached,    macro)
{
  macro = ""
  if (text ~ /^\[.*\]$/)
    {
      macro = "Op "
      text = substr (text, 2, length (text) - 2)
    }
  macro = macro (text ~ /[a-z]/ ? "Cm " : "Ar ")
  if (macro ~ /Cm/)
    gsub (/\|/, " | ", text)
  else
    {
      text = tolower (text)
      sub (/=/, " Ns = Ns Ar ", text)
    }
  return (attached ? " Ns " : " ") macro text
}

# "-C, --accounts-file FILE", "-d[LEVEL]", "-O NAME=VALUE".
function names (text,    part, n, i, out, flag, rest)
{
  n = split (text, part, / /)
  out = ".It"
  for (i = 1; i <= n; i++)
    {
      if (part[i] !~ /^-/)
        {
          out = out argument (part[i], 0)
          continue
        }
      flag = substr (part[i], 2)
      rest = ""
      if (match (flag, /\[.*\]$/))
        {
          rest = argument (substr (flag, RSTART), 1)
          flag = substr (flag, 1, RSTART - 1)
        }
      if (sub (/,$/, "", flag))
        rest = rest " ,"
      out = out " Fl " flag rest
    }
  return out
}

# A sentence of its own.
function sentence (text)
{
  gsub (/\\/, "\\e", text)
  gsub (/-/, "\\-", text)
  gsub (/`[^']*'/, "\n.Ql &\n", text)
  gsub (/Ql `/, "Ql \"", text)
  gsub (/'\n/, "\"\n", text)
  text = toupper (substr (text, 1, 1)) substr (text, 2) "."
  while (match (text, /"\n[.,;:]/))
    text = substr (text, 1, RSTART) " " substr (text, RSTART + 2, 1) "\n" \
      substr (text, RSTART + 3)
  gsub (/ *\n */, "\n", text)
  gsub (/^\n|\n$/, "", text)
  return text
}

function flush ()
{
  if (item != "")
    list[group] = list[group] names (item) "\n" sentence (help) "\n"
  item = help = ""
}

FNR == 1 { file++ }
file == 1 && FNR == 1 { group = "@OBEYED@" }
file == 1 && /^[^ ]/ { flush () }
file == 1 && /^Accepted/ { group = "@IGNORED@" }
file == 1 && /^Refused/ { group = "@REFUSED@" }
file == 1 && /^  -/ {
  flush ()
  item = help = $0
  sub (/^ +/, "", item)
  sub (/  .*$/, "", item)
  sub (/^  [^ ]+( [^ ]+)*/, "", help)
  sub (/^ +/, "", help)
  next
}
file == 1 && /^   / {
  sub (/^ +/, "")
  help = help (help == "" ? "" : " ") $0
}
file == 2 && FNR == 1 { flush () }
file == 2 && $0 in list {
  printf ".Bl -tag -width Ds\n%s.El\n", list[$0]
  next
}
file == 2
