#include "cli/setup.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include <glib/gi18n.h>

#include "account/keyring.h"
#include "base/failure.h"
#include "base/log.h"
#include "base/terminal.h"
#include "base/text.h"
#include "cli/ask.h"
#include "cli/link.h"
#include "cli/queue-change.h"
#include "cli/setup-after.h"
#include "cli/setup-draft.h"
#include "cli/setup-options.h"
#include "cli/setup-relay.h"
#include "cli/survey.h"
#include "queue/backoff.h"
#include "submit/discover.h"
#include "submit/report.h"

/* Milliseconds: the keyring may have to ask for a password of its own. */
#define KEYRING_PATIENCE (60 * 1000)

#define LOGINS_MAXIMUM 3 /* that are refused: more may lock the login */

/* What is done in the end. */
typedef struct
{
  Secret *secret; /* to be stored; NULL: it is where it has to be */
  bool test;
  bool service;
  bool link;
} Plan;

static void
plan_clear (Plan *plan)
{
  secret_free (plan->secret);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Plan, plan_clear)

/* Who logs in */

/* Of a provider that is known; elsewhere the address is what is most common.
 */
static char *
usual_user (const SetupDraft *draft)
{
  const char *at = strrchr (draft->address, '@');
  bool is_local = draft->provider != NULL
                  && draft->provider->user == PROVIDER_LOCAL_PART;

  return g_strndup (draft->address, is_local ? (size_t) (at - draft->address)
                                             : strlen (draft->address));
}

static bool
find_user (SetupDraft *draft, GError **error)
{
  g_autofree char *usual = usual_user (draft);
  g_autofree char *user = NULL;

  if (draft->values[SETUP_USER] != NULL)
    return true;
  if (draft->provider != NULL || !draft->asks)
    {
      setup_draft_set (draft, SETUP_USER, usual);
      return true;
    }
  user = ask_text (_ ("Login name"), usual, error);
  setup_draft_set (draft, SETUP_USER, user);
  return user != NULL;
}

/* Nothing: a password shall be tried after all. */
static bool
find_token (SetupDraft *draft, GError **error)
{
  return draft->provider == NULL || draft->provider->secret != PROVIDER_TOKEN
         || setup_draft_source (draft) != NULL || !draft->asks
         || setup_draft_ask (draft, SETUP_TOKEN_COMMAND,
                             _ ("Command that prints a token (nothing: try a "
                                "password)"),
                             error);
}

static void
set_no_keyring (const GError *why, GError **error)
{
  g_set_error (error, FAILURE, why->code,
               _ ("%s; or keep the password elsewhere, and say where by "
                  "--password-file, --password-command or "
                  "--password-credential"),
               why->message);
}

/* Another place than the keyring, such as a server has. Nothing: there is none, and
   that was it. */
static bool
ask_source (SetupDraft *draft, const GError *why, GError **error)
{
  setup_draft_set (draft, SETUP_PASSWORD_COMMAND, NULL);
  if (!setup_draft_ask (draft, SETUP_PASSWORD_FILE,
                        _ ("File whose first line is the password (nothing: "
                           "none)"),
                        error)
      || (draft->values[SETUP_PASSWORD_FILE] == NULL
          && !setup_draft_ask (draft, SETUP_PASSWORD_COMMAND,
                               _ ("Command that prints the password (nothing: "
                                  "none)"),
                               error)))
    return false;
  if (setup_draft_source (draft) != NULL)
    return setup_draft_make (draft, error);
  set_no_keyring (why, error);
  return false;
}

static Secret *
ask_password (const SetupDraft *draft, GError **error)
{
  g_autofree char *prompt =
      g_strdup_printf (_ ("Password of %s at %s: "), draft->values[SETUP_USER],
                       draft->values[SETUP_HOST]);

  for (;;)
    {
      Secret *secret = terminal_ask (prompt, deadline_in (G_MAXUINT), error);

      if (secret == NULL || secret_length (secret) > 0)
        return secret;
      secret_free (secret);
    }
}

