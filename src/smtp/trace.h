/* trace.h - who wants to see the conversation (-v), and its masking.
 *
 * The writer of a line says whether it holds a secret; then only its first words
 * are shown ("AUTH PLAIN ***"). Lines are made printable.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

typedef enum
{
  TRACE_NOTE,     /* "connected to …", "TLS 1.3 …" */
  TRACE_SENT,
  TRACE_RECEIVED,
} TraceKind;

typedef struct
{
  void (*line) (void *data, TraceKind kind, const char *text);
  void *data;
} Trace;

/* All take a NULL TRACE and do nothing then. */
void trace_line (const Trace *trace, TraceKind kind, const char *octets,
                 size_t length);
void trace_note (const Trace *trace, const char *format, ...)
    __attribute__ ((format (printf, 2, 3)));
