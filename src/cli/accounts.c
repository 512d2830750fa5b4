#include "cli/accounts.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include <glib/gi18n.h>

#include "account/account.h"
#include "account/config.h"
#include "account/settings.h"
#include "base/failure.h"
#include "base/text.h"
#include "base/user.h"
#include "cli/json.h"
#include "cli/options.h"
#include "cli/output.h"
#include "mail/header.h"
#include "smtp/sasl.h"
#include "submit/report.h"
#include "submit/sender.h"

#define PLACE_COLUMN 44 /* where the file and line of a setting stand */

typedef struct
{
  const char *accounts_file;
  const char *which;
  bool json;
  bool all;
  bool help;
  GPtrArray *names; /* of const char *: these accounts; none: all */

  char *home; /* nullable */
  Accounts *accounts;
  GPtrArray *configs; /* of Config, the user's file before the system's */
  GString *out;
} Request;

static const Option options[] = {
  { 'C', "accounts-file", ARGUMENT_REQUIRED, NULL, N_ ("FILE"),
    OPTION_KEEPS (Request, accounts_file),
    .help = N_ ("read this accounts file and no other") },
  { 0, "which", ARGUMENT_REQUIRED, NULL, N_ ("ADDRESS"),
    OPTION_KEEPS (Request, which),
    .help = N_ ("tell which account mail from this sender takes, and why") },
  { 0, "all", ARGUMENT_NONE, OPTION_SETS (Request, all),
    .help = N_ ("show settings that no file sets as well") },
  { 0, "json", ARGUMENT_NONE, OPTION_SETS (Request, json),
    .help = N_ ("print JSON, for programs") },
  { 0, "help", ARGUMENT_NONE, OPTION_SETS (Request, help),
    .help = N_ ("show this help") },
  { 0 },
};

/* The files */

static bool
add_config (Request *request, const char *file)
{
  bool absent = false;
  g_autoptr (GError) error = NULL;
  Config *config = file != NULL ? config_read (file, &absent, &error) : NULL;

  if (config != NULL)
    g_ptr_array_add (request->configs, config);
  return config != NULL;
}

/* Those that accounts_load has read. */
static void
read_configs (Request *request)
{
  g_autofree char *own = accounts_user_file (request->home);

  request->configs =
      g_ptr_array_new_with_free_func ((GDestroyNotify) config_free);
  if (request->accounts_file != NULL)
    (void) add_config (request, request->accounts_file);
  else
    {
      (void) add_config (request, own);
      (void) add_config (request, ACCOUNTS_SYSTEM_FILE);
    }
}

static const Config *
find_config (const Request *request, const char *file)
{
  for (size_t i = 0; i < request->configs->len; i++)
    {
      const Config *config = g_ptr_array_index (request->configs, i);

      if (strcmp (config->file, file) == 0)
        return config;
    }
  return NULL;
}

/* A setting as it counts. */
typedef struct
{
  const char *name;
  char *value;
  const char *file; /* NULL: no file says so */
  int line;
} Effective;

static const ConfigEntry *
find_entry (const Config *config, const char *section, const char *name)
{
  const ConfigSection *found =
      config != NULL ? config_find_section (config, section) : NULL;

  return found != NULL ? config_find (found, name) : NULL;
}

/* What counts where no file says anything; NULL: nothing. */
static char *
initial_value (const Account *account, const Setting *setting)
{
  if (account != NULL && strcmp (setting->name, "port") == 0)
    return g_strdup_printf ("%u", account->relay.port);
  return g_strdup (setting->initial);
}

/* False: SETTING has no value. ACCOUNT NULL: of [postrider]. */
static bool
find_effective (const Request *request, const Account *account,
                const Setting *setting, Effective *effective)
{
  const ConfigEntry *entry = NULL;
  const Config *config = NULL;

  if (account != NULL)
    {
      config = find_config (request, account->file);
      entry = find_entry (config, account->name, setting->name);
      if (entry == NULL && account_inherits (account, setting->name))
        entry = find_entry (config, CONFIG_DEFAULTS, setting->name);
    }
  for (size_t i = 0;
       account == NULL && entry == NULL && i < request->configs->len; i++)
    {
      config = g_ptr_array_index (request->configs, i);
      entry = find_entry (config, CONFIG_GENERAL, setting->name);
    }
  if (entry != NULL && entry->value != NULL)
    *effective = (Effective){ setting->name, g_strdup (entry->value),
                              config->file, entry->line };
  else
    *effective = (Effective){ setting->name, initial_value (account, setting),
                              NULL, 0 };
  return effective->value != NULL;
}

