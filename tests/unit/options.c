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
TAKER (qI)
TAKER (oi)
TAKER (od)
TAKER (O)

static const Option options[] = {
  { 't', NULL, ARGUMENT_NONE, take_t, NULL, .help = "t" },
  { 'i', .group = OPTION_IGNORED },
  { 'f', NULL, ARGUMENT_REQUIRED, take_f, "ADDRESS", .help = "f" },
  { 'C', "file", ARGUMENT_REQUIRED, take_file, "FILE", .help = "file" },
  { 0, "flag", ARGUMENT_NONE, take_t, .name = NULL },
  { 'q', .argument = ARGUMENT_REQUIRED, .take = take_qI, .value = "I" },
  { 'q', .argument = ARGUMENT_ATTACHED, .take = take_q },
  { 'o', .take = take_oi, .value = "i", .help = "oi" },
  { 'o', .argument = ARGUMENT_ATTACHED, .take = take_od, .value = "d",
    .name = "HOW", .help = "od" },
  { 'o', .value = "x", .group = OPTION_REFUSED, .help = "there is none" },
  { 'o', NULL, ARGUMENT_REQUIRED, NULL, "X", .help = "others",
    .group = OPTION_IGNORED },
  { 'O', .argument = ARGUMENT_ATTACHED, .take = take_O, .value = "Mode=",
    .fold = true, .name = "b|q", .help = "mode" },
  { 'O', .argument = ARGUMENT_REQUIRED, .group = OPTION_IGNORED },
  { 'X', .argument = ARGUMENT_REQUIRED, .group = OPTION_REFUSED,
    .help = "no X" },
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
    { "-qIx a", "qI(x)", "a" },
    { "-qI x a", "qI(x)", "a" },
    { "-qI", NULL, NULL },
    { "-oi a", "oi()", "a" },
    { "-o i a", "oi()", "a" },
    { "-tio i a", "t()oi()", "a" },
    { "-oif a", "", "a" },
    { "-odb a", "od(b)", "a" },
    { "-od b a", "od()", "b a" },
    { "-o db a", "od(b)", "a" },
    { "-oMs x", "", "x" },
    { "-o", NULL, NULL },
    { "-ox a", NULL, NULL },
    { "-o x", NULL, NULL },
    { "-oxy a", "", "a" },
    { "-OmOde=b a", "O(b)", "a" },
    { "-O mode= a", "O()", "a" },
    { "-O Mod a", "", "a" },
    { "-X", NULL, NULL },
    { "-tXa", NULL, NULL },
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
test_refusal (void)
{
  char *argv[] = { (char *) "x", (char *) "-o", (char *) "x", NULL };
  g_autoptr (GError) error = NULL;
  int first;

  g_assert_false (options_parse (options, 3, argv, NULL, &first, &error));
  g_assert_cmpstr (error->message, ==,
                   "option -ox is refused: there is none");
}

static void
test_help (void)
{
  static const Option folded[]
      = { { 'a', .help = "one two three four five six seven eight nine ten "
                         "eleven twelve" },
          { 0, "a-name-that-is-longer-than-others", .help = "one" },
          { 0 } };
  g_autofree char *help = options_help (options);
  g_autofree char *ignored = options_help_group (options, OPTION_IGNORED);
  g_autofree char *refused = options_help_group (options, OPTION_REFUSED);
  g_autofree char *lines = options_help (folded);

  g_assert_nonnull (strstr (help, "  -f ADDRESS "));
  g_assert_nonnull (strstr (help, "  -C, --file FILE "));
  g_assert_nonnull (strstr (help, "  -oi "));
  g_assert_nonnull (strstr (help, "  -odHOW "));
  g_assert_nonnull (strstr (help, "  -O Mode=b|q "));
  g_assert_null (strstr (help, "-q"));
  g_assert_null (strstr (help, "-ox"));
  g_assert_cmpstr (ignored, ==, "  -o X                       others\n");
  g_assert_nonnull (strstr (refused, "  -ox "));
  g_assert_cmpstr (lines, ==,
                   "  -a                         one two three four five six "
                   "seven eight nine ten\n"
                   "                             eleven twelve\n"
                   "  --a-name-that-is-longer-than-others\n"
                   "                             one\n");
}

/* What needs no function: a flag, and an argument that is kept. */
static void
test_store (void)
{
  typedef struct
  {
    bool before;
    bool flag;
    const char *text;
  } Target;
  static const Option stored[] = {
    { 'v', OPTION_SETS (Target, flag) },
    { 'f', NULL, ARGUMENT_REQUIRED, NULL, "X", OPTION_KEEPS (Target, text) },
    { .letter = 'i' },
    { 0 },
  };
  g_auto (GStrv) argv = g_strsplit ("x -vi -fone -f two three", " ", -1);
  Target target = { 0 };
  g_autoptr (GError) error = NULL;
  int first;

  g_assert_true (options_parse (stored, 6, argv, &target, &first, &error));
  g_assert_no_error (error);
  g_assert_false (target.before);
  g_assert_true (target.flag);
  g_assert_true (target.text == argv[4]);
  g_assert_cmpint (first, ==, 5);
}

static void
test_anywhere (void)
{
  static const struct
  {
    const char *line;
    const char *seen; /* NULL: refused */
    const char *operands;
  } cases[] = {
    { "x", "", "" },
    { "x a b", "", "a b" },
    { "x -t a -f b c", "t()f(b)", "a c" },
    { "x a b -t", "t()", "a b" },
    { "x a -- -t", "", "a -t" },
    { "x -- -t --", "", "-t --" },
    { "x -f -- a -t", "f(--)t()", "a" },
    { "x a - -t", "t()", "a -" },
    { "x a b c", NULL, NULL },
    { "x a b -- c", NULL, NULL },
    { "x a -z", NULL, NULL },
    { "x a -f", NULL, NULL },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_auto (GStrv) argv = g_strsplit (cases[i].line, " ", -1);
      g_autoptr (GString) seen = g_string_new (NULL);
      g_autoptr (GPtrArray) found = g_ptr_array_new ();
      g_autoptr (GError) error = NULL;
      g_autofree char *operands = NULL;
      bool taken = options_parse_anywhere (
          options, (int) g_strv_length (argv), argv, seen, found, 2, &error);

      g_test_message ("%s", cases[i].line);
      g_assert_cmpint (taken, ==, cases[i].seen != NULL);
      if (!taken)
        {
          g_assert_error (error, FAILURE, FAILURE_USAGE);
          continue;
        }
      g_ptr_array_add (found, NULL);
      operands = g_strjoinv (" ", (char **) found->pdata);
      g_assert_cmpstr (seen->str, ==, cases[i].seen);
      g_assert_cmpstr (operands, ==, cases[i].operands);
    }
}

/* What may be meant is told. */
static void
test_unknown (void)
{
  static const Option table[] = {
    { .long_name = "from", .argument = ARGUMENT_REQUIRED },
    { .long_name = "secret-way", .group = OPTION_REFUSED },
    { 0 },
  };
  static const char *const known[] = { "queue", "log", NULL };
  static const struct
  {
    const char *option, *message;
  } cases[] = {
    { "--form", "unknown option --form: did you mean --from?" },
    { "--form=x", "unknown option --form: did you mean --from?" },
    { "--secret-wy", "unknown option --secret-wy; see --help" },
    { "--", NULL },
    { "--=", "unknown option --; see --help" },
    { "-g", "unknown option -g; see --help" },
  };
  g_autoptr (GError) near = NULL;
  g_autoptr (GError) far = NULL;

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      const char *argv[] = { "x", cases[i].option, NULL };
      g_autoptr (GError) error = NULL;
      int first;
      bool taken
          = options_parse (table, 2, (char **) argv, NULL, &first, &error);

      g_assert_cmpint (taken, ==, cases[i].message == NULL);
      g_assert_cmpstr (taken ? NULL : error->message, ==, cases[i].message);
    }
  options_unknown_command ("postrider", "quue", known, &near);
  g_assert_error (near, FAILURE, FAILURE_USAGE);
  g_assert_cmpstr (near->message, ==,
                   "unknown command `postrider quue': did you mean "
                   "`postrider queue'?");
  options_unknown_command ("postrider", "x\x1b", known, &far);
  g_assert_cmpstr (far->message, ==,
                   "unknown command `postrider x?'; see `postrider --help'");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/options/lines", test_lines);
  g_test_add_func ("/options/refusal", test_refusal);
  g_test_add_func ("/options/help", test_help);
  g_test_add_func ("/options/store", test_store);
  g_test_add_func ("/options/anywhere", test_anywhere);
  g_test_add_func ("/options/unknown", test_unknown);
  return g_test_run ();
}
