/* Programs that are run for what they say: whatever they do, the caller has a
 * secret or one line about it, in time. */

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <glib.h>
#include <glib/gstdio.h>

#include "base/child.h"
#include "base/failure.h"

#define SH(script)                                                            \
  (const char *const[])                                                       \
  {                                                                           \
    "sh", "-c", script, NULL                                                  \
  }

/* That a signal comes at the worst moment: the program runs, and nobody knows its
   number yet. */
static bool spawn_raises;

typedef int Spawn (pid_t *pid, const char *path,
                   const posix_spawn_file_actions_t *actions,
                   const posix_spawnattr_t *attributes, char *const *argv,
                   char *const *environment);

int
posix_spawn (pid_t *pid, const char *path,
             const posix_spawn_file_actions_t *actions,
             const posix_spawnattr_t *attributes, char *const *argv,
             char *const *environment)
{
  Spawn *real = (Spawn *) dlsym (RTLD_NEXT, "posix_spawn");
  int errnum = real (pid, path, actions, attributes, argv, environment);

  if (spawn_raises)
    raise (SIGTERM);
  return errnum;
}

/* SECRET is TEXT. */
static void
assert_is (const Secret *secret, const char *text, size_t length)
{
  g_assert_cmpuint (secret_length (secret), ==, length);
  g_assert_cmpint (memcmp (secret_octets (secret), text, length), ==, 0);
}

static Secret *
output (const char *script, unsigned milliseconds, GError **error)
{
  return child_output (SH (script), 1000, deadline_in (milliseconds), error);
}

static void
assert_prints (const char *script, const char *expected)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Secret) secret = output (script, 20000, &error);

  g_assert_no_error (error);
  assert_is (secret, expected, strlen (expected));
}

static void
test_output (void)
{
  assert_prints ("echo secret", "secret\n");
  assert_prints ("printf ''", "");
  assert_prints (
      "echo noise >&2; printf a; printf b; exec >&- 2>&-; kill -0 $$", "ab");
  assert_prints ("cat", ""); /* its stdin is at its end */
  assert_prints ("pwd", "/\n");
}

static void
test_octets (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Secret) secret =
      output ("printf 'a\\000\\377\\r'", 20000, &error);

  g_assert_no_error (error);
  assert_is (secret, "a\0\377\r", 4);
}

static void
test_limit (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Secret) secret = output ("head -c 1000 /dev/zero", 20000, &error);
  g_autoptr (Secret) more = NULL;

  g_assert_no_error (error);
  g_assert_cmpuint (secret_length (secret), ==, 1000);
  more = output ("head -c 1001 /dev/zero", 20000, &error);
  g_assert_null (more);
  g_assert_error (error, FAILURE, FAILURE_CREDENTIAL);
  g_assert_cmpstr (error->message, ==, "`sh' printed more than 1000 octets");
}

static void
test_failures (void)
{
  static const struct
  {
    const char *argv[4];
    int code;
    const char *text;
  } cases[] = {
    { { "sh", "-c", "exit 3" },
      FAILURE_CREDENTIAL,
      "`sh' exited with status 3" },
    { { "sh", "-c", "echo secret; echo one >&2; echo two >&2; exit 1" },
      FAILURE_CREDENTIAL,
      "`sh' exited with status 1: two" },
    { { "sh", "-c", "printf 'a\\n\\033[1mb\\r\\n\\n' >&2; exit 1" },
      FAILURE_CREDENTIAL,
      "`sh' exited with status 1: ?[1mb" },
    { { "sh", "-c", "echo secret; kill -9 $$" },
      FAILURE_CREDENTIAL,
      "`sh' was ended by signal 9" },
    { { "/nonexistent/program" },
      FAILURE_CREDENTIAL,
      "cannot run `/nonexistent/program': No such file or directory" },
    { { "/etc/passwd" },
      FAILURE_CREDENTIAL,
      "cannot run `/etc/passwd': Permission denied" },
    { { "/" }, FAILURE_CREDENTIAL, "cannot run `/': Permission denied" },
    { { "no-such-program" },
      FAILURE_CREDENTIAL,
      "cannot run `no-such-program': it is not in " CHILD_PATH
      ": install it, or write its whole path" },
    { { "./sh" },
      FAILURE_CREDENTIAL,
      "cannot run `./sh': write its whole path" },
    { { "../bin/sh", "-c", "echo secret" },
      FAILURE_CREDENTIAL,
      "cannot run `../bin/sh': write its whole path" },
    { { "" }, FAILURE_CREDENTIAL, NULL },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (Secret) secret =
          child_output (cases[i].argv, 1000, deadline_in (20000), &error);

      g_assert_null (secret);
      g_assert_error (error, FAILURE, cases[i].code);
      if (cases[i].text != NULL)
        g_assert_cmpstr (error->message, ==, cases[i].text);
    }
}

