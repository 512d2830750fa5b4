/* What is known of an account: kept, lost without harm, and shared by
 * processes that count its connections. */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <glib.h>
#include <glib/gstdio.h>

#include "queue-fixture.h"
#include "queue/backoff.h"
#include "queue/retry.h"

#define NOW INT64_C (1790000000)

static Status *
refused (void)
{
  return status_new_reply (STAGE_AUTH, 535, (EnhancedCode){ 5, 7, 8 },
                           "not you");
}

static Status *
failure (Stage stage, Failure kind)
{
  g_autoptr (GError) error = g_error_new (FAILURE, kind, "own words");

  return status_new_failure (stage, error);
}

static void
fail (Queue *queue, const char *account, Status *owned)
{
  g_autoptr (Status) status = owned;
  g_autoptr (Backoff) backoff = backoff_read (queue, account);
  g_autoptr (GError) error = NULL;

  backoff_fail (backoff, status, NOW);
  g_assert_true (backoff_write (queue, account, backoff, &error));
  g_assert_no_error (error);
}

static void
assert_unknown (Queue *queue, const char *account)
{
  g_autoptr (Backoff) backoff = backoff_read (queue, account);

  g_assert_cmpuint (backoff->failures, ==, 0);
  g_assert_cmpint (backoff->last, ==, 0);
  g_assert_false (backoff->paused);
  g_assert_false (backoff->notified);
  g_assert_cmpstr (backoff->reason, ==, "");
  g_assert_cmpint (backoff_due (backoff, account, NOW), ==, 0);
}

/* The only file in accounts/. */
static char *
only_file (const Fixture *fixture)
{
  const char *directory = queue_accounts_path (fixture->queue);
  g_autoptr (GDir) dir = g_dir_open (directory, 0, NULL);
  g_autofree char *name = g_strdup (g_dir_read_name (dir));

  g_assert_nonnull (name);
  g_assert_null (g_dir_read_name (dir));
  return g_build_filename (directory, name, NULL);
}

static void
test_kept (Fixture *fixture, const void *data)
{
  g_autoptr (Backoff) backoff = NULL;
  g_autofree char *file = NULL;
  struct stat st;

  assert_unknown (fixture->queue, "work");
  fail (fixture->queue, "work", failure (STAGE_CONNECT, FAILURE_TEMPORARY));
  fail (fixture->queue, "work", failure (STAGE_TLS, FAILURE_CERTIFICATE));
  backoff = backoff_read (fixture->queue, "work");
  g_assert_cmpuint (backoff->failures, ==, 2);
  g_assert_cmpint (backoff->last, ==, NOW);
  g_assert_cmpint (backoff->stage, ==, STAGE_TLS);
  g_assert_false (backoff->paused);
  g_assert_false (backoff->notified);
  g_assert_cmpstr (backoff->reason, ==, "own words");
  g_assert_cmpint (backoff_due (backoff, "work", NOW), >=, NOW + 4 * 60);
  g_assert_cmpint (backoff_due (backoff, "work", NOW), <=, NOW + 6 * 60);
  file = only_file (fixture);
  g_assert_cmpint (g_stat (file, &st), ==, 0);
  g_assert_cmpint (st.st_mode & 07777, ==, 0600);
  backoff_clear (fixture->queue, "work");
  assert_unknown (fixture->queue, "work");
  backoff_clear (fixture->queue, "work");
}

/* Only what the relay says of the login pauses it: nobody is asked where there
   is no password, so that may be tried as often as one likes. */
static void
test_pause (Fixture *fixture, const void *data)
{
  static const struct
  {
    Stage stage;
    Failure kind;
    bool paused;
  } own[] = {
    { STAGE_ACCOUNT, FAILURE_CONFIG, false },
    { STAGE_CREDENTIAL, FAILURE_CREDENTIAL, false },
    { STAGE_CREDENTIAL, FAILURE_TEMPORARY, false },
    { STAGE_CONNECT, FAILURE_TEMPORARY, false },
    { STAGE_TLS, FAILURE_CERTIFICATE, false },
    { STAGE_AUTH, FAILURE_TEMPORARY, false },
    { STAGE_AUTH, FAILURE_CREDENTIAL, true },
  };
  static const struct
  {
    Stage stage;
    int code;
    bool paused;
  } replies[] = {
    { STAGE_CONNECT, 421, false },     { STAGE_GREETING, 554, false },
    { STAGE_AUTH, 454, false },        { STAGE_AUTH, 535, true },
    { STAGE_AUTH, 534, true },         { STAGE_AUTH, 500, true },
    { STAGE_MAIL, 530, true },         { STAGE_MAIL, 421, false },
    { STAGE_END_OF_DATA, 421, false },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (own); i++)
    {
      g_autoptr (Backoff) backoff = backoff_read (fixture->queue, "a");
      g_autoptr (Status) status = failure (own[i].stage, own[i].kind);

      backoff_fail (backoff, status, NOW);
      g_assert_cmpint (backoff->paused, ==, own[i].paused);
      g_assert_cmpint (backoff->stage, ==, own[i].stage);
    }
  for (size_t i = 0; i < G_N_ELEMENTS (replies); i++)
    {
      g_autoptr (Backoff) backoff = backoff_read (fixture->queue, "a");
      g_autoptr (Status) status = status_new_reply (
          replies[i].stage, replies[i].code, (EnhancedCode){ 0 }, "words");

      backoff_fail (backoff, status, NOW);
      g_assert_cmpint (backoff->paused, ==, replies[i].paused);
    }
}

