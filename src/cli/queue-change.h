/* queue-change.h - what a person does to single messages: `postrider queue'
 * with retry, hold, release, remove.
 *
 * Each works under the message's lock. A message that is just being sent is
 * waited for, a few seconds; then whoever asked is told that it was too late.
 * One line on stdout for each message, one on stderr for each that could not
 * be changed; the rest is done all the same.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "account/account.h"
#include "cli/survey.h"

typedef struct
{
  Queue *queue;
  const Accounts *accounts;  /* NULL: wrong; no runner is started then */
  const char *accounts_file; /* --accounts-file; nullable */
  bool all; /* PLACES were not named one by one: what is gone is
               not worth a word */
} ChangeParams;

/* A status of sysexits(3): that of the first message that could not be
 * changed. */
int change_retry (const ChangeParams *params, const GPtrArray *places);
int change_hold (const ChangeParams *params, const GPtrArray *places);
int change_release (const ChangeParams *params, const GPtrArray *places);
int change_remove (const ChangeParams *params, const GPtrArray *places);

/* Those of PLACES (of Place) that are held because of ACCOUNT as such: its
 * login was refused, or it has no password. Not what was refused or held for
 * another reason. The result borrows from PLACES. */
GPtrArray *change_held_for (Queue *queue, const GArray *places,
                            const char *account);

/* Says on stdout that COUNT of these, 1 at least, stay held, and what sends them. */
void change_print_held (const char *account, unsigned count);