/* Where nobody is there, it is the first line of standard input. */
static Secret *
read_password (GError **error)
{
  g_autoptr (Secret) secret =
      isatty (STDIN_FILENO) ? NULL : terminal_read_line (STDIN_FILENO, error);

  if (secret != NULL && secret_length (secret) > 0)
    return g_steal_pointer (&secret);
  if (error != NULL && *error == NULL)
    g_set_error_literal (error, FAILURE, FAILURE_USAGE,
                         _ ("there is no password: give it as the first line "
                            "of standard input, or say where it is by "
                            "--password-file, --password-command, "
                            "--password-credential or --token-command"));
  return NULL;
}

/* The first one to try. NULL without an error: it is where it has to be
 * already. */
static Secret *
find_secret (SetupDraft *draft, GError **error)
{
  g_autoptr (GError) why = NULL;
  bool there;

  if (setup_draft_source (draft) != NULL)
    return NULL;
  printf (_ ("Asking the keyring ...\n"));
  there = discover_password (draft->account, &why);
  if (why != NULL && draft->asks)
    {
      ask_tell_error (why->message);
      (void) ask_source (draft, why, error);
      return NULL;
    }
  if (why != NULL)
    {
      set_no_keyring (why, error);
      return NULL;
    }
  /* One that comes with the command is meant. */
  if (!draft->asks)
    return read_password (there ? NULL : error);
  if (!there)
    return ask_password (draft, error);
  text_print_line (stdout, _ ("The keyring has a password of %s at %s.\n"),
                   draft->values[SETUP_USER], draft->values[SETUP_HOST]);
  return NULL;
}

static void
print_login (const SetupDraft *draft)
{
  if (draft->account->relay.user != NULL)
    text_print_line (stdout, _ ("Logged in as %s.\n"),
                     draft->account->relay.user);
  else
    printf (_ ("Logged in.\n"));
}

static void
set_refused (const Findings *findings, GError **error)
{
  g_set_error (error, FAILURE, FAILURE_CREDENTIAL,
               _ ("%s; check login name and password, and whether the "
                  "provider wants a password that is made for this program "
                  "(an app password)"),
               findings->text);
}

static bool
ask_login (SetupDraft *draft, Secret **secret, GError **error)
{
  g_autofree char *user =
      ask_text (_ ("Login name"), draft->values[SETUP_USER], error);

  if (user == NULL)
    return false;
  setup_draft_set (draft, SETUP_USER, user);
  secret_free (*secret);
  *secret = NULL;
  if (!setup_draft_make (draft, error))
    return false;
  *secret = ask_password (draft, error);
  return *secret != NULL;
}

/* The relay takes the login, but not the address. */
static bool
confirm_sender (const SetupDraft *draft, const Findings *findings,
                GError **error)
{
  bool yes = false;

  if (!draft->asks)
    {
      findings_set_error (findings, error);
      return false;
    }
  ask_tell_error (findings->text);
  if (!ask_yes_or_no (_ ("Write the account all the same?"), false, &yes,
                      error))
    return false;
  if (!yes)
    findings_set_error (findings, error);
  return yes;
}

/* What a person can do about FINDINGS is asked for; false: nothing, or it is not to be
   done. */
static bool
mend_login (SetupDraft *draft, const Findings *findings, int refused,
            Secret **secret, GError **error)
{
  bool is_refusal = findings_are_refusal (findings);
  bool has_place = draft->values[SETUP_PASSWORD_FILE] != NULL
                   || draft->values[SETUP_PASSWORD_COMMAND] != NULL;
  g_autofree char *advice =
      draft->provider != NULL ? provider_advice (draft->provider) : NULL;
  g_autoptr (GError) why = NULL;

  if (is_refusal)
    set_refused (findings, &why);
  else
    findings_set_error (findings, &why);
  if (!draft->asks || refused == LOGINS_MAXIMUM
      || !(is_refusal ? setup_draft_source (draft) == NULL
                      : findings->part == PROBE_SECRET && has_place))
    {
      g_propagate_error (error, g_steal_pointer (&why));
      return false;
    }
  ask_tell_error (why->message);
  if (!is_refusal)
    return ask_source (draft, why, error);
  if (advice != NULL)
    ask_tell (advice);
  return ask_login (draft, secret, error);
}

