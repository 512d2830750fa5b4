/* keyring.h - passwords in the desktop's Secret Service (libsecret).
 *
 * Every call ends at its deadline, whatever the bus or the service does.
 * libsecret leaves threads behind: never fork after one of these.
 * Failures: FAILURE_TEMPORARY (no bus, no service, locked, dismissed, hung:
 * each with its own text), FAILURE_CREDENTIAL (no such item, or one that is no
 * password).
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "account/account.h"
#include "base/deadline.h"
#include "base/secret.h"

/* Cron gives no bus address: where DBUS_SESSION_BUS_ADDRESS is unset and
 * /run/user/UID/bus is this user's own socket, sets it and XDG_RUNTIME_DIR.
 * Takes away the variables that would redirect libsecret. Before any thread. */
void keyring_prepare_environment (void);

/* For who waits for a session: whether there is an address of a bus now; takes
 * the one that keyring_prepare_environment would take, had it come by then. */
bool keyring_find_bus (void);

/* The address of the bus that who was given none finds, such as a job of cron; NULL:
 * none. The caller owns it. */
char *keyring_bus_of_jobs (void);

/* The sockets where the bus is, or may come to be (none: its address is no path);
 * ends with NULL, and the caller owns it (g_strfreev). */
char **keyring_bus_sockets (void);

/* The password for ACCOUNT's user at its host: our own schema first, then what
 * msmtp, secret-tool and NetworkPassword users stored. INTERACTIVE allows a
 * prompt for unlocking. */
Secret *keyring_lookup (const Account *account, bool interactive,
                        Deadline deadline, GError **error);

/* Stores under our own schema in the default collection, over an older one. */
bool keyring_store (const Account *account, const Secret *password,
                    Deadline deadline, GError **error);

/* Removes what keyring_store stored. *FOUND tells whether there was one. */
bool keyring_forget (const Account *account, bool *found, Deadline deadline,
                     GError **error);
