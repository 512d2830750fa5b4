/* The syntax of accounts files: what is read, and what is said of errors. */

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib.h>
#include <glib/gstdio.h>

#include "account/config.h"
#include "base/failure.h"
#include "base/suggest.h"

/* "[section] name=<value>" for each entry. */
static char *
dump (const Config *config)
{
  GString *out = g_string_new (NULL);

  for (size_t i = 0; i < config->sections->len; i++)
    {
      const ConfigSection *section = g_ptr_array_index (config->sections, i);

      g_string_append_printf (out, "[%s]", section->name);
      for (size_t j = 0; j < section->entries->len; j++)
        {
          const ConfigEntry *entry = g_ptr_array_index (section->entries, j);

          g_string_append_printf (out, " %s=<%s>", entry->name,
                                  entry->value != NULL ? entry->value : "?");
        }
    }
  return g_string_free (out, FALSE);
}

static void
test_read (void)
{
  static const struct
  {
    const char *text;
    const char *read;
  } cases[] = {
    { "", "" },
    { "# nothing\n\n ; at all\n\t\n", "" },
    { "[a]\nx = 1\ny=2\n", "[a] x=<1> y=<2>" },
    { "[a]\r\nx = 1\r\n", "[a] x=<1>" },
    { "\xef\xbb\xbf[a]\nx = 1", "[a] x=<1>" },
    { "  [ a ]  # comment\n\tx\t=\t1  \n", "[a] x=<1>" },
    { "[a]\nx = 1 # one\ny = 2 ; two\n", "[a] x=<1> y=<2>" },
    { "[a]\nx = a#b\ny = a;b\nz = #\n", "[a] x=<a#b> y=<a;b> z=<?>" },
    { "[a]\nx=#b\n", "[a] x=<#b>" },
    { "[a]\nx = \"a # b\" # c\n", "[a] x=<a # b>" },
    { "[a]\nx = \"  \\\"q\\\" \\\\ \"\n", "[a] x=<  \"q\" \\ >" },
    { "[a]\nx = \"a # b\"@c # d\n", "[a] x=<?>" },
    { "[a]\nx = y, \"a # b\"@c # d\n", "[a] x=<y, \"a # b\"@c>" },
    { "[a]\nx = one = two [three]\n", "[a] x=<one = two [three]>" },
    { "[m\xc3\xa4il@x.y+z_1-2]\nx = \xc3\xa4\n",
      "[m\xc3\xa4il@x.y+z_1-2] x=<\xc3\xa4>" },
    { "[a]\nx = 1\n[b]\nx = 2\n", "[a] x=<1>[b] x=<2>" },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (Config) config
          = config_parse ("F", cases[i].text, strlen (cases[i].text));
      g_autofree char *read = dump (config);

      g_assert_cmpstr (read, ==, cases[i].read);
    }
}

static void
test_places (void)
{
  static const char text[] = "\n[a]\n  x =  \xc3\xa4 \n";
  g_autoptr (Config) config = config_parse ("F", text, strlen (text));
  const ConfigSection *section = g_ptr_array_index (config->sections, 0);
  const ConfigEntry *entry = config_find (section, "x");

  g_assert_cmpint (section->line, ==, 2);
  g_assert_cmpint (section->column, ==, 1);
  g_assert_cmpint (entry->line, ==, 3);
  g_assert_cmpint (entry->column, ==, 3);
  g_assert_cmpint (entry->value_column, ==, 8);
  g_assert_null (config_find (section, "y"));
}

static void
test_errors (void)
{
  static const struct
  {
    const char *text;
    const char *errors;
  } cases[] = {
    { "x = 1\n",
      "F:1:1: `x' stands before the first section: write [NAME] above it, or "
      "[defaults] for all accounts" },
    { "[]\n", "F:1:1: a section needs a name: write [NAME], as in [work]" },
    { " [a b]\nx = 1",
      "F:1:2: a section's name has only letters, digits and -._@+" },
    { "[a\nx = 1\n", "F:1:1: the `]' of this section's name is missing" },
    { "[a] x = 1\n",
      "F:1:5: a section's name stands alone on its line: write its settings "
      "below it" },
    { "[a]\n[b]\n[a]\n",
      "F:3:1: section [a] began in line 1 already: write all its settings "
      "there, or choose another name" },
    { "[a]\nx = 1\ny = 1\nx = 2\n", "F:4:1: `x' was set in line 2 already" },
    { "[a]\nx\n  hunter2 x = 1\n= 2\n",
      "F:2:1: this is no setting: write `name = value'\n"
      "F:3:3: this is no setting: write `name = value'\n"
      "F:4:1: this is no setting: write `name = value'" },
    { "[a]\nx =\ny = # none\nz = \"\"\n",
      "F:2:4: `x' needs a value\nF:3:5: `y' needs a value\n"
      "F:4:5: `z' needs a value" },
    { "[a]\nx = \"abc\n",
      "F:2:5: the closing quote of this value is missing" },
    { "[a]\nx = a \"bc\n", "F:2:7: the second quote of a pair is missing" },
    { "[a]\nx = \"a\\n\"\n",
      "F:2:7: inside quotes a backslash stands only before a quote or another "
      "backslash" },
    { "[a]\nx = \"a\\",
      "F:2:7: inside quotes a backslash stands only before a quote or another "
      "backslash" },
    { "[a]\nx = \"a\" b\n",
      "F:2:8: there is text after the closing quote: put the whole value in "
      "quotes, with \\\" for a quote in it" },
    { "[a]\n# \xc3\xa4\xff\nx = 1", "F:2:4: this is not UTF-8" },
    { "[a]\nx = \xc3", "F:2:5: this is not UTF-8" },
    { "[a]\nx = a\033[31m\ny = a\rb\nz = \xc2\x9b\n",
      "F:2:6: there is a control character\n"
      "F:3:6: there is a control character\n"
      "F:4:5: there is a control character" },
    { "[a]\nx = a\xe2\x80\xae" "b\n# \xe2\x80\xa8\ny = \xe2\x81\xa6\n",
      "F:2:6: there is a control character\n"
      "F:3:3: there is a control character\n"
      "F:4:5: there is a control character" },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (Config) config
          = config_parse ("F", cases[i].text, strlen (cases[i].text));
      g_autoptr (GError) error = NULL;

      g_assert_false (config_check (config, &error));
      g_assert_error (error, FAILURE, FAILURE_CONFIG);
      g_assert_cmpstr (error->message, ==, cases[i].errors);
    }
}

