/* One message to its recipients, against a scripted relay: what is said in
 * which order, what each recipient's status is, whether the session is of use
 * after it. The session is built by hand around a socket pair; the program
 * never does so. */

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <glib.h>

#include "base/failure.h"
#include "smtp/transaction.h"
#include "tests/unit/peer.h"

#define HEADER "Subject: x\r\n\r\n"
#define BODY ".dot\r\nline\r\n.\r\n"
#define WIRE HEADER "..dot\r\nline\r\n..\r\n.\r\n"
#define SIZE "29"

/* Beginnings of scripts; the second set is for PIPELINING. */
#define MAIL "> MAIL FROM:<me@example.org>\n"
#define A "> RCPT TO:<a@example.org>\n"
#define B "> RCPT TO:<b@example.org>\n"
#define C "> RCPT TO:<c@example.org>\n"
#define DATA "> DATA\n"
#define RSET "> RSET\n< 250 flushed\n"
#define OK "< 250 ok\n"
#define GO "< 354 go\n"
#define SENT "=\n< 250 2.0.0 taken\n"

typedef struct
{
  const char *name;
  const char *offered; /* letters P S 8 U D B */
  const char *to;      /* forward-paths, separated by blanks */
  const char *script;
  const char *statuses; /* "fate:stage:code" with ":ambiguous" or ":alert" */
  bool usable;
} Case;

