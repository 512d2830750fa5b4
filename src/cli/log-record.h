/* log-record.h - a line of our own log (base/log.h), read back.
 *
 * It may have gone through a syslog, the journal, or a file that belongs to others
 * as well: their lines are passed over. What stands in a line is somebody else's in
 * part (an address, a relay's words), and is taken for nothing but that: the first
 * value of a key counts, and nothing within quotes or brackets is a key.
 */
#pragma once

#include <glib.h>
#include <stddef.h>
#include <stdint.h>

#define LOG_RECORD_MAXIMUM 8192 /* octets of a line; longer ones are no records */

typedef struct
{
  const char *key; /* of the table in log-record.c */
  char *value;     /* printable UTF-8, without quotes or brackets */
} LogValue;

typedef struct
{
  int64_t time;   /* seconds since the epoch */
  char *program;  /* as -L has it */
  GArray *values; /* of LogValue, in their order; each of several recipients has one
                     of its own */
} LogRecord;

/* LINE of LENGTH octets, without its end. A date without a year is the last one
 * before NOW. NULL: it is none of ours, or from before SINCE. */
LogRecord *log_record_parse (const char *line, size_t length, int64_t now,
                             int64_t since);
void log_record_free (LogRecord *record);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (LogRecord, log_record_free)

/* The first value of KEY, or NULL. */
const char *log_record_value (const LogRecord *record, const char *key);
