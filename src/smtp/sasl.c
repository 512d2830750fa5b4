#include "smtp/sasl.h"

#include <string.h>

#include <glib/gi18n.h>

#include "base/failure.h"
#include "base/text.h"
#include "smtp/sasl-gnu.h"
#include "smtp/sasl-oauth.h"
#include "smtp/sasl-scram.h"

#define USER_MAXIMUM 1024

enum
{
  NEEDS_CERTIFICATE = 1 << 0, /* unless it was asked for by name */
  NEEDS_PASSWORD = 1 << 1,    /* and a user */
  NEEDS_BINDING = 1 << 2,
  ONLY_BY_NAME = 1 << 3, /* weak, or not with what is this account's own */
  NEEDS_TOKEN = 1 << 4,  /* and a user; a password will not do */
  NEEDS_SECRET = NEEDS_PASSWORD | NEEDS_TOKEN,
};

/* What is lost to one who takes it out of the relay's offer. Within a class there
   is nothing to win. */
typedef enum
{
  CLASS_UNKNOWN,
  CLASS_PLAIN, /* the relay learns the secret, or what it is guessed from */
  CLASS_SCRAM_1,
  CLASS_SCRAM_256,
  CLASS_SCRAM_1_PLUS,
  CLASS_SCRAM_256_PLUS,
  CLASS_KEY, /* nothing that could be learned */
} Class;

struct SaslMechanism
{
  const char *name;
  Class class;
  unsigned needs;
  bool speaks_first;
  int rounds; /* answers: so many, or up to so many where GNU SASL counts */
  Secret *(*step) (Sasl *sasl, const char *challenge, size_t length,
                   GError **error);
};

struct Sasl
{
  const SaslMechanism *mechanism;
  const SaslLogin *login;
  Scram *scram;
  GnuSasl *gnu;
  int round;    /* answers given */
  char *reason; /* why the relay refuses; nullable */
};

/* No authorization identity: the relay takes it from the certificate. */
static Secret *
external_step (Sasl *sasl, const char *challenge, size_t length,
               GError **error)
{
  return secret_new ("", 0);
}

static Secret *
plain_step (Sasl *sasl, const char *challenge, size_t length, GError **error)
{
  g_autoptr (Secret) password = scram_prepare (sasl->login->password);
  size_t user_length = strlen (sasl->login->user);
  size_t size = user_length + secret_length (password) + 2;
  Secret *answer = secret_new_empty (size);
  char *out = secret_buffer (answer);

  /* The buffer is zero already: NUL user NUL password. */
  memcpy (out + 1, sasl->login->user, user_length);
  memcpy (out + user_length + 2, secret_octets (password),
          secret_length (password));
  secret_set_length (answer, size);
  return answer;
}

/* Prompts are not looked at: relays write what they like in them. */
static Secret *
login_step (Sasl *sasl, const char *challenge, size_t length, GError **error)
{
  const SaslLogin *login = sasl->login;

  if (sasl->round == 0)
    return secret_new (login->user, strlen (login->user));
  return secret_new (secret_octets (login->password),
                     secret_length (login->password));
}

static Secret *
scram_mechanism_step (Sasl *sasl, const char *challenge, size_t length,
                      GError **error)
{
  return scram_step (sasl->scram, challenge, length, error);
}

static Secret *
gnu_step (Sasl *sasl, const char *challenge, size_t length, GError **error)
{
  return gnu_sasl_step (sasl->gnu, challenge, length, error);
}

/* What follows the token is the relay's reason not to take it. It wants an answer,
   and says 5yz to that. */
static bool
hear_reason (Sasl *sasl, const char *challenge, size_t length, GError **error)
{
  sasl->reason
      = oauth_reason (challenge, length, sasl->login->password, error);
  return sasl->reason != NULL;
}

static Secret *
oauthbearer_step (Sasl *sasl, const char *challenge, size_t length,
                  GError **error)
{
  const SaslLogin *login = sasl->login;

  if (sasl->round == 0)
    return oauth_bearer (login->user, login->host, login->port,
                         login->password);
  return hear_reason (sasl, challenge, length, error) ? secret_new ("\1", 1)
                                                      : NULL;
}

static Secret *
xoauth2_step (Sasl *sasl, const char *challenge, size_t length, GError **error)
{
  const SaslLogin *login = sasl->login;

  if (sasl->round == 0)
    return oauth_xoauth2 (login->user, login->password);
  return hear_reason (sasl, challenge, length, error) ? secret_new ("", 0)
                                                      : NULL;
}

