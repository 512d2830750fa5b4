/* Any octets as a line of the log, and what is shown of it. */

#include "tests/fuzz/fuzz.h"

#include <string.h>

#include <glib.h>

#include "cli/log-record.h"
#include "cli/log-show.h"

#define NOW 1795271525

/* No octet of it makes a terminal do anything, and no value is longer than it all. */
static void
check_output (const GString *shown, size_t size)
{
  g_auto (GStrv) lines = NULL;

  g_assert (g_utf8_validate (shown->str, (gssize) shown->len, NULL));
  g_assert (shown->len > 0 && shown->str[shown->len - 1] == '\n');
  lines = g_strsplit (shown->str, "\n", -1);
  for (char **line = lines; *line != NULL; line++)
    check_shown (*line, shown->len);
  g_assert (shown->len < 20 * (size + 100));
}

static void
look_at (const LogRecord *record, size_t size)
{
  g_autoptr (GPtrArray) recipients = g_ptr_array_new ();
  g_autoptr (GString) text = g_string_new (NULL);
  g_autoptr (GString) json = g_string_new (NULL);

  g_assert (record->values->len > 0);
  for (guint i = 0; i < record->values->len; i++)
    {
      const LogValue *value = &g_array_index (record->values, LogValue, i);

      g_assert (log_record_value (record, value->key) != NULL);
      if (strcmp (value->key, "to") == 0)
        g_ptr_array_add (recipients, value->value);
    }
  log_show_text (text, record, recipients);
  check_output (text, size);
  log_show_json (json, record, recipients);
  check_output (json, size);
  g_assert (strchr (json->str, '\n') == json->str + json->len - 1);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  static const char date[] = "1795271525.1 a[1]: ";
  g_autofree char *line = g_malloc (size + sizeof date);
  g_autoptr (LogRecord) any = log_record_parse ((const char *) data, size, NOW, 0);
  g_autoptr (LogRecord) dated = NULL;

  memcpy (line, date, strlen (date));
  if (size > 0)
    memcpy (line + strlen (date), data, size);
  dated = log_record_parse (line, size + strlen (date), NOW, 0);
  if (any != NULL)
    look_at (any, size);
  if (dated != NULL)
    look_at (dated, size);
  return 0;
}
