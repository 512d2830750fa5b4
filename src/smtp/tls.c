#include "smtp/tls.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <syslog.h>

#include <glib/gi18n.h>

#include "base/failure.h"
#include "base/log.h"
#include "smtp/gnutls.h"
#include "smtp/tls-credentials.h"
#include "smtp/tls-text.h"
#include "smtp/tls-verdict.h"

/* Appended to the system's default, so that a stricter policy of the system
 * holds. Leaves TLS 1.3, and TLS 1.2 with ECDHE and AEAD (RFC 9325). */
#define PRIORITY                                                              \
  "-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-RSA:-DHE-RSA:-CIPHER-ALL:"            \
  "+AES-256-GCM:+CHACHA20-POLY1305:+AES-128-GCM:-MAC-ALL:+AEAD:"              \
  "-SIGN-RSA-SHA1:-SIGN-ECDSA-SHA1:%SAFE_RENEGOTIATION:%PROFILE_MEDIUM"

#define MESSAGE_MAXIMUM 65536 /* octets; a certificate chain is one message   \
                               */
#define MESSAGES_MAXIMUM 64   /* handshake messages, tickets and KeyUpdates */
#define WARNINGS_MAXIMUM 8
#define BATCH 131072 /* octets that are encrypted for one write */
#define INPUT 16384  /* octets that are taken from the kernel at once */

/* TLS 1.3's for middleboxes (RFC 8446 appendix D.4): nobody waits for it. */
static const unsigned char change_cipher_spec[] = { 20, 3, 3, 0, 1, 1 };

struct Tls
{
  gnutls_session_t session;
  TlsCredentials *credentials;
  Identity identity;
  bool verified;
  GError *refused; /* what the verdict on the peer was; NULL: none yet */
  unsigned messages, warnings;
  char *description;

  /* GnuTLS writes one record at a time. What it writes is gathered, and then
     sent at once. */
  int fd;
  bool gathers;
  bool shaken;       /* the handshake is done, but for what is in the batch */
  GByteArray *batch; /* encrypted, and not yet sent */
  size_t taken;      /* octets in there, not encrypted */

  /* And it reads one in two parts. */
  size_t start, end; /* of what it has not asked for */
  bool drained;      /* for this call, the kernel has nothing more */
  char input[INPUT];
};

/* Session */

/* A relay that sends tickets or KeyUpdates without end is stopped. */
static int
count_message (gnutls_session_t session, unsigned type, unsigned when,
               unsigned incoming, const gnutls_datum_t *message)
{
  Tls *tls = gnutls_session_get_ptr (session);

  if (incoming && ++tls->messages > MESSAGES_MAXIMUM)
    return GNUTLS_E_TOO_MANY_HANDSHAKE_PACKETS;
  return 0;
}

/* With the authorities that its names lead to. Before it is refused all of them are
   asked, so that the verdict never depends on which those were. */
static bool
judge (Tls *tls, gnutls_session_t session, GError **error)
{
  TlsCredentials *credentials = tls->credentials;
  g_autoptr (GError) refusal = NULL;

  if (!tls_credentials_suit (credentials, session, error))
    return false;
  if (tls_verdict (&tls->identity, session, &refusal))
    return true;
  if (!tls_credentials_is_complete (credentials))
    return tls_credentials_complete (credentials, error)
           && tls_verdict (&tls->identity, session, error);
  g_propagate_error (error, g_steal_pointer (&refusal));
  return false;
}

/* Called where the peer has shown its certificate, before we show ours. */
static int
verify (gnutls_session_t session)
{
  Tls *tls = gnutls_session_get_ptr (session);

  g_clear_error (&tls->refused);
  tls->verified = judge (tls, session, &tls->refused);
  return tls->verified ? 0 : GNUTLS_E_CERTIFICATE_VERIFICATION_ERROR;
}

/* Behind what was written before. */
static ssize_t
push (gnutls_transport_ptr_t transport, const void *octets, size_t length)
{
  Tls *tls = transport;
  ssize_t sent;

  if (tls->gathers || tls->batch->len > 0)
    {
      g_byte_array_append (tls->batch, octets, (guint) length);
      return (ssize_t) length;
    }
  sent = send (tls->fd, octets, length, MSG_DONTWAIT | MSG_NOSIGNAL);
  if (sent < 0)
    gnutls_transport_set_errno (tls->session, errno);
  return sent;
}

