/* transaction.h - one message to all its forward-paths (RFC 5321 section 3.3,
 * RFC 2920).
 *
 * MAIL, RCPT… and DATA in one flight where the relay offers PIPELINING, one by
 * one otherwise; replies are counted, each forward-path gets its own status, and
 * those that were accepted get the message whatever became of the others.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "mail/content.h"
#include "mail/envelope.h"
#include "smtp/session.h"

typedef struct
{
  const Envelope *envelope;
  const Content *content; /* nothing that the relay does not offer to take */
  /* Called when all but the final dot has been sent: the last moment at which
   * the message can be kept from the relay. False (with an error): the dot is
   * not sent, the connection is dropped. Nullable. */
  bool (*before_end_of_data) (void *data, GError **error);
  void *data;
} Transaction;

/* A Status for each forward-path, in the envelope's order (element-free-func
 * set; owned by the caller). Afterwards the session is broken, or can carry another
 * message. */
GPtrArray *transaction_run (Session *session, const Transaction *transaction);
