#include "smtp/sasl-scram.h"

#include <string.h>

#include <glib/gi18n.h>

#include "base/failure.h"
#include "smtp/gnutls.h"
#include "smtp/gsasl.h"

#define DIGEST_MAXIMUM 32

struct Scram
{
  Gsasl *library;
  Gsasl_session *session;
  const char *mechanism;
  gnutls_mac_algorithm_t mac;
  const Secret *password; /* borrowed */
  Secret *first;          /* client-first, made in advance */
  char *nonce;            /* ours */
  int round;
};

static bool
protocol_error (GError **error, const char *text)
{
  g_set_error_literal (error, FAILURE, FAILURE_PROTOCOL, text);
  return false;
}

/* What GNU SASL was told, it keeps; it frees without wiping. */
static void
wipe_properties (Gsasl_session *session)
{
  const char *salted =
      session == NULL
          ? NULL
          : gsasl_property_fast (session, GSASL_SCRAM_SALTED_PASSWORD);

  if (salted != NULL)
    explicit_bzero ((char *)salted, strlen (salted));
}

static void
end_session (Scram *scram)
{
  wipe_properties (scram->session);
  g_clear_pointer (&scram->session, gsasl_finish);
}

void
scram_free (Scram *scram)
{
  if (scram == NULL)
    return;
  end_session (scram);
  g_clear_pointer (&scram->library, gsasl_done);
  secret_free (scram->first);
  g_free (scram->nonce);
  g_free (scram);
}

/* One step of GNU SASL; what it allocated is wiped. */
static int
gsasl_step_secret (Scram *scram, const char *in, size_t length, Secret **out)
{
  char *octets = NULL;
  size_t octets_length = 0;
  int code = gsasl_step (scram->session, in, length, &octets, &octets_length);

  *out = NULL;
  if (code == GSASL_OK || code == GSASL_NEEDS_MORE)
    *out = secret_new (octets, octets_length);
  if (octets != NULL)
    {
      explicit_bzero (octets, octets_length);
      gsasl_free (octets);
    }
  return code;
}

static int
begin_session (Scram *scram, const char *user, GBytes *binding)
{
  int code =
      gsasl_client_start (scram->library, scram->mechanism, &scram->session);

  if (code != GSASL_OK)
    return code;
  gsasl_property_set (scram->session, GSASL_AUTHID, user);
  if (binding != NULL)
    {
      gsize size;
      const guchar *data = g_bytes_get_data (binding, &size);
      g_autofree char *text = g_base64_encode (data, size);

      gsasl_property_set (scram->session, GSASL_CB_TLS_EXPORTER, text);
    }
  return gsasl_step_secret (scram, NULL, 0, &scram->first);
}

static char *
client_nonce (const Secret *first)
{
  const char *text = secret_octets (first);
  const char *found =
      g_strstr_len (text, (gssize)secret_length (first), ",r=");

  return found == NULL ? NULL : g_strdup (found + strlen (",r="));
}

Scram *
scram_new (const char *mechanism, const char *user, const Secret *password,
           GBytes *binding, GError **error)
{
  g_autoptr (Scram) scram = NULL;
  int code;

  if (!library_load (&gsasl_library, error))
    return NULL;
  scram = g_new0 (Scram, 1);
  scram->mechanism = mechanism;
  scram->password = password;
  scram->mac = g_str_has_prefix (mechanism, "SCRAM-SHA-256")
                   ? GNUTLS_MAC_SHA256
                   : GNUTLS_MAC_SHA1;
  code = gsasl_init (&scram->library);
  if (code == GSASL_OK)
    code = begin_session (scram, user, binding);
  /* GNU SASL 2.2.0 takes its own "I could have bound" for a mistake. */
  if (code == GSASL_AUTHENTICATION_ERROR && binding != NULL
      && !g_str_has_suffix (mechanism, "-PLUS"))
    {
      end_session (scram);
      code = begin_session (scram, user, NULL);
    }
  if (code == GSASL_NEEDS_MORE)
    scram->nonce = client_nonce (scram->first);
  if (scram->nonce == NULL || *scram->nonce == '\0')
    {
      g_set_error (error, FAILURE, FAILURE_CONFIG,
                   /* TRANSLATORS: a mechanism, a user, what is wrong. */
                   _ ("%s cannot log in as `%s': %s"), mechanism, user,
                   gsasl_strerror (code));
      return NULL;
    }
  return g_steal_pointer (&scram);
}

static bool
is_ascii (const Secret *secret)
{
  for (size_t i = 0; i < secret_length (secret); i++)
    if ((unsigned char)secret_octets (secret)[i] > 127)
      return false;
  return true;
}

Secret *
scram_prepare (const Secret *password)
{
  char *prepared = NULL;
  Secret *result;

  /* Nothing changes in ASCII; so no copy is made outside of a Secret. */
  if (is_ascii (password)
      || gsasl_saslprep (secret_octets (password), GSASL_ALLOW_UNASSIGNED,
                         &prepared, NULL)
             != GSASL_OK
      || *prepared == '\0')
    result = secret_new (secret_octets (password), secret_length (password));
  else
    result = secret_new (prepared, strlen (prepared));
  if (prepared != NULL)
    {
      explicit_bzero (prepared, strlen (prepared));
      gsasl_free (prepared);
    }
  return result;
}

