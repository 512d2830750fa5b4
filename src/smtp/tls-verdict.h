/* tls-verdict.h - whether the peer of a handshake is the relay, and what its
 * user reads where it is not (RFC 5280, RFC 7469, RFC 9525).
 *
 * Internal to smtp/: tls asks here while the handshake goes on, before
 * anything of ours, a client certificate among it, has been sent.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "smtp/gnutls.h"
#include "smtp/relay.h"
#include "smtp/trace.h"

/* Whom we want to talk to. */
typedef struct
{
  const Relay *relay; /* borrowed */
  char *endpoint;
  char *name; /* as relay_dns_name gives it */
  unsigned char address[16];
  unsigned address_size; /* 0: name is a name */
  bool strange; /* the last verdict: no authority that is trusted vouches for it */
} Identity;

/* False and FAILURE_CONFIG where RELAY's host is no name. */
bool identity_init (Identity *identity, const Relay *relay, GError **error);
void identity_clear (Identity *identity);

/* Whether SESSION's peer is the one. FAILURE_CERTIFICATE: no, or what it shows
 * cannot be read. Texts begin with host and port, and name the first thing
 * that is wrong. */
bool tls_verdict (Identity *identity, gnutls_session_t session,
                  GError **error);

/* Tells TRACE, who wants to know, what SESSION's peer has shown, if anything. */
void tls_verdict_tell (const Identity *identity, gnutls_session_t session,
                       const Trace *trace);
