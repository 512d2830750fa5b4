#include "smtp/tls.h"

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <gio/gio.h>
#include <glib/gi18n.h>

#include "base/failure.h"
#include "base/text.h"

/* Appended to the system's default, so that a stricter policy of the system
 * holds. Leaves TLS 1.3, and TLS 1.2 with ECDHE and AEAD (RFC 9325). */
#define PRIORITY                                                              \
  "-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-RSA:-DHE-RSA:-CIPHER-ALL:"            \
  "+AES-256-GCM:+CHACHA20-POLY1305:+AES-128-GCM:-MAC-ALL:+AEAD:"              \
  "-SIGN-RSA-SHA1:-SIGN-ECDSA-SHA1:%SAFE_RENEGOTIATION:%PROFILE_MEDIUM"

#define CREDENTIALS_KEPT 8
#define MESSAGES_MAXIMUM 64 /* handshake messages, tickets and KeyUpdates */
#define WARNINGS_MAXIMUM 8
#define NAMES_SHOWN 200 /* octets */

/* Reference-counted (g_rc_box): sessions use what the cache may drop. */
typedef struct
{
  char *files; /* what it was made of */
  gnutls_certificate_credentials_t handle;
} Credentials;

struct Tls
{
  gnutls_session_t session;
  Credentials *credentials;
  char *endpoint;
  TlsMode mode;
  char *name;
  GInetAddress *address;             /* NULL: name is a name */
  gnutls_typed_vdata_st expected[2]; /* GnuTLS keeps a pointer to it */
  unsigned messages, warnings;
  char *description;
};

/* GnuTLS ends some of its texts with a full stop. */
static char *
gnutls_text (int code)
{
  char *text = g_strdup (gnutls_strerror (code));

  if (g_str_has_suffix (text, "."))
    text[strlen (text) - 1] = '\0';
  return text;
}

/* Credentials */

static void
credentials_clear (Credentials *credentials)
{
  g_free (credentials->files);
  if (credentials->handle != NULL)
    gnutls_certificate_free_credentials (credentials->handle);
}

static void
credentials_release (Credentials *credentials)
{
  g_rc_box_release_full (credentials, (GDestroyNotify) credentials_clear);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Credentials, credentials_release)

/* Path, time and size of each file. */
static char *
identify_files (const Relay *relay)
{
  const char *const paths[] = { relay->trust_file, relay->crl_file,
                                relay->certificate, relay->key };
  GString *files = g_string_new (NULL);

  for (size_t i = 0; i < G_N_ELEMENTS (paths); i++)
    {
      struct stat status = { .st_size = -1 };

      if (paths[i] != NULL)
        {
          (void) stat (paths[i], &status);
          g_string_append_printf (files, "%s\t%lld.%09ld\t%lld", paths[i],
                                  (long long) status.st_mtim.tv_sec,
                                  status.st_mtim.tv_nsec,
                                  (long long) status.st_size);
        }
      g_string_append_c (files, '\n');
    }
  return g_string_free (files, FALSE);
}

static bool
load_system_trust (Credentials *credentials, GError **error)
{
  int count = gnutls_certificate_set_x509_system_trust (credentials->handle);

  if (count > 0)
    return true;
  g_set_error_literal (
      error, FAILURE, FAILURE_OS,
      _ ("this system has no certificates of authorities to trust; install "
         "the package ca-certificates, or set `trust-file'"));
  return false;
}

/* A file that is not there, or not for us, needs a person. Trouble of the disk or
   with descriptors does not: another time it can be read. */
static Failure
reading_failure (const GError *reading)
{
  static const int lasting[]
      = { G_FILE_ERROR_NOENT, G_FILE_ERROR_ACCES,  G_FILE_ERROR_PERM,
          G_FILE_ERROR_ISDIR, G_FILE_ERROR_NOTDIR, G_FILE_ERROR_LOOP,
          G_FILE_ERROR_NAMETOOLONG };

  for (size_t i = 0; i < G_N_ELEMENTS (lasting); i++)
    if (g_error_matches (reading, G_FILE_ERROR, lasting[i]))
      return FAILURE_CONFIG;
  return FAILURE_OS;
}

typedef int (*LoadPem) (gnutls_certificate_credentials_t handle,
                        const gnutls_datum_t *pem, gnutls_x509_crt_fmt_t type);

