/* Recipients from arguments and header, and the wishes about notifications. */

#include <string.h>

#include <glib.h>

#include "base/failure.h"
#include "mail/envelope.h"

static char *
join (const GPtrArray *strings)
{
  g_autoptr (GString) out = g_string_new (NULL);

  for (guint i = 0; i < strings->len; i++)
    g_string_append_printf (out, "%s%s", i > 0 ? "|" : "",
                            (char *)g_ptr_array_index (strings, i));
  return g_string_free (g_steal_pointer (&out), FALSE);
}

static void
test_header (void)
{
  static const struct
  {
    const char *lines; /* with '|' between them */
    const char *paths;
    unsigned problems;
  } cases[] = {
    { "To: a@x.example|Cc: b@x.example|bcc: c@x.example",
      "a@x.example|b@x.example|c@x.example", 0 },
    { "To: a@x.example|To: b@x.example,|\ta@X.example,A@x.example",
      "a@x.example|b@x.example|A@x.example", 0 },
    { "To: root, Team: \"b c\";", "root|\"b c\"", 0 },
    { "To: undisclosed-recipients:;|Bcc: a@x.example", "a@x.example", 0 },
    { "To: a@x.example|Resent-To: b@x.example|Bcc: c@x.example|"
      "Resent-To: d@x.example|RESENT-BCC: e@x.example",
      "b@x.example|d@x.example|e@x.example", 0 },
    { "To: a@x.example|Resent-From: b@x.example", "a@x.example", 0 },
    { "To: a@x.example|Resent-Cc:", "", 0 },
    { "To: a@x.example, b@@x.example|Cc: <c", "a@x.example", 2 },
    { "Apparently-To: a@x.example|Reply-To: b@x.example|X-To: c", "", 0 },
    { "Subject: x", "", 0 },
    /* Every spelling of a field */
    { "Bcc : a@x.example|BCC\t:|\tb@x.example,|   c@x.example|bcc:",
      "a@x.example|b@x.example|c@x.example", 0 },
    { "Resent-to : a@x.example|RESENT-CC:b@x.example|resent-bcc:|"
      " c@x.example|To: d@x.example",
      "a@x.example|b@x.example|c@x.example", 0 },
    { "Resent-Sender: a@x.example|Resent-Date: x|Resent-Reply-To: a@x.example|"
      "Cc: b@x.example",
      "b@x.example", 0 },
    { "Toto: a@x.example|XBcc: b@x.example|Bcc-: c@x.example", "", 0 },
    /* Groups and comments */
    { "To: Team: a@x.example, B <b@x.example>;, c@x.example; d@x.example",
      "a@x.example|b@x.example|c@x.example|d@x.example", 0 },
    { "To: undisclosed-recipients:;", "", 0 },
    { "To: undisclosed-recipients: ;,(nobody (else))", "", 0 },
    { "To: a@x.example (b@x.example, c@x.example (d)), e (f) @ x.example",
      "a@x.example|e@x.example", 0 },
    /* Quotes, routes and names */
    { "To: \"a, b\" <c@x.example>, \"d, e\"@x.example, \"f\"@x.example",
      "c@x.example|\"d, e\"@x.example|f@x.example", 0 },
    { "To: <@r.example,@s.example:a@x.example>, B <@r.example:b@x.example>",
      "a@x.example|b@x.example", 0 },
    { "To: =?utf-8?q?J=C3=B6rg?= <a@x.example>, J\303\266rg <b@x.example>",
      "a@x.example|b@x.example", 0 },
    { "To: =?utf-8?q?Doe,_J?= <a@x.example>, b@x.example",
      "a@x.example|b@x.example", 0 },
    { "To: \\root, gr\303\274n@gr\303\274n.example",
      "root|gr\303\274n@gr\303\274n.example", 0 },
    /* Separators */
    { "To: a@x.example;b@x.example ; c@x.example", "a@x.example|b@x.example|"
                                                   "c@x.example", 0 },
    { "To: a@x.example b@x.example|\tc@x.example",
      "a@x.example|b@x.example|c@x.example", 0 },
    { "To: ,, a@x.example,,|\t,b@x.example,", "a@x.example|b@x.example", 0 },
    /* Same ones */
    { "To: a@x.example, A <a@X.Example>|Cc: \"a\"@x.EXAMPLE|Bcc: A@x.example",
      "a@x.example|A@x.example", 0 },
    /* Good ones beside bad ones */
    { "To: \"a, b@x.example|Cc: c@x.example", "b@x.example|c@x.example", 1 },
    { "To: <a@x.example, b@x.example|Cc: c@x.example",
      "b@x.example|c@x.example", 1 },
    { "To: a@x.example>, (b@x.example|Cc: c@x.example", "c@x.example", 2 },
    /* Controls */
    { "To: a\033@x.example, \"b\001\"@x.example, c@x.example\177,|"
      "\t\"d\te\"@x.example",
      "", 4 },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (Envelope) envelope = envelope_new ();
      g_autoptr (Header) header = header_new ();
      g_autoptr (GPtrArray) problems = g_ptr_array_new_with_free_func (g_free);
      g_auto (GStrv) lines = g_strsplit (cases[i].lines, "|", -1);
      g_autofree char *paths = NULL;

      for (char **line = lines; *line != NULL; line++)
        g_assert_true (header_add_line (header, *line, strlen (*line), NULL));
      g_assert_true (
          envelope_add_header (envelope, header, problems)
          == (cases[i].problems == 0));
      paths = join (envelope->forward_paths);
      g_assert_cmpstr (paths, ==, cases[i].paths);
      g_assert_cmpuint (problems->len, ==, cases[i].problems);
    }
}

