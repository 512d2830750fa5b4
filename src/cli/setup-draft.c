#include "cli/setup-draft.h"

#include <string.h>
#include <unistd.h>

#include <glib/gi18n.h>

#include "account/settings.h"
#include "base/failure.h"
#include "base/user.h"
#include "cli/ask.h"
#include "mail/address.h"

void
setup_draft_clear (SetupDraft *draft)
{
  g_free (draft->home);
  g_clear_pointer (&draft->before, accounts_free);
  g_clear_pointer (&draft->edit, edit_free);
  g_free (draft->address);
  g_free (draft->domain);
  g_free (draft->name);
  for (size_t i = 0; i < N_SETUP_SETTINGS; i++)
    g_free (draft->values[i]);
  g_clear_pointer (&draft->providers, providers_free);
  g_clear_pointer (&draft->after, accounts_free);
}

void
setup_draft_set (SetupDraft *draft, SetupSetting setting, const char *value)
{
  char *copy = g_strdup (value);

  g_free (draft->values[setting]);
  draft->values[setting] = copy;
}

bool
setup_draft_ask (SetupDraft *draft, SetupSetting setting, const char *question,
                 GError **error)
{
  setup_draft_set (draft, setting, NULL);
  for (;;)
    {
      g_autoptr (GError) why = NULL;
      g_autofree char *text = ask_optional (question, error);
      g_autofree char *value = NULL;

      if (text == NULL || text[0] == '\0')
        return text != NULL;
      value = setup_setting_value (setting, text);
      if (account_may_set (setup_setting_names[setting], value, draft->home,
                           &why))
        {
          setup_draft_set (draft, setting, value);
          return true;
        }
      ask_tell_error (why->message);
    }
}

const char *
setup_draft_source (const SetupDraft *draft)
{
  for (int i = SETUP_FIRST_SOURCE; i < N_SETUP_SETTINGS; i++)
    if (draft->values[i] != NULL)
      return setup_setting_names[i];
  return NULL;
}

/* The address */

static bool
take_address (SetupDraft *draft, const char *text, GError **error)
{
  g_autoptr (Address) address = address_parse (text, error);

  if (address != NULL && address->domain == NULL)
    g_set_error (error, FAILURE, FAILURE_USAGE,
                 _ ("%s is no mail address: write me@example.org"), text);
  if (address == NULL || address->domain == NULL)
    return false;
  draft->domain = address_domain_ascii (address->domain, error);
  if (draft->domain == NULL)
    return false;
  draft->address = address_path (address);
  return true;
}

static bool
find_address (SetupDraft *draft, GError **error)
{
  if (draft->options->address != NULL)
    return take_address (draft, draft->options->address, error);
  if (!draft->asks)
    {
      g_set_error_literal (error, FAILURE, FAILURE_USAGE,
                           _ ("there is no address: write `postrider setup "
                              "ADDRESS'"));
      return false;
    }
  for (;;)
    {
      g_autoptr (GError) why = NULL;
      g_autofree char *text = ask_text (_ ("Your mail address"), NULL, error);

      if (text == NULL)
        return false;
      if (take_address (draft, text, &why))
        return true;
      ask_tell_error (why->message);
    }
}

/* The account's name */

/* Whose `from' has the address itself, and no pattern. NULL: none. */
static const Account *
find_owner (const SetupDraft *draft)
{
  for (size_t i = 0; i < draft->before->accounts->len; i++)
    {
      const Account *account = draft->before->accounts->pdata[i];

      for (size_t j = 0; j < account->from->len; j++)
        if (address_path_equal (account->from->pdata[j], draft->address))
          return account;
    }
  return NULL;
}

static const Account *
find_name (const SetupDraft *draft, const char *name)
{
  return accounts_choose (draft->before, name, NULL, NULL, NULL);
}

static bool
is_free (const SetupDraft *draft, const char *name)
{
  return strcmp (name, CONFIG_DEFAULTS) != 0
         && strcmp (name, CONFIG_GENERAL) != 0 && !edit_has (draft->edit, name)
         && find_name (draft, name) == NULL;
}

/* The provider's, or the first part of the domain: fit for a section, and
   nobody else's. */
