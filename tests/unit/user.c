/* Who runs this program, whatever the environment says. */

#include <pwd.h>
#include <unistd.h>

#include <glib.h>
#include <glib/gstdio.h>

#include "base/user.h"

static const char *
database_home (void)
{
  const struct passwd *entry = getpwuid (getuid ());

  return entry != NULL ? entry->pw_dir : NULL;
}

static void
test_name (void)
{
  const struct passwd *entry = getpwuid (getuid ());

  g_setenv ("LOGNAME", "somebody-else", TRUE);
  g_setenv ("USER", "somebody-else", TRUE);
  if (entry != NULL)
    g_assert_cmpstr (user_name (), ==, entry->pw_name);
  else
    g_assert_cmpint (g_ascii_strtoll (user_name (), NULL, 10), ==, getuid ());
}

static void
test_home (void)
{
  static const char *const refused[] = { "",          "/",
                                         "relative",  "/nonexistent",
                                         "/dev/null", "." };
  g_autofree char *own = g_dir_make_tmp ("home-XXXXXX", NULL);
  g_autofree char *taken = NULL;

  g_setenv ("HOME", own, TRUE);
  taken = user_home ();
  g_assert_cmpstr (taken, ==, own);
  for (size_t i = 0; i < G_N_ELEMENTS (refused); i++)
    {
      g_autofree char *home = NULL;

      g_setenv ("HOME", refused[i], TRUE);
      home = user_home ();
      if (home != NULL)
        g_assert_cmpstr (home, ==, database_home ());
    }
  g_rmdir (own);
}

static void
test_foreign_home (void)
{
  g_autofree char *own = g_dir_make_tmp ("home-XXXXXX", NULL);
  g_autofree char *home = NULL;

  if (getuid () == 0)
    g_assert_cmpint (chown (own, 65534, 65534), ==, 0);
  else
    g_assert_cmpint (g_rmdir (own), ==, 0);
  g_setenv ("HOME", getuid () == 0 ? own : "/etc", TRUE);
  home = user_home ();
  if (home != NULL)
    g_assert_cmpstr (home, ==, database_home ());
  g_rmdir (own);
}

static void
test_directory (void)
{
  g_autofree char *own = g_dir_make_tmp ("config-XXXXXX", NULL);
  g_autofree char *given = NULL;
  g_autofree char *absent = NULL;
  g_autofree char *relative = NULL;
  g_autofree char *homeless = NULL;

  g_setenv ("XDG_CONFIG_HOME", own, TRUE);
  given = user_directory ("XDG_CONFIG_HOME", "/h", ".config");
  g_assert_cmpstr (given, ==, own);
  g_rmdir (own);
  absent = user_directory ("XDG_CONFIG_HOME", "/h", ".config");
  g_assert_cmpstr (absent, ==, "/h/.config");
  g_setenv ("XDG_CONFIG_HOME", ".", TRUE);
  relative = user_directory ("XDG_CONFIG_HOME", "/h", ".config");
  g_assert_cmpstr (relative, ==, "/h/.config");
  homeless = user_directory ("XDG_CONFIG_HOME", NULL, ".config");
  g_assert_null (homeless);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/base/user/name", test_name);
  g_test_add_func ("/base/user/home", test_home);
  g_test_add_func ("/base/user/foreign-home", test_foreign_home);
  g_test_add_func ("/base/user/directory", test_directory);
  return g_test_run ();
}
