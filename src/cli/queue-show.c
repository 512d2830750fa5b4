#include "cli/queue-show.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <glib/gi18n.h>

#include "base/text.h"
#include "cli/output.h"
#include "cli/queue-list.h"
#include "cli/words.h"

#define BLOCK (64 * 1024)
#define RECIPIENT_INDENT 2
#define STATUS_INDENT 6

static const Word labels[] = {
  { "id", N_ ("Message:") },
  { "state", N_ ("State:") },
  { "file", N_ ("File:") },
  { "arrival", N_ ("Arrived:") },
  { "size", N_ ("Size:") },
  { "account", N_ ("Account:") },
  { "sender", N_ ("Sender:") },
  { "notify", N_ ("Notify:") },
  { "return", N_ ("Return:") },
  { "envid", N_ ("Envelope ID:") },
  { "attempts", N_ ("Attempts:") },
  { "last", N_ ("Last attempt:") },
  { "next", N_ ("Next:") },
  { "held", N_ ("Held since:") },
  { "reason", N_ ("Reason:") },
  { "note", N_ ("Note:") },
  { NULL, NULL },
};

static void
append_line (GString *out, const char *label, const char *text)
{
  size_t column = words_width (labels, NULL) + 2;

  if (text == NULL || text[0] == '\0')
    return;
  output_append_padded (out, words_find (labels, NULL, label), column, false);
  output_append_folded (out, text, column, column);
}

static void
append_time (GString *out, const char *label, int64_t time)
{
  g_autofree char *text = time == 0 ? NULL : output_time (time);

  append_line (out, label, text);
}

static void
append_envelope (GString *out, const Entry *entry)
{
  const Envelope *envelope = entry->envelope;
  g_autofree char *size = g_format_size_full (content_size (&entry->content),
                                              G_FORMAT_SIZE_LONG_FORMAT);

  append_time (out, "arrival", entry->arrival);
  append_line (out, "size", size);
  append_line (out, "account", entry->account);
  append_line (out, "sender",
               envelope->reverse_path[0] == '\0' ? "<>"
                                                 : envelope->reverse_path);
  append_line (out, "notify", envelope->notify);
  append_line (out, "return", envelope->ret);
  append_line (out, "envid", envelope->envid);
}

static void
append_history (GString *out, const Sight *sight)
{
  const Entry *entry = sight->entry;
  g_autofree char *attempts = g_strdup_printf ("%u", entry->attempts);
  g_autofree char *next = list_next_try (sight);
  g_autofree char *reason = sight_reason (sight);

  append_line (out, "attempts", attempts);
  append_time (out, "last", entry->last_attempt);
  append_line (out, "next", next);
  if (entry->held)
    append_time (out, "held", entry->held_since);
  append_line (out, "reason", reason);
  if (entry_is_ambiguous (entry) && sight->state != STATE_SENDING)
    append_line (out, "note",
                 _ ("the relay may have it already; then it arrives twice"));
}

static const Word fates[] = {
  { "relayed", NC_ ("recipient", "with the relay") },
  { "delayed", NC_ ("recipient", "put off") },
  { "held", NC_ ("recipient", "held") },
  { "failed", NC_ ("recipient", "refused") },
  { NULL, NC_ ("recipient", "not tried") },
};

/* "put off: 450 4.2.0 greylisted" */
static char *
fate_line (const Status *status)
{
  const char *fate = words_find (
      fates, "recipient", status == NULL ? NULL : fate_name (status->fate));
  g_autofree char *words = status == NULL ? NULL : status_words (status);

  if (words == NULL || words[0] == '\0')
    return g_strdup (fate);
  return g_strdup_printf ("%s: %s", fate, words);
}

/* Neighbours who fared alike share a line about that. */
static void
append_recipients (GString *out, const Entry *entry)
{
  g_string_append_printf (out, "%s\n", _ ("Recipients:"));
  for (size_t i = 0; i < entry->statuses->len; i++)
    {
      bool last = i + 1 == entry->statuses->len;
      g_autofree char *line = fate_line (entry->statuses->pdata[i]);
      g_autofree char *next =
          last ? NULL : fate_line (entry->statuses->pdata[i + 1]);

      output_append_wrapped (out, entry->envelope->forward_paths->pdata[i],
                             RECIPIENT_INDENT);
      if (g_strcmp0 (line, next) != 0)
        output_append_wrapped (out, line, STATUS_INDENT);
    }
}

