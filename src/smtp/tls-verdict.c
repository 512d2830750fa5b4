#include "smtp/tls-verdict.h"

#include <arpa/inet.h>
#include <string.h>

#include <glib/gi18n.h>

#include "base/failure.h"
#include "base/text.h"
#include "smtp/gnutls.h"
#include "smtp/tls-text.h"

#define NAMES_SHOWN 200 /* octets */

typedef struct
{
  unsigned bit; /* of gnutls_certificate_status_t */
  const char *reason;
  const char *advice;
} Verdict;

#define TELL N_ ("tell whoever runs the relay")

/* The first that applies is told: a name means nothing in a certificate that
 * nobody vouches for. */
static const Verdict verdicts[] = {
  { GNUTLS_CERT_REVOKED, N_ ("its certificate has been revoked"), TELL },
  { GNUTLS_CERT_SIGNER_NOT_FOUND,
    N_ ("no authority that is trusted here vouches for its certificate"),
    N_ ("if the relay is your own, name its authority's certificate in "
        "`trust-file'") },
  { GNUTLS_CERT_SIGNER_NOT_CA,
    N_ ("its certificate was issued by somebody who is no authority"), TELL },
  { GNUTLS_CERT_SIGNER_CONSTRAINTS_FAILURE,
    N_ ("its certificate was issued by an authority that may not do so for "
        "this name"),
    TELL },
  { GNUTLS_CERT_INSECURE_ALGORITHM,
    N_ ("its certificate has a key or a signature that is too weak"), TELL },
  { GNUTLS_CERT_SIGNATURE_FAILURE,
    N_ ("the signature of its certificate is wrong"), TELL },
  { GNUTLS_CERT_EXPIRED, N_ ("its certificate has expired"),
    N_ ("check the clock of this computer, then tell whoever runs the "
        "relay") },
  { GNUTLS_CERT_NOT_ACTIVATED, N_ ("its certificate is not valid yet"),
    N_ ("check the clock of this computer, then tell whoever runs the "
        "relay") },
  { GNUTLS_CERT_UNEXPECTED_OWNER, N_ ("its certificate is for another name"),
    N_ ("check `host'") },
  { GNUTLS_CERT_PURPOSE_MISMATCH,
    N_ ("its certificate is not meant for a server"), TELL },
  { GNUTLS_CERT_MISSING_OCSP_STATUS,
    N_ ("its certificate demands an OCSP response and none came with it"),
    TELL },
  { GNUTLS_CERT_INVALID_OCSP_STATUS,
    N_ ("the OCSP response that came with its certificate is not valid"),
    TELL },
  { GNUTLS_CERT_REVOCATION_DATA_SUPERSEDED
        | GNUTLS_CERT_REVOCATION_DATA_ISSUED_IN_FUTURE,
    N_ ("the OCSP response that came with its certificate is out of date"),
    N_ ("check the clock of this computer, then tell whoever runs the "
        "relay") },
  { ~0u, N_ ("its certificate is not valid"), TELL },
};

static const Verdict self_signed = {
  0, N_ ("its certificate is self-signed"),
  N_ ("if the relay is your own, name this certificate in `trust-file'")
};

static const Verdict common_name_only = {
  0, N_ ("its certificate has no subjectAltName, only a CN"), TELL
};

static const Verdict not_known = {
  0, N_ ("the OCSP response that came with its certificate does not know it"),
  TELL
};

static const Verdict not_pinned = {
  0, N_ ("its key is none of those that `pin' names"),
  N_ ("ask whoever runs the relay whether it has another key now")
};

static const Verdict weak_key = {
  0, N_ ("its certificate has a key or a signature that is too weak"), TELL
};

static gnutls_x509_crt_t
peer_certificate (gnutls_session_t session)
{
  unsigned count = 0;
  const gnutls_datum_t *chain = gnutls_certificate_get_peers (session, &count);
  gnutls_x509_crt_t certificate;

  if (chain == NULL || count == 0)
    return NULL;
  if (gnutls_x509_crt_init (&certificate) < 0)
    g_error ("out of memory");
  if (gnutls_x509_crt_import (certificate, &chain[0], GNUTLS_X509_FMT_DER)
      == GNUTLS_E_SUCCESS)
    return certificate;
  gnutls_x509_crt_deinit (certificate);
  return NULL;
}

