#include "cli/queue-change.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <syslog.h>

#include <glib/gi18n.h>

#include "account/credential.h"
#include "base/log.h"
#include "base/text.h"
#include "cli/output.h"
#include "queue/backoff.h"
#include "submit/report.h"
#include "submit/runner.h"

/* Microseconds: how long somebody at work on a message is waited for, and how
   often it is looked at. */
#define PATIENCE (5 * G_USEC_PER_SEC)
#define INTERVAL (G_USEC_PER_SEC / 20)

typedef struct
{
  const ChangeParams *params;
  GHashTable *seen; /* accounts that were mended, or warned of */
  unsigned changed;
  int status;
} Change;

typedef bool (*Step) (Change *change, const Place *place, GError **error);

static void
note_status (Change *change, int status)
{
  if (change->status == EX_OK)
    change->status = status;
}

static void
note_error (Change *change, const GError *error)
{
  note_status (change, report_error (error));
}

/* The line for who asked. LINE becomes ours. */
static bool
say (char *line)
{
  g_autofree char *owned = line;

  return output_write (owned, strlen (owned)) && output_write ("\n", 1);
}

/* For the record, what was DONE, and for who asked. LINE becomes ours. */
static bool
note_done (Change *change, const Entry *entry, const char *fate,
           const char *done, char *line)
{
  log_line (LOG_NOTICE,
            "id=%s account=%s from=<%s> fate=%s text=\"%s by a person\"",
            entry->id, entry->account, entry->envelope->reverse_path, fate,
            done);
  change->changed++;
  return say (line);
}

static bool
is_at_work (Queue *queue, Room room, const char *id)
{
  g_autoptr (Entry) view = queue_view (queue, room, id, NULL);

  return view != NULL && queue_is_busy (queue, view);
}

/* Locks ROOM/ID, for whose owner it waits a while. NULL with no error: it is
   gone from there. Its owner is not met while it is looked at only. */
static Entry *
lock_room (Queue *queue, Room room, const char *id, GError **error)
{
  int64_t end = g_get_monotonic_time () + PATIENCE;
  bool busy;
  Entry *entry;

  for (;;)
    {
      while (is_at_work (queue, room, id) && g_get_monotonic_time () < end)
        g_usleep (INTERVAL);
      entry = queue_lock (queue, room, id, &busy, error);
      if (!busy)
        return entry;
      if (g_get_monotonic_time () >= end)
        break;
    }
  g_set_error (
      error, FAILURE, FAILURE_TEMPORARY,
      _ ("%s is being sent right now: it is too late, and nothing was "
         "changed"),
      id);
  return NULL;
}

/* Locks what PLACE is about, wherever it has got to. */
static Entry *
lock_place (Change *change, const Place *place, GError **error)
{
  Queue *queue = change->params->queue;
  static const Room rooms[] = { ROOM_QUEUE, ROOM_HELD, ROOM_QUEUE };

  if (place->room == ROOM_CORRUPT)
    {
      g_set_error (error, FAILURE, FAILURE_DATA,
                   _ ("%s is no message any more; it can only be removed"),
                   place->id);
      return NULL;
    }
  for (size_t i = place->room == ROOM_HELD; i < G_N_ELEMENTS (rooms); i++)
    {
      g_autoptr (GError) local = NULL;
      Entry *entry = lock_room (queue, rooms[i], place->id, &local);

      if (entry != NULL)
        return entry;
      if (local == NULL)
        continue;
      g_propagate_error (error, g_steal_pointer (&local));
      return NULL;
    }
  if (!change->params->all)
    g_set_error (error, FAILURE, FAILURE_NO_INPUT,
                 _ ("%s is gone: it was sent or removed"), place->id);
  return NULL;
}

/* A person says that the account works again: once, for it may be refused anew
   while the others are still being released. */
static void
mend (Change *change, const char *account)
{
  if (account[0] == '\0'
      || !g_hash_table_add (change->seen, g_strdup (account)))
    return;
  backoff_clear (change->params->queue, account);
}

static void
warn_if_paused (Change *change, const char *account)
{
  g_autoptr (Backoff) backoff = NULL;
  g_autofree char *advice = NULL;

  if (!g_hash_table_add (change->seen, g_strdup (account)))
    return;
  backoff = backoff_read (change->params->queue, account);
  if (!backoff->paused)
    return;
  advice = credential_advice_for (change->params->accounts, account);
  text_print_line (
      stderr,
      _ ("postrider: account %s is paused, so its messages will be "
         "held: %s\n"),
      account, advice);
}

static bool
retry (Change *change, const Place *place, GError **error)
{
  int64_t now = g_get_real_time () / G_USEC_PER_SEC;
  g_autoptr (Entry) entry = NULL;

  if (is_at_work (change->params->queue, place->room, place->id))
    return say (g_strdup_printf (_ ("%s is being sent right now"), place->id));
  entry = lock_place (change, place, error);
  if (entry == NULL)
    return false;
  if (entry->held)
    {
      g_set_error (error, FAILURE, FAILURE_DATA,
                   _ ("%s is held; `postrider queue release %s' sends it"),
                   entry->id, entry->id);
      return false;
    }
  if (!entry->retry && !entry_record_retry (entry, error))
    return false;
  warn_if_paused (change, entry->account);
  return note_done (
      change, entry, "queued", "retried",
      g_strdup_printf (entry_due (entry, now) <= now
                           ? _ ("%s will be tried now")
                           : _ ("%s may be with the relay already; it will be "
                                "tried when that has had its time"),
                       entry->id));
}

