/* wake.h - what a runner sleeps for.
 *
 * A message comes or is given free (inotify), the next one is due, the clock
 * was set or the machine resumed (timerfd with TFD_TIMER_CANCEL_ON_SET), the
 * network came up (rtnetlink), the keyring appeared on the bus or was unlocked, the
 * bus itself appeared (keyring-watch.h).
 *
 * What the caller does to the queue is told as well. An entry that was opened
 * for writing is told when it is closed: so look with queue_view, and lock
 * only what is to be tried and is not busy; else one wakes oneself without
 * end.
 */
#pragma once

#include <glib.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#include "queue/queue.h"

typedef enum
{
  WAKE_QUEUE = 1 << 0, /* something happened to the entries wake_ids names */
  WAKE_ALL = 1 << 1,   /* … or it is not known to which; or to accounts/ */
  WAKE_DUE = 1 << 2,
  WAKE_CLOCK = 1 << 3,   /* set, or the machine was asleep */
  WAKE_NETWORK = 1 << 4, /* came up or changed; quiet again for a second */
  WAKE_KEYRING = 1 << 5, /* appeared, or something in it was unlocked */
  WAKE_GONE = 1 << 6,    /* the queue's directory was removed */
} WakeReason;

typedef struct Wake Wake;

/* Watches from now on. QUEUE is borrowed. FAILURE_OS where the kernel gives no
 * watch; a missing bus or network monitor is fine. */
Wake *wake_new (Queue *queue, GError **error);
void wake_free (Wake *wake);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Wake, wake_free)

#define WAKE_FDS_MAXIMUM 16

/* Sleeps until there is a reason, or DUE (seconds since the epoch; 0: no time
 * is set), or something has happened to one of the COUNT descriptors FDS, as
 * poll(2) tells it there. Returns all reasons so far, WakeReason or-ed. */
unsigned wake_wait (Wake *wake, int64_t due, struct pollfd *fds, size_t count);

/* The same without sleeping; 0: there is no reason. */
unsigned wake_poll (Wake *wake);

/* The identifiers that WAKE_QUEUE was about, each once (of char *); they are
 * forgotten by this call. The caller owns the array. */
GPtrArray *wake_ids (Wake *wake);
