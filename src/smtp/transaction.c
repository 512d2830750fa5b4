#include "smtp/transaction.h"

#include <fcntl.h>
#include <string.h>

#include <glib/gi18n.h>

#include "base/failure.h"
#include "base/progress.h"
#include "smtp/command.h"

#define WINDOW 4096     /* octets of commands that may be unanswered */
#define BLOCK 131072    /* octets of content read at once */
#define STRETCH 1048576 /* octets of content that are forgotten at once */
#define LAST_WORDS 1000 /* ms for the rest of a reply that has begun */

typedef struct
{
  size_t index;         /* in the envelope */
  char *path;           /* as the relay is told */
  Status *status;       /* NULL until it is known */
  bool accepted;        /* in this round */
} Recipient;

/* A transaction of ours may take several of the relay's, called rounds: one
   more without optional parameters, and more where it takes only so many
   recipients at once. The commands of a round are numbered: MAIL, each RCPT,
   DATA.
   Functions that return a bool return false where the session is over; then
   it is broken and everybody has a status. */
typedef struct TransactionRun
{
  Session *session;
  const Transaction *transaction;
  char *reverse_path;
  GArray *recipients; /* of Recipient */
  bool utf8;
  bool plain; /* optional parameters were refused */

  GArray *round;   /* of Recipient *: those without a status */
  GArray *lengths; /* of size_t: octets of the commands that were sent */
  guint answered;  /* how many of these */
  size_t ahead;    /* octets of those that were not */
  guint accepted;  /* recipients */
  bool mail_refused;
  bool data_ready; /* 354 came */
  GError *write_error;
  GError *nonsense; /* what broke the session was against the protocol */

  struct TransactionRun *next; /* its envelope follows our final dot */
} Run;

static Recipient *
recipient_at (const Run *run, guint i)
{
  return &g_array_index (run->recipients, Recipient, i);
}

static Recipient *
round_at (const Run *run, guint i)
{
  return g_array_index (run->round, Recipient *, i);
}

/* Takes STATUS: what becomes of those who have none yet, or only of those
   among them whom the relay accepted. */
static void
judge (Run *run, bool accepted_only, Status *status)
{
  for (guint i = 0; i < run->recipients->len; i++)
    {
      Recipient *recipient = recipient_at (run, i);

      if (recipient->status == NULL && (!accepted_only || recipient->accepted))
        recipient->status = status_copy (status);
    }
  status_free (status);
}

static Status *
reply_status (Stage stage, const Reply *reply)
{
  g_autofree char *text = reply_text (reply);

  return status_new_reply (stage, reply->code, reply_enhanced (reply), text);
}

/* The connection is good for nothing any more. Takes ERROR. */
static bool
break_off (Run *run, Stage stage, GError *error)
{
  /* What was done to the connection is not said by the relay. */
  if (run->nonsense == NULL
      && g_error_matches (error, FAILURE, FAILURE_PROTOCOL)
      && stream_may_answer (run->session->stream, NULL))
    run->nonsense = g_error_copy (error);
  session_explain (run->session, &error);
  if (stage == STAGE_END_OF_DATA)
    {
      /* Only those whom the relay had accepted may have got the message. */
      judge (run, true, status_new_failure (stage, error));
      stage = STAGE_RCPT;
    }
  judge (run, false, status_new_failure (stage, error));
  g_error_free (error);
  run->session->broken = true;
  return false;
}

static bool
break_off_code (Run *run, Stage stage, int code)
{
  return break_off (
      run, stage,
      g_error_new (FAILURE, FAILURE_PROTOCOL,
                   _ ("the relay sent %d where that has no place"), code));
}

/* The relay ends the session in good order, or gave its verdict too early to
   go on. */
static bool
break_off_reply (Run *run, Stage stage, const Reply *reply)
{
  judge (run, false, reply_status (stage, reply));
  run->session->broken = true;
  return false;
}

