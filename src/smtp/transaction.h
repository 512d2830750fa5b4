/* transaction.h - one message to all its forward-paths (RFC 5321 section 3.3,
 * RFC 2920).
 *
 * MAIL, RCPT… and DATA in one flight where the relay offers PIPELINING, one by
 * one otherwise; replies are counted, each forward-path gets its own status, and
 * those that were accepted get the message whatever became of the others. The
 * envelope of the next message travels with the content of the one before it.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "mail/content.h"
#include "mail/envelope.h"
#include "smtp/session.h"

typedef struct Transaction
{
  const Envelope *envelope;
  const Content *content; /* nothing that the relay does not offer to take */
  /* Called when all but the final dot has been sent: the last moment at which
   * the message can be kept from the relay. False (with an error): the dot is
   * not sent, the connection is dropped. Nullable. */
  bool (*before_end_of_data) (void *data, GError **error);
  void *data;
  /* Called before that, where the relay offers PIPELINING: the transaction whose
   * envelope goes with the final dot. It stays the caller's, who gives it to
   * transaction_run next, or to transaction_abandon. NULL: there is none.
   * Nullable. */
  struct Transaction *(*next) (void *data);
  struct TransactionRun *begun; /* private; NULL at first */
} Transaction;

/* A Status for each forward-path, in the envelope's order (element-free-func
 * set; owned by the caller). Afterwards the session is broken, or can carry another
 * message; if it is engaged, only the one that `next' gave. A verdict does not count
 * where the replies that came with it show that it was the reply to something
 * else. */
GPtrArray *transaction_run (Session *session, Transaction *transaction);

/* TRANSACTION, which `next' gave, will not be run. No dot is ever sent for it: where
 * its envelope is under way the session is broken. */
void transaction_abandon (Session *session, Transaction *transaction);

/* What the relay says of REVERSE_PATH, without a message: MAIL, then RSET. NULL: it
 * may send; else a status that is the caller's. Relays that wait for the first
 * recipient with their verdict say yes to all. */
Status *transaction_try_sender (Session *session, const char *reverse_path);