/* As recv(2). Fewer octets than there was room for were all. */
static ssize_t
receive (Tls *tls)
{
  ssize_t got;

  if (tls->drained)
    {
      errno = EAGAIN;
      return -1;
    }
  got = recv (tls->fd, tls->input, INPUT, MSG_DONTWAIT);
  tls->drained = got > 0 && got < INPUT;
  tls->start = 0;
  tls->end = (size_t) MAX (got, 0);
  return got;
}

static ssize_t
pull (gnutls_transport_ptr_t transport, void *octets, size_t size)
{
  Tls *tls = transport;

  if (!tls_has_input (tls))
    {
      ssize_t got = receive (tls);

      if (got < 0)
        gnutls_transport_set_errno (tls->session, errno);
      if (got <= 0)
        return got;
    }
  size = MIN (size, tls->end - tls->start);
  memcpy (octets, tls->input + tls->start, size);
  tls->start += size;
  return (ssize_t) size;
}

static bool
set_policy (Tls *tls, GError **error)
{
  int result =
      gnutls_set_default_priority_append (tls->session, PRIORITY, NULL, 0);
  g_autofree char *reason = NULL;

  if (result == GNUTLS_E_SUCCESS)
    return true;
  reason = tls_text (result);
  g_set_error (error, FAILURE, FAILURE_OS,
               _ ("the TLS policy of this system leaves nothing that is safe: "
                  "%s"),
               reason);
  return false;
}

static void
prepare_session (Tls *tls)
{
  const Identity *identity = &tls->identity;

  gnutls_session_set_ptr (tls->session, tls);
  gnutls_credentials_set (tls->session, GNUTLS_CRD_CERTIFICATE,
                          tls_credentials_handle (tls->credentials));
  gnutls_transport_set_ptr (tls->session, tls);
  gnutls_transport_set_push_function (tls->session, push);
  gnutls_transport_set_pull_function (tls->session, pull);
  gnutls_handshake_set_max_packet_length (tls->session, MESSAGE_MAXIMUM);
  gnutls_handshake_set_hook_function (tls->session, GNUTLS_HANDSHAKE_ANY,
                                      GNUTLS_HOOK_PRE, count_message);
  gnutls_session_set_verify_function (tls->session, verify);
  /* An address is not a name to ask for (RFC 6066 section 3). */
  if (identity->address_size == 0)
    gnutls_server_name_set (tls->session, GNUTLS_NAME_DNS, identity->name,
                            strlen (identity->name));
}

Tls *
tls_new (const Relay *relay, int fd, GError **error)
{
  g_autoptr (Tls) tls = g_new0 (Tls, 1);

  tls->fd = fd;
  tls->batch = g_byte_array_new ();
  if (!library_load (&gnutls_library, error)
      || !identity_init (&tls->identity, relay, error))
    return NULL;
  /* It has done so when it was loaded, unless a variable forbids that. */
  if (gnutls_global_init () < 0)
    g_error ("GnuTLS cannot be used");
  tls->credentials = tls_credentials_get (relay, error);
  if (tls->credentials == NULL)
    return NULL;
  /* With GNUTLS_DEBUG_LEVEL it would print the keys of the session. */
  gnutls_global_set_log_level (0);
  /* A key is made for one group and not for two: relays know the first one, for
     RFC 8446 section 9.1 has them. */
  if (gnutls_init (&tls->session, GNUTLS_CLIENT | GNUTLS_NONBLOCK
                                      | GNUTLS_NO_TICKETS
                                      | GNUTLS_KEY_SHARE_TOP
                                      | GNUTLS_FORCE_CLIENT_CERT)
      < 0)
    g_error ("out of memory");
  if (!set_policy (tls, error))
    return NULL;
  prepare_session (tls);
  return g_steal_pointer (&tls);
}

void
tls_free (Tls *tls)
{
  if (tls == NULL)
    return;
  if (tls->session != NULL)
    gnutls_deinit (tls->session);
  g_clear_pointer (&tls->credentials, tls_credentials_release);
  identity_clear (&tls->identity);
  g_clear_error (&tls->refused);
  g_free (tls->description);
  g_byte_array_unref (tls->batch);
  g_free (tls);
}

/* What goes wrong on the way */

typedef struct
{
  int code;
  Failure kind;
  const char *text;
} Trouble;

#define CLOSED N_ ("the relay closed the connection")
#define WEAK                                                                  \
  N_ ("the relay offers no TLS that is safe (TLS 1.2 or later with ECDHE "    \
      "and AEAD)")
