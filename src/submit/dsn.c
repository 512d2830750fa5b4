#include "submit/dsn.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <glib/gi18n.h>

#include "base/failure.h"
#include "base/text.h"
#include "mail/compose.h"
#include "mail/encoding.h"
#include "queue/queue.h"

#define HEADER_RETURNED (64 * 1024) /* octets of the header that go back */
#define FULL_RETURNED (1024 * 1024) /* octets of a message that does */
#define VALUE_MAXIMUM 900 /* octets of a foreign text: it fits in a line */
#define SUBJECT_MAXIMUM 200
#define COLUMNS 76

static bool
is_wanted_for (const Entry *entry, DsnAction action, size_t i)
{
  const char *notify = envelope_notify (entry->envelope, i);

  return notify[0] == '\0'
         || strstr (notify, action == DSN_FAILED ? "FAILURE" : "DELAY") != NULL;
}

static bool
concerns (const Entry *entry, DsnAction action, size_t i)
{
  const Status *status = entry->statuses->pdata[i];

  if (!is_wanted_for (entry, action, i))
    return false;
  if (action == DSN_FAILED)
    return status != NULL && status->fate == FATE_FAILED
           && !g_array_index (entry->told, bool, i);
  return !entry->warned && (status == NULL || status->fate == FATE_DELAYED);
}

/* The indices (size_t) of the forward-paths to tell of. */
static GArray *
concerned (const Entry *entry, DsnAction action)
{
  GArray *indices = g_array_new (FALSE, FALSE, sizeof (size_t));

  for (size_t i = 0; i < entry->statuses->len; i++)
    if (concerns (entry, action, i))
      g_array_append_val (indices, i);
  return indices;
}

bool
dsn_is_wanted (const Entry *entry, DsnAction action)
{
  const Envelope *envelope = entry->envelope;
  g_autoptr (GArray) indices = NULL;

  if (entry->notification || envelope->reverse_path[0] == '\0')
    return false;
  indices = concerned (entry, action);
  return indices->len > 0;
}

/* What a notification is made of. */
typedef struct
{
  const Entry *entry;
  const DsnParams *params;
  GArray *indices;   /* of the forward-paths it is about */
  GString *original; /* what goes back of the message */
  bool full;         /* all of it */
  Header *header;    /* its header, as far as it goes back */
} Report;

static const char *
path_at (const Report *report, size_t i)
{
  return report->entry->envelope->forward_paths
      ->pdata[g_array_index (report->indices, size_t, i)];
}

/* NULL: there was no attempt. */
static const Status *
status_at (const Report *report, size_t i)
{
  return report->entry->statuses
      ->pdata[g_array_index (report->indices, size_t, i)];
}

static char *
printable (const char *text)
{
  return text_printable (text, strlen (text), VALUE_MAXIMUM);
}

/* Appends the words of TEXT, the line being COLUMN characters long already. A
   line that is full is ended with LINE_END. */
static void
append_filled (GString *out, const char *text, size_t column,
               const char *line_end)
{
  g_auto (GStrv) words = g_strsplit (text, " ", -1);
  bool first = true;

  for (char **word = words; *word != NULL; word++)
    {
      size_t width = (size_t) g_utf8_strlen (*word, -1);

      if (width == 0)
        continue;
      if (!first && column + 1 + width > COLUMNS)
        {
          g_string_append (out, line_end);
          column = strlen (line_end) - strlen ("\r\n");
        }
      else if (!first)
        {
          g_string_append_c (out, ' ');
          column++;
        }
      g_string_append (out, *word);
      column += width;
      first = false;
    }
}

/* The message that it is about. */

static bool
read_octets (const Entry *entry, Segment segment, size_t maximum, GString *out,
             GError **error)
{
  size_t left = (size_t) MIN (segment.size, maximum);
  size_t start = out->len;
  off_t offset = (off_t) segment.offset;

  g_string_set_size (out, start + left);
  while (left > 0)
    {
      ssize_t got = pread (entry->content.fd, out->str + out->len - left, left,
                           offset);

      if (got < 0 && errno == EINTR)
        continue;
      if (got <= 0)
        {
          failure_set_errno (error, FAILURE_IO, got < 0 ? errno : EIO,
                             _ ("cannot read the queue file %s"), entry->id);
          return false;
        }
      offset += got;
      left -= (size_t) got;
    }
  return true;
}

