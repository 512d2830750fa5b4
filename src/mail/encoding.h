/* encoding.h - text that is not ASCII in a message that has to be: encoded
 * words in a header (RFC 2047), quoted-printable in a body (RFC 2045 section
 * 6.7), xtext in an envelope (RFC 3461 section 4).
 *
 * Pure and bounded by its input.
 */
#pragma once

#include <glib.h>

/* TEXT (valid UTF-8 without controls) as encoded words, each of whole
 * characters, with folding between them. No line of them, of which the first
 * begins in COLUMN, is longer than 76. */
char *encoding_words (const char *text, size_t column);

/* The same for LENGTH octets in CHARSET (a short name), appended to OUT; those
 * of a charset other than UTF-8 may be cut anywhere. COLUMN must have room. */
void encoding_append_words (GString *out, size_t column, const char *text,
                            size_t length, const char *charset);

/* How many octets of text find place in an encoded word that begins in COLUMN;
 * 0: none. */
size_t encoding_words_room (size_t column, const char *charset);

/* BODY, of a field and unfolded, with its encoded words as text; those of a
 * charset other than UTF-8, US-ASCII and ISO-8859-1 stay as they are. The text
 * is no more trustworthy than BODY, and need not be UTF-8. */
char *encoding_decode_words (const char *body);

/* LENGTH octets of TEXT, in lines that end in CRLF, as quoted-printable: ASCII,
 * and no line longer than 76 octets. */
GString *encoding_quoted_printable (const char *text, size_t length);

/* What the xtext TEXT says (RFC 3461 section 4); NULL where it is none. */
char *encoding_decode_xtext (const char *text);
