#include "cli/survey.h"

#include <string.h>

#include <glib/gi18n.h>

static void
place_clear (Place *place)
{
  g_free (place->id);
}

static int
compare_places (const void *a, const void *b)
{
  const Place *first = a, *second = b;
  int order = strcmp (first->id, second->id);

  return order != 0 ? order : (int) first->room - (int) second->room;
}

static bool
append_room (GArray *places, Queue *queue, Room room, GError **error)
{
  g_autoptr (GPtrArray) ids = queue_list (queue, room, error);

  if (ids == NULL)
    return false;
  /* They are handed over, not copied. */
  g_ptr_array_set_free_func (ids, NULL);
  for (size_t i = 0; i < ids->len; i++)
    {
      Place place = { room, ids->pdata[i] };

      g_array_append_val (places, place);
    }
  return true;
}

/* In the order in which a message moves: one that does so meanwhile is met
   twice rather than never, and looked at where it still is. */
GArray *
survey_places (Queue *queue, GError **error)
{
  g_autoptr (GArray) places = g_array_new (FALSE, FALSE, sizeof (Place));

  g_array_set_clear_func (places, (GDestroyNotify) place_clear);
  for (int room = 0; room < N_ROOMS; room++)
    if (!append_room (places, queue, (Room) room, error))
      return NULL;
  g_array_sort (places, compare_places);
  return g_steal_pointer (&places);
}

/* Where PLACE, the first found, is the only message with TEXT in front. Rooms
   of one message stand together; it is in the last of them, if it moved. */
static const Place *
only_one (const GArray *places, size_t first, const char *prefix)
{
  const Place *found = &g_array_index (places, Place, first);

  for (size_t i = first + 1; i < places->len; i++)
    {
      const Place *place = &g_array_index (places, Place, i);

      if (!g_str_has_prefix (place->id, prefix))
        break;
      if (strcmp (place->id, found->id) != 0)
        return NULL;
      found = place;
    }
  return found;
}

const Place *
survey_find (const GArray *places, const char *text, GError **error)
{
  g_autofree char *prefix = g_ascii_strup (text, -1);
  const Place *found = NULL;

  for (size_t i = 0; found == NULL && i < places->len && text[0] != '\0'; i++)
    {
      if (!g_str_has_prefix (g_array_index (places, Place, i).id, prefix))
        continue;
      found = only_one (places, i, prefix);
      if (found != NULL)
        return found;
      g_set_error (error, FAILURE, FAILURE_USAGE,
                   _ ("several messages begin with %s; write more of it"),
                   text);
      return NULL;
    }
  g_set_error (error, FAILURE, FAILURE_NO_INPUT,
               _ ("there is no message %s; see `postrider queue list'"), text);
  return NULL;
}

struct Survey
{
  Queue *queue;
  const Accounts *accounts;
  GHashTable *backoffs; /* of Backoff, by the account's name */
};

Survey *
survey_new (Queue *queue, const Accounts *accounts)
{
  Survey *survey = g_new0 (Survey, 1);

  survey->queue = queue;
  survey->accounts = accounts;
  survey->backoffs = g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
                                            (GDestroyNotify) backoff_free);
  return survey;
}

void
survey_free (Survey *survey)
{
  if (survey == NULL)
    return;
  g_hash_table_unref (survey->backoffs);
  g_free (survey);
}

static const Backoff *
backoff_of (Survey *survey, const char *account)
{
  Backoff *backoff = g_hash_table_lookup (survey->backoffs, account);

  if (backoff != NULL)
    return backoff;
  backoff = backoff_read (survey->queue, account);
  g_hash_table_insert (survey->backoffs, g_strdup (account), backoff);
  return backoff;
}

/* An account that failed keeps its messages as well, unless somebody asked. */
static int64_t
next_try (const Sight *sight)
{
  const Entry *entry = sight->entry;
  int64_t own = entry_due (entry, sight->now);
  int64_t account =
      entry->retry ? 0
                   : backoff_due (sight->backoff, entry->account, sight->now);

  return MAX (own, account);
}

static void
note_entry (Survey *survey, Sight *sight)
{
  const Entry *entry = sight->entry;

  sight->backoff = backoff_of (survey, entry->account);
  if (entry->held)
    sight->state = STATE_HELD;
  else if (queue_is_busy (survey->queue, entry))
    sight->state = STATE_SENDING;
  else
    sight->state = STATE_WAITING;
  sight->next = next_try (sight);
}

Sight *
survey_look (Survey *survey, const Place *place)
{
  g_autoptr (Sight) sight = g_new0 (Sight, 1);
  g_autoptr (GError) error = NULL;

  sight->id = place->id;
  sight->accounts = survey->accounts;
  sight->now = g_get_real_time () / G_USEC_PER_SEC;
  sight->path = g_build_filename (queue_room_path (survey->queue, place->room),
                                  place->id, NULL);
  sight->state = STATE_DAMAGED;
  if (place->room == ROOM_CORRUPT)
    {
      sight->damage = g_strdup_printf (
          _ ("%s is no message any more; see what can be saved of it, then "
             "remove it"),
          sight->path);
      return g_steal_pointer (&sight);
    }
  sight->entry = queue_view (survey->queue, place->room, place->id, &error);
  if (sight->entry != NULL)
    note_entry (survey, sight);
  else if (error != NULL)
    sight->damage = g_strdup (error->message);
  else
    return NULL;
  return g_steal_pointer (&sight);
}

void
sight_free (Sight *sight)
{
  if (sight == NULL)
    return;
  entry_free (sight->entry);
  g_free (sight->damage);
  g_free (sight->path);
  g_free (sight);
}

const char *
state_name (State state)
{
  static const char *const names[N_STATES] = {
    [STATE_WAITING] = "waiting",
    [STATE_SENDING] = "sending",
    [STATE_HELD] = "held",
    [STATE_DAMAGED] = "damaged",
  };

  return names[state];
}

bool
sight_is_open (const Sight *sight, size_t index)
{
  const Status *status = sight->entry->statuses->pdata[index];

  if (status == NULL || status->fate == FATE_DELAYED)
    return true;
  return sight->state == STATE_HELD && status->fate != FATE_RELAYED;
}

static const Status *
last_delay (const Entry *entry)
{
  for (size_t i = 0; i < entry->statuses->len; i++)
    {
      const Status *status = entry->statuses->pdata[i];

      if (status != NULL && status->fate == FATE_DELAYED)
        return status;
    }
  return NULL;
}

char *
sight_reason (const Sight *sight)
{
  const Entry *entry = sight->entry;
  const Status *delay;

  if (entry == NULL)
    return g_strdup (sight->damage);
  if (entry->held)
    return g_strdup (entry->reason[0] != '\0' ? entry->reason
                                              : _ ("its caller took it back"));
  if (entry->end_of_data_sent && sight->state != STATE_SENDING)
    return g_strdup (
        _ ("the last attempt broke off when the whole message was "
           "sent: the relay may have it"));
  delay = last_delay (entry);
  if (delay != NULL)
    return status_words (delay);
  return sight->backoff->reason[0] != '\0' ? g_strdup (sight->backoff->reason)
                                           : NULL;
}
