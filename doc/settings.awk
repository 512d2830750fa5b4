# The settings of a manual page, and of the guide, of the table in
# src/account/settings.c and that of mechanisms in src/smtp/sasl.c.
#
#   awk -f settings.awk SETTINGS.C SASL.C PAGE.in
#       the page, in mdoc(7): a line @NAME@ becomes the item of that setting with
#       what the table says of it; what the page says besides follows, and then the
#       default
#   awk -v scope=ACCOUNT|GENERAL -f settings.awk SETTINGS.C SASL.C
#       a list in Texinfo

BEGIN {
  # What a value looks like: WORD is to be replaced, word is to be written as it is.
  shape["SETTING_TEXT"] = "TEXT"
  shape["SETTING_FROM"] = shape["SETTING_ADDRESSES"] = "ADDRESS , ..."
  shape["SETTING_HOST"] = shape["SETTING_CREDENTIAL"] = "NAME"
  shape["SETTING_PORT"] = shape["SETTING_COUNT"] = "NUMBER"
  shape["SETTING_DOMAIN"] = "DOMAIN"
  shape["SETTING_PROXY"] = "HOST : PORT | socks5:// HOST [: PORT ]"
  shape["SETTING_ADDRESS"] = "ADDRESS"
  shape["SETTING_SOCKET"] = shape["SETTING_PATH"] = "PATH"
  shape["SETTING_TUNNEL"] = "COMMAND"
  shape["SETTING_TRUST"] = "PATH | none"
  shape["SETTING_PLACE"] = "PATH | URI"
  shape["SETTING_PINS"] = "PIN , ..."
  shape["SETTING_COMMAND"] = "PROGRAM ARGUMENT ..."
  shape["SETTING_DURATION"] = shape["SETTING_PAUSE"] = "DURATION"
  shape["SETTING_LIFETIME"] = shape["SETTING_PERIOD"] = "PERIOD"
  shape["SETTING_SIZE"] = "SIZE"
  shape["SETTING_LOG"] = "syslog | none | PATH"
  shape["SETTING_DSN_NOTIFY"] = "never | success , failure , delay"
  shape["SETTING_MECHANISM"] = "any"
}

FNR == 1 { file++ }

# The tables, as one text each without line ends.
file == 1 && /^static const char \*const / { inside = 1 }
file == 1 && /^const Setting settings\[\]/ { inside = 2; next }
file == 2 && /^static const SaslMechanism mechanisms\[\]/ { inside = 3; next }
inside == 1 { arrays = arrays $0 " " }
inside && /;$/ { inside = 0 }
inside == 2 { rows = rows $0 " " }
inside == 3 && match ($0, /"[^"]*"/) {
  shape["SETTING_MECHANISM"] = shape["SETTING_MECHANISM"] " | " \
    tolower (substr ($0, RSTART + 1, RLENGTH - 2))
}

# The strings in TEXT, joined by GLUE.
function strings (text, glue,    out)
{
  while (match (text, /"([^"\\]|\\.)*"/))
    {
      out = out (out == "" ? "" : glue) substr (text, RSTART + 1, RLENGTH - 2)
      text = substr (text, RSTART + RLENGTH)
    }
  gsub (/\\"/, "\"", out)
  return out
}

