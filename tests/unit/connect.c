/* How connect reaches a relay, and what it says where it cannot. Loopback
 * only. */

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <glib.h>
#include <glib/gstdio.h>

#include "base/failure.h"
#include "smtp/way.h"

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

/* One that needs no command. */
static int
open_way (const Relay *relay, unsigned milliseconds, GError **error)
{
  Child *tunnel = (Child *) relay;
  int fd = way_open (relay, &tunnel, deadline_in (milliseconds), NULL, error);

  g_assert_null (tunnel);
  return fd;
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
  fd = open_way (&relay, SOON, &error);
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

  g_assert_cmpint (open_way (&relay, milliseconds, &error),
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

  assert_fails ("127.0.0.1", port, SOON, "^nothing listens on this port; check `port'$");
  assert_fails ("localhost", port, SOON, "^nothing listens on this port; check `port'$");
  close (bound);
}

static void
test_no_such_host (void)
{
  assert_fails ("name.invalid", 465, SOON,
                "^there is no host of this name; check `host'$"
                "|^its address cannot be looked up at present; is this "
                "computer online\\?$");
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

/* The text that follows host and port of RELAY, which is cleared. */
static void
assert_way_fails (Relay *relay, unsigned milliseconds, Failure kind,
                  const char *pattern)
{
  g_autofree char *endpoint = relay_endpoint (relay);
  g_autofree char *prefix = g_strconcat (endpoint, ": ", NULL);
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (open_way (relay, milliseconds, &error), ==, -1);
  g_assert_error (error, FAILURE, (int) kind);
  g_assert_true (g_str_has_prefix (error->message, prefix));
  if (!g_regex_match_simple (pattern, error->message + strlen (prefix), 0, 0))
    g_error ("unexpected: %s", error->message);
  relay_clear (relay);
}

static void
test_source (void)
{
  uint16_t port = 0;
  int listener = bind_loopback (AF_INET, &port);
  Relay relay = relay_at ("localhost", port);
  struct sockaddr_in peer;
  socklen_t size = sizeof peer;
  g_autoptr (GError) error = NULL;
  int fd, accepted;

  g_assert_cmpint (listen (listener, 1), ==, 0);
  relay.source_address = g_strdup ("127.1.2.3");
  fd = open_way (&relay, SOON, &error);
  g_assert_no_error (error);
  accepted = accept (listener, (struct sockaddr *) &peer, &size);
  g_assert_cmphex (ntohl (peer.sin_addr.s_addr), ==, 0x7f010203);
  close (accepted);
  close (fd);
  close (listener);
  /* ::1 cannot be tried, whether it comes first or last. */
  assert_way_fails (&relay, SOON, FAILURE_TEMPORARY,
                    "^nothing listens on this port; check `port'$"
                    "|^none of its IPv4 addresses can be reached$");
}

static void
test_source_fails (void)
{
  Relay relay = relay_at ("127.0.0.1", 465);

  relay.source_address = g_strdup ("192.0.2.77");
  assert_way_fails (&relay, SOON, FAILURE_TEMPORARY,
                    "^this machine does not have the address 192.0.2.77 at "
                    "present; check `source-address'$");
  relay = relay_at ("127.0.0.1", 465);
  relay.source_address = g_strdup ("2001:db8::77");
  assert_way_fails (&relay, SOON, FAILURE_TEMPORARY,
                    "^this machine does not have the address 2001:db8::77 at "
                    "present; check `source-address'$");
  if (!has_ipv6 ())
    return;
  relay = relay_at ("127.0.0.1", 465);
  relay.source_address = g_strdup ("::1");
  assert_way_fails (&relay, SOON, FAILURE_TEMPORARY,
                    "^it has no IPv6 address, which `source-address' needs$");
  relay = relay_at ("::1", 465);
  relay.source_address = g_strdup ("127.0.0.1");
  assert_way_fails (&relay, SOON, FAILURE_TEMPORARY,
                    "^it has no IPv4 address, which `source-address' needs$");
}

static Relay
relay_behind (const char *proxy, uint16_t port)
{
  Relay relay = relay_at ("mail.example", 465);

  relay.proxy = (Endpoint){ g_strdup (proxy), port };
  return relay;
}

/* What is said of the proxy itself; the rest is in socks.c. */
static void
test_proxy (void)
{
  uint16_t port = 0;
  int bound = bind_loopback (AF_INET, &port);
  Relay relay = relay_behind ("localhost", port);

  assert_way_fails (&relay, SOON, FAILURE_TEMPORARY,
                    "^the proxy localhost:[0-9]+ cannot be reached: nothing "
                    "listens on this port; check `proxy'$");
  relay = relay_behind ("name.invalid", port);
  assert_way_fails (&relay, SOON, FAILURE_TEMPORARY,
                    "^the proxy name.invalid:[0-9]+ cannot be reached: "
                    "(there is no host of this name; check `proxy'"
                    "|its address cannot be looked up at present; is this "
                    "computer online\\?)$");
  g_assert_cmpint (listen (bound, 1), ==, 0);
  relay = relay_behind ("127.0.0.1", port);
  assert_way_fails (&relay, 50, FAILURE_TEMPORARY,
                    "^127.0.0.1:[0-9]+: no answer from the proxy within "
                    "[0-9]+ ms$");
  close (bound);
}

static Relay
relay_at_socket (const char *path)
{
  Relay relay = relay_at ("mail.example", 465);

  relay.socket = g_strdup (path);
  return relay;
}

static void
test_socket (void)
{
  g_autofree char *directory = g_dir_make_tmp ("connect-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (directory, "relay", NULL);
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  int listener = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  Relay relay = relay_at_socket (path);
  g_autoptr (GError) error = NULL;
  int fd, filler;

  assert_way_fails (&relay, SOON, FAILURE_TEMPORARY,
                    "^the socket /.*/relay cannot be reached: No such file or "
                    "directory$");
  g_strlcpy (address.sun_path, path, sizeof address.sun_path);
  g_assert_cmpint (
      bind (listener, (struct sockaddr *) &address, sizeof address), ==, 0);
  relay = relay_at_socket (path);
  assert_way_fails (&relay, SOON, FAILURE_TEMPORARY,
                    "^nothing listens on the socket /.*/relay$");
  g_assert_cmpint (listen (listener, 0), ==, 0);
  relay = relay_at_socket (path);
  fd = open_way (&relay, SOON, &error);
  g_assert_no_error (error);
  g_assert_true (fcntl (fd, F_GETFL) & O_NONBLOCK);
  g_assert_true (fcntl (fd, F_GETFD) & FD_CLOEXEC);
  /* Nobody accepts: its queue is full by now, or with one more. */
  filler = socket (AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  (void) connect (filler, (struct sockaddr *) &address, sizeof address);
  assert_way_fails (&relay, 50, FAILURE_TEMPORARY,
                    "^the socket /.*/relay takes no connection at present$");
  close (filler);
  close (fd);
  close (listener);
  g_remove (path);
  g_rmdir (directory);
}

static Relay
relay_by (const char *command)
{
  Relay relay = relay_at ("stra\303\237e.example", 2525);

  g_assert_true (g_shell_parse_argv (command, NULL, &relay.tunnel, NULL));
  return relay;
}

static void
test_tunnel (void)
{
  Relay relay = relay_by ("sh -c 'echo \"$@\"; cat >&2' x %h:%p %%h '%p  %%'");
  g_autoptr (GError) error = NULL;
  Child *tunnel;
  char heard[256] = "";
  size_t length = 0;
  int fd = way_open (&relay, &tunnel, deadline_in (SOON), NULL, &error);

  g_assert_no_error (error);
  g_assert_true (fcntl (fd, F_GETFL) & O_NONBLOCK);
  g_assert_true (fcntl (fd, F_GETFD) & FD_CLOEXEC);
  while (memchr (heard, '\n', length) == NULL)
    {
      struct pollfd item = { .fd = fd, .events = POLLIN };
      ssize_t got;

      g_assert_cmpint (poll (&item, 1, SOON), ==, 1);
      got = read (fd, heard + length, sizeof heard - 1 - length);
      g_assert_cmpint (got, >, 0);
      length += (size_t) got;
    }
  g_assert_cmpstr (heard, ==,
                   "xn--strae-oqa.example:2525 %h 2525  %\n");
  close (fd);
  child_free (tunnel);
  g_assert_cmpint (waitpid (-1, NULL, WNOHANG), ==, -1);
  relay_clear (&relay);
}

static void
test_tunnel_fails (void)
{
  Relay relay = relay_by ("/nonexistent/tunnel %h");

  assert_way_fails (&relay, SOON, FAILURE_CONFIG,
                    "^the tunnel cannot be opened: cannot run "
                    "`/nonexistent/tunnel': No such file or directory$");
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
  g_test_add_func ("/smtp/connect/source", test_source);
  g_test_add_func ("/smtp/connect/source-fails", test_source_fails);
  g_test_add_func ("/smtp/connect/proxy", test_proxy);
  g_test_add_func ("/smtp/connect/socket", test_socket);
  g_test_add_func ("/smtp/connect/tunnel", test_tunnel);
  g_test_add_func ("/smtp/connect/tunnel-fails", test_tunnel_fails);
  g_test_add_func ("/smtp/connect/endpoint", test_endpoint);
  return g_test_run ();
}
