/* What is said to a SOCKS5 proxy, and what becomes of each answer. */

#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/sockios.h>

#include <glib.h>

#include "base/failure.h"
#include "smtp/socks.h"

#define SOON 10000 /* ms; nothing that is expected to happen takes as long */

#define OCTETS(text) (text), sizeof (text) - 1

/* What a proxy says, all of it at once or octet by octet. */
typedef struct
{
  const char *octets;
  size_t length;
  int fd;
  bool hangs_up;
  int over; /* atomic: nobody listens any more */
} Script;

static void
say (const Script *script, size_t from, size_t length)
{
  g_assert_cmpint (
      send (script->fd, script->octets + from, length, MSG_NOSIGNAL), ==,
      (ssize_t) length);
}

/* The next octet once the one before was taken. */
static void *
drip (void *data)
{
  Script *script = data;

  for (size_t i = 0; i < script->length; i++)
    {
      int waiting = 1;

      while (waiting > 0)
        {
          if (g_atomic_int_get (&script->over))
            return NULL;
          g_assert_cmpint (ioctl (script->fd, SIOCOUTQ, &waiting), ==, 0);
          g_thread_yield ();
        }
      say (script, i, 1);
    }
  return NULL;
}

static bool
talk (Script *script, bool drips, const char *host, int *fd, GError **error)
{
  unsigned patience = drips || script->hangs_up ? SOON : 20;
  int pair[2];
  GThread *thread = NULL;
  bool ok;

  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair),
                   ==, 0);
  *fd = pair[0];
  script->fd = pair[1];
  if (drips)
    thread = g_thread_new ("proxy", drip, script);
  else
    say (script, 0, script->length);
  if (script->hangs_up)
    shutdown (pair[1], SHUT_WR);
  ok = socks_connect (pair[0], host, 465,
                      deadline_in (patience), error);
  g_atomic_int_set (&script->over, 1);
  if (thread != NULL)
    g_thread_join (thread);
  return ok;
}

static const struct
{
  const char *name, *host, *request;
  size_t length;
} requests[] = {
  { "name", "mail.example", OCTETS ("\5\1\0\3\14mail.example\1\321") },
  { "ipv4", "192.0.2.1", OCTETS ("\5\1\0\1\300\0\2\1\1\321") },
  { "ipv6", "2001:db8::1",
    OCTETS ("\5\1\0\4\40\1\15\270\0\0\0\0\0\0\0\0\0\0\0\1\1\321") },
};

static const struct
{
  const char *name, *verdict;
  size_t length;
} verdicts[] = {
  { "ipv4", OCTETS ("\5\0\5\0\0\1\177\0\0\1\1\2") },
  { "ipv6", OCTETS ("\5\0\5\0\0\4" "0123456789abcdef" "\1\2") },
  { "name", OCTETS ("\5\0\5\0\0\3\3abc\1\2") },
  { "no-name", OCTETS ("\5\0\5\0\0\3\0\1\2") },
  { "reserved", OCTETS ("\5\0\5\0\377\1\177\0\0\1\1\2") },
};

/* The relay's first octets come with the proxy's last, and are not taken. */
static void
assert_connects (size_t request, size_t verdict, bool drips)
{
  static const char greeting[] = "220 hello\r\n";
  g_autofree char *all = g_malloc (verdicts[verdict].length + 11);
  Script script = { all, verdicts[verdict].length + 11, -1, !drips, 0 };
  g_autoptr (GError) error = NULL;
  char heard[512] = "";
  int fd;

  memcpy (all, verdicts[verdict].verdict, verdicts[verdict].length);
  memcpy (all + verdicts[verdict].length, greeting, 11);
  if (drips)
    script.length -= 11;
  g_assert_true (talk (&script, drips, requests[request].host, &fd, &error));
  g_assert_no_error (error);
  if (!drips)
    {
      g_assert_cmpint (recv (fd, heard, sizeof heard, 0), ==, 11);
      g_assert_cmpmem (heard, 11, greeting, 11);
    }
  g_assert_cmpint (recv (script.fd, heard, sizeof heard, 0), ==,
                   (ssize_t) requests[request].length + 3);
  g_assert_cmpmem (heard, 3, "\5\1\0", 3);
  g_assert_cmpmem (heard + 3, (int) requests[request].length,
                   requests[request].request,
                   (int) requests[request].length);
  close (fd);
  close (script.fd);
}

static void
test_connects (void)
{
  for (size_t i = 0; i < G_N_ELEMENTS (requests); i++)
    for (size_t j = 0; j < G_N_ELEMENTS (verdicts); j++)
      {
        assert_connects (i, j, false);
        assert_connects (i, j, true);
      }
}

static void
assert_fails (const char *octets, size_t length, bool hangs_up, int kind,
              const char *text)
{
  Script script = { octets, length, -1, hangs_up, 0 };
  g_autoptr (GError) error = NULL;
  int fd;

  g_assert_false (talk (&script, false, "mail.example", &fd, &error));
  g_assert_error (error, FAILURE, kind);
  if (!g_pattern_match_simple (text, error->message))
    g_error ("unexpected: %s", error->message);
  close (fd);
  close (script.fd);
}

