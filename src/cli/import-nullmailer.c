#include "cli/import-nullmailer.h"

#include <string.h>

#include <glib/gi18n.h>

#define LINE_MAXIMUM 4096
#define REMOTES_MAXIMUM 100

typedef struct
{
  Draft *draft;
  const NullmailerControls *controls;
  DraftAccount *account;
  int line;
  unsigned word;
  bool tls;
  bool starttls;
  char *port;
  char *user;
  Secret *password;
  char *certificate;
  char *key;
} Remote;

/* What becomes of the octet at *AT, within a word: true, it is in OCTET. */
static bool
take_octet (const char **at, const char *end, char *quote, char *octet)
{
  char c = *(*at)++;

  if (*quote == '\0' && (c == '"' || c == '\''))
    {
      *quote = c;
      return false;
    }
  if (c == *quote && c != '\0')
    {
      *quote = '\0';
      return false;
    }
  if (c == '\\' && *quote != '\'' && *at < end)
    c = *(*at)++;
  *octet = c;
  return true;
}

/* The next word before END, without its quotes; NULL: there is none. */
static Secret *
next_word (const char **at, const char *end)
{
  g_autoptr (Secret) word = NULL;
  char *octets;
  size_t length = 0;
  char quote = '\0';

  while (*at < end && g_ascii_isspace (**at))
    (*at)++;
  if (*at == end)
    return NULL;
  word = secret_new_empty ((size_t) (end - *at));
  octets = secret_buffer (word);
  while (*at < end && (quote != '\0' || !g_ascii_isspace (**at)))
    length += take_octet (at, end, &quote, &octets[length]) ? 1 : 0;
  secret_set_length (word, length);
  return g_steal_pointer (&word);
}

/* Options */

static void
set (const Remote *remote, const char *name, const char *value)
{
  draft_set (remote->draft, remote->account, name, value, remote->line);
}

static void
keep (char **where, const char *value)
{
  g_free (*where);
  *where = g_strdup (value);
}

static void
take_port (Remote *remote, const char *value)
{
  keep (&remote->port, value);
}

static void
take_user (Remote *remote, const char *value)
{
  keep (&remote->user, value);
}

static void
take_source (Remote *remote, const char *value)
{
  set (remote, "source-address", value);
}

static void
take_login (Remote *remote, const char *value)
{
  set (remote, "auth", "login");
}

static void
take_external (Remote *remote, const char *value)
{
  set (remote, "auth", "external");
}

static void
take_tls (Remote *remote, const char *value)
{
  remote->tls = true;
}

static void
take_starttls (Remote *remote, const char *value)
{
  remote->starttls = true;
}

static void
take_certificate (Remote *remote, const char *value)
{
  keep (&remote->certificate, value);
}

static void
take_key (Remote *remote, const char *value)
{
  keep (&remote->key, value);
}

static void
take_trust (Remote *remote, const char *value)
{
  if (!draft_is_system_bundle (value))
    set (remote, "trust-file", value);
}

static void
take_crl (Remote *remote, const char *value)
{
  set (remote, "crl-file", value);
}

static void
take_insecure (Remote *remote, const char *value)
{
  draft_unchecked (remote->draft, remote->account, remote->line);
}

static void
take_der (Remote *remote, const char *value)
{
  draft_note (remote->draft, remote->line,
              _ ("certificates have to be PEM: `openssl x509 -inform der' "
                 "makes it of DER"));
}

static const struct
{
  const char *name;
  bool has_value;
  void (*take) (Remote *, const char *);
} remote_options[] = {
  { "port", true, take_port },
  { "user", true, take_user },
  { "source", true, take_source },
  { "auth-login", false, take_login },
  { "auth-external", false, take_external },
  { "tls", false, take_tls },
  { "ssl", false, take_tls },
  { "starttls", false, take_starttls },
  { "x509certfile", true, take_certificate },
  { "x509keyfile", true, take_key },
  { "x509cafile", true, take_trust },
  { "x509crlfile", true, take_crl },
  { "insecure", false, take_insecure },
  { "tls-anon-auth", false, take_insecure },
  { "x509fmtder", false, take_der },
};

/* What is no option is not shown: it may be half a password. */
static void
take_option (Remote *remote, const char *text)
{
  const char *equals = strchr (text, '=');
  size_t length = equals != NULL ? (size_t) (equals - text) : strlen (text);

  for (size_t i = 0; i < G_N_ELEMENTS (remote_options); i++)
    if (strlen (remote_options[i].name) == length
        && strncmp (remote_options[i].name, text, length) == 0
        && remote_options[i].has_value == (equals != NULL))
      {
        remote_options[i].take (remote, equals != NULL ? equals + 1 : NULL);
        return;
      }
  draft_note (remote->draft, remote->line,
              _ ("word %u of this line is no option of nullmailer's; it is "
                 "left out"),
              remote->word);
}

static void
take_word (Remote *remote, const Secret *word)
{
  static const char password[] = "pass=";
  const char *text = secret_octets (word);
  size_t length = secret_length (word);

  if (remote->word == 1)
    {
      set (remote, "host", text);
      return;
    }
  if (remote->word == 2 && strcmp (text, "smtp") == 0)
    return;
  if (remote->word == 2 && strcmp (text, "qmqp") == 0)
    {
      draft_leave_out (remote->draft, remote->account, remote->line,
                       _ ("it speaks QMQP, and Postrider speaks SMTP"));
      return;
    }
  if (g_str_has_prefix (text, "--"))
    {
      text += 2;
      length -= 2;
    }
  if (!g_str_has_prefix (text, password))
    take_option (remote, text);
  else if (remote->password == NULL && length > strlen (password))
    remote->password =
        secret_new (text + strlen (password), length - strlen (password));
}