/* Output */

static bool
is_shown (const Request *request, const Effective *effective)
{
  return request->all || effective->file != NULL
         || strcmp (effective->name, "port") == 0
         || strcmp (effective->name, "tls") == 0;
}

static void
append_setting (GString *out, const Effective *effective)
{
  g_autofree char *line =
      g_strdup_printf ("%s = %s", effective->name, effective->value);

  output_append_padded (out, line, PLACE_COLUMN, false);
  if (effective->file != NULL)
    {
      g_string_append (out, "  # ");
      output_append_text (out, effective->file);
      g_string_append_printf (out, ":%d\n", effective->line);
    }
  else
    g_string_append_printf (out, "  # %s\n", _ ("unless set"));
}

static void
append_json_setting (GString *out, const Effective *effective)
{
  json_open (out, NULL, '{');
  json_string (out, "name", effective->name);
  json_string (out, "value", effective->value);
  if (effective->file != NULL)
    {
      json_string (out, "file", effective->file);
      json_integer (out, "line", effective->line);
    }
  json_close (out, '}');
}

/* ACCOUNT NULL: [postrider]. */
static void
append_settings (const Request *request, const Account *account)
{
  SettingScope scope =
      account != NULL ? SETTING_OF_ACCOUNT : SETTING_OF_GENERAL;

  for (size_t i = 0; i < settings_count; i++)
    {
      Effective effective;

      if (settings[i].scope != scope
          || !find_effective (request, account, &settings[i], &effective))
        continue;
      if (request->json)
        append_json_setting (request->out, &effective);
      else if (is_shown (request, &effective))
        append_setting (request->out, &effective);
      g_free (effective.value);
    }
}

/* Where the secret is: a word of the JSON. */
static const char *
secret_place (const Account *account)
{
  if (account->relay.user == NULL || !sasl_wants_secret (account->relay.auth))
    return "none";
  return account->secret_source != NULL ? account->secret_source : "keyring";
}

static void
append_account (const Request *request, const Account *account)
{
  if (request->json)
    {
      json_open (request->out, NULL, '{');
      json_string (request->out, "name", account->name);
      json_string (request->out, "file", account->file);
      json_integer (request->out, "line", account->line);
      json_string (request->out, "secret", secret_place (account));
      json_open (request->out, "settings", '[');
    }
  else
    g_string_append_printf (request->out, "%s[%s]\n",
                            request->out->len > 0 ? "\n" : "", account->name);
  append_settings (request, account);
  if (request->json)
    {
      json_close (request->out, ']');
      json_close (request->out, '}');
    }
  else if (strcmp (secret_place (account), "keyring") == 0)
    g_string_append_printf (request->out, "# %s\n",
                            _ ("the password comes from the keyring"));
}

/* [postrider], where there is anything to say of it. */
static void
append_general (const Request *request)
{
  GString *out = request->out;
  size_t start = out->len;
  g_autofree char *head =
      g_strdup_printf ("%s[%s]\n", start > 0 ? "\n" : "", CONFIG_GENERAL);

  if (request->json)
    json_open (out, "general", '[');
  append_settings (request, NULL);
  if (request->json)
    json_close (out, ']');
  else if (out->len > start)
    g_string_insert (out, (gssize) start, head);
}

static bool
list_named (const Request *request, GError **error)
{
  for (size_t i = 0; i < request->names->len; i++)
    {
      const Account *account = accounts_choose (
          request->accounts, request->names->pdata[i], NULL, NULL, error);

      if (account == NULL)
        return false;
      append_account (request, account);
    }
  return true;
}

static bool
list (const Request *request, GError **error)
{
  const GPtrArray *all = request->accounts->accounts;

  if (request->json)
    {
      json_open (request->out, NULL, '{');
      json_open (request->out, "accounts", '[');
    }
  if (!list_named (request, error))
    return false;
  for (size_t i = 0; request->names->len == 0 && i < all->len; i++)
    append_account (request, g_ptr_array_index (all, i));
  if (request->json)
    json_close (request->out, ']');
  if (request->names->len == 0)
    append_general (request);
  if (request->json)
    {
      json_close (request->out, '}');
      g_string_append_c (request->out, '\n');
    }
  else if (request->out->len == 0)
    text_print_line (stdout,
                     _ ("There is no account: run `postrider setup', or "
                        "write one to %s.\n"),
                     request->accounts->file);
  return true;
}

