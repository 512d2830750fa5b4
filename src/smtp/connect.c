#include "smtp/connect.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <glib/gi18n.h>

#include "base/failure.h"
#include "base/gio.h"

/* A name can have thousands of addresses. At 250 ms each (RFC 8305) this many
 * take half of the usual deadline. */
#define ADDRESSES_MAXIMUM 64

typedef struct
{
  GMainContext *context;
  GCancellable *cancellable;
  GSocketAddress *source; /* nullable */
  GSocketConnection *connection;
  GError *error;
  int64_t start;
  unsigned addresses; /* tried so far */
  bool suits_source;  /* one of them was of its kind */
  bool late;          /* the deadline has passed */
  bool done;
} Attempt;

static int
on_deadline (void *data)
{
  Attempt *attempt = data;

  attempt->late = true;
  g_cancellable_cancel (attempt->cancellable);
  return G_SOURCE_REMOVE;
}

/* Of the address that is about to be tried. A socket of one kind refuses one of
   the other kind by itself. */
static bool
suits_source (const Attempt *attempt, GIOStream *connection)
{
  g_autoptr (GSocketAddress) address
      = g_socket_connection_get_remote_address (
          G_SOCKET_CONNECTION (connection), NULL);

  return attempt->source == NULL || address == NULL
         || g_socket_address_get_family (address)
                == g_socket_address_get_family (attempt->source);
}

static void
on_event (GSocketClient *client, GSocketClientEvent event,
          GSocketConnectable *connectable, GIOStream *connection, void *data)
{
  Attempt *attempt = data;

  if (event != G_SOCKET_CLIENT_CONNECTING)
    return;
  if (suits_source (attempt, connection))
    attempt->suits_source = true;
  if (++attempt->addresses > ADDRESSES_MAXIMUM)
    g_cancellable_cancel (attempt->cancellable);
}

static void
on_connected (GObject *client, GAsyncResult *result, void *data)
{
  Attempt *attempt = data;

  attempt->connection = g_socket_client_connect_finish (
      G_SOCKET_CLIENT (client), result, &attempt->error);
  attempt->done = true;
}

static void
run (Attempt *attempt, const char *name, uint16_t port, Deadline deadline)
{
  g_autoptr (GSocketClient) client = g_socket_client_new ();
  g_autoptr (GSocketConnectable) address = g_network_address_new (name, port);
  g_autoptr (GSource) timer =
      g_timeout_source_new ((unsigned) deadline_poll (deadline));

  g_source_set_callback (timer, on_deadline, attempt, NULL);
  g_source_attach (timer, attempt->context);
  g_socket_client_set_enable_proxy (client, FALSE);
  g_socket_client_set_local_address (client, attempt->source);
  g_signal_connect (client, "event", G_CALLBACK (on_event), attempt);
  g_socket_client_connect_async (client, address, attempt->cancellable,
                                 on_connected, attempt);
  while (!attempt->done)
    g_main_context_iteration (attempt->context, TRUE);
  g_source_destroy (timer);
  g_signal_handlers_disconnect_by_data (client, attempt);
}

static const struct
{
  int code; /* of G_IO_ERROR */
  const char *text;
} troubles[] = {
  { G_IO_ERROR_CONNECTION_REFUSED, N_ ("nothing listens on this port") },
  { G_IO_ERROR_NETWORK_UNREACHABLE, N_ ("there is no way to its network") },
  { G_IO_ERROR_HOST_UNREACHABLE, N_ ("the host cannot be reached") },
  { G_IO_ERROR_TIMED_OUT, N_ ("the host does not answer") },
};

static char *
describe (const GError *error, const char *setting)
{
  if (g_error_matches (error, G_RESOLVER_ERROR, G_RESOLVER_ERROR_NOT_FOUND))
    return g_strdup_printf (_ ("there is no host of this name; check `%s'"),
                            setting);
  if (error->domain == G_RESOLVER_ERROR)
    return g_strdup (_ ("its address cannot be looked up at present"));
  for (size_t i = 0; i < G_N_ELEMENTS (troubles); i++)
    if (g_error_matches (error, G_IO_ERROR, troubles[i].code))
      return g_strdup (_ (troubles[i].text));
  return g_strdup (error->message);
}