#define FLOOD N_ ("the relay sends TLS messages without end")
#define FORGED N_ ("the relay does not prove that it owns its certificate")

static const Trouble troubles[] = {
  { GNUTLS_E_PUSH_ERROR, FAILURE_TEMPORARY, CLOSED },
  { GNUTLS_E_PULL_ERROR, FAILURE_TEMPORARY, CLOSED },
  { GNUTLS_E_SESSION_EOF, FAILURE_TEMPORARY, CLOSED },
  { GNUTLS_E_PREMATURE_TERMINATION, FAILURE_TEMPORARY, CLOSED },
  { GNUTLS_E_UNSUPPORTED_VERSION_PACKET, FAILURE_CERTIFICATE, WEAK },
  { GNUTLS_E_NO_CIPHER_SUITES, FAILURE_CERTIFICATE, WEAK },
  { GNUTLS_E_INSUFFICIENT_SECURITY, FAILURE_CERTIFICATE, WEAK },
  { GNUTLS_E_DH_PRIME_UNACCEPTABLE, FAILURE_CERTIFICATE, WEAK },
  { GNUTLS_E_UNSUPPORTED_SIGNATURE_ALGORITHM, FAILURE_CERTIFICATE, WEAK },
  { GNUTLS_E_ECC_UNSUPPORTED_CURVE, FAILURE_CERTIFICATE, WEAK },
  { GNUTLS_E_SAFE_RENEGOTIATION_FAILED, FAILURE_CERTIFICATE, WEAK },
  { GNUTLS_E_UNSAFE_RENEGOTIATION_DENIED, FAILURE_CERTIFICATE, WEAK },
  { GNUTLS_E_PK_SIG_VERIFY_FAILED, FAILURE_CERTIFICATE, FORGED },
  { GNUTLS_E_ERROR_IN_FINISHED_PACKET, FAILURE_CERTIFICATE, FORGED },
  { GNUTLS_E_TIMEDOUT, FAILURE_TEMPORARY,
    N_ ("the token that has the client certificate's key did not sign in "
        "time") },
  { GNUTLS_E_PK_SIGN_FAILED, FAILURE_TEMPORARY,
    N_ ("the client certificate's key did not sign") },
  { GNUTLS_E_REHANDSHAKE, FAILURE_PROTOCOL,
    N_ ("the relay asked for a TLS renegotiation") },
  { GNUTLS_E_WARNING_ALERT_RECEIVED, FAILURE_PROTOCOL, FLOOD },
  { GNUTLS_E_HANDSHAKE_TOO_LARGE, FAILURE_PROTOCOL,
    N_ ("the relay sends a TLS message that is too large") },
  { GNUTLS_E_TOO_MANY_HANDSHAKE_PACKETS, FAILURE_PROTOCOL, FLOOD },
  { GNUTLS_E_TOO_MANY_EMPTY_PACKETS, FAILURE_PROTOCOL, FLOOD },
};

static const Trouble *
find_trouble (int code)
{
  for (size_t i = 0; i < G_N_ELEMENTS (troubles); i++)
    if (troubles[i].code == code)
      return &troubles[i];
  return NULL;
}

static void
set_alert (const Tls *tls, GError **error)
{
  gnutls_alert_description_t alert = gnutls_alert_get (tls->session);
  const char *name = gnutls_alert_get_name (alert);

  if (name == NULL)
    name = "?";
  if (alert == GNUTLS_A_PROTOCOL_VERSION || alert == GNUTLS_A_HANDSHAKE_FAILURE
      || alert == GNUTLS_A_INSUFFICIENT_SECURITY)
    g_set_error (error, FAILURE, FAILURE_CERTIFICATE,
                 _ ("the relay refused TLS 1.2 or later with ECDHE and AEAD "
                    "(alert %d, %s)"),
                 (int) alert, name);
  else
    g_set_error (error, FAILURE, FAILURE_TEMPORARY,
                 _ ("the relay ended TLS (alert %d, %s)"), (int) alert, name);
}

