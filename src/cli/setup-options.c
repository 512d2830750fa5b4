#include "cli/setup-options.h"

#include <string.h>

#include <glib/gi18n.h>

#include "account/account.h"
#include "base/failure.h"
#include "base/user.h"
#include "cli/options.h"
#include "cli/output.h"
#include "mail/address.h"

const char *const setup_setting_names[] = {
  [SETUP_HOST] = "host",
  [SETUP_PORT] = "port",
  [SETUP_TLS] = "tls",
  [SETUP_USER] = "user",
  [SETUP_AUTH] = "auth",
  [SETUP_TRUST_FILE] = "trust-file",
  [SETUP_PASSWORD_COMMAND] = "password-command",
  [SETUP_PASSWORD_CREDENTIAL] = "password-credential",
  [SETUP_PASSWORD_FILE] = "password-file",
  [SETUP_TOKEN_COMMAND] = TOKEN_COMMAND,
};

static bool
is_path (SetupSetting setting)
{
  return setting == SETUP_TRUST_FILE || setting == SETUP_PASSWORD_FILE;
}

char *
setup_setting_value (SetupSetting setting, const char *value)
{
  if (!is_path (setting) || value[0] == '/' || value[0] == '~'
      || (setting == SETUP_TRUST_FILE && strcmp (value, RELAY_TRUST_NONE) == 0))
    return g_strdup (value);
  return g_canonicalize_filename (value, NULL);
}

static bool
take_setting (void *target, SetupSetting setting, const char *argument,
              GError **error)
{
  SetupOptions *options = target;
  g_autofree char *home = user_home ();
  g_autofree char *value = setup_setting_value (setting, argument);

  if (!account_may_set (setup_setting_names[setting], value, home, error))
    return false;
  g_free (options->values[setting]);
  options->values[setting] = g_steal_pointer (&value);
  return true;
}

#define TAKE_SETTING(name, setting)                                           \
  static bool take_##name (void *target, const char *argument,                \
                           GError **error)                                    \
  {                                                                           \
    return take_setting (target, setting, argument, error);                   \
  }

TAKE_SETTING (host, SETUP_HOST)
TAKE_SETTING (port, SETUP_PORT)
TAKE_SETTING (tls, SETUP_TLS)
TAKE_SETTING (user, SETUP_USER)
TAKE_SETTING (auth, SETUP_AUTH)
TAKE_SETTING (trust_file, SETUP_TRUST_FILE)
TAKE_SETTING (password_command, SETUP_PASSWORD_COMMAND)
TAKE_SETTING (password_credential, SETUP_PASSWORD_CREDENTIAL)
TAKE_SETTING (password_file, SETUP_PASSWORD_FILE)
TAKE_SETTING (token_command, SETUP_TOKEN_COMMAND)

static bool
take_default (void *target, const char *argument, GError **error)
{
  ((SetupOptions *) target)->is_default = CHOICE_YES;
  return true;
}

static bool
is_address (const char *text, GError **error)
{
  g_autoptr (Address) address = address_parse (text, error);

  if (address != NULL && address->domain == NULL)
    g_set_error (error, FAILURE, FAILURE_USAGE,
                 _ ("%s is no mail address: write me@example.org"), text);
  return address != NULL && address->domain != NULL;
}

static Choice
choice_of (const char *argument)
{
  return strcmp (argument, "yes") == 0  ? CHOICE_YES
         : strcmp (argument, "no") == 0 ? CHOICE_NO
                                        : CHOICE_OPEN;
}

static bool
take_test (void *target, const char *argument, GError **error)
{
  SetupOptions *options = target;

  options->test = choice_of (argument);
  options->test_to = NULL;
  if (options->test != CHOICE_OPEN)
    return true;
  options->test = CHOICE_YES;
  options->test_to = argument;
  return is_address (argument, error);
}

static bool
take_choice (Choice *choice, const char *option, const char *argument,
             GError **error)
{
  *choice = choice_of (argument);
  if (*choice == CHOICE_OPEN)
    g_set_error (error, FAILURE, FAILURE_USAGE, _ ("--%s is `yes' or `no'"),
                 option);
  return *choice != CHOICE_OPEN;
}

static bool
take_service (void *target, const char *argument, GError **error)
{
  return take_choice (&((SetupOptions *) target)->service, "service", argument,
                      error);
}

static bool
take_link (void *target, const char *argument, GError **error)
{
  return take_choice (&((SetupOptions *) target)->link, "link", argument,
                      error);
}

