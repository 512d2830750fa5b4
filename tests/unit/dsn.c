/* The notification that a sender gets: every field and part of it, whatever the
 * message and the relay were like. */

#include <fcntl.h>
#include <libintl.h>
#include <locale.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <glib.h>
#include <glib/gstdio.h>

#include "base/failure.h"
#include "submit/dsn.h"

#define ARRIVAL 1795230887 /* 21 November 2026 03:14:47 UTC */
#define ID "6A0000001234ABCD"

static const char plain_header[] = "From: me@example.org\r\n"
                                   "Subject: Hello\r\n"
                                   "Date: Sat, 21 Nov 2026 04:14:47 +0100\r\n"
                                   "Message-ID: <1@x.example>\r\n\r\n";

static const char plain_body[] = "Good morning.\r\n";

static bool
is_8bit (const char *text, size_t length)
{
  for (size_t i = 0; i < length; i++)
    if ((unsigned char) text[i] > 127)
      return true;
  return false;
}

static void
set_content (Entry *entry, const char *header, size_t header_length,
             const char *body, size_t body_length)
{
  Content *content = &entry->content;

  if (entry->fd >= 0)
    close (entry->fd);
  entry->fd = memfd_create ("entry", MFD_CLOEXEC);
  g_assert_cmpint (entry->fd, >=, 0);
  g_assert_cmpint (write (entry->fd, body, body_length), ==,
                   (ssize_t) body_length);
  g_assert_cmpint (write (entry->fd, header, header_length), ==,
                   (ssize_t) header_length);
  content->fd = entry->fd;
  content->body = (Segment){ 0, body_length };
  content->header = (Segment){ body_length, header_length };
  content->header_utf8 = is_8bit (header, header_length);
  content->eight_bit = content->header_utf8 || is_8bit (body, body_length);
}

static Entry *
new_entry (void)
{
  Entry *entry = g_new0 (Entry, 1);

  entry->id = g_strdup (ID);
  entry->fd = -1;
  entry->account = g_strdup ("work");
  entry->reason = g_strdup ("");
  entry->envelope = envelope_new ();
  g_free (entry->envelope->reverse_path);
  entry->envelope->reverse_path = g_strdup ("me@example.org");
  entry->statuses
      = g_ptr_array_new_with_free_func ((GDestroyNotify) status_free);
  entry->told = g_array_new (FALSE, TRUE, sizeof (bool));
  entry->arrival = ARRIVAL;
  entry->last_attempt = ARRIVAL + 60;
  set_content (entry, plain_header, strlen (plain_header), plain_body,
               strlen (plain_body));
  return entry;
}

/* STATUS becomes the entry's. */
static void
add (Entry *entry, const char *path, Status *status)
{
  envelope_add (entry->envelope, path);
  g_ptr_array_add (entry->statuses, status);
  g_array_set_size (entry->told, entry->statuses->len);
}

static Status *
reply (Stage stage, int code, const char *words)
{
  return status_new_reply (stage, code, (EnhancedCode){ 0 }, words);
}

static Status *
refusal (void)
{
  return status_new_reply (STAGE_RCPT, 550, (EnhancedCode){ 5, 1, 1 },
                           "nobody of that name");
}

static Status *
finding (Stage stage, Failure kind, const char *text)
{
  g_autoptr (GError) error = g_error_new_literal (FAILURE, (int) kind, text);

  return status_new_failure (stage, error);
}

static const DsnParams params = {
  .action = DSN_FAILED,
  .from = "me@example.org",
  .host = "smtp.example.org",
  .time = ARRIVAL + 120,
  .retry_until = ARRIVAL + 5 * 24 * 60 * 60,
  .keep_days = 30,
};

static int room; /* a directory for the spools */

static char *
spool_text (Spool *spool)
{
  int fd = spool_commit (spool, "body", NULL);
  g_autofree char *path = g_strdup_printf ("/proc/self/fd/%d", fd);
  char *text;

  g_assert_cmpint (fd, >=, 0);
  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  g_assert_cmpint (unlinkat (room, "body", 0), ==, 0);
  close (fd);
  return text;
}

/* What is true of every notification. */
static void
check_lines (const char *text)
{
  g_auto (GStrv) lines = g_strsplit (text, "\r\n", -1);

  for (char **line = lines; *line != NULL; line++)
    {
      g_assert_cmpint (strlen (*line), <=, 998);
      g_assert_null (strpbrk (*line, "\r\n\033"));
    }
}

/* The whole message as text; every run of 26 base32 characters is a '*'. */
static char *
build_with (const Entry *entry, const DsnParams *with, bool *eight_bit)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Message) message
      = dsn_build (entry, with, spool_new (room, 0), &error);
  g_autoptr (GString) header = NULL;
  g_autofree char *body = NULL;
  g_autofree char *text = NULL;
  g_autoptr (GRegex) random = g_regex_new ("[a-z2-7]{26}", 0, 0, NULL);

  g_assert_no_error (error);
  g_assert_nonnull (message);
  header = header_to_string (message->header);
  body = spool_text (message->body);
  g_assert_cmpint (message->body_8bit, ==, is_8bit (body, strlen (body)));
  if (eight_bit != NULL)
    *eight_bit = message->body_8bit;
  text = g_strconcat (header->str, body, NULL);
  check_lines (text);
  /* What is 8-bit cannot be matched, and has no chance in it. */
  if (is_8bit (text, strlen (text)))
    return g_steal_pointer (&text);
  return g_regex_replace_literal (random, text, -1, 0, "*", 0, NULL);
}

