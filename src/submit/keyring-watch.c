#include "submit/keyring-watch.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <glib-unix.h>

#include "account/keyring.h"
#include "base/deadline.h"
#include "base/gio.h"
#include "submit/apart.h"
#include "submit/bus.h"

#define SERVICE "org.freedesktop.secrets"

/* Seconds until a bus that refused is tried again: doubled each time. */
#define RETRY_MINIMUM 1
#define RETRY_MAXIMUM 64

/* What connecting may take to end when it is cancelled. */
#define GRACE_MS 200

enum
{
  SIGNAL_PROPERTIES,
  SIGNAL_COLLECTION,
  N_SIGNALS,
};

enum
{
  PLACE_FILES,
  PLACE_MOUNTS,
  N_PLACES,
};

struct KeyringWatch
{
  GMainContext *context;
  void (*opened) (void *data);
  void *data;
  GSource *pause; /* OPENED was called less than a second ago */
  bool again;     /* and it was opened again since */

  int fds[N_PLACES]; /* where the bus may come; -1: not looked at */
  GSource *sources[N_PLACES];
  GSource *retry;
  unsigned delay; /* seconds */

  GCancellable *connecting; /* NULL: it is not */
  GDBusConnection *bus;     /* NULL: none */
  unsigned long closed;
  unsigned name;
  unsigned signals[N_SIGNALS];
};

static void look (KeyringWatch *watch);
static int on_place (int fd, GIOCondition condition, void *data);

static void
drop (GSource **source)
{
  if (*source == NULL)
    return;
  g_source_destroy (*source);
  g_clear_pointer (source, g_source_unref);
}

static GSource *
attach (KeyringWatch *watch, GSource *source, GSourceFunc callback)
{
  g_source_set_callback (source, callback, watch, NULL);
  g_source_attach (source, watch->context);
  return source;
}

/* At most once a second: once at first, and once more at the end of it. */

static void tell (KeyringWatch *watch);

static int
on_pause_over (void *data)
{
  KeyringWatch *watch = data;

  drop (&watch->pause);
  if (watch->again)
    tell (watch);
  return G_SOURCE_REMOVE;
}

static void
tell (KeyringWatch *watch)
{
  watch->again = watch->pause != NULL;
  if (watch->again)
    return;
  watch->pause = attach (watch, g_timeout_source_new (1000), on_pause_over);
  watch->opened (watch->data);
}

/* A bus that is there. */

static void
on_appeared (GDBusConnection *bus, const char *name, const char *owner,
             void *data)
{
  tell (data);
}

/* "Locked" becomes false. */
static void
on_properties (GDBusConnection *bus, const char *sender, const char *path,
               const char *interface, const char *signal, GVariant *parameters,
               void *data)
{
  g_autoptr (GVariant) changed = NULL;
  gboolean locked;

  if (!g_variant_is_of_type (parameters, G_VARIANT_TYPE ("(sa{sv}as)")))
    return;
  changed = g_variant_get_child_value (parameters, 1);
  if (g_variant_lookup (changed, "Locked", "b", &locked) && !locked)
    tell (data);
}

/* Not every keyring says what it is that has changed. */
static void
on_collection (GDBusConnection *bus, const char *sender, const char *path,
               const char *interface, const char *signal, GVariant *parameters,
               void *data)
{
  tell (data);
}

static void
subscribe (KeyringWatch *watch)
{
  watch->signals[SIGNAL_PROPERTIES] = g_dbus_connection_signal_subscribe (
      watch->bus, SERVICE, "org.freedesktop.DBus.Properties",
      "PropertiesChanged", NULL, "org.freedesktop.Secret.Collection",
      G_DBUS_SIGNAL_FLAGS_NONE, on_properties, watch, NULL);
  watch->signals[SIGNAL_COLLECTION] = g_dbus_connection_signal_subscribe (
      watch->bus, SERVICE, "org.freedesktop.Secret.Service",
      "CollectionChanged", NULL, NULL, G_DBUS_SIGNAL_FLAGS_NONE, on_collection,
      watch, NULL);
  watch->name = g_bus_watch_name_on_connection (
      watch->bus, SERVICE, G_BUS_NAME_WATCHER_FLAGS_NONE, on_appeared, NULL,
      watch, NULL);
}

static void
disconnect (KeyringWatch *watch)
{
  if (watch->bus == NULL)
    return;
  g_signal_handler_disconnect (watch->bus, watch->closed);
  for (int i = 0; i < N_SIGNALS; i++)
    g_dbus_connection_signal_unsubscribe (watch->bus, watch->signals[i]);
  g_bus_unwatch_name (watch->name);
  g_clear_object (&watch->bus);
}

/* A bus that is not there, or not yet. */

static int
on_retry (void *data)
{
  KeyringWatch *watch = data;

  drop (&watch->retry);
  look (watch);
  return G_SOURCE_REMOVE;
}

/* Where there is an address that refuses: it has no other way to tell that it
   is there again, unless it is a socket that is made anew. */
static void
retry_later (KeyringWatch *watch)
{
  drop (&watch->retry);
  watch->retry =
      attach (watch, g_timeout_source_new_seconds (watch->delay), on_retry);
  watch->delay = MIN (2 * watch->delay, RETRY_MAXIMUM);
}

/* DIRECTORY, or what there is above it. */
static void
/* NOLINTNEXTLINE(misc-no-recursion): as deep as the name of a place of ours */
add_place (int fd, const char *directory)
{
  static const uint32_t mask =
      IN_CREATE | IN_MOVED_TO | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF;
  g_autofree char *above = g_path_get_dirname (directory);

  if (inotify_add_watch (fd, directory, mask) >= 0
      || strcmp (above, directory) == 0)
    return;
  add_place (fd, above);
  /* It may have been made before the one above it was watched. */
  (void) inotify_add_watch (fd, directory, mask);
}

