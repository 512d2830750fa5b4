/* conform.h - the body of a message as it may travel (RFC 5322 section 2.1.1,
 * RFC 5321 section 2.3.8), seen to once, before the message is queued.
 *
 * Lines of more than 998 octets, or NUL in a message that is one text: what
 * has them is encoded anew (recode.h), and so are headers of parts that are
 * not UTF-8. Refused: any of these in what is signed or encrypted, or broken;
 * a bare CR where something is signed or encrypted; NUL in a message of parts.
 * The common message is not looked at.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "base/spool.h"
#include "mail/message.h"

/* After the message's own header is what it shall be. Sets nested_utf8. SPARE
 * is an empty spool like that of the message, and is taken: it becomes the
 * body where that is written anew. FAILURE_DATA, FAILURE_IO,
 * FAILURE_CANNOT_CREATE, FAILURE_TEMPORARY. */
bool conform (Message *message, Spool *spare, GError **error);
