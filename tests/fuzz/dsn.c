/* Any octets as a message, its addresses, and a relay's words: what comes out is
 * a message that says what it should, and nothing else. */

#include "tests/fuzz/fuzz.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <glib.h>

#include "submit/dsn.h"

#define WORDS_MAXIMUM 998 /* octets of a line */

/* Up to the next NUL. */
static char *
take (const char **p, const char *end)
{
  size_t length = strnlen (*p, (size_t) (end - *p));
  char *text = g_strndup (*p, length);

  *p += length + (*p + length < end);
  return text;
}

static Entry *
make_entry (const char *p, const char *end)
{
  Entry *entry = g_new0 (Entry, 1);
  uint8_t flags = p < end ? (uint8_t) *p++ : 0;
  bool told = false;
  const char *body;

  entry->id = g_strdup ("6A0000001234ABCD");
  entry->account = g_strdup ("work");
  entry->reason = g_strdup ("");
  entry->envelope = envelope_new ();
  g_free (entry->envelope->reverse_path);
  entry->envelope->reverse_path = take (&p, end);
  g_free (entry->envelope->envid);
  entry->envelope->envid = take (&p, end);
  g_free (entry->envelope->ret);
  entry->envelope->ret = g_strdup (flags & 1 ? "FULL" : "");
  entry->statuses
      = g_ptr_array_new_with_free_func ((GDestroyNotify) status_free);
  entry->told = g_array_new (FALSE, TRUE, sizeof (bool));
  for (int i = 0; i < 1 + (flags >> 6); i++)
    {
      g_autofree char *words = NULL;
      Status *status;

      g_ptr_array_add (entry->envelope->forward_paths, take (&p, end));
      g_ptr_array_add (entry->envelope->wishes, NULL);
      if (flags & 8)
        {
          g_autofree char *orcpt = take (&p, end);

          envelope_wish_last (entry->envelope, &(Wish){ (char *) "", orcpt });
        }
      words = take (&p, end);
      status = status_new_reply (flags & 2 ? STAGE_RCPT : STAGE_DATA, 550,
                                 (EnhancedCode){ 5, 1, 1 }, "");
      g_free (status->text);
      status->text = g_steal_pointer (&words);
      g_ptr_array_add (entry->statuses, status);
      g_array_append_val (entry->told, told);
    }
  body = memmem (p, (size_t) (end - p), "\r\n\r\n", 4);
  body = body != NULL ? body + 4 : end;
  entry->fd = memfd_create ("entry", MFD_CLOEXEC);
  g_assert (write (entry->fd, p, (size_t) (end - p)) == end - p);
  entry->content.fd = entry->fd;
  entry->content.header = (Segment){ 0, (uint64_t) (body - p) };
  entry->content.body
      = (Segment){ (uint64_t) (body - p), (uint64_t) (end - body) };
  entry->content.header_utf8 = flags & 4;
  return entry;
}

static char *
read_body (Spool *spool, int room)
{
  size_t size = spool_size (spool);
  char *text = g_malloc0 (size + 1);
  int fd = spool_commit (spool, "body", NULL);

  g_assert (fd >= 0 && unlinkat (room, "body", 0) == 0);
  g_assert (pread (fd, text, size, 0) == (ssize_t) size);
  close (fd);
  g_assert (strlen (text) == size);
  return text;
}

static size_t
count (const char *text, const char *piece)
{
  size_t found = 0;

  while ((text = strstr (text, piece)) != NULL)
    {
      text += strlen (piece);
      found++;
    }
  return found;
}

/* Quoted-printable is undone. */
static char *
decode (const char *part)
{
  GString *out = g_string_new (NULL);

  if (strstr (part, "Encoding: quoted-printable\r\n") == NULL)
    return g_string_free (g_string_append (out, part), FALSE);
  for (const char *p = part; *p != '\0'; p++)
    if (g_str_has_prefix (p, "=\r\n"))
      p += 2;
    else if (*p == '=' && g_ascii_isxdigit (p[1]) && g_ascii_isxdigit (p[2]))
      {
        g_string_append_c (out, (char) (g_ascii_xdigit_value (p[1]) * 16
                                        + g_ascii_xdigit_value (p[2])));
        p += 2;
      }
    else
      g_string_append_c (out, *p);
  return g_string_free (out, FALSE);
}

/* Those for people and for programs show nothing that a terminal obeys. */
static void
check_words (const char *part)
{
  g_autofree char *decoded = decode (part);
  g_auto (GStrv) lines = g_strsplit (decoded, "\r\n", -1);

  for (char **line = lines; *line != NULL; line++)
    check_shown (*line, WORDS_MAXIMUM);
}

/* Three parts, and in the second all recipients. */
static void
check_parts (const char *body, const Message *message, unsigned recipients)
{
  const char *type = header_find (message->header, "Content-Type")->body;
  g_autofree char *boundary
      = g_strdup_printf ("--%.26s", strstr (type, "boundary=\"") + 10);
  g_auto (GStrv) parts = g_strsplit (body, boundary, -1);

  g_assert (g_strv_length (parts) == 5 && parts[0][0] == '\0');
  g_assert (strcmp (parts[4], "--\r\n") == 0);
  g_assert (count (parts[2], "\r\nFinal-Recipient: ") == recipients);
  g_assert (count (parts[2], "\r\nAction: failed\r\n") == recipients);
  g_assert (count (parts[2], "\r\nStatus: 5.1.1\r\n") == recipients);
  g_assert (count (parts[2], "\r\n\r\n") == recipients + 2);
  check_words (parts[1]);
  check_words (parts[2]);
}

/* The parts of ours; one that goes back whole is as it was. */
static void
check_lines (const char *body, bool eight_bit)
{
  g_auto (GStrv) lines = g_strsplit (body, "\r\n", -1);
  bool full = strstr (body, "Content-Type: message/rfc822\r\n") != NULL;

  for (char **line = lines; *line != NULL; line++)
    {
      g_assert (strlen (*line) <= (full ? 999 : 998));
      g_assert (full || strpbrk (*line, "\r\n\033") == NULL);
      g_assert (eight_bit || g_str_is_ascii (*line));
    }
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  static int room = -1;
  static const DsnParams params = { .action = DSN_FAILED,
                                    .from = "me@example.org",
                                    .host = "smtp.example.org" };
  const char *p = (const char *) data;
  g_autoptr (Entry) entry = make_entry (p, p + size);
  g_autoptr (Message) message = NULL;
  g_autofree char *body = NULL;

  if (room < 0)
    {
      g_autofree char *top = g_dir_make_tmp ("dsn-XXXXXX", NULL);

      room = open (top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    }
  message = dsn_build (entry, &params, spool_new (room, 0), NULL);
  g_assert (message != NULL);
  g_assert (message->header->fields->len <= 11);
  body = read_body (message->body, room);
  check_parts (body, message, entry->statuses->len);
  check_lines (body, message->body_8bit);
  return 0;
}
