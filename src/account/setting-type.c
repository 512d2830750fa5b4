#include "account/setting-type.h"

#include <stdint.h>
#include <string.h>
#include <sys/un.h>

#include <glib/gi18n.h>

#include "base/gio.h"
#include "base/suggest.h"
#include "base/text.h"
#include "mail/address.h"
#include "mail/alias.h"
#include "smtp/relay.h"
#include "smtp/sasl.h"
#include "smtp/token.h"

#define PIN_LENGTH 32    /* octets */
#define CREDENTIAL_LENGTH 255 /* of a file's name */
#define SOCKS_PORT 1080  /* RFC 1928 section 3 */

/* Each type has a function with the contract of setting_type_store. First what they
   share. */

static void
set_string (const Assignment *assignment, char *taken)
{
  char **field = assignment->field;

  g_free (*field);
  *field = taken;
}

static void
set_words (const Assignment *assignment, char **taken)
{
  char ***field = assignment->field;

  g_strfreev (*field);
  *field = taken;
}

/* STRINGS (of char *) is empty then. */
static void
set_strings (const Assignment *assignment, GPtrArray *strings)
{
  g_ptr_array_add (strings, NULL);
  set_words (assignment, (char **) g_ptr_array_steal (strings, NULL));
}

/* Each item of VALUE, which commas separate, as READ makes it, into ITEMS. The first
   that READ takes for none, for a message; NULL: there is none such. */
static char *
read_items (const char *value, char *(*read) (const char *), GPtrArray *items)
{
  g_auto (GStrv) words = g_strsplit (value, ",", -1);

  for (size_t i = 0; words[i] != NULL; i++)
    {
      char *item = read (g_strstrip (words[i]));

      if (item == NULL)
        return text_shown (words[i]);
      g_ptr_array_add (items, item);
    }
  return NULL;
}

static char *
set_text (const Assignment *assignment)
{
  set_string (assignment, g_strdup (assignment->value));
  return NULL;
}

/* Addresses of mail */

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
  GPtrArray **field = assignment->field;
  g_autofree char *wrong = NULL;

  g_ptr_array_set_size (*field, 0);
  wrong = read_items (assignment->value, from_item, *field);
  return wrong == NULL
             ? NULL
             : g_strdup_printf (
                 _ ("`%s' is no address: write me@example.org, or a pattern "
                    "such as *@example.org"),
                 wrong);
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

  if (!address_parse_list (value, strlen (value), addresses, NULL)
      || !take_paths (addresses, paths))
    return g_strdup (_ ("write an address such as me@example.org, or several, "
                        "separated by commas"));
  set_strings (assignment, paths);
  return NULL;
}

/* Hosts and networks */

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
  g_autoptr (GError) error = NULL;
  g_autoptr (GInetAddress) address = NULL;

  if (!library_load (&gio_library, &error))
    return g_strdup (error->message);
  address = g_inet_address_new_from_string (assignment->value);
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

/* One of some words, or several */

/* The index of NAME in CHOICES; -1: it is not there, and *ADVICE says so. */
static int
find_choice (const char *const *choices, const char *name, char **advice)
{
  const char *meant;
  g_autofree char *all = NULL;

  for (int i = 0; choices[i] != NULL; i++)
    if (strcmp (choices[i], name) == 0)
      return i;
  meant = suggest (name, choices);
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
      = find_choice (assignment->choices, assignment->value, &advice);

  if (choice >= 0)
    *(unsigned *) assignment->field = (unsigned) choice;
  return advice;
}

static char *
set_bool (const Assignment *assignment)
{
  char *advice = NULL;
  int choice
      = find_choice (assignment->choices, assignment->value, &advice);

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
  return set_upper_of (assignment, assignment->choices);
}

