#include "cli/log-record.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

#define VALUES_MAXIMUM 1024
#define DATE_MAXIMUM 40
#define DAY (24 * 60 * 60)

/* All that a line of ours may say. */
static const char *const keys[]
    = { "id",     "account", "host",   "port",       "tls",     "auth",
        "from",   "to",      "about",  "action",     "recipients", "relayed",
        "size",   "attempt", "seconds", "dsn",       "fate",    "reply",
        "rcpt",   "stage",   "status", "ambiguous",  "text",    "kept" };

typedef struct
{
  const char *at, *end;
} Cursor;

void
log_record_free (LogRecord *record)
{
  if (record == NULL)
    return;
  for (guint i = 0; i < record->values->len; i++)
    g_free (g_array_index (record->values, LogValue, i).value);
  g_array_unref (record->values);
  g_free (record->program);
  g_free (record);
}

const char *
log_record_value (const LogRecord *record, const char *key)
{
  for (guint i = 0; i < record->values->len; i++)
    {
      const LogValue *value = &g_array_index (record->values, LogValue, i);

      if (strcmp (value->key, key) == 0)
        return value->value;
    }
  return NULL;
}

/* The next word, up to a blank or the end. */
static Cursor
take_word (Cursor *line)
{
  Cursor word = { line->at, line->at };

  while (word.end < line->end && *word.end != ' ')
    word.end++;
  line->at = word.end;
  while (line->at < line->end && *line->at == ' ')
    line->at++;
  return word;
}

static size_t
length_of (Cursor word)
{
  return (size_t) (word.end - word.at);
}

/* "2026-11-21T14:32:05+01:00", as our files and newer syslogs have it. */
static bool
read_iso_date (Cursor word, int64_t *time)
{
  g_autofree char *text = g_strndup (word.at, length_of (word));
  g_autoptr (GTimeZone) local = g_time_zone_new_local ();
  g_autoptr (GDateTime) date = g_date_time_new_from_iso8601 (text, local);

  if (date == NULL)
    return false;
  *time = g_date_time_to_unix (date);
  return true;
}

/* "1795271525.123456", as the journal prints it. */
static bool
read_epoch (Cursor word, int64_t *time)
{
  *time = 0;
  for (const char *p = word.at; p < word.end && *p != '.'; p++)
    {
      if (!g_ascii_isdigit (*p) || p - word.at > 11)
        return false;
      *time = *time * 10 + (*p - '0');
    }
  return true;
}

static int
month_of (Cursor word)
{
  static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

  for (int i = 0; length_of (word) == 3 && i < 12; i++)
    if (memcmp (names + (ptrdiff_t) i * 3, word.at, 3) == 0)
      return i + 1;
  return 0;
}

/* "Nov 21 14:32:05", of older syslogs; MONTH is taken. */
static bool
read_old_date (int month, Cursor *line, int64_t now, int64_t *time)
{
  g_autoptr (GDateTime) today = g_date_time_new_from_unix_local (now);
  Cursor day = take_word (line);
  Cursor clock = take_word (line);
  g_autofree char *text
      = g_strdup_printf ("%.*s %.*s", (int) length_of (day), day.at,
                         (int) length_of (clock), clock.at);
  int d, h, m, s, used = 0;

  if (today == NULL
      /* NOLINTNEXTLINE(cert-err34-c): two digits are not too large */
      || sscanf (text, "%2d %2d:%2d:%2d%n", &d, &h, &m, &s, &used) != 4
      || (size_t) used != strlen (text))
    return false;
  for (int back = 0; back < 2; back++)
    {
      g_autoptr (GDateTime) date = g_date_time_new_local (
          g_date_time_get_year (today) - back, month, d, h, m, s);

      if (date == NULL)
        continue;
      *time = g_date_time_to_unix (date);
      if (*time <= now + DAY)
        return true;
    }
  return false;
}

static bool
read_date (Cursor *line, int64_t now, int64_t *time)
{
  Cursor word = take_word (line);
  int month = month_of (word);

  if (month > 0)
    return read_old_date (month, line, now, time);
  if (length_of (word) == 0 || length_of (word) > DATE_MAXIMUM)
    return false;
  return memchr (word.at, 'T', length_of (word)) != NULL
             ? read_iso_date (word, time)
             : read_epoch (word, time);
}

/* "NAME[PID]:", behind the name of the host or not. */
static bool
read_program (Cursor *line, char **program)
{
  for (int words = 0; words < 2; words++)
    {
      Cursor word = take_word (line);
      const char *bracket = memchr (word.at, '[', length_of (word));

      if (bracket == NULL || word.end - bracket < (ptrdiff_t) strlen ("[1]:")
          || word.end[-1] != ':' || word.end[-2] != ']')
        continue;
      *program = text_printable (word.at, (size_t) (bracket - word.at),
                                 LOG_RECORD_MAXIMUM);
      return true;
    }
  return false;
}