static char *
build (const Entry *entry)
{
  return build_with (entry, &params, NULL);
}

static void
assert_has (const char *text, const char *piece)
{
  if (strstr (text, piece) == NULL)
    g_error ("'%s' is not in:\n%s", piece, text);
}

static void
assert_lacks (const char *text, const char *piece)
{
  if (strstr (text, piece) != NULL)
    g_error ("'%s' is in:\n%s", piece, text);
}

static void
test_failed (void)
{
  static const char expected[] =
    "Date: Sat, 21 Nov 2026 03:16:47 +0000\r\n"
    "From: Postrider <me@example.org>\r\n"
    "Message-ID: <*@example.org>\r\n"
    "To: me@example.org\r\n"
    "Subject: Your message could not be delivered\r\n"
    "In-Reply-To: <1@x.example>\r\n"
    "References: <1@x.example>\r\n"
    "Auto-Submitted: auto-replied\r\n"
    "MIME-Version: 1.0\r\n"
    "Content-Type: multipart/report; report-type=delivery-status;\r\n"
    " boundary=\"*\"\r\n"
    "\r\n"
    "--*\r\n"
    "Content-Type: text/plain; charset=utf-8\r\n"
    "Content-Transfer-Encoding: 7bit\r\n"
    "\r\n"
    "This is Postrider, which takes mail from your computer to your relay.\r\n"
    "\r\n"
    "Your message could not be delivered to this recipient:\r\n"
    "\r\n"
    "    you@example.net\r\n"
    "        smtp.example.org said: 550 5.1.1 nobody of that name\r\n"
    "\r\n"
    "This is the message:\r\n"
    "\r\n"
    "    Subject: Hello\r\n"
    "    Date: Sat, 21 Nov 2026 04:14:47 +0100\r\n"
    "    ID in the queue: " ID "\r\n"
    "\r\n"
    "A copy is held for 30 days. These commands show it, send it again where it\r\n"
    "did not arrive, and remove it:\r\n"
    "\r\n"
    "    postrider queue show " ID "\r\n"
    "    postrider queue release " ID "\r\n"
    "    postrider queue remove " ID "\r\n"
    "\r\n"
    "--*\r\n"
    "Content-Type: message/delivery-status\r\n"
    "Content-Transfer-Encoding: 7bit\r\n"
    "\r\n"
    "Reporting-MTA: dns; localhost\r\n"
    "Arrival-Date: Sat, 21 Nov 2026 03:14:47 +0000\r\n"
    "\r\n"
    "Final-Recipient: rfc822; you@example.net\r\n"
    "Action: failed\r\n"
    "Status: 5.1.1\r\n"
    "Remote-MTA: dns; smtp.example.org\r\n"
    "Diagnostic-Code: smtp; 550 5.1.1 nobody of that name\r\n"
    "Last-Attempt-Date: Sat, 21 Nov 2026 03:15:47 +0000\r\n"
    "\r\n"
    "--*\r\n"
    "Content-Type: text/rfc822-headers\r\n"
    "Content-Transfer-Encoding: 7bit\r\n"
    "\r\n"
    "From: me@example.org\r\n"
    "Subject: Hello\r\n"
    "Date: Sat, 21 Nov 2026 04:14:47 +0100\r\n"
    "Message-ID: <1@x.example>\r\n"
    "\r\n"
    "--*--\r\n";
  g_autoptr (Entry) entry = new_entry ();
  g_autofree char *text = NULL;

  add (entry, "you@example.net", refusal ());
  text = build (entry);
  g_assert_cmpstr (text, ==, expected);
}

static void
test_delayed (void)
{
  static const char expected[] =
    "Your message could not yet be delivered to these recipients:\r\n"
    "\r\n"
    "    you@example.net\r\n"
    "    two@example.net\r\n"
    "        cannot connect\r\n"
    "    three@example.net\r\n"
    "\r\n"
    "This is the message:\r\n"
    "\r\n"
    "    Subject: Hello\r\n"
    "    Date: Sat, 21 Nov 2026 04:14:47 +0100\r\n"
    "    ID in the queue: " ID "\r\n"
    "\r\n"
    "You need not do anything: it is tried again until Thu, 26 Nov 2026 03:14:47\r\n"
    "+0000. These commands show it, try it at once, and remove it:\r\n"
    "\r\n"
    "    postrider queue show " ID "\r\n"
    "    postrider queue retry " ID "\r\n"
    "    postrider queue remove " ID "\r\n";
  static const char fields[] =
    "\r\n"
    "Final-Recipient: rfc822; two@example.net\r\n"
    "Action: delayed\r\n"
    "Status: 4.4.1\r\n"
    "Last-Attempt-Date: Sat, 21 Nov 2026 03:15:47 +0000\r\n"
    "Will-Retry-Until: Thu, 26 Nov 2026 03:14:47 +0000\r\n"
    "\r\n"
    "Final-Recipient: rfc822; three@example.net\r\n"
    "Action: delayed\r\n"
    "Status: 4.0.0\r\n";
  g_autoptr (Entry) entry = new_entry ();
  g_autofree char *text = NULL;
  DsnParams delayed = params;

  delayed.action = DSN_DELAYED;
  add (entry, "you@example.net",
       finding (STAGE_CONNECT, FAILURE_TEMPORARY, "cannot connect"));
  add (entry, "bad@example.net", refusal ());
  add (entry, "two@example.net",
       finding (STAGE_CONNECT, FAILURE_TEMPORARY, "cannot connect"));
  add (entry, "three@example.net", NULL);
  add (entry, "good@example.net", reply (STAGE_END_OF_DATA, 250, "ok"));
  /* It is a failure alone that brings a message back. */
  g_free (entry->envelope->ret);
  entry->envelope->ret = g_strdup ("FULL");
  text = build_with (entry, &delayed, NULL);
  assert_has (text, "Subject: Your message could not yet be delivered\r\n");
  assert_has (text, expected);
  assert_has (text, fields);
  assert_has (text, "text/rfc822-headers");
  assert_lacks (text, "bad@example.net");
  assert_lacks (text, "good@example.net");
}

