#include "smtp/token.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <glib/gi18n.h>

#include "base/failure.h"
#include "base/terminal.h"
#include "base/trusted.h"
#include "smtp/gnutls.h"
#include "smtp/tls-text.h"

#define SCHEME "pkcs11:"
#define PATIENCE (60 * 1000) /* milliseconds, with somebody who is asked */

static GMutex mutex; /* of what follows, and of each Job */
static GCond ended;
static unsigned stuck; /* threads that were left behind */

static unsigned failures;

unsigned
token_failures (void)
{
  return failures;
}

static bool
is_stuck (void)
{
  bool result;

  g_mutex_lock (&mutex);
  result = stuck > 0;
  g_mutex_unlock (&mutex);
  return result;
}

/* URIs */

bool
token_is_uri (const char *place)
{
  return place != NULL && g_str_has_prefix (place, SCHEME);
}

/* The path that the query part names as the source of the PIN; NULL: none.
   REST gets the URI without it. */
static char *
take_pin_source (const char *uri, char **rest)
{
  g_auto (GStrv) parts = g_strsplit (uri, "?", 2);
  g_auto (GStrv) query =
      g_strsplit (parts[1] != NULL ? parts[1] : "", "&", -1);
  g_autoptr (GString) kept = g_string_new (parts[0]);
  g_autofree char *source = NULL;
  const char *path;

  for (size_t i = 0; query[i] != NULL; i++)
    if (g_str_has_prefix (query[i], "pin-source="))
      {
        g_free (source);
        source =
            g_uri_unescape_string (query[i] + strlen ("pin-source="), NULL);
      }
    else if (query[i][0] != '\0')
      g_string_append_printf (
          kept, "%c%s", strchr (kept->str, '?') != NULL ? '&' : '?', query[i]);
  *rest = g_string_free (g_steal_pointer (&kept), FALSE);
  if (source == NULL)
    return NULL;
  path = source;
  if (g_str_has_prefix (path, "file:"))
    path += strlen ("file:");
  if (g_str_has_prefix (path, "//"))
    path += strlen ("//");
  return g_strdup (path);
}

char *
token_uri_problem (const char *uri)
{
  g_autofree char *rest = NULL;
  g_autofree char *source = take_pin_source (uri, &rest);

  if (strstr (rest, "pin-value") != NULL)
    return g_strdup (_ ("a PIN never stands in this file: write "
                        "?pin-source=/path/of/a/file instead, or nothing, and "
                        "be asked on the terminal"));
  if (strstr (uri, "pin-source=") != NULL
      && (source == NULL || source[0] != '/'))
    return g_strdup (_ ("write pin-source= and the absolute path of a file"));
  return NULL;
}

/* Work with a module, and its deadline */

/* The first member of each kind of work, which is a g_atomic_rc_box. Whoever
   lets go last frees it: the thread, or who waited for that. */
typedef struct
{
  void (*work) (void *job);
  GDestroyNotify clear;
  bool done, abandoned;
} Job;

static void
job_release (void *data)
{
  Job *job = data;

  g_atomic_rc_box_release_full (job, job->clear);
}

static void *
run (void *data)
{
  Job *job = data;

  job->work (job);
  g_mutex_lock (&mutex);
  job->done = true;
  if (job->abandoned)
    stuck--;
  g_cond_broadcast (&ended);
  g_mutex_unlock (&mutex);
  job_release (job);
  return NULL;
}

static bool
wait_for (Job *job, int64_t end)
{
  bool done;

  g_mutex_lock (&mutex);
  while (!job->done && g_cond_wait_until (&ended, &mutex, end))
    ;
  done = job->done;
  if (!done)
    {
      job->abandoned = true;
      stuck++;
    }
  g_mutex_unlock (&mutex);
  return done;
}

/* False: it has not come to its end. While one is under way there is no other:
   most modules would have it wait for the first. */
static bool
run_in_time (void *data, unsigned milliseconds)
{
  Job *job = data;
  GThread *thread;
  int64_t end = g_get_monotonic_time () + (int64_t) milliseconds * 1000;

  if (is_stuck ())
    return false;
  thread =
      g_thread_try_new ("token", run, g_atomic_rc_box_acquire (job), NULL);
  if (thread == NULL)
    {
      job_release (job);
      return false;
    }
  if (!wait_for (job, end))
    {
      g_thread_unref (thread);
      return false;
    }
  /* It could take the signal that is held back while the terminal does not echo. */
  (void) g_thread_join (thread);
  return true;
}

/* What went wrong with URI, for which GnuTLS has CODE. */

#define ABSENT N_ ("the token has no such key, or no such certificate")

