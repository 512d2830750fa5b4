#include "submit/submission.h"

#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sysexits.h>
#include <syslog.h>
#include <unistd.h>

#include <glib/gi18n.h>

#include "base/log.h"
#include "base/progress.h"
#include "base/text.h"
#include "base/user.h"
#include "mail/compose.h"
#include "mail/conform.h"
#include "mail/field.h"
#include "mail/media.h"
#include "mail/mime.h"
#include "submit/apart.h"
#include "submit/attempt.h"
#include "submit/confine.h"
#include "submit/errand.h"
#include "submit/handover.h"
#include "submit/linger.h"
#include "submit/recipients.h"
#include "submit/report.h"
#include "submit/runner.h"
#include "submit/signals.h"

#define DESCRIPTORS 64

/* GLib ends the process where a descriptor is not to be had. That must not
   happen to one who has a message already. */
static bool
provide_descriptors (GError **error)
{
  struct rlimit limit;

  if (getrlimit (RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= DESCRIPTORS)
    return true;
  limit.rlim_cur = MIN (limit.rlim_max, DESCRIPTORS);
  if (limit.rlim_cur == DESCRIPTORS && setrlimit (RLIMIT_NOFILE, &limit) == 0)
    return true;
  g_set_error (
      error, FAILURE, FAILURE_TEMPORARY,
      _ ("only %ju files may be open at once, and %d are needed: raise "
         "the limit, see `ulimit -n'"),
      (uintmax_t) limit.rlim_max, DESCRIPTORS);
  return false;
}

Submitter *
submitter_new (const char *accounts_file, GError **error)
{
  g_autoptr (Submitter) submitter = g_new0 (Submitter, 1);
  g_autofree char *home = user_home ();

  submitter->accounts_file = accounts_file;
  submitter->delivery = DELIVERY_OF_ACCOUNT;
  submitter->accounts = accounts_load (accounts_file, home, &submitter->why);
  if (submitter->accounts != NULL)
    log_open (submitter->accounts->general.log);
  if (!provide_descriptors (error))
    return NULL;
  submitter->queue = queue_open_own (home, error);
  return submitter->queue != NULL ? g_steal_pointer (&submitter) : NULL;
}

void
submitter_free (Submitter *submitter)
{
  if (submitter == NULL)
    return;
  g_clear_pointer (&submitter->accounts, accounts_free);
  g_clear_error (&submitter->why);
  g_clear_pointer (&submitter->queue, queue_free);
  g_free (submitter);
}

Spool *
submitter_spool (Submitter *submitter)
{
  return queue_spool (
      submitter->queue,
      submitter->accounts != NULL ? submitter->accounts->general.reserve : 0);
}

uint64_t
submitter_maximum (const Submitter *submitter)
{
  return submitter->accounts != NULL
             ? submitter->accounts->general.maximum_size
             : 0;
}

void
verdict_clear (Verdict *verdict)
{
  g_clear_pointer (&verdict->id, g_free);
  g_clear_pointer (&verdict->text, g_free);
}

/* Somebody reads stderr although all is well. */
static bool
is_watched (const Submitter *submitter)
{
  return submitter->trace != NULL || isatty (STDERR_FILENO);
}

/* What is not well is said there, unless the verdict is told elsewhere. */
static bool
tells_failures (const Submitter *submitter)
{
  return !submitter->replies || is_watched (submitter);
}

static Verdict
refuse (const Submitter *submitter, const GError *error)
{
  log_line (LOG_ERR, "text=\"%s\"", error->message);
  if (tells_failures (submitter))
    (void) report_error (error);
  return (Verdict){ failure_exit_status (error), NULL,
                    g_strdup (error->message) };
}

/* Who is no recipient, for the log, and for a caller that has no other left;
   but not VERDICT, which is told at the end. */
static void
tell_problems (const Submitter *submitter, const GPtrArray *problems,
               bool none_left, const GError *verdict)
{
  for (size_t i = 0; i < problems->len; i++)
    {
      const GError *problem = problems->pdata[i];

      if (problem == verdict)
        continue;
      log_line (LOG_WARNING, "text=\"%s\"", problem->message);
      if (is_watched (submitter) || (none_left && tells_failures (submitter)))
        text_print_line (stderr, "postrider: %s\n", problem->message);
    }
}

static bool
gather (const Submitter *submitter, const Submission *submission,
        const Header *header, GPtrArray *problems, GError **error)
{
  Envelope *envelope = submission->envelope;

  recipients_gather (envelope, submission->operands,
                     submission->header_recipients ? header : NULL, problems);
  if (envelope->forward_paths->len > 0)
    return true;
  tell_problems (submitter, problems, true, NULL);
  g_set_error (error, FAILURE,
               problems->len > 0 || submission->header_recipients
                   ? FAILURE_DATA
                   : FAILURE_USAGE,
               _ ("the message has no recipient; nothing was sent"));
  return false;
}

/* What the caller did not ask for, the account may. */
static void
fill_envelope (Envelope *envelope, const Sender *sender)
{
  const Account *account = sender->account;

  g_free (envelope->reverse_path);
  envelope->reverse_path = g_strdup (sender->reverse_path);
  if (account != NULL && envelope->notify[0] == '\0')
    {
      g_free (envelope->notify);
      envelope->notify = g_strdup (account->dsn_notify);
    }
  if (account != NULL && envelope->ret[0] == '\0')
    {
      g_free (envelope->ret);
      envelope->ret = g_strdup (account->dsn_return);
    }
}

/* The entry is durable whatever could not be written behind it. */
static Verdict
report_unsettled (const Submitter *submitter, const Entry *entry,
                  const GError *error)
{
  log_line (LOG_ERR, "id=%s fate=queued text=\"%s\"", entry->id,
            error->message);
  if (is_watched (submitter))
    (void) report_error (error);
  return (Verdict){ EX_OK, g_strdup (entry->id), NULL };
}

/* A paused account is not tried; the caller has to know. */
static Verdict
hold_paused (const Submitter *submitter, const Errand *errand, Entry *entry,
             const Backoff *backoff)
{
  g_autoptr (Status) status = errand_paused (backoff, errand->account);
  g_autoptr (GError) error = NULL;

  if (!errand_hold (errand, entry, status, &error))
    return report_unsettled (submitter, entry, error);
  if (tells_failures (submitter))
    {
      text_print_line (stderr, "postrider: %s\n", status->text);
      report_copy_held (entry);
    }
  return (Verdict){ status->exit_status, g_strdup (entry->id),
                    g_strdup (status->text) };
}

/* Where nobody will tell the caller, the desktop is told. */
static void
report_outcome (const Submitter *submitter, const Errand *errand,
                const Entry *entry, const Outcome *outcome)
{
  const Status *stopped = outcome_account_status (outcome);

  if (is_watched (submitter)
      || (report_exit_status (outcome) != EX_OK && !submitter->replies))
    report_person (entry, errand->account, outcome);
  if (stopped != NULL && !isatty (STDERR_FILENO))
    errand_notify (errand, stopped, outcome->settled == SETTLED_HELD);
}

typedef struct
{
  const Submitter *submitter;
  const Errand *errand;
  Entry *entry;
  int connection; /* the one that is counted */
} Try;

/* It leaves a session for others, and takes one of others. Who wants to see it
   all has one of its own. */
static bool
may_linger (const Submitter *submitter, const Account *account)
{
  return account->linger > 0 && submitter->trace == NULL
         && !submitter->replies;
}

/* Callers that come meanwhile are to wait for ours, if nobody else's is open.
 */
static Linger *
prepare_linger (const Try *try)
{
  const Submitter *submitter = try->submitter;
  const Account *account = try->errand->account;

  return may_linger (submitter, account)
             ? linger_new (submitter->queue, submitter->accounts, account)
             : NULL;
}

/* In a child: one try, with the entry's lock held. Then it may stay, for
 * others. */
static int
try_apart (const Apart *apart, void *data)
{
  Try *try = data;
  const Submitter *submitter = try->submitter;
  CourierParams params = { .attended = isatty (STDERR_FILENO),
                           .cancellable = true,
                           .trace = submitter->trace,
                           .credential = apart_credential,
                           .data = (void *) apart };
  g_autoptr (Linger) linger = prepare_linger (try);
  g_autoptr (Courier) courier = courier_new (try->errand->account, &params);
  g_autoptr (GError) error = NULL;
  g_autoptr (Outcome) outcome = NULL;
  g_auto (Verdict) verdict = { 0 };

  if (confine_attempt (submitter->queue, try->errand->general,
                       try->errand->account, submitter->trace != NULL, &error))
    outcome = errand_run (try->errand, try->entry, courier, &error);
  progress_end ();
  if (outcome == NULL)
    {
      verdict = report_unsettled (submitter, try->entry, error);
      return verdict.exit_status;
    }
  report_outcome (submitter, try->errand, try->entry, outcome);
  verdict.exit_status = report_exit_status (outcome);
  if (verdict.exit_status != EX_OK)
    {
      verdict.text = status_words (outcome->statuses->pdata[0]);
      apart_tell (apart, verdict.text);
    }
  /* Its caller must have the lock alone from now on. */
  entry_free (try->entry);
  if (linger != NULL)
    linger_run (linger, apart, verdict.exit_status, try->errand,
                g_steal_pointer (&courier), try->connection);
  return verdict.exit_status;
}

/* Whoever had it was ended in the midst of its work: what holds is what is on
 * disk. */
static Verdict
judge_remains (const Submitter *submitter, const Entry *entry,
               const GError *error)
{
  g_autoptr (Entry) held =
      queue_view (submitter->queue, ROOM_HELD, entry->id, NULL);

  if (held == NULL)
    return report_unsettled (submitter, entry, error);
  log_line (LOG_ERR, "id=%s fate=held text=\"%s\"", entry->id, error->message);
  /* Then no exit status may say that it was not sent. */
  if (entry_is_relayed (held))
    return (Verdict){ EX_OK, g_strdup (entry->id), NULL };
  if (tells_failures (submitter))
    {
      (void) report_error (error);
      report_copy_held (entry);
    }
  return (Verdict){ EX_SOFTWARE, g_strdup (entry->id),
                    g_strdup (error->message) };
}

/* Once the message is in the queue. */
static Verdict
try_now (const Submitter *submitter, const Errand *errand, Entry *entry,
         int connection)
{
  Try try = { submitter, errand, entry, connection };
  g_autoptr (GError) error = NULL;
  ApartResult result;

  if (!apart_run (try_apart, &try, errand->account, isatty (STDERR_FILENO),
                  &result, &error))
    return report_unsettled (submitter, entry, error);
  if (result.signal == 0)
    return (Verdict){ result.exit_status, g_strdup (entry->id), result.text };
  g_free (result.text);
  progress_end_any ();
  /* It took the message back; whoever called sees that of us. */
  if (result.signal == SIGINT || result.signal == SIGTERM)
    {
      (void) signal (result.signal, SIG_DFL);
      (void) raise (result.signal);
    }
  g_set_error (&error, FAILURE, FAILURE_SOFTWARE,
               _ ("the process that spoke with the relay was ended by "
                  "signal %d"),
               result.signal);
  return judge_remains (submitter, entry, error);
}

static bool
is_untouched (const Entry *entry)
{
  for (size_t i = 0; i < entry->statuses->len; i++)
    if (entry->statuses->pdata[i] != NULL)
      return false;
  return !entry->end_of_data_sent;
}

/* *ENTRY was with somebody who has it no more. True: *VERDICT is what holds.
   False: nothing was sent, and we try it ourselves. */
static bool
take_back (const Submitter *submitter, Entry **entry, Verdict *verdict)
{
  g_autoptr (GError) trouble = NULL;
  g_autoptr (GError) error = g_error_new_literal (
      FAILURE, FAILURE_SOFTWARE,
      _ ("the process that was sending this message has died"));
  Entry *now =
      queue_adopt (submitter->queue, (*entry)->id, (*entry)->fd, &trouble);
  g_autoptr (Entry) held =
      now == NULL && trouble == NULL
          ? queue_view (submitter->queue, ROOM_HELD, (*entry)->id, NULL)
          : NULL;

  if (now != NULL)
    {
      entry_free (*entry);
      *entry = now;
      if (is_untouched (now))
        return false;
    }
  /* It took the message back; whoever called sees that of us. */
  if (held != NULL && signals_noted () && !entry_is_relayed (held))
    {
      signals_farewell (held->id);
      signals_release ();
    }
  if (now != NULL || held != NULL || trouble != NULL)
    *verdict =
        judge_remains (submitter, *entry, trouble != NULL ? trouble : error);
  else
    *verdict = (Verdict){ EX_OK, g_strdup ((*entry)->id), NULL };
  return true;
}

/* What another process was told of *ENTRY. True: *VERDICT is what holds. */
static bool
hand_over (const Submitter *submitter, const Account *account, Entry **entry,
           Verdict *verdict)
{
  g_auto (Handover) handover = { 0 };
  g_autoptr (GError) error = NULL;

  switch (handover_run (submitter->queue, submitter->accounts, account, *entry,
                        isatty (STDERR_FILENO), &handover))
    {
    case HANDOVER_NONE:
      return false;
    case HANDOVER_LOST:
      return take_back (submitter, entry, verdict);
    case HANDOVER_UNSETTLED:
      error = g_error_new_literal (FAILURE, FAILURE_IO,
                                   handover.text != NULL ? handover.text : "");
      *verdict = report_unsettled (submitter, *entry, error);
      return true;
    case HANDOVER_VERDICT:
      break;
    }
  if (handover.report != NULL
      && (is_watched (submitter) || handover.exit_status != EX_OK))
    (void) fputs (handover.report, stderr);
  *verdict = (Verdict){ handover.exit_status, g_strdup ((*entry)->id),
                        g_steal_pointer (&handover.text) };
  return true;
}

/* Who keeps one open gives it up, if need be. */
static int
get_connection (const Submitter *submitter, const Account *account)
{
  int connection = backoff_connection (submitter->queue, account->name,
                                       account->max_connections);

  if (connection < 0 && account->linger > 0
      && handover_dismiss (submitter->queue, account->name))
    connection = backoff_connection (submitter->queue, account->name,
                                     account->max_connections);
  return connection;
}

static int
launch_apart (const Apart *apart, void *data)
{
  const Submitter *submitter = data;

  runner_launch (submitter->queue, &submitter->accounts->general,
                 submitter->accounts_file);
  return EX_OK;
}

/* It asks the user's service manager, and that leaves threads behind. */
static void
launch_runner (const Submitter *submitter)
{
  ApartResult result;

  if (!submitter->accounts->general.start_runner)
    return;
  if (apart_run (launch_apart, (void *) submitter, NULL, false, &result, NULL))
    g_free (result.text);
}

/* Without an attempt: somebody else takes care of ENTRY, or nobody yet. */
static Verdict
leave_it (const Submitter *submitter, Delivery mode, Entry *entry)
{
  Verdict verdict = { EX_OK, g_strdup (entry->id), NULL };

  /* Its lock goes before a runner looks at it. */
  entry_free (entry);
  if (mode != DELIVERY_QUEUE)
    launch_runner (submitter);
  if (submitter->trace != NULL)
    fprintf (stderr, _ ("postrider: the message is queued as %s\n"),
             verdict.id);
  return verdict;
}

/* ENTRY, which is queued and locked, goes the way that caller or account want.
 */
static Verdict
deliver (const Submitter *submitter, const Account *account, Entry *entry)
{
  Errand errand = { submitter->queue, &submitter->accounts->general, account,
                    true };
  g_autoptr (Backoff) backoff = backoff_read (submitter->queue, account->name);
  Delivery mode = submitter->delivery == DELIVERY_OF_ACCOUNT
                      ? account->delivery
                      : (Delivery) submitter->delivery;
  Verdict verdict;
  int connection = -1;

  if (mode == DELIVERY_INTERACTIVE && backoff->paused)
    {
      verdict = hold_paused (submitter, &errand, entry, backoff);
      entry_free (entry);
      return verdict;
    }
  if (mode != DELIVERY_INTERACTIVE || !may_linger (submitter, account)
      || !hand_over (submitter, account, &entry, &verdict))
    {
      if (mode == DELIVERY_INTERACTIVE)
        connection = get_connection (submitter, account);
      if (connection < 0)
        return leave_it (submitter, mode, entry);
      verdict = try_now (submitter, &errand, entry, connection);
      /* The connection before the entry: its end is what a runner waits for.
       */
      close (connection);
    }
  entry_free (entry);
  if (!queue_is_empty (submitter->queue))
    launch_runner (submitter);
  return verdict;
}

/* There is no account for it (then its NAME is ""), or nobody knows where it
   belongs: a person has to see to that, and then to it. */
static Verdict
hold (const Submitter *submitter, const char *name, const Envelope *envelope,
      Message *message, const GError *why)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Entry) entry =
      queue_enter (submitter->queue, message,
                   &(QueueRequest){ .envelope = envelope,
                                    .account = name,
                                    .as_given = true,
                                    .hold_reason = why->message },
                   &error);

  if (entry == NULL)
    {
      if (tells_failures (submitter))
        (void) report_error (error);
      return refuse (submitter, why);
    }
  report_log_held (entry, why->message);
  if (tells_failures (submitter))
    {
      (void) report_error (why);
      report_copy_held (entry);
    }
  return (Verdict){ failure_exit_status (why), g_strdup (entry->id),
                    g_strdup (why->message) };
}

