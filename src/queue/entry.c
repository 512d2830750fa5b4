#include "queue/entry.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <glib/gi18n.h>

#include "base/crc.h"
#include "base/text.h"
#include "queue/retry.h"

/* The file of one entry:
 *
 *   preamble   ENTRY_PREAMBLE octets, one line of text: format, the sizes of
 *              what follows, and its CRC-32
 *   body       in lines that end in CRLF
 *   header     the header section with its empty line
 *   envelope   lines "key value", the last one is "end"
 *   records    lines "crc key value", appended while the entry lives
 *
 * The body comes first because it flows to disk while stdin is still being read.
 * All but the records is written before the file has a name, so a file that can
 * be seen is whole; the CRC is for disks that lie. A record counts when its line
 * is ended and its CRC is right; a last line without end is the trace of a
 * write that was cut short, and is cut off before the next record is written.
 */

#define FORMAT_VERSION 4
#define RECORDS_MAXIMUM (1024 * 1024 * 1024)
#define BLOCK (64 * 1024)
#define REASON_MAXIMUM 4096
#define NO_REASON "held" /* a reason is never empty: that would be none */

/* What one attempt may add to the file: its lines, and a status for each
   forward-path; no more than ROOM_MAXIMUM of it is made sure of. A reason is not
   counted: it can be given later. */
#define ROOM_ATTEMPT 512
#define ROOM_STATUS 640
#define ROOM_MAXIMUM (1024 * 1024)

static const char *const scope_names[] = {
  [SCOPE_RECIPIENT] = "recipient",
  [SCOPE_MESSAGE] = "message",
  [SCOPE_ACCOUNT] = "account",
};

void
entry_free (Entry *entry)
{
  if (entry == NULL)
    return;
  if (entry->fd >= 0)
    close (entry->fd);
  g_free (entry->id);
  g_free (entry->account);
  g_free (entry->reason);
  g_clear_pointer (&entry->envelope, envelope_free);
  g_clear_pointer (&entry->settling, envelope_free);
  g_clear_pointer (&entry->statuses, g_ptr_array_unref);
  g_clear_pointer (&entry->told, g_array_unref);
  g_free (entry);
}

static bool
status_is_owed (const Status *status)
{
  return status == NULL || status->fate == FATE_DELAYED;
}

Envelope *
entry_owed (const Entry *entry, GArray **owed)
{
  Envelope *envelope = envelope_new_like (entry->envelope);

  *owed = g_array_new (FALSE, FALSE, sizeof (size_t));
  for (size_t i = 0; i < entry->envelope->forward_paths->len; i++)
    if (status_is_owed (entry->statuses->pdata[i]))
      {
        envelope_add_wish (envelope,
                           entry->envelope->forward_paths->pdata[i],
                           envelope_wish (entry->envelope, i));
        g_array_append_val (*owed, i);
      }
  return envelope;
}

static bool
owes_nothing (const Entry *entry)
{
  for (size_t i = 0; i < entry->statuses->len; i++)
    if (status_is_owed (entry->statuses->pdata[i]))
      return false;
  return true;
}

bool
entry_is_relayed (const Entry *entry)
{
  for (size_t i = 0; i < entry->statuses->len; i++)
    {
      const Status *status = entry->statuses->pdata[i];

      if (status != NULL && status->fate == FATE_RELAYED)
        return true;
    }
  return false;
}

bool
entry_is_ambiguous (const Entry *entry)
{
  if (entry->end_of_data_sent)
    return true;
  for (size_t i = 0; i < entry->statuses->len; i++)
    {
      const Status *status = entry->statuses->pdata[i];

      if (status != NULL && status->fate == FATE_DELAYED && status->ambiguous)
        return true;
    }
  return false;
}

int64_t
entry_due (const Entry *entry, int64_t now)
{
  uint32_t seed = (uint32_t) crc32_z (0, (const Bytef *) entry->id,
                                      strlen (entry->id));

  if (owes_nothing (entry))
    return 0;
  if (entry_is_ambiguous (entry))
    return retry_due_ambiguous (entry->delays,
                                MAX (entry->last_attempt, entry->end_of_data),
                                now, seed);
  if (entry->retry)
    return 0;
  return retry_due (entry->delays, entry->last_attempt, now, seed);
}