static const struct
{
  const char *octets;
  size_t length;
  Failure kind;
  const char *text;
} failures[] = {
  { OCTETS ("\5\2"), FAILURE_PROTOCOL, "the proxy wants a login, *" },
  { OCTETS ("\5\377"), FAILURE_PROTOCOL, "the proxy wants a login, *" },
  { OCTETS ("\5\1"), FAILURE_PROTOCOL, "what answers there is no SOCKS5 *" },
  { OCTETS ("\4\0"), FAILURE_PROTOCOL, "what answers there is no SOCKS5 *" },
  { OCTETS ("\0\0"), FAILURE_PROTOCOL, "what answers there is no SOCKS5 *" },
  { OCTETS ("HTTP/1.1 400"), FAILURE_PROTOCOL, "what answers there is no *" },
  { OCTETS ("220 hello\r\n"), FAILURE_PROTOCOL, "what answers there is no *" },
  { OCTETS ("\5\0\4\0"), FAILURE_PROTOCOL, "what answers there is no *" },
  { OCTETS ("\5\0\5\0\0\2\0\0\0\0\0\0"), FAILURE_PROTOCOL, "what answers *" },
  { OCTETS ("\5\0\5\0\0\0\0\0\0\0\0\0"), FAILURE_PROTOCOL, "what answers *" },
  { OCTETS ("\5\0\5\1"), FAILURE_TEMPORARY,
    "the proxy failed, and does not say why" },
  { OCTETS ("\5\0\5\2"), FAILURE_TEMPORARY, "the proxy's rules forbid *" },
  { OCTETS ("\5\0\5\3"), FAILURE_TEMPORARY,
    "the proxy has no way to the relay's *" },
  { OCTETS ("\5\0\5\4"), FAILURE_TEMPORARY,
    "the proxy cannot reach the relay, or *" },
  { OCTETS ("\5\0\5\5"), FAILURE_TEMPORARY,
    "the proxy finds that nothing listens *" },
  { OCTETS ("\5\0\5\6"), FAILURE_TEMPORARY,
    "the proxy gets no answer from the *" },
  { OCTETS ("\5\0\5\7"), FAILURE_TEMPORARY,
    "the proxy makes no TCP connections" },
  { OCTETS ("\5\0\5\10"), FAILURE_TEMPORARY,
    "the proxy does not take names, or *" },
  { OCTETS ("\5\0\5\11"), FAILURE_TEMPORARY,
    "the proxy refuses with the unknown code 9" },
  { OCTETS ("\5\0\5\377"), FAILURE_TEMPORARY,
    "the proxy refuses with the unknown code 255" },
};

static void
test_fails (void)
{
  for (size_t i = 0; i < G_N_ELEMENTS (failures); i++)
    {
      assert_fails (failures[i].octets, failures[i].length, true,
                    failures[i].kind, failures[i].text);
      assert_fails (failures[i].octets, failures[i].length, false,
                    failures[i].kind, failures[i].text);
    }
}

/* Everything up to each octet, and then the end, or nothing more. */
static void
test_cut_short (void)
{
  for (size_t i = 0; i < G_N_ELEMENTS (verdicts); i++)
    for (size_t length = 0; length < verdicts[i].length; length++)
      {
        assert_fails (verdicts[i].verdict, length, true, FAILURE_TEMPORARY,
                      "the proxy closed the connection");
        assert_fails (verdicts[i].verdict, length, false, FAILURE_TEMPORARY,
                      "no answer from the proxy within * ms");
      }
}

static void
test_long_names (void)
{
  g_autofree char *name = g_strnfill (256, 'a');
  g_autofree char *all = g_strnfill (5 + 2 + 255 + 2, 'b');
  Script script = { all, 5 + 2 + 255 + 2, -1, true, 0 };
  g_autoptr (GError) error = NULL;
  int fd;

  memcpy (all, "\5\0\5\0\0\3\377", 7);
  g_assert_false (talk (&script, false, name, &fd, &error));
  g_assert_error (error, FAILURE, FAILURE_CONFIG);
  g_clear_error (&error);
  close (fd);
  close (script.fd);
  name[255] = '\0';
  g_assert_true (talk (&script, false, name, &fd, &error));
  close (fd);
  close (script.fd);
}

/* The deadline is one for all of it. */
static void
test_deadline (void)
{
  Script script = { OCTETS ("\5\0\5\0\0\3\377aaaa"), -1, false, 0 };
  g_autoptr (GError) error = NULL;
  int64_t start = g_get_monotonic_time ();
  int fd;

  g_assert_false (talk (&script, false, "mail.example", &fd, &error));
  g_assert_error (error, FAILURE, FAILURE_TEMPORARY);
  g_assert_cmpint (g_get_monotonic_time () - start, >=, 19000);
  close (fd);
  close (script.fd);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/smtp/socks/connects", test_connects);
  g_test_add_func ("/smtp/socks/fails", test_fails);
  g_test_add_func ("/smtp/socks/cut-short", test_cut_short);
  g_test_add_func ("/smtp/socks/long-names", test_long_names);
  g_test_add_func ("/smtp/socks/deadline", test_deadline);
  return g_test_run ();
}
