#include "account/credential.h"

#include "account/keyring.h"

#define UNATTENDED (10 * 1000) /* milliseconds */
#define ATTENDED (60 * 1000)   /* a person may have to type a password */

Secret *
credential_get (const Account *account, bool interactive, GError **error)
{
  const Relay *relay = &account->relay;

  if (relay->user == NULL || g_strcmp0 (relay->auth, "EXTERNAL") == 0)
    return NULL;
  return keyring_lookup (account, interactive,
                         deadline_in (interactive ? ATTENDED : UNATTENDED),
                         error);
}
