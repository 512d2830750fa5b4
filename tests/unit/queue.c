/* The queue's promise, as far as one process can see it: an entry is there whole
 * or not at all, says what became of each recipient, and is in one place. */

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib.h>
#include <glib/gstdio.h>

#include "queue/backoff.h"
#include "tests/unit/directory.h"
#include "tests/unit/queue-fixture.h"

static char *
content_text (const Content *content)
{
  size_t size = content->header.size + content->body.size;
  char *text = g_malloc0 (size + 1);

  g_assert_cmpint (pread (content->fd, text, content->header.size,
                          (off_t) content->header.offset),
                   ==, (ssize_t) content->header.size);
  g_assert_cmpint (pread (content->fd, text + content->header.size,
                          content->body.size, (off_t) content->body.offset),
                   ==, (ssize_t) content->body.size);
  return text;
}

static void
test_enter (Fixture *fixture, const void *data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Entry) entry = enter (fixture, NULL);
  g_autofree char *id = g_strdup (entry->id);
  g_autofree char *text = content_text (&entry->content);
  g_autoptr (Entry) again = NULL;
  g_autofree char *text_again = NULL;
  struct stat st;

  g_assert_cmpstr (text, ==, "Subject: test\r\n\r\n" BODY);
  assert_place (fixture, id, "queue");
  g_assert_cmpint (fstat (entry->fd, &st), ==, 0);
  g_assert_cmpint (st.st_mode & 0777, ==, 0600);
  /* Locked from the first moment. */
  g_assert_null (queue_lock (fixture->queue, ROOM_QUEUE, id, NULL, &error));
  g_assert_no_error (error);
  g_clear_pointer (&entry, entry_free);
  again = queue_lock (fixture->queue, ROOM_QUEUE, id, NULL, &error);
  g_assert_no_error (error);
  text_again = content_text (&again->content);
  g_assert_cmpstr (text_again, ==, text);
  g_assert_cmpstr (again->account, ==, "work");
  g_assert_cmpstr (again->envelope->reverse_path, ==, "me@example.org");
  g_assert_cmpuint (again->envelope->forward_paths->len, ==, 3);
  g_assert_cmpstr (again->envelope->forward_paths->pdata[2], ==,
                   "c@example.org");
  g_assert_false (again->content.eight_bit);
}

static void
test_held_at_once (Fixture *fixture, const void *data)
{
  g_autoptr (Entry) entry = enter (fixture, "no account");

  assert_place (fixture, entry->id, "held");
  g_assert_true (entry->held);
}

/* Killed between the record and the move; the reason has lines of its own. */
static void
test_hold_cut_short (Fixture *fixture, const void *data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Entry) entry = enter (fixture, "line 1: wrong\nline 2: wrong");
  g_autofree char *id = g_strdup (entry->id);
  g_autofree char *held = path_in (fixture, "held", id);
  g_autofree char *queued = path_in (fixture, "queue", id);

  g_clear_pointer (&entry, entry_free);
  g_assert_cmpint (g_rename (held, queued), ==, 0);
  g_assert_null (queue_lock (fixture->queue, ROOM_QUEUE, id, NULL, &error));
  g_assert_no_error (error);
  assert_place (fixture, id, "held");
}

static void
test_settle (Fixture *fixture, const void *data)
{
  static const struct
  {
    Fate fates[3];
    Settled settled;
    const char *room;
  } cases[] = {
    { { FATE_RELAYED, FATE_RELAYED, FATE_RELAYED }, SETTLED_GONE, NULL },
    { { FATE_RELAYED, FATE_DELAYED, FATE_FAILED }, SETTLED_QUEUED, "queue" },
    { { FATE_RELAYED, FATE_RELAYED, FATE_FAILED }, SETTLED_HELD, "held" },
    { { FATE_HELD, FATE_HELD, FATE_HELD }, SETTLED_HELD, "held" },
    { { FATE_FAILED, FATE_FAILED, FATE_FAILED }, SETTLED_HELD, "held" },
    { { FATE_DELAYED, FATE_DELAYED, FATE_DELAYED }, SETTLED_QUEUED, "queue" },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (Entry) entry = enter (fixture, NULL);

      settle (fixture, entry, cases[i].fates, cases[i].settled);
      assert_place (fixture, entry->id, cases[i].room);
    }
}

