#include "account/settings.h"

#include <stdint.h>
#include <string.h>
#include <sys/un.h>

#include <gio/gio.h>
#include <glib/gi18n.h>

#include "base/suggest.h"
#include "base/text.h"
#include "mail/address.h"
#include "mail/alias.h"
#include "smtp/token.h"
#include "smtp/sasl.h"

#define SHOWN_MAXIMUM 80 /* octets of a foreign text in a message */
#define PIN_LENGTH 32    /* octets */
#define CREDENTIAL_LENGTH 255 /* of a file's name */
#define SOCKS_PORT 1080  /* RFC 1928 section 3 */

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
        "queued for the next run.") },
  { "max-connections", SETTING_COUNT, ACCOUNT (max_connections), "3", NULL,
    N_ ("How many connections to the relay may be open at once. Callers above "
        "that leave their message in the queue, and a session that is open "
        "takes it along.") },
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

typedef struct
{
  const Setting *setting;
  const char *value;
  const char *home; /* nullable */
  void *field;
} Assignment;

static void
set_string (const Assignment *assignment, char *taken)
{
  char **field = assignment->field;

  g_free (*field);
  *field = taken;
}

static char *
shown (const char *value)
{
  return text_printable (value, strlen (value), SHOWN_MAXIMUM);
}

/* A function for each type: stores the value, or returns a sentence (owned by
 * the caller) that says what to write instead. */

static char *
set_text (const Assignment *assignment)
{
  set_string (assignment, g_strdup (assignment->value));
  return NULL;
}

/* One address or glob, as it is stored; NULL: it is neither. Globs are tried
 * as the address that they might stand for. */
static char *
from_item (const char *item)
{
  g_autofree char *example = g_strdelimit (g_strdup (item), "*?", 'x');
  g_autoptr (Address) address = address_parse (example, NULL);

  if (address == NULL || address->domain == NULL
      || address->display_name != NULL)
    return NULL;
  if (strcmp (example, item) != 0)
    return strpbrk (item, "<> \t") == NULL ? g_strdup (item) : NULL;
  return address_path (address);
}

static char *
set_from (const Assignment *assignment)
{
  g_auto (GStrv) items = g_strsplit (assignment->value, ",", -1);
  GPtrArray **field = assignment->field;

  g_ptr_array_set_size (*field, 0);
  for (size_t i = 0; items[i] != NULL; i++)
    {
      char *stored = from_item (g_strstrip (items[i]));

      if (stored == NULL)
        {
          g_autofree char *item = shown (items[i]);

          return g_strdup_printf (
              _ ("`%s' is no address: write me@example.org, or a pattern such "
                 "as *@example.org"),
              item);
        }
      g_ptr_array_add (*field, stored);
    }
  return NULL;
}

/* PATHS (of char *) get those of ADDRESSES. False: one is a local name, or there
   is none. */
static bool
take_paths (const GPtrArray *addresses, GPtrArray *paths)
{
  static const char *const no_hosts[] = { NULL };

  for (size_t i = 0; i < addresses->len; i++)
    {
      const Address *address = addresses->pdata[i];

      if (alias_locality (address->domain, no_hosts) == LOCALITY_NAME)
        return false;
      g_ptr_array_add (paths, address_path (address));
    }
  return paths->len > 0;
}

static char *
set_addresses (const Assignment *assignment)
{
  const char *value = assignment->value;
  g_autoptr (GPtrArray) addresses
      = g_ptr_array_new_with_free_func ((GDestroyNotify) address_free);
  g_autoptr (GPtrArray) paths = g_ptr_array_new_with_free_func (g_free);
  char ***field = assignment->field;

  if (!address_parse_list (value, strlen (value), addresses, NULL)
      || !take_paths (addresses, paths))
    return g_strdup (_ ("write an address such as me@example.org, or several, "
                        "separated by commas"));
  g_ptr_array_add (paths, NULL);
  g_strfreev (*field);
  *field = (char **) g_ptr_array_steal (paths, NULL);
  return NULL;
}

static bool
is_host (const char *host)
{
  return g_hostname_is_ip_address (host)
         || (host[0] != '[' && address_domain_valid (host));
}

static char *
set_host (const Assignment *assignment)
{
  g_autofree char *host = g_strdup (assignment->value);
  size_t length = strlen (host);

  if (length > 1 && host[length - 1] == '.')
    host[length - 1] = '\0';
  if (!is_host (host))
    return g_strdup (_ ("write a name such as smtp.example.org, or an IP "
                        "address, without brackets or port"));
  set_string (assignment, g_steal_pointer (&host));
  return NULL;
}

