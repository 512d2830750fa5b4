#include "cli/import-esmtp.h"

#include <string.h>

#include <glib/gi18n.h>

#define WORD_MAXIMUM 8191 /* octets; esmtp reads no longer ones */
#define IDENTITIES_MAXIMUM 1000

typedef enum
{
  IDENTITY,
  HOST,
  USER,
  PASSWORD,
  STARTTLS,
  PASSPHRASE,
  PRECONNECT,
  POSTCONNECT,
  QUALIFY_DOMAIN,
  HELO,
  FORCE,
  MDA,
  DEFAULT,
  SENDER, /* behind `force' */
  REVERSE_PATH,
  NO_KEYWORD,
  N_KEYWORDS = NO_KEYWORD,
} Keyword;

static const struct
{
  const char *name;
  Keyword keyword;
} keywords[] = {
  { "identity", IDENTITY },
  { "hostname", HOST },
  { "host", HOST },
  { "username", USER },
  { "user", USER },
  { "password", PASSWORD },
  { "pass", PASSWORD },
  { "starttls", STARTTLS },
  { "tls", STARTTLS },
  { "certificate_passphrase", PASSPHRASE },
  { "passphrase", PASSPHRASE },
  { "preconnect", PRECONNECT },
  { "postconnect", POSTCONNECT },
  { "qualifydomain", QUALIFY_DOMAIN },
  { "helo", HELO },
  { "force", FORCE },
  { "mda", MDA },
  { "default", DEFAULT },
  { "sender", SENDER },
  { "reverse_path", REVERSE_PATH },
};

typedef struct
{
  char *address; /* NULL: of what stands above all identities */
  int line;
  bool said; /* anything was */
  char *values[N_KEYWORDS];
  int lines[N_KEYWORDS];
  Secret *password;
} Identity;

typedef struct
{
  Draft *draft;
  const char *at;
  const char *end;
  int line;
  GPtrArray
      *identities; /* of Identity; the first is the one without an address */
  Identity *standard; /* the default; NULL: the first that says anything */
} Reader;

static void
identity_free (void *data)
{
  Identity *identity = data;

  for (int i = 0; i < N_KEYWORDS; i++)
    g_free (identity->values[i]);
  g_free (identity->address);
  secret_free (identity->password);
  g_free (identity);
}

/* Words */