/* Adds what FILE holds by LOAD, which returns how much it found. */
static bool
load_pem (Credentials *credentials, const char *file, LoadPem load,
          GError **error)
{
  g_autofree char *pem = NULL;
  g_autoptr (GError) reading = NULL;
  size_t size;
  int count;

  if (!g_file_get_contents (file, &pem, &size, &reading))
    {
      g_set_error_literal (error, FAILURE, (int) reading_failure (reading),
                           reading->message);
      return false;
    }
  count = load (credentials->handle,
                &(gnutls_datum_t){ (unsigned char *) pem, (unsigned) size },
                GNUTLS_X509_FMT_PEM);
  if (count > 0)
    return true;
  g_set_error (error, FAILURE, FAILURE_CONFIG,
               load == gnutls_certificate_set_x509_trust_mem
                   ? _ ("%s: no certificate in PEM form was found")
                   : _ ("%s: no revocation list in PEM form was found"),
               file);
  return false;
}

static bool
load_client_certificate (Credentials *credentials, const Relay *relay,
                         GError **error)
{
  const char *key = relay->key != NULL ? relay->key : relay->certificate;
  g_autofree char *reason = NULL;
  struct stat status;
  int result;

  if (stat (key, &status) == 0 && (status.st_mode & S_IRWXO) != 0)
    {
      g_set_error (error, FAILURE, FAILURE_CONFIG,
                   _ ("other users have access to the private key %s; run "
                      "`chmod 600 %s'"),
                   key, key);
      return false;
    }
  result = gnutls_certificate_set_x509_key_file (
      credentials->handle, relay->certificate, key, GNUTLS_X509_FMT_PEM);
  if (result >= 0)
    return true;
  reason = gnutls_text (result);
  g_set_error (
      error, FAILURE, FAILURE_CONFIG,
      _ ("%s: cannot use this client certificate with the key %s: %s"),
      relay->certificate, key, reason);
  return false;
}

static Credentials *
credentials_load (const Relay *relay, GError **error)
{
  g_autoptr (Credentials) credentials = g_rc_box_new0 (Credentials);

  credentials->files = identify_files (relay);
  if (gnutls_certificate_allocate_credentials (&credentials->handle) < 0)
    g_error ("out of memory");
  if (relay->trust_file == NULL
          ? !load_system_trust (credentials, error)
          : !load_pem (credentials, relay->trust_file,
                       gnutls_certificate_set_x509_trust_mem, error))
    return NULL;
  if (relay->crl_file != NULL
      && !load_pem (credentials, relay->crl_file,
                    gnutls_certificate_set_x509_crl_mem, error))
    return NULL;
  if (relay->certificate != NULL
      && !load_client_certificate (credentials, relay, error))
    return NULL;
  return g_steal_pointer (&credentials);
}

static Credentials *
credentials_get (const Relay *relay, GError **error)
{
  static GPtrArray *cache;
  g_autofree char *files = identify_files (relay);
  Credentials *credentials;

  if (cache == NULL)
    cache =
        g_ptr_array_new_with_free_func ((GDestroyNotify) credentials_release);
  for (unsigned i = 0; i < cache->len; i++)
    {
      credentials = g_ptr_array_index (cache, i);
      if (strcmp (credentials->files, files) == 0)
        return g_rc_box_acquire (credentials);
    }
  credentials = credentials_load (relay, error);
  if (credentials == NULL)
    return NULL;
  if (cache->len == CREDENTIALS_KEPT)
    g_ptr_array_remove_index (cache, 0);
  g_ptr_array_add (cache, credentials);
  return g_rc_box_acquire (credentials);
}

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

/* Whom GnuTLS is to find in the certificate. */
static void
expect_identity (Tls *tls)
{
  tls->address = g_inet_address_new_from_string (tls->name);
  tls->expected[0] = (gnutls_typed_vdata_st){
    .type = GNUTLS_DT_DNS_HOSTNAME,
    .data = (unsigned char *) tls->name,
  };
  if (tls->address != NULL)
    tls->expected[0] = (gnutls_typed_vdata_st){
      .type = GNUTLS_DT_IP_ADDRESS,
      .data = (unsigned char *) g_inet_address_to_bytes (tls->address),
      .size = (unsigned) g_inet_address_get_native_size (tls->address),
    };
  tls->expected[1] = (gnutls_typed_vdata_st){
    .type = GNUTLS_DT_KEY_PURPOSE_OID,
    .data = (unsigned char *) GNUTLS_KP_TLS_WWW_SERVER,
  };
  gnutls_session_set_verify_cert2 (tls->session, tls->expected,
                                   G_N_ELEMENTS (tls->expected), 0);
}

