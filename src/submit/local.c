#include "submit/local.h"

#include <string.h>
#include <sys/utsname.h>

#include <glib.h>

#define MAILNAME "/etc/mailname"

static void
add_name (GPtrArray *names, const char *name)
{
  if (strchr (name, '.') != NULL)
    g_ptr_array_add (names, g_strdup (name));
}

char **
local_hosts (void)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  g_autofree char *mailname = NULL;
  struct utsname host;

  if (uname (&host) == 0)
    add_name (names, host.nodename);
  if (g_file_get_contents (MAILNAME, &mailname, NULL, NULL))
    add_name (names, g_strstrip (mailname));
  g_ptr_array_add (names, NULL);
  return (char **) g_ptr_array_steal (names, NULL);
}