/* The relay speaks although it was not asked, or has hung up on us. If it says
   why, that is the reason: 421 (RFC 5321 section 3.8), and in mid-content any
   refusal. A 2yz is for something that we did not say. Takes ERROR. */
static bool
hear_last_words (Run *run, Stage stage, GError *error)
{
  g_autoptr (GError) otherwise = error;
  g_autoptr (Reply) reply = NULL;
  GError *garbled = NULL;

  if (stream_has_input (run->session->stream))
    reply = session_reply (run->session, LAST_WORDS, &garbled);
  if (g_error_matches (garbled, FAILURE, FAILURE_PROTOCOL))
    return break_off (run, stage, garbled);
  g_clear_error (&garbled);
  if (reply == NULL)
    return break_off (run, stage, g_steal_pointer (&otherwise));
  if (reply->code == 421 || (reply->code >= 400 && stage >= STAGE_CONTENT))
    return break_off_reply (run, stage, reply);
  return break_off_code (run, stage, reply->code);
}

static bool
flush (Run *run, unsigned milliseconds, GError **error)
{
  return stream_flush (run->session->stream, deadline_in (milliseconds),
                       error);
}

/* One command, or line, and its reply, where nothing is owed. NULL where the
   connection broke; then all is judged. */
static Reply *
ask (Run *run, const char *line, Stage stage)
{
  unsigned timeout = run->session->relay->timeouts.command;
  GError *error = NULL;
  Reply *reply = NULL;

  if (!session_is_quiet (run->session, &error))
    {
      hear_last_words (run, stage, error);
      return NULL;
    }
  session_command (run->session, "%s", line);
  if (flush (run, timeout, &error))
    reply = session_reply (run->session, timeout, &error);
  if (reply == NULL)
    break_off (run, stage, error);
  return reply;
}

/* After a transaction that failed. */
static bool
reset (Run *run)
{
  g_autoptr (Reply) reply = ask (run, "RSET", STAGE_MAIL);

  if (reply == NULL)
    return false;
  if (reply->code == 421)
    return break_off_reply (run, STAGE_MAIL, reply);
  return reply->code < 300 || break_off_code (run, STAGE_MAIL, reply->code);
}

static char *
mail_line (const Run *run, bool optional)
{
  const Transaction *transaction = run->transaction;

  return command_mail (run->reverse_path, transaction->envelope,
                       transaction->content, &run->session->extensions,
                       run->utf8, optional);
}

/* The command of number NUMBER; NULL where there is none, or it is not worth
   sending after what the relay said so far. */
static char *
make_command (const Run *run, guint number)
{
  guint last = run->round->len + 1;
  const Recipient *recipient;

  if (run->mail_refused || number > last
      || (number == last && run->answered == last && run->accepted == 0))
    return NULL;
  if (number == 0)
    return mail_line (run, !run->plain);
  if (number == last)
    return g_strdup ("DATA");
  recipient = round_at (run, number - 1);
  return command_rcpt (recipient->path, run->transaction->envelope,
                       recipient->index, &run->session->extensions);
}

static Stage
stage_of (const Run *run, guint number)
{
  if (number == 0)
    return STAGE_MAIL;
  return number <= run->round->len ? STAGE_RCPT : STAGE_DATA;
}

static void
gather (Run *run, const char *line)
{
  size_t length = strlen (line) + 2;

  session_command (run->session, "%s", line);
  run->session->mails += run->lengths->len == 0;
  g_array_append_val (run->lengths, length);
  run->ahead += length;
}

/* Writes as many commands as may be ahead of their replies, in one flight: a
   bounded number of octets, so that a relay which does not read before it has
   written cannot make both sides wait (RFC 2920 section 3.1). */