static const Case cases[] = {
  /* All is well. */
  { "strict", "", "a@example.org", MAIL "?\n" OK A "?\n" OK DATA "?\n" GO SENT,
    "relayed:end-of-data:250", true },
  { "pipelined", "P", "a@example.org", MAIL A DATA OK OK GO SENT,
    "relayed:end-of-data:250", true },
  { "three", "P", "a@example.org b@example.org c@example.org",
    MAIL A B C DATA OK OK OK OK GO SENT,
    "relayed:end-of-data:250 relayed:end-of-data:250 relayed:end-of-data:250",
    true },
  { "other-2yz", "P", "a@example.org",
    MAIL A DATA "< 250\n< 251 forwarded\n" GO "=\n< 252 perhaps\n",
    "relayed:end-of-data:252", true },
  { "bare-lf-ends-pipelining", "P", "a@example.org b@example.org",
    MAIL A B DATA "<< 250 ok\\n\n" OK OK GO SENT,
    "relayed:end-of-data:250 relayed:end-of-data:250", true },

  /* MAIL */
  { "mail-4yz", "", "a@example.org b@example.org", MAIL "< 451 later\n" RSET,
    "delayed:mail:451 delayed:mail:451", true },
  { "mail-452", "P", "a@example.org",
    MAIL A DATA "< 452 4.3.1 full\n< 503 mail\n< 503 rcpt\n" RSET,
    "delayed:mail:452", true },
  { "mail-5yz", "P", "a@example.org b@example.org",
    MAIL A B DATA
    "< 550 5.7.60 not you\n< 503 mail\n< 550 mail\n< 554 rcpt\n" RSET,
    "failed:mail:550 failed:mail:550", true },
  { "mail-530", "", "a@example.org", MAIL "< 530 log in\n" RSET,
    "held:mail:530:alert", true },
  { "mail-quota", "", "a@example.org", MAIL "< 550 5.4.5 enough\n" RSET,
    "delayed:mail:550:alert", true },
  { "mail-421", "P", "a@example.org b@example.org",
    MAIL A B DATA "< 421 bye\n!", "delayed:mail:421 delayed:mail:421", false },
  { "mail-closed", "P", "a@example.org", MAIL A DATA "!", "delayed:mail:0",
    false },
  { "mail-half-a-reply", "", "a@example.org", MAIL "<< 250 o\n!",
    "delayed:mail:0", false },
  { "mail-malformed", "", "a@example.org", MAIL "< what\n",
    "delayed:mail:0:alert", false },
  { "mail-354", "", "a@example.org", MAIL "< 354 go\n", "delayed:mail:0:alert",
    false },
  { "mail-mixed-codes", "", "a@example.org", MAIL "< 250-a\n< 550 b\n",
    "delayed:mail:0:alert", false },
  { "mail-refused-rcpt-taken-354", "P", "a@example.org",
    MAIL A DATA "< 550 no\n" OK GO, "failed:mail:550", false },
  { "mail-refused-354", "P", "a@example.org",
    MAIL A DATA "< 550 no\n< 503 mail\n" GO "> .\n< 554 nobody\n" RSET,
    "failed:mail:550", true },

  /* Optional parameters */
  { "mail-555-once", "S", "a@example.org",
    "> MAIL FROM:<me@example.org> SIZE=" SIZE
    "\n< 555 5.5.4 what\n" RSET MAIL OK A OK DATA GO SENT,
    "relayed:end-of-data:250", true },
  { "mail-501-pipelined", "PSD", "a@example.org",
    "> MAIL FROM:<me@example.org> SIZE=" SIZE "\n" A DATA
    "< 501 what\n< 503 mail\n< 503 mail\n" RSET MAIL A DATA OK OK GO SENT,
    "relayed:end-of-data:250", true },
  { "mail-555-twice", "S", "a@example.org",
    "> MAIL FROM:<me@example.org> SIZE=" SIZE "\n< 555 what\n" RSET MAIL
    "< 555 what\n" RSET,
    "failed:mail:555", true },
  { "mail-555-plain", "", "a@example.org", MAIL "< 555 what\n" RSET,
    "failed:mail:555", true },
  { "mail-555-then-354-and-accepted", "PS", "a@example.org",
    "> MAIL FROM:<me@example.org> SIZE=" SIZE "\n" A DATA "< 555 what\n" OK GO,
    "delayed:data:0:alert", false },

  /* RCPT */
  { "rcpt-one-5yz", "P", "a@example.org b@example.org c@example.org",
    MAIL A B C DATA OK OK "< 550 5.1.1 who\n" OK GO SENT,
    "relayed:end-of-data:250 failed:rcpt:550 relayed:end-of-data:250", true },
  { "rcpt-one-4yz", "", "a@example.org b@example.org",
    MAIL OK A "< 450 grey\n" B OK DATA GO SENT,
    "delayed:rcpt:450 relayed:end-of-data:250", true },
  { "rcpt-all-refused", "", "a@example.org b@example.org",
    MAIL OK A "< 550 no\n" B "< 450 no\n" RSET,
    "failed:rcpt:550 delayed:rcpt:450", true },
  { "rcpt-all-refused-554", "P", "a@example.org b@example.org",
    MAIL A B DATA OK "< 550 no\n< 550 no\n< 554 nobody\n" RSET,
    "failed:rcpt:550 failed:rcpt:550", true },
  { "rcpt-all-refused-354", "P", "a@example.org b@example.org",
    MAIL A B DATA OK "< 550 no\n< 550 no\n" GO "> .\n< 250 nothing\n" RSET,
    "failed:rcpt:550 failed:rcpt:550", true },
  { "rcpt-all-refused-250", "P", "a@example.org",
    MAIL A DATA OK "< 550 no\n" OK, "failed:rcpt:550", false },
  { "rcpt-452-first", "P", "a@example.org",
    MAIL A DATA OK "< 452 full\n< 503 rcpt\n" RSET, "delayed:rcpt:452", true },
  { "rcpt-452-too-many", "P", "a@example.org b@example.org c@example.org",
    MAIL A B C DATA OK OK
    "< 452 4.5.3 too many\n< 452 4.5.3 too many\n" GO SENT MAIL B C DATA OK OK
    "< 552 too many\n" GO SENT MAIL C DATA OK OK GO SENT,
    "relayed:end-of-data:250 relayed:end-of-data:250 relayed:end-of-data:250",
    true },
  { "rcpt-452-for-good", "", "a@example.org b@example.org",
    MAIL OK A OK B "< 452 full\n" DATA GO SENT MAIL OK B "< 452 full\n" RSET,
    "relayed:end-of-data:250 delayed:rcpt:452", true },
  { "rcpt-552-for-good", "", "a@example.org b@example.org",
    MAIL OK A OK B "< 552 full\n" DATA GO SENT MAIL OK B "< 552 full\n" RSET,
    "relayed:end-of-data:250 failed:rcpt:552", true },
  { "rcpt-452-is-not-said-twice", "",
    "a@example.org b@example.org c@example.org",
    MAIL OK A OK B
    "< 452 4.5.3 too many\n" DATA GO SENT MAIL OK B OK C OK DATA GO SENT,
    "relayed:end-of-data:250 relayed:end-of-data:250 relayed:end-of-data:250",
    true },
  { "rcpt-452-mailbox-full", "", "a@example.org b@example.org c@example.org",
    MAIL OK A OK B "< 452 4.2.2 full\n" C "< 552 5.2.2 full\n" DATA GO SENT,
    "relayed:end-of-data:250 delayed:rcpt:452 failed:rcpt:552", true },
  { "rcpt-452-then-refused", "", "a@example.org b@example.org",
    MAIL OK A OK B "< 452 full\n" DATA GO "=\n< 554 spam\n" RSET,
    "failed:end-of-data:554 failed:end-of-data:554", true },
  { "rcpt-452-then-lost", "", "a@example.org b@example.org",
    MAIL OK A OK B "< 452 full\n" DATA GO "=\n!",
    "delayed:end-of-data:0:ambiguous delayed:rcpt:0", false },
  { "rcpt-421", "P", "a@example.org b@example.org c@example.org",
    MAIL A B C DATA OK "< 550 no\n" OK "< 421 bye\n!",
    "failed:rcpt:550 delayed:rcpt:421 delayed:rcpt:421", false },
  { "rcpt-closed", "P", "a@example.org b@example.org",
    MAIL A B DATA OK "< 550 no\n!", "failed:rcpt:550 delayed:rcpt:0", false },
  { "rcpt-354", "P", "a@example.org", MAIL A DATA OK "< 354 go\n",
    "delayed:rcpt:0:alert", false },
  { "rcpt-malformed", "P", "a@example.org", MAIL A DATA OK "< 199 x\n",
    "delayed:rcpt:0:alert", false },
  { "rcpt-one-reply-too-many", "", "a@example.org b@example.org",
    MAIL OK A "<< 250 ok\\r\\n250 2.0.0 queued\\r\\n\n",
    "delayed:rcpt:0:alert delayed:rcpt:0:alert", false },
  { "rcpt-last-reply-too-many", "P", "a@example.org",
    MAIL A DATA "<< 250 ok\\r\\n250 ok\\r\\n250 queued\\r\\n354 go\\r\\n\n",
    "delayed:data:0:alert", false },

  /* DATA */
  { "data-4yz", "P", "a@example.org b@example.org",
    MAIL A B DATA OK OK "< 550 no\n< 451 later\n" RSET,
    "delayed:data:451 failed:rcpt:550", true },
  { "data-5yz", "", "a@example.org", MAIL OK A OK DATA "< 554 no\n" RSET,
    "failed:data:554", true },
  { "data-503-with-good-rcpt", "P", "a@example.org",
    MAIL A DATA OK OK "< 503 order\n" RSET, "failed:data:503", true },
  { "data-250", "P", "a@example.org", MAIL A DATA OK OK OK,
    "delayed:data:0:alert", false },
  { "data-421", "", "a@example.org", MAIL OK A OK DATA "< 421 bye\n!",
    "delayed:data:421", false },
  { "data-closed", "", "a@example.org", MAIL OK A OK DATA "!",
    "delayed:data:0", false },
  { "data-malformed", "", "a@example.org", MAIL OK A OK DATA "< 3x4\n",
    "delayed:data:0:alert", false },
  { "data-354-and-more", "P", "a@example.org",
    MAIL A DATA OK OK "<< 354 go\\r\\n250 2.0.0 queued\\r\\n\n",
    "delayed:content:0:alert", false },
  { "data-354-and-refusal", "P", "a@example.org",
    MAIL A DATA OK OK "<< 354 go\\r\\n554 changed my mind\\r\\n\n",
    "failed:content:554", false },
  { "data-354-and-421", "P", "a@example.org",
    MAIL A DATA OK OK "<< 354 go\\r\\n421 4.3.2 shutdown\\r\\n\n",
    "delayed:content:421", false },
  { "data-354-and-garbage", "P", "a@example.org",
    MAIL A DATA OK OK "<< 354 go\\r\\nxyzzy\\r\\n\n",
    "delayed:content:0:alert", false },

  /* The final dot */
  { "dot-4yz", "", "a@example.org",
    MAIL OK A OK DATA GO "=\n< 451 later\n" RSET, "delayed:end-of-data:451",
    true },
  { "dot-5yz", "", "a@example.org",
    MAIL OK A OK DATA GO "=\n< 554 spam\n" RSET, "failed:end-of-data:554",
    true },
  { "dot-5yz-for-the-accepted", "P", "a@example.org b@example.org",
    MAIL A B DATA OK OK "< 450 grey\n" GO "=\n< 550 spam\n" RSET,
    "failed:end-of-data:550 delayed:rcpt:450", true },
  { "dot-quota", "", "a@example.org",
    MAIL OK A OK DATA GO "=\n< 554 5.2.0 SubmissionQuotaExceeded\n" RSET,
    "delayed:end-of-data:554:alert", true },
  { "dot-421", "", "a@example.org", MAIL OK A OK DATA GO "=\n< 421 bye\n!",
    "delayed:end-of-data:421", false },
  { "dot-closed", "P", "a@example.org b@example.org",
    MAIL A B DATA OK OK "< 550 no\n" GO "=\n!",
    "delayed:end-of-data:0:ambiguous failed:rcpt:550", false },
  { "dot-half-a-reply", "", "a@example.org",
    MAIL OK A OK DATA GO "=\n<< 250 o\n!", "delayed:end-of-data:0:ambiguous",
    false },
  { "dot-silence", "", "a@example.org", MAIL OK A OK DATA GO "=\n",
    "delayed:end-of-data:0:ambiguous", false },
  { "dot-354", "", "a@example.org", MAIL OK A OK DATA GO "=\n< 354 go\n",
    "delayed:end-of-data:0:ambiguous:alert", false },
  { "dot-220-is-2yz", "", "a@example.org",
    MAIL OK A OK DATA GO "=\n< 220 hello\n", "relayed:end-of-data:220", true },
  { "dot-999", "", "a@example.org", MAIL OK A OK DATA GO "=\n< 999 x\n",
    "delayed:end-of-data:0:ambiguous:alert", false },
  { "dot-250-then-421", "", "a@example.org",
    MAIL OK A OK DATA GO "=\n<< 250 ok\\r\\n421 bye\\r\\n\n!",
    "relayed:end-of-data:250", true },

  /* RSET */
  { "rset-refused", "", "a@example.org",
    MAIL OK A "< 550 no\n> RSET\n< 500 what\n", "failed:rcpt:550", false },
  { "rset-421", "", "a@example.org",
    MAIL OK A "< 550 no\n> RSET\n< 421 bye\n!", "failed:rcpt:550", false },
  { "rset-silent", "", "a@example.org", MAIL OK A "< 550 no\n> RSET\n!",
    "failed:rcpt:550", false },
  { "rset-421-before-another-try", "S", "a@example.org",
    "> MAIL FROM:<me@example.org> SIZE=" SIZE
    "\n< 555 what\n> RSET\n< 421 bye\n!",
    "delayed:mail:421", false },

  /* Addresses that not every relay can be told. */
  { "utf8-local-part", "", "a@example.org j\303\266rg@example.org",
    MAIL OK A OK DATA GO SENT, "relayed:end-of-data:250 failed:rcpt:0", true },
  { "utf8-local-part-only", "", "j\303\266rg@example.org", "", "failed:rcpt:0",
    true },
  { "utf8-local-part-offered", "U", "j\303\266rg@example.org",
    "> MAIL FROM:<me@example.org> SMTPUTF8\n" OK
    "> RCPT TO:<j\303\266rg@example.org>\n" OK DATA GO SENT,
    "relayed:end-of-data:250", true },
  { "idn", "", "a@b\303\274cher.example",
    MAIL OK "> RCPT TO:<a@xn--bcher-kva.example>\n" OK DATA GO SENT,
    "relayed:end-of-data:250", true },
  { "control-character", "", "a\001@example.org b@example.org",
    MAIL OK B OK DATA GO SENT, "failed:rcpt:0 relayed:end-of-data:250", true },
};