static bool
set_policy (Tls *tls, GError **error)
{
  int result =
      gnutls_set_default_priority_append (tls->session, PRIORITY, NULL, 0);
  g_autofree char *reason = gnutls_text (result);

  if (result == GNUTLS_E_SUCCESS)
    return true;
  g_set_error (error, FAILURE, FAILURE_OS,
               _ ("the TLS policy of this system leaves nothing that is safe: "
                  "%s"),
               reason);
  return false;
}

Tls *
tls_new (const Relay *relay, int fd, GError **error)
{
  g_autoptr (Tls) tls = g_new0 (Tls, 1);

  tls->endpoint = relay_endpoint (relay);
  tls->mode = relay->tls;
  tls->name = relay_dns_name (relay, error);
  if (tls->name == NULL)
    return NULL;
  tls->credentials = credentials_get (relay, error);
  if (tls->credentials == NULL)
    return NULL;
  /* With GNUTLS_DEBUG_LEVEL it would print the keys of the session. */
  gnutls_global_set_log_level (0);
  if (gnutls_init (&tls->session, GNUTLS_CLIENT | GNUTLS_NONBLOCK
                                      | GNUTLS_NO_SIGNAL | GNUTLS_NO_TICKETS
                                      | GNUTLS_FORCE_CLIENT_CERT)
      < 0)
    g_error ("out of memory");
  if (!set_policy (tls, error))
    return NULL;
  gnutls_session_set_ptr (tls->session, tls);
  gnutls_credentials_set (tls->session, GNUTLS_CRD_CERTIFICATE,
                          tls->credentials->handle);
  gnutls_transport_set_int (tls->session, fd);
  gnutls_handshake_set_hook_function (tls->session, GNUTLS_HANDSHAKE_ANY,
                                      GNUTLS_HOOK_PRE, count_message);
  expect_identity (tls);
  /* An address is not a name to ask for (RFC 6066 section 3). */
  if (tls->address == NULL)
    gnutls_server_name_set (tls->session, GNUTLS_NAME_DNS, tls->name,
                            strlen (tls->name));
  return g_steal_pointer (&tls);
}

void
tls_free (Tls *tls)
{
  if (tls == NULL)
    return;
  if (tls->session != NULL)
    gnutls_deinit (tls->session);
  g_clear_pointer (&tls->credentials, credentials_release);
  g_clear_object (&tls->address);
  g_free (tls->endpoint);
  g_free (tls->name);
  g_free (tls->description);
  g_free (tls);
}

/* What the certificate is refused for */

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
    N_ ("the revocation list is out of date"),
    N_ ("renew the file that `crl-file' names") },
  { ~0u, N_ ("its certificate is not valid"), TELL },
};

static const Verdict self_signed = {
  0, N_ ("its certificate is self-signed"),
  N_ ("if the relay is your own, name this certificate in `trust-file'")
};

static const Verdict common_name_only = {
  0, N_ ("its certificate has no subjectAltName, only a CN"), TELL
};