/* What became of one recipient, as the fields tell it. */
static void
test_statuses (void)
{
  static const struct
  {
    Stage stage;
    int code;       /* 0: our own finding, a FAILURE of KIND */
    Failure kind;
    EnhancedCode enhanced;
    Fate fate;
    const char *fields;
  } cases[] = {
    { STAGE_RCPT, 550, 0, { 5, 1, 1 }, FATE_FAILED,
      "Action: failed\r\nStatus: 5.1.1\r\n"
      "Remote-MTA: dns; smtp.example.org\r\n"
      "Diagnostic-Code: smtp; 550 5.1.1 words\r\nLast" },
    { STAGE_RCPT, 550, 0, { 0 }, FATE_FAILED,
      "Action: failed\r\nStatus: 5.0.0\r\n"
      "Remote-MTA: dns; smtp.example.org\r\n"
      "Diagnostic-Code: smtp; 550 words\r\nLast" },
    /* A class that cannot be */
    { STAGE_RCPT, 550, 0, { 2, 1, 5 }, FATE_FAILED, "\r\nStatus: 5.0.0\r\n" },
    { STAGE_RCPT, 450, 0, { 4, 2, 1 }, FATE_DELAYED,
      "Action: delayed\r\nStatus: 4.2.1\r\n"
      "Remote-MTA: dns; smtp.example.org\r\n"
      "Diagnostic-Code: smtp; 450 4.2.1 words\r\nLast" },
    { STAGE_MAIL, 450, 0, { 0 }, FATE_DELAYED, "\r\nStatus: 4.0.0\r\n" },
    { STAGE_GREETING, 554, 0, { 5, 7, 1 }, FATE_DELAYED,
      "\r\nStatus: 4.7.1\r\n" },
    /* Our own words are not the relay's */
    { STAGE_MAIL, 0, FAILURE_DATA, { 5, 6, 3 }, FATE_FAILED,
      "Action: failed\r\nStatus: 5.6.3\r\nLast" },
    { STAGE_RCPT, 0, FAILURE_DATA, { 0 }, FATE_FAILED,
      "Action: failed\r\nStatus: 5.4.2\r\nLast" },
    { STAGE_CREDENTIAL, 0, FAILURE_TEMPORARY, { 0 }, FATE_DELAYED,
      "Action: delayed\r\nStatus: 4.7.0\r\nLast" },
    { STAGE_TLS, 0, FAILURE_CERTIFICATE, { 0 }, FATE_DELAYED,
      "Action: delayed\r\nStatus: 4.7.5\r\nLast" },
    { STAGE_QUIT, 0, FAILURE_TEMPORARY, { 0 }, FATE_DELAYED,
      "Action: delayed\r\nStatus: 4.4.2\r\nLast" },
    /* Its time is over */
    { STAGE_CONNECT, 0, FAILURE_TEMPORARY, { 4, 4, 7 }, FATE_FAILED,
      "Action: failed\r\nStatus: 4.4.7\r\nLast" },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (Entry) entry = new_entry ();
      g_autofree char *text = NULL;
      DsnParams with = params;
      Status *status = cases[i].code == 0
                           ? finding (cases[i].stage, cases[i].kind, "words")
                           : reply (cases[i].stage, cases[i].code, "words");

      status->enhanced = cases[i].enhanced;
      status->fate = cases[i].fate;
      with.action
          = cases[i].fate == FATE_DELAYED ? DSN_DELAYED : DSN_FAILED;
      add (entry, "you@example.net", status);
      text = build_with (entry, &with, NULL);
      assert_has (text, cases[i].fields);
    }
}

