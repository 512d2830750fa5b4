/* The choice of a mechanism, the octets of its answers, and SCRAM against an
 * honest and a hostile relay. The honest one is the server side of GNU SASL.
 */

#include <string.h>

#include <glib.h>
#include <gsasl.h>

#include "base/failure.h"
#include "smtp/sasl-scram.h"
#include "smtp/sasl.h"

#define USER "me@example.org"
#define PASSWORD "open sesame"

/* Strongest first. */
static const char *const ours[] = {
  "EXTERNAL",      "SCRAM-SHA-256-PLUS", "SCRAM-SHA-1-PLUS",
  "SCRAM-SHA-256", "SCRAM-SHA-1",        "PLAIN",
  "LOGIN",
};
static const char *const foreign[] = {
  "CRAM-MD5", "DIGEST-MD5", "NTLM", "ANONYMOUS", "GSSAPI",
};

typedef struct
{
  Secret *password;
  SaslLogin login;
} Fixture;

static void
fixture_init (Fixture *fixture, const char *password)
{
  fixture->password = secret_new (password, strlen (password));
  fixture->login = (SaslLogin){ .user = USER,
                                .password = fixture->password,
                                .host = "relay.example" };
}

static void
fixture_clear (Fixture *fixture)
{
  secret_free (fixture->password);
  g_clear_pointer (&fixture->login.binding, g_bytes_unref);
}

static GBytes *
fake_binding (void)
{
  return g_bytes_new_static ("0123456789abcdef0123456789abcdef", 32);
}

/* Of ours, by what is lost where somebody takes it away. */
static const int classes[] = { 6, 5, 4, 3, 2, 1, 1 };

/* What the table of the test says of subset MASK, after a login by number
   REMEMBERED of ours (-1: by none). */
static const char *
expected_choice (unsigned mask, const SaslLogin *login, int remembered)
{
  for (size_t i = 0; i < G_N_ELEMENTS (ours); i++)
    if ((mask & (1u << i)) != 0 && (i != 0 || login->certificate)
        && (login->binding != NULL || !g_str_has_suffix (ours[i], "-PLUS"))
        && (remembered < 0 || classes[i] >= classes[remembered]))
      return ours[i];
  return NULL;
}

/* The last of a relay's list may be the strongest. */
static void
offer (unsigned mask, const char **offered)
{
  for (size_t i = 0; i < G_N_ELEMENTS (foreign); i++)
    if ((mask & (1u << (G_N_ELEMENTS (ours) + i))) != 0)
      *offered++ = foreign[i];
  for (size_t i = G_N_ELEMENTS (ours); i-- > 0;)
    if ((mask & (1u << i)) != 0)
      *offered++ = ours[i];
  *offered = NULL;
}

static void
check_choice (const char *const *offered, const char *wanted,
              const SaslLogin *login, const char *expected)
{
  const SaslMechanism *chosen = sasl_choose (offered, wanted, login, NULL);

  g_assert_cmpstr (chosen == NULL ? NULL : sasl_name (chosen), ==, expected);
}

static void
check_subset (unsigned mask, SaslLogin *login)
{
  const char *offered[G_N_ELEMENTS (ours) + G_N_ELEMENTS (foreign) + 1];

  offer (mask, offered);
  for (int i = -1; i < (int) G_N_ELEMENTS (ours); i++)
    {
      login->remembered = i < 0 ? NULL : ours[i];
      check_choice (offered, NULL, login, expected_choice (mask, login, i));
      check_choice (offered, "any", login, expected_choice (mask, login, -1));
    }
}

/* 4096 subsets of twelve names, with and without certificate and binding, and
   whatever logged in before. */
static void
test_subsets (void)
{
  Fixture fixture;
  g_autoptr (GBytes) binding = fake_binding ();

  fixture_init (&fixture, PASSWORD);
  for (unsigned mask = 0;
       mask < 1u << (G_N_ELEMENTS (ours) + G_N_ELEMENTS (foreign)); mask++)
    for (unsigned how = 0; how < 4; how++)
      {
        fixture.login.certificate = (how & 1) != 0;
        fixture.login.binding = (how & 2) != 0 ? binding : NULL;
        check_subset (mask, &fixture.login);
      }
  fixture.login.binding = NULL;
  fixture_clear (&fixture);
}

