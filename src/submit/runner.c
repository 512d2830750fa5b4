#include "submit/runner.h"

#include <string.h>
#include <sysexits.h>
#include <syslog.h>
#include <unistd.h>

#include <glib/gi18n.h>

#include "base/deadline.h"
#include "base/log.h"
#include "queue/backoff.h"
#include "submit/errand.h"
#include "submit/launch.h"
#include "submit/notify.h"
#include "submit/recipients.h"
#include "submit/report.h"
#include "submit/signals.h"
#include "submit/wake.h"

/* Seconds. */
#define ACCOUNTS_WRONG 300        /* until the accounts file is read again */
#define CONNECTIONS_TAKEN 5       /* until a connection may be free again */
#define BUSY 60                   /* until a locked entry is looked at again */
#define TROUBLE 60                /* the same for what could not be written */
#define DAY (24 * 60 * 60)        /* between two looks at held/ */
#define DOOMED (3 * DAY)          /* from the first sighting to the end */

#define NO_ACCOUNT ""

#define TURN 100 /* messages of one account before it is another's turn */

/* What is due, by account, the oldest first. */
typedef struct
{
  char *account; /* name */
  GQueue ids;    /* of char * */
  bool asked;    /* somebody asked for one of them */
} Batch;

typedef struct
{
  Queue *queue;
  const RunnerParams *params;
  Wake *wake; /* NULL: runs once */
  Accounts *accounts;
  unsigned reasons;   /* of this pass */
  unsigned later;     /* that came up during it, for the next */
  GPtrArray *batches; /* of Batch */
  GHashTable *aside;  /* what the queue's own trouble put off (a message's or an
                         account's name), and until when, monotonic */
  int64_t next;       /* when something is due; 0: nothing waits for a time */
  int64_t swept;      /* when held/ was looked at */
  int status;
} Runner;

static int64_t
now (void)
{
  return g_get_real_time () / G_USEC_PER_SEC;
}

static void
batch_free (Batch *batch)
{
  g_queue_clear_full (&batch->ids, g_free);
  g_free (batch->account);
  g_free (batch);
}

static void
wait_until (Runner *runner, int64_t time)
{
  if (runner->next == 0 || time < runner->next)
    runner->next = time;
}

/* Where nothing can be recorded, nothing on disk says that it was tried, and having
   tried wakes us: without this it would be tried again at once, without end. */
static void
put_aside (Runner *runner, const char *name)
{
  int64_t *until = g_new (int64_t, 1);

  *until = g_get_monotonic_time () + TROUBLE * G_USEC_PER_SEC;
  g_hash_table_insert (runner->aside, g_strdup (name), until);
  wait_until (runner, now () + TROUBLE);
}

static bool
is_aside (Runner *runner, const char *name)
{
  const int64_t *until = g_hash_table_lookup (runner->aside, name);
  int64_t left;

  if (until == NULL)
    return false;
  left = *until - g_get_monotonic_time ();
  if (left > 0)
    wait_until (runner, now () + left / G_USEC_PER_SEC + 1);
  else
    g_hash_table_remove (runner->aside, name);
  return left > 0;
}

static void
complain (Runner *runner, const GError *error)
{
  log_line (LOG_ERR, "text=\"%s\"", error->message);
  if (runner->params->person)
    runner->status = report_error (error);
  else
    runner->status = failure_exit_status (error);
}

static Batch *
batch_of (Runner *runner, const char *account)
{
  Batch *batch;

  for (size_t i = 0; i < runner->batches->len; i++)
    {
      batch = runner->batches->pdata[i];
      if (strcmp (batch->account, account) == 0)
        return batch;
    }
  batch = g_new0 (Batch, 1);
  batch->account = g_strdup (account);
  g_queue_init (&batch->ids);
  g_ptr_array_add (runner->batches, batch);
  return batch;
}

/* The account that carries ENTRY; a message that was held for want of one has no
   name of any. */
static const Account *
account_of (const Runner *runner, const Entry *entry, GError **error)
{
  bool named = entry->account[0] != '\0';

  return accounts_choose (runner->accounts, named ? entry->account : NULL,
                          named ? NULL : entry->envelope->reverse_path, NULL,
                          error);
}

