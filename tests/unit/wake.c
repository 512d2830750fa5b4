/* What a runner sleeps for: each reason comes when it should, none comes
 * unasked, and none is lost. */

#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib.h>
#include <glib/gstdio.h>

#include "base/log.h"
#include "queue/queue.h"
#include "submit/wake.h"
#include "tests/unit/directory.h"

/* Seconds; nothing that is expected takes as long. */
#define LATE 20

typedef struct
{
  char *top;
  Queue *queue;
  Wake *wake;
} Fixture;

static void
start_wake (Fixture *fixture)
{
  g_autoptr (GError) error = NULL;

  fixture->wake = wake_new (fixture->queue, &error);
  g_assert_no_error (error);
}

/* Without a Wake, so that tests can have something before it. */
static void
set_up_queue (Fixture *fixture, const void *data)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *directory = NULL;
  g_autofree char *bus = NULL;

  log_open ("none");
  fixture->top = g_dir_make_tmp ("wake-XXXXXX", &error);
  g_assert_no_error (error);
  g_setenv ("XDG_RUNTIME_DIR", fixture->top, TRUE);
  /* A bus that is never there; without one, that of this user would be waited
     for, and other tests may start it. */
  bus = g_strdup_printf ("unix:path=%s/bus", fixture->top);
  g_setenv ("DBUS_SESSION_BUS_ADDRESS", bus, TRUE);
  directory = g_build_filename (fixture->top, "postrider", NULL);
  fixture->queue = queue_open (directory, &error);
  g_assert_no_error (error);
}

static void
set_up (Fixture *fixture, const void *data)
{
  set_up_queue (fixture, data);
  start_wake (fixture);
  g_assert_cmpuint (wake_poll (fixture->wake), ==, 0);
}

static void
tear_down (Fixture *fixture, const void *data)
{
  wake_free (fixture->wake);
  queue_free (fixture->queue);
  directory_remove (fixture->top);
  g_free (fixture->top);
}

static int64_t
now (void)
{
  return g_get_real_time () / G_USEC_PER_SEC;
}

/* The next reasons; a failure where there are none for too long. */
static unsigned
next (Fixture *fixture)
{
  unsigned reasons = wake_wait (fixture->wake, now () + LATE, NULL, 0);

  g_assert_cmpuint (reasons & WAKE_DUE, ==, 0);
  return reasons;
}

/* No reason comes for a while: half a second at least. */
static void
assert_silence (Fixture *fixture)
{
  int64_t until = g_get_real_time () + G_USEC_PER_SEC * 3 / 2;

  g_assert_cmpuint (
      wake_wait (fixture->wake, until / G_USEC_PER_SEC, NULL, 0), ==,
      WAKE_DUE);
}

static void
assert_ids (Fixture *fixture, const char *const *ids)
{
  g_autoptr (GPtrArray) got = wake_ids (fixture->wake);

  g_ptr_array_set_free_func (got, g_free);
  g_assert_cmpuint (got->len, ==, g_strv_length ((char **) ids));
  for (size_t i = 0; i < got->len; i++)
    g_assert_cmpstr (got->pdata[i], ==, ids[i]);
}

static void
assert_id (Fixture *fixture, const char *id)
{
  const char *const ids[] = { id, NULL };

  assert_ids (fixture, ids);
}

static char *
path_of (const Fixture *fixture, const char *room, const char *name)
{
  return g_build_filename (fixture->top, "postrider", room, name, NULL);
}

/* A file in ROOM, as other programs make them: closed at once. */
static void
write_file (const Fixture *fixture, const char *room, const char *name)
{
  g_autofree char *path = path_of (fixture, room, name);
  int fd = open (path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

  g_assert_cmpint (fd, >=, 0);
  close (fd);
}

static void
move_file (const Fixture *fixture, const char *from, const char *old,
           const char *to, const char *name)
{
  g_autofree char *source = path_of (fixture, from, old);
  g_autofree char *target = path_of (fixture, to, name);

  g_assert_cmpint (rename (source, target), ==, 0);
}

static void
remove_file (const Fixture *fixture, const char *room, const char *name)
{
  g_autofree char *path = path_of (fixture, room, name);

  g_assert_cmpint (unlink (path), ==, 0);
}

/* An entry that is locked, as it is while its first attempt is made. */
static Entry *
enter (Fixture *fixture)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Message) message = g_new0 (Message, 1);
  g_autoptr (Envelope) envelope = envelope_new ();
  QueueRequest request = { .envelope = envelope, .account = "work" };
  Entry *entry;

  message->header = header_new ();
  message->body = queue_spool (fixture->queue, 0);
  g_assert_true (spool_append (message->body, "x\r\n", 3, &error));
  envelope_add (envelope, "a@example.org");
  entry = queue_enter (fixture->queue, message, &request, &error);
  g_assert_no_error (error);
  return entry;
}

