#include "cli/queue.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include <glib/gi18n.h>

#include "account/account.h"
#include "base/log.h"
#include "base/user.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/queue-change.h"
#include "cli/queue-list.h"
#include "cli/queue-show.h"
#include "cli/survey.h"
#include "queue/backoff.h"
#include "submit/report.h"

typedef struct Action Action;

typedef struct
{
  const Action *action;
  GPtrArray *ids; /* of char *, as they were written */
  const char *accounts_file;
  const char *account;
  bool all;
  bool json;
  bool message;
  bool help;

  Queue *queue;
  Accounts *accounts; /* NULL: they are wrong, for this reason */
  GError *accounts_error;
  GArray *places;    /* of Place: what there is */
  GPtrArray *chosen; /* of Place *: what is asked for */
  int status;
} Request;

struct Action
{
  const char *name;
  int (*run) (Request *request);
  bool (*chooses) (const Place *place); /* with --all, or what it does without
                                           identifiers */
  bool needs_choice; /* does nothing without identifiers, or an option */
  bool takes_all;
  bool takes_account;
  bool takes_json;
};

static const Option options[] = {
  { 0, "json", ARGUMENT_NONE, OPTION_SETS (Request, json),
    .help = N_ ("list, show: a JSON object on each line") },
  { 0, "message", ARGUMENT_NONE, OPTION_SETS (Request, message),
    .help = N_ ("show: the message alone") },
  { 0, "all", ARGUMENT_NONE, OPTION_SETS (Request, all),
    .help = N_ ("release, remove: all that there are") },
  { 0, "account", ARGUMENT_REQUIRED, NULL, N_ ("ACCOUNT"),
    OPTION_KEEPS (Request, account),
    .help = N_ ("release: what is held because of this account") },
  { 'C', "accounts-file", ARGUMENT_REQUIRED, NULL, N_ ("FILE"),
    OPTION_KEEPS (Request, accounts_file),
    .help = N_ ("read this accounts file and no other") },
  { 0, "help", ARGUMENT_NONE, OPTION_SETS (Request, help),
    .help = N_ ("show this help") },
  { 0 },
};

static bool
is_any (const Place *place)
{
  return true;
}

static bool
is_queued (const Place *place)
{
  return place->room == ROOM_QUEUE;
}

static bool
is_held (const Place *place)
{
  return place->room == ROOM_HELD;
}

static int
list (Request *request)
{
  (void) list_print (request->queue, request->accounts, request->chosen,
                     request->json ? LIST_JSON : LIST_TEXT);
  return EX_OK;
}

static int
show (Request *request)
{
  g_autoptr (Survey) survey = survey_new (request->queue, request->accounts);
  ShowForm form = request->json      ? SHOW_JSON
                  : request->message ? SHOW_MESSAGE
                                     : SHOW_ALL;
  int status = EX_OK;

  for (size_t i = 0; i < request->chosen->len; i++)
    {
      g_autoptr (GError) error = NULL;

      if (i > 0 && form == SHOW_ALL)
        (void) output_write ("\n", 1);
      if (!show_print (survey, request->chosen->pdata[i], form, &error))
        status = report_error (error);
    }
  return status;
}

/* What is done needs no accounts; only that somebody sends it does. */
static int
change (Request *request,
        int (*with) (const ChangeParams *params, const GPtrArray *places))
{
  const Accounts *accounts = request->accounts;
  ChangeParams params = { .queue = request->queue,
                          .accounts = accounts,
                          .accounts_file = request->accounts_file,
                          .all = request->ids->len == 0 };
  int status;

  if (accounts != NULL)
    log_open (accounts->general.log);
  status = with (&params, request->chosen);
  if (accounts != NULL || (with != change_retry && with != change_release))
    return status;
  return report_error (request->accounts_error);
}

static int
retry (Request *request)
{
  return change (request, change_retry);
}

static int
hold (Request *request)
{
  return change (request, change_hold);
}

static int
release (Request *request)
{
  /* It works again even where nothing is held because of it. */
  if (request->account != NULL)
    backoff_clear (request->queue, request->account);
  return change (request, change_release);
}

static int
remove_messages (Request *request)
{
  return change (request, change_remove);
}

static const Action actions[] = {
  { .name = "list", list, is_any, .takes_json = true },
  { .name = "show", show, NULL, .needs_choice = true, .takes_json = true },
  { .name = "retry", retry, is_queued },
  { .name = "hold", hold, NULL, .needs_choice = true },
  { .name = "release",
    release,
    is_held,
    .needs_choice = true,
    .takes_all = true,
    .takes_account = true },
  { .name = "remove",
    remove_messages,
    is_any,
    .needs_choice = true,
    .takes_all = true },
};

static void
print_help (void)
{
  g_autofree char *text = options_help (options);

  output_help (
      _ ("Usage: postrider queue [list] [--json] [ID]...\n"
         "       postrider queue show [--json | --message] ID...\n"
         "       postrider queue retry [ID]...\n"
         "       postrider queue hold ID...\n"
         "       postrider queue release ID... | --all | --account ACCOUNT\n"
         "       postrider queue remove ID... | --all\n"
         "Lists the messages that wait or are held, and decides about "
         "them.\n"
         "The beginning of an ID is enough where it is that of one message "
         "only.\n\n%s"),
      text);
}

