/* fold.h - lines of a header field that are too long (RFC 5322 section 2.1.1
 * and 2.2.3).
 *
 * A body is what stands behind the colon, with CRLF and a blank where it is
 * folded already; BEFORE octets (the name and the colon) stand in front of it.
 * Pure and bounded by its input.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define FOLD_MAXIMUM 998 /* octets of a line, without CRLF */

bool fold_is_needed (const char *body, size_t before);

/* BODY with its long lines broken, each before the last blank that fits,
 * leaves text on both sides, and stands behind no backslash. NULL where a line
 * has no such blank. */
char *fold_lines (const char *body, size_t before);
