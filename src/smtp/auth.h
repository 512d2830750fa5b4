/* auth.h - the AUTH command (RFC 4954) around the mechanisms of sasl.h.
 *
 * One login per session; a mechanism that the relay turns down (504, 534) is
 * followed by the next weaker one, a refused login never.
 */
#pragma once

#include <glib.h>

#include "base/secret.h"
#include "smtp/extensions.h"
#include "smtp/relay.h"
#include "smtp/reply.h"
#include "smtp/sasl.h"
#include "smtp/stream.h"

/* What RELAY, SECRET (nullable) and STREAM (nullable before there is one) have
 * to log in with, but for login->host; login->binding is owned by the caller. */
void auth_login (const Relay *relay, const Secret *secret,
                 const Stream *stream, SaslLogin *login);

/* The relay's verdict: 235 (only where the mechanism is through as well), or a
 * 4yz or 5yz, whose last line is what the relay told the mechanism, if anything. *MECHANISM is the one last tried. NULL and FAILURE_CREDENTIAL
 * where no mechanism fits, FAILURE_PROTOCOL or FAILURE_TEMPORARY where the
 * conversation broke; the connection is then good for nothing. */
Reply *auth_run (Stream *stream, const Relay *relay,
                 const Extensions *extensions, const Secret *secret,
                 const char **mechanism, GError **error);