/* Cuts a header section that was not read to its end where a field ends. */
static void
cut_at_field (GString *header)
{
  size_t length = header->len;

  while (length > 0)
    {
      const char *feed = memrchr (header->str, '\n', length);

      length = feed == NULL ? 0 : (size_t) (feed - header->str);
      if (feed != NULL && length + 1 < header->len && feed[1] != ' '
          && feed[1] != '\t')
        {
          g_string_truncate (header, length + 1);
          return;
        }
    }
  g_string_truncate (header, 0);
}

static bool
lines_fit (const char *text, size_t length)
{
  const char *end = text + length;

  while (text < end)
    {
      const char *feed = memchr (text, '\n', (size_t) (end - text));
      const char *stop = feed != NULL ? feed : end;

      if (stop - text > LINE_MAXIMUM + 1)
        return false;
      text = stop + 1;
    }
  return true;
}

/* What was refused for what it holds would be refused again. */
static bool
message_is_to_blame (const Report *report)
{
  for (size_t i = 0; i < report->indices->len; i++)
    {
      const Status *status = status_at (report, i);

      if (status != NULL && status->scope == SCOPE_MESSAGE)
        return true;
    }
  return false;
}

static bool
full_is_wanted (const Report *report)
{
  const Entry *entry = report->entry;

  return report->params->action == DSN_FAILED
         && strcmp (entry->envelope->ret, "FULL") == 0
         && content_size (&entry->content) <= FULL_RETURNED
         && !message_is_to_blame (report);
}

/* All of the message, unless a message/rfc822 must not be like that. */
static bool
read_full (Report *report, GError **error)
{
  const Content *content = &report->entry->content;
  GString *original = report->original;

  if (!read_octets (report->entry, content->header, FULL_RETURNED, original,
                    error)
      || !read_octets (report->entry, content->body, FULL_RETURNED, original,
                       error))
    return false;
  report->full = memchr (original->str, '\0', original->len) == NULL
                 && lines_fit (original->str, original->len);
  return true;
}

static bool
read_header (Report *report, GError **error)
{
  const Content *content = &report->entry->content;
  GString *original = report->original;

  g_string_truncate (original, 0);
  if (!read_octets (report->entry, content->header, HEADER_RETURNED, original,
                    error))
    return false;
  if (content->header.size > HEADER_RETURNED)
    cut_at_field (original);
  else if (g_str_has_suffix (original->str, "\r\n")) /* the empty line */
    g_string_truncate (original, original->len - strlen ("\r\n"));
  return true;
}

static bool
read_original (Report *report, GError **error)
{
  if (full_is_wanted (report) && !read_full (report, error))
    return false;
  return report->full || read_header (report, error);
}

static void
parse_header (Report *report)
{
  const char *line = report->original->str;
  const char *end;

  while ((end = strstr (line, "\r\n")) != NULL && end > line)
    {
      size_t length = (size_t) (end - line);
      HeaderLine kind = header_line_kind (line, length);

      if (kind == HEADER_LINE_FIELD
          || (kind == HEADER_LINE_CONTINUATION
              && report->header->fields->len > 0))
        (void) header_add_line (report->header, line, length, NULL);
      line = end + strlen ("\r\n");
    }
}

/* A field as a person can read it; NULL: there is none. */
static char *
original_field (const Report *report, const char *name)
{
  const Field *field = header_find (report->header, name);
  g_autofree char *unfolded = NULL;
  g_autofree char *text = NULL;

  if (field == NULL)
    return NULL;
  unfolded = header_unfold (field->body);
  text = encoding_decode_words (unfolded);
  return text_printable (text, strlen (text), SUBJECT_MAXIMUM);
}

