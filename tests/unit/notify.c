/* What the desktop is told: once for each cause, no more than is worth it, and
 * never so that mail waits for it. */

#include <string.h>

#include <glib.h>
#include <glib/gstdio.h>

#include "submit/notify.h"
#include "tests/unit/desk.h"

#define SERVICE "org.freedesktop.Notifications"

/* Microseconds; for what should end in two seconds. */
#define LATE (4 * G_USEC_PER_SEC)

typedef struct
{
  char *top;
  Desk *desk;
  GAsyncQueue *shown; /* of GVariant, as Notify got it */
  Account account;
  General general;
  Backoff backoff;
} Fixture;

/* In another thread. */
static GDBusMessage *
answer (GDBusMessage *call, void *data)
{
  Fixture *fixture = data;
  GDBusMessage *reply;

  if (g_strcmp0 (g_dbus_message_get_member (call), "Notify") != 0)
    return g_dbus_message_new_method_error_literal (
        call, "org.freedesktop.DBus.Error.UnknownMethod", "?");
  g_async_queue_push (fixture->shown,
                      g_variant_ref (g_dbus_message_get_body (call)));
  reply = g_dbus_message_new_method_reply (call);
  g_dbus_message_set_body (reply, g_variant_new ("(u)", 1));
  return reply;
}

/* Without a bus. */
static void
set_up_bare (Fixture *fixture, const void *data)
{
  g_autoptr (GError) error = NULL;

  fixture->top = g_dir_make_tmp ("notify-XXXXXX", &error);
  g_assert_no_error (error);
  fixture->desk = desk_new (fixture->top);
  fixture->shown = g_async_queue_new_full ((GDestroyNotify) g_variant_unref);
  fixture->account.name = (char *) "work";
  fixture->account.relay.host = (char *) "smtp.example";
  fixture->general.notify = true;
  fixture->backoff.reason = (char *) "";
}

static void
set_up (Fixture *fixture, const void *data)
{
  set_up_bare (fixture, data);
  if (!desk_can_start ())
    {
      g_test_skip ("there is no dbus-daemon");
      return;
    }
  desk_start (fixture->desk);
  desk_set_address (fixture->desk);
  desk_serve (fixture->desk, SERVICE, answer, fixture);
}

static void
tear_down (Fixture *fixture, const void *data)
{
  desk_free (fixture->desk);
  g_assert_null (g_async_queue_try_pop (fixture->shown));
  g_async_queue_unref (fixture->shown);
  g_rmdir (fixture->top);
  g_free (fixture->top);
}

static Status
status_of (Stage stage, Fate fate, bool alert, const char *text)
{
  return (Status){ .stage = stage,
                   .fate = fate,
                   .scope = SCOPE_ACCOUNT,
                   .alert = alert,
                   .text = (char *) text };
}

/* After this failure; whether the desktop was told. */
static bool
tells (Fixture *fixture, const Status *status)
{
  g_autoptr (GVariant) shown = NULL;

  fixture->backoff.failures++;
  notify_account (&fixture->general, &fixture->account, &fixture->backoff,
                  status, 0);
  shown = g_async_queue_try_pop (fixture->shown);
  return shown != NULL;
}

static void
test_account (Fixture *fixture, const void *data)
{
  Status status =
      status_of (STAGE_AUTH, FATE_HELD, true, "5.7.8 <b>no</b> & never");
  g_autoptr (GVariant) shown = NULL;
  g_autoptr (GVariant) actions = NULL;
  g_autoptr (GVariant) hints = NULL;
  const char *program, *icon, *summary, *body, *category;
  uint32_t replaced;
  uint8_t urgency;
  int32_t expires;

  if (!desk_can_start ())
    return;
  status.code = 535;
  fixture->backoff.paused = true;
  notify_account (&fixture->general, &fixture->account, &fixture->backoff,
                  &status, 50);
  shown = g_async_queue_try_pop (fixture->shown);
  g_assert_nonnull (shown);
  g_assert_cmpstr (g_variant_get_type_string (shown), ==, "(susssasa{sv}i)");
  g_variant_get (shown, "(&su&s&s&s@as@a{sv}i)", &program, &replaced, &icon,
                 &summary, &body, &actions, &hints, &expires);
  g_assert_cmpstr (program, ==, "Postrider");
  g_assert_cmpuint (replaced, ==, 0);
  g_assert_cmpstr (summary, ==, "Account work cannot send mail");
  g_assert_cmpstr (
      body, ==,
      "smtp.example answered: 5.7.8 &lt;b&gt;no&lt;/b&gt; &amp; never\n"
      "50 of its messages are held.\n"
      "To store the right password: postrider password set work");
  g_assert_cmpuint (g_variant_n_children (actions), ==, 0);
  g_assert_true (g_variant_lookup (hints, "urgency", "y", &urgency));
  g_assert_cmpuint (urgency, ==, 2);
  g_assert_true (g_variant_lookup (hints, "category", "&s", &category));
  g_assert_cmpstr (category, ==, "email");
  g_assert_cmpint (expires, ==, -1);
  g_assert_true (fixture->backoff.notified);
  g_assert_false (tells (fixture, &status));
}

