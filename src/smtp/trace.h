/* trace.h - who wants to see the conversation (-v), and its masking.
 *
 * The writer of a line says whether it holds a secret; then only its first words
 * are shown ("AUTH PLAIN ***"). Lines are made printable.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum
{
  TRACE_NOTE,     /* "connected to …", "TLS 1.3 …" */
  TRACE_SENT,
  TRACE_RECEIVED,
} TraceKind;

/* What lies behind a session that is being opened. */
typedef enum
{
  MILESTONE_ADDRESS,  /* a name was looked up; with the addresses */
  MILESTONE_CONNECTED, /* with whom, "192.0.2.1:465"; "" where that has no address */
  MILESTONE_TLS,      /* with version and cipher */
  MILESTONE_GREETING, /* with its text */
  MILESTONE_EHLO,     /* with what the relay offers; with STARTTLS once more inside */
  MILESTONE_LOGIN,    /* with the mechanism */
} Milestone;

/* By which the relay has proven that it is the one, or could not. */
typedef struct
{
  const char *name;   /* the first that it has */
  const char *issuer; /* a distinguished name (RFC 4514) */
  int64_t from;       /* from when on it is valid, seconds since the epoch */
  int64_t until;      /* when it expires */
  bool pinned;        /* its key has to be one that the account names */
  bool strange;       /* no authority that is trusted here vouches for it */
} TraceCertificate;

/* Each may be NULL. */
typedef struct
{
  void (*line) (void *data, TraceKind kind, const char *text);
  void (*reached) (void *data, Milestone milestone, const char *text);
  /* Before MILESTONE_TLS, or the failure. What it is given lasts for the call. */
  void (*certificate) (void *data, const TraceCertificate *certificate);
  void *data;
} Trace;

/* All take a NULL TRACE and do nothing then. */
void trace_line (const Trace *trace, TraceKind kind, const char *octets,
                 size_t length);
void trace_note (const Trace *trace, const char *format, ...)
    __attribute__ ((format (printf, 2, 3)));

/* Whether somebody wants to know: what is costly to tell is made for nobody else. */
bool trace_counts (const Trace *trace);
/* TEXT (of any octets) is made printable. */
void trace_reached (const Trace *trace, Milestone milestone, const char *text);