/* Who has the message is never asked for again. */
static void
test_owed (Fixture *fixture, const void *data)
{
  static const Fate first[] = { FATE_RELAYED, FATE_DELAYED, FATE_FAILED };
  static const Fate second[] = { FATE_RELAYED };
  g_autoptr (GError) error = NULL;
  g_autoptr (Entry) entry = enter (fixture, NULL);
  g_autofree char *id = g_strdup (entry->id);
  g_autoptr (GArray) owed = NULL;
  g_autoptr (Envelope) envelope = NULL;
  const Status *failed;

  g_assert_true (entry_record_attempt (entry, 1000, &error));
  settle (fixture, entry, first, SETTLED_QUEUED);
  g_clear_pointer (&entry, entry_free);
  entry = queue_lock (fixture->queue, ROOM_QUEUE, id, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (entry->attempts, ==, 1);
  g_assert_cmpint (entry->last_attempt, ==, 1000);
  envelope = entry_owed (entry, &owed);
  g_assert_cmpuint (envelope->forward_paths->len, ==, 1);
  g_assert_cmpstr (envelope->forward_paths->pdata[0], ==, "b@example.org");
  failed = entry->statuses->pdata[2];
  g_assert_cmpint (failed->fate, ==, FATE_FAILED);
  g_assert_cmpint (failed->code, ==, 550);
  g_assert_cmpint (failed->enhanced.detail, ==, 1);
  g_assert_cmpstr (failed->text, ==, "words");
  settle (fixture, entry, second, SETTLED_HELD);
  assert_place (fixture, id, "held");
}

static void
test_end_of_data (Fixture *fixture, const void *data)
{
  static const Fate fates[] = { FATE_DELAYED, FATE_DELAYED, FATE_DELAYED };
  g_autoptr (GError) error = NULL;
  g_autoptr (Entry) entry = enter (fixture, NULL);
  g_autofree char *id = g_strdup (entry->id);

  g_assert_true (entry_record_attempt (entry, 1, &error));
  g_assert_true (entry_record_end_of_data (entry, 2, &error));
  g_clear_pointer (&entry, entry_free);
  entry = queue_lock (fixture->queue, ROOM_QUEUE, id, NULL, &error);
  g_assert_true (entry->end_of_data_sent);
  settle (fixture, entry, fates, SETTLED_QUEUED);
  g_clear_pointer (&entry, entry_free);
  entry = queue_lock (fixture->queue, ROOM_QUEUE, id, NULL, &error);
  g_assert_false (entry->end_of_data_sent);
}

/* The file cut off at every length: below the records it is damaged and set
   aside, within them the torn record alone does not count. */
static void
test_truncated (Fixture *fixture, const void *data)
{
  static const Fate fates[] = { FATE_RELAYED, FATE_DELAYED, FATE_DELAYED };
  g_autoptr (Entry) entry = enter (fixture, NULL);
  g_autofree char *id = g_strdup (entry->id);
  g_autofree char *path = path_in (fixture, "queue", id);
  g_autofree char *aside = path_in (fixture, "corrupt", id);
  g_autofree char *whole = NULL;
  size_t records = entry->end;
  gsize size;

  settle (fixture, entry, fates, SETTLED_QUEUED);
  g_clear_pointer (&entry, entry_free);
  g_assert_true (g_file_get_contents (path, &whole, &size, NULL));
  g_assert_cmpuint (size, >, records);
  for (size_t length = 0; length < size; length++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (Entry) cut = NULL;

      g_assert_true (g_file_set_contents_full (
          path, whole, (gssize) length, G_FILE_SET_CONTENTS_CONSISTENT, 0600, NULL));
      cut = queue_lock (fixture->queue, ROOM_QUEUE, id, NULL, &error);
      if (length < records)
        {
          g_assert_null (cut);
          g_assert_error (error, FAILURE, FAILURE_DATA);
          assert_place (fixture, id, "corrupt");
          g_unlink (aside);
        }
      else
        g_assert_no_error (error);
    }
}

static void
test_bit_flips (Fixture *fixture, const void *data)
{
  static const Fate fates[] = { FATE_RELAYED, FATE_DELAYED, FATE_DELAYED };
  g_autoptr (Entry) entry = enter (fixture, NULL);
  g_autofree char *id = g_strdup (entry->id);
  g_autofree char *path = path_in (fixture, "queue", id);
  g_autofree char *aside = path_in (fixture, "corrupt", id);
  g_autofree char *whole = NULL;
  gsize size;

  settle (fixture, entry, fates, SETTLED_QUEUED);
  g_clear_pointer (&entry, entry_free);
  g_assert_true (g_file_get_contents (path, &whole, &size, NULL));
  /* The very last octet ends the last record, which is then merely torn. */
  for (size_t i = 0; i + 1 < size; i++)
    {
      g_autoptr (GError) error = NULL;

      whole[i] ^= 0x10;
      g_assert_true (g_file_set_contents_full (
          path, whole, (gssize) size, G_FILE_SET_CONTENTS_CONSISTENT, 0600, NULL));
      whole[i] ^= 0x10;
      g_assert_null (queue_lock (fixture->queue, ROOM_QUEUE, id, NULL, &error));
      g_assert_error (error, FAILURE, FAILURE_DATA);
      assert_place (fixture, id, "corrupt");
      g_unlink (aside);
    }
}

/* A torn record is written over, not behind. */
static void
test_torn_record (Fixture *fixture, const void *data)
{
  static const Fate fates[] = { FATE_RELAYED, FATE_DELAYED, FATE_DELAYED };
  g_autoptr (GError) error = NULL;
  g_autoptr (Entry) entry = enter (fixture, NULL);
  g_autofree char *id = g_strdup (entry->id);
  g_autoptr (GArray) owed = NULL;
  g_autoptr (Envelope) envelope = NULL;
  static const char torn[]
      = "01234567 status 0 relayed and a tail that is longer than the record "
        "that is written over it, so that its end would show if it stayed; "
        "the next reader would find half a line where a record should be";

  g_assert_cmpint (pwrite (entry->fd, torn, strlen (torn),
                           (off_t) entry->end),
                   ==, (ssize_t) strlen (torn));
  g_clear_pointer (&entry, entry_free);
  entry = queue_lock (fixture->queue, ROOM_QUEUE, id, NULL, &error);
  g_assert_no_error (error);
  settle (fixture, entry, fates, SETTLED_QUEUED);
  g_clear_pointer (&entry, entry_free);
  entry = queue_lock (fixture->queue, ROOM_QUEUE, id, NULL, &error);
  g_assert_no_error (error);
  envelope = entry_owed (entry, &owed);
  g_assert_cmpuint (owed->len, ==, 2);
}

static void
test_strange_files (Fixture *fixture, const void *data)
{
  static const char *const ids[]
      = { "0000000000000001", "0000000000000002", "0000000000000003",
          "0000000000000004" };
  g_autofree char *fifo = path_in (fixture, "queue", ids[0]);
  g_autofree char *directory = path_in (fixture, "queue", ids[1]);
  g_autofree char *link = path_in (fixture, "queue", ids[2]);
  g_autofree char *open = path_in (fixture, "queue", ids[3]);
  g_autoptr (Entry) good = enter (fixture, NULL);
  g_autofree char *good_id = g_strdup (good->id);
  g_autoptr (GPtrArray) listed = NULL;

  g_clear_pointer (&good, entry_free);
  g_assert_cmpint (mkfifo (fifo, 0600), ==, 0);
  g_assert_cmpint (g_mkdir (directory, 0700), ==, 0);
  g_assert_cmpint (symlink ("/etc/passwd", link), ==, 0);
  g_assert_true (g_file_set_contents_full (open, "x", 1,
                                           G_FILE_SET_CONTENTS_CONSISTENT, 0644,
                                           NULL));
  listed = queue_list (fixture->queue, ROOM_QUEUE, NULL);
  g_assert_cmpuint (listed->len, ==, 5);
  for (size_t i = 0; i < G_N_ELEMENTS (ids); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (queue_lock (fixture->queue, ROOM_QUEUE, ids[i], NULL, &error));
      g_assert_error (error, FAILURE, FAILURE_DATA);
      assert_place (fixture, ids[i], "corrupt");
    }
  good = queue_lock (fixture->queue, ROOM_QUEUE, good_id, NULL, NULL);
  g_assert_nonnull (good);
}

/* Killed between the record of the last fate and the move that follows. */
static void
test_unfinished_move (Fixture *fixture, const void *data)
{
  static const struct
  {
    Fate fate;
    const char *room;
    bool given; /* to the caller, whose sender is to be told */
  } cases[] = { { FATE_RELAYED, NULL, false }, { FATE_FAILED, "queue", true } };

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (Entry) entry = enter (fixture, NULL);
      g_autofree char *id = g_strdup (entry->id);
      g_autoptr (GArray) owed = NULL;
      g_autoptr (Envelope) envelope = entry_owed (entry, &owed);
      g_autoptr (GPtrArray) statuses
          = g_ptr_array_new_with_free_func ((GDestroyNotify) status_free);

      for (size_t j = 0; j < 3; j++)
        {
          Status *status
              = status_new_reply (STAGE_RCPT, 550, (EnhancedCode){ 0 }, "");

          status->fate = cases[i].fate;
          g_ptr_array_add (statuses, status);
        }
      g_assert_true (entry_record_statuses (entry, owed, statuses, &error));
      g_clear_pointer (&entry, entry_free);
      entry = queue_lock (fixture->queue, ROOM_QUEUE, id, NULL, &error);
      g_assert_no_error (error);
      g_assert_cmpint (entry != NULL, ==, cases[i].given);
      assert_place (fixture, id, cases[i].room);
    }
}