static char *
fingerprint (gnutls_x509_crt_t certificate)
{
  unsigned char digest[32];
  size_t size = sizeof (digest);
  GString *text = g_string_new (NULL);

  if (gnutls_x509_crt_get_fingerprint (certificate, GNUTLS_DIG_SHA256, digest,
                                       &size)
      < 0)
    size = 0;
  for (size_t i = 0; i < size; i++)
    g_string_append_printf (text, "%s%02X", i > 0 ? ":" : "", digest[i]);
  return g_string_free (text, FALSE);
}

/* How many names of kind TYPE; host names are added to SHOWN (nullable). */
static unsigned
count_names (gnutls_x509_crt_t certificate, unsigned type, GString *shown)
{
  unsigned found = 0;

  for (unsigned i = 0;; i++)
    {
      char name[256];
      size_t size = sizeof (name);
      int result = gnutls_x509_crt_get_subject_alt_name (certificate, i, name,
                                                         &size, NULL);

      if (result < 0 && result != GNUTLS_E_SHORT_MEMORY_BUFFER)
        return found;
      found += result == (int) type;
      if (shown != NULL && result == GNUTLS_SAN_DNSNAME)
        {
          if (shown->len > 0)
            g_string_append (shown, ", ");
          g_string_append_len (shown, name, (gssize) size);
        }
    }
}

static char *
names_shown (gnutls_x509_crt_t certificate)
{
  g_autoptr (GString) names = g_string_new (NULL);
  g_autofree char *printable = NULL;

  (void) count_names (certificate, GNUTLS_SAN_DNSNAME, names);
  printable = text_printable (names->str, names->len, NAMES_SHOWN);
  return printable[0] != '\0' ? g_strdup_printf (" (%s)", printable)
                              : g_strdup ("");
}

static const Verdict *
find_verdict (gnutls_x509_crt_t certificate, unsigned status)
{
  const Verdict *verdict = verdicts;

  while ((verdict->bit & status) == 0)
    verdict++;
  if (verdict->bit == GNUTLS_CERT_SIGNER_NOT_FOUND
      && gnutls_x509_crt_check_issuer (certificate, certificate) == 1)
    return &self_signed;
  return verdict;
}

static bool
refuse (const Identity *identity, gnutls_x509_crt_t certificate,
        const Verdict *verdict, GError **error)
{
  g_autofree char *hash = fingerprint (certificate);
  g_autofree char *detail = NULL;

  if (verdict->bit == GNUTLS_CERT_UNEXPECTED_OWNER)
    detail = names_shown (certificate);
  if (verdict->bit == GNUTLS_CERT_EXPIRED
      || verdict->bit == GNUTLS_CERT_NOT_ACTIVATED)
    detail = tls_dates (gnutls_x509_crt_get_activation_time (certificate),
                        gnutls_x509_crt_get_expiration_time (certificate));
  g_set_error (error, FAILURE, FAILURE_CERTIFICATE,
               /* TRANSLATORS: host and port, what is wrong with the relay's
                  certificate, details in parentheses or nothing, fingerprint,
                  what to do. */
               _ ("%s: %s%s; SHA-256 fingerprint %s; %s"), identity->endpoint,
               _ (verdict->reason), detail != NULL ? detail : "", hash,
               _ (verdict->advice));
  return false;
}

/* The octets of an IP address, with a zone or without (RFC 4007 section 11); 0: TEXT is
   none. */
static unsigned
parse_address (const char *text, unsigned char *octets)
{
  g_autofree char *plain = g_strndup (text, strcspn (text, "%"));

  if (inet_pton (AF_INET6, plain, octets) == 1)
    return 16;
  return inet_pton (AF_INET, text, octets) == 1 ? 4 : 0;
}

