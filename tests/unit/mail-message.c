/* Messages as programs write them, cut at any place, and what of them the wire
 * sees. */

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <glib.h>
#include <glib/gstdio.h>

#include "base/failure.h"
#include "mail/content.h"
#include "mail/message.h"
#include "tests/unit/directory.h"

/* The octets of a message's body. */
static GString *
body_of (const Directory *directory, Message *message)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *path = g_build_filename (directory->path, "A", NULL);
  g_autofree char *octets = NULL;
  gsize length;
  int fd = spool_commit (message->body, "A", &error);

  g_assert_no_error (error);
  close (fd);
  g_assert_true (g_file_get_contents (path, &octets, &length, &error));
  g_assert_cmpuint (length, ==, spool_size (message->body));
  g_unlink (path);
  return g_string_new_len (octets, (gssize) length);
}

/* A descriptor from which INPUT is read in pieces of PIECE octets. */
static int
open_pieces (const char *input, size_t length, size_t piece)
{
  int fds[2];

  g_assert_cmpint (socketpair (AF_UNIX, SOCK_SEQPACKET, 0, fds), ==, 0);
  for (size_t i = 0; i < length; i += piece)
    {
      size_t part = MIN (piece, length - i);

      g_assert_cmpint (send (fds[1], input + i, part, MSG_DONTWAIT), ==,
                       (int) part);
    }
  close (fds[1]);
  return fds[0];
}

static Message *
read_pieces (const Directory *directory, const char *input, size_t length,
             size_t piece, bool dot_ends, GError **error)
{
  int fd = open_pieces (input, length, piece);
  Message *message =
      message_read (fd, spool_new (directory->fd, 0), dot_ends, 0, error);

  close (fd);
  return message;
}

typedef struct
{
  const char *input, *header, *body;
} Case;

static const Case cases[] = {
  /* Line ends */
  { "A: b\n\nc\n", "A: b\r\n\r\n", "c\r\n" },
  { "A: b\r\n\r\nc\r\n", "A: b\r\n\r\n", "c\r\n" },
  { "A: b\r\r\n\r\r\nc\r\r\n", "A: b\r\n\r\n", "c\r\n" },
  { "A: b\r\n\r\nc\nd\r\n", "A: b\r\n\r\n", "c\r\nd\r\n" },
  { "A: b\n\nc", "A: b\r\n\r\n", "c\r\n" },
  { "A: b\n\nc\rd\r\re\r", "A: b\r\n\r\n", "c\r\nd\r\n\r\ne\r\n" },
  { "A: b\n\n\r\r\r\n\rc", "A: b\r\n\r\n", "\r\n\r\nc\r\n" },
  { "A: b\n\n\r", "A: b\r\n\r\n", "\r\n" },
  /* Dots that are none on the wire yet */
  { "\na\n.\nb\n", "\r\n", "a\r\n.\r\nb\r\n" },
  { "\n.\r\n\r.\r\n\r.\r.\n..", "\r\n", ".\r\n\r\n.\r\n\r\n.\r\n.\r\n..\r\n" },
  { ".", "\r\n", ".\r\n" },
  { ".\n", "\r\n", ".\r\n" },
  /* Where the header ends */
  { "", "\r\n", "" },
  { "\n", "\r\n", "" },
  { "\n\n", "\r\n", "\r\n" },
  { "A: b", "A: b\r\n\r\n", "" },
  { "A: b\n", "A: b\r\n\r\n", "" },
  { "A: b\r", "A: b\r\n\r\n", "" },
  { "A: b\n c", "A: b\r\n c\r\n\r\n", "" },
  { "A: b\nc", "A: b\r\n\r\n", "c\r\n" },
  { "A: b\nc d: e\n\nf\n", "A: b\r\n\r\n", "c d: e\r\n\r\nf\r\n" },
  { "A : b\nB:c\n\n", "A: b\r\nB:c\r\n\r\n", "" },
  { "A: b\n \t\nc: d\n", "A: b\r\n\r\n", "c: d\r\n" },
  { "A: b\n \r\nc: d\n", "A: b\r\n\r\n", "c: d\r\n" },
  { "A:\n b\n\tc\n\nd\n", "A:\r\n b\r\n\tc\r\n\r\n", "d\r\n" },
  { "text\nA: b\n", "\r\n", "text\r\nA: b\r\n" },
  { "te\rxt\r\r\nA: b\n", "\r\n", "te\r\nxt\r\nA: b\r\n" },
  { " text\nA: b\n", "\r\n", " text\r\nA: b\r\n" },
  { "Backup finished: ok\n", "\r\n", "Backup finished: ok\r\n" },
  { "note: x\n", "note: x\r\n\r\n", "" },
  { " \nA: b\n", "\r\n", "A: b\r\n" },
  /* Lines of mailbox files */
  { "From a@x.example Sat Nov 21 03:14:47 2026\nA: b\n\nFrom c\n",
    "A: b\r\n\r\n", "From c\r\n" },
  { ">From a@x.example Sat\r\nA: b\n", "A: b\r\n\r\n", "" },
  { "From a\nFrom b\n", "\r\n", "From b\r\n" },
  { "From a", "\r\n", "" },
  { "From a\n\nb\n", "\r\n", "b\r\n" },
  { "A: b\nFrom a\n", "A: b\r\n\r\n", "From a\r\n" },
  { "From : a@x.example\n", "From: a@x.example\r\n\r\n", "" },
  { "From: a@x.example\n", "From: a@x.example\r\n\r\n", "" },
};

