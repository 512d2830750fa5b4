/* backoff.h - how an account fares: what keeps its messages from being tried.
 *
 * One small file for each account, accounts/NAME beside the queue's rooms
 * (account-file.h). What fails for the account as such (no connection, wrong
 * certificate, locked keyring) puts off all its messages, and a refused login
 * pauses it until a person has mended it: a wrong password asked fifty times
 * locks the login. No message depends on these files: where one is lost or
 * damaged, one more attempt is made.
 *
 * Beside them, accounts/NAME.lock counts the connections that are open and keeps
 * two from fetching the token at once, and accounts/NAME.told has the stage of which
 * the desktop was told.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/deadline.h"
#include "base/status.h"
#include "queue/queue.h"

typedef struct
{
  unsigned failures; /* in a row; 0: the account works */
  int64_t last;      /* when it failed last; seconds since the epoch */
  Stage stage;       /* where */
  bool paused;       /* until a person has mended it */
  bool notified;     /* the desktop was told of trouble at this stage */
  char *reason;      /* one line; never NULL */
} Backoff;

void backoff_free (Backoff *backoff);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Backoff, backoff_free)

/* What is known of ACCOUNT (its name); all zero where nothing is. Never NULL. */
Backoff *backoff_read (Queue *queue, const char *account);

/* Counts a failure of the account as such, at NOW: pauses it where STATUS is
 * held and the relay said so; else puts it off, unless it is paused. */
void backoff_fail (Backoff *backoff, const Status *status, int64_t now);

/* When the account is due again; 0: at any time. Meaningless while paused. */
int64_t backoff_due (const Backoff *backoff, const char *account, int64_t now);

/* Stores it. FAILURE_IO. */
bool backoff_write (Queue *queue, const char *account, const Backoff *backoff,
                    GError **error);

/* The account works, or a person has mended it: forgets what was known. */
void backoff_clear (Queue *queue, const char *account);

/* Of many who find the same trouble one tells the desktop: a descriptor, or -1.
 * backoff_told closes it, and stores BACKOFF's `notified' until backoff_clear. */
int backoff_tell (Queue *queue, const char *account);
void backoff_told (int fd, const Backoff *backoff);

/* Takes one of MAXIMUM connections of ACCOUNT (all processes together): a
 * descriptor that holds it until it is closed. -1: none is free. Where they cannot
 * be counted, nobody is kept from connecting. */
int backoff_connection (Queue *queue, const char *account, unsigned maximum);

/* At most one process keeps a session of ACCOUNT open for others: a descriptor that
 * makes it this one until it is closed. -1: another does, or it cannot be known. */
int backoff_linger (Queue *queue, const char *account);

/* Waits until no other process fetches the token of ACCOUNT: a descriptor that
 * keeps it so until it is closed. -1: one still does at DEADLINE. Where that cannot
 * be known, nobody is kept from it. */
int backoff_token (Queue *queue, const char *account, Deadline deadline);