/* Its Message-ID, where it can stand in another header as it is. */
static char *
original_message_id (const Report *report)
{
  const Field *field = header_find (report->header, "Message-ID");
  g_autofree char *id = field != NULL ? header_unfold (field->body) : NULL;
  size_t length = id != NULL ? strlen (id) : 0;

  if (length < strlen ("<@>") || length > VALUE_MAXIMUM || id[0] != '<'
      || strcspn (id + 1, "<>") != length - 2 || id[length - 1] != '>')
    return NULL;
  for (size_t i = 0; i < length; i++)
    if (!g_ascii_isgraph (id[i]))
      return NULL;
  return g_steal_pointer (&id);
}

/* The text for people. */

static void
append_paragraph (GString *out, const char *text)
{
  append_filled (out, text, 0, "\r\n");
  g_string_append (out, "\r\n\r\n");
}

static void
append_line (GString *out, const char *line)
{
  g_string_append_printf (out, "    %s\r\n", line);
}

/* Why, in the relay's words or ours. */
static char *
reason_at (const Report *report, size_t i)
{
  const Status *status = status_at (report, i);
  g_autofree char *words = status != NULL ? status_words (status) : NULL;

  if (words == NULL || words[0] == '\0')
    return g_strdup ("");
  if (status->code == 0)
    return printable (words);
  else
    {
      g_autofree char *text
          = g_strdup_printf (_ ("%s said: %s"), report->params->host, words);

      return printable (text);
    }
}

/* What stands above the recipients. */
static const char *
to_whom (const Report *report)
{
  unsigned count = report->indices->len;

  return report->params->action == DSN_FAILED
             ? ngettext ("Your message could not be delivered to this "
                         "recipient:",
                         "Your message could not be delivered to these "
                         "recipients:",
                         count)
             : ngettext ("Your message could not yet be delivered to this "
                         "recipient:",
                         "Your message could not yet be delivered to these "
                         "recipients:",
                         count);
}

/* What many have in common is said once, behind them. */
static void
append_recipients (GString *out, const Report *report)
{
  g_autofree char *reason = reason_at (report, 0);

  for (size_t i = 0; i < report->indices->len; i++)
    {
      g_autofree char *path = printable (path_at (report, i));
      g_autofree char *next
          = i + 1 < report->indices->len ? reason_at (report, i + 1) : NULL;

      append_line (out, path);
      if (g_strcmp0 (reason, next) != 0 && reason[0] != '\0')
        {
          g_string_append (out, "        ");
          append_filled (out, reason, 8, "\r\n        ");
          g_string_append (out, "\r\n");
        }
      g_free (g_steal_pointer (&reason));
      reason = g_steal_pointer (&next);
    }
  g_string_append (out, "\r\n");
}

static void
append_which (GString *out, const Report *report)
{
  g_autofree char *subject = original_field (report, "Subject");
  g_autofree char *date = original_field (report, "Date");
  g_autofree char *subject_line
      = subject != NULL ? g_strdup_printf (_ ("Subject: %s"), subject) : NULL;
  g_autofree char *date_line
      = date != NULL ? g_strdup_printf (_ ("Date: %s"), date) : NULL;
  g_autofree char *id_line
      = g_strdup_printf (_ ("ID in the queue: %s"), report->entry->id);
  const char *lines[] = { subject_line, date_line, id_line };

  append_paragraph (out, _ ("This is the message:"));
  for (size_t i = 0; i < G_N_ELEMENTS (lines); i++)
    if (lines[i] != NULL)
      append_line (out, lines[i]);
  g_string_append (out, "\r\n");
}

static void
append_kept (GString *out, const Report *report)
{
  unsigned days = report->params->keep_days;
  g_autofree char *kept = NULL;

  if (queue_place (report->entry) == SETTLED_QUEUED)
    append_paragraph (out, _ ("It still waits to be sent to other recipients; "
                              "after that it is held."));
  if (days == 0)
    kept = g_strdup (
        _ ("A copy is held until you release or remove it. These commands "
           "show it, send it again where it did not arrive, and remove it:"));
  else
    kept = g_strdup_printf (
        ngettext ("A copy is held for %u day. These commands show it, send it "
                  "again where it did not arrive, and remove it:",
                  "A copy is held for %u days. These commands show it, send "
                  "it again where it did not arrive, and remove it:",
                  days),
        days);
  append_paragraph (out, kept);
}

