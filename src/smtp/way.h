/* way.h - the way to a relay: TCP, directly or through a SOCKS5 proxy, or a
 * Unix-domain socket, or a command.
 *
 * Whatever the way, it is only a way: TLS comes after, and the relay at its end
 * has to prove that it is the account's `host'.
 */
#pragma once

#include <glib.h>

#include "base/child.h"
#include "base/deadline.h"
#include "smtp/relay.h"
#include "smtp/trace.h"

/* A connected, non-blocking, close-on-exec stream socket, which the caller
 * owns. -1 and FAILURE_TEMPORARY otherwise (the text names host and port, then
 * the way, and says so where a name does not exist); FAILURE_PROTOCOL where the
 * proxy is none, or wants a login; FAILURE_CONFIG where the tunnel's command
 * cannot be run. *TUNNEL is the command, for child_free after the socket was
 * closed, or NULL. */
int way_open (const Relay *relay, Child **tunnel, Deadline deadline,
              const Trace *trace, GError **error);