static char *
set_mechanism (const Assignment *assignment)
{
  return strcmp (assignment->value, "any") == 0
             ? set_text (assignment)
             : set_upper_of (assignment, sasl_choices ());
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

/* Files and what else has a place */

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
set_log (const Assignment *assignment)
{
  const char *value = assignment->value;

  if (strcmp (value, "syslog") == 0 || strcmp (value, "none") == 0)
    return set_text (assignment);
  if (value[0] != '/' && value[0] != '~')
    return g_strdup (_ ("write `syslog', `none', or the path of a file"));
  return set_path (assignment);
}

static char *
set_trust (const Assignment *assignment)
{
  return strcmp (assignment->value, RELAY_TRUST_NONE) == 0
             ? set_text (assignment)
             : set_path (assignment);
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

/* Commands */

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
  char **words = NULL;
  char *advice
      = parse_command (assignment->value, assignment->home, &words);

  if (advice == NULL)
    set_words (assignment, words);
  return advice;
}

static char *
set_tunnel (const Assignment *assignment)
{
  g_auto (GStrv) words = NULL;
  char *advice
      = parse_command (assignment->value, assignment->home, &words);

  if (advice != NULL)
    return advice;
  for (size_t i = 0; words != NULL && words[i] != NULL; i++)
    if (!relay_tunnel_valid (words[i]))
      return g_strdup (_ ("%h stands for the relay's name and %p for its port; "
                          "write %% for a percent sign"));
  set_words (assignment, g_steal_pointer (&words));
  return NULL;
}

/* Pins */

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
  g_autoptr (GPtrArray) pins = g_ptr_array_new_with_free_func (g_free);
  g_autofree char *wrong = read_items (assignment->value, parse_pin, pins);

  if (wrong != NULL)
    return g_strdup_printf (
        _ ("`%s' is no pin: write pin-sha256: and the 44 characters of the "
           "key's SHA-256 in base64"),
        wrong);
  set_strings (assignment, pins);
  return NULL;
}

/* Numbers */

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

static const Unit duration_units[]
    = { { "", 1000 },       { "s", 1000 },        { "ms", 1 },
        { "m", 60 * 1000 }, { "h", 3600 * 1000 }, { "d", 24 * 3600 * 1000 },
        { NULL, 0 } };

static char *
set_duration (const Assignment *assignment)
{
  uint64_t milliseconds;

  if (!parse_amount (assignment->value, duration_units, G_MAXINT,
                     &milliseconds)
      || milliseconds == 0)
    return g_strdup (_ ("write a number with its unit, such as 30s, 5m or 2h; "
                        "the units are ms, s, m, h and d"));
  *(unsigned *) assignment->field = (unsigned) milliseconds;
  return NULL;
}

/* No relay has to wait any longer (RFC 5321 section 4.5.3.2.7). */
static char *
set_pause (const Assignment *assignment)
{
  uint64_t milliseconds;

  if (!parse_amount (assignment->value, duration_units, 5 * 60 * 1000,
                     &milliseconds))
    return g_strdup (_ ("write a number with its unit, such as 30s or 1m, and 5m "
                        "at most; 0 switches it off"));
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
  if (strcmp (assignment->value, assignment->choices[0]) != 0)
    return set_lifetime (assignment);
  *(int64_t *) assignment->field = 0;
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

/* All of them */

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
  [SETTING_PAUSE] = set_pause,
  [SETTING_LIFETIME] = set_lifetime,
  [SETTING_PERIOD] = set_period,
  [SETTING_COUNT] = set_count,
  [SETTING_SIZE] = set_size,
  [SETTING_LOG] = set_log,
  [SETTING_DSN_NOTIFY] = set_dsn_notify,
  [SETTING_DSN_RETURN] = set_upper,
};

char *
setting_type_store (const Assignment *assignment)
{
  return setters[assignment->type](assignment);
}

/* A proxy may have been written with its password, a URI with its PIN. */
char *
setting_type_show (SettingType type, const char *value)
{
  const char *query = type == SETTING_PLACE ? strchr (value, '?') : NULL;
  g_autofree char *place
      = query != NULL ? g_strdup_printf ("%.*s?***", (int) (query - value), value)
                      : NULL;
  const char *at = type == SETTING_PROXY ? strrchr (value, '@') : NULL;
  g_autofree char *rest = at != NULL ? g_strconcat ("***", at, NULL) : NULL;

  if (place != NULL)
    return text_shown (place);
  return text_shown (at != NULL ? rest : value);
}