static void
test_read (Directory *directory, const void *data)
{
  static const size_t pieces[] = { 1, 2, 3, 5, 1000 };

  for (size_t i = 0; i < G_N_ELEMENTS (cases) * G_N_ELEMENTS (pieces); i++)
    {
      const Case *c = &cases[i / G_N_ELEMENTS (pieces)];
      size_t piece = pieces[i % G_N_ELEMENTS (pieces)];
      g_autofree char *escaped = g_strescape (c->input, NULL);
      g_autoptr (GError) error = NULL;
      g_autoptr (Message) message = read_pieces (
          directory, c->input, strlen (c->input), piece, false, &error);
      g_autoptr (GString) header = NULL;
      g_autoptr (GString) body = NULL;

      g_test_message ("%s in pieces of %zu", escaped, piece);
      g_assert_no_error (error);
      header = header_to_string (message->header);
      body = body_of (directory, message);
      g_assert_cmpstr (header->str, ==, c->header);
      g_assert_cmpstr (body->str, ==, c->body);
    }
}

/* What may look like two lines to somebody, or end too early. */
static void
test_refused (Directory *directory, const void *data)
{
  static const struct
  {
    const char *input;
    size_t length;
  } bad[] = {
    { "A: b\rB: c\n\n", 11 },
    { "A: b\r\rB: c\r\n\n", 13 },
    { "A: b\n c\rB: d\n\n", 14 },
    { "A: b\0c\n\n", 8 },
  };

  for (size_t i = 0; i < 2 * G_N_ELEMENTS (bad); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (read_pieces (directory, bad[i / 2].input,
                                  bad[i / 2].length, i % 2 ? 1 : 1000, false,
                                  &error));
      g_assert_error (error, FAILURE, FAILURE_DATA);
    }
}

static void
test_flags (Directory *directory, const void *data)
{
  static const struct
  {
    const char *input;
    size_t length;
    bool eight_bit, nul;
    uint64_t longest;
  } flags[] = {
    { "A: \303\274\n\nabc\n", 11, false, false, 3 },
    { "\nabcdefghijk\377\n", 14, true, false, 12 },
    { "\n\200", 2, true, false, 1 },
    { "\na\0b\n", 5, false, true, 3 },
    { "\0A: b\n", 6, false, true, 5 },
    { "\nab\rabcd\r\rabcde\r\n", 17, false, false, 5 },
    { "\nab\nabcdef", 10, false, false, 6 },
    { "\n\n\n", 3, false, false, 0 },
  };

  for (size_t i = 0; i < 2 * G_N_ELEMENTS (flags); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (Message) message =
          read_pieces (directory, flags[i / 2].input, flags[i / 2].length,
                       i % 2 ? 1 : 1000, false, &error);

      g_assert_no_error (error);
      g_assert_true (message->body_8bit == flags[i / 2].eight_bit);
      g_assert_true (message->body_nul == flags[i / 2].nul);
      g_assert_cmpuint (message->longest_line, ==, flags[i / 2].longest);
    }
}