static bool
send_ahead (Run *run)
{
  bool pipelining = run->session->extensions.pipelining;
  g_autofree char *line = make_command (run, run->lengths->len);
  GError *error = NULL;

  if (line == NULL || run->write_error != NULL
      || run->ahead > (pipelining ? WINDOW / 2 : 0))
    return true;
  if (run->ahead == 0 && !session_is_quiet (run->session, &error))
    return hear_last_words (run, stage_of (run, run->answered), error);
  do
    {
      gather (run, line);
      g_free (line);
      line = make_command (run, run->lengths->len);
    }
  while (line != NULL && pipelining && run->ahead < WINDOW);
  /* Where this fails the relay may have said why. */
  flush (run, run->session->relay->timeouts.block, &run->write_error);
  return true;
}

static bool
take_mail_reply (Run *run, const Reply *reply)
{
  g_autofree char *said = mail_line (run, !run->plain);
  g_autofree char *plain = mail_line (run, false);

  if (reply->code < 400)
    return reply->code < 300;
  run->mail_refused = true;
  /* RFC 5321 section 4.1.1.11: perhaps it is the parameters alone. */
  if ((reply->code == 555 || reply->code == 501) && !g_str_equal (said, plain))
    run->plain = true;
  else
    judge (run, false, reply_status (STAGE_MAIL, reply));
  return true;
}

/* RFC 5321 section 4.5.3.1.10: 452, and 552 of older relays, after some were
   accepted: too many at once, unless it is about the mailbox itself (RFC 3463
   section 3.3). Those have their turn in the next round. */
static bool
is_too_many (const Run *run, const Reply *reply)
{
  return (reply->code == 452 || reply->code == 552) && run->accepted > 0
         && reply_enhanced (reply).subject != 2;
}

/* The round ends with the commands that were sent: a relay which has to say
   the same too often takes it for abuse and hangs up. */
static void
cut_round (Run *run)
{
  guint sent = run->lengths->len - 1;

  if (sent < run->round->len)
    g_array_set_size (run->round, sent);
}

static bool
take_rcpt_reply (Run *run, Recipient *recipient, const Reply *reply)
{
  if (reply->code < 300)
    {
      recipient->accepted = true;
      run->accepted++;
      return true;
    }
  if (reply->code < 400)
    return false;
  /* After a refused MAIL this is no verdict on the recipient. */
  if (run->mail_refused)
    return true;
  if (is_too_many (run, reply))
    cut_round (run);
  else
    recipient->status = reply_status (STAGE_RCPT, reply);
  return true;
}

static bool
take_data_reply (Run *run, const Reply *reply)
{
  run->data_ready = reply->code == 354;
  if (reply->code < 400)
    return run->data_ready;
  /* With nobody accepted this is no verdict but a consequence. */
  if (run->accepted > 0 && !run->mail_refused)
    judge (run, false, reply_status (STAGE_DATA, reply));
  return true;
}

static bool
take_reply_of (Run *run, guint number, const Reply *reply)
{
  if (number == 0)
    return take_mail_reply (run, reply);
  if (number <= run->round->len)
    return take_rcpt_reply (run, round_at (run, number - 1), reply);
  return take_data_reply (run, reply);
}

static unsigned
reply_timeout (const Run *run, Stage stage)
{
  const RelayTimeouts *timeouts = &run->session->relay->timeouts;

  if (run->write_error != NULL)
    return LAST_WORDS;
  return stage == STAGE_DATA ? timeouts->data : timeouts->command;
}

/* The reply to the first command that has none. */
static bool
take_reply (Run *run)
{
  guint number = run->answered;
  Stage stage = stage_of (run, number);
  g_autoptr (Reply) reply = NULL;
  GError *error = NULL;

  if (run->write_error != NULL && !stream_has_input (run->session->stream))
    return break_off (run, stage, g_steal_pointer (&run->write_error));
  reply = session_reply (run->session, reply_timeout (run, stage), &error);
  if (reply == NULL)
    return break_off (run, stage, error);
  if (reply->code == 421)
    return break_off_reply (run, stage, reply);
  if (!take_reply_of (run, number, reply))
    return break_off_code (run, stage, reply->code);
  run->ahead -= g_array_index (run->lengths, size_t, number);
  run->answered++;
  return true;
}

