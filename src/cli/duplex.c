#include "cli/duplex.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#define IN_SIZE (64 * 1024)
#define LAST_REPLIES 60000 /* ms to wait for each piece of them to be read */
#define OUT_MAXIMUM (1024 * 1024) /* octets of replies that nobody reads */

struct Duplex
{
  int in, out; /* out: -1 where nobody reads it any more */
  char *buffer;
  size_t start, end; /* what of the buffer was not taken yet */
  bool ended;
  int errnum;
  GString *replies;
};

Duplex *
duplex_new (int in, int out)
{
  Duplex *duplex = g_new0 (Duplex, 1);

  duplex->in = in;
  duplex->out = out;
  duplex->buffer = g_malloc (IN_SIZE);
  duplex->replies = g_string_new (NULL);
  return duplex;
}

void
duplex_free (Duplex *duplex)
{
  if (duplex == NULL)
    return;
  g_free (duplex->buffer);
  g_string_free (duplex->replies, TRUE);
  g_free (duplex);
}

/* A pipe that is ready for writing takes that much without waiting. */
static void
write_some (Duplex *duplex)
{
  size_t length = MIN (duplex->replies->len, PIPE_BUF);
  ssize_t done = write (duplex->out, duplex->replies->str, length);

  if (done > 0)
    g_string_erase (duplex->replies, 0, done);
  else if (done < 0 && errno != EINTR && errno != EAGAIN
           && errno != EWOULDBLOCK)
    {
      duplex->out = -1;
      g_string_truncate (duplex->replies, 0);
    }
}

/* Waits for one of them, MILLISECONDS or (-1) without limit. A descriptor of -1
   is not waited for. */
static bool
wait_for (int in, int out, int milliseconds, bool *readable, bool *writable)
{
  struct pollfd fds[] = { { .fd = in, .events = POLLIN },
                          { .fd = out, .events = POLLOUT } };
  int count;

  while ((count = poll (fds, G_N_ELEMENTS (fds), milliseconds)) < 0
         && errno == EINTR)
    ;
  *readable = count > 0 && in >= 0 && fds[0].revents != 0;
  *writable = count > 0 && out >= 0 && fds[1].revents != 0;
  return count > 0;
}

/* Until there is something to read; meanwhile the client gets its replies. */
static void
wait_for_input (Duplex *duplex)
{
  bool readable = false;

  while (!readable)
    {
      bool full = duplex->replies->len > OUT_MAXIMUM;
      bool writable;

      (void) wait_for (full ? -1 : duplex->in,
                       duplex->replies->len > 0 ? duplex->out : -1, -1,
                       &readable, &writable);
      if (writable)
        {
          write_some (duplex);
          readable = false;
        }
    }
}

/* Reads behind what is there already; there is room. */
static void
read_some (Duplex *duplex)
{
  while (!duplex->ended)
    {
      ssize_t got;

      wait_for_input (duplex);
      got = read (duplex->in, duplex->buffer + duplex->end,
                  IN_SIZE - duplex->end);
      if (got < 0 && (errno == EINTR || errno == EAGAIN || errno == EWOULDBLOCK))
        continue;
      if (got < 0)
        duplex->errnum = errno;
      duplex->ended = got <= 0;
      duplex->end += (size_t) MAX (got, 0);
      return;
    }
}

const char *
duplex_octets (Duplex *duplex, size_t *length)
{
  if (duplex->start == duplex->end)
    {
      duplex->start = duplex->end = 0;
      read_some (duplex);
    }
  *length = duplex->end - duplex->start;
  return *length > 0 ? duplex->buffer + duplex->start : NULL;
}

void
duplex_take (Duplex *duplex, size_t length)
{
  duplex->start += length;
}

DuplexLine
duplex_line (Duplex *duplex, GString *line, size_t maximum, bool *bare)
{
  const char *octets;
  const char *feed = NULL;
  size_t length;
  bool too_long = false;

  g_string_truncate (line, 0);
  while (feed == NULL && (octets = duplex_octets (duplex, &length)) != NULL)
    {
      feed = memchr (octets, '\n', length);
      if (feed != NULL)
        length = (size_t) (feed + 1 - octets);
      too_long = too_long || line->len + length > maximum;
      if (too_long)
        g_string_truncate (line, 0);
      else
        g_string_append_len (line, octets, (gssize) length);
      duplex_take (duplex, length);
    }
  if (feed == NULL)
    return DUPLEX_END;
  if (too_long)
    return DUPLEX_TOO_LONG;
  *bare = line->len < 2 || line->str[line->len - 2] != '\r';
  g_string_truncate (line, line->len - (*bare ? 1 : 2));
  return DUPLEX_LINE;
}

int
duplex_errnum (const Duplex *duplex)
{
  return duplex->errnum;
}

void
duplex_say (Duplex *duplex, const char *text)
{
  if (duplex->out >= 0)
    g_string_append_printf (duplex->replies, "%s\r\n", text);
}

static void
write_while (Duplex *duplex, int milliseconds)
{
  bool readable, writable;

  while (duplex->replies->len > 0
         && wait_for (-1, duplex->out, milliseconds, &readable, &writable))
    write_some (duplex);
}

void
duplex_push (Duplex *duplex)
{
  write_while (duplex, 0);
}

void
duplex_flush (Duplex *duplex)
{
  write_while (duplex, LAST_REPLIES);
}
