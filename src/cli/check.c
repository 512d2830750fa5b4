#include "cli/check.h"

#include <sysexits.h>
#include <unistd.h>

#include <glib/gi18n.h>

#include "account/account.h"
#include "base/log.h"
#include "base/user.h"
#include "cli/check-machine.h"
#include "cli/check-sheet.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/trace.h"
#include "queue/backoff.h"
#include "submit/probe.h"
#include "submit/report.h"

/* A relay that says nothing for so long may still take mail; a person does not wait
   for more. Milliseconds. */
#define PATIENCE (30 * 1000)

typedef struct
{
  const char *accounts_file;
  const char *account; /* NULL: all */
  bool json;
  bool verbose;
  bool help;
} Request;

static const Option options[] = {
  { 0, "json", ARGUMENT_NONE, OPTION_SETS (Request, json),
    .help = N_ ("one JSON object, for programs") },
  { 'v', NULL, ARGUMENT_NONE, OPTION_SETS (Request, verbose),
    .help = N_ ("show the conversation with the relay") },
  { 'C', "accounts-file", ARGUMENT_REQUIRED, NULL, N_ ("FILE"),
    OPTION_KEEPS (Request, accounts_file),
    .help = N_ ("read this accounts file and no other") },
  { 0, "help", ARGUMENT_NONE, OPTION_SETS (Request, help),
    .help = N_ ("show this help") },
  { 0 },
};

static void
print_help (void)
{
  g_autofree char *text = options_help (options);

  output_help (
      _ ("Usage: postrider check [OPTION]... [ACCOUNT]\n"
         "Tries whether mail would leave, by each account, or by the one that "
         "is named: as far as the relay's word about the sender. Then looks "
         "at what this machine has for it. Nothing is sent.\n\n%s"),
      text);
}

static bool
parse (int argc, char **argv, Request *request, GError **error)
{
  g_autoptr (GPtrArray) operands = g_ptr_array_new ();

  if (!options_parse_anywhere (options, argc, argv, request, operands, 1,
                               error))
    return false;
  if (operands->len > 0)
    request->account = operands->pdata[0];
  return true;
}

/* What is on record of the account; a person who asks is not kept by it. */
static void
add_account (Sheet *sheet, const Account *account, const Backoff *backoff)
{
  g_autofree char *since = output_time (backoff->last);
  g_autofree char *text
      = backoff->paused
            ? g_strdup_printf (_ ("paused since %s: %s; it is tried once all "
                                  "the same"),
                               since, backoff->reason)
        : backoff->failures > 0
            ? g_strdup_printf (_ ("put off since %s: %s; it is tried all the "
                                  "same"),
                               since, backoff->reason)
            : g_strdup_printf ("%s:%d", account->file, account->line);

  sheet_add (sheet, &(Row){ .part = "account",
                            .result = backoff->failures > 0 || backoff->paused
                                          ? PROBE_WARNING
                                          : PROBE_OK,
                            .milliseconds = -1,
                            .text = text });
}

/* What the callbacks of a probe work on. */
typedef struct
{
  const Account *account;
  Sheet *sheet;
} Way;

static void
on_step (void *data, const ProbeStep *step)
{
  sheet_add_step (((const Way *) data)->sheet, step);
}

/* What is done, as `postrider setup' tells it; what a command asks for it asks on the
   terminal itself. */
static char *
describe_part (const Account *account, ProbePart part)
{
  const Relay *relay = &account->relay;
  bool with_starttls = relay->tls == TLS_STARTTLS;
  g_autofree char *port = g_strdup_printf ("%u", relay->port);

  switch (part)
    {
    case PROBE_SECRET:
      return account->secret_source == NULL && relay->user != NULL
                 ? g_strdup (_ ("Asking the keyring ...\n"))
                 : NULL;
    case PROBE_LOGIN:
      return g_strdup (_ ("Logging in ...\n"));
    case PROBE_SENDER:
      return g_strdup (_ ("Asking the relay about the sender ...\n"));
    default:
      return g_strdup_printf (
          with_starttls ? _ ("Connecting to %s, port %s, with STARTTLS ...\n")
                        : _ ("Connecting to %s, port %s ...\n"),
          relay->host, port);
    }
}

static void
on_begin (void *data, ProbePart part)
{
  const Way *way = data;
  g_autofree char *text = describe_part (way->account, part);

  sheet_await (way->sheet, text != NULL ? g_strchomp (text) : NULL);
}

static void
check_account (const Request *request, const Accounts *accounts,
               const Account *account, Queue *queue, Sheet *sheet)
{
  Trace trace = { .line = trace_to_stderr };
  Way way = { account, sheet };
  ProbeParams params = { .queue = queue,
                         .general = &accounts->general,
                         .account = account,
                         .attended = isatty (STDERR_FILENO),
                         .patience = PATIENCE,
                         .trace = request->verbose ? &trace : NULL,
                         .begin = request->verbose ? NULL : on_begin,
                         .step = on_step,
                         .data = &way };
  g_autoptr (Backoff) before
      = queue != NULL ? backoff_read (queue, account->name)
                      : g_new0 (Backoff, 1);
  bool works;

  sheet_begin (sheet, account);
  add_account (sheet, account, before);
  works = probe_run (&params) == EX_OK;
  sheet_await (sheet, NULL);
  if (works && before->failures > 0)
    sheet_add (sheet, &(Row){ .part = "pause",
                              .milliseconds = -1,
                              .text = _ ("over: the account works again") });
  machine_check_held (queue, account, sheet);
  sheet_end (sheet);
}

static bool
check_accounts (const Request *request, const Accounts *accounts, Queue *queue,
                Sheet *sheet, GError **error)
{
  const Account *account;

  if (request->account == NULL || accounts->accounts->len == 0)
    {
      for (size_t i = 0; i < accounts->accounts->len; i++)
        check_account (request, accounts, accounts->accounts->pdata[i], queue,
                       sheet);
      return true;
    }
  account = accounts_choose (accounts, request->account, NULL, NULL, error);
  if (account == NULL)
    return false;
  check_account (request, accounts, account, queue, sheet);
  return true;
}

static bool
run (const Request *request, Sheet *sheet, GError **error)
{
  g_autofree char *home = user_home ();
  g_autoptr (GError) why = NULL;
  g_autoptr (GError) trouble = NULL;
  g_autoptr (Accounts) accounts
      = accounts_load (request->accounts_file, home, &why);
  g_autoptr (Queue) queue = queue_open_own (home, &trouble);

  if (accounts != NULL)
    {
      log_open (accounts->general.log);
      if (!check_accounts (request, accounts, queue, sheet, error))
        return false;
    }
  sheet_begin (sheet, NULL);
  machine_check_file (accounts, why, sheet);
  machine_check_queue (accounts, queue, trouble, sheet);
  machine_check (accounts, queue, sheet);
  sheet_end (sheet);
  return true;
}

int
check_main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  Request request = { 0 };
  g_autoptr (Sheet) sheet = NULL;

  if (!parse (argc, argv, &request, &error))
    return report_error (error);
  if (request.help)
    {
      print_help ();
      return EX_OK;
    }
  sheet = sheet_new (request.json);
  if (!run (&request, sheet, &error) || !sheet_finish (sheet, &error))
    return report_error (error);
  return sheet_exit_status (sheet);
}