/* Which */

/* The path of what was asked for; NULL: it is no address. */
static char *
path_of (const char *text)
{
  g_autoptr (Address) address = address_parse (text, NULL);

  return address != NULL && address->domain != NULL ? address_path (address)
                                                    : NULL;
}

/* One sentence. The caller owns it. */
static char *
reason (const Request *request, const Sender *sender)
{
  const Account *account = sender->account;
  g_autofree char *path = path_of (request->which);
  const char *from = path != NULL ? account_claims (account, path) : NULL;

  if (from != NULL)
    return g_strdup_printf (_ ("its `from' has %s"), from);
  if (account->is_default)
    return g_strdup (_ ("no `from' names this sender, and it is the default"));
  return g_strdup (
      _ ("no `from' names this sender, and it is the only account "
         "of its file"));
}

static void
tell_which (const Request *request, const Sender *sender)
{
  const Account *account = sender->account;
  g_autofree char *why = reason (request, sender);
  GString *out = request->out;

  if (request->json)
    {
      json_open (out, NULL, '{');
      json_string (out, "account", account->name);
      json_string (out, "file", account->file);
      json_integer (out, "line", account->line);
      json_boolean (out, "claimed", sender->claimed);
      json_string (out, "sender", sender->reverse_path);
      json_string (out, "host", account->relay.host);
      json_close (out, '}');
      g_string_append_c (out, '\n');
      return;
    }
  text_print_line (stdout, _ ("%s:%d: account `%s' takes it: %s.\n"),
                   account->file, account->line, account->name, why);
  if (sender->reverse_path[0] != '\0'
      && strcmp (sender->reverse_path, request->which) != 0)
    text_print_line (stdout,
                     _ ("The relay %s is told that the sender is %s.\n"),
                     account->relay.host, sender->reverse_path);
}

static bool
which (const Request *request, GError **error)
{
  g_autoptr (Header) header = header_new ();
  SenderRequest asked = { .reverse_path = request->which };
  GError *why = NULL;
  g_autoptr (Sender) sender =
      sender_resolve (&asked, request->accounts, header, &why, error);

  if (sender != NULL && sender->account != NULL)
    tell_which (request, sender);
  if (why != NULL && error != NULL && *error == NULL)
    g_propagate_error (error, g_steal_pointer (&why));
  g_clear_error (&why);
  return sender != NULL && sender->account != NULL;
}

/* Command line */

static void
print_help (void)
{
  g_autofree char *text = options_help (options);

  output_help (_ ("Usage: postrider accounts [OPTION]... [ACCOUNT]...\n"
                  "Shows what counts for each account, and the file and line "
                  "where it stands.\n\n%s"),
               text);
}

static bool
parse (int argc, char **argv, Request *request, GError **error)
{
  if (!options_parse_anywhere (options, argc, argv, request, request->names,
                               SIZE_MAX, error))
    return false;
  if (request->which == NULL || request->names->len == 0)
    return true;
  g_set_error_literal (error, FAILURE, FAILURE_USAGE,
                       _ ("option --which takes one address, and no account "
                          "beside it"));
  return false;
}

static bool
run (Request *request, GError **error)
{
  request->home = user_home ();
  request->accounts =
      accounts_load (request->accounts_file, request->home, error);
  if (request->accounts == NULL)
    return false;
  read_configs (request);
  if (!(request->which != NULL ? which (request, error)
                               : list (request, error)))
    return false;
  (void) output_write_string (request->out);
  return output_finish (error);
}

int
accounts_main (int argc, char **argv)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new ();
  g_autoptr (GString) out = g_string_new (NULL);
  Request request = { .names = names, .out = out };
  g_autoptr (GError) error = NULL;
  bool done = false;

  if (parse (argc, argv, &request, &error))
    {
      done = true;
      if (request.help)
        print_help ();
      else
        done = run (&request, &error);
    }
  g_clear_pointer (&request.configs, g_ptr_array_unref);
  g_clear_pointer (&request.accounts, accounts_free);
  g_free (request.home);
  return done ? EX_OK : report_error (error);
}