static const struct
{
  int code;
  Failure kind;
  const char *text;
} troubles[] = {
  { GNUTLS_E_PKCS11_REQUESTED_OBJECT_NOT_AVAILBLE, FAILURE_CREDENTIAL,
    ABSENT },
  { GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE, FAILURE_CREDENTIAL, ABSENT },
  { GNUTLS_E_PARSING_ERROR, FAILURE_CONFIG,
    N_ ("this is no URI of PKCS #11") },
  { GNUTLS_E_PKCS11_PIN_ERROR, FAILURE_CREDENTIAL,
    N_ ("the token does not take this PIN; too many wrong ones would lock "
        "it") },
  { GNUTLS_E_PKCS11_PIN_LOCKED, FAILURE_CREDENTIAL,
    N_ ("the token's PIN is locked; unlock it with the token's own program") },
  { GNUTLS_E_PKCS11_PIN_EXPIRED, FAILURE_CREDENTIAL,
    N_ ("the token's PIN has expired; change it with the token's own "
        "program") },
};

static void
set_trouble (const char *uri, int code, GError **error)
{
  g_autofree char *reason = tls_text (code);

  for (size_t i = 0; i < G_N_ELEMENTS (troubles); i++)
    if (troubles[i].code == code)
      {
        g_set_error (error, FAILURE, (int) troubles[i].kind, "%s: %s", uri,
                     _ (troubles[i].text));
        return;
      }
  g_set_error (error, FAILURE, FAILURE_TEMPORARY,
               _ ("%s: the token or its module failed (%s); see whether it "
                  "takes your PIN by `p11tool --login --list-privkeys'"),
               uri, reason);
}

static void
set_late (const char *uri, GError **error)
{
  g_set_error (error, FAILURE, FAILURE_TEMPORARY,
               _ ("%s: the token's module does not answer"), uri);
}

/* The token */

typedef struct
{
  Job job;
  int result;
  char *uri;
  unsigned flags;
} Look;

static void
look_clear (void *data)
{
  g_free (((Look *) data)->uri);
}

static void
look_at_token (void *data)
{
  Look *look = data;

  look->result = gnutls_pkcs11_token_get_flags (look->uri, &look->flags);
}

