/* retry.h - when a message is tried again, and when it is given up (RFC 5321
 * section 4.5.4.1).
 *
 * Pure: every reading of the clock is an argument, and none is trusted further
 * than a day, since clocks are set. Times are seconds since the epoch, spans
 * are seconds.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* After a final dot without a verdict the relay may have the message and still
 * be at work on it (RFC 5321 section 4.5.3.2.6 grants it ten minutes; RFC 1047):
 * so long it is left alone, whoever asks. */
#define RETRY_AMBIGUOUS (15 * 60)

/* From so many failures on the interval grows no more. */
#define RETRY_SLOWEST 6

typedef struct
{
  int64_t lifetime;      /* how long a message is tried */
  int64_t delay_warning; /* when its sender is told that it still waits; 0:
                            never */
} RetryPolicy;

/* How much older something became between two readings of the clock: never
 * negative, never more than a day. */
int64_t retry_elapsed (int64_t from, int64_t to);

/* How long to wait after the FAILURES-th failure in a row (from 1): 1, 5, 15, 30
 * minutes, 1 hour, then 2 hours, each up to a fifth shorter or longer, as SEED
 * (a hash of what is tried) has it. */
int64_t retry_interval (unsigned failures, uint32_t seed);

/* When what failed last at LAST, FAILURES times in a row, is due again. 0 where
 * nothing failed, and where the clock was set back behind LAST by more than an
 * hour. */
int64_t retry_due (unsigned failures, int64_t last, int64_t now,
                   uint32_t seed);

/* The same for a loss after the final dot, at least RETRY_AMBIGUOUS after
 * LAST. */
int64_t retry_due_ambiguous (unsigned failures, int64_t last, int64_t now,
                             uint32_t seed);

/* After a failed attempt, WAITED (a sum of retry_elapsed) since it was
 * accepted. */
bool retry_is_over (const RetryPolicy *policy, int64_t waited);
bool retry_is_late (const RetryPolicy *policy, int64_t waited);