static void
append_tried (GString *out, const Report *report)
{
  g_autofree char *date = compose_date (report->params->retry_until);
  g_autofree char *tried = g_strdup_printf (
      _ ("You need not do anything: it is tried again until %s. These commands "
         "show it, try it at once, and remove it:"),
      date);

  append_paragraph (out, tried);
}

/* Commands are not translated. */
static void
append_commands (GString *out, const Report *report)
{
  const char *commands[]
      = { "show", report->params->action == DSN_FAILED ? "release" : "retry",
          "remove" };

  for (size_t i = 0; i < G_N_ELEMENTS (commands); i++)
    g_string_append_printf (out, "    postrider queue %s %s\r\n", commands[i],
                            report->entry->id);
}

static GString *
make_text (const Report *report)
{
  GString *out = g_string_new (NULL);
  bool failed = report->params->action == DSN_FAILED;

  append_paragraph (out, _ ("This is Postrider, which takes mail from your "
                            "computer to your relay."));
  append_paragraph (out, to_whom (report));
  append_recipients (out, report);
  append_which (out, report);
  if (failed)
    append_kept (out, report);
  else
    append_tried (out, report);
  append_commands (out, report);
  return out;
}

/* The fields for programs, RFC 3464. */

/* VALUE is printable. Blanks of an address stay as they are. */
static void
append_field (GString *out, const char *name, const char *value)
{
  g_string_append_printf (out, "%s: %s\r\n", name, value);
}

static void
append_date (GString *out, const char *name, int64_t time)
{
  g_autofree char *date = compose_date (time);

  append_field (out, name, date);
}

static GString *
make_message_fields (const Report *report)
{
  GString *out = g_string_new (NULL);
  g_autofree char *envid = printable (report->entry->envelope->envid);

  /* Nobody is told the name of this machine. */
  append_field (out, "Reporting-MTA", "dns; localhost");
  if (envid[0] != '\0')
    append_field (out, "Original-Envelope-Id", envid);
  append_date (out, "Arrival-Date", report->entry->arrival);
  return out;
}

/* What our own finding at a stage is in RFC 3463; the class depends on what
   follows. */
static const EnhancedCode findings[] = {
  [STAGE_ACCOUNT] = { 0, 3, 5 },    [STAGE_CREDENTIAL] = { 0, 7, 0 },
  [STAGE_CONNECT] = { 0, 4, 1 },    [STAGE_TLS] = { 0, 7, 5 },
  [STAGE_GREETING] = { 0, 4, 2 },   [STAGE_EHLO] = { 0, 4, 2 },
  [STAGE_STARTTLS] = { 0, 4, 2 },   [STAGE_AUTH] = { 0, 7, 0 },
  [STAGE_MAIL] = { 0, 4, 2 },       [STAGE_RCPT] = { 0, 4, 2 },
  [STAGE_DATA] = { 0, 4, 2 },       [STAGE_CONTENT] = { 0, 4, 2 },
  [STAGE_END_OF_DATA] = { 0, 4, 2 }, [STAGE_QUIT] = { 0, 4, 2 },
};

static char *
field_status (const Status *status, DsnAction action)
{
  EnhancedCode code = { 0 };

  if (status != NULL && status->enhanced.class >= 4)
    code = status->enhanced;
  else if (status != NULL && status->code == 0)
    code = findings[status->stage];
  if (action == DSN_DELAYED)
    code.class = 4;
  else if (code.class == 0)
    code.class = 5;
  return enhanced_code_to_string (code);
}

static void
append_diagnostic (GString *out, const Report *report, const Status *status)
{
  g_autofree char *words = status_words (status);
  g_autofree char *value = printable (words);
  g_autofree char *host = printable (report->params->host);
  g_autofree char *mta = g_strdup_printf ("dns; %s", host);

  append_field (out, "Remote-MTA", mta);
  g_string_append (out, "Diagnostic-Code: smtp; ");
  append_filled (out, value, strlen ("Diagnostic-Code: smtp; "), "\r\n ");
  g_string_append (out, "\r\n");
}

/* As the sender gave it (RFC 3464 section 2.3.1); a utf-8 address may stay in
   the form that it came in (RFC 6533 section 3). */
