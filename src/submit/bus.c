#include "submit/bus.h"

#include <glib.h>

/* What a cancelled step may take to end. One that does not is left behind. */
#define GRACE_MS 200

bool
bus_is_known (void)
{
  const char *address = g_getenv ("DBUS_SESSION_BUS_ADDRESS");

  return address != NULL && *address != '\0';
}

void
bus_connect (GCancellable *cancellable, GAsyncReadyCallback done, void *data)
{
  g_dbus_connection_new_for_address (
      g_getenv ("DBUS_SESSION_BUS_ADDRESS"),
      G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT
          | G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION,
      NULL, cancellable, done, data);
}

typedef struct
{
  GMainContext *context;
  GCancellable *cancellable;
  GDBusConnection *bus;
  GVariant *answer;
  bool done; /* the present step */
} Call;

static void
on_connected (GObject *source, GAsyncResult *result, void *data)
{
  Call *call = data;

  call->bus = g_dbus_connection_new_for_address_finish (result, NULL);
  call->done = true;
}

static void
on_answer (GObject *source, GAsyncResult *result, void *data)
{
  Call *call = data;

  call->answer =
      g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, NULL);
  call->done = true;
}

static int
on_deadline (void *data)
{
  return G_SOURCE_REMOVE;
}

/* Until the step is done; false: it is not by DEADLINE. */
static bool
iterate (Call *call, Deadline deadline)
{
  g_autoptr (GSource) timer =
      g_timeout_source_new ((unsigned) deadline_poll (deadline));

  g_source_set_callback (timer, on_deadline, NULL, NULL);
  g_source_attach (timer, call->context);
  while (!call->done && !deadline_passed (deadline))
    g_main_context_iteration (call->context, TRUE);
  g_source_destroy (timer);
  return call->done;
}

/* Ends the step all the same. What never ends keeps its memory; nobody runs
 * its context any more, so it does not touch CALL. */
static bool
wait_for (Call *call, Deadline deadline)
{
  if (iterate (call, deadline))
    return true;
  g_cancellable_cancel (call->cancellable);
  (void) iterate (call, deadline_in (GRACE_MS));
  return false;
}

static void
run (Call *call, const BusMethod *method, GVariant *parameters,
     Deadline deadline)
{
  bus_connect (call->cancellable, on_connected, call);
  if (!wait_for (call, deadline) || call->bus == NULL)
    return;
  call->done = false;
  g_dbus_connection_call (
      call->bus, method->name, method->path, method->interface, method->method,
      parameters, NULL, G_DBUS_CALL_FLAGS_NO_AUTO_START,
      deadline_poll (deadline), call->cancellable, on_answer, call);
  (void) wait_for (call, deadline);
}

GVariant *
bus_call (const BusMethod *method, GVariant *parameters, Deadline deadline)
{
  g_autoptr (GVariant) sunk = g_variant_ref_sink (parameters);
  g_autoptr (GMainContext) context = NULL;
  g_autoptr (GCancellable) cancellable = NULL;
  Call call = { .done = false };

  if (!bus_is_known () || !library_load (&gio_library, NULL))
    return NULL;
  call.context = context = g_main_context_new ();
  call.cancellable = cancellable = g_cancellable_new ();
  g_main_context_push_thread_default (context);
  run (&call, method, sunk, deadline);
  g_clear_object (&call.bus);
  g_main_context_pop_thread_default (context);
  return call.answer;
}
