/* dsn.h - the delivery status notification (RFC 3464, 6522, 6533) that tells a
 * sender what became of his message.
 *
 * multipart/report: a text for people in their language, the fields for
 * programs, and the header section of the message, or all of it where the sender
 * asked so (RFC 3461) and it is small.
 */
#pragma once

#include <glib.h>
#include <stdint.h>

#include "mail/message.h"
#include "queue/entry.h"

typedef enum
{
  DSN_FAILED,  /* about forward-paths that failed and are not told yet */
  DSN_DELAYED, /* about those that are still owed */
} DsnAction;

typedef struct
{
  DsnAction action;
  const char *from;     /* the address it is from: the account's own */
  const char *host;     /* the relay's */
  int64_t time;         /* now, seconds since the epoch */
  int64_t retry_until;  /* of a delayed message */
  unsigned keep_days;   /* how long a failed message is kept; 0: for ever */
} DsnParams;

/* ENTRY's sender wants to be told of ACTION (RFC 3461 section 4.1), there is one,
 * and there are forward-paths to tell of. */
bool dsn_is_wanted (const Entry *entry, DsnAction action);

/* The message, complete but for the envelope: null reverse-path, for the entry's
 * reverse-path. BODY is an empty spool and becomes the message's. Where
 * FAILURE_IO is set, the entry's header could not be read, or BODY not written. */
Message *dsn_build (const Entry *entry, const DsnParams *params, Spool *body,
                    GError **error);
