/* Fields that cannot leave as they are. */

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <glib.h>

#include "base/failure.h"
#include "mail/address.h"
#include "mail/encoding.h"
#include "mail/field.h"

/* As it comes on standard input. */
static Header *
new_header (const char *name, const char *body)
{
  Header *header = header_new ();
  g_autofree char *text = g_strconcat (name, ":", body, NULL);
  g_auto (GStrv) lines = g_strsplit (text, "\r\n", -1);

  for (char **line = lines; *line != NULL; line++)
    g_assert_true (header_add_line (header, *line, strlen (*line), NULL));
  return header;
}

static const struct
{
  const char *name, *body;
  const char *ascii; /* NULL: it has no such form */
} cases[] = {
  /* Nothing to do */
  { "Subject", " a  b =?utf-8?q?=C3?= \r\n\tc",
    " a  b =?utf-8?q?=C3?= \r\n\tc" },
  { "Subject", " =?utf-8?q?=0D=0ABcc:_b@x.example?=",
    " =?utf-8?q?=0D=0ABcc:_b@x.example?=" },
  { "To", " \"a b\" <a@x.example>,\r\n  b", " \"a b\" <a@x.example>,\r\n  b" },
  { "To", " \"a", " \"a" },
  { "Content-Type", "a;;b;\"", "a;;b;\"" },
  /* Texts */
  { "Subject", " Gr\303\274\303\237e", " =?UTF-8?B?R3LDvMOfZQ==?=" },
  { "Subject", " a  \303\274  b", " a  =?UTF-8?B?w7w=?=  b" },
  { "Subject", " a \303\274 b \303\274 c",
    " a =?UTF-8?B?w7w=?= b =?UTF-8?B?w7w=?= c" },
  { "Subject", " \303\274 \303\274", " =?UTF-8?B?w7wgw7w=?=" },
  { "Subject", " \303\274\r\n \303\274", " =?UTF-8?B?w7wgw7w=?=" },
  { "Subject", " a\r\n\t\303\274 \r\n b", " a\r\n\t=?UTF-8?B?w7w=?= \r\n b" },
  { "Subject", "\r\n \303\274", "\r\n =?UTF-8?B?w7w=?=" },
  { "Subject", " =?utf-8?q?a?= \303\274 =?utf-8?q?b?=",
    " =?utf-8?q?a?= =?UTF-8?B?IMO8IA==?= =?utf-8?q?b?=" },
  { "Subject", " =?utf-8?q?a?=\303\274", " =?UTF-8?B?PT91dGYtOD9xP2E/PcO8?=" },
  { "Subject", " =?utf-8?q?=0D=0ABcc:_b?= \303\274",
    " =?utf-8?q?=0D=0ABcc:_b?= =?UTF-8?B?IMO8?=" },
  { "X-Anything", " \"\303\274\" (\303\274)", " =?UTF-8?B?IsO8IiAow7wp?=" },
  { "List-ID", " \303\274 <a.x.example>", " =?UTF-8?B?w7w=?= <a.x.example>" },
  /* Addresses */
  { "To", " J\303\266rg <a@x.example>",
    " =?UTF-8?B?SsO2cmc=?= <a@x.example>" },
  { "To", " J\303\266rg Q. M\303\274ller <a@x.example>",
    " =?UTF-8?B?SsO2cmc=?= Q. =?UTF-8?B?TcO8bGxlcg==?= <a@x.example>" },
  { "To", " \303\204 \303\226 <a@x.example>",
    " =?UTF-8?B?w4Qgw5Y=?= <a@x.example>" },
  { "To", " =?utf-8?q?a?= \303\226 <a@x.example>",
    " =?utf-8?q?a?= =?UTF-8?B?IMOW?= <a@x.example>" },
  { "To", " \"J\303\266rg, (X)\"<a@x.example>",
    " =?UTF-8?B?SsO2cmcsIChYKQ==?= <a@x.example>" },
  { "To", " \"\303\226 \\\"\\\\\" <a@x.example>",
    " =?UTF-8?B?w5YgIlw=?= <a@x.example>" },
  { "To", " \"\303\226\r\n x\"\r\n <a@x.example>",
    " =?UTF-8?B?w5YgeA==?=\r\n <a@x.example>" },
  { "To", " a@x.example,\303\226<b@x.example>",
    " a@x.example, =?UTF-8?B?w5Y=?= <b@x.example>" },
  { "To", "\303\226 <b@x.example>", "=?UTF-8?B?w5Y=?= <b@x.example>" },
  { "To", " \303\226(\303\204)\303\226 <b@x.example>",
    " =?UTF-8?B?w5Y=?= (=?UTF-8?B?w4Q=?=) =?UTF-8?B?w5Y=?= <b@x.example>" },
  { "To", " a@gr\303\274n.example, <b@gr\303\274n.example>",
    " a@xn--grn-ioa.example, <b@xn--grn-ioa.example>" },
  { "To", " \"\303\226\" <\"a b\"@ gr\303\274n (c) . example.>",
    " =?UTF-8?B?w5Y=?= <\"a b\"@ xn--grn-ioa.example>" },
  { "To", " a@x.example <b@gr\303\274n.example>",
    " a@x.example <b@xn--grn-ioa.example>" },
  { "To", " \303\274@x.example <b@x.example>",
    " =?UTF-8?B?w7xAeC5leGFtcGxl?= <b@x.example>" },
  { "To", " a@x.example (J\303\266rg (\303\274) \\(z)",
    " a@x.example (=?UTF-8?B?SsO2cmc=?= (=?UTF-8?B?w7w=?=) \\(z)" },
  { "To", " a@x.example (\303\274\\)\303\274 \303\274)",
    " a@x.example (=?UTF-8?B?w7wpw7wgw7w=?=)" },
  { "To", " Gr\303\274n: a@x.example;",
    " =?UTF-8?B?R3LDvG4=?= : a@x.example;" },
  { "To", " Gr\303\274n :;", " =?UTF-8?B?R3LDvG4=?= :;" },
  { "To", " gr\303\274n@x.example", NULL },
  { "To", " a@\342\204\200.example", NULL },
  { "To", " <@gr\303\274n.example:a@x.example>", NULL },
  { "To", " \"\303\226, a@x.example", NULL },
  { "To", " \303\226", NULL },
  { "Disposition-Notification-To", " \303\226 <a@x.example>",
    " =?UTF-8?B?w5Y=?= <a@x.example>" },
  /* Parameters */
  { "Content-Disposition",
    " attachment; filename=\"Gr\303\274n \\\"x\\\".pdf\"; size=5",
    " attachment; filename*=UTF-8''Gr%C3%BCn%20%22x%22.pdf; size=5" },
  { "Content-Type", " a/b; name=Gr\303\274n x.txt ; charset=utf-8",
    " a/b; name*=UTF-8''Gr%C3%BCn%20x.txt ; charset=utf-8" },
  { "Content-Type", " a/b;\r\n\tname = \"\303\274\"\r\n (\303\274;)",
    " a/b;\r\n\tname*=UTF-8''%C3%BC\r\n (=?UTF-8?B?w7w7?=)" },
  { "Content-Type", " a/b; NAME=\"\303\274.b\"; name*=utf-8''%C3%BC.b",
    " a/b; NAME=\"_.b\"; name*=utf-8''%C3%BC.b" },
  { "Content-Type", " a/b; name*0=\"\303\274\"; name*1=b",
    " a/b; name*0=\"_\"; name*1=b" },
  { "Content-Type", " a/b; name*=utf-8''\303\274",
    " a/b; name*=utf-8''%C3%BC" },
  { "Content-Type", " a/b (\303\274); name=c",
    " a/b (=?UTF-8?B?w7w=?=); name=c" },
  { "Content-Type", " text/pl\303\244in", NULL },
  { "Content-Type", " a/b; n\303\244me=x", NULL },
  { "Content-Type", " a/b; \303\244", NULL },
  /* Structured */
  { "Date", " Sat, 21 Nov 2026 03:14:47 +0000 (Mitteleurop\303\244isch)",
    " Sat, 21 Nov 2026 03:14:47 +0000 "
    "(=?UTF-8?B?TWl0dGVsZXVyb3DDpGlzY2g=?=)" },
  { "Date", " x (\303\274 \\\r\n \303\274)",
    " x (=?UTF-8?B?w7w=?= \\\r\n =?UTF-8?B?w7w=?=)" },
  { "In-Reply-To", " <a@x.example> (\303\226's of \"x)\")",
    " <a@x.example> (=?UTF-8?B?w5Yncw==?= of \"x)\")" },
  { "Message-ID", " <\303\274@x.example>", NULL },
  { "MIME-Version", " 1.0\302\240", NULL },
  { "DKIM-Signature", " (\303\274)", NULL },
};