static char *
set_port (const Assignment *assignment)
{
  uint64_t port;

  if (!g_ascii_string_to_unsigned (assignment->value, 10, 1, G_MAXUINT16,
                                   &port, NULL))
    return g_strdup (_ ("write a number from 1 to 65535"));
  *(uint16_t *) assignment->field = (uint16_t) port;
  return NULL;
}

/* "HOST:PORT", "[ADDRESS]:PORT", or either without a port: 0. */
static bool
parse_endpoint (const char *text, Endpoint *endpoint)
{
  const char *end = text[0] == '[' ? strchr (text, ']') : NULL;
  g_autofree char *host = NULL;
  uint64_t port = 0;

  if (text[0] == '[' && end == NULL)
    return false;
  if (end != NULL)
    host = g_strndup (text + 1, (size_t) (end++ - text - 1));
  else
    {
      end = strchrnul (text, ':');
      host = g_strndup (text, (size_t) (end - text));
    }
  if ((strchr (host, ':') != NULL) != (text[0] == '[') || !is_host (host)
      || (*end != '\0' && *end != ':')
      || (*end == ':'
          && !g_ascii_string_to_unsigned (end + 1, 10, 1, G_MAXUINT16, &port,
                                          NULL)))
    return false;
  *endpoint = (Endpoint){ g_steal_pointer (&host), (uint16_t) port };
  return true;
}

static char *
set_proxy (const Assignment *assignment)
{
  static const char scheme[] = "socks5://";
  const char *value = assignment->value;
  bool url = g_ascii_strncasecmp (value, scheme, strlen (scheme)) == 0;
  Endpoint *field = assignment->field;
  Endpoint proxy = { 0 };

  if (strchr (value, '@') != NULL)
    return g_strdup (_ ("no password stands in this file, so only a proxy "
                        "without a login can be used: write "
                        "socks5://HOST:PORT"));
  if (!url && strstr (value, "://") != NULL)
    return g_strdup (_ ("only SOCKS5 proxies can be used: write "
                        "socks5://HOST:PORT"));
  if (!parse_endpoint (url ? value + strlen (scheme) : value, &proxy)
      || (!url && proxy.port == 0))
    {
      g_free (proxy.host);
      return g_strdup (_ ("write socks5://HOST:PORT, with an IPv6 address "
                          "between brackets"));
    }
  if (proxy.port == 0)
    proxy.port = SOCKS_PORT;
  g_free (field->host);
  *field = proxy;
  return NULL;
}

static char *
set_address (const Assignment *assignment)
{
  g_autoptr (GInetAddress) address
      = g_inet_address_new_from_string (assignment->value);

  if (address == NULL || g_inet_address_get_is_any (address)
      || g_inet_address_get_is_multicast (address))
    return g_strdup (_ ("write an IP address of this machine, such as "
                        "192.0.2.1 or 2001:db8::1"));
  set_string (assignment, g_inet_address_to_string (address));
  return NULL;
}

static char *
set_domain (const Assignment *assignment)
{
  if (!address_domain_valid (assignment->value))
    return g_strdup (_ ("write a domain such as host.example.org, or an "
                        "address literal such as [192.0.2.1]"));
  return set_text (assignment);
}

/* The index of NAME in CHOICES; -1: it is not there, and *ADVICE says so. */
static int
find_choice (const char *const *choices, const char *name, char **advice)
{
  const char *meant = suggest (name, choices);
  g_autofree char *all = NULL;

  for (int i = 0; choices[i] != NULL; i++)
    if (strcmp (choices[i], name) == 0)
      return i;
  all = g_strjoinv (", ", (char **) choices);
  *advice = meant != NULL
                ? g_strdup_printf (_ ("did you mean `%s'?"), meant)
                : g_strdup_printf (_ ("write one of these: %s"), all);
  return -1;
}

static char *
set_choice (const Assignment *assignment)
{
  char *advice = NULL;
  int choice
      = find_choice (assignment->setting->choices, assignment->value, &advice);

  if (choice >= 0)
    *(unsigned *) assignment->field = (unsigned) choice;
  return advice;
}

static char *
set_bool (const Assignment *assignment)
{
  char *advice = NULL;
  int choice
      = find_choice (assignment->setting->choices, assignment->value, &advice);

  if (choice >= 0)
    *(bool *) assignment->field = choice == 1;
  return advice;
}

