/* queue.h - the only durable writes: every message is here, whole, from before
 * its sender is told 0 until the relay has answered 2yz.
 *
 *   queue/ID    waits for its next attempt
 *   held/ID     waits for a person
 *   corrupt/ID  is not a message any more; kept for a person to look at
 *
 * A message is in exactly one of them. The instant of acceptance is the fsync of
 * the directory after the file got its name. Directories 0700, files 0600.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "base/spool.h"
#include "mail/envelope.h"
#include "mail/message.h"
#include "queue/entry.h"

typedef struct Queue Queue;

/* Opens the queue below DIRECTORY (made with its parents where absent). Refused
 * with FAILURE_CONFIG: a symbolic link, a foreign owner, open to others;
 * FAILURE_CANNOT_CREATE where it cannot be made. */
Queue *queue_open (const char *directory, GError **error);
void queue_free (Queue *queue);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Queue, queue_free)

/* Opens this user's queue: $XDG_STATE_HOME/postrider, else below HOME
 * (nullable), for root /var/spool/postrider. */
Queue *queue_open_own (const char *home, GError **error);

/* An empty spool for message_read, of which queue_enter makes the queue file
 * without copying. */
Spool *queue_spool (Queue *queue);

/* Commits MESSAGE (its body spool comes from queue_spool). When it returns an
 * entry the message is durable, and locked for the caller's first attempt.
 * HOLD_REASON not NULL: it goes to held/ at once. */
Entry *queue_enter (Queue *queue, Message *message, const Envelope *envelope,
                    const char *account, const char *hold_reason,
                    GError **error);

/* Identifiers of queue/, oldest first (of char *, owned by the caller). */
GPtrArray *queue_list (Queue *queue, GError **error);

/* Locks and reads queue/ID. NULL with no error: somebody else has it, or it is
 * gone, or all was settled and only the last move was missing. A file that is no whole message is moved to corrupt/ (logged), and that
 * is FAILURE_DATA. */
Entry *queue_lock (Queue *queue, const char *id, GError **error);

/* Moves the entry to held/ with a reason for a person to read. FAILURE_IO. */
bool queue_hold (Queue *queue, Entry *entry, const char *reason,
                 GError **error);

/* Records STATUSES (one for each of OWED, indices as entry_owed gave them) and
 * moves the entry where its recipients' fates put it:
 *   all relayed                      removed
 *   one delayed                      stays queued
 *   else, one held or failed         held/, the held and failed recipients owed
 * *WHERE tells which. The entry stays locked and readable. FAILURE_IO. */
typedef enum
{
  SETTLED_GONE,
  SETTLED_QUEUED,
  SETTLED_HELD,
} Settled;
bool queue_settle (Queue *queue, Entry *entry, const GArray *owed,
                   const GPtrArray *statuses, Settled *where, GError **error);
