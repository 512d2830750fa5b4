/* What stream promises over a plain socket: whole lines, one write per flight,
 * deadlines that hold, last words that are heard. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <glib.h>

#include "base/failure.h"
#include "smtp/stream.h"

#define SOON 5000 /* ms; nothing that is expected to happen takes as long */

typedef struct
{
  Stream *stream;
  int peer;
  GString *seen; /* the trace, "S: " and "R: " lines */
  Trace trace;
} Line;

static void
see (void *data, TraceKind kind, const char *text)
{
  g_string_append_printf (
      data, "%c: %s\n",
      kind == TRACE_SENT ? 'S' : (kind == TRACE_NOTE ? 'N' : 'R'), text);
}

static void
line_up (Line *line, const void *data)
{
  int pair[2];

  g_assert_cmpint (socketpair (AF_UNIX,
                               SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0,
                               pair),
                   ==, 0);
  line->peer = pair[1];
  line->seen = g_string_new (NULL);
  line->trace = (Trace){ .line = see, .data = line->seen };
  line->stream = stream_new (pair[0], &line->trace);
}

static void
line_down (Line *line, const void *data)
{
  stream_free (line->stream);
  g_string_free (line->seen, TRUE);
  if (line->peer >= 0)
    close (line->peer);
}

static void
say (Line *line, const char *octets, size_t length)
{
  g_assert_cmpint (write (line->peer, octets, length), ==, length);
}

static void
hang_up (Line *line)
{
  close (line->peer);
  line->peer = -1;
}

#define SAY(line, text) say (line, text, sizeof (text) - 1)

static void
assert_line (Line *line, const char *expected, bool expected_bare)
{
  g_autoptr (GError) error = NULL;
  size_t length;
  bool bare;
  const char *got = stream_read_line (line->stream, &length, &bare,
                                      deadline_in (SOON), &error);

  g_assert_no_error (error);
  g_assert_cmpstr (got, ==, expected);
  g_assert_cmpuint (length, ==, strlen (expected));
  g_assert_cmpint (bare, ==, expected_bare);
}

static void
assert_no_line (Line *line, Failure kind, const char *text)
{
  g_autoptr (GError) error = NULL;
  size_t length;

  g_assert_null (stream_read_line (line->stream, &length, NULL,
                                   deadline_in (SOON), &error));
  g_assert_error (error, FAILURE, (int) kind);
  g_assert_cmpstr (error->message, ==, text);
}

static void
test_lines (Line *line, const void *data)
{
  SAY (line, "220 one\r\n221 two\n\r\n\n250");
  assert_line (line, "220 one", false);
  assert_line (line, "221 two", true);
  assert_line (line, "", false);
  assert_line (line, "", true);
  SAY (line, " in pieces\r");
  SAY (line, "\n");
  assert_line (line, "250 in pieces", false);
  g_assert_cmpstr (line->seen->str, ==,
                   "R: 220 one\nR: 221 two\nR: \nR: \nR: 250 in pieces\n");
}

static void
test_line_refused (Line *line, const void *data)
{
  static const char control[] = "the relay sent a control character (NUL or a "
                                "lone CR) within a reply";

  SAY (line, "250 a\0b\r\n");
  assert_no_line (line, FAILURE_PROTOCOL, control);
  SAY (line, "250 a\rb\r\n");
  assert_no_line (line, FAILURE_PROTOCOL, control);
  SAY (line, "250 a\r\r\n");
  assert_no_line (line, FAILURE_PROTOCOL, control);
}

static void
test_line_length (Line *line, const void *data)
{
  g_autofree char *longest = g_strnfill (STREAM_LINE_MAXIMUM, 'a');
  g_autofree char *longer = g_strnfill (STREAM_LINE_MAXIMUM + 1, 'a');

  say (line, longest, STREAM_LINE_MAXIMUM);
  SAY (line, "\r\n");
  assert_line (line, longest, false);
  say (line, longest, STREAM_LINE_MAXIMUM);
  SAY (line, "\n");
  assert_line (line, longest, true);
  say (line, longer, STREAM_LINE_MAXIMUM + 1);
  SAY (line, "\n");
  assert_no_line (line, FAILURE_PROTOCOL,
                  "the relay sent a line of more than 16384 octets");
}

/* A line that never ends is refused before its end is waited for. */
static void
test_line_endless (Line *line, const void *data)
{
  g_autofree char *endless = g_strnfill (STREAM_LINE_MAXIMUM + 2, 'a');

  say (line, endless, STREAM_LINE_MAXIMUM + 2);
  assert_no_line (line, FAILURE_PROTOCOL,
                  "the relay sent a line of more than 16384 octets");
}

