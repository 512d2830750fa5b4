/* A keyring that opens is told, and what is no such thing is not. */

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <glib.h>
#include <glib/gstdio.h>

#include "submit/keyring-watch.h"
#include "tests/unit/desk.h"
#include "tests/unit/directory.h"

/* Milliseconds; nothing that is expected takes as long. */
#define LATE_MS 20000

#define SILENCE_MS 1000

#define SECRETS "org.freedesktop.secrets"
#define COLLECTION "/org/freedesktop/secrets/collection/login"

typedef struct
{
  char *top;
  Desk *desk;
  KeyringWatch *watch;
  unsigned opened; /* how often it was told */
} Fixture;

static void
set_up (Fixture *fixture, const void *data)
{
  g_autoptr (GError) error = NULL;

  fixture->top = g_dir_make_tmp ("keyring-watch-XXXXXX", &error);
  g_assert_no_error (error);
  fixture->desk = desk_new (fixture->top);
}

static void
tear_down (Fixture *fixture, const void *data)
{
  keyring_watch_free (fixture->watch);
  desk_free (fixture->desk);
  directory_remove (fixture->top);
  g_free (fixture->top);
}

static void
on_opened (void *data)
{
  ((Fixture *) data)->opened++;
}

static void
start_watch (Fixture *fixture)
{
  fixture->watch = keyring_watch_new (on_opened, fixture);
}

static int
on_time (void *data)
{
  return G_SOURCE_CONTINUE;
}

/* Until it is told, or MILLISECONDS have passed. */
static void
watch (Fixture *fixture, unsigned milliseconds)
{
  int64_t end = g_get_monotonic_time () + milliseconds * INT64_C (1000);
  unsigned timer = g_timeout_add (milliseconds, on_time, NULL);

  while (fixture->opened == 0 && g_get_monotonic_time () < end)
    g_main_context_iteration (NULL, TRUE);
  g_source_remove (timer);
}

static void
expect (Fixture *fixture)
{
  watch (fixture, LATE_MS);
  g_assert_cmpuint (fixture->opened, ==, 1);
  fixture->opened = 0;
}

static void
assert_silence (Fixture *fixture)
{
  watch (fixture, SILENCE_MS);
  g_assert_cmpuint (fixture->opened, ==, 0);
}

static DeskService *
start_keyring (Fixture *fixture)
{
  return desk_serve (fixture->desk, SECRETS, NULL, NULL);
}

static bool
has_desk (void)
{
  if (desk_can_start ())
    return true;
  g_test_skip ("there is no dbus-daemon");
  return false;
}

static void
test_keyring_appears (Fixture *fixture, const void *data)
{
  DeskService *keyring;

  if (!has_desk ())
    return;
  desk_start (fixture->desk);
  desk_set_address (fixture->desk);
  start_watch (fixture);
  assert_silence (fixture);
  keyring = start_keyring (fixture);
  expect (fixture);
  desk_leave (fixture->desk, keyring);
  assert_silence (fixture);
  start_keyring (fixture);
  expect (fixture);
}

static void
emit_locked (DeskService *keyring, bool locked)
{
  GVariantBuilder changed;

  g_variant_builder_init (&changed, G_VARIANT_TYPE_VARDICT);
  g_variant_builder_add (&changed, "{sv}", "Locked",
                         g_variant_new_boolean (locked));
  desk_emit (keyring, COLLECTION, "org.freedesktop.DBus.Properties",
             "PropertiesChanged",
             g_variant_new ("(sa{sv}as)", "org.freedesktop.Secret.Collection",
                            &changed, NULL));
}

static void
test_keyring_unlocked (Fixture *fixture, const void *data)
{
  DeskService *keyring;

  if (!has_desk ())
    return;
  desk_start (fixture->desk);
  desk_set_address (fixture->desk);
  keyring = start_keyring (fixture);
  start_watch (fixture);
  expect (fixture);
  assert_silence (fixture);
  emit_locked (keyring, true);
  assert_silence (fixture);
  emit_locked (keyring, false);
  expect (fixture);
  assert_silence (fixture);
  desk_emit (keyring, "/org/freedesktop/secrets",
             "org.freedesktop.Secret.Service", "CollectionChanged",
             g_variant_new ("(o)", COLLECTION));
  expect (fixture);
  /* What is no such message is nothing. */
  desk_emit (keyring, COLLECTION, "org.freedesktop.DBus.Properties",
             "PropertiesChanged",
             g_variant_new ("(ss)", "org.freedesktop.Secret.Collection", ""));
  assert_silence (fixture);
}

static void
test_keyring_chatters (Fixture *fixture, const void *data)
{
  int64_t begun = g_get_monotonic_time ();
  DeskService *keyring;

  if (!has_desk ())
    return;
  desk_start (fixture->desk);
  desk_set_address (fixture->desk);
  keyring = start_keyring (fixture);
  start_watch (fixture);
  expect (fixture);
  for (int i = 0; i < 1000; i++)
    emit_locked (keyring, false);
  expect (fixture);
  g_assert_cmpint (g_get_monotonic_time () - begun, >=, G_USEC_PER_SEC);
}

/* A machine starts, and later somebody logs in. */
static void
test_bus_appears (Fixture *fixture, const void *data)
{
  if (!has_desk ())
    return;
  start_watch (fixture);
  assert_silence (fixture);
  desk_make_directory (fixture->desk);
  assert_silence (fixture);
  desk_start (fixture->desk);
  start_keyring (fixture);
  expect (fixture);
}

static void
test_bus_comes_again (Fixture *fixture, const void *data)
{
  if (!has_desk ())
    return;
  desk_start (fixture->desk);
  start_keyring (fixture);
  start_watch (fixture);
  expect (fixture);
  for (int i = 0; i < 2; i++)
    {
      desk_stop (fixture->desk);
      assert_silence (fixture);
      desk_start (fixture->desk);
      start_keyring (fixture);
      expect (fixture);
    }
}

static void
test_bus_hangs (Fixture *fixture, const void *data)
{
  int64_t begun = g_get_monotonic_time ();

  desk_start_silent (fixture->desk);
  start_watch (fixture);
  g_assert_cmpint (g_get_monotonic_time () - begun, <, G_USEC_PER_SEC);
  assert_silence (fixture);
  if (!has_desk ())
    return;
  desk_stop (fixture->desk);
  desk_start (fixture->desk);
  start_keyring (fixture);
  expect (fixture);
}

/* Being freed does not wait for it either. */
static void
test_bus_hangs_on (Fixture *fixture, const void *data)
{
  int64_t begun = g_get_monotonic_time ();

  desk_start_silent (fixture->desk);
  start_watch (fixture);
  g_clear_pointer (&fixture->watch, keyring_watch_free);
  g_assert_cmpint (g_get_monotonic_time () - begun, <, G_USEC_PER_SEC);
}

int
main (int argc, char **argv)
{
#define ADD(path, test)                                                       \
  g_test_add ("/keyring-watch" path, Fixture, NULL, set_up, test, tear_down)

  g_test_init (&argc, &argv, NULL);
  ADD ("/keyring/appears", test_keyring_appears);
  ADD ("/keyring/unlocked", test_keyring_unlocked);
  ADD ("/keyring/chatters", test_keyring_chatters);
  ADD ("/bus/appears", test_bus_appears);
  ADD ("/bus/comes-again", test_bus_comes_again);
  ADD ("/bus/hangs", test_bus_hangs);
  ADD ("/bus/hangs-on", test_bus_hangs_on);
  return g_test_run ();
}
