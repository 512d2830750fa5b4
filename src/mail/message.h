/* message.h - a message as it came on stdin.
 *
 * Read once, to the end, before anything else is touched (cron keeps the pipe
 * open for hours). The header section stays in memory (bounded), the body goes
 * into a Spool in its final form: lines end in CRLF, a bare CR is a line end
 * (RFC 5321 section 2.3.8), the last line is ended. Dots are stuffed later, on
 * the wire. An mbox "From " line at the start is dropped; a first line that is
 * no header field begins the body.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/spool.h"
#include "mail/header.h"

#define LINE_MAXIMUM 998 /* octets of a line without CRLF, RFC 5322 2.1.1 */

typedef struct
{
  Header *header;        /* owned */
  Spool *body;           /* owned */
  bool body_8bit;        /* an octet above 127 in the body */
  bool body_nul;         /* a NUL in the body */
  bool body_bare_return; /* a CR in the body that had no LF became a line end */
  bool nested_utf8;      /* the header of a part has UTF-8 (conform.h) */
  bool header_cut;       /* a line that is no field ended the header section */
  uint64_t longest_line; /* of the body, octets without CRLF */
} Message;

void message_free (Message *message);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Message, message_free)

/* Takes a message piece by piece; the pieces are cut anywhere. BODY is an empty
 * spool and becomes the message's. At most MAXIMUM octets (0: no limit).
 * FAILURE_DATA, FAILURE_IO, FAILURE_CANNOT_CREATE; after a failure there is only
 * message_reader_free. message_reader_finish ends the reader, too. */
typedef struct MessageReader MessageReader;
MessageReader *message_reader_new (Spool *body, uint64_t maximum);
void message_reader_free (MessageReader *reader);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (MessageReader, message_reader_free)
bool message_reader_feed (MessageReader *reader, const char *octets,
                          size_t length, GError **error);
Message *message_reader_finish (MessageReader *reader, GError **error);

/* Reads FD to its end, by a reader as above. With DOT_ENDS a line that is a lone
 * dot ends the message (stdin is a terminal). FAILURE_IO also where FD is not
 * open. */
Message *message_read (int fd, Spool *body, bool dot_ends, uint64_t maximum,
                       GError **error);
