#include "cli/msmtprc.h"

#include <string.h>

#include <glib/gi18n.h>

#define LINE_MAXIMUM 500 /* octets; msmtp reads no longer ones */
#define ACCOUNTS_MAXIMUM 1000

typedef struct
{
  const char *name;
  MsmtpSlot slot;
  const char
      *words; /* "GIVEN=MEANT ...", all that may be given; NULL: any text */
} Command;

#define SWITCH "=on on=on off=off"

static const Command commands[] = {
  { "from", MSMTP_FROM, NULL },
  { "auto_from", MSMTP_AUTO_FROM, SWITCH },
  { "maildomain", MSMTP_MAILDOMAIN, NULL },
  { "allow_from_override", MSMTP_FROM_OVERRIDE, "on=on off=off" },
  { "from_full_name", MSMTP_FULL_NAME, NULL },
  { "host", MSMTP_HOST, NULL },
  { "port", MSMTP_PORT, NULL },
  { "tls", MSMTP_TLS, SWITCH },
  { "tls_starttls", MSMTP_STARTTLS, SWITCH },
  { "tls_nostarttls", MSMTP_STARTTLS, "=off" },
  { "tls_trust_file", MSMTP_TRUST_FILE, NULL },
  { "tls_crl_file", MSMTP_CRL_FILE, NULL },
  { "tls_fingerprint", MSMTP_FINGERPRINT, NULL },
  { "tls_certcheck", MSMTP_CERTCHECK, SWITCH },
  { "tls_nocertcheck", MSMTP_CERTCHECK, "=off" },
  { "tls_key_file", MSMTP_KEY_FILE, NULL },
  { "tls_cert_file", MSMTP_CERT_FILE, NULL },
  { "tls_priorities", MSMTP_PRIORITIES, NULL },
  { "tls_min_dh_prime_bits", MSMTP_DH_BITS, NULL },
  { "tls_host_override", MSMTP_HOST_OVERRIDE, NULL },
  { "tls_force_sslv3", MSMTP_NO_SLOT, NULL },
  { "auth", MSMTP_AUTH, NULL },
  { "user", MSMTP_USER, NULL },
  { "password", MSMTP_PASSWORD, NULL },
  { "passwordeval", MSMTP_PASSWORDEVAL, NULL },
  { "ntlmdomain", MSMTP_NTLMDOMAIN, NULL },
  { "protocol", MSMTP_PROTOCOL, "smtp=smtp lmtp=lmtp" },
  { "timeout", MSMTP_TIMEOUT, NULL },
  { "connect_timeout", MSMTP_TIMEOUT, NULL },
  { "domain", MSMTP_DOMAIN_NAME, NULL },
  { "proxy_host", MSMTP_PROXY_HOST, NULL },
  { "proxy_port", MSMTP_PROXY_PORT, NULL },
  { "source_ip", MSMTP_SOURCE_IP, NULL },
  { "socket", MSMTP_SOCKET, NULL },
  { "dsn_notify", MSMTP_DSN_NOTIFY, NULL },
  { "dsn_return", MSMTP_DSN_RETURN, "off=off headers=hdrs full=full" },
  { "set_from_header", MSMTP_SET_FROM, "=auto auto=auto on=on off=off" },
  { "add_missing_from_header", MSMTP_SET_FROM, "=auto on=auto off=off" },
  { "set_date_header", MSMTP_SET_DATE, "=auto auto=auto off=off" },
  { "add_missing_date_header", MSMTP_SET_DATE, "=auto on=auto off=off" },
  { "set_msgid_header", MSMTP_SET_MSGID, "=auto auto=auto off=off" },
  { "set_to_header", MSMTP_SET_TO,
    SWITCH " undisclosed_recipients=undisclosed" },
  { "undisclosed_recipients", MSMTP_SET_TO,
    "=undisclosed on=undisclosed off=off" },
  { "remove_bcc_headers", MSMTP_REMOVE_BCC, SWITCH },
  { "keepbcc", MSMTP_REMOVE_BCC, "=off on=off off=on" },
  { "logfile", MSMTP_LOGFILE, NULL },
  { "logfile_time_format", MSMTP_LOGFILE_TIME, NULL },
  { "syslog", MSMTP_SYSLOG, NULL },
  { "aliases", MSMTP_ALIASES, NULL },
};

