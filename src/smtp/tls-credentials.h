/* tls-credentials.h - what a relay is verified with, and what is shown to it:
 * trust anchors, revocation lists, the client certificate and its key.
 *
 * Internal to smtp/, but for who prepares an attempt. Files are read once per
 * process; one that has changed is read anew.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <time.h>

#include "smtp/gnutls.h"
#include "smtp/relay.h"

typedef struct TlsCredentials TlsCredentials;

/* Reads them for the first time, before the relay is contacted; ATTENDED: a
 * person is at the terminal to be asked for a PIN. Failures as below, and
 * those of token.h. */
bool tls_credentials_prepare (const Relay *relay, bool attended,
                              GError **error);

/* A reference to those of RELAY. FAILURE_CONFIG: a file that RELAY names
 * cannot be used. FAILURE_OS: the system has no trust anchors, or cannot read
 * a file just now. */
TlsCredentials *tls_credentials_get (const Relay *relay, GError **error);
void tls_credentials_release (TlsCredentials *credentials);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TlsCredentials, tls_credentials_release)

/* Lives as long as CREDENTIALS. */
gnutls_certificate_credentials_t
tls_credentials_handle (const TlsCredentials *credentials);

/* The authorities of the system are not all in the handle at first. This adds those
 * that PEER's certificates may come from. FAILURE_OS as above. */
bool tls_credentials_suit (TlsCredentials *credentials, gnutls_session_t peer,
                           GError **error);

/* Whether it has all of them, and if not, to add them. FAILURE_OS as above. */
bool tls_credentials_is_complete (const TlsCredentials *credentials);
bool tls_credentials_complete (TlsCredentials *credentials, GError **error);
