/* MAIL and RCPT, octet for octet, by what the relay offers. */

#include <string.h>

#include <glib.h>

#include "base/failure.h"
#include "smtp/command.h"

/* Letters: P S 8 U D as in tests/unit/extensions.c. */
static Extensions
offers (const char *letters)
{
  return (Extensions){
    .size_offered = strchr (letters, 'S') != NULL,
    .eight_bit_mime = strchr (letters, '8') != NULL,
    .smtputf8 = strchr (letters, 'U') != NULL,
    .dsn = strchr (letters, 'D') != NULL,
  };
}

static void
test_mail (void)
{
  static const struct
  {
    const char *path, *ret, *envid, *offered;
    bool eight_bit, utf8, optional;
    const char *line;
  } cases[] = {
    { "me@example.org", "", "", "", false, false, true,
      "MAIL FROM:<me@example.org>" },
    { "", "", "", "S8UD", false, false, true, "MAIL FROM:<> SIZE=30" },
    { "me@example.org", "FULL", "a b+c=d", "S8UD", true, true, true,
      "MAIL FROM:<me@example.org> SIZE=30 BODY=8BITMIME SMTPUTF8 RET=FULL "
      "ENVID=a+20b+2Bc+3Dd" },
    { "me@example.org", "FULL", "x", "S8UD", true, true, false,
      "MAIL FROM:<me@example.org> BODY=8BITMIME SMTPUTF8" },
    { "me@example.org", "HDRS", "x", "S", false, false, true,
      "MAIL FROM:<me@example.org> SIZE=30" },
    { "me@example.org", "", "", "8UD", false, false, true,
      "MAIL FROM:<me@example.org>" },
    { "\"a b\"@example.org", "", "", "", false, false, true,
      "MAIL FROM:<\"a b\"@example.org>" },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      Envelope envelope = { .notify = (char *) "",
                            .ret = (char *) cases[i].ret,
                            .envid = (char *) cases[i].envid };
      Content content = { .header = { 0, 20 },
                          .body = { 20, 10 },
                          .eight_bit = cases[i].eight_bit };
      Extensions extensions = offers (cases[i].offered);
      g_autofree char *line =
          command_mail (cases[i].path, &envelope, &content, &extensions,
                        cases[i].utf8, cases[i].optional);

      g_assert_cmpstr (line, ==, cases[i].line);
    }
}

static Envelope *
one_path (const char *path, const char *notify)
{
  Envelope *envelope = envelope_new ();

  g_free (envelope->notify);
  envelope->notify = g_strdup (notify);
  envelope_add (envelope, path);
  return envelope;
}

static void
test_rcpt (void)
{
  static const struct
  {
    const char *path, *original, *notify, *offered, *line;
  } cases[] = {
    { "a@example.org", "a@example.org", "", "D", "RCPT TO:<a@example.org>" },
    { "a@example.org", "a@example.org", "NEVER", "",
      "RCPT TO:<a@example.org>" },
    { "a@example.org", "a@example.org", "NEVER", "D",
      "RCPT TO:<a@example.org> NOTIFY=NEVER ORCPT=rfc822;a@example.org" },
    { "a+b@example.org", "a+b@example.org", "SUCCESS,DELAY", "D",
      "RCPT TO:<a+b@example.org> NOTIFY=SUCCESS,DELAY "
      "ORCPT=rfc822;a+2Bb@example.org" },
    { "\"a b\"@example.org", "\"a b\"@example.org", "FAILURE", "D",
      "RCPT TO:<\"a b\"@example.org> NOTIFY=FAILURE "
      "ORCPT=rfc822;\"a+20b\"@example.org" },
    { "a@xn--bcher-kva.example", "a@b\303\274cher.example", "FAILURE", "D",
      "RCPT TO:<a@xn--bcher-kva.example> NOTIFY=FAILURE "
      "ORCPT=utf-8;a@b\\x{FC}cher.example" },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (Envelope) envelope
          = one_path (cases[i].original, cases[i].notify);
      Extensions extensions = offers (cases[i].offered);
      g_autofree char *line
          = command_rcpt (cases[i].path, envelope, 0, &extensions);

      g_assert_cmpstr (line, ==, cases[i].line);
    }
}