static void
test_wanted (void)
{
  static const char *const all[] = { "LOGIN",         "PLAIN",
                                     "EXTERNAL",      "SCRAM-SHA-1",
                                     "SCRAM-SHA-256", "SCRAM-SHA-256-PLUS",
                                     "CRAM-MD5",      "XYZZY",
                                     NULL };
  static const struct
  {
    const char *wanted;
    const char *chosen;
  } cases[] = {
    { NULL, "SCRAM-SHA-256" },
    { "any", "SCRAM-SHA-256" },
    { "ANY", "SCRAM-SHA-256" },
    { "plain", "PLAIN" },
    { "Login", "LOGIN" },
    { "external", "EXTERNAL" },
    { "scram-sha-1", "SCRAM-SHA-1" },
    { "scram-sha-256-plus", NULL }, /* no binding */
    { "scram-sha-1-plus", NULL },   /* not offered */
    { "cram-md5", "CRAM-MD5" },
    { "digest-md5", NULL }, /* not offered */
    { "xyzzy", NULL },      /* not ours */
  };
  Fixture fixture;

  fixture_init (&fixture, PASSWORD);
  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      const SaslMechanism *chosen =
          sasl_choose (all, cases[i].wanted, &fixture.login, NULL);

      g_assert_cmpstr (chosen == NULL ? NULL : sasl_name (chosen), ==,
                       cases[i].chosen);
    }
  fixture_clear (&fixture);
}

/* Refused one after the other, the list is gone through once. */
static void
test_after (void)
{
  static const char *const offered[] = { "LOGIN", "PLAIN", "SCRAM-SHA-1",
                                         NULL };
  const SaslMechanism *chosen = NULL;
  Fixture fixture;

  fixture_init (&fixture, PASSWORD);
  for (size_t i = G_N_ELEMENTS (offered) - 1; i-- > 0;)
    {
      chosen = sasl_choose (offered, NULL, &fixture.login, chosen);
      g_assert_cmpstr (sasl_name (chosen), ==, offered[i]);
    }
  g_assert_null (sasl_choose (offered, NULL, &fixture.login, chosen));
  fixture_clear (&fixture);
}

static void
test_check (void)
{
  static const struct
  {
    const char *wanted;
    const char *user;
    const char *password; /* nullable */
    size_t length;
    bool certificate, token;
    int kind; /* -1: fine */
  } cases[] = {
    { NULL, "me", "x", 1, false, false, -1 },
    { "any", "me", "x", 1, true, false, -1 },
    { NULL, NULL, NULL, 0, false, false, FAILURE_CONFIG },
    { NULL, "", "x", 1, false, false, FAILURE_CONFIG },
    { NULL, NULL, NULL, 0, true, false, -1 },
    { "external", NULL, NULL, 0, false, false, -1 },
    { "plain", NULL, "x", 1, true, false, FAILURE_CONFIG },
    { NULL, "me", NULL, 0, false, false, FAILURE_CREDENTIAL },
    { NULL, "me", "", 0, false, false, FAILURE_CREDENTIAL },
    { "plain", "me", "", 0, false, false, FAILURE_CREDENTIAL },
    { NULL, "me", "a\0b", 3, false, false, FAILURE_CREDENTIAL },
    { "xyzzy", "me", "x", 1, false, false, FAILURE_CONFIG },
    { "cram-md5", "me", "x", 1, false, false, -1 },
    { "cram-md5", "me", "", 0, false, false, FAILURE_CREDENTIAL },
    { "ntlm", NULL, "x", 1, false, false, FAILURE_CONFIG },
    { "gssapi", NULL, NULL, 0, false, false, -1 },
    { "", "me", "x", 1, false, false, FAILURE_CONFIG },
    /* A token is no password, and a password no token. */
    { NULL, "me", "ey.J~/==", 8, false, true, -1 },
    { "any", "me", "ey.J~/==", 8, false, true, -1 },
    { "xoauth2", "me", "x", 1, false, true, -1 },
    { "OAUTHBEARER", "me", "x", 1, false, true, -1 },
    { "OAUTHBEARER", NULL, "x", 1, false, true, FAILURE_CONFIG },
    { "OAUTHBEARER", "me\1auth=Bearer x", "x", 1, false, true,
      FAILURE_CONFIG },
    { "OAUTHBEARER", "me", "x\r\n", 3, false, true, FAILURE_CREDENTIAL },
    { "OAUTHBEARER", "me", "", 0, false, true, FAILURE_CREDENTIAL },
    { "OAUTHBEARER", "me", NULL, 0, false, true, FAILURE_CREDENTIAL },
    { "OAUTHBEARER", "me", "x", 1, false, false, FAILURE_CONFIG },
    { "PLAIN", "me", "x", 1, false, true, FAILURE_CONFIG },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (Secret) password =
          cases[i].password == NULL
              ? NULL
              : secret_new (cases[i].password, cases[i].length);
      SaslLogin login = { .user = cases[i].user,
                          .password = password,
                          .certificate = cases[i].certificate,
                          .token = cases[i].token };
      g_autoptr (GError) error = NULL;
      bool fine = sasl_check (cases[i].wanted, &login, &error);

      g_assert_cmpint (fine, ==, cases[i].kind < 0);
      if (!fine)
        g_assert_error (error, FAILURE, cases[i].kind);
    }
}