static bool
exchange_envelope (Run *run)
{
  for (;;)
    {
      if (!send_ahead (run))
        return false;
      if (run->answered == run->lengths->len)
        return true;
      if (!take_reply (run))
        return false;
    }
}

/* Everybody was refused, and yet the relay waits for content: a lone dot ends
   it (RFC 2920 section 3.1). It goes to nobody, so what the relay says to it
   does not matter. */
static bool
send_nothing (Run *run)
{
  g_autoptr (Reply) ignored = NULL;

  /* After a refused MAIL: somebody might get an empty message. */
  if (run->accepted > 0)
    return break_off_code (run, STAGE_DATA, 354);
  ignored = ask (run, ".", STAGE_DATA);
  if (ignored == NULL)
    return false;
  return ignored->code == 421 ? break_off_reply (run, STAGE_DATA, ignored)
                              : reset (run);
}

/* Another round is needed, whatever the verdict of this one. */
static bool
somebody_is_left (const Run *run)
{
  for (guint i = 0; i < run->recipients->len; i++)
    if (recipient_at (run, i)->status == NULL
        && !recipient_at (run, i)->accepted)
      return true;
  return false;
}

/* What was sent is needed again only if something goes wrong. Given back now, while
   the relay works, its memory need not be given back when the caller waits. */
static void
forget (int fd, uint64_t offset, uint64_t length)
{
  (void) posix_fadvise (fd, (off_t) offset, (off_t) length,
                        POSIX_FADV_DONTNEED);
}

/* SENT: octets of the message that went before it. False with ERROR; FAILURE_IO where
   the fault is not the relay's. */
static bool
send_segment (Run *run, const Segment *segment, uint64_t sent,
              bool *line_start, GError **error)
{
  int fd = run->transaction->content->fd;
  bool last = !somebody_is_left (run);
  unsigned timeout = run->session->relay->timeouts.block;
  g_autofree char *in = g_malloc (BLOCK);
  g_autofree char *out = g_malloc (2 * BLOCK);
  uint64_t done = 0;

  while (done < segment->size)
    {
      size_t length = (size_t) MIN (segment->size - done, BLOCK);
      size_t stuffed;

      if (!content_read (fd, in, length, segment->offset + done, error))
        return false;
      stuffed = content_stuff_dots (out, in, length, line_start);
      if (!stream_write_through (run->session->stream, out, stuffed,
                                 deadline_in (timeout), error))
        return false;
      done += length;
      if (last && done % STRETCH == 0)
        forget (fd, segment->offset + done - STRETCH, STRETCH);
      progress_step (sent + done);
    }
  return true;
}

/* All but the final dot. */
static bool
send_octets (Run *run, GError **error)
{
  const Content *content = run->transaction->content;
  bool line_start = true;

  progress_begin (PROGRESS_SENDING, content_size (content));
  if (!send_segment (run, &content->header, 0, &line_start, error)
      || !send_segment (run, &content->body, content->header.size,
                        &line_start, error))
    return false;
  if (!line_start)
    stream_write (run->session->stream, "\r\n", 2);
  return true;
}

/* The replies to NEXT that came with the verdict before them. Where they do not fit
   the commands, that verdict was none: one reply too many or too few has moved all
   of them. Nothing is waited for, as a verdict must be on record at once. False with
   ERROR, and the session is broken. */
static bool
agrees (Run *next, GError **error)
{
  Session *session = next->session;
  GError *unasked = NULL;

  while (next->answered < next->lengths->len
         && (reply_has_come (session->stream)
             || !stream_may_answer (session->stream, NULL))
         && take_reply (next))
    ;
  if (next->answered == next->lengths->len
      && reply_has_come (session->stream)
      && !session_is_quiet (session, &unasked))
    hear_last_words (next, STAGE_DATA, unasked);
  if (next->nonsense == NULL)
    return true;
  g_propagate_error (error, g_steal_pointer (&next->nonsense));
  return false;
}