/* Writing. */

char *
entry_preamble (uint64_t body, uint64_t header, uint64_t envelope,
                uint32_t crc)
{
  g_autofree char *text = g_strdup_printf (
      "postrider-entry %d body=%" PRIu64 " header=%" PRIu64
      " envelope=%" PRIu64 " crc=%08" PRIx32,
      FORMAT_VERSION, body, header, envelope, crc);

  return g_strdup_printf ("%-*s\n", ENTRY_PREAMBLE - 1, text);
}

/* What is not wished is a dash; neither has blanks. NULL: there is nothing to
   say. */
static char *
wish_line (const Wish *wish)
{
  if (wish == NULL || (wish->notify[0] == '\0' && wish->orcpt[0] == '\0'))
    return NULL;
  return g_strdup_printf ("%s %s",
                          wish->notify[0] != '\0' ? wish->notify : "-",
                          wish->orcpt[0] != '\0' ? wish->orcpt : "-");
}

static void
append_recipient (GString *text, const Envelope *envelope, size_t index)
{
  g_autofree char *wish = wish_line (envelope_wish (envelope, index));

  g_string_append_printf (
      text, "recipient %s\n",
      (const char *) envelope->forward_paths->pdata[index]);
  if (wish != NULL)
    g_string_append_printf (text, "wish %s\n", wish);
}

GString *
entry_envelope_text (const Entry *entry)
{
  GString *text = g_string_new (NULL);
  const Envelope *envelope = entry->envelope;

  g_string_append_printf (text, "arrival %" PRId64 "\n", entry->arrival);
  g_string_append_printf (text, "notification %d\n", entry->notification);
  g_string_append_printf (text, "as-given %d\n", entry->as_given);
  g_string_append_printf (text, "account %s\n", entry->account);
  g_string_append_printf (text, "sender %s\n", envelope->reverse_path);
  g_string_append_printf (text, "notify %s\n", envelope->notify);
  g_string_append_printf (text, "ret %s\n", envelope->ret);
  g_string_append_printf (text, "envid %s\n", envelope->envid);
  g_string_append_printf (text, "eight-bit %d\n", entry->content.eight_bit);
  g_string_append_printf (text, "header-utf8 %d\n",
                          entry->content.header_utf8);
  for (size_t i = 0; i < envelope->forward_paths->len; i++)
    append_recipient (text, envelope, i);
  g_string_append (text, "end\n");
  return text;
}

static void
append_record (GString *records, const char *format, ...)
    G_GNUC_PRINTF (2, 3);

static void
append_record (GString *records, const char *format, ...)
{
  va_list arguments;
  g_autofree char *text = NULL;

  va_start (arguments, format);
  text = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  g_string_append_printf (
      records, "%08" PRIx32 " %s\n",
      (uint32_t) crc32_z (0, (const Bytef *) text, strlen (text)), text);
}

static bool
set_write_error (const Entry *entry, int errnum, GError **error)
{
  failure_set_errno (error, FAILURE_IO, errnum,
                     _ ("cannot write the queue file %s"), entry->id);
  return false;
}

/* Before anything is written over a line that was cut short: its end must not
   show behind what is shorter. */
static bool
cut_tail (Entry *entry)
{
  struct stat st;

  return fstat (entry->fd, &st) == 0
         && ((uint64_t) st.st_size <= entry->end
             || ftruncate (entry->fd, (off_t) entry->end) == 0);
}

static bool
write_records (Entry *entry, const GString *records, bool sync, GError **error)
{
  size_t done = 0;

  if (!cut_tail (entry))
    return set_write_error (entry, errno, error);
  while (done < records->len)
    {
      ssize_t part
          = pwrite (entry->fd, records->str + done, records->len - done,
                    (off_t) (entry->end + done));

      if (part < 0 && errno == EINTR)
        continue;
      if (part <= 0)
        return set_write_error (entry, part < 0 ? errno : ENOSPC, error);
      done += (size_t) part;
    }
  if (sync && fdatasync (entry->fd) < 0)
    return set_write_error (entry, errno, error);
  entry->end += records->len;
  return true;
}