typedef struct
{
  Draft *draft;
  MsmtpAccount *defaults;
  GPtrArray *accounts;   /* of MsmtpAccount, in the order of the file; owned */
  MsmtpAccount *lost;    /* takes what no account is to have */
  MsmtpAccount *current; /* one of these; NULL: none yet */
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
value_clear (MsmtpValue *value)
{
  g_clear_pointer (&value->text, g_free);
  g_clear_pointer (&value->secret, secret_free);
}

static void
value_copy (MsmtpValue *to, const MsmtpValue *from)
{
  value_clear (to);
  *to = *from;
  to->text = g_strdup (from->text);
  if (from->secret != NULL)
    to->secret = secret_new (secret_octets (from->secret),
                             secret_length (from->secret));
}

static void
account_free (void *data)
{
  MsmtpAccount *account = data;

  for (int slot = 0; slot < MSMTP_N_SLOTS; slot++)
    value_clear (&account->values[slot]);
  g_free (account->name);
  g_free (account);
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
  MsmtpValue *value;
  g_autofree char *argument = NULL;
  char *word;

  if (command->slot == MSMTP_NO_SLOT)
    return;
  value = &reader->current->values[command->slot];
  if (command->slot == MSMTP_PASSWORD)
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
  value->text = word[0] != '\0' || command->slot == MSMTP_AUTH ? word : NULL;
  if (value->text == NULL)
    g_free (word);
  value->line = reader->line;
  value->said = true;
}

static MsmtpAccount *
find_account (const Reader *reader, const char *name)
{
  for (size_t i = 0; i < reader->accounts->len; i++)
    {
      MsmtpAccount *account = g_ptr_array_index (reader->accounts, i);

      if (strcmp (account->name, name) == 0)
        return account;
    }
  return NULL;
}

/* What `defaults' said so far counts for it, but not for who copies from it.
 */
static void
begin_account (Reader *reader, const char *name)
{
  MsmtpAccount *account = g_new0 (MsmtpAccount, 1);

  account->name = g_strdup (name);
  account->line = reader->line;
  for (int slot = 0; slot < MSMTP_N_SLOTS; slot++)
    {
      value_copy (&account->values[slot], &reader->defaults->values[slot]);
      account->values[slot].said = false;
    }
  g_ptr_array_add (reader->accounts, account);
  reader->current = account;
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
      const MsmtpAccount *parent = find_account (reader, name);

      if (parent == NULL || parent == reader->current)
        draft_note (reader->draft, reader->line,
                    _ ("there is no account `%s' above this line to copy "
                       "from"),
                    name);
      else
        for (int slot = 0; slot < MSMTP_N_SLOTS; slot++)
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
      || find_account (reader, name) != NULL)
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

  if (!split (text, length, &line))
    return;
  if (is_command (&line, "eval"))
    evaluate (reader, &line);
  else
    obey (reader, &line);
}

GPtrArray *
msmtprc_read (Draft *draft, const DraftText *msmtprc)
{
  DraftLines lines = { .text = msmtprc };
  Reader reader = { .draft = draft,
                    .defaults = g_new0 (MsmtpAccount, 1),
                    .lost = g_new0 (MsmtpAccount, 1) };

  draft->file = msmtprc->file;
  reader.accounts = g_ptr_array_new_with_free_func (account_free);
  while (draft_next_line (draft, &lines, LINE_MAXIMUM))
    {
      reader.line = lines.number;
      read_line (&reader, lines.line, lines.length);
    }
  account_free (reader.defaults);
  account_free (reader.lost);
  return reader.accounts;
}
