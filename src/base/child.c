#include "base/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <glib/gi18n.h>

#include "base/failure.h"
#include "base/text.h"
#include "base/user.h"

/* One that writes more than this to stderr, while it is a connection, waits.
 */
#define COMPLAINTS_CAPACITY (1024 * 1024)

/* Milliseconds from one look to the next, where a kernel has no pidfd. */
#define LOOK 50

/* What programs for passwords and connections need: gpg and its pinentry,
 * pass, the agents of ssh and gpg, the bus, and where systemd put credentials.
 */
static const char *const passed[] = {
  "LANG",
  "LC_ALL",
  "LC_CTYPE",
  "LC_MESSAGES",
  "TERM",
  "DISPLAY",
  "WAYLAND_DISPLAY",
  "XAUTHORITY",
  "XDG_RUNTIME_DIR",
  "XDG_CONFIG_HOME",
  "XDG_DATA_HOME",
  "XDG_STATE_HOME",
  "XDG_CACHE_HOME",
  "DBUS_SESSION_BUS_ADDRESS",
  "GNUPGHOME",
  "GPG_TTY",
  "SSH_AUTH_SOCK",
  "KRB5CCNAME",
  "PASSWORD_STORE_DIR",
  "CREDENTIALS_DIRECTORY",
};

struct Child
{
  char *name;
  pid_t pid;      /* of it and of its process group */
  int pidfd;      /* -1: the kernel has none */
  int complaints; /* its stderr; -1: it said its last */
  TextLine said;  /* the last line of it */
};

static char **
make_environment (void)
{
  g_autofree char *home = user_home ();
  char **environment = NULL;

  environment = g_environ_setenv (environment, "PATH", CHILD_PATH, true);
  environment = g_environ_setenv (environment, "USER", user_name (), true);
  environment = g_environ_setenv (environment, "LOGNAME", user_name (), true);
  if (home != NULL)
    environment = g_environ_setenv (environment, "HOME", home, true);
  for (size_t i = 0; i < G_N_ELEMENTS (passed); i++)
    {
      const char *value = g_getenv (passed[i]);

      if (value != NULL)
        environment = g_environ_setenv (environment, passed[i], value, true);
    }
  return environment;
}

/* The program that NAME means, or NULL. */
static char *
find_program (const char *name)
{
  g_auto (GStrv) directories = g_strsplit (CHILD_PATH, ":", -1);

  if (name[0] == '/')
    return g_strdup (name);
  if (strchr (name, '/') != NULL)
    return NULL;
  for (size_t i = 0; directories[i] != NULL; i++)
    {
      g_autofree char *path = g_build_filename (directories[i], name, NULL);
      struct stat status;

      if (stat (path, &status) == 0 && S_ISREG (status.st_mode)
          && access (path, X_OK) == 0)
        return g_steal_pointer (&path);
    }
  return NULL;
}

static bool
prepare_actions (posix_spawn_file_actions_t *actions, const int *fds)
{
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
    if ((fds != NULL ? posix_spawn_file_actions_adddup2 (actions, fds[fd], fd)
                     : posix_spawn_file_actions_addopen (
                         actions, fd, "/dev/null", O_RDWR, 0))
        != 0)
      return false;
  return posix_spawn_file_actions_addclosefrom_np (actions, STDERR_FILENO + 1)
             == 0
         && posix_spawn_file_actions_addchdir_np (actions, "/") == 0;
}

/* Signals do again what they do by default, and none is blocked. */
static bool
prepare_attributes (posix_spawnattr_t *attributes)
{
  sigset_t all, none;

  sigfillset (&all);
  sigemptyset (&none);
  return posix_spawnattr_setsigdefault (attributes, &all) == 0
         && posix_spawnattr_setsigmask (attributes, &none) == 0
         && posix_spawnattr_setflags (attributes, POSIX_SPAWN_SETSID
                                                      | POSIX_SPAWN_SETSIGDEF
                                                      | POSIX_SPAWN_SETSIGMASK)
                == 0;
}

