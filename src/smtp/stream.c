#include "smtp/stream.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <glib/gi18n.h>

#include "base/failure.h"
#include "base/progress.h"
#include "smtp/tls.h"

#define RECORD 16384            /* the largest TLS record, and our block */
#define INPUT_MAXIMUM (1 << 20) /* replies read ahead while writing */

/* Octets that wait, from start to end. Whatever leaves it is wiped. */
typedef struct
{
  char *octets;
  size_t start, end, capacity;
  size_t dirty; /* so far octets have been, or to the end */
} Buffer;

/* Moves octets without waiting. Both return how many; 0, from read alone, is
 * the end of the input. -1 with *EVENTS: poll for them, then call again with
 * the same arguments. -1 without: ERROR is set. */
typedef struct
{
  ssize_t (*read) (Stream *stream, void *octets, size_t size, short *events,
                   GError **error);
  ssize_t (*write) (Stream *stream, const void *octets, size_t length,
                    short *events, GError **error);
} Transport;

struct Stream
{
  int fd;
  const Trace *trace;
  bool masked;       /* received lines in the trace */
  GPtrArray *hidden; /* of Secret, to be kept out of received lines */
  const Transport *transport;
  Tls *tls; /* NULL before TLS */
  Buffer in, out;
  GError *read_error;  /* nothing more will come */
  GError *next_error;  /* the same, behind what came with it */
  GError *write_error; /* nothing more can be sent */
  bool doubted;        /* see stream_doubt */
  int64_t since;       /* when we last heard or sent something */
};

static size_t
buffer_length (const Buffer *buffer)
{
  return buffer->end - buffer->start;
}

static void
buffer_clear (Buffer *buffer)
{
  if (buffer->octets != NULL)
    explicit_bzero (buffer->octets, MAX (buffer->dirty, buffer->end));
  buffer->start = buffer->end = buffer->dirty = 0;
}

static void
buffer_free (Buffer *buffer)
{
  buffer_clear (buffer);
  g_clear_pointer (&buffer->octets, g_free);
}

/* Room for SIZE octets more. Never realloc: it would leave a copy behind. */
static char *
buffer_reserve (Buffer *buffer, size_t size)
{
  size_t length = buffer_length (buffer);

  if (buffer->start > 0 && length + size <= buffer->capacity)
    {
      memmove (buffer->octets, buffer->octets + buffer->start, length);
      buffer->dirty = MAX (buffer->dirty, buffer->end);
      buffer->start = 0;
      buffer->end = length;
    }
  if (size > buffer->capacity - buffer->end)
    {
      size_t capacity = MAX (buffer->capacity, RECORD);
      char *octets;

      while (capacity < length + size)
        capacity *= 2;
      octets = g_malloc (capacity);
      if (length > 0)
        memcpy (octets, buffer->octets + buffer->start, length);
      buffer_free (buffer);
      *buffer = (Buffer){ octets, 0, length, capacity, 0 };
    }
  return buffer->octets + buffer->end;
}

static void
buffer_append (Buffer *buffer, const void *octets, size_t length)
{
  if (length == 0)
    return;
  memcpy (buffer_reserve (buffer, length), octets, length);
  buffer->end += length;
}

static void
set_closed (GError **error)
{
  g_set_error_literal (error, FAILURE, FAILURE_TEMPORARY,
                       _ ("the relay closed the connection"));
}

static void
set_socket_error (GError **error)
{
  if (errno == EPIPE || errno == ECONNRESET)
    set_closed (error);
  else
    failure_set_errno (error, FAILURE_TEMPORARY, errno,
                       _ ("the connection to the relay broke"));
}

static bool
is_retry (int errnum)
{
  return errnum == EAGAIN || errnum == EWOULDBLOCK || errnum == EINTR;
}

static ssize_t
plain_read (Stream *stream, void *octets, size_t size, short *events,
            GError **error)
{
  ssize_t got = recv (stream->fd, octets, size, MSG_DONTWAIT);

  if (got >= 0)
    return got;
  if (is_retry (errno))
    *events = POLLIN;
  else
    set_socket_error (error);
  return -1;
}

