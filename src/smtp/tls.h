/* tls.h - TLS 1.2 or later with a verified relay (RFC 8314, RFC 9325, RFC 9525).
 *
 * Internal to smtp/: stream is the only caller, does all the waiting and holds
 * the deadlines; nothing here waits. What is checked: the chain up to the
 * system's trust anchors (or, instead of those, the account's trust-file), the
 * CRL file if there is one, a stapled OCSP response, the host (as dNSName or
 * iPAddress, never as CN), the purpose "TLS server", and the account's pins. Only
 * an account that trusts pins alone goes without the rest. There is no switch to
 * leave any of it out, no resumption, no renegotiation, no early data. GnuTLS
 * would write session keys to the file that SSLKEYLOGFILE names: main removes
 * that variable from the environment before the first session. What GNUTLS_DEBUG_LEVEL
 * has it print ends there, for that has the keys as well.
 * */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "smtp/relay.h"
#include "smtp/trace.h"

typedef struct Tls Tls;

/* A session over FD, which stays the caller's. FAILURE_CONFIG: a file that the
 * relay names cannot be used, or host is no name. FAILURE_OS: the system has no
 * trust anchors or its TLS policy leaves nothing to offer. */
Tls *tls_new (const Relay *relay, int fd, GError **error);
void tls_free (Tls *tls);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Tls, tls_free)

/* For the three below: where *EVENTS is set, poll(2) for them and call again
 * with the same arguments; else ERROR is set. */

/* Ends with a verified peer. The texts begin with host and port.
 * FAILURE_CERTIFICATE: not the relay, or TLS too weak. FAILURE_PROTOCOL: no TLS
 * at all. FAILURE_TEMPORARY: closed, reset. */
bool tls_handshake (Tls *tls, short *events, GError **error);

/* How many octets: of a record at most, or of several that went in one write; 0,
 * from tls_read alone, after the peer's close_notify; -1 on failure
 * (FAILURE_TEMPORARY, FAILURE_PROTOCOL). */
ssize_t tls_read (Tls *tls, void *octets, size_t size, short *events,
                  GError **error);
ssize_t tls_write (Tls *tls, const void *octets, size_t length, short *events,
                   GError **error);

/* Whether octets were received that tls_read has not come to: poll(2) knows nothing
 * of those. */
bool tls_has_input (const Tls *tls);

/* Sends close_notify, if that is possible at once. */
void tls_goodbye (Tls *tls);

/* Tells TRACE (nullable) what certificate the peer has shown by now, if any. */
void tls_tell_certificate (const Tls *tls, const Trace *trace);

/* "TLS1.3 TLS_AES_256_GCM_SHA384"; owned by TLS. */
const char *tls_description (const Tls *tls);

/* RFC 9266; NULL for TLS 1.2 without extended master secret. */
GBytes *tls_channel_binding (const Tls *tls);
