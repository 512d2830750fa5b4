/* submission.h - a message that somebody hands over, from its octets to its
 * fate: what sendmail's command line and SMTP on stdin have in common.
 *
 * Account, recipients and header are settled, the message is queued, and then it
 * goes the way that caller or account want. The verdict is a promise: with EX_OK
 * the message is ours, with anything else it was not sent to anybody and never
 * will be by itself, although a copy may be held.
 */
#pragma once

#include <stdbool.h>

#include "account/account.h"
#include "mail/envelope.h"
#include "mail/message.h"
#include "queue/queue.h"
#include "smtp/trace.h"
#include "submit/sender.h"

#define DELIVERY_OF_ACCOUNT (-1)

/* Where messages go, for as long as a caller has some. */
typedef struct
{
  Accounts *accounts; /* NULL: they cannot be used, for the reason `why` */
  GError *why;
  Queue *queue;
  const char *accounts_file; /* borrowed; --accounts-file, or NULL */
  int delivery;              /* a Delivery, or DELIVERY_OF_ACCOUNT */
  const Trace *trace;        /* borrowed; -v: stderr is told how all went */
  bool replies; /* the verdict is told elsewhere: without -v, and unless it is a
                   terminal, stderr is not */
} Submitter;

/* Opens the log and the queue. NULL where there is no queue to be had, or where the
 * process may not open as many files as an attempt needs (FAILURE_TEMPORARY). */
Submitter *submitter_new (const char *accounts_file, GError **error);
void submitter_free (Submitter *submitter);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Submitter, submitter_free)

/* For a message: an empty spool, and how many octets it may have (0: no limit). */
Spool *submitter_spool (Submitter *submitter);
uint64_t submitter_maximum (const Submitter *submitter);

typedef struct
{
  SenderRequest sender;
  Envelope *envelope; /* borrowed, and completed: what it says of notifications
                         holds, its forward-paths are recipients as given */
  char **operands;    /* more recipients, address lists; ended by NULL */
  bool header_recipients; /* and those of To, Cc and Bcc */
  bool no_aliases;        /* local names have none */
} Submission;

typedef struct
{
  int exit_status; /* of sysexits(3) */
  char *id;        /* of the queue file; NULL: nothing is kept */
  char *text;      /* what went wrong, one line; NULL: nothing did */
} Verdict;

void verdict_clear (Verdict *verdict);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Verdict, verdict_clear)

/* Takes care of MESSAGE. Signals are put off from the moment it is queued
 * (signals.h). */
Verdict submission_run (Submitter *submitter, const Submission *submission,
                        Message *message);
