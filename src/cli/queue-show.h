/* queue-show.h - `postrider queue show': all that is known of one message, and
 * the message.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "cli/survey.h"

typedef enum
{
  SHOW_ALL,
  SHOW_MESSAGE, /* header and body alone */
  SHOW_JSON,    /* what is known of it, as `queue list' has it */
} ShowForm;

/* FAILURE_DATA where it is damaged, FAILURE_NO_INPUT where it is gone,
 * FAILURE_IO where it cannot be read. To a terminal the message is made
 * printable; else it is written as it is stored, with lines that end in LF. */
bool show_print (Survey *survey, const Place *place, ShowForm form,
                 GError **error);
