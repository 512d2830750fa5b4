#include "cli/import-msmtp.h"

#include <fnmatch.h>
#include <string.h>

#include <glib/gi18n.h>

#include "base/suggest.h"
#include "smtp/sasl.h"

#define LINE_MAXIMUM 500 /* octets; msmtp reads no longer ones */
#define ACCOUNTS_MAXIMUM 1000

/* What an account is told, whatever the commands for it are called. */
typedef enum
{
  FROM,
  AUTO_FROM,
  MAILDOMAIN,
  FROM_OVERRIDE,
  FULL_NAME,
  HOST,
  PORT,
  TLS,
  STARTTLS,
  TRUST_FILE,
  CRL_FILE,
  FINGERPRINT,
  CERTCHECK,
  KEY_FILE,
  CERT_FILE,
  PRIORITIES,
  DH_BITS,
  HOST_OVERRIDE,
  AUTH,
  USER,
  PASSWORD,
  PASSWORDEVAL,
  NTLMDOMAIN,
  PROTOCOL,
  TIMEOUT,
  DOMAIN_NAME,
  PROXY_HOST,
  PROXY_PORT,
  SOURCE_IP,
  SOCKET,
  DSN_NOTIFY,
  DSN_RETURN,
  SET_FROM,
  SET_DATE,
  SET_MSGID,
  SET_TO,
  REMOVE_BCC,
  LOGFILE,
  LOGFILE_TIME,
  SYSLOG,
  ALIASES,
  NO_SLOT,
  N_SLOTS = NO_SLOT,
} Slot;

typedef struct
{
  const char *name;
  Slot slot;
  const char
      *words; /* "GIVEN=MEANT ...", all that may be given; NULL: any text */
} Command;

#define SWITCH "=on on=on off=off"

static const Command commands[] = {
  { "from", FROM, NULL },
  { "auto_from", AUTO_FROM, SWITCH },
  { "maildomain", MAILDOMAIN, NULL },
  { "allow_from_override", FROM_OVERRIDE, "on=on off=off" },
  { "from_full_name", FULL_NAME, NULL },
  { "host", HOST, NULL },
  { "port", PORT, NULL },
  { "tls", TLS, SWITCH },
  { "tls_starttls", STARTTLS, SWITCH },
  { "tls_nostarttls", STARTTLS, "=off" },
  { "tls_trust_file", TRUST_FILE, NULL },
  { "tls_crl_file", CRL_FILE, NULL },
  { "tls_fingerprint", FINGERPRINT, NULL },
  { "tls_certcheck", CERTCHECK, SWITCH },
  { "tls_nocertcheck", CERTCHECK, "=off" },
  { "tls_key_file", KEY_FILE, NULL },
  { "tls_cert_file", CERT_FILE, NULL },
  { "tls_priorities", PRIORITIES, NULL },
  { "tls_min_dh_prime_bits", DH_BITS, NULL },
  { "tls_host_override", HOST_OVERRIDE, NULL },
  { "tls_force_sslv3", NO_SLOT, NULL },
  { "auth", AUTH, NULL },
  { "user", USER, NULL },
  { "password", PASSWORD, NULL },
  { "passwordeval", PASSWORDEVAL, NULL },
  { "ntlmdomain", NTLMDOMAIN, NULL },
  { "protocol", PROTOCOL, "smtp=smtp lmtp=lmtp" },
  { "timeout", TIMEOUT, NULL },
  { "connect_timeout", TIMEOUT, NULL },
  { "domain", DOMAIN_NAME, NULL },
  { "proxy_host", PROXY_HOST, NULL },
  { "proxy_port", PROXY_PORT, NULL },
  { "source_ip", SOURCE_IP, NULL },
  { "socket", SOCKET, NULL },
  { "dsn_notify", DSN_NOTIFY, NULL },
  { "dsn_return", DSN_RETURN, "off=off headers=hdrs full=full" },
  { "set_from_header", SET_FROM, "=auto auto=auto on=on off=off" },
  { "add_missing_from_header", SET_FROM, "=auto on=auto off=off" },
  { "set_date_header", SET_DATE, "=auto auto=auto off=off" },
  { "add_missing_date_header", SET_DATE, "=auto on=auto off=off" },
  { "set_msgid_header", SET_MSGID, "=auto auto=auto off=off" },
  { "set_to_header", SET_TO, SWITCH " undisclosed_recipients=undisclosed" },
  { "undisclosed_recipients", SET_TO, "=undisclosed on=undisclosed off=off" },
  { "remove_bcc_headers", REMOVE_BCC, SWITCH },
  { "keepbcc", REMOVE_BCC, "=off on=off off=on" },
  { "logfile", LOGFILE, NULL },
  { "logfile_time_format", LOGFILE_TIME, NULL },
  { "syslog", SYSLOG, NULL },
  { "aliases", ALIASES, NULL },
};

