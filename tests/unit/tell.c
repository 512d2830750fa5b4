/* Who is told what, and where the message goes then; no notification is lost, and
 * none answers another. */

#include <string.h>
#include <unistd.h>

#include <glib.h>
#include <glib/gstdio.h>

#include "base/log.h"
#include "submit/tell.h"
#include "tests/unit/directory.h"

typedef struct
{
  char *top;
  Queue *queue;
  Account account;
  General general;
} Fixture;

static void
set_up (Fixture *fixture, const void *data)
{
  g_autoptr (GError) error = NULL;

  log_open ("none");
  fixture->top = g_dir_make_tmp ("tell-XXXXXX", &error);
  g_assert_no_error (error);
  fixture->queue = queue_open (fixture->top, &error);
  g_assert_no_error (error);
  fixture->account.name = (char *) "work";
  fixture->account.from = g_ptr_array_new ();
  g_ptr_array_add (fixture->account.from, (char *) "*@glob.example");
  g_ptr_array_add (fixture->account.from, (char *) "own@example.org");
  fixture->account.relay.host = (char *) "smtp.example.org";
  fixture->general = (General){ .queue_lifetime = 5 * 24 * 60 * 60,
                                .delay_warning = 4 * 60 * 60,
                                .keep_held = 30 * 24 * 60 * 60 };
}

static void
tear_down (Fixture *fixture, const void *data)
{
  queue_free (fixture->queue);
  g_ptr_array_unref (fixture->account.from);
  directory_remove (fixture->top);
  g_free (fixture->top);
}

static Entry *
enter (Fixture *fixture, const char *sender, bool notification)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Message) message = g_new0 (Message, 1);
  g_autoptr (Envelope) envelope = envelope_new ();
  Entry *entry;

  message->header = header_new ();
  header_append (message->header, "Subject", "test");
  message->body = queue_spool (fixture->queue, 0);
  g_assert_true (spool_append (message->body, "one\r\n", 5, &error));
  g_free (envelope->reverse_path);
  envelope->reverse_path = g_strdup (sender);
  envelope_add (envelope, "a@example.net");
  envelope_add (envelope, "b@example.net");
  entry = queue_enter (fixture->queue, message,
                       &(QueueRequest){ .envelope = envelope,
                                        .account = "work",
                                        .notification = notification },
                       &error);
  g_assert_no_error (error);
  return entry;
}

/* The fates of a@ and b@. */
static void
settle (Fixture *fixture, Entry *entry, Fate a, Fate b)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GArray) owed = NULL;
  g_autoptr (Envelope) envelope = entry_owed (entry, &owed);
  g_autoptr (GPtrArray) statuses
      = g_ptr_array_new_with_free_func ((GDestroyNotify) status_free);
  Settled where;

  for (size_t i = 0; i < owed->len; i++)
    {
      Status *status = status_new_reply (STAGE_RCPT, 550,
                                         (EnhancedCode){ 5, 1, 1 }, "words");

      status->fate = g_array_index (owed, size_t, i) == 0 ? a : b;
      g_ptr_array_add (statuses, status);
    }
  g_assert_true (queue_settle (fixture->queue, entry, owed, statuses, &where,
                               &error));
  g_assert_no_error (error);
}

static Told
tell (Fixture *fixture, Entry *entry, bool caller_knows)
{
  g_autoptr (GError) error = NULL;
  TellParams params = { &fixture->account, &fixture->general, caller_knows };
  Told told;

  g_assert_true (tell_sender (fixture->queue, entry, &params, &told, &error));
  g_assert_no_error (error);
  return told;
}

/* How many other messages wait beside ENTRY; *OTHER (nullable) is the last. */
static size_t
others (Fixture *fixture, const Entry *entry, Entry **other)
{
  g_autoptr (GPtrArray) ids = queue_list (fixture->queue, ROOM_QUEUE, NULL);
  size_t count = 0;

  for (size_t i = 0; i < ids->len; i++)
    if (strcmp (ids->pdata[i], entry->id) != 0)
      {
        count++;
        if (other != NULL)
          *other = queue_lock (fixture->queue, ROOM_QUEUE, ids->pdata[i], NULL,
                               NULL);
      }
  return count;
}