/* What was asked for one recipient counts before what was asked for all. */
static void
test_wish (void)
{
  static const struct
  {
    const char *notify, *own_notify, *orcpt, *offered, *line;
  } cases[] = {
    { "", "SUCCESS", "", "D", " NOTIFY=SUCCESS ORCPT=rfc822;a@example.org" },
    { "NEVER", "SUCCESS", "rfc822;b+2Bc@example.net", "D",
      " NOTIFY=SUCCESS ORCPT=rfc822;b+2Bc@example.net" },
    { "NEVER", "", "rfc822;b", "D", " NOTIFY=NEVER ORCPT=rfc822;b" },
    { "", "", "X.400;b", "D", " ORCPT=X.400;b" },
    { "", "SUCCESS", "rfc822;b", "", "" },
    { "", "", "utf-8;j\303\266rg\\x{5C}@x", "D",
      " ORCPT=utf-8;j\\x{F6}rg\\x{5C}@x" },
    { "", "", "utf-8;\377", "D", "" },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (Envelope) envelope
          = one_path ("a@example.org", cases[i].notify);
      Extensions extensions = offers (cases[i].offered);
      g_autofree char *line = NULL;

      envelope_wish_last (envelope, &(Wish){ (char *) cases[i].own_notify,
                                             (char *) cases[i].orcpt });
      line = command_rcpt ("a@example.org", envelope, 0, &extensions);
      g_assert_true (g_str_has_prefix (line, "RCPT TO:<a@example.org>"));
      g_assert_cmpstr (line + strlen ("RCPT TO:<a@example.org>"), ==,
                       cases[i].line);
    }
}

/* RFC 3461 section 4.2: at most 500 octets. */
static void
test_long_orcpt (void)
{
  g_autofree char *local = g_strnfill (200, '+');
  g_autofree char *path = g_strconcat (local, "@example.org", NULL);
  g_autofree char *expected =
      g_strdup_printf ("RCPT TO:<%s> NOTIFY=DELAY", path);
  g_autoptr (Envelope) envelope = one_path (path, "DELAY");
  Extensions extensions = offers ("D");
  g_autofree char *line = command_rcpt (path, envelope, 0, &extensions);

  g_assert_cmpstr (line, ==, expected);
}

static void
test_path (void)
{
  static const struct
  {
    const char *path, *offered, *wire; /* NULL: none */
    EnhancedCode enhanced;
  } cases[] = {
    { "", "", "", {} },
    { "me@example.org", "", "me@example.org", {} },
    { "me@example.org", "U", "me@example.org", {} },
    { "me@b\303\274cher.example", "", "me@xn--bcher-kva.example", {} },
    { "me@B\303\234CHER.example", "", "me@xn--bcher-kva.example", {} },
    { "me@stra\303\237e.example", "", "me@xn--strae-oqa.example", {} },
    { "me@b\303\274cher.example", "U", "me@xn--bcher-kva.example", {} },
    { "j\303\266rg@b\303\274cher.example", "U",
      "j\303\266rg@b\303\274cher.example", {} },
    { "j\303\266rg@example.org", "", NULL, { 5, 6, 7 } },
    { "j\303\266rg@example.org", "U", "j\303\266rg@example.org", {} },
    { "j\303\266rg", "U", NULL, { 5, 1, 1 } },
    { "root", "", NULL, { 5, 1, 1 } },
    { "\"a@b.example\"", "U", NULL, { 5, 1, 1 } },
    { "me@\342\230\203\342\230\203..example", "", NULL, { 5, 6, 7 } },
    { "me\r\nRCPT TO:<x>@example.org", "U", NULL, { 5, 1, 3 } },
    { "me\001@example.org", "", NULL, { 5, 1, 3 } },
    { "me\177@example.org", "", NULL, { 5, 1, 3 } },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      Extensions extensions = offers (cases[i].offered);
      EnhancedCode enhanced;
      g_autoptr (GError) error = NULL;
      g_autofree char *wire =
          command_path (cases[i].path, &extensions, &enhanced, &error);

      g_assert_cmpstr (wire, ==, cases[i].wire);
      if (wire != NULL)
        continue;
      g_assert_true (error->domain == FAILURE);
      g_assert_true ((error->code == FAILURE_NO_USER)
                     == (enhanced.subject == 1 && enhanced.detail == 1));
      g_assert_cmpint (enhanced.subject, ==, cases[i].enhanced.subject);
      g_assert_cmpint (enhanced.detail, ==, cases[i].enhanced.detail);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/command/mail", test_mail);
  g_test_add_func ("/command/rcpt", test_rcpt);
  g_test_add_func ("/command/wish", test_wish);
  g_test_add_func ("/command/long-orcpt", test_long_orcpt);
  g_test_add_func ("/command/path", test_path);
  return g_test_run ();
}
