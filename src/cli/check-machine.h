/* check-machine.h - what `postrider check' looks at on this machine: nothing here
 * speaks with a relay, and nothing is changed.
 */
#pragma once

#include <glib.h>

#include "account/account.h"
#include "cli/check-sheet.h"
#include "queue/queue.h"

/* ACCOUNTS, or WHY there are none: a row for each error. */
void machine_check_file (const Accounts *accounts, const GError *why,
                         Sheet *sheet);

/* QUEUE, or WHY there is none, and whether there is room for more; ACCOUNTS may be
 * NULL. */
void machine_check_queue (const Accounts *accounts, Queue *queue,
                          const GError *why, Sheet *sheet);

/* What is held because of ACCOUNT, if anything is. QUEUE may be NULL. */
void machine_check_held (Queue *queue, const Account *account, Sheet *sheet);

/* The runner, its unit, the name sendmail, and what cron would find. Both may be
 * NULL. Leaves threads behind. */
void machine_check (const Accounts *accounts, Queue *queue, Sheet *sheet);
