/* measure - runs a command, and says what it took.
 *
 *   measure INPUT ALSO COMMAND ARGUMENT...
 *
 * A command of "env NAME=VALUE... COMMAND" is run without env, whose own start would
 * count. INPUT is its standard input, ALSO (or "-") its descriptor 3; its output goes
 * to the file that MEASURE_OUTPUT names, or nowhere. Prints microseconds,
 * those of the processor (of all its processes that were waited for), the peak
 * of memory in KiB and the exit status. Small, since a process that runs
 * another has its size counted for that one's. */
#include <err.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int64_t
now (void)
{
  struct timespec time;

  clock_gettime (CLOCK_MONOTONIC, &time);
  return time.tv_sec * INT64_C (1000000) + time.tv_nsec / 1000;
}

static int64_t
microseconds (struct timeval time)
{
  return time.tv_sec * INT64_C (1000000) + time.tv_usec;
}

static void
become (int fd, int target)
{
  if (fd < 0 || (fd != target && dup2 (fd, target) < 0))
    _exit (126);
}

static char **
without_env (char **command)
{
  if (strcmp (command[0], "env") != 0)
    return command;
  while (*++command != NULL && strchr (*command, '=') != NULL)
    putenv (*command);
  return command;
}

static void
run (char **argv, const char *output)
{
  int out = open (output, O_WRONLY | O_CREAT | O_APPEND, 0600);

  /* One of them ends its whole process group. */
  setsid ();
  become (open (argv[1], O_RDONLY), 0);
  become (out, 1);
  become (out, 2);
  if (strcmp (argv[2], "-") != 0)
    become (open (argv[2], O_RDONLY), 3);
  else
    close (3);
  argv = without_env (argv + 3);
  execvp (*argv, argv);
  _exit (127);
}

int
main (int argc, char **argv)
{
  const char *output = getenv ("MEASURE_OUTPUT");
  struct rusage usage;
  int64_t start;
  int status;
  pid_t child;

  if (argc < 4)
    errx (2, "usage: measure INPUT ALSO COMMAND ARGUMENT...");
  start = now ();
  child = vfork ();
  if (child == 0)
    run (argv, output == NULL ? "/dev/null" : output);
  if (child < 0 || wait4 (child, &status, 0, &usage) < 0)
    err (1, "%s", argv[3]);
  printf ("%lld %lld %ld %d\n", (long long) (now () - start),
          (long long) (microseconds (usage.ru_utime)
                       + microseconds (usage.ru_stime)),
          usage.ru_maxrss,
          WIFEXITED (status) ? WEXITSTATUS (status) : 128 + WTERMSIG (status));
  return 0;
}
