#include "cli/run.h"

#include <stdio.h>
#include <sysexits.h>
#include <syslog.h>
#include <unistd.h>

#include <glib/gi18n.h>

#include "account/account.h"
#include "base/log.h"
#include "base/user.h"
#include "cli/options.h"
#include "cli/trace.h"
#include "queue/queue.h"
#include "submit/attempt.h"
#include "submit/report.h"

/* After a final dot without a verdict the relay may have the message and still
   be at work on it (RFC 5321 section 4.5.3.2.6 grants it ten minutes). */
#define AMBIGUOUS_SECONDS (15 * 60)

typedef struct
{
  const char *accounts_file;
  bool verbose;
  bool help;
  Queue *queue;
  Accounts *accounts;
  GPtrArray *stopped; /* of char *: accounts that failed as such */
  bool waiting;       /* something is still queued */
} Run;

static bool
take_v (void *target, const char *argument, GError **error)
{
  ((Run *) target)->verbose = true;
  return true;
}

static bool
take_accounts_file (void *target, const char *argument, GError **error)
{
  ((Run *) target)->accounts_file = argument;
  return true;
}

static bool
take_help (void *target, const char *argument, GError **error)
{
  ((Run *) target)->help = true;
  return true;
}

static const Option options[] = {
  { 'v', NULL, ARGUMENT_NONE, take_v, NULL,
    N_ ("show the conversation with the relay") },
  { 'C', "accounts-file", ARGUMENT_REQUIRED, take_accounts_file, N_ ("FILE"),
    N_ ("read this accounts file and no other") },
  { 0, "help", ARGUMENT_NONE, take_help, NULL, N_ ("show this help") },
  { 0 },
};

static bool
is_too_early (const Entry *entry)
{
  bool ambiguous = entry->end_of_data_sent;

  for (size_t i = 0; i < entry->statuses->len; i++)
    {
      const Status *status = entry->statuses->pdata[i];

      ambiguous = ambiguous || (status != NULL && status->ambiguous);
    }
  return ambiguous
         && g_get_real_time () / G_USEC_PER_SEC
                < entry->last_attempt + AMBIGUOUS_SECONDS;
}

static bool
is_stopped (const Run *run, const char *account)
{
  return g_ptr_array_find_with_equal_func (run->stopped, account, g_str_equal,
                                           NULL);
}

/* What the account as a whole ran into is not tried again with its next message:
   a wrong password asked fifty times locks the login. */
static void
note_stop (Run *run, const Account *account, const Outcome *outcome)
{
  for (size_t i = 0; i < outcome->statuses->len; i++)
    {
      const Status *status = outcome->statuses->pdata[i];

      if (status->fate != FATE_RELAYED && status->scope == SCOPE_ACCOUNT)
        {
          g_ptr_array_add (run->stopped, account->name);
          return;
        }
    }
}

static bool
try_entry (Run *run, Entry *entry, const Account *account, GError **error)
{
  Trace trace = { .line = trace_to_stderr };
  g_autoptr (Outcome) outcome
      = attempt_run (run->queue, entry, account, false,
                     run->verbose ? &trace : NULL, error);

  if (outcome == NULL)
    return false;
  report_log (entry, account, outcome);
  if (run->verbose || isatty (STDERR_FILENO))
    report_person (entry, account, outcome);
  note_stop (run, account, outcome);
  run->waiting = run->waiting || outcome->settled == SETTLED_QUEUED;
  return true;
}

static bool
hold (Run *run, Entry *entry, const GError *why, GError **error)
{
  if (!queue_hold (run->queue, entry, why->message, error))
    return false;
  report_held (entry, why);
  return true;
}

static bool
take_entry (Run *run, const char *id, GError **error)
{
  g_autoptr (GError) why = NULL;
  g_autoptr (Entry) entry = queue_lock (run->queue, id, error);
  const Account *account;

  if (entry == NULL)
    return error == NULL || *error == NULL;
  account = accounts_choose (run->accounts, entry->account, NULL, NULL, &why);
  if (account == NULL)
    return hold (run, entry, why, error);
  if (is_stopped (run, account->name) || is_too_early (entry))
    {
      run->waiting = true;
      return true;
    }
  return try_entry (run, entry, account, error);
}

/* One bad entry never keeps the others. */
static int
take_all (Run *run)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) ids = queue_list (run->queue, &error);
  int status = EX_OK;

  if (ids == NULL)
    return report_error (error);
  for (size_t i = 0; i < ids->len; i++)
    {
      g_autoptr (GError) local = NULL;

      if (!take_entry (run, ids->pdata[i], &local))
        status = report_error (local);
    }
  return status == EX_OK && run->waiting ? EX_TEMPFAIL : status;
}

static void
print_help (void)
{
  g_autofree char *text = options_help (options);

  printf (_ ("Usage: postrider run [OPTION]...\n"
             "Sends what waits in the queue, oldest first.\n\n%s"),
          text);
}

int
run_main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) stopped = g_ptr_array_new ();
  g_autoptr (Queue) queue = NULL;
  g_autoptr (Accounts) accounts = NULL;
  g_autofree char *home = user_home ();
  Run run = { .stopped = stopped };
  int first;

  if (!options_parse (options, argc, argv, &run, &first, &error))
    return report_error (error);
  if (run.help)
    {
      print_help ();
      return EX_OK;
    }
  accounts = accounts_load (run.accounts_file, home, &error);
  if (accounts == NULL)
    return report_error (error);
  log_open (accounts->general.log);
  queue = queue_open_own (home, &error);
  if (queue == NULL)
    return report_error (error);
  run.queue = queue;
  run.accounts = accounts;
  return take_all (&run);
}