static char *
set_upper_of (const Assignment *assignment, const char *const *choices)
{
  char *advice = NULL;

  if (find_choice (choices, assignment->value, &advice) >= 0)
    set_string (assignment, g_ascii_strup (assignment->value, -1));
  return advice;
}

static char *
set_upper (const Assignment *assignment)
{
  return set_upper_of (assignment, assignment->setting->choices);
}

static char *
set_mechanism (const Assignment *assignment)
{
  return strcmp (assignment->value, "any") == 0
             ? set_text (assignment)
             : set_upper_of (assignment, sasl_choices ());
}

static char *
set_path (const Assignment *assignment)
{
  const char *value = assignment->value;

  if (value[0] == '/')
    return set_text (assignment);
  if (!g_str_has_prefix (value, "~/"))
    return g_strdup (_ ("write an absolute path, or one below your home "
                        "directory as ~/path"));
  if (assignment->home == NULL)
    return g_strdup (_ ("this user has no home directory: write an absolute "
                        "path"));
  set_string (assignment,
              g_build_filename (assignment->home, value + 2, NULL));
  return NULL;
}

/* The program and arguments in VALUE, into WORDS. */
static char *
parse_command (const char *value, const char *home, char ***words)
{
  g_auto (GStrv) parsed = NULL;
  char *program;

  if (!g_shell_parse_argv (value, NULL, &parsed, NULL))
    return g_strdup (_ ("write a program and its arguments; a quote in it is "
                        "not closed"));
  program = parsed[0];
  if (g_str_has_prefix (program, "~/") && home != NULL)
    {
      parsed[0] = g_build_filename (home, program + 2, NULL);
      g_free (program);
    }
  else if (program[0] == '\0'
           || (program[0] != '/' && strchr (program, '/') != NULL))
    return g_strdup (_ ("write the program's whole path, or its name alone"));
  *words = g_steal_pointer (&parsed);
  return NULL;
}

static char *
set_command (const Assignment *assignment)
{
  char ***field = assignment->field;
  char **words = NULL;
  char *advice
      = parse_command (assignment->value, assignment->home, &words);

  if (advice != NULL)
    return advice;
  g_strfreev (*field);
  *field = words;
  return NULL;
}

/* As systemd has them: one that is no path, whatever it holds. */
static char *
set_credential (const Assignment *assignment)
{
  const char *value = assignment->value;
  bool valid = strlen (value) <= CREDENTIAL_LENGTH && value[0] != '.';

  for (const char *at = value; *at != '\0'; at++)
    valid = valid && g_ascii_isgraph (*at) && *at != '/' && *at != ':';
  if (!valid)
    return g_strdup (_ ("write the name of a credential, without a path"));
  return set_text (assignment);
}

static char *
set_place (const Assignment *assignment)
{
  char *problem;

  if (!token_is_uri (assignment->value))
    return set_path (assignment);
  problem = token_uri_problem (assignment->value);
  return problem != NULL ? problem : set_text (assignment);
}

static char *
set_trust (const Assignment *assignment)
{
  return strcmp (assignment->value, RELAY_TRUST_NONE) == 0
             ? set_text (assignment)
             : set_path (assignment);
}

/* A pin in its one form, without what says which kind it is; NULL: it is none. */
static char *
parse_pin (const char *text)
{
  static const char kind[] = "pin-sha256:";
  g_autofree char *encoded = NULL;
  g_autofree guchar *digest = NULL;
  gsize length;

  if (!g_str_has_prefix (text, kind))
    return NULL;
  text += strlen (kind);
  digest = g_base64_decode (text, &length);
  encoded = g_base64_encode (digest, length);
  /* Decoding skips what is no base64. */
  return length == PIN_LENGTH && strcmp (encoded, text) == 0
             ? g_steal_pointer (&encoded)
             : NULL;
}

static char *
set_pins (const Assignment *assignment)
{
  g_auto (GStrv) items = g_strsplit (assignment->value, ",", -1);
  g_autoptr (GPtrArray) pins = g_ptr_array_new_with_free_func (g_free);
  char ***field = assignment->field;

  for (size_t i = 0; items[i] != NULL; i++)
    {
      char *pin = parse_pin (g_strstrip (items[i]));

      if (pin == NULL)
        {
          g_autofree char *item = shown (items[i]);

          return g_strdup_printf (
              _ ("`%s' is no pin: write pin-sha256: and the 44 characters of "
                 "the key's SHA-256 in base64"),
              item);
        }
      g_ptr_array_add (pins, pin);
    }
  g_ptr_array_add (pins, NULL);
  g_strfreev (*field);
  *field = (char **) g_ptr_array_steal (pins, NULL);
  return NULL;
}

