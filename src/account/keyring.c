#include "account/keyring.h"

#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include <glib/gi18n.h>

#include "account/keyring-service.h"
#include "account/libsecret.h"
#include "base/failure.h"
#include "base/gio.h"
#include "base/log.h"
#include "base/text.h"

#define ADDRESS "DBUS_SESSION_BUS_ADDRESS"
#define WORDS_MAXIMUM 200 /* octets of what a keyring says of a failure */

/* What a call may take longer than its deadline while it is cancelled. */
#define GRACE G_TIME_SPAN_SECOND

#define TEXT(name)                                                            \
  {                                                                           \
    name, SECRET_SCHEMA_ATTRIBUTE_STRING                                      \
  }

static const SecretSchema own_schema = {
  .name = "org.postrider.Smtp",
  .flags = SECRET_SCHEMA_NONE,
  .attributes
  = { TEXT ("host"), TEXT ("port"), TEXT ("service"), TEXT ("user") },
};

/* What msmtp stores, and what its users store with secret-tool. */
static const SecretSchema msmtp_schema = {
  .name = "de.marlam.msmtp.password",
  .flags = SECRET_SCHEMA_DONT_MATCH_NAME,
  .attributes = { TEXT ("host"), TEXT ("service"), TEXT ("user") },
};

static const SecretSchema network_schema = {
  .name = "org.gnome.keyring.NetworkPassword",
  .flags = SECRET_SCHEMA_DONT_MATCH_NAME,
  .attributes = { TEXT ("user"), TEXT ("protocol"), TEXT ("server") },
};

/* Under which attributes a password may stand, in the order of trying. They
 * can be read while the keyring is locked. */
typedef struct
{
  const SecretSchema *schema;
  const char *service_key; /* has the value of the next */
  const char *service;
  const char *host_key;
  bool with_port;
} Way;

static const Way ways[] = {
  { &own_schema, "service", "smtp", "host", true },
  { &msmtp_schema, "service", "smtp", "host", false },
  { &network_schema, "protocol", "smtp", "server", false },
  { &network_schema, "protocol", "smtps", "server", false },
};

/* Without the port: all that keyring_store ever stored for a user at a host.
 */
static const Way own_at_any_port
    = { &own_schema, "service", "smtp", "host", false };

/* One question to the keyring, answered in a thread of its own: there are
 * buses and services that never answer and calls that no GCancellable ends, so
 * the asker must be able to leave without the answer. Shared by both, and by
 * whom it is freed is not known before. */
typedef struct Job Job;
struct Job
{
  /* Constant while the thread runs. */
  bool (*run) (Job *job, SecretService *service, GError **error);
  char *host;
  char *port;
  char *user;
  Secret *password; /* to be stored; NULL otherwise */
  bool may_prompt;
  GCancellable *cancellable;

  int connected; /* atomic: the bus has answered */
  int prompting; /* atomic: a person is being asked */

  GMutex mutex;
  GCond ended;
  bool done; /* under the mutex; the rest is the asker's from then on */
  Secret *answer;
  unsigned matches;
  GError *error; /* of GLib or libsecret; NULL: the answer stands */
};

static Job *
job_new (const Account *account, bool may_prompt)
{
  Job *job = g_atomic_rc_box_new0 (Job);

  job->host = g_strdup (account->relay.host);
  job->port = g_strdup_printf ("%u", account->relay.port);
  job->user = g_strdup (account->relay.user);
  job->may_prompt = may_prompt;
  g_mutex_init (&job->mutex);
  g_cond_init (&job->ended);
  return job;
}

static void
job_clear (void *data)
{
  Job *job = data;

  g_free (job->host);
  g_free (job->port);
  g_free (job->user);
  secret_free (job->password);
  secret_free (job->answer);
  g_clear_error (&job->error);
  if (job->cancellable != NULL)
    g_object_unref (job->cancellable);
  g_mutex_clear (&job->mutex);
  g_cond_clear (&job->ended);
}

static void
job_unref (Job *job)
{
  g_atomic_rc_box_release_full (job, job_clear);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Job, job_unref)

