/* Addresses as programs and people write them, and as attackers do. */

#include <string.h>

#include <glib.h>

#include "base/failure.h"
#include "mail/address.h"

static GPtrArray *
new_addresses (void)
{
  return g_ptr_array_new_with_free_func ((GDestroyNotify) address_free);
}

/* The good ones as paths, with "|" between them. */
static char *
join_paths (const GPtrArray *addresses)
{
  g_autoptr (GString) out = g_string_new (NULL);

  for (guint i = 0; i < addresses->len; i++)
    {
      g_autofree char *path = address_path (g_ptr_array_index (addresses, i));

      g_string_append_printf (out, "%s%s", i > 0 ? "|" : "", path);
    }
  return g_string_free (g_steal_pointer (&out), FALSE);
}

typedef struct
{
  const char *text;
  const char *paths;
  unsigned problems;
} ListCase;

static const ListCase list_cases[] = {
  /* One */
  { "a@example.org", "a@example.org", 0 },
  { "  a@example.org\t", "a@example.org", 0 },
  { "<a@example.org>", "a@example.org", 0 },
  { "A B <a@example.org>", "a@example.org", 0 },
  { "\"B, A\" <a@example.org>", "a@example.org", 0 },
  { "\"B \\\"x\\\" A\" <a@example.org>", "a@example.org", 0 },
  { "John Q. Public <a@example.org>", "a@example.org", 0 },
  { "[List] A <a@example.org>", "a@example.org", 0 },
  { "a@example.org <a@example.org>", "a@example.org", 0 },
  { "a@example.org.", "a@example.org", 0 },
  { "root", "root", 0 },
  { "\\root", "root", 0 },
  { "<root>", "root", 0 },
  { "*", "*", 0 },
  { "-x@example.org", "-x@example.org", 0 },
  { "a+b=c{d}|e/f@example.org", "a+b=c{d}|e/f@example.org", 0 },
  { "a@[127.0.0.1]", "a@[127.0.0.1]", 0 },
  { "a@[IPv6:2001:db8::1]", "a@[IPv6:2001:db8::1]", 0 },
  { "gr\303\274n@example.org", "gr\303\274n@example.org", 0 },
  { "a@gr\303\274n.example", "a@gr\303\274n.example", 0 },
  { "J\366rg <a@example.org>", "a@example.org", 0 },
  /* Quoted local-parts */
  { "\"john doe\"@example.org", "\"john doe\"@example.org", 0 },
  { "\"john\"@example.org", "john@example.org", 0 },
  { "\"a,b\"@example.org", "\"a,b\"@example.org", 0 },
  { "\"a@b\"@example.org", "\"a@b\"@example.org", 0 },
  { "\"a\\\"b\\\\c\"@example.org", "\"a\\\"b\\\\c\"@example.org", 0 },
  { "\"\\a\"@example.org", "a@example.org", 0 },
  { "\"a\".b.\"c d\"@example.org", "\"a.b.c d\"@example.org", 0 },
  { "\"a..b\"@example.org", "\"a..b\"@example.org", 0 },
  { "\"a.\"@example.org", "\"a.\"@example.org", 0 },
  /* Quotes are missing */
  { "a..b@x.example", "\"a..b\"@x.example", 0 },
  { "a.@x.example", "\"a.\"@x.example", 0 },
  { "A <a.b...@x.example>", "\"a.b...\"@x.example", 0 },
  /* Lists */
  { "", "", 0 },
  { " , ;,", "", 0 },
  { "a@x.example, b@x.example", "a@x.example|b@x.example", 0 },
  { "a@x.example,,b@x.example,", "a@x.example|b@x.example", 0 },
  { "a@x.example; b@x.example", "a@x.example|b@x.example", 0 },
  { "a@x.example b@x.example", "a@x.example|b@x.example", 0 },
  { "a@x.example. b@x.example", "a@x.example|b@x.example", 0 },
  { "root postmaster", "root|postmaster", 0 },
  { "A <a@x.example> B <b@x.example>", "a@x.example|b@x.example", 0 },
  { "<a@x.example> b@x.example", "a@x.example|b@x.example", 0 },
  { "A <a@x.example>, b@x.example", "a@x.example|b@x.example", 0 },
  { "a@x.example,\r\n b@x.example,\n\tc@x.example",
    "a@x.example|b@x.example|c@x.example", 0 },
  { "\"B,\r\n A\" <a@x.example>", "a@x.example", 0 },
  /* Comments */
  { "root (Cron Daemon)", "root", 0 },
  { "a@x.example (c, d)", "a@x.example", 0 },
  { "(x) a (y) @ (z (\\) nested) \") x . example (e)", "a@x.example", 0 },
  { "a@x.example (one) b@x.example", "a@x.example|b@x.example", 0 },
  { "1234   @   local(blah)  .machine .example", "1234@local.machine.example",
    0 },
  /* Groups */
  { "undisclosed-recipients:;", "", 0 },
  { "Team: a@x.example, B <b@x.example>; c@x.example",
    "a@x.example|b@x.example|c@x.example", 0 },
  { "The \"A\" Team:a@x.example b@x.example;,c@x.example",
    "a@x.example|b@x.example|c@x.example", 0 },
  { "A:;B:a@x.example;", "a@x.example", 0 },
  { "A: a@x.example", "a@x.example", 0 },
  { "A: B: a@x.example;", "a@x.example", 1 },
  { "A: a@x.example, B: b@x.example;", "a@x.example|b@x.example", 1 },
  { ": a@x.example;", "a@x.example", 1 },
  { "a@x.example: b@x.example;", "b@x.example", 1 },
  /* Routes */
  { "<@a.example,@b.example:u@x.example>", "u@x.example", 0 },
  { "U <@a.example:u@x.example>, v@x.example", "u@x.example|v@x.example", 0 },
  { "<@a.example,@b.example u@x.example>", "", 1 },
  /* Good ones beside bad ones */
  { "a@x.example, b@@x.example, c@x.example", "a@x.example|c@x.example", 1 },
  { "a@x.example b@@x.example c@x.example", "a@x.example|c@x.example", 1 },
  { "a@x.example, <b@x.example, c@x.example", "a@x.example|c@x.example", 1 },
  { "<a@x.example, B <b@x.example>", "b@x.example", 1 },
  { "a@x.example, \"b, c@x.example", "a@x.example|c@x.example", 1 },
  { "a@x.example, (b, c@x.example", "a@x.example|c@x.example", 1 },
  { "a@x.example, b), c@x.example", "a@x.example|c@x.example", 1 },
  { "a@x.example>, c@x.example", "c@x.example", 1 },
  { "<a@x.example,b@x.example>", "", 1 },
  { "<<a@x.example>>", "", 1 },
  { "<>", "", 1 },
  { "=?utf-8?q?Doe,_John?= <a@x.example>", "a@x.example", 0 },
  { "=?utf-8?q?a:b@x;?= <a@x.example>, b@x.example",
    "a@x.example|b@x.example", 0 },
  { "=?utf-8?q?a,?=b <a@x.example>", "a@x.example", 0 },
  { "=?utf-8?q?a,b <a@x.example>", "a@x.example", 1 },
  { "=?utf-8?q?<a@x.example>?=", "a@x.example", 1 },
  { "=?utf-8?q?a,b?=@x.example", "\"=?utf-8?q?a,b?=\"@x.example", 0 },
  { "<=?\t.\?\?\?=?\t.?@x.example>", "", 1 },
  { "=?utf-8?q?a,b?=", "", 1 },
  { "=?utf-8?q?Doe?=", "", 1 },
  { "=?utf-8?q?Doe?=@x.example", "=?utf-8?q?Doe?=@x.example", 0 },
  { "John Smith a@x.example", "a@x.example", 2 },
  { "<a@x.example> Smith", "a@x.example", 1 },
  { "b@x.example John <a@x.example>", "", 1 },
  /* Not addresses */
  { "@", "", 1 },
  { "a@", "", 1 },
  { "@x.example", "", 1 },
  { "\"\"@x.example", "", 1 },
  { "a@b@x.example", "", 1 },
  { "a@b @x.example", "", 1 },
  { "a..b", "", 1 },
  { ".a@x.example", "", 1 },
  { "a.", "", 1 },
  { "a. <b@x.example>", "b@x.example", 0 },
  { "a@x..example", "", 1 },
  { "a@.x.example", "", 1 },
  { "a@-x.example", "", 1 },
  { "a@x_y.example", "", 1 },
  { "a@[127.0.0.1", "", 1 },
  { "a@[1.2.3]", "", 1 },
  { "a@[IPv6:zz]", "", 1 },
  { "\"<b>\"@x.example", "", 1 },
  { "a\\b@x.example", "", 1 },
  { "\\", "", 1 },
  { "\\\\root", "", 1 },
  /* Attacks */
  { "a@x.example\r\nRCPT TO:<b@x.example>", "", 1 },
  { "a@x.example\nb@x.example", "", 1 },
  { "a@x.example\n", "", 1 },
  { "a@x.example, b@x.example\r", "", 1 },
  { "a@x.example, \"b\r\nX: \" <c@x.example>", "", 1 },
  { "a@x.example, b@x.example\033", "a@x.example", 1 },
  { "a@x.example\r", "", 1 },
  { "\"a\r\nRCPT TO:<x>\"@x.example", "", 1 },
  { "\"a\r\n b\"@x.example", "", 1 },
  { "\"a\tb\"@x.example", "", 1 },
  { "\"a\\\rb\"@x.example", "", 1 },
  { "a\001@x.example", "", 1 },
  { "a@x.example\177", "", 1 },
  { "a\302\205@x.example", "", 1 },
  { "a\342\200\256@x.example", "", 1 },
  { "a@x.example\302\240", "", 1 },
  { "\377@x.example", "", 1 },
  { "a@\377.example", "", 1 },
};

