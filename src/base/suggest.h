/* suggest.h - "did you mean": the known word that a mistyped one is nearest to.
 */
#pragma once

/* The one of CANDIDATES (ended by NULL) that WORD misses by few insertions,
 * deletions, replacements or transpositions, ASCII case and the difference of
 * '-' and '_' set aside. NULL: none is near enough. */
const char *suggest (const char *word, const char *const *candidates);
