/* The command line as callers write it. */

#include <string.h>

#include <glib.h>

#include "base/failure.h"
#include "cli/options.h"

#define TAKER(letter)                                                         \
  static bool take_##letter (void *seen, const char *argument,                \
                             GError **error)                                  \
  {                                                                           \
    g_string_append_printf (seen, #letter "(%s)",                             \
                            argument == NULL ? "" : argument);                \
    return true;                                                              \
  }
TAKER (t)
TAKER (f)
TAKER (q)
TAKER (file)

static const Option options[] = {
  { 't', NULL, ARGUMENT_NONE, take_t, NULL, "t" },
  { 'i', NULL, ARGUMENT_NONE, NULL, NULL, NULL },
  { 'f', NULL, ARGUMENT_REQUIRED, take_f, "ADDRESS", "f" },
  { 'q', NULL, ARGUMENT_ATTACHED, take_q, NULL, NULL },
  { 'C', "file", ARGUMENT_REQUIRED, take_file, "FILE", "file" },
  { 0, "flag", ARGUMENT_NONE, take_t, NULL, NULL },
  { 0 },
};

static void
test_lines (void)
{
  static const struct
  {
    const char *line;
    const char *seen; /* NULL: refused */
    const char *operands;
  } cases[] = {
    { "", "", "" },
    { "-t", "t()", "" },
    { "-t -i a@b", "t()", "a@b" },
    { "-ti a@b", "t()", "a@b" },
    { "-ti -fx a", "t()f(x)", "a" },
    { "-f x a", "f(x)", "a" },
    { "-tfx a", "t()f(x)", "a" },
    { "-tf x a", "t()f(x)", "a" },
    { "-f -t a", "f(-t)", "a" },
    { "a -f x", "", "a -f x" },
    { "-t -- -f x", "t()", "-f x" },
    { "-q a", "q()", "a" },
    { "-q30m a", "q(30m)", "a" },
    { "- a", "", "- a" },
    { "--file x a", "file(x)", "a" },
    { "--file=x a", "file(x)", "a" },
    { "-C x a", "file(x)", "a" },
    { "--flag a", "t()", "a" },
    { "--flag=1", NULL, NULL },
    { "--fil x", NULL, NULL },
    { "--files x", NULL, NULL },
    { "--file", NULL, NULL },
    { "-f", NULL, NULL },
    { "-tf", NULL, NULL },
    { "-z", NULL, NULL },
    { "-tz", NULL, NULL },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *line = g_strdup_printf ("x%s%s", cases[i].line[0] == 0
                                               ? "" : " ", cases[i].line);
      g_auto (GStrv) argv = g_strsplit (line, " ", -1);
      g_autoptr (GString) seen = g_string_new (NULL);
      g_autoptr (GError) error = NULL;
      g_autofree char *operands = NULL;
      int first;
      bool taken = options_parse (options, (int) g_strv_length (argv), argv,
                                  seen, &first, &error);

      g_test_message ("%s", cases[i].line);
      g_assert_cmpint (taken, ==, cases[i].seen != NULL);
      if (!taken)
        {
          g_assert_error (error, FAILURE, FAILURE_USAGE);
          continue;
        }
      operands = g_strjoinv (" ", argv + first);
      g_assert_cmpstr (seen->str, ==, cases[i].seen);
      g_assert_cmpstr (operands, ==, cases[i].operands);
    }
}

static void
test_help (void)
{
  g_autofree char *help = options_help (options);

  g_assert_nonnull (strstr (help, "  -f ADDRESS "));
  g_assert_nonnull (strstr (help, "  -C, --file FILE "));
  g_assert_null (strstr (help, "-q"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/options/lines", test_lines);
  g_test_add_func ("/options/help", test_help);
  return g_test_run ();
}