/* Its last line is cut, and no more of it kept than is shown. */
static void
test_long_complaint (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Secret) secret = output (
      "head -c 3000000 /dev/zero | tr '\\0' x >&2; exit 1", 20000, &error);

  g_assert_null (secret);
  g_assert_error (error, FAILURE, FAILURE_CREDENTIAL);
  g_assert_cmpuint (strlen (error->message), <, 300);
  g_assert_true (
      g_str_has_prefix (error->message, "`sh' exited with status 1: xxx"));
  g_assert_true (g_str_has_suffix (error->message, "x..."));
}

static void
assert_too_late (const char *script, unsigned milliseconds)
{
  g_autoptr (GError) error = NULL;
  int64_t begun = g_get_monotonic_time ();
  g_autoptr (Secret) secret = output (script, milliseconds, &error);
  int64_t taken = g_get_monotonic_time () - begun;

  g_assert_null (secret);
  g_assert_error (error, FAILURE, FAILURE_TEMPORARY);
  g_assert_true (
      g_str_has_prefix (error->message, "`sh' did not end in time"));
  g_assert_cmpint (taken, >=, milliseconds * 1000);
  g_assert_cmpint (taken, <, (milliseconds + 3000) * 1000);
}

static void
test_deadline (void)
{
  assert_too_late ("echo secret; sleep 60", 300);
  assert_too_late ("trap '' TERM HUP INT; echo why >&2; sleep 60", 300);
  assert_too_late ("exec >&- 2>&-; sleep 60", 300);
  assert_too_late ("kill -STOP $$", 300);
  assert_too_late ("yes >&2", 300);
  assert_too_late ("echo secret", 0);
}

/* One that outlives the program keeps its stdout and stderr open. */
static void
test_grandchild (void)
{
  int64_t begun = g_get_monotonic_time ();

  assert_prints ("sleep 60 & echo secret", "secret\n");
  assert_prints ("setsid sleep 10 & echo secret", "secret\n");
  g_assert_cmpint (g_get_monotonic_time () - begun, <, 5 * G_USEC_PER_SEC);
}

/* The pid that a program wrote to FILE belongs to nobody any more, or to one
   that has ended. */
static void
assert_is_gone (const char *file)
{
  g_autofree char *text = NULL;
  int64_t until = g_get_monotonic_time () + 10 * G_USEC_PER_SEC;
  g_autofree char *stat = NULL;

  g_assert_true (g_file_get_contents (file, &text, NULL, NULL));
  stat = g_strdup_printf ("/proc/%d/stat", atoi (text));
  for (;;)
    {
      g_autofree char *state = NULL;

      if (!g_file_get_contents (stat, &state, NULL, NULL)
          || strstr (state, ") Z ") != NULL)
        return;
      g_assert_cmpint (g_get_monotonic_time (), <, until);
      g_thread_yield ();
    }
}

/* Whether it ends in time or not, nothing of its process group is left. */
static void
test_group (void)
{
  static const char *const ways[] = { "exit 0", "exit 1", "wait",
                                      "while :; do echo x; done" };
  g_autofree char *top = g_dir_make_tmp ("child-XXXXXX", NULL);
  g_autofree char *file = g_build_filename (top, "pid", NULL);

  for (size_t i = 0; i < G_N_ELEMENTS (ways); i++)
    {
      g_autofree char *script =
          g_strdup_printf ("sleep 600 & echo $! >%s; %s", file, ways[i]);
      g_autoptr (Secret) secret = output (script, 1000, NULL);

      assert_is_gone (file);
    }
  g_remove (file);
  g_rmdir (top);
}