/* A message in a file of its own. */
static Content
make_content (const char *header, const char *body)
{
  Content content = { .fd = memfd_create ("content", MFD_CLOEXEC) };

  g_assert_cmpint (content.fd, >=, 0);
  content.header = (Segment){ 0, strlen (header) };
  content.body = (Segment){ strlen (header), strlen (body) };
  g_assert_cmpint (write (content.fd, header, strlen (header)), ==,
                   (ssize_t) strlen (header));
  g_assert_cmpint (write (content.fd, body, strlen (body)), ==,
                   (ssize_t) strlen (body));
  return content;
}

typedef struct
{
  Relay relay;
  Envelope *envelope;
  Content content;
  Transaction transaction;
  Transaction *(*next) (void *data);
  Transaction second;
  Envelope *second_envelope;
  Session *session;
  Peer *peer;
  int fd;
  int dots;    /* calls of before_end_of_data */
  bool wait;   /* they return when the relay has spoken */
  bool refuse; /* what they say */
  GPtrArray *statuses;
  bool usable;
} Fixture;

static bool
before_end_of_data (void *data, GError **error)
{
  Fixture *f = data;

  f->dots++;
  if (f->wait)
    g_assert_cmpint (
        poll (&(struct pollfd){ f->fd, POLLIN, 0 }, 1, PEER_PATIENCE), ==, 1);
  if (f->refuse)
    g_set_error_literal (error, FAILURE, FAILURE_IO, "the disk is full");
  return !f->refuse;
}