static char *
propose_name (const SetupDraft *draft)
{
  const Provider *provider =
      providers_of_domain (draft->providers, draft->domain);
  g_autofree char *name =
      provider != NULL
          ? g_strdup (provider->key)
          : g_strndup (draft->domain, strcspn (draft->domain, "."));
  char *other;

  for (char *p = name; *p != '\0'; p++)
    if (!g_ascii_isalnum (*p) && strchr ("-._+", *p) == NULL)
      *p = '-';
  if (is_free (draft, name))
    return g_steal_pointer (&name);
  for (unsigned i = 2;; i++)
    {
      other = g_strdup_printf ("%s-%u", name, i);
      if (is_free (draft, other))
        return other;
      g_free (other);
    }
}

/* An account that is there is changed only by who says so. */
static bool
confirm_replacing (SetupDraft *draft, const Account *account, GError **error)
{
  g_autofree char *question = g_strdup_printf (
      _ ("%s:%d has the account `%s' for %s already. Change it?"),
      account->file, account->line, account->name,
      (const char *) account->from->pdata[0]);
  bool yes = draft->options->replace;

  if (strcmp (account->file, edit_file (draft->edit)) != 0)
    {
      g_set_error (
          error, FAILURE, FAILURE_CONFIG,
          _ ("%s:%d has the account `%s' already: change it there, or "
             "choose another name by --account"),
          account->file, account->line, account->name);
      return false;
    }
  if (!yes && !draft->asks)
    {
      g_set_error (error, FAILURE, FAILURE_USAGE,
                   _ ("%s:%d has the account `%s' already: to change it, say "
                      "--replace"),
                   account->file, account->line, account->name);
      return false;
    }
  if (!yes && !ask_yes_or_no (question, false, &yes, error))
    return false;
  if (!yes)
    {
      g_set_error (
          error, FAILURE, FAILURE_USAGE,
          _ ("nothing was changed: for a second account say --account "
             "NAME"));
      return false;
    }
  draft->replaces = true;
  return true;
}

static bool
choose_name (SetupDraft *draft, GError **error)
{
  const char *given = draft->options->name;
  const Account *taken =
      given != NULL ? find_name (draft, given) : find_owner (draft);

  if (taken != NULL)
    draft->name = g_strdup (taken->name);
  else
    draft->name = given != NULL ? g_strdup (given) : propose_name (draft);
  return taken == NULL || confirm_replacing (draft, taken, error);
}

/* Nobody is asked for what cannot be kept. */
static bool
check_place (const SetupDraft *draft, GError **error)
{
  g_autoptr (GError) why = NULL;

  if (edit_may_write (draft->edit, &why))
    return true;
  g_set_error (error, FAILURE, why->code,
               _ ("%s; let this user write there, or name another file with "
                  "--accounts-file"),
               why->message);
  return false;
}

bool
setup_draft_begin (SetupDraft *draft, const SetupOptions *options,
                   GError **error)
{
  draft->options = options;
  draft->asks = !options->batch && isatty (STDIN_FILENO);
  draft->home = user_home ();
  draft->providers = providers_open ();
  draft->edit = edit_open (options->accounts_file, draft->home, error);
  if (draft->edit == NULL || !check_place (draft, error))
    return false;
  /* A file that is named may have to be made. */
  draft->before = options->accounts_file != NULL
                      ? accounts_parse (
                          edit_file (draft->edit), edit_text (draft->edit),
                          strlen (edit_text (draft->edit)), draft->home, error)
                      : accounts_load (NULL, draft->home, error);
  if (draft->before == NULL)
    return false;
  for (size_t i = 0; i < N_SETUP_SETTINGS; i++)
    draft->values[i] = g_strdup (options->values[i]);
  return find_address (draft, error) && choose_name (draft, error);
}

/* Its settings */

