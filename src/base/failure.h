/* failure.h - what a failure of our own means for the message.
 *
 * One GError domain for the program. A code does not say which call failed
 * (the text does) but what follows from it: whether the message waits in the
 * queue, is held for a person, or is refused, and which status of sysexits(3)
 * the caller sees. What a relay replies is data (Reply, Status), never a GError.
 *
 * An error's text is one translated line without a final full stop: what
 * failed, where (file:line, host, account), and what to do next.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

#define FAILURE (failure_quark ())

typedef enum
{
  FAILURE_USAGE,       /* nonsense on argv: EX_USAGE, nothing kept */
  FAILURE_DATA,        /* nonsense on stdin or in an address: EX_DATAERR */
  FAILURE_NO_INPUT,    /* what was named is not there: EX_NOINPUT */
  FAILURE_NO_USER,     /* unknown local name: EX_NOUSER, held */
  FAILURE_UNAVAILABLE, /* refused for good: EX_UNAVAILABLE, held */
  FAILURE_SOFTWARE,    /* a bug of ours: EX_SOFTWARE, queued */
  FAILURE_OS,          /* the system lacks something: EX_OSERR, queued */
  FAILURE_CANNOT_CREATE, /* no queue file can be made: EX_CANTCREAT */
  FAILURE_IO,          /* reading or writing failed: EX_IOERR */
  FAILURE_TEMPORARY,   /* will mend itself: network, DNS, TCP, locked
                          keyring: EX_TEMPFAIL, queued */
  FAILURE_CERTIFICATE, /* the relay is not who it should be, or TLS is too
                          weak: EX_TEMPFAIL, queued, and an alert */
  FAILURE_PROTOCOL,    /* the relay broke the protocol: EX_TEMPFAIL, queued,
                          and an alert */
  FAILURE_CREDENTIAL,  /* no usable secret or login: EX_NOPERM, held */
  FAILURE_CONFIG,      /* the accounts file is wrong: EX_CONFIG, held */
} Failure;

GQuark failure_quark (void);

/* Status of sysexits(3) for an ERROR of any domain (EX_OSERR for one that is
 * not FAILURE), for a caller whose message could not be queued. */
int failure_exit_status (const GError *error);

/* Sets ERROR to a FAILURE of kind KIND whose text is the formatted text, as
 * one printable line, followed by ": " and strerror (ERRNUM). */
void failure_set_errno (GError **error, Failure kind, int errnum,
                        const char *format, ...) G_GNUC_PRINTF (4, 5);
