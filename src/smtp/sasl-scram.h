/* sasl-scram.h - SCRAM with SHA-1 and SHA-256, with and without channel
 * binding (RFC 5802, RFC 7677, RFC 9266), by GNU SASL.
 *
 * What GNU SASL leaves open is done here: the iteration count has a floor and
 * a cap, the relay's nonce must add to ours, and the password is salted in a
 * Secret, so that GNU SASL sees the salted password alone, which is wiped.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/secret.h"

#define SCRAM_ITERATIONS_MINIMUM 4096 /* RFC 7677 section 4 */
#define SCRAM_ITERATIONS_MAXIMUM 600000
#define SCRAM_ROUNDS 3 /* client-first, client-final, the empty answer */

typedef struct Scram Scram;

/* MECHANISM is "SCRAM-SHA-1", "SCRAM-SHA-256" or one of these with "-PLUS",
 * which needs BINDING. Without "-PLUS" a BINDING tells the relay that we could
 * have bound, so it is given only where no "-PLUS" was offered (RFC 5802
 * section 6). FAILURE_CONFIG where USER cannot be used. */
Scram *scram_new (const char *mechanism, const char *user,
                  const Secret *password, GBytes *binding, GError **error);
void scram_free (Scram *scram);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Scram, scram_free)

/* The answer to CHALLENGE, which is ignored in the first step. SCRAM_ROUNDS
 * steps; the last succeeds only when the relay proved that it knows the
 * password. FAILURE_PROTOCOL; FAILURE_CREDENTIAL where the relay names the
 * login as the fault. */
Secret *scram_step (Scram *scram, const char *challenge, size_t length,
                    GError **error);

/* PASSWORD after SASLprep (RFC 4013), or as it is where that is not possible.
 */
Secret *scram_prepare (const Secret *password);
