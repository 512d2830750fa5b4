#include "account/account.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include <glib/gi18n.h>

#include "account/config.h"
#include "account/settings.h"
#include "base/failure.h"
#include "base/suggest.h"
#include "base/text.h"
#include "base/user.h"
#include "smtp/sasl.h"

static Account *
account_new (const char *name, const char *file, int line)
{
  Account *account = g_new0 (Account, 1);

  account->name = g_strdup (name);
  account->file = g_strdup (file);
  account->line = line;
  account->from = g_ptr_array_new_with_free_func (g_free);
  account->dsn_notify = g_strdup ("");
  account->dsn_return = g_strdup ("");
  relay_init (&account->relay);
  settings_apply_initial (SETTING_OF_ACCOUNT, account);
  return account;
}

static void
account_free (void *data)
{
  Account *account = data;

  g_free (account->name);
  g_free (account->file);
  g_ptr_array_unref (account->from);
  g_free (account->dsn_notify);
  g_free (account->dsn_return);
  g_strfreev (account->password_command);
  g_free (account->password_credential);
  g_free (account->password_file);
  g_strfreev (account->token_command);
  relay_clear (&account->relay);
  g_free (account);
}

void
accounts_free (Accounts *accounts)
{
  g_ptr_array_unref (accounts->accounts);
  g_free (accounts->general.log);
  g_free (accounts->general.aliases);
  g_strfreev (accounts->general.local_mail_to);
  g_free (accounts->file);
  g_free (accounts->digest);
  g_free (accounts);
}

static bool
is_glob (const char *from)
{
  return strpbrk (from, "*?") != NULL;
}

const char *
account_address (const Account *account)
{
  for (size_t i = 0; i < account->from->len; i++)
    {
      const char *from = g_ptr_array_index (account->from, i);

      if (!is_glob (from))
        return from;
    }
  return NULL;
}

/* One section of an account, and what stands below it in [defaults]. */
typedef struct
{
  Config *config;
  const ConfigSection *section;
  const ConfigSection *defaults; /* nullable */
  const char *home;              /* nullable */
} Source;

/* Whether the file sets NAME for the account, if only to something wrong. */
static bool
says (const Source *source, const char *name)
{
  return config_find (source->section, name) != NULL
         || (source->defaults != NULL
             && config_find (source->defaults, name) != NULL);
}

