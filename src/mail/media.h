/* media.h - what a header says of the body below it: Content-Type and
 * Content-Transfer-Encoding (RFC 2045).
 *
 * Read as generously as those do who will show the message: comments, folding,
 * any case, a broken parameter between good ones. Of what is there twice the
 * first counts. Pure, and bounded by its input.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "mail/header.h"

#define BOUNDARY_MAXIMUM 200 /* RFC 2046 section 5.1.1 has 70 */

typedef struct
{
  char *type; /* "text/plain", in lower case; NULL: none, or no such thing */
  char *boundary; /* NULL: none, or one that no delimiter can have */
  char *charset;  /* in lower case; NULL: none */
} Media;

/* Of the header's Content-Type. */
Media *media_of (const Header *header);
void media_free (Media *media);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Media, media_free)

/* Both say the same of where parts begin and end. */
bool media_alike (const Media *a, const Media *b);

typedef enum
{
  CODING_7BIT, /* also where none is named */
  CODING_8BIT, /* or binary */
  CODING_QUOTED_PRINTABLE,
  CODING_BASE64,
  CODING_OTHER,
} Coding;

/* Of the header's Content-Transfer-Encoding. */
Coding coding_of (const Header *header);

/* The octets stand for themselves. */
bool coding_is_identity (Coding coding);
