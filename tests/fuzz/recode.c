/* Any octets as a message, written anew in each way: no line is too long, no NUL
 * and no octet above 127 is left where none may be, what is sealed is there as
 * it was, and the parts are the same and say the same, once decoded. */

#include "tests/fuzz/fuzz.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <glib.h>

#include "mail/conform.h"
#include "mail/mime.h"
#include "mail/recode.h"

static Message *
read_octets (const uint8_t *data, size_t size, int directory)
{
  int in = memfd_create ("stdin", MFD_CLOEXEC);
  Message *message;

  g_assert (write (in, data, size) == (ssize_t) size);
  lseek (in, 0, SEEK_SET);
  message = message_read (in, spool_new (directory, 5), false, 0, NULL);
  close (in);
  return message;
}

static Mime *
scan (const Header *header, Spool *body)
{
  uint64_t start;
  int fd = spool_fd (body, &start, NULL);

  return mime_scan (header, fd, (Segment){ start, spool_size (body) }, NULL);
}

static GString *
octets_of (const Mime *mime, Segment segment)
{
  GString *octets = g_string_new (NULL);

  g_string_set_size (octets, segment.size);
  g_assert (content_read (mime->fd, octets->str, segment.size,
                          segment.offset, NULL));
  return octets;
}

static const Part *
part_at (const Mime *mime, guint i)
{
  return &g_array_index (mime->parts, Part, i);
}

static bool
has_part (const Mime *mime, guint i)
{
  return i < mime->parts->len;
}

/* Independent of how it was encoded: the whole part is at hand. */

static GString *
decode_quoted (const GString *in)
{
  GString *out = g_string_new (NULL);
  g_auto (GStrv) lines = NULL;
  g_autoptr (GString) text = g_string_new_len (in->str, (gssize) in->len);

  /* No NUL survives g_strsplit: such a text is not compared. */
  lines = g_strsplit (text->str, "\r\n", -1);
  for (size_t i = 0; lines[i] != NULL; i++)
    {
      bool soft = false;
      char *p = lines[i];
      size_t length = strlen (p);

      while (length > 0 && strchr (" \t", p[length - 1]) != NULL)
        p[--length] = '\0';
      if (length > 0 && p[length - 1] == '=')
        {
          soft = true;
          p[--length] = '\0';
        }
      for (; *p != '\0'; p++)
        if (p[0] == '=' && g_ascii_isxdigit (p[1]) && g_ascii_isxdigit (p[2]))
          {
            g_string_append_c (out, (char) (g_ascii_xdigit_value (p[1]) * 16
                                            + g_ascii_xdigit_value (p[2])));
            p += 2;
          }
        else
          g_string_append_c (out, *p);
      if (!soft && lines[i + 1] != NULL)
        g_string_append (out, "\r\n");
    }
  return out;
}

static GString *
decode_base64 (const GString *in)
{
  g_autoptr (GString) clean = g_string_new (NULL);
  GString *out = g_string_new (NULL);
  gsize size = 0;
  g_autofree guchar *octets = NULL;

  for (size_t i = 0; i < in->len; i++)
    if (g_ascii_isalnum (in->str[i])
        || (in->str[i] != '\0' && strchr ("+/=", in->str[i]) != NULL))
      g_string_append_c (clean, in->str[i]);
  octets = g_base64_decode (clean->str, &size);
  g_string_append_len (out, (const char *) octets, (gssize) size);
  return out;
}

static GString *
decode (const GString *in, Coding coding)
{
  if (coding == CODING_QUOTED_PRINTABLE)
    return decode_quoted (in);
  if (coding == CODING_BASE64)
    return decode_base64 (in);
  return g_string_new_len (in->str, (gssize) in->len);
}