/* What each record says of an entry: the same when it is written and when it is
   read back. */

static void
note_attempt (Entry *entry, int64_t time)
{
  entry->waited += retry_elapsed (entry->waited_until, time);
  entry->waited_until = time;
  entry->attempts++;
  entry->last_attempt = time;
  entry->end_of_data_sent = false;
  entry->retry = false;
  entry->counted = false;
}

static void
note_end_of_data (Entry *entry, int64_t time)
{
  entry->end_of_data_sent = true;
  entry->end_of_data = time;
}

static void
note_status (Entry *entry, size_t index, Status *status)
{
  if (status->fate == FATE_DELAYED && status->scope != SCOPE_ACCOUNT
      && !entry->counted)
    {
      entry->counted = true;
      entry->delays++;
    }
  g_array_index (entry->told, bool, index) = false;
  status_free (entry->statuses->pdata[index]);
  entry->statuses->pdata[index] = status;
  entry->end_of_data_sent = false;
}

static void
note_reason (Entry *entry, char *reason, int64_t time)
{
  g_free (entry->reason);
  entry->reason = reason;
  entry->held_since = time;
  entry->doomed = 0;
}

static void
note_told (Entry *entry)
{
  for (size_t i = 0; i < entry->statuses->len; i++)
    {
      const Status *status = entry->statuses->pdata[i];

      g_array_index (entry->told, bool, i)
          = status != NULL && status->fate == FATE_FAILED;
    }
}

static void
note_release (Entry *entry, int64_t time)
{
  for (size_t i = 0; i < entry->statuses->len; i++)
    {
      Status *status = entry->statuses->pdata[i];

      g_array_index (entry->told, bool, i) = false;
      if (status == NULL || status->fate == FATE_RELAYED
          || status->fate == FATE_DELAYED)
        continue;
      status_free (status);
      entry->statuses->pdata[i] = NULL;
    }
  note_reason (entry, g_strdup (""), 0);
  entry->waited = 0;
  entry->waited_until = time;
  entry->delays = 0;
  entry->warned = false;
}

/* SETTLING becomes the entry's. */
static void
note_settled (Entry *entry, const char *account, Envelope *settling)
{
  size_t count = settling->forward_paths->len;

  g_free (entry->account);
  entry->account = g_strdup (account);
  envelope_free (entry->envelope);
  entry->envelope = settling;
  entry->as_given = false;
  g_ptr_array_set_size (entry->statuses, 0);
  g_ptr_array_set_size (entry->statuses, (int) count);
  g_array_set_size (entry->told, 0);
  g_array_set_size (entry->told, (guint) count);
}

/* Before the relay is asked: a full disk that keeps a verdict from being recorded
   would have the message sent twice. Where a file system cannot do this, the
   verdicts are written as room allows. */
static bool
make_room (Entry *entry)
{
  uint64_t room = ROOM_ATTEMPT + (uint64_t) entry->statuses->len * ROOM_STATUS;

  return cut_tail (entry)
         && (fallocate (entry->fd, FALLOC_FL_KEEP_SIZE, (off_t) entry->end,
                        (off_t) MIN (room, ROOM_MAXIMUM))
                 == 0
             || (errno != ENOSPC && errno != EDQUOT));
}

bool
entry_record_attempt (Entry *entry, int64_t time, GError **error)
{
  g_autoptr (GString) records = g_string_new (NULL);

  if (!make_room (entry))
    return set_write_error (entry, errno, error);
  append_record (records, "attempt %" PRId64, time);
  if (!write_records (entry, records, false, error))
    return false;
  note_attempt (entry, time);
  return true;
}

bool
entry_record_end_of_data (Entry *entry, int64_t time, GError **error)
{
  g_autoptr (GString) records = g_string_new (NULL);

  append_record (records, "end-of-data %" PRId64, time);
  if (!write_records (entry, records, true, error))
    return false;
  note_end_of_data (entry, time);
  return true;
}

