#include "smtp/way.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <glib/gi18n.h>

#include "base/failure.h"
#include "smtp/connect.h"
#include "smtp/socks.h"

/* NAME is the relay's, which only the proxy looks up. */
static int
connect_proxy (const Relay *relay, const char *name, Deadline deadline,
               const Trace *trace, GError **error)
{
  const Endpoint *proxy = &relay->proxy;
  g_autofree char *endpoint = endpoint_text (proxy->host, proxy->port);
  g_autoptr (GError) why = NULL;
  int fd = connect_host (proxy->host, proxy->port, relay->source_address,
                         "proxy", deadline, trace, &why);

  if (fd < 0)
    {
      g_set_error (error, FAILURE, why->code,
                   _ ("the proxy %s cannot be reached: %s"), endpoint,
                   why->message);
      return -1;
    }
  if (socks_connect (fd, name, relay->port, deadline, error))
    return fd;
  g_prefix_error (error, "%s: ", endpoint);
  close (fd);
  return -1;
}

/* connect(2) without waiting would not wait for a place in the queue of a
   Unix-domain socket either, and nothing tells when there is one. */
static int
connect_path (const char *path, Deadline deadline)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  int fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int result;

  if (fd < 0)
    return -1;
  g_strlcpy (address.sun_path, path, sizeof address.sun_path);
  do
    {
      int left = deadline_poll (deadline);
      struct timeval limit = { left / 1000, left % 1000 * 1000 };

      /* A limit of nothing would be none. */
      if (left == 0)
        limit.tv_usec = 1;
      (void) setsockopt (fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
      result = connect (fd, (struct sockaddr *) &address, sizeof address);
    }
  while (result < 0 && errno == EINTR && !deadline_passed (deadline));
  if (result == 0)
    return fd;
  result = errno;
  close (fd);
  errno = result;
  return -1;
}

static int
connect_socket (const char *path, Deadline deadline, GError **error)
{
  int fd = connect_path (path, deadline);

  if (fd >= 0)
    return connect_take (fd, error);
  if (errno == ECONNREFUSED)
    g_set_error (error, FAILURE, FAILURE_TEMPORARY,
                 _ ("nothing listens on the socket %s"), path);
  else if (errno == EAGAIN || errno == EINTR)
    g_set_error (error, FAILURE, FAILURE_TEMPORARY,
                 _ ("the socket %s takes no connection at present"), path);
  else
    failure_set_errno (error, FAILURE_TEMPORARY, errno,
                       _ ("the socket %s cannot be reached"), path);
  return -1;
}

static int
connect_tunnel (const Relay *relay, Child **tunnel, GError **error)
{
  g_auto (GStrv) argv = relay_tunnel (relay, error);
  g_autoptr (GError) why = NULL;
  int fd;

  if (argv == NULL)
    return -1;
  fd = child_connect ((const char *const *) argv, tunnel, &why);
  if (fd < 0)
    {
      g_set_error (error, FAILURE, why->code,
                   _ ("the tunnel cannot be opened: %s"), why->message);
      return -1;
    }
  fd = connect_take (fd, error);
  if (fd < 0)
    g_clear_pointer (tunnel, child_free);
  return fd;
}

int
way_open (const Relay *relay, Child **tunnel, Deadline deadline,
          const Trace *trace, GError **error)
{
  g_autofree char *name = relay_dns_name (relay, error);
  g_autofree char *endpoint = relay_endpoint (relay);
  int fd;

  *tunnel = NULL;
  if (name == NULL)
    return -1;
  if (relay->tunnel != NULL)
    fd = connect_tunnel (relay, tunnel, error);
  else if (relay->socket != NULL)
    fd = connect_socket (relay->socket, deadline, error);
  else if (relay->proxy.host != NULL)
    fd = connect_proxy (relay, name, deadline, trace, error);
  else
    fd = connect_host (name, relay->port, relay->source_address, "host",
                       deadline, trace, error);
  if (fd < 0)
    g_prefix_error (error, "%s: ", endpoint);
  return fd;
}
