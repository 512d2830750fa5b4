/* What is started so that it outlives its starter: the user's service where
 * there is one, else a process that has nothing of ours. */

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <glib.h>
#include <glib/gstdio.h>

#include "base/log.h"
#include "submit/launch.h"
#include "submit/runner.h"
#include "tests/unit/desk.h"
#include "tests/unit/directory.h"

#define SERVICE "org.freedesktop.systemd1"

typedef struct
{
  char *top;
  Desk *desk;
  Queue *queue; /* NULL: the service takes none */
  int lock;     /* of a runner */
  bool refuses;
  int calls; /* atomic */
} Fixture;

/* In another thread. */
static GDBusMessage *
answer (GDBusMessage *call, void *data)
{
  Fixture *fixture = data;
  GDBusMessage *reply = g_dbus_message_new_method_reply (call);
  const char *unit, *mode;

  g_atomic_int_inc (&fixture->calls);
  g_assert_cmpstr (g_dbus_message_get_path (call), ==,
                   "/org/freedesktop/systemd1");
  g_assert_cmpstr (g_dbus_message_get_interface (call), ==,
                   "org.freedesktop.systemd1.Manager");
  g_assert_cmpstr (g_dbus_message_get_member (call), ==, "StartUnit");
  g_variant_get (g_dbus_message_get_body (call), "(&s&s)", &unit, &mode);
  g_assert_cmpstr (unit, ==, "postrider.service");
  g_assert_cmpstr (mode, ==, "replace");
  if (fixture->refuses)
    {
      g_object_unref (reply);
      return g_dbus_message_new_method_error_literal (
          call, "org.freedesktop.systemd1.NoSuchUnit",
          "Unit postrider.service not found.");
    }
  if (fixture->queue != NULL)
    fixture->lock = queue_lock_runner (fixture->queue, false, NULL);
  g_dbus_message_set_body (
      reply, g_variant_new ("(o)", "/org/freedesktop/systemd1/job/1"));
  return reply;
}

static void
set_up (Fixture *fixture, const void *data)
{
  g_autoptr (GError) error = NULL;

  fixture->top = g_dir_make_tmp ("launch-XXXXXX", &error);
  g_assert_no_error (error);
  fixture->desk = desk_new (fixture->top);
}

static void
tear_down (Fixture *fixture, const void *data)
{
  desk_free (fixture->desk);
  directory_remove (fixture->top);
  g_free (fixture->top);
}

static void
test_no_bus (Fixture *fixture, const void *data)
{
  int64_t begun = g_get_monotonic_time ();

  g_assert_false (launch_service (1000));
  desk_set_address (fixture->desk);
  g_assert_false (launch_service (1000));
  desk_start_silent (fixture->desk);
  g_assert_false (launch_service (1000));
  g_assert_cmpint (g_get_monotonic_time () - begun, <, 3 * G_USEC_PER_SEC);
}

static void
test_service (Fixture *fixture, const void *data)
{
  DeskService *silent;
  int64_t begun;

  if (!desk_can_start ())
    {
      g_test_skip ("there is no dbus-daemon");
      return;
    }
  desk_start (fixture->desk);
  desk_set_address (fixture->desk);
  g_assert_false (launch_service (1000));
  silent = desk_serve (fixture->desk, SERVICE, NULL, NULL);
  begun = g_get_monotonic_time ();
  g_assert_false (launch_service (1000));
  g_assert_cmpint (g_get_monotonic_time () - begun, <, 3 * G_USEC_PER_SEC);
  desk_leave (fixture->desk, silent);
  desk_serve (fixture->desk, SERVICE, answer, fixture);
  g_assert_true (launch_service (1000));
  fixture->refuses = true;
  g_assert_false (launch_service (1000));
  g_assert_cmpint (g_atomic_int_get (&fixture->calls), ==, 2);
}

/* What a process that was launched finds; in FILE. */
static int
describe (const char *file)
{
  g_autoptr (GString) text = g_string_new (NULL);
  g_autofree char *directory = g_get_current_dir ();
  DIR *descriptors = opendir ("/proc/self/fd");
  struct dirent *entry;
  struct sigaction action;
  sigset_t blocked;

  g_string_append_printf (text, "%s\n%s\n", directory,
                          getsid (0) == getpid () ? "leader" : "follower");
  sigprocmask (SIG_SETMASK, NULL, &blocked);
  sigaction (SIGUSR1, NULL, &action);
  g_string_append_printf (
      text, "%s\n%s\n", sigismember (&blocked, SIGUSR2) ? "blocked" : "free",
      action.sa_handler == SIG_DFL ? "default" : "ignored");
  while ((entry = readdir (descriptors)) != NULL)
    {
      g_autofree char *path =
          g_build_filename ("/proc/self/fd", entry->d_name, NULL);
      g_autofree char *target = g_file_read_link (path, NULL);
      int fd = atoi (entry->d_name);

      if (target != NULL && fd != dirfd (descriptors))
        g_string_append_printf (text, "%d %s\n", fd, target);
    }
  closedir (descriptors);
  return g_file_set_contents (file, text->str, -1, NULL) ? 0 : 1;
}

