#include "submit/turn.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <syslog.h>
#include <unistd.h>

#include <glib/gi18n.h>

#include "base/failure.h"
#include "base/log.h"
#include "submit/apart.h"
#include "submit/confine.h"
#include "submit/errand.h"
#include "submit/notify.h"
#include "submit/recipients.h"
#include "submit/report.h"
#include "submit/signals.h"

#define ID_MAXIMUM 64 /* octets */

/* One message of the channel to the runner; what comes back is an identifier. */
typedef struct
{
  TurnNews news;
  int value;
} Report;

struct Turn
{
  pid_t pid;
  int channel;
};

/* In the turn's process. */
typedef struct
{
  const TurnParams *params;
  Errand errand;
  int channel; /* to the runner */
  int other;   /* its end, which is the runner's */
  Courier *courier;
  bool unheard;         /* something could not be told */
  bool asked;           /* for the message after the one at work */
  Entry *next;          /* that message, locked; NULL: there is none, or not yet */
  Status *stopped;      /* what failed for the account as such */
  unsigned held;        /* messages that are held because of it */
  unsigned undelivered; /* messages that were refused for good */
  char *first;          /* about the first of those */
} Work;

static int64_t
now (void)
{
  return g_get_real_time () / G_USEC_PER_SEC;
}

/* Who cannot be heard ends: the runner sees that. */
static void
tell (Work *work, TurnNews news, int value)
{
  Report report = { news, value };

  if (send (work->channel, &report, sizeof report, MSG_NOSIGNAL) < 0)
    work->unheard = true;
}

/* The next message; NULL: there is none for this turn. */
static char *
want (Work *work)
{
  char id[ID_MAXIMUM];
  ssize_t length;

  tell (work, TURN_WANTS, work->asked);
  if (work->unheard)
    return NULL;
  do
    length = recv (work->channel, id, sizeof id, 0);
  while (length < 0 && errno == EINTR);
  return length > 0 ? g_strndup (id, (size_t) length) : NULL;
}

static void
complain (Work *work, const GError *error)
{
  log_line (LOG_ERR, "text=\"%s\"", error->message);
  if (work->params->person)
    (void) report_error (error);
  tell (work, TURN_TROUBLE, failure_exit_status (error));
}

/* Where nothing can be recorded, nothing on disk says that it was tried. */
static void
put_aside (Work *work, const GError *error)
{
  complain (work, error);
  tell (work, TURN_ASIDE, work->asked);
}

/* NULL: it is not to be had now. */
static Entry *
lock (Work *work, const char *id)
{
  g_autoptr (GError) error = NULL;
  Entry *entry
      = queue_lock (work->params->queue, ROOM_QUEUE, id, NULL, &error);

  if (error != NULL)
    {
      complain (work, error);
      tell (work, TURN_ASIDE, 0);
    }
  return entry;
}

/* The next message; NULL: there is none for this turn. */
static Entry *
take (Work *work)
{
  Entry *entry = g_steal_pointer (&work->next);
  char *id;

  work->asked = false;
  while (entry == NULL && (id = want (work)) != NULL)
    {
      entry = lock (work, id);
      g_free (id);
    }
  return entry;
}

/* The same while one is at work. NULL: its envelope has to wait. */
static Entry *
look_ahead (void *data)
{
  Work *work = data;
  g_autofree char *id = NULL;

  if (work->asked)
    return NULL;
  work->asked = true;
  id = want (work);
  if (id != NULL)
    work->next = lock (work, id);
  if (work->next == NULL || queue_place (work->next) == SETTLED_HELD
      || entry_due (work->next, now ()) > now () || work->next->as_given)
    return NULL;
  return work->next;
}

static void
note_outcome (Work *work, const Entry *entry, const Outcome *outcome)
{
  const Status *stopped = outcome_account_status (outcome);

  if (stopped != NULL)
    work->stopped = status_copy (stopped);
  if (outcome->settled != SETTLED_HELD)
    return;
  if (stopped != NULL && stopped->fate == FATE_HELD)
    work->held++;
  else if (work->undelivered++ == 0)
    work->first = g_strdup (entry->reason);
}