/* Entries without an account come together, to be held. */
static void
sort_in (Runner *runner, const char *id)
{
  g_autoptr (GError) damage = NULL;
  g_autoptr (Entry) view
      = queue_view (runner->queue, ROOM_QUEUE, id, &damage);
  const Account *account;
  Batch *batch;

  if ((view == NULL && damage == NULL) || is_aside (runner, id))
    return;
  if (runner->params->only_asked && (view == NULL || !view->retry))
    return;
  /* Who cannot lock it has opened it for writing in vain, and is woken by having
     closed it: round and round, until its owner is done. */
  if (view != NULL && queue_is_busy (runner->queue, view))
    {
      wait_until (runner, now () + BUSY);
      return;
    }
  if (view != NULL && entry_due (view, now ()) > now ())
    {
      wait_until (runner, entry_due (view, now ()));
      return;
    }
  /* What is damaged is found out once more, and set aside, under its lock. */
  account = view != NULL ? account_of (runner, view, NULL) : NULL;
  batch = batch_of (runner, account != NULL ? account->name : NO_ACCOUNT);
  batch->asked = batch->asked || (view != NULL && view->retry);
  g_queue_push_tail (&batch->ids, g_strdup (id));
}

/* Everything, where what happened may concern everything. */
static void
collect (Runner *runner)
{
  g_autoptr (GError) error = NULL;
  bool all = runner->wake == NULL
             || (runner->reasons & ~(unsigned) WAKE_QUEUE) != 0;
  g_autoptr (GPtrArray) named
      = runner->wake != NULL ? wake_ids (runner->wake) : NULL;
  g_autoptr (GPtrArray) listed = NULL;
  GPtrArray *ids = named;

  if (all)
    {
      runner->next = 0;
      ids = listed = queue_list (runner->queue, ROOM_QUEUE, &error);
    }
  if (all && listed == NULL)
    {
      complain (runner, error);
      wait_until (runner, now () + BUSY);
      return;
    }
  for (size_t i = 0; i < ids->len; i++)
    sort_in (runner, ids->pdata[i]);
}

/* Messages that came for this account while its session was open are carried as
   well. */
static void
collect_more (Runner *runner)
{
  unsigned reasons
      = runner->wake != NULL ? wake_poll (runner->wake) : 0;
  g_autoptr (GPtrArray) ids = NULL;

  if (reasons == 0)
    return;
  runner->later |= reasons & ~(unsigned) WAKE_QUEUE;
  ids = wake_ids (runner->wake);
  for (size_t i = 0; i < ids->len; i++)
    sort_in (runner, ids->pdata[i]);
}

/* One account's turn. */
typedef struct
{
  Runner *runner;
  Errand errand;
  Courier *courier;
  Status *stopped;      /* what failed for the account as such */
  unsigned held;        /* messages that are held because of it */
  unsigned undelivered; /* messages that were refused for good */
  char *first;          /* about the first of those */
} Turn;

/* NULL: it is not to be had now. */
static Entry *
lock (Runner *runner, const char *id)
{
  g_autoptr (GError) error = NULL;
  bool busy = false;
  Entry *entry = queue_lock (runner->queue, ROOM_QUEUE, id, &busy, &error);

  if (error != NULL)
    {
      complain (runner, error);
      put_aside (runner, id);
    }
  if (busy)
    wait_until (runner, now () + BUSY);
  return entry;
}

static void
note_outcome (Turn *turn, const Entry *entry, const Outcome *outcome)
{
  const Status *stopped = outcome_account_status (outcome);

  if (stopped != NULL)
    turn->stopped = status_copy (stopped);
  if (outcome->settled == SETTLED_QUEUED)
    wait_until (turn->runner, MAX (entry_due (entry, now ()), now ()));
  if (outcome->settled != SETTLED_HELD)
    return;
  if (stopped != NULL && stopped->fate == FATE_HELD)
    turn->held++;
  else if (turn->undelivered++ == 0)
    turn->first = g_strdup (entry->reason);
}

/* ENTRY was held before anybody knew who it is for. False: that is still so, and it
   is held again, or could not be. */
static bool
settle_recipients (Turn *turn, Entry *entry)
{
  Runner *runner = turn->runner;
  const Account *account = turn->errand.account;
  g_autoptr (GError) error = NULL;
  g_autoptr (GError) why = NULL;
  g_autoptr (Envelope) envelope = recipients_settle_whole (
      entry->envelope, runner->accounts, account, &why);

  if (envelope != NULL
      && entry_record_settled (entry, account->name, envelope, &error))
    return true;
  if (envelope == NULL
      && queue_hold (runner->queue, entry, why->message, &error))
    {
      report_log_held (entry, why->message);
      if (runner->params->person)
        runner->status = report_error (why);
      if (turn->undelivered++ == 0)
        turn->first = g_strdup (entry->reason);
      return false;
    }
  complain (runner, error);
  put_aside (runner, entry->id);
  return false;
}