/* What the words mean together */

static void
finish_relay (Remote *remote)
{
  const char *port = remote->port;

  if (port == NULL)
    port = remote->tls ? "465" : "25";
  draft_way (remote->draft, remote->account, port,
             remote->starttls && !remote->tls, remote->line);
  if (!remote->tls && !remote->starttls)
    draft_leave_out (
        remote->draft, remote->account, remote->line,
        _ ("it sends without TLS, and Postrider never does. If the relay has "
           "TLS, write `tls' (port 465) or `starttls' (port 587) to its line "
           "and import it again; if it has none, whoever runs it has to "
           "switch "
           "it on"));
}

static void
finish_login (Remote *remote)
{
  if (remote->user != NULL)
    set (remote, "user", remote->user);
  else if (remote->certificate == NULL)
    draft_no_login (remote->draft, remote->account, remote->line);
  if (remote->certificate != NULL)
    {
      set (remote, "certificate", remote->certificate);
      set (remote, "key",
           remote->key != NULL ? remote->key : remote->certificate);
    }
  if (remote->password != NULL && remote->user != NULL)
    draft_password (remote->draft, remote->account, remote->password,
                    remote->line);
}

/* What is put behind the @ of this machine's users. The caller owns it. */
static char *
own_domain (const Remote *remote)
{
  const NullmailerControls *controls = remote->controls;
  const DraftWorld *world = remote->draft->world;
  const char *me = controls->me != NULL       ? controls->me
                   : world->mail_name != NULL ? world->mail_name
                                              : world->host;
  const char *host =
      controls->default_host != NULL ? controls->default_host : me;
  const char *domain =
      controls->default_domain != NULL ? controls->default_domain : me;

  return strchr (host, '.') != NULL || strcmp (host, "localhost") == 0
             ? g_strdup (host)
             : g_strdup_printf ("%s.%s", host, domain);
}

static void
finish_senders (Remote *remote)
{
  const char *from = remote->controls->all_mail_from;
  g_autofree char *domain = own_domain (remote);
  g_autofree char *own =
      g_strdup_printf ("%s@%s", remote->draft->world->user, domain);
  g_autofree char *all = g_strdup_printf ("*@%s", domain);

  if (from != NULL)
    {
      draft_from (remote->draft, remote->account, from, remote->line);
      set (remote, "rewrite-from", "always");
    }
  else if (remote->user != NULL && strchr (remote->user, '@') != NULL)
    draft_from (remote->draft, remote->account, remote->user, remote->line);
  else
    draft_from (remote->draft, remote->account, own, remote->line);
  draft_from (remote->draft, remote->account, all, remote->line);
  if (remote->controls->helo_host != NULL)
    set (remote, "ehlo-name", remote->controls->helo_host);
}

static void
read_remote (Draft *draft, const NullmailerControls *controls,
             const char *text, size_t length, int line)
{
  const char *end = text + length;
  bool first = draft->accounts->len == 0;
  Remote remote = { .draft = draft, .controls = controls, .line = line };
  Secret *word;

  remote.account = draft_account (draft, first ? "default" : "relay", line);
  if (first)
    draft_set_default (remote.account);
  else
    draft_note (draft, line,
                _ ("nullmailer went on to this relay when another one failed; "
                   "account `%s' is used only where it is named, as in "
                   "`sendmail --account %s'"),
                remote.account->name, remote.account->name);
  while ((word = next_word (&text, end)) != NULL)
    {
      remote.word++;
      take_word (&remote, word);
      secret_free (word);
    }
  finish_relay (&remote);
  if (!remote.account->left_out)
    {
      finish_login (&remote);
      finish_senders (&remote);
    }
  g_free (remote.port);
  g_free (remote.user);
  secret_free (remote.password);
  g_free (remote.certificate);
  g_free (remote.key);
}

static void
read_line (Draft *draft, const NullmailerControls *controls,
           const DraftLines *lines)
{
  const char *at = lines->line;
  const char *end = lines->line + lines->length;

  while (at < end && g_ascii_isspace (*at))
    at++;
  if (at == end || *at == '#')
    return;
  if (draft->accounts->len >= REMOTES_MAXIMUM)
    draft_note (draft, lines->number,
                _ ("these are too many relays; this one is left out"));
  else
    read_remote (draft, controls, at, (size_t) (end - at), lines->number);
}

void
import_nullmailer (Draft *draft, const DraftText *remotes,
                   const NullmailerControls *controls)
{
  DraftLines lines = { .text = remotes };
  g_autofree char *lifetime = g_strconcat (
      controls->queue_lifetime != NULL ? controls->queue_lifetime : "", "s",
      NULL);

  draft->file = remotes->file;
  while (draft_next_line (draft, &lines, LINE_MAXIMUM))
    read_line (draft, controls, &lines);
  if (controls->admin_address != NULL)
    draft_set (draft, NULL, "local-mail-to", controls->admin_address, 0);
  if (controls->queue_lifetime != NULL)
    draft_set (draft, NULL, "queue-lifetime", lifetime, 0);
}
