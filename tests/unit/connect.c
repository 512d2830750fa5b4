/* How connect reaches a relay, and what it says where it cannot. Loopback
 * only. */

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <glib.h>

#include "base/failure.h"
#include "smtp/connect.h"

#define SOON 10000 /* ms; nothing that is expected to happen takes as long */

/* A bound socket; *PORT is its port. -1 where FAMILY does not exist here. */
static int
bind_loopback (int family, uint16_t *port)
{
  struct sockaddr_in v4 = { .sin_family = AF_INET };
  struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
  struct sockaddr *address = (struct sockaddr *) &v6;
  socklen_t size = sizeof (v6);
  int fd = socket (family, SOCK_STREAM | SOCK_CLOEXEC, 0);

  v4.sin_addr.s_addr = htonl (INADDR_LOOPBACK);
  v6.sin6_addr = in6addr_loopback;
  if (family == AF_INET)
    {
      address = (struct sockaddr *) &v4;
      size = sizeof (v4);
    }
  if (fd < 0 || bind (fd, address, size) < 0)
    {
      if (fd >= 0)
        close (fd);
      return -1;
    }
  g_assert_cmpint (getsockname (fd, address, &size), ==, 0);
  *port = ntohs (family == AF_INET ? v4.sin_port : v6.sin6_port);
  return fd;
}

static Relay
relay_at (const char *host, uint16_t port)
{
  Relay relay;

  relay_init (&relay);
  relay.host = g_strdup (host);
  relay.port = port;
  return relay;
}

static void
assert_connects (const char *host, int family)
{
  uint16_t port = 0;
  int listener = bind_loopback (family, &port);
  Relay relay = relay_at (host, port);
  g_autoptr (GError) error = NULL;
  int fd, accepted, no_delay = 0;
  socklen_t size = sizeof (no_delay);

  g_assert_cmpint (listen (listener, 1), ==, 0);
  fd = connect_relay (&relay, deadline_in (SOON), &error);
  g_assert_no_error (error);
  g_assert_cmpint (fd, >=, 0);
  g_assert_true (fcntl (fd, F_GETFL) & O_NONBLOCK);
  g_assert_true (fcntl (fd, F_GETFD) & FD_CLOEXEC);
  g_assert_cmpint (getsockopt (fd, IPPROTO_TCP, TCP_NODELAY, &no_delay, &size),
                   ==, 0);
  g_assert_true (no_delay);
  accepted = accept (listener, NULL, NULL);
  g_assert_cmpint (write (accepted, "x", 1), ==, 1);
  close (accepted);
  close (listener);
  close (fd);
  relay_clear (&relay);
}

static bool
has_ipv6 (void)
{
  uint16_t port;
  int fd = bind_loopback (AF_INET6, &port);

  if (fd < 0)
    return false;
  close (fd);
  return true;
}

static void
test_connects (void)
{
  assert_connects ("127.0.0.1", AF_INET);
  assert_connects ("localhost", AF_INET);
  assert_connects ("localhost.", AF_INET);
  if (has_ipv6 ())
    assert_connects ("::1", AF_INET6);
}

/* The text that follows host and port. */
static void
assert_fails (const char *host, uint16_t port, unsigned milliseconds,
              const char *pattern)
{
  Relay relay = relay_at (host, port);
  g_autofree char *endpoint = relay_endpoint (&relay);
  g_autofree char *prefix = g_strconcat (endpoint, ": ", NULL);
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (connect_relay (&relay, deadline_in (milliseconds), &error),
                   ==, -1);
  g_assert_error (error, FAILURE, FAILURE_TEMPORARY);
  g_assert_true (g_str_has_prefix (error->message, prefix));
  if (!g_regex_match_simple (pattern, error->message + strlen (prefix), 0, 0))
    g_error ("unexpected: %s", error->message);
  relay_clear (&relay);
}

static void
test_refused (void)
{
  uint16_t port = 0;
  int bound = bind_loopback (AF_INET, &port); /* and not listening */

  assert_fails ("127.0.0.1", port, SOON, "^nothing listens on this port$");
  assert_fails ("localhost", port, SOON, "^nothing listens on this port$");
  close (bound);
}

static void
test_no_such_host (void)
{
  assert_fails ("name.invalid", 465, SOON,
                "^there is no host of this name; check `host'$"
                "|^its address cannot be looked up at present$");
}

/* A listener whose queue is full: the kernel drops each further SYN. */
static void
test_black_hole (void)
{
  uint16_t port = 0;
  int listener = bind_loopback (AF_INET, &port);
  struct sockaddr_in address = { .sin_family = AF_INET,
                                 .sin_port = htons (port) };
  int fillers[8];
  int64_t start, waited;

  address.sin_addr.s_addr = htonl (INADDR_LOOPBACK);
  g_assert_cmpint (listen (listener, 0), ==, 0);
  for (size_t i = 0; i < G_N_ELEMENTS (fillers); i++)
    {
      fillers[i] = socket (AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
      (void) connect (fillers[i], (struct sockaddr *) &address,
                      sizeof (address));
    }
  start = g_get_monotonic_time ();
  assert_fails ("127.0.0.1", port, 50, "^no connection within [0-9]+ ms$");
  waited = g_get_monotonic_time () - start;
  g_assert_cmpint (waited, >=, 49000);
  g_assert_cmpint (waited, <, SOON * 1000);
  for (size_t i = 0; i < G_N_ELEMENTS (fillers); i++)
    close (fillers[i]);
  close (listener);
}

static void
test_endpoint (void)
{
  static const struct
  {
    const char *host, *endpoint, *dns;
  } cases[] = {
    { "mail.example", "mail.example:465", "mail.example" },
    { "mail.example.", "mail.example.:465", "mail.example" },
    { "2001:db8::1", "[2001:db8::1]:465", "2001:db8::1" },
    { "stra\303\237e.example", "stra\303\237e.example:465",
      "xn--strae-oqa.example" },
    { "", ":465", NULL },
    { ".", ".:465", NULL },
    { "a\303\277\377.example", "a\303\277\377.example:465", NULL },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      Relay relay = relay_at (cases[i].host, 465);
      g_autofree char *endpoint = relay_endpoint (&relay);
      g_autoptr (GError) error = NULL;
      g_autofree char *dns = relay_dns_name (&relay, &error);

      g_assert_cmpstr (endpoint, ==, cases[i].endpoint);
      g_assert_cmpstr (dns, ==, cases[i].dns);
      if (dns == NULL)
        g_assert_error (error, FAILURE, FAILURE_CONFIG);
      relay_clear (&relay);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/smtp/connect/connects", test_connects);
  g_test_add_func ("/smtp/connect/refused", test_refused);
  g_test_add_func ("/smtp/connect/no-such-host", test_no_such_host);
  g_test_add_func ("/smtp/connect/black-hole", test_black_hole);
  g_test_add_func ("/smtp/connect/endpoint", test_endpoint);
  return g_test_run ();
}
