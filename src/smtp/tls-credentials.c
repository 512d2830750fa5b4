#include "smtp/tls-credentials.h"

#include <gnutls/x509.h>
#include <string.h>
#include <sys/stat.h>

#include <glib/gi18n.h>

#include "base/failure.h"

#define KEPT 8

/* Reference-counted (g_rc_box): sessions use what the cache may drop. */
struct TlsCredentials
{
  char *files; /* what it was made of */
  gnutls_certificate_credentials_t handle;
};

/* GnuTLS ends some of its texts with a full stop. */
char *
tls_text (int code)
{
  char *text = g_strdup (gnutls_strerror (code));

  if (g_str_has_suffix (text, "."))
    text[strlen (text) - 1] = '\0';
  return text;
}

static void
credentials_clear (TlsCredentials *credentials)
{
  g_free (credentials->files);
  if (credentials->handle != NULL)
    gnutls_certificate_free_credentials (credentials->handle);
}

void
tls_credentials_release (TlsCredentials *credentials)
{
  g_rc_box_release_full (credentials, (GDestroyNotify) credentials_clear);
}
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

/* A file that is not there, or not for us, needs a person. Trouble of the disk
   or with descriptors does not: another time it can be read. */
static Failure
reading_failure (const GError *reading)
{
  static const int lasting[] = { G_FILE_ERROR_NOENT,      G_FILE_ERROR_ACCES,
                                 G_FILE_ERROR_PERM,       G_FILE_ERROR_ISDIR,
                                 G_FILE_ERROR_NOTDIR,     G_FILE_ERROR_LOOP,
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
load_pem (TlsCredentials *credentials, const char *file, LoadPem load,
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
load_client_certificate (TlsCredentials *credentials, const Relay *relay,
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
  reason = tls_text (result);
  g_set_error (
      error, FAILURE, FAILURE_CONFIG,
      _ ("%s: cannot use this client certificate with the key %s: %s"),
      relay->certificate, key, reason);
  return false;
}

static bool
load_trust (TlsCredentials *credentials, const Relay *relay, GError **error)
{
  if (relay_trusts_pins_alone (relay))
    return true;
  if (relay->trust_file == NULL)
    return load_system_trust (credentials, error);
  return load_pem (credentials, relay->trust_file,
                   gnutls_certificate_set_x509_trust_mem, error);
}

static TlsCredentials *
credentials_load (const Relay *relay, GError **error)
{
  g_autoptr (TlsCredentials) credentials = g_rc_box_new0 (TlsCredentials);

  credentials->files = identify_files (relay);
  if (gnutls_certificate_allocate_credentials (&credentials->handle) < 0)
    g_error ("out of memory");
  if (!load_trust (credentials, relay, error))
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

TlsCredentials *
tls_credentials_get (const Relay *relay, GError **error)
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
  credentials = credentials_load (relay, error);
  if (credentials == NULL)
    return NULL;
  if (cache->len == KEPT)
    g_ptr_array_remove_index (cache, 0);
  g_ptr_array_add (cache, credentials);
  return g_rc_box_acquire (credentials);
}

gnutls_certificate_credentials_t
tls_credentials_handle (const TlsCredentials *credentials)
{
  return credentials->handle;
}