int
child_spawn (const char *file, const char *const *argv,
             const char *const *environment, const int *fds, pid_t *pid)
{
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  int errnum = ENOMEM;

  posix_spawn_file_actions_init (&actions);
  posix_spawnattr_init (&attributes);
  if (prepare_actions (&actions, fds) && prepare_attributes (&attributes))
    errnum = posix_spawn (pid, file, &actions, &attributes,
                          (char *const *) argv, (char *const *) environment);
  posix_spawnattr_destroy (&attributes);
  posix_spawn_file_actions_destroy (&actions);
  return errnum;
}

/* Whether ERRNUM of an exec says something about the program, and not about
   the machine. */
static bool
blames_program (int errnum)
{
  return errnum != EAGAIN && errnum != ENOMEM && errnum != EMFILE
         && errnum != ENFILE && errnum != EIO && errnum != ETXTBSY;
}

static pid_t
start (const char *const *argv, const int *fds, Failure kind, GError **error)
{
  g_autofree char *file = find_program (argv[0]);
  g_auto (GStrv) environment = make_environment ();
  pid_t pid;
  int errnum;

  if (file == NULL)
    {
      g_set_error (error, FAILURE, kind,
                   strchr (argv[0], '/') != NULL
                       ? _ ("cannot run `%s': write its whole path")
                       : _ ("cannot run `%s': it is not in %s: install it, "
                            "or write its whole path"),
                   argv[0], CHILD_PATH);
      return -1;
    }
  errnum =
      child_spawn (file, argv, (const char *const *) environment, fds, &pid);
  if (errnum == 0)
    return pid;
  failure_set_errno (error, blames_program (errnum) ? kind : FAILURE_OS,
                     errnum, _ ("cannot run `%s'"), argv[0]);
  return -1;
}

/* FDS[0] is ours and does not block, FDS[1] the program's. */
static bool
open_pipe (int *fds, GError **error)
{
  if (pipe2 (fds, O_CLOEXEC) != 0)
    {
      failure_set_errno (error, FAILURE_OS, errno, _ ("cannot make a pipe"));
      return false;
    }
  (void) fcntl (fds[0], F_SETFL, O_NONBLOCK);
  return true;
}

/* Those that run, for handlers of signals. */
static volatile pid_t groups[4];

static void
replace_group (pid_t old, pid_t new)
{
  for (size_t i = 0; i < G_N_ELEMENTS (groups); i++)
    if (groups[i] == old)
      {
        groups[i] = new;
        return;
      }
}

void
child_kill_all (void)
{
  for (size_t i = 0; i < G_N_ELEMENTS (groups); i++)
    if (groups[i] > 0)
      (void) kill (-groups[i], SIGKILL);
}

/* A signal that comes once the program runs finds it noted: whoever handles it could
   not end it otherwise. The program itself has none blocked. */
static pid_t
start_noted (const char *const *argv, const int *fds, Failure kind,
             GError **error)
{
  sigset_t all, before;
  pid_t pid;

  sigfillset (&all);
  pthread_sigmask (SIG_BLOCK, &all, &before);
  pid = start (argv, fds, kind, error);
  if (pid > 0)
    replace_group (0, pid);
  pthread_sigmask (SIG_SETMASK, &before, NULL);
  return pid;
}

/* INPUT and OUTPUT are the program's, and stay open. */
static Child *
child_new (const char *const *argv, int input, int output, Failure kind,
           GError **error)
{
  int complaints[2];
  Child *child;
  pid_t pid;

  if (!open_pipe (complaints, error))
    return NULL;
  pid = start_noted (argv, (int[]){ input, output, complaints[1] }, kind,
                     error);
  close (complaints[1]);
  if (pid < 0)
    {
      close (complaints[0]);
      return NULL;
    }
  child = g_new0 (Child, 1);
  child->name = g_strdup (argv[0]);
  child->pid = pid;
  child->pidfd = pidfd_open (pid, 0);
  child->complaints = complaints[0];
  return child;
}

