#include "mail/message.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include <glib/gi18n.h>

#include "base/failure.h"
#include "base/progress.h"
#include "base/text.h"

#define CHUNK (128 * 1024)
#define OUT_SIZE (64 * 1024)

/* Input goes through message_reader_feed, which cuts header lines until the
   header ends, then through feed_body, which ends lines anew. */
struct MessageReader
{
  Message *message;
  uint64_t maximum;
  uint64_t total;
  bool in_header;
  bool first_line;
  GString *line;        /* of the header, until its end has come */
  uint64_t returns;     /* CRs at the end of the body so far: a line end each,
                           unless LF follows */
  uint64_t line_length; /* of the body line that is being written */
  char *out;
  size_t out_length;
};

void
message_free (Message *message)
{
  if (message == NULL)
    return;
  header_free (message->header);
  spool_free (message->body);
  g_free (message);
}

static bool
flush (MessageReader *reader, GError **error)
{
  size_t length = reader->out_length;

  reader->out_length = 0;
  return spool_append (reader->message->body, reader->out, length, error);
}

static bool
put (MessageReader *reader, const char *octets, size_t length, GError **error)
{
  if (length > OUT_SIZE - reader->out_length && !flush (reader, error))
    return false;
  if (length > OUT_SIZE)
    return spool_append (reader->message->body, octets, length, error);
  memcpy (reader->out + reader->out_length, octets, length);
  reader->out_length += length;
  return true;
}

static bool
put_text (MessageReader *reader, const char *text, size_t length, GError **error)
{
  reader->line_length += length;
  return put (reader, text, length, error);
}

static bool
end_line (MessageReader *reader, GError **error)
{
  Message *message = reader->message;

  message->longest_line = MAX (message->longest_line, reader->line_length);
  reader->line_length = 0;
  return put (reader, "\r\n", 2, error);
}

static bool
end_lines (MessageReader *reader, GError **error)
{
  for (; reader->returns > 0; reader->returns--)
    {
      if (!end_line (reader, error))
        return false;
    }
  return true;
}

/* Text without LF. CRs at its end are kept back: only what follows tells what
   they are. */
static bool
feed_text (MessageReader *reader, const char *text, size_t length, GError **error)
{
  const char *end = text + length;
  const char *bare;

  while (end > text && end[-1] == '\r')
    end--;
  if (end > text && reader->returns > 0)
    {
      reader->message->body_bare_return = true;
      if (!end_lines (reader, error))
        return false;
    }
  reader->returns += (size_t)(text + length - end);
  while ((bare = memchr (text, '\r', (size_t)(end - text))) != NULL)
    {
      reader->message->body_bare_return = true;
      if (!put_text (reader, text, (size_t)(bare - text), error)
          || !end_line (reader, error))
        return false;
      text = bare + 1;
    }
  return put_text (reader, text, (size_t)(end - text), error);
}

static const char *
find (const char *octets, char octet, const char *end)
{
  const char *found = memchr (octets, octet, (size_t)(end - octets));

  return found != NULL ? found : end;
}

/* From the start of a line: whole lines without a CR but at their ends, as nearly
   all are. Returns where the first other one begins; NULL after a failure. */
static const char *
feed_lines (MessageReader *reader, const char *octets, const char *end,
            GError **error)
{
  uint64_t *longest = &reader->message->longest_line;
  const char *next_return = find (octets, '\r', end);
  const char *feed;

  for (; (feed = find (octets, '\n', end)) < end; octets = feed + 1)
    {
      const char *stop = next_return < feed ? next_return : feed;
      size_t length = (size_t)(stop - octets);
      char *out;

      if (stop + 1 < feed || length + 2 > OUT_SIZE)
        break;
      if (length + 2 > OUT_SIZE - reader->out_length && !flush (reader, error))
        return NULL;
      out = reader->out + reader->out_length;
      memcpy (out, octets, length);
      memcpy (out + length, "\r\n", 2);
      reader->out_length += length + 2;
      *longest = MAX (*longest, length);
      if (stop < feed)
        next_return = find (feed, '\r', end);
    }
  return octets;
}

