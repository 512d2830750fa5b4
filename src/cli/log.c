#include "cli/log.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include <glib/gi18n.h>

#include "account/account.h"
#include "base/failure.h"
#include "base/text.h"
#include "base/user.h"
#include "cli/log-record.h"
#include "cli/log-show.h"
#include "cli/log-source.h"
#include "cli/options.h"
#include "cli/output.h"
#include "submit/report.h"

/* What is kept in memory of a log of any length. */
#define IDS_MAXIMUM 65536
#define PENDING_MAXIMUM 64
#define PEOPLE_MAXIMUM 10000

typedef struct
{
  GPtrArray *wanted; /* identifiers and addresses, as they were written */
  const char *accounts_file;
  int64_t since;
  bool json;
  bool help;

  int64_t now;
  GHashTable *ids;     /* of the messages that are shown */
  GHashTable *pending; /* identifier -> recipients that came before the line with
                          all else */
  GString *out;
  bool shown;
} Request;

/* "2d", "12h", "30m". */
static bool
read_span (const char *text, int64_t *seconds)
{
  static const struct
  {
    int seconds;
    char unit;
  } units[] = { { 60, 'm' }, { 60 * 60, 'h' }, { 24 * 60 * 60, 'd' } };
  size_t digits = strspn (text, "0123456789");

  if (digits == 0 || digits > 6 || text[digits] == '\0'
      || text[digits + 1] != '\0')
    return false;
  for (size_t i = 0; i < G_N_ELEMENTS (units); i++)
    if (units[i].unit == text[digits])
      {
        *seconds = g_ascii_strtoll (text, NULL, 10) * units[i].seconds;
        return true;
      }
  return false;
}

/* "2026-11-21", "2026-11-21 14:30", by the clock of the user. */
static bool
read_moment (const char *text, int64_t *time)
{
  static const char complete[] = "2000-01-01T00:00:00";
  g_autofree char *whole
      = g_strconcat (text, complete + MIN (strlen (text), strlen (complete)),
                     NULL);
  g_autoptr (GTimeZone) local = g_time_zone_new_local ();
  g_autoptr (GDateTime) date = NULL;

  if (strlen (text) != strlen ("2026-11-21")
      && (strlen (text) != strlen ("2026-11-21 14:30")
          || strchr ("T ", text[strlen ("2026-11-21")]) == NULL))
    return false;
  whole[strlen ("2026-11-21")] = 'T';
  date = g_date_time_new_from_iso8601 (whole, local);
  if (date == NULL)
    return false;
  *time = g_date_time_to_unix (date);
  return true;
}

static bool
take_since (void *target, const char *argument, GError **error)
{
  Request *request = target;
  g_autofree char *told = text_printable (argument, strlen (argument), 100);
  int64_t span;

  if (read_span (argument, &span))
    request->since = request->now - span;
  else if (!read_moment (argument, &request->since))
    {
      g_set_error (error, FAILURE, FAILURE_USAGE,
                   _ ("%s is no time: write it as 2d, 12h, 30m, 2026-11-21, "
                      "or `2026-11-21 14:30'"),
                   told);
      return false;
    }
  return true;
}

static const Option options[] = {
  { 0, "json", ARGUMENT_NONE, OPTION_SETS (Request, json),
    .help = N_ ("a JSON object on each line") },
  { 0, "since", ARGUMENT_REQUIRED, take_since, N_ ("TIME"),
    .help = N_ ("what is not older: 2d, 12h, 30m, 2026-11-21, or "
                "\"2026-11-21 14:30\"") },
  { 'C', "accounts-file", ARGUMENT_REQUIRED, NULL, N_ ("FILE"),
    OPTION_KEEPS (Request, accounts_file),
    .help = N_ ("read this accounts file and no other") },
  { 0, "help", ARGUMENT_NONE, OPTION_SETS (Request, help),
    .help = N_ ("show this help") },
  { 0 },
};

static void
print_help (void)
{
  g_autofree char *text = options_help (options);

  output_help (
      _ ("Usage: postrider log [OPTION]... [ID | ADDRESS]...\n"
         "Shows what was sent when, and what the relay said, the newest last: "
         "of all messages, or of those that are named by the beginning of an "
         "ID, by a sender, by a recipient, or by @DOMAIN.\n\n%s"),
      text);
}

static bool
is_hexadecimal (const char *text)
{
  return text[strspn (text, "0123456789abcdefABCDEF")] == '\0';
}

static bool
check_wanted (const char *text, GError **error)
{
  g_autofree char *told = NULL;

  if (text[0] != '\0' && (strchr (text, '@') != NULL || is_hexadecimal (text)))
    return true;
  told = text_printable (text, strlen (text), 200);
  g_set_error (error, FAILURE, FAILURE_USAGE,
               _ ("%s is neither the ID of a message nor an address"), told);
  return false;
}

static bool
parse (int argc, char **argv, Request *request, GError **error)
{
  if (!options_parse_anywhere (options, argc, argv, request, request->wanted,
                               SIZE_MAX, error))
    return false;
  for (guint i = 0; i < request->wanted->len; i++)
    if (!check_wanted (request->wanted->pdata[i], error))
      return false;
  return true;
}

/* WANTED is an address, or "@DOMAIN". */
static bool
is_address (const char *wanted, const char *address)
{
  size_t length = strlen (address);
  size_t tail = wanted[0] == '@' ? strlen (wanted) : length;

  return tail <= length
         && g_ascii_strcasecmp (address + length - tail, wanted) == 0;
}