/* The errors of an accounts file are many lines; a record is one. */
static char *
reason_line (const char *reason)
{
  return text_printable (reason[0] != '\0' ? reason : NO_REASON,
                         reason[0] != '\0' ? strlen (reason)
                                           : strlen (NO_REASON),
                         REASON_MAXIMUM);
}

GString *
entry_reason_text (const char *reason, int64_t time)
{
  GString *records = g_string_new (NULL);
  g_autofree char *line = reason_line (reason);

  append_record (records, "reason %" PRId64 " %s", time, line);
  return records;
}

void
entry_note_reason (Entry *entry, const char *reason, int64_t time)
{
  note_reason (entry, reason_line (reason), time);
}

bool
entry_record_reason (Entry *entry, const char *reason, int64_t time,
                     GError **error)
{
  g_autoptr (GString) records = entry_reason_text (reason, time);

  if (!write_records (entry, records, true, error))
    return false;
  entry_note_reason (entry, reason, time);
  return true;
}

static char *
status_line (const Status *status)
{
  g_autofree char *enhanced = enhanced_code_to_string (status->enhanced);

  return g_strdup_printf ("%s %s %s %d %s %d %d %d %s",
                          fate_name (status->fate),
                          scope_names[status->scope],
                          stage_name (status->stage), status->code,
                          enhanced[0] == '\0' ? "-" : enhanced,
                          status->exit_status, status->ambiguous,
                          status->alert, status->text);
}

/* One line for neighbours who fared alike: a message with thousands of recipients
   may be tried sixty times. */
static void
append_statuses (GString *records, const GArray *owed,
                 const GPtrArray *statuses)
{
  for (size_t i = 0, next; i < owed->len; i = next)
    {
      size_t first = g_array_index (owed, size_t, i);
      g_autofree char *line = status_line (statuses->pdata[i]);
      bool same = true;

      for (next = i + 1; same && next < owed->len; next += same)
        {
          g_autofree char *other = status_line (statuses->pdata[next]);

          same = g_array_index (owed, size_t, next) == first + (next - i)
                 && strcmp (line, other) == 0;
        }
      append_record (records, "status %zu-%zu %s", first,
                     first + (next - i) - 1, line);
    }
}

bool
entry_record_statuses (Entry *entry, const GArray *owed,
                       const GPtrArray *statuses, GError **error)
{
  g_autoptr (GString) records = g_string_new (NULL);

  g_assert (owed->len == statuses->len);
  append_statuses (records, owed, statuses);
  if (!write_records (entry, records, true, error))
    return false;
  for (size_t i = 0; i < owed->len; i++)
    note_status (entry, g_array_index (owed, size_t, i),
                 status_copy (statuses->pdata[i]));
  return true;
}

bool
entry_record_told (Entry *entry, GError **error)
{
  g_autoptr (GString) records = g_string_new (NULL);

  append_record (records, "told failures");
  if (!write_records (entry, records, true, error))
    return false;
  note_told (entry);
  return true;
}

bool
entry_record_warned (Entry *entry, GError **error)
{
  g_autoptr (GString) records = g_string_new (NULL);

  append_record (records, "told delay");
  if (!write_records (entry, records, true, error))
    return false;
  entry->warned = true;
  return true;
}

bool
entry_record_retry (Entry *entry, GError **error)
{
  g_autoptr (GString) records = g_string_new (NULL);

  append_record (records, "retry now");
  if (!write_records (entry, records, false, error))
    return false;
  entry->retry = true;
  return true;
}

bool
entry_record_release (Entry *entry, int64_t time, GError **error)
{
  g_autoptr (GString) records = g_string_new (NULL);

  append_record (records, "release %" PRId64, time);
  if (!write_records (entry, records, true, error))
    return false;
  note_release (entry, time);
  return true;
}

bool
entry_record_doomed (Entry *entry, int64_t time, GError **error)
{
  g_autoptr (GString) records = g_string_new (NULL);

  append_record (records, "doomed %" PRId64, time);
  if (!write_records (entry, records, false, error))
    return false;
  entry->doomed = time;
  return true;
}

