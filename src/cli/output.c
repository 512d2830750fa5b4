#include "cli/output.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <glib/gi18n.h>

#include "base/failure.h"
#include "base/text.h"

#define RECIPIENTS_MAXIMUM 3 /* that are shown; the others are counted */

static int trouble; /* errno of the first write that failed */

size_t
output_width (const char *text)
{
  size_t width = 0;

  for (const char *p = text; *p != '\0'; p = g_utf8_next_char (p))
    {
      gunichar c = g_utf8_get_char (p);

      width += g_unichar_iszerowidth (c) ? 0 : g_unichar_iswide (c) ? 2 : 1;
    }
  return width;
}

static void
append_blanks (GString *out, size_t count)
{
  for (size_t i = 0; i < count; i++)
    g_string_append_c (out, ' ');
}

static char *
printable (const char *text)
{
  return text_printable (text, strlen (text), G_MAXINT);
}

void
output_append_text (GString *out, const char *text)
{
  output_append_padded (out, text, 0, false);
}

void
output_append_padded (GString *out, const char *text, size_t width, bool right)
{
  g_autofree char *line = printable (text);
  size_t taken = output_width (line);
  size_t blanks = taken < width ? width - taken : 0;

  if (right)
    append_blanks (out, blanks);
  g_string_append (out, line);
  if (!right)
    append_blanks (out, blanks);
}

void
output_append_wrapped (GString *out, const char *text, size_t indent)
{
  g_autofree char *line = printable (text);
  g_auto (GStrv) words = g_strsplit (line, " ", -1);
  size_t column = 0;

  for (char **word = words; *word != NULL; word++)
    {
      size_t width = output_width (*word);

      if ((*word)[0] == '\0')
        continue;
      if (column > 0 && column + 1 + width > OUTPUT_COLUMNS)
        {
          g_string_append_c (out, '\n');
          column = 0;
        }
      append_blanks (out, column == 0 ? indent : 1);
      column += (column == 0 ? indent : 1) + width;
      g_string_append (out, *word);
    }
  if (column > 0)
    g_string_append_c (out, '\n');
}

void
output_append_people (GString *out, const char *sender,
                      const GPtrArray *recipients, size_t indent)
{
  g_autoptr (GString) line = g_string_new (NULL);
  unsigned shown = MIN (recipients->len, RECIPIENTS_MAXIMUM);
  unsigned more = recipients->len - shown;

  g_string_append_printf (line, "%s ->", sender[0] == '\0' ? "<>" : sender);
  for (unsigned i = 0; i < shown; i++)
    g_string_append_printf (line, "%s %s", i == 0 ? "" : ",",
                            (const char *) recipients->pdata[i]);
  if (more > 0)
    {
      g_string_append_c (line, ' ');
      g_string_append_printf (
          line, ngettext ("and %u more", "and %u more", more), more);
    }
  output_append_wrapped (out, line->str, indent);
}

char *
output_time (int64_t time)
{
  g_autoptr (GDateTime) date = g_date_time_new_from_unix_local (time);

  return date == NULL ? g_strdup ("?")
                      : g_date_time_format (date, "%Y-%m-%d %H:%M");
}

bool
output_write (const char *text, size_t length)
{
  if (trouble == 0 && length > 0 && fwrite (text, 1, length, stdout) != length)
    trouble = errno;
  return trouble == 0;
}

bool
output_write_string (const GString *text)
{
  return output_write (text->str, text->len);
}

bool
output_finish (GError **error)
{
  if (fflush (stdout) != 0 && trouble == 0)
    trouble = errno;
  if (trouble == 0 || trouble == EPIPE)
    return true;
  failure_set_errno (error, FAILURE_IO, trouble,
                     _ ("cannot write to standard output"));
  return false;
}
