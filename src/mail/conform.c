#include "mail/conform.h"

#include <glib/gi18n.h>

#include "base/failure.h"
#include "mail/mime.h"
#include "mail/recode.h"

#define FLAGS (RECODE_LINES | RECODE_UTF8)

/* Octets above 127 matter only where they may be in the header of a part. */
static bool
is_suspect (const Message *message)
{
  return message->longest_line > LINE_MAXIMUM || message->body_nul
         || message->body_bare_return
         || (message->body_8bit && mime_is_composite (message->header));
}

static bool
has_seal (const Mime *mime)
{
  for (guint i = 0; i < mime->parts->len; i++)
    if (g_array_index (mime->parts, Part, i).body_sealed)
      return true;
  return false;
}

static bool
is_one_text (const Mime *mime)
{
  return mime->parts->len == 1
         && g_array_index (mime->parts, Part, 0).kind == PART_TEXT;
}

static bool
has_nested_utf8 (const Mime *mime)
{
  for (guint i = 1; i < mime->parts->len; i++)
    if (g_array_index (mime->parts, Part, i).header_facts.utf8)
      return true;
  return false;
}

static bool
is_sendable (const Message *message, const Mime *mime, GError **error)
{
  if (message->body_bare_return && has_seal (mime))
    {
      g_set_error_literal (error, FAILURE, FAILURE_DATA,
                           _ ("the message is signed or encrypted, and has a "
                              "carriage return that ends no line"));
      return false;
    }
  if (message->body_nul && (has_seal (mime) || !is_one_text (mime)))
    {
      g_set_error_literal (error, FAILURE, FAILURE_DATA,
                           _ ("the message has a NUL octet, and is not one "
                              "plain text that could be encoded"));
      return false;
    }
  return true;
}

static Mime *
scan (Message *message, GError **error)
{
  uint64_t start;
  int fd = spool_fd (message->body, &start, error);

  if (fd < 0)
    return NULL;
  return mime_scan (message->header, fd,
                    (Segment){ start, spool_size (message->body) }, error);
}

bool
conform (Message *message, Spool *spare, GError **error)
{
  g_autoptr (Spool) body = spare;
  g_autoptr (Mime) mime = NULL;

  if (!is_suspect (message))
    return true;
  mime = scan (message, error);
  if (mime == NULL || !is_sendable (message, mime, error))
    return false;
  message->nested_utf8 = has_nested_utf8 (mime);
  if (!recode_is_needed (mime, FLAGS))
    return true;
  if (!recode (mime, FLAGS, message->header, body, &message->body_8bit, error))
    return false;
  spool_free (message->body);
  message->body = g_steal_pointer (&body);
  message->body_nul = false;
  message->longest_line = MIN (message->longest_line, LINE_MAXIMUM);
  return true;
}
