#include "smtp/connect.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <unistd.h>

#include <gio/gio.h>
#include <glib/gi18n.h>

#include "base/failure.h"

/* A name can have thousands of addresses. At 250 ms each (RFC 8305) this many
 * take half of the usual deadline. */
#define ADDRESSES_MAXIMUM 64

typedef struct
{
  GMainContext *context;
  GCancellable *cancellable;
  GSocketConnection *connection;
  GError *error;
  unsigned addresses; /* tried so far */
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

static void
on_event (GSocketClient *client, GSocketClientEvent event,
          GSocketConnectable *connectable, GIOStream *connection, void *data)
{
  Attempt *attempt = data;

  if (event == G_SOCKET_CLIENT_CONNECTING
      && ++attempt->addresses > ADDRESSES_MAXIMUM)
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
describe (const GError *error)
{
  if (g_error_matches (error, G_RESOLVER_ERROR, G_RESOLVER_ERROR_NOT_FOUND))
    return g_strdup (_ ("there is no host of this name; check `host'"));
  if (error->domain == G_RESOLVER_ERROR)
    return g_strdup (_ ("its address cannot be looked up at present"));
  for (size_t i = 0; i < G_N_ELEMENTS (troubles); i++)
    if (g_error_matches (error, G_IO_ERROR, troubles[i].code))
      return g_strdup (_ (troubles[i].text));
  return g_strdup (error->message);
}

static void
set_failure (const Relay *relay, const Attempt *attempt, int64_t start,
             GError **error)
{
  g_autofree char *endpoint = relay_endpoint (relay);
  unsigned waited = (unsigned) ((g_get_monotonic_time () - start) / 1000);
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
  else
    reason = describe (attempt->error);
  g_set_error (error, FAILURE, FAILURE_TEMPORARY, "%s: %s", endpoint, reason);
}

/* The socket without the GObjects around it. GIO has made it non-blocking, or only
   warned that it could not; one that blocks would ignore every deadline. */
static int
take_socket (GSocketConnection *connection)
{
  int fd =
      fcntl (g_socket_get_fd (g_socket_connection_get_socket (connection)),
             F_DUPFD_CLOEXEC, 3);

  if (fd < 0)
    return -1;
  if (fcntl (fd, F_SETFL, O_RDWR | O_NONBLOCK) < 0)
    {
      close (fd);
      return -1;
    }
  (void) setsockopt (fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof (int));
  return fd;
}

int
connect_relay (const Relay *relay, Deadline deadline, GError **error)
{
  g_autofree char *name = relay_dns_name (relay, error);
  g_autoptr (GMainContext) context = NULL;
  g_autoptr (GCancellable) cancellable = NULL;
  int64_t start = g_get_monotonic_time ();
  Attempt attempt = { .done = false };
  int fd = -1;

  if (name == NULL)
    return -1;
  attempt.context = context = g_main_context_new ();
  attempt.cancellable = cancellable = g_cancellable_new ();
  g_main_context_push_thread_default (context);
  run (&attempt, name, relay->port, deadline);
  g_main_context_pop_thread_default (context);
  if (attempt.connection != NULL)
    fd = take_socket (attempt.connection);
  else
    set_failure (relay, &attempt, start, error);
  if (attempt.connection != NULL && fd < 0)
    failure_set_errno (error, FAILURE_OS, errno, _ ("out of descriptors"));
  g_clear_object (&attempt.connection);
  g_clear_error (&attempt.error);
  return fd;
}
