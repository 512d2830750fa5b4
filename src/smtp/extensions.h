/* extensions.h - what the relay offers in its reply to EHLO (RFC 5321 section
 * 4.1.1.1). Unknown keywords are ignored; of a keyword twice the first counts.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "smtp/reply.h"

typedef struct
{
  bool starttls, pipelining, eight_bit_mime, smtputf8, dsn, enhanced_codes,
      burl;
  bool size_offered;
  uint64_t size;  /* 0: no limit known (RFC 1870 section 4) */
  bool limits;
  uint64_t rcpt_max; /* forward-paths of a transaction; 0: no limit known */
  uint64_t mail_max; /* transactions of a session; the same (RFC 9422) */
  uint64_t rcpt_domain_max; /* domains of a session's forward-paths; the same */
  bool auth_offered;
  GStrv auth;     /* mechanism names in upper case, NULL-ended; owned */
} Extensions;

void extensions_parse (Extensions *extensions, const Reply *reply);
void extensions_clear (Extensions *extensions);

/* What counts of it, for a person: "AUTH PLAIN LOGIN, SIZE 1000000, PIPELINING".
 * Caller owns it. */
char *extensions_text (const Extensions *extensions);
