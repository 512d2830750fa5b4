/* connect.h - DNS and TCP, with Happy Eyeballs (RFC 8305).
 *
 * The one place with a main loop: GSocketClient's asynchronous connect in a
 * private GMainContext, under one overall deadline.
 */
#pragma once

#include <glib.h>

#include "base/deadline.h"
#include "smtp/relay.h"

/* A connected, non-blocking, close-on-exec TCP socket with TCP_NODELAY, which
 * the caller owns; -1 and FAILURE_TEMPORARY otherwise (the text names host and
 * port, and says so where the name does not exist). */
int connect_relay (const Relay *relay, Deadline deadline, GError **error);