static const Option table[] = {
  { 0, "host", ARGUMENT_REQUIRED, take_host, N_ ("HOST"),
    .help = N_ ("the relay") },
  { 0, "port", ARGUMENT_REQUIRED, take_port, N_ ("PORT"),
    .help = N_ ("its port") },
  { 0, "tls", ARGUMENT_REQUIRED, take_tls, "implicit|starttls",
    .help = N_ ("how TLS begins there") },
  { 0, "user", ARGUMENT_REQUIRED, take_user, N_ ("NAME"),
    .help = N_ ("who logs in; unless given, the address") },
  { 0, "auth", ARGUMENT_REQUIRED, take_auth, N_ ("MECHANISM"),
    .help = N_ ("by this mechanism alone") },
  { 0, "trust-file", ARGUMENT_REQUIRED, take_trust_file, N_ ("FILE"),
    .help = N_ ("the certificate of the relay's own authority") },
  { 0, "password-command", ARGUMENT_REQUIRED, take_password_command,
    N_ ("CMD"), .help = N_ ("what prints the password") },
  { 0, "password-credential", ARGUMENT_REQUIRED, take_password_credential,
    N_ ("ID"), .help = N_ ("the password is a credential of systemd") },
  { 0, "password-file", ARGUMENT_REQUIRED, take_password_file, N_ ("FILE"),
    .help = N_ ("what has the password in it") },
  { 0, "token-command", ARGUMENT_REQUIRED, take_token_command, N_ ("CMD"),
    .help = N_ ("what prints a token of OAuth 2.0") },
  { 'a', "account", ARGUMENT_REQUIRED, NULL, N_ ("NAME"),
    OPTION_KEEPS (SetupOptions, name), .help = N_ ("the account's name") },
  { 'C', "accounts-file", ARGUMENT_REQUIRED, NULL, N_ ("FILE"),
    OPTION_KEEPS (SetupOptions, accounts_file),
    .help = N_ ("write this accounts file") },
  { 0, "replace", ARGUMENT_NONE, OPTION_SETS (SetupOptions, replace),
    .help = N_ ("change an account that is there already") },
  { 0, "default", ARGUMENT_NONE, take_default, NULL,
    .help = N_ ("for all senders that no account is for") },
  { 0, "test", ARGUMENT_REQUIRED, take_test, N_ ("yes|no|ADDRESS"),
    .help = N_ ("send a test message") },
  { 0, "service", ARGUMENT_REQUIRED, take_service, "yes|no",
    .help = N_ ("have systemd send what waits") },
  { 0, "link", ARGUMENT_REQUIRED, take_link, "yes|no",
    .help = N_ ("make /usr/sbin/sendmail a link to Postrider") },
  { 0, "no-check", ARGUMENT_NONE, OPTION_SETS (SetupOptions, unchecked),
    .help = N_ ("do not connect to the relay") },
  { 0, "batch", ARGUMENT_NONE, OPTION_SETS (SetupOptions, batch),
    .help = N_ ("ask nothing; the password is on standard input") },
  { 0, "help", ARGUMENT_NONE, OPTION_SETS (SetupOptions, help),
    .help = N_ ("show this help") },
  { 0 },
};

void
setup_options_print_help (void)
{
  g_autofree char *text = options_help (table);

  output_help (_ ("Usage: postrider setup [OPTION]... [ADDRESS]\n"
                  "Makes an account for ADDRESS. What it cannot find out, it "
                  "asks.\n\n%s"),
               text);
}

void
setup_options_clear (SetupOptions *options)
{
  for (size_t i = 0; i < N_SETUP_SETTINGS; i++)
    g_free (options->values[i]);
}

static bool
check_sources (const SetupOptions *options, GError **error)
{
  const char *first = NULL;

  for (int i = SETUP_FIRST_SOURCE; i < N_SETUP_SETTINGS; i++)
    {
      if (options->values[i] == NULL)
        continue;
      if (first != NULL)
        {
          g_set_error (error, FAILURE, FAILURE_USAGE,
                       _ ("--%s and --%s both say where the secret is: leave "
                          "one of them"),
                       first, setup_setting_names[i]);
          return false;
        }
      first = setup_setting_names[i];
    }
  return true;
}

bool
setup_options_parse (SetupOptions *options, int argc, char **argv,
                     GError **error)
{
  g_autoptr (GPtrArray) operands = g_ptr_array_new ();

  if (!options_parse_anywhere (table, argc, argv, options, operands, SIZE_MAX,
                               error))
    return false;
  /* One too many may be a password: nobody repeats it. */
  if (operands->len > 1)
    {
      g_set_error_literal (error, FAILURE, FAILURE_USAGE,
                           _ ("write one address, and no password on the "
                              "command line, where others see it"));
      return false;
    }
  if (operands->len > 0)
    options->address = operands->pdata[0];
  return check_sources (options, error);
}