static bool
hold (Change *change, const Place *place, GError **error)
{
  g_autoptr (Entry) entry = lock_place (change, place, error);

  if (entry == NULL)
    return false;
  if (!entry->held
      && !queue_hold (change->params->queue, entry,
                      _ ("held by `postrider queue hold'"), error))
    return false;
  return note_done (change, entry, "held", "held",
                    g_strdup_printf (_ ("%s is held"), entry->id));
}

static bool
release (Change *change, const Place *place, GError **error)
{
  g_autoptr (Entry) entry = lock_place (change, place, error);

  if (entry == NULL)
    return false;
  if (!entry->held)
    {
      g_set_error (error, FAILURE, FAILURE_DATA,
                   _ ("%s is not held, but waits; `postrider queue retry %s' "
                      "has it tried now"),
                   entry->id, entry->id);
      return false;
    }
  /* Before a runner can see the message: it would hold it again. */
  mend (change, entry->account);
  return queue_release (change->params->queue, entry, error)
         && note_done (change, entry, "queued", "released",
                       g_strdup_printf (_ ("%s will be sent"), entry->id));
}

/* What is no message any more. */
static bool
discard (Change *change, const char *id, GError **error)
{
  if (!queue_discard (change->params->queue, id, error))
    return false;
  log_line (LOG_NOTICE, "id=%s fate=removed text=\"removed by a person\"", id);
  return say (g_strdup_printf (_ ("%s is removed"), id));
}

static bool
remove_place (Change *change, const Place *place, GError **error)
{
  g_autoptr (GError) local = NULL;
  g_autoptr (Entry) entry = NULL;

  if (place->room == ROOM_CORRUPT)
    return discard (change, place->id, error);
  entry = lock_place (change, place, &local);
  if (g_error_matches (local, FAILURE, FAILURE_DATA))
    return discard (change, place->id, error);
  if (local != NULL)
    g_propagate_error (error, g_steal_pointer (&local));
  return entry != NULL && queue_remove (change->params->queue, entry, error)
         && note_done (change, entry, "removed", "removed",
                       g_strdup_printf (_ ("%s is removed"), entry->id));
}

/* Somebody takes care of what is to be sent now. */
static void
launch (Change *change)
{
  const ChangeParams *params = change->params;

  if (change->changed == 0 || params->accounts == NULL)
    return;
  runner_launch (params->queue, &params->accounts->general,
                 params->accounts_file);
  if (!params->accounts->general.start_runner
      && !queue_has_runner (params->queue))
    (void) fprintf (stderr, _ ("postrider: nobody is sending the queue, and "
                        "`start-runner = no' starts nobody: start "
                        "`postrider run'\n"));
}

static int
for_each (const ChangeParams *params, const GPtrArray *places, Step step,
          bool sends)
{
  g_autoptr (GHashTable) seen =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  Change change = { .params = params, .seen = seen };

  for (size_t i = 0; i < places->len; i++)
    {
      g_autoptr (GError) error = NULL;

      if (!step (&change, places->pdata[i], &error) && error != NULL)
        note_error (&change, error);
    }
  if (sends)
    launch (&change);
  return change.status;
}

int
change_retry (const ChangeParams *params, const GPtrArray *places)
{
  return for_each (params, places, retry, true);
}

int
change_hold (const ChangeParams *params, const GPtrArray *places)
{
  return for_each (params, places, hold, false);
}

int
change_release (const ChangeParams *params, const GPtrArray *places)
{
  return for_each (params, places, release, true);
}

int
change_remove (const ChangeParams *params, const GPtrArray *places)
{
  return for_each (params, places, remove_place, false);
}

static bool
is_held_for (const Entry *entry, const char *account)
{
  if (strcmp (entry->account, account) != 0)
    return false;
  for (size_t i = 0; i < entry->statuses->len; i++)
    {
      const Status *status = entry->statuses->pdata[i];

      if (status != NULL && status->fate == FATE_HELD
          && status->scope == SCOPE_ACCOUNT)
        return true;
    }
  return false;
}

GPtrArray *
change_held_for (Queue *queue, const GArray *places, const char *account)
{
  GPtrArray *held = g_ptr_array_new ();

  for (size_t i = 0; i < places->len; i++)
    {
      Place *place = &g_array_index (places, Place, i);
      g_autoptr (Entry) view =
          place->room == ROOM_HELD
              ? queue_view (queue, ROOM_HELD, place->id, NULL)
              : NULL;

      if (view != NULL && is_held_for (view, account))
        g_ptr_array_add (held, place);
    }
  return held;
}

void
change_print_held (const char *account, unsigned count)
{
  text_print_line (
      stdout,
      ngettext ("%u message is held because of this account; `postrider "
                "queue release --account %s' sends it.\n",
                "%u messages are held because of this account; `postrider "
                "queue release --account %s' sends them.\n",
                count),
      count, account);
}