static void
test_explain (void)
{
  static const char *const offered[] = { "CRAM-MD5", "NTLM", NULL };
  SaslLogin login = { 0 };
  g_autoptr (GError) some = NULL;
  g_autoptr (GError) none = NULL;

  sasl_explain (offered, NULL, &login, &some);
  g_assert_error (some, FAILURE, FAILURE_CREDENTIAL);
  g_assert_nonnull (strstr (some->message, "CRAM-MD5, NTLM"));
  g_assert_nonnull (strstr (some->message, "SCRAM-SHA-256, "));
  sasl_explain (offered + 2, NULL, &login, &none);
  g_assert_error (none, FAILURE, FAILURE_CREDENTIAL);
}

static Sasl *
start (const char *name, const Fixture *fixture)
{
  const char *offered[] = { name, NULL };
  const SaslMechanism *mechanism =
      sasl_choose (offered, name, &fixture->login, NULL);
  g_autoptr (GError) error = NULL;
  Sasl *sasl;

  g_assert_nonnull (mechanism);
  sasl = sasl_new (mechanism, offered, &fixture->login, &error);
  g_assert_no_error (error);
  return sasl;
}

/* The answers of the simple mechanisms, byte for byte and as base64. */
static void
test_octets (void)
{
  static const struct
  {
    const char *name;
    const char *password;
    bool first;
    const char *answers[3]; /* base64 */
  } cases[] = {
    { "EXTERNAL", "x", true, { "" } },
    { "PLAIN", "secret", true, { "AG1lQGV4YW1wbGUub3JnAHNlY3JldA==" } },
    { "PLAIN", "p\303\244ss", true, { "AG1lQGV4YW1wbGUub3JnAHDDpHNz" } },
    /* SASLprep (RFC 4013 section 3): what changes, and what does not. */
    { "PLAIN", "I\302\255X", true, { "AG1lQGV4YW1wbGUub3JnAElY" } },
    { "PLAIN", "user", true, { "AG1lQGV4YW1wbGUub3JnAHVzZXI=" } },
    { "PLAIN", "USER", true, { "AG1lQGV4YW1wbGUub3JnAFVTRVI=" } },
    { "PLAIN", "\342\205\250", true, { "AG1lQGV4YW1wbGUub3JnAElY" } },
    { "PLAIN", "\302\252", true, { "AG1lQGV4YW1wbGUub3JnAGE=" } },
    /* Where that fails the octets stay: U+0007, U+0627 U+0031. */
    { "PLAIN", "\a", true, { "AG1lQGV4YW1wbGUub3JnAAc=" } },
    { "PLAIN", "\330\2471", true, { "AG1lQGV4YW1wbGUub3JnANinMQ==" } },
    { "LOGIN", "secret", false, { "bWVAZXhhbXBsZS5vcmc=", "c2VjcmV0" } },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      Fixture fixture;
      g_autoptr (Sasl) sasl = NULL;
      g_autoptr (GError) error = NULL;

      fixture_init (&fixture, cases[i].password);
      sasl = start (cases[i].name, &fixture);
      g_assert_cmpint (sasl_speaks_first (sasl), ==, cases[i].first);
      for (size_t j = 0; cases[i].answers[j] != NULL; j++)
        {
          g_autoptr (Secret) answer = NULL;
          g_autoptr (Secret) text = NULL;

          g_assert_false (sasl_finished (sasl));
          answer = sasl_step (sasl, "Enter nothing:", 14, &error);
          g_assert_no_error (error);
          text = sasl_encode (answer);
          g_assert_cmpstr (secret_octets (text), ==, cases[i].answers[j]);
        }
      g_assert_true (sasl_finished (sasl));
      g_assert_null (sasl_step (sasl, "", 0, &error));
      g_assert_error (error, FAILURE, FAILURE_PROTOCOL);
      fixture_clear (&fixture);
    }
}

