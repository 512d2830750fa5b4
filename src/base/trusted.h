/* trusted.h - files that decide where mail goes: nobody but this user and root
 * may have had a hand in them.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/failure.h"
#include "base/secret.h"

/* The octets of FILE, at most MAXIMUM. NULL and FAILURE_CONFIG where it is not
 * there or not for us, is no file, is larger, belongs to somebody else, or may be
 * written by others than its owner; PASSING where the disk or the system is in
 * trouble. Where there is no such file and ABSENT is not NULL: NULL without an
 * error, and *ABSENT set. */
GBytes *trusted_read (const char *file, size_t maximum, Failure passing,
                      bool *absent, GError **error);

/* The octets of NAME in DIRECTORY (AT_FDCWD: a path), at most SECRET_MAXIMUM, in
 * a Secret and nowhere else. NULL and FAILURE_CONFIG as above, also where it is a
 * symbolic link, or its mode has a bit of FORBIDDEN; FAILURE_OS for trouble of the
 * system. Errors call it FILE. */
Secret *trusted_read_secret (int directory, const char *name,
                             const char *file, mode_t forbidden,
                             GError **error);
