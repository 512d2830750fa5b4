#include "cli/import-msmtp.h"

#include <fnmatch.h>
#include <string.h>

#include <glib/gi18n.h>

#include "cli/msmtprc.h"

typedef struct
{
  Draft *draft;
  const GPtrArray *all; /* accounts of the file */
  const MsmtpAccount *old;
  DraftAccount *account;
} Conversion;

static const MsmtpValue *
value_of (const Conversion *conversion, MsmtpSlot slot)
{
  return &conversion->old->values[slot];
}

static const char *
text_of (const Conversion *conversion, MsmtpSlot slot)
{
  return value_of (conversion, slot)->text;
}

static bool
is (const Conversion *conversion, MsmtpSlot slot, const char *text)
{
  return g_strcmp0 (text_of (conversion, slot), text) == 0;
}

/* Line of SLOT, or of the account where nothing was said. */
static int
line_of (const Conversion *conversion, MsmtpSlot slot)
{
  int line = value_of (conversion, slot)->line;

  return line != 0 ? line : conversion->old->line;
}

static void
set (const Conversion *conversion, const char *name, const char *value,
     MsmtpSlot slot)
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
expand (const Conversion *conversion, MsmtpSlot slot)
{
  const DraftWorld *world = conversion->draft->world;
  char *text = g_strdup (text_of (conversion, slot));

  text = replace (text, "%H", world->host);
  text = replace (text, "%C", world->host);
  if (world->mail_name != NULL)
    text = replace (text, "%M", world->mail_name);
  if (slot == MSMTP_FROM)
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
      note (conversion, MSMTP_FROM,
            _ ("`[' stands for itself in `from', and only * and ? are "
               "patterns: write the addresses, separated by commas"));
      return;
    }
  pattern = strchr (from, '@') != NULL ? g_strdup (from)
            : from[0] == '*'           ? g_strconcat ("*@", from, NULL)
                                       : g_strconcat (from, "@*", NULL);
  draft_from (conversion->draft, conversion->account, pattern,
              line_of (conversion, MSMTP_FROM));
}

/* msmtp takes me+list@example.org for me@example.org. */
static void
add_details (const Conversion *conversion, const char *from)
{
  const char *at = strrchr (from, '@');
  g_autofree char *pattern = NULL;

  if (at == NULL || strchr (from, '+') != NULL || from[0] == '"'
      || conversion->all->len < 2)
    return;
  pattern = g_strdup_printf ("%.*s+*%s", (int) (at - from), from, at);
  draft_from (conversion->draft, conversion->account, pattern,
              line_of (conversion, MSMTP_FROM));
}

/* With msmtp the first account that fits has the message, here the one that
   fits best. */
static void
warn_of_shadow (const Conversion *conversion, const char *from)
{
  const GPtrArray *all = conversion->all;

  for (size_t i = 0; i < all->len && all->pdata[i] != conversion->old; i++)
    {
      const MsmtpAccount *earlier = all->pdata[i];
      const char *pattern = earlier->values[MSMTP_FROM].text;

      if (pattern != NULL && is_pattern (pattern) && !is_pattern (from)
          && fnmatch (pattern, from, 0) == 0)
        note (conversion, MSMTP_FROM,
              _ ("msmtp sent mail from %s through `%s', whose pattern comes "
                 "first; now it goes through `%s'"),
              from, earlier->name, conversion->account->name);
    }
}

static void
add_from (const Conversion *conversion)
{
  g_autofree char *from = expand (conversion, MSMTP_FROM);

  if (from == NULL)
    return;
  if (is_pattern (from))
    add_pattern (conversion, from);
  else if (draft_from (conversion->draft, conversion->account, from,
                       line_of (conversion, MSMTP_FROM)))
    {
      add_details (conversion, from);
      warn_of_shadow (conversion, from);
    }
}

static void
convert_from (const Conversion *conversion)
{
  const char *domain = text_of (conversion, MSMTP_MAILDOMAIN);
  g_autofree char *made = NULL;

  if (is (conversion, MSMTP_FROM_OVERRIDE, "off")
      || is (conversion, MSMTP_SET_FROM, "on"))
    set (conversion, "rewrite-from", "always",
         is (conversion, MSMTP_SET_FROM, "on") ? MSMTP_SET_FROM
                                               : MSMTP_FROM_OVERRIDE);
  /* This one goes before what `from' says. */
  if (is (conversion, MSMTP_AUTO_FROM, "on") && domain != NULL)
    {
      made = g_strdup_printf ("%s@%s", conversion->draft->world->user, domain);
      draft_from (conversion->draft, conversion->account, made,
                  line_of (conversion, MSMTP_MAILDOMAIN));
    }
  if (text_of (conversion, MSMTP_FROM) != NULL)
    add_from (conversion);
}

static void
require_from (const Conversion *conversion)
{
  if (draft_get (conversion->account, "from") == NULL
      && !draft_guess_from (conversion->draft, conversion->account,
                            text_of (conversion, MSMTP_USER),
                            line_of (conversion, MSMTP_FROM)))
    draft_leave_out (conversion->draft, conversion->account,
                     line_of (conversion, MSMTP_FROM),
                     _ ("it has no address of its own: write `from ADDRESS' "
                        "there, and import it again"));
}