/* The relay's verdict, or none: then it may have taken the message or not. */
static bool
take_verdict (Run *run)
{
  g_autoptr (Reply) reply = NULL;
  GError *error = NULL;

  reply = session_reply (run->session,
                         run->session->relay->timeouts.end_of_data, &error);
  if (reply == NULL)
    return break_off (run, STAGE_END_OF_DATA, error);
  if (reply->code == 421)
    return break_off_reply (run, STAGE_END_OF_DATA, reply);
  if (reply->code / 100 == 3)
    return break_off_code (run, STAGE_END_OF_DATA, reply->code);
  if (run->next != NULL && !agrees (run->next, &error))
    return break_off (run, STAGE_END_OF_DATA, error);
  judge (run, reply->code < 300, reply_status (STAGE_END_OF_DATA, reply));
  return reply->code < 300 || run->next != NULL || reset (run);
}

/* A fault of our own: without its end the relay throws away what it has. Takes
   ERROR. */
static bool
give_up_content (Run *run, GError *error)
{
  judge (run, false, status_new_failure (STAGE_CONTENT, error));
  g_error_free (error);
  run->session->broken = true;
  return false;
}

/* Who is left could be asked for in another session alone. */
static void
send_elsewhere (Run *run)
{
  g_autofree char *endpoint = relay_endpoint (run->session->relay);
  g_autoptr (GError) error = NULL;
  Status *status;

  g_set_error (&error, FAILURE, FAILURE_TEMPORARY,
               _ ("%s takes recipients of only so many domains in one "
                  "session; the others have to wait for the next one"),
               endpoint);
  status = status_new_failure (STAGE_RCPT, error);
  status->elsewhere = true;
  judge (run, false, status);
}

static bool
may_be_told (const Run *run, const Recipient *recipient)
{
  const char *at = strrchr (recipient->path, '@');

  return session_take_domain (run->session, at != NULL ? at + 1 : "");
}

/* Of those who have no status yet, as many as may be told at once; false where there
   are none. */
static bool
begin_round (Run *run)
{
  uint64_t maximum = run->session->extensions.rcpt_max;

  g_array_set_size (run->round, 0);
  g_array_set_size (run->lengths, 0);
  for (guint i = 0; i < run->recipients->len; i++)
    {
      Recipient *recipient = recipient_at (run, i);

      recipient->accepted = false;
      if (recipient->status == NULL
          && (maximum == 0 || run->round->len < maximum)
          && may_be_told (run, recipient))
        g_array_append_val (run->round, recipient);
    }
  if (run->round->len == 0)
    send_elsewhere (run);
  run->answered = 0;
  run->ahead = 0;
  run->accepted = 0;
  run->mail_refused = false;
  run->data_ready = false;
  return run->round->len > 0;
}

/* A finding of our own that no later attempt can change. */
static Status *
refuse (Failure kind, EnhancedCode enhanced, const char *text)
{
  g_autoptr (GError) error = g_error_new_literal (FAILURE, (int) kind, text);
  Status *status = status_new_failure (STAGE_MAIL, error);

  status->enhanced = enhanced;
  return status;
}

/* Whether the relay can be given such a message at all. */
static bool
check_content (Run *run)
{
  const Extensions *extensions = &run->session->extensions;
  const Content *content = run->transaction->content;
  g_autofree char *endpoint = relay_endpoint (run->session->relay);
  g_autofree char *text = NULL;

  if (extensions->size > 0 && content_size (content) > extensions->size)
    {
      text = g_strdup_printf (
          _ ("the message has %llu octets, and %s takes %llu at the most"),
          (unsigned long long) content_size (content), endpoint,
          (unsigned long long) extensions->size);
      judge (run, false,
             refuse (FAILURE_UNAVAILABLE, (EnhancedCode){ 5, 3, 4 }, text));
      return false;
    }
  return true;
}