typedef struct
{
  char *text;     /* NULL: not set, or set to nothing */
  Secret *secret; /* the same, of PASSWORD */
  int line;
  bool said; /* by the account itself, or one that it copies from */
} Value;

typedef struct
{
  char *name;
  int line;
  Value values[N_SLOTS];
} Old;

typedef struct
{
  Draft *draft;
  Old *defaults;
  GPtrArray *accounts; /* of Old, in the order of the file; owned */
  Old *lost;           /* takes what no account is to have */
  Old *current;        /* one of these; NULL: none yet */
  int line;
} Reader;

/* A command line. Neither part ends with a NUL: the argument may be a
 * password. */
typedef struct
{
  const char *command;
  size_t command_length;
  const char *argument;
  size_t length;
} Line;

static void
value_clear (Value *value)
{
  g_clear_pointer (&value->text, g_free);
  g_clear_pointer (&value->secret, secret_free);
}

static void
value_copy (Value *to, const Value *from)
{
  value_clear (to);
  *to = *from;
  to->text = g_strdup (from->text);
  if (from->secret != NULL)
    to->secret = secret_new (secret_octets (from->secret),
                             secret_length (from->secret));
}

static void
old_free (void *data)
{
  Old *old = data;

  for (int slot = 0; slot < N_SLOTS; slot++)
    value_clear (&old->values[slot]);
  g_free (old->name);
  g_free (old);
}

/* The file */

static bool
is_blank (char c)
{
  return c == ' ' || c == '\t';
}

/* Without blanks at its ends, and without quotes where it stands between them.
   A quote within has no meaning, and nor has a backslash. */
static void
trim (const char **text, size_t *length)
{
  while (*length > 0 && is_blank (**text))
    {
      (*text)++;
      (*length)--;
    }
  while (*length > 0 && is_blank ((*text)[*length - 1]))
    (*length)--;
  if (*length >= 2 && **text == '"' && (*text)[*length - 1] == '"')
    {
      (*text)++;
      *length -= 2;
    }
}

/* False: there is no command on the line. */
static bool
split (const char *text, size_t length, Line *line)
{
  while (length > 0 && is_blank (*text))
    {
      text++;
      length--;
    }
  if (length == 0 || *text == '#')
    return false;
  line->command = text;
  line->command_length = 0;
  while (line->command_length < length
         && !is_blank (text[line->command_length]))
    line->command_length++;
  line->argument = text + line->command_length;
  line->length = length - line->command_length;
  trim (&line->argument, &line->length);
  return true;
}

static bool
is_command (const Line *line, const char *name)
{
  return line->command_length == strlen (name)
         && memcmp (line->command, name, line->command_length) == 0;
}

static const Command *
find_command (const Line *line)
{
  for (size_t i = 0; i < G_N_ELEMENTS (commands); i++)
    if (is_command (line, commands[i].name))
      return &commands[i];
  return NULL;
}

/* What ARGUMENT means, of the words of a command; NULL: it is none of them.
   The caller owns it. */
static char *
find_word (const char *words, const char *argument)
{
  g_auto (GStrv) pairs = g_strsplit (words, " ", -1);

  for (size_t i = 0; pairs[i] != NULL; i++)
    {
      char *meant = strchr (pairs[i], '=');

      *meant++ = '\0';
      if (strcmp (pairs[i], argument) == 0)
        return g_strdup (meant);
    }
  return NULL;
}

