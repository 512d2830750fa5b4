/* queue.h - the only durable writes: every message is here, whole, from before
 * its sender is told 0 until the relay has answered 2yz.
 *
 *   queue/ID     waits for its next attempt
 *   held/ID      waits for a person
 *   corrupt/ID   is not a message any more; kept for a person to look at
 *   accounts/    how each account fares (backoff.h)
 *   runner.lock  locked while a runner lives
 *
 * A message is in exactly one of the first three. The instant of acceptance is
 * the fsync of the directory after the file got its name. Directories 0700, files
 * 0600. doc/QUEUE tells the whole story.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "base/spool.h"
#include "mail/envelope.h"
#include "mail/message.h"
#include "queue/entry.h"

typedef enum
{
  ROOM_QUEUE,
  ROOM_HELD,
  ROOM_CORRUPT,
  N_ROOMS,
} Room;

typedef struct Queue Queue;

/* Opens the queue below DIRECTORY (made with its parents where absent). Refused
 * with FAILURE_CONFIG: a symbolic link, a foreign owner, open to others;
 * FAILURE_CANNOT_CREATE where it cannot be made. */
Queue *queue_open (const char *directory, GError **error);
void queue_free (Queue *queue);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Queue, queue_free)

/* Opens this user's queue: $XDG_STATE_HOME/postrider, else below HOME
 * (nullable), for root /var/spool/postrider; without a HOME, as daemons are,
 * /var/spool/postrider-users/UID, where root has made that place for all. */
Queue *queue_open_own (const char *home, GError **error);

/* The path of a room, and of the directory accounts/ and a descriptor of it. They
 * belong to QUEUE. */
const char *queue_room_path (const Queue *queue, Room room);
const char *queue_accounts_path (const Queue *queue);
int queue_accounts_fd (const Queue *queue);

/* Removes from accounts/ what dead processes left half-written, some days ago. */
void queue_sweep_accounts (Queue *queue);

/* An empty spool for message_read, of which queue_enter makes the queue file
 * without copying. It fails with FAILURE_TEMPORARY rather than leave less than
 * RESERVE octets of the file system free (0: it does not care): what is free is
 * needed to record verdicts. */
Spool *queue_spool (Queue *queue, uint64_t reserve);

/* Commits MESSAGE (its body spool comes from queue_spool). When it returns an
 * entry the message is durable, and locked for the caller's first attempt. */
typedef struct
{
  const Envelope *envelope;
  const char *account;
  const char *hold_reason; /* not NULL: it goes to held/ at once */
  bool notification;       /* one of our own */
  bool as_given;           /* as in Entry */
} QueueRequest;
Entry *queue_enter (Queue *queue, Message *message,
                    const QueueRequest *request, GError **error);

/* Identifiers in ROOM, oldest first (of char *, owned by the caller). */
GPtrArray *queue_list (Queue *queue, Room room, GError **error);

/* Nothing waits. False where that cannot be read. */
bool queue_is_empty (Queue *queue);

/* Locks and reads ROOM/ID. NULL with no error: it is gone, or (*BUSY, nullable)
 * somebody else has it. A file of queue/ that is no whole message is moved to
 * corrupt/ (logged), and that is FAILURE_DATA. A move that a crash has kept from
 * being made is made first; then an entry that went to another room is gone from
 * here. */
Entry *queue_lock (Queue *queue, Room room, const char *id, bool *busy,
                   GError **error);

/* The same for queue/ID, of which FD is a copy of somebody's open file: it has its
 * lock already, and shares it. What is not that file, is not to be had. */
Entry *queue_adopt (Queue *queue, const char *id, int fd, GError **error);

/* ROOM/ID without its lock: see entry.h. NULL with no error: it is gone.
 * FAILURE_DATA where it is no entry; it stays where it is. */
Entry *queue_view (Queue *queue, Room room, const char *id, GError **error);

/* Somebody has ROOM/ID locked (is at work on it). */
bool queue_is_busy (Queue *queue, const Entry *view);

/* Moves a locked entry to held/ with a reason for a person to read; from held/
 * back to queue/ (entry_record_release); removes it for good. FAILURE_IO. */
bool queue_hold (Queue *queue, Entry *entry, const char *reason,
                 GError **error);
bool queue_release (Queue *queue, Entry *entry, GError **error);
bool queue_remove (Queue *queue, Entry *entry, GError **error);

/* Removes corrupt/ID for good. FAILURE_IO. */
bool queue_discard (Queue *queue, const char *id, GError **error);

/* Where the fates of all its recipients together put an entry. */
typedef enum
{
  SETTLED_GONE,   /* all relayed */
  SETTLED_QUEUED, /* one is owed: not tried, or delayed */
  SETTLED_HELD,   /* else: one held or failed */
} Settled;
Settled queue_place (const Entry *entry);

/* Records STATUSES (one for each of OWED, indices as entry_owed gave them), and
 * removes the entry where all are relayed, even where the record could not be
 * written. One that is to be held stays in queue/ until its sender is told and
 * queue_hold called; queue_lock finds it there again after a crash. *WHERE tells
 * its place. The entry stays locked and readable. FAILURE_IO. */
bool queue_settle (Queue *queue, Entry *entry, const GArray *owed,
                   const GPtrArray *statuses, Settled *where, GError **error);

/* What takes a queued entry back from inside a signal handler: prepared in time,
 * then queue_cancel, which calls async-signal-safe functions only, records REASON
 * and moves it to held/. Between the two nothing may be recorded in the entry. */
typedef struct QueueCancel QueueCancel;
QueueCancel *queue_prepare_cancel (Queue *queue, const Entry *entry,
                                   const char *reason);
void queue_cancel (const QueueCancel *cancel);
void queue_cancel_free (QueueCancel *cancel);

/* The one runner of this queue: a descriptor that is the lock, until it is
 * closed. -1 with no error: another runner lives; with WAIT, its end is waited
 * for. */
int queue_lock_runner (Queue *queue, bool wait, GError **error);
bool queue_has_runner (Queue *queue);
