#include "base/deadline.h"

#include <glib.h>

Deadline
deadline_in (unsigned milliseconds)
{
  return (Deadline){ g_get_monotonic_time () + (int64_t) milliseconds * 1000 };
}

bool
deadline_passed (Deadline deadline)
{
  return g_get_monotonic_time () >= deadline.at;
}

int
deadline_poll (Deadline deadline)
{
  int64_t left = deadline.at - g_get_monotonic_time ();

  return (int) CLAMP ((left + 999) / 1000, 0, G_MAXINT);
}
