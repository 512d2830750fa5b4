/* Aliases files: what they say, what is wrong with them, and where each name
 * leads. */

#include <string.h>

#include <glib.h>

#include "base/failure.h"
#include "mail/alias.h"

static const char *const hosts[] = { "host.example", "mail.example", NULL };

static char *
join (const GPtrArray *strings)
{
  g_autoptr (GString) out = g_string_new (NULL);

  for (guint i = 0; i < strings->len; i++)
    g_string_append_printf (out, "%s%s", i > 0 ? "|" : "",
                            (char *) g_ptr_array_index (strings, i));
  return g_string_free (g_steal_pointer (&out), FALSE);
}

/* Where NAME leads, with '|' between; or the error; then the notes. */
static char *
expand (const Aliases *aliases, const char *name)
{
  g_autoptr (GPtrArray) found
      = g_ptr_array_new_with_free_func ((GDestroyNotify) address_free);
  g_autoptr (GPtrArray) paths = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GPtrArray) notes = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (Address) address = address_parse (name, NULL);
  g_autoptr (GError) error = NULL;

  g_assert_nonnull (address);
  if (!aliases_expand (aliases, address, hosts, found, notes, &error))
    {
      g_assert_error (error, FAILURE, FAILURE_CONFIG);
      g_assert_cmpuint (found->len, ==, 0);
      return g_strdup_printf ("! %s", error->message);
    }
  for (guint i = 0; i < found->len; i++)
    g_ptr_array_add (paths, address_path (found->pdata[i]));
  for (guint i = 0; i < notes->len; i++)
    g_ptr_array_add (paths, g_strconcat ("note ", notes->pdata[i], NULL));
  return join (paths);
}