static void
test_entry (Fixture *fixture, const void *data)
{
  g_autoptr (Entry) entry = enter (fixture);
  g_autofree char *id = g_strdup (entry->id);

  g_assert_cmpuint (next (fixture), ==, WAKE_QUEUE);
  assert_id (fixture, id);
  g_assert_cmpuint (wake_poll (fixture->wake), ==, 0);
  assert_ids (fixture, (const char *const[]){ NULL });
  /* It is free for others. */
  g_clear_pointer (&entry, entry_free);
  g_assert_cmpuint (next (fixture), ==, WAKE_QUEUE);
  assert_id (fixture, id);
  g_assert_cmpuint (wake_poll (fixture->wake), ==, 0);
}

static void
test_sent_at_once (Fixture *fixture, const void *data)
{
  g_autoptr (GError) error = NULL;

  for (int i = 0; i < 3; i++)
    {
      g_autoptr (Entry) entry = enter (fixture);

      g_assert_true (queue_remove (fixture->queue, entry, &error));
    }
  g_assert_cmpuint (next (fixture), ==, WAKE_QUEUE);
  g_assert_cmpuint (wake_poll (fixture->wake), ==, 0);
}

/* Whose it was is not known: it was made before. */
static void
test_older_entry (Fixture *fixture, const void *data)
{
  g_autoptr (Entry) entry = enter (fixture);

  start_wake (fixture);
  g_assert_cmpuint (wake_poll (fixture->wake), ==, 0);
  g_clear_pointer (&entry, entry_free);
  g_assert_cmpuint (next (fixture), !=, 0);
}

