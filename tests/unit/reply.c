/* Replies: what counts as one, where the limits are, which octets of it become
 * code, enhanced code and text. */

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <glib.h>

#include "base/failure.h"
#include "smtp/reply.h"

/* Reads TEXT from a stream that ends after it. */
static Reply *
read_octets (const char *text, size_t length, GError **error)
{
  int pair[2];
  g_autoptr (Stream) stream = NULL;
  Reply *reply;

  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair),
                   ==, 0);
  stream = stream_new (pair[0], NULL);
  g_assert_cmpint (write (pair[1], text, length), ==, (ssize_t)length);
  close (pair[1]);
  reply = reply_read (stream, deadline_in (5000), error);
  return reply;
}

static void
test_accepted (void)
{
  static const struct
  {
    const char *in;
    int code;
    guint lines;
    EnhancedCode enhanced;
    const char *text;
    bool bare_lf;
  } cases[] = {
    { "250 ok\r\n", 250, 1, {}, "ok", false },
    { "250\r\n", 250, 1, {}, "", false },
    { "250 \r\n", 250, 1, {}, "", false },
    { "250-\r\n250\r\n", 250, 2, {}, "", false },
    { "250-a\r\n250-b\r\n250 c\r\n", 250, 3, {}, "a b c", false },
    { "250 ok\n", 250, 1, {}, "ok", true },
    { "250-a\n250 b\r\n", 250, 2, {}, "a b", true },
    { "250 2.1.0 sender ok\r\n", 250, 1, { 2, 1, 0 }, "sender ok", false },
    { "250 2.1.0\r\n", 250, 1, { 2, 1, 0 }, "", false },
    { "250 5.1.0 mismatch\r\n", 250, 1, {}, "5.1.0 mismatch", false },
    { "550 5.1.1x no\r\n", 550, 1, {}, "5.1.1x no", false },
    { "550 5.1 no\r\n", 550, 1, {}, "5.1 no", false },
    { "550 5.1234.1 no\r\n", 550, 1, {}, "5.1234.1 no", false },
    { "550 5.999.999 no\r\n", 550, 1, { 5, 999, 999 }, "no", false },
    { "550-5.7.1 go\r\n550 5.7.1 away\r\n",
      550,
      2,
      { 5, 7, 1 },
      "go away",
      false },
    { "550 5\r\n", 550, 1, {}, "5", false },
    { "354 go ahead\r\n", 354, 1, {}, "go ahead", false },
    { "354 3.0.0 go\r\n", 354, 1, {}, "3.0.0 go", false },
    { "599 unknown\r\n", 599, 1, {}, "unknown", false },
    { "200 low\r\n", 200, 1, {}, "low", false },
    { "550 \033[2J\007\302\233bad\377\r\n", 550, 1, {}, "?[2J??bad?", false },
    { "250 gr\303\274n\r\n", 250, 1, {}, "gr\303\274n", false },
    { "250 ok\r\n550 next\r\n", 250, 1, {}, "ok", false },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (Reply) reply =
          read_octets (cases[i].in, strlen (cases[i].in), &error);
      g_autofree char *text = NULL;
      EnhancedCode enhanced;

      g_assert_no_error (error);
      g_assert_nonnull (reply);
      text = reply_text (reply);
      enhanced = reply_enhanced (reply);
      g_assert_cmpint (reply->code, ==, cases[i].code);
      g_assert_cmpuint (reply->lines->len, ==, cases[i].lines);
      g_assert_cmpuint (enhanced.class, ==, cases[i].enhanced.class);
      g_assert_cmpuint (enhanced.subject, ==, cases[i].enhanced.subject);
      g_assert_cmpuint (enhanced.detail, ==, cases[i].enhanced.detail);
      g_assert_cmpstr (text, ==, cases[i].text);
      g_assert_cmpint (reply->bare_lf, ==, cases[i].bare_lf);
    }
}

static void
test_refused (void)
{
#define CASE(in, kind)                                                        \
  {                                                                           \
    in, sizeof in - 1, kind                                                   \
  }
  static const struct
  {
    const char *in;
    size_t length;
    Failure kind;
  } cases[] = {
    CASE ("", FAILURE_TEMPORARY),
    CASE ("250 o", FAILURE_TEMPORARY),
    CASE ("250-a\r\n", FAILURE_TEMPORARY),
    CASE ("\r\n", FAILURE_PROTOCOL),
    CASE ("25\r\n", FAILURE_PROTOCOL),
    CASE ("2x0 a\r\n", FAILURE_PROTOCOL),
    CASE ("2500 a\r\n", FAILURE_PROTOCOL),
    CASE ("250\ta\r\n", FAILURE_PROTOCOL),
    CASE (" 250 a\r\n", FAILURE_PROTOCOL),
    CASE ("099 a\r\n", FAILURE_PROTOCOL),
    CASE ("199 a\r\n", FAILURE_PROTOCOL),
    CASE ("600 a\r\n", FAILURE_PROTOCOL),
    CASE ("650 a\r\n", FAILURE_PROTOCOL),
    CASE ("-50 a\r\n", FAILURE_PROTOCOL),
    CASE ("250-a\r\n251 b\r\n", FAILURE_PROTOCOL),
    CASE ("250-a\r\nb\r\n", FAILURE_PROTOCOL),
    CASE ("250 a\0b\r\n", FAILURE_PROTOCOL),
    CASE ("250 a\rb\r\n", FAILURE_PROTOCOL),
    CASE ("HTTP/1.1 400 Bad Request\r\n", FAILURE_PROTOCOL),
    CASE ("SSH-2.0-OpenSSH_9.2\r\n", FAILURE_PROTOCOL),
    CASE ("+OK POP3 ready\r\n", FAILURE_PROTOCOL),
  };
#undef CASE

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (Reply) reply =
          read_octets (cases[i].in, cases[i].length, &error);

      g_assert_null (reply);
      g_assert_error (error, FAILURE, (int)cases[i].kind);
    }
}

/* Feeds COUNT lines of "code-" and LENGTH octets; how many were taken. */
static unsigned
feed (int code, unsigned count, size_t length)
{
  g_autoptr (Reply) reply = NULL;
  g_autofree char *padding = g_strnfill (length, 'x');
  g_autofree char *line = g_strdup_printf ("%d-%s", code, padding);
  unsigned taken = 0;
  bool done = false;

  while (taken < count
         && reply_add_line (&reply, line, strlen (line), &done, NULL))
    taken++;
  g_assert_false (done);
  return taken;
}

static void
test_limits (void)
{
  g_assert_cmpuint (feed (250, 1000, 1), ==, REPLY_MAXIMUM_LINES);
  g_assert_cmpuint (feed (250, 1, 4092), ==, 1);
  g_assert_cmpuint (feed (250, 1, 4093), ==, 0);
  g_assert_cmpuint (feed (334, 1, 12288), ==, 1);
  g_assert_cmpuint (feed (334, 1, STREAM_LINE_MAXIMUM - 3), ==, 0);
  g_assert_cmpuint (feed (250, 1000, 4000), ==, REPLY_MAXIMUM_OCTETS / 4000);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/reply/accepted", test_accepted);
  g_test_add_func ("/reply/refused", test_refused);
  g_test_add_func ("/reply/limits", test_limits);
  return g_test_run ();
}