static void
test_locality (void)
{
  static const struct
  {
    const char *domain;
    Locality locality;
  } cases[] = {
    { NULL, LOCALITY_NAME },
    { "localhost", LOCALITY_NAME },
    { "LOCALHOST", LOCALITY_NAME },
    { "localhost.localdomain", LOCALITY_NAME },
    { "Localhost.LocalDomain", LOCALITY_NAME },
    { "myhost", LOCALITY_NAME },
    { "host.example", LOCALITY_HOST },
    { "Mail.EXAMPLE", LOCALITY_HOST },
    { "x.host.example", LOCALITY_ELSEWHERE },
    { "example.org", LOCALITY_ELSEWHERE },
    { "[127.0.0.1]", LOCALITY_ELSEWHERE },
    { "[IPv6:::1]", LOCALITY_ELSEWHERE },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    g_assert_cmpint (alias_locality (cases[i].domain, hosts), ==,
                     cases[i].locality);
}

static void
test_expand (void)
{
  static const struct
  {
    const char *text;
    const char *name;
    const char *found;
  } cases[] = {
    /* No file, no definition, and addresses of others. */
    { NULL, "root", "root" },
    { NULL, "root@localhost", "root" },
    { NULL, "root@host.example", "root@host.example" },
    { "", "root", "root" },
    { "\n\n# x\n", "\\root", "root" },
    { "root: a@x.example\n", "bob", "bob" },
    { "root: a@x.example\n", "root@x.example", "root@x.example" },
    /* One target, and ways to write it. */
    { "root: a@x.example\n", "root", "a@x.example" },
    { "root: a@x.example\n", "\\root", "a@x.example" },
    { "root: a@x.example", "root", "a@x.example" },
    { "\xef\xbb\xbfroot: a@x.example\r\n", "root", "a@x.example" },
    { "Root : a@X.example\n", "ROOT", "a@X.example" },
    { "root\t:a@x.example  \n", "root@localhost", "a@x.example" },
    { "root:a@x.example\n", "root@myhost", "a@x.example" },
    { "root:a@x.example\n", "root@LocalHost.localdomain", "a@x.example" },
    { "root: Me <a@x.example>\n", "root", "a@x.example" },
    { "root: a@x.example (it is me, (really))\n", "root", "a@x.example" },
    { "root: \"a b\"@x.example\n", "root", "\"a b\"@x.example" },
    { "\"a b\": c@x.example\n", "\"A b\"", "c@x.example" },
    { "\"a\\\"b\": c@x.example\n", "\"a\\\"b\"", "c@x.example" },
    { "\"a:b\": c@x.example\n", "\"a:b\"", "c@x.example" },
    { "\"#a\": c@x.example\n", "#a", "c@x.example" },
    /* Several. */
    { "root: a@x.example, b@x.example,c@x.example\n", "root",
      "a@x.example|b@x.example|c@x.example" },
    { "root: a@x.example,\n\tb@x.example,\n c@x.example\n", "root",
      "a@x.example|b@x.example|c@x.example" },
    { "root:\n  a@x.example\nbob: b@x.example\n", "root", "a@x.example" },
    { "root: a@x.example,\n# no end\n\n   # nor this\n b@x.example\n", "root",
      "a@x.example|b@x.example" },
    { "root: a@x.example,, b@x.example,\n", "root",
      "a@x.example|b@x.example" },
    { "root: \"A, B\" <a@x.example>, b@x.example\n", "root",
      "a@x.example|b@x.example" },
    { "root: a@x.example\nroot: b@x.example\n", "root", "a@x.example" },
    { "root: a@x.example\nROOT: b@x.example\n", "root", "a@x.example" },
    /* Names that lead to names. */
    { "root: bob\n", "root", "bob" },
    { "root: bob@localhost\n", "root", "bob" },
    { "root: \\bob\nbob: b@x.example\n", "root", "b@x.example" },
    { "root: bob, a@x.example\nbob: b@x.example\n", "root",
      "b@x.example|a@x.example" },
    { "a: b\nb: c\nc: d@myhost\nd: e@x.example\n", "a", "e@x.example" },
    { "a: b, c\nb: d\nc: d\nd: e@x.example\n", "a", "e@x.example" },
    { "postmaster: root\nroot: a@x.example\n", "PostMaster", "a@x.example" },
    /* Its own mailbox. */
    { "root: root, a@x.example\n", "root",
      "a@x.example|note f:1: `root' has no mailbox on this machine; the other "
      "targets of the alias have the message" },
    { "root: a@x.example,\n \\root@localhost\n", "root",
      "a@x.example|note f:2: `root' has no mailbox on this machine; the other "
      "targets of the alias have the message" },
    { "root: root\n", "root", "root" },
    { "root: root, Root\n", "root", "Root" },
    { "a: root\nroot: root\n", "a", "root" },
    /* Loops. */
    { "a: b\nb: a\n", "a", "! f:1: the alias `a' leads back to itself" },
    { "a: b\nb: a, c@x.example\n", "a",
      "! f:1: the alias `a' leads back to itself" },
    { "x: a\na: b\nb: c\nc: a\n", "x",
      "! f:2: the alias `a' leads back to itself" },
    { "a: b\nb: a\n", "c", "c" },
    /* The catch-all. */
    { "default: a@x.example\n", "bob", "a@x.example" },
    { "Default: a@x.example\n", "default", "a@x.example" },
    { "default: root\nroot: a@x.example\n", "bob", "a@x.example" },
    { "default: root\n", "bob", "root" },
    { "default: bob\n", "bob", "bob" },
    { "default: default\n", "bob", "default" },
    { "default: bill, a@x.example\n", "bob", "bill|a@x.example" },
    { "default: one\none: two\n", "bob", "two" },
    { "bob: bill, c@x.example\ndefault: a@x.example\n", "bob",
      "a@x.example|c@x.example" },
    { "default: a@x.example\n", "bob@host.example", "bob@host.example" },
    /* This host's names. */
    { "root: a@x.example\n", "root@host.example", "a@x.example" },
    { "root: root@host.example\n", "root", "root@host.example" },
    { "root: root@host.example\n", "root@mail.example",
      "root@host.example" },
    { "a: b@host.example\nb: c@x.example\n", "a", "c@x.example" },
    { "a: b@host.example\n", "a", "b@host.example" },
    { "a: b@host.example\nb: a@mail.example\n", "a", "a@mail.example" },
    /* What is no recipient. */
    { "root: |/bin/cat\n", "root",
      "! f:1: the alias `root' leads to the command |/bin/cat, and none is "
      "ever run: write an address instead" },
    { "root: \"|/bin/cat -n, \\\"x\\\"\"\n", "root",
      "! f:1: the alias `root' leads to the command \"|/bin/cat -n, "
      "\\\"x\\\"\", and none is ever run: write an address instead" },
    { "root: |\"/bin/cat -n, x\"\n", "root",
      "! f:1: the alias `root' leads to the command |\"/bin/cat -n, x\", and "
      "none is ever run: write an address instead" },
    { "a: a@x.example,\n b\n\nb: /var/mail/b\n", "a",
      "! f:4: the alias `b' leads to the file /var/mail/b, and none is ever "
      "written: write an address instead" },
    { "a: a@x.example,\n \"/var/my mail\"\n", "a",
      "! f:2: the alias `a' leads to the file \"/var/my mail\", and none is "
      "ever written: write an address instead" },
    { "a: :include:/etc/list\n", "a",
      "! f:1: the alias `a' leads to :include:/etc/list, which is not "
      "followed: write the addresses instead" },
    { "a: \":include:/etc/list\"\n", "a",
      "! f:1: the alias `a' leads to \":include:/etc/list\", which is not "
      "followed: write the addresses instead" },
    { "a: :fail: gone\n", "a",
      "! f:1: the alias `a' leads to :fail: gone, which is not followed: write "
      "the addresses instead" },
    { "a: |/bin/cat\n", "b", "b" },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      const char *text = cases[i].text;
      g_autoptr (Aliases) aliases
          = text != NULL ? aliases_parse ("f", text, strlen (text)) : NULL;
      g_autofree char *found = expand (aliases, cases[i].name);

      g_assert_cmpstr (found, ==, cases[i].found);
    }
}

#define NO_ALIAS                                                              \
  ": no alias: write `name: address'; the name has no domain, and stands in " \
  "quotes unless it is one word"

static void
test_problems (void)
{
  static const struct
  {
    const char *text;
    const char *problems;
    const char *name;
    const char *found;
  } cases[] = {
    { "root a@x.example\nroot: b@x.example\n", "f:1" NO_ALIAS, "root",
      "b@x.example" },
    { "# x\n: a@x.example\n", "f:2" NO_ALIAS, "root", "root" },
    { "a b: a@x.example\n", "f:1" NO_ALIAS, "a", "a" },
    { "\"a b: a@x.example\n", "f:1" NO_ALIAS, "a", "a" },
    { "a@x.example: b\n", "f:1" NO_ALIAS, "a", "a" },
    { "a\001: b\n", "f:1" NO_ALIAS, "a", "a" },
    { "  a: b\nb: c@x.example\n",
      "f:1: a line that begins with a blank continues an alias, and there is "
      "none",
      "b", "c@x.example" },
    { "a:\nb: ,,\n",
      "f:1: the alias `a' stands for nothing|f:2: the alias `b' stands for "
      "nothing",
      "a", "a" },
    { "a: b@x.example\n\nA: c@x.example\n",
      "f:3: the alias `A' is there twice: the first counts", "a",
      "b@x.example" },
    { "a: b@x.example,\n c@@x.example\n", "f:2: ", "a",
      "! f:2: the alias `a' is unusable: " },
    { "a: b@x.example # me\n", "f:1: ", "a",
      "! f:1: the alias `a' is unusable: " },
    { "\r\na: b@x.example,\r\n\t\r\n c@x.example\r\n", "", "a",
      "b@x.example|c@x.example" },
    { "a: \377@x.example\nb: c@x.example\n", "f:1: ", "b", "c@x.example" },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (Aliases) aliases
          = aliases_parse ("f", cases[i].text, strlen (cases[i].text));
      g_autofree char *problems = join (aliases_problems (aliases));
      g_autofree char *found = expand (aliases, cases[i].name);

      /* What an address has wrong is said by others. */
      if (g_str_has_suffix (cases[i].problems, ": "))
        problems[MIN (strlen (problems), strlen (cases[i].problems))] = '\0';
      if (g_str_has_suffix (cases[i].found, ": "))
        found[MIN (strlen (found), strlen (cases[i].found))] = '\0';
      g_assert_cmpstr (problems, ==, cases[i].problems);
      g_assert_cmpstr (found, ==, cases[i].found);
    }
}

static void
test_nul (void)
{
  static const char text[] = "root: a@x.example\0,b@x.example\nbob: "
                             "c@x.example\n";
  g_autoptr (Aliases) aliases
      = aliases_parse ("f", text, sizeof text - 1);
  g_autofree char *root = expand (aliases, "root");
  g_autofree char *bob = expand (aliases, "bob");

  g_assert_cmpuint (aliases_problems (aliases)->len, ==, 1);
  g_assert_true (
      g_str_has_prefix (root, "! f:1: the alias `root' is unusable: "));
  g_assert_cmpstr (bob, ==, "c@x.example");
}

static void
test_shown (void)
{
  static const char text[] = "a:\nroot: |\033\xc2\x9b\n";
  g_autoptr (Aliases) aliases
      = aliases_parse ("f\033\n\xe2\x80\xae\xff", text, strlen (text));
  g_autofree char *root = expand (aliases, "root");

  g_assert_cmpstr (aliases_problems (aliases)->pdata[0], ==,
                   "f? ??:1: the alias `a' stands for nothing");
  g_assert_cmpstr (root, ==,
                   "! f? ??:2: the alias `root' leads to the command |??, and "
                   "none is ever run: write an address instead");
}

/* COUNT names, each of which leads to the next, and the last to an address. */
static char *
expand_chain (unsigned count)
{
  g_autoptr (GString) text = g_string_new (NULL);
  g_autoptr (Aliases) aliases = NULL;

  for (unsigned i = 1; i < count; i++)
    g_string_append_printf (text, "a%u: a%u\n", i, i + 1);
  g_string_append_printf (text, "a%u: a@x.example\n", count);
  aliases = aliases_parse ("f", text->str, text->len);
  return expand (aliases, "a1");
}

static void
test_bounds (void)
{
  g_autofree char *deepest = expand_chain (ALIAS_DEPTH_MAXIMUM);
  g_autofree char *too_deep = expand_chain (ALIAS_DEPTH_MAXIMUM + 1);
  g_autoptr (GString) text = g_string_new ("many: ");
  g_autoptr (Aliases) most = NULL;
  g_autoptr (Aliases) too_many = NULL;
  g_autofree char *found = NULL;
  g_autofree char *error = NULL;

  g_assert_cmpstr (deepest, ==, "a@x.example");
  g_assert_cmpstr (too_deep, ==,
                   "! f:101: more than 100 aliases lead from one to the next");
  for (unsigned i = 0; i < ALIAS_FOUND_MAXIMUM; i++)
    g_string_append_printf (text, "a%u@x.example,\n ", i);
  most = aliases_parse ("f", text->str, text->len);
  found = expand (most, "many");
  g_assert_true (g_str_has_suffix (found, "|a9999@x.example"));
  g_string_append (text, "one-more@x.example\n");
  too_many = aliases_parse ("f", text->str, text->len);
  error = expand (too_many, "many");
  g_assert_cmpstr (error, ==,
                   "! f:1: the alias `many' stands for more than 10000 "
                   "addresses");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/alias/locality", test_locality);
  g_test_add_func ("/alias/expand", test_expand);
  g_test_add_func ("/alias/problems", test_problems);
  g_test_add_func ("/alias/nul", test_nul);
  g_test_add_func ("/alias/shown", test_shown);
  g_test_add_func ("/alias/bounds", test_bounds);
  return g_test_run ();
}
