/* Logins with a token: what may be one, what is said, and what a relay can say
 * to that. */

#include <string.h>

#include <glib.h>

#include "base/failure.h"
#include "smtp/sasl-oauth.h"
#include "smtp/sasl.h"

#define USER "me@example.org"
#define TOKEN "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJtZSJ9.c2lnbmF0dXJl-_~+/=="

static Secret *
secret_of (const char *text)
{
  return secret_new (text, strlen (text));
}

static void
test_token (void)
{
  static const struct
  {
    const char *octets;
    size_t length;
    bool fine;
  } cases[] = {
    { TOKEN, sizeof TOKEN - 1, true },
    { "x", 1, true },
    { "azAZ09-._~+/", 12, true },
    { "x====", 5, true },
    { "", 0, false },
    { "=", 1, false },
    { "x=y", 3, false },
    { "x y", 3, false },
    { "x\r\nQUIT", 7, false },
    { "x\n", 2, false },
    { "x\r", 2, false },
    { "x\1\1", 3, false },
    { "x\0y", 3, false },
    { "x\0", 2, false },
    { "\303\244", 2, false },
    { "x\t", 2, false },
    { "\"x\"", 3, false },
    { "{\"access_token\":\"x\"}", 20, false },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (Secret) token = secret_new (cases[i].octets, cases[i].length);
      g_autoptr (GError) error = NULL;

      g_assert_cmpint (oauth_check_token (token, &error), ==, cases[i].fine);
      if (!cases[i].fine)
        g_assert_error (error, FAILURE, FAILURE_CREDENTIAL);
    }
  g_assert_false (oauth_check_token (NULL, NULL));
}

/* The examples of RFC 7628 section 4.1 and of those who know XOAUTH2. */
static void
test_answers (void)
{
  g_autoptr (Secret) token =
      secret_of ("vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==");
  g_autoptr (Secret) bearer =
      oauth_bearer ("user@example.com", "server.example.com", 143, token);
  g_autoptr (Secret) escaped = oauth_bearer ("a=b,c=2C", "h", 465, token);
  g_autoptr (Secret) other = oauth_xoauth2 ("a=b,c", token);

  g_assert_cmpstr (secret_octets (bearer), ==,
                   "n,a=user@example.com,\1host=server.example.com\1port=143"
                   "\1auth=Bearer vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg=="
                   "\1\1");
  g_assert_cmpuint (secret_length (bearer), ==,
                    strlen (secret_octets (bearer)));
  g_assert_true (g_str_has_prefix (secret_octets (escaped),
                                   "n,a=a=3Db=2Cc=3D2C,\1host=h\1port=465\1"));
  g_assert_cmpstr (
      secret_octets (other), ==,
      "user=a=b,c\1auth=Bearer vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg=="
      "\1\1");
}

/* OF is NULL where the challenge cannot be read. */
static void
test_reason (void)
{
  static const struct
  {
    const char *challenge;
    const char *reason;
  } cases[] = {
    { "", "" },
    { "{}", "" },
    { "{\"status\":\"invalid_token\",\"scope\":\"example_scope\","
      "\"openid-configuration\":\"https://example.com/.well-known/x\"}",
      "(status=invalid_token, scope=example_scope)" },
    { "{\"status\":\"400\",\"schemes\":\"Bearer\",\"scope\":"
      "\"https://mail.google.com/\"}",
      "(status=400, scope=https://mail.google.com/, schemes=Bearer)" },
    { "{\"status\":401}", "(status=401)" },
    { "{\"status\":1.5,\"scope\":null,\"schemes\":true}", "" },
    { "{\"status\":[\"x\"],\"scope\":{\"x\":\"y\"}}", "" },
    { "{\"status\":\"a\\u0007b\\r\\nc\\u001b[31m\"}", "(status=a?b??c?[31m)" },
    { "{\"status\":\"\\u202eoops\303\244\"}", "(status=???oops?"
                                              "?)" },
    { "{\"status\":\"\"}", "(status=)" },
    { "{\"status\":\"x\",\"status\":\"y\"}", "(status=y)" },
    /* The token, a part of it, and what may be its base64. */
    { "{\"status\":\"" TOKEN "\"}", "(status=***)" },
    { "{\"status\":\"see eyJzdWIiOiJtZSJ9 there\"}", "(status=***)" },
    { "{\"status\":\"\\u0065yJhbGciOiJSUzI1\"}", "(status=***)" },
    { "{\"scope\":\"ZXlKaGJHY2lPaUpTVXpJMU5pSjku/XlKemRXSWlPaUp0\"}",
      "(scope=***)" },
    { "null", NULL },
    { "[]", NULL },
    { "\"x\"", NULL },
    { "invalid_token", NULL },
    { "{\"status\":\"x\"", NULL },
    { "{\"status\":\"x\"}}", NULL },
    { "{\"status\":\"\377\"}", NULL },
    { " ", NULL },
    { "{\"status\":\"{}[]/*x*/'\\\"}{\"} \r\n", "(status={}[]/*x*/'\"}{)" },
    { "{\"a\":[[[[[[[]]]]]]]}", "" },
    { "{\"a\":[[[[[[[[]]]]]]]]}", NULL },
    { "{\"status\":\"x\"}{}", NULL },
    { "1{\"status\":\"x\"}", NULL },
    { "{/*\"*/}{/*\"*/}", NULL },
    { "var x = {\"status\":\"x\"};", NULL },
    { "]{\"status\":\"x\"}", NULL },
    { "{\"status\":\"\\ud83d\\ue0d0\"}", NULL },
    { "{\"a\":[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]}", NULL },
  };
  g_autoptr (Secret) token = secret_of (TOKEN);

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      const char *challenge = cases[i].challenge;
      g_autoptr (GError) error = NULL;
      g_autofree char *reason =
          oauth_reason (challenge, strlen (challenge), token, &error);

      g_assert_cmpstr (reason, ==, cases[i].reason);
      if (reason == NULL)
        g_assert_error (error, FAILURE, FAILURE_PROTOCOL);
    }
}

