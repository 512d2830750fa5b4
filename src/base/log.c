#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include <glib/gi18n.h>

#include "base/progress.h"
#include "base/text.h"

#define LINE_MAXIMUM 4096
#define NAME_MAXIMUM 64

static enum { TO_SYSLOG, TO_FILE, TO_NOTHING } target = TO_SYSLOG;
static char *path;
static bool complained;
static int kept = -1; /* the file, open */
static char *name;

void
log_open (const char *where)
{
  g_clear_pointer (&path, g_free);
  if (kept >= 0)
    close (kept);
  kept = -1;
  complained = false;
  if (g_strcmp0 (where, "none") == 0)
    target = TO_NOTHING;
  else if (where != NULL && where[0] == '/')
    {
      target = TO_FILE;
      path = g_strdup (where);
    }
  else
    target = TO_SYSLOG;
}

void
log_tag (const char *tag)
{
  g_clear_pointer (&name, g_free);
  if (tag == NULL || tag[0] == '\0')
    return;
  name = g_strndup (tag, NAME_MAXIMUM);
  for (char *p = name; *p != '\0'; p++)
    if (!g_ascii_isalnum (*p) && strchr ("-_.+/@", *p) == NULL)
      *p = '_';
}

const char *
log_name (void)
{
  return name != NULL ? name : "postrider";
}

static void
complain (int errnum)
{
  g_autofree char *shown = NULL;

  if (complained || !isatty (STDERR_FILENO))
    return;
  complained = true;
  progress_end ();
  shown = text_printable (path, strlen (path), LINE_MAXIMUM);
  (void) fprintf (stderr, _ ("postrider: cannot write the log %s: %s\n"),
                  shown, g_strerror (errnum));
}

/* To be read as well, for end_of_half; who may only write does without. */
static int
open_file (void)
{
  const int flags = O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW;
  int fd = open (path, O_RDWR | flags, 0600);

  if (fd < 0 && (errno == EACCES || errno == EPERM))
    fd = open (path, O_WRONLY | flags, 0600);
  return fd;
}

void
log_keep_open (void)
{
  if (target == TO_SYSLOG)
    openlog (log_name (), LOG_PID | LOG_NDELAY, LOG_MAIL);
  else if (target == TO_FILE && kept < 0)
    kept = open_file ();
}

/* As RFC 3339 has it. GLib's dates would read the zone and a table of charsets. */
static char *
date_now (void)
{
  time_t now = time (NULL);
  struct tm parts;
  long minutes;

  tzset ();
  (void) localtime_r (&now, &parts);
  minutes = ABS (parts.tm_gmtoff) / 60;
  return g_strdup_printf ("%04d-%02d-%02dT%02d:%02d:%02d%c%02ld:%02ld",
                          parts.tm_year + 1900, parts.tm_mon + 1,
                          parts.tm_mday, parts.tm_hour, parts.tm_min,
                          parts.tm_sec, parts.tm_gmtoff < 0 ? '-' : '+',
                          minutes / 60, minutes % 60);
}

/* A full disk may have taken half a line, of this process or another one. Nobody can
   take that back without a risk for what others wrote behind it; but the next line
   can end it, as one that was cut. */
static const char *
end_of_half (int fd)
{
  struct stat status;
  char last = '\n';

  if (fstat (fd, &status) == 0 && S_ISREG (status.st_mode) && status.st_size > 0)
    (void) !pread (fd, &last, 1, status.st_size - 1);
  return last != '\n' ? "...\n" : "";
}

static void
append (int fd, const char *line)
{
  g_autofree char *date = date_now ();
  g_autofree char *text
      = g_strdup_printf ("%s%s %s[%d]: %s\n", end_of_half (fd), date,
                         log_name (), (int) getpid (), line);
  size_t length = strlen (text);
  ssize_t written = write (fd, text, length);

  if (written < 0)
    complain (errno);
  else if ((size_t) written < length)
    complain (ENOSPC);
}

static void
write_file_line (const char *line)
{
  int fd = kept >= 0 ? kept : open_file ();

  if (fd < 0)
    {
      complain (errno);
      return;
    }
  append (fd, line);
  if (fd != kept)
    close (fd);
}

void
log_line (int priority, const char *format, ...)
{
  va_list arguments;
  g_autofree char *raw = NULL;
  g_autofree char *line = NULL;

  if (target == TO_NOTHING)
    return;
  va_start (arguments, format);
  raw = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  line = text_printable (raw, strlen (raw), LINE_MAXIMUM);
  if (target == TO_FILE)
    {
      write_file_line (line);
      return;
    }
  openlog (log_name (), LOG_PID, LOG_MAIL);
  syslog (priority, "%s", line);
}
