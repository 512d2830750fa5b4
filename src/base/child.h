/* child.h - other programs that are run for what they say: a command that
 * prints a password, one that is the connection to a relay.
 *
 * There is no shell: ARGV (ends with NULL) goes to the program as it is.
 * ARGV[0] is a whole path, or a name that is found in CHILD_PATH, which is
 * also the program's PATH. It gets a session and process group of its own, the
 * root directory, every signal as it is by default, no descriptor above 2, and
 * of the environment what is listed in child.c alone: so that it does from
 * cron and in the background what it does from a terminal. It has no terminal.
 *
 * Only posix_spawn is used, for libsecret leaves threads behind. Whatever the
 * program, or one that it left behind, does to its descriptors: no call here
 * takes longer than it says. Errors name ARGV[0] and the last line that the
 * program wrote to its stderr, never another argument.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/deadline.h"
#include "base/secret.h"

#define CHILD_PATH "/usr/local/bin:/usr/bin:/bin"

/* How long one whose connection was closed may take to end by itself. */
#define CHILD_GRACE 1000 /* milliseconds */

typedef struct Child Child;

/* Starts the program FILE, with descriptors 0, 1 and 2 from FDS (NULL:
 * /dev/null) and nothing of ENVIRONMENT taken away. Returns 0, or an errno;
 * *PID is to be waited for. */
int child_spawn (const char *file, const char *const *argv,
                 const char *const *environment, const int *fds, pid_t *pid);

/* Runs a program to its end, with an empty stdin; what it printed. It and its
 * whole process group are ended before this returns. FAILURE_CREDENTIAL where
 * it cannot be run, fails, or prints more than LIMIT (at most SECRET_MAXIMUM)
 * octets; FAILURE_TEMPORARY where it has not ended at DEADLINE; FAILURE_OS. */
Secret *child_output (const char *const *argv, size_t limit, Deadline deadline,
                      GError **error);

/* Starts a program whose stdin and stdout are a connection: the caller's end,
 * a socket, which it closes; *CHILD for child_free. -1 and FAILURE_CONFIG
 * where it cannot be run, FAILURE_OS. */
int child_connect (const char *const *argv, Child **child, GError **error);

/* What there is to say about a program of child_connect whose connection ended
 * or failed: its ARGV[0] and how it ended, with the last line of its stderr;
 * NULL where it runs on at DEADLINE and has said nothing. One line for a
 * person; the caller owns it. */
char *child_complaint (Child *child, Deadline deadline);

/* Gives it CHILD_GRACE to end, so close the connection first, and then ends
 * its process group. NULL is allowed. */
void child_free (Child *child);

/* Kills the process groups of all that run, without waiting for them, since this
 * process is about to end. Async-signal-safe. */
void child_kill_all (void);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Child, child_free)