static void
try_entry (Turn *turn, Entry *entry)
{
  Runner *runner = turn->runner;
  g_autoptr (GError) error = NULL;
  g_autoptr (Outcome) outcome
      = errand_run (&turn->errand, entry, turn->courier, &error);

  /* The verdict is on record: whoever wants the runner to end may have it. */
  signals_release ();
  if (outcome == NULL)
    {
      complain (runner, error);
      put_aside (runner, entry->id);
      return;
    }
  if (runner->params->person)
    report_person (entry, turn->errand.account, outcome);
  note_outcome (turn, entry, outcome);
}

/* Its sender could not be told, or it could not be moved. */
static bool
is_unfinished (const Entry *entry)
{
  return queue_place (entry) == SETTLED_HELD && !entry->held;
}

static void
take_entry (Turn *turn, const char *id)
{
  Runner *runner = turn->runner;
  g_autoptr (GError) error = NULL;
  g_autoptr (Entry) entry = lock (runner, id);

  if (entry == NULL)
    return;
  if (queue_place (entry) == SETTLED_HELD)
    {
      if (!errand_finish (&turn->errand, entry, &error))
        complain (runner, error);
    }
  else if (entry_due (entry, now ()) > now ())
    wait_until (runner, entry_due (entry, now ()));
  else if (!entry->as_given || settle_recipients (turn, entry))
    try_entry (turn, entry);
  if (is_unfinished (entry))
    put_aside (runner, entry->id);
}

/* What stopped the account holds the rest of the batch as well: nobody is asked
   again. */
static void
hold_rest (Turn *turn, Batch *batch)
{
  char *id;

  while ((id = g_queue_pop_head (&batch->ids)) != NULL)
    {
      g_autofree char *owned = id;
      g_autoptr (GError) error = NULL;
      g_autoptr (Entry) entry = lock (turn->runner, owned);

      if (entry == NULL)
        continue;
      if (errand_hold (&turn->errand, entry, turn->stopped, &error))
        {
          turn->held++;
          continue;
        }
      complain (turn->runner, error);
      put_aside (turn->runner, owned);
    }
}

static void
carry (Turn *turn, Batch *batch)
{
  Runner *runner = turn->runner;
  CourierParams params = { .trace = runner->params->trace };
  char *id;

  turn->courier = courier_new (turn->errand.account, &params);
  for (unsigned n = 0; n < TURN && turn->stopped == NULL
                       && (id = g_queue_pop_head (&batch->ids)) != NULL;
       n++)
    {
      take_entry (turn, id);
      g_free (id);
      if (g_queue_is_empty (&batch->ids))
        collect_more (runner);
    }
  g_clear_pointer (&turn->courier, courier_free);
}

/* After the batch was carried, or could not be. */
static void
end_turn (Turn *turn, Batch *batch)
{
  const Account *account = turn->errand.account;

  if (turn->stopped != NULL)
    {
      if (turn->stopped->fate == FATE_HELD)
        hold_rest (turn, batch);
      g_queue_clear_full (&batch->ids, g_free);
      errand_notify (&turn->errand, turn->stopped, turn->held);
    }
  if (turn->undelivered > 0)
    notify_undelivered (turn->errand.general, account->name,
                        turn->undelivered, turn->first, false);
  status_free (turn->stopped);
  g_free (turn->first);
}

/* What happened may have mended what the account failed for. */
static bool
is_worth_trying (const Runner *runner, const Batch *batch,
                 const Backoff *backoff)
{
  unsigned cure = backoff->stage <= STAGE_CREDENTIAL ? WAKE_KEYRING
                  : backoff->stage < STAGE_AUTH      ? WAKE_NETWORK
                                                     : 0;

  return batch->asked || (runner->reasons & cure) != 0
         || backoff_due (backoff, batch->account, now ()) <= now ();
}

static void
put_off (Runner *runner, Batch *batch, int64_t until)
{
  g_queue_clear_full (&batch->ids, g_free);
  wait_until (runner, until);
}