/* Strongest first. */
static const SaslMechanism mechanisms[] = {
  { "EXTERNAL", CLASS_KEY, NEEDS_CERTIFICATE, true, 1, external_step },
  { "GSSAPI", CLASS_KEY, ONLY_BY_NAME, true, GNU_SASL_ROUNDS, gnu_step },
  { "SCRAM-SHA-256-PLUS", CLASS_SCRAM_256_PLUS, NEEDS_PASSWORD | NEEDS_BINDING,
    true, SCRAM_ROUNDS, scram_mechanism_step },
  { "SCRAM-SHA-1-PLUS", CLASS_SCRAM_1_PLUS, NEEDS_PASSWORD | NEEDS_BINDING,
    true, SCRAM_ROUNDS, scram_mechanism_step },
  { "SCRAM-SHA-256", CLASS_SCRAM_256, NEEDS_PASSWORD, true, SCRAM_ROUNDS,
    scram_mechanism_step },
  { "SCRAM-SHA-1", CLASS_SCRAM_1, NEEDS_PASSWORD, true, SCRAM_ROUNDS,
    scram_mechanism_step },
  { "PLAIN", CLASS_PLAIN, NEEDS_PASSWORD, true, 1, plain_step },
  { "LOGIN", CLASS_PLAIN, NEEDS_PASSWORD, false, 2, login_step },
  { "DIGEST-MD5", CLASS_PLAIN, NEEDS_PASSWORD | ONLY_BY_NAME, false, 2,
    gnu_step },
  { "CRAM-MD5", CLASS_PLAIN, NEEDS_PASSWORD | ONLY_BY_NAME, false, 1,
    gnu_step },
  { "NTLM", CLASS_PLAIN, NEEDS_PASSWORD | ONLY_BY_NAME, true, 2, gnu_step },
  { "OAUTHBEARER", CLASS_PLAIN, NEEDS_TOKEN, true, 1, oauthbearer_step },
  { "XOAUTH2", CLASS_PLAIN, NEEDS_TOKEN, true, 1, xoauth2_step },
};

static bool
is_any (const char *wanted)
{
  return wanted == NULL || g_ascii_strcasecmp (wanted, "any") == 0;
}

static const SaslMechanism *
find (const char *name)
{
  for (size_t i = 0; i < G_N_ELEMENTS (mechanisms); i++)
    if (g_ascii_strcasecmp (mechanisms[i].name, name) == 0)
      return &mechanisms[i];
  return NULL;
}

const char *const *
sasl_choices (void)
{
  static const char *choices[G_N_ELEMENTS (mechanisms) + 2] = { "any" };

  if (choices[1] == NULL)
    for (size_t i = 0; i < G_N_ELEMENTS (mechanisms); i++)
      choices[i + 1] = g_ascii_strdown (mechanisms[i].name, -1);
  return choices;
}

bool
sasl_wants_secret (const char *wanted)
{
  const SaslMechanism *only = is_any (wanted) ? NULL : find (wanted);

  return only == NULL || (only->needs & NEEDS_SECRET) != 0;
}

bool
sasl_wants_token (const char *wanted)
{
  const SaslMechanism *only = is_any (wanted) ? NULL : find (wanted);

  return only != NULL && (only->needs & NEEDS_TOKEN) != 0;
}

static Class
class_of (const char *name)
{
  const SaslMechanism *mechanism = name == NULL ? NULL : find (name);

  return mechanism == NULL ? CLASS_UNKNOWN : mechanism->class;
}

bool
sasl_is_stronger (const char *name, const char *other)
{
  return class_of (name) > class_of (other);
}

/* A token is no password, and a password no token. */
static bool
takes_secret (const SaslMechanism *mechanism, bool token)
{
  return ((mechanism->needs & NEEDS_TOKEN) != 0) == token;
}

/* "EXTERNAL, SCRAM-SHA-256-PLUS, …": those without NEEDS, with or without a
   token. */
static char *
list_mechanisms (unsigned needs, bool token)
{
  const char *names[G_N_ELEMENTS (mechanisms) + 1] = { NULL };
  size_t count = 0;

  for (size_t i = 0; i < G_N_ELEMENTS (mechanisms); i++)
    if ((mechanisms[i].needs & needs) == 0
        && takes_secret (&mechanisms[i], token))
      names[count++] = mechanisms[i].name;
  return g_strjoinv (", ", (char **) names);
}

