/* From TCP to a relay that knows who we are, against the scripted relay: what
 * becomes of each reply on the way, which mechanism is taken, and that nothing
 * but EHLO, STARTTLS and QUIT is said in clear. */

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <glib.h>
#include <glib/gstdio.h>

#include "base/failure.h"
#include "smtp/session.h"

#define PATIENCE 10000 /* ms */

static char *directory;

typedef struct
{
  const char *name;
  bool starttls;
  const char *dialogue;  /* NULL: the relay behaves */
  const char *arguments; /* of the relay, separated by blanks */
  const char *auth;
  const char *result; /* a mechanism with ":strict" without PIPELINING, or
                         "fate:stage:code" with ":alert" */
} Case;

#define GREET "begin\n> 220 hello\n"
#define OFFER "> 250-relay\n> 250 STARTTLS\n"

static const Case cases[] = {
  /* The relay behaves. */
  { "strongest", false, NULL, "", NULL, "SCRAM-SHA-256-PLUS" },
  { "strongest-starttls", true, NULL, "", "any", "SCRAM-SHA-256-PLUS" },
  { "tls-1.2", false, NULL, "--priority NORMAL:-VERS-TLS1.3", NULL,
    "SCRAM-SHA-256-PLUS" },
  { "no-binding", false, NULL,
    "--priority NORMAL:-VERS-TLS1.3:%NO_SESSION_HASH", NULL, "SCRAM-SHA-256" },
  { "sha-1-plus", false, NULL, "--mechanisms SCRAM-SHA-1-PLUS", NULL,
    "SCRAM-SHA-1-PLUS" },
  { "sha-256", false, NULL, "--mechanisms SCRAM-SHA-256", NULL,
    "SCRAM-SHA-256" },
  { "sha-1", true, NULL, "--mechanisms SCRAM-SHA-1", NULL, "SCRAM-SHA-1" },
  { "plain", false, NULL, "--mechanisms PLAIN", NULL, "PLAIN" },
  { "login", false, NULL, "--mechanisms LOGIN", NULL, "LOGIN" },
  { "by-name", false, NULL, "", "login", "LOGIN" },
  { "binding-kept-back", false, NULL, "", "scram-sha-256", "SCRAM-SHA-256" },
  { "wrong-password-plain", false, NULL, "--password other", "plain",
    "held:auth:535:alert" },
  { "wrong-password-scram", false, NULL, "--password other", NULL,
    "held:auth:535:alert" },
  { "few-iterations", false, NULL, "--iterations 4095", NULL,
    "delayed:auth:0:alert" },
  { "too-many-iterations", false, NULL, "--iterations 600001", NULL,
    "delayed:auth:0:alert" },
  { "none-of-ours", false, NULL, "--mechanisms CRAM-MD5", NULL,
    "held:auth:0:alert" },
  { "not-the-one", false, NULL, "--mechanisms PLAIN", "scram-sha-1",
    "held:auth:0:alert" },
  { "no-such-mechanism", false, "eof\n", "", "xyzzy",
    "held:credential:0:alert" },

  { "bare-lf-in-ehlo", false,
    GREET "< EHLO *\n>- 250-relay\\n250-PIPELINING\\n250 AUTH PLAIN\\r\\n\n"
          "< AUTH PLAIN *\n> 235 ok\nbye\n",
    "", NULL, "PLAIN:strict" },
  { "bare-lf-in-auth", false,
    GREET "< EHLO *\n> 250-relay\n> 250-PIPELINING\n> 250 AUTH PLAIN\n"
          "< AUTH PLAIN *\n>- 235 ok\\n\nbye\n",
    "", NULL, "PLAIN:strict" },

  /* The greeting */
  { "greeting-421", false, "begin\n> 421 busy\nbye\n", "", NULL,
    "delayed:greeting:421" },
  { "greeting-554", false, "begin\n> 554 not you\nbye\n", "", NULL,
    "delayed:greeting:554:alert" },
  { "greeting-500", true, "begin\n> 500 no\nbye\n", "", NULL,
    "delayed:greeting:500:alert" },
  { "greeting-221", true, "begin\n> 221 bye\neof\n", "", NULL,
    "delayed:greeting:0:alert" },
  { "greeting-250", false, "begin\n> 250 ok\neof\n", "", NULL,
    "delayed:greeting:0:alert" },
  { "greeting-354", true, "begin\n> 354 go\neof\n", "", NULL,
    "delayed:greeting:0:alert" },
  { "greeting-235", true, "begin\n> 235 you are logged in\neof\n", "", NULL,
    "delayed:greeting:0:alert" },
  { "greeting-http", true, "begin\n> HTTP/1.1 400 Bad Request\neof\n", "",
    NULL, "delayed:greeting:0:alert" },
  { "greeting-endless", true, "begin\nflood 300 220-x\\r\\n\neof\n", "", NULL,
    "delayed:greeting:0:alert" },
  { "greeting-endless-line", true, "begin\nflood 20000 x\neof\n", "", NULL,
    "delayed:greeting:0:alert" },
  { "greeting-closed", false, "begin\nclose\n", "", NULL,
    "delayed:greeting:0" },
  { "greeting-and-fin", false, GREET "close\n", "", NULL, "delayed:ehlo:0" },
  { "greeting-stalled", false, "begin\nstall\n", "", NULL,
    "delayed:greeting:0" },
  { "greeting-and-more", false,
    "begin\n>- 220 hello\\r\\n250 AUTH PLAIN\\r\\n\neof\n", "", NULL,
    "delayed:ehlo:0:alert" },

  /* EHLO */
  { "ehlo-argument", false, GREET "<= EHLO [127.0.0.1]\n> 421 x\nbye\n", "",
    NULL, "delayed:ehlo:421" },
  { "ehlo-argument-ipv6", false, GREET "<= EHLO [IPv6:::1]\n> 421 x\nbye\n",
    "--ipv6", NULL, "delayed:ehlo:421" },
  { "ehlo-argument-set", false, GREET "<= EHLO me.example.org\n> 421 x\nbye\n",
    "", NULL, "delayed:ehlo:421" },
  { "ehlo-502", false, GREET "< EHLO *\n> 502 what\nbye\n", "", NULL,
    "delayed:ehlo:502:alert" },
  { "ehlo-500-in-clear", true, GREET "< EHLO *\n> 500 what\nbye\n", "", NULL,
    "delayed:ehlo:500:alert" },
  { "ehlo-220", false, GREET "< EHLO *\n> 220 x\neof\n", "", NULL,
    "delayed:ehlo:0:alert" },
  { "ehlo-354", true, GREET "< EHLO *\n> 354 x\neof\n", "", NULL,
    "delayed:ehlo:0:alert" },
  { "ehlo-mixed", false, GREET "< EHLO *\n> 250-x\n> 251 y\neof\n", "", NULL,
    "delayed:ehlo:0:alert" },
  { "ehlo-10000-keywords", false,
    GREET "< EHLO *\nflood 10000 250-X\\r\\n\neof\n", "", NULL,
    "delayed:ehlo:0:alert" },
  { "ehlo-nul", false, GREET "< EHLO *\n>- 250 x\\0y\\r\\n\neof\n", "", NULL,
    "delayed:ehlo:0:alert" },
  { "ehlo-greeting-is-no-keyword", false,
    GREET "< EHLO *\n> 250-AUTH PLAIN relay\n> 250 PIPELINING\neof\n", "",
    NULL, "held:auth:0:alert" },
  { "ehlo-stalled", false, GREET "< EHLO *\nstall\n", "", NULL,
    "delayed:ehlo:0" },

  /* STARTTLS */
  { "starttls-not-offered", true,
    GREET "< EHLO *\n> 250-relay\n> 250 AUTH PLAIN LOGIN\neof\n", "", NULL,
    "delayed:starttls:0:alert" },
  { "starttls-454", true,
    GREET "< EHLO *\n" OFFER "<= STARTTLS\n> 454 no\nbye\n", "", NULL,
    "delayed:starttls:454" },
  { "starttls-502", true,
    GREET "< EHLO *\n" OFFER "<= STARTTLS\n> 502 no\nbye\n", "", NULL,
    "delayed:starttls:502:alert" },
  { "starttls-250", true,
    GREET "< EHLO *\n" OFFER "<= STARTTLS\n> 250 go\neof\n", "", NULL,
    "delayed:starttls:0:alert" },
  { "starttls-354", true,
    GREET "< EHLO *\n" OFFER "<= STARTTLS\n> 354 go\neof\n", "", NULL,
    "delayed:starttls:0:alert" },
  { "starttls-injection", true,
    GREET "< EHLO *\n" OFFER
          "<= STARTTLS\n>- 220 go\\r\\n250-x\\r\\n250 AUTH PLAIN\\r\\n\n"
          "eof\n",
    "", NULL, "delayed:tls:0:alert" },
  { "starttls-injection-of-half-a-line", true,
    GREET "< EHLO *\n" OFFER
          "<= STARTTLS\n>- 220 go\\r\\n250-AUTH LOGI\neof\n",
    "", NULL, "delayed:tls:0:alert" },
  { "starttls-reply-too-early", true,
    GREET "< EHLO *\n>- 250-relay\\r\\n250 STARTTLS\\r\\n220 go\\r\\n\neof\n",
    "", NULL, "delayed:starttls:0:alert" },
  { "capabilities-from-before", true,
    GREET "< EHLO *\n> 250-relay\n> 250-AUTH PLAIN\n> 250 STARTTLS\n"
          "<= STARTTLS\n> 220 go\ntls\n< EHLO *\n> 250 relay\neof\n",
    "", NULL, "held:auth:0:alert" },
  { "unverified", false, NULL, "--certificate %s/wrong-host.pem", NULL,
    "delayed:tls:0:alert" },

  /* AUTH */
  { "auth-external", false,
    GREET "< EHLO *\n> 250-relay\n> 250 AUTH PLAIN EXTERNAL\n"
          "<= AUTH EXTERNAL =\n> 235 ok\nbye\n",
    "", "external", "EXTERNAL:strict" },
  { "auth-certificate", false,
    GREET "< EHLO *\n> 250-relay\n> 250 AUTH PLAIN EXTERNAL\n"
          "<= AUTH EXTERNAL =\n> 235 ok\nbye\n",
    "--client-ca %s/ca.pem", NULL, "EXTERNAL:strict" },
  { "auth-454", false,
    GREET "< EHLO *\n> 250-relay\n> 250 AUTH PLAIN LOGIN\n< AUTH PLAIN *\n"
          "> 454 later\nbye\n",
    "", NULL, "delayed:auth:454" },
  { "auth-421", false,
    GREET "< EHLO *\n> 250-relay\n> 250 AUTH PLAIN LOGIN\n< AUTH PLAIN *\n"
          "> 421 later\neof\n",
    "", NULL, "delayed:auth:421" },
  { "auth-535", false,
    GREET "< EHLO *\n> 250-relay\n> 250 AUTH PLAIN LOGIN\n< AUTH PLAIN *\n"
          "> 535 no\nbye\n",
    "", NULL, "held:auth:535:alert" },
  { "auth-closed", false,
    GREET "< EHLO *\n> 250-relay\n> 250 AUTH PLAIN LOGIN\n< AUTH PLAIN *\n"
          "close\n",
    "", NULL, "delayed:auth:0" },
  { "auth-235-before-proof", false,
    GREET "< EHLO *\n> 250-relay\n> 250 AUTH SCRAM-SHA-256\n"
          "< AUTH SCRAM-SHA-256 *\nnonce\n"
          "challenge r=%{nonce}x,s=QUJD,i=4096\n< *\n> 235 welcome\neof\n",
    "", NULL, "delayed:auth:0:alert" },
  { "auth-wrong-proof", false,
    GREET "< EHLO *\n> 250-relay\n> 250 AUTH SCRAM-SHA-256\n"
          "< AUTH SCRAM-SHA-256 *\nnonce\n"
          "challenge r=%{nonce}x,s=QUJD,i=4096\n< *\n"
          "challenge v=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"
          "<= *\n> 501 fine\neof\n",
    "", NULL, "delayed:auth:0:alert" },
};

