/* words.h - tables of words for people, in their language, beside the names that
 * programs know them by.
 */
#pragma once

#include <glib.h>
#include <stddef.h>

/* A table ends with a row that has no name. Its word, if it has one, is that of
 * all other names; a name has none else but itself. */
typedef struct
{
  const char *name; /* for programs */
  const char *word; /* NC_ (CONTEXT, "..."), or N_ ("...") where that is NULL */
} Word;

const char *words_find (const Word *table, const char *context,
                        const char *name);

/* Columns of the widest one. */
size_t words_width (const Word *table, const char *context);
