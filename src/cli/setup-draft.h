/* setup-draft.h - the account that `postrider setup' is about to write.
 *
 * All of it is in memory until the last question is answered: who leaves
 * before has changed nothing.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "account/account.h"
#include "account/edit.h"
#include "account/provider.h"
#include "cli/setup-options.h"

typedef struct
{
  const SetupOptions *options; /* borrowed */
  bool asks;                   /* there is somebody to ask */
  char *home;                  /* nullable */
  Accounts *before;            /* those that there are */
  Edit *edit;
  char *address;
  char *domain; /* of the address, in A-labels */
  char *name;
  bool replaces;
  char *values[N_SETUP_SETTINGS]; /* owned; NULL: not set */
  Providers *providers;
  const Provider *provider; /* NULL: none that is known */
  Accounts *after;          /* as setup_draft_make has made them */
  const Account *account;   /* the one of NAME among these */
} SetupDraft;

void setup_draft_clear (SetupDraft *draft);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (SetupDraft, setup_draft_clear)

/* Whose account, under which name, in which file: asks where OPTIONS do not
 * say. */
bool setup_draft_begin (SetupDraft *draft, const SetupOptions *options,
                        GError **error);

/* VALUE is copied, and may be NULL. */
void setup_draft_set (SetupDraft *draft, SetupSetting setting,
                      const char *value);

/* Sets what is typed; nothing: NULL. */
bool setup_draft_ask (SetupDraft *draft, SetupSetting setting,
                      const char *question, GError **error);

/* What is set in the account that is to be replaced stays, where its relay is the
 * same. */
void setup_draft_keep (SetupDraft *draft);

/* Where else than in the keyring the secret is; NULL: there. */
const char *setup_draft_source (const SetupDraft *draft);

/* Makes `account' of what is set. */
bool setup_draft_make (SetupDraft *draft, GError **error);

/* Which account is for senders that none is for: asks, where that is not
 * clear. */
bool setup_draft_settle_default (SetupDraft *draft, GError **error);
