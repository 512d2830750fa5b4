/* Any octets as the lines of a reply to EHLO. */

#include "tests/fuzz/fuzz.h"

#include <string.h>

#include <glib.h>

#include "smtp/extensions.h"

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autofree char *text = g_strndup ((const char *)data, size);
  g_auto (GStrv) lines = g_strsplit (text, "\n", REPLY_MAXIMUM_LINES);
  g_autoptr (Reply) reply = NULL;
  Extensions extensions = { 0 };
  g_autofree char *said = NULL;
  bool done;

  for (size_t i = 0; lines[i] != NULL; i++)
    {
      g_autofree char *line = g_strconcat ("250-", lines[i], NULL);

      if (!reply_add_line (&reply, line, strlen (line), &done, NULL))
        break;
    }
  if (reply == NULL)
    return 0;
  extensions_parse (&extensions, reply);
  g_assert (extensions.auth != NULL);
  for (size_t i = 0; extensions.auth[i] != NULL; i++)
    check_shown (extensions.auth[i], 20);
  g_assert (extensions.size_offered || extensions.size == 0);
  said = extensions_text (&extensions);
  check_shown (said, 2 * REPLY_MAXIMUM_OCTETS);
  extensions_clear (&extensions);
  return 0;
}