static void
test_base64 (void)
{
  static const char *const bad[] = {
    "=AAA",  "AA=A",   "A",    "AAA",  "AAAA=", "AA==AA==", "A A=",
    " AAAA", "AAAA\n", "AB==", "====", "=",     "AA-_",     "not base64",
  };
  static const struct
  {
    const char *text;
    const char *octets;
    size_t length;
  } good[] = {
    { "", "", 0 },
    { "AA==", "\0", 1 },
    { "/+8=", "\377\357", 2 },
    { "VXNlcm5hbWU6", "Username:", 9 },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      size_t length;
      g_autofree char *octets = sasl_decode (bad[i], &length);

      g_assert_null (octets);
    }
  for (size_t i = 0; i < G_N_ELEMENTS (good); i++)
    {
      size_t length;
      g_autofree char *octets = sasl_decode (good[i].text, &length);
      g_autoptr (Secret) secret = secret_new (good[i].octets, good[i].length);
      g_autoptr (Secret) text = sasl_encode (secret);

      g_assert_cmpuint (length, ==, good[i].length);
      g_assert_true (memcmp (octets, good[i].octets, length) == 0);
      g_assert_cmpstr (secret_octets (text), ==, good[i].text);
    }
}

/* The honest relay: GNU SASL's server, which knows PASSWORD. */
typedef struct
{
  Gsasl *library;
  Gsasl_session *session;
} Server;

static void
server_init (Server *server, const char *mechanism, const char *iterations,
             GBytes *binding)
{
  g_assert_cmpint (gsasl_init (&server->library), ==, GSASL_OK);
  g_assert_cmpint (
      gsasl_server_start (server->library, mechanism, &server->session), ==,
      GSASL_OK);
  gsasl_property_set (server->session, GSASL_PASSWORD, PASSWORD);
  gsasl_property_set (server->session, GSASL_SCRAM_ITER, iterations);
  if (binding != NULL)
    {
      g_autofree char *text = g_base64_encode (
          g_bytes_get_data (binding, NULL), g_bytes_get_size (binding));

      gsasl_property_set (server->session, GSASL_CB_TLS_EXPORTER, text);
    }
}

static void
server_clear (Server *server)
{
  gsasl_finish (server->session);
  gsasl_done (server->library);
}

static int
server_step (Server *server, const Secret *in, char **out, size_t *length)
{
  return gsasl_step (server->session, secret_octets (in), secret_length (in),
                     out, length);
}

