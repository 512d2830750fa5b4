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

/* From the final dot to the record of its verdict a signal would leave the message
   sent and not known to be: the duplicate of RFC 1047. After that the caller has
   its true exit status to give. So what comes then is only noted, and has its way
   at the start of another attempt. Handlers and not a mask: the keyring's threads
   would take the signal. */
static const int deferrable[] = { SIGINT, SIGTERM, SIGHUP };
static struct sigaction before[G_N_ELEMENTS (deferrable)];
static bool deferring;
static volatile sig_atomic_t noted;

static void
note_signal (int signal)
{
  noted = signal;
}

static void
defer_signals (void)
{
  struct sigaction action
      = { .sa_handler = note_signal, .sa_flags = SA_RESTART };

  if (deferring)
    return;
  deferring = true;
  for (size_t i = 0; i < G_N_ELEMENTS (deferrable); i++)
    {
      sigaction (deferrable[i], NULL, &before[i]);
      if (before[i].sa_handler != SIG_IGN)
        sigaction (deferrable[i], &action, NULL);
    }
}

static void
release_signals (void)
{
  if (!deferring)
    return;
  deferring = false;
  for (size_t i = 0; i < G_N_ELEMENTS (deferrable); i++)
    sigaction (deferrable[i], &before[i], NULL);
  if (noted != 0)
    raise (noted);
}

static bool
before_end_of_data (void *data, GError **error)
{
  Entry *entry = data;

  defer_signals ();
  /* On disk before it is on the wire: a crash after this line leaves an entry
     that knows that the relay may have the message. */
  return entry_record_end_of_data (
      entry, g_get_real_time () / G_USEC_PER_SEC, error);
}

static GPtrArray *
converse (Session *session, Outcome *outcome, const Envelope *envelope,
          Entry *entry)
{
  Transaction transaction = {
    .envelope = envelope,
    .content = &entry->content,
    .before_end_of_data = before_end_of_data,
    .data = entry,
  };

  outcome->tls = g_strdup (session->tls);
  outcome->mechanism = g_strdup (session->mechanism);
  outcome->no_dsn = strstr (envelope->notify, "SUCCESS") != NULL
                    && !session->extensions.dsn;
  return transaction_run (session, &transaction);
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
  int64_t start = g_get_monotonic_time ();
  Session *session;
  bool settled;

  release_signals ();
  if (!entry_record_attempt (entry, g_get_real_time () / G_USEC_PER_SEC,
                             error))
    return NULL;
  session = log_in (account, interactive, trace, &status);
  outcome->statuses = session != NULL
                          ? converse (session, outcome, envelope, entry)
                          : same_for_all (status, outcome->owed->len);
  settled = queue_settle (queue, entry, outcome->owed, outcome->statuses,
                          &outcome->settled, error);
  g_clear_pointer (&session, session_close);
  outcome->seconds
      = (double) (g_get_monotonic_time () - start) / G_USEC_PER_SEC;
  return settled ? g_steal_pointer (&outcome) : NULL;
}
