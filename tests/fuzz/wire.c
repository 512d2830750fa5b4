#include "tests/fuzz/wire.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <gsasl.h>

#include "smtp/sasl.h"
#include "smtp/tls.h"
#include "smtp/way.h"

#define SLOW 3       /* octets */
#define ITERATIONS 4 /* of what SCRAM says, so that a login takes no time */
#define NUL_STANDS '\001'

/* What the linker calls instead of the system and GnuTLS. */
ssize_t __wrap_recv (int fd, void *octets, size_t size, int flags);
ssize_t __wrap_send (int fd, const void *octets, size_t length, int flags);
int __wrap_poll (struct pollfd *items, nfds_t count, int timeout);
int __real_gnutls_pbkdf2 (gnutls_mac_algorithm_t mac,
                          const gnutls_datum_t *key,
                          const gnutls_datum_t *salt, unsigned iterations,
                          void *output, size_t length);
int __wrap_gnutls_pbkdf2 (gnutls_mac_algorithm_t mac,
                          const gnutls_datum_t *key,
                          const gnutls_datum_t *salt, unsigned iterations,
                          void *output, size_t length);

struct Tls
{
  bool handshaken;
};

static struct
{
  WireManners manners;
  char **pieces;
  unsigned next; /* piece */
  GString *said; /* of the relay, not yet read by the client */
  bool asked;    /* the client has spoken since the last piece began */
  bool full;     /* the next write has to wait */
  bool secure;
  GString *heard[2]; /* in clear, secure */
  char *challenge;   /* server-first of SCRAM */
} wire;

/* The relay's part of SCRAM (RFC 5802) */

typedef struct
{
  char *first; /* client-first-bare */
  char *last;  /* client-final-without-proof */
  char *nonce;
  bool sha256;
} Scram;

static void
scram_clear (Scram *scram)
{
  g_free (scram->first);
  g_free (scram->last);
  g_free (scram->nonce);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Scram, scram_clear)

static char *
decode (const char *base64)
{
  size_t length;
  char *text = sasl_decode (base64, &length);

  return text != NULL ? text : g_strdup ("");
}

/* What the client said of it so far, all of it "" where it did not. */
static void
read_client (Scram *scram)
{
  const GString *heard = wire_heard ();
  const char *command =
      g_strrstr_len (heard->str, (gssize) heard->len, "AUTH SCRAM-SHA-");
  g_auto (GStrv) lines =
      g_strsplit (command != NULL ? command : "\r\n", "\r\n", -1);
  guint count = g_strv_length (lines) - 1;
  const char *blank = strrchr (lines[0], ' ');
  bool at_once = blank != NULL && strchr (lines[0], ' ') != blank;
  g_autofree char *first = decode (at_once     ? blank + 1
                                   : count > 1 ? lines[1]
                                               : "");
  g_autofree char *last = decode (lines[count > 0 ? count - 1 : 0]);
  const char *bare = strstr (first, ",n=");
  const char *nonce = strstr (first, ",r=");
  const char *proof = strstr (last, ",p=");

  scram->sha256 = strstr (lines[0], "-256") != NULL;
  scram->first = g_strdup (bare != NULL ? bare + 1 : "");
  scram->nonce = g_strdup (nonce != NULL ? nonce + strlen (",r=") : "");
  scram->last = g_strndup (last, proof != NULL ? (size_t) (proof - last) : 0);
}

static char *
make_proof (const Scram *scram)
{
  g_auto (GStrv) parts =
      g_strsplit (wire.challenge != NULL ? wire.challenge : "", ",", 4);
  g_autofree char *said =
      g_strjoin (",", scram->first, wire.challenge, scram->last, NULL);
  g_autofree guchar *salt = NULL;
  char salted[32], client_key[32], server_key[32], stored_key[32], proof[32];
  gsize salt_length;

  if (g_strv_length (parts) < 3 || strlen (parts[1]) < 2)
    return g_strdup ("");
  salt = g_base64_decode (parts[1] + 2, &salt_length);
  if (salt_length == 0
      || gsasl_scram_secrets_from_password (
             scram->sha256 ? GSASL_HASH_SHA256 : GSASL_HASH_SHA1,
             WIRE_PASSWORD, ITERATIONS, (char *) salt, salt_length, salted,
             client_key, server_key, stored_key)
             != GSASL_OK)
    return g_strdup ("");
  gnutls_hmac_fast (scram->sha256 ? GNUTLS_MAC_SHA256 : GNUTLS_MAC_SHA1,
                    server_key, scram->sha256 ? 32 : 20, said, strlen (said),
                    proof);
  return g_base64_encode ((guchar *) proof, scram->sha256 ? 32 : 20);
}

static char *
replace (const char *text, const char *what, const char *with)
{
  g_auto (GStrv) parts = g_strsplit (text, what, 3);

  return g_strjoinv (with, parts);
}

static void
append_challenge (GString *out, const char *text)
{
  g_auto (Scram) scram = { 0 };
  g_autofree char *with_nonce = NULL;
  g_autofree char *proof = NULL;
  g_autofree char *whole = NULL;
  g_autofree char *base64 = NULL;

  read_client (&scram);
  with_nonce = replace (text, "%", scram.nonce);
  if (strchr (text, '^') != NULL)
    proof = make_proof (&scram);
  whole = replace (with_nonce, "^", proof != NULL ? proof : "");
  if (g_str_has_prefix (whole, "r="))
    {
      g_free (wire.challenge);
      wire.challenge = g_strdup (whole);
    }
  base64 = g_base64_encode ((const guchar *) whole, strlen (whole));
  g_string_append (out, base64);
}