static void
test_failed (Fixture *fixture, const void *data)
{
  g_autoptr (Entry) entry = enter (fixture, "me@example.org", false);
  g_autoptr (Entry) other = NULL;
  Told told;

  settle (fixture, entry, FATE_FAILED, FATE_RELAYED);
  told = tell (fixture, entry, false);
  g_assert_true (told.sent);
  g_assert_false (told.untold);
  g_assert_true (entry->held);
  g_assert_cmpstr (entry->reason, ==, "550 5.1.1 words");
  g_assert_cmpint (others (fixture, entry, &other), ==, 1);
  g_assert_true (other->notification);
  g_assert_cmpstr (other->account, ==, "work");
  g_assert_cmpstr (other->envelope->reverse_path, ==, "");
  g_assert_cmpint (other->envelope->forward_paths->len, ==, 1);
  g_assert_cmpstr (other->envelope->forward_paths->pdata[0], ==,
                   "me@example.org");
  g_assert_cmpstr (other->envelope->notify, ==, "NEVER");
}

/* The same, read back by somebody else after each step. */
static void
test_crash (Fixture *fixture, const void *data)
{
  g_autoptr (Entry) entry = enter (fixture, "me@example.org", false);
  g_autofree char *id = g_strdup (entry->id);

  settle (fixture, entry, FATE_FAILED, FATE_FAILED);
  g_clear_pointer (&entry, entry_free);
  entry = queue_lock (fixture->queue, ROOM_QUEUE, id, NULL, NULL);
  g_assert_nonnull (entry);
  g_assert_true (tell (fixture, entry, false).sent);
  g_assert_cmpint (others (fixture, entry, NULL), ==, 1);
  g_clear_pointer (&entry, entry_free);
  entry = queue_lock (fixture->queue, ROOM_HELD, id, NULL, NULL);
  g_assert_nonnull (entry);
  for (size_t i = 0; i < entry->told->len; i++)
    g_assert_true (g_array_index (entry->told, bool, i));
}

/* Who fails later is told of later, and nobody twice. */
static void
test_one_after_another (Fixture *fixture, const void *data)
{
  g_autoptr (Entry) entry = enter (fixture, "me@example.org", false);

  settle (fixture, entry, FATE_FAILED, FATE_DELAYED);
  g_assert_true (tell (fixture, entry, false).sent);
  g_assert_false (entry->held);
  g_assert_cmpint (others (fixture, entry, NULL), ==, 1);
  settle (fixture, entry, FATE_FAILED, FATE_DELAYED);
  g_assert_false (tell (fixture, entry, false).sent);
  settle (fixture, entry, FATE_FAILED, FATE_FAILED);
  g_assert_true (tell (fixture, entry, false).sent);
  g_assert_true (entry->held);
  g_assert_cmpint (others (fixture, entry, NULL), ==, 2);
}

static void
test_nobody_to_tell (Fixture *fixture, const void *data)
{
  static const struct
  {
    const char *sender, *notify;
    bool notification, caller_knows;
    Fate fate;
    bool untold;
  } cases[] = {
    { "me@example.org", "", false, true, FATE_FAILED, false },
    { "me@example.org", "NEVER", false, false, FATE_FAILED, false },
    { "", "", false, false, FATE_FAILED, false },
    { "me@example.org", "", false, false, FATE_HELD, false },
    /* A notification that nobody takes */
    { "", "NEVER", true, false, FATE_FAILED, true },
    { "own@example.org", "", true, false, FATE_FAILED, true },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (Entry) entry
          = enter (fixture, cases[i].sender, cases[i].notification);
      Told told;

      g_free (entry->envelope->notify);
      entry->envelope->notify = g_strdup (cases[i].notify);
      settle (fixture, entry, cases[i].fate, cases[i].fate);
      told = tell (fixture, entry, cases[i].caller_knows);
      g_assert_false (told.sent);
      g_assert_cmpint (told.untold, ==, cases[i].untold);
      g_assert_true (entry->held);
      g_assert_cmpint (g_array_index (entry->told, bool, 0), ==,
                       cases[i].fate == FATE_FAILED);
      g_assert_cmpint (others (fixture, entry, NULL), ==, 0);
    }
}

/* It is held for what can be mended. */
static void
test_reason (Fixture *fixture, const void *data)
{
  g_autoptr (Entry) entry = enter (fixture, "me@example.org", false);
  Status *status;

  settle (fixture, entry, FATE_FAILED, FATE_HELD);
  status = entry->statuses->pdata[1];
  g_free (status->text);
  status->text = g_strdup ("mend this");
  g_assert_true (tell (fixture, entry, false).sent);
  g_assert_cmpstr (entry->reason, ==, "550 5.1.1 mend this");
}

