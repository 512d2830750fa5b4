/* inject.h - runs a program and has one of its system calls fail, or kills it
 * there.
 *
 * By a seccomp filter that hands the wanted calls, of all threads, to us
 * (seccomp_unotify(2)); all others run at full speed.
 */
#pragma once

#include <stdbool.h>

#include "crash/calls.h"

typedef struct
{
  const char *const *argv; /* argv[0] is a path */
  const char *input;       /* files */
  const char *output;      /* both stdout and stderr */
  const Call *call;        /* NULL: none fails, and all are counted */
  unsigned occurrence;     /* from 1 */
  int fault;
  /* Not NULL: SIGTERM is sent once this is true, and calls are counted from
     then on. */
  bool (*ripe) (void *data);
  void *data;
  bool sleeps; /* the program may go to sleep for long; then it is ended by
                  SIGTERM */
  /* Not NULL: another program, which is run when the first has ended, and in which
     nothing fails. What the first left behind is what is counted from then on; the
     status is that of the other. */
  const char *const *then;
  /* Not NULL: called when they have ended, so that what they left behind ends as
     well. Calls fail in that too. */
  void (*part) (void *data);
} Injection;

typedef struct
{
  int status; /* as wait(2) has it */
  bool reached;
  bool hung; /* it was killed, since it did not end */
  unsigned counts[CALLS_MAXIMUM];
} Injected;

void inject_run (const Injection *injection, Injected *injected);
