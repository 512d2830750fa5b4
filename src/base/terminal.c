#include "base/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include <glib/gi18n.h>

#include "base/failure.h"
#include "base/progress.h"
#include "base/text.h"

#define LINE_MAXIMUM 4096 /* octets; the terminal gives no more at once */

/* Octet by octet: what is not in the Secret is in no other buffer either. *ENDED:
   there was not even an empty line. */
static Secret *
read_line (int fd, bool *ended, GError **error)
{
  g_autoptr (Secret) line = secret_new_empty (SECRET_MAXIMUM);
  char *octets = secret_buffer (line);
  size_t length = 0;

  *ended = false;
  for (;;)
    {
      ssize_t got;

      if (length == SECRET_MAXIMUM)
        {
          g_set_error_literal (error, FAILURE, FAILURE_DATA,
                               _ ("the password is too long"));
          return NULL;
        }
      got = read (fd, octets + length, 1);
      if (got < 0 && errno == EINTR)
        continue;
      if (got < 0)
        {
          failure_set_errno (error, FAILURE_IO, errno,
                             _ ("cannot read the password"));
          return NULL;
        }
      if (got == 0 || octets[length] == '\n')
        {
          *ended = got == 0 && length == 0;
          break;
        }
      length++;
    }
  secret_set_length (line, length);
  return g_steal_pointer (&line);
}

Secret *
terminal_read_line (int fd, GError **error)
{
  bool ended;

  return read_line (fd, &ended, error);
}

/* It may have the name of a file in it, or what a relay said. */
static void
show_prompt (int tty, const char *prompt)
{
  g_autofree char *shown =
      text_printable (prompt, strlen (prompt), LINE_MAXIMUM);

  dprintf (tty, "%s", shown);
}

/* Waits for a line, or for a signal of SIGNALS, which are blocked. Below 0:
   that came; 0: it is too late. */
static int
wait_for_line (int tty, const sigset_t *signals, Deadline deadline)
{
  struct pollfd waiting[] = {
    { .fd = tty, .events = POLLIN },
    { .fd = signalfd (-1, signals, SFD_CLOEXEC), .events = POLLIN },
  };
  int ready;

  do
    ready = poll (waiting, G_N_ELEMENTS (waiting), deadline_poll (deadline));
  while (ready < 0 && errno == EINTR);
  if (waiting[1].fd >= 0)
    close (waiting[1].fd);
  return ready > 0 && waiting[1].revents != 0 ? -1 : ready;
}

/* A line typed on TTY after PROMPT, unseen. A signal is held back until the
   terminal is as it was, and then does what it does. */
static Secret *
read_unseen (int tty, const char *prompt, Deadline deadline, GError **error)
{
  static const int held[] = { SIGINT,  SIGTERM, SIGHUP,  SIGQUIT,
                              SIGTSTP, SIGALRM, SIGUSR1, SIGUSR2 };
  struct termios before, unseen;
  sigset_t signals, mask;
  Secret *line = NULL;
  bool ended = false;
  int typed;

  if (tcgetattr (tty, &before) != 0)
    {
      failure_set_errno (error, FAILURE_IO, errno,
                         _ ("cannot read the password"));
      return NULL;
    }
  unseen = before;
  unseen.c_lflag = (unseen.c_lflag & ~(tcflag_t) ECHO) | ICANON | ECHONL;
  sigemptyset (&signals);
  for (size_t i = 0; i < G_N_ELEMENTS (held); i++)
    sigaddset (&signals, held[i]);
  sigprocmask (SIG_BLOCK, &signals, &mask);
  if (tcsetattr (tty, TCSAFLUSH, &unseen) != 0)
    {
      failure_set_errno (error, FAILURE_IO, errno,
                         _ ("cannot read the password"));
      sigprocmask (SIG_SETMASK, &mask, NULL);
      return NULL;
    }
  show_prompt (tty, prompt);
  typed = wait_for_line (tty, &signals, deadline);
  if (typed > 0)
    line = read_line (tty, &ended, error);
  if (typed <= 0 || ended)
    {
      g_clear_pointer (&line, secret_free);
      dprintf (tty, "\n");
      g_set_error_literal (error, FAILURE, FAILURE_TEMPORARY,
                           typed == 0 ? _ ("nothing was typed in time")
                                      : _ ("interrupted: nothing is stored"));
    }
  tcsetattr (tty, TCSAFLUSH, &before);
  sigprocmask (SIG_SETMASK, &mask, NULL);
  return line;
}

static int
open_terminal (GError **error)
{
  int tty = open ("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);

  if (tty < 0)
    failure_set_errno (error, FAILURE_IO, errno,
                       _ ("cannot open the terminal"));
  return tty;
}

Secret *
terminal_ask (const char *prompt, Deadline deadline, GError **error)
{
  int tty = open_terminal (error);
  Secret *line;

  if (tty < 0)
    return NULL;
  progress_end_any ();
  line = read_unseen (tty, prompt, deadline, error);
  close (tty);
  return line;
}

char *
terminal_ask_line (const char *prompt, GError **error)
{
  char line[LINE_MAXIMUM];
  int tty = open_terminal (error);
  ssize_t got;

  if (tty < 0)
    return NULL;
  show_prompt (tty, prompt);
  do
    got = read (tty, line, sizeof line);
  while (got < 0 && errno == EINTR);
  if (got <= 0)
    {
      dprintf (tty, "\n");
      g_set_error_literal (error, FAILURE, FAILURE_TEMPORARY,
                           _ ("interrupted: nothing is stored"));
    }
  close (tty);
  if (got <= 0)
    return NULL;
  if (line[got - 1] == '\n')
    got--;
  return text_printable (line, (size_t) got, sizeof line);
}
