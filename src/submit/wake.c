#include "submit/wake.h"

#include <errno.h>
#include <sys/timerfd.h>
#include <syslog.h>
#include <unistd.h>

#include <glib/gi18n.h>

#include "base/failure.h"
#include "base/log.h"
#include "submit/keyring-watch.h"
#include "submit/network-watch.h"
#include "submit/queue-watch.h"
#include "submit/signals.h"

/* Where no time is set: a timer has to run for the clock to be watched.
 * Seconds since the epoch, in the year 2255; the kernel's clock ends in 2262.
 */
#define NEVER INT64_C (9000000000)

/* Networks come up in steps: the link, the address, the route. Microseconds. */
#define QUIET G_USEC_PER_SEC

/* Our descriptors, in the order in which they are polled. */
enum
{
  OWN_TIMER,
  OWN_QUEUE,
  OWN_NETWORK,
  OWN_KEYRING,
  N_OWN,
};

struct Wake
{
  QueueWatch *queue;
  int timer;
  int network;   /* -1: none */
  int keyring;   /* the same */
  int64_t quiet; /* when what came up is told, monotonic; 0: nothing did */
  unsigned reasons; /* not yet returned */
};

static unsigned
read_timer (const Wake *wake)
{
  uint64_t times;

  if (read (wake->timer, &times, sizeof (times)) == sizeof (times))
    return WAKE_DUE;
  return errno == ECANCELED ? WAKE_CLOCK : 0;
}

/* From now on until DUE; what it was set to before counts no more. */
static void
set_timer (Wake *wake, int64_t due)
{
  struct itimerspec when = { .it_value.tv_sec =
                                 due > 0 ? MIN (due, NEVER) : NEVER };

  if (due < 0)
    when.it_value.tv_sec = 1;
  wake->reasons |= read_timer (wake) & WAKE_CLOCK;
  /* It is set even where this says that the clock was, since the last time. */
  if (timerfd_settime (wake->timer,
                       TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &when,
                       NULL)
          < 0
      && errno == ECANCELED)
    wake->reasons |= WAKE_CLOCK;
}

Wake *
wake_new (Queue *queue, GError **error)
{
  g_autoptr (Wake) wake = g_new0 (Wake, 1);

  wake->network = -1;
  wake->keyring = -1;
  wake->timer = timerfd_create (CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC);
  if (wake->timer < 0)
    {
      failure_set_errno (error, FAILURE_OS, errno, _ ("cannot make a timer"));
      return NULL;
    }
  wake->queue = queue_watch_new (queue, error);
  if (wake->queue == NULL)
    return NULL;
  set_timer (wake, 0);
  wake->network = network_watch_open ();
  wake->keyring = keyring_watch_start ();
  return g_steal_pointer (&wake);
}

void
wake_free (Wake *wake)
{
  if (wake == NULL)
    return;
  queue_watch_free (wake->queue);
  if (wake->timer >= 0)
    close (wake->timer);
  if (wake->network >= 0)
    close (wake->network);
  if (wake->keyring >= 0)
    close (wake->keyring);
  g_free (wake);
}

static void
hear_network (Wake *wake)
{
  if (network_watch_read (wake->network))
    wake->quiet = g_get_monotonic_time () + QUIET;
}

static void
hear_keyring (Wake *wake)
{
  char told[64];
  ssize_t got = read (wake->keyring, told, sizeof told);

  if (got > 0)
    wake->reasons |= WAKE_KEYRING;
  if (got != 0)
    return;
  close (wake->keyring);
  wake->keyring = -1;
  /* What ends this process ends that one first. */
  if (signals_noted ())
    return;
  log_line (LOG_ERR, "text=\"%s\"",
            _ ("nobody watches the keyring any more: end this runner, and "
               "start it anew"));
}

static void
hear_queue (Wake *wake)
{
  wake->reasons |= queue_watch_read (wake->queue);
}

static void
hear_timer (Wake *wake)
{
  wake->reasons |= read_timer (wake);
}

static void (*const hearers[N_OWN]) (Wake *wake) = {
  [OWN_TIMER] = hear_timer,
  [OWN_QUEUE] = hear_queue,
  [OWN_NETWORK] = hear_network,
  [OWN_KEYRING] = hear_keyring,
};

/* Milliseconds until what came up is told; -1: nothing did. */
static int
until_quiet (const Wake *wake)
{
  int64_t left = wake->quiet - g_get_monotonic_time ();

  if (wake->quiet == 0)
    return -1;
  return left > 0 ? (int) (left / 1000) + 1 : 0;
}

/* What is there within PATIENCE milliseconds (-1: it is waited for), ours or of
   FDS. */
static void
hear (Wake *wake, struct pollfd *fds, size_t count, int patience)
{
  struct pollfd all[N_OWN + WAKE_FDS_MAXIMUM] = {
    [OWN_TIMER] = { wake->timer, POLLIN, 0 },
    [OWN_QUEUE] = { queue_watch_fd (wake->queue), POLLIN, 0 },
    [OWN_NETWORK] = { wake->network, POLLIN, 0 },
    [OWN_KEYRING] = { wake->keyring, POLLIN, 0 },
  };
  int quiet = until_quiet (wake);
  int ready;

  for (size_t i = 0; i < count; i++)
    all[N_OWN + i] = fds[i];
  if (patience < 0 || (quiet >= 0 && quiet < patience))
    patience = quiet;
  ready = poll (all, N_OWN + count, patience);
  for (size_t i = 0; ready > 0 && i < N_OWN; i++)
    if (all[i].revents != 0)
      hearers[i](wake);
  for (size_t i = 0; i < count; i++)
    fds[i].revents = ready > 0 ? all[N_OWN + i].revents : 0;
  if (until_quiet (wake) == 0)
    {
      wake->reasons |= WAKE_NETWORK;
      wake->quiet = 0;
    }
}

static unsigned
take_reasons (Wake *wake)
{
  unsigned reasons = wake->reasons;

  wake->reasons = 0;
  return reasons;
}

unsigned
wake_poll (Wake *wake)
{
  hear (wake, NULL, 0, 0);
  return take_reasons (wake);
}

static bool
is_ready (const struct pollfd *fds, size_t count)
{
  for (size_t i = 0; i < count; i++)
    if (fds[i].revents != 0)
      return true;
  return false;
}

unsigned
wake_wait (Wake *wake, int64_t due, struct pollfd *fds, size_t count)
{
  set_timer (wake, due);
  do
    hear (wake, fds, count, wake->reasons == 0 ? -1 : 0);
  while (wake->reasons == 0 && !is_ready (fds, count));
  return take_reasons (wake);
}

GPtrArray *
wake_ids (Wake *wake)
{
  return queue_watch_ids (wake->queue);
}
