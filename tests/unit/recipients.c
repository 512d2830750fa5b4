/* Where recipients lead: by aliases, by `local-mail-to', or nowhere. */

#include <string.h>
#include <unistd.h>

#include <glib.h>
#include <glib/gstdio.h>

#include "base/failure.h"
#include "base/log.h"
#include "submit/recipients.h"

#define ALIASES                                                               \
  "root: admin@x.example\nteam: a@x.example, bob, root\nloop: pool\n"         \
  "pool: loop\npipe: |x\nalone: alone\n"

typedef struct
{
  char *top;
  char *aliases;
  Accounts *accounts;
} Fixture;

static void
write_file (const char *path, const char *text, int mode)
{
  g_autoptr (GError) error = NULL;

  g_file_set_contents_full (path, text, -1, G_FILE_SET_CONTENTS_CONSISTENT,
                            mode, &error);
  g_assert_no_error (error);
}

/* Accounts with SETTINGS in [postrider]. */
static void
load (Fixture *fixture, const char *settings)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *file = g_build_filename (fixture->top, "accounts", NULL);
  g_autofree char *text =
      g_strdup_printf ("[postrider]\naliases = %s\n%s"
                       "[me]\nfrom = me@x.example\nhost = x.example\n",
                       fixture->aliases, settings);

  write_file (file, text, 0600);
  g_clear_pointer (&fixture->accounts, accounts_free);
  fixture->accounts = accounts_load (file, NULL, &error);
  g_assert_no_error (error);
}

static void
set_up (Fixture *fixture, const void *data)
{
  g_autoptr (GError) error = NULL;

  log_open ("none");
  fixture->top = g_dir_make_tmp ("recipients-XXXXXX", &error);
  g_assert_no_error (error);
  fixture->aliases = g_build_filename (fixture->top, "aliases", NULL);
  write_file (fixture->aliases, ALIASES, 0644);
  load (fixture, "");
}

static void
tear_down (Fixture *fixture, const void *data)
{
  g_unlink (fixture->aliases);
  g_unlink (fixture->accounts->file);
  g_rmdir (fixture->top);
  accounts_free (fixture->accounts);
  g_free (fixture->aliases);
  g_free (fixture->top);
}

static char *
join (const GPtrArray *strings)
{
  g_autoptr (GString) out = g_string_new (NULL);

  for (guint i = 0; i < strings->len; i++)
    g_string_append_printf (out, "%s%s", i > 0 ? "|" : "",
                            (char *) g_ptr_array_index (strings, i));
  return g_string_free (g_steal_pointer (&out), FALSE);
}

static Envelope *
given (const char *recipients)
{
  Envelope *envelope = envelope_new ();
  g_autoptr (GPtrArray) problems =
      g_ptr_array_new_with_free_func ((GDestroyNotify) g_error_free);
  char *operands[] = { (char *) recipients, NULL };

  recipients_gather (envelope, operands, NULL, problems);
  g_assert_cmpuint (problems->len, ==, 0);
  return envelope;
}

static void
test_settle (Fixture *fixture, const void *data)
{
  static const struct
  {
    const char *settings;
    const char *recipients;
    bool no_aliases;
    const char *settled; /* NULL: nobody can tell */
    unsigned problems;
  } cases[] = {
    { "", "a@x.example", false, "a@x.example", 0 },
    { "", "root", false, "admin@x.example", 0 },
    { "", "root, Root@localhost, admin@X.example", false, "admin@x.example",
      0 },
    { "", "team", false, "a@x.example|admin@x.example", 1 },
    { "", "bob, bill, a@x.example", false, "a@x.example|bob|bill", 2 },
    { "", "bob", false, "", 1 },
    { "", "alone", false, "", 1 },
    { "", "root", true, "", 1 },
    { "", "a@x.example, loop", false, NULL, 0 },
    { "", "a@x.example, loop@localhost", true, "a@x.example|loop", 1 },
    { "", "root, pipe", false, NULL, 0 },
    { "local-mail-to = b@x.example, c@x.example\n", "bob", false,
      "b@x.example|c@x.example", 0 },
    { "local-mail-to = b@x.example\n", "root, bob, alone", false,
      "admin@x.example|b@x.example", 0 },
    { "local-mail-to = b@x.example\n", "root", true, "b@x.example", 0 },
    { "local-mail-to = b@x.example\n", "team", false,
      "a@x.example|b@x.example|admin@x.example", 0 },
    { "local-mail-to = b@x.example\n", "loop", false, NULL, 0 },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GPtrArray) problems =
          g_ptr_array_new_with_free_func ((GDestroyNotify) g_error_free);
      g_autoptr (GError) error = NULL;
      g_autoptr (Envelope) envelope = given (cases[i].recipients);
      g_autoptr (Envelope) settled = NULL;
      g_autofree char *paths = NULL;

      load (fixture, cases[i].settings);
      settled = recipients_settle (envelope, fixture->accounts,
                                   cases[i].no_aliases, problems, &error);
      paths = settled != NULL ? join (settled->forward_paths) : NULL;
      g_assert_cmpstr (paths, ==, cases[i].settled);
      if (settled == NULL)
        g_assert_error (error, FAILURE, FAILURE_CONFIG);
      else
        g_assert_cmpuint (problems->len, ==, cases[i].problems);
      for (size_t k = 0; k < problems->len; k++)
        g_assert_error ((GError *) problems->pdata[k], FAILURE,
                        FAILURE_NO_USER);
    }
}