static void
test_nul (void)
{
  static const char text[] = "[a]\nx = 1\0\ny = 2";
  g_autoptr (Config) config = config_parse ("F", text, sizeof text - 1);
  g_autoptr (GError) error = NULL;

  g_assert_false (config_check (config, &error));
  g_assert_cmpstr (error->message, ==, "F:2:6: there is a NUL character");
}

/* What the name of the file, or of a setting, makes of an error. */
static void
test_shown (void)
{
  g_autofree char *name = g_strnfill (3000, 'x');
  g_autofree char *text = g_strdup_printf ("%s = 1\n", name);
  g_autoptr (Config) config
      = config_parse ("F\033\n\xc2\x9b\xff", text, strlen (text));
  g_autoptr (GError) error = NULL;

  g_assert_false (config_check (config, &error));
  g_assert_true (g_str_has_prefix (error->message, "F? ??:1:1: `xxx"));
  g_assert_true (g_str_has_suffix (error->message, "xxx..."));
  g_assert_cmpuint (strlen (error->message), ==, strlen ("F? ??:1:1: ") + 1000);
}

static void
test_order (void)
{
  static const char text[] = "[a]\nx = 1\nx = 2\n";
  g_autoptr (Config) config = config_parse ("F", text, strlen (text));
  g_autoptr (GError) error = NULL;

  config_problem (NULL, 1, 1, "nowhere");
  config_problem (config, 2, 5, "number %d", 1);
  config_problem (config, 2, 1, "name");
  g_assert_false (config_check (config, &error));
  g_assert_cmpstr (error->message, ==,
                   "F:2:1: name\nF:2:5: number 1\n"
                   "F:3:1: `x' was set in line 2 already");
}

/* COUNT copies of PIECE and END, with a number in between. */
static char *
repeat (const char *before, const char *piece, const char *end, size_t count)
{
  GString *text = g_string_new (before);

  for (size_t i = 0; i < count; i++)
    g_string_append_printf (text, "%s%zu%s\n", piece, i, end);
  return g_string_free (text, FALSE);
}

static void
test_limits (void)
{
  g_autofree char *fits = g_strnfill (CONFIG_LINE_MAXIMUM - 2, 'a');
  g_autofree char *longest = g_strdup_printf ("[s]\nx=%s", fits);
  g_autofree char *longer = g_strdup_printf ("[s]\nx=%sa\ny", fits);
  g_autofree char *entries = repeat ("[s]\n", "x", " = 1", 1000);
  g_autofree char *sections = repeat ("", "[s", "]", 1001);
  g_autofree char *errors = repeat ("", "[s]\n[x", " = 1", 3000);
  g_autofree char *garbage = g_strnfill (CONFIG_FILE_MAXIMUM, '\001');
  const struct
  {
    const char *text;
    const char *error; /* contained in it; NULL: none */
  } cases[] = {
    { longest, NULL },
    { longer, "F:2:1: this line is longer than 4096 octets\nF:3:1: " },
    { entries, "F:202:1: there are too many settings in this section" },
    { sections, "F:1001:1: there are too many sections" },
    { errors, "F: there may be more errors" },
    { garbage, "F:1:1: this line is longer" },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (Config) config
          = config_parse ("F", cases[i].text, strlen (cases[i].text));
      g_autoptr (GError) error = NULL;

      g_assert_true (config_check (config, &error)
                     == (cases[i].error == NULL));
      if (cases[i].error != NULL)
        g_assert_nonnull (strstr (error->message, cases[i].error));
    }
}