/* An error of the account, whose name is the first argument of the format. */
#define complain(source, format, ...)                                         \
  config_problem ((source)->config, (source)->section->line,                  \
                  (source)->section->column, format, (source)->section->name, \
                  ##__VA_ARGS__)

static void
check_required (const Source *source)
{
  static const char *const special[]
      = { CONFIG_DEFAULTS, CONFIG_GENERAL, NULL };
  const char *meant = suggest (source->section->name, special);
  bool host = says (source, "host");
  bool from = says (source, "from");

  if (!host && !from && meant != NULL)
    complain (source,
              _ ("section [%s] is an account without `from' and `host': did "
                 "you mean [%s]?"),
              meant);
  else if (!host && !from)
    complain (source, _ ("account `%s' needs `from' and `host': write `from = "
                         "me@example.org' and `host = smtp.example.org'"));
  else if (!host)
    complain (source, _ ("account `%s' has no `host': write `host = "
                         "smtp.example.org'"));
  else if (!from)
    complain (source,
              _ ("account `%s' has no `from': write `from = me@example.org'"));
}

/* Where the secret may be instead of in the keyring. */
static const char *const secret_sources[]
    = { "password-command", "password-credential", "password-file",
        TOKEN_COMMAND };

/* The one of SECTION (nullable); NULL: none. */
static const char *
find_secret_source (const ConfigSection *section)
{
  for (size_t i = 0; section != NULL && i < G_N_ELEMENTS (secret_sources); i++)
    if (config_find (section, secret_sources[i]) != NULL)
      return secret_sources[i];
  return NULL;
}

/* One source at most: none is ever asked because another one failed. */
static void
check_secret_source (Config *config, const ConfigSection *section)
{
  const ConfigEntry *first = NULL;

  for (size_t i = 0; i < G_N_ELEMENTS (secret_sources); i++)
    {
      const ConfigEntry *next = config_find (section, secret_sources[i]);
      const ConfigEntry *other = first;

      if (next == NULL)
        continue;
      if (first == NULL || next->line < first->line)
        first = next;
      if (other != NULL)
        config_problem (config, MAX (next->line, other->line),
                        next->line > other->line ? next->column
                                                 : other->column,
                        _ ("`%s' and `%s' both say where the secret is: "
                           "leave one of them"),
                        next->line > other->line ? other->name : next->name,
                        next->line > other->line ? next->name : other->name);
    }
}

/* The mechanisms of passwords would tell a token to relays that take no tokens. */
static void
check_token (const Source *source, const Account *account)
{
  const char *auth = account->relay.auth;

  if (g_strcmp0 (account->secret_source, TOKEN_COMMAND) == 0 && auth != NULL
      && strcmp (auth, "any") != 0 && !sasl_wants_token (auth))
    complain (source, _ ("account `%s' has `token-command', so `auth' can be "
                         "oauthbearer, xoauth2, or any"));
}

/* Settings that make sense only together. */
static void
check_login (const Source *source, const Relay *relay)
{
  bool certificate = says (source, "certificate");
  bool external = g_strcmp0 (relay->auth, "EXTERNAL") == 0;

  if (certificate != says (source, "key"))
    complain (source, _ ("account `%s' needs both `certificate' and `key' "
                         "(they may name the same file), or neither"));
  else if (external && !certificate)
    complain (source, _ ("account `%s' has `auth = external' and needs "
                         "`certificate' and `key' for it"));
  if (sasl_wants_secret (relay->auth) && relay->auth != NULL
      && !says (source, "user"))
    complain (source, _ ("account `%s' has `auth' and needs `user' for it: "
                         "write `user = NAME'"));
  else if (sasl_wants_secret (relay->auth) && !says (source, "user")
           && find_secret_source (source->section) != NULL)
    complain (source, _ ("account `%s' has `%s' and needs `user' for it: write "
                         "`user = NAME'"),
              find_secret_source (source->section));
}

static void
check_trust (const Source *source, const Relay *relay)
{
  if (relay_trusts_pins_alone (relay) && !says (source, "pin"))
    complain (source,
              _ ("account `%s' has `trust-file = none' and needs `pin' for "
                 "it: without both, any relay would be trusted"));
}

/* Two settings that do not go together. */
static const char *const exclusive[][2] = {
  { "proxy", "socket" },          { "proxy", "tunnel" },
  { "socket", "tunnel" },         { "source-address", "socket" },
  { "source-address", "tunnel" },
};

static bool
has_way (const ConfigSection *section)
{
  return config_find (section, "proxy") != NULL
         || config_find (section, "socket") != NULL
         || config_find (section, "tunnel") != NULL;
}

/* Of what SECTION says, also against DEFAULTS (nullable), whose way counts where
   it has none of its own. */
static void
check_ways (Config *config, const ConfigSection *section,
            const ConfigSection *defaults)
{
  bool inherits = defaults != NULL && !has_way (section);

  for (size_t i = 0; i < G_N_ELEMENTS (exclusive); i++)
    {
      const ConfigEntry *one = config_find (section, exclusive[i][0]);
      const ConfigEntry *other = config_find (
          inherits ? defaults : section, exclusive[i][1]);

      if (one == NULL || other == NULL)
        continue;
      if (!inherits && other->line > one->line)
        one = other;
      config_problem (config, one->line, one->column,
                      _ ("`%s' and `%s' exclude each other: leave one of them "
                         "out"),
                      exclusive[i][0], exclusive[i][1]);
    }
}

/* A way that SECTION has of its own takes the place of that of [defaults]. */
static void
drop_other_ways (const ConfigSection *section, Relay *relay)
{
  if (!has_way (section))
    return;
  g_clear_pointer (&relay->proxy.host, g_free);
  g_clear_pointer (&relay->socket, g_free);
  g_clear_pointer (&relay->tunnel, g_strfreev);
  if (config_find (section, "proxy") == NULL)
    g_clear_pointer (&relay->source_address, g_free);
}

bool
account_inherits (const Account *account, const char *name)
{
  const Relay *relay = &account->relay;
  const struct
  {
    const char *name;
    bool counts;
  } ways[] = {
    { "proxy", relay->proxy.host != NULL },
    { "socket", relay->socket != NULL },
    { "tunnel", relay->tunnel != NULL },
    { "source-address", relay->source_address != NULL },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (ways); i++)
    if (strcmp (ways[i].name, name) == 0)
      return ways[i].counts;
  for (size_t i = 0; i < G_N_ELEMENTS (secret_sources); i++)
    if (strcmp (secret_sources[i], name) == 0)
      return g_strcmp0 (account->secret_source, name) == 0;
  return true;
}

static Account *
read_account (const Source *source)
{
  const ConfigSection *section = source->section;
  Account *account
      = account_new (section->name, source->config->file, section->line);

  if (source->defaults != NULL)
    settings_apply (NULL, source->defaults, SETTING_OF_ACCOUNT, source->home,
                    account);
  drop_other_ways (section, &account->relay);
  settings_apply (source->config, section, SETTING_OF_ACCOUNT, source->home,
                  account);
  if (account->relay.port == 0)
    account->relay.port = relay_usual_port (account->relay.tls);
  account->secret_source = find_secret_source (section);
  if (account->secret_source == NULL)
    account->secret_source = find_secret_source (source->defaults);
  account->relay.token
      = sasl_wants_token (account->relay.auth)
        || g_strcmp0 (account->secret_source, TOKEN_COMMAND) == 0;
  check_secret_source (source->config, section);
  if (!section->refused)
    {
      check_required (source);
      check_login (source, &account->relay);
      check_token (source, account);
      check_trust (source, &account->relay);
    }
  check_ways (source->config, section, source->defaults);
  return account;
}

/* The errors of [defaults] itself; what it says is applied to each account. */
static void
check_defaults (Config *config, const ConfigSection *defaults,
                const char *home)
{
  Account *account = account_new (defaults->name, config->file, 0);

  settings_apply (config, defaults, SETTING_OF_ACCOUNT, home, account);
  check_secret_source (config, defaults);
  check_ways (config, defaults, NULL);
  account_free (account);
}

/* Of the accounts of one file, one at most may be the default. */
static void
check_default (Config *config, const GPtrArray *accounts)
{
  const Account *first = NULL;

  for (size_t i = 0; i < accounts->len; i++)
    {
      const Account *account = g_ptr_array_index (accounts, i);

      if (account->is_default && first != NULL)
        config_problem (config, account->line, 1,
                        _ ("account `%s' is the default, and so is `%s' of "
                           "line %d: leave `default = yes' to one"),
                        account->name, first->name, first->line);
      else if (account->is_default)
        first = account;
    }
}

/* The accounts of CONFIG (of Account), errors or not. A section without a sound name
   is looked through for more errors, but is none: there is nothing to call it. */
static GPtrArray *
read_accounts (Config *config, const char *home)
{
  GPtrArray *accounts = g_ptr_array_new_with_free_func (account_free);
  const ConfigSection *defaults = config_find_section (config, CONFIG_DEFAULTS);

  if (defaults != NULL)
    check_defaults (config, defaults, home);
  for (size_t i = 0; i < config->sections->len; i++)
    {
      const ConfigSection *section = g_ptr_array_index (config->sections, i);

      if (strcmp (section->name, CONFIG_DEFAULTS) != 0
          && strcmp (section->name, CONFIG_GENERAL) != 0)
        {
          Source source = { config, section, defaults, home };
          Account *account = read_account (&source);

          if (section->refused)
            account_free (account);
          else
            g_ptr_array_add (accounts, account);
        }
    }
  check_default (config, accounts);
  return accounts;
}

static const Account *
find_account (const Accounts *accounts, const char *name)
{
  for (size_t i = 0; i < accounts->accounts->len; i++)
    {
      const Account *account = g_ptr_array_index (accounts->accounts, i);

      if (strcmp (account->name, name) == 0)
        return account;
    }
  return NULL;
}

/* Takes the accounts of CONFIG, unless it has errors. One whose name is taken
 * already is hidden. */
static bool
add_accounts (Accounts *accounts, Config *config, const char *home,
              GError **error)
{
  g_autoptr (GPtrArray) read = read_accounts (config, home);

  if (!config_check (config, error))
    return false;
  while (read->len > 0)
    {
      Account *account = g_ptr_array_steal_index (read, 0);

      if (find_account (accounts, account->name) == NULL)
        g_ptr_array_add (accounts->accounts, account);
      else
        account_free (account);
    }
  return true;
}

static void
apply_general (Accounts *accounts, Config *config, const char *home)
{
  const ConfigSection *general = config_find_section (config, CONFIG_GENERAL);

  if (general != NULL)
    settings_apply (config, general, SETTING_OF_GENERAL, home,
                    &accounts->general);
}

/* Adds FILE to CONFIGS where it exists. */
static bool
add_file (GPtrArray *configs, const char *file, GError **error)
{
  bool absent = false;
  Config *config = config_read (file, &absent, error);

  if (config != NULL)
    g_ptr_array_add (configs, config);
  return config != NULL || absent;
}

/* An administrator may keep the system's file from users: one who may have a file of
   his own is not troubled by that. */
static bool
is_kept_from_us (const char *file)
{
  return access (file, R_OK) < 0 && errno == EACCES;
}

/* The files (of Config), the user's before the system's. */
static GPtrArray *
read_files (const char *file, const char *user_file, GError **error)
{
  g_autoptr (GPtrArray) configs
      = g_ptr_array_new_with_free_func ((GDestroyNotify) config_free);

  if (file != NULL)
    {
      Config *config = config_read (file, NULL, error);

      if (config == NULL)
        return NULL;
      g_ptr_array_add (configs, config);
    }
  else if ((user_file != NULL && !add_file (configs, user_file, error))
           || !((user_file != NULL && is_kept_from_us (ACCOUNTS_SYSTEM_FILE))
                || add_file (configs, ACCOUNTS_SYSTEM_FILE, error)))
    return NULL;
  return g_steal_pointer (&configs);
}

char *
accounts_user_file (const char *home)
{
  g_autofree char *directory
      = user_directory ("XDG_CONFIG_HOME", home, ".config");

  return directory != NULL
             ? g_build_filename (directory, "postrider", "accounts", NULL)
             : NULL;
}

static Accounts *
accounts_new (const char *file)
{
  Accounts *accounts = g_new0 (Accounts, 1);

  accounts->accounts = g_ptr_array_new_with_free_func (account_free);
  accounts->file = text_printable (file, strlen (file), PATH_MAX);
  settings_apply_initial (SETTING_OF_GENERAL, &accounts->general);
  return accounts;
}

Accounts *
accounts_load (const char *file, const char *home, GError **error)
{
  g_autoptr (Accounts) accounts = NULL;
  g_autoptr (GPtrArray) configs = NULL;
  g_autoptr (GString) digest = g_string_new (NULL);
  g_autofree char *user_file = accounts_user_file (home);

  configs = read_files (file, user_file, error);
  if (configs == NULL)
    return NULL;
  accounts = accounts_new (file != NULL        ? file
                           : user_file != NULL ? user_file
                                               : ACCOUNTS_SYSTEM_FILE);
  for (size_t i = configs->len; i-- > 0;)
    {
      Config *config = g_ptr_array_index (configs, i);

      apply_general (accounts, config, home);
      g_string_append (digest, config->digest);
    }
  accounts->digest = g_strdup (digest->str);
  for (size_t i = 0; i < configs->len; i++)
    if (!add_accounts (accounts, g_ptr_array_index (configs, i), home, error))
      return NULL;
  return g_steal_pointer (&accounts);
}

Accounts *
accounts_parse (const char *file, const char *octets, size_t length,
                const char *home, GError **error)
{
  g_autoptr (Accounts) accounts = accounts_new (file);
  g_autoptr (Config) config = config_parse (file, octets, length);

  if (length > CONFIG_FILE_MAXIMUM)
    {
      g_set_error (error, FAILURE, FAILURE_CONFIG, _ ("%s is too large"),
                   file);
      return NULL;
    }
  apply_general (accounts, config, home);
  return add_accounts (accounts, config, home, error)
             ? g_steal_pointer (&accounts)
             : NULL;
}

bool
accounts_check (const char *file, const char *octets, size_t length,
                const char *home, GError **error)
{
  g_autoptr (Accounts) accounts
      = accounts_parse (file, octets, length, home, error);

  return accounts != NULL;
}

bool
account_may_set (const char *name, const char *value, const char *home,
                 GError **error)
{
  const Setting *setting = settings_find (SETTING_OF_ACCOUNT, name);
  Account *scratch = account_new ("", "", 0);
  g_autofree char *shown = setting_type_show (setting->type, value);
  g_autofree char *advice = setting_type_store (
      &(Assignment){ setting->type, setting->choices, value, home,
                     (char *) scratch + setting->offset });

  account_free (scratch);
  if (advice != NULL)
    g_set_error (error, FAILURE, FAILURE_USAGE, _ ("`%s' cannot be `%s': %s"),
                 name, shown, advice);
  return advice == NULL;
}

/* The domain's case does not matter, the local-part's does. */
static bool
glob_matches (const char *glob, const char *path)
{
  const char *glob_at = strrchr (glob, '@');
  const char *path_at = strrchr (path, '@');
  g_autofree char *glob_local = NULL;
  g_autofree char *glob_domain = NULL;
  g_autofree char *path_local = NULL;
  g_autofree char *path_domain = NULL;

  if (path_at == NULL || !g_utf8_validate (path, -1, NULL))
    return false;
  glob_local = g_strndup (glob, glob_at - glob);
  glob_domain = g_ascii_strdown (glob_at + 1, -1);
  path_local = g_strndup (path, path_at - path);
  path_domain = g_ascii_strdown (path_at + 1, -1);
  return g_pattern_match_simple (glob_local, path_local)
         && g_pattern_match_simple (glob_domain, path_domain);
}

/* How exactly FROM names SENDER; 0: not at all. */
static size_t
item_rank (const char *from, const char *sender)
{
  if (!is_glob (from))
    return address_path_equal (from, sender) ? G_MAXSIZE : 0;
  return glob_matches (from, sender) ? strlen (from) : 0;
}

const char *
account_claims (const Account *account, const char *sender)
{
  const char *best = NULL;
  size_t best_rank = 0;

  for (size_t i = 0; i < account->from->len; i++)
    {
      const char *from = g_ptr_array_index (account->from, i);
      size_t rank = item_rank (from, sender);

      if (rank > best_rank)
        {
          best = from;
          best_rank = rank;
        }
    }
  return best;
}

static size_t
match_rank (const Account *account, const char *sender)
{
  const char *from = account_claims (account, sender);

  return from != NULL ? item_rank (from, sender) : 0;
}

static const Account *
best_match (const Accounts *accounts, const char *sender)
{
  const Account *best = NULL;
  size_t best_rank = 0;

  for (size_t i = 0; i < accounts->accounts->len; i++)
    {
      const Account *account = g_ptr_array_index (accounts->accounts, i);
      size_t rank = match_rank (account, sender);

      if (rank > best_rank)
        {
          best = account;
          best_rank = rank;
        }
    }
  return best;
}

/* The user's file goes before the system's: its marked account, or its only
 * one; but where it has several and marks none, the system's must be marked.
 */
static const Account *
default_account (const Accounts *accounts)
{
  const GPtrArray *all = accounts->accounts;
  bool only_will_do = true;
  size_t next;

  for (size_t i = 0; i < all->len; i = next)
    {
      const Account *first = g_ptr_array_index (all, i);

      for (next = i; next < all->len; next++)
        {
          const Account *account = g_ptr_array_index (all, next);

          if (strcmp (account->file, first->file) != 0)
            break;
          if (account->is_default)
            return account;
        }
      if (next - i == 1 && only_will_do)
        return first;
      only_will_do = false;
    }
  return NULL;
}

static void
set_unknown_name (const Accounts *accounts, const char *name, GError **error)
{
  g_autofree const char **names
      = g_new0 (const char *, accounts->accounts->len + 1);
  g_autofree char *shown = text_shown (name);
  const char *meant;

  for (size_t i = 0; i < accounts->accounts->len; i++)
    names[i] = ((Account *) g_ptr_array_index (accounts->accounts, i))->name;
  meant = suggest (name, names);
  if (meant != NULL)
    g_set_error (error, FAILURE, FAILURE_CONFIG,
                 _ ("there is no account `%s': did you mean `%s'?"), shown,
                 meant);
  else
    g_set_error (error, FAILURE, FAILURE_CONFIG,
                 _ ("there is no account `%s' in %s"), shown, accounts->file);
}

static void
set_no_default (const Accounts *accounts, const char *sender, GError **error)
{
  g_autofree char *shown = text_shown (sender != NULL ? sender : "");

  if (accounts->accounts->len == 0)
    g_set_error (error, FAILURE, FAILURE_CONFIG,
                 _ ("there is no account: run `postrider setup', or write one "
                    "to %s, as postrider-accounts(5) shows"),
                 accounts->file);
  else if (*shown == '\0')
    g_set_error (
        error, FAILURE, FAILURE_CONFIG,
        _ ("there are several accounts and none is the default: write "
           "`default = yes' to one of them in %s"),
        accounts->file);
  else
    g_set_error (error, FAILURE, FAILURE_CONFIG,
                 _ ("no account is for the sender %s and none is the default: "
                    "in %s, add the address to the `from' of one, or write "
                    "`default = yes' to one"),
                 shown, accounts->file);
}

const Account *
accounts_choose (const Accounts *accounts, const char *name,
                 const char *sender, bool *claimed, GError **error)
{
  const Account *account;

  if (name != NULL)
    account = find_account (accounts, name);
  else
    {
      account = sender != NULL ? best_match (accounts, sender) : NULL;
      if (account == NULL)
        account = default_account (accounts);
    }
  if (account == NULL && name != NULL)
    set_unknown_name (accounts, name, error);
  else if (account == NULL)
    set_no_default (accounts, sender, error);
  if (claimed != NULL)
    *claimed = account != NULL && sender != NULL
               && match_rank (account, sender) > 0;
  return account;
}