static void
append_original_recipient (GString *out, const Report *report, size_t i)
{
  size_t index = g_array_index (report->indices, size_t, i);
  const Wish *wish = envelope_wish (report->entry->envelope, index);
  const char *address
      = wish == NULL ? NULL : strchr (wish->orcpt, ';');
  g_autofree char *type = NULL;
  g_autofree char *decoded = NULL;
  g_autofree char *shown = NULL;
  g_autofree char *value = NULL;

  if (address == NULL)
    return;
  type = text_printable (wish->orcpt, (size_t) (address - wish->orcpt),
                         VALUE_MAXIMUM);
  decoded = g_ascii_strcasecmp (type, "utf-8") == 0
                ? NULL
                : encoding_decode_xtext (address + 1);
  shown = printable (decoded != NULL ? decoded : address + 1);
  value = g_strdup_printf ("%s; %s", type, shown);
  append_field (out, "Original-Recipient", value);
}

static void
append_recipient_fields (GString *out, const Report *report, size_t i)
{
  const Status *status = status_at (report, i);
  DsnAction action = report->params->action;
  g_autofree char *path = printable (path_at (report, i));
  g_autofree char *recipient = g_strdup_printf (
      "%s; %s", g_str_is_ascii (path) ? "rfc822" : "utf-8", path);
  g_autofree char *code = field_status (status, action);

  append_original_recipient (out, report, i);
  append_field (out, "Final-Recipient", recipient);
  append_field (out, "Action", action == DSN_FAILED ? "failed" : "delayed");
  append_field (out, "Status", code);
  if (status != NULL && status->code != 0)
    append_diagnostic (out, report, status);
  if (report->entry->last_attempt != 0)
    append_date (out, "Last-Attempt-Date", report->entry->last_attempt);
  if (action == DSN_DELAYED)
    append_date (out, "Will-Retry-Until", report->params->retry_until);
}

static GString *
make_fields (const Report *report)
{
  GString *out = make_message_fields (report);

  for (size_t i = 0; i < report->indices->len; i++)
    {
      g_string_append (out, "\r\n");
      append_recipient_fields (out, report, i);
    }
  return out;
}

/* The parts together. */

static bool
is_8bit (const GString *text)
{
  for (size_t i = 0; i < text->len; i++)
    if ((unsigned char) text->str[i] > 127)
      return true;
  return false;
}

static bool
is_utf8 (const GString *text)
{
  return is_8bit (text) && g_utf8_validate_len (text->str, text->len, NULL);
}

/* Lines of printable ASCII. */
static bool
is_plain (const GString *text)
{
  for (const char *p = text->str; p < text->str + text->len; p++)
    if (p[0] == '\r' && p[1] == '\n')
      p++;
    else if (!g_ascii_isprint (*p) && *p != '\t')
      return false;
  return lines_fit (text->str, text->len);
}

typedef enum
{
  ENCODING_7BIT,
  ENCODING_8BIT,
  ENCODING_QUOTED_PRINTABLE,
} Encoding;

static void
append_part (GString *body, const char *boundary, const char *type,
             Encoding encoding, const GString *octets)
{
  static const char *const names[] = {
    [ENCODING_7BIT] = "7bit",
    [ENCODING_8BIT] = "8bit",
    [ENCODING_QUOTED_PRINTABLE] = "quoted-printable",
  };
  g_autoptr (GString) encoded = NULL;

  g_string_append_printf (body,
                          "--%s\r\nContent-Type: %s\r\n"
                          "Content-Transfer-Encoding: %s\r\n\r\n",
                          boundary, type, names[encoding]);
  if (encoding == ENCODING_QUOTED_PRINTABLE)
    encoded = encoding_quoted_printable (octets->str, octets->len);
  if (encoded != NULL)
    octets = encoded;
  g_string_append_len (body, octets->str, (gssize) octets->len);
  g_string_append (body, "\r\n");
}

/* A relay without 8BITMIME has to take it as well: what is not ASCII is
   encoded, which RFC 6533 and RFC 6532 allow for the types of theirs. */
