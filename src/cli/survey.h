/* survey.h - what is in the queue, seen from outside: no lock is taken, and
 * nobody who sends is kept.
 *
 * Places are listed first, messages are looked at one by one after that: what
 * stays in memory is a place for each. One may be gone when its turn comes.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "account/account.h"
#include "queue/backoff.h"
#include "queue/queue.h"

typedef struct
{
  Room room;
  char *id;
} Place;

/* All of them, the oldest first (of Place, owned). FAILURE_IO. */
GArray *survey_places (Queue *queue, GError **error);

/* The one of PLACES whose identifier begins with TEXT, in any case of letters.
 * NULL and FAILURE_NO_INPUT where there is none, FAILURE_USAGE where there are
 * several. */
const Place *survey_find (const GArray *places, const char *text,
                          GError **error);

typedef struct Survey Survey;

/* ACCOUNTS is nullable: wrong, or not asked for advice. */
Survey *survey_new (Queue *queue, const Accounts *accounts);
void survey_free (Survey *survey);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Survey, survey_free)

typedef enum
{
  STATE_WAITING,
  STATE_SENDING, /* somebody has it locked */
  STATE_HELD,
  STATE_DAMAGED, /* is no message any more */
  N_STATES,
} State;

typedef struct
{
  const char *id; /* of the place */
  State state;
  Entry *entry;           /* a view; NULL: damaged */
  char *damage;           /* what is wrong, where it is damaged */
  char *path;             /* its file */
  const Backoff *backoff; /* of its account; NULL: damaged */
  const Accounts *accounts; /* of the survey */
  int64_t next; /* waiting: when it is tried next; not after now where
                   it is due, meaningless while the account is
                   paused */
  int64_t now;
} Sight;

/* PLACE as it is now; NULL: it is gone. The sight may not outlive SURVEY, nor
 * PLACE. */
Sight *survey_look (Survey *survey, const Place *place);
void sight_free (Sight *sight);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Sight, sight_free)

/* "waiting": for programs, never translated. */
const char *state_name (State state);

/* Whether somebody has to do something about forward-path INDEX yet: it is
 * owed, or of a held message and not relayed. */
bool sight_is_open (const Sight *sight, size_t index);

/* Why it still is here: its last failure, or that of its account, or why it is
 * held or damaged. NULL: nothing happened yet. The caller owns it. */
char *sight_reason (const Sight *sight);
