/* Any octets as what a command prints, or a file holds. It is a secret or
 * none, and the line that is shown of a command's stderr is printable, however
 * it came. */

#include "tests/fuzz/fuzz.h"

#include <string.h>

#include <glib.h>

#include "account/credential.h"
#include "base/failure.h"
#include "base/text.h"

/* Whether the first LINE octets of DATA are a secret; not how the program
 * asks. */
static bool
is_secret (const char *data, size_t line)
{
  for (size_t i = 0; i < line; i++)
    if (data[i] == '\0' || data[i] == '\r')
      return false;
  return line > 0 && g_utf8_validate (data, (gssize) line, NULL);
}

static void
read_secret (const char *data, size_t size, bool tail)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Secret) secret = credential_read (data, size, tail, &error);
  size_t line = 0, more;
  bool expected;

  while (line < size && data[line] != '\n')
    line++;
  for (more = line; more < size && data[more] == '\n';)
    more++;
  expected = is_secret (data, line) && (tail || more == size);
  g_assert (expected == (secret != NULL));
  if (!expected)
    {
      g_assert_error (error, FAILURE, FAILURE_CREDENTIAL);
      check_shown (error->message, TEXT_LINE_MAXIMUM);
      return;
    }
  g_assert (error == NULL);
  g_assert (secret_length (secret) == line);
  g_assert (memcmp (secret_octets (secret), data, line) == 0);
}

static bool
ends_line (char c)
{
  return c == '\n' || c == '\r';
}

/* The last line of DATA that is not empty. */
static char *
find_last_line (const char *data, size_t size)
{
  size_t start;

  while (size > 0 && ends_line (data[size - 1]))
    size--;
  for (start = size; start > 0 && !ends_line (data[start - 1]);)
    start--;
  return text_printable (data + start,
                         MIN (size - start, TEXT_LINE_MAXIMUM + 1),
                         TEXT_LINE_MAXIMUM);
}

static void
hear (const char *data, size_t size)
{
  g_autofree char *expected = find_last_line (data, size);
  TextLine whole = { 0 }, pieces = { 0 };
  g_autofree char *shown = NULL;
  g_autofree char *other = NULL;

  text_line_add (&whole, data, size);
  shown = text_line_printable (&whole);
  check_shown (shown, TEXT_LINE_MAXIMUM);
  g_assert_cmpstr (shown, ==, expected);
  for (size_t i = 0; i < size; i++)
    text_line_add (&pieces, data + i, 1);
  other = text_line_printable (&pieces);
  g_assert_cmpstr (shown, ==, other);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  const char *octets = (const char *) data;

  if (size > SECRET_MAXIMUM)
    return 0;
  read_secret (octets, size, true);
  read_secret (octets, size, false);
  hear (octets, size);
  return 0;
}