/* One login; what the server and the client think of it. */
static void
run_scram (const char *mechanism, const char *password, const char *iterations,
           const char *user_binding, const char *server_binding,
           int *server_verdict, int *client_kind)
{
  Fixture fixture;
  Server server;
  g_autoptr (GBytes) theirs =
      server_binding == NULL ? NULL : g_bytes_new (server_binding, 32);
  g_autoptr (Sasl) sasl = NULL;
  g_autoptr (GError) error = NULL;
  char *challenge = NULL;
  size_t length = 0;

  fixture_init (&fixture, password);
  if (user_binding != NULL)
    fixture.login.binding = g_bytes_new (user_binding, 32);
  server_init (&server, mechanism, iterations, theirs);
  sasl = start (mechanism, &fixture);
  *server_verdict = GSASL_NEEDS_MORE;
  *client_kind = -1;
  for (int round = 0; round < SCRAM_ROUNDS; round++)
    {
      g_autoptr (Secret) answer =
          sasl_step (sasl, challenge == NULL ? "" : challenge, length, &error);

      g_clear_pointer (&challenge, gsasl_free);
      if (answer == NULL)
        {
          *client_kind = error->code;
          break;
        }
      if (round == SCRAM_ROUNDS - 1)
        {
          g_assert_cmpuint (secret_length (answer), ==, 0);
          break;
        }
      *server_verdict = server_step (&server, answer, &challenge, &length);
      if (*server_verdict != GSASL_OK && *server_verdict != GSASL_NEEDS_MORE)
        break;
    }
  g_clear_pointer (&challenge, gsasl_free);
  g_assert_cmpint (sasl_finished (sasl), ==,
                   *server_verdict == GSASL_OK && *client_kind < 0);
  server_clear (&server);
  fixture_clear (&fixture);
}

static void
test_scram (void)
{
  static const char a[] = "0123456789abcdef0123456789abcdef";
  static const char b[] = "0123456789abcdef0123456789abcdeF";
  static const struct
  {
    const char *mechanism, *password, *iterations, *client, *server;
    bool fine;
  } cases[] = {
    { "SCRAM-SHA-1", PASSWORD, "4096", NULL, NULL, true },
    { "SCRAM-SHA-256", PASSWORD, "4096", NULL, NULL, true },
    { "SCRAM-SHA-256", PASSWORD, "10000", NULL, NULL, true },
    { "SCRAM-SHA-256", "wrong", "4096", NULL, NULL, false },
    { "SCRAM-SHA-1-PLUS", PASSWORD, "4096", a, a, true },
    { "SCRAM-SHA-256-PLUS", PASSWORD, "4096", a, a, true },
    { "SCRAM-SHA-256-PLUS", "wrong", "4096", a, a, false },
    /* Another's TLS session: a man in the middle. */
    { "SCRAM-SHA-256-PLUS", PASSWORD, "4096", a, b, false },
    /* We could have bound, the relay could not. */
    { "SCRAM-SHA-256", PASSWORD, "4096", a, NULL, true },
    { "SCRAM-SHA-1", PASSWORD, "4096", a, NULL, true },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      int server_verdict, client_kind;

      run_scram (cases[i].mechanism, cases[i].password, cases[i].iterations,
                 cases[i].client, cases[i].server, &server_verdict,
                 &client_kind);
      g_assert_cmpint (server_verdict == GSASL_OK, ==, cases[i].fine);
      g_assert_cmpint (client_kind, ==, -1);
    }
}

/* The gs2 flag that the relay sees first (RFC 5802 section 6). */
static void
test_scram_flag (void)
{
  Fixture fixture;
  g_autoptr (Sasl) plus = NULL;
  g_autoptr (Secret) answer = NULL;

  fixture_init (&fixture, PASSWORD);
  fixture.login.binding = fake_binding ();
  plus = start ("SCRAM-SHA-256-PLUS", &fixture);
  answer = sasl_step (plus, "", 0, NULL);
  g_assert_true (
      g_str_has_prefix (secret_octets (answer), "p=tls-exporter,,n=" USER));
  g_clear_pointer (&plus, sasl_free);
  fixture_clear (&fixture);
}

/* Where -PLUS was offered and something else was asked for by name, nothing is
   said of what we could have done; nor where there is nothing to bind to. */
static void
test_scram_unbound (void)
{
  static const char *const offered[] = { "SCRAM-SHA-256-PLUS",
                                         "SCRAM-SHA-256", NULL };

  for (int bound = 0; bound < 2; bound++)
    {
      Fixture fixture;
      g_autoptr (Sasl) sasl = NULL;
      g_autoptr (Secret) answer = NULL;

      fixture_init (&fixture, PASSWORD);
      fixture.login.binding = bound != 0 ? fake_binding () : NULL;
      sasl = sasl_new (
          sasl_choose (offered, "scram-sha-256", &fixture.login, NULL),
          offered, &fixture.login, NULL);
      answer = sasl_step (sasl, "", 0, NULL);
      g_assert_true (
          g_str_has_prefix (secret_octets (answer), "n,,n=" USER ",r="));
      g_clear_pointer (&sasl, sasl_free);
      fixture_clear (&fixture);
    }
}

