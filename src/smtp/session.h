/* session.h - from TCP to a relay that knows who we are (RFC 5321 section 3.1,
 * RFC 3207, RFC 4954).
 *
 * Opens: connect, TLS, greeting, EHLO (, STARTTLS, TLS, EHLO), AUTH. Nothing but
 * EHLO, STARTTLS and QUIT is ever sent before TLS is up and verified. A Session
 * that exists is logged in and ready for MAIL.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "base/child.h"
#include "base/secret.h"
#include "base/status.h"
#include "smtp/extensions.h"
#include "smtp/relay.h"
#include "smtp/reply.h"
#include "smtp/stream.h"
#include "smtp/trace.h"

typedef struct
{
  const Relay *relay; /* borrowed */
  const Trace *trace; /* borrowed, nullable */
  Child *tunnel;      /* nullable: the command at the other end of the stream */
  Stream *stream;
  Extensions extensions;
  char *mechanism;    /* "SCRAM-SHA-256", for the log */
  char *tls;          /* stream_tls_description, for the log */
  GPtrArray *domains; /* of char *: that this relay was told, where it limits
                         them; nullable */
  unsigned mails;     /* transactions that were begun */
  bool broken;        /* not a word may be said any more */
  bool engaged;       /* nor any but of the next message, which has begun */
} Session;

/* RELAY and TRACE are borrowed and outlive the session. SECRET (nullable where
 * the mechanism is EXTERNAL) is only needed during the call. On failure returns
 * NULL and sets *STATUS (owned by the caller), scope account. */
Session *session_open (const Relay *relay, const Secret *secret,
                       const Trace *trace, Status **status);

/* QUIT, whose reply is not waited for, then close; one that is broken or engaged is
 * dropped. */
void session_close (Session *session);

/* Loads the libraries that sessions need, for who cannot do so later (confine.h); what
 * cannot be loaded, session_open tells. */
void session_load_libraries (void);
/* Drops the connection without a word. */
void session_drop (Session *session);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Session, session_drop)

/* One gathered command line, printf-like, CRLF added. It holds no secret, and no
 * line end: the caller has made sure of that. */
void session_command (Session *session, const char *format, ...)
    G_GNUC_PRINTF (2, 3);

/* The next reply, within MILLISECONDS. After a line that ended without CR the
 * relay is no longer trusted with PIPELINING. */
Reply *session_reply (Session *session, unsigned milliseconds,
                      GError **error);

/* Names the relay in ERROR, after which the connection is good for nothing, and
 * adds what the tunnel's command has to say. */
void session_explain (Session *session, GError **error);

/* Whether the relay can be told a forward-path at DOMAIN (any case) in this session:
 * then it counts as told. */
bool session_take_domain (Session *session, const char *domain);

/* For when no reply is owed: false with FAILURE_PROTOCOL where the relay spoke
 * all the same. To go on would be to take that for the reply to our next
 * command. */
bool session_is_quiet (Session *session, GError **error);
