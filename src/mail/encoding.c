#include "mail/encoding.h"

#include <stdbool.h>
#include <string.h>

/* Octets, RFC 2047 section 2. */
#define WORD_LINE_MAXIMUM 76 /* of a line with encoded words */
#define WORD_AROUND 7        /* of a word, but for its charset and its text */
#define WORD_MINIMUM 8       /* of the text: room for any character */

#define LINE_MAXIMUM 75 /* of quoted-printable, without its last character */

/* Octets of TEXT for the next encoded word where ROOM are free for it: those
   of whole characters where it is UTF-8, at least one. */
static size_t
word_length (const char *text, size_t length, size_t room, bool utf8)
{
  size_t octets = room / 4 * 3;
  const char *start;

  if (length <= octets)
    return length;
  if (!utf8)
    return MAX (octets, 1);
  start = g_utf8_find_prev_char (text, text + octets + 1);
  if (start == NULL || start == text)
    start = g_utf8_next_char (text);
  return (size_t) (start - text);
}

void
encoding_append_words (GString *out, size_t column, const char *text,
                       size_t length, const char *charset)
{
  bool utf8 = g_ascii_strcasecmp (charset, "UTF-8") == 0;
  size_t around = WORD_AROUND + strlen (charset);

  g_assert (length == 0
            || column + around + WORD_MINIMUM <= WORD_LINE_MAXIMUM);
  while (length > 0)
    {
      size_t room = WORD_LINE_MAXIMUM - column - around;
      size_t part = word_length (text, length, room, utf8);
      g_autofree char *word = g_base64_encode ((const guchar *) text, part);

      g_string_append_printf (out, "=?%s?B?%s?=", charset, word);
      text += part;
      length -= part;
      if (length > 0)
        g_string_append (out, "\r\n ");
      column = 1;
    }
}

size_t
encoding_words_room (size_t column, const char *charset)
{
  size_t around = WORD_AROUND + strlen (charset);

  if (column + around + WORD_MINIMUM > WORD_LINE_MAXIMUM)
    return 0;
  return (WORD_LINE_MAXIMUM - column - around) / 4 * 3;
}

char *
encoding_words (const char *text, size_t column)
{
  GString *out = g_string_new (NULL);

  if (encoding_words_room (column, "UTF-8") == 0 && text[0] != '\0')
    {
      g_string_append (out, "\r\n ");
      column = 1;
    }
  encoding_append_words (out, column, text, strlen (text), "UTF-8");
  return g_string_free (out, FALSE);
}

/* The "Q" encoding of RFC 2047 section 4.2. */
static void
append_q (GString *out, const char *text, size_t length)
{
  for (size_t i = 0; i < length; i++)
    if (text[i] == '=' && i + 2 < length && g_ascii_isxdigit (text[i + 1])
        && g_ascii_isxdigit (text[i + 2]))
      {
        g_string_append_c (out, (char) (g_ascii_xdigit_value (text[i + 1]) * 16
                                        + g_ascii_xdigit_value (text[i + 2])));
        i += 2;
      }
    else
      g_string_append_c (out, text[i] == '_' ? ' ' : text[i]);
}

static void
append_b (GString *out, const char *text, size_t length)
{
  g_autofree char *copy = g_strndup (text, length);
  gsize size;
  g_autofree guchar *octets = g_base64_decode (copy, &size);

  g_string_append_len (out, (const char *) octets, (gssize) size);
}

static void
append_latin1 (GString *out, const GString *octets)
{
  for (size_t i = 0; i < octets->len; i++)
    g_string_append_unichar (out, (unsigned char) octets->str[i]);
}

static bool
is_charset (const char *text, size_t length, const char *name)
{
  /* RFC 2231 section 5: a language may stand behind it. */
  const char *star = memchr (text, '*', length);

  if (star != NULL)
    length = (size_t) (star - text);
  return length == strlen (name)
         && g_ascii_strncasecmp (text, name, length) == 0;
}

