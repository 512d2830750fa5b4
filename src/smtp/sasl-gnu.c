#include "smtp/sasl-gnu.h"

#include <stdint.h>
#include <string.h>

#include <glib/gi18n.h>

#include "base/failure.h"
#include "smtp/gsasl.h"

struct GnuSasl
{
  Gsasl *library;
  Gsasl_session *session;
  const char *mechanism;
  char *host;
  int round; /* answers given */
  bool finished;
};

static void
wipe_property (Gsasl_session *session, Gsasl_property property)
{
  const char *value = gsasl_property_fast (session, property);

  if (value != NULL)
    explicit_bzero ((char *) value, strlen (value));
}

void
gnu_sasl_free (GnuSasl *sasl)
{
  if (sasl == NULL)
    return;
  if (sasl->session != NULL)
    wipe_property (sasl->session, GSASL_PASSWORD);
  g_clear_pointer (&sasl->session, gsasl_finish);
  g_clear_pointer (&sasl->library, gsasl_done);
  g_free (sasl->host);
  g_free (sasl);
}

static void
set_properties (GnuSasl *sasl, const char *user, const Secret *password)
{
  /* RFC 4954 section 4: the service of a submission is "smtp" as well. */
  gsasl_property_set (sasl->session, GSASL_SERVICE, "smtp");
  gsasl_property_set (sasl->session, GSASL_HOSTNAME, sasl->host);
  gsasl_property_set (sasl->session, GSASL_QOP, "qop-auth");
  if (user != NULL)
    gsasl_property_set (sasl->session, GSASL_AUTHID, user);
  if (password != NULL)
    gsasl_property_set (sasl->session, GSASL_PASSWORD,
                        secret_octets (password));
}

GnuSasl *
gnu_sasl_new (const char *mechanism, const char *host, const char *user,
              const Secret *password, GError **error)
{
  g_autoptr (GnuSasl) sasl = NULL;
  int code;

  if (!library_load (&gsasl_library, error))
    return NULL;
  sasl = g_new0 (GnuSasl, 1);
  code = gsasl_init (&sasl->library);
  sasl->mechanism = mechanism;
  sasl->host = g_strdup (host);
  if (code == GSASL_OK)
    code = gsasl_client_start (sasl->library, mechanism, &sasl->session);
  if (code != GSASL_OK)
    {
      g_set_error (error, FAILURE, FAILURE_CONFIG,
                   _ ("the GNU SASL of this system cannot log in by %s: %s"),
                   mechanism, gsasl_strerror (code));
      return NULL;
    }
  set_properties (sasl, user, password);
  return g_steal_pointer (&sasl);
}

static void
explain (const GnuSasl *sasl, int code, GError **error)
{
  switch (code)
    {
    case GSASL_SASLPREP_ERROR:
    case GSASL_CRYPTO_ERROR:
      g_set_error (error, FAILURE, FAILURE_CREDENTIAL,
                   /* TRANSLATORS: a mechanism, and what is wrong. */
                   _ ("%s cannot log in with this user and password: %s"),
                   sasl->mechanism, gsasl_strerror (code));
      break;
    case GSASL_GSSAPI_IMPORT_NAME_ERROR:
    case GSASL_GSSAPI_INIT_SEC_CONTEXT_ERROR:
      if (sasl->round == 0)
        {
          g_set_error (error, FAILURE, FAILURE_TEMPORARY,
                       _ ("there is no Kerberos ticket that is good for "
                          "smtp/%s: klist shows those that you have, and kinit "
                          "gets one"),
                       sasl->host);
          break;
        }
      G_GNUC_FALLTHROUGH;
    case GSASL_AUTHENTICATION_ERROR:
      g_set_error (error, FAILURE, FAILURE_PROTOCOL,
                   _ ("the relay did not prove by %s that it is the one that "
                      "knows this login"),
                   sasl->mechanism);
      break;
    default:
      g_set_error (error, FAILURE, FAILURE_PROTOCOL,
                   _ ("the relay sent a malformed %s challenge"),
                   sasl->mechanism);
    }
}

static uint32_t
little_endian (const char *octets, size_t count)
{
  uint32_t value = 0;

  for (size_t i = count; i-- > 0;)
    value = value << 8 | (unsigned char) octets[i];
  return value;
}

/* The fixed part of a challenge, and its target name within it: the library looks
   at neither. */
static bool
is_ntlm_challenge (const char *challenge, size_t length)
{
  static const char head[] = "NTLMSSP\0\2\0\0";

  return length >= 32 && memcmp (challenge, head, sizeof head) == 0
         && (uint64_t) little_endian (challenge + 12, 2)
                    + little_endian (challenge + 16, 4)
                <= length;
}

/* What the library would answer, and should not. */
static bool
is_sound (const GnuSasl *sasl, const char *challenge, size_t length)
{
  if (strcmp (sasl->mechanism, "GSSAPI") == 0)
    return true;
  if (strcmp (sasl->mechanism, "NTLM") == 0)
    return sasl->round == 0 || is_ntlm_challenge (challenge, length);
  return length > 0;
}

Secret *
gnu_sasl_step (GnuSasl *sasl, const char *challenge, size_t length,
               GError **error)
{
  char *octets = NULL;
  size_t octets_length = 0;
  int code = is_sound (sasl, challenge, length)
                 ? gsasl_step (sasl->session, challenge, length, &octets,
                               &octets_length)
                 : GSASL_MECHANISM_PARSE_ERROR;
  Secret *answer = NULL;

  if (code != GSASL_OK && code != GSASL_NEEDS_MORE)
    explain (sasl, code, error);
  else if (octets_length > SECRET_MAXIMUM)
    explain (sasl, GSASL_MECHANISM_PARSE_ERROR, error);
  else
    answer = secret_new (octets, octets_length);
  if (octets != NULL)
    {
      explicit_bzero (octets, octets_length);
      gsasl_free (octets);
    }
  sasl->round++;
  sasl->finished = code == GSASL_OK && answer != NULL;
  return answer;
}

bool
gnu_sasl_finished (const GnuSasl *sasl)
{
  return sasl->finished;
}
