/* turn.h - one account's turn: a session of it, and the messages that are due.
 *
 * It is taken in a process of its own that is confined (confine.h) and gets its
 * secret from another (apart.h), so turns of several accounts go on at once, and one
 * that hangs or dies is nobody else's trouble. It asks for each message by itself,
 * so what is due is known in one place, the runner's. What a turn says is no more
 * trusted than the relay it speaks with.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "account/account.h"
#include "queue/queue.h"
#include "smtp/trace.h"

typedef struct
{
  Queue *queue;
  const Accounts *accounts;
  const Account *account; /* NULL: messages that no account carries are held */
  bool paused;            /* the account is: its messages are held */
  const Trace *trace;     /* nullable */
  bool person;            /* report on stderr as well */
  const int *strangers;   /* descriptors that are none of its business */
  size_t count;           /* of them */
} TurnParams;

typedef struct Turn Turn;

/* The account that carries ENTRY. NULL and why: none does. */
const Account *turn_account (const Accounts *accounts, const Entry *entry,
                             GError **error);

/* Begins a turn, which has its own copy of PARAMS and all that it points to. Signals
 * have to be put off by then (signals.h), and go on to it. NULL with FAILURE_OS. */
Turn *turn_start (const TurnParams *params, GError **error);

/* Readable when there is news. */
int turn_fd (const Turn *turn);

typedef enum
{
  TURN_WANTS,   /* the next message: turn_give. *VALUE: it is still at work on the
                   one that it was given last; else it has done with all of them */
  TURN_ASIDE,   /* the one that it was given last, or with *VALUE the one before
                   that, cannot be tried or recorded now */
  TURN_TROUBLE, /* *VALUE: an exit status of sysexits(3) */
  TURN_RENEWED, /* it is about to end, and another is to go on; with *VALUE from the
                   message that it was given last */
  TURN_OVER,    /* it has ended: turn_end */
} TurnNews;

/* The next news; waits for it. */
TurnNews turn_hear (Turn *turn, int *value);

/* ID is the message that is wanted; NULL: there is none, the turn is to end. False:
 * it could not be told, and ends. */
bool turn_give (Turn *turn, const char *id);

/* Waits for its end, and frees it. False: it died, in the midst of whatever it did.
 */
bool turn_end (Turn *turn);