static ssize_t
plain_write (Stream *stream, const void *octets, size_t length, short *events,
             GError **error)
{
  ssize_t sent =
      send (stream->fd, octets, length, MSG_DONTWAIT | MSG_NOSIGNAL);

  if (sent >= 0)
    return sent;
  if (is_retry (errno))
    *events = POLLOUT;
  else
    set_socket_error (error);
  return -1;
}

static ssize_t
secure_read (Stream *stream, void *octets, size_t size, short *events,
             GError **error)
{
  return tls_read (stream->tls, octets, size, events, error);
}

static ssize_t
secure_write (Stream *stream, const void *octets, size_t length, short *events,
              GError **error)
{
  return tls_write (stream->tls, octets, length, events, error);
}

static const Transport plain = { plain_read, plain_write };
static const Transport secure = { secure_read, secure_write };

Stream *
stream_new (int fd, const Trace *trace)
{
  Stream *stream = g_new0 (Stream, 1);

  stream->fd = fd;
  stream->trace = trace;
  stream->transport = &plain;
  stream->hidden =
      g_ptr_array_new_with_free_func ((GDestroyNotify) secret_free);
  stream->since = g_get_monotonic_time ();
  return stream;
}

void
stream_free (Stream *stream)
{
  if (stream == NULL)
    return;
  buffer_free (&stream->in);
  buffer_free (&stream->out);
  g_clear_error (&stream->read_error);
  g_clear_error (&stream->next_error);
  g_clear_error (&stream->write_error);
  g_ptr_array_unref (stream->hidden);
  tls_free (stream->tls);
  close (stream->fd);
  g_free (stream);
}

/* While it is on, only full packets are sent; off, or closing, sends the rest. */
static void
cork (const Stream *stream, bool on)
{
  (void) setsockopt (stream->fd, IPPROTO_TCP, TCP_CORK, &(int){ on },
                     sizeof (int));
}

void
stream_begin_end (Stream *stream)
{
  cork (stream, true);
}

void
stream_close (Stream *stream)
{
  if (stream_is_tls (stream) && stream->write_error == NULL)
    tls_goodbye (stream->tls);
  stream_free (stream);
}

static bool
fail_again (const GError *earlier, GError **error)
{
  g_propagate_error (error, g_error_copy (earlier));
  return false;
}

/* Else the kernel may hold our acknowledgement back for 40 ms, and with it the
 * rest of what the relay has to say. It forgets this after each use. */
static void
acknowledge_soon (const Stream *stream)
{
  (void) setsockopt (stream->fd, IPPROTO_TCP, TCP_QUICKACK, &(int){ 1 },
                     sizeof (int));
}

/* Waits for EVENTS or trouble; 0 when the deadline has passed. */
static short
wait_for (Stream *stream, short events, Deadline deadline)
{
  struct pollfd item = { .fd = stream->fd, .events = events };
  int ready;

  if ((events & POLLIN) != 0 && stream->next_error != NULL)
    return POLLIN;
  if ((events & POLLIN) != 0)
    acknowledge_soon (stream);
  do
    {
      if (deadline_passed (deadline))
        return 0;
      ready = poll (&item, 1, progress_patience (deadline_poll (deadline)));
    }
  while ((ready < 0 && errno == EINTR) || (ready == 0 && progress_tick ()));
  return ready > 0 ? item.revents : 0;
}

static void
set_timeout (const Stream *stream, bool reading, GError **error)
{
  unsigned waited =
      (unsigned) ((g_get_monotonic_time () - stream->since) / 1000);
  unsigned seconds = (waited + 500) / 1000;

  if (reading && waited < 1000)
    g_set_error (error, FAILURE, FAILURE_TEMPORARY,
                 _ ("no answer within %u ms"), waited);
  else if (reading)
    g_set_error (error, FAILURE, FAILURE_TEMPORARY,
                 ngettext ("no answer within %u second",
                           "no answer within %u seconds", seconds),
                 seconds);
  else if (waited < 1000)
    g_set_error (error, FAILURE, FAILURE_TEMPORARY,
                 _ ("the relay took no more octets for %u ms"), waited);
  else
    g_set_error (error, FAILURE, FAILURE_TEMPORARY,
                 ngettext ("the relay took no more octets for %u second",
                           "the relay took no more octets for %u seconds",
                           seconds),
                 seconds);
}