static void
check_leaf (const Mime *before, const Part *old, const Mime *after,
            const Part *new)
{
  g_autoptr (GString) was = octets_of (before, old->body);
  g_autoptr (GString) is = octets_of (after, new->body);
  g_autoptr (GString) meant = decode (was, old->coding);
  g_autoptr (GString) means = decode (is, new->coding);

  if (old->header_sealed || old->body_sealed || old->opaque)
    g_assert (g_string_equal (was, is));
  /* A line end that the body must have, behind what must not be cut anew. */
  if (!g_string_equal (meant, means) && memchr (was->str, 0, was->len) == NULL)
    {
      g_assert (new->body.offset + new->body.size
                == after->body.offset + after->body.size);
      g_assert (means->len == meant->len + 2);
    }
}

/* A broken Content-Type that is not ASCII may be another one when it is, and so
   may what is inside. */
static void
check_parts (const Mime *before, const Mime *after)
{
  bool broken = false;

  g_assert (before->parts->len == after->parts->len);
  for (guint i = 0; has_part (before, i); i++)
    {
      const Part *old = part_at (before, i);
      const Part *new = part_at (after, i);
      g_autoptr (GString) was = octets_of (before, old->header);
      g_autoptr (GString) is = octets_of (after, new->header);

      broken = broken || old->header_facts.eight_bit;
      g_assert (broken
                || (old->kind == new->kind
                    && old->body_sealed == new->body_sealed));
      if (old->header_sealed)
        g_assert (g_string_equal (was, is));
      if (old->kind != PART_COMPOSITE && new->kind != PART_COMPOSITE)
        check_leaf (before, old, after, new);
    }
}

static void
check_facts (const Facts *facts, unsigned flags)
{
  if ((flags & RECODE_LINES) != 0)
    g_assert (facts->longest_line <= LINE_MAXIMUM && !facts->nul);
  if ((flags & RECODE_7BIT) != 0)
    g_assert (!facts->eight_bit);
}

static void
check_result (const Mime *after, unsigned flags, bool eight_bit)
{
  bool found = false;

  for (guint i = 0; has_part (after, i); i++)
    {
      const Part *part = part_at (after, i);

      check_facts (&part->facts, flags);
      found = found || part->facts.eight_bit || part->header_facts.eight_bit;
      if ((flags & RECODE_LINES) != 0)
        g_assert (part->header_facts.longest_line <= LINE_MAXIMUM);
      if ((flags & RECODE_HEADERS) != 0)
        g_assert (!part->header_facts.eight_bit);
      if ((flags & RECODE_UTF8) != 0 && !part->header_sealed)
        g_assert (!part->header_facts.not_utf8);
    }
  g_assert (found == eight_bit);
}

static void
check_recode (Message *message, unsigned flags, int directory)
{
  g_autoptr (Mime) before = scan (message->header, message->body);
  g_autoptr (Mime) after = NULL;
  g_autoptr (Spool) out = spool_new (directory, 5);
  bool eight_bit = false;
  bool possible;

  if (before == NULL)
    return;
  possible = recode_is_possible (before, flags, NULL);
  if (!recode (before, flags, message->header, out, &eight_bit, NULL))
    return;
  g_assert (possible);
  after = scan (message->header, out);
  g_assert (after != NULL);
  check_result (after, flags, eight_bit);
  check_parts (before, after);
}

static void
check_conform (Message *message, int directory)
{
  g_autoptr (Mime) mime = NULL;

  if (!conform (message, spool_new (directory, 5), NULL))
    return;
  mime = scan (message->header, message->body);
  if (mime == NULL)
    return;
  check_result (mime, RECODE_LINES | RECODE_UTF8, message->body_8bit);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  static const unsigned ways[] = {
    0,
    RECODE_LINES,
    RECODE_LINES | RECODE_UTF8,
    RECODE_7BIT | RECODE_HEADERS,
    RECODE_HEADERS,
    RECODE_LINES | RECODE_7BIT | RECODE_HEADERS,
  };
  static int directory = -1;

  if (directory < 0)
    directory = open ("/dev/shm", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  for (size_t i = 0; i <= G_N_ELEMENTS (ways); i++)
    {
      g_autoptr (Message) message = read_octets (data, size, directory);

      if (message == NULL)
        break;
      if (i < G_N_ELEMENTS (ways))
        check_recode (message, ways[i], directory);
      else
        check_conform (message, directory);
    }
  return 0;
}