static void
test_wanted (void)
{
  static const struct
  {
    const char *sender, *notify;
    bool notification, told, warned;
    Fate fate; /* of one of two; the other was relayed */
    bool failed, delayed;
  } cases[] = {
    { "me@x", "", false, false, false, FATE_FAILED, true, false },
    { "me@x", "", false, true, false, FATE_FAILED, false, false },
    { "me@x", "", false, false, false, FATE_DELAYED, false, true },
    { "me@x", "", false, false, true, FATE_DELAYED, false, false },
    { "me@x", "", false, false, false, FATE_HELD, false, false },
    { "me@x", "", false, false, false, FATE_RELAYED, false, false },
    { "", "", false, false, false, FATE_FAILED, false, false },
    { "", "", false, false, false, FATE_DELAYED, false, false },
    { "me@x", "", true, false, false, FATE_FAILED, false, false },
    { "me@x", "", true, false, false, FATE_DELAYED, false, false },
    { "me@x", "NEVER", false, false, false, FATE_FAILED, false, false },
    { "me@x", "NEVER", false, false, false, FATE_DELAYED, false, false },
    { "me@x", "SUCCESS", false, false, false, FATE_FAILED, false, false },
    { "me@x", "SUCCESS", false, false, false, FATE_DELAYED, false, false },
    { "me@x", "FAILURE", false, false, false, FATE_FAILED, true, false },
    { "me@x", "FAILURE", false, false, false, FATE_DELAYED, false, false },
    { "me@x", "DELAY", false, false, false, FATE_FAILED, false, false },
    { "me@x", "DELAY", false, false, false, FATE_DELAYED, false, true },
    { "me@x", "SUCCESS,FAILURE,DELAY", false, false, false, FATE_FAILED, true,
      false },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (Entry) entry = new_entry ();
      Status *status = refusal ();

      status->fate = cases[i].fate;
      add (entry, "good@example.net", reply (STAGE_END_OF_DATA, 250, "ok"));
      add (entry, "you@example.net", status);
      g_free (entry->envelope->reverse_path);
      entry->envelope->reverse_path = g_strdup (cases[i].sender);
      g_free (entry->envelope->notify);
      entry->envelope->notify = g_strdup (cases[i].notify);
      entry->notification = cases[i].notification;
      entry->warned = cases[i].warned;
      g_array_index (entry->told, bool, 1) = cases[i].told;
      g_assert_cmpint (dsn_is_wanted (entry, DSN_FAILED), ==,
                       cases[i].failed);
      g_assert_cmpint (dsn_is_wanted (entry, DSN_DELAYED), ==,
                       cases[i].delayed);
    }
}

/* Each recipient has its own. */
static void
test_wishes (void)
{
  g_autoptr (Entry) entry = new_entry ();
  g_autofree char *text = NULL;

  g_free (entry->envelope->notify);
  entry->envelope->notify = g_strdup ("NEVER");
  add (entry, "none@example.net", refusal ());
  g_assert_false (dsn_is_wanted (entry, DSN_FAILED));
  add (entry, "late@example.net", refusal ());
  envelope_wish_last (entry->envelope,
                      &(Wish){ (char *) "DELAY", (char *) "" });
  g_assert_false (dsn_is_wanted (entry, DSN_FAILED));
  add (entry, "you@example.net", refusal ());
  envelope_wish_last (entry->envelope,
                      &(Wish){ (char *) "SUCCESS,FAILURE",
                               (char *) "rfc822;first+2Bone@example.net" });
  g_assert_true (dsn_is_wanted (entry, DSN_FAILED));
  text = build (entry);
  assert_has (text, "Original-Recipient: rfc822; first+one@example.net\r\n"
                    "Final-Recipient: rfc822; you@example.net\r\n");
  assert_lacks (text, "none@example.net");
  assert_lacks (text, "late@example.net");
}

/* Several recipients, some of them told already. */
static void
test_recipients (void)
{
  g_autoptr (Entry) entry = new_entry ();
  g_autofree char *text = NULL;

  add (entry, "told@example.net", refusal ());
  add (entry, "one@example.net", reply (STAGE_DATA, 554, "no"));
  add (entry, "two@example.net", reply (STAGE_DATA, 554, "no"));
  add (entry, "three@example.net", refusal ());
  add (entry, "wait@example.net", reply (STAGE_RCPT, 450, "later"));
  g_array_index (entry->told, bool, 0) = true;
  text = build (entry);
  assert_has (text,
              "    one@example.net\r\n"
              "    two@example.net\r\n"
              "        smtp.example.org said: 554 no\r\n"
              "    three@example.net\r\n"
              "        smtp.example.org said: 550 5.1.1 nobody of that name"
              "\r\n\r\n");
  assert_has (text, "It still waits to be sent to other recipients; after that "
                    "it is held.\r\n");
  assert_lacks (text, "told@example.net");
  assert_lacks (text, "wait@example.net");
  assert_has (text, "\r\n\r\nFinal-Recipient: rfc822; one@example.net\r\n");
  assert_has (text, "\r\n\r\nFinal-Recipient: rfc822; two@example.net\r\n");
  assert_has (text, "\r\n\r\nFinal-Recipient: rfc822; three@example.net\r\n");
}

static void
test_many (void)
{
  g_autoptr (Entry) entry = new_entry ();
  g_autofree char *text = NULL;
  size_t found = 0;

  for (int i = 0; i < 20000; i++)
    {
      g_autofree char *path = g_strdup_printf ("you%d@example.net", i);

      add (entry, path, refusal ());
    }
  text = build (entry);
  for (const char *p = text; (p = strstr (p, "\r\nFinal-Recipient")) != NULL;
       p++)
    found++;
  g_assert_cmpint (found, ==, 20000);
  assert_has (text, "    you19999@example.net\r\n"
                    "        smtp.example.org said: 550 5.1.1 nobody of that "
                    "name\r\n\r\n");
}

