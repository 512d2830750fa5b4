/* header.h - the header section of a message as fields (RFC 5322 section 2.2,
 * 4.5).
 *
 * A scanner, not an interpreter: octets of a field are kept as they came, but
 * for line ends, which are CRLF. Pure and bounded.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

#define HEADER_MAXIMUM (1024 * 1024) /* octets of a header section */
#define HEADER_MAXIMUM_FIELDS 10000

typedef struct
{
  char *name;  /* as written, without the colon and blanks before it */
  char *body;  /* after the colon, folding and all, without the final CRLF */
} Field;

typedef struct
{
  GPtrArray *fields; /* of Field, in order; owned */
  size_t size;       /* private: octets that header_add_line has added */
  size_t tail;       /* private: length of the last body where room > 0 */
  size_t room;       /* private: what is allocated for it */
} Header;

Header *header_new (void);
void header_free (Header *header);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Header, header_free)

/* What one line of input is to a header section. LINE has no line end. */
typedef enum
{
  HEADER_LINE_FIELD,        /* begins a field */
  HEADER_LINE_CONTINUATION, /* begins with a blank and has text */
  HEADER_LINE_END,          /* empty, or blanks only */
  HEADER_LINE_OTHER,        /* no header field: the body begins here */
} HeaderLine;
HeaderLine header_line_kind (const char *line, size_t length);

/* Adds a line that is a field or a continuation of the last one. FAILURE_DATA
 * past the limits above, and for NUL or CR, which can only be meant to make one
 * line look like two. */
bool header_add_line (Header *header, const char *line, size_t length,
                      GError **error);

/* Names are compared without regard to ASCII case. */
const Field *header_find (const Header *header, const char *name);
size_t header_count (const Header *header, const char *name);
size_t header_remove (Header *header, const char *name); /* how many */

/* A new field, or a new body for FIELD of HEADER. BODY gets a space in front
 * unless it begins with a blank or a folding (or FIELD has none there either);
 * a line end in it that is no folding becomes a space, so that no text can make
 * a field of its own. */
void header_prepend (Header *header, const char *name, const char *body);
void header_append (Header *header, const char *name, const char *body);
void header_replace (Header *header, const Field *field, const char *body);

/* BODY unfolded: CRLF before a blank removed, blanks trimmed. */
char *header_unfold (const char *body);

/* The section as octets: every field with CRLF, and the empty line. */
GString *header_to_string (const Header *header);