/* 0: as long as the kernel will. */
static void
limit_silence (const Stream *stream, int milliseconds)
{
  (void) setsockopt (stream->fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &milliseconds,
                     sizeof milliseconds);
}

void
stream_doubt (Stream *stream, int milliseconds)
{
  stream->doubted = true;
  limit_silence (stream, milliseconds);
}

/* It would end a relay that takes its time to read as well. */
static void
trust_again (Stream *stream)
{
  if (!stream->doubted)
    return;
  stream->doubted = false;
  limit_silence (stream, 0);
}

static bool
receive_once (Stream *stream, short *events, GError **error)
{
  char *room = buffer_reserve (&stream->in, RECORD);
  ssize_t got = stream->transport->read (stream, room, RECORD, events, error);

  if (got == 0)
    set_closed (error);
  if (got <= 0)
    return false;
  trust_again (stream);
  stream->in.end += (size_t) got;
  return true;
}

/* Takes what is there into our buffer, and all that TLS has of it: nothing would
 * tell of that later. False where that is nothing, with *EVENTS to wait for, or 0
 * and read_error. */
static bool
receive (Stream *stream, short *events)
{
  short later = 0;

  *events = 0;
  if (stream->read_error == NULL)
    stream->read_error = g_steal_pointer (&stream->next_error);
  if (stream->read_error != NULL
      || !receive_once (stream, events, &stream->read_error))
    return false;
  while (stream_is_tls (stream) && tls_has_input (stream->tls)
         && receive_once (stream, &later, &stream->next_error))
    ;
  return true;
}

static bool
fill (Stream *stream, Deadline deadline, GError **error)
{
  short events;

  while (!receive (stream, &events))
    {
      if (stream->read_error != NULL)
        return fail_again (stream->read_error, error);
      if (wait_for (stream, events, deadline) == 0)
        {
          set_timeout (stream, true, error);
          return false;
        }
    }
  return true;
}

static const char *
fail_too_long (GError **error)
{
  g_set_error (error, FAILURE, FAILURE_PROTOCOL,
               _ ("the relay sent a line of more than %d octets"),
               STREAM_LINE_MAXIMUM);
  return NULL;
}

static void
trace_received (const Stream *stream, const char *line, size_t size)
{
  g_autofree char *shown = NULL;

  if (!stream->masked)
    {
      trace_line (stream->trace, TRACE_RECEIVED, line, size);
      return;
    }
  shown = g_strdup_printf ("%.3s ***", line);
  trace_line (stream->trace, TRACE_RECEIVED, shown, strlen (shown));
}

static bool
repeats_secret (const Stream *stream, const char *text, size_t size)
{
  for (guint i = 0; i < stream->hidden->len; i++)
    {
      const Secret *secret = g_ptr_array_index (stream->hidden, i);

      if (memmem (text, size, secret_octets (secret), secret_length (secret))
          != NULL)
        return true;
    }
  return false;
}

/* The line's new size. What is no reply has no code to be left. */
static size_t
hide_secrets (const Stream *stream, char *line, size_t size)
{
  static const char stars[] = "***";
  bool has_code = strspn (line, "0123456789") == strlen ("250")
                  && (size == 3 || strchr (" -", line[3]) != NULL);
  size_t shown = has_code ? MIN (size, strlen ("250-")) : 0;

  if ((stream->masked && g_str_has_prefix (line, "334"))
      || !repeats_secret (stream, line, size))
    return size;
  explicit_bzero (line + shown, size - shown);
  size = MIN (size, shown + strlen (stars));
  memcpy (line + shown, stars, size - shown);
  return size;
}

/* Takes the line of *LENGTH octets (the LF included) out of the buffer. */
static const char *
take_line (Stream *stream, size_t *length, bool *bare_lf, GError **error)
{
  char *line = stream->in.octets + stream->in.start;
  size_t size = *length - 1;
  bool has_cr = size > 0 && line[size - 1] == '\r';

  size -= has_cr;
  if (size > STREAM_LINE_MAXIMUM)
    return fail_too_long (error);
  stream->in.start += *length;
  stream->since = g_get_monotonic_time ();
  size = hide_secrets (stream, line, size);
  line[size] = '\0';
  trace_received (stream, line, size);
  if (memchr (line, '\0', size) != NULL || memchr (line, '\r', size) != NULL)
    {
      g_set_error_literal (error, FAILURE, FAILURE_PROTOCOL,
                           _ ("the relay sent a control character (NUL or a "
                              "lone CR) within a reply"));
      return NULL;
    }
  *length = size;
  if (bare_lf != NULL)
    *bare_lf = !has_cr;
  return line;
}

