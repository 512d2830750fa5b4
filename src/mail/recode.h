/* recode.h - the body of a message written anew, for those who cannot take it
 * as it is (RFC 2045 section 6, RFC 6409 section 8).
 *
 * Only what has to be changed is: a text becomes quoted-printable, other data
 * base64, what is encoded already is only cut into shorter lines; the header
 * of such a part says so. Decoded all is what it was. Lines between parts,
 * which nobody is shown, are folded, and their octets above 127 become '?'.
 * What is sealed or opaque is never changed. In the memory of some blocks and
 * one header, whatever the size.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "base/spool.h"
#include "mail/header.h"
#include "mail/mime.h"

typedef enum
{
  RECODE_LINES = 1 << 0,   /* no line of more than 998 octets, and no NUL */
  RECODE_7BIT = 1 << 1,    /* no octet above 127, but for headers */
  RECODE_UTF8 = 1 << 2,    /* headers of parts in UTF-8, sealed ones apart */
  RECODE_HEADERS = 1 << 3, /* headers of parts in ASCII */
} RecodeFlags;

/* There is something to do for FLAGS. */
bool recode_is_needed (const Mime *mime, unsigned flags);

/* Nothing of it is sealed or opaque. FAILURE_DATA. */
bool recode_is_possible (const Mime *mime, unsigned flags, GError **error);

/* Writes the body that MIME describes into OUT, which is empty. HEADER is the
 * message's own, and gets the fields that tell of the encoding of its body.
 * *EIGHT_BIT: what was written has octets above 127. FAILURE_DATA, FAILURE_IO,
 * FAILURE_CANNOT_CREATE, FAILURE_TEMPORARY; then OUT and HEADER are of no
 * use. */
bool recode (const Mime *mime, unsigned flags, Header *header, Spool *out,
             bool *eight_bit, GError **error);
