/* Whatever octets a caller gives us, the relay reads them as they were, but
 * for line ends, and reads one end of data, which is ours (RFC 5321
 * sections 2.3.8 and 4.5.2). From reader to socket; what reads there shares
 * nothing with what writes.
 */

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <glib.h>
#include <glib/gstdio.h>

#include "mail/content.h"
#include "mail/message.h"
#include "smtp/transaction.h"

#define PATIENCE 10000 /* ms */
#define END "\r\n.\r\n"

/* Random bodies */

static unsigned
below (unsigned limit)
{
  return (unsigned) g_test_rand_int_range (0, (int) limit);
}

static void
append_some (GString *body)
{
  static const struct
  {
    const char *octets;
    gssize length;
  } some[] = {
    { "\r", 1 },        { "\n", 1 },
    { "\r\n", 2 },      { ".", 1 },
    { "..", 2 },        { "\n.\n", 3 },
    { "\r\n.\r\n", 5 }, { "\r.\r", 3 },
    { "\n.\r\n", 4 },   { "\r\n.\n", 4 },
    { "\r\n.\r", 4 },   { "\r\r\n.\r\r\n", 7 },
    { "\n\r.\r\n", 5 }, { ".\r.\n.", 5 },
    { "a", 1 },         { "\0", 1 },
    { "\n.\0\r\n", 5 }, { "\377", 1 },
    { "\303\274", 2 },  { " ", 1 },
    { "QUIT\r\n", 6 },  { "\nMAIL FROM:<x@example.org>\r\n", 28 },
  };
  unsigned i = below (G_N_ELEMENTS (some));

  g_string_append_len (body, some[i].octets, some[i].length);
}

/* Up to just before or behind a place where a buffer may end. */
static void
append_to_boundary (GString *body)
{
  static const gsize sizes[] = { 998,   1024,  4096,   8192,  16384,
                                 32768, 65536, 131072, 262144 };
  gsize size = sizes[below (G_N_ELEMENTS (sizes))];
  gsize wanted = (body->len / size + 1) * size - 4 + below (6);
  static const char fills[] = "x.\r\n\377";
  char fill = fills[below (sizeof fills - 1)];

  while (body->len < wanted)
    g_string_append_c (body, fill);
}

static GString *
random_body (bool large)
{
  GString *body = g_string_new (NULL);
  unsigned count = below (40);

  for (unsigned i = 0; i < count; i++)
    if (large && below (8) == 0)
      append_to_boundary (body);
    else if (below (20) == 0)
      g_string_append_c (body, (char) below (256));
    else
      append_some (body);
  return body;
}

/* What has to arrive, in lines that end in LF: found from the end, so that a
   LF comes before the CRs that belong to it. */
static GString *
lines_of (const GString *body)
{
  GString *lines = g_string_sized_new (body->len + 1);
  gsize i = body->len;

  if (i > 0 && body->str[i - 1] != '\n' && body->str[i - 1] != '\r')
    g_string_append_c (lines, '\n');
  while (i > 0)
    {
      char octet = body->str[--i];

      g_string_append_c (lines, octet == '\r' ? '\n' : octet);
      while (octet == '\n' && i > 0 && body->str[i - 1] == '\r')
        i--;
    }
  for (gsize a = 0; a < lines->len / 2; a++)
    {
      char octet = lines->str[a];

      lines->str[a] = lines->str[lines->len - 1 - a];
      lines->str[lines->len - 1 - a] = octet;
    }
  return lines;
}

/* The relay */

typedef struct
{
  int fd;
  unsigned piece; /* octets that are read at once, at most */
  GString *heard; /* after DATA */
} Peer;

static bool
hear (Peer *peer, GString *into)
{
  char buffer[20000];
  ssize_t got = recv (peer->fd, buffer, MIN (peer->piece, sizeof buffer), 0);

  if (got > 0)
    g_string_append_len (into, buffer, got);
  return got > 0;
}

static void
say (Peer *peer, const char *line)
{
  (void) !send (peer->fd, line, strlen (line), MSG_NOSIGNAL);
}

static bool
ends (const GString *heard)
{
  return heard->len >= strlen (END)
         && memcmp (heard->str + heard->len - strlen (END), END, strlen (END))
                == 0;
}

/* Takes what comes until the other side closes, and answers where that pauses
   at an end of data. */
static gpointer
serve (gpointer data)
{
  Peer *peer = data;
  g_autoptr (GString) envelope = g_string_new (NULL);

  while (!g_str_has_suffix (envelope->str, "DATA\r\n"))
    if (!hear (peer, envelope))
      return NULL;
  say (peer, "250 ok\r\n250 ok\r\n354 go\r\n");
  while (hear (peer, peer->heard))
    if (ends (peer->heard))
      {
        char more;

        if (recv (peer->fd, &more, 1, MSG_PEEK | MSG_DONTWAIT) < 0)
          say (peer, "250 taken\r\n");
      }
  return NULL;
}

