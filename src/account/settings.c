#include "account/settings.h"

#include <string.h>

#include <glib/gi18n.h>

#include "base/suggest.h"
#include "base/text.h"

static const char *const answers[] = { "no", "yes", NULL };
static const char *const tls_modes[] = { "implicit", "starttls", NULL };
static const char *const rewrites[] = { "local", "always", "never", NULL };
static const char *const deliveries[]
    = { "interactive", "background", "queue", NULL };
static const char *const never[] = { "never", NULL };
static const char *const forever[] = { "forever", NULL };
static const char *const returns[] = { "full", "hdrs", NULL };

#define ACCOUNT(field) SETTING_OF_ACCOUNT, offsetof (Account, field)
#define GENERAL(field) SETTING_OF_GENERAL, offsetof (General, field)

const Setting settings[] = {
  { "from", SETTING_FROM, ACCOUNT (from), NULL, NULL,
    N_ ("The sender addresses that this account is for, separated by commas. "
        "* stands for any text and ? for any character. The first that has "
        "neither is the account's own address.") },
  { "host", SETTING_HOST, ACCOUNT (relay.host), NULL, NULL,
    N_ ("The relay: the name that its certificate must have, or an address "
        "literal without brackets.") },
  { "port", SETTING_PORT, ACCOUNT (relay.port), NULL, NULL,
    N_ ("The relay's port: 465 unless set, or 587 with `tls = starttls'.") },
  { "tls", SETTING_CHOICE, ACCOUNT (relay.tls), "implicit", tls_modes,
    N_ ("How the connection is secured: by TLS from the first octet, or by "
        "STARTTLS, which is then required. Nothing is sent without TLS.") },
  { "user", SETTING_TEXT, ACCOUNT (relay.user), NULL, NULL,
    N_ ("The name to log in with. The password is in the keyring, unless a "
        "setting says otherwise.") },
  { "password-command", SETTING_COMMAND, ACCOUNT (password_command), NULL,
    NULL,
    N_ ("A program that prints the password, with its arguments. There is no "
        "shell.") },
  { "password-credential", SETTING_CREDENTIAL, ACCOUNT (password_credential),
    NULL, NULL,
    N_ ("The credential of systemd that is the password: its name in the "
        "unit's LoadCredential=.") },
  { "password-file", SETTING_PATH, ACCOUNT (password_file), NULL, NULL,
    N_ ("A file with the password, which nobody but its owner may read: this "
        "user or root.") },
  { "token-command", SETTING_COMMAND, ACCOUNT (token_command), NULL, NULL,
    N_ ("A program that prints an access token of OAuth 2.0, with its "
        "arguments. The account then logs in with OAUTHBEARER or XOAUTH2.") },
  { "auth", SETTING_MECHANISM, ACCOUNT (relay.auth), NULL, NULL,
    N_ ("The one mechanism to log in with. Unless set, the strongest that the "
        "relay offers, and none that is weaker than what was good before; with "
        "`any', that may change. Some are used only where they stand here.") },
  { "default", SETTING_BOOL, ACCOUNT (is_default), "no", answers,
    N_ ("Whether messages go through this account whose sender no account is "
        "for. Not needed where there is one account only.") },
  { "rewrite-from", SETTING_CHOICE, ACCOUNT (rewrite_from), "local", rewrites,
    N_ ("When the account's own address takes the sender's place: for local "
        "senders such as root, always, or never.") },
  { "trust-file", SETTING_TRUST, ACCOUNT (relay.trust_file), NULL, NULL,
    N_ ("Certificates (PEM) that are trusted for this relay instead of the "
        "system's; or `none', and then `pin' alone counts.") },
  { "pin", SETTING_PINS, ACCOUNT (relay.pins), NULL, NULL,
    N_ ("The relay's key, as pin-sha256:BASE64, or several, separated by "
        "commas: its certificate must be good and have one of these keys.") },
  { "crl-file", SETTING_PATH, ACCOUNT (relay.crl_file), NULL, NULL,
    N_ ("Revocation lists (PEM) that the relay's certificate is checked "
        "against.") },
  { "certificate", SETTING_PLACE, ACCOUNT (relay.certificate), NULL, NULL,
    N_ ("The client certificate, shown to a relay that asks for it: a file "
        "(PEM), or the pkcs11: URI of one on a token.") },
  { "key", SETTING_PLACE, ACCOUNT (relay.key), NULL, NULL,
    N_ ("The client certificate's private key: a file (PEM), or a pkcs11: "
        "URI, whose pin-source is a file with the PIN.") },
  { "ehlo-name", SETTING_DOMAIN, ACCOUNT (relay.ehlo_name), NULL, NULL,
    N_ ("What the relay is told as our name. Unless set, the address literal "
        "of the loopback interface, which says nothing about this host.") },
  { "proxy", SETTING_PROXY, ACCOUNT (relay.proxy), NULL, NULL,
    N_ ("The SOCKS5 proxy through which the relay is reached, as in "
        "socks5://localhost:9050. It looks up the relay's name, and nobody "
        "else does.") },
  { "source-address", SETTING_ADDRESS, ACCOUNT (relay.source_address), NULL,
    NULL,
    N_ ("The IP address of this machine that connections come from. Only "
        "addresses of the same kind, IPv4 or IPv6, are connected to.") },
  { "socket", SETTING_SOCKET, ACCOUNT (relay.socket), NULL, NULL,
    N_ ("A Unix-domain socket that leads to the relay. The certificate at its "
        "end must still be that of `host'.") },
  { "tunnel", SETTING_TUNNEL, ACCOUNT (relay.tunnel), NULL, NULL,
    N_ ("A command whose standard input and output are the connection to the "
        "relay, as in ssh gate.example.org -W %h:%p. No shell sees it; %h is "
        "the relay's name, %p its port, and %% a percent sign.") },
  { "delivery", SETTING_CHOICE, ACCOUNT (delivery), "interactive", deliveries,
    N_ ("What a caller waits for: the relay's answer, or only that the message "
        "is queued and will be sent in the background, or only that it is "
        "queued, and nobody is started to send it.") },
  { "max-connections", SETTING_COUNT, ACCOUNT (max_connections), "3", NULL,
    N_ ("How many connections to the relay may be open at once. Callers above "
        "that leave their message in the queue, and a session that is open "
        "takes it along.") },
  { "linger", SETTING_PAUSE, ACCOUNT (linger), "0", NULL,
    N_ ("How long the session of a caller stays open for those that come next: "
        "they hand over their message, and need not log in. 0 is not at all.") },
  { "dsn-notify", SETTING_DSN_NOTIFY, ACCOUNT (dsn_notify), NULL, NULL,
    N_ ("When relays are asked to notify the sender: `never', or any of "
        "`success', `failure' and `delay', separated by commas.") },
  { "dsn-return", SETTING_DSN_RETURN, ACCOUNT (dsn_return), NULL, returns,
    N_ ("What a notification of a failure should contain: the full message, "
        "or its header.") },
  { "timeout-password", SETTING_DURATION, ACCOUNT (password_timeout), "30s",
    NULL,
    N_ ("How long to wait for `password-command' or `token-command' to end.") },
  { "timeout-connect", SETTING_DURATION, ACCOUNT (relay.timeouts.connect),
    "30s", NULL,
    N_ ("How long to wait for name resolution and the connection, and again "
        "for the TLS handshake.") },
  { "timeout-command", SETTING_DURATION, ACCOUNT (relay.timeouts.command),
    "5m", NULL,
    N_ ("How long to wait for the greeting and for the reply to a command.") },
  { "timeout-data", SETTING_DURATION, ACCOUNT (relay.timeouts.data), "2m",
    NULL, N_ ("How long to wait for the reply to DATA.") },
  { "timeout-block", SETTING_DURATION, ACCOUNT (relay.timeouts.block), "3m",
    NULL,
    N_ ("How long to wait for the relay to take a block of the message.") },
  { "timeout-end-of-data", SETTING_DURATION,
    ACCOUNT (relay.timeouts.end_of_data), "10m", NULL,
    N_ ("How long to wait for the relay's verdict on the message. With less "
        "than ten minutes a message may be sent twice.") },
  { "timeout-quit", SETTING_DURATION, ACCOUNT (relay.timeouts.quit), "5s",
    NULL, N_ ("How long to wait for the relay's goodbye.") },
  { "log", SETTING_LOG, GENERAL (log), NULL, NULL,
    N_ ("Where the log goes: `syslog' (unless set), `none', or a file.") },
  { "maximum-size", SETTING_SIZE, GENERAL (maximum_size), "2G", NULL,
    N_ ("The largest message that is taken; 0 is no limit.") },
  { "reserve", SETTING_SIZE, GENERAL (reserve), "16M", NULL,
    N_ ("How much of the queue's file system a new message leaves free.") },
  { "local-mail-to", SETTING_ADDRESSES, GENERAL (local_mail_to), NULL, NULL,
    N_ ("Who gets the mail for local names, such as root, that have no alias: "
        "an address, or several.") },
  { "aliases", SETTING_PATH, GENERAL (aliases), NULL, NULL,
    N_ ("The file that says which addresses local names stand for. Unless set, "
        "/etc/aliases where it exists.") },
  { "queue-lifetime", SETTING_LIFETIME, GENERAL (queue_lifetime), "5d", NULL,
    N_ ("How long a message is tried before it is given up, its sender is told, "
        "and it is held.") },
  { "delay-warning", SETTING_PERIOD, GENERAL (delay_warning), "4h", never,
    N_ ("When the sender is told that a message still waits, or `never'.") },
  { "keep-held", SETTING_PERIOD, GENERAL (keep_held), "30d", forever,
    N_ ("How long a held message is kept, or `forever'.") },
  { "notify", SETTING_BOOL, GENERAL (notify), "yes", answers,
    N_ ("Whether the desktop shows what needs somebody.") },
  { "start-runner", SETTING_BOOL, GENERAL (start_runner), "yes", answers,
    N_ ("Whether a message that has to wait starts a runner where none is. With "
        "`no', a service or crontab(5) has to run the queue.") },
};

