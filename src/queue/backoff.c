#include "queue/backoff.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <glib/gi18n.h>

#include "queue/retry.h"

/* One line: "crc failures last stage paused reason". */
#define FILE_MAXIMUM 8192

/* Ends the name of the file that has the stage of which the desktop was told: of
   its own, since several change what is known of an account at the same time. */
#define TOLD ".told"

/* Octets of a name that leave room for a suffix (NAME_MAX is 255). */
#define NAME_LENGTH 200

void
backoff_free (Backoff *backoff)
{
  if (backoff == NULL)
    return;
  g_free (backoff->reason);
  g_free (backoff);
}

/* An account's name may hold anything and be of any length; a file's may not. Its
   dots are escaped too, so that none is a suffix, or hides the file. */
static char *
file_name (const char *account, const char *suffix)
{
  g_autofree char *escaped = g_uri_escape_string (account, NULL, FALSE);
  g_auto (GStrv) parts = g_strsplit (escaped, ".", -1);
  g_autofree char *plain = g_strjoinv ("%2E", parts);
  g_autofree char *digest = NULL;

  if (strlen (plain) <= NAME_LENGTH)
    return g_strconcat (plain, suffix, NULL);
  digest = g_compute_checksum_for_string (G_CHECKSUM_SHA256, account, -1);
  return g_strconcat (digest, suffix, NULL);
}

static uint32_t
hash (const char *text)
{
  return (uint32_t) crc32_z (0, (const Bytef *) text, strlen (text));
}