static void
test_kept (void)
{
  static const struct
  {
    unsigned days;
    const char *text;
  } cases[] = {
    { 0, "A copy is held until you release or remove it. " },
    { 1, "A copy is held for 1 day. " },
    { 2, "A copy is held for 2 days. " },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (Entry) entry = new_entry ();
      g_autofree char *text = NULL;
      DsnParams with = params;

      with.keep_days = cases[i].days;
      add (entry, "you@example.net", refusal ());
      text = build_with (entry, &with, NULL);
      assert_has (text, cases[i].text);
    }
}

static void
test_envid (void)
{
  g_autoptr (Entry) entry = new_entry ();
  g_autofree char *text = NULL;

  g_assert_true (envelope_set_envid (entry->envelope, "a+b=c d", NULL));
  add (entry, "you@example.net", refusal ());
  text = build (entry);
  assert_has (text, "\r\nOriginal-Envelope-Id: a+b=c d\r\nArrival");
}

/* Headers of the message, and what of them is in the notification. */
static void
test_originals (void)
{
  static const struct
  {
    const char *header, *has, *lacks;
  } cases[] = {
    /* No header at all */
    { "\r\n", "message:\r\n\r\n    ID", "In-Reply-To" },
    { "\r\n", "text/rfc822-headers\r\nContent-Transfer-Encoding: 7bit\r\n\r\n"
              "\r\n--*--\r\n", "In-Reply-To" },
    /* Identifiers that would break our header */
    { "Message-ID: 1@x.example\r\n\r\n", "Auto-Submitted", "In-Reply-To" },
    { "Message-ID: <1@x> <2@x>\r\n\r\n", "Auto-Submitted", "In-Reply-To" },
    { "Message-ID: <1 2@x>\r\n\r\n", "Auto-Submitted", "In-Reply-To" },
    { "Message-ID: <1\033[31m@x>\r\nX: \033\r\n\r\n", "X: =1B\r\n",
      "In-Reply-To" },
    { "Message-ID:\r\n <1@x>\r\n\r\n", "\r\nIn-Reply-To: <1@x>\r\n", "=20" },
    { "Message-ID: <>\r\n\r\n", "Auto-Submitted", "In-Reply-To" },
    /* Subjects */
    { "Subject: a\r\n b\r\n\r\n", "    Subject: a b\r\n", "=20" },
    { "Subject: =?utf-8?Q?a=0D=0AX-Evil:_1=1B[m?=\r\n\r\n",
      "    Subject: a  X-Evil: 1?[m\r\n", "\r\nX-Evil" },
    { "Subject: =?utf-8?Q?Gr=C3=BC=C3=9Fe?=\r\n\r\n",
      "    Subject: Gr=C3=BC=C3=9Fe\r\n", "8bit" },
    { "Subject: =?iso-8859-1?Q?Gr=FC=DFe?=\r\n\r\n",
      "    Subject: Gr=C3=BC=C3=9Fe\r\n", "8bit" },
    { "Subject: Gr\303\274n\r\n\r\n",
      "Content-Type: message/global-headers\r\n"
      "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
      "Subject: Gr=C3=BCn\r\n", "8bit" },
    { "Subject: Gr\374n\r\n\r\n",
      "Content-Type: text/rfc822-headers\r\n"
      "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
      "Subject: Gr=FCn\r\n", "8bit" },
    { "Subject: Gr\374n\r\n\r\n", "    Subject: Gr?n\r\n", "8bit" },
    /* A part of its own */
    { "Subject: x\r\n--*\r\nContent-Type: text/html\r\n\r\n",
      "\r\n\r\nSubject: x\r\n--*\r\nContent-Type: text/html\r\n\r\n--", "8bit" },
    /* Lone line ends */
    { "Subject: x\rX-Evil: 1\nX-Too: 1\r\n\r\n", "Subject: x=0DX-Evil: 1=0AX-",
      "\r\nX-Evil" },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (Entry) entry = new_entry ();
      g_autofree char *text = NULL;

      set_content (entry, cases[i].header, strlen (cases[i].header),
                   plain_body, strlen (plain_body));
      add (entry, "you@example.net", refusal ());
      text = build (entry);
      assert_has (text, cases[i].has);
      assert_lacks (text, cases[i].lacks);
      assert_lacks (text, "Good morning");
    }
}