/* The flag is found wherever the octet stands. */
static void
test_8bit (Directory *directory, const void *data)
{
  for (size_t i = 0; i < 20; i++)
    {
      char input[] = "\n12345678901234567890";
      g_autoptr (Message) message = NULL;

      input[1 + i] = '\200';
      message =
          read_pieces (directory, input, strlen (input), 1000, false, NULL);
      g_assert_true (message->body_8bit);
    }
}

static void
test_lone_dot (Directory *directory, const void *data)
{
  static const Case dots[] = {
    { "A: b\n\nc\n.\nd\n", "A: b\r\n\r\n", "c\r\n" },
    { "A: b\n\nc\n.\r\nd\n", "A: b\r\n\r\n", "c\r\n" },
    { "A: b\n\nc\n.", "A: b\r\n\r\n", "c\r\n" },
    { "A: b\n.\n\nc\n", "A: b\r\n\r\n", "" },
    { ".\nA: b\n", "\r\n", "" },
    { "\na.\n..\n. \n.a\n.\n", "\r\n", "a.\r\n..\r\n. \r\n.a\r\n" },
    { "\na\r.\nb\n", "\r\n", "a\r\n.\r\nb\r\n" },
  };

  for (size_t i = 0; i < 2 * G_N_ELEMENTS (dots); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (Message) message = read_pieces (
          directory, dots[i / 2].input, strlen (dots[i / 2].input),
          i % 2 ? 1 : 1000, true, &error);
      g_autoptr (GString) header = NULL;
      g_autoptr (GString) body = NULL;

      g_assert_no_error (error);
      header = header_to_string (message->header);
      body = body_of (directory, message);
      g_assert_cmpstr (header->str, ==, dots[i / 2].header);
      g_assert_cmpstr (body->str, ==, dots[i / 2].body);
    }
}

static int
open_octets (const char *octets, size_t length)
{
  g_autofree char *path = NULL;
  int fd = g_file_open_tmp ("octets-XXXXXX", &path, NULL);

  g_assert_cmpint (fd, >=, 0);
  g_unlink (path);
  g_assert_cmpint (write (fd, octets, length), ==, (ssize_t) length);
  lseek (fd, 0, SEEK_SET);
  return fd;
}