/* ENTRY was held before anybody knew who it is for. False: that is still so, and it
   is held again, or could not be. */
static bool
settle_recipients (Work *work, Entry *entry)
{
  const TurnParams *params = work->params;
  g_autoptr (GError) error = NULL;
  g_autoptr (GError) why = NULL;
  g_autoptr (Envelope) envelope = recipients_settle_whole (
      entry->envelope, params->accounts, params->account, &why);

  if (envelope != NULL
      && entry_record_settled (entry, params->account->name, envelope,
                               &error))
    return true;
  if (envelope == NULL
      && queue_hold (params->queue, entry, why->message, &error))
    {
      report_log_held (entry, why->message);
      if (params->person)
        tell (work, TURN_TROUBLE, report_error (why));
      if (work->undelivered++ == 0)
        work->first = g_strdup (entry->reason);
      return false;
    }
  put_aside (work, error);
  return false;
}

static void
try_entry (Work *work, Entry *entry)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Outcome) outcome
      = errand_run (&work->errand, entry, work->courier, &error);

  /* The verdict is on record: whoever wants the turn to end may have it. */
  signals_release ();
  if (outcome == NULL)
    {
      put_aside (work, error);
      return;
    }
  if (work->params->person)
    report_person (entry, work->params->account, outcome);
  note_outcome (work, entry, outcome);
}

/* Its sender could not be told, or it could not be moved. */
static bool
is_unfinished (const Entry *entry)
{
  return queue_place (entry) == SETTLED_HELD && !entry->held;
}

static void
take_entry (Work *work, Entry *entry)
{
  g_autoptr (GError) error = NULL;

  if (queue_place (entry) == SETTLED_HELD)
    {
      if (!errand_finish (&work->errand, entry, &error))
        complain (work, error);
    }
  else if (entry_due (entry, now ()) <= now ()
           && (!entry->as_given || settle_recipients (work, entry)))
    try_entry (work, entry);
  if (is_unfinished (entry))
    tell (work, TURN_ASIDE, work->asked);
}

/* What stopped the account holds the rest as well: nobody is asked again. */
static void
hold_rest (Work *work)
{
  Entry *next;

  while ((next = take (work)) != NULL)
    {
      g_autoptr (Entry) entry = next;
      g_autoptr (GError) error = NULL;

      if (errand_hold (&work->errand, entry, work->stopped, &error))
        work->held++;
      else
        put_aside (work, error);
    }
}

static void
carry (Work *work, const Apart *apart)
{
  CourierParams params = { .trace = work->params->trace,
                           .credential = apart_credential,
                           .data = (void *) apart,
                           .next = look_ahead,
                           .next_data = work };
  Entry *entry;

  work->courier = courier_new (work->params->account, &params);
  while (work->stopped == NULL && !courier_is_spent (work->courier)
         && (entry = take (work)) != NULL)
    {
      take_entry (work, entry);
      entry_free (entry);
    }
  if (work->stopped == NULL && courier_is_spent (work->courier))
    tell (work, TURN_RENEWED, work->next != NULL);
  g_clear_pointer (&work->courier, courier_free);
}

static void
work_for_account (Work *work, const Apart *apart)
{
  const Account *account = work->params->account;

  if (work->params->paused)
    {
      g_autoptr (Backoff) backoff
          = backoff_read (work->params->queue, account->name);

      work->stopped = errand_paused (backoff, account);
    }
  else
    carry (work, apart);
  if (work->stopped != NULL && work->stopped->fate == FATE_HELD)
    hold_rest (work);
  if (work->stopped != NULL)
    errand_notify (&work->errand, work->stopped, work->held);
  if (work->undelivered > 0)
    notify_undelivered (work->errand.general, account->name,
                        work->undelivered, work->first, false);
  g_clear_pointer (&work->next, entry_free);
  status_free (work->stopped);
  g_free (work->first);
}

/* An entry that was held for want of an account has no name of any. */
const Account *
turn_account (const Accounts *accounts, const Entry *entry, GError **error)
{
  bool named = entry->account[0] != '\0';

  return accounts_choose (accounts, named ? entry->account : NULL,
                          named ? NULL : entry->envelope->reverse_path, NULL,
                          error);
}