static bool
log_in (SetupDraft *draft, Secret **secret, GError **error)
{
  for (int refused = 1;; refused++)
    {
      g_auto (Findings) findings = { .failed = false };

      printf (_ ("Logging in ...\n"));
      setup_probe (draft, true, *secret, &findings);
      if (findings.texts[PROBE_LOGIN] != NULL)
        print_login (draft);
      if (!findings.failed)
        return true;
      if (findings.part == PROBE_SENDER)
        return confirm_sender (draft, &findings, error);
      if (!mend_login (draft, &findings, refused, secret, error))
        return false;
    }
}

/* Connects and logs in, or does without where that is wanted. */
static bool
check_relay (SetupDraft *draft, Plan *plan, GError **error)
{
  g_autoptr (GError) why = NULL;

  if (!draft->options->unchecked && !setup_reach_relay (draft, error))
    return false;
  if (!find_token (draft, error) || !find_user (draft, error)
      || !setup_draft_make (draft, error))
    return false;
  plan->secret = find_secret (draft, &why);
  if (why != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&why));
      return false;
    }
  return draft->options->unchecked || log_in (draft, &plan->secret, error);
}

/* The last questions */

/* What CHOICE leaves open is asked for; without anybody to ask it is no. */
static bool
settle (const SetupDraft *draft, Choice choice, const char *question,
        bool *answer, GError **error)
{
  *answer = choice == CHOICE_YES;
  if (choice != CHOICE_OPEN || !draft->asks)
    return true;
  return ask_yes_or_no (question, true, answer, error);
}

static const char *
test_recipient (const SetupDraft *draft)
{
  const char *named = draft->options->test_to;

  return named != NULL ? named : draft->address;
}

static bool
ask_last (const SetupDraft *draft, Plan *plan, GError **error)
{
  const SetupOptions *options = draft->options;
  g_autofree char *test = g_strdup_printf (_ ("Send a test message to %s?"),
                                           test_recipient (draft));
  g_autofree char *link = g_strdup_printf (
      _ ("Make %s a link to Postrider, for cron and other programs?"),
      LINK_SENDMAIL);

  if (!settle (draft, options->test, test, &plan->test, error))
    return false;
  if ((options->link == CHOICE_YES || link_is_possible ())
      && !settle (draft, options->link, link, &plan->link, error))
    return false;
  if (options->service == CHOICE_YES)
    plan->service = true;
  else if (draft->asks && options->service == CHOICE_OPEN
           && setup_service_is_offered ())
    return settle (draft, options->service,
                   _ ("Have systemd send what waits?"),
                   &plan->service, error);
  return true;
}

/* Doing it */

static bool
write_account (SetupDraft *draft, const Plan *plan, GError **error)
{
  const Account *account = draft->account;

  if (!edit_is_changed (draft->edit) && plan->secret == NULL)
    {
      text_print_line (stdout, _ ("The account `%s' in %s stays as it is.\n"),
                       draft->name, edit_file (draft->edit));
      return true;
    }
  /* A password that is stored replaces another: first all that can fail. */
  if (!edit_prepare (draft->edit, error))
    return false;
  if (plan->secret != NULL)
    {
      if (!keyring_store (account, plan->secret,
                          deadline_in (KEYRING_PATIENCE), error))
        return false;
      text_print_line (stdout, _ ("The password of %s at %s is stored.\n"),
                       account->relay.user, account->relay.host);
    }
  if (!edit_commit (draft->edit, error))
    return false;
  text_print_line (stdout,
                   draft->replaces
                       ? _ ("The account `%s' in %s is changed.\n")
                       : _ ("The account `%s' is written to %s.\n"),
                   draft->name, edit_file (draft->edit));
  return true;
}

