#include "cli/log-show.h"

#include <stdbool.h>
#include <string.h>

#include <glib/gi18n.h>

#include "cli/json.h"
#include "cli/output.h"
#include "cli/words.h"

#define INDENT 4
#define ID_COLUMNS 16
#define SIZE_COLUMNS 9

/* What became of a message, or, of another line of the log, that it is one. */
static const Word fates[] = {
  { "relayed", NC_ ("message", "sent") },
  { "queued", NC_ ("message", "waiting") },
  { "held", NC_ ("message", "held") },
  { "removed", NC_ ("message", "removed") },
  { "corrupt", NC_ ("message", "damaged") },
  { NULL, NC_ ("message", "note") },
};

static const char *
value_or (const LogRecord *record, const char *key, const char *otherwise)
{
  const char *value = log_record_value (record, key);

  return value != NULL ? value : otherwise;
}

static int64_t
number_of (const LogRecord *record, const char *key)
{
  return g_ascii_strtoll (value_or (record, key, "0"), NULL, 10);
}

/* When, identifier, fate, size, account. */
static void
append_head (GString *out, const LogRecord *record)
{
  static size_t fate_columns; /* a log is long, and catalogs are slow */
  g_autofree char *time = output_time (record->time);
  const char *account = value_or (record, "account", "");
  g_autofree char *size
      = log_record_value (record, "size") != NULL
            ? g_format_size ((uint64_t) MAX (number_of (record, "size"), 0))
            : g_strdup ("");

  if (fate_columns == 0)
    fate_columns = words_width (fates, "message");
  g_string_append_printf (out, "%s  ", time);
  output_append_padded (out, value_or (record, "id", ""), ID_COLUMNS, false);
  g_string_append (out, "  ");
  output_append_padded (
      out, words_find (fates, "message", log_record_value (record, "fate")),
      fate_columns, false);
  g_string_append (out, "  ");
  output_append_padded (out, size, SIZE_COLUMNS, true);
  g_string_append (out, "  ");
  output_append_text (out, account);
  while (out->len > 0 && out->str[out->len - 1] == ' ')
    g_string_truncate (out, out->len - 1);
  g_string_append_c (out, '\n');
}

static void
append_notified (GString *out, const char *to, const char *about,
                 const char *action)
{
  g_autofree char *line = g_strdup_printf (
      strcmp (action, "failed") == 0
          ? _ ("tells %s that message %s could not be delivered")
          : _ ("tells %s that message %s is delayed"),
      to, about);

  output_append_wrapped (out, line, INDENT);
}

/* Who sent it to whom; of older lines only how many is known. */
static void
append_people (GString *out, const LogRecord *record,
               const GPtrArray *recipients)
{
  const char *from = log_record_value (record, "from");
  unsigned count = (unsigned) number_of (record, "recipients");
  g_autofree char *line = NULL;

  if (from == NULL)
    return;
  if (recipients->len > 0)
    {
      output_append_people (out, from, recipients, INDENT);
      return;
    }
  line = count > 0 ? g_strdup_printf (ngettext ("%s -> %u recipient",
                                                "%s -> %u recipients", count),
                                      from[0] == '\0' ? "<>" : from, count)
                   : g_strdup (from[0] == '\0' ? "<>" : from);
  output_append_wrapped (out, line, INDENT);
}

/* One whom the relay refused, or why it took the message for nobody. */
typedef struct
{
  const char *rcpt, *stage, *status, *text;
  bool ambiguous;
} Refusal;

/* The next one from *AT on; *AT moves behind it. False: there is none. */
static bool
next_refusal (const LogRecord *record, guint *at, Refusal *refusal)
{
  *refusal = (Refusal){ NULL, NULL, NULL, NULL, false };
  for (; *at < record->values->len; (*at)++)
    {
      const LogValue *value = &g_array_index (record->values, LogValue, *at);

      if (strcmp (value->key, "rcpt") == 0)
        refusal->rcpt = value->value;
      else if (strcmp (value->key, "stage") == 0)
        refusal->stage = value->value;
      else if (strcmp (value->key, "status") == 0)
        refusal->status = value->value;
      else if (strcmp (value->key, "ambiguous") == 0)
        refusal->ambiguous = true;
      else if (strcmp (value->key, "text") == 0)
        {
          (*at)++;
          refusal->text = value->value;
          return true;
        }
    }
  return false;
}

static void
append_refusals (GString *out, const LogRecord *record)
{
  Refusal refusal;

  for (guint at = 0; next_refusal (record, &at, &refusal);)
    {
      g_autofree char *line
          = refusal.rcpt == NULL
                ? g_strdup (refusal.text)
                : g_strdup_printf ("%s: %s", refusal.rcpt, refusal.text);

      output_append_wrapped (out, line, INDENT);
    }
}

void
log_show_text (GString *out, const LogRecord *record,
               const GPtrArray *recipients)
{
  const char *about = log_record_value (record, "about");
  const char *reply = log_record_value (record, "reply");

  append_head (out, record);
  if (about != NULL)
    append_notified (out, value_or (record, "to", ""), about,
                     value_or (record, "action", ""));
  else
    append_people (out, record, recipients);
  if (reply != NULL)
    output_append_wrapped (out, reply, INDENT);
  append_refusals (out, record);
}

/* What the object has besides, where the log has it. */
static const struct
{
  const char *key;
  const char *name; /* of the member */
  bool number;
} members[] = {
  { "id", "id", false },         { "account", "account", false },
  { "host", "host", false },     { "port", "port", true },
  { "tls", "tls", false },       { "auth", "auth", false },
  { "from", "sender", false },   { "recipients", "tried", true },
  { "relayed", "relayed", true }, { "size", "size", true },
  { "attempt", "attempt", true }, { "fate", "fate", false },
  { "reply", "reply", false },   { "about", "about", false },
  { "action", "action", false },
};

static void
append_text (GString *out, const char *key, const char *value)
{
  if (value != NULL)
    json_string (out, key, value);
  else
    json_null (out, key);
}

static void
append_json_refusals (GString *out, const LogRecord *record)
{
  Refusal refusal;

  json_open (out, "failures", '[');
  for (guint at = 0; next_refusal (record, &at, &refusal);)
    {
      json_open (out, NULL, '{');
      append_text (out, "address", refusal.rcpt);
      append_text (out, "stage", refusal.stage);
      append_text (out, "fate", refusal.status);
      json_boolean (out, "ambiguous", refusal.ambiguous);
      json_string (out, "text", refusal.text);
      json_close (out, '}');
    }
  json_close (out, ']');
}

void
log_show_json (GString *out, const LogRecord *record,
               const GPtrArray *recipients)
{
  double seconds
      = g_ascii_strtod (value_or (record, "seconds", "-1"), NULL);

  json_open (out, NULL, '{');
  json_integer (out, "time", record->time);
  json_string (out, "program", record->program);
  for (size_t i = 0; i < G_N_ELEMENTS (members); i++)
    {
      const char *value = log_record_value (record, members[i].key);

      if (value != NULL && members[i].number)
        json_integer (out, members[i].name,
                      number_of (record, members[i].key));
      else if (value != NULL)
        json_string (out, members[i].name, value);
    }
  if (seconds >= 0 && seconds < 1e9)
    json_integer (out, "milliseconds", (int64_t) (seconds * 1000 + 0.5));
  json_open (out, "recipients", '[');
  for (guint i = 0; i < recipients->len; i++)
    json_string (out, NULL, recipients->pdata[i]);
  json_close (out, ']');
  append_json_refusals (out, record);
  json_close (out, '}');
  g_string_append_c (out, '\n');
}
