#include "smtp/socks.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include <glib/gi18n.h>

#include "base/failure.h"

#define SOCKS_VERSION 5
#define COMMAND_CONNECT 1
#define NAME_MAXIMUM 255

enum
{
  METHOD_NONE = 0,
  METHOD_PASSWORD = 2,
  METHOD_UNACCEPTABLE = 0xff,
};

enum
{
  ADDRESS_IPV4 = 1,
  ADDRESS_NAME = 3,
  ADDRESS_IPV6 = 4,
};

/* The replies of RFC 1928 section 6. */
static const char *const refusals[] = {
  [1] = N_ ("the proxy failed, and does not say why"),
  [2] = N_ ("the proxy's rules forbid this connection"),
  [3] = N_ ("the proxy has no way to the relay's network"),
  [4] = N_ ("the proxy cannot reach the relay, or does not know its name; "
            "check `host'"),
  [5] = N_ ("the proxy finds that nothing listens on the relay's port"),
  [6] = N_ ("the proxy gets no answer from the relay"),
  [7] = N_ ("the proxy makes no TCP connections"),
  [8] = N_ ("the proxy does not take names, or not this kind of address"),
};

typedef struct
{
  int fd;
  Deadline deadline;
  int64_t start;
} Proxy;

static bool
set_silent (const Proxy *proxy, GError **error)
{
  unsigned waited =
      (unsigned) ((g_get_monotonic_time () - proxy->start) / 1000);
  unsigned seconds = (waited + 500) / 1000;

  if (waited < 1000)
    g_set_error (error, FAILURE, FAILURE_TEMPORARY,
                 _ ("no answer from the proxy within %u ms"), waited);
  else
    g_set_error (error, FAILURE, FAILURE_TEMPORARY,
                 ngettext ("no answer from the proxy within %u second",
                           "no answer from the proxy within %u seconds",
                           seconds),
                 seconds);
  return false;
}

static bool
set_broken (int errnum, GError **error)
{
  if (errnum == 0 || errnum == EPIPE || errnum == ECONNRESET)
    g_set_error_literal (error, FAILURE, FAILURE_TEMPORARY,
                         _ ("the proxy closed the connection"));
  else
    failure_set_errno (error, FAILURE_TEMPORARY, errnum,
                       _ ("the connection to the proxy broke"));
  return false;
}

static bool
set_garbled (GError **error)
{
  g_set_error_literal (error, FAILURE, FAILURE_PROTOCOL,
                       _ ("what answers there is no SOCKS5 proxy; check `proxy'"));
  return false;
}

/* Until the socket is ready for EVENTS. */
static bool
wait_for (const Proxy *proxy, short events, GError **error)
{
  struct pollfd item = { .fd = proxy->fd, .events = events };
  int ready;

  do
    ready = deadline_passed (proxy->deadline)
                ? 0
                : poll (&item, 1, deadline_poll (proxy->deadline));
  while (ready < 0 && errno == EINTR);
  return ready > 0 || set_silent (proxy, error);
}

/* Sends, or with SENDING false receives, exactly LENGTH octets. */
static bool
move (const Proxy *proxy, bool sending, uint8_t *octets, size_t length,
      GError **error)
{
  while (length > 0)
    {
      ssize_t moved;

      if (!wait_for (proxy, sending ? POLLOUT : POLLIN, error))
        return false;
      moved = sending ? send (proxy->fd, octets, length,
                              MSG_DONTWAIT | MSG_NOSIGNAL)
                      : recv (proxy->fd, octets, length, MSG_DONTWAIT);
      if (moved < 0 && (errno == EAGAIN || errno == EINTR))
        continue;
      if (moved <= 0)
        return set_broken (moved < 0 ? errno : 0, error);
      octets += moved;
      length -= (size_t) moved;
    }
  return true;
}

