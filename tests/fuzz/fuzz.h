/* fuzz.h - what libFuzzer calls, and what many of those ask of a text. */
#pragma once

#include <glib.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/text.h"

/* TEXT may be shown to a person: one line of UTF-8, with nothing that a terminal
 * obeys, of MAXIMUM octets at most. */
static inline void
check_shown (const char *text, size_t maximum)
{
  g_assert (strlen (text) <= maximum);
  g_assert (g_utf8_validate (text, -1, NULL));
  for (const char *p = text; *p != '\0'; p = g_utf8_next_char (p))
    g_assert (!text_is_control (g_utf8_get_char (p)));
}

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);
