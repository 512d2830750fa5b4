/* launch.h - starts something that outlives this process.
 *
 * A process of our own ends with the unit or the job that called us, where its
 * end is that of all its processes; the user's service manager is asked first,
 * for what it starts does not.
 */
#pragma once

#include <stdbool.h>

/* Asks the user's systemd for the unit postrider.service, which sends the
 * queue that a process without options has. True: it was told to start, or
 * runs already. Ends in MILLISECONDS and a little more. */
bool launch_service (unsigned milliseconds);

/* Starts this program anew with ARGV (ends with NULL): in a session of its
 * own, in the root directory, with no descriptor of ours. False: it could not.
 */
bool launch_process (const char *const *argv);

/* This program's file; after an upgrade it has no name any more. The caller owns
 * it. */
char *launch_own_path (void);

/* Whether PATH is that file, by whatever links. */
bool launch_is_own (const char *path);
