#include "cli/trace.h"

#include <stdio.h>

static const char *const marks[] = {
  [TRACE_NOTE] = "--",
  [TRACE_SENT] = "->",
  [TRACE_RECEIVED] = "<-",
};

void
trace_to_stderr (void *data, TraceKind kind, const char *text)
{
  fprintf (stderr, "%s %s\n", marks[kind], text);
}