static Verdict
enter (const Submitter *submitter, const Envelope *envelope, Message *message,
       const Sender *sender)
{
  g_autoptr (GError) error = NULL;
  Entry *entry;

  /* Once it is queued, who ends us is told the truth about it. */
  signals_defer ();
  entry = queue_enter (submitter->queue, message,
                       &(QueueRequest){ .envelope = envelope,
                                        .account = sender->account->name },
                       &error);
  if (entry == NULL)
    return refuse (submitter, error);
  if (sender->foreign)
    log_line (LOG_NOTICE,
              "id=%s account=%s from=<%s> text=\"no account "
              "claims this sender; the default one carries it\"",
              entry->id, sender->account->name, sender->reverse_path);
  if (message->header_cut)
    log_line (LOG_NOTICE,
              "id=%s text=\"the header ends at a line that is no "
              "field; the body begins with it\"",
              entry->id);
  return deliver (submitter, sender->account, entry);
}

/* First, so that what is read from the fields can be read at all. */
static bool
make_readable (Message *message, GError **error)
{
  g_autoptr (Media) media = media_of (message->header);

  return field_make_utf8 (message->header, media->charset,
                          mime_is_signed (message->header), error);
}

/* What the message has to have, and that it may travel. */
static bool
complete (Submitter *submitter, const Sender *sender, Message *message,
          GError **error)
{
  ComposeParams params = { sender->from, sender->domain,
                           g_get_real_time () / G_USEC_PER_SEC };
  Header *header = message->header;

  return compose (header, &params, error)
         && field_fold (header, mime_is_signed (header), error)
         && conform (message, submitter_spool (submitter), error);
}