static void
test_delayed (Fixture *fixture, const void *data)
{
  g_autoptr (Entry) entry = enter (fixture, "me@example.org", false);

  settle (fixture, entry, FATE_DELAYED, FATE_RELAYED);
  entry->waited = 4 * 60 * 60 - 1;
  g_assert_false (tell (fixture, entry, false).sent);
  entry->waited = 4 * 60 * 60;
  g_assert_true (tell (fixture, entry, false).sent);
  g_assert_true (entry->warned);
  g_assert_false (tell (fixture, entry, false).sent);
  g_assert_false (entry->held);
  g_assert_cmpint (others (fixture, entry, NULL), ==, 1);
}

static void
test_never_late (Fixture *fixture, const void *data)
{
  g_autoptr (Entry) entry = enter (fixture, "me@example.org", false);
  g_autoptr (Entry) own = enter (fixture, "", true);

  entry->waited = own->waited = 4 * 24 * 60 * 60;
  settle (fixture, own, FATE_DELAYED, FATE_DELAYED);
  g_assert_false (tell (fixture, own, false).sent);
  fixture->general.delay_warning = 0;
  settle (fixture, entry, FATE_DELAYED, FATE_DELAYED);
  g_assert_false (tell (fixture, entry, false).sent);
}

/* The From field: of the account, or where that has none, of the sender. */
static void
test_from (Fixture *fixture, const void *data)
{
  static const char *const expected[]
      = { "From: Postrider <own@example.org>\r\n",
          "From: Postrider <me@glob.example>\r\n" };

  for (size_t i = 0; i < G_N_ELEMENTS (expected); i++)
    {
      g_autoptr (Entry) entry = enter (fixture, "me@glob.example", false);
      g_autoptr (Entry) other = NULL;
      char header[4096] = "";

      settle (fixture, entry, FATE_FAILED, FATE_FAILED);
      g_assert_true (tell (fixture, entry, false).sent);
      (void) others (fixture, entry, &other);
      g_assert_cmpint (pread (other->fd, header, sizeof header - 1,
                              (off_t) other->content.header.offset),
                       >, 0);
      g_assert_nonnull (strstr (header, expected[i]));
      g_assert_true (queue_remove (fixture->queue, other, NULL));
      g_ptr_array_set_size (fixture->account.from, 1);
    }
}

/* What could not be written is told by the next one who comes. */
static void
test_unreadable (Fixture *fixture, const void *data)
{
  g_autoptr (Entry) entry = enter (fixture, "me@example.org", false);
  g_autoptr (GError) error = NULL;
  TellParams params = { &fixture->account, &fixture->general, false };
  Told told;
  uint64_t offset = entry->content.header.offset;

  settle (fixture, entry, FATE_FAILED, FATE_FAILED);
  entry->content.header.offset += 1024 * 1024;
  g_assert_false (
      tell_sender (fixture->queue, entry, &params, &told, &error));
  g_assert_error (error, FAILURE, FAILURE_IO);
  g_assert_false (told.sent);
  g_assert_false (entry->held);
  g_assert_false (g_array_index (entry->told, bool, 0));
  entry->content.header.offset = offset;
  g_assert_true (tell (fixture, entry, false).sent);
}

int
main (int argc, char **argv)
{
  static const struct
  {
    const char *name;
    void (*run) (Fixture *, const void *);
  } tests[] = {
    { "/submit/tell/failed", test_failed },
    { "/submit/tell/crash", test_crash },
    { "/submit/tell/one-after-another", test_one_after_another },
    { "/submit/tell/nobody-to-tell", test_nobody_to_tell },
    { "/submit/tell/reason", test_reason },
    { "/submit/tell/delayed", test_delayed },
    { "/submit/tell/never-late", test_never_late },
    { "/submit/tell/from", test_from },
    { "/submit/tell/unreadable", test_unreadable },
  };

  g_test_init (&argc, &argv, NULL);
  for (size_t i = 0; i < G_N_ELEMENTS (tests); i++)
    g_test_add (tests[i].name, Fixture, NULL, set_up, tests[i].run, tear_down);
  return g_test_run ();
}