static void
append_text (GString *body, const char *boundary, const char *type,
             const char *global, const GString *octets)
{
  if (is_plain (octets))
    append_part (body, boundary, type, ENCODING_7BIT, octets);
  else
    append_part (body, boundary, is_utf8 (octets) ? global : type,
                 ENCODING_QUOTED_PRINTABLE, octets);
}

/* A message/rfc822 must not be encoded. */
static void
append_original (GString *body, const char *boundary, const Report *report)
{
  const GString *original = report->original;

  if (!report->full)
    append_text (body, boundary, "text/rfc822-headers",
                 "message/global-headers", original);
  else if (report->entry->content.header_utf8 && is_utf8 (original))
    append_part (body, boundary, "message/global", ENCODING_QUOTED_PRINTABLE,
                 original);
  else
    append_part (body, boundary, "message/rfc822",
                 is_8bit (original) ? ENCODING_8BIT : ENCODING_7BIT, original);
}

/* To whom, and about what; the rest is added as to any message. */
static void
append_header (Header *header, const char *boundary, const Report *report)
{
  g_autoptr (Address) to
      = address_parse (report->entry->envelope->reverse_path, NULL);
  g_autofree char *to_field
      = to != NULL ? address_mailbox (to)
                   : printable (report->entry->envelope->reverse_path);
  const char *subject = report->params->action == DSN_FAILED
                            ? _ ("Your message could not be delivered")
                            : _ ("Your message could not yet be delivered");
  g_autofree char *subject_field = g_str_is_ascii (subject)
                                       ? g_strdup (subject)
                                       : encoding_words (
                                             subject, strlen ("Subject: "));
  g_autofree char *id = original_message_id (report);
  g_autofree char *type = g_strdup_printf (
      "multipart/report; report-type=delivery-status;\r\n boundary=\"%s\"",
      boundary);

  header_append (header, "To", to_field);
  header_append (header, "Subject", subject_field);
  if (id != NULL)
    {
      header_append (header, "In-Reply-To", id);
      header_append (header, "References", id);
    }
  header_append (header, "Auto-Submitted", "auto-replied");
  header_append (header, "MIME-Version", "1.0");
  header_append (header, "Content-Type", type);
}

static bool
add_header (Header *header, const char *boundary, const Report *report,
            GError **error)
{
  g_autoptr (Address) from = address_parse (report->params->from, error);
  ComposeParams params = { .from = from, .time = report->params->time };

  if (from == NULL)
    return false;
  params.domain = from->domain != NULL ? from->domain : "localhost";
  g_free (from->display_name);
  from->display_name = g_strdup ("Postrider");
  append_header (header, boundary, report);
  return compose (header, &params, error);
}

/* The boundary is made of so much chance that no text can have it. */
static Message *
assemble (const Report *report, Spool *spool, GError **error)
{
  g_autoptr (Message) message = g_new0 (Message, 1);
  g_autofree char *boundary = compose_unique ();
  g_autoptr (GString) text = make_text (report);
  g_autoptr (GString) fields = make_fields (report);
  g_autoptr (GString) body = g_string_new (NULL);

  message->body = spool;
  message->header = header_new ();
  append_text (body, boundary, "text/plain; charset=utf-8",
               "text/plain; charset=utf-8", text);
  append_text (body, boundary, "message/delivery-status",
               "message/global-delivery-status", fields);
  append_original (body, boundary, report);
  message->body_8bit = is_8bit (body);
  g_string_append_printf (body, "--%s--\r\n", boundary);
  if (!add_header (message->header, boundary, report, error)
      || !spool_append (spool, body->str, body->len, error))
    return NULL;
  return g_steal_pointer (&message);
}

Message *
dsn_build (const Entry *entry, const DsnParams *params, Spool *body,
           GError **error)
{
  g_autoptr (GArray) indices = concerned (entry, params->action);
  g_autoptr (GString) original = g_string_new (NULL);
  g_autoptr (Header) header = header_new ();
  Report report = { .entry = entry,
                    .params = params,
                    .indices = indices,
                    .original = original,
                    .header = header };

  if (!read_original (&report, error))
    {
      spool_free (body);
      return NULL;
    }
  parse_header (&report);
  return assemble (&report, body, error);
}