/* What a process that is told to run a queue was given; in the file that
 * $FOUND names. */
static int
take_note (char **argv)
{
  g_autofree char *text = g_strjoinv (" ", argv);

  return g_file_set_contents (g_getenv ("FOUND"), text, -1, NULL) ? 0 : 1;
}

/* What was started for QUEUE; NULL: nothing. The bus, which is a child as
 * well, stays. */
static char *
started_for (Fixture *fixture, Queue *queue, const char *accounts_file)
{
  General general = { .start_runner = true };
  g_autofree char *file = g_build_filename (fixture->top, "found", NULL);
  g_autofree char *before = NULL;
  g_autofree char *after = NULL;
  char *found = NULL;
  int status;

  g_setenv ("FOUND", file, TRUE);
  g_file_get_contents ("/proc/thread-self/children", &before, NULL, NULL);
  runner_launch (queue, &general, accounts_file);
  g_file_get_contents ("/proc/thread-self/children", &after, NULL, NULL);
  if (g_strcmp0 (before, after) == 0)
    return NULL;
  g_assert_cmpint (waitpid (-1, &status, 0), >, 0);
  g_file_get_contents (file, &found, NULL, NULL);
  g_unlink (file);
  return found;
}

static void
test_runner (Fixture *fixture, const void *data)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *directory = g_build_filename (fixture->top, "queue", NULL);
  g_autoptr (Queue) queue = queue_open (directory, &error);
  g_autofree char *alone = NULL;
  g_autofree char *in_vain = NULL;
  g_autofree char *with_file = NULL;
  g_autofree char *by_service = NULL;
  g_autofree char *beside = NULL;

  g_assert_no_error (error);
  log_open ("none");
  if (!desk_can_start ()
      || !g_file_test ("/proc/thread-self/children", G_FILE_TEST_EXISTS))
    {
      g_test_skip ("there is no dbus-daemon, or children cannot be seen");
      return;
    }
  alone = started_for (fixture, queue, NULL);
  g_assert_cmpstr (alone, ==, "postrider run --until-empty");
  desk_start (fixture->desk);
  desk_set_address (fixture->desk);
  desk_serve (fixture->desk, SERVICE, answer, fixture);
  /* It has another queue. */
  in_vain = started_for (fixture, queue, NULL);
  g_assert_cmpstr (in_vain, ==, "postrider run --until-empty");
  with_file = started_for (fixture, queue, "/etc/accounts");
  g_assert_cmpstr (with_file, ==,
                   "postrider run --until-empty -C /etc/accounts");
  g_assert_cmpint (g_atomic_int_get (&fixture->calls), ==, 1);
  fixture->queue = queue;
  by_service = started_for (fixture, queue, NULL);
  g_assert_null (by_service);
  g_assert_cmpint (g_atomic_int_get (&fixture->calls), ==, 2);
  beside = started_for (fixture, queue, NULL);
  g_assert_null (beside);
  g_assert_cmpint (g_atomic_int_get (&fixture->calls), ==, 2);
  close (fixture->lock);
}

static void
test_process (Fixture *fixture, const void *data)
{
  g_autofree char *file = g_build_filename (fixture->top, "found", NULL);
  const char *const argv[] = { "launch", "--describe", file, NULL };
  g_autofree char *found = NULL;
  sigset_t blocked;
  int leak = open ("/dev/zero", O_RDONLY); /* without O_CLOEXEC */
  int status;

  g_assert_cmpint (leak, >, STDERR_FILENO);
  sigemptyset (&blocked);
  sigaddset (&blocked, SIGUSR2);
  sigprocmask (SIG_BLOCK, &blocked, NULL);
  signal (SIGUSR1, SIG_IGN);
  g_assert_true (launch_process (argv));
  g_assert_cmpint (waitpid (-1, &status, 0), >, 0);
  g_assert_cmpint (status, ==, 0);
  g_assert_true (g_file_get_contents (file, &found, NULL, NULL));
  g_assert_cmpstr (found, ==,
                   "/\nleader\nfree\ndefault\n"
                   "0 /dev/null\n1 /dev/null\n2 /dev/null\n");
  g_unlink (file);
  close (leak);
}

int
main (int argc, char **argv)
{
#define ADD(path, test)                                                       \
  g_test_add ("/launch" path, Fixture, NULL, set_up, test, tear_down)

  if (argc == 3 && strcmp (argv[1], "--describe") == 0)
    return describe (argv[2]);
  if (argc > 1 && strcmp (argv[1], "run") == 0)
    return take_note (argv);
  g_test_init (&argc, &argv, NULL);
  ADD ("/no-bus", test_no_bus);
  ADD ("/service", test_service);
  ADD ("/process", test_process);
  ADD ("/runner", test_runner);
  return g_test_run ();
}