static SecretService *
open_service (Job *job, GError **error)
{
  g_autoptr (GDBusConnection) bus
      = g_bus_get_sync (G_BUS_TYPE_SESSION, job->cancellable, error);
  SecretService *service;

  if (bus == NULL)
    return NULL;
  /* The bus may end while mail is under way: that is no reason to die. */
  g_dbus_connection_set_exit_on_close (bus, FALSE);
  g_atomic_int_set (&job->connected, 1);
  service = secret_service_open_sync (keyring_service_get_type (), NULL,
                                      SECRET_SERVICE_NONE, job->cancellable,
                                      error);
  if (service != NULL && job->may_prompt)
    keyring_service_allow_prompts (service, &job->prompting);
  return service;
}

static void *
job_thread (void *data)
{
  g_autoptr (Job) job = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (SecretService) service = open_service (job, &error);
  bool ok = service != NULL && job->run (job, service, &error);

  /* "False, and no error" is libsecret's word for a dismissed prompt. */
  if (!ok && error == NULL)
    error = g_error_new_literal (SECRET_ERROR, SECRET_ERROR_IS_LOCKED, "");
  g_mutex_lock (&job->mutex);
  job->error = g_steal_pointer (&error);
  job->done = true;
  g_cond_signal (&job->ended);
  g_mutex_unlock (&job->mutex);
  return NULL;
}

/* Waits until the job is done; false: it is not at that time. */
static bool
job_wait (Job *job, int64_t until)
{
  bool done;

  g_mutex_lock (&job->mutex);
  while (!job->done && g_cond_wait_until (&job->ended, &job->mutex, until))
    ;
  done = job->done;
  g_mutex_unlock (&job->mutex);
  return done;
}

/* Why there was no answer in time. */
static void
set_timeout (Job *job, GError **error)
{
  const char *text;

  if (!g_atomic_int_get (&job->connected))
    text = _ ("cannot ask the keyring: the session bus does not answer");
  else if (g_atomic_int_get (&job->prompting))
    text = _ ("the keyring is locked and was not unlocked in time: unlock it, "
              "then try again");
  else
    text = _ ("the keyring does not answer: restart it, or log in again");
  g_set_error_literal (error, FAILURE, FAILURE_TEMPORARY, text);
}

static bool
is_absent (const GError *error)
{
  return g_error_matches (error, G_DBUS_ERROR, G_DBUS_ERROR_SERVICE_UNKNOWN)
         || g_error_matches (error, G_DBUS_ERROR,
                             G_DBUS_ERROR_NAME_HAS_NO_OWNER);
}

static bool
is_silence (const GError *error)
{
  return g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED)
         || g_error_matches (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT)
         || g_error_matches (error, G_DBUS_ERROR, G_DBUS_ERROR_NO_REPLY)
         || g_error_matches (error, G_DBUS_ERROR, G_DBUS_ERROR_TIMEOUT);
}

/* Our own words for the job's error. */
static void
set_failure (Job *job, GError **error)
{
  const char *message = job->error->message;
  g_autofree char *words =
      text_printable (message, strlen (message), WORDS_MAXIMUM);

  if (g_cancellable_is_cancelled (job->cancellable) || is_silence (job->error))
    set_timeout (job, error);
  else if (!g_atomic_int_get (&job->connected))
    g_set_error (error, FAILURE, FAILURE_TEMPORARY,
                 _ ("cannot ask the keyring: the session bus cannot be "
                    "reached: %s"),
                 words);
  else if (is_absent (job->error))
    g_set_error_literal (error, FAILURE, FAILURE_TEMPORARY,
                         _ ("no keyring runs in this session: start one, such "
                            "as gnome-keyring, KWallet or KeePassXC"));
  else if (job->password != NULL
           && g_error_matches (job->error, SECRET_ERROR,
                               SECRET_ERROR_NO_SUCH_OBJECT))
    g_set_error_literal (error, FAILURE, FAILURE_TEMPORARY,
                         _ ("there is no default keyring, and making one was "
                            "cancelled or could not be asked for: make one "
                            "with your desktop's program for passwords"));
  else if (!g_error_matches (job->error, SECRET_ERROR, SECRET_ERROR_IS_LOCKED))
    g_set_error (error, FAILURE, FAILURE_TEMPORARY,
                 _ ("the keyring failed: %s"), words);
  else if (job->may_prompt)
    g_set_error_literal (error, FAILURE, FAILURE_TEMPORARY,
                         _ ("the keyring is locked, and unlocking it was "
                            "cancelled or could not be asked for: unlock it, "
                            "then try again"));
  else
    g_set_error_literal (error, FAILURE, FAILURE_TEMPORARY,
                         _ ("the keyring is locked: unlock it, or log in to "
                            "the desktop that does"));
}

