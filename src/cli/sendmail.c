#include "cli/sendmail.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <syslog.h>
#include <unistd.h>

#include <glib/gi18n.h>

#include "account/account.h"
#include "base/log.h"
#include "base/user.h"
#include "cli/mailq.h"
#include "cli/options.h"
#include "cli/trace.h"
#include "mail/compose.h"
#include "queue/queue.h"
#include "submit/attempt.h"
#include "submit/errand.h"
#include "submit/report.h"
#include "submit/runner.h"
#include "submit/sender.h"
#include "submit/signals.h"

#define UNSET (-1)

typedef struct
{
  SenderRequest sender;
  const char *accounts_file;
  bool header_recipients;
  bool ignore_dots;
  bool verbose;
  bool help;
  bool flush;        /* -q: no message, the queue */
  bool list;         /* -bp */
  int delivery;      /* -odX, a Delivery; UNSET: as the account has it */
  Envelope *envelope; /* notify, ret and envid are set while parsing */
} Request;

static bool
take_t (void *target, const char *argument, GError **error)
{
  ((Request *) target)->header_recipients = true;
  return true;
}

static bool
take_i (void *target, const char *argument, GError **error)
{
  ((Request *) target)->ignore_dots = true;
  return true;
}

static bool
take_v (void *target, const char *argument, GError **error)
{
  ((Request *) target)->verbose = true;
  return true;
}

static bool
take_help (void *target, const char *argument, GError **error)
{
  ((Request *) target)->help = true;
  return true;
}

static bool
take_f (void *target, const char *argument, GError **error)
{
  ((Request *) target)->sender.reverse_path = argument;
  return true;
}

static bool
take_F (void *target, const char *argument, GError **error)
{
  ((Request *) target)->sender.full_name = argument;
  return true;
}

static bool
take_accounts_file (void *target, const char *argument, GError **error)
{
  ((Request *) target)->accounts_file = argument;
  return true;
}

static bool
take_account (void *target, const char *argument, GError **error)
{
  ((Request *) target)->sender.account = argument;
  return true;
}

static bool
take_b (void *target, const char *argument, GError **error)
{
  ((Request *) target)->list = strcmp (argument, "p") == 0;
  if (strcmp (argument, "m") == 0 || strcmp (argument, "p") == 0)
    return true;
  g_set_error (error, FAILURE, FAILURE_USAGE,
               _ ("mode -b%s is not supported; only -bm is, to send a message, "
                  "and -bp, to list the queue"),
               argument);
  return false;
}

/* Of sendmail's old options -oX only these say something to us. */
static bool
take_o (void *target, const char *argument, GError **error)
{
  static const struct
  {
    const char *argument;
    Delivery delivery;
  } modes[] = {
    { "di", DELIVERY_INTERACTIVE },
    { "db", DELIVERY_BACKGROUND },
    { "dq", DELIVERY_QUEUE },
  };
  Request *request = target;

  if (strcmp (argument, "i") == 0 || strcmp (argument, "itrue") == 0)
    request->ignore_dots = true;
  for (size_t i = 0; i < G_N_ELEMENTS (modes); i++)
    if (strcmp (argument, modes[i].argument) == 0)
      request->delivery = modes[i].delivery;
  return true;
}

/* -q alone, and what sendmail has for the same. */
static bool
take_q (void *target, const char *argument, GError **error)
{
  ((Request *) target)->flush = true;
  if (argument == NULL || strcmp (argument, "f") == 0
      || strcmp (argument, "i") == 0)
    return true;
  g_set_error (error, FAILURE, FAILURE_USAGE,
               _ ("-q%s is not supported; -q alone sends what waits, and "
                  "`postrider queue' does the rest"),
               argument);
  return false;
}

static bool
take_N (void *target, const char *argument, GError **error)
{
  return envelope_set_notify (((Request *) target)->envelope, argument,
                              error);
}

static bool
take_R (void *target, const char *argument, GError **error)
{
  return envelope_set_ret (((Request *) target)->envelope, argument, error);
}

static bool
take_V (void *target, const char *argument, GError **error)
{
  return envelope_set_envid (((Request *) target)->envelope, argument, error);
}

