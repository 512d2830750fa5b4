/* mime.h - of which parts a message is made (RFC 2045, RFC 2046).
 *
 * One pass over the body, line by line, whatever their length, in the memory
 * that a line and the header of a part take (bounded, as their number and
 * depth are). A delimiter is a whole line, blanks at its end apart, and that
 * of an outer part ends all inner ones.
 *
 * Sealed is what a signature or an encryption is about, so that no octet of it
 * may change: what is inside multipart/signed, multipart/encrypted (RFC 1847)
 * or application/pkcs7-mime (RFC 8551), and all of a message with a
 * DKIM-Signature (RFC 6376).
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "mail/content.h"
#include "mail/header.h"
#include "mail/media.h"

#define MIME_DEPTH 30 /* parts inside parts; deeper ones are not looked at */
#define MIME_PARTS 10000

typedef enum
{
  PART_TEXT,
  PART_DATA,
  PART_COMPOSITE, /* other parts follow that are inside it */
} PartKind;

/* Of some lines. */
typedef struct
{
  uint64_t longest_line; /* octets without CRLF */
  bool nul;
  bool eight_bit;
  bool utf8;     /* one with octets above 127 is valid UTF-8 */
  bool not_utf8; /* one is not */
} Facts;

typedef struct
{
  Segment header; /* with its empty line, if any; the message's own: empty */
  Segment body;   /* without the CRLF before the delimiter */
  PartKind kind;
  Coding coding;
  char *type;    /* "text/plain", in lower case; NULL: it says nothing of it */
  char *charset; /* in lower case, or NULL */
  bool joined;   /* its header ends without an empty line */
  bool whole;    /* its header is that of a message, not only of a part */
  bool header_sealed;
  bool body_sealed;
  bool opaque; /* it cannot be encoded anew: too deep, or broken, or of a type
                  or an encoding that leaves no choice */
  Facts header_facts;
  Facts facts; /* of the body; of a composite, of the lines between its parts */
} Part;

typedef struct
{
  int fd; /* borrowed */
  Segment body;
  GArray *parts; /* of Part; each before those inside it, as in the file */
} Mime;

/* BODY, in FD, in lines that end in CRLF, below HEADER. FAILURE_DATA past a
 * limit, FAILURE_IO. */
Mime *mime_scan (const Header *header, int fd, Segment body, GError **error);
void mime_free (Mime *mime);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Mime, mime_free)

/* A signature covers the whole message below HEADER, and fields of it. */
bool mime_is_signed (const Header *header);

/* The body below HEADER has parts. */
bool mime_is_composite (const Header *header);

/* The header that SEGMENT of FD is. FAILURE_DATA, FAILURE_IO. */
Header *mime_read_header (int fd, Segment segment, GError **error);