bool
identity_init (Identity *identity, const Relay *relay, GError **error)
{
  *identity = (Identity){ .relay = relay,
                          .endpoint = relay_endpoint (relay),
                          .name = relay_dns_name (relay, error) };
  if (identity->name == NULL)
    return false;
  identity->address_size = parse_address (identity->name, identity->address);
  return true;
}

void
identity_clear (Identity *identity)
{
  g_free (identity->endpoint);
  g_free (identity->name);
}

/* What GnuTLS finds wrong (of gnutls_certificate_status_t), or below 0. */
static int
check_chain (const Identity *identity, gnutls_session_t session,
             unsigned *status)
{
  gnutls_typed_vdata_st expected[] = {
    { .type = GNUTLS_DT_DNS_HOSTNAME,
      .data = (unsigned char *) identity->name },
    { .type = GNUTLS_DT_KEY_PURPOSE_OID,
      .data = (unsigned char *) GNUTLS_KP_TLS_WWW_SERVER },
  };

  if (identity->address_size > 0)
    expected[0] = (gnutls_typed_vdata_st){
      .type = GNUTLS_DT_IP_ADDRESS,
      .data = (unsigned char *) identity->address,
      .size = identity->address_size,
    };
  return gnutls_certificate_verify_peers (session, expected,
                                          G_N_ELEMENTS (expected), status);
}

static bool
set_unreadable (const Identity *identity, int code, GError **error)
{
  g_autofree char *reason = tls_text (code);

  g_set_error (error, FAILURE, FAILURE_CERTIFICATE,
               _ ("%s: its certificate cannot be checked (%s); tell whoever "
                  "runs the relay"),
               identity->endpoint, reason);
  return false;
}

/* GnuTLS takes a CN for want of a subjectAltName; RFC 9525 section 2 forbids
 * that. */
static bool
check_subject_alt_name (const Identity *identity,
                        gnutls_x509_crt_t certificate, GError **error)
{
  unsigned type =
      identity->address_size > 0 ? GNUTLS_SAN_IPADDRESS : GNUTLS_SAN_DNSNAME;

  return count_names (certificate, type, NULL) > 0
         || refuse (identity, certificate, &common_name_only, error);
}

/* The value of RFC 7469 section 2.4; NULL: the certificate has no such key. */
static char *
pin_of_key (gnutls_pubkey_t key)
{
  unsigned char digest[32];
  gnutls_datum_t info;
  int result = gnutls_pubkey_export2 (key, GNUTLS_X509_FMT_DER, &info);

  if (result < 0)
    return NULL;
  result = gnutls_hash_fast (GNUTLS_DIG_SHA256, info.data, info.size, digest);
  gnutls_free (info.data);
  return result < 0 ? NULL : g_base64_encode (digest, sizeof (digest));
}

static const Verdict *
judge_key (const Identity *identity, gnutls_pubkey_t key)
{
  g_autofree char *pin = pin_of_key (key);
  unsigned bits = 0;
  int algorithm = gnutls_pubkey_get_pk_algorithm (key, &bits);

  const char *const *pins = (const char *const *) identity->relay->pins;

  if (pin == NULL || pins == NULL || !g_strv_contains (pins, pin))
    return &not_pinned;
  /* Whoever can compute such a key from the public one is pinned as well. */
  return algorithm < 0
                 || gnutls_pk_bits_to_sec_param (algorithm, bits)
                        < GNUTLS_SEC_PARAM_MEDIUM
             ? &weak_key
             : NULL;
}

static bool
check_pins (const Identity *identity, gnutls_x509_crt_t certificate,
            GError **error)
{
  gnutls_pubkey_t key;
  const Verdict *verdict;
  int result;

  if (gnutls_pubkey_init (&key) < 0)
    g_error ("out of memory");
  result = gnutls_pubkey_import_x509 (key, certificate, 0);
  verdict = result < 0 ? &not_pinned : judge_key (identity, key);
  gnutls_pubkey_deinit (key);
  return verdict == NULL || refuse (identity, certificate, verdict, error);
}

/* Whether RESPONSE says "unknown" of CERTIFICATE; GnuTLS takes that for an
 * answer. */