static void
test_pause_is_kept (Fixture *fixture, const void *data)
{
  g_autoptr (Backoff) backoff = NULL;
  g_autoptr (Status) less = failure (STAGE_CONNECT, FAILURE_TEMPORARY);
  g_autoptr (Status) again = refused ();

  fail (fixture->queue, "work", refused ());
  backoff = backoff_read (fixture->queue, "work");
  g_assert_true (backoff->paused);
  g_assert_cmpint (backoff->stage, ==, STAGE_AUTH);
  g_assert_cmpstr (backoff->reason, ==, "535 5.7.8 not you");
  /* A second connection that was open at that time. */
  backoff_fail (backoff, less, NOW + 600);
  g_assert_true (backoff->paused);
  g_assert_cmpint (backoff->stage, ==, STAGE_AUTH);
  g_assert_cmpstr (backoff->reason, ==, "535 5.7.8 not you");
  backoff_fail (backoff, again, NOW + 601);
  g_assert_true (backoff->paused);
  g_assert_cmpint (backoff->last, ==, NOW + 601);
}

/* So many messages a day: asked for again in two hours, not in a minute. */
static void
test_quota (Fixture *fixture, const void *data)
{
  g_autoptr (Backoff) backoff = backoff_read (fixture->queue, "a");
  g_autoptr (Status) status = status_new_reply (
      STAGE_MAIL, 550, (EnhancedCode){ 5, 4, 5 }, "daily limit exceeded");

  backoff_fail (backoff, status, NOW);
  g_assert_false (backoff->paused);
  g_assert_cmpint (backoff_due (backoff, "a", NOW), >=, NOW + 96 * 60);
}

/* One tells the desktop, and who knows of the network does not know of the
   login. */
static void
test_notified (Fixture *fixture, const void *data)
{
  static const Stage stages[] = { STAGE_CONNECT, STAGE_AUTH };

  for (size_t i = 0; i < G_N_ELEMENTS (stages); i++)
    {
      g_autoptr (Backoff) backoff = NULL;
      int fd;

      fail (fixture->queue, "work", failure (stages[i], FAILURE_CREDENTIAL));
      fd = backoff_tell (fixture->queue, "work");
      g_assert_cmpint (fd, >=, 0);
      g_assert_cmpint (backoff_tell (fixture->queue, "work"), ==, -1);
      backoff = backoff_read (fixture->queue, "work");
      g_assert_false (backoff->notified);
      /* It could not. */
      backoff_told (fd, backoff);
      fd = backoff_tell (fixture->queue, "work");
      g_assert_cmpint (fd, >=, 0);
      backoff->notified = true;
      backoff_told (fd, backoff);
      g_assert_cmpint (backoff_tell (fixture->queue, "work"), ==, -1);
      fail (fixture->queue, "work", failure (stages[i], FAILURE_CREDENTIAL));
      g_assert_cmpint (backoff_tell (fixture->queue, "work"), ==, -1);
    }
  backoff_clear (fixture->queue, "work");
  assert_unknown (fixture->queue, "work");
}

