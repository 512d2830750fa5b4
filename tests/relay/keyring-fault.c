/* keyring-fault - what goes wrong with keyrings, on purpose.
 *
 *   keyring-fault lock          locks all collections
 *   keyring-fault unlock PASSWORD
 *                               unlocks the login collection of gnome-keyring,
 *                               as whoever was asked for the password would
 *   keyring-fault bus SOCKET    a bus that takes connections and never answers
 *   keyring-fault prompter      owns the name of the program that asks for the
 *                               keyring's password, and never asks
 *   keyring-fault answer TEXT   a keyring that answers TEXT, as an error,
 * whatever it is asked
 *
 * The latter three print "ready" and stay until they are killed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <gio/gio.h>
#include <gio/gunixsocketaddress.h>

#define CALL_TIMEOUT 5000

static void
stay (void)
{
  puts ("ready");
  fflush (stdout);
  g_main_loop_run (g_main_loop_new (NULL, FALSE));
}

static int
fail (const GError *error)
{
  fprintf (stderr, "keyring-fault: %s\n", error->message);
  return EXIT_FAILURE;
}

static int
lock (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GDBusConnection) bus
      = g_bus_get_sync (G_BUS_TYPE_SESSION, NULL, &error);
  g_autoptr (GVariant) property = NULL;
  g_autoptr (GVariant) collections = NULL;
  g_autoptr (GVariant) locked = NULL;

  if (bus == NULL)
    return fail (error);
  property = g_dbus_connection_call_sync (
      bus, "org.freedesktop.secrets", "/org/freedesktop/secrets",
      "org.freedesktop.DBus.Properties", "Get",
      g_variant_new ("(ss)", "org.freedesktop.Secret.Service", "Collections"),
      G_VARIANT_TYPE ("(v)"), G_DBUS_CALL_FLAGS_NONE, CALL_TIMEOUT, NULL,
      &error);
  if (property == NULL)
    return fail (error);
  g_variant_get (property, "(v)", &collections);
  locked = g_dbus_connection_call_sync (
      bus, "org.freedesktop.secrets", "/org/freedesktop/secrets",
      "org.freedesktop.Secret.Service", "Lock",
      g_variant_new ("(@ao)", collections), NULL, G_DBUS_CALL_FLAGS_NONE,
      CALL_TIMEOUT, NULL, &error);
  return locked != NULL ? EXIT_SUCCESS : fail (error);
}

/* In a session of Secret Service that encrypts nothing, by a method that
 * gnome-keyring has for its own programs. */
static int
unlock (const char *password)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GDBusConnection) bus
      = g_bus_get_sync (G_BUS_TYPE_SESSION, NULL, &error);
  g_autoptr (GVariant) opened = NULL;
  g_autoptr (GVariant) unlocked = NULL;
  const char *session;

  if (bus == NULL)
    return fail (error);
  opened = g_dbus_connection_call_sync (
      bus, "org.freedesktop.secrets", "/org/freedesktop/secrets",
      "org.freedesktop.Secret.Service", "OpenSession",
      g_variant_new ("(sv)", "plain", g_variant_new_string ("")),
      G_VARIANT_TYPE ("(vo)"), G_DBUS_CALL_FLAGS_NONE, CALL_TIMEOUT, NULL,
      &error);
  if (opened == NULL)
    return fail (error);
  g_variant_get (opened, "(v&o)", NULL, &session);
  unlocked = g_dbus_connection_call_sync (
      bus, "org.freedesktop.secrets", "/org/freedesktop/secrets",
      "org.gnome.keyring.InternalUnsupportedGuiltRiddenInterface",
      "UnlockWithMasterPassword",
      g_variant_new (
          "(o(o@ay@ays))", "/org/freedesktop/secrets/collection/login",
          session, g_variant_new_fixed_array (G_VARIANT_TYPE_BYTE, "", 0, 1),
          g_variant_new_fixed_array (G_VARIANT_TYPE_BYTE, password,
                                     strlen (password), 1),
          "text/plain"),
      NULL, G_DBUS_CALL_FLAGS_NONE, CALL_TIMEOUT, NULL, &error);
  return unlocked != NULL ? EXIT_SUCCESS : fail (error);
}

static int
silent_bus (const char *path)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GSocket) listener
      = g_socket_new (G_SOCKET_FAMILY_UNIX, G_SOCKET_TYPE_STREAM,
                      G_SOCKET_PROTOCOL_DEFAULT, &error);
  g_autoptr (GSocketAddress) address = g_unix_socket_address_new (path);

  if (listener == NULL || !g_socket_bind (listener, address, FALSE, &error)
      || !g_socket_listen (listener, &error))
    return fail (error);
  stay ();
  return EXIT_SUCCESS;
}

static GDBusMessage *
swallow_calls (GDBusConnection *bus, GDBusMessage *message, gboolean incoming,
               void *data)
{
  if (incoming
      && g_dbus_message_get_message_type (message)
             == G_DBUS_MESSAGE_TYPE_METHOD_CALL)
    g_clear_object (&message);
  return message;
}

/* DATA is the text. */
static GDBusMessage *
answer_calls (GDBusConnection *bus, GDBusMessage *message, gboolean incoming,
              void *data)
{
  g_autoptr (GDBusMessage) answer = NULL;

  if (!incoming
      || g_dbus_message_get_message_type (message)
             != G_DBUS_MESSAGE_TYPE_METHOD_CALL)
    return message;
  answer = g_dbus_message_new_method_error_literal (message,
                                                    "org.example.Error", data);
  (void) g_dbus_connection_send_message (
      bus, answer, G_DBUS_SEND_MESSAGE_FLAGS_NONE, NULL, NULL);
  g_object_unref (message);
  return NULL;
}

/* Owns NAME, and has FILTER do with all calls what it does. */
static int
own (const char *name, GDBusMessageFilterFunction filter, const char *data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GDBusConnection) bus
      = g_bus_get_sync (G_BUS_TYPE_SESSION, NULL, &error);
  g_autoptr (GVariant) owned = NULL;

  if (bus == NULL)
    return fail (error);
  g_dbus_connection_add_filter (bus, filter, (void *) data, NULL);
  owned = g_dbus_connection_call_sync (
      bus, "org.freedesktop.DBus", "/org/freedesktop/DBus",
      "org.freedesktop.DBus", "RequestName", g_variant_new ("(su)", name, 4),
      NULL, G_DBUS_CALL_FLAGS_NONE, CALL_TIMEOUT, NULL, &error);
  if (owned == NULL)
    return fail (error);
  stay ();
  return EXIT_SUCCESS;
}

int
main (int argc, char **argv)
{
  const char *what = argc > 1 ? argv[1] : "";

  if (argc == 2 && strcmp (what, "lock") == 0)
    return lock ();
  if (argc == 3 && strcmp (what, "unlock") == 0)
    return unlock (argv[2]);
  if (argc == 3 && strcmp (what, "bus") == 0)
    return silent_bus (argv[2]);
  if (argc == 2 && strcmp (what, "prompter") == 0)
    return own ("org.gnome.keyring.SystemPrompter", swallow_calls, NULL);
  if (argc == 3 && strcmp (what, "answer") == 0)
    return own ("org.freedesktop.secrets", answer_calls, argv[2]);
  fputs ("usage: keyring-fault lock | unlock PASSWORD | bus SOCKET | "
         "prompter | answer TEXT\n",
         stderr);
  return EXIT_FAILURE;
}