static bool
has_bus (void)
{
  const char *address = g_getenv (ADDRESS);

  return address != NULL && *address != '\0';
}

/* Runs JOB. False: ERROR says why, and what JOB holds is of no use. */
static bool
job_run (Job *job, Deadline deadline, GError **error)
{
  /* Without an address GLib would start a bus, and an empty one is no help. */
  if (!has_bus ())
    {
      g_set_error_literal (error, FAILURE, FAILURE_TEMPORARY,
                           _ ("cannot ask the keyring: this user has no "
                              "session bus; log in, then try again"));
      return false;
    }
  if (!library_load (&gio_library, error)
      || !library_load (&secret_library, error))
    return false;
  job->cancellable = g_cancellable_new ();
  g_thread_unref (
      g_thread_new ("keyring", job_thread, g_atomic_rc_box_acquire (job)));
  if (!job_wait (job, deadline.at))
    {
      g_cancellable_cancel (job->cancellable);
      if (!job_wait (job, g_get_monotonic_time () + GRACE))
        {
          set_timeout (job, error);
          return false;
        }
    }
  if (job->error == NULL)
    return true;
  set_failure (job, error);
  return false;
}

static GHashTable *
attributes_of (const Job *job, const Way *way)
{
  GHashTable *attributes = g_hash_table_new (g_str_hash, g_str_equal);

  g_hash_table_insert (attributes, (void *) way->service_key,
                       (void *) way->service);
  g_hash_table_insert (attributes, (void *) way->host_key, job->host);
  g_hash_table_insert (attributes, (void *) "user", job->user);
  if (way->with_port)
    g_hash_table_insert (attributes, (void *) "port", job->port);
  return attributes;
}

/* All items of WAY (of SecretItem), locked or not, without asking anybody. */
static GPtrArray *
search (Job *job, SecretService *service, const Way *way, GError **error)
{
  g_autoptr (GHashTable) attributes = attributes_of (job, way);
  g_autoptr (GError) cause = NULL;
  GPtrArray *items;
  GList *found = secret_service_search_sync (service, way->schema, attributes,
                                             SECRET_SEARCH_ALL,
                                             job->cancellable, &cause);

  if (cause != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&cause));
      return NULL;
    }
  items = g_ptr_array_new_with_free_func (g_object_unref);
  for (GList *item = found; item != NULL; item = item->next)
    g_ptr_array_add (items, item->data);
  g_list_free (found);
  return items;
}

/* The unlocked before the locked, then the newest. */
static SecretItem *
best_item (const GPtrArray *items)
{
  SecretItem *best = NULL;

  for (size_t i = 0; i < items->len; i++)
    {
      SecretItem *item = g_ptr_array_index (items, i);
      bool better;

      if (best == NULL)
        better = true;
      else if (secret_item_get_locked (item) != secret_item_get_locked (best))
        better = secret_item_get_locked (best);
      else
        better = secret_item_get_modified (item)
                 > secret_item_get_modified (best);
      if (better)
        best = item;
    }
  return best;
}