static void
test_list (void)
{
  g_autoptr (Envelope) envelope = envelope_new ();
  g_autofree char *paths = NULL;

  g_assert_true (envelope_add_list (envelope, "", NULL));
  g_assert_true (
      envelope_add_list (envelope, "A <a@x.example>, b", NULL));
  g_assert_true (
      envelope_add_list (envelope, "a@X.EXAMPLE b@d.example", NULL));
  g_assert_true (envelope_add_list (envelope, "\\root", NULL));
  g_assert_false (
      envelope_add_list (envelope, "c@x.example, <", NULL));
  envelope_add (envelope, "c@x.example");
  envelope_add (envelope, "C@x.example");
  paths = join (envelope->forward_paths);
  g_assert_cmpstr (paths, ==,
                   "a@x.example|b|b@d.example|root|c@x.example|C@x.example");
}

/* Time that grows with the square of the number would show here. */
static void
test_many (void)
{
  g_autoptr (Envelope) envelope = envelope_new ();
  int64_t start = g_get_monotonic_time ();

  for (int i = 0; i < 200000; i++)
    {
      g_autofree char *path = g_strdup_printf ("a%d@x.example", i / 2);

      envelope_add (envelope, path);
    }
  g_assert_cmpuint (envelope->forward_paths->len, ==, 100000);
  g_assert_cmpint (g_get_monotonic_time () - start, <, 10 * G_USEC_PER_SEC);
}

typedef bool (*Setter) (Envelope *envelope, const char *text, GError **error);

static void
check_setter (Setter set, const char *(*get) (const Envelope *envelope),
              const char *const (*cases)[2])
{
  for (; (*cases)[0] != NULL; cases++)
    {
      g_autoptr (Envelope) envelope = envelope_new ();
      g_autoptr (GError) error = NULL;

      if ((*cases)[1] != NULL)
        {
          g_assert_true (set (envelope, (*cases)[0], &error));
          g_assert_cmpstr (get (envelope), ==, (*cases)[1]);
        }
      else
        {
          g_assert_false (set (envelope, (*cases)[0], &error));
          g_assert_error (error, FAILURE, FAILURE_USAGE);
          g_assert_cmpstr (get (envelope), ==, "");
        }
    }
}

static const char *
get_notify (const Envelope *envelope)
{
  return envelope->notify;
}

static const char *
get_ret (const Envelope *envelope)
{
  return envelope->ret;
}

static const char *
get_envid (const Envelope *envelope)
{
  return envelope->envid;
}

static void
test_notifications (void)
{
  static const char *const notify[][2] = {
    { "never", "NEVER" },
    { "failure,delay", "FAILURE,DELAY" },
    { "Delay,SUCCESS", "SUCCESS,DELAY" },
    { "success, failure ,delay", "SUCCESS,FAILURE,DELAY" },
    { "delay,delay", "DELAY" },
    { "never,delay", NULL },
    { "delay,never", NULL },
    { "", NULL },
    { "delay,", NULL },
    { "always", NULL },
    { "delay\r\n", "DELAY" },
    { "delay\r\nRCPT", NULL },
    { NULL, NULL },
  };
  static const char *const ret[][2] = { { "full", "FULL" }, { "HDRS", "HDRS" },
                                        { "hdrs ", NULL },  { "", NULL },
                                        { "none", NULL },   { NULL, NULL } };
  static const char *const envid[][2] = { { "QQ314159", "QQ314159" },
                                          { "a b+=\"", "a b+=\"" },
                                          { "", NULL },
                                          { "a\r\nb", NULL },
                                          { "\303\274", NULL },
                                          { "\177", NULL },
                                          { NULL, NULL } };
  g_autofree char *long_id = g_strnfill (101, 'x');
  const char *const lengths[][2] = { { long_id, NULL },
                                     { long_id + 1, long_id + 1 },
                                     { NULL, NULL } };

  check_setter (envelope_set_notify, get_notify, notify);
  check_setter (envelope_set_ret, get_ret, ret);
  check_setter (envelope_set_envid, get_envid, envid);
  check_setter (envelope_set_envid, get_envid, lengths);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/mail/envelope/header", test_header);
  g_test_add_func ("/mail/envelope/list", test_list);
  g_test_add_func ("/mail/envelope/many", test_many);
  g_test_add_func ("/mail/envelope/notifications", test_notifications);
  return g_test_run ();
}
