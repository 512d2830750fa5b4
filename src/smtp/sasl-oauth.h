/* sasl-oauth.h - a token instead of a password: OAUTHBEARER (RFC 7628) and its
 * forerunner XOAUTH2, which has no standard.
 *
 * The token is said at once. A relay that does not take it says why, as JSON
 * in a challenge, and refuses the login when that has been answered. Its
 * reason is hostile: it is read within bounds, and shown as printable ASCII
 * that repeats nothing of the token.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/secret.h"

#define OAUTH_REASON_MAXIMUM 4096 /* octets of JSON that are read */

/* Whether TOKEN is a b64token (RFC 6750 section 2.1): nothing else may stand
 * in an answer. FAILURE_CREDENTIAL. */
bool oauth_check_token (const Secret *token, GError **error);

/* What is said first. USER is UTF-8 without control characters, HOST is ASCII.
 */
Secret *oauth_bearer (const char *user, const char *host, uint16_t port,
                      const Secret *token);
Secret *oauth_xoauth2 (const char *user, const Secret *token);

/* The relay's reason (RFC 7628 section 3.2.2), "(status=invalid_token, …)", or
 * "" where CHALLENGE (a NUL follows its LENGTH octets) has none. Caller owns
 * the result. NULL and FAILURE_PROTOCOL where that cannot be read. */
char *oauth_reason (const char *challenge, size_t length, const Secret *token,
                    GError **error);