/* The last line counts: what comes before it says nothing without. */
bool
entry_record_settled (Entry *entry, const char *account,
                      const Envelope *envelope, GError **error)
{
  g_autoptr (GString) records = g_string_new (NULL);
  g_autoptr (Envelope) settling = envelope_new_like (envelope);

  g_assert (entry->as_given && envelope->forward_paths->len > 0);
  append_record (records, "settling %s", envelope->reverse_path);
  for (size_t i = 0; i < envelope->forward_paths->len; i++)
    {
      const char *path = envelope->forward_paths->pdata[i];
      const Wish *wish = envelope_wish (envelope, i);
      g_autofree char *wish_text = wish_line (wish);

      append_record (records, "recipient %s", path);
      if (wish_text != NULL)
        append_record (records, "wish %s", wish_text);
      envelope_add_wish (settling, path, wish);
    }
  append_record (records, "settled %s", account);
  if (!write_records (entry, records, true, error))
    return false;
  note_settled (entry, account, g_steal_pointer (&settling));
  return true;
}

/* Reading. Everything below takes the file for hostile. */

typedef struct
{
  int fd;
  int errnum; /* why it could not be read; 0: it could */
} Source;

/* What cannot be read now may be whole, and another time it can. */
static Entry *
damaged (GError **error, const char *id, const char *part,
         const Source *source)
{
  if (source->errnum != 0)
    failure_set_errno (error, FAILURE_IO, source->errnum,
                       _ ("cannot read the queue file %s"), id);
  else
    g_set_error (error, FAILURE, FAILURE_DATA,
                 _ ("the queue file %s is damaged (%s)"), id, part);
  return NULL;
}

static bool
read_exactly (Source *source, uint64_t offset, void *buffer, size_t length)
{
  char *p = buffer;

  while (length > 0)
    {
      ssize_t part = pread (source->fd, p, length, (off_t) offset);

      if (part < 0 && errno == EINTR)
        continue;
      if (part < 0)
        source->errnum = errno;
      if (part <= 0)
        return false;
      p += part;
      offset += (uint64_t) part;
      length -= (size_t) part;
    }
  return true;
}

typedef struct
{
  uint64_t body, header, envelope;
  uint32_t crc;
} Preamble;

static bool
read_preamble (Source *source, uint64_t file_size, Preamble *preamble)
{
  char text[ENTRY_PREAMBLE + 1] = "";
  g_autofree char *again = NULL;
  int version;

  /* What was read is written again, and compared. */
  if (file_size < ENTRY_PREAMBLE
      || !read_exactly (source, 0, text, ENTRY_PREAMBLE)
      /* NOLINTNEXTLINE(cert-err34-c): so a number too large is found */
      || sscanf (text,
                 "postrider-entry %d body=%" SCNu64 " header=%" SCNu64
                 " envelope=%" SCNu64 " crc=%" SCNx32,
                 &version, &preamble->body, &preamble->header,
                 &preamble->envelope, &preamble->crc)
             != 5
      || version != FORMAT_VERSION)
    return false;
  again = entry_preamble (preamble->body, preamble->header,
                          preamble->envelope, preamble->crc);
  /* Each size alone before their sum, which could wrap round. */
  return strcmp (text, again) == 0 && preamble->body <= file_size
         && preamble->header <= file_size
         && preamble->envelope <= ENTRY_ENVELOPE_MAXIMUM
         && ENTRY_PREAMBLE + preamble->body + preamble->header
                    + preamble->envelope
                <= file_size;
}

static bool
crc_matches (Source *source, const Preamble *preamble)
{
  g_autofree char *block = g_malloc (BLOCK);
  uint64_t offset = ENTRY_PREAMBLE;
  uint64_t left = preamble->body + preamble->header + preamble->envelope;
  uint32_t crc = 0;

  while (left > 0)
    {
      size_t part = (size_t) MIN (left, BLOCK);

      if (!read_exactly (source, offset, block, part))
        return false;
      crc = crc_update (crc, block, part);
      offset += part;
      left -= part;
    }
  return crc == preamble->crc;
}