const char *
stream_read_line (Stream *stream, size_t *length, bool *bare_lf,
                  Deadline deadline, GError **error)
{
  size_t scanned = 0;

  while (scanned <= STREAM_LINE_MAXIMUM + 1)
    {
      size_t available = buffer_length (&stream->in);
      const char *line = NULL;
      const char *end = NULL;

      /* Before the first octet came there is no buffer to point into. */
      if (available > scanned)
        {
          line = stream->in.octets + stream->in.start;
          end = memchr (line + scanned, '\n', available - scanned);
        }
      if (end != NULL)
        {
          *length = (size_t) (end - line) + 1;
          return take_line (stream, length, bare_lf, error);
        }
      scanned = available;
      if (scanned <= STREAM_LINE_MAXIMUM + 1
          && !fill (stream, deadline, error))
        return NULL;
    }
  return fail_too_long (error);
}

bool
stream_is_tls (const Stream *stream)
{
  return stream->transport == &secure;
}

const char *
stream_tls_description (const Stream *stream)
{
  return stream_is_tls (stream) ? tls_description (stream->tls) : "";
}

GBytes *
stream_channel_binding (const Stream *stream)
{
  return stream_is_tls (stream) ? tls_channel_binding (stream->tls) : NULL;
}

/* What came before TLS was not said by the relay for certain. Where TLS is
 * implicit there is no before. */
static bool
check_nothing_waits (Stream *stream, const Relay *relay, GError **error)
{
  g_autofree char *endpoint = relay_endpoint (relay);

  if (relay->tls == TLS_STARTTLS && stream_has_input (stream))
    g_set_error (
        error, FAILURE, FAILURE_PROTOCOL,
        _ ("%s: the relay, or somebody in between, sent text that TLS "
           "should have protected"),
        endpoint);
  else if (stream->read_error != NULL)
    g_set_error (error, FAILURE, stream->read_error->code, "%s: %s", endpoint,
                 stream->read_error->message);
  else
    return true;
  return false;
}

bool
stream_start_tls (Stream *stream, const Relay *relay, Deadline deadline,
                  GError **error)
{
  short events;

  g_assert (stream->tls == NULL && buffer_length (&stream->out) == 0);
  if (!check_nothing_waits (stream, relay, error))
    return false;
  stream->tls = tls_new (relay, stream->fd, error);
  if (stream->tls == NULL)
    return false;
  stream->since = g_get_monotonic_time ();
  while (!tls_handshake (stream->tls, &events, error))
    {
      if (events == 0)
        {
          tls_tell_certificate (stream->tls, stream->trace);
          return false;
        }
      if (wait_for (stream, events, deadline) == 0)
        {
          g_autofree char *endpoint = relay_endpoint (relay);

          set_timeout (stream, true, error);
          g_prefix_error (error, "%s: ", endpoint);
          return false;
        }
    }
  stream->transport = &secure;
  stream->since = g_get_monotonic_time ();
  trace_note (stream->trace, "%s", tls_description (stream->tls));
  tls_tell_certificate (stream->tls, stream->trace);
  trace_reached (stream->trace, MILESTONE_TLS, tls_description (stream->tls));
  return true;
}

void
stream_mask_input (Stream *stream, bool masked)
{
  stream->masked = masked;
}

void
stream_hide (Stream *stream, const Secret *secret)
{
  size_t length = secret_length (secret);

  if (length > 0)
    g_ptr_array_add (stream->hidden,
                     secret_new (secret_octets (secret), length));
}

int
stream_fd (const Stream *stream)
{
  return stream->fd;
}

bool
stream_has_input (Stream *stream)
{
  short events;

  return buffer_length (&stream->in) > 0 || receive (stream, &events);
}

