/* content.h - the finished octets of a message: what the relay gets, but for
 * the doubled dots.
 *
 * Two segments of one file, header section (with its empty line) and body, both
 * in lines that end in CRLF. A view: it owns nothing.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct
{
  uint64_t offset;
  uint64_t size;
} Segment;

typedef struct
{
  int fd; /* read with pread */
  Segment header;
  Segment body;
  bool eight_bit;   /* an octet above 127 somewhere */
  bool header_utf8; /* the header section, or that of a part, is not ASCII */
} Content;

/* Octets without the doubled dots: the SIZE of RFC 1870. */
uint64_t content_size (const Content *content);

/* LENGTH octets of FD from OFFSET on into BUFFER. FAILURE_IO. */
bool content_read (int fd, char *buffer, size_t length, uint64_t offset,
                   GError **error);

/* Doubles a dot that begins a line (RFC 5321 section 4.5.2) while copying
 * LENGTH octets of IN to OUT, which has room for 2 * LENGTH. *LINE_START says
 * whether IN begins a line and is updated; true at the start of a message.
 * Returns how many octets were written. */
size_t content_stuff_dots (char *out, const char *in, size_t length,
                           bool *line_start);
