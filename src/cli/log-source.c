#include "cli/log-source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <glib/gi18n.h>

#include "base/child.h"
#include "base/failure.h"
#include "cli/log-record.h"

#define FILES_MAXIMUM 1000

/* What a syslog calls its file for mail, or for all. */
static const char *const syslog_files[]
    = { "/var/log/mail.log", "/var/log/maillog", "/var/log/mail",
        "/var/log/syslog",   "/var/log/messages" };

typedef struct
{
  LogSink *sink;
  void *data;
  bool enough;
  bool seen;     /* a line */
  bool overlong; /* the line that goes on is no record */
} Reading;

/* One piece of a line, or a whole one. */
static void
take_piece (Reading *reading, const char *piece, size_t length)
{
  bool ended = length > 0 && piece[length - 1] == '\n';

  reading->seen = true;
  if (!reading->overlong && (ended || length <= LOG_RECORD_MAXIMUM))
    reading->enough
        = !reading->sink (reading->data, piece, length - ended);
  reading->overlong = !ended;
}

/* Takes FD; what is compressed and what is not. */
static void
read_lines (Reading *reading, int fd)
{
  g_autofree char *piece = g_malloc (LOG_RECORD_MAXIMUM + 2);
  gzFile file = gzdopen (fd, "rb");
  z_off_t at = 0;

  if (file == NULL)
    {
      close (fd);
      return;
    }
  reading->overlong = false;
  while (!reading->enough
         && gzgets (file, piece, LOG_RECORD_MAXIMUM + 2) != NULL)
    {
      /* It may have a NUL. */
      size_t length = (size_t) (gztell (file) - at);

      at = gztell (file);
      take_piece (reading, piece, length);
    }
  (void) gzclose_r (file);
}

/* Descriptor, or -1 with errno. */
static int
open_regular (const char *path, struct stat *status)
{
  int fd = open (path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

  if (fd >= 0 && fstat (fd, status) == 0 && S_ISREG (status->st_mode))
    return fd;
  if (fd >= 0)
    {
      close (fd);
      errno = EINVAL;
    }
  return -1;
}

typedef struct
{
  char *path;
  int64_t changed;
} Rotated;

static void
clear_rotated (void *item)
{
  g_free (((Rotated *) item)->path);
}

static int
compare_rotated (const void *a, const void *b)
{
  int64_t first = ((const Rotated *) a)->changed;
  int64_t second = ((const Rotated *) b)->changed;

  return (first > second) - (first < second);
}

/* NAME is BASE.1, BASE.2.gz, BASE-20261121.gz. */
static bool
is_rotated (const char *name, const char *base)
{
  size_t digits;

  if (!g_str_has_prefix (name, base))
    return false;
  name += strlen (base);
  digits = (*name == '.' || *name == '-') ? strspn (name + 1, "0123456789") : 0;
  if (digits == 0)
    return false;
  name += 1 + digits;
  return *name == '\0' || strcmp (name, ".gz") == 0;
}

/* Those of PATH, the oldest first. */
static GArray *
find_rotated (const char *path)
{
  g_autofree char *directory = g_path_get_dirname (path);
  g_autofree char *base = g_path_get_basename (path);
  GArray *found = g_array_new (FALSE, FALSE, sizeof (Rotated));
  GDir *dir = g_dir_open (directory, 0, NULL);
  const char *name;

  g_array_set_clear_func (found, clear_rotated);
  while (dir != NULL && found->len < FILES_MAXIMUM
         && (name = g_dir_read_name (dir)) != NULL)
    {
      Rotated one = { NULL, 0 };
      struct stat status;

      if (!is_rotated (name, base))
        continue;
      one.path = g_build_filename (directory, name, NULL);
      one.changed = stat (one.path, &status) == 0 ? status.st_mtime : 0;
      g_array_append_val (found, one);
    }
  g_clear_pointer (&dir, g_dir_close);
  g_array_sort (found, compare_rotated);
  return found;
}

/* PATH itself comes last. False with errno: it cannot be read. */
static bool
read_files (Reading *reading, const char *path, int64_t since)
{
  struct stat status;
  int last = open_regular (path, &status);
  g_autoptr (GArray) rotated = NULL;

  if (last < 0 && errno != ENOENT)
    return false;
  rotated = find_rotated (path);
  if (last < 0 && rotated->len == 0)
    {
      errno = ENOENT;
      return false;
    }
  for (guint i = 0; i < rotated->len; i++)
    {
      const Rotated *one = &g_array_index (rotated, Rotated, i);
      int fd = one->changed < since ? -1 : open_regular (one->path, &status);

      if (fd >= 0)
        read_lines (reading, fd);
    }
  if (last >= 0)
    read_lines (reading, last);
  return true;
}

/* What this user's processes have said there. False: nothing, or there is none. */
static bool
read_journal (Reading *reading, int64_t since)
{
  g_autofree char *user = g_strdup_printf ("_UID=%u", (unsigned) getuid ());
  g_autofree char *start
      = g_strdup_printf ("--since=@%" G_GINT64_FORMAT, MAX (since, 0));
  const char *argv[] = { "journalctl",          "--quiet", "--no-pager",
                         "--output=short-unix", start,     "SYSLOG_FACILITY=2",
                         user,                  NULL };
  g_autoptr (Child) child = NULL;
  int fd = child_connect (argv, &child, NULL);

  if (fd < 0)
    return false;
  read_lines (reading, fd);
  return reading->seen;
}

static bool
stop (void *data, const char *line, size_t length)
{
  return false;
}

/* Whether it has a line of any time. */
static bool
has_journal (void)
{
  Reading reading = { .sink = stop };

  return read_journal (&reading, 0);
}

static void
set_unreadable (const char *path, int errnum, GError **error)
{
  failure_set_errno (error, FAILURE_NO_INPUT, errnum,
                     _ ("cannot read the log %s"), path);
}

static bool
read_syslog (Reading *reading, int64_t since, GError **error)
{
  const char *closed = NULL;

  if (read_journal (reading, since) || (since > 0 && has_journal ()))
    return true;
  for (size_t i = 0; i < G_N_ELEMENTS (syslog_files); i++)
    {
      if (read_files (reading, syslog_files[i], since))
        return true;
      if (errno == EACCES && closed == NULL)
        closed = syslog_files[i];
    }
  if (closed != NULL)
    g_set_error (error, FAILURE, FAILURE_NO_INPUT,
                 _ ("the log goes to syslog, and you may not read %s: ask "
                    "for that, or write `log = /path/of/a/file' below "
                    "[postrider] in the accounts file for a log of your own"),
                 closed);
  else
    g_set_error_literal (
        error, FAILURE, FAILURE_NO_INPUT,
        _ ("the log goes to syslog, and neither the journal nor a file in "
           "/var/log has a line of it: unless nothing was sent yet, write "
           "`log = /path/of/a/file' below [postrider] in the accounts file "
           "for a log of your own"));
  return false;
}

bool
log_source_read (const char *target, int64_t since, LogSink *sink, void *data,
                 GError **error)
{
  Reading reading = { .sink = sink, .data = data };

  if (g_strcmp0 (target, "none") == 0)
    {
      g_set_error_literal (
          error, FAILURE, FAILURE_NO_INPUT,
          _ ("there is no log: the accounts file has `log = none'"));
      return false;
    }
  if (target == NULL || target[0] != '/')
    return read_syslog (&reading, since, error);
  if (read_files (&reading, target, since) || errno == ENOENT)
    return true;
  set_unreadable (target, errno, error);
  return false;
}
