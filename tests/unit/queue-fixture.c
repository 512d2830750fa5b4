#include "tests/unit/queue-fixture.h"

#include <string.h>

#include <glib.h>
#include <glib/gstdio.h>

#include "base/log.h"
#include "tests/unit/directory.h"

void
fixture_set_up (Fixture *fixture, const void *data)
{
  g_autoptr (GError) error = NULL;

  log_open ("none");
  fixture->top = g_dir_make_tmp ("queue-XXXXXX", &error);
  g_assert_no_error (error);
  fixture->queue = queue_open (fixture->top, &error);
  g_assert_no_error (error);
}

void
fixture_tear_down (Fixture *fixture, const void *data)
{
  queue_free (fixture->queue);
  directory_remove (fixture->top);
  g_free (fixture->top);
}

char *
path_in (const Fixture *fixture, const char *room, const char *id)
{
  return g_build_filename (fixture->top, room, id, NULL);
}

static bool
is_in (const Fixture *fixture, const char *room, const char *id)
{
  g_autofree char *path = path_in (fixture, room, id);

  return g_file_test (path, G_FILE_TEST_EXISTS | G_FILE_TEST_IS_SYMLINK);
}

void
assert_place (const Fixture *fixture, const char *id, const char *room)
{
  static const char *const rooms[] = { "queue", "held", "corrupt" };

  for (size_t i = 0; i < G_N_ELEMENTS (rooms); i++)
    g_assert_cmpint (is_in (fixture, rooms[i], id), ==,
                     g_strcmp0 (room, rooms[i]) == 0);
}

Message *
new_message (Spool *body)
{
  Message *message = g_new0 (Message, 1);

  message->header = header_new ();
  header_append (message->header, "Subject", " test");
  message->body = body;
  g_assert_true (spool_append (body, BODY, strlen (BODY), NULL));
  return message;
}

Entry *
enter_many (Fixture *fixture, const char *hold_reason, size_t recipients)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Message) message = new_message (queue_spool (fixture->queue, 0));
  g_autoptr (Envelope) envelope = envelope_new ();
  Entry *entry;

  g_free (envelope->reverse_path);
  envelope->reverse_path = g_strdup ("me@example.org");
  for (size_t i = 0; i < recipients; i++)
    {
      g_autofree char *path
          = i < 26 ? g_strdup_printf ("%c@example.org", (char) ('a' + i))
                   : g_strdup_printf ("a%zu@example.org", i);

      envelope_add (envelope, path);
    }
  entry = queue_enter (fixture->queue, message,
                       &(QueueRequest){ .envelope = envelope,
                                        .account = "work",
                                        .hold_reason = hold_reason },
                       &error);
  g_assert_no_error (error);
  return entry;
}

Entry *
enter (Fixture *fixture, const char *hold_reason)
{
  return enter_many (fixture, hold_reason, 3);
}

GPtrArray *
new_statuses (const Fate *fates, size_t count)
{
  GPtrArray *statuses
      = g_ptr_array_new_with_free_func ((GDestroyNotify) status_free);

  for (size_t i = 0; i < count; i++)
    {
      Status *status = status_new_reply (STAGE_RCPT, 550,
                                         (EnhancedCode){ 5, 1, 1 }, "words");

      status->fate = fates[i];
      g_ptr_array_add (statuses, status);
    }
  return statuses;
}

void
settle (Fixture *fixture, Entry *entry, const Fate *fates, Settled expected)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GArray) owed = NULL;
  g_autoptr (Envelope) envelope = entry_owed (entry, &owed);
  g_autoptr (GPtrArray) statuses = new_statuses (fates, owed->len);
  Settled where;

  g_assert_true (queue_settle (fixture->queue, entry, owed, statuses, &where,
                               &error));
  g_assert_no_error (error);
  g_assert_cmpint (where, ==, expected);
  /* Its sender has to be told first. */
  if (where == SETTLED_HELD)
    g_assert_true (queue_hold (fixture->queue, entry, "words", &error));
  g_assert_no_error (error);
}

