/* Any octets as a relay's side of a login; see wire.h. The first octet chooses
 * what the relay offers, the second what the account wants, the third what it
 * has and remembers. */

#include "tests/fuzz/fuzz.h"

#include <string.h>

#include <glib.h>

#include "smtp/auth.h"
#include "tests/fuzz/wire.h"

#define COMMANDS_MAXIMUM 40
#define TEXT_MAXIMUM 1024

static const char *const offers[][8] = {
  { "PLAIN", "LOGIN", NULL },
  { "LOGIN", NULL },
  { "SCRAM-SHA-256", "SCRAM-SHA-1", NULL },
  { "SCRAM-SHA-1", "PLAIN", NULL },
  { "SCRAM-SHA-256-PLUS", "SCRAM-SHA-256", "PLAIN", NULL },
  { "SCRAM-SHA-1-PLUS", NULL },
  { "EXTERNAL", "PLAIN", NULL },
  { "CRAM-MD5", "DIGEST-MD5", "NTLM", NULL },
  { "OAUTHBEARER", "XOAUTH2", "PLAIN", NULL },
  { "XOAUTH2", NULL },
};

/* Not GSSAPI, of which this machine knows more than the relay. */
static const char *const wishes[] = {
  NULL,          "any",           "PLAIN",    "LOGIN",
  "SCRAM-SHA-1", "SCRAM-SHA-256", "EXTERNAL", "SCRAM-SHA-256-PLUS",
  "CRAM-MD5",    "DIGEST-MD5",    "NTLM",     "XOAUTH2"
};

static const char *const memories[] = { NULL, "PLAIN", "SCRAM-SHA-1",
                                        "SCRAM-SHA-256-PLUS" };

/* No text that people see repeats the password, be it in base64. */
static void
check_clean (const char *text)
{
  g_autofree char *base64 =
      g_base64_encode ((const guchar *) WIRE_PASSWORD, strlen (WIRE_PASSWORD));

  check_shown (text, TEXT_MAXIMUM);
  g_assert (strstr (text, WIRE_PASSWORD) == NULL);
  g_assert (strstr (text, base64) == NULL);
}

static void
trace_line_clean (void *data, TraceKind kind, const char *text)
{
  check_clean (text);
}

/* LINE is "AUTH NAME" and what may follow. */
static void
check_command (const char *line, const Relay *relay)
{
  g_auto (GStrv) words = g_strsplit (line, " ", -1);
  const char *name = words[1];
  bool takes_token =
      g_str_equal (name, "OAUTHBEARER") || g_str_equal (name, "XOAUTH2");

  g_assert (strlen (line) <= 510);
  g_assert (takes_token == relay->token
            || (g_str_equal (name, "EXTERNAL") && relay->certificate != NULL));
  g_assert (relay->auth != NULL || relay->remembered == NULL || relay->token
            || !sasl_is_stronger (relay->remembered, name));
  g_assert (relay->auth == NULL || g_str_equal (relay->auth, "any")
            || g_str_equal (relay->auth, name));
}

static void
check_heard (const Relay *relay)
{
  g_auto (GStrv) lines = g_strsplit (wire_heard ()->str, "\r\n", -1);
  unsigned commands = 0;

  g_assert (wire_heard_clear ()->len == 0);
  /* The last is none, or was cut. */
  for (char **line = lines; *line != NULL && line[1] != NULL; line++)
    if (g_str_has_prefix (*line, "AUTH "))
      {
        commands++;
        check_command (*line, relay);
      }
  g_assert (commands <= COMMANDS_MAXIMUM);
}

static void
run (Stream *stream, const Relay *relay, const char *const *offered,
     const Secret *password)
{
  Extensions extensions = { .auth = (char **) offered };
  g_autoptr (GError) error = NULL;
  g_autoptr (Reply) reply = NULL;
  const char *mechanism = NULL;

  g_assert (stream_start_tls (stream, relay, deadline_in (1000), NULL));
  reply = auth_run (stream, relay, &extensions, password, &mechanism, &error);
  g_assert ((reply == NULL) == (error != NULL));
  if (error != NULL)
    check_clean (error->message);
  if (reply != NULL)
    {
      g_autofree char *text = reply_text (reply);

      g_assert (reply->code == 235
                || (reply->code >= 400 && reply->code <= 599));
      g_assert (reply->code != 235 || mechanism != NULL);
      check_clean (text);
    }
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  static const Trace trace = { .line = trace_line_clean };
  g_autoptr (Secret) password = NULL;
  g_autoptr (Stream) stream = NULL;
  Relay relay;

  if (size < 3)
    return 0;
  password = secret_new (WIRE_PASSWORD, strlen (WIRE_PASSWORD));
  wire_begin ((const char *) data + 3, size - 3,
              (WireManners){ .slow = data[1] & 16, .binding = data[1] & 32 });
  relay_init (&relay);
  relay.host = g_strdup ("relay.example");
  relay.user = g_strdup (WIRE_USER);
  relay.auth = g_strdup (wishes[data[1] % 16 % G_N_ELEMENTS (wishes)]);
  relay.token = (data[2] & 4) != 0;
  relay.remembered = g_strdup (memories[data[2] % 4]);
  if ((data[1] & 64) != 0)
    relay.certificate = g_strdup ("certificate.pem");
  stream = stream_new (wire_socket (), &trace);
  run (stream, &relay, offers[data[0] % G_N_ELEMENTS (offers)], password);
  check_heard (&relay);
  wire_end ();
  relay_clear (&relay);
  return 0;
}