/* A word that is no command is not shown: it may be half a password. */
static void
complain_unknown (Reader *reader)
{
  draft_note (reader->draft, reader->line,
              _ ("msmtp has no such command; the line is left out"));
}

static void
store (Reader *reader, const Command *command, const Line *line)
{
  Value *value;
  g_autofree char *argument = NULL;
  char *word;

  if (command->slot == NO_SLOT)
    return;
  value = &reader->current->values[command->slot];
  if (command->slot == PASSWORD)
    {
      value_clear (value);
      if (line->length > 0)
        value->secret = secret_new (line->argument, line->length);
      value->line = reader->line;
      value->said = true;
      return;
    }
  argument = g_strndup (line->argument, line->length);
  word = command->words != NULL ? find_word (command->words, argument)
                                : g_strdup (argument);
  if (word == NULL)
    {
      draft_note (reader->draft, reader->line,
                  _ ("`%s' cannot be `%s' in msmtp; the line is left out"),
                  command->name, argument);
      return;
    }
  value_clear (value);
  value->text = word[0] != '\0' || command->slot == AUTH ? word : NULL;
  if (value->text == NULL)
    g_free (word);
  value->line = reader->line;
  value->said = true;
}

static Old *
find_old (const Reader *reader, const char *name)
{
  for (size_t i = 0; i < reader->accounts->len; i++)
    {
      Old *old = g_ptr_array_index (reader->accounts, i);

      if (strcmp (old->name, name) == 0)
        return old;
    }
  return NULL;
}

/* What `defaults' said so far counts for it, but not for who copies from it.
 */
static void
begin_account (Reader *reader, const char *name)
{
  Old *old = g_new0 (Old, 1);

  old->name = g_strdup (name);
  old->line = reader->line;
  for (int slot = 0; slot < N_SLOTS; slot++)
    {
      value_copy (&old->values[slot], &reader->defaults->values[slot]);
      old->values[slot].said = false;
    }
  g_ptr_array_add (reader->accounts, old);
  reader->current = old;
}

static char *
trimmed (const char *text)
{
  size_t length = strlen (text);

  trim (&text, &length);
  return g_strndup (text, length);
}

/* PARENTS is a list of names, separated by commas. */
static void
copy_from (Reader *reader, const char *parents)
{
  g_auto (GStrv) names = g_strsplit (parents, ",", -1);

  for (size_t i = 0; names[i] != NULL; i++)
    {
      g_autofree char *name = trimmed (names[i]);
      const Old *parent = find_old (reader, name);

      if (parent == NULL || parent == reader->current)
        draft_note (reader->draft, reader->line,
                    _ ("there is no account `%s' above this line to copy "
                       "from"),
                    name);
      else
        for (int slot = 0; slot < N_SLOTS; slot++)
          if (parent->values[slot].said)
            value_copy (&reader->current->values[slot], &parent->values[slot]);
    }
}

static void
read_account (Reader *reader, const Line *line)
{
  g_autofree char *argument = g_strndup (line->argument, line->length);
  char *parents = strchr (argument, ':');
  g_autofree char *name = NULL;

  if (parents != NULL)
    *parents++ = '\0';
  name = trimmed (argument);
  if (reader->accounts->len >= ACCOUNTS_MAXIMUM || name[0] == '\0'
      || find_old (reader, name) != NULL)
    {
      draft_note (reader->draft, reader->line,
                  name[0] == '\0' ? _ ("this account has no name; what "
                                       "stands below it is left out")
                                  : _ ("this account was there already; what "
                                       "stands below it is left out"));
      reader->current = reader->lost;
      return;
    }
  begin_account (reader, name);
  if (parents != NULL)
    copy_from (reader, parents);
}

static void
obey (Reader *reader, const Line *line)
{
  const Command *command = find_command (line);

  if (is_command (line, "defaults"))
    reader->current = reader->defaults;
  else if (is_command (line, "account"))
    read_account (reader, line);
  else if (command == NULL)
    complain_unknown (reader);
  else
    {
      /* As of old: no account's name is needed for one. */
      if (reader->current == NULL)
        begin_account (reader, "default");
      store (reader, command, line);
    }
}