/* After it was stopped by STATUS. */
static void
wait_for_account (Runner *runner, const Account *account, const Status *status)
{
  g_autoptr (Backoff) after = backoff_read (runner->queue, account->name);

  if (after->failures == 0)
    put_aside (runner, account->name);
  else if (status->fate == FATE_DELAYED)
    wait_until (runner,
                MAX (backoff_due (after, account->name, now ()), now ()));
}

/* One session of ACCOUNT, if one may be had. */
static void
take_turn (Runner *runner, Batch *batch, const Account *account)
{
  g_autoptr (Backoff) backoff = backoff_read (runner->queue, account->name);
  Turn turn = {
    .runner = runner,
    .errand = { .queue = runner->queue,
                .general = &runner->accounts->general,
                .account = account },
  };
  int connection;

  if (backoff->paused)
    turn.stopped = errand_paused (backoff, account);
  else if (is_aside (runner, account->name))
    {
      g_queue_clear_full (&batch->ids, g_free);
      return;
    }
  else if (!is_worth_trying (runner, batch, backoff))
    {
      put_off (runner, batch, backoff_due (backoff, account->name, now ()));
      return;
    }
  else
    {
      connection = backoff_connection (runner->queue, account->name,
                                       account->max_connections);
      if (connection < 0)
        {
          put_off (runner, batch, now () + CONNECTIONS_TAKEN);
          return;
        }
      carry (&turn, batch);
      close (connection);
    }
  if (turn.stopped != NULL)
    wait_for_account (runner, account, turn.stopped);
  end_turn (&turn, batch);
}

static void
hold_homeless (Runner *runner, Batch *batch)
{
  char *id;

  while ((id = g_queue_pop_head (&batch->ids)) != NULL)
    {
      g_autofree char *owned = id;
      g_autoptr (GError) why = NULL;
      g_autoptr (GError) error = NULL;
      g_autoptr (Entry) entry = lock (runner, owned);

      if (entry == NULL || account_of (runner, entry, &why) != NULL)
        continue;
      if (queue_hold (runner->queue, entry, why->message, &error))
        {
          report_log_held (entry, why->message);
          continue;
        }
      complain (runner, error);
      put_aside (runner, owned);
    }
}

/* A relay that hangs takes minutes of everybody's time: accounts that were in
   trouble come last. */
static unsigned
next_turn (const Runner *runner)
{
  for (unsigned i = 0; i < runner->batches->len; i++)
    {
      const Batch *batch = runner->batches->pdata[i];
      g_autoptr (Backoff) backoff
          = backoff_read (runner->queue, batch->account);

      if (backoff->failures == 0)
        return i;
    }
  return 0;
}

/* In turns, so that an account with many messages does not keep the others. */
static void
take_turns (Runner *runner)
{
  while (runner->batches->len > 0)
    {
      unsigned turn = next_turn (runner);
      Batch *batch = runner->batches->pdata[turn];
      const Account *account
          = accounts_choose (runner->accounts, batch->account, NULL, NULL,
                             NULL);

      if (account != NULL)
        take_turn (runner, batch, account);
      else
        hold_homeless (runner, batch);
      (void) g_ptr_array_steal_index (runner->batches, turn);
      if (g_queue_is_empty (&batch->ids))
        batch_free (batch);
      else
        g_ptr_array_add (runner->batches, batch);
    }
}

/* A held message is removed when its time is over and, some days later, still is:
   a clock that was set wrong must not remove anything. True: it was found to be
   over now. */
