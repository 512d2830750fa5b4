#include "cli/import-ssmtp.h"

#include <string.h>

#include <glib/gi18n.h>

#define LINE_MAXIMUM 2047 /* octets; ssmtp reads no longer ones */

typedef enum
{
  ROOT,
  MAILHUB,
  PORT,
  REWRITE_DOMAIN,
  HOSTNAME,
  FROM_OVERRIDE,
  TLS,
  STARTTLS,
  USE_CERT,
  CERT,
  KEY,
  CA_FILE,
  CA_DIRECTORY,
  USER,
  PASSWORD,
  METHOD,
  ADD_HEADER,
  NO_SLOT,
  N_SLOTS = NO_SLOT,
} Slot;

static const struct
{
  const char *name;
  Slot slot;
} keywords[] = {
  { "Root", ROOT },
  { "MailHub", MAILHUB },
  { "RemotePort", PORT },
  { "RewriteDomain", REWRITE_DOMAIN },
  { "HostName", HOSTNAME },
  { "FromLineOverride", FROM_OVERRIDE },
  { "UseTLS", TLS },
  { "UseSTARTTLS", STARTTLS },
  { "UseTLSCert", USE_CERT },
  { "TLSCert", CERT },
  { "TLSKey", KEY },
  { "TLS_CA_File", CA_FILE },
  { "TLS_CA_Dir", CA_DIRECTORY },
  { "AuthUser", USER },
  { "AuthPass", PASSWORD },
  { "AuthMethod", METHOD },
  { "AddHeader", ADD_HEADER },
  { "UseOldAUTH", NO_SLOT },
  { "Debug", NO_SLOT },
  { "MinId", NO_SLOT },
};

typedef struct
{
  char *text;
  Secret *secret; /* of PASSWORD */
  int line;
} Value;

/* One line of revaliases, cut up. */
typedef struct
{
  char *user;
  char *address;
  char *hub;  /* nullable */
  char *port; /* nullable */
  int line;
} Alias;

typedef struct
{
  Draft *draft;
  const char *conf;       /* the names of both files */
  const char *revaliases; /* nullable */
  Value values[N_SLOTS];
  GPtrArray *aliases; /* of Alias; owned */
} Reader;

static bool
is_blank (char c)
{
  return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\f'
         || c == '\v';
}

/* A word of a line; not ended by a NUL, for it may be a password. */
typedef struct
{
  const char *at;
  size_t length;
} Word;

/* The next word before END, from *AT on, behind DELIMITERS and up to one. */
static Word
next_word (const char **at, const char *end, const char *delimiters)
{
  Word word = { NULL, 0 };

  while (*at < end && strchr (delimiters, **at) != NULL)
    (*at)++;
  word.at = *at;
  while (*at < end && strchr (delimiters, **at) == NULL)
    (*at)++;
  word.length = (size_t) (*at - word.at);
  return word;
}

static Slot
find_slot (const Word *word)
{
  for (size_t i = 0; i < G_N_ELEMENTS (keywords); i++)
    if (word->length == strlen (keywords[i].name)
        && g_ascii_strncasecmp (word->at, keywords[i].name, word->length) == 0)
      return keywords[i].slot;
  return N_SLOTS + 1;
}

static void
store (Reader *reader, Slot slot, const Word *word, int line)
{
  Value *value = &reader->values[slot];

  /* Of these two the first one counts. */
  if (slot == PASSWORD && value->secret == NULL)
    value->secret = secret_new (word->at, word->length);
  else if (slot == PASSWORD || (slot == USER && value->text != NULL))
    return;
  else
    {
      g_free (value->text);
      value->text = g_strndup (word->at, word->length);
    }
  value->line = line;
}

/* The line is not shown where it makes no sense: it may hold a secret. */
static void
read_line (Reader *reader, const char *text, size_t length, int line)
{
  const char *end = text + length;
  Word keyword = next_word (&text, end, "= \t\r");
  Word value;
  Slot slot;

  if (keyword.length == 0 || *keyword.at == '#')
    return;
  slot = find_slot (&keyword);
  /* A password is whatever stands there; elsewhere # begins a comment. */
  value = next_word (&text, end, slot == PASSWORD ? "= \t\r" : "= \t\r#");
  if (slot == PASSWORD)
    {
      while (text < end && !is_blank (*text))
        text++;
      value.length = (size_t) (text - value.at);
    }
  if (slot > N_SLOTS)
    draft_note (reader->draft, line,
                _ ("ssmtp has no such setting; the line is left out"));
  else if (slot != NO_SLOT && value.length > 0)
    store (reader, slot, &value, line);
}

static void
alias_free (void *data)
{
  Alias *alias = data;

  g_free (alias->user);
  g_free (alias->address);
  g_free (alias->hub);
  g_free (alias->port);
  g_free (alias);
}