/* OBJECT is a SecretItem or SecretCollection. */
static bool
unlock (Job *job, SecretService *service, void *object, GError **error)
{
  GList list = { object, NULL, NULL };
  g_autoptr (GError) cause = NULL;

  if (secret_service_unlock_sync (service, &list, job->cancellable, NULL,
                                  &cause)
      > 0)
    {
      g_atomic_int_set (&job->prompting, 0);
      return true;
    }
  if (cause != NULL)
    g_propagate_error (error, g_steal_pointer (&cause));
  else
    g_set_error_literal (error, SECRET_ERROR, SECRET_ERROR_IS_LOCKED,
                         "dismissed");
  return false;
}

static bool
load (Job *job, SecretItem *item, GError **error)
{
  SecretValue *value;
  const char *octets;
  gsize length;

  if (!secret_item_load_secret_sync (item, job->cancellable, error))
    return false;
  value = secret_item_get_secret (item);
  if (value == NULL)
    return false;
  octets = secret_value_get (value, &length);
  /* One octet over the maximum stands for any number of them. */
  job->answer = secret_new (octets, MIN (length, SECRET_MAXIMUM + 1));
  secret_value_unref (value);
  return true;
}

/* The default collection. NULL without an error: there is none. */
static SecretCollection *
default_collection (Job *job, SecretService *service, GError **error)
{
  return secret_collection_for_alias_sync (service, SECRET_COLLECTION_DEFAULT,
                                           SECRET_COLLECTION_NONE,
                                           job->cancellable, error);
}

/* What the first way finds that finds any. NULL without an error: none does.
 */
static GPtrArray *
search_all_ways (Job *job, SecretService *service, GError **error)
{
  for (size_t i = 0; i < G_N_ELEMENTS (ways); i++)
    {
      g_autoptr (GPtrArray) items = search (job, service, &ways[i], error);

      if (items == NULL || items->len > 0)
        return g_steal_pointer (&items);
    }
  return NULL;
}

/* Some services hide what a locked collection holds: opens the default one.
 * True: it was locked, and a search may find more now. */
static bool
uncover (Job *job, SecretService *service, GError **error)
{
  g_autoptr (SecretCollection) collection
      = default_collection (job, service, error);

  return collection != NULL && secret_collection_get_locked (collection)
         && unlock (job, service, collection, error);
}

static bool
run_lookup (Job *job, SecretService *service, GError **error)
{
  g_autoptr (GError) cause = NULL;
  g_autoptr (GPtrArray) items = search_all_ways (job, service, &cause);
  SecretItem *best;

  if (items == NULL && cause == NULL && uncover (job, service, &cause))
    items = search_all_ways (job, service, &cause);
  if (cause != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&cause));
      return false;
    }
  if (items == NULL)
    return true;
  job->matches = items->len;
  best = best_item (items);
  return (!secret_item_get_locked (best) || unlock (job, service, best, error))
         && load (job, best, error);
}

/* Sees to a default collection that is there and open. secret_service_store
 * would do it, but stumbles over a prompt that is dismissed. */
static bool
open_default_collection (Job *job, SecretService *service, GError **error)
{
  g_autoptr (GError) cause = NULL;
  g_autoptr (SecretCollection) collection
      = default_collection (job, service, &cause);

  if (cause != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&cause));
      return false;
    }
  if (collection == NULL)
    collection = secret_collection_create_sync (
        service, _ ("Default keyring"), SECRET_COLLECTION_DEFAULT,
        SECRET_COLLECTION_CREATE_NONE, job->cancellable, NULL);
  if (collection == NULL)
    {
      g_set_error_literal (error, SECRET_ERROR, SECRET_ERROR_NO_SUCH_OBJECT,
                           "no default collection");
      return false;
    }
  return !secret_collection_get_locked (collection)
         || unlock (job, service, collection, error);
}

static bool
run_store (Job *job, SecretService *service, GError **error)
{
  g_autoptr (GHashTable) attributes = attributes_of (job, &ways[0]);
  SecretValue *value = secret_value_new (
      secret_octets (job->password), (gssize) secret_length (job->password),
      "text/plain");
  bool stored;
  g_autofree char *label
      = g_strdup_printf (_ ("Postrider: %s at %s"), job->user, job->host);

  stored = open_default_collection (job, service, error)
           && secret_service_store_sync (service, &own_schema, attributes,
                                         SECRET_COLLECTION_DEFAULT, label,
                                         value, job->cancellable, error);
  secret_value_unref (value);
  return stored;
}