/* All of the environment that a program gets, and all of its descriptors. */
static void
test_surroundings (void)
{
  static const char *const set[] = {
    "CREDENTIALS_DIRECTORY",
    "DBUS_SESSION_BUS_ADDRESS",
    "DISPLAY",
    "GNUPGHOME",
    "GPG_TTY",
    "KRB5CCNAME",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "LC_MESSAGES",
    "LD_LIBRARY_PATH",
    "PASSWORD_STORE_DIR",
    "BASH_ENV",
    "ENV",
    "SECRET_BACKEND",
    "SSH_AUTH_SOCK",
    "SSLKEYLOGFILE",
    "TERM",
    "WAYLAND_DISPLAY",
    "XAUTHORITY",
    "XDG_CACHE_HOME",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "XDG_RUNTIME_DIR",
    "XDG_STATE_HOME",
    "POSTRIDER_SECRET",
  };
  g_autofree char *home = g_dir_make_tmp ("child-XXXXXX", NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (Secret) environment = NULL;
  g_autoptr (Secret) descriptors = NULL;
  g_autofree char *expected = NULL;
  int leaked = open ("/dev/null", O_RDWR); /* not close-on-exec */

  g_assert_cmpint (leaked, >, 2);
  for (size_t i = 0; i < G_N_ELEMENTS (set); i++)
    g_setenv (set[i], "v", true);
  g_setenv ("PATH", "/nonexistent:/usr/bin", true);
  g_setenv ("HOME", home, true);
  g_setenv ("USER", "another", true);
  environment = output ("env -u PWD -u OLDPWD -u SHLVL -u _ -u USER -u LOGNAME"
                        " | LC_ALL=C sort; [ \"$USER\" = \"$(id -un)\" ]"
                        " && [ \"$LOGNAME\" = \"$USER\" ]",
                        20000, &error);
  g_assert_no_error (error);
  expected = g_strdup_printf (
      "CREDENTIALS_DIRECTORY=v\nDBUS_SESSION_BUS_ADDRESS=v\nDISPLAY=v\n"
      "GNUPGHOME=v\nGPG_TTY=v\nHOME=%s\nKRB5CCNAME=v\nLANG=v\nLC_ALL=v\n"
      "LC_CTYPE=v\nLC_MESSAGES=v\nPASSWORD_STORE_DIR=v\nPATH=%s\n"
      "SSH_AUTH_SOCK=v\nTERM=v\nWAYLAND_DISPLAY=v\nXAUTHORITY=v\n"
      "XDG_CACHE_HOME=v\nXDG_CONFIG_HOME=v\nXDG_DATA_HOME=v\n"
      "XDG_RUNTIME_DIR=v\nXDG_STATE_HOME=v\n",
      home, CHILD_PATH);
  g_assert_cmpstr (secret_octets (environment), ==, expected);

  /* Number 3 is the directory that is listed. */
  descriptors =
      child_output ((const char *const[]){ "ls", "/proc/self/fd", NULL }, 1000,
                    deadline_in (20000), &error);
  g_assert_no_error (error);
  g_assert_cmpstr (secret_octets (descriptors), ==, "0\n1\n2\n3\n");
  close (leaked);
  g_rmdir (home);
}

/* None is ignored or blocked, whatever is so here, and there is no terminal.
 * The two that the C library keeps for its threads are not ours to set. */
static void
test_signals (void)
{
  sigset_t all, before;
  g_autoptr (GError) error = NULL;
  g_autoptr (Secret) signals = NULL;
  unsigned long blocked, ignored;

  sigfillset (&all);
  sigprocmask (SIG_BLOCK, &all, &before);
  signal (SIGPIPE, SIG_IGN);
  signals = child_output ((const char *const[]){ "sed", "-n",
                                                 "s/^Sig\\(Blk\\|Ign\\)://p",
                                                 "/proc/self/status", NULL },
                          1000, deadline_in (20000), &error);
  sigprocmask (SIG_SETMASK, &before, NULL);
  g_assert_no_error (error);
  g_assert_cmpint (
      sscanf (secret_octets (signals), "%lx %lx", &blocked, &ignored), ==, 2);
  g_assert_cmphex (blocked, ==, 0);
  g_assert_cmphex (ignored & ~(3ul << 31), ==, 0);
  assert_prints ("exec 2>&-; (: </dev/tty) || echo none", "none\n");
}

/* What a person wrote is no shell's, and reaches the program as it is. */
static void
test_arguments (void)
{
  static const char *const argv[] = { "printf", "%s\n", "a b", "$(id)", "",
                                      "`id`",   ";",    "*",   "-n",    NULL };
  g_autoptr (GError) error = NULL;
  g_autoptr (Secret) secret =
      child_output (argv, 1000, deadline_in (20000), &error);

  g_assert_no_error (error);
  g_assert_cmpstr (secret_octets (secret), ==,
                   "a b\n$(id)\n\n`id`\n;\n*\n-n\n");
}

static void
on_signal (int number)
{
  (void) number;
  child_kill_all ();
}

static void
test_kill_all (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Secret) secret = NULL;
  sigset_t blocked;

  signal (SIGTERM, on_signal);
  spawn_raises = true;
  secret = output ("exec sleep 600", 20000, &error);
  spawn_raises = false;
  signal (SIGTERM, SIG_DFL);
  g_assert_null (secret);
  g_assert_nonnull (error);
  g_assert_cmpstr (error->message, ==, "`sh' was ended by signal 9");
  pthread_sigmask (SIG_BLOCK, NULL, &blocked);
  g_assert_cmpint (sigismember (&blocked, SIGTERM), ==, 0);
}

