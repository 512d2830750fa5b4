#include "cli/smtpd.h"

#include <inttypes.h>
#include <string.h>
#include <sysexits.h>
#include <syslog.h>

#include <glib/gi18n.h>

#include "base/failure.h"
#include "base/log.h"
#include "base/text.h"
#include "cli/duplex.h"
#include "smtp/request.h"
#include "smtp/unstuff.h"
#include "submit/signals.h"

#define REASON_MAXIMUM 400 /* octets of why, so that a reply fits in a line */

typedef struct
{
  const SmtpdService *service;
  const Trace *trace;
  Duplex *duplex;
  bool bare; /* the last command line ended in LF alone */
  unsigned mistakes;
  bool over;
  int exit_status;

  /* Of the message; without an envelope there was no MAIL, and the service is
     closed. */
  Envelope *envelope;
  MailParameters parameters;
  uint64_t maximum;
} Dialogue;

/* Takes ARGUMENT; returns the reply, or NULL where there was one already. */
typedef const char *Take (Dialogue *dialogue, const char *argument);

static void
say (Dialogue *dialogue, const char *reply)
{
  trace_line (dialogue->trace, TRACE_SENT, reply, strlen (reply));
  duplex_say (dialogue->duplex, reply);
}

static void
forget_message (Dialogue *dialogue)
{
  if (dialogue->envelope == NULL)
    return;
  g_clear_pointer (&dialogue->envelope, envelope_free);
  dialogue->service->close (dialogue->service->data);
}

/* Why not, after CODE ("451 4.3.0"), in one line; ID (or NULL) is a copy that is
   held all the same. */
static void
say_why (Dialogue *dialogue, const char *code, const char *why, const char *id)
{
  g_autofree char *reason = text_printable (why, strlen (why), REASON_MAXIMUM);
  g_autofree char *text
      = id == NULL ? g_strdup (reason)
                   : g_strdup_printf (_ ("%s; a copy is held as %s"), reason,
                                      id);
  g_autofree char *ascii = NULL;
  g_autofree char *reply = NULL;

  /* Only who said SMTPUTF8 understands more (RFC 6531 section 3.7.4.2). */
  if (!dialogue->parameters.utf8)
    ascii = g_str_to_ascii (text, NULL);
  reply = g_strdup_printf ("%s %s", code, ascii != NULL ? ascii : text);
  say (dialogue, reply);
}

/* What a status of sysexits(3) is in SMTP. */
static const char *
code_of (int exit_status)
{
  static const struct
  {
    int exit_status;
    const char *code;
  } codes[] = {
    { EX_USAGE, "554 5.5.0" },  { EX_DATAERR, "554 5.6.0" },
    { EX_NOUSER, "550 5.1.1" }, { EX_UNAVAILABLE, "554 5.0.0" },
    { EX_NOPERM, "554 5.7.0" }, { EX_CONFIG, "554 5.3.5" },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (codes); i++)
    if (codes[i].exit_status == exit_status)
      return codes[i].code;
  return "451 4.3.0";
}

static void
say_error (Dialogue *dialogue, const GError *error)
{
  log_line (LOG_ERR, "text=\"%s\"", error->message);
  say_why (dialogue, code_of (failure_exit_status (error)), error->message,
           NULL);
}

/* Commands. */

static const char *
take_helo (Dialogue *dialogue, const char *argument)
{
  forget_message (dialogue);
  return "250 localhost";
}

/* No name of this machine is told, not even here. */
static const char *
take_ehlo (Dialogue *dialogue, const char *argument)
{
  static const char *const lines[]
      = { "250-localhost", "250-PIPELINING", "250-8BITMIME", "250-SMTPUTF8",
          "250-DSN", "250-ENHANCEDSTATUSCODES" };
  const SmtpdService *service = dialogue->service;
  g_autofree char *size = NULL;
  uint64_t maximum = 0;

  forget_message (dialogue);
  if (service->open (service->data, &maximum, NULL))
    service->close (service->data);
  for (size_t i = 0; i < G_N_ELEMENTS (lines); i++)
    say (dialogue, lines[i]);
  if (maximum > 0)
    size = g_strdup_printf ("250 SIZE %" PRIu64, maximum);
  say (dialogue, size != NULL ? size : "250 SIZE");
  return NULL;
}

static const char *
take_mail (Dialogue *dialogue, const char *argument)
{
  const SmtpdService *service = dialogue->service;
  g_autoptr (Envelope) envelope = envelope_new ();
  g_autoptr (GError) error = NULL;
  const char *refusal;

  if (dialogue->envelope != NULL)
    return "503 5.5.1 there was a MAIL already";
  refusal = request_mail (argument, envelope, &dialogue->parameters);
  if (refusal != NULL)
    return refusal;
  if (!service->open (service->data, &dialogue->maximum, &error))
    {
      say_error (dialogue, error);
      return NULL;
    }
  dialogue->envelope = g_steal_pointer (&envelope);
  if (dialogue->maximum == 0
      || dialogue->parameters.size <= dialogue->maximum)
    return "250 2.1.0 sender ok";
  forget_message (dialogue);
  return "552 5.3.4 the message is too large";
}