function read_tables (    part, n, i, name, rest, field)
{
  n = split (arrays, part, /;/)
  for (i = 1; i <= n; i++)
    if (match (part[i], /const [a-z_]+\[\]/))
      {
        name = substr (part[i], RSTART + 6, RLENGTH - 8)
        choices[name] = strings(part[i], " | ")
      }
  n = split (rows, part, /\},? +\{/)
  for (i = 1; i <= n; i++)
    {
      match (part[i], /"[a-z-]+"/)
      name = substr (part[i], RSTART + 1, RLENGTH - 2)
      order[++count] = name
      rest = substr (part[i], RSTART + RLENGTH)
      match (rest, /SETTING_[A-Z_]+/)
      value[name] = shape[substr (rest, RSTART, RLENGTH)]
      match (rest, /(ACCOUNT|GENERAL) \([a-z_.]+\)/)
      scope_of[name] = substr (rest, RSTART, 7)
      rest = substr (rest, RSTART + RLENGTH)
      match (rest, /N_ \(/)
      split (substr (rest, 1, RSTART - 1), field, /, */)
      help[name] = strings(substr (rest, RSTART), "")
      initial[name] = strings(field[2], "")
      gsub (/ /, "", field[3])
      if (field[3] in choices)
        value[name] = value[name] (value[name] == "" ? "" : " | ") \
          choices[field[3]]
      if (value[name] == "" || help[name] == "" || scope_of[name] == "")
        {
          print "settings.awk: cannot read the row of " name >"/dev/stderr"
          failed = 1
        }
    }
  if (count == 0)
    failed = 1
}

# In mdoc

function mdoc_value (text,    part, n, i, out, last, kind, glued)
{
  n = split (text, part, / /)
  for (i = 1; i <= n; i++)
    {
      kind = part[i] ~ /^[A-Z]/ ? "Ar" : part[i] ~ /^[a-z0-9]/ ? "Cm" : ""
      if (part[i] == "[:")
        {
          out = out " Ns Op :"
          glued = 1
        }
      else if (part[i] == "]" || part[i] == "")
        continue
      else if (kind == "")
        {
          out = out (part[i] == ":" ? " :" : " " part[i])
          glued = part[i] == ":"
        }
      else
        {
          out = out (glued || part[i - 1] ~ /:\/\/$/ ? " Ns" : "") \
            (kind == last && !glued ? "" : " " kind) " " \
            (kind == "Ar" ? tolower (part[i]) : part[i])
          last = kind
          glued = 0
        }
    }
  return substr (out, 2)
}

function mdoc_text (text,    word)
{
  gsub (/\\/, "\\e", text)
  gsub (/\. +/, ".\n", text)
  while (match (text, /`[^']*'/))
    {
      word = substr (text, RSTART + 1, RLENGTH - 2)
      text = substr (text, 1, RSTART - 1) "\n." \
        (word ~ / / ? "Ql \"" word "\"" : "Cm " word) "\n" \
        substr (text, RSTART + RLENGTH)
    }
  while (match (text, /\n[.,;:)]+( |\n|$)/) && \
         substr (text, RSTART + 1, 2) !~ /^\.[A-Z]/)
    text = substr (text, 1, RSTART - 1) " " \
      spaced(substr (text, RSTART + 1, RLENGTH - 1)) \
      substr (text, RSTART + RLENGTH)
  gsub (/ +\n/, "\n", text)
  gsub (/\n[ \n]+/, "\n", text)
  gsub (/^\n|\n$/, "", text)
  return text
}

# Punctuation behind a macro: each mark by itself, and then a new line.
function spaced (text,    out, i, c)
{
  for (i = 1; i <= length (text); i++)
    {
      c = substr (text, i, 1)
      if (c != " " && c != "\n")
        out = out (out == "" ? "" : " ") c
    }
  return out "\n"
}

function end_item ()
{
  if (pending != "")
    printf "Default:\n.Cm %s .\n", pending
  pending = ""
}

file == 3 && FNR == 1 { read_tables() }
file == 3 && /^@[a-z-]+@$/ {
  end_item()
  name = substr ($0, 2, length ($0) - 2)
  if (!(name in value))
    {
      print "settings.awk: there is no setting " name >"/dev/stderr"
      failed = 1
      next
    }
  printf ".It Cm %s No = %s\n%s\n", name, mdoc_value(value[name]), \
    mdoc_text(help[name])
  pending = initial[name]
  depth = 0
  next
}
file == 3 && /^\.Bl / { depth++ }
file == 3 && /^\.El/ && --depth < 0 { end_item() }
file == 3

# In Texinfo

function texinfo_text (text)
{
  gsub (/[@{}]/, "@&", text)
  while (match (text, /`[^']*'/))
    text = substr (text, 1, RSTART - 1) "@code{" \
      substr (text, RSTART + 1, RLENGTH - 2) "}" substr (text, RSTART + RLENGTH)
  return text
}

function texinfo_value (text,    part, n, i, out)
{
  n = split (text, part, / /)
  for (i = 1; i <= n; i++)
    {
      if (part[i] ~ /^[A-Z]/)
        part[i] = "@var{" tolower (part[i]) "}"
      gsub (/\.\.\./, "@dots{}", part[i])
      out = out (i == 1 || part[i] ~ /^[],:]/ || part[i - 1] ~ /[:\/]$/ ? "" : " ") \
        part[i]
    }
  gsub (/ \[:/, "[:", out)
  return out
}

END {
  if (file == 2)
    {
      read_tables()
      print "@c made of src/account/settings.c\n@raggedright\n@table @asis"
      for (i = 1; i <= count; i++)
        if (scope_of[order[i]] == scope)
          printf "@item @code{%s = %s}\n@seindex %s\n%s\n%s\n", order[i], \
            texinfo_value(value[order[i]]), order[i], \
            texinfo_text(help[order[i]]), initial[order[i]] == "" ? "" \
            : "Default: @code{" initial[order[i]] "}.\n"
      print "@end table\n@end raggedright"
    }
  if (failed)
    exit 1
}
