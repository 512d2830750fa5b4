/* record.h - what a connection of the scripted relay leaves behind.
 *
 * Below the directory, for connection N (from 1):
 *   N.clear, N.tls             every octet received, outside and inside TLS
 *   N.clear.sent, N.tls.sent   every octet sent
 *   N.log                      both, line by line and printable, without the
 *                              messages' content (below)
 *   N.message-K                message K as received: dots unstuffed, line
 * ends as they came
 *
 * A line of N.log is "clear" or "tls", then "<" (received), ">" (sent) or "-"
 * (a remark of the relay), then the text. The last one is "verdict ok" or
 * "verdict failed: FILE:LINE: reason". Everything is written at once, so that
 * a relay that is killed has recorded all it saw.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct Record Record;

/* DIRECTORY (nullable: nothing is kept) is made where it is absent. */
Record *record_new (const char *directory, unsigned connection);
void record_free (Record *record);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Record, record_free)

/* From now on all is inside TLS. */
void record_enter_tls (Record *record);

void record_received (Record *record, const void *octets, size_t length);
/* Also logs, line by line. */
void record_sent (Record *record, const void *octets, size_t length);
/* One received line, for the log alone. */
void record_line (Record *record, const char *line, size_t length);
void record_note (Record *record, const char *format, ...)
    G_GNUC_PRINTF (2, 3);
void record_verdict (Record *record, const char *verdict);

/* The next message's file. Its content is recorded once more in N.tls, as it
 * was on the wire. */
void record_message_begin (Record *record);
void record_message_octets (Record *record, const void *octets, size_t length);
/* Returns its number. */
unsigned record_message_end (Record *record);
