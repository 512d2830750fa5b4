/* trace.h - the conversation with a relay, or with a client, on stderr (-v). */
#pragma once

#include "smtp/trace.h"

/* For Trace.line. */
void trace_to_stderr (void *data, TraceKind kind, const char *text);
void trace_client_to_stderr (void *data, TraceKind kind, const char *text);