static bool
run_forget (Job *job, SecretService *service, GError **error)
{
  g_autoptr (GPtrArray) items = search (job, service, &own_at_any_port, error);

  if (items == NULL)
    return false;
  for (; job->matches < items->len; job->matches++)
    {
      SecretItem *item = g_ptr_array_index (items, job->matches);

      if ((secret_item_get_locked (item)
           && !unlock (job, service, item, error))
          || !secret_item_delete_sync (item, job->cancellable, error))
        return false;
    }
  return true;
}

/* One line of text, as a person would type it. */
static bool
is_password (const Secret *secret)
{
  const char *octets = secret_octets (secret);
  size_t length = secret_length (secret);

  return length > 0 && length <= SECRET_MAXIMUM
         && g_utf8_validate (octets, (gssize) length, NULL)
         && strpbrk (octets, "\r\n") == NULL;
}

Secret *
keyring_lookup (const Account *account, bool interactive, Deadline deadline,
                GError **error)
{
  g_autoptr (Job) job = job_new (account, interactive);

  job->run = run_lookup;
  if (!job_run (job, deadline, error))
    return NULL;
  if (job->matches > 1)
    log_line (LOG_WARNING, "keyring account=%s host=%s matches=%u used=newest",
              account->name, account->relay.host, job->matches);
  if (job->answer == NULL)
    g_set_error (error, FAILURE, FAILURE_CREDENTIAL,
                 _ ("the keyring has no password of `%s' for %s: run "
                    "`postrider password set %s'"),
                 account->relay.user, account->relay.host, account->name);
  else if (secret_length (job->answer) == 0)
    g_set_error (error, FAILURE, FAILURE_CREDENTIAL,
                 _ ("the keyring's password of `%s' for %s is empty: run "
                    "`postrider password set %s'"),
                 account->relay.user, account->relay.host, account->name);
  else if (!is_password (job->answer))
    g_set_error (error, FAILURE, FAILURE_CREDENTIAL,
                 _ ("the keyring's password of `%s' for %s is not one line of "
                    "text: run `postrider password set %s'"),
                 account->relay.user, account->relay.host, account->name);
  else
    return g_steal_pointer (&job->answer);
  return NULL;
}

bool
keyring_store (const Account *account, const Secret *password,
               Deadline deadline, GError **error)
{
  g_autoptr (Job) job = job_new (account, true);

  if (!is_password (password))
    {
      g_set_error_literal (error, FAILURE, FAILURE_DATA,
                           secret_length (password) == 0
                               ? _ ("the password is empty")
                               : _ ("the password is not one line of UTF-8 "
                                    "text"));
      return false;
    }
  job->run = run_store;
  job->password
      = secret_new (secret_octets (password), secret_length (password));
  return job_run (job, deadline, error);
}

bool
keyring_forget (const Account *account, bool *found, Deadline deadline,
                GError **error)
{
  g_autoptr (Job) job = job_new (account, true);

  job->run = run_forget;
  if (!job_run (job, deadline, error))
    return false;
  *found = job->matches > 0;
  return true;
}

/* A directory that nobody but this user can enter. */
static bool
is_private_directory (const char *path)
{
  struct stat status;

  return path[0] == '/' && lstat (path, &status) == 0
         && S_ISDIR (status.st_mode) && status.st_uid == geteuid ()
         && (status.st_mode & (S_IRWXG | S_IRWXO)) == 0;
}

static bool
is_own_socket (const char *path)
{
  struct stat status;

  return stat (path, &status) == 0 && S_ISSOCK (status.st_mode)
         && status.st_uid == geteuid ();
}

/* As addresses of D-Bus have it. */
static char *
escape (const char *path)
{
  GString *escaped = g_string_new (NULL);

  for (; *path != '\0'; path++)
    if (g_ascii_isalnum (*path) || strchr ("-_/.\\", *path) != NULL)
      g_string_append_c (escaped, *path);
    else
      g_string_append_printf (escaped, "%%%02x", (unsigned char) *path);
  return g_string_free (escaped, FALSE);
}