static char *
set_socket (const Assignment *assignment)
{
  size_t maximum = sizeof ((struct sockaddr_un *) NULL)->sun_path - 1;
  char *advice = set_path (assignment);
  const char *path = *(char **) assignment->field;

  if (advice == NULL && strlen (path) > maximum)
    return g_strdup_printf (_ ("the path of a socket has %zu octets at most"),
                            maximum);
  return advice;
}

static char *
set_tunnel (const Assignment *assignment)
{
  char ***field = assignment->field;
  g_auto (GStrv) words = NULL;
  char *advice
      = parse_command (assignment->value, assignment->home, &words);

  if (advice != NULL)
    return advice;
  for (size_t i = 0; words != NULL && words[i] != NULL; i++)
    if (!relay_tunnel_valid (words[i]))
      return g_strdup (_ ("%h stands for the relay's name and %p for its port; "
                          "write %% for a percent sign"));
  g_strfreev (*field);
  *field = g_steal_pointer (&words);
  return NULL;
}

static char *
set_log (const Assignment *assignment)
{
  const char *value = assignment->value;

  if (strcmp (value, "syslog") == 0 || strcmp (value, "none") == 0)
    return set_text (assignment);
  if (value[0] != '/' && value[0] != '~')
    return g_strdup (_ ("write `syslog', `none', or the path of a file"));
  return set_path (assignment);
}

typedef struct
{
  const char *name;
  uint64_t factor;
} Unit;

/* A number and one of UNITS (the first is that of a bare number), at most
 * MAXIMUM altogether. */
static bool
parse_amount (const char *text, const Unit *units, uint64_t maximum,
              uint64_t *amount)
{
  char *end;
  uint64_t number;

  if (!g_ascii_isdigit (text[0]))
    return false;
  number = g_ascii_strtoull (text, &end, 10);
  while (*end == ' ')
    end++;
  for (; units->name != NULL; units++)
    if (g_ascii_strcasecmp (end, units->name) == 0)
      {
        *amount = number * units->factor;
        return number <= maximum / units->factor;
      }
  return false;
}

static char *
set_duration (const Assignment *assignment)
{
  static const Unit units[]
      = { { "", 1000 },       { "s", 1000 },        { "ms", 1 },
          { "m", 60 * 1000 }, { "h", 3600 * 1000 }, { "d", 24 * 3600 * 1000 },
          { NULL, 0 } };
  uint64_t milliseconds;

  if (!parse_amount (assignment->value, units, G_MAXINT, &milliseconds)
      || milliseconds == 0)
    return g_strdup (_ ("write a number with its unit, such as 30s, 5m or 2h; "
                        "the units are ms, s, m, h and d"));
  *(unsigned *) assignment->field = (unsigned) milliseconds;
  return NULL;
}

static char *
set_lifetime (const Assignment *assignment)
{
  static const Unit units[] = { { "", 1 },           { "s", 1 },
                                { "m", 60 },         { "h", 3600 },
                                { "d", 24 * 3600 },  { "w", 7 * 24 * 3600 },
                                { NULL, 0 } };
  uint64_t seconds;

  if (!parse_amount (assignment->value, units, G_MAXINT, &seconds)
      || seconds == 0)
    return g_strdup (_ ("write a number with its unit, such as 30m, 4h or 5d; "
                        "the units are s, m, h, d and w"));
  *(int64_t *) assignment->field = (int64_t) seconds;
  return NULL;
}

static char *
set_period (const Assignment *assignment)
{
  if (strcmp (assignment->value, assignment->setting->choices[0]) != 0)
    return set_lifetime (assignment);
  *(int64_t *) assignment->field = 0;
  return NULL;
}

static char *
set_count (const Assignment *assignment)
{
  uint64_t count;

  if (!g_ascii_string_to_unsigned (assignment->value, 10, 1, 100, &count,
                                   NULL))
    return g_strdup (_ ("write a number from 1 to 100"));
  *(unsigned *) assignment->field = (unsigned) count;
  return NULL;
}

