#include "relay/record.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include <glib/gstdio.h>

#define LOGGED_MAXIMUM 1000 /* octets of a line */

struct Record
{
  char *directory; /* NULL: nothing is kept */
  unsigned connection;
  unsigned messages;
  bool tls;
  int log, message;         /* -1: not open */
  int received[2], sent[2]; /* [tls] */
};

static int
open_file (const Record *record, const char *suffix)
{
  g_autofree char *name = g_strdup_printf (
      "%s/%u.%s", record->directory == NULL ? "" : record->directory,
      record->connection, suffix);
  int fd;

  if (record->directory == NULL)
    return -1;
  fd = open (name, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
  if (fd < 0)
    err (EX_CANTCREAT, "%s", name);
  return fd;
}

Record *
record_new (const char *directory, unsigned connection)
{
  Record *record = g_new0 (Record, 1);

  record->directory = g_strdup (directory);
  record->connection = connection;
  if (directory != NULL && g_mkdir_with_parents (directory, 0700) != 0)
    err (EX_CANTCREAT, "%s", directory);
  record->log = open_file (record, "log");
  record->message = -1;
  record->received[0] = open_file (record, "clear");
  record->received[1] = open_file (record, "tls");
  record->sent[0] = open_file (record, "clear.sent");
  record->sent[1] = open_file (record, "tls.sent");
  return record;
}

void
record_free (Record *record)
{
  int fds[] = { record->log,         record->message, record->received[0],
                record->received[1], record->sent[0], record->sent[1] };

  for (size_t i = 0; i < G_N_ELEMENTS (fds); i++)
    if (fds[i] >= 0)
      close (fds[i]);
  g_free (record->directory);
  g_free (record);
}

void
record_enter_tls (Record *record)
{
  record->tls = true;
}

static void
put (int fd, const void *octets, size_t length)
{
  const char *at = octets;

  while (fd >= 0 && length > 0)
    {
      ssize_t n = write (fd, at, length);

      if (n < 0 && errno != EINTR)
        err (EX_IOERR, "record");
      if (n > 0)
        {
          at += n;
          length -= (size_t) n;
        }
    }
}

static void
log_text (Record *record, char mark, const char *text, size_t length)
{
  g_autoptr (GString) line = g_string_new (record->tls ? "tls " : "clear ");

  g_string_append_c (line, mark);
  g_string_append_c (line, ' ');
  for (size_t i = 0; i < MIN (length, LOGGED_MAXIMUM); i++)
    if (text[i] >= ' ' && text[i] <= '~')
      g_string_append_c (line, text[i]);
    else
      g_string_append_printf (line, "\\x%02x", (unsigned char) text[i]);
  if (length > LOGGED_MAXIMUM)
    g_string_append_printf (line, "... (%zu octets)", length);
  g_string_append_c (line, '\n');
  put (record->log, line->str, line->len);
}

void
record_received (Record *record, const void *octets, size_t length)
{
  put (record->received[record->tls], octets, length);
}

void
record_sent (Record *record, const void *octets, size_t length)
{
  const char *at = octets, *end = at + length;

  put (record->sent[record->tls], octets, length);
  while (at < end)
    {
      const char *lf = memchr (at, '\n', (size_t) (end - at));
      const char *next = lf == NULL ? end : lf + 1;
      size_t text = (size_t) (next - at);

      if (text >= 2 && memcmp (next - 2, "\r\n", 2) == 0)
        text -= 2;
      log_text (record, '>', at, text);
      at = next;
    }
}

void
record_line (Record *record, const char *line, size_t length)
{
  log_text (record, '<', line, length);
}

void
record_note (Record *record, const char *format, ...)
{
  g_autofree char *text = NULL;
  va_list arguments;

  va_start (arguments, format);
  text = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  log_text (record, '-', text, strlen (text));
}

void
record_verdict (Record *record, const char *verdict)
{
  g_autofree char *line = g_strdup_printf ("verdict %s\n", verdict);

  put (record->log, line, strlen (line));
}

void
record_message_begin (Record *record)
{
  g_autofree char *suffix = g_strdup_printf ("message-%u", ++record->messages);

  record->message = open_file (record, suffix);
}

void
record_message_octets (Record *record, const void *octets, size_t length)
{
  put (record->message, octets, length);
}

unsigned
record_message_end (Record *record)
{
  if (record->message >= 0)
    close (record->message);
  record->message = -1;
  return record->messages;
}
