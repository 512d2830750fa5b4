#include "base/trusted.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib/gi18n.h>

#include "base/text.h"

/* FILE for a message: one line. */
static char *
shown_path (const char *file)
{
  return text_printable (file, strlen (file), PATH_MAX);
}

/* A file that is not there, or not for us, needs a person. Trouble of the disk or
   with descriptors is PASSING: another time it can be read. */
static void
set_unreadable (const char *file, int errnum, Failure passing, GError **error)
{
  static const int lasting[] = { ENOENT,  EACCES, EPERM,       EISDIR,
                                 ENOTDIR, ELOOP,  ENAMETOOLONG };
  Failure kind = passing;

  for (size_t i = 0; i < G_N_ELEMENTS (lasting); i++)
    if (errnum == lasting[i])
      kind = FAILURE_CONFIG;
  failure_set_errno (error, kind, errnum, _ ("cannot read %s"), file);
}

static void
set_too_large (const char *file, GError **error)
{
  g_set_error (error, FAILURE, FAILURE_CONFIG, _ ("%s is too large"), file);
}

/* Of what was opened, whatever its name leads to by now. */
static bool
check (const char *file, int fd, size_t maximum, mode_t forbidden,
       Failure passing, GError **error)
{
  struct stat status;

  if (fstat (fd, &status) != 0)
    {
      set_unreadable (file, errno, passing, error);
      return false;
    }
  if (!S_ISREG (status.st_mode))
    g_set_error (error, FAILURE, FAILURE_CONFIG, _ ("%s is not a file"), file);
  else if (status.st_uid != getuid () && status.st_uid != 0)
    g_set_error (error, FAILURE, FAILURE_CONFIG,
                 _ ("%s belongs to another user (uid %ju): it must be yours "
                    "or root's"),
                 file, (uintmax_t) status.st_uid);
  else if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0)
    g_set_error (error, FAILURE, FAILURE_CONFIG,
                 _ ("%s can be written by others: run `chmod go-w %s'"), file,
                 file);
  else if ((status.st_mode & forbidden) != 0)
    g_set_error (error, FAILURE, FAILURE_CONFIG,
                 _ ("%s can be read by others: run `chmod go= %s'"), file,
                 file);
  else if ((uintmax_t) status.st_size > maximum)
    set_too_large (file, error);
  else
    return true;
  return false;
}

static GBytes *
read_all (const char *file, int fd, size_t maximum, Failure passing,
          GError **error)
{
  g_autoptr (GString) octets = g_string_new (NULL);
  char buffer[16384];
  ssize_t length;

  while ((length = read (fd, buffer, sizeof buffer)) != 0)
    {
      if (length < 0 && errno == EINTR)
        continue;
      if (length < 0)
        {
          set_unreadable (file, errno, passing, error);
          return NULL;
        }
      g_string_append_len (octets, buffer, length);
      if (octets->len > maximum)
        {
          set_too_large (file, error);
          return NULL;
        }
    }
  return g_string_free_to_bytes (g_steal_pointer (&octets));
}

GBytes *
trusted_read (const char *file, size_t maximum, Failure passing, bool *absent,
              GError **error)
{
  g_autofree char *shown = shown_path (file);
  int fd = open (file, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
  GBytes *octets;

  if (absent != NULL)
    *absent = fd < 0 && (errno == ENOENT || errno == ENOTDIR);
  if (fd < 0)
    {
      if (absent == NULL || !*absent)
        set_unreadable (shown, errno, passing, error);
      return NULL;
    }
  octets = check (shown, fd, maximum, 0, passing, error)
               ? read_all (shown, fd, maximum, passing, error)
               : NULL;
  close (fd);
  return octets;
}

/* One octet over the maximum stands for any number of them. */
/* What is larger costs more: its pages are locked, and wiped. */
#define USUAL_SECRET 2048

static void
enlarge (Secret **secret, size_t length)
{
  Secret *larger = secret_new_empty (SECRET_MAXIMUM + 1);

  memcpy (secret_buffer (larger), secret_buffer (*secret), length);
  secret_free (*secret);
  *secret = larger;
}

static Secret *
read_secret (const char *file, int fd, GError **error)
{
  g_autoptr (Secret) secret = secret_new_empty (USUAL_SECRET);
  size_t room = USUAL_SECRET;
  size_t length = 0;
  ssize_t got = 1;

  while (length <= SECRET_MAXIMUM && got != 0)
    {
      if (length == room)
        {
          enlarge (&secret, length);
          room = SECRET_MAXIMUM + 1;
        }
      got = read (fd, (char *) secret_buffer (secret) + length, room - length);
      if (got < 0 && errno != EINTR)
        {
          set_unreadable (file, errno, FAILURE_OS, error);
          return NULL;
        }
      length += got > 0 ? (size_t) got : 0;
    }
  if (length > SECRET_MAXIMUM)
    {
      set_too_large (file, error);
      return NULL;
    }
  secret_set_length (secret, length);
  return g_steal_pointer (&secret);
}

Secret *
trusted_read_secret (int directory, const char *name, const char *file,
                     mode_t forbidden, GError **error)
{
  g_autofree char *shown = shown_path (file);
  int fd = openat (directory, name,
                   O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | O_NOFOLLOW);
  Secret *secret;

  if (fd < 0 && errno == ELOOP)
    {
      g_set_error (error, FAILURE, FAILURE_CONFIG,
                   _ ("%s is a symbolic link: name the file itself"), shown);
      return NULL;
    }
  if (fd < 0)
    {
      set_unreadable (shown, errno, FAILURE_OS, error);
      return NULL;
    }
  secret = check (shown, fd, SECRET_MAXIMUM, forbidden, FAILURE_OS, error)
               ? read_secret (shown, fd, error)
               : NULL;
  close (fd);
  return secret;
}
