#include "cli/trace.h"

#include <stdio.h>

void
trace_to_stderr (void *data, TraceKind kind, const char *text)
{
  static const char *const marks[] = {
    [TRACE_NOTE] = "--",
    [TRACE_SENT] = "->",
    [TRACE_RECEIVED] = "<-",
  };

  (void) fprintf (stderr, "%s %s\n", marks[kind], text);
}

void
trace_client_to_stderr (void *data, TraceKind kind, const char *text)
{
  static const char *const marks[] = {
    [TRACE_NOTE] = "==",
    [TRACE_SENT] = "=>",
    [TRACE_RECEIVED] = "<=",
  };

  (void) fprintf (stderr, "%s %s\n", marks[kind], text);
}
