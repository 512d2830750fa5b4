/* Any octets as a relay's side of a transaction: a form feed ends what it says
 * at once, and then it waits for the client to say something. The first octet
 * chooses the extensions. */

#include "tests/fuzz/fuzz.h"

#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <glib.h>

#include "smtp/transaction.h"

#define MESSAGE "Subject: x\r\n\r\n.dot\r\n"
#define SOON 2 /* ms, for a reply that was begun */

typedef struct
{
  int fd;
  char **parts;
  GString *heard;
} Peer;

static bool
listen_once (Peer *peer)
{
  char octets[4096];
  ssize_t got = recv (peer->fd, octets, sizeof octets, 0);

  if (got > 0)
    g_string_append_len (peer->heard, octets, got);
  return got > 0;
}

static gpointer
speak (gpointer data)
{
  Peer *peer = data;

  for (char **part = peer->parts; *part != NULL && listen_once (peer); part++)
    (void) send (peer->fd, *part, strlen (*part), MSG_NOSIGNAL);
  shutdown (peer->fd, SHUT_WR);
  while (listen_once (peer))
    ;
  return NULL;
}

static Envelope *
make_envelope (void)
{
  Envelope *envelope = envelope_new ();

  g_free (envelope->reverse_path);
  envelope->reverse_path = g_strdup ("me@example.org");
  envelope_add (envelope, "a@example.org");
  envelope_add (envelope, "b@example.org");
  envelope_add (envelope, "c@example.org");
  return envelope;
}

static void
check (const GPtrArray *statuses, const char *heard, bool usable)
{
  bool ended = strstr (heard, "\r\n..dot\r\n.\r\n") != NULL;

  g_assert (statuses->len == 3);
  for (guint i = 0; i < statuses->len; i++)
    {
      const Status *status = g_ptr_array_index (statuses, i);

      g_assert (status != NULL);
      g_assert (status->fate != FATE_RELAYED || ended);
      g_assert (!status->ambiguous || (ended && !usable));
      g_assert (status->fate != FATE_RELAYED || status->code / 100 == 2);
    }
}

static void
run (Session *session, int peer_fd, const char *text)
{
  g_autoptr (GString) heard = g_string_new (NULL);
  g_auto (GStrv) parts = g_strsplit (text, "\f", -1);
  Peer peer = { peer_fd, parts, heard };
  g_autoptr (Envelope) envelope = make_envelope ();
  Content content = { .fd = memfd_create ("content", MFD_CLOEXEC) };
  Transaction transaction = { envelope, &content, NULL, NULL };
  GThread *thread = g_thread_new ("peer", speak, &peer);
  GPtrArray *statuses;
  bool usable;

  g_assert (write (content.fd, MESSAGE, strlen (MESSAGE))
            == (ssize_t) strlen (MESSAGE));
  content.header.size = 14;
  content.body = (Segment){ 14, strlen (MESSAGE) - 14 };
  statuses = transaction_run (session, &transaction);
  usable = !session->broken;
  session_drop (session);
  g_thread_join (thread);
  check (statuses, heard->str, usable);
  g_ptr_array_unref (statuses);
  close (content.fd);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autofree char *text = NULL;
  Relay relay;
  Session *session;
  int pair[2];

  if (size == 0)
    return 0;
  text = g_strndup ((const char *) data + 1, size - 1);
  relay_init (&relay);
  relay.host = g_strdup ("relay.example");
  relay.timeouts = (RelayTimeouts){ SOON, SOON, SOON, SOON, SOON, SOON };
  g_assert (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
  session = g_new0 (Session, 1);
  session->relay = &relay;
  session->stream = stream_new (pair[0], NULL);
  session->extensions.pipelining = data[0] & 1;
  session->extensions.size_offered = data[0] & 2;
  run (session, pair[1], text);
  close (pair[1]);
  relay_clear (&relay);
  return 0;
}