static const char *
take_rcpt (Dialogue *dialogue, const char *argument)
{
  const SmtpdService *service = dialogue->service;
  g_autoptr (Envelope) one = envelope_new ();
  g_autoptr (GError) error = NULL;
  const char *refusal;

  if (dialogue->envelope == NULL)
    return "503 5.5.1 say MAIL first";
  if (dialogue->envelope->forward_paths->len >= SMTPD_RECIPIENTS)
    return "452 4.5.3 too many recipients";
  refusal = request_rcpt (argument, dialogue->parameters.utf8, one);
  if (refusal != NULL)
    return refusal;
  if (!service->accept (service->data, one, &error))
    {
      say_error (dialogue, error);
      return NULL;
    }
  envelope_add_wish (dialogue->envelope, one->forward_paths->pdata[0],
                     envelope_wish (one, 0));
  return "250 2.1.5 recipient ok";
}

static const char *
take_rset (Dialogue *dialogue, const char *argument)
{
  forget_message (dialogue);
  return "250 2.0.0 ok";
}

static const char *
take_noop (Dialogue *dialogue, const char *argument)
{
  return "250 2.0.0 ok";
}

/* Only the relay knows (RFC 5321 section 3.5.3). */
static const char *
take_vrfy (Dialogue *dialogue, const char *argument)
{
  return "252 2.0.0 send it some mail, and see";
}

static const char *
take_help (Dialogue *dialogue, const char *argument)
{
  return "214 2.0.0 HELO EHLO MAIL RCPT DATA RSET NOOP VRFY HELP QUIT";
}

static const char *
take_quit (Dialogue *dialogue, const char *argument)
{
  dialogue->over = true;
  return "221 2.0.0 bye";
}

static const char *
take_nothing (Dialogue *dialogue, const char *argument)
{
  return "502 5.5.1 there is no such thing here";
}

/* The message. */

/* Reads the content to its end, whatever becomes of it: what follows are
   commands again. False: the client did not end it. */
static bool
read_content (Dialogue *dialogue, MessageReader *reader, uint64_t *size,
              GError **error)
{
  g_autoptr (GString) content = g_string_new (NULL);
  Unstuff unstuff;
  const char *octets;
  size_t length;
  bool good = true;
  bool ended = false;

  unstuff_start (&unstuff, dialogue->bare);
  while (!ended
         && (octets = duplex_octets (dialogue->duplex, &length)) != NULL)
    {
      g_string_truncate (content, 0);
      length = unstuff_feed (&unstuff, octets, length, content, &ended);
      duplex_take (dialogue->duplex, length);
      *size += content->len;
      good = good
             && message_reader_feed (reader, content->str, content->len,
                                     error);
    }
  return ended;
}

static void
say_verdict (Dialogue *dialogue, const Verdict *verdict)
{
  g_autofree char *reply = NULL;

  if (verdict->exit_status != EX_OK)
    {
      say_why (dialogue, code_of (verdict->exit_status), verdict->text,
               verdict->id);
      return;
    }
  reply = g_strdup_printf ("250 2.0.0 Ok: queued as %s", verdict->id);
  say (dialogue, reply);
  dialogue->mistakes = 0;
}

/* The client may wait for the relay now, and reads what was said before. */
static void
submit (Dialogue *dialogue, Message *message)
{
  const SmtpdService *service = dialogue->service;
  Verdict verdict;

  duplex_push (dialogue->duplex);
  verdict = service->submit (service->data, dialogue->envelope, message);
  say_verdict (dialogue, &verdict);
  verdict_clear (&verdict);
  duplex_push (dialogue->duplex);
  /* The verdict is told: who wants to end us now, may. */
  signals_release ();
}

static void
take_content (Dialogue *dialogue)
{
  const SmtpdService *service = dialogue->service;
  g_autoptr (MessageReader) reader = message_reader_new (
      service->spool (service->data), dialogue->maximum);
  g_autoptr (Message) message = NULL;
  g_autoptr (GError) error = NULL;
  uint64_t size = 0;

  if (!read_content (dialogue, reader, &size, &error))
    {
      log_line (LOG_NOTICE, "from=<%s> text=\"the client ended before its "
                "message did; nothing of it is kept\"",
                dialogue->envelope->reverse_path);
      return;
    }
  if (error == NULL)
    message = message_reader_finish (g_steal_pointer (&reader), &error);
  if (message != NULL)
    submit (dialogue, message);
  else if (dialogue->maximum > 0 && size > dialogue->maximum)
    say_why (dialogue, "552 5.3.4", error->message, NULL);
  else
    say_error (dialogue, error);
}

