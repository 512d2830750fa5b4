/* sender.h - whom a message is from, and through which account it goes.
 *
 * The caller's -f counts, else the Sender or From field. An account that claims
 * that address carries it. Through another (the default) a local sender (root,
 * www-data, a name of this host) gives way to the account's own address, for no
 * relay would take it; a foreign one is passed on as given.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "account/account.h"
#include "mail/address.h"
#include "mail/header.h"

typedef struct
{
  const char *account;      /* --account; NULL: by the sender */
  const char *reverse_path; /* -f as given, "" or "<>" for none; NULL: absent */
  const char *full_name;    /* -F; NULL: the user's own */
} SenderRequest;

typedef struct
{
  const Account *account; /* borrowed of the Accounts; NULL: none was found */
  char *reverse_path;     /* for the envelope */
  Address *from;          /* for a From field that is missing */
  char *domain;           /* completes unqualified addresses */
  bool claimed;           /* the account's `from` names the sender */
  bool foreign;           /* it does not, and the sender is passed on as given */
} Sender;

void sender_free (Sender *sender);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Sender, sender_free)

/* Finds account and addresses, and lets the From and Sender fields of HEADER give
 * way where the account says so. ACCOUNTS may be NULL. Where no account can be found, or
 * it has no address to give, the result has no account, is good enough for a
 * held copy, and *WHY (owned by the caller) is FAILURE_CONFIG. NULL and
 * FAILURE_DATA where -f is no address. */
Sender *sender_resolve (const SenderRequest *request,
                        const Accounts *accounts, Header *header,
                        GError **why, GError **error);

/* The reverse-path for a message that had PATH before it had ACCOUNT (one of
 * ACCOUNTS). The caller owns it. */
char *sender_path (const Accounts *accounts, const Account *account,
                   const char *path);