static void
test_order (Fixture *fixture, const void *data)
{
  g_autoptr (GPtrArray) entered = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GPtrArray) listed = NULL;

  for (int i = 0; i < 20; i++)
    {
      g_autoptr (Entry) entry = enter (fixture, NULL);

      g_ptr_array_add (entered, g_strdup (entry->id));
    }
  listed = queue_list (fixture->queue, ROOM_QUEUE, NULL);
  g_assert_cmpuint (listed->len, ==, entered->len);
  for (size_t i = 0; i < listed->len; i++)
    g_assert_cmpstr (listed->pdata[i], ==, entered->pdata[i]);
}

static void
test_directory_checks (void)
{
  g_autofree char *top = g_dir_make_tmp ("queue-XXXXXX", NULL);
  g_autofree char *loose = g_build_filename (top, "loose", NULL);
  g_autofree char *link = g_build_filename (top, "link", NULL);
  g_autofree char *file = g_build_filename (top, "file", NULL);
  g_autofree char *deep = g_build_filename (top, "a", "b", "c", NULL);
  const char *bad[] = { loose, link, file };
  g_autoptr (Queue) queue = NULL;

  g_mkdir (loose, 0700);
  g_chmod (loose, 0750);
  g_assert_cmpint (symlink (top, link), ==, 0);
  g_file_set_contents (file, "", 0, NULL);
  for (size_t i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (queue_open (bad[i], &error));
      g_assert_error (error, FAILURE, FAILURE_CONFIG);
    }
  queue = queue_open (deep, NULL);
  g_assert_nonnull (queue);
  directory_remove (top);
}

