/* text.h - octets of others: what they are, and making them harmless before a
 * person or a log sees them. */
#pragma once

#include <glib.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* LENGTH octets of TEXT (any bytes at all) as valid UTF-8 of at most MAXIMUM
 * octets: C0, DEL, C1 and what is not UTF-8 become '?', line ends and tabs
 * become a space. A text that is cut ends in "...". Caller owns the result. */
char *text_printable (const char *text, size_t length, size_t maximum);

/* The same of a TEXT that ends in NUL, at the length that a message names it with.
 * Caller owns the result. */
char *text_shown (const char *text);

/* What FORMAT makes of ARGUMENTS as one line: the line ends that FORMAT itself
 * has in the end stay, all else is as text_printable has it. Caller owns the
 * result. */
char *text_printable_line (const char *format, va_list arguments);
/* The same, on STREAM. */
void text_print_line (FILE *stream, const char *format, ...)
    G_GNUC_PRINTF (2, 3);

#define TEXT_LINE_MAXIMUM 200 /* octets of a line that are shown */

/* Of a text that comes in pieces, the last line that is not empty; all zero at
 * first. CR and LF end a line. */
typedef struct
{
  size_t length;
  bool ended;
  char octets[TEXT_LINE_MAXIMUM + 1]; /* one over stands for any number */
} TextLine;

void text_line_add (TextLine *line, const char *octets, size_t length);

/* It as text_printable has it; "" where there is none yet. Caller owns it. */
char *text_line_printable (const TextLine *line);

/* Columns of a terminal that TEXT (valid UTF-8) takes: wide characters take two,
 * combining ones none. */
size_t text_width (const char *text);

/* Those that the terminal FD has; TEXT_COLUMNS where it does not say, and where
 * there is none. */
#define TEXT_COLUMNS 80
size_t text_columns (int fd);

/* Whether one of LENGTH octets is above 127. */
bool text_is_8bit (const char *octets, size_t length);

/* Whether a terminal might obey the character C instead of showing it: C0, DEL, C1,
 * line ends, and what changes the direction of the text behind it. */
bool text_is_control (uint32_t c);

/* Whether TEXT has an ASCII control character. */
bool text_has_control (const char *text);
