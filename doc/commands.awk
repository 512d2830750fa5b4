# The commands and their options, in Texinfo, of what --help says: the program's own,
# and then that of each command behind a line "@ COMMAND".
#
#   awk -f commands.awk HELP

function escaped (text)
{
  gsub (/[@{}]/, "@&", text)
  return text
}

# With options, and what is in quotes like `this', as such.
function marked (text,    out, word)
{
  text = escaped(text)
  while (match (text, /(^|[ ,;(])--?[A-Za-z][A-Za-z-]*/))
    {
      word = substr (text, RSTART, RLENGTH)
      out = out substr (text, 1, RSTART - 1)
      text = substr (text, RSTART + RLENGTH)
      if (word !~ /^-/)
        {
          out = out substr (word, 1, 1)
          word = substr (word, 2)
        }
      out = out "@option{" word "}"
    }
  text = out text
  while (match (text, /`[^']*'/))
    text = substr (text, 1, RSTART - 1) "@code{" \
      substr (text, RSTART + 1, RLENGTH - 2) "}" substr (text, RSTART + RLENGTH)
  return text
}

# Upper case is to be replaced.
function variables (text,    out, word)
{
  text = escaped(text)
  while (match (text, /(^|[ =[|])[A-Z][A-Z=]+/))
    {
      word = substr (text, RSTART, RLENGTH)
      out = out substr (text, 1, RSTART - 1)
      text = substr (text, RSTART + RLENGTH)
      if (word ~ /^[^A-Z]/)
        {
          out = out substr (word, 1, 1)
          word = substr (word, 2)
        }
      if (word ~ /=/)
        {
          out = out "@var{" tolower (substr (word, 1, index (word, "=") - 1)) "}="
          word = substr (word, index (word, "=") + 1)
        }
      out = out "@var{" tolower (word) "}"
    }
  out = out text
  gsub (/\.\.\./, "@dots{}", out)
  return out
}

function close_table ()
{
  end_item()
  if (in_table)
    print "@end table"
  in_table = 0
}

function end_item (    index_name, part, n, i)
{
  if (names == "")
    return
  if (!in_table)
    print "\n@table @asis"
  in_table = 1
  printf "@item @code{%s}\n", variables(names)
  n = split (names, part, / /)
  for (i = 1; i <= n; i++)
    if (part[i] ~ /^-/ && part[i] !~ /^--help/)
      {
        index_name = part[i]
        sub (/,$/, "", index_name)
        sub (/\[.*/, "", index_name)
        if (index_name ~ /^-[Oo]$/ && part[i + 1] ~ /^[A-Z][a-z]/)
          index_name = index_name " " part[i + 1]
        printf "@seindex %s (%s)\n", escaped(index_name), command
      }
  print marked(toupper (substr (text, 1, 1)) substr (text, 2)) "."
  names = text = ""
}

/^@ / {
  close_table()
  command = $2
  heading = 1
  # The page of sendmail tells of it.
  skipped = command == "newaliases"
  if (!skipped)
    printf "\n@anchor{Command %s}\n@subheading postrider %s\n@seindex %s, command\n", \
      command, command, command
  next
}
command == "" || skipped { next }
/^  -/ {
  end_item()
  heading = 0
  names = $0
  sub (/^ +/, "", names)
  text = names
  sub (/  .*/, "", names)
  text = substr (text, length (names) + 1)
  sub (/^ +/, "", text)
  next
}
names != "" && /^     / {
  sub (/^ +/, "")
  text = text (text == "" ? "" : " ") $0
  next
}
/^(Usage:|      ) / {
  line = $0
  sub (/^(Usage:|      ) /, "", line)
  printf "%s@code{%s}\n", used == command ? "@*\n" : "\n@noindent\n", variables(line)
  used = command
  next
}
/^(Accepted|Refused)/ {
  close_table()
  print "\n" marked($0)
  next
}
/^$/ { if (!heading) print ""; next }
{
  print (said == command ? "" : "\n") marked($0)
  said = command
}
END { close_table() }
