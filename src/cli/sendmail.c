#include "cli/sendmail.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <syslog.h>
#include <unistd.h>


#include "account/account.h"
#include "base/log.h"
#include "base/progress.h"
#include "base/text.h"
#include "base/user.h"
#include "cli/mailq.h"
#include "cli/output.h"
#include "cli/sendmail-options.h"
#include "cli/smtpd.h"
#include "cli/trace.h"
#include "cli/verify.h"
#include "cli/version.h"
#include "queue/queue.h"
#include "submit/recipients.h"
#include "submit/report.h"
#include "submit/runner.h"
#include "submit/signals.h"
#include "submit/submission.h"

/* Callers such as cron show nobody what is on stderr: the log has it as well. */
static int
fail (const GError *error)
{
  log_line (LOG_ERR, "text=\"%s\"", error->message);
  return report_error (error);
}

/* What is typed shows itself; the conversation has more to show. */
static void
show_progress (const SendmailOptions *options)
{
  struct stat status;
  off_t at;

  if (options->verbose || !progress_enable () || isatty (STDIN_FILENO))
    return;
  at = lseek (STDIN_FILENO, 0, SEEK_CUR);
  progress_begin (PROGRESS_READING,
                  fstat (STDIN_FILENO, &status) == 0
                          && S_ISREG (status.st_mode) && at >= 0
                          && at < status.st_size
                      ? (uint64_t) (status.st_size - at)
                      : 0);
}

/* The accounts are read first, for their log and limits alone; one that is wrong
   or missing holds the message, once it is read. */
static int
submit (const SendmailOptions *options)
{
  Trace trace = { .line = trace_to_stderr };
  Submission submission = { options->sender, options->envelope,
                            options->operands,
                            options->header_recipients,
                            options->no_aliases };
  g_autoptr (GError) error = NULL;
  g_autoptr (Submitter) submitter
      = submitter_new (options->accounts_file, &error);
  g_autoptr (Message) message = NULL;
  Verdict verdict;

  if (submitter == NULL)
    return fail (error);
  submitter->delivery = options->delivery;
  submitter->trace = options->verbose ? &trace : NULL;
  signals_abandon ();
  show_progress (options);
  message = message_read (STDIN_FILENO, submitter_spool (submitter),
                          !options->ignore_dots && isatty (STDIN_FILENO),
                          submitter_maximum (submitter), &error);
  progress_end ();
  if (message == NULL)
    return fail (error);
  verdict = submission_run (submitter, &submission, message);
  verdict_clear (&verdict);
  return verdict.exit_status;
}

/* -bs. Accounts and queue are opened for each message, since a client may stay
   for days. */
typedef struct
{
  const SendmailOptions *options;
  const Trace *trace;
  Submitter *submitter;
} Serving;

static bool
open_service (void *data, uint64_t *maximum, GError **error)
{
  Serving *serving = data;

  serving->submitter = submitter_new (serving->options->accounts_file, error);
  if (serving->submitter == NULL)
    return false;
  serving->submitter->delivery = serving->options->delivery;
  serving->submitter->trace = serving->trace;
  serving->submitter->replies = true;
  *maximum = submitter_maximum (serving->submitter);
  return true;
}

static void
close_service (void *data)
{
  g_clear_pointer (&((Serving *) data)->submitter, submitter_free);
}

/* What cannot be told of now, for a file that is wrong, holds the message
   later. */
static bool
accept_recipient (void *data, const Envelope *envelope, GError **error)
{
  const Serving *serving = data;
  const Accounts *accounts = serving->submitter->accounts;
  g_autoptr (GPtrArray) problems
      = g_ptr_array_new_with_free_func ((GDestroyNotify) g_error_free);
  g_autoptr (Envelope) settled
      = accounts == NULL
            ? NULL
            : recipients_settle (envelope, accounts,
                                 serving->options->no_aliases, problems, NULL);

  if (settled == NULL || problems->len == 0)
    return true;
  g_propagate_error (error, g_error_copy (problems->pdata[0]));
  return false;
}

static Spool *
open_spool (void *data)
{
  return submitter_spool (((Serving *) data)->submitter);
}

/* The sender that MAIL names is as good as one that -f does. */
static Verdict
submit_served (void *data, Envelope *envelope, Message *message)
{
  const Serving *serving = data;
  g_autofree char *reverse_path = g_strdup (envelope->reverse_path);
  char *no_operands[] = { NULL };
  Submission submission = { .sender = serving->options->sender,
                            .envelope = envelope,
                            .operands = no_operands,
                            .no_aliases = serving->options->no_aliases };

  submission.sender.reverse_path = reverse_path;
  return submission_run (serving->submitter, &submission, message);
}

static int
serve (const SendmailOptions *options)
{
  Trace relay = { .line = trace_to_stderr };
  Trace client = { .line = trace_client_to_stderr };
  Serving serving = { options, options->verbose ? &relay : NULL, NULL };
  SmtpdService service = { &serving,         open_service, close_service,
                           accept_recipient, open_spool,   submit_served };

  return smtpd_run (STDIN_FILENO, STDOUT_FILENO, &service,
                    options->verbose ? &client : NULL);
}