/* Who has a copy of the open file has the lock as well, and no other file. */
static void
test_adopt (Fixture *fixture, const void *data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Entry) entry = enter (fixture, NULL);
  g_autoptr (Entry) other = enter (fixture, NULL);
  g_autoptr (Entry) view
      = queue_view (fixture->queue, ROOM_QUEUE, entry->id, &error);
  g_autofree char *path = path_in (fixture, "queue", entry->id);
  g_autoptr (Entry) adopted
      = queue_adopt (fixture->queue, entry->id, entry->fd, &error);
  int again = open (path, O_RDWR | O_CLOEXEC);

  g_assert_no_error (error);
  g_assert_cmpstr (adopted->id, ==, entry->id);
  g_assert_cmpint (adopted->fd, !=, entry->fd);
  g_assert_null (
      queue_adopt (fixture->queue, entry->id, other->fd, &error));
  g_assert_null (queue_adopt (fixture->queue, entry->id, view->fd, &error));
  g_assert_null (queue_adopt (fixture->queue, entry->id, again, &error));
  g_assert_null (queue_adopt (fixture->queue, "../held/x", entry->fd, &error));
  g_assert_no_error (error);
  close (again);
  g_clear_pointer (&entry, entry_free);
  g_assert_true (queue_is_busy (fixture->queue, view));
  g_clear_pointer (&adopted, entry_free);
  g_assert_false (queue_is_busy (fixture->queue, view));
}

