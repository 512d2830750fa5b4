/* Changes to an accounts file: what becomes of the text, and of the file. */

#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <glib.h>
#include <glib/gstdio.h>

#include "account/edit.h"
#include "base/failure.h"
#include "tests/unit/directory.h"

#define WORK "[work]\nfrom = me@work.example\nhost = smtp.work.example\n"

static void
test_set (void)
{
  static const struct
  {
    const char *before;
    const char *section;
    const char *name;
    const char *value;
    const char *after; /* NULL: it is refused */
  } cases[] = {
    { "", "a", "host", "h.example", "[a]\nhost = h.example\n" },
    { "# mine", "a", "host", "h.example",
      "# mine\n\n[a]\nhost = h.example\n" },
    { WORK, "home", "host", "h.example", WORK "\n[home]\nhost = h.example\n" },
    { WORK "\n", "home", "host", "h", WORK "\n[home]\nhost = h\n" },
    { WORK "# end\n", "work", "port", "25", WORK "port = 25\n# end\n" },
    { WORK, "work", "host", "other.example",
      "[work]\nfrom = me@work.example\nhost = other.example\n" },
    { "; top\n[work]\n  from=me@work.example ; I\n  host= old  # why\n# end",
      "work", "host", "new.example",
      "; top\n[work]\n  from=me@work.example ; I\n  host= new.example  # why\n"
      "# end" },
    { "[work] # W\n  from = a@b.c\n\n\thost = h.example", "work", "user", "me",
      "[work] # W\n  from = a@b.c\n\n\thost = h.example\n\tuser = me\n" },
    { "[work]\r\nfrom = a@b.c\r\nhost = h.example\r\n", "work", "host",
      "i.example", "[work]\r\nfrom = a@b.c\r\nhost = i.example\r\n" },
    { WORK "user = \"a \\\" # b\" # c\n", "work", "user", "me",
      WORK "user = me # c\n" },
    { WORK "user = m\303\244 # c\n", "work", "user", "m\303\274\303\274",
      WORK "user = m\303\274\303\274 # c\n" },
    { WORK "user = me # c\n", "work", "user", NULL, WORK },
    { WORK, "work", "user", NULL, WORK },
    { WORK, "home", "user", NULL, WORK },
    { "[postrider]\nnotify = no\n", "work", "host", "h",
      "[postrider]\nnotify = no\n\n[work]\nhost = h\n" },
    { "", "a", "user", " me", "[a]\nuser = \" me\"\n" },
    { "", "a", "user", "a # b", "[a]\nuser = \"a # b\"\n" },
    { "", "a", "user", "#", "[a]\nuser = \"#\"\n" },
    { "", "a", "user", "a\"b", "[a]\nuser = \"a\\\"b\"\n" },
    { "", "a", "user", "\"a\\b\"", "[a]\nuser = \"\\\"a\\\\b\\\"\"\n" },
    { "", "a", "password-command", "sh -c \"echo x\"",
      "[a]\npassword-command = sh -c \"echo x\"\n" },
    { "", "a", "user", "", NULL },
    { "", "a", "user", "a\nhost = evil.example", NULL },
    { "", "a", "user", "a\rb", NULL },
    { "", "a", "user", "\xff", NULL },
    { "", "a]\n[b", "user", "me", NULL },
    { "", "a b", "user", "me", NULL },
    { WORK, "work", "ho st", "me", NULL },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (Edit) edit =
          edit_open_text ("accounts", "/home/me", cases[i].before, &error);
      g_autofree char *value = NULL;

      g_assert_no_error (error);
      if (cases[i].after == NULL)
        {
          g_assert_false (edit_set (edit, cases[i].section, cases[i].name,
                                    cases[i].value, &error));
          g_assert_error (error, FAILURE, FAILURE_CONFIG);
          g_assert_cmpstr (edit_text (edit), ==, cases[i].before);
          continue;
        }
      g_assert_true (edit_set (edit, cases[i].section, cases[i].name,
                               cases[i].value, &error));
      g_assert_no_error (error);
      g_assert_cmpstr (edit_text (edit), ==, cases[i].after);
      value = edit_get (edit, cases[i].section, cases[i].name);
      g_assert_cmpstr (value, ==, cases[i].value);
    }
}

static void
test_check (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Edit) edit = edit_open_text ("accounts", NULL, WORK, &error);

  g_assert_true (edit_has (edit, "work"));
  g_assert_false (edit_has (edit, "home"));
  g_assert_true (edit_set (edit, "home", "host", "h.example", &error));
  g_assert_true (edit_has (edit, "home"));
  g_assert_false (edit_check (edit, &error));
  g_assert_error (error, FAILURE, FAILURE_CONFIG);
  g_assert_nonnull (strstr (error->message, "accounts:5:1: account `home' has "
                                            "no `from'"));
  g_clear_error (&error);
  g_assert_true (edit_set (edit, "home", "from", "me@h.example", &error));
  g_assert_true (edit_check (edit, &error));
  g_assert_null (edit_open_text ("accounts", NULL, "[a\n", &error));
  g_assert_error (error, FAILURE, FAILURE_CONFIG);
}

