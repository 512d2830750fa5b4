/* signals.h - what SIGINT, SIGTERM and SIGHUP do while a message is on its way.
 *
 * While it is read it is not ours: it is dropped, and the caller told so. Then,
 * before the final dot, a caller who waits can take the message back; from then on
 * to the record of the verdict a signal would leave the message sent and not
 * known to be (RFC 1047), so it is only noted.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "queue/queue.h"

/* From now on they end the process with EX_TEMPFAIL and a line on stderr: nothing
 * of the message is kept yet. */
void signals_abandon (void);

/* From now on SIGINT and SIGTERM take ENTRY back: it goes to held/, stderr is told,
 * and the process ends by the signal. SIGHUP is put off: a lost terminal does not
 * stop a message. Nothing may be recorded in ENTRY until signals_defer. */
void signals_cancel (Queue *queue, const Entry *entry);

/* Says on stderr what such a signal has done, for somebody else who did it to the entry
 * of ID. */
void signals_farewell (const char *id);

/* From now on they are only noted. Once it returns, none has taken the message
 * back, and none will. */
void signals_defer (void);

/* They do again what they did before; one that was noted does it now. */
void signals_release (void);

/* In a child whose work may be lost: SIGINT and SIGTERM end it, at once if one was
 * noted. SIGHUP does not. */
void signals_obey (void);

/* One was noted, and whoever sent it wants this process to end. */
bool signals_noted (void);

/* While they are put off, they go on to PID as well, a child: what was noted before
 * at once. Until signals_keep, before the child is reaped. WARDS_MAXIMUM at once. */
#define WARDS_MAXIMUM 8
void signals_pass_on (pid_t pid);
void signals_keep (pid_t pid);

/* The same for the process of PIDFD, which is no child. One at a time; -1: none. */
void signals_pass_on_far (int pidfd);

/* In a child: they go on to no child of its parent. */
void signals_keep_all (void);
