#include "cli/output.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <glib/gi18n.h>

#include "base/failure.h"
#include "base/text.h"

#define RECIPIENTS_MAXIMUM 3 /* that are shown; the others are counted */
#define TEXT_MINIMUM 30      /* columns, behind blanks, however narrow it is */

static int trouble; /* errno of the first write that failed */

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
  size_t taken = text_width (line);
  size_t blanks = taken < width ? width - taken : 0;

  if (right)
    append_blanks (out, blanks);
  g_string_append (out, line);
  if (!right)
    append_blanks (out, blanks);
}

/* Closing marks begin no line, and opening ones end none. */
static bool
may_part (gunichar before, gunichar after)
{
  GUnicodeType first = g_unichar_type (before);
  GUnicodeType second = g_unichar_type (after);

  return (g_unichar_iswide (before) || g_unichar_iswide (after))
         && !g_unichar_iszerowidth (after)
         && first != G_UNICODE_OPEN_PUNCTUATION
         && first != G_UNICODE_INITIAL_PUNCTUATION
         && second != G_UNICODE_CLOSE_PUNCTUATION
         && second != G_UNICODE_FINAL_PUNCTUATION
         && second != G_UNICODE_OTHER_PUNCTUATION
         && second != G_UNICODE_MODIFIER_LETTER;
}

/* An address of wide characters is not parted. */
static bool
is_wide_address (const char *word)
{
  const char *at = strchr (word, '@');

  return at != NULL && at > word
         && (g_unichar_iswide (g_utf8_get_char (g_utf8_prev_char (at)))
             || g_unichar_iswide (g_utf8_get_char (at + 1)));
}

/* Where the first part of WORD ends that can stand in a line of its own. */
static const char *
part_end (const char *word, bool whole)
{
  const char *p = word;

  for (gunichar before; *p != '\0';)
    {
      before = g_utf8_get_char (p);
      p = g_utf8_next_char (p);
      if (!whole && *p != '\0' && may_part (before, g_utf8_get_char (p)))
        break;
    }
  return p;
}

typedef struct
{
  GString *out;
  size_t column, indent, limit;
} Fold;

/* GAP: a blank goes before it, unless it begins a line. */
static void
fold_part (Fold *fold, const char *part, bool gap)
{
  size_t width = text_width (part);

  if (fold->column > fold->indent
      && fold->column + gap + width > fold->limit)
    {
      g_string_append_c (fold->out, '\n');
      append_blanks (fold->out, fold->indent);
      fold->column = fold->indent;
    }
  else if (gap)
    {
      g_string_append_c (fold->out, ' ');
      fold->column++;
    }
  g_string_append (fold->out, part);
  fold->column += width;
}

/* False: there was nothing but blanks. */
static bool
fold_text (Fold *fold, const char *text)
{
  g_autofree char *line = printable (text);
  g_auto (GStrv) words = g_strsplit (line, " ", -1);
  bool gap = false;

  for (char **word = words; *word != NULL; word++)
    {
      bool whole = is_wide_address (*word);

      for (const char *p = *word, *end; *p != '\0'; p = end, gap = false)
        {
          g_autofree char *part = NULL;

          end = part_end (p, whole);
          part = g_strndup (p, (size_t) (end - p));
          fold_part (fold, part, gap);
        }
      gap = gap || (*word)[0] != '\0';
    }
  return gap;
}

/* USUAL, or what a narrow terminal has, unless INDENT leaves too little of that. */
static size_t
columns (size_t usual, size_t indent)
{
  static size_t known;

  if (known == 0)
    known = text_columns (STDOUT_FILENO);
  return MIN (usual, MAX (known, indent + TEXT_MINIMUM));
}

void
output_append_wrapped (GString *out, const char *text, size_t indent)
{
  Fold fold = { out, indent, indent, columns (OUTPUT_COLUMNS, indent) };
  size_t start = out->len;

  append_blanks (out, indent);
  if (fold_text (&fold, text))
    g_string_append_c (out, '\n');
  else
    g_string_truncate (out, start);
}

void
output_append_folded (GString *out, const char *text, size_t column,
                      size_t indent)
{
  Fold fold
      = { out, column, indent, columns (OUTPUT_HELP_COLUMNS, indent) };

  (void) fold_text (&fold, text);
  g_string_append_c (out, '\n');
}

/* What stands behind several blanks, or else behind those that the line begins
   with. */
static const char *
text_of (const char *line)
{
  const char *text = line + strspn (line, " ");
  const char *gap = strstr (text, "  ");

  return gap == NULL ? text : gap + strspn (gap, " ");
}

char *
output_help_folded (const char *text)
{
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  GString *out = g_string_new (NULL);

  for (char **line = lines; *line != NULL; line++)
    {
      const char *rest = text_of (*line);
      g_autofree char *head = g_strndup (*line, (size_t) (rest - *line));
      size_t column = text_width (head);

      g_string_append (out, head);
      if (line[1] != NULL)
        output_append_folded (out, rest, column, column);
      else
        g_string_append (out, rest);
    }
  return g_string_free (out, FALSE);
}

void
output_help (const char *format, ...)
{
  g_autofree char *text = NULL;
  g_autofree char *folded = NULL;
  va_list arguments;

  va_start (arguments, format);
  text = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  folded = output_help_folded (text);
  (void) output_write (folded, strlen (folded));
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