/* `eval': what the command prints stands in its place. */
static void
evaluate (Reader *reader, const Line *line)
{
  g_autofree char *command = g_strndup (line->argument, line->length);
  g_autoptr (Secret) output = NULL;
  const char *text;
  size_t length;
  Line printed;

  if (reader->draft->world->evaluate != NULL && command[0] != '\0')
    output = reader->draft->world->evaluate (command);
  if (output == NULL)
    {
      draft_note (reader->draft, reader->line,
                  _ ("the command of this line gives nothing; the line is "
                     "left out"));
      return;
    }
  text = secret_octets (output);
  length = strcspn (text, "\r\n");
  if (!split (text, length, &printed))
    return;
  obey (reader, &printed);
  draft_note (
      reader->draft, reader->line,
      is_command (&printed, "password")
          ? _ ("what the command printed now is the password; where it "
               "changes, write the command as `password-command'")
          : _ ("what the command printed now is taken; it is not run "
               "again"));
}

static void
read_line (Reader *reader, const char *text, size_t length)
{
  Line line;

  if (length > LINE_MAXIMUM)
    {
      draft_note (reader->draft, reader->line,
                  _ ("msmtp reads %d octets of a line at the most; the line "
                     "is left out"),
                  LINE_MAXIMUM);
      return;
    }
  if (!split (text, length, &line))
    return;
  if (is_command (&line, "eval"))
    evaluate (reader, &line);
  else
    obey (reader, &line);
}

/* What it means */

typedef struct
{
  Draft *draft;
  const Reader *reader;
  const Old *old;
  DraftAccount *account;
} Conversion;

static const Value *
value_of (const Conversion *conversion, Slot slot)
{
  return &conversion->old->values[slot];
}

static const char *
text_of (const Conversion *conversion, Slot slot)
{
  return value_of (conversion, slot)->text;
}

static bool
is (const Conversion *conversion, Slot slot, const char *text)
{
  return g_strcmp0 (text_of (conversion, slot), text) == 0;
}

/* Line of SLOT, or of the account where nothing was said. */
static int
line_of (const Conversion *conversion, Slot slot)
{
  int line = value_of (conversion, slot)->line;

  return line != 0 ? line : conversion->old->line;
}

static void
set (const Conversion *conversion, const char *name, const char *value,
     Slot slot)
{
  draft_set (conversion->draft, conversion->account, name, value,
             line_of (conversion, slot));
}

#define note(conversion, slot, ...)                                           \
  draft_note ((conversion)->draft, line_of ((conversion), (slot)), __VA_ARGS__)

static char *
replace (char *text, const char *pattern, const char *by)
{
  g_auto (GStrv) parts = g_strsplit (text, pattern, -1);

  g_free (text);
  return g_strjoinv (by, parts);
}

/* With %U, %H and %M replaced; NULL: there is something else that only a
   message could tell, and that has been noted. */
static char *
expand (const Conversion *conversion, Slot slot)
{
  const DraftWorld *world = conversion->draft->world;
  char *text = g_strdup (text_of (conversion, slot));

  text = replace (text, "%H", world->host);
  text = replace (text, "%C", world->host);
  if (world->mail_name != NULL)
    text = replace (text, "%M", world->mail_name);
  if (slot == FROM)
    text = replace (text, "%U", world->user);
  if (strchr (text, '%') == NULL)
    return text;
  note (conversion, slot,
        _ ("`%%' patterns stand for nothing here: write the address itself"));
  g_free (text);
  return NULL;
}

static bool
is_pattern (const char *from)
{
  return strpbrk (from, "*?[") != NULL;
}

/* msmtp's patterns are of the shell, where * stands for an @ as well. */
static void
add_pattern (const Conversion *conversion, const char *from)
{
  g_autofree char *pattern = NULL;

  if (strpbrk (from, "[\\") != NULL)
    {
      note (conversion, FROM,
            _ ("`[' stands for itself in `from', and only * and ? are "
               "patterns: write the addresses, separated by commas"));
      return;
    }
  pattern = strchr (from, '@') != NULL ? g_strdup (from)
            : from[0] == '*'           ? g_strconcat ("*@", from, NULL)
                                       : g_strconcat (from, "@*", NULL);
  draft_from (conversion->draft, conversion->account, pattern,
              line_of (conversion, FROM));
}

