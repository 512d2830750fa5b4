/* Any octets as the lines of replies. */

#include "tests/fuzz/fuzz.h"

#include <string.h>

#include <glib.h>

#include "smtp/reply.h"

static void
look_at (const Reply *reply)
{
  g_autofree char *text = reply_text (reply);
  EnhancedCode enhanced = reply_enhanced (reply);

  g_assert (reply->code >= 200 && reply->code <= 599);
  g_assert (reply->lines->len >= 1
            && reply->lines->len <= REPLY_MAXIMUM_LINES);
  g_assert (enhanced.class == 0 || enhanced.class == reply->code / 100);
  check_shown (text, 1024);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  const char *p = (const char *)data;
  const char *end = p + size;
  g_autoptr (Reply) reply = NULL;

  while (p < end)
    {
      const char *newline = memchr (p, '\n', (size_t)(end - p));
      size_t length = (size_t)((newline == NULL ? end : newline) - p);
      bool done = false;

      if (!reply_add_line (&reply, p, length, &done, NULL) || done)
        {
          if (done)
            look_at (reply);
          g_clear_pointer (&reply, reply_free);
        }
      p += length + 1;
    }
  return 0;
}