/* Client-first of a new login; *NONCE is its nonce. */
static Sasl *
begin_hostile (const Fixture *fixture, char **nonce)
{
  Sasl *sasl = start ("SCRAM-SHA-256", fixture);
  g_autoptr (Secret) first = sasl_step (sasl, "", 0, NULL);
  const char *found = strstr (secret_octets (first), ",r=");

  g_assert_nonnull (found);
  g_assert_cmpuint (strlen (found), >, 18);
  *nonce = g_strdup (found + 3);
  return sasl;
}

/* Server-first messages, %s being our nonce. */
static void
test_hostile_first (void)
{
  static const struct
  {
    const char *before, *after;
    bool nonce;
    bool fine;
  } cases[] = {
    { "r=", "x,s=QUJD,i=4096", true, true },
    { "r=", "x,s=QUJD,i=600000", true, true },
    { "r=", "x,s=QUJD,i=4095", true, false },
    { "r=", "x,s=QUJD,i=600001", true, false },
    { "r=", "x,s=QUJD,i=1", true, false },
    { "r=", "x,s=QUJD,i=0", true, false },
    { "r=", "x,s=QUJD,i=-4096", true, false },
    { "r=", "x,s=QUJD,i=2000000000", true, false },
    { "r=", "x,s=QUJD,i=4294967297", true, false },
    { "r=", "x,s=QUJD,i=4294971392", true, false },
    { "r=", "x,s=QUJD,i=4096x", true, false },
    { "r=", "x,s=QUJD,i=", true, false },
    { "r=", "x,s=QUJD", true, false },
    { "r=", "x,s=,i=4096", true, false },
    { "r=", "x,i=4096,s=QUJD", true, false },
    { "r=", ",s=QUJD,i=4096", true, false }, /* adds nothing */
    { "r=foreign", ",s=QUJD,i=4096", false, false },
    { "r=x", ",s=QUJD,i=4096", true, false },
    { "m=ext,r=", "x,s=QUJD,i=4096", true, false },
    { "e=other-error", "", false, false },
    { "", "", false, false },
    { ",,,,", "", false, false },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      Fixture fixture;
      g_autofree char *nonce = NULL;
      g_autofree char *challenge = NULL;
      g_autoptr (Sasl) sasl = NULL;
      g_autoptr (Secret) answer = NULL;
      g_autoptr (GError) error = NULL;

      fixture_init (&fixture, PASSWORD);
      sasl = begin_hostile (&fixture, &nonce);
      challenge = g_strconcat (cases[i].before, cases[i].nonce ? nonce : "",
                               cases[i].after, NULL);
      answer = sasl_step (sasl, challenge, strlen (challenge), &error);
      g_assert_cmpint (answer != NULL, ==, cases[i].fine);
      if (answer == NULL)
        g_assert_error (error, FAILURE, FAILURE_PROTOCOL);
      g_clear_pointer (&sasl, sasl_free);
      fixture_clear (&fixture);
    }
}

static void
test_hostile_nul (void)
{
  Fixture fixture;
  g_autofree char *nonce = NULL;
  g_autofree char *challenge = NULL;
  g_autoptr (Sasl) sasl = NULL;
  g_autoptr (GError) error = NULL;

  fixture_init (&fixture, PASSWORD);
  sasl = begin_hostile (&fixture, &nonce);
  challenge = g_strconcat ("r=", nonce, "x,s=QUJD,i=4096", NULL);
  g_assert_null (sasl_step (sasl, challenge, strlen (challenge) + 1, &error));
  g_assert_error (error, FAILURE, FAILURE_PROTOCOL);
  g_clear_pointer (&sasl, sasl_free);
  fixture_clear (&fixture);
}