static Secret *
to_hex (const unsigned char *octets, size_t length)
{
  static const char digits[] = "0123456789abcdef";
  Secret *hex = secret_new_empty (2 * length);
  char *out = secret_buffer (hex);

  for (size_t i = 0; i < length; i++)
    {
      *out++ = digits[octets[i] >> 4];
      *out++ = digits[octets[i] & 15];
    }
  secret_set_length (hex, 2 * length);
  return hex;
}

/* SaltedPassword of RFC 5802 section 3, so that GNU SASL need not see the
   password. */
static bool
salt_password (Scram *scram, const char *salt64, unsigned iterations,
               GError **error)
{
  size_t size = gnutls_hmac_get_len (scram->mac);
  gsize salt_size;
  g_autofree guchar *salt = g_base64_decode (salt64, &salt_size);
  g_autoptr (Secret) prepared = scram_prepare (scram->password);
  g_autoptr (Secret) salted = secret_new_empty (DIGEST_MAXIMUM);
  g_autoptr (Secret) hex = NULL;
  gnutls_datum_t key = { (unsigned char *)secret_octets (prepared),
                         (unsigned)secret_length (prepared) };
  gnutls_datum_t salt_datum = { salt, (unsigned)salt_size };
  int code;

  if (salt_size == 0)
    return protocol_error (error, _ ("the relay sent no salt for SCRAM"));
  code = gnutls_pbkdf2 (scram->mac, &key, &salt_datum, iterations,
                        secret_buffer (salted), size);
  if (code < 0)
    {
      g_set_error (error, FAILURE, FAILURE_OS,
                   _ ("cannot compute the SCRAM answer: %s"),
                   gnutls_strerror (code));
      return false;
    }
  hex = to_hex (secret_buffer (salted), size);
  gsasl_property_set (scram->session, GSASL_SCRAM_SALTED_PASSWORD,
                      secret_octets (hex));
  return true;
}

/* server-first: "r=" nonce ",s=" salt ",i=" count, and extensions that need
   not be understood. Anything before "r=" would be one that must be ("m="). */
static bool
check_server_first (Scram *scram, const char *challenge, GError **error)
{
  g_auto (GStrv) parts = g_strsplit (challenge, ",", 4);
  guint64 iterations;

  if (g_strv_length (parts) < 3 || !g_str_has_prefix (parts[0], "r=")
      || !g_str_has_prefix (parts[1], "s=")
      || !g_str_has_prefix (parts[2], "i="))
    return protocol_error (error,
                           _ ("the relay sent a malformed SCRAM challenge"));
  /* One who repeats our nonce adds nothing of his own. */
  if (!g_str_has_prefix (parts[0] + 2, scram->nonce)
      || strlen (parts[0] + 2) == strlen (scram->nonce))
    return protocol_error (
        error, _ ("the relay's SCRAM challenge does not belong to our login"));
  /* Few iterations let an eavesdropper guess, many let the relay burn our
     time. */
  if (!g_ascii_string_to_unsigned (parts[2] + 2, 10, SCRAM_ITERATIONS_MINIMUM,
                                   SCRAM_ITERATIONS_MAXIMUM, &iterations,
                                   NULL))
    {
      g_set_error (error, FAILURE, FAILURE_PROTOCOL,
                   _ ("the relay asks for a SCRAM iteration count outside of "
                      "%d to %d"),
                   SCRAM_ITERATIONS_MINIMUM, SCRAM_ITERATIONS_MAXIMUM);
      return false;
    }
  return salt_password (scram, parts[1] + 2, (unsigned)iterations, error);
}

/* A relay may name its reason where the proof should be (RFC 5802 section 7).
 */
static bool
check_server_final (const char *challenge, GError **error)
{
  if (!g_str_has_prefix (challenge, "e="))
    return true;
  if (g_str_equal (challenge, "e=invalid-proof")
      || g_str_equal (challenge, "e=unknown-user"))
    g_set_error (error, FAILURE, FAILURE_CREDENTIAL,
                 _ ("the relay refused the login: %s"), challenge + 2);
  else
    protocol_error (error, _ ("the relay broke off the SCRAM login"));
  return false;
}

Secret *
scram_step (Scram *scram, const char *challenge, size_t length, GError **error)
{
  int round = scram->round++;
  Secret *answer;
  int code;

  if (round == 0)
    return g_steal_pointer (&scram->first);
  if (memchr (challenge, '\0', length) != NULL)
    {
      protocol_error (error, _ ("the relay sent a malformed SCRAM challenge"));
      return NULL;
    }
  if (round == 1 ? !check_server_first (scram, challenge, error)
                 : !check_server_final (challenge, error))
    return NULL;
  code = gsasl_step_secret (scram, challenge, length, &answer);
  if (code == (round == 1 ? GSASL_NEEDS_MORE : GSASL_OK))
    return answer;
  secret_free (answer);
  protocol_error (
      error, round == 1
                 ? _ ("the relay sent a malformed SCRAM challenge")
                 : _ ("the relay did not prove that it knows the password"));
  return NULL;
}