/* msmtp takes me+list@example.org for me@example.org. */
static void
add_details (const Conversion *conversion, const char *from)
{
  const char *at = strrchr (from, '@');
  g_autofree char *pattern = NULL;

  if (at == NULL || strchr (from, '+') != NULL || from[0] == '"'
      || conversion->reader->accounts->len < 2)
    return;
  pattern = g_strdup_printf ("%.*s+*%s", (int) (at - from), from, at);
  draft_from (conversion->draft, conversion->account, pattern,
              line_of (conversion, FROM));
}

/* With msmtp the first account that fits has the message, here the one that
   fits best. */
static void
warn_of_shadow (const Conversion *conversion, const char *from)
{
  const GPtrArray *all = conversion->reader->accounts;

  for (size_t i = 0; i < all->len && all->pdata[i] != conversion->old; i++)
    {
      const Old *earlier = all->pdata[i];
      const char *pattern = earlier->values[FROM].text;

      if (pattern != NULL && is_pattern (pattern) && !is_pattern (from)
          && fnmatch (pattern, from, 0) == 0)
        note (conversion, FROM,
              _ ("msmtp sent mail from %s through `%s', whose pattern comes "
                 "first; now it goes through `%s'"),
              from, earlier->name, conversion->account->name);
    }
}

static void
add_from (const Conversion *conversion)
{
  g_autofree char *from = expand (conversion, FROM);

  if (from == NULL)
    return;
  if (is_pattern (from))
    add_pattern (conversion, from);
  else if (draft_from (conversion->draft, conversion->account, from,
                       line_of (conversion, FROM)))
    {
      add_details (conversion, from);
      warn_of_shadow (conversion, from);
    }
}

static void
convert_from (const Conversion *conversion)
{
  const char *domain = text_of (conversion, MAILDOMAIN);
  g_autofree char *made = NULL;

  if (is (conversion, FROM_OVERRIDE, "off") || is (conversion, SET_FROM, "on"))
    set (conversion, "rewrite-from", "always",
         is (conversion, SET_FROM, "on") ? SET_FROM : FROM_OVERRIDE);
  /* This one goes before what `from' says. */
  if (is (conversion, AUTO_FROM, "on") && domain != NULL)
    {
      made = g_strdup_printf ("%s@%s", conversion->draft->world->user, domain);
      draft_from (conversion->draft, conversion->account, made,
                  line_of (conversion, MAILDOMAIN));
    }
  if (text_of (conversion, FROM) != NULL)
    add_from (conversion);
}

static void
require_from (const Conversion *conversion)
{
  if (draft_get (conversion->account, "from") == NULL
      && !draft_guess_from (conversion->draft, conversion->account,
                            text_of (conversion, USER),
                            line_of (conversion, FROM)))
    draft_leave_out (conversion->draft, conversion->account,
                     line_of (conversion, FROM),
                     _ ("it has no address of its own: write `from ADDRESS' "
                        "there, and import it again"));
}

static const char no_tls[] =
    N_ ("it sends without TLS, and Postrider never does. If the relay has TLS "
        "(port 465, or STARTTLS on port 587), write `tls on' there and import "
        "it again; if it has none, whoever runs it has to switch it on");

static void
convert_relay (const Conversion *conversion)
{
  const char *port = text_of (conversion, PORT);
  bool implicit = is (conversion, STARTTLS, "off");
  const char *usual = implicit ? "465" : "587";

  if (is (conversion, PROTOCOL, "lmtp"))
    draft_leave_out (conversion->draft, conversion->account,
                     line_of (conversion, PROTOCOL),
                     _ ("it speaks LMTP, which is for delivery on this "
                        "machine"));
  if (!is (conversion, TLS, "on"))
    draft_leave_out (conversion->draft, conversion->account,
                     line_of (conversion, TLS), "%s", _ (no_tls));
  if (text_of (conversion, HOST) != NULL)
    set (conversion, "host", text_of (conversion, HOST), HOST);
  else
    draft_leave_out (conversion->draft, conversion->account,
                     conversion->old->line, _ ("it has no `host'"));
  if (port == NULL)
    port = implicit ? "465" : "25";
  if (strcmp (port, usual) != 0)
    set (conversion, "port", port, PORT);
  if (!implicit)
    set (conversion, "tls", "starttls", STARTTLS);
}

