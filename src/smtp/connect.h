/* connect.h - DNS and TCP, with Happy Eyeballs (RFC 8305), under one deadline.
 *
 * A name that has to be looked up leaves a thread behind for each family of addresses
 * whose answer did not come in time.
 */
#pragma once

#include <glib.h>
#include <stdint.h>

#include "base/deadline.h"
#include "smtp/trace.h"

/* A connected, non-blocking, close-on-exec TCP socket with TCP_NODELAY, which
 * the caller owns. SOURCE_ADDRESS (nullable) is an IP address of this host: the
 * connection comes from there, and only addresses of its kind are tried. -1 and
 * FAILURE_TEMPORARY otherwise: the text does not name the host, but SETTING
 * where that has no such name. TRACE (nullable) is told MILESTONE_ADDRESS. */
int connect_host (const char *name, uint16_t port, const char *source_address,
                  const char *setting, Deadline deadline, const Trace *trace,
                  GError **error);

/* FD, made non-blocking: one that blocks would ignore every deadline. -1, FD
 * closed, and FAILURE_OS where that fails or FD is -1 (with errno). */
int connect_take (int fd, GError **error);
