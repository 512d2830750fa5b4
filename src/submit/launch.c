#include "submit/launch.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <unistd.h>

#include <glib.h>

#include "submit/bus.h"

static const BusMethod start_unit = {
  .name = "org.freedesktop.systemd1",
  .path = "/org/freedesktop/systemd1",
  .interface = "org.freedesktop.systemd1.Manager",
  .method = "StartUnit",
};

bool
launch_service (unsigned milliseconds)
{
  g_autoptr (GVariant) job = NULL;

  if (!bus_is_known ())
    return false;
  job = bus_call (&start_unit,
                  g_variant_new ("(ss)", "postrider.service", "replace"),
                  deadline_in (milliseconds));
  return job != NULL;
}

/* This program's file; after an upgrade it has no name any more. */
static char *
own_path (void)
{
  char *path = g_file_read_link ("/proc/self/exe", NULL);

  if (path != NULL && access (path, X_OK) == 0)
    return path;
  g_free (path);
  return g_strdup ("/proc/self/exe");
}

static bool
prepare_actions (posix_spawn_file_actions_t *actions)
{
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
    if (posix_spawn_file_actions_addopen (actions, fd, "/dev/null", O_RDWR, 0)
        != 0)
      return false;
  return posix_spawn_file_actions_addclosefrom_np (actions, STDERR_FILENO + 1)
             == 0
         && posix_spawn_file_actions_addchdir_np (actions, "/") == 0;
}

/* Signals do again what they do by default, and none is blocked. */
static bool
prepare_attributes (posix_spawnattr_t *attributes)
{
  sigset_t all, none;

  sigfillset (&all);
  sigemptyset (&none);
  return posix_spawnattr_setsigdefault (attributes, &all) == 0
         && posix_spawnattr_setsigmask (attributes, &none) == 0
         && posix_spawnattr_setflags (attributes, POSIX_SPAWN_SETSID
                                                      | POSIX_SPAWN_SETSIGDEF
                                                      | POSIX_SPAWN_SETSIGMASK)
                == 0;
}

bool
launch_process (const char *const *argv)
{
  g_autofree char *path = own_path ();
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  bool started;
  pid_t child;

  posix_spawn_file_actions_init (&actions);
  posix_spawnattr_init (&attributes);
  started = prepare_actions (&actions) && prepare_attributes (&attributes)
            && posix_spawn (&child, path, &actions, &attributes,
                            (char *const *) argv, environ)
                   == 0;
  posix_spawnattr_destroy (&attributes);
  posix_spawn_file_actions_destroy (&actions);
  return started;
}