static void
test_ascii (void)
{
  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (Header) header = new_header (cases[i].name, cases[i].body);
      g_autoptr (GError) error = NULL;
      bool made = field_make_ascii (header, false, &error);

      g_test_message ("%s:%s", cases[i].name, cases[i].body);
      g_assert_true (made == (cases[i].ascii != NULL));
      if (cases[i].ascii == NULL)
        {
          g_assert_error (error, FAILURE, FAILURE_DATA);
          continue;
        }
      g_assert_no_error (error);
      g_assert_cmpstr (header_find (header, cases[i].name)->body, ==,
                       cases[i].ascii);
    }
}

static const struct
{
  const char *name, *body, *charset;
  const char *utf8; /* NULL: it has no such form */
} octet_cases[] = {
  /* Nothing to do */
  { "Subject", " Gr\303\274n", "iso-8859-1", " Gr\303\274n" },
  /* Known */
  { "Subject", " Gr\374n", "ISO-8859-1", " =?UTF-8?B?R3LDvG4=?=" },
  { "Subject", " 5 \200", "iso-8859-1", " 5 =?UTF-8?B?4oKs?=" },
  { "Subject", " \203\\ x", "shift_jis", " =?UTF-8?B?44K9?= x" },
  { "From", " J\366rg <a@x.example>", "iso-8859-1",
    " =?UTF-8?B?SsO2cmc=?= <a@x.example>" },
  { "From", " a@gr\374n.example", "iso-8859-1", " a@xn--grn-ioa.example" },
  { "Content-Type", " a/b; name=\"\374\"", "iso-8859-1",
    " a/b; name*=UTF-8''%C3%BC" },
  /* Unknown, or not what it says */
  { "Subject", " Gr\374n x", NULL, " =?unknown-8bit?B?R3L8bg==?= x" },
  { "Subject", " Gr\374n", "utf-8", " =?unknown-8bit?B?R3L8bg==?=" },
  { "Subject", " Gr\374n", "us-ascii", " =?unknown-8bit?B?R3L8bg==?=" },
  { "Subject", " Gr\374n", "utf-7", " =?unknown-8bit?B?R3L8bg==?=" },
  { "Subject", " \203", "shift_jis", " =?unknown-8bit?B?gw==?=" },
  { "Subject", " \205", "iso-8859-2", " =?unknown-8bit?B?hQ==?=" },
  { "Subject", " a\r\n \205\r\n b\r\n c", "iso-8859-2",
    " a\r\n =?unknown-8bit?B?hQ==?=\r\n b\r\n c" },
  { "Subject", " \374\r\n \377\r\n b", "euc-jp",
    " =?unknown-8bit?B?/CD/?=\r\n b" },
  { "Subject", " \374\r\n a\r\n\t\344", "iso-8859-1",
    " =?UTF-8?B?w7w=?=\r\n a\r\n\t=?UTF-8?B?w6Q=?=" },
  { "From", " J\366rg <a@x.example>", NULL,
    " =?unknown-8bit?B?SvZyZw==?= <a@x.example>" },
  { "From", " a@gr\374n.example", NULL, NULL },
  { "From", " \374@x.example", "iso-8859-1", NULL },
  { "Message-ID", " <\374@x.example>", "iso-8859-1", NULL },
};

