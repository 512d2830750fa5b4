#include "smtp/tls-credentials.h"

#include <errno.h>
#include <fcntl.h>
#include <gnutls/x509.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <glib/gi18n.h>

#include "base/failure.h"
#include "base/trusted.h"

#define KEPT 8
#define FILE_MAXIMUM (16 * 1024 * 1024) /* revocation lists grow large */

/* Reference-counted (g_rc_box): sessions use what the cache may drop. */
struct TlsCredentials
{
  char *files; /* what it was made of */
  gnutls_certificate_credentials_t handle;
  time_t lists_from, lists_until; /* when all revocation lists are valid */
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

char *
tls_dates (time_t from, time_t until)
{
  g_autoptr (GDateTime) begin = g_date_time_new_from_unix_utc (from);
  g_autoptr (GDateTime) end = g_date_time_new_from_unix_utc (until);
  g_autofree char *first = begin ? g_date_time_format (begin, "%F") : NULL;
  g_autofree char *last = end ? g_date_time_format (end, "%F") : NULL;

  return first && last ? g_strdup_printf (" (%s/%s)", first, last)
                       : g_strdup ("");
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
static bool
check_openable (const char *file, GError **error)
{
  static const int lasting[] = { ENOENT,  EACCES, EPERM,       EISDIR,
                                 ENOTDIR, ELOOP,  ENAMETOOLONG };
  int fd = open (file, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
  int errnum = errno;

  if (fd >= 0)
    {
      close (fd);
      return true;
    }
  for (size_t i = 0; i < G_N_ELEMENTS (lasting); i++)
    if (errnum == lasting[i])
      {
        failure_set_errno (error, FAILURE_CONFIG, errnum, _ ("cannot read %s"),
                           file);
        return false;
      }
  failure_set_errno (error, FAILURE_OS, errnum, _ ("cannot read %s"), file);
  return false;
}

/* Nobody but this user and root may have had a hand in what says whom to
   trust. OCTETS, which belong to the result, are what is in it. */
static GBytes *
read_file (const char *file, gnutls_datum_t *octets, GError **error)
{
  GBytes *bytes = check_openable (file, error)
                      ? trusted_read (file, FILE_MAXIMUM, NULL, error)
                      : NULL;
  gsize size;

  if (bytes == NULL)
    return NULL;
  octets->data = (unsigned char *) g_bytes_get_data (bytes, &size);
  octets->size = (unsigned) size;
  return bytes;
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
  return load_trust_file (credentials, relay->trust_file, error);
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
      && !load_lists (credentials, relay->crl_file, error))
    return NULL;
  if (relay->certificate != NULL
      && !load_client_certificate (credentials, relay, error))
    return NULL;
  return g_steal_pointer (&credentials);
}

static TlsCredentials *
find_or_load (const Relay *relay, GError **error)
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
  g_autoptr (TlsCredentials) credentials = find_or_load (relay, error);

  if (credentials == NULL || !check_lists (credentials, relay, error))
    return NULL;
  return g_steal_pointer (&credentials);
}

gnutls_certificate_credentials_t
tls_credentials_handle (const TlsCredentials *credentials)
{
  return credentials->handle;
}
