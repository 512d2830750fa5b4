#include "mail/content.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <glib/gi18n.h>

#include "base/failure.h"

uint64_t
content_size (const Content *content)
{
  return content->header.size + content->body.size;
}

bool
content_read (int fd, char *buffer, size_t length, uint64_t offset,
              GError **error)
{
  while (length > 0)
    {
      ssize_t got = pread (fd, buffer, length, (off_t) offset);

      if (got < 0 && errno == EINTR)
        continue;
      if (got <= 0)
        {
          failure_set_errno (error, FAILURE_IO, got < 0 ? errno : ENODATA,
                             _ ("cannot read the message from the queue"));
          return false;
        }
      buffer += got;
      offset += (uint64_t) got;
      length -= (size_t) got;
    }
  return true;
}

/* Copies from one doubled dot to the next, not line by line. */
size_t
content_stuff_dots (char *out, const char *in, size_t length, bool *line_start)
{
  const char *end = in + length;
  const char *copied = in;
  const char *line = in;
  char *to = out;

  if (length == 0)
    return 0;
  if (!*line_start)
    {
      line = memchr (in, '\n', length);
      line = line != NULL ? line + 1 : end;
    }
  while (line < end)
    {
      const char *feed;

      if (*line == '.')
        {
          memcpy (to, copied, (size_t)(line - copied));
          to += line - copied;
          *to++ = '.';
          copied = line;
        }
      feed = memchr (line, '\n', (size_t)(end - line));
      line = feed != NULL ? feed + 1 : end;
    }
  memcpy (to, copied, (size_t)(end - copied));
  to += end - copied;
  *line_start = end[-1] == '\n';
  return (size_t)(to - out);
}