/* A header too large to go back goes back as far as whole fields do. */
static void
test_large_header (void)
{
  static const struct
  {
    const char *field;
    size_t least, most;
  } cases[] = {
    { "X: short\r\n", 65000, 66000 },
    { "X: long\r\n\tfolded\r\n folded\r\n", 65000, 66000 },
    /* The first field alone is too much: nothing is left but the first. */
    { " folded\r\n", 10, 20 },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (Entry) entry = new_entry ();
      g_autoptr (GString) header = g_string_new ("Subject: x\r\nX: y\r\n");
      g_autofree char *text = NULL;
      const char *part, *end;

      while (header->len < 200 * 1024)
        g_string_append (header, cases[i].field);
      g_string_append (header, "\r\n");
      set_content (entry, header->str, header->len, plain_body,
                   strlen (plain_body));
      add (entry, "you@example.net", refusal ());
      text = build (entry);
      part = strstr (text, "text/rfc822-headers");
      g_assert_nonnull (part);
      part = strstr (part, "\r\n\r\n") + 4;
      end = strstr (part, "\r\n\r\n--*--\r\n");
      g_assert_nonnull (end);
      g_assert_cmpint (end - part, >=, cases[i].least);
      g_assert_cmpint (end - part, <=, cases[i].most);
      g_assert_cmpint (strncmp (header->str, part, (size_t) (end - part)), ==,
                       0);
      /* What follows would have begun a field. */
      g_assert_cmpint (strncmp (header->str + (end - part), "\r\nX: ", 5), ==,
                       0);
    }
}

/* What is not to be had is an error, not a lie. */
static void
test_unreadable (void)
{
  g_autoptr (Entry) entry = new_entry ();
  g_autoptr (GError) error = NULL;
  Message *message;

  add (entry, "you@example.net", refusal ());
  entry->content.header.offset += 1000;
  message = dsn_build (entry, &params, spool_new (room, 0), &error);
  g_assert_null (message);
  g_assert_error (error, FAILURE, FAILURE_IO);
}

/* Foreign words and addresses cannot make fields, lines, or parts. */
static void
test_hostile (void)
{
  g_autoptr (Entry) entry = new_entry ();
  g_autofree char *text = NULL;
  g_autofree char *words = g_strnfill (4000, 'w');
  Status *status = refusal ();
  DsnParams with = params;

  g_free (status->text);
  status->text = g_strdup ("no\r\nX-Evil: 1\r\n\r\n--*\033[31m");
  add (entry, "you@example.net\r\nX-Evil: 2", status);
  status = refusal ();
  g_free (status->text);
  status->text = g_steal_pointer (&words);
  add (entry, "\"a  b\"@example.net", status);
  g_free (entry->envelope->reverse_path);
  entry->envelope->reverse_path = g_strdup ("me@x\r\nX-Evil: 3");
  g_free (entry->envelope->envid);
  entry->envelope->envid = g_strdup ("e\r\n\r\nX-Evil: 4");
  with.host = "host\r\nX-Evil: 5";
  text = build_with (entry, &with, NULL);
  assert_lacks (text, "\nX-Evil");
  assert_lacks (text, "\n--*?[31m");
  assert_has (text, "To: me@x  X-Evil: 3");
  assert_has (text, "Final-Recipient: rfc822; you@example.net  X-Evil: 2\r\n");
  assert_has (text, "Final-Recipient: rfc822; \"a  b\"@example.net\r\n");
  assert_has (text, "Original-Envelope-Id: e    X-Evil: 4\r\n");
  assert_has (text, "Remote-MTA: dns; host  X-Evil: 5\r\n");
}

/* Long words of a relay are folded, and stay one field. */
static void
test_folding (void)
{
  g_autoptr (Entry) entry = new_entry ();
  g_autofree char *text = NULL;

  add (entry, "you@example.net",
       reply (STAGE_RCPT, 550,
              "one two three four five six seven eight nine ten eleven twelve "
              "thirteen fourteen"));
  text = build (entry);
  assert_has (text, "Diagnostic-Code: smtp; 550 one two three four five six "
                    "seven eight nine ten\r\n eleven twelve thirteen "
                    "fourteen\r\nLast");
  assert_has (text, "        smtp.example.org said: 550 one two three four five "
                    "six seven eight\r\n        nine ten eleven twelve "
                    "thirteen fourteen\r\n");
}

/* RFC 6533, and nothing that a relay without 8BITMIME could not take. */
static void
test_utf8 (void)
{
  g_autoptr (Entry) entry = new_entry ();
  g_autofree char *text = NULL;

  add (entry, "j\303\274@example.net",
       reply (STAGE_RCPT, 550, "wir kennen j\303\274 nicht"));
  text = build (entry);
  assert_has (text, "Content-Type: text/plain; charset=utf-8\r\n"
                    "Content-Transfer-Encoding: quoted-printable\r\n\r\n");
  assert_has (text, "    j=C3=BC@example.net\r\n        smtp.example.org said: "
                    "550 wir kennen j=C3=BC nicht\r\n");
  assert_has (text, "Content-Type: message/global-delivery-status\r\n"
                    "Content-Transfer-Encoding: quoted-printable\r\n\r\n");
  assert_has (text, "\r\nFinal-Recipient: utf-8; j=C3=BC@example.net\r\n");
  assert_has (text, "\r\nDiagnostic-Code: smtp; 550 wir kennen j=C3=BC nicht\r\n");
  assert_has (text, "Content-Type: text/rfc822-headers\r\n");
}

