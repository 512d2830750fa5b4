/* Any octets as a message on stdin: the body has no bare CR or LF, is what came
 * but for its line ends, and its flags are those of its octets. With its dots
 * doubled it reads as itself. */

#include "tests/fuzz/fuzz.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <glib.h>

#include "mail/content.h"
#include "mail/message.h"
#include "smtp/unstuff.h"

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
check_unstuffed (const char *octets, size_t length, const char *body,
                 size_t body_length)
{
  g_autoptr (GString) out = g_string_new (NULL);
  Unstuff unstuff;
  bool ended = false;
  size_t taken = 0;

  unstuff_start (&unstuff, false);
  while (!ended && taken < length)
    taken += unstuff_feed (&unstuff, octets + taken, MIN (length - taken, 5),
                           out, &ended);
  g_assert (ended && taken == length);
  g_assert (out->len == body_length
            && memcmp (out->str, body, body_length) == 0);
}

static void
check_dots (const char *body, size_t length)
{
  g_autofree char *out = g_malloc (2 * length + 4);
  bool line_start = true;
  size_t written = content_stuff_dots (out, body, length, &line_start);

  g_assert (line_start);
  g_assert (written < 3 || memcmp (out, ".\r\n", 3) != 0);
  g_assert (memmem (out, written, "\r\n.\r\n", 5) == NULL);
  memcpy (out + written, ".\r\n", 3);
  check_unstuffed (out, written + 3, body, length);
}

/* Of all that came, the body is the end. CRs before a LF belong to it, others end
 * lines. */
static void
check_same (const uint8_t *data, size_t size, const char *body, size_t length)
{
  g_autoptr (GString) lines = g_string_new (NULL);
  size_t returns = 0;

  for (size_t i = 0; i < size; i++)
    if (data[i] == '\n')
      {
        g_string_truncate (lines, lines->len - 2 * returns);
        g_string_append (lines, "\r\n");
        returns = 0;
      }
    else if (data[i] == '\r')
      {
        g_string_append (lines, "\r\n");
        returns++;
      }
    else
      {
        g_string_append_c (lines, (char) data[i]);
        returns = 0;
      }
  if (lines->len > 0 && lines->str[lines->len - 1] != '\n')
    g_string_append (lines, "\r\n");
  g_assert (lines->len >= length
            && memcmp (lines->str + lines->len - length, body, length) == 0);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  static int directory = -1;
  bool dot_ends = size > 0 && data[size - 1] == 'T';
  int in = memfd_create ("stdin", MFD_CLOEXEC);
  g_autoptr (Message) message = NULL;

  if (directory < 0)
    directory = open ("/dev/shm", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (write (in, data, size) != (ssize_t)size)
    g_assert_not_reached ();
  lseek (in, 0, SEEK_SET);
  message = message_read (in, spool_new (directory, 0), dot_ends, 0, NULL);
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
      if (!dot_ends)
        check_same (data, size, body, length);
    }
  return 0;
}
