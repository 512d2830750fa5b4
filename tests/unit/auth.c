/* The AUTH command: its octets, and what follows from each reply. */

#include <string.h>

#include <glib.h>

#include "base/failure.h"
#include "smtp/auth.h"
#include "tests/unit/peer.h"

#define PLAIN "AG1lAHNlY3JldA==" /* NUL me NUL secret */
#define USER "bWU="
#define PASSWORD "c2VjcmV0"

typedef struct
{
  const char *name;
  const char *offered;
  const char *wanted;
  const char *script;
  int code; /* of the verdict; 0: a failure */
  int failure;
  const char *mechanism;
} Case;

static const Case cases[] = {
  { "plain", "LOGIN PLAIN", NULL, "> AUTH PLAIN " PLAIN "\n< 235 ok", 235, 0,
    "PLAIN" },
  { "login", "LOGIN", NULL,
    "> AUTH LOGIN\n?\n< 334 VXNlcm5hbWU6\n> " USER
    "\n?\n< 334 VXNlcm5hbWU6\n> " PASSWORD "\n< 235 ok",
    235, 0, "LOGIN" },
  { "login-empty-prompts", "LOGIN", NULL,
    "> AUTH LOGIN\n< 334 \n> " USER "\n< 334\n> " PASSWORD "\n< 235 ok", 235,
    0, "LOGIN" },
  { "external", "EXTERNAL PLAIN", "external", "> AUTH EXTERNAL =\n< 235 ok",
    235, 0, "EXTERNAL" },
  { "wrong", "PLAIN LOGIN", NULL, "> AUTH PLAIN " PLAIN "\n< 535 5.7.8 no",
    535, 0, "PLAIN" },
  { "switched-off", "PLAIN LOGIN", NULL,
    "> AUTH PLAIN " PLAIN "\n< 550 5.7.30 gone", 550, 0, "PLAIN" },
  { "temporary", "PLAIN LOGIN", NULL,
    "> AUTH PLAIN " PLAIN "\n< 454 4.7.0 later", 454, 0, "PLAIN" },
  { "closing", "PLAIN LOGIN", NULL, "> AUTH PLAIN " PLAIN "\n< 421 bye", 421,
    0, "PLAIN" },
  { "next-504", "PLAIN LOGIN", NULL,
    "> AUTH PLAIN " PLAIN "\n< 504 not that\n> AUTH LOGIN\n< 334 \n> " USER
    "\n< 334 \n> " PASSWORD "\n< 235 ok",
    235, 0, "LOGIN" },
  { "next-534-to-the-end", "LOGIN PLAIN", NULL,
    "> AUTH PLAIN " PLAIN "\n< 534 weak\n> AUTH LOGIN\n< 534 weak", 534, 0,
    "LOGIN" },
  { "next-not-by-name", "LOGIN PLAIN", "plain",
    "> AUTH PLAIN " PLAIN "\n< 504 not that", 504, 0, "PLAIN" },
  { "refused-in-mid-course", "LOGIN", NULL,
    "> AUTH LOGIN\n< 334 \n> " USER "\n< 535 no", 535, 0, "LOGIN" },
  { "too-long-a-line", "PLAIN", NULL,
    "> AUTH PLAIN " PLAIN
    "\n< 500 5.5.6 too long\n> AUTH PLAIN\n?\n< 334 \n> " PLAIN "\n< 235 ok",
    235, 0, "PLAIN" },
  { "unknown-500", "PLAIN LOGIN", NULL, "> AUTH PLAIN " PLAIN "\n< 500 what",
    500, 0, "PLAIN" },
  { "not-offered", "", NULL, "", 0, FAILURE_CREDENTIAL, NULL },
  { "only-others", "CRAM-MD5 DIGEST-MD5 NTLM XYZZY", NULL, "", 0,
    FAILURE_CREDENTIAL, NULL },
  { "not-the-wanted", "PLAIN LOGIN", "scram-sha-256", "", 0,
    FAILURE_CREDENTIAL, NULL },
  { "no-binding", "SCRAM-SHA-256-PLUS", NULL, "", 0, FAILURE_CREDENTIAL,
    NULL },
  { "not-base64", "LOGIN", NULL, "> AUTH LOGIN\n< 334 User:\n> *\n< 501 ok", 0,
    FAILURE_PROTOCOL, "LOGIN" },
  { "inner-padding", "LOGIN", NULL, "> AUTH LOGIN\n< 334 AA=A\n> *\n< 501 ok",
    0, FAILURE_PROTOCOL, "LOGIN" },
  { "two-lines", "LOGIN", NULL, "> AUTH LOGIN\n< 334-\n< 334 \n> *\n< 501 ok",
    0, FAILURE_PROTOCOL, "LOGIN" },
  { "for-ever", "PLAIN", NULL, "> AUTH PLAIN " PLAIN "\n< 334 \n> *\n< 334 ",
    0, FAILURE_PROTOCOL, "PLAIN" },
  { "235-too-early", "LOGIN", NULL, "> AUTH LOGIN\n< 235 welcome", 0,
    FAILURE_PROTOCOL, "LOGIN" },
  { "235-before-proof", "SCRAM-SHA-256 PLAIN", NULL,
    ">* AUTH SCRAM-SHA-256 biws\n< 235 welcome", 0, FAILURE_PROTOCOL,
    "SCRAM-SHA-256" },
  { "foreign-nonce", "SCRAM-SHA-1 PLAIN", NULL,
    ">* AUTH SCRAM-SHA-1 biws\n< 334 cj14LHM9UUpELGk9NDA5Ng==\n> *\n"
    "< 501 ok",
    0, FAILURE_PROTOCOL, "SCRAM-SHA-1" },
  { "wrong-2yz", "PLAIN", NULL, "> AUTH PLAIN " PLAIN "\n< 250 ok", 0,
    FAILURE_PROTOCOL, "PLAIN" },
  { "wrong-3yz", "PLAIN", NULL, "> AUTH PLAIN " PLAIN "\n< 354 go", 0,
    FAILURE_PROTOCOL, "PLAIN" },
  { "no-reply", "PLAIN", NULL, "> AUTH PLAIN " PLAIN "\n< 334-\n!", 0,
    FAILURE_TEMPORARY, "PLAIN" },
};