static const Option options[] = {
  { 't', NULL, ARGUMENT_NONE, take_t, NULL,
    N_ ("take the recipients from To, Cc and Bcc") },
  { 'i', NULL, ARGUMENT_NONE, take_i, NULL,
    N_ ("a line with a lone dot does not end the message") },
  { 'f', NULL, ARGUMENT_REQUIRED, take_f, N_ ("ADDRESS"),
    N_ ("the sender's address") },
  { 'r', NULL, ARGUMENT_REQUIRED, take_f, NULL, NULL },
  { 'F', NULL, ARGUMENT_REQUIRED, take_F, N_ ("NAME"),
    N_ ("the sender's full name, where From is missing") },
  { 'N', NULL, ARGUMENT_REQUIRED, take_N, N_ ("CONDITIONS"),
    N_ ("when to notify: never, or of success,failure,delay") },
  { 'R', NULL, ARGUMENT_REQUIRED, take_R, N_ ("full|hdrs"),
    N_ ("how much of the message a notification returns") },
  { 'V', NULL, ARGUMENT_REQUIRED, take_V, N_ ("ID"),
    N_ ("the envelope identifier that a notification returns") },
  { 'v', NULL, ARGUMENT_NONE, take_v, NULL,
    N_ ("show the conversation with the relay") },
  { 'C', "accounts-file", ARGUMENT_REQUIRED, take_accounts_file, N_ ("FILE"),
    N_ ("read this accounts file and no other") },
  { 0, "account", ARGUMENT_REQUIRED, take_account, N_ ("NAME"),
    N_ ("send through this account") },
  { 'b', NULL, ARGUMENT_REQUIRED, take_b, N_ ("m|p"),
    N_ ("-bm sends a message, which is done anyway; -bp lists the queue") },
  { 'o', NULL, ARGUMENT_REQUIRED, take_o, N_ ("i|di|db|dq"),
    N_ ("-oi is -i; -odi waits for the relay, -odb does not, -odq only queues") },
  { 'q', NULL, ARGUMENT_ATTACHED, take_q, NULL,
    N_ ("send no message but what waits in the queue") },
  { 0, "help", ARGUMENT_NONE, take_help, NULL, N_ ("show this help") },
  /* Accepted and ignored: callers pass them, and nothing here depends on
     them. */
  { 'A', NULL, ARGUMENT_REQUIRED, NULL, NULL, NULL },
  { 'B', NULL, ARGUMENT_REQUIRED, NULL, NULL, NULL },
  { 'e', NULL, ARGUMENT_REQUIRED, NULL, NULL, NULL },
  { 'G', NULL, ARGUMENT_NONE, NULL, NULL, NULL },
  { 'h', NULL, ARGUMENT_REQUIRED, NULL, NULL, NULL },
  { 'L', NULL, ARGUMENT_REQUIRED, NULL, NULL, NULL },
  { 'm', NULL, ARGUMENT_NONE, NULL, NULL, NULL },
  { 'n', NULL, ARGUMENT_NONE, NULL, NULL, NULL },
  { 'O', NULL, ARGUMENT_REQUIRED, NULL, NULL, NULL },
  { 'p', NULL, ARGUMENT_REQUIRED, NULL, NULL, NULL },
  { 'U', NULL, ARGUMENT_NONE, NULL, NULL, NULL },
  { 'X', NULL, ARGUMENT_REQUIRED, NULL, NULL, NULL },
  { 0 },
};

static void
print_help (void)
{
  g_autofree char *text = options_help (options);

  printf (_ ("Usage: sendmail [OPTION]... [RECIPIENT]...\n"
             "Sends the message on standard input through the relay of the "
             "sender's account.\n\n%s"),
          text);
}

/* An operand that begins with '-' is more likely a slip, or worse, than an
   address; no relay of ours is asked about it. */
static bool
check_operands (const Request *request, char **operands, GError **error)
{
  for (char **p = operands; *p != NULL; p++)
    {
      if ((*p)[0] == '-')
        {
          g_set_error (error, FAILURE, FAILURE_USAGE,
                       _ ("%s is no recipient: options stand before the "
                          "recipients, and no address begins with a dash"),
                       *p);
          return false;
        }
      for (const char *c = *p; *c != '\0'; c++)
        if (g_ascii_iscntrl (*c))
          {
            g_set_error (error, FAILURE, FAILURE_USAGE,
                         _ ("a recipient contains a control character"));
            return false;
          }
    }
  if (operands[0] != NULL || request->header_recipients)
    return true;
  g_set_error (error, FAILURE, FAILURE_USAGE,
               _ ("no recipients: name them, or have them taken from the "
                  "message with -t"));
  return false;
}

/* Bad addresses are told, and the good ones served; only where none is left is
   the message refused. */
