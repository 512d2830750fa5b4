/* stream.h - lines in, octets out, over a socket and later over TLS.
 *
 * Owns the socket. Never blocks past the deadline a call is given. Output is
 * gathered until stream_flush, so that one flight of commands is one write and
 * one TLS record. Every function fails with FAILURE_TEMPORARY (timeout, closed,
 * reset) or FAILURE_PROTOCOL (line too long, NUL, bare CR).
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/deadline.h"
#include "smtp/relay.h"
#include "smtp/trace.h"

typedef struct Stream Stream;

/* Takes FD (connected, non-blocking). TRACE is borrowed, nullable. */
Stream *stream_new (int fd, const Trace *trace);
void stream_free (Stream *stream); /* no goodbye: see stream_close */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Stream, stream_free)

/* Handshake with verified identity; see tls.h. Refused with FAILURE_PROTOCOL
 * where plaintext of the peer is waiting: injected before TLS, it must never be
 * read as if it had come inside (RFC 3207 section 6, CVE-2011-0411). */
bool stream_start_tls (Stream *stream, const Relay *relay, Deadline deadline,
                       GError **error);
bool stream_is_tls (const Stream *stream);

/* "TLS1.3 TLS_AES_256_GCM_SHA384", or "" before TLS. Owned by the stream. */
const char *stream_tls_description (const Stream *stream);

/* The tls-exporter channel binding (RFC 9266) as GBytes, or NULL where the
 * connection has none. */
GBytes *stream_channel_binding (const Stream *stream);

/* One line without its line end, at most STREAM_LINE_MAXIMUM octets; valid until
 * the next call. *BARE_LF (nullable) is set where the line ended without CR. */
#define STREAM_LINE_MAXIMUM 16384
const char *stream_read_line (Stream *stream, size_t *length, bool *bare_lf,
                              Deadline deadline, GError **error);

/* Whether octets of the peer are waiting that no one asked for, in our buffer,
 * in TLS or in the socket. Does not wait. */
bool stream_has_input (Stream *stream);

/* Gathers octets; one or more whole lines, shown in the trace line by line. */
void stream_write (Stream *stream, const void *octets, size_t length);
/* The same for octets that hold a secret: wiped after they were sent, and shown
 * in the trace as SHOWN. */
void stream_write_secret (Stream *stream, const void *octets, size_t length,
                          const char *shown);
bool stream_flush (Stream *stream, Deadline deadline, GError **error);

/* Writes content octets at once, past the gathering buffer, in full records. No
 * trace. */
bool stream_write_through (Stream *stream, const void *octets, size_t length,
                           Deadline deadline, GError **error);

/* close_notify (RFC 8314 section 3.4), then close; does not wait for the
 * peer's. */
void stream_close (Stream *stream);
