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

/* Looks for dots and not for lines: of those there are fewer, and in base64 none.
   Copies from one that is doubled to the next. */
size_t
content_stuff_dots (char *out, const char *in, size_t length, bool *line_start)
{
  const char *end = in + length;
  const char *copied = in;
  char *to = out;

  if (length == 0)
    return 0;
  for (const char *p = in; (p = memchr (p, '.', (size_t)(end - p))) != NULL;)
    {
      if (p > in ? p[-1] == '\n' : *line_start)
        {
          memcpy (to, copied, (size_t)(p - copied));
          to += p - copied;
          *to++ = '.';
          copied = p;
        }
      while (p < end && *p == '.')
        p++;
    }
  memcpy (to, copied, (size_t)(end - copied));
  to += end - copied;
  *line_start = end[-1] == '\n';
  return (size_t)(to - out);
}
