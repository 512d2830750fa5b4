#include "smtp/tls-credentials.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include <glib/gi18n.h>

#include "base/failure.h"
#include "base/trusted.h"
#include "smtp/gnutls.h"
#include "smtp/tls-anchors.h"
#include "smtp/tls-text.h"
#include "smtp/token.h"

#define KEPT 8
#define FILE_MAXIMUM (16 * 1024 * 1024) /* revocation lists grow large */
#define BUNDLE_MAXIMUM (4 * 1024 * 1024)

/* Reference-counted (g_rc_box): sessions use what the cache may drop. */
struct TlsCredentials
{
  char *files; /* what it was made of */
  gnutls_certificate_credentials_t handle;
  Anchors *system; /* which handle may lack; NULL: it lacks none */
  time_t lists_from, lists_until; /* when all revocation lists are valid */
};

static void
credentials_clear (TlsCredentials *credentials)
{
  g_free (credentials->files);
  g_clear_pointer (&credentials->system, anchors_free);
  if (credentials->handle != NULL)
    gnutls_certificate_free_credentials (credentials->handle);
}

void
tls_credentials_release (TlsCredentials *credentials)
{
  g_rc_box_release_full (credentials, (GDestroyNotify) credentials_clear);
}

/* Path, time and size of each file; what is on a token is good until that
 * fails. */