static void
test_line_cut_off (Line *line, const void *data)
{
  SAY (line, "250 whole\r\n250 o");
  hang_up (line);
  assert_line (line, "250 whole", false);
  assert_no_line (line, FAILURE_TEMPORARY, "the relay closed the connection");
  assert_no_line (line, FAILURE_TEMPORARY, "the relay closed the connection");
}

static void
test_read_deadline (Line *line, const void *data)
{
  g_autoptr (GError) error = NULL;
  int64_t start = g_get_monotonic_time ();
  int64_t waited;
  size_t length;

  SAY (line, "220-half");
  g_assert_null (stream_read_line (line->stream, &length, NULL,
                                   deadline_in (50), &error));
  waited = g_get_monotonic_time () - start;
  g_assert_error (error, FAILURE, FAILURE_TEMPORARY);
  g_assert_true (g_regex_match_simple ("^no answer within [0-9]+ ms$",
                                       error->message, 0, 0));
  g_assert_cmpint (waited, >=, 49000);
  g_assert_cmpint (waited, <, SOON * 1000);
}

static void
assert_peer_gets (Line *line, const char *expected)
{
  char got[512];
  ssize_t length = read (line->peer, got, sizeof (got) - 1);

  g_assert_cmpint (length, >=, 0);
  got[length] = '\0';
  g_assert_cmpstr (got, ==, expected);
}

/* A flight is one write, and nothing of it leaves before. */
static void
test_flight (Line *line, const void *data)
{
  static const char mail[] = "MAIL FROM:<a@example.org>\r\n";
  static const char rcpt[] = "RCPT TO:<b@example.org>\r\nDATA\r\n";
  char nothing;

  stream_write (line->stream, mail, strlen (mail));
  stream_write (line->stream, rcpt, strlen (rcpt));
  g_assert_cmpint (read (line->peer, &nothing, 1), ==, -1);
  g_assert_cmpint (errno, ==, EAGAIN);
  g_assert_true (stream_flush (line->stream, deadline_in (SOON), NULL));
  assert_peer_gets (line, "MAIL FROM:<a@example.org>\r\n"
                          "RCPT TO:<b@example.org>\r\nDATA\r\n");
  g_assert_true (stream_flush (line->stream, deadline_in (SOON), NULL));
  g_assert_cmpstr (line->seen->str, ==,
                   "S: MAIL FROM:<a@example.org>\n"
                   "S: RCPT TO:<b@example.org>\nS: DATA\n");
}

static void
test_secret (Line *line, const void *data)
{
  static const char auth[] = "AUTH PLAIN AGEAaHVudGVyMg==\r\n";

  stream_write_secret (line->stream, auth, strlen (auth), "AUTH PLAIN ***");
  g_assert_true (stream_flush (line->stream, deadline_in (SOON), NULL));
  assert_peer_gets (line, auth);
  g_assert_cmpstr (line->seen->str, ==, "S: AUTH PLAIN ***\n");
}

#define MASK 0x5a

/* Whether SECRET, which is only known masked, is anywhere in the writable
 * memory between START and END. */
static bool
range_holds (const unsigned char *start, const unsigned char *end,
             const unsigned char *masked, size_t length)
{
  for (const unsigned char *p = start; p + length <= end; p++)
    {
      size_t same = 0;

      while (same < length && (p[same] ^ MASK) == masked[same])
        same++;
      if (same == length)
        return true;
    }
  return false;
}

/* Allocates nothing: that might write over what is looked for. */
static bool
memory_holds (const unsigned char *masked, size_t length)
{
  static char maps[65536];
  int fd = open ("/proc/self/maps", O_RDONLY | O_CLOEXEC);
  size_t size = 0;
  ssize_t got;

  while ((got = read (fd, maps + size, sizeof (maps) - 1 - size)) > 0)
    size += (size_t) got;
  close (fd);
  maps[size] = '\0';
  for (char *line = maps; line != NULL && line[0] != '\0';)
    {
      unsigned long start, end;
      char access[5];

      if (sscanf (line, "%lx-%lx %4s", &start, &end, access) == 3
          && strcmp (access, "rw-p") == 0
          && range_holds ((unsigned char *) start, (unsigned char *) end,
                          masked, length))
        return true;
      line = strchr (line, '\n');
      line = line != NULL ? line + 1 : NULL;
    }
  return false;
}

/* After the flush the secret is gone from memory, even though the gathering
 * buffer had to grow while it held it. */