const size_t settings_count = G_N_ELEMENTS (settings);

const Setting *
settings_find (SettingScope scope, const char *name)
{
  for (size_t i = 0; i < settings_count; i++)
    if (settings[i].scope == scope && strcmp (settings[i].name, name) == 0)
      return &settings[i];
  return NULL;
}

static char *
assign (const Setting *setting, const char *value, const char *home,
        void *target)
{
  return setting_type_store (
      &(Assignment){ setting->type, setting->choices, value, home,
                     (char *) target + setting->offset });
}

void
settings_apply_initial (SettingScope scope, void *target)
{
  for (size_t i = 0; i < settings_count; i++)
    if (settings[i].scope == scope && settings[i].initial != NULL)
      {
        char *problem
            = assign (&settings[i], settings[i].initial, NULL, target);

        g_assert (problem == NULL);
      }
}

static bool
means_password (const char *name)
{
  static const char *const names[]
      = { "password", "passwd", "passphrase", "pass", "secret", NULL };

  for (size_t i = 0; names[i] != NULL; i++)
    if (g_ascii_strcasecmp (name, names[i]) == 0)
      return true;
  return false;
}

static const char *
suggest_name (SettingScope scope, const char *name)
{
  const char *names[G_N_ELEMENTS (settings) + 1];
  size_t count = 0;

  for (size_t i = 0; i < settings_count; i++)
    if (settings[i].scope == scope)
      names[count++] = settings[i].name;
  names[count] = NULL;
  return suggest (name, names);
}

