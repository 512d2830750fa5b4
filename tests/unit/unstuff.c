/* Where the content that follows DATA ends, and what it is. */

#include <string.h>

#include <glib.h>

#include "smtp/unstuff.h"

static const struct
{
  const char *octets;
  bool bare;
  const char *content; /* NULL: it does not end */
} cases[] = {
  { "a\r\n.\r\n", false, "a\r\n" },
  { ".\r\n", false, "" },
  { "..\r\n...\r\n.a\r\n.\r\n", false, ".\r\n..\r\na\r\n" },
  { "\r\n.\r\n", false, "\r\n" },
  { "a\r\r\n.\r\n", false, "a\r\r\n" },
  /* Nothing but CRLF ends a line, so each of these goes on. */
  { "a\n.\n", false, NULL },
  { "a\r\n.\n", false, NULL },
  { "a\n.\r\n", false, NULL },
  { "a\r.\r", false, NULL },
  { "a\r\n.\r", false, NULL },
  { "a\r.\r\n", false, NULL },
  { "a\r\n.\r.\r\n", false, NULL },
  { "a\r\n.\r\r\n", false, NULL },
  { "a\n.\nMAIL\r\n.\r\n", false, "a\n.\nMAIL\r\n" },
  { "a\r\n.\nMAIL\r\n.\r\n", false, "a\r\n\nMAIL\r\n" },
  { "a\n.\r\nMAIL\r\n.\r\n", false, "a\n.\r\nMAIL\r\n" },
  { "a\r.\rMAIL\r\n.\r\n", false, "a\r.\rMAIL\r\n" },
  { "a\r\n.\r\rb\r\n.\r\n", false, "a\r\n\r\rb\r\n" },
  /* A dot behind a bare LF was not put there by the client. */
  { "a\n..b\r\n.\r\n", false, "a\n..b\r\n" },

  { "a\n.\n", true, "a\n" },
  { ".\n", true, "" },
  { "..\n.a\n.\n", true, ".\na\n" },
  { "a\r\n.\n", true, "a\r\n" },
  { "a\r\n.\r\n", true, "a\r\n" },
  { "a\n.\r\n", true, NULL },
  { ".\r\n", true, NULL },
  { "a\r.\n", true, NULL },
  { "a\r.\r\n", true, NULL },
  { "a\n.\r\n.\r\n", true, "a\n\r\n" },
};

/* Feeds it in two pieces, the first of CUT octets; what follows the end is left
   alone. */
static void
check (size_t number, size_t cut)
{
  g_autofree char *octets = g_strconcat (cases[number].octets, "QUIT", NULL);
  size_t length = strlen (cases[number].octets);
  g_autoptr (GString) content = g_string_new (NULL);
  Unstuff unstuff;
  bool ended;
  size_t done;

  unstuff_start (&unstuff, cases[number].bare);
  done = unstuff_feed (&unstuff, octets, cut, content, &ended);
  g_assert_cmpuint (done, ==, cut);
  if (cases[number].content == NULL)
    {
      unstuff_feed (&unstuff, octets + cut, length - cut, content, &ended);
      g_assert_false (ended);
      return;
    }
  g_assert_true (!ended || cut == length);
  done += unstuff_feed (&unstuff, octets + cut, length + 4 - cut, content,
                        &ended);
  g_assert_true (ended);
  g_assert_cmpuint (done, ==, length);
  g_assert_cmpstr (content->str, ==, cases[number].content);
}

static void
test_ends (void)
{
  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    for (size_t cut = 0; cut <= strlen (cases[i].octets); cut++)
      check (i, cut);
}

/* What a client stuffs comes out as it was. */
static void
test_round_trip (void)
{
  static const char *const pieces[]
      = { ".", "\r\n", "\n", "\r", "a", ".\r\n", "\r\n.", "..", "\n." };

  for (int i = 0; i < 5000; i++)
    {
      g_autoptr (GString) content = g_string_new (NULL);
      g_autoptr (GString) wire = NULL;
      g_autoptr (GString) out = g_string_new (NULL);
      Unstuff unstuff;
      bool ended;

      for (int n = g_test_rand_int_range (0, 12); n > 0; n--)
        g_string_append (
            content,
            pieces[g_test_rand_int_range (0, G_N_ELEMENTS (pieces))]);
      g_string_append (content, "\r\n");
      wire = g_string_new (content->str);
      g_string_replace (wire, "\r\n.", "\r\n..", 0);
      if (wire->str[0] == '.')
        g_string_prepend_c (wire, '.');
      g_string_append (wire, ".\r\n");
      unstuff_start (&unstuff, false);
      g_assert_cmpuint (unstuff_feed (&unstuff, wire->str, wire->len, out,
                                      &ended),
                        ==, wire->len);
      g_assert_true (ended);
      g_assert_cmpstr (out->str, ==, content->str);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/unstuff/ends", test_ends);
  g_test_add_func ("/unstuff/round-trip", test_round_trip);
  return g_test_run ();
}
