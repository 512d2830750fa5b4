/* confine.h - what an attempt needs of this machine, and nothing else.
 *
 * Entered before the attempt's first octet from afar is read, and before it has a
 * second thread; with a tunnel, whose command must not be confined, only when that
 * has been started (session_open), and there is no second session then.
 */
#pragma once

#include <stdbool.h>

#include "account/account.h"
#include "queue/queue.h"

/* The sandbox of attempts for ACCOUNT (NULL: of work without a relay) with what is in
 * QUEUE (nullable); the log stays open. Where the kernel has none, that is fine; VERBOSE: stderr
 * is told so. FAILURE_TEMPORARY: it cannot be entered now, and nothing is to be done
 * without. */
bool confine_attempt (const Queue *queue, const General *general,
                      const Account *account, bool verbose,
                      GError **error);
