#include "base/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <glib/gi18n.h>

#include "base/crc.h"
#include "base/failure.h"

/* Octets that are handed to the disk at once, before fsync: a multiple of
   SPOOL_MEMORY. */
#define STRETCH (1024 * 1024)

struct Spool
{
  int dirfd;         /* borrowed */
  int fd;            /* -1 until the file is made */
  char *temporary;   /* its name where O_TMPFILE is not to be had */
  size_t reserve;
  uint64_t keep_free; /* octets of the file system */
  uint64_t size;
  uint32_t crc;
  GByteArray *memory; /* appended and not yet written */
  bool broken;
};

Spool *
spool_new (int dirfd, size_t reserve)
{
  Spool *spool = g_new0 (Spool, 1);

  spool->dirfd = dirfd;
  spool->fd = -1;
  spool->reserve = reserve;
  spool->memory = g_byte_array_new ();
  return spool;
}

void
spool_free (Spool *spool)
{
  if (spool == NULL)
    return;
  if (spool->temporary != NULL)
    unlinkat (spool->dirfd, spool->temporary, 0);
  if (spool->fd >= 0)
    close (spool->fd);
  g_free (spool->temporary);
  g_byte_array_unref (spool->memory);
  g_free (spool);
}

void
spool_keep_free (Spool *spool, uint64_t octets)
{
  spool->keep_free = octets;
}

uint64_t
spool_size (const Spool *spool)
{
  return spool->size;
}

uint32_t
spool_crc (const Spool *spool)
{
  return spool->crc;
}

static bool
lock (int fd)
{
  struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

  return fcntl (fd, F_OFD_SETLK, &whole) == 0;
}

/* Where the file system has no unnamed files (NFS, some overlays). The name
   begins with a dot, so that nobody takes it for a message; one that a dead
   process left behind is swept by age, and then is not locked. */
