/* Any octets as a message on stdin: the body has no bare CR or LF, and its
 * flags are those of its octets. */

#include "tests/fuzz/fuzz.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <glib.h>

#include "mail/content.h"
#include "mail/message.h"

static void
check_body (const Message *message, const char *body, size_t length)
{
  bool eight_bit = false;
  uint64_t line = 0;
  uint64_t longest = 0;

  for (size_t i = 0; i < length; i++)
    {
      eight_bit = eight_bit || (unsigned char)body[i] >= 0x80;
      g_assert (body[i] != '\r' || (i + 1 < length && body[i + 1] == '\n'));
      g_assert (body[i] != '\n' || (i > 0 && body[i - 1] == '\r'));
      line = body[i] == '\n' ? 0 : line + (body[i] != '\r');
      longest = MAX (longest, line);
    }
  g_assert (length == 0 || body[length - 1] == '\n');
  g_assert (message->body_8bit == eight_bit);
  g_assert (message->body_nul == (memchr (body, '\0', length) != NULL));
  g_assert (message->longest_line == longest);
}

static void
check_dots (const char *body, size_t length)
{
  g_autofree char *out = g_malloc (2 * length + 3);
  bool line_start = true;
  size_t written = content_stuff_dots (out, body, length, &line_start);

  g_assert (line_start);
  g_assert (written < 3 || memcmp (out, ".\r\n", 3) != 0);
  g_assert (memmem (out, written, "\r\n.\r\n", 5) == NULL);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  static int directory = -1;
  int in = memfd_create ("stdin", MFD_CLOEXEC);
  g_autoptr (Message) message = NULL;

  if (directory < 0)
    directory = open ("/dev/shm", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (write (in, data, size) != (ssize_t)size)
    g_assert_not_reached ();
  lseek (in, 0, SEEK_SET);
  message = message_read (in, spool_new (directory, 0),
                          size > 0 && data[size - 1] == 'T', 0, NULL);
  close (in);
  if (message != NULL)
    {
      size_t length = spool_size (message->body);
      g_autofree char *name =
          g_strdup_printf ("fuzz-message-%d", (int)getpid ());
      g_autofree char *body = g_malloc (length + 1);
      int fd = spool_commit (message->body, name, NULL);

      unlinkat (directory, name, 0);
      g_assert (pread (fd, body, length, 0) == (ssize_t)length);
      close (fd);
      check_body (message, body, length);
      check_dots (body, length);
    }
  return 0;
}