static void
set_up (Fixture *f, const char *offered, const char *to, const char *script,
        const char *wire)
{
  g_auto (GStrv) paths = g_strsplit (to, " ", -1);

  relay_init (&f->relay);
  f->relay.host = g_strdup ("relay.example");
  f->relay.port = 465;
  f->relay.timeouts = (RelayTimeouts){
    PEER_PATIENCE, PEER_PATIENCE, PEER_PATIENCE, PEER_PATIENCE, 500, 500,
  };
  f->envelope = envelope_new ();
  g_free (f->envelope->reverse_path);
  f->envelope->reverse_path = g_strdup ("me@example.org");
  for (size_t i = 0; paths[i] != NULL; i++)
    envelope_add (f->envelope, paths[i]);
  f->content = make_content (HEADER, BODY);
  f->peer = peer_start (script, wire, &f->fd);
  f->session = g_new0 (Session, 1);
  f->session->relay = &f->relay;
  f->session->stream = stream_new (f->fd, NULL);
  f->session->extensions = (Extensions){
    .pipelining = strchr (offered, 'P') != NULL,
    .size_offered = strchr (offered, 'S') != NULL,
    .eight_bit_mime = strchr (offered, '8') != NULL,
    .smtputf8 = strchr (offered, 'U') != NULL,
    .dsn = strchr (offered, 'D') != NULL,
    .burl = strchr (offered, 'B') != NULL,
  };
}

static void
run (Fixture *f)
{
  f->transaction = (Transaction){
    .envelope = f->envelope,
    .content = &f->content,
    .before_end_of_data = before_end_of_data,
    .next = f->next,
    .data = f,
  };
  f->statuses = transaction_run (f->session, &f->transaction);
  f->usable = !f->session->broken;
}

static void
tear_down (Fixture *f)
{
  g_autofree char *trouble = NULL;

  session_drop (f->session);
  trouble = peer_finish (f->peer);
  g_assert_cmpstr (trouble, ==, NULL);
  g_ptr_array_unref (f->statuses);
  envelope_free (f->envelope);
  close (f->content.fd);
  relay_clear (&f->relay);
}

static char *
describe (const GPtrArray *statuses)
{
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < statuses->len; i++)
    {
      const Status *status = g_ptr_array_index (statuses, i);

      g_string_append_printf (text, "%s%s:%s:%d%s%s", i > 0 ? " " : "",
                              fate_name (status->fate),
                              stage_name (status->stage), status->code,
                              status->ambiguous ? ":ambiguous" : "",
                              status->alert ? ":alert" : "");
    }
  return g_string_free (text, FALSE);
}

static int
count_dots (const char *script)
{
  int dots = 0;

  for (const char *p = script; (p = strstr (p, "=\n")) != NULL; p++)
    dots += p == script || p[-1] == '\n';
  return dots;
}

static void
test_case (const void *data)
{
  const Case *c = data;
  Fixture f = { 0 };
  g_autofree char *described = NULL;

  set_up (&f, c->offered, c->to, c->script, WIRE);
  run (&f);
  described = describe (f.statuses);
  g_assert_cmpstr (described, ==, c->statuses);
  g_assert_cmpint (f.usable, ==, c->usable);
  g_assert_cmpint (f.dots, ==, count_dots (c->script));
  tear_down (&f);
}

static void
check (Fixture *f, const char *statuses, bool usable, int dots)
{
  g_autofree char *described = NULL;

  run (f);
  described = describe (f->statuses);
  g_assert_cmpstr (described, ==, statuses);
  g_assert_cmpint (f->usable, ==, usable);
  g_assert_cmpint (f->dots, ==, dots);
  tear_down (f);
}

/* All parameters, and none but what is offered. */
static void
test_parameters (void)
{
  Fixture f = { 0 };

  set_up (&f, "PS8UD", "a@example.org",
          "> MAIL FROM:<me@example.org> SIZE=" SIZE
          " BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=x+3Dy\n"
          "> RCPT TO:<a@example.org> NOTIFY=NEVER "
          "ORCPT=rfc822;a@example.org\n" DATA OK OK GO SENT,
          WIRE);
  f.content.eight_bit = f.content.header_utf8 = true;
  g_free (f.envelope->notify);
  g_free (f.envelope->ret);
  g_free (f.envelope->envid);
  f.envelope->notify = g_strdup ("NEVER");
  f.envelope->ret = g_strdup ("HDRS");
  f.envelope->envid = g_strdup ("x=y");
  check (&f, "relayed:end-of-data:250", true, 1);
}