static void
relay_fill (Relay *relay, const char *wanted)
{
  relay_init (relay);
  relay->host = g_strdup ("relay.example");
  relay->port = 465;
  relay->user = g_strdup ("me");
  relay->auth = g_strdup (wanted);
  relay->timeouts.command = PEER_PATIENCE;
}

static void
see (void *data, TraceKind kind, const char *text)
{
  g_string_append_printf (data, "%c %s\n", kind == TRACE_SENT ? '>' : '<',
                          text);
}

/* TRACE is nullable. */
static Reply *
log_in_traced (const char *offered, const char *wanted, const char *password,
               const char *script, const char **mechanism, const Trace *trace,
               GError **error)
{
  Relay relay;
  Extensions extensions = { .auth = g_strsplit (offered, " ", -1) };
  g_autoptr (Secret) secret = secret_new (password, strlen (password));
  g_autofree char *trouble = NULL;
  int fd;
  Peer *peer = peer_start (script, NULL, &fd);
  Stream *stream = stream_new (fd, trace);
  Reply *reply;

  relay_fill (&relay, wanted);
  reply = auth_run (stream, &relay, &extensions, secret, mechanism, error);
  stream_free (stream);
  trouble = peer_finish (peer);
  g_assert_cmpstr (trouble, ==, NULL);
  relay_clear (&relay);
  extensions_clear (&extensions);
  return reply;
}

static Reply *
log_in (const char *offered, const char *wanted, const char *password,
        const char *script, const char **mechanism, GError **error)
{
  return log_in_traced (offered, wanted, password, script, mechanism, NULL,
                        error);
}

static void
test_case (const void *data)
{
  const Case *c = data;
  const char *mechanism = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (Reply) reply =
      log_in (c->offered, c->wanted, "secret", c->script, &mechanism, &error);

  g_assert_cmpint (reply == NULL ? 0 : reply->code, ==, c->code);
  if (reply == NULL)
    g_assert_error (error, FAILURE, c->failure);
  g_assert_cmpstr (mechanism, ==, c->mechanism);
}

