/* linger-channel.h - what a caller who hands its message over (handover.h) and the
 * process that keeps a session open (linger.h) say to each other.
 *
 * A Unix-domain socket in accounts/, NAME.linger, which only this user can reach. A
 * conversation is about one message:
 *
 *   caller   LINGER_MESSAGE, with the descriptor of its queue file, locked
 *   holder   LINGER_READY, or LINGER_NO
 *   caller   LINGER_GO: from here on until it hears more, the message is the holder's
 *   holder   LINGER_VERDICT; LINGER_UNSETTLED; or LINGER_NO
 *   caller   hangs up
 *
 * Whoever hangs up out of turn is dead, or out of patience. Since nothing is done
 * before LINGER_GO, and the lock is shared, the message is never lost nor sent by
 * both: what holds is what is on disk.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "account/account.h"
#include "base/deadline.h"
#include "queue/queue.h"

/* For a step that waits for nothing. */
#define LINGER_STEP 1000 /* milliseconds */

/* The first octet of what is said. */
enum
{
  LINGER_MESSAGE = 'm', /* a LingerRequest, and a descriptor */
  LINGER_LEAVE = 'l',   /* a LingerRequest: others need the connection */
  LINGER_READY = 'r',
  LINGER_NO = 'n',
  LINGER_GO = 'g',
  LINGER_VERDICT = 'v',   /* exit status, text, 0, text for a person */
  LINGER_UNSETTLED = 'u', /* 0, text: the verdict could not be recorded */
};

/* Octets of the two texts, and of an answer with both of them. */
#define LINGER_TEXT_MAXIMUM 4000
#define LINGER_REPORT_MAXIMUM 32000
#define LINGER_ANSWER_MAXIMUM                                                 \
  (2 + LINGER_TEXT_MAXIMUM + 1 + LINGER_REPORT_MAXIMUM)

typedef struct
{
  char kind;
  bool attended;        /* the caller has a person, who reads its stderr */
  char fingerprint[65]; /* linger_fingerprint of the caller */
  char id[32];          /* the entry's */
} LingerRequest;

/* What a session of ACCOUNT depends on, and a message's texts: it is another where
 * any of that is. Caller owns the result. */
char *linger_fingerprint (const Accounts *accounts, const Account *account);

/* A socket that listens, and has no waiting calls. Whoever calls it has
 * backoff_linger of ACCOUNT, so what has the name is a dead process's. -1: there is
 * none to be had. */
int linger_listen (Queue *queue, const char *account);
void linger_unlink (Queue *queue, const char *account);

/* The next caller, or -1. */
int linger_accept (int listener);

/* Where somebody listens: connected to them, who are *PIDFD. -1: nobody does, or too
 * many wait already. */
int linger_connect (Queue *queue, const char *account, int *pidfd);

/* One message, with descriptor PASSED (-1: none). False: the other side is gone. */
bool linger_say (int fd, const void *octets, size_t length, int passed);

/* One message until DEADLINE (NULL: for as long as it takes); its length. *PASSED
 * (nullable) gets what came with it, or -1. -1: it is none, the other side is gone,
 * or, where WATCHFUL, a signal was noted. */
ssize_t linger_hear (int fd, void *octets, size_t size, int *passed,
                     const Deadline *deadline, bool watchful);