static void
test_null_reverse_path (void)
{
  Fixture f = { 0 };

  set_up (&f, "P", "a@example.org", "> MAIL FROM:<>\n" A DATA OK OK GO SENT,
          WIRE);
  f.envelope->reverse_path[0] = '\0';
  check (&f, "relayed:end-of-data:250", true, 1);
}

static void
check_enhanced (const Fixture *f, int subject, int detail, Failure kind)
{
  const Status *status = g_ptr_array_index (f->statuses, 0);
  g_autoptr (GError) error =
      g_error_new_literal (FAILURE, (int) kind, "example");

  g_assert_cmpint (status->enhanced.class, ==, 5);
  g_assert_cmpint (status->enhanced.subject, ==, subject);
  g_assert_cmpint (status->enhanced.detail, ==, detail);
  g_assert_cmpint (status->exit_status, ==, failure_exit_status (error));
}

/* What this relay cannot be given at all: not a word is said. */
static void
test_refused_by_us (void)
{
  Fixture f = { 0 };

  set_up (&f, "PS", "a@example.org", "", WIRE);
  f.session->extensions.size = 28;
  run (&f);
  check_enhanced (&f, 3, 4, FAILURE_UNAVAILABLE);
  tear_down (&f);

  f = (Fixture){ 0 };
  set_up (&f, "P8", "a@example.org", "", WIRE);
  g_free (f.envelope->reverse_path);
  f.envelope->reverse_path = g_strdup ("j\303\266rg@example.org");
  run (&f);
  check_enhanced (&f, 6, 7, FAILURE_DATA);
  tear_down (&f);
}

static void
test_size_at_the_limit (void)
{
  Fixture f = { 0 };

  set_up (&f, "PS", "a@example.org",
          "> MAIL FROM:<me@example.org> SIZE=" SIZE "\n" A DATA OK OK GO SENT,
          WIRE);
  f.session->extensions.size = 29;
  g_assert_cmpuint (content_size (&f.content), ==, 29);
  check (&f, "relayed:end-of-data:250", true, 1);
}

/* Before the final dot the caller may still say no. */
static void
test_kept_back (void)
{
  Fixture f = { 0 };

  set_up (&f, "P", "a@example.org", MAIL A DATA OK OK GO, WIRE);
  f.refuse = true;
  check (&f, "delayed:content:0:alert", false, 1);
}

/* The file ends early: the dot is never sent. */
static void
test_unreadable (void)
{
  Fixture f = { 0 };

  set_up (&f, "P", "a@example.org", MAIL A DATA OK OK GO, WIRE);
  g_assert_cmpint (ftruncate (f.content.fd, 20), ==, 0);
  check (&f, "delayed:content:0:alert", false, 0);
}

static void
test_unasked_before_mail (void)
{
  static const struct
  {
    const char *script;
    const char *statuses;
  } rows[] = {
    { "<< 250 a\\r\\n421 bye\\r\\n\n!", "delayed:mail:421" },
    { "<< 250 a\\r\\n250 ok\\r\\n", "delayed:mail:0:alert" },
    { "<< 250 a\\r\\n554 no\\r\\n", "delayed:mail:0:alert" },
    { "<< 250 a\\r\\nx", "delayed:mail:0:alert" },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      Fixture f = { 0 };

      set_up (&f, "P", "a@example.org", rows[i].script, WIRE);
      reply_free (session_reply (f.session, PEER_PATIENCE, NULL));
      check (&f, rows[i].statuses, false, 0);
    }
}

/* A large message and a relay that has its say in the middle of it. */
static void
test_early_verdict (void)
{
  static const struct
  {
    const char *end;
    const char *statuses;
  } rows[] = {
    { "< 554 5.3.4 too big\n", "failed:content:554" },
    { "< 452 4.3.1 disk full\n", "delayed:content:452" },
    { "< 421 bye\n!", "delayed:content:421" },
    { "< 250 2.0.0 thanks\n", "delayed:content:0:alert" },
    { "< garbage\n", "delayed:content:0:alert" },
    { "!", "delayed:content:0" },
    { "< 554 5.3.4 too big\n!", "failed:content:554" },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      Fixture f = { 0 };
      g_autofree char *script =
          g_strconcat (MAIL A DATA OK OK GO "~\n", rows[i].end, NULL);
      g_autofree char *line = g_strnfill (70, 'x');
      GString *body = g_string_new (NULL);

      while (body->len < 8 << 20)
        g_string_append_printf (body, "%s\r\n", line);
      set_up (&f, "P", "a@example.org", script, NULL);
      close (f.content.fd);
      f.content = make_content (HEADER, body->str);
      check (&f, rows[i].statuses, false, 0);
      g_string_free (body, TRUE);
    }
}

/* It has gone before the final dot, which is not sent: nobody is in doubt then
   whether the message arrived. */
static void
test_gone_before_dot (void)
{
  Fixture f = { 0 };
  g_autofree char *body = g_strnfill (20000, 'x');

  set_up (&f, "P", "a@example.org", MAIL A DATA OK OK GO "~\n!", NULL);
  close (f.content.fd);
  f.content = make_content (HEADER, body);
  f.wait = true;
  check (&f, "delayed:content:0", false, 1);
}

/* A relay that says between the content and the final dot what would be taken
   for its acceptance, were it read after the dot. */
static void
test_acceptance_before_dot (void)
{
  Fixture f = { 0 };
  g_autofree char *body = g_strnfill (20000, 'x');

  set_up (&f, "P", "a@example.org",
          MAIL A DATA OK OK GO "~\n< 250 2.0.0 queued", NULL);
  close (f.content.fd);
  f.content = make_content (HEADER, body);
  f.wait = true;
  check (&f, "delayed:content:0:alert", false, 1);
}