static void
test_connect (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Child) child = NULL;
  g_autofree char *complaint = NULL;
  char octets[16];
  ssize_t got = 0, more;
  int fd =
      child_connect ((const char *const[]){ "cat", NULL }, &child, &error);

  g_assert_no_error (error);
  g_assert_cmpint (fd, >, 2);
  g_assert_cmpint (fcntl (fd, F_GETFD), ==, FD_CLOEXEC);
  g_assert_cmpint (write (fd, "hello", 5), ==, 5);
  while (got < 5 && (more = read (fd, octets + got, sizeof octets - got)) > 0)
    got += more;
  g_assert_cmpint (got, ==, 5);
  g_assert_cmpint (memcmp (octets, "hello", 5), ==, 0);
  g_assert_null (child_complaint (child, deadline_in (0)));
  shutdown (fd, SHUT_WR);
  g_assert_cmpint (read (fd, octets, sizeof octets), ==, 0);
  complaint = child_complaint (child, deadline_in (20000));
  g_assert_cmpstr (complaint, ==, "`cat' exited with status 0");
  close (fd);
}

static void
test_connect_failures (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Child) child = NULL;
  g_autoptr (Child) stays = NULL;
  g_autofree char *complaint = NULL;
  g_autofree char *word = NULL;
  char octet;
  int fd = child_connect ((const char *const[]){ "/nonexistent", NULL },
                          &child, &error);

  g_assert_cmpint (fd, ==, -1);
  g_assert_error (error, FAILURE, FAILURE_CONFIG);
  g_clear_error (&error);
  fd = child_connect (SH ("echo 'Connection refused' >&2; exit 255"), &child,
                      &error);
  g_assert_no_error (error);
  g_assert_cmpint (read (fd, &octet, 1), ==, 0);
  complaint = child_complaint (child, deadline_in (20000));
  g_assert_cmpstr (complaint, ==,
                   "`sh' exited with status 255: Connection refused");
  close (fd);
  fd = child_connect (
      SH ("echo 'a word' >&2; echo x; trap '' TERM HUP; exec 2>&-; sleep 600"),
      &stays, &error);
  g_assert_no_error (error);
  g_assert_cmpint (read (fd, &octet, 1), ==, 1);
  word = child_complaint (stays, deadline_in (0));
  g_assert_cmpstr (word, ==, "`sh': a word");
  close (fd);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/child/output", test_output);
  g_test_add_func ("/child/octets", test_octets);
  g_test_add_func ("/child/limit", test_limit);
  g_test_add_func ("/child/failures", test_failures);
  g_test_add_func ("/child/long-complaint", test_long_complaint);
  g_test_add_func ("/child/deadline", test_deadline);
  g_test_add_func ("/child/grandchild", test_grandchild);
  g_test_add_func ("/child/group", test_group);
  g_test_add_func ("/child/surroundings", test_surroundings);
  g_test_add_func ("/child/signals", test_signals);
  g_test_add_func ("/child/kill-all", test_kill_all);
  g_test_add_func ("/child/arguments", test_arguments);
  g_test_add_func ("/child/connect", test_connect);
  g_test_add_func ("/child/connect-failures", test_connect_failures);
  return g_test_run ();
}
