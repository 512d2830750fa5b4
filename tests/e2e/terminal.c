/* terminal - runs a command on a terminal of its own, of 60 lines and 100 columns,
 * and types one line.
 *
 *   terminal PROMPT KEYS COMMAND...
 *
 * When the command has written PROMPT, KEYS are typed. In the end says what
 * the terminal showed, whether it echoes, and how the command ended.
 */
#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>
#include <utmp.h>

#define SHOWN_MAXIMUM (1024 * 1024)

static const char *
echo_of (int terminal)
{
  struct termios state;

  if (tcgetattr (terminal, &state) != 0)
    return "?";
  return (state.c_lflag & ECHO) != 0 ? "on" : "off";
}

int
main (int argc, char **argv)
{
  static char shown[SHOWN_MAXIMUM + 1];
  const struct winsize size = { .ws_row = 60, .ws_col = 100 };
  size_t length = 0;
  size_t answered = 0; /* of what was shown */
  int at = 1;          /* the next PROMPT */
  int command = 3;
  int status;
  int terminal, keeper;
  pid_t child;

  while (command + 3 < argc && strcmp (argv[command], "+") == 0)
    command += 3;
  if (argc < 4 || openpty (&terminal, &keeper, NULL, NULL, &size) != 0)
    return EXIT_FAILURE;
  child = fork ();
  if (child == 0)
    {
      close (terminal);
      login_tty (keeper);
      execvp (argv[command], argv + command);
      _exit (127);
    }
  /* Without a slave end left open, reading the master fails at the end. */
  close (keeper);
  while (length < SHOWN_MAXIMUM)
    {
      ssize_t got = read (terminal, shown + length, SHOWN_MAXIMUM - length);

      if (got <= 0)
        break;
      length += (size_t) got;
      if (at < command && strstr (shown + answered, argv[at]) != NULL)
        {
          printf ("echo %s\n", echo_of (terminal));
          if (write (terminal, argv[at + 1], strlen (argv[at + 1])) < 0)
            break;
          answered = length;
          at += 3;
        }
    }
  waitpid (child, &status, 0);
  fwrite (shown, 1, length, stdout);
  printf ("echo %s\n", echo_of (terminal));
  if (WIFSIGNALED (status))
    printf ("signal %d\n", WTERMSIG (status));
  else
    printf ("status %d\n", WEXITSTATUS (status));
  return EXIT_SUCCESS;
}