/* A relay that takes nothing of the content any more. */
static void
test_stuck (void)
{
  Fixture f = { 0 };
  g_autofree char *body = g_strnfill (8 << 20, 'x');

  set_up (&f, "P", "a@example.org", MAIL A DATA OK OK GO "|", NULL);
  close (f.content.fd);
  f.content = make_content (HEADER, body);
  f.relay.timeouts.block = 100;
  check (&f, "delayed:content:0", false, 0);
}

/* RFC 9422: the relay says how many it takes at once. */
static void
test_limited (void)
{
  Fixture f = { 0 };

  set_up (&f, "P", "a@example.org b@example.org c@example.org",
          MAIL A B DATA OK "< 550 no\n" OK GO SENT MAIL C DATA OK OK GO SENT,
          WIRE);
  f.session->extensions.rcpt_max = 2;
  run (&f);
  g_assert_cmpuint (f.session->mails, ==, 2);
  g_assert_true (f.usable);
  g_assert_cmpint (f.dots, ==, 2);
  tear_down (&f);
}

/* And of how many domains in one session: who is of another is not asked for. */
static void
test_domains (void)
{
  Fixture f = { 0 };

  set_up (&f, "P", "a@example.org c@example.net b@EXAMPLE.ORG",
          MAIL A "> RCPT TO:<b@EXAMPLE.ORG>\n" DATA OK OK OK GO SENT, WIRE);
  f.session->extensions.rcpt_domain_max = 1;
  run (&f);
  g_assert_true (((Status *) f.statuses->pdata[1])->elsewhere);
  g_assert_false (((Status *) f.statuses->pdata[0])->elsewhere);
  g_assert_cmpuint (f.session->mails, ==, 1);
  g_assert_true (f.usable);
  g_assert_cmpint (f.dots, ==, 1);
  tear_down (&f);
}

/* Two messages of one session: the second one's envelope, to b, goes with the
   final dot of the first, to a. */
#define FIRST MAIL A DATA OK OK GO "=\n"
#define NEXT MAIL B DATA "?\n"

static const struct
{
  const char *name;
  const char *offered;
  const char *script;
  const char *first, *second; /* "-": it is not run, and the session is over */
  bool usable;
} pairs[] = {
  { "one-wait", "P",
    FIRST NEXT "<< 250 taken\\r\\n250\\r\\n250\\r\\n354 go\\r\\n\n" SENT,
    "relayed:end-of-data:250", "relayed:end-of-data:250", true },
  { "one-by-one", "P", FIRST NEXT "< 250 taken\n" OK OK GO SENT,
    "relayed:end-of-data:250", "relayed:end-of-data:250", true },
  { "not-offered", "",
    MAIL OK A OK DATA GO "=\n?\n< 250 taken\n" MAIL OK B OK DATA GO SENT,
    "relayed:end-of-data:250", "relayed:end-of-data:250", true },
  { "burl", "PB",
    MAIL A DATA OK OK GO "=\n?\n< 250 taken\n" MAIL B DATA OK OK GO SENT,
    "relayed:end-of-data:250", "relayed:end-of-data:250", true },
  { "bare-lf", "P",
    MAIL A DATA "<< 250 ok\\n\n" OK GO
                "=\n?\n< 250 taken\n" MAIL OK B OK DATA GO SENT,
    "relayed:end-of-data:250", "relayed:end-of-data:250", true },
  { "bare-lf-in-verdict", "P", FIRST NEXT "<< 250 ok\\n\n" OK OK GO SENT,
    "relayed:end-of-data:250", "relayed:end-of-data:250", true },

  /* The first one is refused: no RSET is needed, nor could it be sent. */
  { "first-5yz", "P", FIRST NEXT "< 554 spam\n" OK OK GO SENT,
    "failed:end-of-data:554", "relayed:end-of-data:250", true },
  { "first-4yz", "P", FIRST NEXT "< 451 later\n" OK OK GO SENT,
    "delayed:end-of-data:451", "relayed:end-of-data:250", true },

  /* The second one is refused. */
  { "second-mail-5yz", "P",
    FIRST NEXT "< 250 taken\n< 550 no\n< 503 mail\n< 503 mail\n" RSET,
    "relayed:end-of-data:250", "failed:mail:550", true },
  { "second-rcpt-5yz", "P",
    FIRST NEXT "< 250 taken\n" OK "< 550 no\n< 503 rcpt\n" RSET,
    "relayed:end-of-data:250", "failed:rcpt:550", true },
  { "second-rcpt-5yz-yet-354", "P",
    FIRST NEXT "< 250 taken\n" OK "< 550 no\n" GO "> .\n< 554 nobody\n" RSET,
    "relayed:end-of-data:250", "failed:rcpt:550", true },
  { "second-mail-5yz-yet-taken", "P",
    FIRST NEXT "< 250 taken\n< 550 no\n" OK GO, "relayed:end-of-data:250",
    "failed:mail:550", false },
  { "second-dot-5yz", "P",
    FIRST NEXT "< 250 taken\n" OK OK GO "=\n< 554 spam\n" RSET,
    "relayed:end-of-data:250", "failed:end-of-data:554", true },

  /* The session ends. */
  { "first-421", "P", FIRST NEXT "< 421 bye\n!", "delayed:end-of-data:421",
    "-", false },
  { "first-closed", "P", FIRST NEXT "!", "delayed:end-of-data:0:ambiguous",
    "-", false },
  { "first-half-a-reply", "P", FIRST NEXT "<< 250 o\n!",
    "delayed:end-of-data:0:ambiguous", "-", false },
  { "first-silence", "P", FIRST NEXT, "delayed:end-of-data:0:ambiguous", "-",
    false },
  { "first-354", "P", FIRST NEXT "< 354 go\n",
    "delayed:end-of-data:0:ambiguous:alert", "-", false },
  { "second-421", "P", FIRST NEXT "<< 250 taken\\r\\n421 bye\\r\\n\n!",
    "relayed:end-of-data:250", "-", false },
  { "second-refused-then-421", "P",
    FIRST NEXT "<< 250 taken\\r\\n550 no\\r\\n503 no\\r\\n503 no\\r\\n"
               "421 too many errors\\r\\n\n!",
    "relayed:end-of-data:250", "-", false },

  /* A reply is missing, or one is too many, and the verdict is none. */
  { "missing", "P", FIRST NEXT "<< 250 a\\r\\n250 b\\r\\n354 go\\r\\n\n",
    "delayed:end-of-data:0:ambiguous:alert", "-", false },
  { "missing-of-refused", "P",
    FIRST NEXT "<< 250 a\\r\\n550 b\\r\\n354 go\\r\\n\n",
    "delayed:end-of-data:0:ambiguous:alert", "-", false },
  { "one-too-many", "P",
    FIRST NEXT "<< 250 x\\r\\n250 taken\\r\\n250 a\\r\\n250 b\\r\\n"
               "354 go\\r\\n\n",
    "delayed:end-of-data:0:ambiguous:alert", "-", false },
  { "one-too-many-of-refused", "P",
    FIRST NEXT "<< 250 x\\r\\n554 spam\\r\\n250 a\\r\\n550 b\\r\\n"
               "503 c\\r\\n\n",
    "delayed:end-of-data:0:ambiguous:alert", "-", false },
  { "garbage-behind", "P", FIRST NEXT "<< 250 taken\\r\\nxyzzy\\r\\n\n",
    "delayed:end-of-data:0:ambiguous:alert", "-", false },
  { "354-and-more", "P",
    FIRST NEXT "<< 250 taken\\r\\n250 a\\r\\n250 b\\r\\n354 go\\r\\n"
               "250 more\\r\\n\n",
    "delayed:end-of-data:0:ambiguous:alert", "-", false },
};

