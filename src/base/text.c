#include "base/text.h"

#include <glib.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>

#define SHOWN_MAXIMUM 80 /* octets */
#define WHOLE_LINE_MAXIMUM 8192 /* octets; a path may have 4096 */

bool
text_is_control (uint32_t c)
{
  return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029
         || (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

static void
append_printable (GString *out, gunichar c)
{
  if (c == '\t' || c == '\n' || c == '\r')
    g_string_append_c (out, ' ');
  else if (text_is_control (c))
    g_string_append_c (out, '?');
  else
    g_string_append_unichar (out, c);
}

static bool
is_plain (const char *text, size_t length)
{
  for (size_t i = 0; i < length; i++)
    if (text[i] < 0x20 || text[i] >= 0x7f)
      return false;
  return true;
}

char *
text_printable (const char *text, size_t length, size_t maximum)
{
  g_autoptr (GString) out = NULL;
  size_t fits = 0;
  const char *p = text;

  if (length <= maximum && is_plain (text, length))
    return g_strndup (text, length);
  out = g_string_new (NULL);
  while (p < text + length && out->len <= maximum)
    {
      gunichar c = g_utf8_get_char_validated (p, text + length - p);

      if (c >= (gunichar) -2)
        {
          g_string_append_c (out, '?');
          p++;
        }
      else
        {
          append_printable (out, c);
          p = g_utf8_next_char (p);
        }
      if (out->len + strlen ("...") <= maximum)
        fits = out->len;
    }
  if (out->len > maximum)
    {
      g_string_truncate (out, fits);
      g_string_append (out, maximum >= strlen ("...") ? "..." : "");
    }
  return g_string_free (g_steal_pointer (&out), FALSE);
}

char *
text_shown (const char *text)
{
  return text_printable (text, strlen (text), SHOWN_MAXIMUM);
}

char *
text_printable_line (const char *format, va_list arguments)
{
  g_autofree char *text = g_strdup_vprintf (format, arguments);
  g_autofree char *line = NULL;
  size_t ends = 0;

  for (const char *p = format + strlen (format); p > format && p[-1] == '\n';
       p--)
    ends++;
  line = text_printable (text, strlen (text) - ends, WHOLE_LINE_MAXIMUM);
  return g_strconcat (line, format + strlen (format) - ends, NULL);
}

void
text_print_line (FILE *stream, const char *format, ...)
{
  g_autofree char *line = NULL;
  va_list arguments;

  va_start (arguments, format);
  line = text_printable_line (format, arguments);
  va_end (arguments);
  (void) fputs (line, stream);
}

void
text_line_add (TextLine *line, const char *octets, size_t length)
{
  for (size_t i = 0; i < length; i++)
    if (octets[i] == '\n' || octets[i] == '\r')
      line->ended = true;
    else
      {
        if (line->ended)
          line->length = 0;
        line->ended = false;
        if (line->length < sizeof line->octets)
          line->octets[line->length++] = octets[i];
      }
}

char *
text_line_printable (const TextLine *line)
{
  return text_printable (line->octets, line->length, TEXT_LINE_MAXIMUM);
}

size_t
text_width (const char *text)
{
  size_t width = 0;

  for (const char *p = text; *p != '\0'; p = g_utf8_next_char (p))
    {
      gunichar c = g_utf8_get_char (p);

      if (c < 0x80)
        width++;
      else if (!g_unichar_iszerowidth (c))
        width += g_unichar_iswide (c) ? 2 : 1;
    }
  return width;
}

size_t
text_columns (int fd)
{
  struct winsize size;

  return ioctl (fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col
                                                               : TEXT_COLUMNS;
}

bool
text_is_8bit (const char *octets, size_t length)
{
  uint64_t all = 0;
  size_t i = 0;

  for (uint64_t word[4]; length - i >= sizeof word; i += sizeof word)
    {
      memcpy (word, octets + i, sizeof word);
      all |= (word[0] | word[1]) | (word[2] | word[3]);
    }
  for (; i < length; i++)
    all |= (unsigned char)octets[i];
  return (all & UINT64_C (0x8080808080808080)) != 0;
}

bool
text_has_control (const char *text)
{
  for (; *text != '\0'; text++)
    if (g_ascii_iscntrl (*text))
      return true;
  return false;
}
