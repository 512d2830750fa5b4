#include "submit/attempt.h"

#include <signal.h>
#include <string.h>

#include "account/credential.h"
#include "smtp/session.h"
#include "smtp/transaction.h"

void
outcome_free (Outcome *outcome)
{
  if (outcome == NULL)
    return;
  g_clear_pointer (&outcome->owed, g_array_unref);
  g_clear_pointer (&outcome->statuses, g_ptr_array_unref);
  g_free (outcome->tls);
  g_free (outcome->mechanism);
  g_free (outcome);
}

/* The same status for every forward-path: nobody in particular is to blame. */
static GPtrArray *
same_for_all (const Status *status, size_t count)
{
  GPtrArray *statuses
      = g_ptr_array_new_with_free_func ((GDestroyNotify) status_free);

  for (size_t i = 0; i < count; i++)
    g_ptr_array_add (statuses, status_copy (status));
  return statuses;
}

/* Between the final dot and the record of its verdict a signal would leave the
   message sent and not known to be: the duplicate of RFC 1047. */
static void
block_signals (sigset_t *before)
{
  sigset_t set;

  sigemptyset (&set);
  sigaddset (&set, SIGINT);
  sigaddset (&set, SIGTERM);
  sigaddset (&set, SIGHUP);
  sigprocmask (SIG_BLOCK, &set, before);
}

typedef struct
{
  Entry *entry;
  sigset_t before;
  bool blocked;
} EndOfData;

static bool
before_end_of_data (void *data, GError **error)
{
  EndOfData *end = data;

  if (!end->blocked)
    block_signals (&end->before);
  end->blocked = true;
  /* On disk before it is on the wire: a crash after this line leaves an entry
     that knows that the relay may have the message. */
  return entry_record_end_of_data (
      end->entry, g_get_real_time () / G_USEC_PER_SEC, error);
}

static GPtrArray *
converse (Session *session, Outcome *outcome, const Envelope *envelope,
          EndOfData *end)
{
  bool usable;
  Transaction transaction = {
    .envelope = envelope,
    .content = &end->entry->content,
    .before_end_of_data = before_end_of_data,
    .data = end,
  };

  outcome->tls = g_strdup (session->tls);
  outcome->mechanism = g_strdup (session->mechanism);
  outcome->no_dsn = strstr (envelope->notify, "SUCCESS") != NULL
                    && !session->extensions.dsn;
  return transaction_run (session, &transaction, &usable);
}

static Session *
log_in (const Account *account, bool interactive, const Trace *trace,
        Status **status)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Secret) secret
      = credential_get (account, interactive, &error);

  if (error != NULL)
    {
      *status = status_new_failure (STAGE_CREDENTIAL, error);
      return NULL;
    }
  return session_open (&account->relay, secret, trace, status);
}

Outcome *
attempt_run (Queue *queue, Entry *entry, const Account *account,
             bool interactive, const Trace *trace, GError **error)
{
  g_autoptr (Outcome) outcome = g_new0 (Outcome, 1);
  g_autoptr (Envelope) envelope = entry_owed (entry, &outcome->owed);
  g_autoptr (Status) status = NULL;
  EndOfData end = { .entry = entry };
  int64_t start = g_get_monotonic_time ();
  Session *session;
  bool settled;

  if (!entry_record_attempt (entry, g_get_real_time () / G_USEC_PER_SEC,
                             error))
    return NULL;
  session = log_in (account, interactive, trace, &status);
  outcome->statuses = session != NULL
                          ? converse (session, outcome, envelope, &end)
                          : same_for_all (status, outcome->owed->len);
  settled = queue_settle (queue, entry, outcome->owed, outcome->statuses,
                          &outcome->settled, error);
  if (end.blocked)
    sigprocmask (SIG_SETMASK, &end.before, NULL);
  g_clear_pointer (&session, session_close);
  outcome->seconds
      = (double) (g_get_monotonic_time () - start) / G_USEC_PER_SEC;
  return settled ? g_steal_pointer (&outcome) : NULL;
}
