/* fit.h - the content of a message as this relay can take it.
 *
 * Without 8BITMIME all octets above 127 are encoded (RFC 6152 section 3),
 * without SMTPUTF8 those of headers (RFC 6531 section 3.2), in a copy for this
 * attempt alone: the next may meet another relay. What is signed or encrypted
 * is not changed; such a message cannot be sent there.
 */
#pragma once

#include <stdbool.h>

#include "base/status.h"
#include "mail/content.h"
#include "queue/queue.h"
#include "smtp/session.h"

typedef struct
{
  Content content;
  Spool *copy; /* private; NULL: it is the message as queued */
} Fit;

/* False where it cannot be done, or not now; then *STATUS is the caller's. FIT
 * borrows what CONTENT borrows, and is cleared by the caller in any case. */
bool fit_make (Fit *fit, const Content *content, const Session *session,
               Queue *queue, Status **status);
void fit_clear (Fit *fit);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Fit, fit_clear)
