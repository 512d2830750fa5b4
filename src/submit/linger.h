/* linger.h - a session that stays open for the callers that come next.
 *
 * The process that made an attempt (apart.h, confine.h) leaves its caller when that
 * has its verdict, and carries the messages that others hand over (handover.h), one
 * at a time, through the session it has: no connection, no login, no secret. It ends
 * when nobody came for as long as `linger' says, when the relay hangs up or speaks
 * unasked, when the session has had its fill, and when a caller's settings are not
 * those it began with. It is nobody's daemon: whoever finds none, or one that dies,
 * makes its own attempt.
 */
#pragma once

#include <stdbool.h>

#include "account/account.h"
#include "queue/queue.h"
#include "submit/apart.h"
#include "submit/attempt.h"
#include "submit/errand.h"

typedef struct Linger Linger;

/* Makes the place where callers of ACCOUNT are heard; before the process is confined.
 * They wait there for the end of our own attempt. NULL: another process is at it, or
 * it cannot be done. QUEUE is borrowed. */
Linger *linger_new (Queue *queue, const Accounts *accounts,
                    const Account *account);

/* Closes that place; who waits there goes its own way. */
void linger_free (Linger *linger);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Linger, linger_free)

/* Leaves the caller of APART with EXIT_STATUS, if it can and COURIER has a session,
 * and carries what others bring until that is over. Takes the courier, and
 * CONNECTION, the one that is counted. */
void linger_run (Linger *linger, const Apart *apart, int exit_status,
                 const Errand *errand, Courier *courier, int connection);