/* Appends what the encoded word at P says, and returns its end; NULL: there is
   none, or of another charset. No iconv here: what comes from afar does not
   choose among its many modules. */
static const char *
take_word (GString *out, const char *p)
{
  const char *charset = p + 2;
  const char *encoding, *text, *end;
  g_autoptr (GString) octets = NULL;
  size_t length;

  if (p[0] != '=' || p[1] != '?' || (encoding = strchr (charset, '?')) == NULL
      || encoding[1] == '\0' || encoding[2] != '?')
    return NULL;
  text = encoding + 3;
  length = strcspn (text, "? ");
  end = text + length;
  if (end[0] != '?' || end[1] != '=')
    return NULL;
  octets = g_string_new (NULL);
  if (g_ascii_tolower (encoding[1]) == 'q')
    append_q (octets, text, length);
  else if (g_ascii_tolower (encoding[1]) == 'b')
    append_b (octets, text, length);
  else
    return NULL;
  length = (size_t) (encoding - charset);
  if (is_charset (charset, length, "iso-8859-1"))
    append_latin1 (out, octets);
  else if (is_charset (charset, length, "utf-8")
           || is_charset (charset, length, "us-ascii"))
    g_string_append_len (out, octets->str, (gssize) octets->len);
  else
    return NULL;
  return end + 2;
}

/* Blanks between two encoded words are not part of the text. */
char *
encoding_decode_words (const char *body)
{
  GString *out = g_string_new (NULL);
  const char *blanks = body; /* where the last encoded word ended */
  bool after_word = false;
  const char *p = body;

  while (*p != '\0')
    {
      size_t before = out->len;
      const char *end = take_word (out, p);

      if (end == NULL)
        {
          after_word = after_word && (*p == ' ' || *p == '\t');
          g_string_append_c (out, *p++);
          continue;
        }
      if (after_word)
        g_string_erase (out, (gssize) (before - (size_t) (p - blanks)),
                        p - blanks);
      after_word = true;
      p = blanks = end;
    }
  return g_string_free (out, FALSE);
}

/* The octet at P as it stands in quoted-printable. A blank must not end a
   line, and "From " and a dot are better not at the start of one. */
static bool
stands_for_itself (const char *p, const char *end, bool line_start)
{
  if (*p == ' ' || *p == '\t')
    return p + 1 < end && p[1] != '\r';
  return g_ascii_isgraph (*p) && *p != '=' && !(line_start && *p == '.')
         && !(line_start && end - p >= 5 && memcmp (p, "From ", 5) == 0);
}

GString *
encoding_quoted_printable (const char *text, size_t length)
{
  GString *out = g_string_sized_new (length + length / 8);
  const char *end = text + length;
  size_t column = 0;

  for (const char *p = text; p < end; p++)
    {
      bool plain = stands_for_itself (p, end, column == 0);

      if (p[0] == '\r' && p + 1 < end && p[1] == '\n')
        {
          g_string_append (out, "\r\n");
          column = 0;
          p++;
          continue;
        }
      if (column + (plain ? 1 : 3) > LINE_MAXIMUM)
        {
          g_string_append (out, "=\r\n");
          column = 0;
          plain = stands_for_itself (p, end, true);
        }
      if (plain)
        g_string_append_c (out, *p);
      else
        g_string_append_printf (out, "=%02X", (unsigned char) *p);
      column += plain ? 1 : 3;
    }
  return out;
}

char *
encoding_decode_xtext (const char *text)
{
  g_autoptr (GString) out = g_string_new (NULL);

  for (const char *p = text; *p != '\0'; p++)
    {
      int high, low;

      if (!g_ascii_isgraph (*p) || *p == '=')
        return NULL;
      if (*p != '+')
        {
          g_string_append_c (out, *p);
          continue;
        }
      high = g_ascii_xdigit_value (p[1]);
      low = high < 0 ? -1 : g_ascii_xdigit_value (p[2]);
      if (low < 0 || high + low == 0)
        return NULL;
      g_string_append_c (out, (char) (high << 4 | low));
      p += 2;
    }
  return g_strdup (out->str);
}