static bool
get_flags (const char *uri, unsigned milliseconds, unsigned *flags,
           GError **error)
{
  Look *look = g_atomic_rc_box_new0 (Look);
  bool found = false;

  look->job = (Job){ look_at_token, look_clear, false, false };
  look->uri = g_strdup (uri);
  if (!run_in_time (look, milliseconds))
    set_late (uri, error);
  else if (look->result == GNUTLS_E_PKCS11_REQUESTED_OBJECT_NOT_AVAILBLE
           || look->result == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
    g_set_error (error, FAILURE, FAILURE_TEMPORARY,
                 _ ("%s: there is no such token now; `p11tool --list-tokens' "
                    "shows those that there are"),
                 uri);
  else if (look->result < 0)
    set_trouble (uri, look->result, error);
  else
    {
      *flags = look->flags;
      found = true;
    }
  job_release (look);
  return found;
}

/* Certificates */

typedef struct
{
  Job job;
  int result;
  char *uri;
  gnutls_x509_crt_t *certificates;
  unsigned count;
} Certificates;

static void
certificates_clear (void *data)
{
  Certificates *wanted = data;

  for (unsigned i = 0; i < wanted->count; i++)
    gnutls_x509_crt_deinit (wanted->certificates[i]);
  gnutls_free (wanted->certificates);
  g_free (wanted->uri);
}

static void
load_certificates (void *data)
{
  Certificates *wanted = data;

  wanted->result = gnutls_x509_crt_list_import_url (
      &wanted->certificates, &wanted->count, wanted->uri, NULL, NULL, 0);
  if (wanted->result < 0)
    wanted->count = 0;
}

bool
token_certificates (const char *uri, unsigned milliseconds,
                    gnutls_x509_crt_t **certificates, unsigned *count,
                    GError **error)
{
  Certificates *wanted = g_atomic_rc_box_new0 (Certificates);
  g_autofree char *source = take_pin_source (uri, &wanted->uri);
  g_autofree char *shown = g_strdup (wanted->uri);
  unsigned flags;
  bool loaded = false;

  wanted->job = (Job){ load_certificates, certificates_clear, false, false };
  if (!get_flags (shown, milliseconds, &flags, error))
    ;
  else if (!run_in_time (wanted, milliseconds))
    set_late (shown, error);
  else if (wanted->result < 0)
    set_trouble (shown, wanted->result, error);
  else
    {
      *certificates = g_steal_pointer (&wanted->certificates);
      *count = wanted->count;
      wanted->count = 0;
      loaded = true;
    }
  job_release (wanted);
  return loaded;
}

/* The PIN */

static Secret *
read_pin (const char *file, GError **error)
{
  g_autofree char *target = realpath (file, NULL);
  g_autoptr (Secret) pin =
      trusted_read_secret (AT_FDCWD, target != NULL ? target : file, file,
                           S_IRWXG | S_IRWXO, error);
  const char *octets;

  if (pin == NULL)
    return NULL;
  octets = secret_octets (pin);
  secret_set_length (pin, strcspn (octets, "\r\n"));
  if (secret_length (pin) > 0)
    return g_steal_pointer (&pin);
  g_set_error (error, FAILURE, FAILURE_CONFIG, _ ("%s has no PIN"), file);
  return NULL;
}

/* A token locks after a few wrong PINs: from a file none is tried where one
   was wrong before. */
static bool
check_tries (const char *uri, unsigned flags, GError **error)
{
  if ((flags
       & (GNUTLS_PKCS11_TOKEN_USER_PIN_COUNT_LOW
          | GNUTLS_PKCS11_TOKEN_USER_PIN_FINAL_TRY
          | GNUTLS_PKCS11_TOKEN_USER_PIN_LOCKED))
      == 0)
    return true;
  g_set_error (error, FAILURE, FAILURE_CREDENTIAL,
               _ ("%s: a wrong PIN was tried on this token; log in to it once "
                  "by `p11tool --login --list-privkeys', lest it locks"),
               uri);
  return false;
}

/* Somebody at the terminal decides whether a last try is worth it. */
static Secret *
ask_pin (const char *uri, unsigned flags, GError **error)
{
  bool last = (flags & GNUTLS_PKCS11_TOKEN_USER_PIN_FINAL_TRY) != 0;
  g_autofree char *prompt = g_strdup_printf (
      last ? _ ("PIN of %s (a wrong one locks it): ") : _ ("PIN of %s: "),
      uri);

  return terminal_ask (prompt, deadline_in (PATIENCE), error);
}

/* NULL without an error: the token wants none, or asks for it by itself. */
static Secret *
get_pin (const char *uri, const char *source, bool attended,
         unsigned milliseconds, GError **error)
{
  unsigned flags;

  if (!get_flags (uri, milliseconds, &flags, error))
    return NULL;
  if (source != NULL)
    return check_tries (uri, flags, error) ? read_pin (source, error) : NULL;
  if ((flags & GNUTLS_PKCS11_TOKEN_LOGIN_REQUIRED) == 0
      || (flags & GNUTLS_PKCS11_TOKEN_PROTECTED_AUTHENTICATION_PATH) != 0)
    return NULL;
  if (attended)
    return ask_pin (uri, flags, error);
  g_set_error (error, FAILURE, FAILURE_TEMPORARY,
               _ ("%s: the token wants its PIN, and nobody is here to be "
                  "asked; name a file with it by ?pin-source=PATH"),
               uri);
  return NULL;
}

/* The key */

typedef struct
{
  Job job;
  int result;
  char *uri;
  Secret *pin; /* nullable */
  gnutls_privkey_t inner;
  bool pss; /* it can sign with RSA-PSS, or is none of RSA */
  unsigned milliseconds;
} Key;

static void
key_clear (void *data)
{
  Key *key = data;

  if (key->inner != NULL)
    gnutls_privkey_deinit (key->inner);
  secret_free (key->pin);
  g_free (key->uri);
}

static int
give_pin (void *data, int attempt, const char *url, const char *label,
          unsigned flags, char *pin, size_t size)
{
  const Key *key = data;
  size_t length = key->pin != NULL ? secret_length (key->pin) : 0;

  if (length == 0 || length >= size || attempt > 0
      || (flags & GNUTLS_PIN_WRONG) != 0)
    return GNUTLS_E_PKCS11_PIN_ERROR;
  memcpy (pin, secret_octets (key->pin), length);
  pin[length] = '\0';
  return 0;
}

/* TLS 1.3 has RSA sign in no other way, which not every token can. */
static bool
can_sign_pss (gnutls_privkey_t key)
{
  static const gnutls_datum_t nothing = { (unsigned char *) "", 0 };
  gnutls_datum_t signature;

  if (gnutls_privkey_get_pk_algorithm (key, NULL) != GNUTLS_PK_RSA)
    return true;
  if (gnutls_privkey_sign_data2 (key, GNUTLS_SIGN_RSA_PSS_RSAE_SHA256, 0,
                                 &nothing, &signature)
      < 0)
    return false;
  gnutls_free (signature.data);
  return true;
}

static void
load_key (void *data)
{
  Key *key = data;

  if (gnutls_privkey_init (&key->inner) < 0)
    g_error ("out of memory");
  gnutls_privkey_set_pin_function (key->inner, give_pin, key);
  key->result = gnutls_privkey_import_url (key->inner, key->uri, 0);
  if (key->result >= 0)
    key->pss = can_sign_pss (key->inner);
}

/* Signatures */

typedef struct
{
  Job job;
  int result;
  Key *key;
  gnutls_sign_algorithm_t algorithm;
  unsigned flags;
  bool hashed;
  gnutls_datum_t octets;
  gnutls_datum_t signature;
} Signing;

static void
signing_clear (void *data)
{
  Signing *signing = data;

  gnutls_free (signing->signature.data);
  g_free (signing->octets.data);
  job_release (signing->key);
}

static void
do_sign (void *data)
{
  Signing *signing = data;

  signing->result = (signing->hashed ? gnutls_privkey_sign_hash2
                                     : gnutls_privkey_sign_data2) (
      signing->key->inner, signing->algorithm, signing->flags,
      &signing->octets, &signing->signature);
}

static int
sign (Key *key, Signing *signing, const gnutls_datum_t *octets,
      gnutls_datum_t *signature)
{
  int result = GNUTLS_E_TIMEDOUT;

  signing->job = (Job){ do_sign, signing_clear, false, false };
  signing->key = g_atomic_rc_box_acquire (key);
  signing->octets.data = g_memdup2 (octets->data, octets->size);
  signing->octets.size = octets->size;
  if (run_in_time (signing, key->milliseconds))
    {
      result = signing->result < 0 ? GNUTLS_E_PK_SIGN_FAILED : 0;
      *signature = signing->signature;
      signing->signature.data = NULL;
    }
  if (result < 0)
    failures++;
  job_release (signing);
  return result;
}

static Signing *
new_signing (gnutls_sign_algorithm_t algorithm, unsigned flags, bool hashed)
{
  Signing *signing = g_atomic_rc_box_new0 (Signing);

  signing->algorithm = algorithm;
  signing->flags = flags;
  signing->hashed = hashed;
  return signing;
}

static int
sign_data (gnutls_privkey_t outer, gnutls_sign_algorithm_t algorithm,
           void *data, unsigned flags, const gnutls_datum_t *octets,
           gnutls_datum_t *signature)
{
  return sign (data, new_signing (algorithm, flags, false), octets,
               signature);
}

static int
sign_hash (gnutls_privkey_t outer, gnutls_sign_algorithm_t algorithm,
           void *data, unsigned flags, const gnutls_datum_t *hash,
           gnutls_datum_t *signature)
{
  return sign (data, new_signing (algorithm, flags, true), hash, signature);
}

static bool
is_pss (gnutls_sign_algorithm_t algorithm)
{
  return algorithm == GNUTLS_SIGN_RSA_PSS_RSAE_SHA256
         || algorithm == GNUTLS_SIGN_RSA_PSS_RSAE_SHA384
         || algorithm == GNUTLS_SIGN_RSA_PSS_RSAE_SHA512;
}

static int
describe_key (gnutls_privkey_t outer, unsigned flags, void *data)
{
  const Key *key = data;
  unsigned bits = 0;
  int algorithm = gnutls_privkey_get_pk_algorithm (key->inner, &bits);
  gnutls_sign_algorithm_t sign = GNUTLS_FLAGS_TO_SIGN_ALGO (flags);

  if ((flags & GNUTLS_PRIVKEY_INFO_PK_ALGO) != 0)
    return algorithm;
  if ((flags & GNUTLS_PRIVKEY_INFO_PK_ALGO_BITS) != 0)
    return (int) bits;
  if ((flags & GNUTLS_PRIVKEY_INFO_HAVE_SIGN_ALGO) != 0)
    return gnutls_sign_supports_pk_algorithm (sign, algorithm) != 0
           && (key->pss || !is_pss (sign));
  return 0;
}

static void
free_key (gnutls_privkey_t outer, void *data)
{
  job_release (data);
}

/* Takes KEY, which is there. */
static gnutls_privkey_t
wrap (Key *key)
{
  gnutls_privkey_t outer;

  if (gnutls_privkey_init (&outer) < 0
      || gnutls_privkey_import_ext4 (outer, key, sign_data, sign_hash, NULL,
                                     free_key, describe_key, 0)
             < 0)
    g_error ("out of memory");
  return outer;
}

gnutls_privkey_t
token_key (const char *uri, bool attended, unsigned milliseconds,
           GError **error)
{
  Key *key = g_atomic_rc_box_new0 (Key);
  g_autofree char *source = take_pin_source (uri, &key->uri);
  g_autofree char *shown = g_strdup (key->uri);
  g_autoptr (GError) no_pin = NULL;

  key->job = (Job){ load_key, key_clear, false, false };
  key->milliseconds = milliseconds;
  key->pin = get_pin (shown, source, attended, milliseconds, &no_pin);
  if (no_pin != NULL)
    g_propagate_error (error, g_steal_pointer (&no_pin));
  else if (!run_in_time (key, milliseconds))
    set_late (shown, error);
  else if (key->result < 0)
    set_trouble (shown, key->result, error);
  else
    return wrap (key);
  job_release (key);
  return NULL;
}
