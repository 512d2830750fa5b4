/* credential.h - the secret that logs an account in, from where its settings
 * say, fetched before the relay is contacted.
 *
 * One source for each account: the keyring, or the one that a setting names. One
 * that fails never makes another be asked. Whatever has a secret for other
 * programs gives one line of UTF-8 text.
 */
#pragma once

#include "account/account.h"
#include "base/secret.h"

/* NULL without an error where the account needs none (auth = external, or no
 * user). INTERACTIVE: a person may be asked to unlock the keyring. Failures as in
 * keyring.h and child.h; FAILURE_CREDENTIAL where what comes is no secret, and
 * FAILURE_CONFIG where a file or directory is not as it has to be. */
Secret *credential_get (const Account *account, bool interactive,
                        GError **error);

/* Whether credential_get for ACCOUNT is a matter of a moment that starts no process
 * and leaves no threads behind: there is none to get, or it is in a file. */
bool credential_is_near (const Account *account);

/* The secret in the OCTETS that a source gave: their first line, without its end.
 * TAIL: what follows it is ignored, and else is a fault. NULL and
 * FAILURE_CREDENTIAL where it is empty, has a NUL or CR, or is not UTF-8; the
 * error shows nothing of it. */
Secret *credential_read (const char *octets, size_t length, bool tail,
                         GError **error);

/* Whether what comes the next time may be something new: a token. Nobody else may
 * be fetching one for this account at the same time. */
bool credential_is_renewed (const Account *account);

/* What a person does once the relay refused the login: one sentence without a
 * full stop. The caller owns it. */
char *credential_advice (const Account *account);

/* The same for account NAME of ACCOUNTS. NULL, or no account of that name: what can be
 * said without knowing where its secret is. */
char *credential_advice_for (const Accounts *accounts, const char *name);
