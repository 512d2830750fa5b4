/* secret-service - a keyring that does what it is told to, also to its
 * callers.
 *
 *   secret-service [NAME=VALUE]...
 *
 *   log=FILE          each call, as OBJECT.MEMBER, on a line
 *   host=, user=      of its items, which are as msmtp stores them
 *   items=N           so many, each newer than the one before (1)
 *   secret=TEXT       of the last of them, with \ooo for octets; the others
 * have "other" (secret) size=N            so many octets x instead type=TEXT
 * its content type (text/plain) locked=item       the item; =all: its
 * collection as well prompt=answer     unlocking takes a prompt that somebody
 * answers; =dismiss, =never (without: it unlocks at once) alias=none        no
 * collection is the default one hang=CALL         never answers this one
 *   vanish=CALL       ends instead of answering
 *   refuse=CALL       answers with an error
 *   garbage=CALL      answers with a value of another type
 *
 * CALL is OBJECT.MEMBER; OBJECT is service, collection, item, prompt. Prints
 * "ready" and stays until it is killed. Nothing is encrypted on the bus.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <gio/gio.h>

#define NAME "org.freedesktop.secrets"
#define TOP "/org/freedesktop/secrets"
#define COLLECTION TOP "/collection/test"
#define ITEM COLLECTION "/"
#define PROMPT TOP "/prompt/1"
#define SESSION TOP "/session/1"
#define INTERFACE "org.freedesktop.Secret."

static GHashTable *options;
static bool locked; /* nothing but the worker thread of the bus has it */

static const char *
option (const char *name, const char *initial)
{
  const char *value = g_hash_table_lookup (options, name);

  return value != NULL ? value : initial;
}

static bool
is (const char *name, const char *value)
{
  return strcmp (option (name, ""), value) == 0;
}

static unsigned
item_count (void)
{
  return (unsigned) atoi (option ("items", "1"));
}

static GVariant *
items (void)
{
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("ao"));
  for (unsigned i = 1; i <= item_count (); i++)
    {
      g_autofree char *path = g_strdup_printf (ITEM "%u", i);

      g_variant_builder_add (&builder, "o", path);
    }
  return g_variant_builder_end (&builder);
}

static GVariant *
no_objects (void)
{
  return g_variant_new_array (G_VARIANT_TYPE_OBJECT_PATH, NULL, 0);
}

static GVariant *
attributes (void)
{
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("a{ss}"));
  g_variant_builder_add (&builder, "{ss}", "service", "smtp");
  g_variant_builder_add (&builder, "{ss}", "host", option ("host", ""));
  g_variant_builder_add (&builder, "{ss}", "user", option ("user", ""));
  return g_variant_builder_end (&builder);
}

/* Whether the items have all of WANTED. */
static bool
matches (GVariant *wanted)
{
  g_autoptr (GVariant) have = g_variant_ref_sink (attributes ());
  GVariantIter iterator;
  const char *key, *value, *own;

  g_variant_iter_init (&iterator, wanted);
  while (g_variant_iter_next (&iterator, "{&s&s}", &key, &value))
    if (!g_variant_lookup (have, key, "&s", &own) || strcmp (own, value) != 0)
      return false;
  return true;
}

static GVariant *
properties (const char *object, unsigned item)
{
  bool collection = strcmp (object, "collection") == 0;
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("a{sv}"));
  if (strcmp (object, "service") == 0)
    {
      g_variant_builder_add (
          &builder, "{sv}", "Collections",
          g_variant_new_objv ((const char *const[]){ COLLECTION }, 1));
      return g_variant_new ("(a{sv})", &builder);
    }
  if (collection)
    g_variant_builder_add (&builder, "{sv}", "Items", items ());
  else
    g_variant_builder_add (&builder, "{sv}", "Attributes", attributes ());
  g_variant_builder_add (&builder, "{sv}", "Label",
                         g_variant_new_string ("test"));
  g_variant_builder_add (
      &builder, "{sv}", "Locked",
      g_variant_new_boolean (locked && (!collection || is ("locked", "all"))));
  g_variant_builder_add (&builder, "{sv}", "Created",
                         g_variant_new_uint64 (item));
  g_variant_builder_add (&builder, "{sv}", "Modified",
                         g_variant_new_uint64 (item));
  return g_variant_new ("(a{sv})", &builder);
}

static GVariant *
secret (const char *session, unsigned item)
{
  g_autofree char *octets = NULL;
  size_t length = (size_t) atoi (option ("size", "0"));

  if (length > 0)
    octets = g_strnfill (length, 'x');
  else if (item < item_count ())
    octets = g_strdup ("other");
  else
    octets = g_strcompress (option ("secret", "secret"));
  if (length == 0)
    length = strlen (octets);
  return g_variant_new (
      "((o@ay@ays))", session,
      g_variant_new_fixed_array (G_VARIANT_TYPE_BYTE, "", 0, 1),
      g_variant_new_fixed_array (G_VARIANT_TYPE_BYTE, octets, length, 1),
      option ("type", "text/plain"));
}

static GVariant *
unlock (void)
{
  if (option ("prompt", NULL) != NULL)
    return g_variant_new ("(@aoo)", no_objects (), PROMPT);
  locked = false;
  return g_variant_new ("(@aoo)", items (), "/");
}

static void
complete (GDBusConnection *bus)
{
  bool dismissed = is ("prompt", "dismiss");

  if (is ("prompt", "never"))
    return;
  locked = dismissed;
  g_dbus_connection_emit_signal (
      bus, NULL, PROMPT, INTERFACE "Prompt", "Completed",
      g_variant_new ("(bv)", dismissed, dismissed ? no_objects () : items ()),
      NULL);
}