/* Names alone are shown: the value may be a secret. */
static void
complain_unknown (Config *config, const ConfigSection *section,
                  SettingScope scope, const ConfigEntry *entry)
{
  const char *meant = suggest_name (scope, entry->name);
  g_autofree char *name = text_shown (entry->name);
  bool one_account = scope == SETTING_OF_ACCOUNT
                     && !section->refused
                     && strcmp (section->name, CONFIG_DEFAULTS) != 0;

#define complain(...)                                                         \
  config_problem (config, entry->line, entry->column, __VA_ARGS__)
  if (means_password (name))
    complain (_ ("`%s' is no setting, for passwords never stand in this file: "
                 "remove the line and run `postrider password set %s'"),
              name, one_account ? section->name : "ACCOUNT");
  else if (scope == SETTING_OF_ACCOUNT
           && settings_find (SETTING_OF_GENERAL, name) != NULL)
    complain (_ ("`%s' belongs in the section [postrider]"), name);
  else if (scope == SETTING_OF_GENERAL
           && settings_find (SETTING_OF_ACCOUNT, name) != NULL)
    complain (
        _ ("`%s' belongs in the section of an account, or in [defaults]"),
        name);
  else if (meant != NULL)
    complain (_ ("there is no setting `%s': did you mean `%s'?"), name, meant);
  else
    complain (_ ("there is no setting `%s'"), name);
#undef complain
}

void
settings_apply (Config *config, const ConfigSection *section,
                SettingScope scope, const char *home, void *target)
{
  for (size_t i = 0; i < section->entries->len; i++)
    {
      const ConfigEntry *entry = g_ptr_array_index (section->entries, i);
      const Setting *setting = settings_find (scope, entry->name);
      g_autofree char *advice = NULL;
      g_autofree char *value = NULL;

      if (setting == NULL)
        complain_unknown (config, section, scope, entry);
      if (setting == NULL || entry->value == NULL)
        continue;
      advice = assign (setting, entry->value, home, target);
      value = setting_type_show (setting->type, entry->value);
      if (advice != NULL)
        config_problem (config, entry->line, entry->value_column,
                        _ ("`%s' cannot be `%s': %s"), setting->name, value,
                        advice);
    }
}
