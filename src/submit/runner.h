/* runner.h - many tries: sends what waits in the queue, in one of three ways.
 *
 * One session for each account and many messages in it, the oldest first. One bad
 * message never keeps the others; what fails for the account as such stops that
 * account, and no other.
 */
#pragma once

#include <stdbool.h>

#include "account/account.h"
#include "queue/queue.h"
#include "smtp/trace.h"

typedef enum
{
  RUNNER_ONCE,    /* what is due now */
  RUNNER_EMPTY,   /* until nothing waits */
  RUNNER_SERVICE, /* for ever */
} RunnerUntil;

typedef struct
{
  RunnerUntil until;
  bool only_asked;           /* once: what somebody asked for, due or not */
  const char *accounts_file; /* --accounts-file; nullable */
  const char *home;          /* nullable */
  const Trace *trace;        /* nullable */
  bool person;               /* report on stderr as well */
} RunnerParams;

/* A status of sysexits(3): EX_OK where nothing waits, or another runner lives
 * (RUNNER_SERVICE waits for its end), EX_TEMPFAIL where something still waits;
 * EX_CONFIG where once finds the accounts wrong. */
int runner_run (Queue *queue, const RunnerParams *params);

/* Makes sure that somebody takes care of what was queued: where no runner lives,
 * starts one, detached: as the user's systemd service where that is installed,
 * else as a process of its own. ACCOUNTS_FILE (nullable) is handed to it. Does
 * nothing where GENERAL says that somebody else runs the queue. */
void runner_launch (Queue *queue, const General *general,
                    const char *accounts_file);
