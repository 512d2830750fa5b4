/* unstuff.h - the content that follows DATA: where it ends, and without the dots
 * that were put before those at the start of its lines (RFC 5321 section 4.5.2).
 *
 * How the client ended its DATA line decides what a line end is. Where that was
 * CRLF, nothing else ends a line, and so content that somebody else wrote cannot
 * pass for commands (CVE-2023-51764). Where it was LF, a line ends in LF, and
 * CRLF . CRLF ends the content as well. Pure.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct
{
  bool bare;     /* LF ends a line */
  int state;     /* private */
  bool previous; /* private: the line before ended in CRLF */
} Unstuff;

/* At the start of the content; BARE as above. */
void unstuff_start (Unstuff *unstuff, bool bare);

/* Appends to OUT what LENGTH of OCTETS are of the content, to its end if it is
 * there: *ENDED. Returns how many of them belong to the content and its end. */
size_t unstuff_feed (Unstuff *unstuff, const char *octets, size_t length,
                     GString *out, bool *ended);