/* The relay's process; *PORT is where it listens. */
static GPid
start_relay (const Case *c, const char *work, uint16_t *port)
{
  const char *built = g_getenv ("G_TEST_BUILDDIR");
  g_autofree char *given = g_strdup (c->arguments);
  g_autofree char *dialogue = g_build_filename (work, "dialogue", NULL);
  g_autofree char *line = NULL;
  g_auto (GStrv) argv = NULL;
  g_autoptr (GError) error = NULL;
  char *place = strstr (given, "%s");
  char text[16] = "";
  GPid pid;
  int out;

  if (place != NULL)
    {
      *place = '\0';
      place = g_strconcat (given, directory, place + 2, NULL);
      g_free (given);
      given = place;
    }
  line = g_strdup_printf (
      "%s/tests/relay/scripted-relay --connections 1 --record %s "
      "--certificate %s/good.pem%s %s%s%s",
      built != NULL ? built : ".", work, directory,
      c->starttls ? " --starttls" : "", given, *given == '\0' ? "" : " ",
      c->dialogue == NULL ? "--serve" : dialogue);
  argv = g_strsplit (line, " ", -1);
  g_assert_true (g_file_set_contents (
      dialogue, c->dialogue == NULL ? "" : c->dialogue, -1, NULL));
  g_spawn_async_with_pipes (NULL, argv, NULL, G_SPAWN_DO_NOT_REAP_CHILD, NULL,
                            NULL, &pid, NULL, &out, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpint (read (out, text, sizeof text - 1), >, 0);
  close (out);
  *port = (uint16_t) g_ascii_strtoull (text, NULL, 10);
  return pid;
}

static char *
open_and_describe (const Relay *relay)
{
  g_autoptr (Secret) secret = secret_new ("secret", 6);
  g_autoptr (Status) status = NULL;
  g_autofree char *endpoint = relay_endpoint (relay);
  Session *session = session_open (relay, secret, NULL, &status);
  char *result;

  if (session == NULL)
    {
      g_test_message ("%s", status->text);
      g_assert_cmpint (status->scope, ==, SCOPE_ACCOUNT);
      /* Texts of our own name the relay; else they are its words. */
      g_assert_true (status->code != 0
                     || strstr (status->text, endpoint) != NULL);
      g_assert_null (strchr (status->text, '\n'));
      return g_strdup_printf ("%s:%s:%d%s", fate_name (status->fate),
                              stage_name (status->stage), status->code,
                              status->alert ? ":alert" : "");
    }
  g_assert_null (status);
  g_assert_true (g_str_has_prefix (session->tls, "TLS1."));
  result = g_strconcat (session->mechanism,
                        session->extensions.pipelining ? "" : ":strict", NULL);
  session_close (session);
  return result;
}

static char *
read_record (const char *work, const char *name)
{
  g_autofree char *file = g_build_filename (work, name, NULL);
  char *text = NULL;

  if (!g_file_get_contents (file, &text, NULL, NULL))
    text = g_strdup ("");
  return text;
}

static void
check_record (const Case *c, const char *work)
{
  g_autofree char *log = read_record (work, "1.log");
  g_autofree char *clear = read_record (work, "1.clear");
  g_auto (GStrv) lines = g_strsplit (c->starttls ? clear : "", "\r\n", -1);

  if (c->dialogue != NULL && strstr (c->result, ":credential:") == NULL
      && strstr (log, "verdict ok") == NULL)
    g_error ("%s: %s", c->name, log);
  for (size_t i = 0; lines[i] != NULL && lines[i][0] != 0x16; i++)
    g_assert_true (*lines[i] == '\0' || g_str_has_prefix (lines[i], "EHLO ")
                   || g_str_equal (lines[i], "STARTTLS")
                   || g_str_equal (lines[i], "QUIT"));
  g_assert_null (strstr (log, "early: "));
}

static void
remove_record (const char *work)
{
  const char *name;
  GDir *listing = g_dir_open (work, 0, NULL);

  while ((name = g_dir_read_name (listing)) != NULL)
    {
      g_autofree char *file = g_build_filename (work, name, NULL);

      g_assert_cmpint (g_unlink (file), ==, 0);
    }
  g_dir_close (listing);
  g_assert_cmpint (g_rmdir (work), ==, 0);
}

static bool
has (const char *text, const char *part)
{
  return strstr (text, part) != NULL;
}

static void
test_case (const void *data)
{
  const Case *c = data;
  g_autofree char *work = g_dir_make_tmp ("session-XXXXXX", NULL);
  g_autofree char *result = NULL;
  Relay relay;
  GPid pid;
  int wait_status;

  relay_init (&relay);
  pid = start_relay (c, work, &relay.port);
  relay.host = g_strdup (has (c->arguments, "--ipv6") ? "::1" : "localhost");
  relay.ehlo_name = g_strdup (has (c->name, "-set") ? "me.example.org" : NULL);
  if (has (c->arguments, "--client-ca"))
    {
      relay.certificate = g_build_filename (directory, "client.pem", NULL);
      relay.key = g_build_filename (directory, "client.key", NULL);
    }
  relay.tls = c->starttls ? TLS_STARTTLS : TLS_IMPLICIT;
  relay.user = g_strdup ("me");
  relay.auth = g_strdup (c->auth);
  relay.trust_file = g_build_filename (directory, "ca.pem", NULL);
  relay.timeouts.connect = PATIENCE;
  relay.timeouts.command =
      strstr (c->name, "stalled") == NULL ? PATIENCE : 200;
  result = open_and_describe (&relay);
  if (strstr (c->result, ":credential:") != NULL)
    g_assert_cmpint (kill (pid, SIGTERM), ==, 0);
  g_assert_cmpint (waitpid (pid, &wait_status, 0), ==, pid);
  g_assert_cmpstr (result, ==, c->result);
  check_record (c, work);
  remove_record (work);
  relay_clear (&relay);
}

/* What is refused before anybody is asked: there is no relay here. */
static void
test_without_relay (void)
{
  static const struct
  {
    const char *user, *password, *ehlo_name, *result;
  } rows[] = {
    { NULL, "secret", NULL, "held:credential" },
    { "me", "", NULL, "held:credential" },
    { "me", "secret", "a\r\nb", "held:account" },
    { "me", "secret", "a b", "held:account" },
    { "me", "secret", NULL, "delayed:connect" },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      Relay relay;
      g_autoptr (Secret) secret =
          secret_new (rows[i].password, strlen (rows[i].password));
      g_autoptr (Status) status = NULL;
      g_autofree char *result = NULL;

      relay_init (&relay);
      relay.host = g_strdup ("127.0.0.1");
      relay.port = 1;
      relay.user = g_strdup (rows[i].user);
      relay.ehlo_name = g_strdup (rows[i].ehlo_name);
      g_assert_null (session_open (&relay, secret, NULL, &status));
      result = g_strconcat (fate_name (status->fate), ":",
                            stage_name (status->stage), NULL);
      g_assert_cmpstr (result, ==, rows[i].result);
      relay_clear (&relay);
    }
}

static bool
make_certificates (void)
{
  const char *source = g_getenv ("G_TEST_SRCDIR");
  g_autofree char *maker = g_build_filename (source != NULL ? source : "..",
                                             "tests/relay/certificates", NULL);
  char *argv[] = { maker, directory, NULL };
  int wait_status;

  return g_spawn_sync (NULL, argv, NULL, G_SPAWN_DEFAULT, NULL, NULL, NULL,
                       NULL, &wait_status, NULL)
         && wait_status == 0;
}

int
main (int argc, char **argv)
{
  int status;

  g_test_init (&argc, &argv, NULL);
  directory = g_dir_make_tmp ("certificates-XXXXXX", NULL);
  g_test_add_func ("/session/without-relay", test_without_relay);
  if (make_certificates ())
    for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
      {
        g_autofree char *path = g_strconcat ("/session/", cases[i].name, NULL);

        g_test_add_data_func (path, &cases[i], test_case);
      }
  else
    g_test_message ("certtool is not installed");
  status = g_test_run ();
  remove_record (directory);
  g_free (directory);
  return status;
}
