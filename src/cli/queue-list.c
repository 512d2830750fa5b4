#include "cli/queue-list.h"

#include <string.h>

#include <glib/gi18n.h>

#include "account/credential.h"
#include "base/text.h"
#include "cli/json.h"
#include "cli/output.h"
#include "cli/words.h"

#define INDENT 4
#define SIZE_COLUMNS 9
#define REASON_MAXIMUM 400   /* octets; the whole of it is in `queue show' */

static const Word states[] = {
  { "waiting", NC_ ("message", "waiting") },
  { "sending", NC_ ("message", "sending") },
  { "held", NC_ ("message", "held") },
  { "damaged", NC_ ("message", "damaged") },
  { NULL, NULL },
};

const char *
list_state (State state)
{
  return words_find (states, "message", state_name (state));
}

char *
list_next_try (const Sight *sight)
{
  int64_t minutes;

  if (sight->state != STATE_WAITING)
    return NULL;
  if (sight->backoff->paused)
    {
      g_autofree char *advice
          = credential_advice_for (sight->accounts, sight->entry->account);

      return g_strdup_printf (_ ("account %s is paused: %s"),
                              sight->entry->account, advice);
    }
  if (sight->next <= sight->now)
    return g_strdup (_ ("to be tried now"));
  minutes = (sight->next - sight->now + 59) / 60;
  return g_strdup_printf (ngettext ("next try in %u minute",
                                    "next try in %u minutes",
                                    (unsigned) minutes),
                          (unsigned) minutes);
}

/* Identifier, state, size, arrival, account. */
static void
append_head (GString *out, const Sight *sight)
{
  const Entry *entry = sight->entry;
  g_autofree char *size = NULL;
  g_autofree char *arrival = NULL;

  g_string_append_printf (out, "%s  ", sight->id);
  if (entry == NULL)
    {
      g_string_append_printf (out, "%s\n", list_state (sight->state));
      return;
    }
  size = g_format_size (content_size (&entry->content));
  arrival = output_time (entry->arrival);
  output_append_padded (out, list_state (sight->state), words_width (states, "message"), false);
  g_string_append (out, "  ");
  output_append_padded (out, size, SIZE_COLUMNS, true);
  g_string_append_printf (out, "  %s%s", arrival,
                          entry->account[0] == '\0' ? "" : "  ");
  output_append_text (out, entry->account);
  g_string_append_c (out, '\n');
}

/* Those who do not have it yet. */
static void
append_people (GString *out, const Sight *sight)
{
  const Envelope *envelope = sight->entry->envelope;
  g_autoptr (GPtrArray) open = g_ptr_array_new ();

  for (size_t i = 0; i < envelope->forward_paths->len; i++)
    if (sight_is_open (sight, i))
      g_ptr_array_add (open, envelope->forward_paths->pdata[i]);
  output_append_people (out, envelope->reverse_path, open, INDENT);
}

static void
append_block (GString *out, const Sight *sight)
{
  g_autofree char *reason = sight_reason (sight);
  g_autofree char *next = list_next_try (sight);

  append_head (out, sight);
  if (sight->entry != NULL)
    append_people (out, sight);
  if (reason != NULL)
    {
      g_autofree char *line =
          text_printable (reason, strlen (reason), REASON_MAXIMUM);

      output_append_wrapped (out, line, INDENT);
    }
  if (next != NULL)
    output_append_wrapped (out, next, INDENT);
}

static void
append_recipient (GString *out, const char *address, const Status *status,
                  bool told)
{
  g_autofree char *enhanced =
      status != NULL ? enhanced_code_to_string (status->enhanced) : NULL;

  json_open (out, NULL, '{');
  json_string (out, "address", address);
  json_string (out, "fate",
               status == NULL ? "waiting" : fate_name (status->fate));
  if (status != NULL)
    {
      json_string (out, "stage", stage_name (status->stage));
      if (status->code != 0)
        json_integer (out, "code", status->code);
      if (enhanced[0] != '\0')
        json_string (out, "enhanced", enhanced);
      json_string (out, "text", status->text);
      json_boolean (out, "ambiguous", status->ambiguous);
      json_boolean (out, "told", told);
    }
  json_close (out, '}');
}

