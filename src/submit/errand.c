#include "submit/errand.h"

#include <sysexits.h>
#include <syslog.h>

#include <glib/gi18n.h>

#include "account/credential.h"
#include "base/log.h"
#include "submit/notify.h"
#include "submit/report.h"
#include "submit/tell.h"

static int64_t
now (void)
{
  return g_get_real_time () / G_USEC_PER_SEC;
}

/* Nobody's mail hangs on it, so trouble is for the log. */
static void
store (const Errand *errand, const Backoff *backoff)
{
  g_autoptr (GError) error = NULL;

  if (!backoff_write (errand->queue, errand->account->name, backoff, &error))
    log_line (LOG_ERR, "account=%s text=\"%s\"", errand->account->name,
              error->message);
}

/* Callers who try at once while the account is put off learn nothing new: a
   burst of them must not make it wait for hours. */
static void
keep_backoff (const Errand *errand, const Status *status)
{
  const char *name = errand->account->name;
  g_autoptr (Backoff) backoff = backoff_read (errand->queue, name);

  if (status == NULL)
    {
      if (backoff->failures > 0)
        backoff_clear (errand->queue, name);
      return;
    }
  if (status->fate != FATE_HELD
      && backoff_due (backoff, name, now ()) > now ())
    return;
  backoff_fail (backoff, status, now ());
  store (errand, backoff);
}

static bool
tell (const Errand *errand, Entry *entry, bool caller_knows, GError **error)
{
  TellParams params = { errand->account, errand->general, caller_knows };
  Told told = { 0 };

  if (!tell_sender (errand->queue, entry, &params, &told, error))
    return false;
  if (told.untold)
    notify_undelivered (errand->general, errand->account->name, 1,
                        entry->reason, true);
  return true;
}

Outcome *
errand_run (const Errand *errand, Entry *entry, Courier *courier,
            GError **error)
{
  RetryPolicy policy = { errand->general->queue_lifetime,
                         errand->general->delay_warning };
  g_autoptr (GError) trouble = NULL;
  Outcome *outcome =
      attempt_run (errand->queue, entry, courier, &policy, error);

  if (outcome == NULL || outcome->untried)
    return outcome;
  report_log (entry, errand->account, outcome);
  keep_backoff (errand, outcome_account_status (outcome));
  /* What cannot be told now is still on record: the next runner tells it. */
  if (outcome->settled != SETTLED_GONE
      && !tell (errand, entry,
                errand->caller_waits && report_exit_status (outcome) != EX_OK,
                &trouble))
    log_line (LOG_ERR, "id=%s text=\"%s\"", entry->id, trouble->message);
  return outcome;
}

bool
errand_hold (const Errand *errand, Entry *entry, const Status *status,
             GError **error)
{
  g_autoptr (GArray) owed = NULL;
  g_autoptr (Envelope) envelope = entry_owed (entry, &owed);
  g_autoptr (GPtrArray) statuses = g_ptr_array_new ();
  Settled settled;

  for (size_t i = 0; i < owed->len; i++)
    g_ptr_array_add (statuses, (Status *) status);
  if (!queue_settle (errand->queue, entry, owed, statuses, &settled, error)
      || !tell (errand, entry, errand->caller_waits, error))
    return false;
  report_log_held (entry, status->text);
  return true;
}

bool
errand_finish (const Errand *errand, Entry *entry, GError **error)
{
  return tell (errand, entry, false, error);
}

void
errand_notify (const Errand *errand, const Status *status, unsigned held)
{
  const char *name = errand->account->name;
  int fd = backoff_tell (errand->queue, name);
  g_autoptr (Backoff) backoff = NULL;

  if (fd < 0)
    return;
  backoff = backoff_read (errand->queue, name);
  notify_account (errand->general, errand->account, backoff, status, held);
  backoff_told (fd, backoff);
}

Status *
errand_paused (const Backoff *backoff, const Account *account)
{
  g_autofree char *advice = credential_advice (account);
  g_autoptr (GError) error = g_error_new (
      FAILURE, FAILURE_CREDENTIAL,
      _ ("the account is paused, as %s refused its login: %s; %s"),
      account->relay.host, backoff->reason, advice);

  return status_new_failure (STAGE_AUTH, error);
}