/* Of the program alone, not of its process group. Its pid stays its own, for
   nobody has waited for it. */
static bool
has_ended (const Child *child, siginfo_t *how)
{
  *how = (siginfo_t){ 0 };
  return waitid (P_PID, child->pid, how, WEXITED | WNOHANG | WNOWAIT) == 0
         && how->si_pid != 0;
}

/* What stands in stderr by now. One who writes without end does not hold us.
 */
static void
hear_complaints (Child *child)
{
  char octets[4096];
  ssize_t got;

  if (child->complaints < 0)
    return;
  for (int i = 0; i < COMPLAINTS_CAPACITY / (int) sizeof octets; i++)
    {
      got = read (child->complaints, octets, sizeof octets);
      if (got > 0)
        text_line_add (&child->said, octets, (size_t) got);
      else if (got == 0)
        {
          close (child->complaints);
          child->complaints = -1;
          return;
        }
      else if (errno != EINTR)
        return;
    }
}

/* Waits until there is something to read (FD may be -1) or the program has
   ended; false: neither is so at DEADLINE. */
static bool
child_poll (const Child *child, int fd, int complaints, Deadline deadline)
{
  struct pollfd waiting[] = {
    { .fd = fd, .events = POLLIN },
    { .fd = complaints, .events = POLLIN },
    { .fd = child->pidfd, .events = POLLIN },
  };
  int left = deadline_poll (deadline);

  if (child->pidfd < 0)
    left = MIN (left, LOOK);
  (void) poll (waiting, G_N_ELEMENTS (waiting), left);
  return !deadline_passed (deadline);
}

static bool
await_end (const Child *child, siginfo_t *how, Deadline deadline)
{
  while (!has_ended (child, how))
    if (!child_poll (child, -1, -1, deadline))
      return has_ended (child, how);
  return true;
}

/* The program and what it started, as far as that stayed in its session. One
   that has become another user's, or waits for a disk, may not end: then it is
   left. */
static void
child_kill (Child *child)
{
  siginfo_t how;

  (void) kill (-child->pid, SIGKILL);
  /* Once it has been waited for, its number may be somebody else's. */
  replace_group (child->pid, 0);
  if (await_end (child, &how, deadline_in (CHILD_GRACE)))
    (void) waitid (P_PID, child->pid, &how, WEXITED | WNOHANG);
  if (child->pidfd >= 0)
    close (child->pidfd);
  if (child->complaints >= 0)
    close (child->complaints);
  g_free (child->name);
  g_free (child);
}

/* TEXT, with the last line of stderr. */
static char *
with_complaint (Child *child, const char *text)
{
  g_autofree char *line = NULL;

  hear_complaints (child);
  line = text_line_printable (&child->said);
  return *line != '\0' ? g_strdup_printf ("%s: %s", text, line)
                       : g_strdup (text);
}

static char *
describe_end (const Child *child, const siginfo_t *how)
{
  return g_strdup_printf (how->si_code == CLD_EXITED
                              ? _ ("`%s' exited with status %d")
                              : _ ("`%s' was ended by signal %d"),
                          child->name, how->si_status);
}

/* TEXT is taken. */
static void
set_failure (Child *child, Failure kind, char *text, GError **error)
{
  g_autofree char *whole = with_complaint (child, text);

  g_set_error_literal (error, FAILURE, kind, whole);
  g_free (text);
}

typedef enum
{
  READ_ALL,  /* of what is there now */
  READ_END,  /* there will be no more */
  READ_FULL, /* there is more than fits */
} Read;