/* The key that stands at the beginning of LINE with its equals sign, which are
   taken; NULL: there is none. */
static const char *
take_key (Cursor *line)
{
  for (size_t i = 0; i < G_N_ELEMENTS (keys); i++)
    {
      size_t length = strlen (keys[i]);

      if (length < length_of (*line) && line->at[length] == '='
          && memcmp (line->at, keys[i], length) == 0)
        {
          line->at += length + 1;
          return keys[i];
        }
    }
  return NULL;
}

/* The rest of a line that was cut within a key. */
static bool
is_cut (Cursor rest)
{
  return length_of (rest) >= strlen ("...")
         && length_of (rest) <= strlen ("recipients...")
         && memcmp (rest.end - 3, "...", 3) == 0;
}

/* What stands here ends the value before it. */
static bool
ends_value (const char *at, const char *end)
{
  Cursor rest = { at + 1, end };

  return at == end
         || (*at == ' ' && (is_cut (rest) || take_key (&rest) != NULL));
}

/* Behind the quotation mark. Not every text of ours has its own ones replaced. */
static Cursor
take_quoted (Cursor *line)
{
  Cursor value = { line->at, line->at };

  while (value.end < line->end
         && (*value.end != '"' || !ends_value (value.end + 1, line->end)))
    value.end++;
  line->at = MIN (value.end + 1, line->end);
  return value;
}

/* To one of ENDS; those within a quoted string do not count. */
static Cursor
take_address (Cursor *line, char stop)
{
  Cursor value = { line->at, line->at };
  bool quoted = false;

  for (; value.end < line->end && (quoted || *value.end != stop); value.end++)
    if (*value.end == '"')
      quoted = !quoted;
    else if (quoted && *value.end == '\\' && value.end + 1 < line->end)
      value.end++;
  line->at = value.end;
  return value;
}

static void
add (LogRecord *record, const char *key, Cursor value)
{
  LogValue added = { key, text_printable (value.at, length_of (value),
                                          LOG_RECORD_MAXIMUM) };

  g_array_append_val (record->values, added);
}

/* <a>,<b> */
static void
take_paths (LogRecord *record, const char *key, Cursor *line)
{
  do
    {
      line->at++;
      add (record, key, take_address (line, '>'));
      line->at = MIN (line->at + 1, line->end);
    }
  while (line->end - line->at > 1 && line->at[0] == ',' && line->at[1] == '<'
         && record->values->len < VALUES_MAXIMUM && line->at++);
}

/* Of an attempt each recipient's text has its quotes replaced, and more may follow;
   elsewhere the text is the last. */
static bool
is_last_text (const LogRecord *record, const char *key)
{
  return strcmp (key, "text") == 0
         && log_record_value (record, "stage") == NULL;
}

static void
take_value (LogRecord *record, const char *key, Cursor *line)
{
  if (is_last_text (record, key))
    {
      Cursor value = { line->at, line->end };

      value.at += length_of (value) > 0 && *value.at == '"';
      value.end -= length_of (value) > 0 && value.end[-1] == '"';
      add (record, key, value);
      line->at = line->end;
    }
  else if (line->at < line->end && *line->at == '<')
    take_paths (record, key, line);
  else if (line->at < line->end && *line->at == '"' && strcmp (key, "rcpt") != 0)
    {
      line->at++;
      add (record, key, take_quoted (line));
    }
  else
    add (record, key, take_address (line, ' '));
}

/* False: that is no line of ours. */
static bool
take_values (LogRecord *record, Cursor line)
{
  while (line.at < line.end && record->values->len < VALUES_MAXIMUM)
    {
      const char *key = take_key (&line);

      if (key == NULL)
        return record->values->len > 0 && is_cut (line);
      take_value (record, key, &line);
      if (line.at < line.end && *line.at != ' ')
        return false;
      while (line.at < line.end && *line.at == ' ')
        line.at++;
    }
  return record->values->len > 0;
}

LogRecord *
log_record_parse (const char *line, size_t length, int64_t now, int64_t since)
{
  g_autoptr (LogRecord) record = NULL;
  Cursor rest = { line, line + length };

  if (length > LOG_RECORD_MAXIMUM)
    return NULL;
  record = g_new0 (LogRecord, 1);
  record->values = g_array_new (FALSE, FALSE, sizeof (LogValue));
  if (read_date (&rest, now, &record->time) && record->time >= since
      && read_program (&rest, &record->program) && take_values (record, rest))
    return g_steal_pointer (&record);
  return NULL;
}