static bool
check_password (const Secret *password, GError **error)
{
  if (password == NULL || secret_length (password) == 0)
    {
      g_set_error_literal (error, FAILURE, FAILURE_CREDENTIAL,
                           _ ("the password is empty"));
      return false;
    }
  if (memchr (secret_octets (password), '\0', secret_length (password))
      != NULL)
    {
      g_set_error_literal (error, FAILURE, FAILURE_CREDENTIAL,
                           _ ("the password holds a NUL octet"));
      return false;
    }
  return true;
}

static bool
check_user (const char *user, GError **error)
{
  if (user == NULL || *user == '\0')
    {
      g_set_error_literal (error, FAILURE, FAILURE_CONFIG,
                           _ ("the account has no `user' to log in as"));
      return false;
    }
  if (strlen (user) > USER_MAXIMUM)
    {
      g_set_error (error, FAILURE, FAILURE_CONFIG,
                   _ ("`user' is longer than %d octets"), USER_MAXIMUM);
      return false;
    }
  if (text_has_control (user))
    {
      g_set_error_literal (error, FAILURE, FAILURE_CONFIG,
                           _ ("`user' holds a control character"));
      return false;
    }
  return true;
}

bool
sasl_check (const char *wanted, const SaslLogin *login, GError **error)
{
  const SaslMechanism *only = is_any (wanted) ? NULL : find (wanted);

  if (!is_any (wanted)
      && (only == NULL || !takes_secret (only, login->token)))
    {
      g_autofree char *known = list_mechanisms (0, login->token);

      g_set_error (error, FAILURE, FAILURE_CONFIG,
                   _ ("`auth' cannot be `%s': write `any', or one of %s"),
                   wanted, known);
      return false;
    }
  if (!sasl_wants_secret (wanted))
    return true;
  if (only == NULL && login->certificate && login->user == NULL)
    return true;
  return check_user (login->user, error)
         && (login->token ? oauth_check_token (login->password, error)
                          : check_password (login->password, error));
}

static bool
serves (const SaslLogin *login, const SaslMechanism *mechanism)
{
  return takes_secret (mechanism, login->token)
         && ((mechanism->needs & NEEDS_SECRET) == 0
             || (login->user != NULL && login->password != NULL))
         && ((mechanism->needs & NEEDS_BINDING) == 0
             || login->binding != NULL);
}

/* Whether WANTED, or what is used where nothing is, has MECHANISM. */
static bool
admits (const char *wanted, const SaslLogin *login,
        const SaslMechanism *mechanism)
{
  if (!is_any (wanted))
    return g_ascii_strcasecmp (wanted, mechanism->name) == 0;
  if ((mechanism->needs & ONLY_BY_NAME) != 0
      || ((mechanism->needs & NEEDS_CERTIFICATE) != 0 && !login->certificate))
    return false;
  /* No token mechanism is stronger than another, whatever a password was good for
     before. */
  return wanted != NULL || login->token
         || mechanism->class >= class_of (login->remembered);
}

const SaslMechanism *
sasl_choose (const char *const *offered, const char *wanted,
             const SaslLogin *login, const SaslMechanism *after)
{
  const SaslMechanism *end = mechanisms + G_N_ELEMENTS (mechanisms);

  for (const SaslMechanism *m = after == NULL ? mechanisms : after + 1;
       m < end; m++)
    if (admits (wanted, login, m) && serves (login, m)
        && g_strv_contains (offered, m->name))
      return m;
  return NULL;
}

void
sasl_explain (const char *const *offered, const char *wanted,
              const SaslLogin *login, GError **error)
{
  g_autofree char *joined = g_strjoinv (", ", (char **) offered);
  g_autofree char *shown = text_printable (joined, strlen (joined), 200);
  g_autofree char *known = is_any (wanted)
                               ? list_mechanisms (ONLY_BY_NAME, login->token)
                               : g_ascii_strup (wanted, -1);

  if (offered[0] == NULL)
    g_set_error_literal (error, FAILURE, FAILURE_CREDENTIAL,
                         _ ("the relay offers no login at all"));
  else if (wanted == NULL
           && sasl_choose (offered, "any", login, NULL) != NULL)
    g_set_error (
        error, FAILURE, FAILURE_CREDENTIAL,
        _ ("the relay logged this account in by %s before and offers only %s "
           "now: somebody may have come in between, so nothing was sent; "
           "if the relay has changed, write `auth = any'"),
        login->remembered, shown);
  else
    g_set_error (error, FAILURE, FAILURE_CREDENTIAL,
                 _ ("the relay offers no login that this account can use: it "
                    "offers %s, and we know %s"),
                 shown, known);
}