/* What the relay said before it was asked is no reply to AUTH. */
static void
test_unasked (void)
{
  Relay relay;
  Extensions extensions = { .auth = g_strsplit ("PLAIN", " ", -1) };
  g_autoptr (Secret) secret = secret_new ("secret", 6);
  g_autoptr (GError) error = NULL;
  g_autofree char *trouble = NULL;
  const char *mechanism;
  int fd;
  Peer *peer = peer_start ("<< 250 a\\r\\n235 ok\\r\\n", NULL, &fd);
  Stream *stream = stream_new (fd, NULL);

  relay_fill (&relay, NULL);
  reply_free (reply_read (stream, deadline_in (5000), NULL));
  g_assert_null (
      auth_run (stream, &relay, &extensions, secret, &mechanism, &error));
  g_assert_error (error, FAILURE, FAILURE_PROTOCOL);
  stream_free (stream);
  relay_clear (&relay);
  extensions_clear (&extensions);
  trouble = peer_finish (peer);
  g_assert_cmpstr (trouble, ==, NULL);
}

/* RFC 4954 section 4: the line with the first answer has 512 octets at the
   most, "AUTH PLAIN " and CRLF being 13 of them. So base64 of up to 496 octets
   fits (it comes in fours), made of 372: NUL me NUL and 368 of the password.
 */
static void
test_line_length (void)
{
  for (size_t length = 366; length <= 371; length++)
    {
      g_autofree char *password = g_strnfill (length, 'x');
      g_autofree char *octets = g_strdup_printf ("-me-%s", password);
      g_autofree char *text = NULL;
      g_autofree char *script = NULL;
      g_autoptr (Reply) reply = NULL;
      const char *mechanism;

      octets[0] = octets[3] = '\0';
      text = g_base64_encode ((const guchar *) octets, length + 4);
      script = g_strdup_printf (length <= 368
                                    ? "> AUTH PLAIN %s\n< 235 ok"
                                    : "> AUTH PLAIN\n< 334 \n> %s\n< 235 ok",
                                text);
      reply = log_in ("PLAIN", NULL, password, script, &mechanism, NULL);
      g_assert_nonnull (reply);
    }
}

/* The trace of a login: no secret, nor anything it could be guessed from. */
static void
test_trace (void)
{
  g_autoptr (GString) seen = g_string_new (NULL);
  Trace trace = { .line = see, .data = seen };
  const char *mechanism;
  g_autoptr (Reply) reply = log_in_traced (
      "PLAIN LOGIN", NULL, "secret",
      "> AUTH PLAIN " PLAIN "\n< 504-AUTH PLAIN " PLAIN "\n< 504 no\n"
      "> AUTH LOGIN\n< 334 VXNlcm5hbWU6\n> " USER "\n< 334\n> " PASSWORD
      "\n< 535 not secret",
      &mechanism, &trace, NULL);

  g_assert_nonnull (reply);
  g_assert_cmpstr (seen->str, ==,
                   "> AUTH PLAIN ***\n< 504 ***\n< 504 ***\n"
                   "> AUTH LOGIN\n< 334 ***\n> ***\n< 334 ***\n> ***\n"
                   "< 535 ***\n");
}

/* A relay that echoes the secret does not get it into a log. */
static void
test_redacted (void)
{
  static const char *const echoes[] = {
    "535 no secret here",
    "535 line was AUTH PLAIN " PLAIN,
    "535-fine\n< 535 secret",
    "535 in base64 it is c2VjcmV0",
  };

  for (size_t i = 0; i < G_N_ELEMENTS (echoes); i++)
    {
      g_autofree char *script =
          g_strdup_printf ("> AUTH PLAIN " PLAIN "\n< %s", echoes[i]);
      const char *mechanism;
      g_autoptr (Reply) reply =
          log_in ("PLAIN", NULL, "secret", script, &mechanism, NULL);
      g_autofree char *text = reply_text (reply);

      g_assert_null (strstr (text, "secret"));
      g_assert_null (strstr (text, PLAIN));
      g_assert_null (strstr (text, "c2VjcmV0"));
      g_assert_nonnull (strstr (text, "***"));
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *path = g_strconcat ("/auth/", cases[i].name, NULL);

      g_test_add_data_func (path, &cases[i], test_case);
    }
  g_test_add_func ("/auth/unasked", test_unasked);
  g_test_add_func ("/auth/line-length", test_line_length);
  g_test_add_func ("/auth/trace", test_trace);
  g_test_add_func ("/auth/redacted", test_redacted);
  return g_test_run ();
}