static void
append_piece (GString *out, const char *piece)
{
  const char *open, *close;

  while ((open = strchr (piece, '{')) != NULL
         && (close = strchr (open, '}')) != NULL)
    {
      g_autofree char *text = g_strndup (open + 1, close - open - 1);

      g_string_append_len (out, piece, open - piece);
      append_challenge (out, text);
      piece = close + 1;
    }
  g_string_append (out, piece);
  for (size_t i = 0; i < out->len; i++)
    if (out->str[i] == NUL_STANDS)
      out->str[i] = '\0';
}

/* The connection */

void
wire_begin (const char *text, size_t length, WireManners manners)
{
  g_autofree char *copy = g_strndup (text, length);

  wire.manners = manners;
  wire.pieces = g_strsplit (copy, "\f", -1);
  wire.next = 0;
  wire.said = g_string_new (NULL);
  wire.asked = true;
  wire.full = false;
  wire.secure = false;
  wire.heard[0] = g_string_new (NULL);
  wire.heard[1] = g_string_new (NULL);
}

void
wire_end (void)
{
  g_strfreev (wire.pieces);
  g_string_free (wire.said, TRUE);
  g_string_free (wire.heard[0], TRUE);
  g_string_free (wire.heard[1], TRUE);
  g_clear_pointer (&wire.challenge, g_free);
}

const GString *
wire_heard_clear (void)
{
  return wire.heard[0];
}

const GString *
wire_heard (void)
{
  return wire.heard[1];
}

int
wire_socket (void)
{
  int fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

  g_assert (fd >= 0);
  return fd;
}

/* Whether there is something to read, be it the end. */
static bool
is_readable (void)
{
  if (wire.said->len == 0 && wire.asked && wire.pieces[wire.next] != NULL)
    {
      append_piece (wire.said, wire.pieces[wire.next++]);
      wire.asked = false;
    }
  return wire.said->len > 0 || wire.pieces[wire.next] == NULL;
}

ssize_t
__wrap_recv (int fd, void *octets, size_t size, int flags)
{
  if (!is_readable ())
    {
      errno = EAGAIN;
      return -1;
    }
  size = MIN (size, wire.said->len);
  memcpy (octets, wire.said->str, size);
  if ((flags & MSG_PEEK) == 0)
    g_string_erase (wire.said, 0, (gssize) size);
  return (ssize_t) size;
}

ssize_t
__wrap_send (int fd, const void *octets, size_t length, int flags)
{
  if (wire.manners.slow && wire.full)
    {
      wire.full = false;
      errno = EAGAIN;
      return -1;
    }
  wire.full = true;
  wire.asked = true;
  if (wire.manners.slow)
    length = MIN (length, SLOW);
  g_string_append_len (wire.heard[wire.secure], octets, (gssize) length);
  return (ssize_t) length;
}

/* 0 where nothing can happen any more: the time is over at once. */
int
__wrap_poll (struct pollfd *items, nfds_t count, int timeout)
{
  g_assert (count == 1);
  items->revents = items->events & POLLOUT;
  if ((items->events & POLLIN) != 0 && is_readable ())
    items->revents |= POLLIN;
  return items->revents != 0;
}

int
__wrap_gnutls_pbkdf2 (gnutls_mac_algorithm_t mac, const gnutls_datum_t *key,
                      const gnutls_datum_t *salt, unsigned iterations,
                      void *output, size_t length)
{
  return __real_gnutls_pbkdf2 (mac, key, salt, ITERATIONS, output, length);
}

/* smtp/way.h and smtp/tls.h */

int
way_open (const Relay *relay, Child **tunnel, Deadline deadline,
          const Trace *trace, GError **error)
{
  *tunnel = NULL;
  return wire_socket ();
}

Tls *
tls_new (const Relay *relay, int fd, GError **error)
{
  return g_new0 (Tls, 1);
}

void
tls_free (Tls *tls)
{
  g_free (tls);
}

bool
tls_handshake (Tls *tls, short *events, GError **error)
{
  /* Octets that stood behind the reply to STARTTLS would have been found. */
  g_assert (wire.said->len == 0 || wire.heard[0]->len == 0);
  *events = 0;
  tls->handshaken = wire.secure = true;
  return true;
}

ssize_t
tls_read (Tls *tls, void *octets, size_t size, short *events, GError **error)
{
  ssize_t got = __wrap_recv (-1, octets, size, 0);

  g_assert (tls->handshaken);
  if (got < 0)
    *events = POLLIN;
  return got;
}

ssize_t
tls_write (Tls *tls, const void *octets, size_t length, short *events,
           GError **error)
{
  ssize_t sent = __wrap_send (-1, octets, length, 0);

  g_assert (tls->handshaken);
  if (sent < 0)
    *events = POLLOUT;
  return sent;
}

bool
tls_has_input (const Tls *tls)
{
  return false;
}

void
tls_goodbye (Tls *tls)
{
  g_assert (tls->handshaken);
}

void
tls_tell_certificate (const Tls *tls, const Trace *trace)
{
}

const char *
tls_description (const Tls *tls)
{
  return "none at all";
}

GBytes *
tls_channel_binding (const Tls *tls)
{
  return wire.manners.binding ? g_bytes_new_static ("0123456789", 10) : NULL;
}
