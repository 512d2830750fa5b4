#include "submit/wake.h"

#include <errno.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <glib-unix.h>
#include <glib/gi18n.h>

#include "base/failure.h"
#include "submit/keyring-watch.h"
#include "submit/network-watch.h"
#include "submit/queue-watch.h"

/* Where no time is set: a timer has to run for the clock to be watched.
 * Seconds since the epoch, in the year 2255; the kernel's clock ends in 2262.
 */
#define NEVER INT64_C (9000000000)

/* Networks come up in steps: the link, the address, the route. */
#define QUIET_MS 1000

struct Wake
{
  GMainContext *context;
  QueueWatch *queue;
  KeyringWatch *keyring;
  int timer;
  int network;         /* -1: none */
  GSource *sources[3]; /* of these descriptors */
  GSource *quiet;      /* something came up less than QUIET_MS ago */
  unsigned reasons;    /* not yet returned */
};

static void
drop (GSource **source)
{
  if (*source == NULL)
    return;
  g_source_destroy (*source);
  g_clear_pointer (source, g_source_unref);
}

static int
on_queue (int fd, GIOCondition condition, void *data)
{
  Wake *wake = data;

  wake->reasons |= queue_watch_read (wake->queue);
  return G_SOURCE_CONTINUE;
}

static unsigned
read_timer (const Wake *wake)
{
  uint64_t times;

  if (read (wake->timer, &times, sizeof (times)) == sizeof (times))
    return WAKE_DUE;
  return errno == ECANCELED ? WAKE_CLOCK : 0;
}

static int
on_timer (int fd, GIOCondition condition, void *data)
{
  Wake *wake = data;

  wake->reasons |= read_timer (wake);
  return G_SOURCE_CONTINUE;
}

static int
on_quiet (void *data)
{
  Wake *wake = data;

  wake->reasons |= WAKE_NETWORK;
  drop (&wake->quiet);
  return G_SOURCE_REMOVE;
}

static int
on_network (int fd, GIOCondition condition, void *data)
{
  Wake *wake = data;

  if (!network_watch_read (fd))
    return G_SOURCE_CONTINUE;
  drop (&wake->quiet);
  wake->quiet = g_timeout_source_new (QUIET_MS);
  g_source_set_callback (wake->quiet, on_quiet, wake, NULL);
  g_source_attach (wake->quiet, wake->context);
  return G_SOURCE_CONTINUE;
}

static void
on_keyring (void *data)
{
  Wake *wake = data;

  wake->reasons |= WAKE_KEYRING;
}

static void
add_source (Wake *wake, int index, int fd,
            int (*callback) (int fd, GIOCondition condition, void *data))
{
  GSource *source = g_unix_fd_source_new (fd, G_IO_IN);

  g_source_set_callback (source, G_SOURCE_FUNC (callback), wake, NULL);
  g_source_attach (source, wake->context);
  wake->sources[index] = source;
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

  wake->context = g_main_context_new ();
  wake->network = -1;
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
  add_source (wake, 0, wake->timer, on_timer);
  add_source (wake, 1, queue_watch_fd (wake->queue), on_queue);
  wake->network = network_watch_open ();
  if (wake->network >= 0)
    add_source (wake, 2, wake->network, on_network);
  g_main_context_push_thread_default (wake->context);
  wake->keyring = keyring_watch_new (on_keyring, wake);
  g_main_context_pop_thread_default (wake->context);
  return g_steal_pointer (&wake);
}

void
wake_free (Wake *wake)
{
  if (wake == NULL)
    return;
  g_main_context_push_thread_default (wake->context);
  keyring_watch_free (wake->keyring);
  g_main_context_pop_thread_default (wake->context);
  for (size_t i = 0; i < G_N_ELEMENTS (wake->sources); i++)
    drop (&wake->sources[i]);
  drop (&wake->quiet);
  queue_watch_free (wake->queue);
  if (wake->timer >= 0)
    close (wake->timer);
  if (wake->network >= 0)
    close (wake->network);
  g_main_context_unref (wake->context);
  g_free (wake);
}

unsigned
wake_poll (Wake *wake)
{
  unsigned reasons;

  g_main_context_push_thread_default (wake->context);
  while (g_main_context_iteration (wake->context, FALSE))
    ;
  g_main_context_pop_thread_default (wake->context);
  reasons = wake->reasons;
  wake->reasons = 0;
  return reasons;
}

unsigned
wake_wait (Wake *wake, int64_t due)
{
  set_timer (wake, due);
  g_main_context_push_thread_default (wake->context);
  while (wake->reasons == 0)
    g_main_context_iteration (wake->context, TRUE);
  g_main_context_pop_thread_default (wake->context);
  return wake_poll (wake);
}

GPtrArray *
wake_ids (Wake *wake)
{
  return queue_watch_ids (wake->queue);
}
