#include "mail/fold.h"

#include <string.h>

#include <glib.h>

/* Octets of the line that begins at LINE, without its CRLF. */
static size_t
line_length (const char *line)
{
  const char *end = strchrnul (line, '\n');

  return (size_t) (end - line) - (*end == '\n' ? 1 : 0);
}

/* Where the line that begins at LINE, with BEFORE octets in front of it, can
   be broken: before the last blank that leaves no more than the maximum, and
   text on both sides. LENGTH: nowhere. */
static size_t
break_at (const char *line, size_t length, size_t before)
{
  size_t first = before > 0 ? 0 : strspn (line, " \t") + 1;
  size_t i = FOLD_MAXIMUM - before + 1;

  while (i-- > first)
    {
      if ((line[i] == ' ' || line[i] == '\t')
          && (i == 0 || strchr (" \t\\", line[i - 1]) == NULL)
          && i + strspn (line + i, " \t") < length)
        return i;
    }
  return length;
}

static bool
fold_line (GString *out, const char *line, size_t length, size_t before)
{
  while (before + length > FOLD_MAXIMUM)
    {
      size_t i = break_at (line, length, before);

      if (i == length)
        return false;
      g_string_append_len (out, line, (gssize) i);
      g_string_append (out, "\r\n");
      line += i;
      length -= i;
      before = 0;
    }
  g_string_append_len (out, line, (gssize) length);
  return true;
}

char *
fold_lines (const char *body, size_t before)
{
  g_autoptr (GString) out = g_string_sized_new (strlen (body) + 64);

  if (before > FOLD_MAXIMUM)
    return NULL;
  for (;;)
    {
      size_t length = line_length (body);

      if (!fold_line (out, body, length, before))
        return NULL;
      if (body[length] == '\0')
        return g_string_free (g_steal_pointer (&out), FALSE);
      g_string_append (out, "\r\n");
      body += length + 2;
      before = 0;
    }
}

bool
fold_is_needed (const char *body, size_t before)
{
  for (;;)
    {
      size_t length = line_length (body);

      if (before + length > FOLD_MAXIMUM)
        return true;
      if (body[length] == '\0')
        return false;
      body += length + 2;
      before = 0;
    }
}
