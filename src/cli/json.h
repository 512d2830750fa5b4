/* json.h - JSON text (RFC 8259), written as it goes.
 *
 * Objects and arrays are opened and closed by json_open and json_close; a
 * member of an array has NULL for its key. Keys are ours and need no escapes.
 * Whatever octets a string has, the text is valid: what is not UTF-8 becomes
 * U+FFFD.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* BRACKET is '{' or '['; the one that closes it, '}' or ']'. */
void json_open (GString *out, const char *key, char bracket);
void json_close (GString *out, char bracket);

void json_string (GString *out, const char *key, const char *value);
void json_integer (GString *out, const char *key, int64_t value);
void json_boolean (GString *out, const char *key, bool value);
void json_null (GString *out, const char *key);