/* The address of the bus in DIRECTORY. NULL: there is none of this user. */
static char *
bus_in (const char *directory)
{
  g_autofree char *socket = g_build_filename (directory, "bus", NULL);
  g_autofree char *escaped = escape (socket);

  return is_private_directory (directory) && is_own_socket (socket)
             ? g_strconcat ("unix:path=", escaped, NULL)
             : NULL;
}

/* Takes it, where there is one. */
static bool
set_bus (const char *directory)
{
  g_autofree char *address = bus_in (directory);

  if (address == NULL)
    return false;
  g_setenv ("XDG_RUNTIME_DIR", directory, TRUE);
  g_setenv (ADDRESS, address, TRUE);
  return true;
}

static char *
standard_directory (void)
{
  return g_strdup_printf ("/run/user/%ju", (uintmax_t) geteuid ());
}

/* The path of an address of the first kind. NULL: it has none. */
static char *
path_of (const char *address)
{
  static const char prefix[] = "unix:path=";

  if (!g_str_has_prefix (address, prefix))
    return NULL;
  address += strlen (prefix);
  return g_uri_unescape_segment (address, address + strcspn (address, ",;"),
                                 NULL);
}

/* An address that names the socket of another user (left over from su) would
 * fetch a secret from another user's keyring. */
static bool
is_foreign_bus (const char *address)
{
  g_autofree char *path = path_of (address);
  struct stat status;

  return path != NULL && stat (path, &status) == 0
         && status.st_uid != geteuid ();
}

void
keyring_prepare_environment (void)
{
  static const char *const redirecting[]
      = { "SECRET_BACKEND", "SECRET_FILE_TEST_PATH",
          "SECRET_FILE_TEST_PASSWORD", "SECRET_SERVICE_BUS_NAME",
          "SECMEM_FORCE_FALLBACK" };
  const char *given = g_getenv (ADDRESS);
  const char *runtime = g_getenv ("XDG_RUNTIME_DIR");
  g_autofree char *standard = standard_directory ();

  for (size_t i = 0; i < G_N_ELEMENTS (redirecting); i++)
    g_unsetenv (redirecting[i]);
  if (given != NULL && *given != '\0' && !is_foreign_bus (given))
    return;
  if ((runtime != NULL && set_bus (runtime)) || set_bus (standard))
    return;
  /* Empty rather than unset: keyring_find_bus can then set it while other
     threads look at the environment, since the array stays where it is. */
  g_setenv (ADDRESS, "", TRUE);
}

char *
keyring_bus_of_jobs (void)
{
  g_autofree char *directory = standard_directory ();

  return bus_in (directory);
}

bool
keyring_find_bus (void)
{
  const char *runtime = g_getenv ("XDG_RUNTIME_DIR");
  g_autofree char *standard = standard_directory ();
  g_autofree char *address = NULL;

  if (has_bus ())
    return true;
  if (runtime != NULL)
    address = bus_in (runtime);
  if (address == NULL)
    address = bus_in (standard);
  if (address != NULL)
    g_setenv (ADDRESS, address, TRUE);
  return address != NULL;
}

char **
keyring_bus_sockets (void)
{
  g_autoptr (GPtrArray) sockets = g_ptr_array_new ();
  const char *runtime = g_getenv ("XDG_RUNTIME_DIR");
  g_autofree char *standard = standard_directory ();
  char *given = has_bus () ? path_of (g_getenv (ADDRESS)) : NULL;

  if (given != NULL)
    g_ptr_array_add (sockets, given);
  if (!has_bus ())
    {
      if (runtime != NULL && runtime[0] == '/')
        g_ptr_array_add (sockets, g_build_filename (runtime, "bus", NULL));
      g_ptr_array_add (sockets, g_build_filename (standard, "bus", NULL));
    }
  g_ptr_array_add (sockets, NULL);
  return (char **) g_ptr_array_free (g_steal_pointer (&sockets), FALSE);
}