static void
test_list (void)
{
  for (size_t i = 0; i < G_N_ELEMENTS (list_cases); i++)
    {
      const ListCase *c = &list_cases[i];
      g_autoptr (GPtrArray) addresses = new_addresses ();
      g_autoptr (GPtrArray) problems = g_ptr_array_new_with_free_func (g_free);
      g_autofree char *escaped = g_strescape (c->text, NULL);
      g_autofree char *paths = NULL;
      bool good =
          address_parse_list (c->text, strlen (c->text), addresses, problems);

      g_test_message ("%s", escaped);
      paths = join_paths (addresses);
      g_assert_cmpstr (paths, ==, c->paths);
      g_assert_cmpuint (problems->len, ==, c->problems);
      g_assert_true (good == (c->problems == 0));
    }
}

/* Many bad ones are told as a hundred. */
static void
test_list_problems (void)
{
  g_autoptr (GString) text = g_string_new (NULL);
  g_autoptr (GPtrArray) addresses = new_addresses ();
  g_autoptr (GPtrArray) problems = g_ptr_array_new_with_free_func (g_free);

  for (int i = 0; i < 1000; i++)
    g_string_append (text, "@,");
  g_string_append (text, "a@x.example");
  g_assert_false (
      address_parse_list (text->str, text->len, addresses, problems));
  g_assert_cmpuint (problems->len, ==, 100);
  g_assert_cmpuint (addresses->len, ==, 1);
}