static void
assert_file (const char *file, const char *text, mode_t mode)
{
  g_autofree char *octets = NULL;
  struct stat status;

  g_assert_true (g_file_get_contents (file, &octets, NULL, NULL));
  g_assert_cmpstr (octets, ==, text);
  g_assert_cmpint (lstat (file, &status), ==, 0);
  g_assert_cmpint (status.st_mode & 07777, ==, mode);
}

static Edit *
open_file (const char *file)
{
  g_autoptr (GError) error = NULL;
  Edit *edit = edit_open (file, NULL, &error);

  g_assert_no_error (error);
  g_assert_cmpstr (edit_file (edit), ==, file);
  return edit;
}

static void
set (Edit *edit, const char *name, const char *value)
{
  g_assert_true (edit_set (edit, "work", name, value, NULL));
}

/* How many entries PATH has. */
static unsigned
count_entries (const char *path)
{
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  unsigned count = 0;

  while (g_dir_read_name (dir) != NULL)
    count++;
  return count;
}

static void
empty (const Directory *directory)
{
  g_autoptr (GDir) dir = g_dir_open (directory->path, 0, NULL);
  const char *name;

  while ((name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename (directory->path, name, NULL);

      directory_remove (path);
    }
}

static void
test_commit (Directory *directory, const void *data)
{
  g_autofree char *place =
      g_build_filename (directory->path, "new", "deep", NULL);
  g_autofree char *file = g_build_filename (place, "accounts", NULL);
  g_autoptr (Edit) edit = open_file (file);
  g_autoptr (GError) error = NULL;
  struct stat status;

  set (edit, "from", "me@work.example");
  g_assert_false (edit_commit (edit, &error));
  g_assert_error (error, FAILURE, FAILURE_CONFIG);
  g_assert_cmpint (access (place, F_OK), !=, 0);
  g_clear_error (&error);
  set (edit, "host", "smtp.work.example");
  g_assert_true (edit_commit (edit, &error));
  assert_file (file, WORK, 0600);
  g_assert_cmpint (stat (place, &status), ==, 0);
  g_assert_cmpint (status.st_mode & 07777, ==, 0700);
  set (edit, "user", "me");
  g_assert_true (edit_commit (edit, &error));
  assert_file (file, WORK "user = me\n", 0600);
  g_assert_cmpint (count_entries (place), ==, 1);
  empty (directory);
}

/* One that an administrator lets all read stays so, and a link stays a link.
 */
static void
test_keeps (Directory *directory, const void *data)
{
  g_autofree char *file = g_build_filename (directory->path, "real", NULL);
  g_autofree char *link = g_build_filename (directory->path, "link", NULL);
  g_autoptr (Edit) edit = NULL;
  g_autoptr (GError) error = NULL;
  struct stat status;

  g_assert_true (g_file_set_contents (file, WORK, -1, NULL));
  g_assert_cmpint (chmod (file, 0644), ==, 0);
  if (getuid () == 0)
    g_assert_cmpint (chown (file, 0, 65534), ==, 0);
  g_assert_cmpint (symlink ("real", link), ==, 0);
  edit = open_file (link);
  set (edit, "user", "me");
  g_assert_true (edit_commit (edit, &error));
  g_assert_no_error (error);
  assert_file (file, WORK "user = me\n", 0644);
  g_assert_cmpint (stat (file, &status), ==, 0);
  if (getuid () == 0)
    g_assert_cmpint (status.st_gid, ==, 65534);
  g_assert_cmpint (lstat (link, &status), ==, 0);
  g_assert_true (S_ISLNK (status.st_mode));
  empty (directory);
}

/* Where one more may read it, the group may not. */
static void
test_keeps_list (Directory *directory, const void *data)
{
  static const char name[] = "system.posix_acl_access";
  /* Version 2; then kind, rights and, for the second one, who. */
  static const unsigned char list[] = {
    2, 0, 0, 0, /**/
    1,    0, 6, 0, 0xff, 0xff, 0xff, 0xff, /* owner */
    2,    0, 4, 0, 0xe8, 0x03, 0,    0,    /* 1000 */
    4,    0, 0, 0, 0xff, 0xff, 0xff, 0xff, /* group */
    0x10, 0, 4, 0, 0xff, 0xff, 0xff, 0xff, /* mask */
    0x20, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, /* others */
  };
  unsigned char kept[sizeof list + 1];
  g_autofree char *file = g_build_filename (directory->path, "a", NULL);
  g_autoptr (Edit) edit = NULL;

  g_assert_true (g_file_set_contents (file, WORK, -1, NULL));
  if (setxattr (file, name, list, sizeof list, 0) != 0)
    {
      g_test_skip ("the file system has no such lists, or uid 1000 is nobody");
      empty (directory);
      return;
    }
  edit = open_file (file);
  set (edit, "user", "me");
  g_assert_true (edit_commit (edit, NULL));
  assert_file (file, WORK "user = me\n", 0640);
  g_assert_cmpint (getxattr (file, name, kept, sizeof kept), ==, sizeof list);
  g_assert_cmpint (memcmp (kept, list, sizeof list), ==, 0);
  empty (directory);
}

/* Of one that was killed before its last step nothing stays; what is not its own does. */
static void
test_leftover (Directory *directory, const void *data)
{
  static const char link[] = ".tmp-accounts-0123456789abcdef";
  static const char below[] = ".tmp-accounts-0123456789abcdee";
  static const char others[] = ".tmp-0123456789abcdef";
  g_autofree char *file = g_build_filename (directory->path, "a", NULL);
  g_autoptr (Edit) edit = NULL;
  pid_t child;

  g_assert_true (g_file_set_contents (file, WORK, -1, NULL));
  edit = open_file (file);
  set (edit, "user", "me");
  child = fork ();
  if (child == 0)
    {
      g_random_set_seed (1);
      _exit (edit_prepare (edit, NULL) ? 0 : 1);
    }
  g_assert_cmpint (waitpid (child, NULL, 0), ==, child);
  g_assert_cmpint (count_entries (directory->path), ==, 2);
  g_assert_cmpint (symlinkat ("a", directory->fd, link), ==, 0);
  g_assert_cmpint (mkdirat (directory->fd, below, 0700), ==, 0);
  g_assert_cmpint (symlinkat ("a", directory->fd, others), ==, 0);
  g_assert_true (edit_commit (edit, NULL));
  assert_file (file, WORK "user = me\n", 0644);
  g_assert_cmpint (count_entries (directory->path), ==, 4);
  empty (directory);
}

/* Until the last step all is as it was, and then only if nobody else changed it. */
static void
test_prepare (Directory *directory, const void *data)
{
  g_autofree char *file = g_build_filename (directory->path, "a", NULL);
  g_autoptr (GError) error = NULL;
  Edit *edit;

  g_assert_true (g_file_set_contents (file, WORK, -1, NULL));
  g_assert_cmpint (chmod (file, 0600), ==, 0);
  edit = open_file (file);
  set (edit, "user", "me");
  g_assert_true (edit_prepare (edit, NULL));
  assert_file (file, WORK, 0600);
  g_assert_cmpint (count_entries (directory->path), ==, 2);
  edit_free (edit);
  assert_file (file, WORK, 0600);
  g_assert_cmpint (count_entries (directory->path), ==, 1);
  edit = open_file (file);
  set (edit, "user", "me");
  g_assert_true (edit_prepare (edit, NULL));
  g_assert_true (g_file_set_contents (file, "# mine\n" WORK, -1, NULL));
  g_assert_cmpint (chmod (file, 0600), ==, 0);
  g_assert_false (edit_commit (edit, &error));
  g_assert_error (error, FAILURE, FAILURE_CONFIG);
  edit_free (edit);
  assert_file (file, "# mine\n" WORK, 0600);
  g_assert_cmpint (count_entries (directory->path), ==, 1);
  empty (directory);
}

static void
test_refuses (Directory *directory, const void *data)
{
  g_autofree char *file = g_build_filename (directory->path, "a", NULL);
  g_autoptr (Edit) first = open_file (file);
  g_autoptr (Edit) second = open_file (file);
  g_autoptr (GError) error = NULL;

  set (first, "from", "me@work.example");
  set (first, "host", "smtp.work.example");
  set (second, "from", "you@work.example");
  set (second, "host", "smtp.work.example");
  g_assert_true (edit_commit (second, NULL));
  g_assert_false (edit_commit (first, &error));
  g_assert_error (error, FAILURE, FAILURE_CONFIG);
  g_assert_nonnull (strstr (error->message, "was changed meanwhile"));
  g_clear_error (&error);
  g_assert_cmpint (chmod (file, 0666), ==, 0);
  g_assert_null (edit_open (file, NULL, &error));
  g_assert_nonnull (strstr (error->message, "can be written by others"));
  g_clear_error (&error);
  g_assert_cmpint (chmod (file, 0600), ==, 0);
  g_assert_true (g_file_set_contents (file, "[work]\nhots = x\n", -1, NULL));
  g_assert_null (edit_open (file, NULL, &error));
  g_assert_nonnull (strstr (error->message, ":2:1: there is no setting"));
  empty (directory);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/edit/set", test_set);
  g_test_add_func ("/edit/check", test_check);
  g_test_add ("/edit/commit", Directory, NULL, directory_set_up, test_commit,
              directory_tear_down);
  g_test_add ("/edit/keeps", Directory, NULL, directory_set_up, test_keeps,
              directory_tear_down);
  g_test_add ("/edit/keeps-list", Directory, NULL, directory_set_up,
              test_keeps_list, directory_tear_down);
  g_test_add ("/edit/leftover", Directory, NULL, directory_set_up,
              test_leftover, directory_tear_down);
  g_test_add ("/edit/prepare", Directory, NULL, directory_set_up, test_prepare,
              directory_tear_down);
  g_test_add ("/edit/refuses", Directory, NULL, directory_set_up, test_refuses,
              directory_tear_down);
  return g_test_run ();
}