static void
make_second (Fixture *f)
{
  f->second = (Transaction){ .envelope = f->second_envelope,
                             .content = &f->content,
                             .before_end_of_data = before_end_of_data,
                             .data = f };
}

static Transaction *
give_next (void *data)
{
  Fixture *f = data;

  /* Whoever takes long for that takes it while nothing is in doubt. */
  g_assert_cmpint (f->dots, ==, 0);
  make_second (f);
  return &f->second;
}

static char *
run_second (Fixture *f)
{
  g_autoptr (GPtrArray) statuses = NULL;

  if (!f->usable)
    {
      transaction_abandon (f->session, &f->second);
      return g_strdup ("-");
    }
  statuses = transaction_run (f->session, &f->second);
  f->usable = !f->session->broken;
  return describe (statuses);
}

static void
test_pair (const void *data)
{
  size_t row = GPOINTER_TO_SIZE (data);
  Fixture f = { 0 };
  g_autofree char *first = NULL;
  g_autofree char *second = NULL;

  set_up (&f, pairs[row].offered, "a@example.org", pairs[row].script, WIRE);
  f.second_envelope = envelope_new ();
  g_free (f.second_envelope->reverse_path);
  f.second_envelope->reverse_path = g_strdup ("me@example.org");
  envelope_add (f.second_envelope, "b@example.org");
  f.next = give_next;
  run (&f);
  first = describe (f.statuses);
  if (f.second.envelope == NULL)
    make_second (&f);
  second = run_second (&f);
  g_assert_cmpstr (first, ==, pairs[row].first);
  g_assert_cmpstr (second, ==, pairs[row].second);
  g_assert_cmpint (f.usable, ==, pairs[row].usable);
  g_assert_cmpint (f.dots, ==, count_dots (pairs[row].script));
  tear_down (&f);
  envelope_free (f.second_envelope);
}

/* Nothing is sent after it, and no goodbye: the relay may be waiting for
 * content. */
static void
test_abandoned (void)
{
  Fixture f = { 0 };

  set_up (&f, "P", "a@example.org", FIRST MAIL A DATA "< 250 taken\n" OK OK GO,
          WIRE);
  f.second_envelope = f.envelope;
  f.next = give_next;
  run (&f);
  g_assert_true (f.usable && f.session->engaged);
  transaction_abandon (f.session, &f.second);
  g_assert_true (f.session->broken);
  tear_down (&f);
}

#define MANY 10000
#define AT_ONCE 3000 /* recipients of a transaction */
#define TOO_MUCH 200 /* refusals, before the relay takes it for abuse */

/* Answers each line, at length, before it reads the next. Returns how many
   messages there were. */
static gpointer
serve_many (gpointer data)
{
  int fd = GPOINTER_TO_INT (data);
  FILE *in = fdopen (dup (fd), "r");
  g_autofree char *padding = g_strnfill (400, 'x');
  g_autofree char *reply = g_strdup_printf ("250 %s\r\n", padding);
  char line[1024];
  int recipients = 0, messages = 0;
  bool content = false;

  while (fgets (line, sizeof line, in) != NULL)
    {
      const char *answer = reply;

      if (content && strcmp (line, ".\r\n") != 0)
        continue;
      messages += content;
      recipients = g_str_has_prefix (line, "RCPT ") ? recipients + 1 : 0;
      if (recipients > AT_ONCE + TOO_MUCH)
        answer = "421 4.7.0 enough\r\n";
      else if (recipients > AT_ONCE)
        answer = "452 4.5.3 too many recipients\r\n";
      content = g_str_has_prefix (line, "DATA");
      if (content)
        answer = "354 go\r\n";
      (void) send (fd, answer, strlen (answer), MSG_NOSIGNAL);
    }
  fclose (in);
  return GINT_TO_POINTER (messages);
}

