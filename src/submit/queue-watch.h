/* queue-watch.h - tells what happens to the entries of a queue (inotify(7)).
 *
 * An entry that has just been made is still locked by the one who made it, so
 * what matters as much is when that one closes it. A file that was made
 * without a name keeps the name "#INODE" in that event; whose entry it was is
 * remembered from when it got its name.
 */
#pragma once

#include <glib.h>

#include "queue/queue.h"

typedef struct QueueWatch QueueWatch;

/* QUEUE is borrowed. FAILURE_OS. */
QueueWatch *queue_watch_new (Queue *queue, GError **error);
void queue_watch_free (QueueWatch *watch);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (QueueWatch, queue_watch_free)

/* Readable when there is news; it belongs to WATCH. */
int queue_watch_fd (const QueueWatch *watch);

/* Takes all news: WAKE_QUEUE, WAKE_ALL, WAKE_GONE (submit/wake.h), or-ed. */
unsigned queue_watch_read (QueueWatch *watch);

/* As wake_ids has it. */
GPtrArray *queue_watch_ids (QueueWatch *watch);
