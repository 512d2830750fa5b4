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
#include "queue/queue.h"
#include "submit/report.h"
#include "submit/runner.h"
#include "submit/signals.h"
#include "submit/submission.h"

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
  int delivery;      /* -odX */
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
            g_set_error (error, FAILURE, FAILURE_DATA,
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

/* The accounts are read first, for their log and limits alone; one that is wrong
   or missing holds the message, once it is read. */
static int
submit (const Request *request, char **operands)
{
  Trace trace = { .line = trace_to_stderr };
  Submission submission = { request->sender, request->envelope, operands,
                            request->header_recipients };
  g_autoptr (GError) error = NULL;
  g_autoptr (Submitter) submitter
      = submitter_new (request->accounts_file, &error);
  g_autoptr (Message) message = NULL;
  Verdict verdict;

  if (submitter == NULL)
    return report_error (error);
  submitter->delivery = request->delivery;
  submitter->trace = request->verbose ? &trace : NULL;
  signals_abandon ();
  message = message_read (STDIN_FILENO, submitter_spool (submitter),
                          !request->ignore_dots && isatty (STDIN_FILENO),
                          submitter_maximum (submitter), &error);
  if (message == NULL)
    return report_error (error);
  verdict = submission_run (submitter, &submission, message);
  verdict_clear (&verdict);
  return verdict.exit_status;
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
  Request request = { .envelope = envelope, .delivery = DELIVERY_OF_ACCOUNT };
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
