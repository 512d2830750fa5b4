/* login.h - the server's side of SASL (RFC 4954, GNU SASL), with one user.
 *
 * Besides LOGIN_MECHANISMS, which are offered unless it is told otherwise, it
 * knows CRAM-MD5, DIGEST-MD5, EXTERNAL with a client certificate that was
 * verified, and GSSAPI as smtp/localhost with the keytab of the environment, for
 * the principal me.
 */
#pragma once

#include <stdbool.h>

#include "relay/channel.h"

#define LOGIN_MECHANISMS                                                      \
  "PLAIN LOGIN SCRAM-SHA-1 SCRAM-SHA-256 SCRAM-SHA-1-PLUS SCRAM-SHA-256-PLUS"

typedef struct
{
  const char *user;
  const char *password;
  const char *iterations; /* of SCRAM, decimal */
} LoginUser;

/* Goes through with LINE, "AUTH MECHANISM [initial response]", up to the 235
 * or 5yz that it deserves. Notes "auth MECHANISM accepted" or "… refused:
 * reason", and the client-first-message of SCRAM, which tells whether the
 * client bound the channel. */
bool login_run (Channel *channel, Record *record, const LoginUser *user,
                const char *line);