/* No login is offered. */
static bool
agree_on_method (const Proxy *proxy, GError **error)
{
  uint8_t hello[] = { SOCKS_VERSION, 1, METHOD_NONE };
  uint8_t reply[2];

  if (!move (proxy, true, hello, sizeof hello, error)
      || !move (proxy, false, reply, sizeof reply, error))
    return false;
  if (reply[0] != SOCKS_VERSION)
    return set_garbled (error);
  if (reply[1] == METHOD_NONE)
    return true;
  if (reply[1] != METHOD_UNACCEPTABLE && reply[1] != METHOD_PASSWORD)
    return set_garbled (error);
  g_set_error_literal (error, FAILURE, FAILURE_PROTOCOL,
                       _ ("the proxy wants a login, and only proxies without "
                          "one can be used"));
  return false;
}

static void
append_address (GByteArray *request, const char *host)
{
  struct in_addr v4;
  struct in6_addr v6;
  uint8_t head[2] = { ADDRESS_NAME, (uint8_t) strlen (host) };

  if (inet_pton (AF_INET, host, &v4) == 1)
    {
      head[0] = ADDRESS_IPV4;
      g_byte_array_append (request, head, 1);
      g_byte_array_append (request, (const uint8_t *) &v4, sizeof v4);
    }
  else if (inet_pton (AF_INET6, host, &v6) == 1)
    {
      head[0] = ADDRESS_IPV6;
      g_byte_array_append (request, head, 1);
      g_byte_array_append (request, (const uint8_t *) &v6, sizeof v6);
    }
  else
    {
      g_byte_array_append (request, head, sizeof head);
      g_byte_array_append (request, (const uint8_t *) host, head[1]);
    }
}

static bool
send_request (const Proxy *proxy, const char *host, uint16_t port,
              GError **error)
{
  static const uint8_t head[] = { SOCKS_VERSION, COMMAND_CONNECT, 0 };
  g_autoptr (GByteArray) request = g_byte_array_new ();
  uint16_t network = htons (port);

  if (strlen (host) > NAME_MAXIMUM)
    {
      g_set_error_literal (error, FAILURE, FAILURE_CONFIG,
                           _ ("the relay's name is too long for a proxy"));
      return false;
    }
  g_byte_array_append (request, head, sizeof head);
  append_address (request, host);
  g_byte_array_append (request, (const uint8_t *) &network, sizeof network);
  return move (proxy, true, request->data, request->len, error);
}

static bool
set_refused (uint8_t code, GError **error)
{
  if (code < G_N_ELEMENTS (refusals))
    g_set_error_literal (error, FAILURE, FAILURE_TEMPORARY,
                         _ (refusals[code]));
  else
    g_set_error (error, FAILURE, FAILURE_TEMPORARY,
                 _ ("the proxy refuses with the unknown code %u"), code);
  return false;
}

/* The proxy's own address follows, which means nothing to us, but stands
   before the relay's first octet. */
static bool
skip_address (const Proxy *proxy, uint8_t kind, GError **error)
{
  uint8_t octets[NAME_MAXIMUM + sizeof (uint16_t)];
  size_t length = 0;

  if (kind == ADDRESS_IPV4)
    length = sizeof (struct in_addr);
  else if (kind == ADDRESS_IPV6)
    length = sizeof (struct in6_addr);
  else if (kind != ADDRESS_NAME)
    return set_garbled (error);
  else if (move (proxy, false, octets, 1, error))
    length = octets[0];
  else
    return false;
  return move (proxy, false, octets, length + sizeof (uint16_t), error);
}

static bool
read_verdict (const Proxy *proxy, GError **error)
{
  uint8_t verdict[4]; /* version, reply, reserved, kind of the address */

  /* One that refuses may say no more than this. */
  if (!move (proxy, false, verdict, 2, error))
    return false;
  if (verdict[0] != SOCKS_VERSION)
    return set_garbled (error);
  if (verdict[1] != 0)
    return set_refused (verdict[1], error);
  return move (proxy, false, verdict + 2, 2, error)
         && skip_address (proxy, verdict[3], error);
}

bool
socks_connect (int fd, const char *host, uint16_t port, Deadline deadline,
               GError **error)
{
  Proxy proxy = { fd, deadline, g_get_monotonic_time () };

  return agree_on_method (&proxy, error)
         && send_request (&proxy, host, port, error)
         && read_verdict (&proxy, error);
}
