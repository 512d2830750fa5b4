#include "submit/tell.h"

#include <string.h>
#include <syslog.h>

#include "base/log.h"
#include "queue/retry.h"
#include "submit/dsn.h"

#define DAY (24 * 60 * 60)

typedef struct
{
  Queue *queue;
  Entry *entry;
  const TellParams *params;
  Told *told;
} Telling;

/* An account of patterns alone has no address of its own; then it speaks with
   the sender's, which the relay took as well. */
static const char *
own_address (const Telling *telling)
{
  const char *own = account_address (telling->params->account);

  return own != NULL ? own : telling->entry->envelope->reverse_path;
}

static Message *
build (const Telling *telling, DsnAction action, GError **error)
{
  const General *general = telling->params->general;
  int64_t now = g_get_real_time () / G_USEC_PER_SEC;
  DsnParams params = {
    .action = action,
    .from = own_address (telling),
    .host = telling->params->account->relay.host,
    .time = now,
    .retry_until
    = now + MAX (general->queue_lifetime - telling->entry->waited, 0),
    .keep_days = (unsigned) ((general->keep_held + DAY - 1) / DAY),
  };

  /* What is kept free on the disk is kept for this, among other things. */
  return dsn_build (telling->entry, &params, queue_spool (telling->queue, 0),
                    error);
}

/* From nobody, for the sender. A relay that has to be given an address instead
   must not answer to that (RFC 3461 section 4.1). */
static Envelope *
make_envelope (const Entry *entry)
{
  Envelope *envelope = envelope_new ();

  envelope_add (envelope, entry->envelope->reverse_path);
  (void) envelope_set_notify (envelope, "NEVER", NULL);
  return envelope;
}

static bool
send_notification (const Telling *telling, DsnAction action, GError **error)
{
  const Entry *entry = telling->entry;
  g_autoptr (Message) message = build (telling, action, error);
  g_autoptr (Envelope) envelope = make_envelope (entry);
  QueueRequest request = { .envelope = envelope,
                           .account = entry->account,
                           .notification = true };
  g_autoptr (Entry) notification = NULL;

  if (message != NULL)
    notification = queue_enter (telling->queue, message, &request, error);
  if (notification == NULL)
    return false;
  telling->told->sent = true;
  log_line (LOG_INFO, "id=%s account=%s to=<%s> about=%s action=%s fate=queued",
            notification->id, entry->account, entry->envelope->reverse_path,
            entry->id, action == DSN_FAILED ? "failed" : "delayed");
  return true;
}

static bool
has_untold_failure (const Entry *entry)
{
  for (size_t i = 0; i < entry->statuses->len; i++)
    {
      const Status *status = entry->statuses->pdata[i];

      if (status != NULL && status->fate == FATE_FAILED
          && !g_array_index (entry->told, bool, i))
        return true;
    }
  return false;
}

static bool
tell_failures (const Telling *telling, GError **error)
{
  Entry *entry = telling->entry;

  if (!has_untold_failure (entry))
    return true;
  if (!telling->params->caller_knows)
    {
      if (dsn_is_wanted (entry, DSN_FAILED)
          && !send_notification (telling, DSN_FAILED, error))
        return false;
      /* No notification of a notification (RFC 5321 section 6.1): somebody who
         was to be told something is not. Who sends from the null reverse-path,
         or with NOTIFY=NEVER, does not want to be. */
      telling->told->untold = entry->notification;
    }
  /* Only now that the notification is durable. */
  return entry_record_told (entry, error);
}

static bool
tell_delay (const Telling *telling, GError **error)
{
  const General *general = telling->params->general;
  Entry *entry = telling->entry;
  RetryPolicy policy = { general->queue_lifetime, general->delay_warning };

  if (queue_place (entry) != SETTLED_QUEUED
      || !retry_is_late (&policy, entry->waited)
      || !dsn_is_wanted (entry, DSN_DELAYED))
    return true;
  return send_notification (telling, DSN_DELAYED, error)
         && entry_record_warned (entry, error);
}

/* What needs somebody, before what the sender has been told of already. */
static const Status *
held_for (const Entry *entry)
{
  const Status *failed = NULL;

  for (size_t i = 0; i < entry->statuses->len; i++)
    {
      const Status *status = entry->statuses->pdata[i];

      if (status->fate == FATE_HELD)
        return status;
      if (status->fate == FATE_FAILED && failed == NULL)
        failed = status;
    }
  g_assert (failed != NULL);
  return failed;
}

static bool
hold (const Telling *telling, GError **error)
{
  g_autofree char *words = status_words (held_for (telling->entry));

  return queue_hold (telling->queue, telling->entry, words, error);
}

bool
tell_sender (Queue *queue, Entry *entry, const TellParams *params, Told *told,
             GError **error)
{
  Telling telling = { queue, entry, params, told };

  *told = (Told){ false, false };
  return tell_failures (&telling, error) && tell_delay (&telling, error)
         && (queue_place (entry) != SETTLED_HELD || hold (&telling, error));
}
