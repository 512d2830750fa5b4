/* Any octets as a relay's side of a transaction; see wire.h. The first octet
 * chooses the extensions. */

#include "tests/fuzz/fuzz.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <glib.h>

#include "base/failure.h"
#include "smtp/transaction.h"
#include "tests/fuzz/wire.h"

#define HEADER "Subject: %u\r\n\r\n"
#define HEADER_LENGTH strlen ("Subject: 1\r\n\r\n")
#define BODY ".dot\r\n"

/* Of the first octet; 1, 2 and 4 are about the session. */
enum
{
  HAS_NEXT = 8,   /* its envelope goes with the final dot */
  ABANDONED = 16, /* and it is not run after all */
  UNRECORDED = 32, /* the first message cannot be, before its final dot */
  TWO_AT_ONCE = 64, /* recipients */
};

typedef struct Message
{
  unsigned number;
  bool unrecorded;
  bool recorded;
  Transaction transaction;
  Content content;
  struct Message *next;
  bool offered; /* to the one before */
} Message;

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

static bool
record (void *data, GError **error)
{
  Message *message = data;

  if (message->unrecorded)
    {
      g_set_error_literal (error, FAILURE, FAILURE_IO, "cannot record");
      return false;
    }
  message->recorded = true;
  return true;
}

static Transaction *
offer_next (void *data)
{
  Message *message = data;

  g_assert (!message->recorded);
  if (message->next == NULL)
    return NULL;
  g_assert (!message->next->offered);
  message->next->offered = true;
  return &message->next->transaction;
}

static void
message_make (Message *message, unsigned number, const Envelope *envelope)
{
  g_autofree char *text = g_strdup_printf (HEADER BODY, number);
  Content *content = &message->content;

  message->number = number;
  content->fd = memfd_create ("content", MFD_CLOEXEC);
  g_assert (write (content->fd, text, strlen (text)) == (ssize_t) strlen (text));
  content->header.size = HEADER_LENGTH;
  content->body = (Segment){ HEADER_LENGTH, strlen (BODY) };
  message->transaction = (Transaction){ .envelope = envelope,
                                        .content = content,
                                        .before_end_of_data = record,
                                        .next = offer_next,
                                        .data = message };
}

/* Nothing of a message is said before its attempt has begun. */
static bool
is_heard (const Message *message, const char *end)
{
  g_autofree char *text = g_strdup_printf (HEADER "%s", message->number, end);

  return strstr (wire_heard_clear ()->str, text) != NULL;
}

static void
submit (Session *session, Message *message)
{
  g_autoptr (GPtrArray) statuses = NULL;
  bool ended;

  g_assert (!is_heard (message, ""));
  statuses = transaction_run (session, &message->transaction);
  ended = is_heard (message, "..dot\r\n.\r\n");
  g_assert (!ended || message->recorded);
  g_assert (statuses->len == 3);
  for (guint i = 0; i < statuses->len; i++)
    {
      const Status *status = g_ptr_array_index (statuses, i);

      g_assert (status != NULL);
      check_shown (status->text, 512);
      g_assert (status->fate != FATE_RELAYED || ended);
      g_assert (!status->ambiguous || (ended && session->broken));
      g_assert (status->fate != FATE_RELAYED || status->code / 100 == 2);
    }
}

/* As submit/attempt.c does. */
static void
submit_next (Session *session, Message *message, bool abandoned)
{
  if (session->broken || abandoned)
    {
      bool engaged = session->engaged;

      if (message->offered)
        transaction_abandon (session, &message->transaction);
      g_assert (!engaged || session->broken);
      g_assert (!is_heard (message, ""));
      return;
    }
  submit (session, message);
  g_assert (!session->engaged || session->broken);
}

static void
run (Session *session, unsigned choice)
{
  g_autoptr (Envelope) envelope = make_envelope ();
  Message first = { 0 };
  Message next = { 0 };

  message_make (&first, 1, envelope);
  message_make (&next, 2, envelope);
  first.unrecorded = choice & UNRECORDED;
  first.next = choice & HAS_NEXT ? &next : NULL;
  submit (session, &first);
  g_assert (!session->engaged || next.offered);
  if (first.next != NULL)
    submit_next (session, &next, choice & ABANDONED);
  close (first.content.fd);
  close (next.content.fd);
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
  if (data[0] & TWO_AT_ONCE)
    session->extensions.rcpt_max = 2;
  run (session, data[0]);
  session_drop (session);
  wire_end ();
  relay_clear (&relay);
  return 0;
}
