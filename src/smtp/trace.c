#include "smtp/trace.h"

#include <glib.h>
#include <string.h>

#include "base/text.h"

#define LINE_MAXIMUM 1024

void
trace_line (const Trace *trace, TraceKind kind, const char *octets,
            size_t length)
{
  g_autofree char *text = NULL;

  if (trace == NULL || trace->line == NULL)
    return;
  text = text_printable (octets, length, LINE_MAXIMUM);
  trace->line (trace->data, kind, text);
}

void
trace_note (const Trace *trace, const char *format, ...)
{
  va_list arguments;
  g_autofree char *text = NULL;

  if (trace == NULL)
    return;
  va_start (arguments, format);
  text = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  trace_line (trace, TRACE_NOTE, text, strlen (text));
}

bool
trace_counts (const Trace *trace)
{
  return trace != NULL && trace->reached != NULL;
}

void
trace_reached (const Trace *trace, Milestone milestone, const char *text)
{
  g_autofree char *line = NULL;

  if (!trace_counts (trace))
    return;
  line = text_printable (text, strlen (text), LINE_MAXIMUM);
  trace->reached (trace->data, milestone, line);
}