static void
close_place (KeyringWatch *watch)
{
  for (int i = 0; i < N_PLACES; i++)
    {
      drop (&watch->sources[i]);
      if (watch->fds[i] >= 0)
        close (watch->fds[i]);
      watch->fds[i] = -1;
    }
}

/* The events themselves are never read: what they are about is looked at, with
   descriptors that are new. */
static void
open_place (KeyringWatch *watch)
{
  g_auto (GStrv) sockets = keyring_bus_sockets ();

  close_place (watch);
  /* A file system that is mounted over a directory makes no event in it.
     First: what is mounted before the directory is watched must not go unseen.
   */
  watch->fds[PLACE_MOUNTS] =
      open ("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
  watch->fds[PLACE_FILES] = inotify_init1 (IN_NONBLOCK | IN_CLOEXEC);
  for (size_t i = 0; watch->fds[PLACE_FILES] >= 0 && sockets[i] != NULL; i++)
    {
      g_autofree char *directory = g_path_get_dirname (sockets[i]);

      add_place (watch->fds[PLACE_FILES], directory);
    }
  for (int i = 0; i < N_PLACES; i++)
    if (watch->fds[i] >= 0)
      {
        watch->sources[i] = g_unix_fd_source_new (
            watch->fds[i], i == PLACE_MOUNTS ? G_IO_PRI | G_IO_ERR : G_IO_IN);
        attach (watch, watch->sources[i], G_SOURCE_FUNC (on_place));
      }
}

static int
on_place (int fd, GIOCondition condition, void *data)
{
  KeyringWatch *watch = data;

  watch->delay = RETRY_MINIMUM;
  look (watch);
  return G_SOURCE_REMOVE;
}

static void
on_closed (GDBusConnection *bus, gboolean vanished, GError *error, void *data)
{
  KeyringWatch *watch = data;

  disconnect (watch);
  look (watch);
}

static void
on_connected (GObject *source, GAsyncResult *result, void *data)
{
  KeyringWatch *watch = data;

  g_clear_object (&watch->connecting);
  watch->bus = g_dbus_connection_new_for_address_finish (result, NULL);
  if (watch->bus == NULL)
    {
      retry_later (watch);
      return;
    }
  close_place (watch);
  drop (&watch->retry);
  watch->delay = RETRY_MINIMUM;
  watch->closed =
      g_signal_connect (watch->bus, "closed", G_CALLBACK (on_closed), watch);
  subscribe (watch);
}

/* Connects where there is something to connect to. A bus that does not answer
   is waited for, at no cost, until it does or ends. */
static void
look (KeyringWatch *watch)
{
  if (watch->bus != NULL)
    return;
  /* First, so that nothing comes unseen in between. */
  open_place (watch);
  if (watch->connecting != NULL || !keyring_find_bus ()
      || !library_load (&gio_library, NULL))
    return;
  watch->connecting = g_cancellable_new ();
  bus_connect (watch->connecting, on_connected, watch);
}

KeyringWatch *
keyring_watch_new (void (*opened) (void *data), void *data)
{
  KeyringWatch *watch = g_new0 (KeyringWatch, 1);

  watch->context = g_main_context_ref_thread_default ();
  watch->opened = opened;
  watch->data = data;
  watch->delay = RETRY_MINIMUM;
  for (int i = 0; i < N_PLACES; i++)
    watch->fds[i] = -1;
  look (watch);
  return watch;
}

static int
on_grace (void *data)
{
  return G_SOURCE_REMOVE;
}

/* No step of the connecting comes back to WATCH after this, as long as nobody
   runs the context. */
static void
stop_connecting (KeyringWatch *watch)
{
  Deadline deadline = deadline_in (GRACE_MS);
  GSource *timer;

  if (watch->connecting == NULL)
    return;
  g_cancellable_cancel (watch->connecting);
  timer = attach (watch, g_timeout_source_new (GRACE_MS), on_grace);
  while (watch->connecting != NULL && !deadline_passed (deadline))
    g_main_context_iteration (watch->context, TRUE);
  drop (&timer);
}

void
keyring_watch_free (KeyringWatch *watch)
{
  if (watch == NULL)
    return;
  stop_connecting (watch);
  g_clear_object (&watch->connecting);
  disconnect (watch);
  close_place (watch);
  drop (&watch->retry);
  drop (&watch->pause);
  g_main_context_unref (watch->context);
  g_free (watch);
}

/* Whoever is to be told need not have read what was written before. */
static void
write_octet (void *data)
{
  const int *fd = data;

  (void) !write (*fd, "", 1);
}

/* Of what our parent has open nothing else is needed, and locks are not wanted. */
static G_GNUC_NORETURN int
watch_apart (const Apart *apart, void *data)
{
  int *fd = data;

  (void) close_range (STDERR_FILENO + 1, (unsigned) *fd - 1, 0);
  (void) close_range ((unsigned) *fd + 1, ~0U, 0);
  (void) keyring_watch_new (write_octet, fd);
  for (;;)
    g_main_context_iteration (NULL, TRUE);
}

int
keyring_watch_start (void)
{
  int fds[2];
  pid_t child;

  if (pipe2 (fds, O_CLOEXEC | O_NONBLOCK) < 0)
    return -1;
  child = apart_start (watch_apart, &fds[1], NULL);
  close (fds[1]);
  if (child >= 0)
    return fds[0];
  close (fds[0]);
  return -1;
}