const char *
stream_peek (Stream *stream, size_t *length)
{
  short events;

  while (buffer_length (&stream->in) < INPUT_MAXIMUM
         && receive (stream, &events))
    ;
  *length = buffer_length (&stream->in);
  return stream->in.octets + stream->in.start;
}

bool
stream_has_ended (const Stream *stream)
{
  struct pollfd item = { .fd = stream->fd, .events = POLLRDHUP };

  return poll (&item, 1, 0) > 0;
}

bool
stream_may_answer (const Stream *stream, GError **error)
{
  return stream->read_error == NULL || fail_again (stream->read_error, error);
}

static void
trace_lines (const Trace *trace, const char *octets, size_t length)
{
  while (trace != NULL && length > 0)
    {
      const char *end = memchr (octets, '\n', length);
      size_t size = end != NULL ? (size_t) (end - octets) + 1 : length;
      size_t shown = size;

      while (shown > 0
             && (octets[shown - 1] == '\n' || octets[shown - 1] == '\r'))
        shown--;
      trace_line (trace, TRACE_SENT, octets, shown);
      octets += size;
      length -= size;
    }
}

void
stream_write (Stream *stream, const void *octets, size_t length)
{
  trace_lines (stream->trace, octets, length);
  buffer_append (&stream->out, octets, length);
}

void
stream_write_secret (Stream *stream, const void *octets, size_t length,
                     const char *shown)
{
  trace_line (stream->trace, TRACE_SENT, shown, strlen (shown));
  buffer_append (&stream->out, octets, length);
}

static void
set_answered_early (GError **error)
{
  g_set_error_literal (error, FAILURE, FAILURE_TEMPORARY,
                       _ ("the relay answered before the end of the message"));
}

/* Waits until more can be written, and reads meanwhile. */
static bool
wait_to_write (Stream *stream, short events, bool content, Deadline deadline,
               GError **error)
{
  short input = buffer_length (&stream->in) < INPUT_MAXIMUM ? POLLIN : 0;
  short ready = wait_for (stream, events | input, deadline);
  short ignored;

  if (ready == 0)
    {
      set_timeout (stream, false, error);
      return false;
    }
  if ((ready & POLLIN) != 0 && receive (stream, &ignored) && content)
    {
      set_answered_early (error);
      return false;
    }
  if (stream->read_error != NULL)
    return fail_again (stream->read_error, error);
  return true;
}

static bool
send_all (Stream *stream, const char *octets, size_t length, bool content,
          Deadline deadline, GError **error)
{
  stream->since = g_get_monotonic_time ();
  while (length > 0)
    {
      short events = 0;
      ssize_t sent =
          stream->transport->write (stream, octets, length, &events, error);

      if (sent < 0 && events == 0)
        return false;
      if (sent < 0)
        {
          if (!wait_to_write (stream, events, content, deadline, error))
            return false;
          continue;
        }
      octets += sent;
      length -= (size_t) sent;
      stream->since = g_get_monotonic_time ();
    }
  return true;
}

/* Sends SIZE octets of the gathered ones and forgets them. */
static bool
send_gathered (Stream *stream, size_t size, bool content, Deadline deadline,
               GError **error)
{
  Buffer *out = &stream->out;

  if (stream->write_error == NULL
      && (size == 0
          || send_all (stream, out->octets + out->start, size, content,
                       deadline, &stream->write_error)))
    {
      out->start += size;
      if (buffer_length (out) == 0)
        buffer_clear (out);
      return true;
    }
  buffer_clear (out);
  return fail_again (stream->write_error, error);
}

bool
stream_flush (Stream *stream, Deadline deadline, GError **error)
{
  return send_gathered (stream, buffer_length (&stream->out), false, deadline,
                        error);
}

bool
stream_write_through (Stream *stream, const void *octets, size_t length,
                      Deadline deadline, GError **error)
{
  size_t gathered;

  if (stream->write_error == NULL && stream_has_input (stream))
    set_answered_early (&stream->write_error);
  if (stream->write_error == NULL && stream->read_error != NULL)
    stream->write_error = g_error_copy (stream->read_error);
  if (stream->write_error != NULL)
    return fail_again (stream->write_error, error);
  buffer_append (&stream->out, octets, length);
  gathered = buffer_length (&stream->out);
  return send_gathered (stream, gathered - gathered % RECORD, true, deadline,
                        error);
}