static bool
gather_recipients (Request *request, const Message *message, char **operands,
                   const char *domain, GError **error)
{
  g_autoptr (GPtrArray) problems = g_ptr_array_new_with_free_func (g_free);

  for (char **p = operands; *p != NULL; p++)
    (void) envelope_add_list (request->envelope, *p, domain, problems);
  if (request->header_recipients)
    (void) envelope_add_header (request->envelope, message->header, domain,
                                problems);
  for (size_t i = 0; i < problems->len; i++)
    {
      log_line (LOG_WARNING, "text=\"%s\"", (char *) problems->pdata[i]);
      if (request->verbose || isatty (STDERR_FILENO)
          || request->envelope->forward_paths->len == 0)
        fprintf (stderr, "postrider: %s\n", (char *) problems->pdata[i]);
    }
  if (request->envelope->forward_paths->len > 0)
    return true;
  g_set_error (error, FAILURE,
               problems->len > 0 ? FAILURE_DATA : FAILURE_USAGE,
               _ ("the message has no recipient; nothing was sent"));
  return false;
}

/* Without an attempt: somebody else takes care of ENTRY, or nobody yet. */
static int
leave_it (const Request *request, Queue *queue, const Accounts *accounts,
          Delivery mode, Entry *entry)
{
  g_autofree char *id = g_strdup (entry->id);

  /* Its lock goes before a runner looks at it. */
  entry_free (entry);
  if (mode != DELIVERY_QUEUE)
    runner_launch (queue, &accounts->general, request->accounts_file);
  if (request->verbose)
    fprintf (stderr, _ ("postrider: the message is queued as %s\n"), id);
  return EX_OK;
}

/* The entry is durable whatever could not be written behind it. */
static int
report_unsettled (const Request *request, const Entry *entry,
                  const GError *error)
{
  log_line (LOG_ERR, "id=%s fate=queued text=\"%s\"", entry->id,
            error->message);
  if (isatty (STDERR_FILENO) || request->verbose)
    (void) report_error (error);
  return EX_OK;
}

/* A paused account is not tried; the caller has to know. */
static int
hold_paused (const Request *request, const Errand *errand, Entry *entry,
             const Backoff *backoff)
{
  g_autoptr (Status) status = errand_paused (backoff, errand->account);
  g_autoptr (GError) error = NULL;

  if (!errand_hold (errand, entry, status, &error))
    return report_unsettled (request, entry, error);
  fprintf (stderr, "postrider: %s\n", status->text);
  report_copy_held (entry);
  return status->exit_status;
}

/* Where nobody will tell the caller, the desktop is told. */
static void
report_outcome (const Request *request, const Errand *errand,
                const Entry *entry, const Outcome *outcome)
{
  const Status *stopped = outcome_account_status (outcome);
  bool person = isatty (STDERR_FILENO);

  if (report_exit_status (outcome) != EX_OK || person || request->verbose)
    report_person (entry, errand->account, outcome);
  if (stopped != NULL && !person)
    errand_notify (errand, stopped, outcome->settled == SETTLED_HELD);
}

/* Once the message is in the queue: one try, with the entry's lock held. */
static int
try_now (const Request *request, const Errand *errand, Entry *entry)
{
  bool person = isatty (STDERR_FILENO);
  Trace trace = { .line = trace_to_stderr };
  CourierParams params = { .attended = person,
                           .cancellable = true,
                           .trace = request->verbose ? &trace : NULL };
  g_autoptr (Courier) courier = courier_new (errand->account, &params);
  g_autoptr (GError) error = NULL;
  g_autoptr (Outcome) outcome
      = errand_run (errand, entry, courier, &error);

  if (outcome == NULL)
    return report_unsettled (request, entry, error);
  report_outcome (request, errand, entry, outcome);
  return report_exit_status (outcome);
}

/* ENTRY, which is queued and locked, goes the way that caller or account want. */
static int
deliver (const Request *request, Queue *queue, const Accounts *accounts,
         const Account *account, Entry *entry)
{
  Errand errand = { queue, &accounts->general, account, true };
  g_autoptr (Backoff) backoff = backoff_read (queue, account->name);
  Delivery mode = request->delivery == UNSET
                          ? account->delivery
                          : (Delivery) request->delivery;
  int connection;
  int status;

  if (mode == DELIVERY_INTERACTIVE && backoff->paused)
    {
      status = hold_paused (request, &errand, entry, backoff);
      entry_free (entry);
      return status;
    }
  connection = mode == DELIVERY_INTERACTIVE
                   ? backoff_connection (queue, account->name,
                                         account->max_connections)
                   : -1;
  if (connection < 0)
    return leave_it (request, queue, accounts, mode, entry);
  status = try_now (request, &errand, entry);
  /* The connection before the entry: its end is what a runner waits for. */
  close (connection);
  entry_free (entry);
  if (!queue_is_empty (queue))
    runner_launch (queue, &accounts->general, request->accounts_file);
  return status;
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

static int
hold (Queue *queue, Message *message, const Envelope *envelope,
      const GError *why)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Entry) entry
      = queue_enter (queue, message,
                     &(QueueRequest){ .envelope = envelope,
                                      .account = "",
                                      .hold_reason = why->message },
                     &error);

  if (entry == NULL)
    {
      (void) report_error (error);
      return report_error (why);
    }
  report_held (entry, why);
  return failure_exit_status (why);
}

