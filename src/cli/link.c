#include "cli/link.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib/gi18n.h>

#include "base/failure.h"
#include "submit/launch.h"

/* Whether only root can change what PATH is, file or directory, or remove it. Groups
   that may are root's, as staff is in /usr/local. */
static bool
is_roots (const char *path)
{
  struct stat status;

  return lstat (path, &status) == 0 && status.st_uid == 0
         && ((status.st_mode & S_IWOTH) == 0
             || (S_ISDIR (status.st_mode) && (status.st_mode & S_ISVTX) != 0));
}

/* Whether root may run the program at PATH, absolute, from now on, as by cron. One that
   was replaced meanwhile has no path. */
static bool
is_for_root (const char *path)
{
  g_autofree char *place = g_strdup (path);
  struct stat status;

  if (lstat (path, &status) != 0 || !S_ISREG (status.st_mode))
    return false;
  for (char *slash; is_roots (place); *slash = '\0')
    {
      slash = strrchr (place, '/');
      if (slash == place)
        return is_roots ("/");
    }
  return false;
}

static bool
is_there (void)
{
  return access (LINK_SENDMAIL, F_OK) == 0;
}

bool
link_is_ours (void)
{
  return launch_is_own (LINK_SENDMAIL);
}

bool
link_is_possible (void)
{
  g_autofree char *directory = g_path_get_dirname (LINK_SENDMAIL);
  g_autofree char *own = launch_own_path ();

  return !is_there () && access (directory, W_OK) == 0 && is_for_root (own);
}

static char *
describe_stranger (void)
{
  g_autofree char *target = realpath (LINK_SENDMAIL, NULL);

  if (target == NULL)
    return g_strdup_printf (_ ("there is no %s, which programs such as cron "
                               "and mutt look for"),
                            LINK_SENDMAIL);
  if (strcmp (target, LINK_SENDMAIL) == 0)
    return g_strdup_printf (_ ("%s is another program: cron and mutt send "
                               "through that one"),
                            target);
  return g_strdup_printf (_ ("%s is another program, %s: cron and mutt send "
                             "through that one"),
                          LINK_SENDMAIL, target);
}

void
link_describe (char **text, char **advice)
{
  g_autofree char *own = launch_own_path ();

  *text = describe_stranger ();
  *advice
      = !is_for_root (own)
            ? g_strdup_printf (_ ("%s can be changed by others than root, who "
                                  "would run it: install it for all users "
                                  "first, by its package, or as root by `make "
                                  "install'"),
                               own)
            : g_strdup_printf (
                is_there () ? _ ("if they are to send through this one, remove "
                                 "that program's package, then run `ln -sf %s "
                                 "%s' as root")
                            : _ ("as root, run `ln -sf %s %s'"),
                own, LINK_SENDMAIL);
}

bool
link_make (GError **error)
{
  g_autofree char *own = launch_own_path ();
  g_autofree char *text = NULL;
  g_autofree char *advice = NULL;

  if (is_there () || !is_for_root (own))
    {
      link_describe (&text, &advice);
      g_set_error (error, FAILURE, FAILURE_CANNOT_CREATE, _ ("%s; %s"), text,
                   advice);
      return false;
    }
  /* One that leads nowhere, as of a program that is gone, is in nobody's use. */
  if (g_file_test (LINK_SENDMAIL, G_FILE_TEST_IS_SYMLINK))
    (void) unlink (LINK_SENDMAIL);
  if (symlink (own, LINK_SENDMAIL) == 0)
    return true;
  failure_set_errno (error, FAILURE_CANNOT_CREATE, errno,
                     _ ("cannot make the link %s"), LINK_SENDMAIL);
  return false;
}