static bool
look_at_held (Runner *runner, const char *id)
{
  int64_t keep = runner->accounts->general.keep_held;
  g_autoptr (Entry) view = queue_view (runner->queue, ROOM_HELD, id, NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (Entry) entry = NULL;
  bool found;

  if (view == NULL || now () - view->held_since < keep
      || (view->doomed != 0 && now () - view->doomed < DOOMED))
    return false;
  entry = queue_lock (runner->queue, ROOM_HELD, id, NULL, &error);
  found = entry != NULL && entry->doomed == 0;
  if (found)
    (void) entry_record_doomed (entry, now (), &error);
  else if (entry != NULL && queue_remove (runner->queue, entry, &error))
    log_line (LOG_WARNING, "id=%s account=%s from=<%s> fate=removed text=\"%s\"",
              entry->id, entry->account, entry->envelope->reverse_path,
              "held too long");
  if (error != NULL)
    complain (runner, error);
  return found;
}

static void
sweep_held (Runner *runner)
{
  int64_t today = g_get_monotonic_time () / G_USEC_PER_SEC;
  g_autoptr (GPtrArray) ids = NULL;
  unsigned doomed = 0;

  if (runner->accounts->general.keep_held == 0)
    return;
  if (runner->swept != 0 && today - runner->swept < DAY)
    {
      wait_until (runner, now () + DAY - (today - runner->swept));
      return;
    }
  runner->swept = today;
  wait_until (runner, now () + DAY);
  ids = queue_list (runner->queue, ROOM_HELD, NULL);
  for (size_t i = 0; ids != NULL && i < ids->len; i++)
    doomed += look_at_held (runner, ids->pdata[i]);
  if (doomed > 0)
    notify_doomed (&runner->accounts->general, doomed);
}

/* The accounts are read anew each time: a runner outlives many edits of them. */
static void
pass (Runner *runner)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Accounts) accounts = accounts_load (
      runner->params->accounts_file, runner->params->home, &error);

  if (accounts == NULL)
    {
      complain (runner, error);
      runner->next = now () + ACCOUNTS_WRONG;
      return;
    }
  log_open (accounts->general.log);
  runner->accounts = accounts;
  collect (runner);
  take_turns (runner);
  sweep_held (runner);
  runner->accounts = NULL;
}

/* Who queues a message looks for a runner after that: so the lock goes first, and
   then the queue is looked at once more. */
static bool
may_leave (Runner *runner, int *lock_fd)
{
  if (!queue_is_empty (runner->queue))
    return false;
  close (*lock_fd);
  *lock_fd = -1;
  if (queue_is_empty (runner->queue))
    return true;
  *lock_fd = queue_lock_runner (runner->queue, false, NULL);
  return *lock_fd < 0;
}

static int
run_on (Runner *runner, int *lock_fd)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Wake) wake = wake_new (runner->queue, &error);

  if (wake == NULL)
    {
      complain (runner, error);
      return runner->status;
    }
  runner->wake = wake;
  runner->reasons = WAKE_ALL;
  /* The network may have come up just before we could see it. */
  if (runner->params->until == RUNNER_SERVICE)
    runner->reasons |= WAKE_NETWORK;
  while ((runner->reasons & WAKE_GONE) == 0)
    {
      runner->later = 0;
      pass (runner);
      if (runner->params->until == RUNNER_EMPTY && may_leave (runner, lock_fd))
        break;
      runner->reasons = runner->later != 0
                            ? runner->later
                            : wake_wait (wake, runner->next);
    }
  return EX_OK;
}

static int
run_once (Runner *runner)
{
  runner->reasons = WAKE_ALL;
  pass (runner);
  if (runner->status == EX_OK && !queue_is_empty (runner->queue))
    return EX_TEMPFAIL;
  return runner->status;
}

int
runner_run (Queue *queue, const RunnerParams *params)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) batches = g_ptr_array_new_with_free_func (
      (GDestroyNotify) batch_free);
  g_autoptr (GHashTable) aside
      = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  Runner runner = { .queue = queue,
                    .params = params,
                    .batches = batches,
                    .aside = aside };
  int fd = queue_lock_runner (queue, params->until == RUNNER_SERVICE, &error);
  int status;

  if (error != NULL)
    return report_error (error);
  if (fd < 0)
    return EX_OK;
  status = params->until == RUNNER_ONCE ? run_once (&runner)
                                        : run_on (&runner, &fd);
  if (fd >= 0)
    close (fd);
  return status;
}

/* Milliseconds that a caller waits for the user's service manager. */
#define SERVICE_PATIENCE 1000

/* The service has the queue that a process without our environment has: whether
   it is this one shows when it takes it. */
static bool
launch_runner_service (Queue *queue)
{
  Deadline deadline = deadline_in (SERVICE_PATIENCE);

  if (!launch_service (SERVICE_PATIENCE))
    return false;
  while (!queue_has_runner (queue))
    {
      if (deadline_passed (deadline))
        return false;
      g_usleep (10000);
    }
  return true;
}

void
runner_launch (Queue *queue, const General *general,
               const char *accounts_file)
{
  g_autofree char *file = NULL;

  if (!general->start_runner || queue_has_runner (queue)
      || (accounts_file == NULL && launch_runner_service (queue)))
    return;
  if (accounts_file != NULL)
    file = g_canonicalize_filename (accounts_file, NULL);
  (void) launch_process ((const char *[]){
      "postrider", "run", "--until-empty",
      file != NULL ? "-C" : NULL, file, NULL });
}
