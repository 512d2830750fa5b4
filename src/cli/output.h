/* output.h - text for people and programs on standard output.
 *
 * What is appended by these functions is made printable (base/text.h) first: a
 * queue file may hold anything.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Of a line, unless the terminal has less. */
#define OUTPUT_COLUMNS 80

/* Where the last one is free. */
#define OUTPUT_HELP_COLUMNS 79

/* Appends TEXT. */
void output_append_text (GString *out, const char *text);

/* Appends TEXT and the blanks that fill it up to WIDTH columns, behind it or
 * (RIGHT) before it. */
void output_append_padded (GString *out, const char *text, size_t width,
                           bool right);

/* Appends TEXT in lines of at most OUTPUT_COLUMNS, each behind INDENT blanks
 * and ended, broken at blanks, and between wide characters; what has neither
 * stays whole, and so does an address. */
void output_append_wrapped (GString *out, const char *text, size_t indent);

/* Appends TEXT, in the same way, to a line that has COLUMN columns already and is
 * ended then; the next ones, of at most OUTPUT_HELP_COLUMNS, begin behind INDENT
 * blanks. */
void output_append_folded (GString *out, const char *text, size_t column,
                           size_t indent);

/* Help on standard output; of its lines those that are too long are folded: what is
 * below another's text stays there. */
void output_help (const char *format, ...) G_GNUC_PRINTF (1, 2);
/* What it prints; the caller owns it. */
char *output_help_folded (const char *text);

/* "me@example.org -> you@example.net, them@example.net and 997 more", wrapped;
 * RECIPIENTS of const char *. A null SENDER is "<>". */
void output_append_people (GString *out, const char *sender,
                           const GPtrArray *recipients, size_t indent);

/* TIME (seconds since the epoch) by the clock of the user: "2026-11-21 14:32".
 * The caller owns it. */
char *output_time (int64_t time);

/* False: nobody reads any more, or it cannot be written. */
bool output_write (const char *text, size_t length);
bool output_write_string (const GString *text);

/* The last of it. A reader who had enough is no error. FAILURE_IO. */
bool output_finish (GError **error);