static const char *
take_data (Dialogue *dialogue, const char *argument)
{
  if (dialogue->envelope == NULL)
    return "503 5.5.1 say MAIL first";
  if (dialogue->envelope->forward_paths->len == 0)
    return "503 5.5.1 say RCPT first";
  say (dialogue, "354 end it with a line that is a lone dot");
  take_content (dialogue);
  forget_message (dialogue);
  return NULL;
}

/* What is not offered is shown without what follows it: it could be a secret. */
static const struct
{
  const char *name;
  Take *take;
  bool has_argument; /* or may have one */
} verbs[] = {
  { "HELO", take_helo, true },        { "EHLO", take_ehlo, true },
  { "MAIL", take_mail, true },        { "RCPT", take_rcpt, true },
  { "DATA", take_data, false },       { "RSET", take_rset, false },
  { "NOOP", take_noop, true },        { "VRFY", take_vrfy, true },
  { "HELP", take_help, true },        { "QUIT", take_quit, false },
  { "AUTH", take_nothing, true },     { "STARTTLS", take_nothing, true },
  { "BDAT", take_nothing, true },     { "BURL", take_nothing, true },
  { "EXPN", take_nothing, true },     { "ETRN", take_nothing, true },
  { "TURN", take_nothing, true },     { "SEND", take_nothing, true },
  { "SOML", take_nothing, true },     { "SAML", take_nothing, true },
  { "XCLIENT", take_nothing, true },  { "XFORWARD", take_nothing, true },
};

static void
show_command (const Dialogue *dialogue, const char *verb, const char *argument)
{
  g_autofree char *shown
      = argument[0] == '\0' ? g_strdup (verb)
                            : g_strconcat (verb, " ", argument, NULL);

  trace_line (dialogue->trace, TRACE_RECEIVED, shown, strlen (shown));
}

static const char *
take_command (Dialogue *dialogue, char *line)
{
  const char *verb, *argument;

  request_split (line, &verb, &argument);
  for (size_t i = 0; i < G_N_ELEMENTS (verbs); i++)
    {
      if (g_ascii_strcasecmp (verb, verbs[i].name) != 0)
        continue;
      show_command (dialogue, verb,
                    verbs[i].take == take_nothing ? "" : argument);
      if (argument[0] != '\0' && !verbs[i].has_argument)
        return "501 5.5.4 nothing can follow that";
      return verbs[i].take (dialogue, argument);
    }
  trace_note (dialogue->trace, "an unknown command");
  return "500 5.5.1 there is no such command";
}

static bool
is_mistake (const char *reply)
{
  return g_str_has_prefix (reply, "50");
}

static const char *
take_line (Dialogue *dialogue, GString *line)
{
  switch (duplex_line (dialogue->duplex, line, REQUEST_MAXIMUM,
                       &dialogue->bare))
    {
    case DUPLEX_LINE:
      /* Blanks are understood; all other controls, and NUL, hide something. */
      for (size_t i = 0; i < line->len; i++)
        if (g_ascii_iscntrl (line->str[i]) && line->str[i] != '\t')
          return "500 5.5.2 a control character in a command";
      return take_command (dialogue, line->str);
    case DUPLEX_TOO_LONG:
      return "500 5.5.2 the line is too long";
    default:
      dialogue->over = true;
      return NULL;
    }
}

/* A client that does not speak SMTP at all has its octets refused one by one. */
static void
converse (Dialogue *dialogue)
{
  g_autoptr (GString) line = g_string_new (NULL);

  say (dialogue, "220 localhost ESMTP Postrider");
  while (!dialogue->over)
    {
      const char *reply = take_line (dialogue, line);

      if (reply == NULL)
        continue;
      say (dialogue, reply);
      if (!is_mistake (reply) || ++dialogue->mistakes < SMTPD_MISTAKES)
        continue;
      say (dialogue, "421 4.7.0 too many mistakes; bye");
      dialogue->exit_status = EX_DATAERR;
      dialogue->over = true;
    }
}

static void
report_end (Dialogue *dialogue)
{
  int errnum = duplex_errnum (dialogue->duplex);

  if (dialogue->exit_status == EX_DATAERR)
    log_line (LOG_ERR, "text=\"the client on standard input does not speak "
              "SMTP\"");
  if (errnum == 0)
    return;
  log_line (LOG_ERR, "text=\"cannot read standard input: %s\"",
            g_strerror (errnum));
  dialogue->exit_status = EX_IOERR;
}

int
smtpd_run (int in, int out, const SmtpdService *service, const Trace *trace)
{
  g_autoptr (Duplex) duplex = duplex_new (in, out);
  Dialogue dialogue = { .service = service,
                        .trace = trace,
                        .duplex = duplex,
                        .exit_status = EX_OK };

  converse (&dialogue);
  forget_message (&dialogue);
  report_end (&dialogue);
  duplex_flush (duplex);
  return dialogue.exit_status;
}