static const Action *
find_action (const char *name, GError **error)
{
  const char *known[G_N_ELEMENTS (actions) + 1] = { NULL };

  for (size_t i = 0; i < G_N_ELEMENTS (actions); i++)
    {
      if (strcmp (actions[i].name, name) == 0)
        return &actions[i];
      known[i] = actions[i].name;
    }
  options_unknown_command ("postrider queue", name, known, error);
  return NULL;
}

/* Options that would mean something else than the action does. */
static bool
check_options (const Request *request, GError **error)
{
  const Action *action = request->action;
  bool shows = action->run == show;
  const struct
  {
    bool given;
    bool fits;
    const char *name;
  } used[] = {
    { request->json, action->takes_json, "json" },
    { request->message, shows && !request->json, "message" },
    { request->all,
      action->takes_all && request->account == NULL && request->ids->len == 0,
      "all" },
    { request->account != NULL,
      action->takes_account && request->ids->len == 0, "account" },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (used); i++)
    if (used[i].given && !used[i].fits)
      {
        g_set_error (error, FAILURE, FAILURE_USAGE,
                     _ ("option --%s does not fit here; see `postrider queue "
                        "--help'"),
                     used[i].name);
        return false;
      }
  if (!action->needs_choice || request->all || request->account != NULL
      || request->ids->len > 0)
    return true;
  g_set_error (error, FAILURE, FAILURE_USAGE,
               _ ("`postrider queue %s' needs to know which messages; see "
                  "`postrider queue --help'"),
               action->name);
  return false;
}

/* Or the beginning of one: no command is written with these alone. */
static bool
is_identifier (const char *text)
{
  return text[strspn (text, "0123456789ABCDEFabcdef")] == '\0';
}

/* Without a command it is the first. */
static bool
parse (int argc, char **argv, Request *request, GError **error)
{
  request->action = &actions[0];
  if (!options_parse_anywhere (options, argc, argv, request, request->ids,
                               SIZE_MAX, error))
    return false;
  if (request->help)
    return true;
  if (request->ids->len > 0 && !is_identifier (request->ids->pdata[0]))
    request->action =
        find_action (g_ptr_array_remove_index (request->ids, 0), error);
  return request->action != NULL && check_options (request, error);
}

/* What the identifiers name; each that names nothing is told. */
static void
choose_named (Request *request)
{
  for (size_t i = 0; i < request->ids->len; i++)
    {
      g_autoptr (GError) error = NULL;
      const Place *place =
          survey_find (request->places, request->ids->pdata[i], &error);

      if (place != NULL)
        g_ptr_array_add (request->chosen, (Place *) place);
      else
        request->status = report_error (error);
    }
}

static void
choose (Request *request)
{
  request->chosen = g_ptr_array_new ();
  if (request->ids->len > 0)
    choose_named (request);
  else if (request->account != NULL)
    {
      g_ptr_array_unref (request->chosen);
      request->chosen =
          change_held_for (request->queue, request->places, request->account);
    }
  else
    for (size_t i = 0; i < request->places->len; i++)
      {
        Place *place = &g_array_index (request->places, Place, i);

        if (request->action->chooses (place))
          g_ptr_array_add (request->chosen, place);
      }
}

/* An account that is gone may have left messages; a name that is mistyped has none. */
static bool
check_account (const Request *request, GError **error)
{
  return request->account == NULL || request->chosen->len > 0
         || request->accounts == NULL
         || accounts_choose (request->accounts, request->account, NULL, NULL,
                             error)
                != NULL;
}

static int
run (Request *request)
{
  g_autofree char *home = user_home ();
  g_autoptr (GError) error = NULL;
  int status = EX_OK;

  request->queue = queue_open_own (home, &error);
  if (request->queue != NULL)
    request->places = survey_places (request->queue, &error);
  if (request->places == NULL)
    return report_error (error);
  request->accounts = accounts_load (request->accounts_file, home,
                                     &request->accounts_error);
  choose (request);
  if (!check_account (request, &error))
    return report_error (error);
  if (request->chosen->len > 0 || request->ids->len == 0)
    status = request->action->run (request);
  if (request->chosen->len == 0 && request->ids->len == 0
      && request->action->run != list)
    printf (_ ("There is no such message.\n"));
  if (!output_finish (&error))
    return report_error (error);
  return request->status != EX_OK ? request->status : status;
}

int
queue_main (int argc, char **argv)
{
  g_autoptr (GPtrArray) ids = g_ptr_array_new ();
  Request request = { .ids = ids };
  g_autoptr (GError) error = NULL;
  int status;

  if (!parse (argc, argv, &request, &error))
    return report_error (error);
  if (request.help)
    {
      print_help ();
      return EX_OK;
    }
  status = run (&request);
  g_clear_pointer (&request.chosen, g_ptr_array_unref);
  g_clear_pointer (&request.places, g_array_unref);
  g_clear_pointer (&request.accounts, accounts_free);
  g_clear_error (&request.accounts_error);
  queue_free (request.queue);
  return status;
}
