/* Any octets as a relay, from its greeting to its last reply; see wire.h. The
 * first octet chooses how the relay is reached, the second the message. */

#include "tests/fuzz/fuzz.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <glib.h>

#include "smtp/session.h"
#include "smtp/transaction.h"
#include "tests/fuzz/wire.h"

#define HEADER "Subject: x\r\n\r\n"
#define BODY ".dot\r\n"
#define BODY_LARGE 20000 /* octets, more than a record */

/* A relay that was told no secret may say what it likes. */
static bool
knows_secret (void)
{
  return strstr (wire_heard ()->str, "AUTH ") != NULL;
}

static void
check_text (const char *text)
{
  static const char *const secrets[] = { WIRE_PASSWORD,
                                         "cGVuY2lsLWFuZC1wYXBlcg==", NULL };

  check_shown (text, 1024);
  for (size_t i = 0; knows_secret () && secrets[i] != NULL; i++)
    g_assert (strstr (text, secrets[i]) == NULL);
}

static void
check_trace (void *data, TraceKind kind, const char *text)
{
  check_text (text);
}

static void
check_status (const Status *status, bool ended, bool usable)
{
  g_assert (status != NULL && status->text != NULL);
  g_assert (status->code <= 599);
  g_assert (status->fate != FATE_RELAYED
            || (ended && status->code / 100 == 2));
  g_assert (!status->ambiguous || (ended && !usable));
  check_text (status->text);
}

/* Without TLS nothing is said but this; the last of it may be cut. */
static void
check_clear (bool starttls)
{
  static const char *const allowed[] = { "EHLO [127.0.0.1]", "STARTTLS",
                                         "QUIT" };
  g_auto (GStrv) lines = g_strsplit (wire_heard_clear ()->str, "\r\n", -1);

  g_assert (starttls || wire_heard_clear ()->len == 0);
  for (char **line = lines; *line != NULL; line++)
    {
      bool found = false;

      for (size_t i = 0; i < G_N_ELEMENTS (allowed); i++)
        {
          g_autofree char *whole = g_strconcat (allowed[i], "\r", NULL);

          found = found || g_str_equal (*line, allowed[i])
                  || (line[1] == NULL && g_str_has_prefix (whole, *line));
        }
      g_assert (found);
    }
}

static Envelope *
make_envelope (unsigned count, bool wishes)
{
  Envelope *envelope = envelope_new ();

  g_free (envelope->reverse_path);
  envelope->reverse_path = g_strdup ("me@example.org");
  for (unsigned i = 0; i < count; i++)
    {
      g_autofree char *path =
          i == 1 ? g_strdup ("gr\303\274n@b\303\274cher.example")
                 : g_strdup_printf ("r%u@example.org", i);

      envelope_add (envelope, path);
    }
  if (wishes)
    {
      g_assert (envelope_set_notify (envelope, "failure", NULL));
      g_assert (envelope_set_envid (envelope, "one two", NULL));
    }
  return envelope;
}

static Content
make_content (bool large)
{
  Content content = { .fd = memfd_create ("content", MFD_CLOEXEC) };
  g_autoptr (GString) text = g_string_new (HEADER BODY);

  while (large && text->len < BODY_LARGE)
    g_string_append (text, "......................................\r\n");
  g_assert (write (content.fd, text->str, text->len) == (ssize_t) text->len);
  content.header.size = strlen (HEADER);
  content.body = (Segment){ strlen (HEADER), text->len - strlen (HEADER) };
  return content;
}

static bool
agree (void *data, GError **error)
{
  bool *asked = data;

  *asked = true;
  return true;
}

/* One message; false where the session can carry no other. */
static bool
submit (Session *session, unsigned choice)
{
  g_autoptr (Envelope) envelope = make_envelope (1 + choice % 4, choice & 16);
  Content content = make_content (choice & 32);
  bool asked = false;
  Transaction transaction = { .envelope = envelope,
                              .content = &content,
                              .before_end_of_data = agree,
                              .data = &asked };
  size_t before = wire_heard ()->len;
  g_autoptr (GPtrArray) statuses = transaction_run (session, &transaction);
  const char *sent = strstr (wire_heard ()->str + before, HEADER);
  bool ended = sent != NULL && strstr (sent, "\r\n.\r\n") != NULL;

  g_assert (statuses->len == envelope->forward_paths->len);
  g_assert (!ended || asked);
  for (guint i = 0; i < statuses->len; i++)
    check_status (g_ptr_array_index (statuses, i), ended, !session->broken);
  close (content.fd);
  return !session->broken;
}

static void
run (const Relay *relay, const Secret *password, unsigned choice)
{
  static const Trace trace = { .line = check_trace };
  Status *status = NULL;
  Session *session = session_open (relay, password, &trace, &status);

  g_assert ((session == NULL) == (status != NULL));
  if (session == NULL)
    {
      check_status (status, false, false);
      g_assert (status->scope == SCOPE_ACCOUNT
                && status->fate != FATE_RELAYED);
      status_free (status);
      return;
    }
  check_text (session->mechanism);
  if (submit (session, choice))
    (void) submit (session, choice / 2);
  session_close (session);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  static const char *const wishes[] = {
    NULL, "any", "PLAIN", "LOGIN", "SCRAM-SHA-256", NULL, NULL, NULL
  };
  g_autoptr (Secret) password = NULL;
  Relay relay;

  if (size < 2)
    return 0;
  password = secret_new (WIRE_PASSWORD, strlen (WIRE_PASSWORD));
  wire_begin ((const char *) data + 2, size - 2,
              (WireManners){ .slow = data[0] & 2, .binding = data[0] & 4 });
  relay_init (&relay);
  relay.host = g_strdup ("relay.example");
  relay.user = g_strdup (WIRE_USER);
  relay.tls = (data[0] & 1) != 0 ? TLS_STARTTLS : TLS_IMPLICIT;
  relay.auth = g_strdup (wishes[data[0] / 8 % G_N_ELEMENTS (wishes)]);
  run (&relay, password, data[1]);
  check_clear (relay.tls == TLS_STARTTLS);
  wire_end ();
  relay_clear (&relay);
  return 0;
}
