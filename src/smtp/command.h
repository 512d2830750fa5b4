/* command.h - an envelope as MAIL and RCPT commands, with the parameters that
 * this relay's extensions allow (RFC 5321 section 4.1.1, RFC 1870, RFC 6152,
 * RFC 6531, RFC 3461). Pure; lines come without their line end.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "base/status.h"
#include "mail/content.h"
#include "mail/envelope.h"
#include "smtp/extensions.h"

/* PATH in the form in which the relay can be told: a domain that is not ASCII as
 * its A-label, which needs nothing of any relay; only a local-part that is not
 * ASCII takes SMTPUTF8. NULL where there is no such form, *ENHANCED saying why:
 * FAILURE_DATA, or FAILURE_NO_USER for a path without a domain, which no relay is
 * ever told. */
char *command_path (const char *path, const Extensions *extensions,
                    EnhancedCode *enhanced, GError **error);

/* UTF8: the message needs SMTPUTF8. Without OPTIONAL nothing is said that the
 * relay need not know. */
char *command_mail (const char *path, const Envelope *envelope,
                    const Content *content, const Extensions *extensions,
                    bool utf8, bool optional);

/* For the envelope's forward-path at INDEX, of which PATH is the form above. */
char *command_rcpt (const char *path, const Envelope *envelope, size_t index,
                    const Extensions *extensions);
