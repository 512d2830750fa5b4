/* progress.h - a line on the terminal that tells how far a large message is, while
 * it is read and while it is sent, how fast, and how long it still takes; or what is
 * awaited.
 *
 * Nothing of it costs anything unless somebody wants it: progress_enable, and then
 * only where stderr is a terminal that can clear a line. The line stands on stderr
 * below all else; whoever writes there ends it first. It is never waited for: a
 * terminal that takes nothing is shown nothing. A child that is forked goes on by
 * itself.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

typedef enum
{
  PROGRESS_READING,
  PROGRESS_SENDING,
} ProgressKind;

/* What comes is worth to be shown. False: stderr is no terminal, or a poor one. */
bool progress_enable (void);

/* Begins with KIND, of TOTAL octets (0: not known), and with what has been done.
 * Nothing is seen of what is small, or is done soon. */
void progress_begin (ProgressKind kind, uint64_t total);
void progress_step (uint64_t done);

/* TEXT, of one line, is the line until it is cleared. */
void progress_say (const char *text);

/* The line, if there is one, is cleared, and comes no more until the next begins. */
void progress_end (void);

/* The same where the line may be that of another process: a child that has died, or
 * the parent. */
void progress_end_any (void);

/* The same, async-signal-safe; errno is kept. */
void progress_wipe (void);

/* Milliseconds that poll(2) may wait instead of WAIT (below 0: for ever) before
 * progress_tick is due. They tell that time passes and nothing is done. */
int progress_patience (int wait);
bool progress_tick (void); /* false: nothing is to be shown, so wait as ever */