/* Who is no recipient is told, and the others are served; only where none is
   left, or somebody has to mend the aliases first, nobody is. */
static Verdict
settle (const Submitter *submitter, const Submission *submission,
        Message *message, const Sender *sender, GPtrArray *problems)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Envelope) settled =
      recipients_settle (submission->envelope, submitter->accounts,
                         submission->no_aliases, problems, &error);
  bool none_left = settled == NULL || settled->forward_paths->len == 0;
  const GError *verdict = !none_left        ? NULL
                          : settled == NULL ? error
                                            : problems->pdata[0];

  tell_problems (submitter, problems, none_left, verdict);
  if (verdict == NULL)
    return enter (submitter, settled, message, sender);
  if (g_error_matches (verdict, FAILURE, FAILURE_DATA))
    return refuse (submitter, verdict);
  return hold (submitter, sender->account->name, submission->envelope, message,
               verdict);
}

Verdict
submission_run (Submitter *submitter, const Submission *submission,
                Message *message)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GError) why = NULL;
  g_autoptr (GPtrArray) problems =
      g_ptr_array_new_with_free_func ((GDestroyNotify) g_error_free);
  g_autoptr (Sender) sender = NULL;

  if (!make_readable (message, &error))
    return refuse (submitter, error);
  sender = sender_resolve (&submission->sender, submitter->accounts,
                           message->header,
                           submitter->why == NULL ? &why : NULL, &error);
  if (sender == NULL
      || !gather (submitter, submission, message->header, problems, &error)
      || !complete (submitter, sender, message, &error))
    return refuse (submitter, error);
  fill_envelope (submission->envelope, sender);
  if (sender->account != NULL)
    return settle (submitter, submission, message, sender, problems);
  tell_problems (submitter, problems, true, NULL);
  return hold (submitter, "", submission->envelope, message,
               submitter->why != NULL ? submitter->why : why);
}