static char *
take_word (const char **at, const char *end)
{
  Word word = next_word (at, end, ": \t\r#");

  return word.length > 0 ? g_strndup (word.at, word.length) : NULL;
}

static void
read_alias (Reader *reader, const char *text, size_t length, int line)
{
  const char *comment = memchr (text, '#', length);
  const char *end = comment != NULL ? comment : text + length;
  Alias *alias = g_new0 (Alias, 1);

  alias->line = line;
  alias->user = take_word (&text, end);
  alias->address = take_word (&text, end);
  alias->hub = take_word (&text, end);
  alias->port = take_word (&text, end);
  if (alias->address != NULL)
    g_ptr_array_add (reader->aliases, alias);
  else
    alias_free (alias);
}

static void
read_lines (Reader *reader, const DraftText *source,
            void (*read) (Reader *, const char *, size_t, int))
{
  DraftLines lines = { .text = source };

  reader->draft->file = source->file;
  while (draft_next_line (reader->draft, &lines, LINE_MAXIMUM))
    read (reader, lines.line, lines.length, lines.number);
}

/* What it means */

static const char *
text_of (const Reader *reader, Slot slot)
{
  return reader->values[slot].text;
}

static bool
says_yes (const Reader *reader, Slot slot)
{
  return text_of (reader, slot) != NULL
         && g_ascii_strcasecmp (text_of (reader, slot), "yes") == 0;
}

static void
set (const Reader *reader, DraftAccount *account, const char *name, Slot slot)
{
  if (text_of (reader, slot) != NULL)
    draft_set (reader->draft, account, name, text_of (reader, slot),
               reader->values[slot].line);
}

/* Of ALIAS, or where it is NULL of the other file. Each hub is HOST or
   HOST:PORT, and an alias without a port has that of the other file. */
static void
set_relay (const Reader *reader, DraftAccount *account, const Alias *alias)
{
  const char *mailhub = text_of (reader, MAILHUB);
  const char *hub = alias != NULL ? alias->hub : mailhub;
  const char *colon = mailhub != NULL ? strchr (mailhub, ':') : NULL;
  g_auto (GStrv) parts = g_strsplit (hub, ":", 2);
  const char *port = text_of (reader, PORT);
  bool starttls = says_yes (reader, STARTTLS);
  int line = account->line;

  if (colon != NULL)
    port = colon + 1;
  if (alias != NULL && alias->port != NULL)
    port = alias->port;
  if (port == NULL)
    port = "25";
  if (parts[0] == NULL || parts[0][0] == '\0')
    draft_leave_out (reader->draft, account, line, _ ("it has no relay"));
  else
    draft_set (reader->draft, account, "host", parts[0], line);
  draft_way (reader->draft, account, port, starttls, line);
  if (!starttls && !says_yes (reader, TLS))
    draft_leave_out (
        reader->draft, account, line,
        _ ("it sends without TLS, and Postrider never does. If the relay has "
           "TLS, write `UseTLS=YES' (port 465) or `UseSTARTTLS=YES' (port "
           "587) "
           "there and import it again; if it has none, whoever runs it has to "
           "switch it on"));
}

static void
set_login (const Reader *reader, DraftAccount *account)
{
  const Value *password = &reader->values[PASSWORD];
  const char *method = text_of (reader, METHOD);

  set (reader, account, "user", USER);
  if (text_of (reader, USER) == NULL && !says_yes (reader, USE_CERT))
    draft_no_login (reader->draft, account, account->line);
  if (method != NULL && g_ascii_strcasecmp (method, "cram-md5") == 0)
    draft_set (reader->draft, account, "auth", "cram-md5",
               reader->values[METHOD].line);
  if (password->secret != NULL && text_of (reader, USER) != NULL)
    draft_password (reader->draft, account, password->secret, password->line);
}

static void
set_certificates (const Reader *reader, DraftAccount *account)
{
  const char *bundle = text_of (reader, CA_FILE);

  if (says_yes (reader, USE_CERT))
    {
      set (reader, account, "certificate", CERT);
      set (reader, account, "key", text_of (reader, KEY) != NULL ? KEY : CERT);
    }
  if (bundle != NULL && !draft_is_system_bundle (bundle))
    set (reader, account, "trust-file", CA_FILE);
}

/* One account, but for its senders; its relay is that of ALIAS (nullable). */
static DraftAccount *
add_account (const Reader *reader, const char *name, const Alias *alias)
{
  Draft *draft = reader->draft;
  DraftAccount *account;

  draft->file = alias != NULL ? reader->revaliases : reader->conf;
  account = draft_account (
      draft, name, alias != NULL ? alias->line : reader->values[MAILHUB].line);
  set_relay (reader, account, alias);
  draft->file = reader->conf;
  if (account->left_out)
    return account;
  set_login (reader, account);
  set_certificates (reader, account);
  /* Whatever a message says, ssmtp puts its own sender there. */
  if (!says_yes (reader, FROM_OVERRIDE))
    draft_set (draft, account, "rewrite-from", "always",
               reader->values[FROM_OVERRIDE].line);
  return account;
}