static void
test_busy (Fixture *fixture, const void *data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Entry) entry = enter (fixture, NULL);
  g_autofree char *id = g_strdup (entry->id);
  g_autoptr (Entry) view
      = queue_view (fixture->queue, ROOM_QUEUE, id, &error);
  bool busy = false;

  g_assert_no_error (error);
  g_assert_true (queue_is_busy (fixture->queue, view));
  g_assert_null (queue_lock (fixture->queue, ROOM_QUEUE, id, &busy, &error));
  g_assert_no_error (error);
  g_assert_true (busy);
  g_clear_pointer (&entry, entry_free);
  g_assert_false (queue_is_busy (fixture->queue, view));
  entry = queue_lock (fixture->queue, ROOM_QUEUE, id, &busy, &error);
  g_assert_nonnull (entry);
  g_assert_false (busy);
  /* One that is gone is neither. */
  g_assert_true (queue_remove (fixture->queue, entry, &error));
  g_assert_null (queue_lock (fixture->queue, ROOM_QUEUE, id, &busy, &error));
  g_assert_null (queue_view (fixture->queue, ROOM_QUEUE, id, &error));
  g_assert_no_error (error);
  g_assert_false (busy);
}

/* A view never changes anything, and does not follow links or wait for a fifo. */
static void
test_strange_views (Fixture *fixture, const void *data)
{
  static const char *const ids[]
      = { "0000000000000001", "0000000000000002", "0000000000000003",
          "0000000000000004" };
  g_autofree char *fifo = path_in (fixture, "held", ids[0]);
  g_autofree char *directory = path_in (fixture, "held", ids[1]);
  g_autofree char *link = path_in (fixture, "held", ids[2]);
  g_autofree char *empty = path_in (fixture, "held", ids[3]);
  g_autoptr (Entry) good = enter (fixture, NULL);
  g_autofree char *target = path_in (fixture, "queue", good->id);

  g_assert_cmpint (mkfifo (fifo, 0600), ==, 0);
  g_assert_cmpint (g_mkdir (directory, 0700), ==, 0);
  g_assert_cmpint (symlink (target, link), ==, 0);
  g_assert_true (g_file_set_contents_full (
      empty, "", 0, G_FILE_SET_CONTENTS_CONSISTENT, 0600, NULL));
  for (size_t i = 0; i < G_N_ELEMENTS (ids); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (queue_view (fixture->queue, ROOM_HELD, ids[i], &error));
      g_assert_error (error, FAILURE, FAILURE_DATA);
      assert_place (fixture, ids[i], "held");
    }
  for (size_t i = 0; i < G_N_ELEMENTS (ids); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (
          queue_lock (fixture->queue, ROOM_HELD, ids[i], NULL, &error));
      g_assert_error (error, FAILURE, FAILURE_DATA);
      assert_place (fixture, ids[i], "corrupt");
    }
}