static char *
read_file (Queue *queue, const char *account, const char *suffix)
{
  g_autofree char *name = file_name (account, suffix);
  g_autofree char *text = g_malloc0 (FILE_MAXIMUM + 1);
  struct stat st;
  ssize_t got = -1;
  int fd = openat (queue_accounts_fd (queue), name,
                   O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

  if (fd < 0)
    return NULL;
  if (fstat (fd, &st) == 0 && S_ISREG (st.st_mode)
      && st.st_uid == geteuid ())
    got = read (fd, text, FILE_MAXIMUM);
  close (fd);
  return got > 0 && strlen (text) == (size_t) got ? g_steal_pointer (&text)
                                                  : NULL;
}

static bool
parse (Backoff *backoff, char *text)
{
  enum { CRC, FAILURES, LAST, STAGE, PAUSED, REASON, FIELDS };
  char *rest = strchr (text, ' ');
  char *end = strchr (text, '\n');
  g_auto (GStrv) field = NULL;
  guint64 failures;

  if (rest == NULL || end == NULL || end[1] != '\0')
    return false;
  *end = '\0';
  field = g_strsplit (text, " ", FIELDS);
  if (g_strv_length (field) != FIELDS
      || g_ascii_strtoull (field[CRC], NULL, 16) != hash (rest + 1)
      || !g_ascii_string_to_unsigned (field[FAILURES], 10, 0, G_MAXINT,
                                      &failures, NULL)
      || !stage_from_name (field[STAGE], &backoff->stage))
    return false;
  backoff->failures = (unsigned) failures;
  backoff->last = g_ascii_strtoll (field[LAST], NULL, 10);
  backoff->paused = strcmp (field[PAUSED], "1") == 0;
  backoff->reason = g_strdup (field[REASON]);
  return true;
}

Backoff *
backoff_read (Queue *queue, const char *account)
{
  Backoff *backoff = g_new0 (Backoff, 1);
  g_autofree char *text = read_file (queue, account, "");
  g_autofree char *told = read_file (queue, account, TOLD);

  if (text == NULL || !parse (backoff, text))
    backoff->reason = g_strdup ("");
  backoff->notified
      = told != NULL && strcmp (told, stage_name (backoff->stage)) == 0;
  return backoff;
}

void
backoff_fail (Backoff *backoff, const Status *status, int64_t now)
{
  bool refused = status->fate == FATE_HELD && status->stage >= STAGE_AUTH;

  /* Another process, whose connection broke meanwhile, mends nothing. */
  if (backoff->paused && !refused)
    return;
  backoff->failures = MIN (backoff->failures, G_MAXINT - 1) + 1;
  /* A code that refuses for good, and yet the status is delayed after the login:
     a quota, which does not pass in a minute. */
  if (status->fate == FATE_DELAYED && status->code >= 500
      && status->stage >= STAGE_MAIL)
    backoff->failures = MAX (backoff->failures, RETRY_SLOWEST);
  backoff->last = now;
  backoff->stage = status->stage;
  backoff->paused = refused;
  g_free (backoff->reason);
  backoff->reason = status_words (status);
}

int64_t
backoff_due (const Backoff *backoff, const char *account, int64_t now)
{
  return retry_due (backoff->failures, backoff->last, now, hash (account));
}

static bool
replace (Queue *queue, const char *name, const char *text)
{
  g_autofree char *temporary = g_strdup_printf (
      ".tmp-%08x%08x", g_random_int (), g_random_int ());
  int dir = queue_accounts_fd (queue);
  int fd = openat (dir, temporary,
                   O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  size_t length = strlen (text);
  bool written;
  int cause;

  if (fd < 0)
    return false;
  errno = ENOSPC; /* what a part that was written means */
  written = write (fd, text, length) == (ssize_t) length && fsync (fd) == 0
            && renameat (dir, temporary, dir, name) == 0;
  cause = errno;
  close (fd);
  if (!written)
    (void) unlinkat (dir, temporary, 0);
  errno = cause;
  return written;
}

bool
backoff_write (Queue *queue, const char *account, const Backoff *backoff,
               GError **error)
{
  g_autofree char *name = file_name (account, "");
  g_autofree char *line = g_strdup_printf (
      "%u %" PRId64 " %s %d %s", backoff->failures, backoff->last,
      stage_name (backoff->stage), backoff->paused, backoff->reason);
  g_autofree char *text
      = g_strdup_printf ("%08" PRIx32 " %s\n", hash (line), line);

  if (replace (queue, name, text))
    return true;
  failure_set_errno (error, FAILURE_IO, errno, _ ("cannot write %s/%s"),
                     queue_accounts_path (queue), name);
  return false;
}

void
backoff_clear (Queue *queue, const char *account)
{
  g_autofree char *name = file_name (account, "");
  g_autofree char *told = file_name (account, TOLD);

  (void) unlinkat (queue_accounts_fd (queue), told, 0);
  (void) unlinkat (queue_accounts_fd (queue), name, 0);
}

static int
open_to_lock (Queue *queue, const char *account, const char *suffix)
{
  g_autofree char *name = file_name (account, suffix);

  return openat (queue_accounts_fd (queue), name,
                 O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK,
                 0600);
}

static bool
lock_octet (int fd, unsigned offset)
{
  struct flock lock = { .l_type = F_WRLCK,
                        .l_whence = SEEK_SET,
                        .l_start = (off_t) offset,
                        .l_len = 1 };

  return fcntl (fd, F_OFD_SETLK, &lock) == 0;
}

int
backoff_tell (Queue *queue, const char *account)
{
  int fd = open_to_lock (queue, account, TOLD);
  g_autoptr (Backoff) backoff = NULL;

  if (fd < 0)
    return -1;
  if (lock_octet (fd, 0))
    backoff = backoff_read (queue, account);
  if (backoff != NULL && !backoff->notified)
    return fd;
  close (fd);
  return -1;
}

void
backoff_told (int fd, const Backoff *backoff)
{
  const char *stage = stage_name (backoff->stage);

  if (backoff->notified && ftruncate (fd, 0) == 0)
    (void) !pwrite (fd, stage, strlen (stage), 0);
  close (fd);
}

int
backoff_connection (Queue *queue, const char *account, unsigned maximum)
{
  int fd = open_to_lock (queue, account, ".lock");

  /* No message waits for a file that cannot be had: it is not counted then. */
  if (fd < 0)
    return fcntl (queue_accounts_fd (queue), F_DUPFD_CLOEXEC, 0);
  for (unsigned i = 0; i < maximum; i++)
    if (lock_octet (fd, i))
      return fd;
  close (fd);
  return -1;
}
