#include "queue/backoff.h"

#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "queue/account-file.h"
#include "queue/retry.h"

/* Ends the name of the file that has the stage of which the desktop was told: of
   its own, since several change what is known of an account at the same time. */
#define TOLD ".told"

/* The octets of NAME.lock that are locked while the account's token is fetched, and
   by whoever keeps a session open; the first ones are its connections. */
#define TOKEN_OCTET 1000
#define LINGER_OCTET 1001

#define LOCK_PAUSE 20000 /* microseconds; F_OFD_SETLKW knows no deadline */

void
backoff_free (Backoff *backoff)
{
  if (backoff == NULL)
    return;
  g_free (backoff->reason);
  g_free (backoff);
}

/* LINE is "failures last stage paused reason". */
static bool
parse (Backoff *backoff, const char *line)
{
  enum { FAILURES, LAST, STAGE, PAUSED, REASON, FIELDS };
  g_auto (GStrv) field = g_strsplit (line, " ", FIELDS);
  guint64 failures;

  if (g_strv_length (field) != FIELDS
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
  g_autofree char *line = account_file_read_line (queue, account, "");
  g_autofree char *told = account_file_read (queue, account, TOLD);

  if (line == NULL || !parse (backoff, line))
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
  return retry_due (backoff->failures, backoff->last, now,
                    account_file_hash (account));
}

bool
backoff_write (Queue *queue, const char *account, const Backoff *backoff,
               GError **error)
{
  g_autofree char *line = g_strdup_printf (
      "%u %" PRId64 " %s %d %s", backoff->failures, backoff->last,
      stage_name (backoff->stage), backoff->paused, backoff->reason);

  return account_file_write_line (queue, account, "", line, error);
}

void
backoff_clear (Queue *queue, const char *account)
{
  account_file_remove (queue, account, TOLD);
  account_file_remove (queue, account, "");
}

static int
open_to_lock (Queue *queue, const char *account, const char *suffix)
{
  g_autofree char *name = account_file_name (account, suffix);

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

/* No message waits for a file that cannot be had: then nobody else is seen. */
static int
without_lock (Queue *queue)
{
  return fcntl (queue_accounts_fd (queue), F_DUPFD_CLOEXEC, 0);
}

int
backoff_connection (Queue *queue, const char *account, unsigned maximum)
{
  int fd = open_to_lock (queue, account, ".lock");

  if (fd < 0)
    return without_lock (queue);
  for (unsigned i = 0; i < maximum; i++)
    if (lock_octet (fd, i))
      return fd;
  close (fd);
  return -1;
}

int
backoff_linger (Queue *queue, const char *account)
{
  int fd = open_to_lock (queue, account, ".lock");

  if (fd < 0 || lock_octet (fd, LINGER_OCTET))
    return fd;
  close (fd);
  return -1;
}

int
backoff_token (Queue *queue, const char *account, Deadline deadline)
{
  int fd = open_to_lock (queue, account, ".lock");

  if (fd < 0)
    return without_lock (queue);
  while (!lock_octet (fd, TOKEN_OCTET))
    {
      if (deadline_passed (deadline))
        {
          close (fd);
          return -1;
        }
      g_usleep (LOCK_PAUSE);
    }
  return fd;
}
