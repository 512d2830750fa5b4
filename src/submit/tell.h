/* tell.h - the sender of a message learns what became of it, and then the entry
 * goes where that puts it.
 *
 * By a notification that is queued like any message; about our own notifications
 * nobody is told, so that none answers another. The notification is durable
 * before the entry says that it was told: a crash between the two sends it twice
 * rather than never.
 */
#pragma once

#include <stdbool.h>

#include "account/account.h"
#include "queue/queue.h"

typedef struct
{
  const Account *account;
  const General *general; /* life in the queue, when late, how long it is kept */
  bool caller_knows;      /* the exit status has told of the failures */
} TellParams;

typedef struct
{
  bool sent;    /* a notification was queued */
  bool untold;  /* there was somebody to tell, and no way to */
} Told;

/* ENTRY is locked and in queue/, its statuses are recorded. Queues what
 * notifications are due, then holds the entry where no forward-path is owed any
 * more. FAILURE_IO. */
bool tell_sender (Queue *queue, Entry *entry, const TellParams *params,
                  Told *told, GError **error);