static void
test_pieces (void)
{
  static const struct
  {
    const char *text, *pieces;
  } cases[] = {
    { "A \"B\" <a@x.example>, b@y.example (c)",
      "N[A \"B\"]D[x.example],[,]D[y.example]C[(c)]" },
    { "A (b) C (d (e)) <a@x.example>",
      "N[A ]C[(b)]N[ C]C[(d (e))]D[x.example]" },
    { "a@x (b) . example.", "D[x (b) . example.]" },
    { "G: a@x.example; b@x.example",
      "N[G]D[x.example],[;]D[x.example]" },
    { "A: B: a@x.example", "N[A]D[x.example]" },
    { "<@r.example,@s.example:a@x.example>,b", "D[x.example],[,]" },
    { "A <a@@x>, \"b", "N[A],[,]" },
    { "(a)", "C[(a)]" },
    { "", "" },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GArray) pieces =
          address_list_pieces (cases[i].text, strlen (cases[i].text));
      g_autoptr (GString) shown = g_string_new (NULL);

      for (guint j = 0; j < pieces->len; j++)
        {
          AddressPiece piece = g_array_index (pieces, AddressPiece, j);

          g_string_append_printf (shown, "%c[%.*s]", "NCD,"[piece.part],
                                  (int) piece.length,
                                  cases[i].text + piece.start);
        }
      g_assert_cmpstr (shown->str, ==, cases[i].pieces);
    }
}

