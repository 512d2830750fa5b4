/* socks.h - the client's side of a SOCKS5 proxy (RFC 1928).
 *
 * A CONNECT and no more: no login, for nothing that is read here could hold its
 * password. The name goes to the proxy as it is, and nobody else is asked for
 * its addresses. What the proxy says is hostile like everything from outside:
 * it can lead us astray, which TLS finds out, or say no, which has a text for
 * each reason.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/deadline.h"

/* Has the proxy at the other end of FD (connected, non-blocking) connect to
 * HOST (a DNS name or an address literal) and PORT. Afterwards FD leads there:
 * not an octet more than the proxy's replies is read. FAILURE_TEMPORARY, or
 * FAILURE_PROTOCOL where the proxy wants a login or is none. The texts speak of
 * the proxy, but do not name it. */
bool socks_connect (int fd, const char *host, uint16_t port, Deadline deadline,
                    GError **error);
