/* recipients.h - whom a message is for: from what its caller says to the
 * forward-paths that the relay gets.
 *
 * A local name (alias.h) means something on this machine only, so none is ever
 * sent: it gives way to what the aliases file has for it, else to `local-mail-to',
 * and where there is neither it is no recipient. A file that cannot be
 * used, or a name that leads to a command, is no verdict on that name alone:
 * the message has to wait, whole, for somebody to mend it.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "account/account.h"
#include "mail/alias.h"
#include "mail/envelope.h"
#include "mail/header.h"

/* Adds the recipients of OPERANDS (address lists, ended by NULL) and of HEADER
 * (nullable), as given. What is no address is a problem (of GError). */
void recipients_gather (Envelope *envelope, char **operands,
                        const Header *header, GPtrArray *problems);

/* An envelope like GIVEN, for whom GIVEN is really for. A local name that leads
 * nowhere is a problem (of GError, FAILURE_NO_USER); beside real forward-paths
 * it stays one, without a domain, which no relay is ever told (command.h): so
 * it fails at the attempt, and the sender is told of it as of any other. There
 * may be no forward-path left. With NO_ALIASES names lead to `local-mail-to' at
 * once. NULL and FAILURE_CONFIG where that cannot be told. */
Envelope *recipients_settle (const Envelope *given, const Accounts *accounts,
                             bool no_aliases, GPtrArray *problems,
                             GError **error);

/* The same for a message that waited as it was given until ACCOUNT (one of
 * ACCOUNTS) was there for it: its sender is settled as well, and one local name
 * that leads nowhere is an error like any other. */
Envelope *recipients_settle_whole (const Envelope *given,
                                   const Accounts *accounts,
                                   const Account *account, GError **error);

/* The aliases file, as the settings name it; NULL without an error: there is
 * none. FAILURE_CONFIG where it is named and missing, or cannot be used. */
Aliases *recipients_aliases (const General *general, GError **error);
