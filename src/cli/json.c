#include "cli/json.h"

#include <inttypes.h>
#include <string.h>

#include "base/text.h"

#define REPLACEMENT "\xef\xbf\xbd"

static void
append_character (GString *out, gunichar c)
{
  /* The line ends of JavaScript, and what a terminal obeys. */
  if (text_is_control (c))
    {
      g_string_append_printf (out, "\\u%04x", c);
      return;
    }
  if (c == '"' || c == '\\')
    g_string_append_c (out, '\\');
  g_string_append_unichar (out, c);
}

static void
append_quoted (GString *out, const char *text)
{
  const char *end = text + strlen (text);

  g_string_append_c (out, '"');
  while (text < end)
    {
      gunichar c = g_utf8_get_char_validated (text, end - text);

      if (c >= (gunichar) -2)
        {
          g_string_append (out, REPLACEMENT);
          text++;
          continue;
        }
      append_character (out, c);
      text = g_utf8_next_char (text);
    }
  g_string_append_c (out, '"');
}

/* What stands before a value. */
static void
begin_value (GString *out, const char *key)
{
  char last = out->len == 0 ? '\n' : out->str[out->len - 1];

  if (last != '{' && last != '[' && last != '\n')
    g_string_append_c (out, ',');
  if (key == NULL)
    return;
  append_quoted (out, key);
  g_string_append_c (out, ':');
}

void
json_open (GString *out, const char *key, char bracket)
{
  begin_value (out, key);
  g_string_append_c (out, bracket);
}

void
json_close (GString *out, char bracket)
{
  g_string_append_c (out, bracket);
}

void
json_string (GString *out, const char *key, const char *value)
{
  begin_value (out, key);
  append_quoted (out, value);
}

void
json_integer (GString *out, const char *key, int64_t value)
{
  begin_value (out, key);
  g_string_append_printf (out, "%" PRId64, value);
}

void
json_boolean (GString *out, const char *key, bool value)
{
  begin_value (out, key);
  g_string_append (out, value ? "true" : "false");
}

void
json_null (GString *out, const char *key)
{
  begin_value (out, key);
  g_string_append (out, "null");
}
