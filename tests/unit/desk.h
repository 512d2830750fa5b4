/* desk.h - a session bus of a test's own, and services on it that answer what
 * the test says.
 */
#pragma once

#include <gio/gio.h>
#include <stdbool.h>

typedef struct Desk Desk;

/* The directory of the bus, DIRECTORY/run, is XDG_RUNTIME_DIR from now on, and
 * there is no address of a bus. Neither directory nor bus is there. */
Desk *desk_new (const char *directory);
void desk_free (Desk *desk); /* and all that is on it */

/* False: there is no dbus-daemon on this machine. */
bool desk_can_start (void);
void desk_make_directory (Desk *desk);
void desk_start (Desk *desk); /* makes the directory as well */
void desk_stop (Desk *desk);  /* the bus ends; its services with it */

/* Instead of the bus: takes connections, and never answers. */
void desk_start_silent (Desk *desk);

/* Processes take the bus from the environment. */
void desk_set_address (const Desk *desk);

/* A service of this NAME. ANSWER, in another thread, gets every call, and
 * gives what is to be sent: NULL for nothing ever. ANSWER NULL: nothing ever.
 */
typedef GDBusMessage *(*DeskAnswer) (GDBusMessage *call, void *data);
typedef struct DeskService DeskService;
DeskService *desk_serve (Desk *desk, const char *name, DeskAnswer answer,
                         void *data);
void desk_leave (Desk *desk, DeskService *service);
void desk_emit (DeskService *service, const char *path, const char *interface,
                const char *signal, GVariant *parameters);