static void
test_utf8 (void)
{
  for (size_t i = 0; i < G_N_ELEMENTS (octet_cases); i++)
    {
      g_autoptr (Header) header =
          new_header (octet_cases[i].name, octet_cases[i].body);
      g_autoptr (GError) error = NULL;
      bool made =
          field_make_utf8 (header, octet_cases[i].charset, false, &error);

      g_assert_true (made == (octet_cases[i].utf8 != NULL));
      if (made)
        g_assert_cmpstr (header_find (header, octet_cases[i].name)->body, ==,
                         octet_cases[i].utf8);
      else
        g_assert_error (error, FAILURE, FAILURE_DATA);
    }
}

/* The longest line with MARK in it. */
static size_t
longest_line (const Header *header, const char *mark)
{
  g_autoptr (GString) text = header_to_string (header);
  g_auto (GStrv) lines = g_strsplit (text->str, "\r\n", -1);
  size_t longest = 0;

  for (char **line = lines; *line != NULL; line++)
    {
      if (strstr (*line, mark) != NULL)
        longest = MAX (longest, strlen (*line));
    }
  return longest;
}

static char *
decoded (const char *body)
{
  g_autofree char *unfolded = header_unfold (body);

  return encoding_decode_words (unfolded);
}

/* Texts of words from ALPHABET, by a generator of pseudo-random numbers. */
static char *
make_text (unsigned seed)
{
  static const char *const alphabet[] = {
    "a",
    "of",
    "\303\274",
    "Gr\303\274\303\237e",
    "(x",
    "\"y)",
    "=?",
    "\360\237\230\200\360\237\230\200\360\237\230\200\360\237\230\200",
    "an-ascii-word-that-takes-more-than-half-a-line-for-itself",
    "\\\303\266",
    "\346\227\245\346\234\254\350\252\236\343\201\256\351\225\267\343\201\204"
    "\346\226\207\345\255\227\345\210\227\343\201\247\343\201\231",
  };
  static const char *const blanks[] = { " ", "  ", "\r\n ", " \r\n\t", "\t" };
  GString *text = g_string_new ("");

  for (unsigned i = 0; i < 1 + seed % 40; i++)
    {
      seed = seed * 1103515245 + 12345;
      g_string_append (text, blanks[(seed >> 8) % G_N_ELEMENTS (blanks)]);
      g_string_append (text, alphabet[(seed >> 16) % G_N_ELEMENTS (alphabet)]);
    }
  return g_string_free (text, FALSE);
}

