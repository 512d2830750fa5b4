/* user.h - who runs this program.
 *
 * getuid and the password database say so, never the environment: cron and at
 * give no HOME, sudo gives HOME=/, su keeps the directories of another user.
 */
#pragma once

#include <stdbool.h>

/* The login name, or the number where the password database has none. Belongs
 * to the module. */
const char *user_name (void);

/* The person's name of the password database (GECOS); NULL: none. The caller
 * owns it. */
char *user_full_name (void);

/* $HOME where it is an absolute path to a directory of this user (and not "/"),
 * else the directory of the password database, where it exists and is this
 * user's. NULL: none. The caller owns it. */
char *user_home (void);

/* A base directory: $VARIABLE (XDG_CONFIG_HOME, XDG_STATE_HOME) where it is an
 * absolute path to a directory of this user, else BELOW in HOME. NULL where HOME
 * is NULL. The caller owns it. */
char *user_directory (const char *variable, const char *home,
                      const char *below);