/* GnuTLS's programs show what both are. */
static void
explain_fingerprint (const Conversion *conversion)
{
  const char *port = draft_get (conversion->account, "port");
  bool starttls = draft_get (conversion->account, "tls") != NULL;
  g_autofree char *command = g_strdup_printf (
      "gnutls-cli --insecure --print-cert %s-p %s %s </dev/null | certtool -i",
      starttls ? "--starttls-proto=smtp " : "",
      port != NULL ? port
      : starttls   ? "587"
                   : "465",
      text_of (conversion, HOST));

  note (
      conversion, FINGERPRINT,
      _ ("a `pin' is that of a key, and cannot be made of a certificate's "
         "fingerprint: run `%s', and if the fingerprint that it shows first "
         "is this one, write the pin beside it to account `%s', as `pin = "
         "pin-sha256:...'; with `trust-file = none', if no authority vouches "
         "for the relay"),
      command, conversion->account->name);
}

static void
convert_trust (const Conversion *conversion)
{
  const char *trust = text_of (conversion, TRUST_FILE);

  if (trust != NULL && !draft_is_system_bundle (trust))
    set (conversion, "trust-file", trust, TRUST_FILE);
  if (text_of (conversion, FINGERPRINT) != NULL)
    explain_fingerprint (conversion);
  if (is (conversion, CERTCHECK, "off"))
    draft_unchecked (conversion->draft, conversion->account,
                     line_of (conversion, CERTCHECK));
}

/* "echo SECRET" is a password that stands in the file: NULL where COMMAND is
   something else. The caller owns it. */
static Secret *
echoed (const char *command)
{
  static const char *const words[] = { "echo ", "printf ", "printf %s ",
                                       "echo -n " };
  const char *rest = NULL;
  size_t length;

  for (size_t i = 0; i < G_N_ELEMENTS (words); i++)
    if (g_str_has_prefix (command, words[i]))
      rest = command + strlen (words[i]);
  if (rest == NULL)
    return NULL;
  length = strlen (rest);
  if (length >= 2 && strchr ("'\"", rest[0]) != NULL
      && rest[length - 1] == rest[0]
      && memchr (rest + 1, rest[0], length - 2) == NULL
      && (rest[0] == '\'' || strpbrk (rest, "$`\\%") == NULL))
    return secret_new (rest + 1, length - 2);
  return strpbrk (rest, " \t'\"$`\\|&;<>()%*?[") == NULL && length > 0
             ? secret_new (rest, length)
             : NULL;
}

static void
convert_secret (const Conversion *conversion)
{
  const char *command = text_of (conversion, PASSWORDEVAL);
  const Value *password = value_of (conversion, PASSWORD);
  const char *auth = text_of (conversion, AUTH);
  bool token =
      auth != NULL
      && (strcmp (auth, "oauthbearer") == 0 || strcmp (auth, "xoauth2") == 0);
  g_autoptr (Secret) literal = NULL;
  g_autofree char *plain = NULL;

  if (password->secret != NULL)
    {
      draft_password (conversion->draft, conversion->account, password->secret,
                      password->line);
      return;
    }
  if (command == NULL)
    return;
  literal = echoed (command);
  if (literal != NULL)
    {
      draft_password (conversion->draft, conversion->account, literal,
                      line_of (conversion, PASSWORDEVAL));
      return;
    }
  plain = draft_command (command);
  set (conversion, token ? "token-command" : "password-command", plain,
       PASSWORDEVAL);
}

