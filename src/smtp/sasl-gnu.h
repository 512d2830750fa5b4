/* sasl-gnu.h - the mechanisms that GNU SASL speaks for us: GSSAPI (RFC 4752),
 * and, for relays that know nothing better, CRAM-MD5 (RFC 2195), DIGEST-MD5
 * (RFC 2831) and NTLM.
 *
 * No security layer is ever agreed on: TLS is there. GSSAPI takes the ticket for
 * smtp/HOST from the user's cache. The others hand the password to GNU SASL. Its
 * copy is wiped, but not what it derives from it (the password as prepared, the
 * hashes), which it frees as it is.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/secret.h"

#define GNU_SASL_ROUNDS 8 /* answers, at the most */

typedef struct GnuSasl GnuSasl;

/* HOST is the name that the relay was asked for; USER and PASSWORD are NULL where
 * MECHANISM takes none. FAILURE_CONFIG where the library lacks MECHANISM. */
GnuSasl *gnu_sasl_new (const char *mechanism, const char *host,
                       const char *user, const Secret *password,
                       GError **error);
void gnu_sasl_free (GnuSasl *sasl);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (GnuSasl, gnu_sasl_free)

/* The answer to CHALLENGE. FAILURE_PROTOCOL; FAILURE_CREDENTIAL where user or
 * password cannot be said in this mechanism; FAILURE_TEMPORARY where there is no
 * ticket that is good for HOST. */
Secret *gnu_sasl_step (GnuSasl *sasl, const char *challenge, size_t length,
                       GError **error);

/* Whether all was said and heard. */
bool gnu_sasl_finished (const GnuSasl *sasl);