/* Texts say the same as before, to whoever can read them. */
static void
test_text (void)
{
  for (unsigned i = 0; i < 2000; i++)
    {
      g_autofree char *text = make_text (i);
      g_autoptr (Header) header = new_header ("Subject", text);
      g_autofree char *before = decoded (text);
      g_autofree char *after = NULL;

      g_assert_true (field_make_ascii (header, false, NULL));
      after = decoded (header_find (header, "Subject")->body);
      g_assert_cmpstr (after, ==, before);
      g_assert_true (g_str_is_ascii (header_find (header, "Subject")->body));
      /* 76, and a blank that was at its end. */
      g_assert_cmpuint (longest_line (header, "=?UTF-8?"), <, 78);
    }
}

#define TEN "1234567890"
#define FIFTY TEN TEN TEN TEN TEN

/* A line with an encoded word has no more than 76 octets, with the name of the
   field, where there is a blank to end it at. */
static void
test_columns (void)
{
  static const struct
  {
    const char *name, *body, *ascii;
  } columns[] = {
    { FIFTY TEN TEN, " \303\274", "\r\n =?UTF-8?B?w7w=?=" },
    { FIFTY TEN TEN, "\303\274", "\r\n =?UTF-8?B?w7w=?=" },
    { FIFTY, " \303\274", " =?UTF-8?B?w7w=?=" },
    { "Subject", " " FIFTY " \303\274\303\274\303\274\303\274",
      " " FIFTY "\r\n =?UTF-8?B?w7zDvMO8w7w=?=" },
    { "Subject", " \303\274 " FIFTY TEN, " =?UTF-8?B?w7w=?=\r\n " FIFTY TEN },
    { "Subject", " \303\274 " FIFTY TEN FIFTY,
      " =?UTF-8?B?w7w=?=\r\n " FIFTY TEN FIFTY },
    { "Subject", " " FIFTY "          \303\274",
      " " FIFTY "\r\n =?UTF-8?B?w7w=?=" },
    { "Subject",
      " a\r\n"
      "          " FIFTY "  \303\274",
      " a\r\n"
      "          " FIFTY "\r\n  =?UTF-8?B?w7w=?=" },
    { "To", " \303\274 <" FIFTY TEN "@x.example>",
      " =?UTF-8?B?w7w=?=\r\n <" FIFTY TEN "@x.example>" },
    { "To",
      " \303\274 <a@x.example>, b@x.example, c@x.example, dd-dd@x.example",
      " =?UTF-8?B?w7w=?= <a@x.example>, b@x.example, c@x.example,\r\n"
      " dd-dd@x.example" },
    { "To", " a (" FIFTY TEN "(\303\274))",
      " a (" FIFTY TEN "(\r\n =?UTF-8?B?w7w=?=))" },
    { "Content-Type", " " FIFTY "/a; name=\"\303\274\"",
      " " FIFTY "/a;\r\n name*=UTF-8''%C3%BC" },
    { "Content-Type", " " FIFTY "/a;name=\"\303\274\"",
      " " FIFTY "/a;\r\n name*=UTF-8''%C3%BC" },
    { "Content-Type",
      " a/b; name=\"" TEN TEN "\303\274\303\274\303\274" TEN TEN TEN "\"; x=y",
      " a/b;\r\n name*0*=UTF-8''" TEN TEN "%C3%BC%C3%BC%C3%BC" TEN ";\r\n"
      " name*1*=" TEN TEN "; x=y" },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (columns); i++)
    {
      g_autoptr (Header) header =
          new_header (columns[i].name, columns[i].body);
      const char *body;

      g_assert_true (field_make_ascii (header, false, NULL));
      body = header_find (header, columns[i].name)->body;
      g_assert_cmpstr (body, ==, columns[i].ascii);
    }
}