static void
hold_homeless (Work *work)
{
  Entry *next;

  while ((next = take (work)) != NULL)
    {
      g_autoptr (Entry) entry = next;
      g_autoptr (GError) why = NULL;
      g_autoptr (GError) error = NULL;

      if (turn_account (work->params->accounts, entry, &why) != NULL)
        continue;
      if (queue_hold (work->params->queue, entry, why->message, &error))
        report_log_held (entry, why->message);
      else
        put_aside (work, error);
    }
}

static int
work_confined (const Apart *apart, void *data)
{
  Work *work = data;
  const TurnParams *params = work->params;
  g_autoptr (GError) error = NULL;

  /* Until it has something that must not be lost, it may be ended. */
  signals_release ();
  if (!confine_attempt (params->queue, &params->accounts->general,
                        params->account, params->trace != NULL, &error))
    {
      complain (work, error);
      return EX_OSERR;
    }
  if (params->account != NULL)
    work_for_account (work, apart);
  else
    hold_homeless (work);
  return work->unheard ? EX_OSERR : EX_OK;
}

/* Serves the turn with secrets, and tells what it died of. Not confined, and it hears
   nothing from afar. */
static int
supervise (Work *work)
{
  const TurnParams *params = work->params;
  g_autoptr (GError) error = NULL;
  ApartResult result;

  close (work->other);
  for (size_t i = 0; i < params->count; i++)
    close (params->strangers[i]);
  if (!apart_run (work_confined, work, params->account, false, &result,
                  &error))
    {
      complain (work, error);
      return EX_OSERR;
    }
  g_free (result.text);
  if (result.signal != 0 && !signals_noted ())
    {
      g_set_error (&error, FAILURE, FAILURE_SOFTWARE,
                   _ ("the process that spoke with the relay was ended by "
                      "signal %d"),
                   result.signal);
      complain (work, error);
    }
  return result.signal == 0 ? result.exit_status : EX_SOFTWARE;
}

static int
supervise_to_end (const Apart *unused, void *data)
{
  Work *work = data;
  int status = supervise (work);

  tell (work, TURN_OVER, 0);
  return status;
}

/* In the runner */

Turn *
turn_start (const TurnParams *params, GError **error)
{
  Work work = { .params = params,
                .errand = { .queue = params->queue,
                            .general = &params->accounts->general,
                            .account = params->account } };
  int ends[2];
  pid_t pid;
  Turn *turn;

  if (socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
    {
      failure_set_errno (error, FAILURE_OS, errno,
                         _ ("cannot start a process"));
      return NULL;
    }
  work.channel = ends[1];
  work.other = ends[0];
  pid = apart_start (supervise_to_end, &work, error);
  close (ends[1]);
  if (pid < 0)
    {
      close (ends[0]);
      return NULL;
    }
  turn = g_new (Turn, 1);
  *turn = (Turn){ pid, ends[0] };
  return turn;
}

int
turn_fd (const Turn *turn)
{
  return turn->channel;
}

TurnNews
turn_hear (Turn *turn, int *value)
{
  Report report;
  ssize_t length;

  do
    length = recv (turn->channel, &report, sizeof report, 0);
  while (length < 0 && errno == EINTR);
  if (length <= 0)
    return TURN_OVER;
  if (length != sizeof report || report.news > TURN_OVER)
    report = (Report){ TURN_TROUBLE, EX_SOFTWARE };
  *value = report.value;
  return report.news;
}

bool
turn_give (Turn *turn, const char *id)
{
  const char *octets = id != NULL ? id : "";

  if (send (turn->channel, octets, strlen (octets),
            MSG_NOSIGNAL | MSG_DONTWAIT)
      >= 0)
    return true;
  /* It waits for an answer. */
  (void) shutdown (turn->channel, SHUT_RDWR);
  return false;
}

bool
turn_end (Turn *turn)
{
  int status;

  close (turn->channel);
  status = apart_end (turn->pid);
  g_free (turn);
  return WIFEXITED (status) && WEXITSTATUS (status) == EX_OK;
}
