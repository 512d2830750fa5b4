/* account.h - who sends, through which relay, and where the secret is.
 *
 * An Account is what one section of an accounts file says, defaults filled in
 * and checked. Accounts is the user's file with the system's below it: an
 * account of the same name in the user's file hides the system's.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "mail/address.h"
#include "smtp/relay.h"

/* `rewrite-from`: when the sender's address in the header gives way to the
 * account's. */
typedef enum
{
  REWRITE_LOCAL, /* a local sender only: root, www-data, this host's names */
  REWRITE_ALWAYS,
  REWRITE_NEVER,
} RewriteFrom;

/* `delivery': what a caller waits for. */
typedef enum
{
  DELIVERY_INTERACTIVE, /* the first attempt */
  DELIVERY_BACKGROUND,  /* that the message is queued; a runner takes it */
  DELIVERY_QUEUE,       /* the same, and no runner is started for it */
} Delivery;

#define TOKEN_COMMAND "token-command"

typedef struct
{
  char *name;
  GPtrArray *from;    /* of char *: addresses and globs, as written */
  bool is_default;
  Relay relay;
  RewriteFrom rewrite_from;
  char *dsn_notify;   /* as in Envelope; "" where not set */
  char *dsn_return;
  Delivery delivery;
  unsigned max_connections;
  unsigned linger;    /* milliseconds */
  const char *secret_source; /* the setting of these four that says where the
                                secret is; NULL: in the keyring */
  char **password_command;
  char *password_credential;
  char *password_file;
  char **token_command;
  unsigned password_timeout; /* milliseconds, for a command */
  char *file;         /* where it stands, for messages */
  int line;
} Account;

/* Its own address: the first of `from` that is no glob; NULL: none. It belongs
 * to ACCOUNT. */
const char *account_address (const Account *account);

/* What of its `from' names SENDER (a path as address_path writes it) best; NULL:
 * nothing. It belongs to ACCOUNT. */
const char *account_claims (const Account *account, const char *sender);

/* Whether what [defaults] says of the setting NAME counts for ACCOUNT, whose section
 * does not say it: a way to the relay, or a place for its secret, that is ACCOUNT's own
 * takes the place of what stands there. */
bool account_inherits (const Account *account, const char *name);

/* [postrider]: for all accounts. */
typedef struct
{
  char *log;            /* as log_open takes it; NULL: not set */
  uint64_t maximum_size; /* octets of a message; 0: no limit */
  uint64_t reserve;      /* octets of the file system that are left free */
  int64_t queue_lifetime; /* seconds; how long a message is tried */
  int64_t delay_warning;  /* seconds; 0: never */
  int64_t keep_held;      /* seconds; 0: for ever */
  bool notify;
  bool start_runner;
  char *aliases;         /* a path; NULL: not set */
  char **local_mail_to;  /* paths of addresses; NULL: not set */
} General;

typedef struct
{
  GPtrArray *accounts; /* of Account, the user's first; owned */
  General general;
  char *file;          /* where this user would write one, for messages */
  char *digest;        /* of what was read of it, and of the system's */
} Accounts;

void accounts_free (Accounts *accounts);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Accounts, accounts_free)

/* Reads FILE alone where it is not NULL (--accounts-file), else
 * $XDG_CONFIG_HOME/postrider/accounts below HOME (nullable) and then
 * /etc/postrider/accounts. Where neither exists the result is empty. What the
 * user's [postrider] says goes before the system's.
 * FAILURE_CONFIG: the text has one line "file:line:column: …" for every error of
 * a file. A file that others may write, or of a foreign owner, is refused. */
Accounts *accounts_load (const char *file, const char *home, GError **error);

/* That of the machine. */
#define ACCOUNTS_SYSTEM_FILE SYSCONFDIR "/postrider/accounts"

/* Where the user whose home is HOME (nullable) has, or would write, an accounts
 * file; NULL: nowhere. The caller owns it. */
char *accounts_user_file (const char *home);

/* The accounts of OCTETS, as if they stood in FILE and there were no other; errors as
 * of accounts_load. */
Accounts *accounts_parse (const char *file, const char *octets, size_t length,
                          const char *home, GError **error);

/* Whether accounts_load would take OCTETS if they stood in FILE; its errors. */
bool accounts_check (const char *file, const char *octets, size_t length,
                     const char *home, GError **error);

/* Whether an account may set NAME to VALUE. FAILURE_USAGE, and a line that says what
 * to write instead. */
bool account_may_set (const char *name, const char *value, const char *home,
                      GError **error);

/* The account for a message: NAME (--account) where not NULL; else the one whose
 * `from` matches SENDER best (an address before a glob, a longer glob before a
 * shorter, an earlier account before a later; SENDER, a path as address_path
 * writes it, may be NULL); else the default: the marked or only one of the user's
 * file, or of the system's. *CLAIMED (nullable) tells
 * whether the account's `from` names SENDER. FAILURE_CONFIG, and a text that
 * says what to write, where there is none. The result belongs to ACCOUNTS. */
const Account *accounts_choose (const Accounts *accounts, const char *name,
                                const char *sender, bool *claimed,
                                GError **error);
