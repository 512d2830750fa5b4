/* notification-daemon - a desktop that writes down what it is told.
 *
 *   notification-daemon FILE
 *
 * Owns org.freedesktop.Notifications on the session bus, prints "ready", and
 * appends to FILE one line for each notification: its program, urgency,
 * category, summary and body, separated by tabs; a new line in them is written
 * "\n". Stays until it is killed.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <gio/gio.h>

#define CALL_TIMEOUT 5000

static int
fail (const char *text)
{
  fprintf (stderr, "notification-daemon: %s\n", text);
  return EXIT_FAILURE;
}

static void
write_down (FILE *file, GVariant *body)
{
  g_autoptr (GVariant) hints = NULL;
  const char *program, *summary, *text;
  const char *category = "-";
  uint8_t urgency = 255;
  g_autoptr (GString) line = g_string_new (NULL);

  g_variant_get (body, "(&su&s&s&s@as@a{sv}i)", &program, NULL, NULL, &summary,
                 &text, NULL, &hints, NULL);
  (void) g_variant_lookup (hints, "urgency", "y", &urgency);
  (void) g_variant_lookup (hints, "category", "&s", &category);
  g_string_printf (line, "%s\t%u\t%s\t%s\t%s", program, urgency, category,
                   summary, text);
  g_string_replace (line, "\n", "\\n", 0);
  fprintf (file, "%s\n", line->str);
  fflush (file);
}

/* In GDBus's own thread. */
static GDBusMessage *
on_message (GDBusConnection *bus, GDBusMessage *message, gboolean incoming,
            void *data)
{
  GVariant *body = g_dbus_message_get_body (message);
  g_autoptr (GDBusMessage) reply = NULL;

  if (!incoming
      || g_dbus_message_get_message_type (message)
             != G_DBUS_MESSAGE_TYPE_METHOD_CALL)
    return message;
  if (strcmp (g_dbus_message_get_member (message), "Notify") == 0
      && body != NULL
      && g_variant_is_of_type (body, G_VARIANT_TYPE ("(susssasa{sv}i)")))
    {
      write_down (data, body);
      reply = g_dbus_message_new_method_reply (message);
      g_dbus_message_set_body (reply, g_variant_new ("(u)", 1));
    }
  else
    reply = g_dbus_message_new_method_error_literal (
        message, "org.freedesktop.DBus.Error.UnknownMethod", "?");
  g_dbus_connection_send_message (bus, reply, G_DBUS_SEND_MESSAGE_FLAGS_NONE,
                                  NULL, NULL);
  g_object_unref (message);
  return NULL;
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) owned = NULL;
  GDBusConnection *bus;
  FILE *file;

  if (argc != 2)
    return fail ("usage: notification-daemon FILE");
  file = fopen (argv[1], "a");
  if (file == NULL)
    return fail ("cannot write the file");
  bus = g_bus_get_sync (G_BUS_TYPE_SESSION, NULL, &error);
  if (bus == NULL)
    return fail (error->message);
  g_dbus_connection_add_filter (bus, on_message, file, NULL);
  owned = g_dbus_connection_call_sync (
      bus, "org.freedesktop.DBus", "/org/freedesktop/DBus",
      "org.freedesktop.DBus", "RequestName",
      g_variant_new ("(su)", "org.freedesktop.Notifications", 4), NULL,
      G_DBUS_CALL_FLAGS_NONE, CALL_TIMEOUT, NULL, &error);
  if (owned == NULL)
    return fail (error->message);
  puts ("ready");
  fflush (stdout);
  g_main_loop_run (g_main_loop_new (NULL, FALSE));
  return EXIT_SUCCESS;
}