/* No name leads to another account's file, or out of the directory. */
static void
test_names (Fixture *fixture, const void *data)
{
  char *names[] = { g_strdup ("work"),
                    g_strdup ("Work"),
                    g_strdup ("work.lock"),
                    g_strdup (".work"),
                    g_strdup ("%2Ework"),
                    g_strdup ("."),
                    g_strdup (".."),
                    g_strdup ("../queue/0000000000000001"),
                    g_strdup ("/etc/passwd"),
                    g_strdup ("a/b"),
                    g_strdup ("a%2Fb"),
                    g_strdup (".tmp-0000000000000000"),
                    g_strdup ("me@example.org"),
                    g_strdup ("two words"),
                    g_strdup ("\xc3\xa4\xe2\x82\xac"),
                    g_strdup ("\xff\xfe"),
                    g_strnfill (300, 'x'),
                    g_strnfill (301, 'x'),
                    g_strnfill (5000, '.') };
  size_t count = G_N_ELEMENTS (names);

  for (size_t i = 0; i < count; i++)
    {
      int fd = backoff_connection (fixture->queue, names[i], 1);

      g_assert_cmpint (fd, >=, 0);
      g_assert_cmpint (backoff_connection (fixture->queue, names[i], 1), ==,
                       -1);
      for (size_t j = 0; j <= i; j++)
        fail (fixture->queue, names[i], refused ());
      g_assert_cmpint (backoff_connection (fixture->queue, names[i], 1), ==,
                       -1);
      close (fd);
    }
  for (size_t i = 0; i < count; i++)
    {
      g_autoptr (Backoff) backoff = backoff_read (fixture->queue, names[i]);

      g_assert_cmpuint (backoff->failures, ==, i + 1);
    }
  for (size_t i = 0; i < count; i++)
    {
      backoff_clear (fixture->queue, names[i]);
      for (size_t j = 0; j < count; j++)
        {
          g_autoptr (Backoff) backoff =
              backoff_read (fixture->queue, names[j]);

          g_assert_cmpuint (backoff->failures, ==, j <= i ? 0 : j + 1);
        }
    }
  for (size_t i = 0; i < count; i++)
    g_free (names[i]);
}

/* The file cut off at every length, with every octet changed, and with more
   than belongs there: it says all, or nothing. */
static void
test_damaged (Fixture *fixture, const void *data)
{
  g_autofree char *file = NULL;
  g_autofree char *whole = NULL;
  g_autofree char *twice = NULL;
  gsize size;

  fail (fixture->queue, "work", refused ());
  file = only_file (fixture);
  g_assert_true (g_file_get_contents (file, &whole, &size, NULL));
  for (size_t length = 0; length < size; length++)
    {
      g_assert_true (g_file_set_contents (file, whole, (gssize) length, NULL));
      assert_unknown (fixture->queue, "work");
    }
  for (size_t i = 0; i < size; i++)
    {
      g_autofree char *changed = g_memdup2 (whole, size);

      changed[i] ^= 1;
      g_assert_true (g_file_set_contents (file, changed, (gssize) size, NULL));
      assert_unknown (fixture->queue, "work");
      changed[i] = '\0';
      g_assert_true (g_file_set_contents (file, changed, (gssize) size, NULL));
      assert_unknown (fixture->queue, "work");
    }
  twice = g_strconcat (whole, whole, NULL);
  g_assert_true (g_file_set_contents (file, twice, -1, NULL));
  assert_unknown (fixture->queue, "work");
  /* And it is written anew. */
  fail (fixture->queue, "work", refused ());
  g_clear_pointer (&twice, g_free);
  g_assert_true (g_file_get_contents (file, &twice, NULL, NULL));
  g_assert_cmpstr (twice, ==, whole);
}

static void
test_strange_files (Fixture *fixture, const void *data)
{
  g_autofree char *file = NULL;
  g_autofree char *elsewhere = path_in (fixture, "accounts", "elsewhere");
  g_autofree char *large = g_strnfill (10 * 1000 * 1000, '1');

  fail (fixture->queue, "work", refused ());
  file = only_file (fixture);
  g_assert_cmpint (g_rename (file, elsewhere), ==, 0);
  g_assert_cmpint (symlink (elsewhere, file), ==, 0);
  assert_unknown (fixture->queue, "work");
  g_assert_cmpint (g_unlink (file), ==, 0);
  g_assert_cmpint (mkfifo (file, 0600), ==, 0);
  assert_unknown (fixture->queue, "work");
  g_assert_cmpint (g_unlink (file), ==, 0);
  g_assert_true (g_file_set_contents (file, large, -1, NULL));
  assert_unknown (fixture->queue, "work");
  if (geteuid () == 0)
    {
      g_assert_cmpint (g_rename (elsewhere, file), ==, 0);
      g_assert_cmpint (chown (file, 65534, 65534), ==, 0);
      assert_unknown (fixture->queue, "work");
    }
  fail (fixture->queue, "work", refused ());
  g_assert_cmpint (g_unlink (file), ==, 0);
}