/* PATH as the relay can be told it, or NULL and *STATUS. */
static char *
make_path (Run *run, const char *path, Status **status)
{
  const Extensions *extensions = &run->session->extensions;
  g_autoptr (GError) error = NULL;
  EnhancedCode enhanced;
  char *wire = command_path (path, extensions, &enhanced, &error);

  if (wire == NULL)
    *status = refuse ((Failure) error->code, enhanced, error->message);
  else if (extensions->smtputf8 && !g_str_is_ascii (wire))
    run->utf8 = true;
  return wire;
}

static void
add_recipients (Run *run)
{
  const GPtrArray *paths = run->transaction->envelope->forward_paths;

  for (guint i = 0; i < paths->len; i++)
    {
      Recipient recipient = { .index = i };

      recipient.path
          = make_path (run, g_ptr_array_index (paths, i), &recipient.status);
      if (recipient.status != NULL)
        {
          recipient.status->stage = STAGE_RCPT;
          recipient.status->scope = SCOPE_RECIPIENT;
        }
      g_array_append_val (run->recipients, recipient);
    }
}

static bool
prepare (Run *run)
{
  const Transaction *transaction = run->transaction;
  const Extensions *extensions = &run->session->extensions;
  const Content *content = transaction->content;
  Status *status = NULL;

  g_assert (extensions->eight_bit_mime || !content->eight_bit);
  g_assert (extensions->smtputf8 || !content->header_utf8);
  run->utf8 = content->header_utf8;
  add_recipients (run);
  run->reverse_path =
      make_path (run, transaction->envelope->reverse_path, &status);
  if (run->reverse_path == NULL)
    judge (run, false, status);
  return run->reverse_path != NULL && check_content (run);
}

static Run *
run_new (Session *session, const Transaction *transaction)
{
  Run *run = g_new0 (Run, 1);

  run->session = session;
  run->transaction = transaction;
  run->recipients = g_array_new (FALSE, FALSE, sizeof (Recipient));
  run->round = g_array_new (FALSE, FALSE, sizeof (Recipient *));
  run->lengths = g_array_new (FALSE, FALSE, sizeof (size_t));
  return run;
}

static void
run_free (Run *run)
{
  if (run == NULL)
    return;
  for (guint i = 0; i < run->recipients->len; i++)
    {
      status_free (recipient_at (run, i)->status);
      g_free (recipient_at (run, i)->path);
    }
  g_array_unref (run->recipients);
  g_array_unref (run->round);
  g_array_unref (run->lengths);
  g_free (run->reverse_path);
  g_clear_error (&run->write_error);
  g_clear_error (&run->nonsense);
  g_free (run);
}

/* Dovecot (2.3), which alone offers BURL, aborts where RCPT comes before its verdict
   on the content, when it has passed that on already: each such message would be in
   doubt. */
static bool
may_run_ahead (const Extensions *extensions)
{
  return extensions->pipelining && !extensions->burl;
}

/* The message that comes next, where there is one whose envelope can go with the
   final dot. */
static void
begin_next (Run *run)
{
  const Transaction *transaction = run->transaction;
  Transaction *next;
  Run *begun;

  if (transaction->next == NULL || !may_run_ahead (&run->session->extensions)
      || somebody_is_left (run))
    return;
  next = transaction->next (transaction->data);
  if (next == NULL)
    return;
  begun = run_new (run->session, next);
  if (prepare (begun) && begin_round (begun))
    run->next = next->begun = begun;
  else
    run_free (begun);
}

/* RFC 2920 section 3.1: the content may be the first of a group of commands. */
static void
send_along (Run *run)
{
  char *line;

  while (run->ahead < WINDOW
         && (line = make_command (run, run->lengths->len)) != NULL)
    {
      gather (run, line);
      g_free (line);
    }
  run->session->engaged = true;
}

