/* channel.h - one connection of the scripted relay: lines in, octets out, over
 * TCP and later over TLS, every octet recorded.
 *
 * Blocking. Sending to a client that is gone does nothing and is noted once;
 * reading from it gives its end. Both are what a hostile dialogue expects.
 */
#pragma once

#include <glib.h>
#include <gnutls/gnutls.h>
#include <stdbool.h>
#include <stddef.h>

#include "relay/record.h"

typedef struct Channel Channel;

/* Server side of TLS. All borrowed. */
typedef struct
{
  gnutls_certificate_credentials_t credentials;
  gnutls_priority_t priority;
  const gnutls_datum_t *ticket_key; /* nullable: no tickets */
  bool want_certificate;            /* of the client */
} ChannelTls;

/* Takes FD; RECORD is borrowed. */
Channel *channel_new (int fd, Record *record);
void channel_free (Channel *channel); /* closes FD where that is still to do */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Channel, channel_free)

/* Octets that arrived with the clear line before are taken for the client's
 * ClientHello, and noted: RFC 3207 forbids a client to send it so early. */
bool channel_start_tls (Channel *channel, const ChannelTls *tls);
/* NULL before TLS. */
gnutls_session_t channel_session (Channel *channel);
/* The tls-exporter channel binding (RFC 9266) in base64, NULL where there is
 * none; caller owns it. */
char *channel_binding (Channel *channel);

/* All in one write, or one TLS record where it fits. False: nobody is there. */
bool channel_send (Channel *channel, const void *octets, size_t length);
/* From now on each octet has a write, or a TLS record, of its own. */
void channel_shred (Channel *channel);
/* To the socket, whatever TLS there is. */
void channel_send_beneath (Channel *channel, const void *octets,
                           size_t length);
void channel_send_line (Channel *channel, const char *format, ...)
    G_GNUC_PRINTF (2, 3);

/* A line without its CRLF, valid until the next call; NULL at the client's end
 * or where it does not end in CRLF (noted). _peek_line leaves it unread. */
#define CHANNEL_LINE_MAXIMUM 65536
const char *channel_read_line (Channel *channel);
const char *channel_peek_line (Channel *channel);

/* The octets up to and with the next LF, at most CHANNEL_LINE_MAXIMUM of them;
 * not logged. NULL at the client's end. */
const char *channel_read_chunk (Channel *channel, size_t *length);

/* Octets that were read along with what was taken last: the client did not
 * wait for a reply to that. */
size_t channel_waiting (const Channel *channel);

/* Whether the client says nothing more before its end. */
bool channel_is_at_end (Channel *channel);
/* Reads and records until the client's end. */
void channel_drain (Channel *channel);
/* Whether the client says nothing for so long. */
bool channel_is_quiet (Channel *channel, unsigned milliseconds);

/* Takes so many octets at the most from the socket, and throws them away: with
 * TLS nothing can be read any more. False at the client's end. */
bool channel_sip (Channel *channel, size_t octets);

/* No more from us, the client may go on: close_notify where there is TLS. */
void channel_half_close (Channel *channel);
/* The same without it. */
void channel_half_cut (Channel *channel);
/* With close_notify. */
void channel_close (Channel *channel);
/* Without. */
void channel_cut (Channel *channel);
/* The client gets a reset. */
void channel_reset (Channel *channel);
