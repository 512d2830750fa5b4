#include "cli/password.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include <glib/gi18n.h>

#include "account/account.h"
#include "account/credential.h"
#include "account/keyring.h"
#include "base/failure.h"
#include "base/log.h"
#include "base/terminal.h"
#include "base/text.h"
#include "base/user.h"
#include "cli/ask.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/queue-change.h"
#include "cli/survey.h"
#include "queue/backoff.h"
#include "submit/report.h"
#include "submit/runner.h"

/* Milliseconds: the keyring may have to ask for a password of its own. */
#define PATIENCE (60 * 1000)

typedef struct
{
  const char *accounts_file;
  bool release;
  bool help;
  bool (*action) (const Account *account, GError **error);
  const char *account;
} Request;

static const Option options[] = {
  { 'C', "accounts-file", ARGUMENT_REQUIRED, NULL, N_ ("FILE"),
    OPTION_KEEPS (Request, accounts_file),
    .help = N_ ("read this accounts file and no other") },
  { 0, "release", ARGUMENT_NONE, OPTION_SETS (Request, release),
    .help = N_ ("set: send what is held because of this account, unasked") },
  { 0, "help", ARGUMENT_NONE, OPTION_SETS (Request, help),
    .help = N_ ("show this help") },
  { 0 },
};

static Secret *
ask (const Account *account, GError **error)
{
  g_autofree char *prompt = g_strdup_printf (
      _ ("Password of %s at %s: "), account->relay.user, account->relay.host);

  return terminal_ask (prompt, deadline_in (G_MAXUINT), error);
}

static bool
set (const Account *account, GError **error)
{
  g_autoptr (Secret) password = isatty (STDIN_FILENO)
                                    ? ask (account, error)
                                    : terminal_read_line (STDIN_FILENO, error);

  if (password == NULL
      || !keyring_store (account, password, deadline_in (PATIENCE), error))
    return false;
  text_print_line (stdout, _ ("The password of %s at %s is stored.\n"),
                   account->relay.user, account->relay.host);
  return true;
}

static bool
forget (const Account *account, GError **error)
{
  bool found;

  if (!keyring_forget (account, &found, deadline_in (PATIENCE), error))
    return false;
  text_print_line (stdout,
                   found ? _ ("The password of %s at %s is removed.\n")
                         : _ ("There was no password of %s at %s.\n"),
                   account->relay.user, account->relay.host);
  return true;
}

static bool
wants_release (const Request *request, const char *account, unsigned count)
{
  g_autofree char *question = g_strdup_printf (
      ngettext ("%u message is held because of this account. Send it now?",
                "%u messages are held because of this account. Send them now?",
                count),
      count);
  bool yes = false;

  if (request->release
      || (isatty (STDIN_FILENO)
          && ask_yes_or_no (question, true, &yes, NULL) && yes))
    return true;
  change_print_held (account, count);
  return false;
}

/* With its password the account may work again. The password is stored whatever
   becomes of this. */
static bool
mend (const Request *request, const Accounts *accounts, const char *account,
      const char *home, GError **error)
{
  g_autoptr (Queue) queue = queue_open_own (home, error);
  g_autoptr (GArray) places
      = queue != NULL ? survey_places (queue, error) : NULL;
  g_autoptr (GPtrArray) held = NULL;
  ChangeParams params = { .queue = queue,
                          .accounts = accounts,
                          .accounts_file = request->accounts_file,
                          .all = true };

  if (places == NULL)
    return false;
  held = change_held_for (queue, places, account);
  backoff_clear (queue, account);
  if (held->len > 0 && wants_release (request, account, held->len))
    (void) change_release (&params, held);
  else if (!queue_is_empty (queue))
    runner_launch (queue, &accounts->general, request->accounts_file);
  return output_finish (error);
}

/* Stores in REQUEST which action NAME is. */
static bool
choose_action (Request *request, const char *name, GError **error)
{
  static const char *const known[] = { "set", "forget", NULL };

  if (strcmp (name, known[0]) == 0)
    request->action = set;
  else if (strcmp (name, known[1]) == 0)
    request->action = forget;
  else
    options_unknown_command ("postrider password", name, known, error);
  return request->action != NULL;
}

static void
set_not_in_keyring (const Account *account, GError **error)
{
  g_autofree char *advice = credential_advice (account);

  g_set_error (error, FAILURE, FAILURE_CONFIG,
               _ ("%s:%d: account `%s' takes its password from `%s', not from "
                  "the keyring: %s"),
               account->file, account->line, account->name,
               account->secret_source, advice);
}

static bool
run (const Request *request, GError **error)
{
  g_autofree char *home = user_home ();
  g_autoptr (Accounts) accounts
      = accounts_load (request->accounts_file, home, error);
  const Account *account;

  if (accounts == NULL)
    return false;
  log_open (accounts->general.log);
  account = accounts_choose (accounts, request->account, NULL, NULL, error);
  if (account == NULL)
    return false;
  if (account->relay.user == NULL)
    {
      g_set_error (error, FAILURE, FAILURE_CONFIG,
                   _ ("%s:%d: account `%s' has no `user' to log in with: "
                      "write `user = NAME'"),
                   account->file, account->line, account->name);
      return false;
    }
  if (account->secret_source != NULL)
    {
      set_not_in_keyring (account, error);
      return false;
    }
  return request->action (account, error)
         && (request->action != set
             || mend (request, accounts, account->name, home, error));
}

static void
print_help (void)
{
  g_autofree char *text = options_help (options);

  output_help (_ ("Usage: postrider password set [--release] ACCOUNT\n"
             "       postrider password forget ACCOUNT\n"
             "Stores the password of an account in the keyring, or removes it "
             "from there.\n"
             "It is asked for on the terminal; where standard input is no "
             "terminal, it is its first line.\n\n%s"),
          text);
}

static bool
parse (int argc, char **argv, Request *request, GError **error)
{
  g_autoptr (GPtrArray) operands = g_ptr_array_new ();

  /* One too many may be a password: nobody repeats it. */
  if (!options_parse_anywhere (options, argc, argv, request, operands,
                               SIZE_MAX, error))
    return false;
  if (request->help)
    return true;
  if (operands->len != 2)
    {
      g_set_error_literal (error, FAILURE, FAILURE_USAGE,
                           _ ("write `postrider password set ACCOUNT' or "
                              "`postrider password forget ACCOUNT'"));
      return false;
    }
  request->account = operands->pdata[1];
  if (!choose_action (request, operands->pdata[0], error))
    return false;
  if (!request->release || request->action == set)
    return true;
  g_set_error (error, FAILURE, FAILURE_USAGE,
               _ ("option --release is for `postrider password set' only"));
  return false;
}

int
password_main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  Request request = { 0 };

  if (!parse (argc, argv, &request, &error))
    return report_error (error);
  if (request.help)
    print_help ();
  else if (!run (&request, &error))
    return report_error (error);
  return EX_OK;
}