static int
open_named (Spool *spool)
{
  int fd = -1;

  for (int tries = 0; fd < 0 && tries < 100; tries++)
    {
      g_free (spool->temporary);
      spool->temporary = g_strdup_printf (
          ".tmp-%08x%08x", g_random_int (), g_random_int ());
      fd = openat (spool->dirfd, spool->temporary,
                   O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
      if (fd < 0 && errno != EEXIST)
        break;
    }
  if (fd < 0)
    g_clear_pointer (&spool->temporary, g_free);
  else
    (void) lock (fd);
  return fd;
}

/* An unnamed file gets its name through /proc; without /proc it never could. */
static int
open_unnamed (const Spool *spool)
{
  if (access ("/proc/self/fd", X_OK) < 0)
    {
      errno = EOPNOTSUPP;
      return -1;
    }
  return openat (spool->dirfd, ".", O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
}

static bool
open_file (Spool *spool, GError **error)
{
  spool->fd = open_unnamed (spool);
  if (spool->fd < 0
      && (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL))
    spool->fd = open_named (spool);
  if (spool->fd < 0)
    {
      failure_set_errno (error, FAILURE_CANNOT_CREATE, errno,
                         _ ("cannot make a queue file"));
      return false;
    }
  if (lseek (spool->fd, (off_t) spool->reserve, SEEK_SET) < 0)
    {
      failure_set_errno (error, FAILURE_IO, errno,
                         _ ("cannot write the queue file"));
      return false;
    }
  return true;
}

static bool
write_all (int fd, const void *octets, size_t length, GError **error)
{
  const char *p = octets;

  while (length > 0)
    {
      ssize_t done = write (fd, p, length);

      if (done < 0 && errno == EINTR)
        continue;
      if (done <= 0)
        {
          failure_set_errno (error, FAILURE_IO, done < 0 ? errno : ENOSPC,
                             _ ("cannot write the queue file"));
          return false;
        }
      p += done;
      length -= (size_t) done;
    }
  return true;
}

static bool
refuse_to_fill (const Spool *spool, uint64_t available, GError **error)
{
  g_autofree char *self = g_strdup_printf ("/proc/self/fd/%d", spool->dirfd);
  g_autofree char *directory = g_file_read_link (self, NULL);
  g_autofree char *left
      = g_format_size_full (available, G_FORMAT_SIZE_IEC_UNITS);
  g_autofree char *wanted = g_format_size_full (
      spool->keep_free + spool->memory->len, G_FORMAT_SIZE_IEC_UNITS);

  g_set_error (error, FAILURE, FAILURE_TEMPORARY,
               _ ("the file system of %s has %s left, and %s are needed; make "
                  "room there, or lower the setting `reserve'"),
               directory != NULL ? directory : self, left, wanted);
  return false;
}

/* Room for what is still in memory, and what is to be left free besides. */
static bool
has_room (const Spool *spool, GError **error)
{
  struct statvfs fs;
  uint64_t available;

  if (spool->keep_free == 0 || fstatvfs (spool->dirfd, &fs) < 0)
    return true;
  available = (uint64_t) fs.f_bavail * fs.f_frsize;
  return (available >= spool->memory->len
          && available - spool->memory->len >= spool->keep_free)
         || refuse_to_fill (spool, available, error);
}

static bool
flush (Spool *spool, GError **error)
{
  if (spool->broken)
    {
      failure_set_errno (error, FAILURE_IO, EIO,
                         _ ("cannot write the queue file"));
      return false;
    }
  if (!has_room (spool, error) || (spool->fd < 0 && !open_file (spool, error))
      || !write_all (spool->fd, spool->memory->data, spool->memory->len,
                     error))
    {
      spool->broken = true;
      return false;
    }
  g_byte_array_set_size (spool->memory, 0);
  return true;
}

/* The last stretch, while the next one comes: then fsync finds little to wait for.
   Only whole pages, for one that grows later would be written twice. */
static void
start_writing (const Spool *spool)
{
  (void) sync_file_range (spool->fd, (off_t) (spool->size - STRETCH), STRETCH,
                          SYNC_FILE_RANGE_WRITE);
}

bool
spool_append (Spool *spool, const void *octets, size_t length, GError **error)
{
  const uint8_t *p = octets;

  spool->crc = crc_update (spool->crc, octets, length);
  while (length > 0)
    {
      size_t room = SPOOL_MEMORY - spool->memory->len;
      size_t part = MIN (room, length);

      g_byte_array_append (spool->memory, p, (guint) part);
      spool->size += part;
      p += part;
      length -= part;
      if (spool->memory->len == SPOOL_MEMORY && !flush (spool, error))
        return false;
      if (spool->memory->len == 0 && spool->size % STRETCH == 0)
        start_writing (spool);
    }
  return true;
}

int
spool_fd (Spool *spool, uint64_t *start, GError **error)
{
  *start = spool->reserve;
  return flush (spool, error) ? spool->fd : -1;
}

bool
spool_write_reserve (Spool *spool, const void *octets, size_t length,
                     GError **error)
{
  ssize_t done;

  g_assert (length <= spool->reserve);
  if (!flush (spool, error))
    return false;
  done = pwrite (spool->fd, octets, length, 0);
  if (done == (ssize_t) length)
    return true;
  failure_set_errno (error, FAILURE_IO, done < 0 ? errno : ENOSPC,
                     _ ("cannot write the queue file"));
  return false;
}

/* Where the file system has no links (some in user space). */
static int
rename_temporary (const Spool *spool, const char *name)
{
  if (errno != EPERM && errno != EOPNOTSUPP && errno != ENOSYS)
    return -1;
  return renameat2 (spool->dirfd, spool->temporary, spool->dirfd, name,
                    RENAME_NOREPLACE);
}

/* A link never replaces an existing file. An unnamed file is linked through
   /proc; AT_EMPTY_PATH would need a capability. */
static int
give_name (const Spool *spool, const char *name)
{
  g_autofree char *self = NULL;

  if (spool->temporary != NULL
      && linkat (spool->dirfd, spool->temporary, spool->dirfd, name, 0) == 0)
    return 0;
  if (spool->temporary != NULL)
    return rename_temporary (spool, name);
  self = g_strdup_printf ("/proc/self/fd/%d", spool->fd);
  return linkat (AT_FDCWD, self, spool->dirfd, name, AT_SYMLINK_FOLLOW);
}

/* One sequence whose order is the promise: all octets on disk, then the name,
   then the name on disk. */
static bool
commit (Spool *spool, const char *name, GError **error)
{
  if (!flush (spool, error))
    return false;
  if (!lock (spool->fd) || fsync (spool->fd) < 0)
    {
      failure_set_errno (error, FAILURE_IO, errno,
                         _ ("cannot write the queue file"));
      return false;
    }
  if (give_name (spool, name) < 0)
    {
      failure_set_errno (error, FAILURE_CANNOT_CREATE, errno,
                         _ ("cannot name the queue file"));
      return false;
    }
  if (spool->temporary != NULL)
    unlinkat (spool->dirfd, spool->temporary, 0);
  g_clear_pointer (&spool->temporary, g_free);
  if (fsync (spool->dirfd) < 0)
    {
      failure_set_errno (error, FAILURE_IO, errno,
                         _ ("cannot write the queue directory"));
      unlinkat (spool->dirfd, name, 0);
      return false;
    }
  return true;
}

int
spool_commit (Spool *spool, const char *name, GError **error)
{
  int fd;

  if (!commit (spool, name, error))
    {
      spool->broken = true;
      return -1;
    }
  fd = spool->fd;
  spool->fd = -1;
  return fd;
}
