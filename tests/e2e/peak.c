/* peak - runs a command and writes its peak of resident memory, in KiB, to a
 * file: peak FILE COMMAND ARGUMENT... */
#include <err.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

int
main (int argc, char **argv)
{
  struct rusage usage;
  int status;
  pid_t child;
  FILE *file;

  if (argc < 3)
    errx (2, "usage: peak FILE COMMAND ARGUMENT...");
  child = fork ();
  if (child < 0)
    err (2, "fork");
  if (child == 0)
    {
      execvp (argv[2], argv + 2);
      err (127, "%s", argv[2]);
    }
  if (wait4 (child, &status, 0, &usage) < 0)
    err (2, "wait4");
  file = fopen (argv[1], "w");
  if (file == NULL || fprintf (file, "%ld\n", usage.ru_maxrss) < 0
      || fclose (file) != 0)
    err (2, "%s", argv[1]);
  return WIFEXITED (status) ? WEXITSTATUS (status) : 128 + WTERMSIG (status);
}