static Read
read_into (Secret *secret, int fd, size_t limit)
{
  char *octets = secret_buffer (secret);
  size_t length = secret_length (secret);
  ssize_t got;

  do
    {
      got = read (fd, octets + length, limit + 1 - length);
      if (got > 0)
        length += (size_t) got;
    }
  while (length <= limit && (got > 0 || (got < 0 && errno == EINTR)));
  secret_set_length (secret, length);
  if (length > limit)
    return READ_FULL;
  return got == 0 ? READ_END : READ_ALL;
}

/* All that the program prints until it ends, whoever else has its stdout. */
static bool
gather (Child *child, int output, Secret *secret, size_t limit,
        Deadline deadline, GError **error)
{
  siginfo_t how;
  bool ended;
  Read read = READ_ALL;

  do
    {
      if (!child_poll (child, read == READ_END ? -1 : output,
                       child->complaints, deadline))
        {
          set_failure (
              child, FAILURE_TEMPORARY,
              g_strdup_printf (_ ("`%s' did not end in time"), child->name),
              error);
          return false;
        }
      /* What it printed before it ended is there when it is seen to have. */
      ended = has_ended (child, &how);
      hear_complaints (child);
      read = read_into (secret, output, limit);
      if (read == READ_FULL)
        {
          set_failure (
              child, FAILURE_CREDENTIAL,
              g_strdup_printf (_ ("`%s' printed more than %zu octets"),
                               child->name, limit),
              error);
          return false;
        }
    }
  while (!ended);
  if (how.si_code == CLD_EXITED && how.si_status == 0)
    return true;
  set_failure (child, FAILURE_CREDENTIAL, describe_end (child, &how), error);
  return false;
}

static Child *
start_output (const char *const *argv, int *output, GError **error)
{
  int input = open ("/dev/null", O_RDONLY | O_CLOEXEC);
  int pipe[2];
  Child *child;

  if (input < 0)
    {
      failure_set_errno (error, FAILURE_OS, errno, "/dev/null");
      return NULL;
    }
  if (!open_pipe (pipe, error))
    {
      close (input);
      return NULL;
    }
  child = child_new (argv, input, pipe[1], FAILURE_CREDENTIAL, error);
  close (input);
  close (pipe[1]);
  if (child != NULL)
    *output = pipe[0];
  else
    close (pipe[0]);
  return child;
}

Secret *
child_output (const char *const *argv, size_t limit, Deadline deadline,
              GError **error)
{
  g_autoptr (Secret) secret = secret_new_empty (limit + 1);
  int output;
  Child *child = start_output (argv, &output, error);
  bool ok;

  if (child == NULL)
    return NULL;
  ok = gather (child, output, secret, limit, deadline, error);
  close (output);
  child_kill (child);
  return ok ? g_steal_pointer (&secret) : NULL;
}

int
child_connect (const char *const *argv, Child **child, GError **error)
{
  int ends[2];

  if (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    {
      failure_set_errno (error, FAILURE_OS, errno,
                         _ ("cannot make a connection"));
      return -1;
    }
  *child = child_new (argv, ends[1], ends[1], FAILURE_CONFIG, error);
  close (ends[1]);
  if (*child == NULL)
    {
      close (ends[0]);
      return -1;
    }
  /* Nobody reads its stderr while the connection lasts. */
  (void) fcntl ((*child)->complaints, F_SETPIPE_SZ, COMPLAINTS_CAPACITY);
  return ends[0];
}

char *
child_complaint (Child *child, Deadline deadline)
{
  g_autofree char *text = NULL;
  siginfo_t how;

  if (await_end (child, &how, deadline))
    text = describe_end (child, &how);
  else
    {
      hear_complaints (child);
      if (child->said.length == 0)
        return NULL;
      text = g_strdup_printf ("`%s'", child->name);
    }
  return with_complaint (child, text);
}

void
child_free (Child *child)
{
  siginfo_t how;

  if (child == NULL)
    return;
  (void) await_end (child, &how, deadline_in (CHILD_GRACE));
  child_kill (child);
}