static void
test_domain_ascii (void)
{
  static const char *const cases[][2] = {
    { "X.example", "X.example" },
    { "gr\303\274n.example", "xn--grn-ioa.example" },
    { "\345\244\247\343\200\202example", "xn--pss.example" },
    { "\303\237.example", "xn--zca.example" },
    { "\342\204\242-.example", NULL },    /* "tm-" */
    { "\342\204\200.example", NULL },     /* "a/c" */
    { "\357\274\240.example", NULL },     /* "@" */
    { "\342\200\213.example", NULL },     /* nothing */
  };

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autofree char *ascii = address_domain_ascii (cases[i][0], &error);

      g_assert_cmpstr (ascii, ==, cases[i][1]);
      if (ascii == NULL)
        g_assert_error (error, FAILURE, FAILURE_DATA);
    }
}

static void
test_list_octets (void)
{
  static const char nul[] = "a@x.example\0, b@x.example";
  g_autoptr (GPtrArray) addresses = new_addresses ();
  g_autofree char *paths = NULL;

  g_assert_false (address_parse_list (nul, sizeof nul - 1, addresses, NULL));
  paths = join_paths (addresses);
  g_assert_cmpstr (paths, ==, "");
}

static char *
repeat (char c, size_t count, const char *tail)
{
  g_autofree char *head = g_strnfill (count, c);

  return g_strconcat (head, tail, NULL);
}

static void
test_lengths (void)
{
  static const struct
  {
    size_t local, domain;
    bool good;
  } cases[] = {
    { 64, 10, true },   { 65, 10, false }, { 64, 189, true },
    { 64, 190, false }, { 1, 252, true },  { 1, 253, false },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *local = repeat ('l', cases[i].local, "@");
      g_autofree char *domain = repeat ('d', cases[i].domain, "");
      g_autofree char *text = NULL;
      g_autoptr (GError) error = NULL;
      g_autoptr (Address) address = NULL;

      for (size_t j = 60; j + 1 < cases[i].domain; j += 60)
        domain[j] = '.';
      text = g_strconcat (local, domain, NULL);
      address = address_parse (text, &error);
      g_assert_true ((address != NULL) == cases[i].good);
      if (!cases[i].good)
        g_assert_error (error, FAILURE, FAILURE_DATA);
    }
}

/* Time that grows with the square of the length would show here. */
static void
test_hostile_length (void)
{
  static const char *const units[] = { "(",   "\"", "\"\\", "[",    "<",
                                       "<a,", "a ", "a,",   "a@b ", ":",
                                       "@",   "\\", "<a> ", "a:",   "(a)",
                                       "\"(", "a.", "=?" };

  for (size_t i = 0; i < G_N_ELEMENTS (units); i++)
    {
      g_autoptr (GString) text = g_string_new (NULL);
      g_autoptr (GPtrArray) addresses = new_addresses ();
      int64_t start = g_get_monotonic_time ();

      while (text->len < 512 * 1024)
        g_string_append (text, units[i]);
      address_parse_list (text->str, text->len, addresses, NULL);
      g_assert_cmpint (g_get_monotonic_time () - start, <,
                       20 * G_USEC_PER_SEC);
    }
}

