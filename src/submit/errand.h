/* errand.h - an attempt with all that follows from it: the sender is told, the
 * account's back-off is kept, the log has its line.
 *
 * What both callers of an attempt share: the sendmail personality, who has a
 * caller that waits for the exit status, and the runner, who has not.
 */
#pragma once

#include <stdbool.h>

#include "account/account.h"
#include "queue/backoff.h"
#include "submit/attempt.h"

typedef struct
{
  Queue *queue;
  const General *general;
  const Account *account;
  bool caller_waits; /* the exit status can tell of a failure */
} Errand;

/* Tries ENTRY, which is locked and in queue/, once. When it returns the entry is
 * where it belongs, and the outcome says so. NULL and an error only where the
 * queue cannot be written; the entry is whole all the same. */
Outcome *errand_run (const Errand *errand, Entry *entry,
                       Courier *courier, GError **error);

/* Without an attempt: what stopped the account (STATUS) holds this entry too. */
bool errand_hold (const Errand *errand, Entry *entry,
                    const Status *status, GError **error);

/* The entry has nothing owed any more, but its sender was not told yet: the last
 * owner died in between. */
bool errand_finish (const Errand *errand, Entry *entry, GError **error);

/* The desktop learns that STATUS stopped the account, and HELD of its messages
 * with it, unless it knows. */
void errand_notify (const Errand *errand, const Status *status,
                      unsigned held);

/* The status that a paused account has for a message that is not tried. */
Status *errand_paused (const Backoff *backoff, const Account *account);
