#include "relay/channel.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <glib.h>

struct Channel
{
  int fd; /* -1: closed */
  Record *record;
  gnutls_session_t session;
  bool early;        /* the ClientHello is in the buffer */
  bool hurry;        /* take what has come, do not wait */
  bool shred;        /* octet by octet */
  bool send_failed;  /* noted */
  bool ended;        /* noted */
  size_t start, end; /* unread octets of the buffer */
  char buffer[CHANNEL_LINE_MAXIMUM];
  char line[CHANNEL_LINE_MAXIMUM + 1];
};

Channel *
channel_new (int fd, Record *record)
{
  Channel *channel = g_new0 (Channel, 1);

  channel->fd = fd;
  channel->record = record;
  return channel;
}

void
channel_free (Channel *channel)
{
  channel_cut (channel);
  if (channel->session != NULL)
    gnutls_deinit (channel->session);
  g_free (channel);
}

gnutls_session_t
channel_session (Channel *channel)
{
  return channel->session;
}

/* GnuTLS reads through here, since the buffer may hold octets already. */
static ssize_t
pull (gnutls_transport_ptr_t data, void *octets, size_t length)
{
  Channel *channel = data;
  size_t waiting = channel->end - channel->start;

  if (!channel->early || waiting == 0)
    {
      channel->early = false;
      return recv (channel->fd, octets, length,
                   channel->hurry ? MSG_DONTWAIT : 0);
    }
  length = MIN (length, waiting);
  memcpy (octets, channel->buffer + channel->start, length);
  channel->start += length;
  return (ssize_t) length;
}

static ssize_t
push (gnutls_transport_ptr_t data, const void *octets, size_t length)
{
  Channel *channel = data;

  return send (channel->fd, octets, length, MSG_NOSIGNAL);
}

/* Without one GnuTLS would ask select, which our buffer knows nothing of. */
static int
pull_timeout (gnutls_transport_ptr_t data, unsigned milliseconds)
{
  Channel *channel = data;
  struct pollfd wanted = { .fd = channel->fd, .events = POLLIN };

  if (channel->early && channel->end > channel->start)
    return 1;
  return poll (&wanted, 1,
               milliseconds == GNUTLS_INDEFINITE_TIMEOUT ? -1
                                                         : (int) milliseconds);
}

static gnutls_session_t
session_new (Channel *channel, const ChannelTls *tls)
{
  gnutls_session_t session;

  gnutls_init (&session, GNUTLS_SERVER);
  gnutls_priority_set (session, tls->priority);
  gnutls_credentials_set (session, GNUTLS_CRD_CERTIFICATE, tls->credentials);
  if (tls->ticket_key != NULL)
    gnutls_session_ticket_enable_server (session, tls->ticket_key);
  if (tls->want_certificate)
    gnutls_certificate_server_set_request (session, GNUTLS_CERT_REQUEST);
  gnutls_transport_set_ptr (session, channel);
  gnutls_transport_set_pull_function (session, pull);
  gnutls_transport_set_push_function (session, push);
  gnutls_transport_set_pull_timeout_function (session, pull_timeout);
  return session;
}

static void
note_certificate (Channel *channel)
{
  unsigned count = 0;

  (void) gnutls_certificate_get_peers (channel->session, &count);
  record_note (channel->record, "client certificates: %u", count);
}

bool
channel_start_tls (Channel *channel, const ChannelTls *tls)
{
  g_autofree char *description = NULL;
  int code;

  if (channel->fd < 0 || channel->session != NULL)
    return false;
  channel->early = channel_waiting (channel) > 0;
  if (channel->early)
    record_note (channel->record, "early: %zu octets before TLS",
                 channel_waiting (channel));
  channel->session = session_new (channel, tls);
  do
    code = gnutls_handshake (channel->session);
  while (code < 0 && gnutls_error_is_fatal (code) == 0);
  channel->early = false;
  channel->start = channel->end = 0;
  if (code < 0)
    {
      /* Whatever the client says now, it says in clear. */
      record_note (channel->record, "handshake: %s", gnutls_strerror (code));
      if (code != GNUTLS_E_FATAL_ALERT_RECEIVED)
        gnutls_alert_send_appropriate (channel->session, code);
      gnutls_deinit (channel->session);
      channel->session = NULL;
      return false;
    }
  record_enter_tls (channel->record);
  description = gnutls_session_get_desc (channel->session);
  record_note (channel->record, "handshake: %s", description);
  if (tls->want_certificate)
    note_certificate (channel);
  if (gnutls_session_is_resumed (channel->session) != 0)
    record_note (channel->record, "resumed");
  return true;
}

