/* request.h - what a client says to us: command lines of SMTP (RFC 5321 section
 * 4.1), with the parameters of SIZE (RFC 1870), 8BITMIME (RFC 6152), SMTPUTF8
 * (RFC 6531) and DSN (RFC 3461).
 *
 * Pure; every octet is hostile. A function returns the reply that refuses what
 * was said, without line end, or NULL where it is good.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "mail/envelope.h"

#define REQUEST_MAXIMUM 4096 /* octets of a command line that is understood */

/* Cuts LINE into its verb and what stands behind it, without blanks around. */
void request_split (char *line, const char **verb, const char **argument);

typedef struct
{
  bool utf8;     /* SMTPUTF8 was said */
  uint64_t size; /* that of SIZE; 0: not said */
} MailParameters;

/* The argument of MAIL. ENVELOPE, an empty one, gets reverse_path, ret, and
 * envid; after a refusal it is not good for anything. */
const char *request_mail (const char *argument, Envelope *envelope,
                          MailParameters *parameters);

/* The argument of RCPT, of which ENVELOPE gets a forward-path with its wish.
 * UTF8: SMTPUTF8 was said. After a refusal ENVELOPE is as it was. */
const char *request_rcpt (const char *argument, bool utf8,
                          Envelope *envelope);
