/* handover.h - a queued message is carried by a process that has a session open
 * (linger.h), and its caller waits for the verdict.
 *
 * The lock goes along and stays. Whatever becomes of that process, nothing is lost:
 * the caller goes on by itself, with what is on disk.
 */
#pragma once

#include <stdbool.h>

#include "account/account.h"
#include "queue/queue.h"

typedef enum
{
  HANDOVER_NONE,      /* nobody took it; the entry is as it was */
  HANDOVER_VERDICT,
  HANDOVER_UNSETTLED, /* there is one, but it could not be recorded */
  HANDOVER_LOST,      /* nobody has it any more: what holds is on disk */
} HandoverResult;

typedef struct
{
  int exit_status;
  char *text;   /* what went wrong; NULL: nothing did */
  char *report; /* for a person, lines; NULL: nothing */
} Handover;

void handover_clear (Handover *handover);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Handover, handover_clear)

/* ENTRY is in queue/, locked, and was not tried. Signals are put off, and go on to
 * whoever has the message. ATTENDED: a person reads what the caller is told. */
HandoverResult handover_run (Queue *queue, const Accounts *accounts,
                             const Account *account, const Entry *entry,
                             bool attended, Handover *handover);

/* Has the process that keeps a session of ACCOUNT open end as soon as it has nothing
 * in hand, since somebody else needs the connection. True: it did. */
bool handover_dismiss (Queue *queue, const char *account);
