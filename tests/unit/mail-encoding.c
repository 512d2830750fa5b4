/* Text that is not ASCII, on its way into a message and out of one. */

#include <string.h>

#include <glib.h>

#include "mail/encoding.h"

static void
test_words (void)
{
  static const struct
  {
    const char *text, *words;
  } cases[] = {
    { "Gr\303\274\303\237e", "=?UTF-8?B?R3LDvMOfZQ==?=" },
    { "12345678901234567890123456789012345678901234\303\274",
      "=?UTF-8?B?MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDEyMzQ=?="
      "\r\n =?UTF-8?B?w7w=?=" },
    { "", "" },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *words = encoding_words (cases[i].text, 1);

      g_assert_cmpstr (words, ==, cases[i].words);
    }
}

static void
test_decode_words (void)
{
  static const struct
  {
    const char *body, *text;
  } cases[] = {
    { "plain =? text ?=", "plain =? text ?=" },
    { "=?UTF-8?B?R3LDvMOfZQ==?=", "Gr\303\274\303\237e" },
    { "Re: =?utf-8?q?Gr=C3=BC=C3=9Fe_an?= alle", "Re: Gr\303\274\303\237e an alle" },
    { "=?ISO-8859-1?Q?Gr=FC=DFe?=", "Gr\303\274\303\237e" },
    { "=?utf-8*de?Q?ja?=", "ja" },
    { "=?us-ascii?Q?a?= =?us-ascii?Q?b?=\t=?us-ascii?Q?c?=", "abc" },
    { "=?us-ascii?Q?a?= x =?us-ascii?Q?b?= =?us-ascii?Q?c?= ", "a x bc " },
    { "=?us-ascii?Q?a?==?us-ascii?Q?b?=", "ab" },
    /* One character in two words */
    { "=?utf-8?Q?=C3?= =?utf-8?Q?=BC?=", "\303\274" },
    /* Not ours to read */
    { "=?koi8-r?B?8PLJ?=", "=?koi8-r?B?8PLJ?=" },
    { "=?us-ascii?Q?a?= =?koi8-r?B?8PLJ?= =?us-ascii?Q?b?=",
      "a =?koi8-r?B?8PLJ?= b" },
    /* Broken */
    { "=?utf-8?X?abc?=", "=?utf-8?X?abc?=" },
    { "=?utf-8?Q?a b?=", "=?utf-8?Q?a b?=" },
    { "=?utf-8?Q?a=?=", "a=" },
    { "=?utf-8?Q?a=C?=", "a=C" },
    { "=?utf-8?B?" "?=", "" },
    { "=?utf-8?B?!?=", "" },
    { "=?utf-8?", "=?utf-8?" },
    { "=?utf-8?Q", "=?utf-8?Q" },
    { "=?utf-8?Q?", "=?utf-8?Q?" },
    { "=?", "=?" },
    { "", "" },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *text = encoding_decode_words (cases[i].body);

      g_assert_cmpstr (text, ==, cases[i].text);
    }
}

#define TEN "1234567890"
#define SEVENTY TEN TEN TEN TEN TEN TEN TEN

static void
test_quoted_printable (void)
{
  static const struct
  {
    const char *text, *quoted;
  } cases[] = {
    { "Gr\303\274n = 1\r\n\r\nx\r\n", "Gr=C3=BCn =3D 1\r\n\r\nx\r\n" },
    { "a \r\nb\t\r\n \r\n", "a=20\r\nb=09\r\n=20\r\n" },
    { "a\rb\nc", "a=0Db=0Ac" },
    { "From me\r\n.\r\nFrom: me\r\nFrom",
      "=46rom me\r\n=2E\r\nFrom: me\r\nFrom" },
    { SEVENTY "12345\r\n", SEVENTY "12345\r\n" },
    { SEVENTY "123456\r\n", SEVENTY "12345=\r\n6\r\n" },
    { SEVENTY "12\303\274\r\n", SEVENTY "12=C3=\r\n=BC\r\n" },
    { SEVENTY "123\303\r\n", SEVENTY "123=\r\n=C3\r\n" },
    { SEVENTY "12345. \r\n", SEVENTY "12345=\r\n=2E=20\r\n" },
    { "end ", "end=20" },
    { "", "" },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GString) quoted
          = encoding_quoted_printable (cases[i].text, strlen (cases[i].text));

      g_assert_cmpstr (quoted->str, ==, cases[i].quoted);
    }
}

static void
test_xtext (void)
{
  static const char *const cases[][2] = {
    { "", "" },
    { "me@example.org", "me@example.org" },
    { "a+20b+2Bc+3Dd", "a b+c=d" },
    { "a+2bb", "a+b" },
    { "+0D+0A", "\r\n" },
    { "+C3+B6", "\303\266" },
    { "+00", NULL },
    { "a b", NULL },
    { "a=b", NULL },
    { "a+", NULL },
    { "a+2", NULL },
    { "a+g0", NULL },
    { "a+0g", NULL },
    { "\303\266", NULL },
    { "a\tb", NULL },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *decoded = encoding_decode_xtext (cases[i][0]);

      g_assert_cmpstr (decoded, ==, cases[i][1]);
    }
}

/* What is hostile takes no longer than what is not. */
static void
test_long (void)
{
  static const char *const pieces[]
      = { "=?", "=?a?q? ", "=?a?q?b", "=?us-ascii?q?b?= ", " ", "=?a?" };

  for (size_t i = 0; i < G_N_ELEMENTS (pieces); i++)
    {
      g_autoptr (GString) body = g_string_new (NULL);
      int64_t start = g_get_monotonic_time ();

      while (body->len < 1024 * 1024)
        g_string_append (body, pieces[i]);
      g_free (encoding_decode_words (body->str));
      g_assert_cmpint (g_get_monotonic_time () - start, <,
                       5 * G_USEC_PER_SEC);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/mail/encoding/words", test_words);
  g_test_add_func ("/mail/encoding/decode-words", test_decode_words);
  g_test_add_func ("/mail/encoding/quoted-printable", test_quoted_printable);
  g_test_add_func ("/mail/encoding/xtext", test_xtext);
  g_test_add_func ("/mail/encoding/long", test_long);
  return g_test_run ();
}