static char *
set_size (const Assignment *assignment)
{
  static const Unit units[] = { { "", 1 },
                                { "K", 1024 },
                                { "M", 1024 * 1024 },
                                { "G", 1 << 30 },
                                { NULL, 0 } };

  if (!parse_amount (assignment->value, units, G_MAXINT64, assignment->field))
    return g_strdup (
        _ ("write a number of octets, or one with a unit, such as "
           "500K, 50M or 1G"));
  return NULL;
}

static char *
set_dsn_notify (const Assignment *assignment)
{
  static const char *const events[]
      = { "success", "failure", "delay", "never", NULL };
  g_auto (GStrv) words = g_strsplit (assignment->value, ",", -1);
  bool wanted[G_N_ELEMENTS (events)] = { false };
  g_autoptr (GString) notify = g_string_new (NULL);
  char *advice = NULL;

  for (size_t i = 0; words[i] != NULL; i++)
    {
      int event = find_choice (events, g_strstrip (words[i]), &advice);

      if (event < 0)
        return advice;
      wanted[event] = true;
    }
  for (size_t i = 0; events[i] != NULL; i++)
    if (wanted[i])
      g_string_append_printf (notify, "%s%s", notify->len > 0 ? "," : "",
                              events[i]);
  if (wanted[3] && strcmp (notify->str, "never") != 0)
    return g_strdup (_ ("`never' stands alone"));
  set_string (assignment, g_ascii_strup (notify->str, -1));
  return NULL;
}

static char *(*const setters[]) (const Assignment *) = {
  [SETTING_TEXT] = set_text,
  [SETTING_FROM] = set_from,
  [SETTING_HOST] = set_host,
  [SETTING_PORT] = set_port,
  [SETTING_DOMAIN] = set_domain,
  [SETTING_BOOL] = set_bool,
  [SETTING_CHOICE] = set_choice,
  [SETTING_MECHANISM] = set_mechanism,
  [SETTING_ADDRESSES] = set_addresses,
  [SETTING_PROXY] = set_proxy,
  [SETTING_ADDRESS] = set_address,
  [SETTING_SOCKET] = set_socket,
  [SETTING_TUNNEL] = set_tunnel,
  [SETTING_PATH] = set_path,
  [SETTING_PLACE] = set_place,
  [SETTING_TRUST] = set_trust,
  [SETTING_PINS] = set_pins,
  [SETTING_COMMAND] = set_command,
  [SETTING_CREDENTIAL] = set_credential,
  [SETTING_DURATION] = set_duration,
  [SETTING_LIFETIME] = set_lifetime,
  [SETTING_PERIOD] = set_period,
  [SETTING_COUNT] = set_count,
  [SETTING_SIZE] = set_size,
  [SETTING_LOG] = set_log,
  [SETTING_DSN_NOTIFY] = set_dsn_notify,
  [SETTING_DSN_RETURN] = set_upper,
};

const Setting *
settings_find (SettingScope scope, const char *name)
{
  for (size_t i = 0; i < settings_count; i++)
    if (settings[i].scope == scope && strcmp (settings[i].name, name) == 0)
      return &settings[i];
  return NULL;
}

/* What is wrong with VALUE, as setters say it; NULL: it was stored. */
static char *
assign (const Setting *setting, const char *value, const char *home,
        void *target)
{
  Assignment assignment
      = { setting, value, home, (char *) target + setting->offset };

  return setters[setting->type](&assignment);
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
  g_autofree char *name = shown (entry->name);
  bool one_account = scope == SETTING_OF_ACCOUNT
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

/* A proxy may have been written with its password, a URI with its PIN. */
static char *
shown_value (const Setting *setting, const char *value)
{
  const char *query
      = setting->type == SETTING_PLACE ? strchr (value, '?') : NULL;
  g_autofree char *place
      = query != NULL ? g_strdup_printf ("%.*s?***", (int) (query - value), value)
                      : NULL;
  const char *at
      = setting->type == SETTING_PROXY ? strrchr (value, '@') : NULL;
  g_autofree char *rest = at != NULL ? g_strconcat ("***", at, NULL) : NULL;

  if (place != NULL)
    return shown (place);
  return shown (at != NULL ? rest : value);
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
      value = shown_value (setting, entry->value);
      if (advice != NULL)
        config_problem (config, entry->line, entry->value_column,
                        _ ("`%s' cannot be `%s': %s"), setting->name, value,
                        advice);
    }
}