static bool
send_content (Run *run)
{
  const Transaction *transaction = run->transaction;
  GError *error = NULL;

  if (!send_octets (run, &error))
    return g_error_matches (error, FAILURE, FAILURE_IO)
               ? give_up_content (run, error)
               : hear_last_words (run, STAGE_CONTENT, error);
  begin_next (run);
  if (transaction->before_end_of_data != NULL
      && !transaction->before_end_of_data (transaction->data, &error))
    return give_up_content (run, error);
  /* Whatever came by now is no reply to the end of the data; read as one it
     would be an acceptance that nobody gave. */
  if (!session_is_quiet (run->session, &error))
    return hear_last_words (run, STAGE_CONTENT, error);
  /* With no verdict to come the message would be in doubt for nothing. */
  if (!stream_may_answer (run->session->stream, &error))
    return break_off (run, STAGE_CONTENT, error);
  /* From here on the relay may have the message, whatever we hear of it. */
  stream_write (run->session->stream, ".\r\n", 3);
  if (run->next != NULL)
    send_along (run->next);
  if (!flush (run, run->session->relay->timeouts.end_of_data, &error))
    return hear_last_words (run, STAGE_END_OF_DATA, error);
  return take_verdict (run);
}

static bool
run_round (Run *run)
{
  if (!exchange_envelope (run))
    return false;
  if (!run->data_ready)
    return reset (run);
  return run->accepted > 0 && !run->mail_refused ? send_content (run)
                                                 : send_nothing (run);
}

/* The statuses, and the end of RUN. */
static GPtrArray *
finish (Run *run)
{
  GPtrArray *statuses =
      g_ptr_array_new_with_free_func ((GDestroyNotify) status_free);

  for (guint i = 0; i < run->recipients->len; i++)
    {
      Recipient *recipient = recipient_at (run, i);

      g_assert (recipient->status != NULL);
      g_ptr_array_add (statuses, g_steal_pointer (&recipient->status));
    }
  run_free (run);
  return statuses;
}

GPtrArray *
transaction_run (Session *session, Transaction *transaction)
{
  Run *run = g_steal_pointer (&transaction->begun);
  bool more;

  /* Nothing else can be said now. */
  g_assert (!session->engaged || run != NULL);
  session->engaged = false;
  more = run != NULL && run->lengths->len > 0;
  if (!more)
    {
      run_free (run);
      run = run_new (session, transaction);
      more = prepare (run) && begin_round (run);
    }
  /* Each round gives a status to somebody, or is the one that learns that
     parameters are refused; so this ends. */
  while (more)
    more = run_round (run) && begin_round (run);
  return finish (run);
}

void
transaction_abandon (Session *session, Transaction *transaction)
{
  /* The relay may wait for the content already: whatever was said now would be
     taken for it. */
  if (session->engaged)
    session->broken = true;
  g_clear_pointer (&transaction->begun, run_free);
}

/* RUN is of nobody, whose status is the verdict. */
static void
try_sender (Run *run)
{
  g_autofree char *line = mail_line (run, false);
  g_autoptr (Reply) reply = NULL;

  run->session->mails++;
  reply = ask (run, line, STAGE_MAIL);
  if (reply == NULL)
    return;
  if (reply->code == 421)
    (void) break_off_reply (run, STAGE_MAIL, reply);
  else if (reply->code / 100 == 3)
    (void) break_off_code (run, STAGE_MAIL, reply->code);
  else
    {
      if (reply->code >= 400)
        judge (run, false, reply_status (STAGE_MAIL, reply));
      (void) reset (run);
    }
}

Status *
transaction_try_sender (Session *session, const char *reverse_path)
{
  static const Content nothing = { .fd = -1 };
  g_autoptr (Envelope) envelope = envelope_new ();
  Transaction transaction = { .envelope = envelope, .content = &nothing };
  Run *run = run_new (session, &transaction);
  Recipient nobody = { .status = NULL };
  Status *status = NULL;

  run->reverse_path = make_path (run, reverse_path, &status);
  g_array_append_val (run->recipients, nobody);
  if (run->reverse_path != NULL)
    {
      try_sender (run);
      status = g_steal_pointer (&recipient_at (run, 0)->status);
    }
  run_free (run);
  return status;
}
