/* charset.h - text that is not UTF-8 (RFC 2978).
 *
 * Pure and bounded by its input. Mail chooses among few of iconv's modules.
 */
#pragma once

/* TEXT, lines with CRLF between them, as UTF-8 from CHARSET (NULL: not known).
 * Its line ends, and all that is ASCII, stay what they are. NULL where CHARSET
 * is none that mail is written in, or TEXT is not what it claims to be. */
char *charset_to_utf8 (const char *text, const char *charset);
