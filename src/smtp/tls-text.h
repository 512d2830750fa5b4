/* tls-text.h - words of GnuTLS, for people.
 */
#pragma once

#include <time.h>

/* What GnuTLS says of CODE, without a full stop. Caller owns the result. */
char *tls_text (int code);

/* " (2020-01-01/2021-01-01)", or nothing. Caller owns the result. */
char *tls_dates (time_t from, time_t until);
