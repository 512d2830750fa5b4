/* log-show.h - a record of the log, for people and for programs.
 */
#pragma once

#include <glib.h>

#include "cli/log-record.h"

/* A block of lines. RECIPIENTS (of char *) are all who are known of. */
void log_show_text (GString *out, const LogRecord *record,
                    const GPtrArray *recipients);

/* An object on a line of its own (RFC 8259). */
void log_show_json (GString *out, const LogRecord *record,
                    const GPtrArray *recipients);
