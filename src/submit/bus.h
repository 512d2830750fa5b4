/* bus.h - the session bus, which is never waited for longer than was agreed.
 *
 * There are buses that take a connection and never answer, and others that end
 * while they are used. GLib's shared connection waits for the first for ever
 * and ends the process with the second, so these are connections of our own.
 * Whose bus it is was checked by keyring_prepare_environment.
 */
#pragma once

#include <stdbool.h>

#include "base/deadline.h"
#include "base/gio.h"

/* Whether there is anything to connect to. Costs nothing. */
bool bus_is_known (void);

/* Connects in the background; DONE is called in this thread's default context,
 * and ends it by g_dbus_connection_new_for_address_finish. */
void bus_connect (GCancellable *cancellable, GAsyncReadyCallback done,
                  void *data);

typedef struct
{
  const char *name; /* of the service; one that does not run is not started */
  const char *path;
  const char *interface;
  const char *method;
} BusMethod;

/* Calls METHOD with PARAMETERS (taken if floating). NULL: it failed, or there
 * was no answer by DEADLINE. */
GVariant *bus_call (const BusMethod *method, GVariant *parameters,
                    Deadline deadline);