static void
test_worth (Fixture *fixture, const void *data)
{
  static const struct
  {
    Stage stage;
    Fate fate;
    bool alert;
    unsigned failures; /* until it is told; 0: never */
  } cases[] = {
    { STAGE_AUTH, FATE_HELD, true, 1 },
    { STAGE_ACCOUNT, FATE_HELD, false, 1 },
    { STAGE_TLS, FATE_DELAYED, true, 1 },
    { STAGE_TLS, FATE_DELAYED, false, 0 },
    { STAGE_EHLO, FATE_DELAYED, true, 3 },
    { STAGE_CREDENTIAL, FATE_DELAYED, false, 3 },
    { STAGE_CONNECT, FATE_DELAYED, false, 0 },
    { STAGE_MAIL, FATE_DELAYED, false, 0 },
  };

  if (!desk_can_start ())
    return;
  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      Status status =
          status_of (cases[i].stage, cases[i].fate, cases[i].alert, "x");

      fixture->backoff.failures = 0;
      fixture->backoff.notified = false;
      for (unsigned n = 1; n <= 10; n++)
        g_assert_cmpint (tells (fixture, &status), ==, n == cases[i].failures);
    }
}

static void
test_unwanted (Fixture *fixture, const void *data)
{
  Status status = status_of (STAGE_AUTH, FATE_HELD, true, "x");

  fixture->general.notify = false;
  g_assert_false (tells (fixture, &status));
  g_assert_false (fixture->backoff.notified);
  notify_undelivered (&fixture->general, "work", 1, "x", true);
  notify_doomed (&fixture->general, 1);
}

static void
assert_shown (Fixture *fixture, const char *summary, const char *body,
              const char *category, uint8_t urgency)
{
  g_autoptr (GVariant) shown = g_async_queue_try_pop (fixture->shown);
  g_autoptr (GVariant) hints = NULL;
  const char *got_summary, *got_body, *got_category;
  uint8_t got_urgency;

  g_assert_nonnull (shown);
  g_variant_get (shown, "(&su&s&s&s@as@a{sv}i)", NULL, NULL, NULL,
                 &got_summary, &got_body, NULL, &hints, NULL);
  g_assert_cmpstr (got_summary, ==, summary);
  g_assert_cmpstr (got_body, ==, body);
  g_assert_true (g_variant_lookup (hints, "category", "&s", &got_category));
  g_assert_cmpstr (got_category, ==, category);
  g_assert_true (g_variant_lookup (hints, "urgency", "y", &got_urgency));
  g_assert_cmpuint (got_urgency, ==, urgency);
}

static void
test_others (Fixture *fixture, const void *data)
{
  if (!desk_can_start ())
    return;
  notify_undelivered (&fixture->general, "work", 0, "x", true);
  notify_doomed (&fixture->general, 0);
  g_assert_null (g_async_queue_try_pop (fixture->shown));
  notify_undelivered (&fixture->general, "work", 1, "550 <no>\033[31m", false);
  assert_shown (fixture, "1 message could not be delivered",
                "work: 550 &lt;no&gt;?[31m\n"
                "To see what is held: postrider queue list",
                "email.bounced", 1);
  notify_undelivered (&fixture->general, "work", 2, "550 no", true);
  assert_shown (fixture, "2 messages could not be delivered",
                "work: 550 no\n"
                "Their senders could not be told of them by mail.\n"
                "To see what is held: postrider queue list",
                "email.bounced", 2);
  notify_doomed (&fixture->general, 3);
  assert_shown (fixture, "3 held messages will be removed soon",
                "To see them: postrider queue list\n"
                "To send one: postrider queue release ID",
                "email", 1);
}

/* Nobody was told; the next failure tells. */
static void
assert_in_vain (Fixture *fixture)
{
  Status status = status_of (STAGE_AUTH, FATE_HELD, true, "x");
  int64_t begun = g_get_monotonic_time ();

  g_assert_false (tells (fixture, &status));
  g_assert_false (fixture->backoff.notified);
  g_assert_cmpint (g_get_monotonic_time () - begun, <, LATE);
}

static void
test_no_bus (Fixture *fixture, const void *data)
{
  assert_in_vain (fixture);
  desk_set_address (fixture->desk);
  assert_in_vain (fixture);
  desk_start_silent (fixture->desk);
  assert_in_vain (fixture);
}

static void
test_no_service (Fixture *fixture, const void *data)
{
  Status status = status_of (STAGE_AUTH, FATE_HELD, true, "x");

  if (!desk_can_start ())
    return;
  desk_start (fixture->desk);
  desk_set_address (fixture->desk);
  assert_in_vain (fixture);
  desk_leave (fixture->desk, desk_serve (fixture->desk, SERVICE, NULL, NULL));
  desk_serve (fixture->desk, SERVICE, answer, fixture);
  g_assert_true (tells (fixture, &status));
}

static void
test_silent_service (Fixture *fixture, const void *data)
{
  if (!desk_can_start ())
    return;
  desk_start (fixture->desk);
  desk_set_address (fixture->desk);
  desk_serve (fixture->desk, SERVICE, NULL, NULL);
  assert_in_vain (fixture);
}

int
main (int argc, char **argv)
{
#define ADD(path, set_up, test)                                               \
  g_test_add ("/notify" path, Fixture, NULL, set_up, test, tear_down)

  g_test_init (&argc, &argv, NULL);
  ADD ("/account", set_up, test_account);
  ADD ("/worth", set_up, test_worth);
  ADD ("/unwanted", set_up, test_unwanted);
  ADD ("/others", set_up, test_others);
  ADD ("/no-bus", set_up_bare, test_no_bus);
  ADD ("/no-service", set_up_bare, test_no_service);
  ADD ("/silent-service", set_up_bare, test_silent_service);
  return g_test_run ();
}
