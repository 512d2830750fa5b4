/* attempt.h - one try to send one queued message.
 *
 * No state of its own: entry and account in, statuses out. Two callers: the
 * sendmail personality and the runner.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "account/account.h"
#include "queue/queue.h"
#include "smtp/trace.h"

typedef struct
{
  GArray *owed;        /* of size_t: which forward-paths of the entry were tried */
  GPtrArray *statuses; /* of Status, one for each of them */
  Settled settled;
  char *tls;           /* for the log; NULL where it did not come so far */
  char *mechanism;
  bool no_dsn;         /* success was to be notified, and the relay cannot */
  double seconds;
} Outcome;

void outcome_free (Outcome *outcome);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Outcome, outcome_free)

/* Fetches the credential, sends what is owed, settles the entry. INTERACTIVE: a
 * person is there to be asked. Where a final dot was sent, SIGINT, SIGTERM and
 * SIGHUP are put off until the next attempt, so that the caller can tell the
 * truth. NULL and an error only where the queue cannot be
 * written; what the relay or the keyring did is in the outcome. */
Outcome *attempt_run (Queue *queue, Entry *entry, const Account *account,
                      bool interactive, const Trace *trace, GError **error);