/* A terminal's line that is longer than what is read at once. */
static void
test_lone_dot_long (Directory *directory, const void *data)
{
  g_autoptr (GString) input = g_string_new ("\n");
  g_autoptr (GError) error = NULL;
  g_autoptr (Message) message = NULL;
  int fd;

  while (input->len < 300000)
    g_string_append_c (input, '.');
  g_string_append (input, "\n.\nx\n");
  fd = open_octets (input->str, input->len);
  message = message_read (fd, spool_new (directory->fd, 0), true, 0, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (message->longest_line, ==, 299999);
  g_assert_cmpuint (spool_size (message->body), ==, 300001);
  close (fd);
}

/* A dot is not alone where a line goes on in what is read next. */
static void
test_lone_dot_apart (Directory *directory, const void *data)
{
  for (size_t length = 131070; length < 131075; length++)
    {
      g_autofree char *line = g_strnfill (length, 'a');
      g_autofree char *input = g_strconcat ("\n", line, ".\nx\n", NULL);
      g_autoptr (Message) message = NULL;
      int fd = open_octets (input, strlen (input));

      message = message_read (fd, spool_new (directory->fd, 0), true, 0, NULL);
      g_assert_cmpuint (spool_size (message->body), ==, length + 6);
      close (fd);
    }
}

static void
test_long_header (Directory *directory, const void *data)
{
  static const struct
  {
    const char *head;
    char fill;
    size_t count;
    bool good;
  } headers[] = {
    { "A:", 'b', HEADER_MAXIMUM, false },
    { "A:", 'b', 1000, true },
    { "A: b\n ", 'c', HEADER_MAXIMUM, false },
    { "", 'b', 2 * HEADER_MAXIMUM, true },
    { "b ", 'c', 2 * HEADER_MAXIMUM, true },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (headers); i++)
    {
      g_autofree char *fill = g_strnfill (headers[i].count, headers[i].fill);
      g_autofree char *input = g_strconcat (headers[i].head, fill, NULL);
      g_autoptr (GError) error = NULL;
      g_autoptr (Message) message = NULL;
      int fd = open_octets (input, strlen (input));

      message =
          message_read (fd, spool_new (directory->fd, 0), false, 0, &error);
      g_assert_true ((message != NULL) == headers[i].good);
      if (!headers[i].good)
        g_assert_error (error, FAILURE, FAILURE_DATA);
      close (fd);
    }
}

static void
test_maximum (Directory *directory, const void *data)
{
  for (uint64_t maximum = 9; maximum <= 11; maximum++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (Message) message = NULL;
      int fd = open_pieces ("A: b\n\n1234", 10, 3);

      message = message_read (fd, spool_new (directory->fd, 0), false, maximum,
                              &error);
      g_assert_true ((message != NULL) == (maximum >= 10));
      if (message == NULL)
        g_assert_error (error, FAILURE, FAILURE_DATA);
      close (fd);
    }
}

static void
test_no_input (Directory *directory, const void *data)
{
  g_autoptr (GError) closed = NULL;
  g_autoptr (GError) unreadable = NULL;
  int fd = dup (directory->fd);

  g_assert_null (
      message_read (fd, spool_new (directory->fd, 0), false, 0, &unreadable));
  g_assert_error (unreadable, FAILURE, FAILURE_IO);
  close (fd);
  g_assert_null (
      message_read (fd, spool_new (directory->fd, 0), false, 0, &closed));
  g_assert_error (closed, FAILURE, FAILURE_IO);
}

static int feeder = -1;
static int feedings;

static void
on_alarm (int number)
{
  if (feedings-- > 0)
    g_assert_cmpint (write (feeder, "\na", 2), ==, 2);
  else
    close (feeder);
}

/* Signals that interrupt, and bring the next octets each time; a descriptor
   that blocks and one that does not. */
static void
test_interrupted (Directory *directory, const void *data)
{
  struct sigaction action = { .sa_handler = on_alarm };
  struct itimerval often = { { 0, 1000 }, { 0, 1000 } };
  struct itimerval never = { { 0, 0 }, { 0, 0 } };

  sigaction (SIGALRM, &action, NULL);
  for (int i = 0; i < 2; i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (Message) message = NULL;
      g_autoptr (GString) body = NULL;
      int fds[2];

      g_assert_cmpint (pipe2 (fds, i == 0 ? O_NONBLOCK : 0), ==, 0);
      feeder = fds[1];
      feedings = 20;
      setitimer (ITIMER_REAL, &often, NULL);
      message = message_read (fds[0], spool_new (directory->fd, 0), false, 0,
                              &error);
      setitimer (ITIMER_REAL, &never, NULL);
      g_assert_no_error (error);
      body = body_of (directory, message);
      g_assert_cmpuint (body->len, ==, 20 * strlen ("a\r\n"));
      close (fds[0]);
    }
}

/* Random octets, most of them the interesting ones. */
static GString *
random_octets (void)
{
  static const char alphabet[] = "\r\r\n\n..a\0\377";
  GString *octets = g_string_new (NULL);
  int length = g_test_rand_int_range (0, 60);

  for (int i = 0; i < length; i++)
    g_string_append_c (
        octets, alphabet[g_test_rand_int_range (0, sizeof alphabet - 1)]);
  return octets;
}

/* The rule of the body, octet by octet. */
static GString *
normalise (const GString *in)
{
  GString *out = g_string_new (NULL);

  for (gsize i = 0; i < in->len; i++)
    {
      gsize next = i;

      while (next < in->len && in->str[next] == '\r')
        next++;
      if (next < in->len && in->str[next] == '\n')
        i = next;
      if (in->str[i] == '\r' || in->str[i] == '\n')
        g_string_append (out, "\r\n");
      else
        g_string_append_c (out, in->str[i]);
    }
  if (out->len > 0 && out->str[out->len - 1] != '\n')
    g_string_append (out, "\r\n");
  return out;
}

/* The content in random pieces, as a session sends it, with its end. */
static GString *
to_wire (const GString *content)
{
  GString *wire = g_string_new (NULL);
  bool line_start = true;

  for (gsize i = 0; i < content->len;)
    {
      size_t piece = (size_t) g_test_rand_int_range (0, 8);
      size_t part = MIN (piece, content->len - i);
      char out[16];
      size_t written =
          content_stuff_dots (out, content->str + i, part, &line_start);

      g_string_append_len (wire, out, (gssize) written);
      i += part;
    }
  g_assert_true (line_start);
  g_string_append (wire, ".\r\n");
  return wire;
}

/* What a server makes of it (RFC 5321 section 4.5.2); the end is a line with
   nothing but a dot. */
static GString *
from_wire (const GString *wire)
{
  GString *out = g_string_new (NULL);
  bool line_start = true;

  for (gsize i = 0; i < wire->len; i++)
    {
      if (line_start && wire->str[i] == '.'
          && strcmp (wire->str + i, ".\r\n") == 0)
        return out;
      if (!line_start || wire->str[i] != '.')
        g_string_append_c (out, wire->str[i]);
      line_start = wire->str[i] == '\n';
    }
  g_assert_not_reached ();
}

static unsigned
count_ends (const GString *wire)
{
  unsigned count = wire->len >= 3 && memcmp (wire->str, ".\r\n", 3) == 0;

  for (gsize i = 0; i + 5 <= wire->len; i++)
    count += memcmp (wire->str + i, "\r\n.\r\n", 5) == 0;
  return count;
}

/* No octets that come in can end the content early, nor get lost. */
static void
test_wire (Directory *directory, const void *data)
{
  for (int i = 0; i < 500; i++)
    {
      g_autoptr (GString) input = random_octets ();
      g_autoptr (GString) wanted = normalise (input);
      g_autoptr (GString) body = NULL;
      g_autoptr (GString) wire = NULL;
      g_autoptr (GString) back = NULL;
      g_autoptr (GError) error = NULL;
      g_autoptr (Message) message = NULL;

      g_string_prepend (input, "\n");
      message =
          read_pieces (directory, input->str, input->len,
                       (size_t) g_test_rand_int_range (1, 9), false, &error);
      g_assert_no_error (error);
      body = body_of (directory, message);
      g_assert_cmpmem (body->str, (int) body->len, wanted->str,
                       (int) wanted->len);
      wire = to_wire (body);
      g_assert_cmpuint (count_ends (wire), ==, 1);
      back = from_wire (wire);
      g_assert_cmpmem (back->str, (int) back->len, body->str, (int) body->len);
      for (gsize j = 0; j < wire->len; j++)
        {
          g_assert_true (wire->str[j] != '\r' || wire->str[j + 1] == '\n');
          g_assert_true (wire->str[j] != '\n'
                         || (j > 0 && wire->str[j - 1] == '\r'));
        }
    }
}

static void
test_content_size (void)
{
  Content content = { .header = { 10, 20 }, .body = { 30, 5000000000 } };

  g_assert_cmpuint (content_size (&content), ==, 5000000020);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define MESSAGE_TEST(path, function)                                          \
  g_test_add (path, Directory, NULL, directory_set_up, function,              \
              directory_tear_down)
  MESSAGE_TEST ("/mail/message/read", test_read);
  MESSAGE_TEST ("/mail/message/flags", test_flags);
  MESSAGE_TEST ("/mail/message/8bit", test_8bit);
  MESSAGE_TEST ("/mail/message/lone-dot", test_lone_dot);
  MESSAGE_TEST ("/mail/message/lone-dot-long", test_lone_dot_long);
  MESSAGE_TEST ("/mail/message/lone-dot-apart", test_lone_dot_apart);
  MESSAGE_TEST ("/mail/message/long-header", test_long_header);
  MESSAGE_TEST ("/mail/message/refused", test_refused);
  MESSAGE_TEST ("/mail/message/maximum", test_maximum);
  MESSAGE_TEST ("/mail/message/no-input", test_no_input);
  MESSAGE_TEST ("/mail/message/interrupted", test_interrupted);
  MESSAGE_TEST ("/mail/message/wire", test_wire);
  g_test_add_func ("/mail/content/size", test_content_size);
  return g_test_run ();
}