static void
convert_login (const Conversion *conversion)
{
  const char *auth = text_of (conversion, AUTH);
  const char *user = text_of (conversion, USER);

  if (user != NULL)
    set (conversion, "user", user, USER);
  if ((auth == NULL || strcmp (auth, "off") == 0) && user == NULL
      && text_of (conversion, CERT_FILE) == NULL)
    draft_no_login (conversion->draft, conversion->account,
                    line_of (conversion, AUTH));
  if (auth != NULL && auth[0] != '\0' && strcmp (auth, "on") != 0
      && strcmp (auth, "off") != 0)
    set (conversion, "auth", auth, AUTH);
  if (text_of (conversion, NTLMDOMAIN) != NULL)
    note (conversion, NTLMDOMAIN,
          _ ("there is no setting for the domain of NTLM"));
  if (user != NULL)
    convert_secret (conversion);
}

static void
convert_timeout (const Conversion *conversion)
{
  const char *timeout = text_of (conversion, TIMEOUT);
  g_autofree char *seconds = NULL;

  if (timeout == NULL || strcmp (timeout, "off") == 0)
    return;
  seconds = g_strconcat (timeout, "s", NULL);
  set (conversion, "timeout-connect", seconds, TIMEOUT);
}

static void
convert_domain (const Conversion *conversion)
{
  g_autofree char *domain = NULL;

  if (text_of (conversion, DOMAIN_NAME) == NULL
      || is (conversion, DOMAIN_NAME, "localhost"))
    return;
  domain = expand (conversion, DOMAIN_NAME);
  if (domain != NULL)
    set (conversion, "ehlo-name", domain, DOMAIN_NAME);
}

static void
convert_proxy (const Conversion *conversion)
{
  const char *host = text_of (conversion, PROXY_HOST);
  const char *port = text_of (conversion, PROXY_PORT);
  g_autofree char *proxy = NULL;

  if (host == NULL)
    return;
  proxy = g_strdup_printf (strchr (host, ':') != NULL ? "socks5://[%s]:%s"
                                                      : "socks5://%s:%s",
                           host, port != NULL ? port : "1080");
  set (conversion, "proxy", proxy, PROXY_HOST);
}

static void
convert_dsn (const Conversion *conversion)
{
  const char *notify = text_of (conversion, DSN_NOTIFY);
  const char *returned = text_of (conversion, DSN_RETURN);

  if (notify != NULL && strcmp (notify, "off") != 0)
    set (conversion, "dsn-notify", notify, DSN_NOTIFY);
  if (returned != NULL && strcmp (returned, "off") != 0)
    set (conversion, "dsn-return", returned, DSN_RETURN);
}

/* These are of all accounts. */
static void
convert_general (const Conversion *conversion)
{
  const char *log = text_of (conversion, LOGFILE);
  const char *aliases = text_of (conversion, ALIASES);

  if (aliases != NULL)
    draft_set (conversion->draft, NULL, "aliases", aliases,
               line_of (conversion, ALIASES));
  if (log != NULL && strcmp (log, "-") == 0)
    note (conversion, LOGFILE,
          _ ("`logfile -': the log is always a file; `postrider log' shows "
             "it"));
  else if (log != NULL)
    draft_set (conversion->draft, NULL, "log", log,
               line_of (conversion, LOGFILE));
}

/* What has a setting of the same meaning. */
static const struct
{
  Slot slot;
  const char *setting;
} same[] = {
  { CRL_FILE, "crl-file" },        { KEY_FILE, "key" },
  { CERT_FILE, "certificate" },    { SOCKET, "socket" },
  { SOURCE_IP, "source-address" },
};

/* What has none. */
static const struct
{
  Slot slot;
  const char *harmless; /* a value that changes nothing; NULL: none */
  const char *advice;
} absent[] = {
  { FULL_NAME, NULL,
    N_ ("`from_full_name' has no setting: the name is that of the user, or "
        "what option -F says") },
  { SET_FROM, "auto",
    N_ ("`set_from_header': a From that is missing is always added") },
  { PRIORITIES, NULL,
    N_ ("`tls_priorities' has no setting: TLS 1.2 or later is spoken, with "
        "GnuTLS's own choice of ciphers") },
  { DH_BITS, NULL,
    N_ ("`tls_min_dh_prime_bits' has no setting: GnuTLS decides") },
  { HOST_OVERRIDE, NULL,
    N_ ("`tls_host_override' has no setting: `host' is the name in the "
        "certificate; where the way there is another one, say so with "
        "`tunnel' "
        "or `socket'") },
  { SET_DATE, "auto",
    N_ ("`set_date_header': a Date that is missing is always added") },
  { SET_MSGID, "auto",
    N_ ("`set_msgid_header': a Message-ID that is missing is always added") },
  { SET_TO, "off",
    N_ ("`set_to_header' and `undisclosed_recipients' have no setting: To and "
        "Cc stay as they are written; recipients to be hidden belong in "
        "Bcc") },
  { REMOVE_BCC, "on",
    N_ ("`remove_bcc_headers': Bcc is always removed, so that blind copies "
        "stay blind") },
  { LOGFILE_TIME, NULL,
    N_ ("`logfile_time_format' has no setting: the log has the same format "
        "everywhere") },
};

