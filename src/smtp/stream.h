/* stream.h - lines in, octets out, over a socket and later over TLS.
 *
 * Owns the socket. Never blocks past the deadline a call is given. Output is
 * gathered until stream_flush, so that one flight of commands is one write and
 * one TLS record. Every function fails with FAILURE_TEMPORARY (timeout, closed,
 * reset) or FAILURE_PROTOCOL (line too long, NUL, bare CR, broken TLS). The texts
 * do not name the relay ("no answer within 300 seconds"): the session does. Only
 * those of stream_start_tls begin with its host and port.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/deadline.h"
#include "base/secret.h"
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

/* One line without its line end, at most STREAM_LINE_MAXIMUM octets and a NUL;
 * valid until the next call. *BARE_LF (nullable) tells whether the line ended
 * without CR. A line that its end was not seen of is none. */
#define STREAM_LINE_MAXIMUM 16384
const char *stream_read_line (Stream *stream, size_t *length, bool *bare_lf,
                              Deadline deadline, GError **error);

/* While MASKED the trace shows nothing but the code of a received line: what the
 * relay says during a login may repeat the secret. */
void stream_mask_input (Stream *stream, bool masked);

/* From now on a line that repeats SECRET (copied) is read as its code (if it has
 * one) and "***", and traced like that: whatever the relay says, no log learns
 * it. A masked 334 is left as it is, since it is for the mechanism alone. */
void stream_hide (Stream *stream, const Secret *secret);

/* To be polled with others. */
int stream_fd (const Stream *stream);

/* Whether octets of the peer are waiting that no one asked for, in our buffer,
 * in TLS or in the socket. Does not wait. The end of the connection is no input;
 * the next stream_read_line tells it. */
bool stream_has_input (Stream *stream);

/* What has come and was not read. Does not wait; valid until the next call. */
const char *stream_peek (Stream *stream, size_t *length);

/* Whether the peer has hung up, even if there is input yet. Does not wait. */
bool stream_has_ended (const Stream *stream);
/* False with the reason where it is known already that nothing more will come,
 * once what has come is read. */
bool stream_may_answer (const Stream *stream, GError **error);

/* The connection lay idle, and may lead nowhere by now: what is sent next has to be
 * acknowledged within that time, or the connection has ended. That holds until
 * something is read. Where it is no TCP, nothing happens. */
void stream_doubt (Stream *stream, int milliseconds);

/* Gathers octets; one or more whole lines, shown in the trace line by line. */
void stream_write (Stream *stream, const void *octets, size_t length);
/* The same for octets that hold a secret: wiped after they were sent, and shown
 * in the trace as SHOWN. */
void stream_write_secret (Stream *stream, const void *octets, size_t length,
                          const char *shown);

/* Sends what is gathered. While the relay takes none of it, its replies are read
 * into our buffer (up to a bound), so that a long flight of commands cannot make
 * both sides wait for each other. */
bool stream_flush (Stream *stream, Deadline deadline, GError **error);

/* Sends content octets in full TLS records; what does not fill one stays
 * gathered and goes with the next call or stream_flush. No trace. Nothing is
 * owed by the relay in mid-content, so this fails with FAILURE_TEMPORARY as soon
 * as the relay says something (an early 4yz or 5yz, 421) or hangs up. */
bool stream_write_through (Stream *stream, const void *octets, size_t length,
                           Deadline deadline, GError **error);

/* After any of the writing functions has failed nothing more can be sent, but
 * what the relay said before it hung up can still be had by stream_read_line,
 * under a short deadline. */

/* What is written from now on leaves in one packet with stream_close. */
void stream_begin_end (Stream *stream);

/* close_notify (RFC 8314 section 3.4), then close; does not wait for the
 * peer's. */
void stream_close (Stream *stream);