static bool
names (const char *wanted, const LogValue *value)
{
  static const char *const ids[] = { "id", "about", NULL };
  static const char *const addresses[] = { "from", "to", "rcpt", NULL };

  if (strchr (wanted, '@') != NULL)
    return g_strv_contains (addresses, value->key)
           && is_address (wanted, value->value);
  return g_strv_contains (ids, value->key)
         && g_ascii_strncasecmp (value->value, wanted, strlen (wanted)) == 0;
}

static bool
is_wanted (const Request *request, const LogRecord *record, const char *id)
{
  if (request->wanted->len == 0)
    return true;
  if (id != NULL && g_hash_table_contains (request->ids, id))
    return true;
  for (guint i = 0; i < request->wanted->len; i++)
    for (guint j = 0; j < record->values->len; j++)
      if (names (request->wanted->pdata[i],
                 &g_array_index (record->values, LogValue, j)))
        return true;
  return false;
}

/* What follows about this message is wanted as well. */
static void
remember (Request *request, const char *id)
{
  if (g_hash_table_size (request->ids) >= IDS_MAXIMUM)
    g_hash_table_remove_all (request->ids);
  (void) g_hash_table_add (request->ids, g_strdup (id));
}

static void
add_recipients (GPtrArray *recipients, const LogRecord *record)
{
  for (guint i = 0; i < record->values->len; i++)
    {
      const LogValue *value = &g_array_index (record->values, LogValue, i);

      if (strcmp (value->key, "to") == 0 && recipients->len < PEOPLE_MAXIMUM)
        g_ptr_array_add (recipients, g_strdup (value->value));
    }
}

/* Those that have come so far. The caller owns it. */
static GPtrArray *
take_recipients (Request *request, const char *id)
{
  gpointer key = NULL, recipients = NULL;

  if (id == NULL
      || !g_hash_table_steal_extended (request->pending, id, &key,
                                       &recipients))
    return g_ptr_array_new_with_free_func (g_free);
  g_free (key);
  return recipients;
}

/* Of many recipients the first ones are shown: let those be the ones that were asked
   for. */
static void
put_wanted_first (const Request *request, GPtrArray *recipients)
{
  guint first = 0;

  for (guint i = 0; i < recipients->len; i++)
    for (guint j = 0; j < request->wanted->len; j++)
      if (is_address (request->wanted->pdata[j], recipients->pdata[i]))
        {
          gpointer one = recipients->pdata[i];

          recipients->pdata[i] = recipients->pdata[first];
          recipients->pdata[first++] = one;
          break;
        }
}

/* More recipients than one line has room for: they come before it. */
static bool
is_beginning (const LogRecord *record)
{
  return log_record_value (record, "to") != NULL
         && log_record_value (record, "fate") == NULL
         && log_record_value (record, "text") == NULL;
}

static void
keep_recipients (Request *request, const char *id, GPtrArray *recipients)
{
  if (g_hash_table_size (request->pending) >= PENDING_MAXIMUM)
    g_hash_table_remove_all (request->pending);
  (void) g_hash_table_replace (request->pending, g_strdup (id), recipients);
}

static bool
take_line (void *data, const char *line, size_t length)
{
  Request *request = data;
  g_autoptr (LogRecord) record
      = log_record_parse (line, length, request->now, request->since);
  g_autoptr (GPtrArray) recipients = NULL;
  const char *id;
  bool wanted;

  if (record == NULL)
    return true;
  id = log_record_value (record, "id");
  wanted = is_wanted (request, record, id);
  if (wanted && id != NULL && request->wanted->len > 0)
    remember (request, id);
  recipients = take_recipients (request, id);
  add_recipients (recipients, record);
  if (id != NULL && is_beginning (record))
    {
      keep_recipients (request, id, g_steal_pointer (&recipients));
      return true;
    }
  if (!wanted)
    return true;
  g_string_truncate (request->out, 0);
  if (request->json)
    log_show_json (request->out, record, recipients);
  else
    {
      put_wanted_first (request, recipients);
      log_show_text (request->out, record, recipients);
    }
  request->shown = true;
  return output_write_string (request->out);
}

/* Nothing of what was asked for is a failure; an empty log is none. */
static bool
check_shown (const Request *request, GError **error)
{
  if (request->shown)
    return true;
  if (request->wanted->len > 0)
    {
      g_set_error_literal (error, FAILURE, FAILURE_NO_INPUT,
                           _ ("the log has nothing of that"));
      return false;
    }
  if (!request->json)
    printf ("%s", request->since > 0
                      ? _ ("The log has nothing since then.\n")
                      : _ ("The log is empty.\n"));
  return true;
}

static int
run (Request *request)
{
  g_autofree char *home = user_home ();
  g_autoptr (GError) error = NULL;
  g_autoptr (Accounts) accounts
      = accounts_load (request->accounts_file, home, &error);

  if (accounts == NULL
      || !log_source_read (accounts->general.log, request->since, take_line,
                           request, &error)
      || !check_shown (request, &error) || !output_finish (&error))
    return report_error (error);
  return EX_OK;
}

int
log_main (int argc, char **argv)
{
  g_autoptr (GPtrArray) wanted = g_ptr_array_new ();
  g_autoptr (GHashTable) ids
      = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr (GHashTable) pending
      = g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
                               (GDestroyNotify) g_ptr_array_unref);
  g_autoptr (GString) out = g_string_new (NULL);
  Request request = { .wanted = wanted,
                      .now = g_get_real_time () / G_USEC_PER_SEC,
                      .ids = ids,
                      .pending = pending,
                      .out = out };
  g_autoptr (GError) error = NULL;

  if (!parse (argc, argv, &request, &error))
    return report_error (error);
  if (request.help)
    {
      print_help ();
      return EX_OK;
    }
  return run (&request);
}
