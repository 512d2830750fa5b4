/* What counts as an offered extension, and what does not. */

#include <string.h>

#include <glib.h>

#include "smtp/extensions.h"

/* LINES: without codes, separated by newlines. */
static Reply *
make_reply (const char *lines)
{
  g_auto (GStrv) parts = g_strsplit (lines, "\n", -1);
  Reply *reply = NULL;
  bool done = false;

  for (size_t i = 0; parts[i] != NULL; i++)
    {
      g_autofree char *line = g_strdup_printf (
          "250%c%s", parts[i + 1] != NULL ? '-' : ' ', parts[i]);

      g_assert_true (
          reply_add_line (&reply, line, strlen (line), &done, NULL));
    }
  g_assert_true (done);
  return reply;
}

/* The flags that are set, as letters. */
static char *
flags (const Extensions *e)
{
  return g_strdup_printf (
      "%s%s%s%s%s%s%s%s", e->starttls ? "T" : "", e->pipelining ? "P" : "",
      e->eight_bit_mime ? "8" : "", e->smtputf8 ? "U" : "", e->dsn ? "D" : "",
      e->enhanced_codes ? "E" : "", e->size_offered ? "S" : "",
      e->auth_offered ? "A" : "");
}

static void
test_table (void)
{
  static const struct
  {
    const char *lines;
    const char *flags;
    uint64_t size;
    const char *auth;
  } cases[] = {
    { "relay.example", "", 0, "" },
    { "relay.example\nPIPELINING\n8BITMIME\nSMTPUTF8\nDSN\nSTARTTLS\n"
      "ENHANCEDSTATUSCODES\nSIZE 1000\nAUTH PLAIN LOGIN",
      "TP8UDESA", 1000, "PLAIN LOGIN" },
    /* The greeting is no keyword. */
    { "PIPELINING", "", 0, "" },
    { "AUTH PLAIN relay.example\nSIZE 5", "S", 5, "" },
    { "SIZE 10\nDSN", "D", 0, "" },
    { "r\npipelining\nSize 7\nauth plain Scram-Sha-256", "PSA", 7,
      "PLAIN SCRAM-SHA-256" },
    /* Split at a space only. */
    { "r\nSIZE\t10\nPIPELINING\t", "", 0, "" },
    { "r\nPIPELINING yes please", "P", 0, "" },
    { "r\nXPIPELINING\nPIPELININGX\nPIPE", "", 0, "" },
    { "r\n PIPELINING", "", 0, "" },
    { "r\n\n\nDSN", "D", 0, "" },
    /* Of two the first counts. */
    { "r\nSIZE 1\nSIZE 2\nAUTH PLAIN\nAUTH LOGIN", "SA", 1, "PLAIN" },
    { "r\nAUTH\nAUTH LOGIN", "A", 0, "" },
    /* SIZE that says nothing. */
    { "r\nSIZE", "S", 0, "" },
    { "r\nSIZE 0", "S", 0, "" },
    { "r\nSIZE 10x", "S", 0, "" },
    { "r\nSIZE -1", "S", 0, "" },
    { "r\nSIZE 9223372036854775808", "S", G_GUINT64_CONSTANT (1) << 63, "" },
    { "r\nSIZE 18446744073709551616", "S", 0, "" },
    /* The form before RFC 2554, only where the right one is absent. */
    { "r\nAUTH=PLAIN LOGIN", "A", 0, "PLAIN LOGIN" },
    { "r\nAUTH=LOGIN\nAUTH PLAIN", "A", 0, "PLAIN" },
    { "r\nAUTH PLAIN\nAUTH=LOGIN", "A", 0, "PLAIN" },
    /* What is no mechanism's name. */
    { "r\nAUTH  PLAIN   LOGIN ", "A", 0, "PLAIN LOGIN" },
    { "r\nAUTH PL\033AIN SCRAM-SHA-256-PLUS a@b X_Y-9 "
      "ABCDEFGHIJKLMNOPQRSTU",
      "A", 0, "SCRAM-SHA-256-PLUS X_Y-9" },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (Reply) reply = make_reply (cases[i].lines);
      Extensions extensions = { 0 };
      g_autofree char *set = NULL;
      g_autofree char *auth = NULL;

      extensions_parse (&extensions, reply);
      set = flags (&extensions);
      auth = g_strjoinv (" ", extensions.auth);
      g_assert_cmpstr (set, ==, cases[i].flags);
      g_assert_cmpuint (extensions.size, ==, cases[i].size);
      g_assert_cmpstr (auth, ==, cases[i].auth);
      extensions_clear (&extensions);
    }
}

