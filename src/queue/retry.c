#include "queue/retry.h"

#include <stddef.h>

#define MINUTE 60
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)

static const int64_t intervals[RETRY_SLOWEST]
    = { 1 * MINUTE, 5 * MINUTE, 15 * MINUTE, 30 * MINUTE, 1 * HOUR, 2 * HOUR };

static const size_t last_interval = RETRY_SLOWEST - 1;

int64_t
retry_elapsed (int64_t from, int64_t to)
{
  int64_t span;

  if (to <= from)
    return 0;
  return __builtin_sub_overflow (to, from, &span) || span > DAY ? DAY : span;
}

int64_t
retry_interval (unsigned failures, uint32_t seed)
{
  size_t index = failures == 0 ? 0 : failures - 1;
  int64_t interval
      = intervals[index < last_interval ? index : last_interval];
  /* Knuth's multiplicative hash: another part of a fifth each time. */
  uint32_t hash = (seed + failures) * UINT32_C (2654435761);
  int64_t span = 2 * interval / 5;

  return interval - span / 2 + (int64_t) (hash >> 16) * span / 0xffff;
}

static bool
was_set_back (int64_t last, int64_t now)
{
  return retry_elapsed (now, last) > HOUR;
}

int64_t
retry_due (unsigned failures, int64_t last, int64_t now, uint32_t seed)
{
  if (failures == 0 || was_set_back (last, now))
    return 0;
  return last + retry_interval (failures, seed);
}

int64_t
retry_due_ambiguous (unsigned failures, int64_t last, int64_t now,
                     uint32_t seed)
{
  int64_t due = retry_due (failures, last, now, seed);

  if (was_set_back (last, now))
    return 0;
  return due > last + RETRY_AMBIGUOUS ? due : last + RETRY_AMBIGUOUS;
}

bool
retry_is_over (const RetryPolicy *policy, int64_t waited)
{
  return waited >= policy->lifetime;
}

bool
retry_is_late (const RetryPolicy *policy, int64_t waited)
{
  return policy->delay_warning > 0 && waited >= policy->delay_warning;
}
