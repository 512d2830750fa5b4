/* smtpd.h - SMTP on standard input and output, for a program that hands over
 * mail (-bs): RFC 5321 as a server speaks it, with PIPELINING (RFC 2920), SIZE
 * (RFC 1870), 8BITMIME (RFC 6152), SMTPUTF8 (RFC 6531), DSN (RFC 3461) and
 * enhanced codes (RFC 2034).
 *
 * The greeting comes before anything is read. Lines may end in LF. 250 is said of
 * a message when it is ours, and not before; a message that the client did not
 * end is not there at all. Nothing but replies is written to the client.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "mail/envelope.h"
#include "mail/message.h"
#include "smtp/trace.h"
#include "submit/submission.h"

#define SMTPD_RECIPIENTS 50000 /* of one message */
#define SMTPD_MISTAKES 20 /* with no message taken in between: the client goes */

/* Where its messages go. */
typedef struct
{
  void *data; /* for all of them */
  /* Before a message, and to know how large one may be (0: no limit). */
  bool (*open) (void *data, uint64_t *maximum, GError **error);
  void (*close) (void *data);
  /* In between. Whether ENVELOPE's only forward-path leads anywhere. */
  bool (*accept) (void *data, const Envelope *envelope, GError **error);
  /* MESSAGE is for ENVELOPE's forward-paths. */
  Spool *(*spool) (void *data);
  Verdict (*submit) (void *data, Envelope *envelope, Message *message);
} SmtpdService;

/* The whole dialogue with the client that writes to IN and reads from OUT; its
 * lines go to TRACE (NULL: nowhere). Returns the exit status, which does not
 * tell of single messages: their replies did. */
int smtpd_run (int in, int out, const SmtpdService *service,
               const Trace *trace);