static bool
is_own (const Reader *reader, const Alias *alias)
{
  return strcmp (alias->user, reader->draft->world->user) == 0;
}

static void
add_alias (const Reader *reader, DraftAccount *account, const Alias *alias)
{
  reader->draft->file = reader->revaliases;
  draft_from (reader->draft, account, alias->address, alias->line);
  reader->draft->file = reader->conf;
}

/* The user's own first: they are the account's address. */
static void
add_aliases (const Reader *reader, DraftAccount *account, bool own)
{
  for (size_t i = 0; i < reader->aliases->len; i++)
    {
      const Alias *alias = g_ptr_array_index (reader->aliases, i);

      if (is_own (reader, alias) == own && (own || alias->hub == NULL))
        add_alias (reader, account, alias);
    }
}

/* Who the machine's mail is from: all users of one domain. */
static void
add_senders (const Reader *reader, DraftAccount *account)
{
  const DraftWorld *world = reader->draft->world;
  Slot slot =
      text_of (reader, REWRITE_DOMAIN) != NULL ? REWRITE_DOMAIN : HOSTNAME;
  const char *domain = text_of (reader, slot);
  const char *user = text_of (reader, USER);
  int line = reader->values[slot].line;
  g_autofree char *own = NULL;
  g_autofree char *all = NULL;

  if (domain == NULL)
    domain = world->host;
  if (strchr (domain, '@') != NULL)
    domain = strrchr (domain, '@') + 1;
  own = g_strdup_printf ("%s@%s", world->user, domain);
  all = g_strdup_printf ("*@%s", domain);
  if (user != NULL && strchr (user, '@') != NULL)
    draft_from (reader->draft, account, user, reader->values[USER].line);
  else if (draft_get (account, "from") == NULL)
    draft_from (reader->draft, account, own, line);
  draft_from (reader->draft, account, all, line);
}

static void
note_rest (const Reader *reader)
{
  if (text_of (reader, ADD_HEADER) != NULL)
    draft_note (
        reader->draft, reader->values[ADD_HEADER].line,
        _ ("`AddHeader' has no setting: whoever writes the message has "
           "to add the field"));
  if (text_of (reader, CA_DIRECTORY) != NULL)
    draft_note (reader->draft, reader->values[CA_DIRECTORY].line,
                _ ("`TLS_CA_Dir' has no setting: write `trust-file', with one "
                   "file of certificates, unless the system's are enough"));
}

/* The user's own mail goes where the user's alias says, if it says so. */
static const Alias *
find_own_relay (const Reader *reader)
{
  const Alias *found = NULL;

  for (size_t i = 0; i < reader->aliases->len; i++)
    {
      const Alias *alias = g_ptr_array_index (reader->aliases, i);

      if (is_own (reader, alias) && alias->hub != NULL)
        found = alias;
    }
  return found;
}

static void
convert_default (const Reader *reader)
{
  const char *root = text_of (reader, ROOT);
  DraftAccount *account =
      add_account (reader, "default", find_own_relay (reader));

  draft_set_default (account);
  note_rest (reader);
  if (root != NULL && strchr (root, '@') != NULL)
    set (reader, NULL, "local-mail-to", ROOT);
  if (account->left_out)
    return;
  add_aliases (reader, account, true);
  add_senders (reader, account);
  add_aliases (reader, account, false);
}

static void
convert (const Reader *reader)
{
  if (text_of (reader, MAILHUB) != NULL || find_own_relay (reader) != NULL)
    convert_default (reader);
  for (size_t i = 0; i < reader->aliases->len; i++)
    {
      const Alias *alias = g_ptr_array_index (reader->aliases, i);

      if (alias->hub != NULL && !is_own (reader, alias))
        add_alias (reader, add_account (reader, alias->user, alias), alias);
    }
}

void
import_ssmtp (Draft *draft, const DraftText *conf, const DraftText *revaliases)
{
  Reader reader = { .draft = draft, .conf = conf->file };

  reader.aliases = g_ptr_array_new_with_free_func (alias_free);
  if (revaliases != NULL)
    {
      reader.revaliases = revaliases->file;
      read_lines (&reader, revaliases, read_alias);
    }
  read_lines (&reader, conf, read_line);
  convert (&reader);
  for (int slot = 0; slot < N_SLOTS; slot++)
    {
      g_free (reader.values[slot].text);
      secret_free (reader.values[slot].secret);
    }
  g_ptr_array_unref (reader.aliases);
}