static void
test_utf8_sender (void)
{
  g_autoptr (Entry) entry = new_entry ();
  g_autofree char *text = NULL;
  DsnParams with = params;

  g_free (entry->envelope->reverse_path);
  entry->envelope->reverse_path = g_strdup ("j\303\274@gr\303\274n.example");
  with.from = entry->envelope->reverse_path;
  add (entry, "you@example.net", refusal ());
  text = build_with (entry, &with, NULL);
  assert_has (text, "\r\nTo: j\303\274@gr\303\274n.example\r\n");
  assert_has (text, "\r\nFrom: Postrider <j\303\274@gr\303\274n.example>\r\n");
  assert_has (text, "@xn--grn-ioa.example>\r\n");
}


typedef struct
{
  const char *header, *body;
  size_t length;     /* of the body: this is repeated */
  Scope scope;       /* of the refusal */
  const char *type;  /* of what goes back */
  bool eight_bit;
} Full;

static void
check_full (const Full *full)
{
  g_autoptr (Entry) entry = new_entry ();
  g_autoptr (GString) body = g_string_new (full->body);
  g_autofree char *text = NULL;
  g_autofree char *type = g_strdup_printf ("\r\nContent-Type: %s\r\n",
                                           full->type);
  Status *status = refusal ();
  bool eight_bit;

  while (body->len < full->length)
    g_string_append (body, full->body);
  set_content (entry, full->header, strlen (full->header), body->str,
               body->len);
  g_free (entry->envelope->ret);
  entry->envelope->ret = g_strdup ("FULL");
  status->scope = full->scope;
  add (entry, "you@example.net", status);
  text = build_with (entry, &params, &eight_bit);
  assert_has (text, type);
  g_assert_cmpint (eight_bit, ==, full->eight_bit);
  if (strcmp (full->type, "message/rfc822") == 0)
    {
      g_autofree char *whole
          = g_strconcat ("\r\n\r\n", full->header, body->str, "\r\n--", NULL);

      assert_has (text, whole);
    }
  else
    assert_lacks (text, full->body);
}

static void
test_full (void)
{
  g_autofree char *fits = g_strnfill (1000, '1');
  g_autofree char *too_long = g_strnfill (1001, '1');
  const Full cases[] = {
    { plain_header, plain_body, 0, SCOPE_RECIPIENT, "message/rfc822", false },
    { plain_header, plain_body, 300 * 1024, SCOPE_ACCOUNT, "message/rfc822",
      false },
    { plain_header, plain_body, 1024 * 1024, SCOPE_RECIPIENT,
      "text/rfc822-headers", false },
    /* What the relay does not want it does not get again. */
    { plain_header, plain_body, 0, SCOPE_MESSAGE, "text/rfc822-headers",
      false },
    { plain_header, "gr\303\274n\r\n", 0, SCOPE_RECIPIENT, "message/rfc822",
      true },
    { "Subject: gr\303\274n\r\n\r\n", "gr\303\274n\r\n", 0, SCOPE_RECIPIENT,
      "message/global", false },
    { "Subject: gr\374n\r\n\r\n", "gr\374n\r\n", 0, SCOPE_RECIPIENT,
      "message/rfc822", true },
    { plain_header, fits, 0, SCOPE_RECIPIENT, "message/rfc822", false },
    { plain_header, too_long, 0, SCOPE_RECIPIENT, "text/rfc822-headers",
      false },
  };

  memcpy (fits + 998, "\r\n", 2);
  memcpy (too_long + 999, "\r\n", 2);
  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    check_full (&cases[i]);
}

static void
test_full_with_nul (void)
{
  g_autoptr (Entry) entry = new_entry ();
  g_autofree char *text = NULL;

  set_content (entry, plain_header, strlen (plain_header), "a\0b\r\n", 5);
  g_free (entry->envelope->ret);
  entry->envelope->ret = g_strdup ("FULL");
  add (entry, "you@example.net", refusal ());
  text = build (entry);
  assert_has (text, "text/rfc822-headers");
}

/* No two are alike. */
static void
test_chance (void)
{
  g_autoptr (Entry) entry = new_entry ();
  g_autoptr (Message) a = NULL;
  g_autoptr (Message) b = NULL;

  add (entry, "you@example.net", refusal ());
  a = dsn_build (entry, &params, spool_new (room, 0), NULL);
  b = dsn_build (entry, &params, spool_new (room, 0), NULL);
  g_assert_cmpstr (header_find (a->header, "Message-ID")->body, !=,
                   header_find (b->header, "Message-ID")->body);
  g_assert_cmpstr (header_find (a->header, "Content-Type")->body, !=,
                   header_find (b->header, "Content-Type")->body);
  g_assert_null (strstr (header_find (a->header, "Content-Type")->body,
                         header_find (a->header, "Message-ID")->body + 2));
}