static void
test_unnamed_file (Fixture *fixture, const void *data)
{
  int fd = open (queue_room_path (fixture->queue, ROOM_QUEUE),
                 O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

  if (fd < 0)
    {
      g_test_skip ("this file system has no O_TMPFILE");
      return;
    }
  close (fd);
  g_assert_cmpuint (next (fixture), ==, WAKE_ALL);
}

static void
test_burst (Fixture *fixture, const void *data)
{
  g_autoptr (GPtrArray) entries =
      g_ptr_array_new_with_free_func ((GDestroyNotify) entry_free);
  g_autoptr (GPtrArray) ids = g_ptr_array_new_with_free_func (g_free);

  for (int i = 0; i < 200; i++)
    {
      Entry *entry = enter (fixture);

      g_ptr_array_add (entries, entry);
      g_ptr_array_add (ids, g_strdup (entry->id));
    }
  g_ptr_array_add (ids, NULL);
  g_assert_cmpuint (next (fixture), ==, WAKE_QUEUE);
  assert_ids (fixture, (const char *const *) ids->pdata);
  g_ptr_array_set_size (entries, 0);
  g_assert_cmpuint (next (fixture), ==, WAKE_QUEUE);
  assert_ids (fixture, (const char *const *) ids->pdata);
}

static void
test_moved (Fixture *fixture, const void *data)
{
  write_file (fixture, "held", "0123456789ABCDEF");
  g_assert_cmpuint (wake_poll (fixture->wake), ==, 0);
  move_file (fixture, "held", "0123456789ABCDEF", "queue", "0123456789ABCDEF");
  g_assert_cmpuint (next (fixture), ==, WAKE_QUEUE);
  assert_id (fixture, "0123456789ABCDEF");
  move_file (fixture, "queue", "0123456789ABCDEF", "held", "0123456789ABCDEF");
  g_assert_cmpuint (next (fixture), ==, WAKE_QUEUE);
  assert_id (fixture, "0123456789ABCDEF");
}

/* A record that another process appended: somebody asks for an attempt. */
static void
test_written (Fixture *fixture, const void *data)
{
  write_file (fixture, "queue", "0123456789ABCDEF");
  g_assert_cmpuint (next (fixture), ==, WAKE_QUEUE);
  assert_id (fixture, "0123456789ABCDEF");
  write_file (fixture, "queue", "0123456789ABCDEF");
  g_assert_cmpuint (next (fixture), ==, WAKE_QUEUE);
  assert_id (fixture, "0123456789ABCDEF");
}

static void
test_accounts (Fixture *fixture, const void *data)
{
  static const char *const quiet[] = { "work.lock", ".tmp-0123",
                                       ".tmp-work.lock" };

  for (size_t i = 0; i < G_N_ELEMENTS (quiet); i++)
    {
      write_file (fixture, "accounts", "x");
      move_file (fixture, "accounts", "x", "accounts", quiet[i]);
      remove_file (fixture, "accounts", quiet[i]);
      g_assert_cmpuint (wake_poll (fixture->wake), ==, 0);
    }
  write_file (fixture, "accounts", ".tmp-1");
  g_assert_cmpuint (wake_poll (fixture->wake), ==, 0);
  move_file (fixture, "accounts", ".tmp-1", "accounts", "work");
  g_assert_cmpuint (next (fixture), ==, WAKE_ALL);
  remove_file (fixture, "accounts", "work");
  g_assert_cmpuint (next (fixture), ==, WAKE_ALL);
}

static void
test_gone (Fixture *fixture, const void *data)
{
  g_autofree char *path = path_of (fixture, "queue", NULL);

  directory_remove (path);
  g_assert_cmpuint (next (fixture), ==, WAKE_GONE);
}

/* More events than the kernel keeps. */
static void
test_overflow (Fixture *fixture, const void *data)
{
  g_autofree char *text = NULL;
  int64_t maximum;

  if (!g_file_get_contents ("/proc/sys/fs/inotify/max_queued_events", &text,
                            NULL, NULL)
      || (maximum = g_ascii_strtoll (text, NULL, 10)) > 50000)
    {
      g_test_skip ("too many events are kept");
      return;
    }
  for (int64_t i = 0; i < maximum / 2; i++)
    {
      write_file (fixture, "queue", "0123456789ABCDEF");
      remove_file (fixture, "queue", "0123456789ABCDEF");
    }
  g_assert_cmpuint (next (fixture) & WAKE_ALL, ==, WAKE_ALL);
  g_assert_cmpuint (wake_poll (fixture->wake), ==, 0);
}

/* More entries than are told one by one. */
static void
test_crowd (Fixture *fixture, const void *data)
{
  for (unsigned i = 0; i < 5000; i++)
    {
      g_autofree char *id = g_strdup_printf ("%016X", i);

      write_file (fixture, "queue", id);
    }
  g_assert_cmpuint (next (fixture) & WAKE_ALL, ==, WAKE_ALL);
}

static void
test_due (Fixture *fixture, const void *data)
{
  int64_t due;

  g_assert_cmpuint (wake_wait (fixture->wake, 1, NULL, 0), ==, WAKE_DUE);
  g_assert_cmpuint (wake_wait (fixture->wake, now () - 1, NULL, 0), ==, WAKE_DUE);
  g_assert_cmpuint (wake_poll (fixture->wake), ==, 0);
  due = now () + 2;
  g_assert_cmpuint (wake_wait (fixture->wake, due, NULL, 0), ==, WAKE_DUE);
  g_assert_cmpint (now (), >=, due);
  g_assert_cmpint (now (), <, due + LATE);
}

/* A time that another one has replaced does not count any more. */
static void
test_due_replaced (Fixture *fixture, const void *data)
{
  int64_t due = now () + 1;

  write_file (fixture, "queue", "0123456789ABCDEF");
  g_assert_cmpuint (wake_wait (fixture->wake, due, NULL, 0), ==, WAKE_QUEUE);
  /* It comes while nobody waits for it. */
  while (now () <= due)
    g_usleep (10000);
  write_file (fixture, "queue", "0123456789ABCDEF");
  g_assert_cmpuint (wake_wait (fixture->wake, 0, NULL, 0), ==, WAKE_QUEUE);
}

/* All of them at once, and while nobody waits. */
static void
test_together (Fixture *fixture, const void *data)
{
  write_file (fixture, "queue", "0123456789ABCDEF");
  write_file (fixture, "accounts", "x");
  move_file (fixture, "accounts", "x", "accounts", "work");
  g_assert_cmpuint (wake_wait (fixture->wake, 1, NULL, 0), ==,
                    WAKE_QUEUE | WAKE_ALL | WAKE_DUE);
}

/* It sleeps, and does not go round and round. */
static void
test_idle (Fixture *fixture, const void *data)
{
  struct rusage before, after;

  getrusage (RUSAGE_SELF, &before);
  assert_silence (fixture);
  getrusage (RUSAGE_SELF, &after);
  g_assert_cmpint (after.ru_nvcsw - before.ru_nvcsw
                       + (after.ru_nivcsw - before.ru_nivcsw),
                   <, 500);
}

/* Longer than a network has to be quiet before it is told. */
static void
assert_long_silence (Fixture *fixture)
{
  g_assert_cmpuint (wake_wait (fixture->wake, now () + 3, NULL, 0), ==, WAKE_DUE);
}

static bool
ip (const char *command)
{
  g_autofree char *line = g_strconcat ("ip ", command, NULL);
  int status;

  return g_spawn_command_line_sync (line, NULL, NULL, &status, NULL)
         && status == 0;
}

/* In a network of its own. */
static void
test_network (Fixture *fixture, const void *data)
{
  if (unshare (CLONE_NEWNET) < 0 || !ip ("link set lo up"))
    {
      g_test_skip ("no network of its own can be had");
      return;
    }
  start_wake (fixture);
  assert_silence (fixture);
  g_assert_true (ip ("route add 192.0.2.0/24 dev lo"));
  g_assert_cmpuint (next (fixture), ==, WAKE_NETWORK);
  g_assert_true (ip ("route replace 192.0.2.0/24 dev lo src 127.0.0.1"));
  g_assert_true (ip ("route del 192.0.2.0/24 dev lo"));
  g_assert_true (ip ("-6 route add fe80::/64 dev lo"));
  assert_long_silence (fixture);
  g_assert_true (ip ("route add default dev lo"));
  g_assert_true (ip ("-6 route add 2001:db8::/32 dev lo"));
  g_assert_cmpuint (next (fixture), ==, WAKE_NETWORK);
  assert_silence (fixture);
}

/* Somebody else's descriptors count as well. */
static void
test_others (Fixture *fixture, const void *data)
{
  int fds[2];
  struct pollfd others[2];

  g_assert_cmpint (pipe (fds), ==, 0);
  others[0] = (struct pollfd){ fds[1], 0, 0 };
  others[1] = (struct pollfd){ fds[0], POLLIN, 0 };
  g_assert_cmpuint (wake_wait (fixture->wake, 1, others, 2), ==, WAKE_DUE);
  g_assert_cmpint (others[1].revents, ==, 0);
  g_assert_cmpint (write (fds[1], "", 1), ==, 1);
  g_assert_cmpuint (wake_wait (fixture->wake, now () + LATE, others, 2), ==,
                    0);
  g_assert_cmpint (others[0].revents, ==, 0);
  g_assert_cmpint (others[1].revents, ==, POLLIN);
  write_file (fixture, "queue", "0123456789ABCDEF");
  g_assert_cmpuint (wake_wait (fixture->wake, now () + LATE, others, 2), ==,
                    WAKE_QUEUE);
  close (fds[0]);
  close (fds[1]);
}

int
main (int argc, char **argv)
{
#define ADD(path, set_up, test)                                               \
  g_test_add ("/wake" path, Fixture, NULL, set_up, test, tear_down)

  g_test_init (&argc, &argv, NULL);
  ADD ("/entry", set_up, test_entry);
  ADD ("/sent-at-once", set_up, test_sent_at_once);
  ADD ("/older-entry", set_up_queue, test_older_entry);
  ADD ("/unnamed-file", set_up, test_unnamed_file);
  ADD ("/burst", set_up, test_burst);
  ADD ("/moved", set_up, test_moved);
  ADD ("/written", set_up, test_written);
  ADD ("/accounts", set_up, test_accounts);
  ADD ("/gone", set_up, test_gone);
  ADD ("/overflow", set_up, test_overflow);
  ADD ("/crowd", set_up, test_crowd);
  ADD ("/due", set_up, test_due);
  ADD ("/due-replaced", set_up, test_due_replaced);
  ADD ("/together", set_up, test_together);
  ADD ("/others", set_up, test_others);
  ADD ("/idle", set_up, test_idle);
  ADD ("/network", set_up_queue, test_network);
  return g_test_run ();
}
