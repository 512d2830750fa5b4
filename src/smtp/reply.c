#include "smtp/reply.h"

#include <string.h>

#include <glib/gi18n.h>

#include "base/failure.h"
#include "base/text.h"

/* RFC 5321 section 4.5.3.1.5 says 512, relays say more; a challenge of RFC
   4954 section 4 may have 12288 octets. */
#define LINE_MAXIMUM 4096
#define CODE_CHALLENGE 334
#define TEXT_MAXIMUM 1024

void
reply_free (Reply *reply)
{
  if (reply == NULL)
    return;
  g_ptr_array_unref (reply->lines);
  g_free (reply);
}

static bool
protocol_error (GError **error, const char *text)
{
  g_set_error_literal (error, FAILURE, FAILURE_PROTOCOL, text);
  return false;
}

/* The code of a line, 0 where it is none. */
static int
line_code (const char *line, size_t length)
{
  if (length < 3 || line[0] < '2' || line[0] > '5'
      || !g_ascii_isdigit (line[1]) || !g_ascii_isdigit (line[2])
      || (length > 3 && line[3] != ' ' && line[3] != '-'))
    return 0;
  return (line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0');
}

static size_t
reply_octets (const Reply *reply)
{
  size_t octets = 0;

  for (guint i = 0; i < reply->lines->len; i++)
    octets += strlen (g_ptr_array_index (reply->lines, i));
  return octets;
}

static Reply *
reply_new (int code)
{
  Reply *reply = g_new0 (Reply, 1);

  reply->code = code;
  reply->lines = g_ptr_array_new_with_free_func (g_free);
  return reply;
}

bool
reply_add_line (Reply **reply, const char *line, size_t length, bool *done,
                GError **error)
{
  int code = line_code (line, length);
  size_t text = MIN (length, 4);

  if (*reply == NULL && length > 5 && memcmp (line, "HTTP/", 5) == 0)
    return protocol_error (error, relay_web_server ());
  if (code == 0 || memchr (line, '\0', length) != NULL
      || memchr (line, '\r', length) != NULL
      || memchr (line, '\n', length) != NULL)
    return protocol_error (
        error, _ ("the relay sent something that is no SMTP reply"));
  if (length > (code == CODE_CHALLENGE ? STREAM_LINE_MAXIMUM : LINE_MAXIMUM))
    return protocol_error (error, _ ("the relay sent too long a line"));
  if (*reply == NULL)
    *reply = reply_new (code);
  if ((*reply)->code != code)
    return protocol_error (
        error, _ ("the relay sent two different codes in one reply"));
  if ((*reply)->lines->len == REPLY_MAXIMUM_LINES
      || reply_octets (*reply) + length - text > REPLY_MAXIMUM_OCTETS)
    return protocol_error (error, _ ("the relay sent too long a reply"));
  g_ptr_array_add ((*reply)->lines, g_strndup (line + text, length - text));
  *done = length == 3 || line[3] == ' ';
  return true;
}

bool
reply_has_come (Stream *stream)
{
  size_t left;
  const char *line = stream_peek (stream, &left);

  while (left > 0)
    {
      const char *end = memchr (line, '\n', left);

      if (end == NULL)
        return left > STREAM_LINE_MAXIMUM + 1;
      if (end - line < 4 || line[3] != '-')
        return true;
      left -= (size_t) (end - line) + 1;
      line = end + 1;
    }
  return false;
}

Reply *
reply_read (Stream *stream, Deadline deadline, GError **error)
{
  g_autoptr (Reply) reply = NULL;
  bool any_bare_lf = false;
  bool done = false;

  while (!done)
    {
      size_t length;
      bool bare_lf;
      const char *line =
          stream_read_line (stream, &length, &bare_lf, deadline, error);

      if (line == NULL || !reply_add_line (&reply, line, length, &done, error))
        return NULL;
      any_bare_lf |= bare_lf;
    }
  reply->bare_lf = any_bare_lf;
  return g_steal_pointer (&reply);
}

/* One to three digits at *TEXT, which is moved past them. */
static bool
scan_number (const char **text, uint16_t *number)
{
  const char *start = *text;

  for (*number = 0; *text - start < 3 && g_ascii_isdigit (**text); (*text)++)
    *number = (uint16_t)(*number * 10 + (**text - '0'));
  return *text > start;
}

/* The enhanced code at the start of LINE; *REST is what follows it. */
static EnhancedCode
scan_enhanced (const char *line, int code, const char **rest)
{
  EnhancedCode found = { 0, 0, 0 };
  const char *p = line + 1;

  *rest = line;
  if (line[0] - '0' != code / 100 || code / 100 == 3 || *p++ != '.'
      || !scan_number (&p, &found.subject) || *p++ != '.'
      || !scan_number (&p, &found.detail) || (*p != ' ' && *p != '\0'))
    return (EnhancedCode){ 0, 0, 0 };
  found.class = (uint8_t)(code / 100);
  *rest = *p == ' ' ? p + 1 : p;
  return found;
}

EnhancedCode
reply_enhanced (const Reply *reply)
{
  const char *rest;

  return scan_enhanced (g_ptr_array_index (reply->lines, 0), reply->code,
                        &rest);
}

char *
reply_text (const Reply *reply)
{
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; i < reply->lines->len; i++)
    {
      const char *rest;

      scan_enhanced (g_ptr_array_index (reply->lines, i), reply->code, &rest);
      if (text->len > 0 && *rest != '\0')
        g_string_append_c (text, ' ');
      g_string_append (text, rest);
    }
  return text_printable (text->str, text->len, TEXT_MAXIMUM);
}
