/* Command lines of a client: what is understood of them, and how the rest is
 * refused. */

#include <string.h>

#include <glib.h>

#include "smtp/request.h"

static void
test_split (void)
{
  static const char *const cases[][3] = {
    { "QUIT", "QUIT", "" },
    { "  noop \t a  b ", "noop", "a  b" },
    { "MAIL FROM:<a@x>", "MAIL", "FROM:<a@x>" },
    { "", "", "" },
    { " \t ", "", "" },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *line = g_strdup (cases[i][0]);
      const char *verb, *argument;

      request_split (line, &verb, &argument);
      g_assert_cmpstr (verb, ==, cases[i][1]);
      g_assert_cmpstr (argument, ==, cases[i][2]);
    }
}

/* "" is no refusal. */
static void
assert_refusal (const char *argument, const char *reply, const char *code)
{
  if (reply == NULL)
    reply = "";
  if (code[0] == '\0' ? reply[0] == '\0' : g_str_has_prefix (reply, code))
    return;
  g_test_message ("%s: `%s' instead of `%s'", argument, reply, code);
  g_test_fail ();
}

static void
test_mail (void)
{
  static const struct
  {
    const char *argument, *refusal; /* its codes */
    const char *path, *ret, *envid;
    bool utf8;
    uint64_t size;
  } cases[] = {
    { "FROM:<a@x.example>", "", "a@x.example", "", "", false, 0 },
    { "from: <a@x.example> ", "", "a@x.example", "", "", false, 0 },
    { "FROM:<>", "", "", "", "", false, 0 },
    { "FROM:a@x.example", "", "a@x.example", "", "", false, 0 },
    { "FROM:<root>", "", "root", "", "", false, 0 },
    { "FROM:<@a.example,@b.example:u@x.example>", "", "u@x.example", "", "",
      false, 0 },
    { "FROM:<\"a b\\\"\"@x.example> SIZE=1", "", "\"a b\\\"\"@x.example", "",
      "", false, 1 },
    { "FROM:<a@x.example> SIZE=1000 BODY=8BITMIME RET=hdrs ENVID=QQ314159", "",
      "a@x.example", "HDRS", "QQ314159", false, 1000 },
    { "FROM:<a@x.example>\tbody=7bit  ret=FULL envid=a+2Bb+20c+3Dd", "",
      "a@x.example", "FULL", "a+b c=d", false, 0 },
    { "FROM:<a@x.example> SIZE=99999999999999999999", "", "a@x.example", "",
      "", false, UINT64_MAX },
    { "FROM:<j\303\266rg@x.example> SMTPUTF8", "", "j\303\266rg@x.example", "",
      "", true, 0 },

    { "FROM:<j\303\266rg@x.example>", "553 5.6.7", NULL, "", "", false, 0 },
    { "FROM:<j\366rg@x.example> SMTPUTF8", "501 5.1.7", NULL, "", "", false,
      0 },
    { "", "501 5.5.4", NULL, "", "", false, 0 },
    { "FROM", "501 5.5.4", NULL, "", "", false, 0 },
    { "FROM:", "501 5.5.4", NULL, "", "", false, 0 },
    { "TO:<a@x.example>", "501 5.5.4", NULL, "", "", false, 0 },
    { "FROM:<a@x.example", "501 5.5.4", NULL, "", "", false, 0 },
    { "FROM:<a@x.example>SIZE=1", "501 5.5.4", NULL, "", "", false, 0 },
    { "FROM:<\"a@x.example>", "501 5.5.4", NULL, "", "", false, 0 },
    { "FROM:<A <a@x.example>>", "501 5.5.4", NULL, "", "", false, 0 },
    { "FROM:<a@x.example,b@x.example>", "501 5.1.7", NULL, "", "", false, 0 },
    { "FROM:<\"a>b\"@x.example>", "501 5.1.7", NULL, "", "", false, 0 },
    { "FROM:<@>", "501 5.1.7", NULL, "", "", false, 0 },
    { "FROM:<a@b@c>", "501 5.1.7", NULL, "", "", false, 0 },
    { "FROM:<a\r@x.example>", "501 5.1.7", NULL, "", "", false, 0 },
    { "FROM:<a@x.example> SIZE", "501 5.5.4", NULL, "", "", false, 0 },
    { "FROM:<a@x.example> SIZE=", "501 5.5.4", NULL, "", "", false, 0 },
    { "FROM:<a@x.example> SIZE=-1", "501 5.5.4", NULL, "", "", false, 0 },
    { "FROM:<a@x.example> SIZE=1 SIZE=1", "501 5.5.4", NULL, "", "", false,
      0 },
    { "FROM:<a@x.example> SIZE=100000000000000000000", "501 5.5.4", NULL, "",
      "", false, 0 },
    { "FROM:<a@x.example> BODY=BINARYMIME", "501 5.5.4", NULL, "", "", false,
      0 },
    { "FROM:<a@x.example> SMTPUTF8=1", "501 5.5.4", NULL, "", "", false, 0 },
    { "FROM:<a@x.example> RET=SOME", "501 5.5.4", NULL, "", "", false, 0 },
    { "FROM:<a@x.example> ENVID=", "501 5.5.4", NULL, "", "", false, 0 },
    { "FROM:<a@x.example> ENVID=a+0D+0AX", "501 5.5.4", NULL, "", "", false,
      0 },
    { "FROM:<a@x.example> ENVID=a+2", "501 5.5.4", NULL, "", "", false, 0 },
    { "FROM:<a@x.example> NOTIFY=NEVER", "555 5.5.4", NULL, "", "", false, 0 },
    { "FROM:<a@x.example> AUTH=<>", "555 5.5.4", NULL, "", "", false, 0 },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (Envelope) envelope = envelope_new ();
      MailParameters parameters;
      const char *reply
          = request_mail (cases[i].argument, envelope, &parameters);

      assert_refusal (cases[i].argument, reply, cases[i].refusal);
      if (cases[i].path == NULL)
        continue;
      g_assert_cmpstr (envelope->reverse_path, ==, cases[i].path);
      g_assert_cmpstr (envelope->ret, ==, cases[i].ret);
      g_assert_cmpstr (envelope->envid, ==, cases[i].envid);
      g_assert_cmpint (parameters.utf8, ==, cases[i].utf8);
      g_assert_cmpuint (parameters.size, ==, cases[i].size);
    }
}