/* TEMPLATE with "{7}" as seven letters and "[7]" as seven blanks. */
static char *
expand (const char *template)
{
  GString *out = g_string_new (NULL);

  for (const char *p = template; *p != '\0'; p++)
    {
      char *end;

      if (strchr ("{[", *p) == NULL)
        {
          g_string_append_c (out, *p);
          continue;
        }
      for (unsigned long i = strtoul (p + 1, &end, 10); i > 0; i--)
        g_string_append_c (out, *p == '{' ? 'x' : ' ');
      p = end;
    }
  return g_string_free (out, FALSE);
}

/* What is longer than 998 is broken before the last blank that fits. */
static void
test_fold (void)
{
  static const struct
  {
    const char *name, *before, *after; /* NULL: there is no such blank */
  } folds[] = {
    { "A", "{996}", "{996}" },
    { "A", "{997}", NULL },
    { "A", " {996}", "\r\n {996}" },
    { "A", " {997}", "\r\n {997}" },
    { "A", " {998}", NULL },
    { "A", "a {995}", "a\r\n {995}" },
    { "A", "{900} {97}", "{900}\r\n {97}" },
    { "A", "{900}\t{97}", "{900}\r\n\t{97}" },
    { "A", "{900}[3]{97}", "{900}\r\n[3]{97}" },
    { "A", "{996} b c", "{996}\r\n b c" },
    { "A", "a b {900} {900} {900} d", "a b {900}\r\n {900}\r\n {900} d" },
    { "A", "{900} {900}\r\n {900} {900}",
      "{900}\r\n {900}\r\n {900}\r\n {900}" },
    /* The second and further lines */
    { "A", "a\r\n {997}", "a\r\n {997}" },
    { "A", "a\r\n {998}", NULL },
    { "A", "a\r\n[2]{997}", NULL },
    { "A", "a\r\n[2]{500} {497}", "a\r\n[2]{500}\r\n {497}" },
    /* No line of blanks alone */
    { "A", "{900}[96]", "{900}[96]" },
    { "A", "{900}[97]", NULL },
    { "A", "{900} {90}[6]", "{900}\r\n {90}[6]" },
    { "A", "a\r\n[998]b", NULL },
    { "A", "a[990]b{100}", NULL },
    { "A", "a[800]b{300}", NULL },
    { "A", "{100}[600]{300}", "{100}\r\n[600]{300}" },
    { "A", "a[600]{300} {300}", "a[600]{300}\r\n {300}" },
    { "A", "a b[800]c{400}", NULL },
    /* Not between a backslash and what it quotes */
    { "A", "{900} a\\ {97}", "{900}\r\n a\\ {97}" },
    { "A", "{900}\\ {97}", NULL },
    { "A", "a \"{900} {97}\"", "a \"{900}\r\n {97}\"" },
    /* Lists of addresses */
    { "Subject", "{600},{600}", NULL },
    { "To", "a@x.example,({900}),b@x.example,({90})",
      "a@x.example, ({900}), b@x.example,\r\n ({90})" },
    { "Cc", "a@x.example;({900});b@x.example;({90})",
      "a@x.example; ({900}); b@x.example;\r\n ({90})" },
    { "To", "({900}),\r\n a,({900}),({91})",
      "({900}),\r\n a, ({900}),\r\n ({91})" },
    { "To", "\"{400},{590}\" <a@x.example>",
      "\"{400},{590}\"\r\n <a@x.example>" },
    { "To", "\"{500},{500}\"<a@x.example>", NULL },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (folds); i++)
    {
      g_autofree char *before = expand (folds[i].before);
      g_autofree char *after =
          folds[i].after != NULL ? expand (folds[i].after) : NULL;
      g_autoptr (Header) header = new_header (folds[i].name, before);
      g_autoptr (GError) error = NULL;
      bool changes = after == NULL || strcmp (before, after) != 0;

      g_test_message ("%s:%s", folds[i].name, folds[i].before);
      g_assert_true (field_fold (header, true, NULL) == !changes);
      g_assert_true (field_fold (header, false, &error) == (after != NULL));
      if (after == NULL)
        g_assert_error (error, FAILURE, FAILURE_DATA);
      else
        g_assert_cmpstr (header_find (header, folds[i].name)->body, ==, after);
    }
}

