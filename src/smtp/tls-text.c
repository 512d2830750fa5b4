#include "smtp/tls-text.h"

#include <string.h>

#include <glib.h>

#include "smtp/gnutls.h"

/* GnuTLS ends some of its texts with a full stop. */
char *
tls_text (int code)
{
  char *text = g_strdup (gnutls_strerror (code));

  if (g_str_has_suffix (text, "."))
    text[strlen (text) - 1] = '\0';
  return text;
}

char *
tls_dates (time_t from, time_t until)
{
  g_autoptr (GDateTime) begin = g_date_time_new_from_unix_utc (from);
  g_autoptr (GDateTime) end = g_date_time_new_from_unix_utc (until);
  g_autofree char *first = begin ? g_date_time_format (begin, "%F") : NULL;
  g_autofree char *last = end ? g_date_time_format (end, "%F") : NULL;

  return first && last ? g_strdup_printf (" (%s/%s)", first, last)
                       : g_strdup ("");
}