/* Header and body, read in pieces, as the queue has them. */
static Content
content_of (const GString *body, int directory, size_t piece)
{
  g_autoptr (GString) input = g_string_new ("Subject: s\n\n");
  g_autoptr (Spool) out = spool_new (directory, 0);
  g_autoptr (MessageReader) reader =
      message_reader_new (spool_new (directory, 0), 0);
  g_autoptr (Message) message = NULL;
  g_autoptr (GString) header = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *octets = NULL;
  Content content = { .fd = memfd_create ("content", MFD_CLOEXEC) };
  uint64_t start;
  int fd;

  g_string_append_len (input, body->str, (gssize) body->len);
  for (size_t i = 0; i < input->len; i += piece)
    if (!message_reader_feed (reader, input->str + i,
                              MIN (piece, input->len - i), &error))
      break;
  g_assert_no_error (error);
  message = message_reader_finish (g_steal_pointer (&reader), &error);
  g_assert_no_error (error);
  header = header_to_string (message->header);
  content.header.size = content.body.offset = header->len;
  content.body.size = spool_size (message->body);
  octets = g_malloc (content.body.size + 1);
  fd = spool_fd (message->body, &start, &error);
  g_assert_no_error (error);
  g_assert_true (content_read (fd, octets, content.body.size, start, &error));
  g_assert_cmpint (write (content.fd, header->str, header->len), ==,
                   (ssize_t) header->len);
  g_assert_cmpint (write (content.fd, octets, content.body.size), ==,
                   (ssize_t) content.body.size);
  return content;
}

/* CONTENT through a session; what the relay hears. PIECES: of the reads and of
   the buffers between. */
static GString *
send_through (const Content *content, unsigned piece, int buffer)
{
  Relay relay;
  g_autoptr (Envelope) envelope = envelope_new ();
  Transaction transaction = { .envelope = envelope, .content = content };
  Session *session = g_new0 (Session, 1);
  Peer peer = { .piece = piece, .heard = g_string_new (NULL) };
  g_autoptr (GPtrArray) statuses = NULL;
  const Status *status;
  GThread *thread;
  int pair[2];

  relay_init (&relay);
  relay.host = g_strdup ("relay.example");
  relay.timeouts =
      (RelayTimeouts){ PATIENCE, PATIENCE, PATIENCE, PATIENCE, PATIENCE, 500 };
  g_free (envelope->reverse_path);
  envelope->reverse_path = g_strdup ("me@example.org");
  envelope_add (envelope, "you@example.net");
  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair),
                   ==, 0);
  for (int i = 0; i < 2; i++)
    (void) setsockopt (pair[i], SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer);
  peer.fd = pair[1];
  session->relay = &relay;
  session->stream = stream_new (pair[0], NULL);
  session->extensions =
      (Extensions){ .pipelining = true, .eight_bit_mime = true };
  thread = g_thread_new ("relay", serve, &peer);
  statuses = transaction_run (session, &transaction);
  session_drop (session);
  g_thread_join (thread);
  close (pair[1]);
  status = g_ptr_array_index (statuses, 0);
  g_assert_cmpint (status->fate, ==, FATE_RELAYED);
  relay_clear (&relay);
  return peer.heard;
}

/* The body that a relay reads, line by line, in lines that end in LF. */
static GString *
read_back (const GString *wire)
{
  GString *body = g_string_new (NULL);
  const char *line = wire->str;
  const char *end = wire->str + wire->len;
  bool header = true;

  while (line < end)
    {
      const char *stop = memmem (line, (size_t) (end - line), "\r\n", 2);
      const char *from = line;

      g_assert_nonnull (stop);
      g_assert_null (memchr (line, '\n', (size_t) (stop - line)));
      g_assert_null (memchr (line, '\r', (size_t) (stop - line)));
      line = stop + 2;
      if (stop == from + 1 && *from == '.')
        break;
      from += *from == '.' && stop > from;
      if (!header)
        {
          g_string_append_len (body, from, stop - from);
          g_string_append_c (body, '\n');
        }
      header = header && stop > from;
    }
  /* Nothing comes after the end but the goodbye. */
  g_assert_true (line == end || strcmp (line, "QUIT\r\n") == 0);
  return body;
}

static unsigned
count_ends (const GString *wire)
{
  unsigned count = 0;
  const char *at = wire->str;
  const char *end = wire->str + wire->len;

  while ((at = memmem (at, (size_t) (end - at), END, strlen (END))) != NULL)
    {
      count++;
      at += 2;
    }
  return count;
}

static void
check_body (const GString *body, int directory)
{
  size_t piece = below (2) == 0 ? 1 + below (9) : 1 + below (300000);
  size_t least = body->len / 2000 + 1;
  Content content = content_of (body, directory, MAX (piece, least));
  g_autoptr (GString) wire = send_through (
      &content, (unsigned) least + below (9000), (int) (2048 + below (60000)));
  g_autoptr (GString) wanted = lines_of (body);
  g_autoptr (GString) got = NULL;

  g_assert_cmpuint (count_ends (wire), ==, 1);
  got = read_back (wire);
  g_assert_cmpmem (got->str, (int) got->len, wanted->str, (int) wanted->len);
  close (content.fd);
}

static void
test_bodies (gconstpointer data)
{
  bool large = GPOINTER_TO_INT (data) != 0;
  g_autoptr (GError) error = NULL;
  g_autofree char *path = g_dir_make_tmp ("property-XXXXXX", &error);
  int directory = g_open (path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);

  g_assert_no_error (error);
  for (unsigned i = 0; i < (large ? 300 : 2000); i++)
    {
      g_autoptr (GString) body = random_body (large);

      check_body (body, directory);
    }
  close (directory);
  g_assert_cmpint (g_rmdir (path), ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_data_func ("/property/small", GINT_TO_POINTER (0), test_bodies);
  g_test_add_data_func ("/property/large", GINT_TO_POINTER (1), test_bodies);
  return g_test_run ();
}
