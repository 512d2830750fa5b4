/* notify.h - a line on the person's desktop (org.freedesktop.Notifications),
 * for what needs a person and has no caller to be told.
 *
 * One for each cause, not for each message. No bus and no desktop are fine:
 * the log has it as well, and mailq.
 */
#pragma once

#include <stdbool.h>

#include "account/account.h"
#include "queue/backoff.h"

/* ACCOUNT is in trouble as BACKOFF tells (the cause is told once, see
 * backoff_tell): its login was refused, its relay is not who it should be, or
 * it failed three times in a way that will not mend itself. HELD says how many
 * of its messages are held because of it. Does nothing where GENERAL says so,
 * or it is not worth it yet, or was done. */
void notify_account (const General *general, const Account *account,
                     Backoff *backoff, const Status *status, unsigned held);

/* COUNT messages of ACCOUNT (a name) could not be delivered; FIRST, the words
 * about one. UNTOLD: their senders could not be told by mail. */
void notify_undelivered (const General *general, const char *account,
                         unsigned count, const char *first, bool untold);

/* COUNT held messages will be removed soon. */
void notify_doomed (const General *general, unsigned count);