static void
test_no_room_to_write (Fixture *fixture, const void *data)
{
  g_autofree char *file = path_in (fixture, "accounts", "work");
  g_autoptr (Backoff) backoff = backoff_read (fixture->queue, "work");
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (g_mkdir (file, 0700), ==, 0);
  assert_unknown (fixture->queue, "work");
  g_assert_false (backoff_write (fixture->queue, "work", backoff, &error));
  g_assert_error (error, FAILURE, FAILURE_IO);
  g_assert_nonnull (strstr (error->message, file));
  g_assert_nonnull (strstr (error->message, g_strerror (EISDIR)));
  /* Nothing is left of the attempt. */
  g_clear_pointer (&file, g_free);
  file = only_file (fixture);
  g_assert_true (g_str_has_suffix (file, "/work"));
}

static void
test_slots (Fixture *fixture, const void *data)
{
  enum
  {
    MAXIMUM = 5,
  };
  int fds[MAXIMUM];
  int other;

  for (int i = 0; i < MAXIMUM; i++)
    {
      fds[i] = backoff_connection (fixture->queue, "work", MAXIMUM);
      g_assert_cmpint (fds[i], >=, 0);
    }
  g_assert_cmpint (backoff_connection (fixture->queue, "work", MAXIMUM), ==,
                   -1);
  other = backoff_connection (fixture->queue, "home", 1);
  g_assert_cmpint (other, >=, 0);
  close (other);
  close (fds[2]);
  fds[2] = backoff_connection (fixture->queue, "work", MAXIMUM);
  g_assert_cmpint (fds[2], >=, 0);
  /* Who was told of fewer gets none; of more, one more. */
  g_assert_cmpint (backoff_connection (fixture->queue, "work", 1), ==, -1);
  other = backoff_connection (fixture->queue, "work", MAXIMUM + 1);
  g_assert_cmpint (other, >=, 0);
  close (other);
  /* Who keeps one open for others is one, and is counted apart. */
  other = backoff_linger (fixture->queue, "work");
  g_assert_cmpint (other, >=, 0);
  g_assert_cmpint (backoff_linger (fixture->queue, "work"), ==, -1);
  close (other);
  other = backoff_linger (fixture->queue, "work");
  g_assert_cmpint (other, >=, 0);
  close (other);
  for (int i = 0; i < MAXIMUM; i++)
    close (fds[i]);
  assert_unknown (fixture->queue, "work");
}

/* One fetches the token of an account, whatever connections it has, and whoever
   else waits, does so until it is there or his time is over. */
static void
test_token (Fixture *fixture, const void *data)
{
  int connection = backoff_connection (fixture->queue, "work", 100);
  int first = backoff_token (fixture->queue, "work", deadline_in (0));
  int other = backoff_token (fixture->queue, "home", deadline_in (0));

  g_assert_cmpint (connection, >=, 0);
  g_assert_cmpint (first, >=, 0);
  g_assert_cmpint (other, >=, 0);
  g_assert_cmpint (backoff_token (fixture->queue, "work", deadline_in (50)),
                   ==, -1);
  close (first);
  first = backoff_token (fixture->queue, "work", deadline_in (0));
  g_assert_cmpint (first, >=, 0);
  close (first);
  close (other);
  close (connection);
}

static void *
give_back (void *data)
{
  close (GPOINTER_TO_INT (data));
  return NULL;
}

static void
test_token_awaited (Fixture *fixture, const void *data)
{
  int first = backoff_token (fixture->queue, "work", deadline_in (0));
  GThread *thread = g_thread_new ("holder", give_back, GINT_TO_POINTER (first));
  int second = backoff_token (fixture->queue, "work", deadline_in (20000));

  g_assert_cmpint (second, >=, 0);
  close (second);
  g_thread_join (thread);
}

/* Mail that has to go out is worth more than the count. */
static void
test_slots_uncounted (Fixture *fixture, const void *data)
{
  g_autofree char *lock = path_in (fixture, "accounts", "work.lock");

  g_assert_cmpint (g_mkdir (lock, 0700), ==, 0);
  for (int i = 0; i < 3; i++)
    {
      int fd = backoff_connection (fixture->queue, "work", 1);

      g_assert_cmpint (fd, >=, 0);
      close (fd);
    }
  g_assert_cmpint (g_rmdir (lock), ==, 0);
}

/* One process: takes connections and gives them back; as long as it has one,
   its byte stands in COUNTER. Exits 1 where more than MAXIMUM have one, and not
   before it had one itself. */
