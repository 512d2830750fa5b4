/* discover.h - what DNS and the keyring know, for who sets up an account.
 *
 * Each question has a process of its own: the resolver and libsecret take what
 * time they like, and leave threads behind. Needs a process of one thread, and
 * leaves it so.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "account/account.h"
#include "smtp/srv.h"

/* The relay that DOMAIN (A-labels) names; see srv_look_up. SRV_TROUBLE also
 * where there is no answer in ten seconds. TARGET is for srv_target_clear. */
SrvResult discover_relay (const char *domain, SrvTarget *target);

/* A host of DOMAIN with a name that relays usually have, and with an address;
 * NULL: none. The caller owns it. */
char *discover_usual_host (const char *domain);

/* Whether the keyring has a password for ACCOUNT; a person may be asked to
 * unlock it. False without an error: it has none. FAILURE_TEMPORARY: it cannot
 * be asked. */
bool discover_password (const Account *account, GError **error);
