/* recorder - stands where callers look for sendmail: it notes how it was
 * called, calls the program, and notes what came of that.
 *
 * In /run/recorder, which everybody may write: `sendmail', the program; and
 * for each call, once it has ended, a file call.TIME. Its lines:
 *
 *   argv STRING...       quoted as for a shell, where need be
 *   user UID
 *   state STRING...      what is unlike a shell's: descriptors that are closed
 * or left open, signals ignored or blocked, the umask, a directory that is not
 * / status NUMBER printed NUMBER       octets on standard output and error;
 * not of -bs, which is no text
 *
 * The program gets all as the caller gave it, but where its output is looked
 * at: there it writes to a file, which is then passed on.
 */
#define _GNU_SOURCE 1
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PLACE "/run/recorder/"
#define PROGRAM PLACE "sendmail"
#define DESCRIPTORS 64
#define FIRST_OWN (DESCRIPTORS + 10)

/* In which the program's output is looked at: -1 where it is not. */
static int outputs[3] = { -1, -1, -1 };

static void
put_word (FILE *record, const char *word)
{
  static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
                              "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@%+=:,./-_";

  if (word[0] != '\0' && word[strspn (word, plain)] == '\0')
    {
      fprintf (record, " %s", word);
      return;
    }
  fputs (" '", record);
  for (; *word != '\0'; word++)
    {
      if (*word == '\'')
        fputs ("'\\''", record);
      else
        putc (*word, record);
    }
  putc ('\'', record);
}

static void
put_arguments (FILE *record, char **argv)
{
  fputs ("argv", record);
  for (; *argv != NULL; argv++)
    put_word (record, *argv);
  fprintf (record, "\nuser %u\nstate", (unsigned int) getuid ());
}

/* Before anything was opened. */
static void
look_at_descriptors (bool *open_ones)
{
  for (int n = 0; n < DESCRIPTORS; n++)
    open_ones[n] = fcntl (n, F_GETFD) != -1;
}

static void
put_state (FILE *record, const bool *open_ones, const sigset_t *blocked)
{
  static const int signals[] = { SIGHUP, SIGINT, SIGPIPE, SIGTERM, SIGCHLD };
  char *directory = get_current_dir_name ();
  mode_t mask = umask (0);

  umask (mask);
  for (int n = 0; n < DESCRIPTORS; n++)
    {
      if (open_ones[n] != (n < 3))
        fprintf (record, " %s:%d", n < 3 ? "closed" : "open", n);
    }
  for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
    {
      struct sigaction action;

      if (sigismember (blocked, signals[i]) == 1)
        fprintf (record, " blocked:SIG%s", sigabbrev_np (signals[i]));
      if (sigaction (signals[i], NULL, &action) == 0
          && action.sa_handler == SIG_IGN)
        fprintf (record, " ignored:SIG%s", sigabbrev_np (signals[i]));
    }
  if (mask != 022)
    fprintf (record, " umask:%03o", (unsigned int) mask);
  if (directory != NULL && strcmp (directory, "/") == 0)
    fputs (" directory:/", record);
  free (directory);
  putc ('\n', record);
}

static bool
speaks_smtp (char **argv)
{
  for (; *argv != NULL; argv++)
    {
      if (strcmp (*argv, "-bs") == 0)
        return true;
    }
  return false;
}

static void
look_at_outputs (const bool *open_ones)
{
  for (int n = 1; n <= 2; n++)
    {
      if (!open_ones[n])
        continue;
      outputs[n] = memfd_create ("output", MFD_CLOEXEC);
      outputs[n] = fcntl (outputs[n], F_DUPFD_CLOEXEC, FIRST_OWN);
    }
}

/* How many octets there were. */
static long
pass_on_outputs (void)
{
  long total = 0;

  signal (SIGPIPE, SIG_IGN);
  for (int n = 1; n <= 2; n++)
    {
      char octets[4096];
      ssize_t got;

      if (outputs[n] == -1)
        continue;
      lseek (outputs[n], 0, SEEK_SET);
      while ((got = read (outputs[n], octets, sizeof octets)) > 0)
        {
          total += got;
          if (write (n, octets, (size_t) got) < 0)
            break;
        }
    }
  return total;
}

/* A file that shows only when it is whole. */
static FILE *
open_record (char *path, size_t size)
{
  struct timespec now;
  int descriptor, high;

  clock_gettime (CLOCK_REALTIME, &now);
  snprintf (path, size, PLACE ".call.%lld%09ld", (long long) now.tv_sec,
            now.tv_nsec);
  descriptor = open (path, O_WRONLY | O_CREAT | O_EXCL, 0666);
  fchmod (descriptor, 0666);
  high = fcntl (descriptor, F_DUPFD_CLOEXEC, FIRST_OWN);
  close (descriptor);
  return fdopen (high, "w");
}

static int
run_program (char **argv)
{
  const struct sigaction by_default = { .sa_handler = SIG_DFL };
  struct sigaction of_caller;
  pid_t child;
  int status;

  sigaction (SIGCHLD, &by_default, &of_caller);
  child = fork ();
  if (child == 0)
    {
      sigaction (SIGCHLD, &of_caller, NULL);
      for (int n = 1; n <= 2; n++)
        {
          if (outputs[n] != -1)
            dup2 (outputs[n], n);
        }
      execv (PROGRAM, argv);
      _exit (126);
    }
  /* The pipe is the program's alone: who writes to it sees it die. */
  close (0);
  if (waitpid (child, &status, 0) != child)
    return EXIT_FAILURE;
  return WIFEXITED (status) ? WEXITSTATUS (status) : 128 + WTERMSIG (status);
}

int
main (int argc, char **argv)
{
  char hidden[100], path[100];
  bool open_ones[DESCRIPTORS];
  sigset_t blocked;
  FILE *record;
  int status;

  (void) argc;
  look_at_descriptors (open_ones);
  sigprocmask (SIG_BLOCK, NULL, &blocked);
  record = open_record (hidden, sizeof hidden);
  if (record == NULL)
    return 127;
  put_arguments (record, argv);
  put_state (record, open_ones, &blocked);
  if (!speaks_smtp (argv))
    look_at_outputs (open_ones);
  fflush (record);
  status = run_program (argv);
  fprintf (record, "status %d\nprinted %ld\n", status, pass_on_outputs ());
  fclose (record);
  snprintf (path, sizeof path, PLACE "%s", hidden + strlen (PLACE) + 1);
  rename (hidden, path);
  return status;
}