/* Whether the peer has hung up, be it in mid-record. */
static bool
is_cut_off (const Tls *tls)
{
  char octet;

  return recv (tls->fd, &octet, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

static void
set_trouble (const Tls *tls, int code, GError **error)
{
  const Trouble *trouble = find_trouble (code);
  g_autofree char *reason = trouble == NULL ? tls_text (code) : NULL;

  if (code == GNUTLS_E_FATAL_ALERT_RECEIVED)
    set_alert (tls, error);
  else if (code == GNUTLS_E_UNEXPECTED_PACKET_LENGTH && is_cut_off (tls))
    g_set_error_literal (error, FAILURE, FAILURE_TEMPORARY, _ (CLOSED));
  else if (trouble != NULL)
    g_set_error_literal (error, FAILURE, (int) trouble->kind,
                         _ (trouble->text));
  else
    g_set_error (error, FAILURE, FAILURE_PROTOCOL, _ ("TLS failed: %s"),
                 reason);
}

static short
wanted_events (const Tls *tls)
{
  return gnutls_record_get_direction (tls->session) == 1 ? POLLOUT : POLLIN;
}

/* True where the call that gave RESULT has to be repeated at once. */
static bool
is_passing (Tls *tls, int result, unsigned messages)
{
  return result == GNUTLS_E_INTERRUPTED
         || (result == GNUTLS_E_WARNING_ALERT_RECEIVED
             && ++tls->warnings <= WARNINGS_MAXIMUM)
         || (result == GNUTLS_E_AGAIN
             && (tls->messages != messages
                 || (tls_has_input (tls) && wanted_events (tls) == POLLIN)));
}

/* Whether RESULT means that the first answer was no TLS record. */
static bool
is_no_tls (const Tls *tls, int result)
{
  return tls->messages == 0
         && (result == GNUTLS_E_UNEXPECTED_PACKET
             || result == GNUTLS_E_UNSUPPORTED_VERSION_PACKET
             || result == GNUTLS_E_RECORD_OVERFLOW);
}

/* Whether the first answer was that of a web server: GnuTLS took "HTTP/" of it for the
   head of a record, and left the rest. */
static bool
is_http (const Tls *tls)
{
  const char *rest = tls->input + tls->start;

  return tls->end - tls->start >= strlen ("1.1 ")
         && (memcmp (rest, "1.1 ", strlen ("1.1 ")) == 0
             || memcmp (rest, "1.0 ", strlen ("1.0 ")) == 0);
}

static void
set_no_tls (const Tls *tls, GError **error)
{
  if (is_http (tls))
    {
      /* TRANSLATORS: the relay and its port, and what is wrong with it. */
      g_set_error (error, FAILURE, FAILURE_PROTOCOL, _ ("%s: %s"),
                   tls->identity.endpoint, relay_web_server ());
      return;
    }
  g_set_error (error, FAILURE, FAILURE_PROTOCOL,
               tls->identity.relay->tls == TLS_IMPLICIT
                   ? _ ("%s: this port does not speak TLS from the start; "
                        "perhaps it wants `tls = starttls'")
                   : _ ("%s: the relay offered TLS and does not speak it"),
               tls->identity.endpoint);
}

/* The handshake ended with RESULT. */
static void
set_handshake_failure (const Tls *tls, int result, GError **error)
{
  g_autoptr (GError) trouble = NULL;

  if (is_no_tls (tls, result))
    {
      set_no_tls (tls, error);
      return;
    }
  (void) gnutls_alert_send_appropriate (tls->session, result);
  if (tls->refused != NULL)
    {
      g_propagate_error (error, g_error_copy (tls->refused));
      return;
    }
  set_trouble (tls, result, &trouble);
  g_set_error (error, FAILURE, trouble->code, "%s: %s", tls->identity.endpoint,
               trouble->message);
}

/* Nobody should forget that such an account has no other proof. */
static void
note_pins_alone (const Identity *identity)
{
  g_autofree char *text = NULL;

  if (!relay_trusts_pins_alone (identity->relay))
    return;
  text = g_strdup_printf (_ ("%s: trusted by its pin alone, for "
                             "`trust-file = none'"),
                          identity->endpoint);
  log_line (LOG_NOTICE, "text=\"%s\"", text);
}

static bool
send_batch (Tls *tls, short *events, GError **error)
{
  while (tls->batch->len > 0)
    {
      ssize_t sent = send (tls->fd, tls->batch->data, tls->batch->len,
                           MSG_DONTWAIT | MSG_NOSIGNAL);

      if (sent < 0 && errno == EINTR)
        continue;
      if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
        *events = POLLOUT;
      else if (sent < 0)
        set_trouble (tls, GNUTLS_E_PUSH_ERROR, error);
      if (sent < 0)
        return false;
      g_byte_array_remove_range (tls->batch, 0, (guint) sent);
    }
  return true;
}

/* What the relay waits for; the rest can go with what follows. */
static bool
send_flight (Tls *tls, short *events, GError **error)
{
  if (!tls->shaken && tls->batch->len == sizeof change_cipher_spec
      && memcmp (tls->batch->data, change_cipher_spec,
                 sizeof change_cipher_spec)
             == 0)
    return true;
  if (send_batch (tls, events, error))
    return true;
  if (*events == 0)
    g_prefix_error (error, "%s: ", tls->identity.endpoint);
  return false;
}

/* As gnutls_handshake. */
static int
shake_hands (Tls *tls)
{
  unsigned messages;
  int result;

  tls->gathers = true;
  tls->drained = false;
  do
    {
      messages = tls->messages;
      result = gnutls_handshake (tls->session);
    }
  while (is_passing (tls, result, messages));
  tls->gathers = false;
  return result;
}

static void
end_handshake (Tls *tls)
{
  /* Where a session is resumed nobody is verified: we never ask for that. */
  g_assert (tls->verified);
  note_pins_alone (&tls->identity);
  tls->description = g_strdup_printf (
      "%s %s",
      gnutls_protocol_get_name (gnutls_protocol_get_version (tls->session)),
      gnutls_ciphersuite_get (tls->session));
}

bool
tls_handshake (Tls *tls, short *events, GError **error)
{
  int result = GNUTLS_E_SUCCESS;

  *events = 0;
  if (!tls->shaken)
    result = shake_hands (tls);
  if (result != GNUTLS_E_SUCCESS && result != GNUTLS_E_AGAIN)
    {
      set_handshake_failure (tls, result, error);
      (void) send_batch (tls, &(short){ 0 }, NULL);
      return false;
    }
  tls->shaken = result == GNUTLS_E_SUCCESS;
  if (!send_flight (tls, events, error))
    return false;
  if (tls->shaken)
    end_handshake (tls);
  else
    *events = POLLIN;
  return tls->shaken;
}

bool
tls_has_input (const Tls *tls)
{
  return tls->start < tls->end;
}

ssize_t
tls_read (Tls *tls, void *octets, size_t size, short *events, GError **error)
{
  unsigned messages;
  ssize_t got;

  tls->drained = false;
  do
    {
      messages = tls->messages;
      got = gnutls_record_recv (tls->session, octets, size);
    }
  while (is_passing (tls, (int) got, messages));
  if (got >= 0)
    return got;
  if (got == GNUTLS_E_AGAIN)
    *events = wanted_events (tls);
  else
    set_trouble (tls, (int) got, error);
  return -1;
}

/* What of it was not yet. */
static bool
encrypt (Tls *tls, const char *octets, size_t length, GError **error)
{
  ssize_t result = 0;

  tls->gathers = true;
  while (tls->taken < length && result >= 0)
    {
      result = gnutls_record_send (tls->session, octets + tls->taken,
                                   length - tls->taken);
      tls->taken += (size_t) MAX (result, 0);
    }
  tls->gathers = false;
  if (result < 0)
    set_trouble (tls, (int) result, error);
  return result >= 0;
}

ssize_t
tls_write (Tls *tls, const void *octets, size_t length, short *events,
           GError **error)
{
  ssize_t taken;

  if (!encrypt (tls, octets, MIN (length, BATCH), error)
      || !send_batch (tls, events, error))
    return -1;
  taken = (ssize_t) tls->taken;
  tls->taken = 0;
  return taken;
}

void
tls_goodbye (Tls *tls)
{
  (void) gnutls_bye (tls->session, GNUTLS_SHUT_WR);
}

void
tls_tell_certificate (const Tls *tls, const Trace *trace)
{
  if (trace != NULL && trace->certificate != NULL)
    tls_verdict_tell (&tls->identity, tls->session, trace);
}

const char *
tls_description (const Tls *tls)
{
  return tls->description;
}

GBytes *
tls_channel_binding (const Tls *tls)
{
  gnutls_datum_t binding = { NULL, 0 };
  GBytes *bytes;

  if (gnutls_session_channel_binding (tls->session, GNUTLS_CB_TLS_EXPORTER,
                                      &binding)
      != GNUTLS_E_SUCCESS)
    return NULL;
  bytes = g_bytes_new (binding.data, binding.size);
  gnutls_free (binding.data);
  return bytes;
}
