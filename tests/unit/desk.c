#include "tests/unit/desk.h"

#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <glib/gstdio.h>

#define CALL_TIMEOUT 10000

struct Desk
{
  char *directory;
  char *run;
  char *socket;
  char *address;
  GSubprocess *daemon;
  GPtrArray *services; /* of DeskService */
  int silent;          /* listens; -1: does not */
};

struct DeskService
{
  GDBusConnection *bus;
  DeskAnswer answer;
  void *data;
};

static const char configuration[] =
    "<busconfig><type>session</type><keep_umask/>"
    "<listen>unix:path=%s</listen><auth>EXTERNAL</auth>"
    "<policy context=\"default\">"
    "<allow send_destination=\"*\" eavesdrop=\"true\"/>"
    "<allow eavesdrop=\"true\"/><allow own=\"*\"/></policy></busconfig>";

static void
service_free (void *data)
{
  DeskService *service = data;

  (void) g_dbus_connection_close_sync (service->bus, NULL, NULL);
  g_object_unref (service->bus);
  g_free (service);
}

Desk *
desk_new (const char *directory)
{
  Desk *desk = g_new0 (Desk, 1);

  desk->directory = g_strdup (directory);
  desk->run = g_build_filename (directory, "run", NULL);
  desk->socket = g_build_filename (desk->run, "bus", NULL);
  desk->address = g_strconcat ("unix:path=", desk->socket, NULL);
  desk->services = g_ptr_array_new_with_free_func (service_free);
  desk->silent = -1;
  g_setenv ("XDG_RUNTIME_DIR", desk->run, TRUE);
  g_setenv ("DBUS_SESSION_BUS_ADDRESS", "", TRUE);
  return desk;
}

void
desk_free (Desk *desk)
{
  desk_stop (desk);
  g_ptr_array_unref (desk->services);
  g_rmdir (desk->run);
  g_free (desk->directory);
  g_free (desk->run);
  g_free (desk->socket);
  g_free (desk->address);
  g_free (desk);
}

bool
desk_can_start (void)
{
  g_autofree char *program = g_find_program_in_path ("dbus-daemon");

  return program != NULL;
}

void
desk_make_directory (Desk *desk)
{
  g_assert_cmpint (g_mkdir_with_parents (desk->run, 0700), ==, 0);
}

/* A test that fails aborts. */
static void
end_with_parent (void *data)
{
  (void) prctl (PR_SET_PDEATHSIG, SIGKILL);
}

void
desk_start (Desk *desk)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GSubprocessLauncher) launcher = NULL;
  g_autofree char *text = g_strdup_printf (configuration, desk->socket);
  g_autofree char *file = g_build_filename (desk->directory, "bus.conf", NULL);
  g_autofree char *option = g_strconcat ("--config-file=", file, NULL);
  char ready;

  desk_make_directory (desk);
  g_file_set_contents (file, text, -1, &error);
  g_assert_no_error (error);
  launcher = g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_STDOUT_PIPE
                                        | G_SUBPROCESS_FLAGS_STDERR_SILENCE);
  g_subprocess_launcher_set_child_setup (launcher, end_with_parent, NULL,
                                         NULL);
  desk->daemon =
      g_subprocess_launcher_spawn (launcher, &error, "dbus-daemon", "--nofork",
                                   "--print-address=1", option, NULL);
  g_assert_no_error (error);
  g_assert_cmpint (
      g_input_stream_read (g_subprocess_get_stdout_pipe (desk->daemon), &ready,
                           1, NULL, &error),
      ==, 1);
  g_unlink (file);
}

void
desk_stop (Desk *desk)
{
  g_ptr_array_set_size (desk->services, 0);
  if (desk->daemon != NULL)
    {
      g_subprocess_force_exit (desk->daemon);
      g_subprocess_wait (desk->daemon, NULL, NULL);
      g_clear_object (&desk->daemon);
    }
  if (desk->silent >= 0)
    close (desk->silent);
  desk->silent = -1;
  g_unlink (desk->socket);
}

void
desk_start_silent (Desk *desk)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };

  desk_make_directory (desk);
  g_assert_cmpuint (strlen (desk->socket), <, sizeof (address.sun_path));
  strcpy (address.sun_path, desk->socket);
  desk->silent = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  g_assert_cmpint (
      bind (desk->silent, (struct sockaddr *) &address, sizeof (address)), ==,
      0);
  g_assert_cmpint (listen (desk->silent, 8), ==, 0);
}

void
desk_set_address (const Desk *desk)
{
  g_setenv ("DBUS_SESSION_BUS_ADDRESS", desk->address, TRUE);
}

/* In GDBus's own thread. */
static GDBusMessage *
on_message (GDBusConnection *bus, GDBusMessage *message, gboolean incoming,
            void *data)
{
  DeskService *service = data;
  g_autoptr (GDBusMessage) reply = NULL;

  if (!incoming
      || g_dbus_message_get_message_type (message)
             != G_DBUS_MESSAGE_TYPE_METHOD_CALL)
    return message;
  if (service->answer != NULL)
    reply = service->answer (message, service->data);
  if (reply != NULL)
    (void) g_dbus_connection_send_message (
        bus, reply, G_DBUS_SEND_MESSAGE_FLAGS_NONE, NULL, NULL);
  g_object_unref (message);
  return NULL;
}

DeskService *
desk_serve (Desk *desk, const char *name, DeskAnswer answer, void *data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) owned = NULL;
  DeskService *service = g_new0 (DeskService, 1);

  service->answer = answer;
  service->data = data;
  service->bus = g_dbus_connection_new_for_address_sync (
      desk->address,
      G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT
          | G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION,
      NULL, NULL, &error);
  g_assert_no_error (error);
  g_dbus_connection_add_filter (service->bus, on_message, service, NULL);
  owned = g_dbus_connection_call_sync (
      service->bus, "org.freedesktop.DBus", "/org/freedesktop/DBus",
      "org.freedesktop.DBus", "RequestName", g_variant_new ("(su)", name, 4),
      NULL, G_DBUS_CALL_FLAGS_NONE, CALL_TIMEOUT, NULL, &error);
  g_assert_no_error (error);
  g_ptr_array_add (desk->services, service);
  return service;
}

void
desk_leave (Desk *desk, DeskService *service)
{
  g_ptr_array_remove (desk->services, service);
}

void
desk_emit (DeskService *service, const char *path, const char *interface,
           const char *signal, GVariant *parameters)
{
  g_autoptr (GError) error = NULL;

  g_dbus_connection_emit_signal (service->bus, NULL, path, interface, signal,
                                 parameters, &error);
  g_assert_no_error (error);
  g_dbus_connection_flush_sync (service->bus, NULL, &error);
  g_assert_no_error (error);
}