/* A catalog below TOP. False where there is nothing to make one with. */
static bool
make_catalog (const char *top)
{
  static const char po[]
      = "msgid \"\"\nmsgstr \"Content-Type: text/plain; charset=UTF-8\\n\"\n"
        "msgid \"Your message could not be delivered\"\n"
        "msgstr \"Ihre Nachricht l\303\244\303\237t sich nicht zustellen\"\n"
        "msgid \"Your message could not be delivered to this recipient:\"\n"
        "msgid_plural \"Your message could not be delivered to these \"\n"
        "\"recipients:\"\n"
        "msgstr[0] \"Unzustellbar f\303\274r:\"\n"
        "msgstr[1] \"Unzustellbar f\303\274r:\"\n"
        "msgid \"%s said: %s\"\n"
        "msgstr \"%s erkl\303\244rte: %s\"\n";
  g_autofree char *directory
      = g_build_filename (top, "xx", "LC_MESSAGES", NULL);
  g_autofree char *in = g_build_filename (directory, "po", NULL);
  g_autofree char *out
      = g_build_filename (directory, GETTEXT_PACKAGE ".mo", NULL);
  const char *command[] = { "msgfmt", "-o", out, in, NULL };

  g_assert_cmpint (g_mkdir_with_parents (directory, 0700), ==, 0);
  g_assert_true (g_file_set_contents (in, po, -1, NULL));
  return g_spawn_sync (NULL, (char **) command, NULL, G_SPAWN_SEARCH_PATH,
                       NULL, NULL, NULL, NULL, NULL, NULL)
         && g_file_test (out, G_FILE_TEST_EXISTS);
}

static void
remove_catalog (const char *top)
{
  const char *const paths[] = { "xx/LC_MESSAGES/" GETTEXT_PACKAGE ".mo",
                                "xx/LC_MESSAGES/po", "xx/LC_MESSAGES", "xx" };

  for (size_t i = 0; i < G_N_ELEMENTS (paths); i++)
    {
      g_autofree char *path = g_build_filename (top, paths[i], NULL);

      g_remove (path);
    }
}

/* In another language, and what programs read stays as it is. */
static void
check_translated (void)
{
  g_autoptr (Entry) entry = new_entry ();
  g_autofree char *text = NULL;

  add (entry, "you@example.net", refusal ());
  text = build (entry);
  if (strstr (text, "Subject: Your message") != NULL)
    {
      g_test_skip ("there is no locale that lets messages be translated");
      return;
    }
  assert_has (text, "\r\nSubject: =?UTF-8?B?"
                    "SWhyZSBOYWNocmljaHQgbMOkw590IHNpY2ggbmljaHQgenVzdGVs"
                    "?=\r\n =?UTF-8?B?bGVu?=\r\n");
  assert_has (text, "Content-Type: text/plain; charset=utf-8\r\n"
                    "Content-Transfer-Encoding: quoted-printable\r\n");
  assert_has (text, "\r\nUnzustellbar f=C3=BCr:\r\n");
  assert_has (text, "smtp.example.org erkl=C3=A4rte: 550 5.1.1 nobody");
  assert_has (text, "Content-Type: message/delivery-status\r\n"
                    "Content-Transfer-Encoding: 7bit\r\n");
  assert_has (text, "Date: Sat, 21 Nov 2026 03:16:47 +0000\r\n");
}

static void
test_translated (void)
{
  g_autofree char *top = g_dir_make_tmp ("dsn-XXXXXX", NULL);

  if (make_catalog (top) && setlocale (LC_ALL, "") != NULL)
    {
      g_setenv ("LANGUAGE", "xx", TRUE);
      bindtextdomain (GETTEXT_PACKAGE, top);
      bind_textdomain_codeset (GETTEXT_PACKAGE, "UTF-8");
      textdomain (GETTEXT_PACKAGE);
      check_translated ();
      g_setenv ("LANGUAGE", "en", TRUE);
      setlocale (LC_ALL, "C");
    }
  else
    g_test_skip ("there is no msgfmt");
  remove_catalog (top);
  g_rmdir (top);
}

int
main (int argc, char **argv)
{
  g_autofree char *top = NULL;
  int status;

  g_test_init (&argc, &argv, NULL);
  top = g_dir_make_tmp ("dsn-XXXXXX", NULL);
  room = open (top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  g_assert_cmpint (room, >=, 0);
  g_setenv ("TZ", "UTC", TRUE);
  g_test_add_func ("/submit/dsn/failed", test_failed);
  g_test_add_func ("/submit/dsn/delayed", test_delayed);
  g_test_add_func ("/submit/dsn/statuses", test_statuses);
  g_test_add_func ("/submit/dsn/wanted", test_wanted);
  g_test_add_func ("/submit/dsn/wishes", test_wishes);
  g_test_add_func ("/submit/dsn/recipients", test_recipients);
  g_test_add_func ("/submit/dsn/many", test_many);
  g_test_add_func ("/submit/dsn/kept", test_kept);
  g_test_add_func ("/submit/dsn/envid", test_envid);
  g_test_add_func ("/submit/dsn/originals", test_originals);
  g_test_add_func ("/submit/dsn/large-header", test_large_header);
  g_test_add_func ("/submit/dsn/unreadable", test_unreadable);
  g_test_add_func ("/submit/dsn/hostile", test_hostile);
  g_test_add_func ("/submit/dsn/folding", test_folding);
  g_test_add_func ("/submit/dsn/utf8", test_utf8);
  g_test_add_func ("/submit/dsn/utf8-sender", test_utf8_sender);
  g_test_add_func ("/submit/dsn/full", test_full);
  g_test_add_func ("/submit/dsn/full-with-nul", test_full_with_nul);
  g_test_add_func ("/submit/dsn/chance", test_chance);
  g_test_add_func ("/submit/dsn/translated", test_translated);
  status = g_test_run ();
  close (room);
  g_rmdir (top);
  return status;
}