static void
test_many (void)
{
  Fixture f = { 0 };
  int pair[2];
  int small = 4096;
  GThread *thread;

  set_up (&f, "P", "first@example.org", "", NULL);
  for (int i = 1; i < MANY; i++)
    {
      g_autofree char *path = g_strdup_printf ("r%d@example.org", i);

      envelope_add (f.envelope, path);
    }
  stream_free (f.session->stream);
  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair),
                   ==, 0);
  for (int i = 0; i < 2; i++)
    g_assert_cmpint (
        setsockopt (pair[i], SOL_SOCKET, SO_SNDBUF, &small, sizeof small), ==,
        0);
  f.session->stream = stream_new (pair[0], NULL);
  thread = g_thread_new ("many", serve_many, GINT_TO_POINTER (pair[1]));
  run (&f);
  g_assert_cmpuint (f.statuses->len, ==, MANY);
  for (guint i = 0; i < f.statuses->len; i++)
    g_assert_cmpint (((Status *) g_ptr_array_index (f.statuses, i))->fate, ==,
                     FATE_RELAYED);
  g_assert_true (f.usable);
  tear_down (&f);
  g_assert_cmpint (GPOINTER_TO_INT (g_thread_join (thread)), ==, 4);
  close (pair[1]);
}

/* Texts that are our own name the relay. */
static void
test_text (void)
{
  Fixture f = { 0 };
  const Status *status;

  set_up (&f, "", "a@example.org", MAIL "!", WIRE);
  run (&f);
  status = g_ptr_array_index (f.statuses, 0);
  g_assert_true (g_str_has_prefix (status->text, "relay.example:465: "));
  tear_down (&f);
}

/* What the relay says of a sender, and that it is told of nothing else. */
static const struct
{
  const char *name;
  const char *sender;
  const char *script;
  const char *status; /* "": it may send */
  bool usable;
} senders[] = {
  { "accepted", "me@example.org", MAIL "?\n" OK RSET, "", true },
  { "refused", "me@example.org", MAIL "< 553 5.7.1 not yours\n" RSET,
    "failed:mail:553", true },
  { "later", "me@example.org", MAIL "< 451 later\n" RSET, "delayed:mail:451",
    true },
  { "login", "me@example.org", MAIL "< 530 log in\n" RSET,
    "held:mail:530:alert", true },
  { "closing", "me@example.org", MAIL "< 421 bye\n", "delayed:mail:421", false },
  { "3yz", "me@example.org", MAIL "< 354 go\n", "delayed:mail:0:alert", false },
  { "closed", "me@example.org", MAIL "!\n", "delayed:mail:0", false },
  { "reset-refused", "me@example.org", MAIL OK "> RSET\n< 421 bye\n",
    "delayed:mail:421", false },
  { "bare", "me", "", "failed:mail:0", true },
};

static void
test_sender (const void *data)
{
  size_t i = GPOINTER_TO_SIZE (data);
  Fixture f = { .statuses = g_ptr_array_new_with_free_func (
                    (GDestroyNotify) status_free) };
  g_autofree char *described = NULL;
  Status *status;

  set_up (&f, "P", "", senders[i].script, WIRE);
  status = transaction_try_sender (f.session, senders[i].sender);
  if (status != NULL)
    g_ptr_array_add (f.statuses, status);
  described = describe (f.statuses);
  g_assert_cmpstr (described, ==, senders[i].status);
  g_assert_cmpint (!f.session->broken, ==, senders[i].usable);
  tear_down (&f);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (size_t i = 0; i < G_N_ELEMENTS (senders); i++)
    {
      g_autofree char *path =
          g_strconcat ("/transaction/sender/", senders[i].name, NULL);

      g_test_add_data_func (path, GSIZE_TO_POINTER (i), test_sender);
    }
  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *path =
          g_strconcat ("/transaction/case/", cases[i].name, NULL);

      g_test_add_data_func (path, &cases[i], test_case);
    }
  g_test_add_func ("/transaction/parameters", test_parameters);
  g_test_add_func ("/transaction/null-reverse-path", test_null_reverse_path);
  g_test_add_func ("/transaction/refused-by-us", test_refused_by_us);
  g_test_add_func ("/transaction/size-at-the-limit", test_size_at_the_limit);
  g_test_add_func ("/transaction/kept-back", test_kept_back);
  g_test_add_func ("/transaction/unreadable", test_unreadable);
  g_test_add_func ("/transaction/unasked-before-mail",
                   test_unasked_before_mail);
  g_test_add_func ("/transaction/early-verdict", test_early_verdict);
  g_test_add_func ("/transaction/gone-before-dot", test_gone_before_dot);
  g_test_add_func ("/transaction/acceptance-before-dot",
                   test_acceptance_before_dot);
  g_test_add_func ("/transaction/stuck", test_stuck);
  for (size_t i = 0; i < G_N_ELEMENTS (pairs); i++)
    {
      g_autofree char *path =
          g_strconcat ("/transaction/pair/", pairs[i].name, NULL);

      g_test_add_data_func (path, GSIZE_TO_POINTER (i), test_pair);
    }
  g_test_add_func ("/transaction/abandoned", test_abandoned);
  g_test_add_func ("/transaction/limited", test_limited);
  g_test_add_func ("/transaction/domains", test_domains);
  g_test_add_func ("/transaction/many", test_many);
  g_test_add_func ("/transaction/text", test_text);
  return g_test_run ();
}