void
setup_draft_keep (SetupDraft *draft)
{
  g_autofree char *host =
      edit_get (draft->edit, draft->name, setup_setting_names[SETUP_HOST]);
  bool has_source = setup_draft_source (draft) != NULL;
  /* One of the two settles the other. */
  bool keeps_port = draft->values[SETUP_PORT] == NULL
                    && draft->values[SETUP_TLS] == NULL;

  if (!draft->replaces || host == NULL
      || g_ascii_strcasecmp (host, draft->values[SETUP_HOST]) != 0)
    return;
  for (int i = keeps_port ? SETUP_PORT : SETUP_USER; i < N_SETUP_SETTINGS; i++)
    if ((i < SETUP_FIRST_SOURCE || !has_source) && draft->values[i] == NULL)
      draft->values[i] =
          edit_get (draft->edit, draft->name, setup_setting_names[i]);
}

/* The addresses that the account has, with this one. */
static char *
make_from (const SetupDraft *draft)
{
  g_autofree char *from = edit_get (draft->edit, draft->name, "from");
  const Account *old = find_name (draft, draft->name);

  if (from == NULL || old == NULL)
    return g_strdup (draft->address);
  for (size_t i = 0; i < old->from->len; i++)
    if (address_path_equal (old->from->pdata[i], draft->address))
      return g_steal_pointer (&from);
  return g_strdup_printf ("%s, %s", from, draft->address);
}

/* As it shall stand in the file; NULL: not at all. What is usual need not be
   said, and a place for the secret wants a login name before that is asked
   for. */
static const char *
value_to_write (const SetupDraft *draft, SetupSetting setting)
{
  const char *value = draft->values[setting];
  bool starttls = g_strcmp0 (draft->values[SETUP_TLS], "starttls") == 0;

  if (setting == SETUP_USER && value == NULL)
    return draft->address;
  return (setting == SETUP_TLS && !starttls)
                 || (setting == SETUP_PORT
                     && g_strcmp0 (value, starttls ? "587" : "465") == 0)
             ? NULL
             : value;
}

bool
setup_draft_make (SetupDraft *draft, GError **error)
{
  g_autofree char *from = make_from (draft);

  if (!edit_set (draft->edit, draft->name, "from", from, error))
    return false;
  for (int i = 0; i < N_SETUP_SETTINGS; i++)
    if (!edit_set (draft->edit, draft->name, setup_setting_names[i],
                   value_to_write (draft, (SetupSetting) i), error))
      return false;
  g_clear_pointer (&draft->after, accounts_free);
  draft->after =
      accounts_parse (edit_file (draft->edit), edit_text (draft->edit),
                      strlen (edit_text (draft->edit)), draft->home, error);
  if (draft->after == NULL)
    return false;
  draft->account =
      accounts_choose (draft->after, draft->name, NULL, NULL, error);
  return draft->account != NULL;
}

/* The default account */

/* The one that is the default without being marked, since it is alone in the
   file; and the one that is marked. NULL: none is. */
static const Account *
find_default (const SetupDraft *draft)
{
  const Account *account =
      accounts_choose (draft->before, NULL, NULL, NULL, NULL);

  return account != NULL
                 && strcmp (account->file, edit_file (draft->edit)) == 0
             ? account
             : NULL;
}

bool
setup_draft_settle_default (SetupDraft *draft, GError **error)
{
  const Account *old = find_default (draft);
  g_autofree char *question = NULL;
  bool yes = draft->options->is_default == CHOICE_YES;

  if (old == NULL ? draft->after->accounts->len == 1
                  : strcmp (old->name, draft->name) == 0)
    return true;
  if (!yes && draft->asks && (old == NULL || !old->is_default))
    {
      question =
          old != NULL
              ? g_strdup_printf (
                  _ ("Mail of senders that no account is for, such as "
                     "that of cron, goes through `%s'. Let it go "
                     "through `%s' from now on?"),
                  old->name, draft->name)
              : g_strdup_printf (
                  _ ("Shall mail of senders that no account is for, such "
                     "as that of cron, go through `%s'?"),
                  draft->name);
      if (!ask_yes_or_no (question, old == NULL, &yes, error))
        return false;
    }
  if (yes && old != NULL
      && !edit_set (draft->edit, old->name, "default", NULL, error))
    return false;
  /* Who was alone was the default without a mark, and would be no more. */
  if (yes || old != NULL)
    return edit_set (draft->edit, yes ? draft->name : old->name, "default",
                     "yes", error);
  return true;
}