static void
compete (const char *top, int counter, unsigned maximum)
{
  g_autoptr (Queue) queue = queue_open (top, NULL);
  unsigned got = 0;

  for (int i = 0; i < 400 || got == 0; i++)
    {
      int fd = backoff_connection (queue, "work", maximum);
      char byte = '+';
      int many = 0;

      if (fd < 0)
        continue;
      got++;
      if (write (counter, &byte, 1) != 1
          || ioctl (counter, FIONREAD, &many) < 0 || many > (int) maximum
          || read (counter, &byte, 1) != 1)
        _exit (1);
      close (fd);
    }
  _exit (0);
}

static void
test_slots_compete (Fixture *fixture, const void *data)
{
  enum
  {
    PROCESSES = 8,
    MAXIMUM = 3,
  };
  g_autofree char *path = path_in (fixture, "accounts", "counter");
  pid_t pids[PROCESSES];
  int counter;

  g_assert_cmpint (mkfifo (path, 0600), ==, 0);
  counter = open (path, O_RDWR);
  for (int i = 0; i < PROCESSES; i++)
    {
      pids[i] = fork ();
      g_assert_cmpint (pids[i], >=, 0);
      if (pids[i] == 0)
        compete (fixture->top, counter, MAXIMUM);
    }
  for (int i = 0; i < PROCESSES; i++)
    {
      int status;

      g_assert_cmpint (waitpid (pids[i], &status, 0), ==, pids[i]);
      g_assert_true (WIFEXITED (status));
      g_assert_cmpint (WEXITSTATUS (status), ==, 0);
    }
  close (counter);
}

/* The kernel gives back what the dead had. */
static void
test_slots_killed (Fixture *fixture, const void *data)
{
  int ready[2];
  char byte;
  pid_t pid;
  int fd;

  g_assert_cmpint (pipe (ready), ==, 0);
  pid = fork ();
  g_assert_cmpint (pid, >=, 0);
  if (pid == 0)
    {
      if (backoff_connection (fixture->queue, "work", 1) >= 0
          && write (ready[1], "+", 1) == 1)
        for (;;)
          pause ();
      _exit (1);
    }
  close (ready[1]);
  g_assert_cmpint (read (ready[0], &byte, 1), ==, 1);
  g_assert_cmpint (backoff_connection (fixture->queue, "work", 1), ==, -1);
  g_assert_cmpint (kill (pid, SIGKILL), ==, 0);
  g_assert_cmpint (waitpid (pid, NULL, 0), ==, pid);
  fd = backoff_connection (fixture->queue, "work", 1);
  g_assert_cmpint (fd, >=, 0);
  close (fd);
  close (ready[0]);
}

/* One process writes, the other reads: all of it, or all of what was before.
 */
static void
test_replaced_whole (Fixture *fixture, const void *data)
{
  unsigned seen = 0;
  pid_t pid;
  int status;

  fail (fixture->queue, "work", refused ());
  pid = fork ();
  g_assert_cmpint (pid, >=, 0);
  if (pid == 0)
    {
      for (int i = 0; i < 200; i++)
        fail (fixture->queue, "work", refused ());
      _exit (0);
    }
  while (waitpid (pid, &status, WNOHANG) == 0)
    {
      g_autoptr (Backoff) backoff = backoff_read (fixture->queue, "work");

      g_assert_true (backoff->paused);
      g_assert_cmpuint (backoff->failures, >=, seen);
      seen = backoff->failures;
    }
  g_assert_cmpint (status, ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define BACKOFF_TEST(path, function)                                          \
  g_test_add ("/backoff/" path, Fixture, NULL, fixture_set_up, function,      \
              fixture_tear_down)
  BACKOFF_TEST ("kept", test_kept);
  BACKOFF_TEST ("pause", test_pause);
  BACKOFF_TEST ("quota", test_quota);
  BACKOFF_TEST ("pause-is-kept", test_pause_is_kept);
  BACKOFF_TEST ("notified", test_notified);
  BACKOFF_TEST ("names", test_names);
  BACKOFF_TEST ("damaged", test_damaged);
  BACKOFF_TEST ("strange-files", test_strange_files);
  BACKOFF_TEST ("no-room-to-write", test_no_room_to_write);
  BACKOFF_TEST ("replaced-whole", test_replaced_whole);
  BACKOFF_TEST ("slots", test_slots);
  BACKOFF_TEST ("slots-uncounted", test_slots_uncounted);
  BACKOFF_TEST ("slots-compete", test_slots_compete);
  BACKOFF_TEST ("slots-killed", test_slots_killed);
  BACKOFF_TEST ("token", test_token);
  BACKOFF_TEST ("token-awaited", test_token_awaited);
  return g_test_run ();
}