static gnutls_x509_crt_t
peer_certificate (const Tls *tls)
{
  unsigned count = 0;
  const gnutls_datum_t *chain =
      gnutls_certificate_get_peers (tls->session, &count);
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

static char *
validity_shown (gnutls_x509_crt_t certificate)
{
  g_autoptr (GDateTime) from = g_date_time_new_from_unix_utc (
      gnutls_x509_crt_get_activation_time (certificate));
  g_autoptr (GDateTime) until = g_date_time_new_from_unix_utc (
      gnutls_x509_crt_get_expiration_time (certificate));
  g_autofree char *first = from ? g_date_time_format (from, "%F") : NULL;
  g_autofree char *last = until ? g_date_time_format (until, "%F") : NULL;

  return first && last ? g_strdup_printf (" (%s/%s)", first, last)
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

static void
set_refused (const Tls *tls, gnutls_x509_crt_t certificate,
             const Verdict *verdict, GError **error)
{
  g_autofree char *hash = fingerprint (certificate);
  g_autofree char *detail = NULL;

  if (verdict->bit == GNUTLS_CERT_UNEXPECTED_OWNER)
    detail = names_shown (certificate);
  if (verdict->bit == GNUTLS_CERT_EXPIRED
      || verdict->bit == GNUTLS_CERT_NOT_ACTIVATED)
    detail = validity_shown (certificate);
  g_set_error (error, FAILURE, FAILURE_CERTIFICATE,
               /* TRANSLATORS: host and port, what is wrong with the relay's
                  certificate, details in parentheses or nothing, fingerprint,
                  what to do. */
               _ ("%s: %s%s; SHA-256 fingerprint %s; %s"), tls->endpoint,
               _ (verdict->reason), detail != NULL ? detail : "", hash,
               _ (verdict->advice));
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
  { GNUTLS_E_REHANDSHAKE, FAILURE_PROTOCOL,
    N_ ("the relay asked for a TLS renegotiation") },
  { GNUTLS_E_WARNING_ALERT_RECEIVED, FAILURE_PROTOCOL, FLOOD },
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

  return recv (gnutls_transport_get_int (tls->session), &octet, 1,
               MSG_PEEK | MSG_DONTWAIT)
         == 0;
}

static void
set_trouble (const Tls *tls, int code, GError **error)
{
  const Trouble *trouble = find_trouble (code);
  g_autofree char *reason = gnutls_text (code);

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

/* True where the call that gave RESULT has to be repeated at once. */
static bool
is_passing (Tls *tls, int result, unsigned messages)
{
  return result == GNUTLS_E_INTERRUPTED
         || (result == GNUTLS_E_WARNING_ALERT_RECEIVED
             && ++tls->warnings <= WARNINGS_MAXIMUM)
         || (result == GNUTLS_E_AGAIN && tls->messages != messages);
}

static short
wanted_events (const Tls *tls)
{
  return gnutls_record_get_direction (tls->session) == 1 ? POLLOUT : POLLIN;
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

static void
set_no_tls (const Tls *tls, GError **error)
{
  g_set_error (error, FAILURE, FAILURE_PROTOCOL,
               tls->mode == TLS_IMPLICIT
                   ? _ ("%s: this port does not speak TLS from the start; "
                        "perhaps it wants `tls = starttls'")
                   : _ ("%s: the relay offered TLS and does not speak it"),
               tls->endpoint);
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
  if (result == GNUTLS_E_CERTIFICATE_VERIFICATION_ERROR)
    {
      gnutls_x509_crt_t certificate = peer_certificate (tls);
      unsigned status = gnutls_session_get_verify_cert_status (tls->session);

      if (certificate != NULL)
        {
          set_refused (tls, certificate, find_verdict (certificate, status),
                       error);
          gnutls_x509_crt_deinit (certificate);
          return;
        }
    }
  set_trouble (tls, result, &trouble);
  g_set_error (error, FAILURE, trouble->code, "%s: %s", tls->endpoint,
               trouble->message);
}

/* GnuTLS takes a CN for want of a subjectAltName; RFC 9525 section 2 forbids
 * that. */
static bool
check_subject_alt_name (const Tls *tls, GError **error)
{
  unsigned type =
      tls->address != NULL ? GNUTLS_SAN_IPADDRESS : GNUTLS_SAN_DNSNAME;
  gnutls_x509_crt_t certificate = peer_certificate (tls);
  bool found;

  g_assert (certificate != NULL);
  found = count_names (certificate, type, NULL) > 0;
  if (!found)
    set_refused (tls, certificate, &common_name_only, error);
  gnutls_x509_crt_deinit (certificate);
  return found;
}

bool
tls_handshake (Tls *tls, short *events, GError **error)
{
  unsigned messages;
  int result;

  *events = 0;
  do
    {
      messages = tls->messages;
      result = gnutls_handshake (tls->session);
    }
  while (is_passing (tls, result, messages));
  if (result == GNUTLS_E_AGAIN)
    {
      *events = wanted_events (tls);
      return false;
    }
  if (result != GNUTLS_E_SUCCESS)
    {
      set_handshake_failure (tls, result, error);
      return false;
    }
  if (!check_subject_alt_name (tls, error))
    return false;
  tls->description = g_strdup_printf (
      "%s %s",
      gnutls_protocol_get_name (gnutls_protocol_get_version (tls->session)),
      gnutls_ciphersuite_get (tls->session));
  return true;
}

ssize_t
tls_read (Tls *tls, void *octets, size_t size, short *events, GError **error)
{
  unsigned messages;
  ssize_t got;

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

ssize_t
tls_write (Tls *tls, const void *octets, size_t length, short *events,
           GError **error)
{
  ssize_t sent;

  do
    sent = gnutls_record_send (tls->session, octets, length);
  while (sent == GNUTLS_E_INTERRUPTED);
  if (sent >= 0)
    return sent;
  if (sent == GNUTLS_E_AGAIN)
    *events = wanted_events (tls);
  else
    set_trouble (tls, (int) sent, error);
  return -1;
}

void
tls_goodbye (Tls *tls)
{
  (void) gnutls_bye (tls->session, GNUTLS_SHUT_WR);
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