static void
test_one (void)
{
  static const struct
  {
    const char *text, *name, *local_part, *domain;
  } cases[] = {
    { "me@example.org", NULL, "me", "example.org" },
    { " <me@example.org> ", NULL, "me", "example.org" },
    { "Me <me@Example.org.>", "Me", "me", "Example.org" },
    { "\"A \\\"B\\\"\r\n C\" D. <me@example.org>", "A \"B\" C D.", "me",
      "example.org" },
    { "=?utf-8?q?J=C3=B6rg?= X <me@example.org>", "=?utf-8?q?J=C3=B6rg?= X",
      "me", "example.org" },
    { "J\303\266rg <me@example.org>", "J\303\266rg", "me", "example.org" },
    { "root", NULL, "root", NULL },
  };
  static const char *const bad[] = { "",
                                     " ",
                                     "<>",
                                     "a b",
                                     "a@x.example,",
                                     ",",
                                     "x:;",
                                     "a@b.c d@e.f",
                                     "x: a@x.example;",
                                     "a@x.example;",
                                     "a@",
                                     "a\n" };

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (Address) address = address_parse (cases[i].text, &error);
      g_autoptr (Address) copy = NULL;

      g_assert_no_error (error);
      copy = address_copy (address);
      g_assert_cmpstr (copy->display_name, ==, cases[i].name);
      g_assert_cmpstr (copy->local_part, ==, cases[i].local_part);
      g_assert_cmpstr (copy->domain, ==, cases[i].domain);
    }
  for (size_t i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (address_parse (bad[i], &error));
      g_assert_error (error, FAILURE, FAILURE_DATA);
    }
}

static void
test_unqualified (void)
{
  static const struct
  {
    const char *text, *completed;
  } cases[] = {
    { " root (Cron Daemon)", " root@d.example (Cron Daemon)" },
    { " A <a>, b@x.example,\r\n \"c d\" (c)",
      " A <a@d.example>, b@x.example,\r\n \"c d\"@d.example (c)" },
    { "Team: a, b;", "Team: a@d.example, b@d.example;" },
    { "undisclosed-recipients:;", "undisclosed-recipients:;" },
    { "a b", "a@d.example b@d.example" },
    { "a b@x.example", "a b@x.example" },
    { "<@r.example:a>", "<@r.example:a@d.example>" },
    { "\\root", "\\root" },
    { "=?utf-8?q?x?=", "=?utf-8?q?x?=" },
    { "\"a", "\"a" },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GString) text = g_string_new (cases[i].text);
      g_autoptr (GArray) gaps =
          address_list_unqualified (text->str, text->len);

      for (guint j = gaps->len; j > 0; j--)
        g_string_insert (text, (gssize) g_array_index (gaps, size_t, j - 1),
                         "@d.example");
      g_assert_cmpstr (text->str, ==, cases[i].completed);
    }
}

static void
test_mailbox (void)
{
  static const struct
  {
    const char *name, *mailbox;
  } cases[] = {
    { NULL, "me@x.example" },
    { "", "me@x.example" },
    { "Me", "Me <me@x.example>" },
    { "Me Too", "Me Too <me@x.example>" },
    { "Q. \"Me\" \\", "\"Q. \\\"Me\\\" \\\\\" <me@x.example>" },
    { "Me\r\nBcc: x@x.example", "\"Me Bcc: x@x.example\" <me@x.example>" },
    { "J\303\266rg", "=?UTF-8?B?SsO2cmc=?= <me@x.example>" },
    { "\303\266\r\nBcc: x", "=?UTF-8?B?w7YgQmNjOiB4?= <me@x.example>" },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      Address address = { (char *) cases[i].name, (char *) "me",
                          (char *) "x.example" };
      g_autofree char *mailbox = address_mailbox (&address);

      g_assert_cmpstr (mailbox, ==, cases[i].mailbox);
    }
}

