/* token.h - a client certificate and its key on a PKCS #11 token: a smart
 * card, a security key, or a file of SoftHSM (RFC 7512).
 *
 * Internal to smtp/, but for the check of settings. The modules are those that
 * p11-kit is set up with; none is loaded before a URI is used. They are
 * strangers' code that may wait for a finger or for ever, so each call has a
 * thread of its own, which is left behind at the deadline.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "smtp/gnutls.h"

/* Whether PLACE (nullable) is a URI, and not a file. */
bool token_is_uri (const char *place);

/* What is wrong with URI in an accounts file: a sentence that says what to
 * write instead, owned by the caller; NULL: nothing. */
char *token_uri_problem (const char *uri);

/* The certificate at URI and those of its issuers that are on the token. The
 * caller frees each of *CERTIFICATES, and the array with gnutls_free. Failures
 * as below, but for the PIN. */
bool token_certificates (const char *uri, unsigned milliseconds,
                         gnutls_x509_crt_t **certificates, unsigned *count,
                         GError **error);

/* The private key at URI; NULL on failure. Each signature takes at most
 * MILLISECONDS. The PIN is that of the URI's pin-source, or, ATTENDED, asked
 * for on the terminal; it is tried once. FAILURE_TEMPORARY: no such token, too
 * late, or nobody is there to be asked. FAILURE_CREDENTIAL: no such key, or a
 * wrong PIN. FAILURE_CONFIG: the PIN's file. */
gnutls_privkey_t token_key (const char *uri, bool attended,
                            unsigned milliseconds, GError **error);

/* Changes when a key has failed to sign: what was loaded before is of no use.
 */
unsigned token_failures (void);