static const char no_tls[] =
    N_ ("it sends without TLS, and Postrider never does. If the relay "
        "has TLS "
        "(port 465, or STARTTLS on port 587), write `tls on' there and "
        "import "
        "it again; if it has none, whoever runs it has to switch it on");

static void
convert_relay (const Conversion *conversion)
{
  const char *port = text_of (conversion, MSMTP_PORT);
  bool implicit = is (conversion, MSMTP_STARTTLS, "off");

  if (is (conversion, MSMTP_PROTOCOL, "lmtp"))
    draft_leave_out (conversion->draft, conversion->account,
                     line_of (conversion, MSMTP_PROTOCOL),
                     _ ("it speaks LMTP, which is for delivery on this "
                        "machine"));
  if (!is (conversion, MSMTP_TLS, "on"))
    draft_leave_out (conversion->draft, conversion->account,
                     line_of (conversion, MSMTP_TLS), "%s", _ (no_tls));
  if (text_of (conversion, MSMTP_HOST) != NULL)
    set (conversion, "host", text_of (conversion, MSMTP_HOST), MSMTP_HOST);
  else
    draft_leave_out (conversion->draft, conversion->account,
                     conversion->old->line, _ ("it has no `host'"));
  if (port == NULL)
    port = implicit ? "465" : "25";
  draft_way (conversion->draft, conversion->account, port, !implicit,
             line_of (conversion, MSMTP_PORT));
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
      text_of (conversion, MSMTP_HOST));

  note (
      conversion, MSMTP_FINGERPRINT,
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
  const char *trust = text_of (conversion, MSMTP_TRUST_FILE);

  if (trust != NULL && !draft_is_system_bundle (trust))
    set (conversion, "trust-file", trust, MSMTP_TRUST_FILE);
  if (text_of (conversion, MSMTP_FINGERPRINT) != NULL)
    explain_fingerprint (conversion);
  if (is (conversion, MSMTP_CERTCHECK, "off"))
    draft_unchecked (conversion->draft, conversion->account,
                     line_of (conversion, MSMTP_CERTCHECK));
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
  const char *command = text_of (conversion, MSMTP_PASSWORDEVAL);
  const MsmtpValue *password = value_of (conversion, MSMTP_PASSWORD);
  const char *auth = text_of (conversion, MSMTP_AUTH);
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
                      line_of (conversion, MSMTP_PASSWORDEVAL));
      return;
    }
  plain = draft_command (command);
  set (conversion, token ? "token-command" : "password-command", plain,
       MSMTP_PASSWORDEVAL);
}

static void
convert_login (const Conversion *conversion)
{
  const char *auth = text_of (conversion, MSMTP_AUTH);
  const char *user = text_of (conversion, MSMTP_USER);

  if (user != NULL)
    set (conversion, "user", user, MSMTP_USER);
  if ((auth == NULL || strcmp (auth, "off") == 0) && user == NULL
      && text_of (conversion, MSMTP_CERT_FILE) == NULL)
    draft_no_login (conversion->draft, conversion->account,
                    line_of (conversion, MSMTP_AUTH));
  if (auth != NULL && auth[0] != '\0' && strcmp (auth, "on") != 0
      && strcmp (auth, "off") != 0)
    set (conversion, "auth", auth, MSMTP_AUTH);
  if (text_of (conversion, MSMTP_NTLMDOMAIN) != NULL)
    note (conversion, MSMTP_NTLMDOMAIN,
          _ ("there is no setting for the domain of NTLM"));
  if (user != NULL)
    convert_secret (conversion);
}

static void
convert_timeout (const Conversion *conversion)
{
  const char *timeout = text_of (conversion, MSMTP_TIMEOUT);
  g_autofree char *seconds = NULL;

  if (timeout == NULL || strcmp (timeout, "off") == 0)
    return;
  seconds = g_strconcat (timeout, "s", NULL);
  set (conversion, "timeout-connect", seconds, MSMTP_TIMEOUT);
}

static void
convert_domain (const Conversion *conversion)
{
  g_autofree char *domain = NULL;

  if (text_of (conversion, MSMTP_DOMAIN_NAME) == NULL
      || is (conversion, MSMTP_DOMAIN_NAME, "localhost"))
    return;
  domain = expand (conversion, MSMTP_DOMAIN_NAME);
  if (domain != NULL)
    set (conversion, "ehlo-name", domain, MSMTP_DOMAIN_NAME);
}

static void
convert_proxy (const Conversion *conversion)
{
  const char *host = text_of (conversion, MSMTP_PROXY_HOST);
  const char *port = text_of (conversion, MSMTP_PROXY_PORT);
  g_autofree char *proxy = NULL;

  if (host == NULL)
    return;
  proxy = g_strdup_printf (strchr (host, ':') != NULL ? "socks5://[%s]:%s"
                                                      : "socks5://%s:%s",
                           host, port != NULL ? port : "1080");
  set (conversion, "proxy", proxy, MSMTP_PROXY_HOST);
}

