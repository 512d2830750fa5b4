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
#include "cli/options.h"
#include "cli/trace.h"
#include "mail/compose.h"
#include "queue/queue.h"
#include "submit/attempt.h"
#include "submit/report.h"
#include "submit/sender.h"

typedef struct
{
  SenderRequest sender;
  const char *accounts_file;
  bool header_recipients;
  bool ignore_dots;
  bool verbose;
  bool help;
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
  if (strcmp (argument, "m") == 0)
    return true;
  g_set_error (error, FAILURE, FAILURE_USAGE,
               _ ("mode -b%s is not supported; only -bm is, to send a message"),
               argument);
  return false;
}

/* Of sendmail's old options -oX only -oi says something to us. */
static bool
take_o (void *target, const char *argument, GError **error)
{
  if (strcmp (argument, "i") == 0 || strcmp (argument, "itrue") == 0)
    ((Request *) target)->ignore_dots = true;
  return true;
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
  { 'b', NULL, ARGUMENT_REQUIRED, take_b, N_ ("m"),
    N_ ("send a message; what is done anyway") },
  { 'o', NULL, ARGUMENT_REQUIRED, take_o, N_ ("OPTION"),
    N_ ("-oi is -i; others are accepted and ignored") },
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

/* Once the message is in the queue: one try, with the entry's lock held. */
static int
try_now (const Request *request, Queue *queue, Entry *entry,
         const Sender *sender)
{
  bool person = isatty (STDERR_FILENO);
  Trace trace = { .line = trace_to_stderr };
  g_autoptr (GError) error = NULL;
  g_autoptr (Outcome) outcome
      = attempt_run (queue, entry, sender->account, person,
                     request->verbose ? &trace : NULL, &error);
  int status;

  if (outcome == NULL)
    {
      /* The entry is durable whatever could not be written behind it. */
      log_line (LOG_ERR, "id=%s fate=queued text=\"%s\"", entry->id,
                error->message);
      if (person || request->verbose)
        (void) report_error (error);
      return EX_OK;
    }
  status = report_exit_status (outcome);
  report_log (entry, sender->account, outcome);
  if (status != EX_OK || person || request->verbose)
    report_person (entry, sender->account, outcome);
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
      = queue_enter (queue, message, envelope, "", why->message, &error);

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
  g_autoptr (Entry) entry = NULL;

  if (accounts != NULL)
    log_open (accounts->general.log);
  queue = queue_open_own (home, &error);
  if (queue == NULL)
    return report_error (error);
  message = message_read (
      STDIN_FILENO, queue_spool (queue),
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
  entry = queue_enter (queue, message, request->envelope,
                       sender->account->name, NULL, &error);
  if (entry == NULL)
    return report_error (error);
  if (sender->foreign)
    log_line (LOG_NOTICE, "id=%s account=%s from=<%s> text=\"no account "
              "claims this sender; the default one carries it\"",
              entry->id, sender->account->name, sender->reverse_path);
  return try_now (request, queue, entry, sender);
}

int
sendmail_main (int argc, char **argv)
{
  g_autoptr (Envelope) envelope = envelope_new ();
  Request request = { .envelope = envelope };
  g_autoptr (GError) error = NULL;
  int first;

  if (!options_parse (options, argc, argv, &request, &first, &error))
    return report_error (error);
  if (request.help && argc == 2)
    {
      print_help ();
      return EX_OK;
    }
  if (!check_operands (&request, argv + first, &error))
    return report_error (error);
  return submit (&request, argv + first);
}