static void
test_secret_wiped (Line *line, const void *data)
{
  static unsigned char secret[32], masked[32], got[65536];
  g_autofree char *more = g_strnfill (40000, 'a');

#ifdef __SANITIZE_ADDRESS__
  g_test_skip ("its shadow is too large to be searched");
  return;
#endif
  for (size_t i = 0; i < sizeof (secret); i++)
    {
      masked[i] = (unsigned char) g_random_int ();
      secret[i] = masked[i] ^ MASK;
    }
  g_assert_true (memory_holds (masked, sizeof (masked)));
  /* Not at the start of the buffer, which free () itself writes over. */
  stream_write (line->stream, more, 1000);
  stream_write_secret (line->stream, secret, sizeof (secret), "***");
  stream_write (line->stream, more, 40000);
  explicit_bzero (secret, sizeof (secret));
  g_assert_true (memory_holds (masked, sizeof (masked)));
  g_assert_true (stream_flush (line->stream, deadline_in (SOON), NULL));
  g_assert_cmpint (read (line->peer, got, sizeof (got)), ==, 41032);
  explicit_bzero (got, sizeof (got));
  g_assert_false (memory_holds (masked, sizeof (masked)));
}

/* Wherever in its line a relay repeats what it was told. */
static void
test_hidden (Line *line, const void *data)
{
  static const char *const lines[][2] = {
    { "250 is secret", "250 ***" },
    { "334 secret", "334 ***" },
    { "2secret", "***" },
    { "secret", "***" },
    { "250secret", "***" },
    { "250 secre", "250 secre" },
  };
  g_autoptr (Secret) secret = secret_new ("secret", strlen ("secret"));

  stream_hide (line->stream, secret);
  for (size_t i = 0; i < G_N_ELEMENTS (lines); i++)
    {
      say (line, lines[i][0], strlen (lines[i][0]));
      SAY (line, "\r\n");
      assert_line (line, lines[i][1], false);
    }
  g_assert_null (strstr (line->seen->str, "secret"));
  stream_mask_input (line->stream, true);
  SAY (line, "334 secret\r\n");
  assert_line (line, "334 secret", false);
}

static void
test_has_input (Line *line, const void *data)
{
  g_assert_false (stream_has_input (line->stream));
  SAY (line, "421 bye\r\n2");
  g_assert_true (stream_has_input (line->stream));
  assert_line (line, "421 bye", false);
  g_assert_true (stream_has_input (line->stream));
  SAY (line, "\n");
  assert_line (line, "2", true);
  g_assert_false (stream_has_input (line->stream));
  hang_up (line);
  g_assert_false (stream_has_input (line->stream));
  assert_no_line (line, FAILURE_TEMPORARY, "the relay closed the connection");
}

/* What the relay said before it hung up is heard after the write failed. */
static void
test_last_words (Line *line, const void *data)
{
  g_autoptr (GError) error = NULL;

  SAY (line, "421 going down\r\n");
  hang_up (line);
  stream_write (line->stream, "NOOP\r\n", 6);
  g_assert_false (stream_flush (line->stream, deadline_in (SOON), &error));
  g_assert_error (error, FAILURE, FAILURE_TEMPORARY);
  assert_line (line, "421 going down", false);
  g_clear_error (&error);
  stream_write (line->stream, "QUIT\r\n", 6);
  g_assert_false (stream_flush (line->stream, deadline_in (SOON), &error));
  g_assert_cmpstr (error->message, ==, "the relay closed the connection");
}

typedef struct
{
  int fd;
  size_t replies;
} Replier;

/* Answers, like a relay that reads no further command before its reply has
 * been taken. */
static void *
reply_to_each (void *data)
{
  Replier *replier = data;
  char octets[4096];
  ssize_t length;

  fcntl (replier->fd, F_SETFL, 0);
  while ((length = read (replier->fd, octets, sizeof (octets))) > 0)
    for (ssize_t i = 0; i < length; i++)
      if (octets[i] == '\n')
        {
          static const char reply[] = "250 2.1.5 what a fine recipient\r\n";

          g_assert_cmpint (write (replier->fd, reply, strlen (reply)), ==,
                           strlen (reply));
          replier->replies++;
        }
  return NULL;
}

/* A flight larger than all socket buffers, in both directions. */
static void
test_long_flight (Line *line, const void *data)
{
  static const char rcpt[] = "RCPT TO:<somebody@example.org>\r\n";
  static const size_t count = 20000;
  Replier replier = { .fd = line->peer };
  GThread *thread = g_thread_new ("relay", reply_to_each, &replier);
  g_autoptr (GError) error = NULL;

  for (size_t i = 0; i < count; i++)
    stream_write (line->stream, rcpt, strlen (rcpt));
  g_assert_true (stream_flush (line->stream, deadline_in (SOON), &error));
  for (size_t i = 0; i < count; i++)
    assert_line (line, "250 2.1.5 what a fine recipient", false);
  g_clear_pointer (&line->stream, stream_free);
  g_thread_join (thread);
  g_assert_cmpuint (replier.replies, ==, count);
}