static bool
parse_flag (const char *value, bool *flag)
{
  *flag = value[0] == '1';
  return (value[0] == '0' || value[0] == '1') && value[1] == '\0';
}

static void
replace (char **slot, const char *value)
{
  g_free (*slot);
  *slot = g_strdup (value);
}

/* Of the recipient before it. */
static bool
take_wish_of (Envelope *envelope, const char *value)
{
  g_auto (GStrv) field = g_strsplit (value, " ", -1);
  Wish wish = { (char *) "", (char *) "" };

  if (envelope->forward_paths->len == 0 || g_strv_length (field) != 2
      || strlen (field[1]) > ORCPT_MAXIMUM)
    return false;
  if (strcmp (field[0], "-") != 0)
    wish.notify = field[0];
  if (strcmp (field[1], "-") != 0)
    wish.orcpt = field[1];
  envelope_wish_last (envelope, &wish);
  return true;
}

static bool
take_envelope_line (Entry *entry, const char *key, const char *value)
{
  Envelope *envelope = entry->envelope;
  const struct
  {
    const char *key;
    char **slot;
  } strings[] = {
    { "account", &entry->account },
    { "sender", &envelope->reverse_path },
    { "notify", &envelope->notify },
    { "ret", &envelope->ret },
    { "envid", &envelope->envid },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (strings); i++)
    if (strcmp (key, strings[i].key) == 0)
      {
        replace (strings[i].slot, value);
        return true;
      }
  if (strcmp (key, "recipient") == 0)
    {
      envelope_add (envelope, value);
      g_ptr_array_add (entry->statuses, NULL);
      g_array_set_size (entry->told, entry->statuses->len);
      return envelope->forward_paths->len == entry->statuses->len;
    }
  if (strcmp (key, "wish") == 0)
    return take_wish_of (envelope, value);
  if (strcmp (key, "arrival") == 0)
    {
      entry->arrival = g_ascii_strtoll (value, NULL, 10);
      entry->waited_until = entry->arrival;
      return true;
    }
  if (strcmp (key, "notification") == 0)
    return parse_flag (value, &entry->notification);
  if (strcmp (key, "as-given") == 0)
    return parse_flag (value, &entry->as_given);
  if (strcmp (key, "eight-bit") == 0)
    return parse_flag (value, &entry->content.eight_bit);
  if (strcmp (key, "header-utf8") == 0)
    return parse_flag (value, &entry->content.header_utf8);
  return false;
}

static bool
parse_envelope (Entry *entry, char *text)
{
  char *line = text;

  while (strcmp (line, "end\n") != 0)
    {
      char *end = strchr (line, '\n');
      char *blank = strchr (line, ' ');

      if (end == NULL || blank == NULL || blank > end)
        return false;
      *end = '\0';
      *blank = '\0';
      if (!take_envelope_line (entry, line, blank + 1))
        return false;
      line = end + 1;
    }
  return entry->envelope->forward_paths->len > 0;
}

static bool
parse_enhanced (const char *text, EnhancedCode *enhanced)
{
  unsigned class, subject, detail;

  *enhanced = (EnhancedCode){ 0 };
  if (strcmp (text, "-") == 0)
    return true;
  /* NOLINTNEXTLINE(cert-err34-c): three digits are not too large */
  if (sscanf (text, "%1u.%3u.%3u", &class, &subject, &detail) != 3)
    return false;
  *enhanced
      = (EnhancedCode){ (uint8_t) class, (uint16_t) subject,
                        (uint16_t) detail };
  return true;
}

static bool
scope_from_name (const char *name, Scope *scope)
{
  for (size_t i = 0; i < G_N_ELEMENTS (scope_names); i++)
    if (strcmp (name, scope_names[i]) == 0)
      {
        *scope = (Scope) i;
        return true;
      }
  return false;
}

static bool
parse_range (const char *text, size_t count, size_t *first, size_t *last)
{
  g_auto (GStrv) part = g_strsplit (text, "-", 2);
  guint64 from, to;

  if (g_strv_length (part) != 2
      || !g_ascii_string_to_unsigned (part[0], 10, 0, count - 1, &from, NULL)
      || !g_ascii_string_to_unsigned (part[1], 10, from, count - 1, &to, NULL))
    return false;
  *first = from;
  *last = to;
  return true;
}