static bool
feed_body (MessageReader *reader, const char *octets, size_t length, GError **error)
{
  Message *message = reader->message;
  const char *end = octets + length;

  message->body_8bit = message->body_8bit || text_is_8bit (octets, length);
  message->body_nul =
      message->body_nul || memchr (octets, '\0', length) != NULL;
  while (octets < end)
    {
      const char *feed;

      if (reader->line_length == 0 && reader->returns == 0
          && (octets = feed_lines (reader, octets, end, error)) == NULL)
        return false;
      feed = find (octets, '\n', end);
      if (!feed_text (reader, octets, (size_t)(feed - octets), error))
        return false;
      if (feed == end)
        return true;
      reader->returns = 0;
      if (!end_line (reader, error))
        return false;
      octets = feed + 1;
    }
  return true;
}

static bool
is_mbox_line (const GString *line)
{
  return g_str_has_prefix (line->str, "From ")
         || g_str_has_prefix (line->str, ">From ");
}

/* The line that is complete now. One that is no header field begins the body
   as it came. */
static bool
take_line (MessageReader *reader, GError **error)
{
  Header *header = reader->message->header;
  GString *line = reader->line;
  size_t length = line->len;
  HeaderLine kind;

  if (length > 0 && line->str[length - 1] == '\n')
    length--;
  while (length > 0 && line->str[length - 1] == '\r')
    length--;
  kind = header_line_kind (line->str, length);
  if (kind == HEADER_LINE_CONTINUATION && header->fields->len == 0)
    kind = HEADER_LINE_OTHER;
  if (kind == HEADER_LINE_FIELD || kind == HEADER_LINE_CONTINUATION)
    {
      if (!header_add_line (header, line->str, length, error))
        return false;
    }
  else if (kind == HEADER_LINE_END)
    reader->in_header = false;
  else if (!reader->first_line || !is_mbox_line (line))
    {
      reader->in_header = false;
      reader->message->header_cut = header->fields->len > 0;
      if (!feed_body (reader, line->str, line->len, error))
        return false;
    }
  reader->first_line = false;
  g_string_truncate (line, 0);
  return true;
}

/* A header line longer than a header may be is not waited for. */
bool
message_reader_feed (MessageReader *reader, const char *octets, size_t length,
                     GError **error)
{
  reader->total += length;
  if (reader->maximum > 0 && reader->total > reader->maximum)
    {
      g_set_error (error, FAILURE, FAILURE_DATA,
                   _ ("the message is longer than %" PRIu64 " octets"),
                   reader->maximum);
      return false;
    }
  while (reader->in_header && length > 0)
    {
      const char *end = memchr (octets, '\n', length);
      size_t part = end != NULL ? (size_t)(end + 1 - octets) : length;

      g_string_append_len (reader->line, octets, (gssize)part);
      octets += part;
      length -= part;
      if ((end != NULL || reader->line->len > HEADER_MAXIMUM)
          && !take_line (reader, error))
        return false;
    }
  return feed_body (reader, octets, length, error);
}

static bool
end_input (MessageReader *reader, GError **error)
{
  if (reader->line->len > 0 && !take_line (reader, error))
    return false;
  if (!end_lines (reader, error))
    return false;
  if (reader->line_length > 0 && !end_line (reader, error))
    return false;
  return flush (reader, error);
}

Message *
message_reader_finish (MessageReader *reader, GError **error)
{
  Message *message = NULL;

  if (end_input (reader, error))
    message = g_steal_pointer (&reader->message);
  message_reader_free (reader);
  return message;
}

