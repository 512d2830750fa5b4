/* Any octets as a relay's side of a transaction; see wire.h. The first octet
 * chooses the extensions. */

#include "tests/fuzz/fuzz.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <glib.h>

#include "smtp/transaction.h"
#include "tests/fuzz/wire.h"

#define MESSAGE "Subject: x\r\n\r\n.dot\r\n"

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
run (Session *session)
{
  g_autoptr (Envelope) envelope = make_envelope ();
  Content content = { .fd = memfd_create ("content", MFD_CLOEXEC) };
  Transaction transaction = { .envelope = envelope, .content = &content };
  g_autoptr (GPtrArray) statuses = NULL;

  g_assert (write (content.fd, MESSAGE, strlen (MESSAGE))
            == (ssize_t) strlen (MESSAGE));
  content.header.size = 14;
  content.body = (Segment){ 14, strlen (MESSAGE) - 14 };
  statuses = transaction_run (session, &transaction);
  check (statuses, wire_heard_clear ()->str, !session->broken);
  close (content.fd);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  Relay relay;
  Session *session;

  if (size == 0)
    return 0;
  wire_begin ((const char *) data + 1, size - 1,
              (WireManners){ .slow = data[0] & 4 });
  relay_init (&relay);
  relay.host = g_strdup ("relay.example");
  session = g_new0 (Session, 1);
  session->relay = &relay;
  session->stream = stream_new (wire_socket (), NULL);
  session->extensions.pipelining = data[0] & 1;
  session->extensions.size_offered = data[0] & 2;
  run (session);
  session_drop (session);
  wire_end ();
  relay_clear (&relay);
  return 0;
}