/* RFC 9266 by hand: another way than the client's to the same octets. The
   exporter of TLS 1.2 is safe only with the extended master secret. */
char *
channel_binding (Channel *channel)
{
  static const char label[] = "EXPORTER-Channel-Binding";
  gnutls_session_t session = channel->session;
  char octets[32];

  if (session == NULL
      || (gnutls_protocol_get_version (session) != GNUTLS_TLS1_3
          && gnutls_session_ext_master_secret_status (session) == 0)
      || gnutls_prf_rfc5705 (session, strlen (label), label, 0, "",
                             sizeof octets, octets)
             < 0)
    return NULL;
  return g_base64_encode ((const unsigned char *) octets, sizeof octets);
}

static ssize_t
send_some (Channel *channel, const char *octets, size_t length)
{
  ssize_t n;

  do
    n = channel->session == NULL
            ? send (channel->fd, octets, length, MSG_NOSIGNAL)
            : gnutls_record_send (channel->session, octets, length);
  while (n == GNUTLS_E_INTERRUPTED || n == GNUTLS_E_AGAIN
         || (channel->session == NULL && n < 0 && errno == EINTR));
  return n;
}

bool
channel_send (Channel *channel, const void *octets, size_t length)
{
  const char *at = octets;

  if (channel->fd < 0 || channel->send_failed)
    return false;
  record_sent (channel->record, octets, length);
  while (length > 0)
    {
      ssize_t n = send_some (channel, at, channel->shred ? 1 : length);

      if (n < 0)
        {
          channel->send_failed = true;
          record_note (channel->record, "the client is gone: send failed");
          return false;
        }
      at += n;
      length -= (size_t) n;
    }
  return true;
}

void
channel_shred (Channel *channel)
{
  channel->shred = true;
}

void
channel_send_beneath (Channel *channel, const void *octets, size_t length)
{
  if (channel->fd >= 0)
    (void) push (channel, octets, length);
  record_note (channel->record, "%zu octets beneath TLS", length);
}

void
channel_send_line (Channel *channel, const char *format, ...)
{
  g_autofree char *text = NULL;
  g_autofree char *line = NULL;
  va_list arguments;

  va_start (arguments, format);
  text = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  line = g_strconcat (text, "\r\n", NULL);
  channel_send (channel, line, strlen (line));
}

static void
note_end (Channel *channel, ssize_t code)
{
  if (channel->ended)
    return;
  channel->ended = true;
  if (code == 0)
    record_note (channel->record, "end: closed by the client");
  else if (channel->session != NULL)
    record_note (channel->record, "end: %s", gnutls_strerror ((int) code));
  else
    record_note (channel->record, "end: %s", g_strerror (errno));
}

/* Below 0 and in a hurry: nothing more has come. */
static ssize_t
receive (Channel *channel, char *octets, size_t length)
{
  ssize_t n;

  if (channel->session == NULL)
    return recv (channel->fd, octets, length,
                 channel->hurry ? MSG_DONTWAIT : 0);
  do
    n = gnutls_record_recv (channel->session, octets, length);
  while (n < 0 && gnutls_error_is_fatal ((int) n) == 0
         && !(n == GNUTLS_E_AGAIN && channel->hurry));
  return n;
}

/* More octets into the buffer, which has room for them. */
static bool
fill (Channel *channel)
{
  ssize_t n;

  if (channel->fd < 0 || channel->ended)
    return false;
  if (channel->start > 0)
    {
      memmove (channel->buffer, channel->buffer + channel->start,
               channel->end - channel->start);
      channel->end -= channel->start;
      channel->start = 0;
    }
  n = receive (channel, channel->buffer + channel->end,
               sizeof channel->buffer - channel->end);
  if (n <= 0)
    {
      note_end (channel, n);
      return false;
    }
  record_received (channel->record, channel->buffer + channel->end,
                   (size_t) n);
  channel->end += (size_t) n;
  return true;
}

/* Length of the chunk at START: up to an LF, or all where the buffer is full
   or the client has ended. */
static size_t
find_chunk (Channel *channel)
{
  size_t searched = 0;

  for (;;)
    {
      size_t waiting = channel->end - channel->start;
      const char *at = channel->buffer + channel->start;
      const char *lf = memchr (at + searched, '\n', waiting - searched);

      if (lf != NULL)
        return (size_t) (lf - at) + 1;
      searched = waiting;
      if (waiting == sizeof channel->buffer || !fill (channel))
        return waiting;
    }
}