static void
test_limits (void)
{
  static const struct
  {
    const char *lines;
    uint64_t rcpt_max, mail_max, rcpt_domain_max;
  } cases[] = {
    { "r\nLIMITS RCPTMAX=20 MAILMAX=5 RCPTDOMAINMAX=1", 20, 5, 1 },
    { "r\nlimits mailmax=7", 0, 7, 0 },
    { "r\nLIMITS", 0, 0, 0 },
    { "r\nLIMITS RCPTMAX=0 MAILMAX=x", 0, 0, 0 },
    { "r\nLIMITS RCPTMAX= MAILMAX=-1 MAILMAX=2", 0, 2, 0 },
    { "r\nLIMITS RCPTMAX=1000000 XMAILMAX=3", 0, 0, 0 },
    { "r\nLIMITS RCPTMAX=3 RCPTMAX=4\nLIMITS MAILMAX=9", 3, 0, 0 },
    { "r\nLIMITS rcptdomainmax=12 RCPTDOMAINMAX=3", 0, 0, 12 },
    { "r\nLIMITS RCPTDOMAINMAX=-1", 0, 0, 0 },
    { "LIMITS RCPTMAX=3", 0, 0, 0 },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (Reply) reply = make_reply (cases[i].lines);
      Extensions extensions = { 0 };

      extensions_parse (&extensions, reply);
      g_assert_cmpuint (extensions.rcpt_max, ==, cases[i].rcpt_max);
      g_assert_cmpuint (extensions.mail_max, ==, cases[i].mail_max);
      g_assert_cmpuint (extensions.rcpt_domain_max, ==,
                        cases[i].rcpt_domain_max);
      extensions_clear (&extensions);
    }
}

/* What an earlier reply offered is gone. */
static void
test_again (void)
{
  g_autoptr (Reply) before =
      make_reply ("r\nSIZE 10\nPIPELINING\nAUTH LOGIN\nSMTPUTF8");
  g_autoptr (Reply) after = make_reply ("r");
  Extensions extensions = { 0 };
  g_autofree char *set = NULL;

  extensions_parse (&extensions, before);
  extensions_parse (&extensions, after);
  set = flags (&extensions);
  g_assert_cmpstr (set, ==, "");
  g_assert_cmpuint (extensions.size, ==, 0);
  g_assert_null (extensions.auth[0]);
  extensions_clear (&extensions);
  g_assert_null (extensions.auth);
}

static void
test_text (void)
{
  static const struct
  {
    const char *lines;
    const char *text;
  } cases[] = {
    { "relay.example", "" },
    { "r\nAUTH", "AUTH" },
    { "r\nDSN\nSIZE\nAUTH PLAIN LOGIN\nPIPELINING\nX-UNKNOWN",
      "AUTH PLAIN LOGIN, SIZE, PIPELINING, DSN" },
    { "r\nSIZE 1000", "SIZE 1000" },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (Reply) reply = make_reply (cases[i].lines);
      Extensions extensions = { .auth = NULL };
      g_autofree char *text = NULL;

      extensions_parse (&extensions, reply);
      text = extensions_text (&extensions);
      g_assert_cmpstr (text, ==, cases[i].text);
      extensions_clear (&extensions);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/extensions/table", test_table);
  g_test_add_func ("/extensions/limits", test_limits);
  g_test_add_func ("/extensions/again", test_again);
  g_test_add_func ("/extensions/text", test_text);
  return g_test_run ();
}