/* One that is 4096 octets long is read, a longer one is not, and a NUL ends
   none; a long value is cut. */
static void
test_reason_length (void)
{
  g_autoptr (Secret) token = secret_of (TOKEN);
  g_autoptr (GString) text = g_string_new ("{\"status\":\"");
  g_autofree char *reason = NULL;

  while (text->len < OAUTH_REASON_MAXIMUM - 2)
    g_string_append_c (text, text->len % 2 != 0 ? ' ' : '.');
  g_string_append (text, "\"}");
  reason = oauth_reason (text->str, text->len, token, NULL);
  g_assert_true (g_str_has_prefix (reason, "(status="));
  g_assert_true (g_str_has_suffix (reason, "...)"));
  g_assert_cmpuint (strlen (reason), ==, strlen ("(status=...)") + 128);
  g_string_append_c (text, ' ');
  g_assert_null (oauth_reason (text->str, text->len, token, NULL));
  g_assert_null (oauth_reason ("{}\0", 3, token, NULL));
}

/* NULL: none fits. */
static const char *
choice (const char *const *offered, const char *wanted, bool is_token)
{
  g_autoptr (Secret) token = secret_of (TOKEN);
  SaslLogin login = { .user = USER, .password = token, .token = is_token };
  const SaslMechanism *chosen = sasl_choose (offered, wanted, &login, NULL);

  return chosen == NULL ? NULL : sasl_name (chosen);
}

static void
test_choice (void)
{
  static const char *const both[] = { "XOAUTH2", "PLAIN",    "OAUTHBEARER",
                                      "LOGIN",   "EXTERNAL", NULL };
  static const char *const old[] = { "LOGIN", "PLAIN", "XOAUTH2", NULL };
  static const char *const tokens[] = { "XOAUTH2", "OAUTHBEARER", NULL };
  static const char *const passwords[] = { "PLAIN", "LOGIN", "SCRAM-SHA-256",
                                           "EXTERNAL", NULL };

  g_assert_cmpstr (choice (both, NULL, true), ==, "OAUTHBEARER");
  g_assert_cmpstr (choice (both, "any", true), ==, "OAUTHBEARER");
  g_assert_cmpstr (choice (both, "XOAUTH2", true), ==, "XOAUTH2");
  g_assert_cmpstr (choice (old, NULL, true), ==, "XOAUTH2");
  g_assert_cmpstr (choice (old, "OAUTHBEARER", true), ==, NULL);
  g_assert_cmpstr (choice (both, NULL, false), ==, "PLAIN");
  /* A token is no password, and a password no token. */
  g_assert_cmpstr (choice (tokens, NULL, false), ==, NULL);
  g_assert_cmpstr (choice (tokens, "XOAUTH2", false), ==, NULL);
  g_assert_cmpstr (choice (passwords, NULL, true), ==, NULL);
  g_assert_cmpstr (choice (passwords, "PLAIN", true), ==, NULL);
}

/* One login with NAME, whose answer to a reason is ANSWER. */
static void
check_dialogue (const char *name, const char *answer)
{
  static const char reason[] = "{\"status\":\"401\"}";
  const char *offered[] = { name, NULL };
  g_autoptr (Secret) token = secret_of (TOKEN);
  SaslLogin login = { .user = USER,
                      .password = token,
                      .token = true,
                      .host = "relay.example",
                      .port = 465 };
  const SaslMechanism *mechanism = sasl_choose (offered, NULL, &login, NULL);
  g_autoptr (Sasl) sasl = sasl_new (mechanism, offered, &login, NULL);
  g_autoptr (Secret) first = NULL, second = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_true (sasl_speaks_first (sasl));
  g_assert_false (sasl_finished (sasl));
  first = sasl_step (sasl, "", 0, NULL);
  g_assert_nonnull (strstr (secret_octets (first), TOKEN));
  g_assert_true (sasl_finished (sasl));
  g_assert_cmpstr (sasl_reason (sasl), ==, "");
  second = sasl_step (sasl, reason, strlen (reason), NULL);
  g_assert_cmpstr (secret_octets (second), ==, answer);
  g_assert_cmpstr (sasl_reason (sasl), ==, "(status=401)");
  /* Refused: no 235 means anything any more, nor is there more to say. */
  g_assert_false (sasl_finished (sasl));
  g_assert_null (sasl_step (sasl, reason, strlen (reason), &error));
  g_assert_error (error, FAILURE, FAILURE_PROTOCOL);
}

static void
test_dialogue (void)
{
  check_dialogue ("OAUTHBEARER", "\1");
  check_dialogue ("XOAUTH2", "");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/oauth/token", test_token);
  g_test_add_func ("/oauth/answers", test_answers);
  g_test_add_func ("/oauth/reason", test_reason);
  g_test_add_func ("/oauth/reason-length", test_reason_length);
  g_test_add_func ("/oauth/choice", test_choice);
  g_test_add_func ("/oauth/dialogue", test_dialogue);
  return g_test_run ();
}