static void
test_rcpt (void)
{
  static const struct
  {
    const char *argument;
    bool utf8;
    const char *refusal, *path, *notify, *orcpt;
  } cases[] = {
    { "TO:<a@x.example>", false, "", "a@x.example", "", "" },
    { "to:<Postmaster>", false, "", "Postmaster", "", "" },
    { "TO:<\\root>", false, "", "root", "", "" },
    { "TO:<a@x.example> NOTIFY=NEVER", false, "", "a@x.example", "NEVER", "" },
    { "TO:<a@x.example> notify=delay,SUCCESS ORCPT=rfc822;b+2Bc@y.example",
      false, "", "a@x.example", "SUCCESS,DELAY", "rfc822;b+2Bc@y.example" },
    { "TO:<a@x.example> ORCPT=utf-8;j\\x{F6}rg@y.example", false, "",
      "a@x.example", "", "utf-8;j\\x{F6}rg@y.example" },
    { "TO:<a@x.example> ORCPT=utf-8;j\303\266rg@y.example", true, "",
      "a@x.example", "", "utf-8;j\303\266rg@y.example" },
    { "TO:<j\303\266rg@x.example>", true, "", "j\303\266rg@x.example", "",
      "" },

    { "TO:<j\303\266rg@x.example>", false, "553 5.6.7", NULL, "", "" },
    { "TO:<a@x.example> ORCPT=utf-8;j\303\266rg@y.example", false, "501 5.5.4",
      NULL, "", "" },
    { "TO:<>", false, "501 5.1.3", NULL, "", "" },
    { "TO:<a b@x.example>", false, "501 5.1.3", NULL, "", "" },
    { "TO:<a@x.example> NOTIFY=NEVER,DELAY", false, "501 5.5.4", NULL, "",
      "" },
    { "TO:<a@x.example> NOTIFY=", false, "501 5.5.4", NULL, "", "" },
    { "TO:<a@x.example> NOTIFY=NEVER NOTIFY=NEVER", false, "501 5.5.4", NULL,
      "", "" },
    { "TO:<a@x.example> ORCPT=rfc822", false, "501 5.5.4", NULL, "", "" },
    { "TO:<a@x.example> ORCPT=;b", false, "501 5.5.4", NULL, "", "" },
    { "TO:<a@x.example> ORCPT=rfc822;", false, "501 5.5.4", NULL, "", "" },
    { "TO:<a@x.example> ORCPT=utf-8;", false, "501 5.5.4", NULL, "", "" },
    { "TO:<a@x.example> ORCPT=rfc822;b+0D+0ADATA", false, "501 5.5.4", NULL,
      "", "" },
    { "TO:<a@x.example> ORCPT=rf\"c;b", false, "501 5.5.4", NULL, "", "" },
    { "TO:<a@x.example> ORCPT=rfc822;b=c", false, "501 5.5.4", NULL, "", "" },
    { "TO:<a@x.example> SIZE=1", false, "555 5.5.4", NULL, "", "" },
    { "TO:<a@x.example> X", false, "555 5.5.4", NULL, "", "" },
    { "TO", false, "501 5.5.4", NULL, "", "" },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (Envelope) envelope = envelope_new ();
      const char *reply
          = request_rcpt (cases[i].argument, cases[i].utf8, envelope);

      assert_refusal (cases[i].argument, reply, cases[i].refusal);
      g_assert_cmpuint (envelope->forward_paths->len, ==,
                        cases[i].path != NULL);
      if (cases[i].path == NULL)
        continue;
      g_assert_cmpstr (envelope->forward_paths->pdata[0], ==, cases[i].path);
      g_assert_cmpstr (envelope_wish (envelope, 0)->notify, ==,
                       cases[i].notify);
      g_assert_cmpstr (envelope_wish (envelope, 0)->orcpt, ==,
                       cases[i].orcpt);
    }
}

/* RFC 3461 section 4.2, RFC 5321 section 4.5.3.1.3. */
static void
test_limits (void)
{
  static const struct
  {
    const char *before;
    size_t fill;
    const char *after, *refusal;
  } cases[] = {
    { "TO:<a@x.example> ORCPT=rfc822;", 493, "", "" },
    { "TO:<a@x.example> ORCPT=rfc822;", 494, "", "501 5.5.4" },
    { "TO:<", 64, "@x.example>", "" },
    { "TO:<", 65, "@x.example>", "501 5.1.3" },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (Envelope) envelope = envelope_new ();
      g_autofree char *fill = g_strnfill (cases[i].fill, 'a');
      g_autofree char *argument
          = g_strconcat (cases[i].before, fill, cases[i].after, NULL);

      assert_refusal (argument, request_rcpt (argument, false, envelope),
                      cases[i].refusal);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/request/split", test_split);
  g_test_add_func ("/request/mail", test_mail);
  g_test_add_func ("/request/rcpt", test_rcpt);
  g_test_add_func ("/request/limits", test_limits);
  return g_test_run ();
}