/* -qR: one of those who do not have it yet, in any case of letters. */
static bool
is_for (const Entry *entry, const char *text)
{
  g_autofree char *wanted = g_ascii_strdown (text, -1);

  for (size_t i = 0; i < entry->envelope->forward_paths->len; i++)
    {
      g_autofree char *path
          = g_ascii_strdown (entry->envelope->forward_paths->pdata[i], -1);
      const Status *status = entry->statuses->pdata[i];

      if ((status == NULL || status->fate == FATE_DELAYED)
          && strstr (path, wanted) != NULL)
        return true;
    }
  return false;
}

static void
ask_for (const SendmailOptions *options, Queue *queue, const char *id)
{
  g_autofree char *wanted = options->queue_id != NULL
                                ? g_ascii_strup (options->queue_id, -1)
                                : NULL;
  g_autoptr (Entry) entry = NULL;

  if (wanted != NULL && strstr (id, wanted) == NULL)
    return;
  entry = queue_lock (queue, ROOM_QUEUE, id, NULL, NULL);
  if (entry != NULL
      && (options->queue_recipient == NULL
          || is_for (entry, options->queue_recipient)))
    (void) entry_record_retry (entry, NULL);
}

/* What waits is asked for, and tried here, or by the runner that lives. */
static int
flush (const SendmailOptions *options)
{
  Trace trace = { .line = trace_to_stderr };
  g_autofree char *home = user_home ();
  RunnerParams params = { .until = RUNNER_ONCE,
                          .only_asked = options->queue_id != NULL
                                        || options->queue_recipient != NULL,
                          .accounts_file = options->accounts_file,
                          .home = home,
                          .trace = options->verbose ? &trace : NULL,
                          .person
                          = options->verbose || isatty (STDERR_FILENO) };
  g_autoptr (GError) error = NULL;
  g_autoptr (Queue) queue = queue_open_own (home, &error);
  g_autoptr (GPtrArray) ids
      = queue != NULL ? queue_list (queue, ROOM_QUEUE, &error) : NULL;
  int status;

  if (ids == NULL)
    return report_error (error);
  for (size_t i = 0; i < ids->len; i++)
    ask_for (options, queue, ids->pdata[i]);
  status = runner_run (queue, &params);
  /* That something still waits is no failure of who asked. */
  return status == EX_TEMPFAIL ? EX_OK : status;
}

static int
list (const SendmailOptions *options)
{
  return mailq_print ();
}

/* Nothing has to be rebuilt: the file itself is read for each message. What one
   line lacks keeps no other name from its mail; a file that cannot be used does. */
static int
check_aliases (const SendmailOptions *options)
{
  static const General none;
  g_autofree char *home = user_home ();
  g_autoptr (Accounts) accounts
      = accounts_load (options->accounts_file, home, NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (Aliases) aliases = NULL;

  if (accounts != NULL)
    log_open (accounts->general.log);
  aliases = recipients_aliases (accounts != NULL ? &accounts->general : &none,
                                &error);
  if (error != NULL)
    return fail (error);
  for (size_t i = 0; aliases != NULL && i < aliases_problems (aliases)->len; i++)
    text_print_line (stderr, "postrider: %s\n",
                     (char *) aliases_problems (aliases)->pdata[i]);
  return EX_OK;
}

static int
print_help (const SendmailOptions *options)
{
  g_autofree char *text = options->mode == MODE_HELP
                              ? sendmail_options_help_usual ()
                              : sendmail_options_help ();

  output_help ("%s", text);
  return EX_OK;
}

static int
print_version (const SendmailOptions *options)
{
  version_print ();
  return EX_OK;
}

static int (*const modes[]) (const SendmailOptions *options) = {
  [MODE_SEND] = submit,
  [MODE_SMTP] = serve,
  [MODE_VERIFY] = verify_recipients,
  [MODE_LIST] = list,
  [MODE_ALIASES] = check_aliases,
  [MODE_FLUSH] = flush,
  [MODE_HELP] = print_help,
  [MODE_HELP_ALL] = print_help,
  [MODE_VERSION] = print_version,
};
G_STATIC_ASSERT (G_N_ELEMENTS (modes) == N_MODES);

/* There is no log yet. */
static int
complain (const SendmailOptions *options, const GError *error)
{
  g_autofree char *home = user_home ();
  g_autoptr (Accounts) accounts
      = accounts_load (options->accounts_file, home, NULL);

  if (accounts != NULL)
    log_open (accounts->general.log);
  return fail (error);
}

static int
run (Mode mode, int argc, char **argv)
{
  g_auto (SendmailOptions) options = { 0 };
  g_autoptr (GError) error = NULL;
  bool understood
      = sendmail_options_parse (&options, mode, argc, argv, &error);

  log_tag (options.tag);
  if (!understood)
    return complain (&options, error);
  return modes[options.mode](&options);
}

int
sendmail_main (int argc, char **argv)
{
  return run (MODE_SEND, argc, argv);
}

int
newaliases_main (int argc, char **argv)
{
  return run (MODE_ALIASES, argc, argv);
}
