/* Text in columns. */

#include <string.h>

#include <glib.h>

#include "base/text.h"
#include "cli/output.h"
#include "cli/words.h"

static void
test_width (void)
{
  g_assert_cmpuint (text_width (""), ==, 0);
  g_assert_cmpuint (text_width ("held"), ==, 4);
  g_assert_cmpuint (text_width ("zur\xc3\xbc"
                                  "ckgehalten"),
                    ==, 14);
  g_assert_cmpuint (text_width ("e\xcc\x81"), ==, 1);
  g_assert_cmpuint (text_width ("\xe6\xbc\xa2\xe5\xad\x97"), ==, 4);
}

static void
test_padded (void)
{
  static const struct
  {
    const char *text;
    size_t width;
    bool right;
    const char *padded;
  } cases[] = {
    { "ab", 4, false, "ab  " },
    { "ab", 4, true, "  ab" },
    { "abcde", 4, false, "abcde" },
    { "\xe6\xbc\xa2", 4, false, "\xe6\xbc\xa2  " },
    { "\xe6\xbc\xa2", 4, true, "  \xe6\xbc\xa2" },
    { "a\x1b[m", 0, false, "a?[m" },
    { "a\xff", 4, true, "  a?" },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GString) out = g_string_new (NULL);

      output_append_padded (out, cases[i].text, cases[i].width,
                            cases[i].right);
      g_assert_cmpstr (out->str, ==, cases[i].padded);
    }
}

/* COUNT times TEXT with blanks between. */
static char *
repeat (const char *text, unsigned count)
{
  GString *out = g_string_new (NULL);

  for (unsigned i = 0; i < count; i++)
    g_string_append_printf (out, "%s%s", i == 0 ? "" : " ", text);
  return g_string_free (out, FALSE);
}

static void
test_wrapped (void)
{
  static const struct
  {
    const char *word;
    unsigned count;
    size_t indent;
    unsigned lines;
  } cases[] = {
    { "", 1, 4, 0 },
    { "word", 1, 4, 1 },
    /* 16 words of 4 and 15 blanks are 79 columns. */
    { "word", 16, 0, 1 },
    { "word", 16, 1, 1 },
    { "word", 16, 2, 2 },
    { "word", 17, 0, 2 },
    /* Two columns each: 27 and 26 blanks are 80. */
    { "\xe6\xbc\xa2", 27, 0, 1 },
    { "\xe6\xbc\xa2", 28, 0, 2 },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GString) out = g_string_new (NULL);
      g_autofree char *text = repeat (cases[i].word, cases[i].count);
      g_auto (GStrv) lines = NULL;

      output_append_wrapped (out, text, cases[i].indent);
      lines = g_strsplit (out->str, "\n", -1);
      g_assert_cmpuint (g_strv_length (lines), ==,
                        cases[i].lines == 0 ? 0 : cases[i].lines + 1);
      for (unsigned line = 0; line < cases[i].lines; line++)
        {
          g_assert_cmpuint (text_width (lines[line]), <=, OUTPUT_COLUMNS);
          g_assert_cmpuint (strspn (lines[line], " "), ==, cases[i].indent);
        }
    }
}

/* An address is never cut, and nothing is obeyed by a terminal. */
static void
test_long_words (void)
{
  g_autofree char *word = g_strnfill (300, 'x');
  g_autofree char *text = g_strdup_printf ("a %s b\nc\x1b\xff", word);
  g_autofree char *expected = g_strdup_printf ("  a\n  %s\n  b c??\n", word);
  g_autoptr (GString) out = g_string_new (NULL);

  output_append_wrapped (out, text, 2);
  g_assert_cmpstr (out->str, ==, expected);
}