static bool
take_status (Entry *entry, const char *value)
{
  enum { RANGE, FATE, SCOPE, STAGE, CODE, ENHANCED, EXIT, AMBIGUOUS, ALERT,
         TEXT, FIELDS };
  g_auto (GStrv) field = g_strsplit (value, " ", FIELDS);
  g_autoptr (Status) status = g_new0 (Status, 1);
  guint64 code, exit_status;
  size_t first, last;

  if (g_strv_length (field) != FIELDS
      || !parse_range (field[RANGE], entry->statuses->len, &first, &last)
      || !fate_from_name (field[FATE], &status->fate)
      || !scope_from_name (field[SCOPE], &status->scope)
      || !stage_from_name (field[STAGE], &status->stage)
      || !g_ascii_string_to_unsigned (field[CODE], 10, 0, 599, &code, NULL)
      || !parse_enhanced (field[ENHANCED], &status->enhanced)
      || !g_ascii_string_to_unsigned (field[EXIT], 10, 0, 255, &exit_status,
                                      NULL)
      || !parse_flag (field[AMBIGUOUS], &status->ambiguous)
      || !parse_flag (field[ALERT], &status->alert))
    return false;
  status->code = (int) code;
  status->exit_status = (int) exit_status;
  status->text = g_strdup (field[TEXT]);
  for (size_t i = first; i <= last; i++)
    note_status (entry, i, status_copy (status));
  return true;
}

static bool
take_attempt (Entry *entry, const char *value)
{
  note_attempt (entry, g_ascii_strtoll (value, NULL, 10));
  return true;
}

static bool
take_end_of_data (Entry *entry, const char *value)
{
  note_end_of_data (entry, g_ascii_strtoll (value, NULL, 10));
  return true;
}

static bool
take_reason (Entry *entry, const char *value)
{
  char *text;
  int64_t time = g_ascii_strtoll (value, &text, 10);

  if (*text != ' ' || text[1] == '\0')
    return false;
  note_reason (entry, g_strdup (text + 1), time);
  return true;
}

static bool
take_told (Entry *entry, const char *value)
{
  if (strcmp (value, "delay") == 0)
    entry->warned = true;
  else
    note_told (entry);
  return true;
}

static bool
take_retry (Entry *entry, const char *value)
{
  entry->retry = true;
  return true;
}

static bool
take_release (Entry *entry, const char *value)
{
  note_release (entry, g_ascii_strtoll (value, NULL, 10));
  return true;
}

static bool
take_doomed (Entry *entry, const char *value)
{
  entry->doomed = g_ascii_strtoll (value, NULL, 10);
  return true;
}

static bool
take_settling (Entry *entry, const char *value)
{
  g_clear_pointer (&entry->settling, envelope_free);
  entry->settling = envelope_new_like (entry->envelope);
  replace (&entry->settling->reverse_path, value);
  return entry->as_given;
}

static bool
take_recipient (Entry *entry, const char *value)
{
  if (entry->settling == NULL)
    return false;
  envelope_add (entry->settling, value);
  return true;
}

static bool
take_wish (Entry *entry, const char *value)
{
  return entry->settling != NULL && take_wish_of (entry->settling, value);
}

static bool
take_settled (Entry *entry, const char *value)
{
  if (entry->settling == NULL || entry->settling->forward_paths->len == 0)
    return false;
  note_settled (entry, value, g_steal_pointer (&entry->settling));
  return true;
}

static bool
take_record (Entry *entry, const char *key, const char *value)
{
  static const struct
  {
    const char *key;
    bool (*take) (Entry *entry, const char *value);
  } records[] = {
    { "status", take_status },   { "attempt", take_attempt },
    { "end-of-data", take_end_of_data }, { "reason", take_reason },
    { "told", take_told },       { "retry", take_retry },
    { "release", take_release }, { "doomed", take_doomed },
    { "settling", take_settling }, { "recipient", take_recipient },
    { "wish", take_wish },       { "settled", take_settled },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (records); i++)
    if (strcmp (key, records[i].key) == 0)
      return records[i].take (entry, value);
  return false;
}