MessageReader *
message_reader_new (Spool *body, uint64_t maximum)
{
  MessageReader *reader = g_new0 (MessageReader, 1);

  reader->message = g_new0 (Message, 1);
  reader->message->header = header_new ();
  reader->message->body = body;
  reader->maximum = maximum;
  reader->in_header = true;
  reader->first_line = true;
  reader->line = g_string_new (NULL);
  reader->out = g_malloc (OUT_SIZE);
  return reader;
}

void
message_reader_free (MessageReader *reader)
{
  if (reader == NULL)
    return;
  message_free (reader->message);
  g_string_free (reader->line, TRUE);
  g_free (reader->out);
  g_free (reader);
}

/* Where somebody looks on, who sees that nothing comes. */
static void
await_input (int fd)
{
  struct pollfd ready = { .fd = fd, .events = POLLIN };

  while (poll (&ready, 1, progress_patience (-1)) == 0 && progress_tick ())
    ;
}

/* Like read(2), but waits where FD does not block. */
static ssize_t
read_some (int fd, char *buffer, size_t size, GError **error)
{
  ssize_t got;

  if (progress_tick ())
    await_input (fd);
  while ((got = read (fd, buffer, size)) < 0)
    {
      struct pollfd ready = { .fd = fd, .events = POLLIN };

      if (errno == EAGAIN || errno == EWOULDBLOCK)
        poll (&ready, 1, -1);
      else if (errno != EINTR)
        break;
    }
  if (got < 0 && errno == EBADF)
    g_set_error_literal (error, FAILURE, FAILURE_IO,
                         _ ("standard input is closed; there is no message "
                            "to read"));
  else if (got < 0)
    failure_set_errno (error, FAILURE_IO, errno,
                       _ ("cannot read the message"));
  return got;
}

/* The octets of BUFFER up to the last line end; all where it is full. */
static size_t
whole_lines (const char *buffer, size_t length)
{
  const char *last = memrchr (buffer, '\n', length);

  if (last != NULL)
    return (size_t)(last + 1 - buffer);
  return length == CHUNK ? length : 0;
}

/* Where the first line of BUFFER begins that is a lone dot, or LENGTH. BUFFER
   ends in NUL. */
static size_t
find_lone_dot (const char *buffer, size_t length, bool line_start)
{
  size_t start = 0;

  while (start < length)
    {
      const char *line = buffer + start;
      const char *end = memchr (line, '\n', length - start);
      size_t next = end != NULL ? (size_t)(end + 1 - buffer) : length;

      if (line_start && line[0] == '.'
          && strspn (line + 1, "\r") + 1
                 == (end != NULL ? (size_t)(end - line) : length - start))
        return start;
      line_start = true;
      start = next;
    }
  return length;
}

static bool
read_message (MessageReader *reader, int fd, bool dot_ends, GError **error)
{
  g_autofree char *buffer = g_malloc (CHUNK + 1);
  size_t kept = 0;
  bool line_start = true;

  for (;;)
    {
      ssize_t got = read_some (fd, buffer + kept, CHUNK - kept, error);
      size_t length = kept + (size_t)MAX (got, 0);
      size_t ready = length;
      size_t part;

      if (got < 0)
        return false;
      buffer[length] = '\0';
      if (dot_ends && got > 0)
        ready = whole_lines (buffer, length);
      part = dot_ends ? find_lone_dot (buffer, ready, line_start) : ready;
      if (!message_reader_feed (reader, buffer, part, error))
        return false;
      progress_step (reader->total);
      if (got == 0 || part < ready)
        return true;
      line_start = ready > 0 ? buffer[ready - 1] == '\n' : line_start;
      kept = length - ready;
      memmove (buffer, buffer + ready, kept);
    }
}

Message *
message_read (int fd, Spool *body, bool dot_ends, uint64_t maximum,
              GError **error)
{
  g_autoptr (MessageReader) reader = message_reader_new (body, maximum);

  if (!read_message (reader, fd, dot_ends, error))
    return NULL;
  return message_reader_finish (g_steal_pointer (&reader), error);
}