static bool
print_known (const Sight *sight)
{
  g_autoptr (GString) out = g_string_new (NULL);
  const Entry *entry = sight->entry;

  append_line (out, "id", sight->id);
  append_line (out, "state", list_state (sight->state));
  append_line (out, "file", sight->path);
  append_envelope (out, entry);
  append_history (out, sight);
  append_recipients (out, entry);
  g_string_append_c (out, '\n');
  return output_write_string (out);
}

/* How much of TEXT is whole: without the UTF-8 character that its end cuts. */
static size_t
whole_characters (const char *text, size_t length)
{
  for (size_t back = 1; back <= 3 && back < length; back++)
    {
      unsigned char c = (unsigned char) text[length - back];

      if (c >= 0xc0)
        return g_utf8_get_char_validated (text + length - back, (gssize) back)
                       == (gunichar) -2
                   ? length - back
                   : length;
      if (c < 0x80)
        break;
    }
  return length;
}

/* For a terminal, which obeys what it reads. */
static bool
write_printable (const char *text, size_t length)
{
  while (length > 0)
    {
      const char *end = memchr (text, '\n', length);
      size_t part = end == NULL ? length : (size_t) (end - text);
      g_autofree char *line = text_printable (text, part, 4 * BLOCK);

      if (!output_write (line, strlen (line))
          || (end != NULL && !output_write ("\n", 1)))
        return false;
      part += end != NULL;
      text += part;
      length -= part;
    }
  return true;
}

static size_t
remove_cr (char *text, size_t length)
{
  size_t kept = 0;

  for (size_t i = 0; i < length; i++)
    if (text[i] != '\r')
      text[kept++] = text[i];
  return kept;
}

/* A queue file has CR in its line ends only. */
static bool
print_segment (const Content *content, const Segment *segment, bool terminal,
               GError **error)
{
  g_autofree char *block = g_malloc (BLOCK);
  uint64_t done = 0;
  size_t kept = 0; /* octets of a character that is not whole yet */

  while (done < segment->size)
    {
      size_t room = (size_t) MIN (BLOCK - kept, segment->size - done);
      ssize_t got = pread (content->fd, block + kept, room,
                           (off_t) (segment->offset + done));
      size_t length, whole;

      if (got < 0 && errno == EINTR)
        continue;
      if (got <= 0)
        {
          failure_set_errno (error, FAILURE_IO, got < 0 ? errno : EIO,
                             _ ("cannot read the message"));
          return false;
        }
      done += (uint64_t) got;
      length = remove_cr (block, kept + (size_t) got);
      whole = done < segment->size && terminal
                  ? whole_characters (block, length)
                  : length;
      if (!(terminal ? write_printable (block, whole)
                     : output_write (block, whole)))
        return true;
      kept = length - whole;
      memmove (block, block + whole, kept);
    }
  return true;
}

static bool
print_message (const Entry *entry, GError **error)
{
  bool terminal = isatty (STDOUT_FILENO);
  const Content *content = &entry->content;

  return print_segment (content, &content->header, terminal, error)
         && print_segment (content, &content->body, terminal, error);
}

static bool
print_json (const Sight *sight)
{
  g_autoptr (GString) out = g_string_new (NULL);

  list_append_json (out, sight);
  return output_write_string (out);
}

bool
show_print (Survey *survey, const Place *place, ShowForm form, GError **error)
{
  g_autoptr (Sight) sight = survey_look (survey, place);

  if (sight == NULL)
    {
      g_set_error (error, FAILURE, FAILURE_NO_INPUT,
                   _ ("%s is gone: it was sent or removed"), place->id);
      return false;
    }
  if (form == SHOW_JSON)
    {
      (void) print_json (sight);
      return true;
    }
  if (sight->entry == NULL)
    {
      g_set_error_literal (error, FAILURE, FAILURE_DATA, sight->damage);
      return false;
    }
  if (form == SHOW_ALL && !print_known (sight))
    return true;
  return print_message (sight->entry, error);
}
