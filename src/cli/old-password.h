/* old-password.h - the password of an imported account: from where the old program
 * had it into the keyring.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdio.h>

#include "account/account.h"
#include "cli/draft.h"

typedef struct
{
  FILE *out;        /* where a person is told */
  bool dry_run;     /* nothing is stored, and what would be is told */
  const char *home; /* nullable */
  bool netrc;       /* the old program looks into ~/.netrc as well */
} OldPasswords;

/* Whether ACCOUNT was there before, but its password is only where DRAFT has it from,
 * as after a run without a keyring. */
bool old_password_is_lacking (const Account *account,
                              const DraftAccount *draft);

/* Stores the password of ACCOUNT, which was made of DRAFT, unless it is in the keyring
 * already, and tells what was done or is to do. False: it should be stored, and ERROR
 * says why it is not. */
bool old_password_settle (const OldPasswords *passwords,
                          const Account *account, const DraftAccount *draft,
                          GError **error);