static bool
parse_record (Entry *entry, char *line)
{
  char *text;
  char *value;
  uLong crc = strtoul (line, &text, 16);

  if (text != line + 8 || *text != ' ')
    return false;
  text++;
  if (crc32_z (0, (const Bytef *) text, strlen (text)) != crc)
    return false;
  value = strchr (text, ' ');
  if (value == NULL)
    return false;
  *value++ = '\0';
  return take_record (entry, text, value);
}

static bool
parse_records (Entry *entry, char *text)
{
  char *end;

  for (char *line = text; (end = strchr (line, '\n')) != NULL; line = end + 1)
    {
      size_t length = (size_t) (end + 1 - line);

      *end = '\0';
      if (!parse_record (entry, line))
        return false;
      entry->end += length;
    }
  return true;
}

/* LENGTH octets at OFFSET as a string; NULL where they cannot be read or hold a
   NUL. */
static char *
read_text (Source *source, uint64_t offset, size_t length)
{
  g_autofree char *text = g_malloc (length + 1);

  if (!read_exactly (source, offset, text, length)
      || memchr (text, '\0', length) != NULL)
    return NULL;
  text[length] = '\0';
  return g_steal_pointer (&text);
}

/* What follows the last line end was cut short, whatever it holds: where a write
   had not come to its end before the power failed, there may be anything. */
static char *
read_records (Source *source, uint64_t offset, size_t length)
{
  g_autofree char *text = g_malloc (length + 1);
  const char *last;

  if (!read_exactly (source, offset, text, length))
    return NULL;
  last = memrchr (text, '\n', length);
  length = last == NULL ? 0 : (size_t) (last + 1 - text);
  if (memchr (text, '\0', length) != NULL)
    return NULL;
  text[length] = '\0';
  return g_steal_pointer (&text);
}

static Entry *
entry_new (const char *id)
{
  Entry *entry = g_new0 (Entry, 1);

  entry->fd = -1;
  entry->id = g_strdup (id);
  entry->account = g_strdup ("");
  entry->reason = g_strdup ("");
  entry->envelope = envelope_new ();
  entry->statuses
      = g_ptr_array_new_with_free_func ((GDestroyNotify) status_free);
  entry->told = g_array_new (FALSE, TRUE, sizeof (bool));
  return entry;
}

Entry *
entry_read (int fd, const char *id, bool checked, GError **error)
{
  g_autoptr (Entry) entry = entry_new (id);
  g_autofree char *envelope = NULL;
  g_autofree char *records = NULL;
  Source source = { fd, 0 };
  Preamble preamble;
  struct stat st;
  uint64_t size, envelope_offset;

  if (fstat (fd, &st) < 0)
    {
      failure_set_errno (error, FAILURE_IO, errno,
                         _ ("cannot read the queue file %s"), id);
      return NULL;
    }
  size = (uint64_t) st.st_size;
  if (!read_preamble (&source, size, &preamble))
    return damaged (error, id, "preamble", &source);
  if (checked && !crc_matches (&source, &preamble))
    return damaged (error, id, "checksum", &source);
  entry->content.fd = fd;
  entry->content.body = (Segment){ ENTRY_PREAMBLE, preamble.body };
  entry->content.header
      = (Segment){ ENTRY_PREAMBLE + preamble.body, preamble.header };
  envelope_offset = ENTRY_PREAMBLE + preamble.body + preamble.header;
  entry->end = envelope_offset + preamble.envelope;
  envelope = read_text (&source, envelope_offset, (size_t) preamble.envelope);
  if (envelope == NULL || !parse_envelope (entry, envelope))
    return damaged (error, id, "envelope", &source);
  if (size - entry->end > RECORDS_MAXIMUM)
    return damaged (error, id, "records", &source);
  records = read_records (&source, entry->end, (size_t) (size - entry->end));
  if (records == NULL || !parse_records (entry, records))
    return damaged (error, id, "records", &source);
  entry->fd = fd;
  return g_steal_pointer (&entry);
}
