/* reply.h - a reply of the relay (RFC 5321 section 4.2, RFC 2034).
 *
 * Data, never an error: classed by its code alone, never by its text.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"
#include "smtp/stream.h"

#define REPLY_MAXIMUM_LINES 256
#define REPLY_MAXIMUM_OCTETS 65536

typedef struct
{
  int code;         /* 200 to 599 */
  GPtrArray *lines; /* of char *: the text of each line, as octets came */
  bool bare_lf;     /* a line ended without CR */
} Reply;

void reply_free (Reply *reply);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Reply, reply_free)

/* Takes one line (no line end) into *REPLY, which is NULL before the first.
 * *DONE tells that it was the last. FAILURE_PROTOCOL on anything the RFC does
 * not allow: another code in mid-reply, a code outside 200 to 599, too much. */
bool reply_add_line (Reply **reply, const char *line, size_t length,
                     bool *done, GError **error);

/* Whether one, or what is none, can be read without waiting. */
bool reply_has_come (Stream *stream);

/* Reads one whole reply. FAILURE_TEMPORARY, FAILURE_PROTOCOL. */
Reply *reply_read (Stream *stream, Deadline deadline, GError **error);

/* The enhanced code at the start of the first line, where its class is the
 * reply's (else class 0). */
EnhancedCode reply_enhanced (const Reply *reply);

/* All lines in one, without the enhanced code; printable. */
char *reply_text (const Reply *reply);
