/* log-source.h - where the log can be read back: its file with those that it was
 * rotated into, the journal, or the file of a syslog.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Takes a line without its end, in the order of the log. False: enough. */
typedef bool LogSink (void *data, const char *line, size_t length);

/* All lines since SINCE (seconds since the epoch), and perhaps some before, of the
 * log that goes to TARGET (log_open's). FAILURE_NO_INPUT with what to do, where there
 * is none to be read. */
bool log_source_read (const char *target, int64_t since, LogSink *sink,
                      void *data, GError **error);