typedef struct
{
  char *directory;
  char *file;
} Fixture;

static void
set_up (Fixture *fixture, const void *data)
{
  fixture->directory = g_dir_make_tmp ("config-XXXXXX", NULL);
  fixture->file = g_build_filename (fixture->directory, "accounts", NULL);
  g_assert_true (
      g_file_set_contents (fixture->file, "[a]\nx = 1\n", -1, NULL));
  g_assert_cmpint (g_chmod (fixture->file, 0644), ==, 0);
}

static void
tear_down (Fixture *fixture, const void *data)
{
  g_remove (fixture->file);
  g_rmdir (fixture->directory);
  g_free (fixture->file);
  g_free (fixture->directory);
}

static void
assert_refused (Fixture *fixture, const char *reason)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GString) text = g_string_new (NULL);
  bool absent;

  g_assert_null (config_read (fixture->file, &absent, &error));
  g_assert_false (absent);
  g_assert_error (error, FAILURE, FAILURE_CONFIG);
  g_string_append (text, error->message);
  g_string_replace (text, fixture->file, "F", 0);
  g_assert_cmpstr (text->str, ==, reason);
}

static void
test_file (Fixture *fixture, const void *data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Config) config = config_read (fixture->file, NULL, &error);
  g_autofree char *read = NULL;

  g_assert_no_error (error);
  read = dump (config);
  g_assert_cmpstr (read, ==, "[a] x=<1>");
  g_assert_cmpstr (config->file, ==, fixture->file);
}

static void
test_absent (Fixture *fixture, const void *data)
{
  g_autoptr (GError) error = NULL;
  bool absent = false;

  g_remove (fixture->file);
  g_assert_null (config_read (fixture->file, &absent, &error));
  g_assert_no_error (error);
  g_assert_true (absent);
  g_assert_null (config_read (fixture->file, NULL, &error));
  g_assert_error (error, FAILURE, FAILURE_CONFIG);
}

static void
test_writable (Fixture *fixture, const void *data)
{
  static const int modes[] = { 0664, 0646, 0666, 0622 };

  for (size_t i = 0; i < G_N_ELEMENTS (modes); i++)
    {
      g_assert_cmpint (g_chmod (fixture->file, modes[i]), ==, 0);
      assert_refused (fixture,
                      "F can be written by others: run `chmod go-w F'");
    }
}

static void
test_foreign (Fixture *fixture, const void *data)
{
  if (getuid () != 0)
    {
      g_test_skip ("only root can give a file away");
      return;
    }
  g_assert_cmpint (chown (fixture->file, 65534, 65534), ==, 0);
  assert_refused (fixture, "F belongs to another user (uid 65534): it "
                           "must be yours or root's");
}

static void
test_no_file (Fixture *fixture, const void *data)
{
  g_remove (fixture->file);
  g_assert_cmpint (g_mkdir (fixture->file, 0700), ==, 0);
  assert_refused (fixture, "F is not a file");
  g_rmdir (fixture->file);
  g_assert_cmpint (mkfifo (fixture->file, 0600), ==, 0);
  assert_refused (fixture, "F is not a file");
}

static void
test_large (Fixture *fixture, const void *data)
{
  g_assert_cmpint (truncate (fixture->file, CONFIG_FILE_MAXIMUM + 1), ==, 0);
  assert_refused (fixture, "F is too large");
}

static void
test_suggest (void)
{
  static const char *const names[]
      = { "host", "port", "from", "trust-file", "timeout-connect", NULL };
  static const struct
  {
    const char *word;
    const char *meant;
  } cases[] = {
    { "hots", "host" },
    { "hostt", "host" },
    { "HOST", "host" },
    { "prot", "port" },
    { "trust_file", "trust-file" },
    { "tls-trust-file", NULL },
    { "timeout-conect", "timeout-connect" },
    { "x", NULL },
    { "", NULL },
    { "hort", "host" },
    { "user", NULL },
    { "timeout-connect-timeout-connect-x", NULL },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    g_assert_cmpstr (suggest (cases[i].word, names), ==, cases[i].meant);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/base/suggest", test_suggest);
  g_test_add_func ("/account/config/read", test_read);
  g_test_add_func ("/account/config/places", test_places);
  g_test_add_func ("/account/config/errors", test_errors);
  g_test_add_func ("/account/config/nul", test_nul);
  g_test_add_func ("/account/config/order", test_order);
  g_test_add_func ("/config/shown", test_shown);
  g_test_add_func ("/account/config/limits", test_limits);
#define FILE_TEST(path, function)                                             \
  g_test_add (path, Fixture, NULL, set_up, function, tear_down)
  FILE_TEST ("/account/config/file", test_file);
  FILE_TEST ("/account/config/absent", test_absent);
  FILE_TEST ("/account/config/writable", test_writable);
  FILE_TEST ("/account/config/foreign", test_foreign);
  FILE_TEST ("/account/config/no-file", test_no_file);
  FILE_TEST ("/account/config/large", test_large);
  return g_test_run ();
}
