#include "mail/content.h"

#include <string.h>

uint64_t
content_size (const Content *content)
{
  return content->header.size + content->body.size;
}

/* Copies from one doubled dot to the next, not line by line. */
size_t
content_stuff_dots (char *out, const char *in, size_t length, bool *line_start)
{
  const char *end = in + length;
  const char *copied = in;
  const char *line = *line_start ? in : NULL;
  char *to = out;

  if (length == 0)
    return 0;
  if (line == NULL)
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