static bool
is_unknown (gnutls_ocsp_resp_const_t response, gnutls_x509_crt_t certificate)
{
  unsigned status = GNUTLS_OCSP_CERT_GOOD;

  for (unsigned i = 0;
       gnutls_ocsp_resp_get_single (response, i, NULL, NULL, NULL, NULL,
                                    &status, NULL, NULL, NULL, NULL)
       >= 0;
       i++)
    if (status == GNUTLS_OCSP_CERT_UNKNOWN
        && gnutls_ocsp_resp_check_crt (response, i, certificate) >= 0)
      return true;
  return false;
}

static bool
check_staple (const Identity *identity, gnutls_session_t session,
              gnutls_x509_crt_t certificate, GError **error)
{
  gnutls_datum_t octets;
  gnutls_ocsp_resp_t response;
  bool unknown;

  if (gnutls_ocsp_status_request_get (session, &octets) < 0)
    return true;
  if (gnutls_ocsp_resp_init (&response) < 0)
    g_error ("out of memory");
  unknown = gnutls_ocsp_resp_import (response, &octets) < 0
            || is_unknown (response, certificate);
  gnutls_ocsp_resp_deinit (response);
  return !unknown || refuse (identity, certificate, &not_known, error);
}

static bool
check_authority (Identity *identity, gnutls_session_t session,
                 gnutls_x509_crt_t certificate, GError **error)
{
  unsigned status;
  int result = check_chain (identity, session, &status);
  const Verdict *verdict;

  if (result < 0)
    return set_unreadable (identity, result, error);
  if (status != 0)
    {
      verdict = find_verdict (certificate, status);
      identity->strange = verdict == &self_signed
                          || verdict->bit == GNUTLS_CERT_SIGNER_NOT_FOUND;
      return refuse (identity, certificate, verdict, error);
    }
  return check_staple (identity, session, certificate, error)
         && check_subject_alt_name (identity, certificate, error);
}

bool
tls_verdict (Identity *identity, gnutls_session_t session, GError **error)
{
  const Relay *relay = identity->relay;
  gnutls_x509_crt_t certificate = peer_certificate (session);
  bool accepted;

  identity->strange = false;
  if (certificate == NULL)
    return set_unreadable (identity, GNUTLS_E_NO_CERTIFICATE_FOUND, error);
  accepted = relay_trusts_pins_alone (relay)
                 ? check_pins (identity, certificate, error)
                 : check_authority (identity, session, certificate, error)
                       && (relay->pins == NULL
                           || check_pins (identity, certificate, error));
  gnutls_x509_crt_deinit (certificate);
  return accepted;
}

/* The first host name that CERTIFICATE has, or "". */
static char *
first_name (gnutls_x509_crt_t certificate)
{
  g_autoptr (GString) names = g_string_new (NULL);

  (void) count_names (certificate, GNUTLS_SAN_DNSNAME, names);
  g_string_truncate (names, strcspn (names->str, ","));
  return text_printable (names->str, names->len, NAMES_SHOWN);
}

static char *
issuer_of (gnutls_x509_crt_t certificate)
{
  gnutls_datum_t name;
  char *text;

  if (gnutls_x509_crt_get_issuer_dn3 (certificate, &name, 0) < 0)
    return g_strdup ("");
  text = text_printable ((const char *) name.data, name.size, NAMES_SHOWN);
  gnutls_free (name.data);
  return text;
}

void
tls_verdict_tell (const Identity *identity, gnutls_session_t session,
                  const Trace *trace)
{
  gnutls_x509_crt_t certificate = peer_certificate (session);
  g_autofree char *name = NULL;
  g_autofree char *issuer = NULL;

  if (certificate == NULL)
    return;
  name = first_name (certificate);
  issuer = issuer_of (certificate);
  trace->certificate (
      trace->data,
      &(TraceCertificate){
          .name = name,
          .issuer = issuer,
          .from = gnutls_x509_crt_get_activation_time (certificate),
          .until = gnutls_x509_crt_get_expiration_time (certificate),
          .pinned = identity->relay->pins != NULL,
          .strange = identity->strange,
      });
  gnutls_x509_crt_deinit (certificate);
}