static bool
is_space (char c)
{
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Up to the next word; line ends are counted. */
static void
skip_space (Reader *reader)
{
  while (reader->at < reader->end)
    {
      char c = *reader->at;

      if (c == '#')
        while (reader->at < reader->end && *reader->at != '\n')
          reader->at++;
      else if (is_space (c) || c == ';' || c == ',' || c == ':')
        {
          reader->line += c == '\n' ? 1 : 0;
          reader->at++;
        }
      else
        return;
    }
}

/* Up to MAXIMUM digits of BASE at *AT, as an octet. */
static char
number (const char **at, const char *end, int base, int maximum)
{
  unsigned value = 0;

  for (int i = 0; i < maximum && *at < end; i++)
    {
      int digit = g_ascii_xdigit_value (**at);

      if (digit < 0 || digit >= base)
        break;
      value = value * (unsigned) base + (unsigned) digit;
      (*at)++;
    }
  return (char) value;
}

/* What the backslash before *AT makes of what stands there. */
static char
escape (const char **at, const char *end)
{
  static const char letters[] = "ntbr";
  static const char meant[] = "\n\t\b\r";
  const char *found;
  char c = **at;

  if (c == 'x' || c == 'X')
    {
      (*at)++;
      return number (at, end, 16, 2);
    }
  if (g_ascii_isdigit (c))
    return number (at, end, c == '0' ? 8 : 10, 3);
  (*at)++;
  found = strchr (letters, c);
  return found != NULL && c != '\0' ? meant[found - letters] : c;
}

/* The octets from AT to END without their escapes. */
static Secret *
unescape (const char *at, const char *end)
{
  Secret *word = secret_new_empty ((size_t) (end - at) + 1);
  char *octets = secret_buffer (word);
  size_t length = 0;

  while (at < end)
    {
      char c = *at++;

      octets[length++] = c == '\\' && at < end ? escape (&at, end) : c;
    }
  secret_set_length (word, length);
  return word;
}

/* The next word as the value of something; NULL: there is none. A quote that
   is not closed goes on to the end. */
static Secret *
next_value (Reader *reader)
{
  const char *start;
  const char *end;

  skip_space (reader);
  if (reader->at < reader->end && *reader->at == '=')
    {
      reader->at++;
      skip_space (reader);
    }
  if (reader->at == reader->end)
    return NULL;
  start = reader->at;
  if (*start == '"' || *start == '\'')
    {
      end = memchr (start + 1, *start, (size_t) (reader->end - start - 1));
      reader->at = end != NULL ? end + 1 : reader->end;
      end = end != NULL ? end : reader->end;
      start++;
    }
  else
    {
      while (reader->at < reader->end && !is_space (*reader->at)
             && strchr ("=;,", *reader->at) == NULL)
        reader->at++;
      end = reader->at;
    }
  for (const char *p = start; p < end; p++)
    reader->line += *p == '\n' ? 1 : 0;
  if (end - start > WORD_MAXIMUM)
    end = start + WORD_MAXIMUM;
  return unescape (start, end);
}

/* The next word as a keyword. What is none is not shown: it may be half a
   password. */
static Keyword
next_keyword (Reader *reader)
{
  const char *start;
  size_t length;

  skip_space (reader);
  start = reader->at;
  while (reader->at < reader->end && !is_space (*reader->at)
         && strchr ("=;:,", *reader->at) == NULL)
    reader->at++;
  length = (size_t) (reader->at - start);
  for (size_t i = 0; i < G_N_ELEMENTS (keywords); i++)
    if (strlen (keywords[i].name) == length
        && memcmp (keywords[i].name, start, length) == 0)
      return keywords[i].keyword;
  if (length == 0 && reader->at < reader->end)
    reader->at++;
  return NO_KEYWORD;
}

/* The file */

static Identity *
begin_identity (Reader *reader, const char *address)
{
  Identity *identity = g_new0 (Identity, 1);

  identity->address = g_strdup (address);
  identity->line = reader->line;
  g_ptr_array_add (reader->identities, identity);
  return identity;
}

static void
store (Reader *reader, Identity *identity, Keyword keyword, Secret *value)
{
  identity->lines[keyword] = reader->line;
  identity->said = identity->said || keyword != MDA;
  if (keyword == PASSWORD)
    {
      secret_free (identity->password);
      identity->password = value;
      return;
    }
  g_free (identity->values[keyword]);
  identity->values[keyword] = g_strdup (secret_octets (value));
  secret_free (value);
}

/* False: it is the end of the file. */
static bool
read_statement (Reader *reader)
{
  Identity *identity = reader->identities->pdata[reader->identities->len - 1];
  Keyword keyword = next_keyword (reader);
  int line = reader->line;
  Secret *value;

  if (keyword == NO_KEYWORD)
    {
      if (reader->at < reader->end)
        draft_note (reader->draft, line,
                    _ ("esmtp has no such keyword; it is left out"));
      return reader->at < reader->end;
    }
  if (keyword == DEFAULT)
    {
      reader->standard = identity;
      return true;
    }
  if (keyword == FORCE)
    keyword = next_keyword (reader);
  value = keyword != NO_KEYWORD ? next_value (reader) : NULL;
  if (value == NULL)
    return reader->at < reader->end;
  if (keyword != IDENTITY)
    store (reader, identity, keyword, value);
  else if (reader->identities->len < IDENTITIES_MAXIMUM)
    {
      begin_identity (reader, secret_octets (value));
      secret_free (value);
    }
  else
    secret_free (value);
  return true;
}

/* What it means */

/* %u is the user, %% a percent sign. The caller owns it. */
static char *
expand (const Reader *reader, const char *text)
{
  g_autoptr (GString) out = g_string_new (NULL);

  for (; *text != '\0'; text++)
    if (text[0] == '%' && text[1] == 'u')
      {
        g_string_append (out, reader->draft->world->user);
        text++;
      }
    else
      {
        g_string_append_c (out, *text);
        if (text[0] == '%' && text[1] == '%')
          text++;
      }
  return g_string_free (g_steal_pointer (&out), FALSE);
}

static const char *
port_of (const char *service)
{
  static const struct
  {
    const char *name;
    const char *port;
  } services[] = { { "smtp", "25" },
                   { "submission", "587" },
                   { "submissions", "465" },
                   { "smtps", "465" } };

  for (size_t i = 0; i < G_N_ELEMENTS (services); i++)
    if (strcmp (services[i].name, service) == 0)
      return services[i].port;
  return service;
}

static void
convert_relay (const Reader *reader, const Identity *identity,
               DraftAccount *account)
{
  const char *starttls = identity->values[STARTTLS];
  const char *host = identity->values[HOST];
  g_auto (GStrv) parts = g_strsplit (host != NULL ? host : "", ":", 2);
  int line = identity->lines[HOST];

  if (parts[0] == NULL || parts[0][0] == '\0')
    {
      draft_leave_out (reader->draft, account, account->line,
                       _ ("it has no relay"));
      return;
    }
  draft_set (reader->draft, account, "host", parts[0], line);
  draft_way (reader->draft, account,
             parts[1] != NULL ? port_of (parts[1]) : "587", true, line);
  if (g_strcmp0 (starttls, "enabled") != 0
      && g_strcmp0 (starttls, "required") != 0)
    draft_leave_out (
        reader->draft, account,
        starttls != NULL ? identity->lines[STARTTLS] : account->line,
        _ ("it sends without TLS, and Postrider never does. If the relay has "
           "STARTTLS, write `starttls = required' there and import it again; "
           "if it has none, whoever runs it has to switch it on"));
}

static void
convert_from (const Reader *reader, const Identity *identity,
              DraftAccount *account)
{
  const char *forced = identity->values[REVERSE_PATH];
  const char *user = identity->values[USER];
  const char *domain = identity->values[QUALIFY_DOMAIN];
  g_autofree char *path = forced != NULL ? expand (reader, forced) : NULL;
  g_autofree char *own = NULL;
  int line = account->line;

  if (path != NULL)
    {
      draft_from (reader->draft, account, path, identity->lines[REVERSE_PATH]);
      draft_set (reader->draft, account, "rewrite-from", "always",
                 identity->lines[REVERSE_PATH]);
    }
  if (identity->address != NULL)
    draft_from (reader->draft, account, identity->address, line);
  if (draft_get (account, "from") != NULL)
    return;
  if (domain != NULL)
    own = g_strdup_printf ("%s@%s", reader->draft->world->user, domain);
  if (!draft_guess_from (reader->draft, account, user, line)
      && !draft_guess_from (reader->draft, account, own, line))
    draft_leave_out (
        reader->draft, account, line,
        _ ("it has no address: write `identity ADDRESS' above it, "
           "and import it again"));
}

static void
convert_login (const Reader *reader, const Identity *identity,
               DraftAccount *account)
{
  if (identity->values[USER] != NULL)
    draft_set (reader->draft, account, "user", identity->values[USER],
               identity->lines[USER]);
  else
    draft_no_login (reader->draft, account, account->line);
  if (identity->password != NULL && identity->values[USER] != NULL)
    draft_password (reader->draft, account, identity->password,
                    identity->lines[PASSWORD]);
  if (identity->values[HELO] != NULL)
    draft_set (reader->draft, account, "ehlo-name", identity->values[HELO],
               identity->lines[HELO]);
}

/* What has no setting of the same meaning. */
static const struct
{
  Keyword keyword;
  const char *advice;
} absent[] = {
  { PASSPHRASE,
    N_ ("`certificate_passphrase' has no setting: a client certificate and "
        "its "
        "key, without a passphrase, are `certificate' and `key'") },
  { PRECONNECT, N_ ("`preconnect' has no setting: a command that is the "
                    "connection itself, "
                    "such as ssh, is `tunnel'") },
  { POSTCONNECT, N_ ("`postconnect' has no setting") },
  { QUALIFY_DOMAIN,
    N_ ("`qualifydomain' has no setting: write where the mail for local names "
        "goes with `aliases' or `local-mail-to'") },
  { SENDER,
    N_ ("`force sender' has no setting: `rewrite-from = always' puts the "
        "account's own address into every message") },
  { MDA,
    N_ ("nothing is delivered on this machine: write where the mail for local "
        "names goes with `aliases' or `local-mail-to'") },
};

static void
note_rest (const Reader *reader, const Identity *identity)
{
  for (size_t i = 0; i < G_N_ELEMENTS (absent); i++)
    if (identity->values[absent[i].keyword] != NULL)
      draft_note (reader->draft, identity->lines[absent[i].keyword], "%s",
                  _ (absent[i].advice));
}

static void
convert (const Reader *reader)
{
  const Identity *standard = reader->standard;

  for (size_t i = 0; i < reader->identities->len; i++)
    {
      const Identity *identity = g_ptr_array_index (reader->identities, i);
      DraftAccount *account;

      note_rest (reader, identity);
      if (!identity->said)
        continue;
      if (standard == NULL)
        standard = identity;
      account = draft_account (reader->draft,
                               identity->address != NULL ? identity->address
                                                         : "default",
                               identity->line);
      convert_relay (reader, identity, account);
      if (!account->left_out)
        convert_from (reader, identity, account);
      if (!account->left_out)
        convert_login (reader, identity, account);
      if (identity == standard)
        draft_set_default (account);
    }
}

void
import_esmtp (Draft *draft, const DraftText *esmtprc)
{
  Reader reader = { .draft = draft,
                    .at = esmtprc->octets,
                    .end = esmtprc->octets + esmtprc->length,
                    .line = 1 };

  draft->file = esmtprc->file;
  reader.identities = g_ptr_array_new_with_free_func (identity_free);
  begin_identity (&reader, NULL);
  while (read_statement (&reader))
    ;
  convert (&reader);
  g_ptr_array_unref (reader.identities);
}
