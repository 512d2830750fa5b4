/* Any octets as the lines of a header, which is then made ready to leave: what
 * comes out is fields and nothing else, and no Bcc. */

#include "tests/fuzz/fuzz.h"

#include <string.h>

#include <glib.h>

#include "mail/compose.h"
#include "mail/envelope.h"

static void
check_text (const Header *header)
{
  g_autoptr (GString) text = header_to_string (header);
  g_autoptr (Header) again = header_new ();
  g_autoptr (GString) same = NULL;
  g_auto (GStrv) lines = g_strsplit (text->str, "\r\n", -1);

  g_assert (strlen (text->str) == text->len);
  for (char **line = lines; **line != '\0'; line++)
    {
      g_assert (strpbrk (*line, "\r\n") == NULL);
      if (!header_add_line (again, *line, strlen (*line), NULL))
        return;
    }
  same = header_to_string (again);
  g_assert (g_string_equal (text, same));
  g_assert (header_count (again, "Bcc") == header_count (header, "Bcc"));
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  static const Address from = { (char *)"Me", (char *)"me",
                                (char *)"x.example" };
  static const ComposeParams params = { &from, "d.example", 0 };
  const char *p = (const char *)data;
  const char *end = p + size;
  g_autoptr (Header) header = header_new ();
  g_autoptr (Envelope) envelope = envelope_new ();

  while (p < end)
    {
      const char *feed = memchr (p, '\n', (size_t)(end - p));
      const char *stop = feed != NULL ? feed : end;
      HeaderLine kind = header_line_kind (p, (size_t)(stop - p));

      if (kind == HEADER_LINE_FIELD
          || (kind == HEADER_LINE_CONTINUATION && header->fields->len > 0))
        header_add_line (header, p, (size_t)(stop - p), NULL);
      p = stop + 1;
    }
  check_text (header);
  envelope_add_header (envelope, header, "d.example", NULL);
  if (!compose (header, &params, NULL))
    return 0;
  check_text (header);
  g_assert (header_count (header, "Bcc") == 0);
  g_assert (header_count (header, "From") == 1);
  g_assert (header_count (header, "Date") == 1);
  g_assert (header_count (header, "Message-ID") == 1);
  return 0;
}