/* The accounts are read first, for their log and limits alone; one that is wrong
   or missing holds the message, once it is read. */
static int
submit (Request *request, char **operands)
{
  g_autofree char *home = user_home ();
  g_autoptr (GError) error = NULL;
  g_autoptr (GError) why = NULL;
  g_autoptr (Accounts) accounts
      = accounts_load (request->accounts_file, home, &why);
  g_autoptr (Queue) queue = NULL;
  g_autoptr (Message) message = NULL;
  g_autoptr (Sender) sender = NULL;
  Entry *entry;

  if (accounts != NULL)
    log_open (accounts->general.log);
  queue = queue_open_own (home, &error);
  if (queue == NULL)
    return report_error (error);
  message = message_read (
      STDIN_FILENO,
      queue_spool (queue, accounts != NULL ? accounts->general.reserve : 0),
      !request->ignore_dots && isatty (STDIN_FILENO),
      accounts != NULL ? accounts->general.maximum_size : 0, &error);
  if (message == NULL)
    return report_error (error);
  sender = sender_resolve (&request->sender, accounts, message->header,
                           why == NULL ? &why : NULL, &error);
  /* Without an account nobody knows where a local recipient belongs yet. */
  if (sender == NULL
      || !gather_recipients (request, message, operands,
                             sender->account != NULL ? sender->domain : NULL,
                             &error)
      || !compose (message->header,
                   &(ComposeParams){ sender->from, sender->domain,
                                     g_get_real_time () / G_USEC_PER_SEC },
                   &error))
    return report_error (error);
  fill_envelope (request->envelope, sender);
  if (sender->account == NULL)
    return hold (queue, message, request->envelope, why);
  /* Once it is queued, who ends us is told the truth about it. */
  signals_defer ();
  entry = queue_enter (queue, message,
                       &(QueueRequest){ .envelope = request->envelope,
                                        .account = sender->account->name },
                       &error);
  if (entry == NULL)
    return report_error (error);
  if (sender->foreign)
    log_line (LOG_NOTICE, "id=%s account=%s from=<%s> text=\"no account "
              "claims this sender; the default one carries it\"",
              entry->id, sender->account->name, sender->reverse_path);
  return deliver (request, queue, accounts, sender->account, entry);
}

/* Everything that waits is asked for, and tried here, or by the runner that
   lives. */
static int
flush (const Request *request)
{
  Trace trace = { .line = trace_to_stderr };
  g_autofree char *home = user_home ();
  RunnerParams params = { .until = RUNNER_ONCE,
                          .accounts_file = request->accounts_file,
                          .home = home,
                          .trace = request->verbose ? &trace : NULL,
                          .person
                          = request->verbose || isatty (STDERR_FILENO) };
  g_autoptr (GError) error = NULL;
  g_autoptr (Queue) queue = queue_open_own (home, &error);
  g_autoptr (GPtrArray) ids
      = queue != NULL ? queue_list (queue, ROOM_QUEUE, &error) : NULL;
  int status;

  if (ids == NULL)
    return report_error (error);
  for (size_t i = 0; i < ids->len; i++)
    {
      g_autoptr (Entry) entry
          = queue_lock (queue, ROOM_QUEUE, ids->pdata[i], NULL, NULL);

      if (entry != NULL)
        (void) entry_record_retry (entry, NULL);
    }
  status = runner_run (queue, &params);
  /* That something still waits is no failure of who asked. */
  return status == EX_TEMPFAIL ? EX_OK : status;
}

int
sendmail_main (int argc, char **argv)
{
  g_autoptr (Envelope) envelope = envelope_new ();
  Request request = { .envelope = envelope, .delivery = UNSET };
  g_autoptr (GError) error = NULL;
  int first;

  if (!options_parse (options, argc, argv, &request, &first, &error))
    return report_error (error);
  if (request.help && argc == 2)
    {
      print_help ();
      return EX_OK;
    }
  if (request.list)
    return mailq_print ();
  if (request.flush && first == argc)
    return flush (&request);
  if (request.flush)
    g_set_error (&error, FAILURE, FAILURE_USAGE,
                 _ ("-q sends what waits, and takes no recipient"));
  if (error != NULL || !check_operands (&request, argv + first, &error))
    return report_error (error);
  return submit (&request, argv + first);
}
