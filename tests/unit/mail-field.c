/* Fields that cannot leave as they are. */

#include <string.h>

#include <glib.h>

#include "base/failure.h"
#include "mail/encoding.h"
#include "mail/field.h"

static Header *
new_header (const char *name, const char *body)
{
  Header *header = header_new ();

  header_append (header, name, body);
  return header;
}

static const struct
{
  const char *name, *body;
  const char *ascii; /* NULL: it has no such form */
} cases[] = {
  /* Nothing to do */
  { "Subject", " a  b =?utf-8?q?=C3?= \r\n\tc", " a  b =?utf-8?q?=C3?= \r\n\tc" },
  { "To", " \"a b\" <a@x.example>,\r\n  b", " \"a b\" <a@x.example>,\r\n  b" },
  /* Texts */
  { "Subject", " Gr\303\274\303\237e", " =?UTF-8?B?R3LDvMOfZQ==?=" },
  { "Subject", " a  \303\274  b", " a  =?UTF-8?B?w7w=?=  b" },
  { "Subject", " \303\274 \303\274", " =?UTF-8?B?w7wgw7w=?=" },
  { "Subject", " \303\274\r\n \303\274", " =?UTF-8?B?w7wgw7w=?=" },
  { "Subject", " =?utf-8?q?a?= \303\274 =?utf-8?q?b?=",
    " =?utf-8?q?a?= =?UTF-8?B?IMO8IA==?= =?utf-8?q?b?=" },
  /* Addresses */
  { "To", " J\303\266rg <a@x.example>", " =?UTF-8?B?SsO2cmc=?= <a@x.example>" },
  { "To", " \"J\303\266rg, (X)\"<a@x.example>",
    " =?UTF-8?B?SsO2cmcsIChYKQ==?= <a@x.example>" },
  { "To", " a@gr\303\274n.example, <b@gr\303\274n.example>",
    " a@xn--grn-ioa.example, <b@xn--grn-ioa.example>" },
  { "To", " gr\303\274n@x.example", NULL },
  { "To", " a@x.example (J\303\266rg (\303\274) z)",
    " a@x.example (=?UTF-8?B?SsO2cmc=?= (=?UTF-8?B?w7w=?=) z)" },
  { "To", " Gr\303\274n: a@x.example;",
    " =?UTF-8?B?R3LDvG4=?= : a@x.example;" },
  /* Parameters */
  { "Content-Disposition", " attachment; filename=\"Gr\303\274n \\\"x\\\".pdf\"; size=5",
    " attachment; filename*=UTF-8''Gr%C3%BCn%20%22x%22.pdf; size=5" },
  { "Content-Type", " text/pl\303\244in", NULL },
  /* Structured */
  { "Date", " Sat, 21 Nov 2026 03:14:47 +0000 (Mitteleurop\303\244isch)",
    " Sat, 21 Nov 2026 03:14:47 +0000 (=?UTF-8?B?TWl0dGVsZXVyb3DDpGlzY2g=?=)" },
  { "Message-ID", " <\303\274@x.example>", NULL },
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
      if (cases[i].ascii == NULL)
        {
          g_assert_error (error, FAILURE, FAILURE_DATA);
          continue;
        }
      g_assert_no_error (error);
      g_assert_true (made);
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
  g_test_add_func ("/mail/field/sealed", test_sealed);
  return g_test_run ();
}