/* Server-final messages of one who does not know the password. */
static void
test_hostile_final (void)
{
  static const struct
  {
    const char *final;
    Failure kind;
  } cases[] = {
    { "v=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", FAILURE_PROTOCOL },
    { "v=", FAILURE_PROTOCOL },
    { "", FAILURE_PROTOCOL },
    { "x", FAILURE_PROTOCOL },
    { "e=other-error", FAILURE_PROTOCOL },
    { "e=channel-bindings-dont-match", FAILURE_PROTOCOL },
    { "e=invalid-proof", FAILURE_CREDENTIAL },
    { "e=unknown-user", FAILURE_CREDENTIAL },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      Fixture fixture;
      g_autofree char *nonce = NULL;
      g_autofree char *challenge = NULL;
      g_autoptr (Sasl) sasl = NULL;
      g_autoptr (Secret) answer = NULL;
      g_autoptr (GError) error = NULL;

      fixture_init (&fixture, PASSWORD);
      sasl = begin_hostile (&fixture, &nonce);
      challenge = g_strconcat ("r=", nonce, "x,s=QUJD,i=4096", NULL);
      answer = sasl_step (sasl, challenge, strlen (challenge), &error);
      g_assert_no_error (error);
      g_assert_null (
          sasl_step (sasl, cases[i].final, strlen (cases[i].final), &error));
      g_assert_error (error, FAILURE, (int)cases[i].kind);
      g_assert_false (sasl_finished (sasl));
      g_clear_pointer (&sasl, sasl_free);
      fixture_clear (&fixture);
    }
}

/* A password of 1024 octets is as good as any. */
static void
test_long_password (void)
{
  g_autofree char *password = g_strnfill (1024, 'x');
  static const char *const names[] = { "PLAIN", "LOGIN", "SCRAM-SHA-256",
                                       "CRAM-MD5" };

  for (size_t i = 0; i < G_N_ELEMENTS (names); i++)
    {
      Fixture fixture;
      g_autoptr (GError) error = NULL;
      g_autoptr (Sasl) sasl = NULL;
      g_autoptr (Secret) answer = NULL;

      fixture_init (&fixture, password);
      g_assert_true (sasl_check (names[i], &fixture.login, &error));
      sasl = start (names[i], &fixture);
      answer = sasl_step (sasl, "<1@relay.example>", 17, &error);
      g_assert_no_error (error);
      g_clear_pointer (&sasl, sasl_free);
      fixture_clear (&fixture);
    }
}

/* RFC 2195 section 2. */
static void
test_cram_md5 (void)
{
  static const char challenge[] = "<1896.697170952@postoffice.reston.mci.net>";
  Fixture fixture;
  g_autoptr (Sasl) sasl = NULL;
  g_autoptr (Secret) answer = NULL;

  fixture_init (&fixture, "tanstaaftanstaaf");
  fixture.login.user = "tim";
  sasl = start ("CRAM-MD5", &fixture);
  g_assert_false (sasl_speaks_first (sasl));
  g_assert_false (sasl_finished (sasl));
  answer = sasl_step (sasl, challenge, strlen (challenge), NULL);
  g_assert_cmpstr (secret_octets (answer), ==,
                   "tim b913a602c7eda7a495b4e6e7334d3890");
  g_assert_true (sasl_finished (sasl));
  g_assert_null (sasl_step (sasl, challenge, strlen (challenge), NULL));
  g_clear_pointer (&sasl, sasl_free);
  fixture_clear (&fixture);
}