/* Planted by root, who alone can: here root does it and puts it aside again. */
static void
test_foreign_owner (Fixture *fixture, const void *data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Entry) entry = enter (fixture, NULL);
  g_autofree char *id = g_strdup (entry->id);

  if (geteuid () != 0)
    {
      g_test_skip ("only root can give files away");
      return;
    }
  g_assert_cmpint (fchown (entry->fd, 1, 1), ==, 0);
  g_clear_pointer (&entry, entry_free);
  g_assert_null (queue_view (fixture->queue, ROOM_QUEUE, id, &error));
  g_assert_error (error, FAILURE, FAILURE_DATA);
  g_clear_error (&error);
  g_assert_null (queue_lock (fixture->queue, ROOM_QUEUE, id, NULL, &error));
  g_assert_error (error, FAILURE, FAILURE_DATA);
  assert_place (fixture, id, "corrupt");
}

static void
test_reserve (Fixture *fixture, const void *data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Message) message
      = new_message (queue_spool (fixture->queue, G_MAXUINT64));
  g_autoptr (Envelope) envelope = envelope_new ();
  g_autoptr (GPtrArray) listed = NULL;

  envelope_add (envelope, "a@example.org");
  g_assert_null (queue_enter (
      fixture->queue, message,
      &(QueueRequest){ .envelope = envelope, .account = "work" }, &error));
  g_assert_error (error, FAILURE, FAILURE_TEMPORARY);
  g_assert_nonnull (strstr (error->message, fixture->top));
  listed = queue_list (fixture->queue, ROOM_QUEUE, NULL);
  g_assert_cmpuint (listed->len, ==, 0);
}

static void
test_runner_lock (Fixture *fixture, const void *data)
{
  g_autoptr (GError) error = NULL;
  int fd;

  g_assert_false (queue_has_runner (fixture->queue));
  fd = queue_lock_runner (fixture->queue, false, &error);
  g_assert_no_error (error);
  g_assert_cmpint (fd, >=, 0);
  g_assert_true (queue_has_runner (fixture->queue));
  g_assert_cmpint (queue_lock_runner (fixture->queue, false, &error), ==, -1);
  g_assert_no_error (error);
  close (fd);
  g_assert_false (queue_has_runner (fixture->queue));
  fd = queue_lock_runner (fixture->queue, true, &error);
  g_assert_cmpint (fd, >=, 0);
  close (fd);
}

static void *
wait_for_runner (void *data)
{
  return GINT_TO_POINTER (queue_lock_runner (data, true, NULL));
}

static void
test_runner_lock_waits (Fixture *fixture, const void *data)
{
  int fd = queue_lock_runner (fixture->queue, false, NULL);
  GThread *thread = g_thread_new ("runner", wait_for_runner, fixture->queue);

  close (fd);
  fd = GPOINTER_TO_INT (g_thread_join (thread));
  g_assert_cmpint (fd, >=, 0);
  g_assert_true (queue_has_runner (fixture->queue));
  close (fd);
}

static void
test_empty (Fixture *fixture, const void *data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Entry) entry = NULL;

  g_assert_true (queue_is_empty (fixture->queue));
  entry = enter (fixture, NULL);
  g_assert_false (queue_is_empty (fixture->queue));
  g_assert_true (queue_hold (fixture->queue, entry, "words", &error));
  g_assert_true (queue_is_empty (fixture->queue));
}

static void
make_old (int fd)
{
  struct timespec times[2] = { { .tv_sec = 1 }, { .tv_sec = 1 } };

  g_assert_cmpint (futimens (fd, times), ==, 0);
}