/* What comes between the password and the account is not left half done. */
static bool
write_undisturbed (SetupDraft *draft, const Plan *plan, GError **error)
{
  static const int held[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
  sigset_t signals, before;
  bool written;

  sigemptyset (&signals);
  for (size_t i = 0; i < G_N_ELEMENTS (held); i++)
    sigaddset (&signals, held[i]);
  pthread_sigmask (SIG_BLOCK, &signals, &before);
  written = write_account (draft, plan, error);
  pthread_sigmask (SIG_SETMASK, &before, NULL);
  return written;
}

/* What waited for a login that works lies there until somebody says so. */
static void
print_held (Queue *queue, const char *account)
{
  g_autoptr (GArray) places = survey_places (queue, NULL);
  g_autoptr (GPtrArray) held
      = places != NULL ? change_held_for (queue, places, account) : NULL;

  if (held != NULL && held->len > 0)
    change_print_held (account, held->len);
}

/* It works again, whatever was counted against it. */
static void
forgive (const SetupDraft *draft)
{
  g_autoptr (Queue) queue = queue_open_own (draft->home, NULL);

  if (queue == NULL)
    return;
  backoff_clear (queue, draft->name);
  print_held (queue, draft->name);
}

static int
send_test (const SetupDraft *draft)
{
  const char *to = test_recipient (draft);
  bool waits;
  int status = setup_send_test (draft->options->accounts_file, draft->name,
                                draft->address, to, &waits);

  if (waits)
    printf (_ ("The test message waits in the queue; `postrider queue' tells "
               "why.\n"));
  else if (status == EX_OK)
    text_print_line (stdout,
                     _ ("The relay has taken the test message for %s.\n"), to);
  else
    (void) fprintf (stderr, _ ("postrider: the test message was not sent\n"));
  return status;
}

static int
first_failure (int before, int status)
{
  return before != EX_OK ? before : status;
}

/* The account is there, whatever becomes of this; the first failure is told by
   the exit status. */
static int
do_rest (const SetupDraft *draft, const Plan *plan)
{
  g_autoptr (GError) link_error = NULL;
  g_autoptr (GError) service_error = NULL;
  int status = EX_OK;

  if (!draft->options->unchecked)
    forgive (draft);
  if (plan->link && !link_is_ours () && !link_make (&link_error))
    status = report_error (link_error);
  if (plan->service && !setup_enable_service (&service_error))
    status = first_failure (status, report_error (service_error));
  if (plan->test)
    status = first_failure (status, send_test (draft));
  setup_print_lines (draft->address);
  return status;
}

static bool
prepare (SetupDraft *draft, Plan *plan, const SetupOptions *options,
         GError **error)
{
  if (!setup_draft_begin (draft, options, error))
    return false;
  log_open (draft->before->general.log);
  return setup_find_relay (draft, error) && check_relay (draft, plan, error)
         && setup_draft_settle_default (draft, error)
         && ask_last (draft, plan, error);
}

static int
run (const SetupOptions *options)
{
  g_auto (SetupDraft) draft = { .asks = false };
  g_auto (Plan) plan = { .test = false };
  g_autoptr (GError) error = NULL;

  if (!prepare (&draft, &plan, options, &error)
      || !write_undisturbed (&draft, &plan, &error))
    return report_error (error);
  return do_rest (&draft, &plan);
}

int
setup_main (int argc, char **argv)
{
  g_auto (SetupOptions) options = { .batch = false };
  g_autoptr (GError) error = NULL;

  if (!setup_options_parse (&options, argc, argv, &error))
    return report_error (error);
  if (options.help)
    {
      setup_options_print_help ();
      return EX_OK;
    }
  /* What it does is told before it is done, through a pipe as well. */
  (void) setvbuf (stdout, NULL, _IOLBF, 0);
  return run (&options);
}
