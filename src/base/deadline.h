/* deadline.h - absolute points in monotonic time.
 *
 * Whatever waits takes a Deadline, so that many small steps cannot add up past
 * it (RFC 5321 section 4.5.3.2). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

typedef struct
{
  int64_t at; /* microseconds of g_get_monotonic_time */
} Deadline;

Deadline deadline_in (unsigned milliseconds);
bool deadline_passed (Deadline deadline);

/* Milliseconds left, for poll(2): 0 when passed, rounded up. */
int deadline_poll (Deadline deadline);
