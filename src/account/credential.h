/* credential.h - the secret that logs an account in, from where its settings
 * say (for now the keyring), fetched before the relay is contacted.
 */
#pragma once

#include "account/account.h"
#include "base/secret.h"

/* NULL without an error where the account needs none (auth = external, or no
 * user). INTERACTIVE: a person may be asked to unlock. Failures as in
 * keyring.h. */
Secret *credential_get (const Account *account, bool interactive,
                        GError **error);
