#include "base/user.h"

#include <errno.h>
#include <pwd.h>
#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib.h>

const char *
user_name (void)
{
  static char *name;
  const struct passwd *entry;

  if (name != NULL)
    return name;
  entry = getpwuid (getuid ());
  name = entry != NULL && entry->pw_name[0] != '\0'
             ? g_strdup (entry->pw_name)
             : g_strdup_printf ("%ju", (uintmax_t)getuid ());
  return name;
}

/* Up to the first comma; '&' stands for the login name, capitalized. */
char *
user_full_name (void)
{
  const struct passwd *entry = getpwuid (getuid ());
  g_autoptr (GString) name = g_string_new (NULL);

  if (entry == NULL || entry->pw_gecos == NULL)
    return NULL;
  for (const char *p = entry->pw_gecos; *p != '\0' && *p != ','; p++)
    if (*p != '&')
      g_string_append_c (name, *p);
    else
      {
        g_string_append_c (name, g_ascii_toupper (entry->pw_name[0]));
        g_string_append (name, entry->pw_name + 1);
      }
  if (name->len == 0 || !g_utf8_validate (name->str, -1, NULL))
    return NULL;
  return g_string_free (g_steal_pointer (&name), FALSE);
}

/* What cannot be looked at now (no memory, a disk with errors) is taken for this
   user's: whoever opens it finds out. To go elsewhere would leave a message in a
   queue that nobody runs. */
static bool
is_own_directory (const char *path)
{
  struct stat status;

  if (path == NULL || path[0] != '/')
    return false;
  if (stat (path, &status) == 0)
    return S_ISDIR (status.st_mode) && status.st_uid == getuid ();
  return errno != ENOENT && errno != ENOTDIR && errno != EACCES
         && errno != ELOOP && errno != ENAMETOOLONG;
}

char *
user_home (void)
{
  const char *home = g_getenv ("HOME");
  const struct passwd *entry;

  if (is_own_directory (home) && g_strcmp0 (home, "/") != 0)
    return g_strdup (home);
  entry = getpwuid (getuid ());
  if (entry != NULL && is_own_directory (entry->pw_dir))
    return g_strdup (entry->pw_dir);
  return NULL;
}

char *
user_directory (const char *variable, const char *home, const char *below)
{
  const char *value = g_getenv (variable);

  if (is_own_directory (value))
    return g_strdup (value);
  return home != NULL ? g_build_filename (home, below, NULL) : NULL;
}