static void
test_fold_name (void)
{
  g_autofree char *name = g_strnfill (997, 'A');
  g_autofree char *longer = g_strnfill (998, 'A');
  g_autoptr (Header) fits = new_header (name, " b");
  g_autoptr (Header) does_not = new_header (longer, " b");
  g_autoptr (GError) error = NULL;

  g_assert_true (field_fold (fits, false, NULL));
  g_assert_cmpstr (header_find (fits, name)->body, ==, "\r\n b");
  g_assert_false (field_fold (does_not, false, &error));
  g_assert_error (error, FAILURE, FAILURE_DATA);
  g_assert_cmpuint (strlen (error->message), <, 200);
}

/* A list as some programs write it, without any blank or line end. */
static void
test_fold_recipients (void)
{
  static const char *const separators[] = { ",", ", ", ";" };

  for (size_t i = 0; i < G_N_ELEMENTS (separators); i++)
    {
      g_autoptr (GString) list = g_string_new ("a@x.example");
      g_autoptr (Header) header = NULL;
      g_autoptr (GPtrArray) addresses =
          g_ptr_array_new_with_free_func ((GDestroyNotify) address_free);
      const char *body;

      for (int j = 0; j < 20000; j++)
        g_string_append_printf (list, "%sB %d <b%d@x.example>", separators[i],
                                j, j);
      header = new_header ("To", list->str);
      g_assert_true (field_fold (header, false, NULL));
      g_assert_cmpuint (longest_line (header, ""), <=, 998);
      body = header_find (header, "To")->body;
      g_assert_true (
          address_parse_list (body, strlen (body), addresses, NULL));
      g_assert_cmpuint (addresses->len, ==, 20001);
    }
}

/* Time that grows with the square of the length would show here. The processor
   may have others to serve, so its own time is what counts. */
static void
test_hostile_length (void)
{
  static const char *const names[] = { "Subject", "To", "Content-Type",
                                       "Date" };
  static const char *const units[] = {
    "\303\274",
    "\303\274 ",
    "(\303\274",
    "(\303\274)",
    "\"\303\274",
    "\303\274;",
    "a;\303\274",
    ";",
    "a=\303\274;",
    "\303\274=\";",
    "\303\274 <",
    "\303\274,",
    "\\\303\274",
    "\303\274:",
    "\"\303\274\" ",
    "a*=\303\274;",
    "=?a?q?b?= \303\274 ",
    "\374",
  };

  for (size_t i = 0; i < G_N_ELEMENTS (names) * G_N_ELEMENTS (units); i++)
    {
      const char *unit = units[i / G_N_ELEMENTS (names)];
      g_autoptr (GString) text = g_string_new (NULL);
      g_autoptr (Header) header = NULL;
      clock_t start = clock ();

      while (text->len < 256 * 1024)
        g_string_append (text, unit);
      header = new_header (names[i % G_N_ELEMENTS (names)], text->str);
      if (field_make_utf8 (header, "iso-8859-1", false, NULL))
        field_make_ascii (header, false, NULL);
      g_assert_cmpint (clock () - start, <, 5 * CLOCKS_PER_SEC);
    }
}

static void
test_sealed (void)
{
  g_autoptr (Header) text = new_header ("Subject", "\303\274");
  g_autoptr (Header) octets = new_header ("Subject", "\374");
  g_autoptr (Header) plain = new_header ("Subject", "u");

  g_assert_true (field_make_ascii (plain, true, NULL));
  g_assert_true (field_make_utf8 (plain, NULL, true, NULL));
  g_assert_true (field_make_utf8 (text, NULL, true, NULL));
  g_assert_false (field_make_ascii (text, true, NULL));
  g_assert_false (field_make_utf8 (octets, NULL, true, NULL));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/mail/field/ascii", test_ascii);
  g_test_add_func ("/mail/field/utf8", test_utf8);
  g_test_add_func ("/mail/field/text", test_text);
  g_test_add_func ("/mail/field/columns", test_columns);
  g_test_add_func ("/mail/field/fold", test_fold);
  g_test_add_func ("/mail/field/fold-name", test_fold_name);
  g_test_add_func ("/mail/field/fold-recipients", test_fold_recipients);
  g_test_add_func ("/mail/field/hostile-length", test_hostile_length);
  g_test_add_func ("/mail/field/sealed", test_sealed);
  return g_test_run ();
}