/* Addresses of the other kind were refused here already, which is no news. */
static char *
describe_source (const Attempt *attempt)
{
  bool ipv4 = g_socket_address_get_family (attempt->source)
              == G_SOCKET_FAMILY_IPV4;

  if (!attempt->suits_source)
    return g_strdup (
        ipv4 ? _ ("it has no IPv4 address, which `source-address' needs")
             : _ ("it has no IPv6 address, which `source-address' needs"));
  if (g_error_matches (attempt->error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED)
      || g_error_matches (attempt->error, G_IO_ERROR,
                          G_IO_ERROR_INVALID_ARGUMENT))
    return g_strdup (ipv4 ? _ ("none of its IPv4 addresses can be reached")
                          : _ ("none of its IPv6 addresses can be reached"));
  return NULL;
}

static void
set_failure (const Attempt *attempt, const char *setting, GError **error)
{
  unsigned waited
      = (unsigned) ((g_get_monotonic_time () - attempt->start) / 1000);
  g_autofree char *reason = NULL;

  if (attempt->late && waited < 1000)
    reason = g_strdup_printf (_ ("no connection within %u ms"), waited);
  else if (attempt->late)
    reason = g_strdup_printf (ngettext ("no connection within %u second",
                                        "no connection within %u seconds",
                                        (waited + 500) / 1000),
                              (waited + 500) / 1000);
  else if (attempt->addresses > ADDRESSES_MAXIMUM)
    reason = g_strdup_printf (_ ("none of its first %d addresses answers"),
                              ADDRESSES_MAXIMUM);
  else if (attempt->source != NULL && attempt->addresses > 0)
    reason = describe_source (attempt);
  if (reason == NULL)
    reason = describe (attempt->error, setting);
  g_set_error_literal (error, FAILURE, FAILURE_TEMPORARY, reason);
}

/* GIO has made it non-blocking already, or only warned that it could not. */
int
connect_take (int fd, GError **error)
{
  if (fd >= 0 && fcntl (fd, F_SETFL, O_RDWR | O_NONBLOCK) == 0)
    return fd;
  failure_set_errno (error, FAILURE_OS, errno, _ ("out of descriptors"));
  if (fd >= 0)
    close (fd);
  return -1;
}

/* The socket without the GObjects around it. */
static int
take_socket (GSocketConnection *connection, GError **error)
{
  GSocket *socket = g_socket_connection_get_socket (connection);
  int fd = connect_take (
      fcntl (g_socket_get_fd (socket), F_DUPFD_CLOEXEC, 3), error);

  if (fd >= 0)
    (void) setsockopt (fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 },
                       sizeof (int));
  return fd;
}

/* Whether this host has ADDRESS now: that of a VPN comes and goes. */
static bool
check_source (GSocketAddress *address, const char *text, GError **error)
{
  struct sockaddr_storage native;
  gssize size = g_socket_address_get_native_size (address);
  int fd = socket ((int) g_socket_address_get_family (address),
                   SOCK_STREAM | SOCK_CLOEXEC, 0);
  bool has = fd >= 0
             && g_socket_address_to_native (address, &native, sizeof native,
                                            NULL)
             && bind (fd, (struct sockaddr *) &native, (socklen_t) size) == 0;
  int errnum = errno;

  if (fd >= 0)
    close (fd);
  if (!has && (errnum == EADDRNOTAVAIL || errnum == EAFNOSUPPORT))
    g_set_error (error, FAILURE, FAILURE_TEMPORARY,
                 _ ("this machine does not have the address %s at present; "
                    "check `source-address'"),
                 text);
  else if (!has)
    failure_set_errno (error, FAILURE_TEMPORARY, errnum,
                       _ ("the address %s of this machine cannot be used"),
                       text);
  return has;
}

int
connect_host (const char *name, uint16_t port, const char *source_address,
              const char *setting, Deadline deadline, GError **error)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (GCancellable) cancellable = NULL;
  g_autoptr (GSocketAddress) source = NULL;
  Attempt attempt
      = { .context = context, .start = g_get_monotonic_time () };
  int fd = -1;

  if (!library_load (&gio_library, error))
    return -1;
  attempt.cancellable = cancellable = g_cancellable_new ();
  if (source_address != NULL)
    {
      attempt.source = source
          = g_inet_socket_address_new_from_string (source_address, 0);
      if (!check_source (source, source_address, error))
        return -1;
    }
  g_main_context_push_thread_default (context);
  run (&attempt, name, port, deadline);
  g_main_context_pop_thread_default (context);
  if (attempt.connection != NULL)
    fd = take_socket (attempt.connection, error);
  else
    set_failure (&attempt, setting, error);
  g_clear_object (&attempt.connection);
  g_clear_error (&attempt.error);
  return fd;
}