static void
convert_rest (const Conversion *conversion)
{
  for (size_t i = 0; i < G_N_ELEMENTS (same); i++)
    if (text_of (conversion, same[i].slot) != NULL)
      set (conversion, same[i].setting, text_of (conversion, same[i].slot),
           same[i].slot);
  for (size_t i = 0; i < G_N_ELEMENTS (absent); i++)
    if (text_of (conversion, absent[i].slot) != NULL
        && !is (conversion, absent[i].slot, absent[i].harmless)
        && !(absent[i].slot == SET_FROM && is (conversion, SET_FROM, "on")))
      note (conversion, absent[i].slot, "%s", _ (absent[i].advice));
}

static void (*const conversions[]) (const Conversion *) = {
  convert_from,  convert_relay,   require_from,   convert_trust,
  convert_login, convert_timeout, convert_domain, convert_proxy,
  convert_dsn,   convert_rest,    convert_general
};

static bool
secrets_equal (const Secret *a, const Secret *b)
{
  return a == b || (a != NULL && b != NULL && secret_equal (a, b));
}

/* Whether the accounts send the same way: what is of all accounts does not
   count. */
static bool
is_same (const Old *one, const Old *other)
{
  for (int slot = 0; slot < N_SLOTS; slot++)
    if (slot != LOGFILE && slot != SYSLOG && slot != ALIASES
        && (g_strcmp0 (one->values[slot].text, other->values[slot].text) != 0
            || !secrets_equal (one->values[slot].secret,
                               other->values[slot].secret)))
      return false;
  return true;
}

/* As `account default : work' says: what the account above becomes is the
   default; NULL: there is none that is the same. */
static DraftAccount *
find_twin (const Reader *reader, const Old *old)
{
  for (size_t i = 0; i < reader->accounts->len; i++)
    {
      const Old *other = g_ptr_array_index (reader->accounts, i);

      if (other == old)
        return NULL;
      if (is_same (other, old))
        return g_ptr_array_index (reader->draft->accounts, i);
    }
  return NULL;
}

static void
convert (const Reader *reader, const Old *old)
{
  bool is_default = strcmp (old->name, "default") == 0;
  Conversion conversion = { reader->draft, reader, old,
                            is_default ? find_twin (reader, old) : NULL };

  if (conversion.account != NULL)
    convert_general (&conversion);
  else
    {
      conversion.account = draft_account (reader->draft, old->name, old->line);
      for (size_t i = 0;
           i < G_N_ELEMENTS (conversions) && !conversion.account->left_out;
           i++)
        conversions[i](&conversion);
    }
  if (is_default)
    draft_set_default (conversion.account);
}

void
import_msmtp (Draft *draft, const DraftText *msmtprc)
{
  const char *text = msmtprc->octets;
  size_t length = msmtprc->length;
  Reader reader = { .draft = draft,
                    .defaults = g_new0 (Old, 1),
                    .lost = g_new0 (Old, 1) };
  const char *line;
  size_t line_length;

  draft->file = msmtprc->file;
  reader.accounts = g_ptr_array_new_with_free_func (old_free);
  while ((line = draft_line (&text, &length, &line_length)) != NULL)
    {
      reader.line++;
      read_line (&reader, line, line_length);
    }
  for (size_t i = 0; i < reader.accounts->len; i++)
    convert (&reader, g_ptr_array_index (reader.accounts, i));
  g_ptr_array_unref (reader.accounts);
  old_free (reader.defaults);
  old_free (reader.lost);
}