const char *
channel_read_chunk (Channel *channel, size_t *length)
{
  const char *chunk;

  *length = find_chunk (channel);
  if (*length == 0)
    return NULL;
  chunk = channel->buffer + channel->start;
  channel->start += *length;
  return chunk;
}

const char *
channel_peek_line (Channel *channel)
{
  size_t length = find_chunk (channel);
  const char *at = channel->buffer + channel->start;

  if (length == 0)
    return NULL;
  if (length < 2 || memcmp (at + length - 2, "\r\n", 2) != 0)
    {
      record_line (channel->record, at, length);
      record_note (channel->record, "a line without CRLF");
      return NULL;
    }
  memcpy (channel->line, at, length - 2);
  channel->line[length - 2] = '\0';
  if (strlen (channel->line) != length - 2)
    record_note (channel->record, "NUL in a line");
  return channel->line;
}

const char *
channel_read_line (Channel *channel)
{
  const char *line = channel_peek_line (channel);
  size_t length;

  if (line == NULL)
    return NULL;
  length = find_chunk (channel);
  record_line (channel->record, channel->buffer + channel->start, length - 2);
  channel->start += length;
  return line;
}

size_t
channel_waiting (const Channel *channel)
{
  return channel->end - channel->start;
}

bool
channel_is_at_end (Channel *channel)
{
  return channel_waiting (channel) == 0 && !fill (channel);
}

void
channel_drain (Channel *channel)
{
  do
    {
      if (channel->end > channel->start)
        record_line (channel->record, channel->buffer + channel->start,
                     channel->end - channel->start);
      channel->start = channel->end = 0;
    }
  while (fill (channel));
}

bool
channel_is_quiet (Channel *channel, unsigned milliseconds)
{
  struct pollfd client = { .fd = channel->fd, .events = POLLIN };

  return channel_waiting (channel) == 0
         && (channel->session == NULL
             || gnutls_record_check_pending (channel->session) == 0)
         && poll (&client, 1, (int) milliseconds) == 0;
}

static void
close_socket (Channel *channel, const char *how)
{
  record_note (channel->record, "%s", how);
  close (channel->fd);
  channel->fd = -1;
  channel->start = channel->end = 0;
}

bool
channel_sip (Channel *channel, size_t octets)
{
  octets = MIN (octets, sizeof channel->buffer);
  return recv (channel->fd, channel->buffer, octets, 0) > 0;
}

void
channel_half_close (Channel *channel)
{
  if (channel->fd >= 0 && channel->session != NULL)
    gnutls_bye (channel->session, GNUTLS_SHUT_WR);
  channel_half_cut (channel);
}

void
channel_half_cut (Channel *channel)
{
  if (channel->fd < 0)
    return;
  shutdown (channel->fd, SHUT_WR);
  channel->send_failed = true;
  record_note (channel->record, "half-close");
}

/* Octets of the client that nobody read would turn the close into a reset, and
   what it said too early must be on record. A client that goes on and on is
   not listened to. */
static void
take_the_rest (Channel *channel)
{
  ssize_t n = 0;

  channel->hurry = true;
  if (channel->end > channel->start)
    record_line (channel->record, channel->buffer + channel->start,
                 channel->end - channel->start);
  for (int i = 0; i < 8 && !channel->ended && n >= 0; i++)
    {
      n = receive (channel, channel->buffer, sizeof channel->buffer);
      if (n == 0)
        return;
      if (n > 0)
        {
          record_received (channel->record, channel->buffer, (size_t) n);
          record_line (channel->record, channel->buffer, (size_t) n);
        }
    }
}

void
channel_close (Channel *channel)
{
  if (channel->fd < 0)
    return;
  if (channel->session != NULL)
    gnutls_bye (channel->session, GNUTLS_SHUT_WR);
  take_the_rest (channel);
  close_socket (channel, "close");
}

void
channel_cut (Channel *channel)
{
  if (channel->fd < 0)
    return;
  take_the_rest (channel);
  close_socket (channel, "cut");
}

void
channel_reset (Channel *channel)
{
  struct linger linger = { .l_onoff = 1 };

  if (channel->fd < 0)
    return;
  setsockopt (channel->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
  close_socket (channel, "reset");
}