/* The reply's body; NULL: an error. */
static GVariant *
answer (const char *call, GVariant *body, unsigned item)
{
  g_auto (GStrv) parts = g_strsplit (call, ".", 2);
  const char *text;

  if (strcmp (parts[1], "GetAll") == 0)
    return properties (parts[0], item);
  if (strcmp (call, "service.SearchItems") == 0)
    {
      g_autoptr (GVariant) wanted = g_variant_get_child_value (body, 0);
      bool found = matches (wanted);

      return g_variant_new ("(@ao@ao)",
                            found && !locked ? items () : no_objects (),
                            found && locked ? items () : no_objects ());
    }
  if (strcmp (call, "service.OpenSession") == 0)
    {
      g_variant_get_child (body, 0, "&s", &text);
      return strcmp (text, "plain") == 0
                 ? g_variant_new ("(vo)", g_variant_new_string (""), SESSION)
                 : NULL;
    }
  if (strcmp (call, "service.ReadAlias") == 0)
    return g_variant_new ("(o)", is ("alias", "none") ? "/" : COLLECTION);
  if (strcmp (call, "service.Unlock") == 0)
    return unlock ();
  if (strcmp (call, "collection.CreateItem") == 0)
    return g_variant_new ("(oo)", ITEM "1", "/");
  if (strcmp (call, "item.Delete") == 0)
    return g_variant_new ("(o)", "/");
  if (strcmp (call, "item.GetSecret") == 0 && !locked)
    {
      g_variant_get_child (body, 0, "&o", &text);
      return secret (text, item);
    }
  if (strcmp (call, "prompt.Prompt") == 0)
    return g_variant_new_tuple (NULL, 0);
  return NULL;
}

static char *
call_of (GDBusMessage *message, unsigned *item)
{
  const char *path = g_dbus_message_get_path (message);
  const char *object = "service";

  *item = 0;
  if (g_str_has_prefix (path, ITEM))
    {
      object = "item";
      *item = (unsigned) atoi (path + strlen (ITEM));
    }
  else if (g_str_has_prefix (path, TOP "/collection")
           || g_str_has_prefix (path, TOP "/aliases"))
    object = "collection";
  else if (strcmp (path, PROMPT) == 0)
    object = "prompt";
  return g_strconcat (object, ".", g_dbus_message_get_member (message), NULL);
}

static void
note (const char *call)
{
  const char *file = option ("log", NULL);
  FILE *stream = file != NULL ? fopen (file, "a") : NULL;

  if (stream == NULL)
    return;
  fprintf (stream, "%s\n", call);
  fclose (stream);
}

static void
reply_to (GDBusConnection *bus, GDBusMessage *message)
{
  unsigned item;
  g_autofree char *call = call_of (message, &item);
  g_autoptr (GDBusMessage) reply = NULL;
  GVariant *body = NULL;

  note (call);
  if (is ("vanish", call))
    _exit (EXIT_SUCCESS);
  if (is ("hang", call))
    return;
  if (is ("garbage", call))
    body = g_variant_new ("(u)", 7);
  else if (!is ("refuse", call))
    body = answer (call, g_dbus_message_get_body (message), item);
  if (body != NULL)
    {
      reply = g_dbus_message_new_method_reply (message);
      g_dbus_message_set_body (reply, body);
    }
  else if (locked && strcmp (call, "item.GetSecret") == 0)
    reply = g_dbus_message_new_method_error_literal (
        message, INTERFACE "Error.IsLocked", "It is locked");
  else
    reply = g_dbus_message_new_method_error_literal (
        message, "org.freedesktop.DBus.Error.NotSupported", "Not here");
  g_dbus_connection_send_message (bus, reply, 0, NULL, NULL);
  if (body != NULL && strcmp (call, "prompt.Prompt") == 0)
    complete (bus);
}

static GDBusMessage *
on_message (GDBusConnection *bus, GDBusMessage *message, gboolean incoming,
            void *data)
{
  if (incoming
      && g_dbus_message_get_message_type (message)
             == G_DBUS_MESSAGE_TYPE_METHOD_CALL)
    {
      reply_to (bus, message);
      g_clear_object (&message);
    }
  return message;
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GDBusConnection) bus = NULL;
  g_autoptr (GVariant) owned = NULL;

  options = g_hash_table_new (g_str_hash, g_str_equal);
  for (int i = 1; i < argc; i++)
    {
      char *value = strchr (argv[i], '=');

      if (value == NULL)
        return EXIT_FAILURE;
      *value = '\0';
      g_hash_table_insert (options, argv[i], value + 1);
    }
  locked = option ("locked", NULL) != NULL;
  bus = g_bus_get_sync (G_BUS_TYPE_SESSION, NULL, &error);
  if (bus != NULL)
    {
      g_dbus_connection_add_filter (bus, on_message, NULL, NULL);
      owned = g_dbus_connection_call_sync (
          bus, "org.freedesktop.DBus", "/org/freedesktop/DBus",
          "org.freedesktop.DBus", "RequestName",
          g_variant_new ("(su)", NAME, 4), NULL, G_DBUS_CALL_FLAGS_NONE, 5000,
          NULL, &error);
    }
  if (owned == NULL)
    {
      fprintf (stderr, "secret-service: %s\n", error->message);
      return EXIT_FAILURE;
    }
  puts ("ready");
  fflush (stdout);
  g_main_loop_run (g_main_loop_new (NULL, FALSE));
}
