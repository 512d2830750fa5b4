/* attempt.h - one try to send one queued message.
 *
 * Entry and courier in, statuses out. Two callers: the sendmail personality, with
 * a courier for one message, and the runner, with one for all of an account.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "account/account.h"
#include "base/secret.h"
#include "queue/queue.h"
#include "queue/retry.h"
#include "smtp/session.h"
#include "smtp/trace.h"

/* Who carries the messages of an account: its session, opened for the first and
 * kept for the next. */
typedef struct Courier Courier;

typedef struct
{
  bool attended;    /* a person is there to be asked */
  bool cancellable; /* a signal before the final dot takes the message back */
  const Trace *trace; /* nullable */
  /* Where the secret comes from, with DATA; NULL: credential_get. */
  Secret *(*credential) (void *data, GError **error);
  void *data;
  /* The entry that comes next, locked and due: its envelope goes with the content of
   * the one that is sent now. It stays the caller's; no other may be given to
   * attempt_run before it. With NEXT_DATA; NULL (as what it returns): there is
   * none. */
  Entry *(*next) (void *data);
  void *next_data;
} CourierParams;

/* Nothing is opened yet. ACCOUNT and the trace are borrowed. */
Courier *courier_new (const Account *account, const CourierParams *params);
void courier_free (Courier *courier); /* says QUIT */

/* Opens a session as the first message would, and gives it, though it stays the
 * courier's; QUEUE may be NULL. NULL and *STATUS, which is the caller's. */
Session *courier_log_in (Courier *courier, Queue *queue, Status **status);

/* A session is open; its descriptor; and the relay has said nothing that it was not
 * asked, nor hung up. */
bool courier_is_open (const Courier *courier);
int courier_fd (const Courier *courier);
bool courier_is_quiet (const Courier *courier);

/* Its session lay idle: where the way to the relay is not there any more, the next
 * message has to know soon (stream_doubt). */
void courier_doubt (Courier *courier);

/* From now on no session is opened, for there is no secret to be had any more: what
 * the one that is open does not carry is left untried. */
void courier_stay (Courier *courier);

/* This process may not be able to open a session for another message: a tunnel's
 * command is not started a second time once the conversation with the relay is
 * confined, and secrets are given only so many times (apart.h). */
bool courier_is_spent (const Courier *courier);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Courier, courier_free)

typedef struct
{
  bool untried;        /* and nothing below is set: see courier_stay */
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

/* Opens the session unless COURIER has one, sends what is owed, settles the entry.
 * What is still delayed when its life by POLICY is over, fails (RFC 3463 4.4.7).
 * From the final dot on signals are put off (signals.h). NULL and an error only
 * where the queue cannot be written; what the relay or the keyring did is in the
 * outcome. */
Outcome *attempt_run (Queue *queue, Entry *entry, Courier *courier,
                      const RetryPolicy *policy, GError **error);

/* The status that stopped the account as such; NULL: none did. */
const Status *outcome_account_status (const Outcome *outcome);
