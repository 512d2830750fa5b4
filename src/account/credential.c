#include "account/credential.h"

#include "account/keyring.h"
#include "smtp/sasl.h"

#define UNATTENDED (10 * 1000) /* milliseconds */
#define ATTENDED (60 * 1000)   /* a person may have to type a password */

Secret *
credential_get (const Account *account, bool interactive, GError **error)
{
  const Relay *relay = &account->relay;

  if (relay->user == NULL || !sasl_wants_secret (relay->auth))
    return NULL;
  return keyring_lookup (account, interactive,
                         deadline_in (interactive ? ATTENDED : UNATTENDED),
                         error);
}