static char *
identify_files (const Relay *relay)
{
  const char *const paths[] = { relay->trust_file, relay->crl_file,
                                relay->certificate, relay->key };
  GString *files = g_string_new (NULL);

  for (size_t i = 0; i < G_N_ELEMENTS (paths); i++)
    {
      struct stat status = { .st_size = -1 };

      if (token_is_uri (paths[i]))
        g_string_append_printf (files, "%s\t%u", paths[i], token_failures ());
      else if (paths[i] != NULL)
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
load_system_trust (TlsCredentials *credentials, GError **error)
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

/* Nobody but this user and root may have had a hand in what says whom to
   trust. OCTETS, which belong to the result, are what is in it. */
static GBytes *
read_file (const char *file, gnutls_datum_t *octets, GError **error)
{
  GBytes *bytes
      = trusted_read (file, FILE_MAXIMUM, FAILURE_OS, NULL, error);
  gsize size;

  if (bytes == NULL)
    return NULL;
  octets->data = (unsigned char *) g_bytes_get_data (bytes, &size);
  octets->size = (unsigned) size;
  return bytes;
}

/* The file that GnuTLS would read, with none of it parsed. NULL: it has to read that
   itself. */
static Anchors *
read_system_trust (void)
{
  g_autoptr (GBytes) bytes
      = TRUST_BUNDLE[0] == '\0'
            ? NULL
            : trusted_read (TRUST_BUNDLE, BUNDLE_MAXIMUM, FAILURE_OS, NULL,
                            NULL);
  gnutls_datum_t pem;
  gsize size;

  if (bytes == NULL)
    return NULL;
  pem.data = (unsigned char *) g_bytes_get_data (bytes, &size);
  pem.size = (unsigned) size;
  return anchors_new (&pem);
}

static bool
load_trust_file (TlsCredentials *credentials, const char *file, GError **error)
{
  gnutls_datum_t pem;
  g_autoptr (GBytes) bytes = read_file (file, &pem, error);

  if (bytes == NULL)
    return false;
  if (gnutls_certificate_set_x509_trust_mem (credentials->handle, &pem,
                                             GNUTLS_X509_FMT_PEM)
      > 0)
    return true;
  g_set_error (error, FAILURE, FAILURE_CONFIG,
               _ ("%s: no certificate in PEM form was found"), file);
  return false;
}

/* Takes LISTS. GnuTLS has copies, and says nothing of those out of date. */
static bool
add_lists (TlsCredentials *credentials, gnutls_x509_crl_t *lists,
           unsigned count)
{
  int result = gnutls_certificate_set_x509_crl (credentials->handle, lists,
                                                (int) count);

  for (unsigned i = 0; i < count; i++)
    {
      time_t until = gnutls_x509_crl_get_next_update (lists[i]);

      credentials->lists_from = MAX (
          credentials->lists_from, gnutls_x509_crl_get_this_update (lists[i]));
      if (until != (time_t) -1)
        credentials->lists_until = MIN (credentials->lists_until, until);
      gnutls_x509_crl_deinit (lists[i]);
    }
  gnutls_free (lists);
  return result > 0;
}

static bool
load_lists (TlsCredentials *credentials, const char *file, GError **error)
{
  gnutls_datum_t pem;
  g_autoptr (GBytes) bytes = read_file (file, &pem, error);
  gnutls_x509_crl_t *lists;
  unsigned count = 0;

  if (bytes == NULL)
    return false;
  credentials->lists_until = G_MAXINT64;
  if (gnutls_x509_crl_list_import2 (&lists, &count, &pem, GNUTLS_X509_FMT_PEM,
                                    0)
          >= 0
      && add_lists (credentials, lists, count))
    return true;
  g_set_error (error, FAILURE, FAILURE_CONFIG,
               _ ("%s: no revocation list in PEM form was found"), file);
  return false;
}

static bool
load_certificates (const Relay *relay, gnutls_x509_crt_t **certificates,
                   unsigned *count, GError **error)
{
  const char *file = relay->certificate;
  g_autoptr (GBytes) bytes = NULL;
  g_autofree char *reason = NULL;
  gnutls_datum_t pem;
  int result;

  if (token_is_uri (file))
    return token_certificates (file, relay->timeouts.connect, certificates,
                               count, error);
  bytes = read_file (file, &pem, error);
  if (bytes == NULL)
    return false;
  result = gnutls_x509_crt_list_import2 (certificates, count, &pem,
                                         GNUTLS_X509_FMT_PEM, 0);
  if (result >= 0)
    return true;
  reason = tls_text (result);
  g_set_error (error, FAILURE, FAILURE_CONFIG,
               _ ("%s: no client certificate in PEM form was found: %s"), file,
               reason);
  return false;
}

/* Others may not even read it; its group may. */
static gnutls_privkey_t
load_key_file (const char *file, GError **error)
{
  g_autofree char *target = realpath (file, NULL);
  g_autoptr (Secret) pem = NULL;
  g_autofree char *reason = NULL;
  gnutls_privkey_t key;
  int result;

  pem = trusted_read_secret (AT_FDCWD, target != NULL ? target : file, file,
                             S_IRWXO, error);
  if (pem == NULL)
    return NULL;
  if (gnutls_privkey_init (&key) < 0)
    g_error ("out of memory");
  result = gnutls_privkey_import_x509_raw (
      key,
      &(gnutls_datum_t){ (unsigned char *) secret_octets (pem),
                         (unsigned) secret_length (pem) },
      GNUTLS_X509_FMT_PEM, NULL, 0);
  if (result >= 0)
    return key;
  gnutls_privkey_deinit (key);
  reason = tls_text (result);
  g_set_error (error, FAILURE, FAILURE_CONFIG,
               _ ("%s: no private key in PEM form that needs no password was "
                  "found: %s"),
               file, reason);
  return NULL;
}

/* Takes KEY. */
static bool
set_client_certificate (TlsCredentials *credentials, const Relay *relay,
                        gnutls_x509_crt_t *certificates, unsigned count,
                        gnutls_privkey_t key, GError **error)
{
  g_autofree gnutls_pcert_st *chain = g_new0 (gnutls_pcert_st, count);
  g_autofree char *reason = NULL;
  int result = gnutls_pcert_import_x509_list (chain, certificates, &count, 0);

  if (result >= 0)
    result = gnutls_certificate_set_key (credentials->handle, NULL, 0, chain,
                                         (int) count, key);
  if (result >= 0)
    return true;
  gnutls_privkey_deinit (key);
  reason = tls_text (result);
  g_set_error (
      error, FAILURE, FAILURE_CONFIG,
      _ ("%s: cannot use this client certificate with the key %s: %s"),
      relay->certificate, relay->key, reason);
  return false;
}

static bool
load_client_certificate (TlsCredentials *credentials, const Relay *relay,
                         bool attended, GError **error)
{
  gnutls_x509_crt_t *certificates;
  gnutls_privkey_t key;
  unsigned count;
  bool loaded;

  if (!load_certificates (relay, &certificates, &count, error))
    return false;
  key = token_is_uri (relay->key)
            ? token_key (relay->key, attended, relay->timeouts.connect, error)
            : load_key_file (relay->key, error);
  loaded = key != NULL
           && set_client_certificate (credentials, relay, certificates, count,
                                      key, error);
  for (unsigned i = 0; i < count; i++)
    gnutls_x509_crt_deinit (certificates[i]);
  gnutls_free (certificates);
  return loaded;
}

static bool
load_trust (TlsCredentials *credentials, const Relay *relay, GError **error)
{
  if (relay_trusts_pins_alone (relay))
    return true;
  if (relay->trust_file == NULL)
    {
      credentials->system = read_system_trust ();
      return credentials->system != NULL
             || load_system_trust (credentials, error);
    }
  return load_trust_file (credentials, relay->trust_file, error);
}

static TlsCredentials *
credentials_load (const Relay *relay, bool attended, GError **error)
{
  g_autoptr (TlsCredentials) credentials = g_rc_box_new0 (TlsCredentials);

  credentials->files = identify_files (relay);
  if (gnutls_certificate_allocate_credentials (&credentials->handle) < 0)
    g_error ("out of memory");
  if (!load_trust (credentials, relay, error))
    return NULL;
  if (relay->crl_file != NULL
      && !load_lists (credentials, relay->crl_file, error))
    return NULL;
  if (relay->certificate != NULL
      && !load_client_certificate (credentials, relay, attended, error))
    return NULL;
  return g_steal_pointer (&credentials);
}

static TlsCredentials *
find_or_load (const Relay *relay, bool attended, GError **error)
{
  static GPtrArray *cache;
  g_autofree char *files = identify_files (relay);
  TlsCredentials *credentials;

  if (cache == NULL)
    cache = g_ptr_array_new_with_free_func (
        (GDestroyNotify) tls_credentials_release);
  for (unsigned i = 0; i < cache->len; i++)
    {
      credentials = g_ptr_array_index (cache, i);
      if (strcmp (credentials->files, files) == 0)
        return g_rc_box_acquire (credentials);
    }
  credentials = credentials_load (relay, attended, error);
  if (credentials == NULL)
    return NULL;
  if (cache->len == KEPT)
    g_ptr_array_remove_index (cache, 0);
  g_ptr_array_add (cache, credentials);
  return g_rc_box_acquire (credentials);
}

/* A list out of date does not say that nothing has been revoked since. */
static bool
check_lists (const TlsCredentials *credentials, const Relay *relay,
             GError **error)
{
  time_t now = time (NULL);
  g_autofree char *dates = NULL;

  if (relay->crl_file == NULL
      || (credentials->lists_from <= now && now < credentials->lists_until))
    return true;
  dates = tls_dates (credentials->lists_from, credentials->lists_until);
  g_set_error (error, FAILURE, FAILURE_CERTIFICATE,
               /* TRANSLATORS: a file, and the dates in parentheses. */
               _ ("%s: this revocation list is not valid now%s; renew it, or "
                  "check the clock of this computer"),
               relay->crl_file, dates);
  return false;
}

TlsCredentials *
tls_credentials_get (const Relay *relay, GError **error)
{
  g_autoptr (TlsCredentials) credentials = find_or_load (relay, false, error);

  if (credentials == NULL || !check_lists (credentials, relay, error))
    return NULL;
  return g_steal_pointer (&credentials);
}

bool
tls_credentials_prepare (const Relay *relay, bool attended, GError **error)
{
  g_autoptr (TlsCredentials) credentials
      = library_load (&gnutls_library, error)
            ? find_or_load (relay, attended, error)
            : NULL;

  return credentials != NULL;
}

gnutls_certificate_credentials_t
tls_credentials_handle (const TlsCredentials *credentials)
{
  return credentials->handle;
}

/* Those that may have issued what PEER shows. */
static bool
add_authorities (TlsCredentials *credentials, gnutls_session_t peer)
{
  g_autoptr (GArray) found
      = g_array_new (FALSE, FALSE, sizeof (gnutls_datum_t));
  unsigned count = 0;
  const gnutls_datum_t *chain = gnutls_certificate_get_peers (peer, &count);

  if (!anchors_find (credentials->system, chain, count, found))
    return false;
  for (unsigned i = 0; i < found->len; i++)
    if (gnutls_certificate_set_x509_trust_mem (
            credentials->handle, &g_array_index (found, gnutls_datum_t, i),
            GNUTLS_X509_FMT_DER)
        != 1)
      return false;
  return true;
}

bool
tls_credentials_suit (TlsCredentials *credentials, gnutls_session_t peer,
                      GError **error)
{
  return credentials->system == NULL || add_authorities (credentials, peer)
         || tls_credentials_complete (credentials, error);
}

bool
tls_credentials_is_complete (const TlsCredentials *credentials)
{
  return credentials->system == NULL;
}

bool
tls_credentials_complete (TlsCredentials *credentials, GError **error)
{
  if (!load_system_trust (credentials, error))
    return false;
  g_clear_pointer (&credentials->system, anchors_free);
  return true;
}