/* Wide characters stand without blanks. No mark is torn off, and no address. */
static void
test_wide (void)
{
  static const struct
  {
    const char *text;
    size_t indent;
    const char *folded;
  } cases[] = {
    /* 38 wide characters are 76 columns, behind 4. */
    { "一二三四五六七八九十一二三四五六七八九十一二三四五六七八九十一二三四五"
      "六七八九十",
      4,
      "    一二三四五六七八九十一二三四五六七八九十一二三四五六七八九十一二三四"
      "五六七八\n    九十\n" },
    { "一二三四五六七八九十一二三四五六七八九十一二三四五六七八九十一二三四五"
      "六七八。九",
      4,
      "    一二三四五六七八九十一二三四五六七八九十一二三四五六七八九十一二三四"
      "五六七\n    八。九\n" },
    { "a 一二三四五六七八九十一二三四五六七八九十一二三四五六七八九十一二三四"
      "五六@例.jp",
      4,
      "    a\n    一二三四五六七八九十一二三四五六七八九十一二三四五六七八九十"
      "一二三四五六@例.jp\n" },
    /* A bracket is not parted from what it is around. */
    { "一二三四五六七八九十一二三四五六七八九十一二三四五六七八九十一二三四五六七八」九",
      4,
      "    一二三四五六七八九十一二三四五六七八九十一二三四五六七八九十一二三四五六七\n    八」九\n" },
    { "一二三四五六七八九十一二三四五六七八九十一二三四五六七八九十一二三四五六七「八」九",
      4,
      "    一二三四五六七八九十一二三四五六七八九十一二三四五六七八九十一二三四五六七\n    「八」九\n" },
    { "一二三 abc四五", 0, "一二三 abc四五\n" },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GString) out = g_string_new (NULL);

      output_append_wrapped (out, cases[i].text, cases[i].indent);
      g_assert_cmpstr (out->str, ==, cases[i].folded);
    }
}

/* What is below another's text stays there. */
static void
test_help (void)
{
  g_autofree char *words = repeat ("word", 20);
  g_autofree char *text
      = g_strdup_printf ("Usage: x\n%s\n\n  name    %s\nend", words, words);
  g_autofree char *folded = output_help_folded (text);
  g_autofree char *first = repeat ("word", 16);
  g_autofree char *rest = repeat ("word", 4);
  g_autofree char *half = repeat ("word", 14);
  g_autofree char *other = repeat ("word", 6);
  g_autofree char *expected
      = g_strdup_printf ("Usage: x\n%s\n%s\n\n  name    %s\n          %s\nend",
                         first, rest, half, other);

  g_assert_cmpstr (folded, ==, expected);
}

static void
test_words (void)
{
  static const Word open[]
      = { { "a", "one" }, { "b", "\xe6\xbc\xa2\xe5\xad\x97" }, { NULL, "other" } };
  static const Word closed[] = { { "a", "one" }, { NULL, NULL } };

  g_assert_cmpstr (words_find (open, NULL, "b"), ==,
                   "\xe6\xbc\xa2\xe5\xad\x97");
  g_assert_cmpstr (words_find (open, "context", "c"), ==, "other");
  g_assert_cmpstr (words_find (open, NULL, NULL), ==, "other");
  g_assert_cmpstr (words_find (closed, NULL, "c"), ==, "c");
  g_assert_cmpuint (words_width (open, NULL), ==, 5);
  g_assert_cmpuint (words_width (closed, "context"), ==, 3);
}

static void
test_time (void)
{
  g_autofree char *epoch = output_time (0);
  g_autofree char *never = output_time (INT64_MAX);

  g_assert_cmpstr (epoch, ==, "1970-01-01 00:00");
  g_assert_cmpstr (never, ==, "?");
}

int
main (int argc, char **argv)
{
  g_assert_true (g_setenv ("TZ", "UTC0", TRUE));
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/output/width", test_width);
  g_test_add_func ("/output/padded", test_padded);
  g_test_add_func ("/output/wrapped", test_wrapped);
  g_test_add_func ("/output/long-words", test_long_words);
  g_test_add_func ("/output/wide", test_wide);
  g_test_add_func ("/output/help", test_help);
  g_test_add_func ("/output/words", test_words);
  g_test_add_func ("/output/time", test_time);
  return g_test_run ();
}
