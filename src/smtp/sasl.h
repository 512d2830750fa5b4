/* sasl.h - which mechanism logs us in, and what it says (RFC 4422; PLAIN RFC
 * 4616, EXTERNAL RFC 4422 appendix A, LOGIN without a standard; and
 * those of sasl-scram.h, sasl-oauth.h and sasl-gnu.h).
 *
 * Octets in, octets out; the AUTH command around them is auth.c's. The
 * mechanisms stand in one table, strongest first; what is not in it is never
 * used, whatever the relay offers, and some are used only where they are wanted by
 * name. All answers are Secrets.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/secret.h"

typedef struct
{
  const char *user;       /* nullable */
  const Secret *password; /* or token; nullable */
  GBytes *binding;        /* tls-exporter; nullable */
  bool certificate;       /* TLS shows a client certificate */
  bool token;             /* the password is a token, for its mechanisms alone */
  const char *host;       /* the relay's name; NULL: none is chosen that needs it */
  uint16_t port;
  const char *remembered; /* the mechanism that was good before, which nothing
                             weaker is to follow; nullable */
} SaslLogin;

typedef struct SaslMechanism SaslMechanism;
typedef struct Sasl Sasl;

/* What can be wanted: "any" and the names of all mechanisms, in lower case, in the
 * order of the table, ended by NULL. */
const char *const *sasl_choices (void);

/* Whether WANTED (a mechanism's name in any case, "any" or NULL) logs in with a
 * user and a secret. */
bool sasl_wants_secret (const char *wanted);

/* Whether that secret is a token, whatever else is set. */
bool sasl_wants_token (const char *wanted);

/* Whether mechanism NAME is of a stronger class than OTHER (nullable; one that is
 * unknown is the weakest). Those of one class may take each other's place. */
bool sasl_is_stronger (const char *name, const char *other);

/* Whether LOGIN can be used at all with WANTED. FAILURE_CONFIG,
 * FAILURE_CREDENTIAL. */
bool sasl_check (const char *wanted, const SaslLogin *login, GError **error);

/* The strongest mechanism after AFTER (NULL: of all) that WANTED admits,
 * OFFERED has and LOGIN serves; where WANTED is NULL, none that is weaker than
 * what is remembered. NULL where there is none; sasl_explain then
 * says why (FAILURE_CREDENTIAL). */
const SaslMechanism *sasl_choose (const char *const *offered,
                                  const char *wanted, const SaslLogin *login,
                                  const SaslMechanism *after);
void sasl_explain (const char *const *offered, const char *wanted,
                   const SaslLogin *login, GError **error);

const char *sasl_name (const SaslMechanism *mechanism);

/* LOGIN and what it points to outlive the Sasl. OFFERED as above. */
Sasl *sasl_new (const SaslMechanism *mechanism, const char *const *offered,
                const SaslLogin *login, GError **error);
void sasl_free (Sasl *sasl);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Sasl, sasl_free)

/* Whether it speaks first; if so the first step has an empty CHALLENGE. */
bool sasl_speaks_first (const Sasl *sasl);

/* The answer to CHALLENGE (a NUL follows its LENGTH octets). FAILURE_PROTOCOL
 * where the mechanism has nothing more to say, and as in sasl-scram.h. */
Secret *sasl_step (Sasl *sasl, const char *challenge, size_t length,
                   GError **error);

/* Whether all was said and heard, so that a 235 means something. */
bool sasl_finished (const Sasl *sasl);

/* Why the relay refuses the login, as it told the mechanism: printable, or "". */
const char *sasl_reason (const Sasl *sasl);

/* Base64 (RFC 4648 section 4). Decoding takes nothing but the exact form and
 * returns octets with a NUL after them; NULL otherwise. */
Secret *sasl_encode (const Secret *octets);
char *sasl_decode (const char *text, size_t *length);