/* A file that cannot be used is nobody's trouble but those's who need it. */
static void
test_unusable (Fixture *fixture, const void *data)
{
  static const int modes[] = { 0664, 0646, 0666 };
  g_autoptr (GPtrArray) problems =
      g_ptr_array_new_with_free_func ((GDestroyNotify) g_error_free);
  g_autoptr (Envelope) address = given ("a@x.example, b@[192.0.2.1]");
  g_autoptr (Envelope) local = given ("a@x.example, bob");

  for (size_t i = 0; i <= G_N_ELEMENTS (modes); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (Envelope) good = NULL;

      if (i < G_N_ELEMENTS (modes))
        g_assert_cmpint (g_chmod (fixture->aliases, modes[i]), ==, 0);
      else
        g_unlink (fixture->aliases);
      good = recipients_settle (address, fixture->accounts, false, problems,
                                &error);
      g_assert_no_error (error);
      g_assert_cmpuint (good->forward_paths->len, ==, 2);
      g_assert_null (recipients_settle (local, fixture->accounts, false,
                                        problems, &error));
      g_assert_error (error, FAILURE, FAILURE_CONFIG);
      g_assert_nonnull (strstr (error->message, fixture->aliases));
    }
  g_assert_cmpuint (problems->len, ==, 0);
}

/* What was wished of a name is wished of those that it leads to. */
static void
test_wishes (Fixture *fixture, const void *data)
{
  Wish wish = { (char *) "NEVER", (char *) "rfc822;team" };
  g_autoptr (GPtrArray) problems =
      g_ptr_array_new_with_free_func ((GDestroyNotify) g_error_free);
  g_autoptr (GError) error = NULL;
  g_autoptr (Envelope) envelope = given ("c@x.example");
  g_autoptr (Envelope) settled = NULL;

  g_free (envelope->notify);
  envelope->notify = g_strdup ("SUCCESS");
  envelope_add_wish (envelope, "team", &wish);
  load (fixture, "local-mail-to = b@x.example\n");
  settled =
      recipients_settle (envelope, fixture->accounts, false, problems, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (settled->forward_paths->len, ==, 4);
  g_assert_cmpstr (envelope_notify (settled, 0), ==, "SUCCESS");
  for (size_t i = 1; i < 4; i++)
    {
      g_assert_cmpstr (envelope_notify (settled, i), ==, "NEVER");
      g_assert_cmpstr (envelope_wish (settled, i)->orcpt, ==, "rfc822;team");
    }
}

static void
test_whole (Fixture *fixture, const void *data)
{
  static const struct
  {
    const char *recipients, *sender;
    const char *settled, *settled_sender; /* NULL: not yet */
  } cases[] = {
    { "root", "", "admin@x.example", "" },
    { "root", "root@localhost", "admin@x.example", "me@x.example" },
    { "root", "you@y.example", "admin@x.example", "you@y.example" },
    { "root, bob", "me@x.example", NULL, NULL },
    { "pipe", "me@x.example", NULL, NULL },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (Envelope) envelope = given (cases[i].recipients);
      g_autoptr (Envelope) settled = NULL;
      g_autofree char *paths = NULL;

      g_free (envelope->reverse_path);
      envelope->reverse_path = g_strdup (cases[i].sender);
      settled = recipients_settle_whole (envelope, fixture->accounts,
                                         fixture->accounts->accounts->pdata[0],
                                         &error);
      paths = settled != NULL ? join (settled->forward_paths) : NULL;
      g_assert_cmpstr (paths, ==, cases[i].settled);
      g_assert_cmpint (settled == NULL, ==, error != NULL);
      if (settled != NULL)
        g_assert_cmpstr (settled->reverse_path, ==, cases[i].settled_sender);
    }
}

static void
test_gather (void)
{
  char *operands[] = { (char *) "a@x.example, root", (char *) "b@@x.example",
                       (char *) "A@X.example <c@x.example>",
                       (char *) "a@X.EXAMPLE", NULL };
  g_autoptr (GPtrArray) problems =
      g_ptr_array_new_with_free_func ((GDestroyNotify) g_error_free);
  g_autoptr (Envelope) envelope = envelope_new ();
  g_autoptr (Header) header = header_new ();
  g_autofree char *paths = NULL;

  header_append (header, "To", " root, d@x.example");
  header_append (header, "Bcc", " \\bob");
  recipients_gather (envelope, operands, header, problems);
  paths = join (envelope->forward_paths);
  g_assert_cmpstr (paths, ==, "a@x.example|root|c@x.example|d@x.example|bob");
  g_assert_cmpuint (problems->len, ==, 1);
  g_assert_error ((GError *) problems->pdata[0], FAILURE, FAILURE_DATA);
}

#define RECIPIENTS_TEST(path, function)                                       \
  g_test_add ("/recipients/" path, Fixture, NULL, set_up, function, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  RECIPIENTS_TEST ("settle", test_settle);
  RECIPIENTS_TEST ("unusable", test_unusable);
  RECIPIENTS_TEST ("wishes", test_wishes);
  RECIPIENTS_TEST ("whole", test_whole);
  g_test_add_func ("/recipients/gather", test_gather);
  return g_test_run ();
}