static void
convert_dsn (const Conversion *conversion)
{
  const char *notify = text_of (conversion, MSMTP_DSN_NOTIFY);
  const char *returned = text_of (conversion, MSMTP_DSN_RETURN);

  if (notify != NULL && strcmp (notify, "off") != 0)
    set (conversion, "dsn-notify", notify, MSMTP_DSN_NOTIFY);
  if (returned != NULL && strcmp (returned, "off") != 0)
    set (conversion, "dsn-return", returned, MSMTP_DSN_RETURN);
}

/* These are of all accounts. */
static void
convert_general (const Conversion *conversion)
{
  const char *log = text_of (conversion, MSMTP_LOGFILE);
  const char *aliases = text_of (conversion, MSMTP_ALIASES);

  if (aliases != NULL)
    draft_set (conversion->draft, NULL, "aliases", aliases,
               line_of (conversion, MSMTP_ALIASES));
  if (log != NULL && strcmp (log, "-") == 0)
    note (conversion, MSMTP_LOGFILE,
          _ ("`logfile -': the log is always a file; `postrider log' shows "
             "it"));
  else if (log != NULL)
    draft_set (conversion->draft, NULL, "log", log,
               line_of (conversion, MSMTP_LOGFILE));
}

/* What has a setting of the same meaning. */
static const struct
{
  MsmtpSlot slot;
  const char *setting;
} same[] = {
  { MSMTP_CRL_FILE, "crl-file" },        { MSMTP_KEY_FILE, "key" },
  { MSMTP_CERT_FILE, "certificate" },    { MSMTP_SOCKET, "socket" },
  { MSMTP_SOURCE_IP, "source-address" },
};

/* What has none. */
static const struct
{
  MsmtpSlot slot;
  const char *harmless; /* a value that changes nothing; NULL: none */
  const char *advice;
} absent[] = {
  { MSMTP_FULL_NAME, NULL,
    N_ ("`from_full_name' has no setting: the name is that of the user, or "
        "what option -F says") },
  { MSMTP_SET_FROM, "auto",
    N_ ("`set_from_header': a From that is missing is always added") },
  { MSMTP_PRIORITIES, NULL,
    N_ ("`tls_priorities' has no setting: TLS 1.2 or later is spoken, with "
        "GnuTLS's own choice of ciphers") },
  { MSMTP_DH_BITS, NULL,
    N_ ("`tls_min_dh_prime_bits' has no setting: GnuTLS decides") },
  { MSMTP_HOST_OVERRIDE, NULL,
    N_ ("`tls_host_override' has no setting: `host' is the name in the "
        "certificate; where the way there is another one, say so with "
        "`tunnel' "
        "or `socket'") },
  { MSMTP_SET_DATE, "auto",
    N_ ("`set_date_header': a Date that is missing is always added") },
  { MSMTP_SET_MSGID, "auto",
    N_ ("`set_msgid_header': a Message-ID that is missing is always added") },
  { MSMTP_SET_TO, "off",
    N_ ("`set_to_header' and `undisclosed_recipients' have no setting: To and "
        "Cc stay as they are written; recipients to be hidden belong in "
        "Bcc") },
  { MSMTP_REMOVE_BCC, "on",
    N_ ("`remove_bcc_headers': Bcc is always removed, so that blind copies "
        "stay blind") },
  { MSMTP_LOGFILE_TIME, NULL,
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
        && !(absent[i].slot == MSMTP_SET_FROM
             && is (conversion, MSMTP_SET_FROM, "on")))
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
is_same (const MsmtpAccount *one, const MsmtpAccount *other)
{
  for (int slot = 0; slot < MSMTP_N_SLOTS; slot++)
    if (slot != MSMTP_LOGFILE && slot != MSMTP_SYSLOG && slot != MSMTP_ALIASES
        && (g_strcmp0 (one->values[slot].text, other->values[slot].text) != 0
            || !secrets_equal (one->values[slot].secret,
                               other->values[slot].secret)))
      return false;
  return true;
}

/* As `account default : work' says: what the account above becomes is the
   default; NULL: there is none that is the same. */
static DraftAccount *
find_twin (const Draft *draft, const GPtrArray *all, const MsmtpAccount *old)
{
  for (size_t i = 0; i < all->len; i++)
    {
      const MsmtpAccount *other = g_ptr_array_index (all, i);

      if (other == old)
        return NULL;
      if (is_same (other, old))
        return g_ptr_array_index (draft->accounts, i);
    }
  return NULL;
}

static void
convert (Draft *draft, const GPtrArray *all, const MsmtpAccount *old)
{
  bool is_default = strcmp (old->name, "default") == 0;
  Conversion conversion = { draft, all, old,
                            is_default ? find_twin (draft, all, old) : NULL };

  if (conversion.account != NULL)
    convert_general (&conversion);
  else
    {
      conversion.account = draft_account (draft, old->name, old->line);
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
  g_autoptr (GPtrArray) all = msmtprc_read (draft, msmtprc);

  for (size_t i = 0; i < all->len; i++)
    convert (draft, all, g_ptr_array_index (all, i));
}