static void
append_recipients (GString *out, const Entry *entry)
{
  json_open (out, "recipients", '[');
  for (size_t i = 0; i < entry->statuses->len; i++)
    append_recipient (out, entry->envelope->forward_paths->pdata[i],
                      entry->statuses->pdata[i],
                      g_array_index (entry->told, bool, i));
  json_close (out, ']');
}

static void
append_time (GString *out, const char *key, int64_t time)
{
  if (time == 0)
    json_null (out, key);
  else
    json_integer (out, key, time);
}

/* What changes from attempt to attempt. */
static void
append_history (GString *out, const Sight *sight)
{
  const Entry *entry = sight->entry;
  bool waits = sight->state == STATE_WAITING && !sight->backoff->paused;

  json_integer (out, "attempts", entry->attempts);
  append_time (out, "last_attempt", entry->last_attempt);
  append_time (out, "next_attempt", waits ? MAX (sight->next, sight->now) : 0);
  json_boolean (out, "account_paused", sight->backoff->paused);
  json_boolean (out, "ambiguous", entry_is_ambiguous (entry));
  json_boolean (out, "warned", entry->warned);
  append_time (out, "held_since", entry->held ? entry->held_since : 0);
}

static void
append_entry (GString *out, const Entry *entry)
{
  const Envelope *envelope = entry->envelope;

  json_integer (out, "size", (int64_t) content_size (&entry->content));
  json_integer (out, "arrival", entry->arrival);
  json_string (out, "account", entry->account);
  json_string (out, "sender", envelope->reverse_path);
  json_string (out, "notify", envelope->notify);
  json_string (out, "return", envelope->ret);
  json_string (out, "envelope_id", envelope->envid);
  json_boolean (out, "notification", entry->notification);
}

void
list_append_json (GString *out, const Sight *sight)
{
  g_autofree char *reason = sight_reason (sight);

  json_open (out, NULL, '{');
  json_string (out, "id", sight->id);
  json_string (out, "state", state_name (sight->state));
  json_string (out, "file", sight->path);
  if (reason != NULL)
    json_string (out, "reason", reason);
  else
    json_null (out, "reason");
  if (sight->entry != NULL)
    {
      append_entry (out, sight->entry);
      append_history (out, sight);
      append_recipients (out, sight->entry);
    }
  json_close (out, '}');
  g_string_append_c (out, '\n');
}

/* What a person can do about it, where it is not obvious. */
static void
append_advice (GString *out, Queue *queue, const unsigned *count)
{
  bool lonely = count[STATE_WAITING] > 0 && !queue_has_runner (queue);

  if (count[STATE_HELD] > 0 || lonely)
    g_string_append_c (out, '\n');
  if (count[STATE_HELD] > 0)
    output_append_wrapped (
        out,
        _ ("A held message is not sent by itself: `postrider queue release "
           "ID' "
           "sends it, `postrider queue remove ID' removes it."),
        0);
  if (lonely)
    output_append_wrapped (out,
                           _ ("Nobody is sending what waits: start `postrider "
                              "run'."),
                           0);
}

bool
list_print (Queue *queue, const Accounts *accounts, const GPtrArray *places,
            ListForm form)
{
  g_autoptr (Survey) survey = survey_new (queue, accounts);
  g_autoptr (GString) out = g_string_new (NULL);
  unsigned count[N_STATES] = { 0 }, all = 0;

  for (size_t i = 0; i < places->len; i++)
    {
      g_autoptr (Sight) sight = survey_look (survey, places->pdata[i]);

      if (sight == NULL)
        continue;
      count[sight->state]++;
      all++;
      g_string_truncate (out, 0);
      if (form == LIST_JSON)
        list_append_json (out, sight);
      else
        append_block (out, sight);
      if (!output_write_string (out))
        return false;
    }
  if (form == LIST_JSON)
    return true;
  g_string_truncate (out, 0);
  if (all == 0)
    g_string_append (out, _ ("The queue is empty.\n"));
  else
    append_advice (out, queue, count);
  return output_write_string (out);
}
