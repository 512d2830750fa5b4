#include "queue/account-file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <glib/gi18n.h>

#include "base/failure.h"

#define FILE_MAXIMUM 8192

/* Octets of a name that leave room for a suffix (NAME_MAX is 255). */
#define NAME_LENGTH 200

/* Its dots are escaped too, so that none is a suffix, or hides the file. */
char *
account_file_name (const char *account, const char *suffix)
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

uint32_t
account_file_hash (const char *text)
{
  return (uint32_t) crc32_z (0, (const Bytef *) text, strlen (text));
}

char *
account_file_read (Queue *queue, const char *account, const char *suffix)
{
  g_autofree char *name = account_file_name (account, suffix);
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

char *
account_file_read_line (Queue *queue, const char *account, const char *suffix)
{
  g_autofree char *text = account_file_read (queue, account, suffix);
  char *rest = text == NULL ? NULL : strchr (text, ' ');
  char *end = text == NULL ? NULL : strchr (text, '\n');

  if (rest == NULL || end == NULL || end[1] != '\0')
    return NULL;
  *end = '\0';
  *rest++ = '\0';
  return g_ascii_strtoull (text, NULL, 16) == account_file_hash (rest)
             ? g_strdup (rest)
             : NULL;
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
account_file_write_line (Queue *queue, const char *account, const char *suffix,
                         const char *line, GError **error)
{
  g_autofree char *name = account_file_name (account, suffix);
  g_autofree char *text
      = g_strdup_printf ("%08" PRIx32 " %s\n", account_file_hash (line), line);

  if (replace (queue, name, text))
    return true;
  failure_set_errno (error, FAILURE_IO, errno, _ ("cannot write %s/%s"),
                     queue_accounts_path (queue), name);
  return false;
}

void
account_file_remove (Queue *queue, const char *account, const char *suffix)
{
  g_autofree char *name = account_file_name (account, suffix);

  (void) unlinkat (queue_accounts_fd (queue), name, 0);
}
