#include "submit/signals.h"

#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sysexits.h>
#include <unistd.h>

#include <glib/gi18n.h>

#include "base/child.h"
#include "base/progress.h"

/* Handlers and not a mask: the keyring's threads would take the signal. */
static const int watched[] = { SIGINT, SIGTERM, SIGHUP };
static struct sigaction before[G_N_ELEMENTS (watched)];
static bool installed;
static volatile sig_atomic_t noted;

/* Who comes first, the signal or the final dot, is decided by one exchange. */
enum
{
  NOTING,
  ABANDONING,
  CANCELLABLE,
  CANCELLED,
};
static atomic_int state = NOTING;
static QueueCancel *cancel;
/* Children that the signals go on to. */
static volatile pid_t wards[WARDS_MAXIMUM];
static volatile sig_atomic_t far_ward = -1;
static char *farewell;

/* Async-signal-safe: the move is prepared, and dying is left to the kernel. */
static void
on_signal (int number)
{
  int expected = ABANDONING;

  if (atomic_compare_exchange_strong (&state, &expected, CANCELLED))
    {
      progress_wipe ();
      (void) !write (STDERR_FILENO, farewell, strlen (farewell));
      _exit (EX_TEMPFAIL);
    }
  expected = CANCELLABLE;
  if (number != SIGHUP
      && atomic_compare_exchange_strong (&state, &expected, CANCELLED))
    {
      queue_cancel (cancel);
      child_kill_all ();
      progress_wipe ();
      (void) !write (STDERR_FILENO, farewell, strlen (farewell));
      (void) signal (number, SIG_DFL);
      (void) raise (number);
    }
  else
    {
      /* SIGHUP asks for less, and may come behind. */
      if (number != SIGHUP || noted == 0)
        noted = number;
      for (size_t i = 0; i < G_N_ELEMENTS (wards); i++)
        if (wards[i] > 0)
          (void) kill (wards[i], number);
      if (far_ward >= 0)
        (void) pidfd_send_signal (far_ward, number, NULL, 0);
    }
}

static void
install (void)
{
  struct sigaction action = { .sa_handler = on_signal,
                              .sa_flags = SA_RESTART };

  if (installed)
    return;
  installed = true;
  for (size_t i = 0; i < G_N_ELEMENTS (watched); i++)
    sigaddset (&action.sa_mask, watched[i]);
  for (size_t i = 0; i < G_N_ELEMENTS (watched); i++)
    {
      sigaction (watched[i], NULL, &before[i]);
      if (before[i].sa_handler != SIG_IGN)
        sigaction (watched[i], &action, NULL);
    }
}

void
signals_abandon (void)
{
  g_free (farewell);
  farewell = g_strdup (_ ("postrider: ended by a signal before the message was "
                          "complete: nothing was sent\n"));
  atomic_store (&state, ABANDONING);
  install ();
}

static void
write_farewell (const char *id)
{
  g_free (farewell);
  farewell = g_strdup_printf (_ ("postrider: interrupted: nothing was sent; a "
                                 "copy is held as %s\n"),
                              id);
}

void
signals_farewell (const char *id)
{
  write_farewell (id);
  (void) !write (STDERR_FILENO, farewell, strlen (farewell));
}

void
signals_cancel (Queue *queue, const Entry *entry)
{
  queue_cancel_free (cancel);
  cancel = queue_prepare_cancel (
      queue, entry, _ ("taken back by a signal before it was sent"));
  write_farewell (entry->id);
  install ();
  atomic_store (&state, CANCELLABLE);
  if (noted == SIGINT || noted == SIGTERM)
    raise (noted);
}

void
signals_defer (void)
{
  install ();
  if (atomic_exchange (&state, NOTING) == CANCELLED)
    for (;;)
      pause (); /* another thread is about to end the process */
}

void
signals_release (void)
{
  if (!installed)
    return;
  installed = false;
  for (size_t i = 0; i < G_N_ELEMENTS (watched); i++)
    sigaction (watched[i], &before[i], NULL);
  if (noted != 0)
    raise (noted);
}

/* What was started for a password is of no use any more. */
static void
on_obeyed (int number)
{
  child_kill_all ();
  (void) signal (number, SIG_DFL);
  (void) raise (number);
}

void
signals_obey (void)
{
  signals_defer ();
  for (size_t i = 0; i < G_N_ELEMENTS (watched); i++)
    if (before[i].sa_handler != SIG_IGN)
      (void) signal (watched[i], watched[i] == SIGHUP ? SIG_IGN : on_obeyed);
  if (noted == SIGINT || noted == SIGTERM)
    raise (noted);
}

static void
replace_ward (pid_t old, pid_t new)
{
  for (size_t i = 0; i < G_N_ELEMENTS (wards); i++)
    if (wards[i] == old)
      {
        wards[i] = new;
        return;
      }
}

void
signals_pass_on (pid_t pid)
{
  replace_ward (0, pid);
  if (noted != 0)
    (void) kill (pid, noted);
}

void
signals_keep (pid_t pid)
{
  replace_ward (pid, 0);
}

void
signals_pass_on_far (int pidfd)
{
  far_ward = pidfd;
  if (noted != 0 && pidfd >= 0)
    (void) pidfd_send_signal (pidfd, noted, NULL, 0);
}

void
signals_keep_all (void)
{
  far_ward = -1;
  for (size_t i = 0; i < G_N_ELEMENTS (wards); i++)
    wards[i] = 0;
}

bool
signals_noted (void)
{
  return noted != 0;
}