/* What is left behind with a name: swept when it is old and its owner is dead. */
static void
test_orphans (Fixture *fixture, const void *data)
{
  const char *directory = data;
  static const char *const names[] = { ".tmp-dead", ".tmp-alive", ".tmp-new" };
  struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
  g_autoptr (GPtrArray) listed = NULL;
  int fds[3];

  for (size_t i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *path = path_in (fixture, directory, names[i]);

      fds[i] = g_open (path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
      g_assert_cmpint (fds[i], >=, 0);
    }
  make_old (fds[0]);
  make_old (fds[1]);
  g_assert_cmpint (fcntl (fds[1], F_OFD_SETLK, &lock), ==, 0);
  listed = queue_list (fixture->queue, ROOM_QUEUE, NULL);
  g_assert_cmpuint (listed->len, ==, 0);
  queue_sweep_accounts (fixture->queue);
  for (size_t i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *path = path_in (fixture, directory, names[i]);

      g_assert_cmpint (g_file_test (path, G_FILE_TEST_EXISTS), ==, i > 0);
    }
  for (size_t i = 0; i < G_N_ELEMENTS (fds); i++)
    close (fds[i]);
}

static void
fail_account (const Fixture *fixture, Stage stage)
{
  Status status = { .stage = stage, .fate = FATE_DELAYED, .text = (char *) "" };
  g_autoptr (Backoff) backoff = backoff_read (fixture->queue, "me");

  backoff_fail (backoff, &status, 1);
  g_assert_true (backoff_write (fixture->queue, "me", backoff, NULL));
}

static void
tell (const Fixture *fixture, int fd, bool reached)
{
  g_autoptr (Backoff) backoff = backoff_read (fixture->queue, "me");

  g_assert_cmpint (fd, >=, 0);
  backoff->notified = reached;
  backoff_told (fd, backoff);
}

/* One tells of trouble, and nobody again before it is over or another. */
static void
test_tell (Fixture *fixture, const void *data)
{
  int fd;

  fail_account (fixture, STAGE_TLS);
  fd = backoff_tell (fixture->queue, "me");
  g_assert_cmpint (backoff_tell (fixture->queue, "me"), ==, -1);
  tell (fixture, fd, false);
  tell (fixture, backoff_tell (fixture->queue, "me"), true);
  g_assert_cmpint (backoff_tell (fixture->queue, "me"), ==, -1);
  fail_account (fixture, STAGE_TLS);
  g_assert_cmpint (backoff_tell (fixture->queue, "me"), ==, -1);
  fail_account (fixture, STAGE_AUTH);
  tell (fixture, backoff_tell (fixture->queue, "me"), true);
  g_assert_cmpint (backoff_tell (fixture->queue, "me"), ==, -1);
  backoff_clear (fixture->queue, "me");
  fail_account (fixture, STAGE_AUTH);
  tell (fixture, backoff_tell (fixture->queue, "me"), true);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  QUEUE_TEST ("tell", test_tell);
  QUEUE_TEST ("enter", test_enter);
  QUEUE_TEST ("held-at-once", test_held_at_once);
  QUEUE_TEST ("hold-cut-short", test_hold_cut_short);
  QUEUE_TEST ("settle", test_settle);
  QUEUE_TEST ("owed", test_owed);
  QUEUE_TEST ("end-of-data", test_end_of_data);
  QUEUE_TEST ("truncated", test_truncated);
  QUEUE_TEST ("bit-flips", test_bit_flips);
  QUEUE_TEST ("torn-record", test_torn_record);
  QUEUE_TEST ("strange-files", test_strange_files);
  QUEUE_TEST ("unfinished-move", test_unfinished_move);
  QUEUE_TEST ("order", test_order);
  QUEUE_TEST ("busy", test_busy);
  QUEUE_TEST ("adopt", test_adopt);
  QUEUE_TEST ("strange-views", test_strange_views);
  QUEUE_TEST ("foreign-owner", test_foreign_owner);
  QUEUE_TEST ("reserve", test_reserve);
  QUEUE_TEST ("runner-lock", test_runner_lock);
  QUEUE_TEST ("runner-lock-waits", test_runner_lock_waits);
  QUEUE_TEST ("empty", test_empty);
  g_test_add ("/queue/orphans", Fixture, "queue", fixture_set_up, test_orphans,
              fixture_tear_down);
  g_test_add ("/queue/orphans-of-accounts", Fixture, "accounts",
              fixture_set_up, test_orphans, fixture_tear_down);
  g_test_add_func ("/queue/directory-checks", test_directory_checks);
  return g_test_run ();
}
