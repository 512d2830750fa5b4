/* queue-list.h - `postrider queue list': what is in the queue, for people and
 * for programs.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "cli/survey.h"

typedef enum
{
  LIST_TEXT,
  LIST_JSON, /* an object on each line (RFC 8259) */
} ListForm;

/* A block for each of PLACES (const Place *) that is still there; nothing else
 * with LIST_JSON. ACCOUNTS is nullable. False: nobody reads any more. */
bool list_print (Queue *queue, const Accounts *accounts,
                 const GPtrArray *places, ListForm form);

/* One line of LIST_JSON, with its end. */
void list_append_json (GString *out, const Sight *sight);

/* When it is tried next, in a sentence; NULL: that is no question. The caller
 * owns it. */
char *list_next_try (const Sight *sight);

/* The word for its state, as people read it. */
const char *list_state (State state);