/* A long name becomes encoded words that are whole characters each. */
static void
test_mailbox_long (void)
{
  g_autoptr (GString) name = g_string_new (NULL);
  g_autoptr (GString) decoded = g_string_new (NULL);
  g_autofree char *mailbox = NULL;
  g_auto (GStrv) words = NULL;

  for (int i = 0; i < 100; i++)
    g_string_append (name, i % 3 ? "\342\202\254" : "a");
  {
    Address address = { name->str, (char *) "me", (char *) "x.example" };

    mailbox = address_mailbox (&address);
  }
  words = g_strsplit (mailbox, "\r\n ", -1);
  g_assert_cmpuint (g_strv_length (words), >, 3);
  for (char **word = words; *word != NULL; word++)
    {
      gsize length;
      g_autofree guchar *octets = NULL;

      g_assert_cmpuint (strlen (*word), <=, 75);
      if (word[1] == NULL)
        break;
      g_assert_true (g_str_has_prefix (*word, "=?UTF-8?B?"));
      g_assert_true (g_str_has_suffix (*word, "?="));
      (*word)[strlen (*word) - 2] = '\0';
      octets = g_base64_decode (*word + strlen ("=?UTF-8?B?"), &length);
      g_assert_true (g_utf8_validate ((char *) octets, (gssize) length, NULL));
      g_string_append_len (decoded, (char *) octets, (gssize) length);
    }
  g_assert_cmpstr (decoded->str, ==, name->str);
}

static void
test_path_equal (void)
{
  static const struct
  {
    const char *a, *b;
    bool equal;
  } cases[] = {
    { "a@x.example", "a@X.Example", true },
    { "a@x.example", "A@x.example", false },
    { "a@x.example", "a@y.example", false },
    { "a@x.example", "a", false },
    { "a", "a", true },
    { "a", "A", false },
    { "", "", true },
    { "", "a", false },
    { "\"a@B\"@x.example", "\"a@b\"@x.example", false },
    { "\"a@B\"", "\"a@b\"", false },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_assert_true (address_path_equal (cases[i].a, cases[i].b)
                     == cases[i].equal);
      g_assert_true (address_path_equal (cases[i].b, cases[i].a)
                     == cases[i].equal);
    }
}

static void
test_domain_valid (void)
{
  static const char *const good[] = { "x",
                                      "x.example",
                                      "X-y.example",
                                      "1.2.3.4",
                                      "[127.0.0.1]",
                                      "[IPv6:::1]",
                                      "[ipv6:2001:db8::1]",
                                      "gr\303\274n.example",
                                      "\346\227\245\346\234\254.example" };
  static const char *const bad[] = { "",
                                     ".",
                                     "x.",
                                     ".x",
                                     "x..y",
                                     "-x",
                                     "x-",
                                     "x y",
                                     "x\ty",
                                     "x\r\ny",
                                     "[",
                                     "[]",
                                     "[x]",
                                     "[127.0.0.1",
                                     "[127.0.0.256]",
                                     "[IPv6:]",
                                     "[IPv6:::1]x",
                                     "x_y",
                                     "x@y",
                                     "x\377",
                                     "x\302\240y",
                                     "x:y",
                                     "localhost\r\nRSET" };
  g_autofree char *label = repeat ('x', 64, "");

  for (size_t i = 0; i < G_N_ELEMENTS (good); i++)
    g_assert_true (address_domain_valid (good[i]));
  for (size_t i = 0; i < G_N_ELEMENTS (bad); i++)
    g_assert_false (address_domain_valid (bad[i]));
  g_assert_false (address_domain_valid (label));
  g_assert_true (address_domain_valid (label + 1));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/mail/address/list", test_list);
  g_test_add_func ("/mail/address/list-octets", test_list_octets);
  g_test_add_func ("/mail/address/list-problems", test_list_problems);
  g_test_add_func ("/mail/address/pieces", test_pieces);
  g_test_add_func ("/mail/address/domain-ascii", test_domain_ascii);
  g_test_add_func ("/mail/address/lengths", test_lengths);
  g_test_add_func ("/mail/address/hostile-length", test_hostile_length);
  g_test_add_func ("/mail/address/one", test_one);
  g_test_add_func ("/mail/address/unqualified", test_unqualified);
  g_test_add_func ("/mail/address/mailbox", test_mailbox);
  g_test_add_func ("/mail/address/mailbox-long", test_mailbox_long);
  g_test_add_func ("/mail/address/path-equal", test_path_equal);
  g_test_add_func ("/mail/address/domain-valid", test_domain_valid);
  return g_test_run ();
}