static void
test_write_deadline (Line *line, const void *data)
{
  g_autofree char *much = g_strnfill (4 << 20, 'a');
  g_autoptr (GError) error = NULL;

  g_assert_false (stream_write_through (line->stream, much, 4 << 20,
                                        deadline_in (50), &error));
  g_assert_error (error, FAILURE, FAILURE_TEMPORARY);
  g_assert_true (g_regex_match_simple (
      "^the relay took no more octets for [0-9]+ ms$", error->message, 0, 0));
}

/* Content leaves in blocks of 16 KiB; the rest goes with the next flight. */
static void
test_content (Line *line, const void *data)
{
  g_autofree char *text = g_strnfill (20000, 'a');
  g_autofree char *got = g_malloc (65536);

  g_assert_true (stream_write_through (line->stream, text, 20000,
                                       deadline_in (SOON), NULL));
  g_assert_cmpint (read (line->peer, got, 65536), ==, 16384);
  g_assert_true (stream_write_through (line->stream, text, 100,
                                       deadline_in (SOON), NULL));
  g_assert_cmpint (read (line->peer, got, 65536), ==, -1);
  stream_write (line->stream, ".\r\n", 3);
  g_assert_true (stream_flush (line->stream, deadline_in (SOON), NULL));
  g_assert_cmpint (read (line->peer, got, 65536), ==, 20100 - 16384 + 3);
  g_assert_cmpstr (line->seen->str, ==, "S: .\n");
}

static void
assert_answered_early (Line *line, const char *octets, size_t length)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (stream_write_through (line->stream, octets, length,
                                        deadline_in (SOON), &error));
  g_assert_error (error, FAILURE, FAILURE_TEMPORARY);
  g_assert_cmpstr (error->message, ==,
                   "the relay answered before the end of the message");
  assert_line (line, "554 enough", false);
}

static void
test_early_answer (Line *line, const void *data)
{
  SAY (line, "554 enough\r\n");
  assert_answered_early (line, "text\r\n", 6);
}

static void *
answer_when_full (void *data)
{
  int fd = *(int *) data;
  int queued = 0;

  /* Until the writer cannot go on. */
  while (ioctl (fd, FIONREAD, &queued) == 0 && queued < 65536)
    g_thread_yield ();
  g_assert_cmpint (write (fd, "554 enough\r\n", 12), ==, 12);
  return NULL;
}

/* The relay answers and reads no further: no waiting for the deadline. */
static void
test_early_answer_blocked (Line *line, const void *data)
{
  g_autofree char *much = g_strnfill (4 << 20, 'a');
  GThread *thread = g_thread_new ("relay", answer_when_full, &line->peer);

  assert_answered_early (line, much, 4 << 20);
  g_thread_join (thread);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define LINE_TEST(path, function)                                             \
  g_test_add (path, Line, NULL, line_up, function, line_down)
  LINE_TEST ("/smtp/stream/lines", test_lines);
  LINE_TEST ("/smtp/stream/line-refused", test_line_refused);
  LINE_TEST ("/smtp/stream/line-length", test_line_length);
  LINE_TEST ("/smtp/stream/line-endless", test_line_endless);
  LINE_TEST ("/smtp/stream/line-cut-off", test_line_cut_off);
  LINE_TEST ("/smtp/stream/read-deadline", test_read_deadline);
  LINE_TEST ("/smtp/stream/flight", test_flight);
  LINE_TEST ("/smtp/stream/secret", test_secret);
  LINE_TEST ("/smtp/stream/secret-wiped", test_secret_wiped);
  LINE_TEST ("/smtp/stream/hidden", test_hidden);
  LINE_TEST ("/smtp/stream/has-input", test_has_input);
  LINE_TEST ("/smtp/stream/last-words", test_last_words);
  LINE_TEST ("/smtp/stream/long-flight", test_long_flight);
  LINE_TEST ("/smtp/stream/write-deadline", test_write_deadline);
  LINE_TEST ("/smtp/stream/content", test_content);
  LINE_TEST ("/smtp/stream/early-answer", test_early_answer);
  LINE_TEST ("/smtp/stream/early-answer-blocked", test_early_answer_blocked);
  return g_test_run ();
}