const char *
sasl_name (const SaslMechanism *mechanism)
{
  return mechanism->name;
}

static bool
offers_binding (const char *const *offered)
{
  for (size_t i = 0; i < G_N_ELEMENTS (mechanisms); i++)
    if ((mechanisms[i].needs & NEEDS_BINDING) != 0
        && g_strv_contains (offered, mechanisms[i].name))
      return true;
  return false;
}

Sasl *
sasl_new (const SaslMechanism *mechanism, const char *const *offered,
          const SaslLogin *login, GError **error)
{
  g_autoptr (Sasl) sasl = g_new0 (Sasl, 1);
  bool bind =
      (mechanism->needs & NEEDS_BINDING) != 0 || !offers_binding (offered);

  sasl->mechanism = mechanism;
  sasl->login = login;
  if (mechanism->step == scram_mechanism_step)
    {
      sasl->scram = scram_new (mechanism->name, login->user, login->password,
                               bind ? login->binding : NULL, error);
      if (sasl->scram == NULL)
        return NULL;
    }
  if (mechanism->step == gnu_step)
    {
      bool secret = (mechanism->needs & NEEDS_PASSWORD) != 0;

      sasl->gnu = gnu_sasl_new (mechanism->name, login->host,
                                secret ? login->user : NULL,
                                secret ? login->password : NULL, error);
      if (sasl->gnu == NULL)
        return NULL;
    }
  return g_steal_pointer (&sasl);
}

void
sasl_free (Sasl *sasl)
{
  if (sasl == NULL)
    return;
  scram_free (sasl->scram);
  gnu_sasl_free (sasl->gnu);
  g_free (sasl->reason);
  g_free (sasl);
}

bool
sasl_speaks_first (const Sasl *sasl)
{
  return sasl->mechanism->speaks_first;
}

/* Behind a token there is the answer to the relay's reason. */
static bool
has_more (const Sasl *sasl)
{
  bool token = (sasl->mechanism->needs & NEEDS_TOKEN) != 0;

  return sasl->round < sasl->mechanism->rounds + token
         && (token || !sasl_finished (sasl));
}

Secret *
sasl_step (Sasl *sasl, const char *challenge, size_t length, GError **error)
{
  Secret *answer;

  if (!has_more (sasl))
    {
      g_set_error (error, FAILURE, FAILURE_PROTOCOL,
                   /* TRANSLATORS: a mechanism, as in "SCRAM-SHA-256". */
                   _ ("the relay asks for more than %s has to say"),
                   sasl->mechanism->name);
      return NULL;
    }
  answer = sasl->mechanism->step (sasl, challenge, length, error);
  secret_scrub_stack ();
  if (answer != NULL)
    sasl->round++;
  return answer;
}

bool
sasl_finished (const Sasl *sasl)
{
  return sasl->gnu != NULL ? gnu_sasl_finished (sasl->gnu)
                           : sasl->round == sasl->mechanism->rounds;
}

const char *
sasl_reason (const Sasl *sasl)
{
  return sasl->reason == NULL ? "" : sasl->reason;
}

Secret *
sasl_encode (const Secret *octets)
{
  size_t length = secret_length (octets);
  Secret *text = secret_new_empty ((length / 3 + 1) * 4 + 4);
  char *out = secret_buffer (text);
  int state = 0, save = 0;
  size_t done = g_base64_encode_step ((const guchar *)secret_octets (octets),
                                      length, FALSE, out, &state, &save);

  done += g_base64_encode_close (FALSE, out + done, &state, &save);
  explicit_bzero (&save, sizeof save);
  secret_set_length (text, done);
  return text;
}

char *
sasl_decode (const char *text, size_t *length)
{
  g_autofree guchar *octets = g_base64_decode (text, length);
  g_autofree char *again = g_base64_encode (octets, *length);
  char *result;

  if (strcmp (again, text) != 0)
    return NULL;
  result = g_malloc0 (*length + 1);
  memcpy (result, octets, *length);
  return result;
}