/* TLS is there already, so no other layer is agreed on, whatever is offered. */
static void
test_digest_md5_layer (void)
{
  static const char *const offers[]
      = { "auth", "auth,auth-int,auth-conf", "auth-int", "auth-conf" };

  for (size_t i = 0; i < G_N_ELEMENTS (offers); i++)
    {
      Fixture fixture;
      g_autoptr (Sasl) sasl = NULL;
      g_autoptr (Secret) answer = NULL;
      g_autofree char *challenge = g_strdup_printf (
          "realm=\"r\",nonce=\"OA6MG9tEQGm2hh\",qop=\"%s\","
          "cipher=\"rc4\",algorithm=md5-sess,charset=utf-8",
          offers[i]);

      fixture_init (&fixture, PASSWORD);
      sasl = start ("DIGEST-MD5", &fixture);
      answer = sasl_step (sasl, challenge, strlen (challenge), NULL);
      if (answer != NULL)
        {
          g_assert_null (strstr (secret_octets (answer), "auth-"));
          g_assert_null (strstr (secret_octets (answer), "cipher"));
          g_assert_nonnull (strstr (secret_octets (answer),
                                    "digest-uri=\"smtp/relay.example\""));
        }
      g_assert_false (sasl_finished (sasl));
      g_clear_pointer (&sasl, sasl_free);
      fixture_clear (&fixture);
    }
}

/* What is no challenge of NTLM, or points past its end. */
static void
test_ntlm (void)
{
#define HEAD "NTLMSSP\0\2\0\0\0"
#define REST "\5\2\0\0" "12345678" "\0\0\0\0\0\0\0\0"
#define ROW(text, fine) { text, sizeof text - 1, fine }
  static const struct
  {
    const char *text;
    size_t length;
    bool fine;
  } cases[] = {
    ROW (HEAD "\0\0\0\0\0\0\0\0" REST, true),
    ROW (HEAD "\4\0\4\0\x28\0\0\0" REST "A\0B\0", true),
    ROW (HEAD "\5\0\5\0\x28\0\0\0" REST "A\0B\0", false),
    ROW (HEAD "\4\0\4\0\x29\0\0\0" REST "A\0B\0", false),
    ROW (HEAD "\xff\xff\4\0\x28\0\0\0" REST "A\0B\0", false),
    ROW (HEAD "\1\0\1\0\xff\xff\xff\xff" REST "A\0B\0", false),
    ROW ("NTLMSSP\0\1\0\0\0\0\0\0\0\0\0\0\0" REST, false),
    ROW ("NTLMSSX\0\2\0\0\0\0\0\0\0\0\0\0\0" REST, false),
    ROW (HEAD, false),
    ROW ("", false),
  };

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      Fixture fixture;
      g_autoptr (Sasl) sasl = NULL;
      g_autoptr (Secret) first = NULL;
      g_autoptr (Secret) answer = NULL;
      g_autoptr (GError) error = NULL;

      fixture_init (&fixture, PASSWORD);
      sasl = start ("NTLM", &fixture);
      g_assert_true (sasl_speaks_first (sasl));
      first = sasl_step (sasl, "", 0, &error);
      g_assert_no_error (error);
      answer = sasl_step (sasl, cases[i].text, cases[i].length, &error);
      g_assert_cmpint (answer != NULL, ==, cases[i].fine);
      g_assert_cmpint (sasl_finished (sasl), ==, cases[i].fine);
      if (answer == NULL)
        g_assert_error (error, FAILURE, FAILURE_PROTOCOL);
      g_clear_pointer (&sasl, sasl_free);
      fixture_clear (&fixture);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/sasl/subsets", test_subsets);
  g_test_add_func ("/sasl/wanted", test_wanted);
  g_test_add_func ("/sasl/after", test_after);
  g_test_add_func ("/sasl/check", test_check);
  g_test_add_func ("/sasl/explain", test_explain);
  g_test_add_func ("/sasl/octets", test_octets);
  g_test_add_func ("/sasl/base64", test_base64);
  g_test_add_func ("/sasl/scram", test_scram);
  g_test_add_func ("/sasl/scram-flag", test_scram_flag);
  g_test_add_func ("/sasl/scram-unbound", test_scram_unbound);
  g_test_add_func ("/sasl/long-password", test_long_password);
  g_test_add_func ("/sasl/cram-md5", test_cram_md5);
  g_test_add_func ("/sasl/digest-md5-layer", test_digest_md5_layer);
  g_test_add_func ("/sasl/ntlm", test_ntlm);
  g_test_add_func ("/sasl/hostile-first", test_hostile_first);
  g_test_add_func ("/sasl/hostile-nul", test_hostile_nul);
  g_test_add_func ("/sasl/hostile-final", test_hostile_final);
  return g_test_run ();
}
