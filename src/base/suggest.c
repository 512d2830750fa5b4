#include "base/suggest.h"

#include <stddef.h>
#include <string.h>

#include <glib.h>

#define WORD_MAXIMUM 32 /* octets; a longer word resembles nothing */

static char
fold (char c)
{
  return c == '_' ? '-' : g_ascii_tolower (c);
}

/* Optimal string alignment distance of A and B, neither over WORD_MAXIMUM. */
static unsigned
distance (const char *a, const char *b)
{
  unsigned cost[WORD_MAXIMUM + 1][WORD_MAXIMUM + 1];
  size_t rows = strlen (a), columns = strlen (b);

  for (size_t i = 0; i <= rows; i++)
    for (size_t j = 0; j <= columns; j++)
      {
        unsigned best;

        if (i == 0 || j == 0)
          {
            cost[i][j] = (unsigned) (i + j);
            continue;
          }
        best = cost[i - 1][j - 1] + (fold (a[i - 1]) != fold (b[j - 1]));
        best = MIN (best, cost[i - 1][j] + 1);
        best = MIN (best, cost[i][j - 1] + 1);
        if (i > 1 && j > 1 && fold (a[i - 1]) == fold (b[j - 2])
            && fold (a[i - 2]) == fold (b[j - 1]))
          best = MIN (best, cost[i - 2][j - 2] + 1);
        cost[i][j] = best;
      }
  return cost[rows][columns];
}

const char *
suggest (const char *word, const char *const *candidates)
{
  const char *nearest = NULL;
  size_t length = strlen (word);
  unsigned least = length < 4 ? 2 : length < 8 ? 3 : 4; /* must be under */

  if (length > WORD_MAXIMUM)
    return NULL;
  for (; *candidates != NULL; candidates++)
    {
      unsigned missed;

      if (strlen (*candidates) > WORD_MAXIMUM)
        continue;
      missed = distance (word, *candidates);
      /* A word that shares no letter resembles nothing. */
      if (missed < least && missed < length)
        {
          least = missed;
          nearest = *candidates;
        }
    }
  return nearest;
}
