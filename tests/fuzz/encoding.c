/* Any octets as text that has to be encoded: it is ASCII then, in lines that
 * are short enough, and decoded it is what it was. The first octet is the
 * column. */

#include "tests/fuzz/fuzz.h"

#include <string.h>

#include <glib.h>

#include "base/text.h"
#include "mail/encoding.h"
#include "smtp/command.h"

static void
check_lines (const char *text, size_t column)
{
  g_auto (GStrv) lines = g_strsplit (text, "\r\n", -1);

  g_assert (g_str_is_ascii (text));
  for (char **line = lines; *line != NULL; line++)
    {
      g_assert (strpbrk (*line, "\r\n") == NULL);
      g_assert (strlen (*line) + (line == lines ? column : 0) <= 76);
    }
}

static char *
without (const char *text, const char *what)
{
  g_auto (GStrv) parts = g_strsplit (text, what, -1);

  return g_strjoinv ("", parts);
}

static void
check_words (const char *text, size_t column)
{
  g_autofree char *words = encoding_words (text, column);
  g_autofree char *unfolded = without (words, "\r\n");
  g_autofree char *decoded = encoding_decode_words (unfolded);

  check_lines (words, column);
  g_assert_cmpstr (g_strchug (decoded), ==, text);
}

/* Of foreign words nothing is known. */
static void
check_any_words (const char *octets)
{
  g_autofree char *decoded = encoding_decode_words (octets);

  g_assert (strstr (octets, "=?") != NULL || strcmp (decoded, octets) == 0);
}

static GString *
decode_quoted_printable (const GString *encoded)
{
  GString *octets = g_string_new (NULL);

  for (const char *p = encoded->str; *p != '\0'; p++)
    if (*p != '=')
      g_string_append_c (octets, *p);
    else if (g_str_has_prefix (p, "=\r\n"))
      p += 2;
    else
      {
        g_assert (g_ascii_isxdigit (p[1]) && g_ascii_isxdigit (p[2]));
        g_string_append_c (octets, (char) (g_ascii_xdigit_value (p[1]) * 16
                                           + g_ascii_xdigit_value (p[2])));
        p += 2;
      }
  return octets;
}

static void
check_quoted_printable (const char *octets, size_t size)
{
  g_autoptr (GString) text = g_string_new (NULL);
  g_autoptr (GString) encoded = NULL;
  g_autoptr (GString) decoded = NULL;

  for (size_t i = 0; i < size; i++)
    if (octets[i] == '\n')
      g_string_append (text, "\r\n");
    else if (octets[i] != '\r')
      g_string_append_c (text, octets[i]);
  if (text->len > 0 && text->str[text->len - 1] != '\n')
    g_string_append (text, "\r\n");
  encoded = encoding_quoted_printable (text->str, text->len);
  decoded = decode_quoted_printable (encoded);
  g_assert (strlen (encoded->str) == encoded->len);
  check_lines (encoded->str, 0);
  g_assert (g_strstr_len (encoded->str, -1, " \r\n") == NULL
            && g_strstr_len (encoded->str, -1, "\t\r\n") == NULL);
  g_assert (g_string_equal (decoded, text));
}

/* What stands behind NAME in a command that has it last. */
static char *
xtext_of (const char *command, const char *name)
{
  const char *found = strstr (command, name);

  g_assert (found != NULL);
  found += strlen (name);
  g_assert (strpbrk (found, " \r\n") == NULL);
  return encoding_decode_xtext (found);
}

static void
check_xtext (const char *text)
{
  static const Extensions extensions = { .dsn = true };
  g_autoptr (Envelope) envelope = envelope_new ();
  Content content = { .fd = -1 };
  g_autofree char *mail = NULL;
  g_autofree char *rcpt = NULL;
  g_autofree char *envid = NULL;
  g_autofree char *orcpt = NULL;

  g_assert (envelope_set_notify (envelope, "failure", NULL));
  envelope_add (envelope, text);
  rcpt = command_rcpt ("r@example.org", envelope, 0, &extensions);
  if (strstr (rcpt, "ORCPT=") != NULL)
    {
      orcpt = xtext_of (rcpt, " ORCPT=rfc822;");
      g_assert_cmpstr (orcpt, ==, text);
    }
  if (!envelope_set_envid (envelope, text, NULL))
    return;
  mail = command_mail ("me@example.org", envelope, &content, &extensions,
                       false, true);
  if (*envelope->envid != '\0')
    {
      envid = xtext_of (mail, " ENVID=");
      g_assert_cmpstr (envid, ==, text);
    }
}

/* What is printable stays as it is, cut or not. */
static void
check_printable (const char *octets, size_t size, const char *printable)
{
  g_autofree char *again
      = text_printable (printable, strlen (printable), size);
  g_autofree char *cut = text_printable (octets, size, size / 2);
  size_t kept = strlen (cut);

  g_assert_cmpstr (again, ==, printable);
  check_shown (cut, size / 2);
  if (strcmp (cut, printable) == 0)
    return;
  g_assert (kept < 3 ? kept == 0 : g_str_has_suffix (cut, "..."));
  g_assert (kept < 3 || strncmp (cut, printable, kept - 3) == 0);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  const char *octets = (const char *) data + 1;
  g_autofree char *text = NULL;
  g_autofree char *printable = NULL;
  g_autofree char *foreign = NULL;

  if (size == 0)
    return 0;
  size--;
  text = g_strndup (octets, size);
  printable = text_printable (octets, size, 2 * size + 8);
  check_shown (printable, size);
  check_printable (octets, size, printable);
  check_words (g_strchug (printable), data[0] % 77);
  check_any_words (text);
  check_quoted_printable (octets, size);
  foreign = encoding_decode_xtext (text);
  if (g_str_is_ascii (printable))
    check_xtext (printable);
  return 0;
}
