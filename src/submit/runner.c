#include "submit/runner.h"

#include <poll.h>
#include <string.h>
#include <sysexits.h>
#include <syslog.h>
#include <unistd.h>


#include "account/keyring.h"
#include "base/deadline.h"
#include "base/log.h"
#include "queue/backoff.h"
#include "submit/apart.h"
#include "submit/handover.h"
#include "submit/launch.h"
#include "submit/notify.h"
#include "submit/report.h"
#include "submit/signals.h"
#include "submit/turn.h"
#include "submit/wake.h"

/* Seconds. */
#define ACCOUNTS_WRONG 300        /* until the accounts file is read again */
#define CONNECTIONS_TAKEN 5       /* until a connection may be free again */
#define BUSY 60                   /* until a locked entry is looked at again */
#define TROUBLE 60                /* the same for what could not be written */
#define DAY (24 * 60 * 60)        /* between two looks at what is left behind */
#define DOOMED (3 * DAY)          /* from the first sighting to the end */

#define NO_ACCOUNT ""

#define TURN 100 /* messages of one account before it is another's turn */

/* At once. A relay that hangs takes minutes: of its own account, and one of these. */
#define TURNS_MAXIMUM 4

/* What is due of one account, the oldest first, and who sends it. */
typedef struct
{
  char *account;    /* name */
  GQueue ids;       /* of char * */
  bool asked;       /* somebody asked for one of them */
  unsigned reasons; /* of the passes that found them */
  Turn *turn;       /* NULL: there is none */
  char *given;      /* the message that it was given last */
  char *before;     /* the one before that; NULL: it has done with it */
  unsigned count;   /* of those that it was given */
  bool dismissed;   /* it was given no more, and may leave others */
} Batch;

typedef struct
{
  Queue *queue;
  const RunnerParams *params;
  int lock;  /* that this is the runner; -1: no more */
  Wake *wake; /* NULL: runs once */
  Accounts *accounts;
  unsigned reasons;   /* of this pass */
  GPtrArray *batches; /* of Batch */
  unsigned turns;     /* that go on */
  GHashTable *aside;  /* what the queue's own trouble put off (a message's or an
                         account's name), and until when, monotonic */
  int64_t next;       /* when something is due; 0: nothing waits for a time */
  int64_t swept;      /* when it swept last, in seconds, monotonic */
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
  g_free (batch->given);
  g_free (batch->before);
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

/* What is damaged is found out once more, and set aside, under its lock; a turn
   may move nothing but files. */
static void
look_at_damaged (Runner *runner, const char *id)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Entry) entry
      = queue_lock (runner->queue, ROOM_QUEUE, id, NULL, &error);

  if (error == NULL)
    return;
  complain (runner, error);
  put_aside (runner, id);
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
  if (view == NULL)
    {
      look_at_damaged (runner, id);
      return;
    }
  /* Who cannot lock it has opened it for writing in vain, and is woken by having
     closed it: round and round, until its owner is done. */
  if (queue_is_busy (runner->queue, view))
    {
      wait_until (runner, now () + BUSY);
      return;
    }
  if (entry_due (view, now ()) > now ())
    {
      wait_until (runner, entry_due (view, now ()));
      return;
    }
  account = turn_account (runner->accounts, view, NULL);
  batch = batch_of (runner, account != NULL ? account->name : NO_ACCOUNT);
  batch->asked = batch->asked || view->retry;
  batch->reasons |= runner->reasons;
  g_queue_push_tail (&batch->ids, g_strdup (id));
}

/* What waits is listed anew. */
static GPtrArray *
list_all (Runner *runner)
{
  g_autoptr (GError) error = NULL;
  GPtrArray *ids = queue_list (runner->queue, ROOM_QUEUE, &error);

  runner->next = 0;
  if (ids == NULL)
    {
      complain (runner, error);
      wait_until (runner, now () + BUSY);
      return g_ptr_array_new ();
    }
  for (size_t i = 0; i < runner->batches->len; i++)
    g_queue_clear_full (&((Batch *) runner->batches->pdata[i])->ids, g_free);
  return ids;
}

/* Everything, where what happened may concern everything. */
static void
collect (Runner *runner)
{
  bool all = (runner->reasons & ~(unsigned) WAKE_QUEUE) != 0;
  g_autoptr (GPtrArray) named
      = runner->wake != NULL ? wake_ids (runner->wake) : NULL;
  g_autoptr (GPtrArray) listed = all ? list_all (runner) : NULL;
  const GPtrArray *ids = all ? listed : named;

  for (size_t i = 0; ids != NULL && i < ids->len; i++)
    sort_in (runner, ids->pdata[i]);
}

/* What happened may have mended what the account failed for. */
static bool
is_worth_trying (const Batch *batch, const Backoff *backoff)
{
  unsigned cure = backoff->stage <= STAGE_CREDENTIAL ? WAKE_KEYRING
                  : backoff->stage < STAGE_AUTH      ? WAKE_NETWORK
                                                     : 0;

  return batch->asked || (batch->reasons & cure) != 0
         || backoff_due (backoff, batch->account, now ()) <= now ();
}

/* The batch is for another time. */
static void
drop_ids (Batch *batch)
{
  g_queue_clear_full (&batch->ids, g_free);
  batch->asked = false;
  batch->reasons = 0;
}

static void
put_off (Runner *runner, Batch *batch, int64_t until)
{
  drop_ids (batch);
  wait_until (runner, until);
}

/* Its process has no use for our lock, nor for the channels of others. */
static void
start_process (Runner *runner, Batch *batch, const Account *account,
               bool paused)
{
  int strangers[1 + TURNS_MAXIMUM] = { runner->lock };
  TurnParams params = { .queue = runner->queue,
                        .accounts = runner->accounts,
                        .account = account,
                        .paused = paused,
                        .trace = runner->params->trace,
                        .person = runner->params->person,
                        .strangers = strangers,
                        .count = 1 };
  g_autoptr (GError) error = NULL;

  for (size_t i = 0; i < runner->batches->len; i++)
    {
      const Batch *other = runner->batches->pdata[i];

      if (other->turn != NULL)
        strangers[params.count++] = turn_fd (other->turn);
    }
  /* Whoever wants us to end may have it when the verdicts are on record. */
  signals_defer ();
  g_clear_pointer (&batch->given, g_free);
  g_clear_pointer (&batch->before, g_free);
  batch->turn = turn_start (&params, &error);
  batch->count = 0;
  batch->dismissed = false;
  if (batch->turn != NULL)
    {
      runner->turns++;
      return;
    }
  complain (runner, error);
  put_aside (runner, batch->account);
  drop_ids (batch);
}

/* A turn of ACCOUNT, if one may be had. */
static void
start_account (Runner *runner, Batch *batch, const Account *account)
{
  g_autoptr (Backoff) backoff = backoff_read (runner->queue, account->name);
  int connection;

  if (backoff->paused)
    {
      start_process (runner, batch, account, true);
      return;
    }
  if (is_aside (runner, account->name))
    {
      drop_ids (batch);
      return;
    }
  if (!is_worth_trying (batch, backoff))
    {
      put_off (runner, batch, backoff_due (backoff, account->name, now ()));
      return;
    }
  connection = backoff_connection (runner->queue, account->name,
                                   account->max_connections);
  if (connection < 0 && handover_dismiss (runner->queue, account->name))
    connection = backoff_connection (runner->queue, account->name,
                                     account->max_connections);
  if (connection < 0)
    {
      put_off (runner, batch, now () + CONNECTIONS_TAKEN);
      return;
    }
  start_process (runner, batch, account, false);
  /* The turn has it, until it ends. */
  close (connection);
}

static bool
is_waiting (const Batch *batch)
{
  return batch->turn == NULL && batch->ids.length > 0;
}

/* Accounts that were in trouble come last. NULL: nobody waits. */
static Batch *
next_batch (const Runner *runner)
{
  Batch *first = NULL;

  for (unsigned i = 0; i < runner->batches->len; i++)
    {
      Batch *batch = runner->batches->pdata[i];
      g_autoptr (Backoff) backoff = NULL;

      if (!is_waiting (batch))
        continue;
      backoff = backoff_read (runner->queue, batch->account);
      if (backoff->failures == 0)
        return batch;
      first = first != NULL ? first : batch;
    }
  return first;
}

static void
start_turns (Runner *runner)
{
  Batch *batch;

  while (runner->turns < TURNS_MAXIMUM && !signals_noted ()
         && (batch = next_batch (runner)) != NULL)
    {
      const Account *account = accounts_choose (
          runner->accounts, batch->account, NULL, NULL, NULL);

      if (account != NULL)
        start_account (runner, batch, account);
      else
        start_process (runner, batch, NULL, false);
    }
}

static bool
somebody_waits (const Runner *runner)
{
  for (unsigned i = 0; i < runner->batches->len; i++)
    if (is_waiting (runner->batches->pdata[i]))
      return true;
  return false;
}

/* One may have been found twice, and put aside since. NULL: none is left. */
static char *
next_id (Runner *runner, Batch *batch)
{
  char *id;

  while ((id = g_queue_pop_head (&batch->ids)) != NULL
         && is_aside (runner, id))
    g_free (id);
  return id;
}

/* ALREADY: it has not done yet with the last one. */
static void
give (Runner *runner, Batch *batch, bool already)
{
  char *id = NULL;

  if (!signals_noted ()
      && (batch->count < TURN || !somebody_waits (runner)))
    id = next_id (runner, batch);
  batch->dismissed = id == NULL;
  batch->count++;
  g_free (batch->before);
  batch->before = g_steal_pointer (&batch->given);
  if (!already)
    g_clear_pointer (&batch->before, g_free);
  batch->given = id;
  if (turn_give (batch->turn, id))
    return;
  batch->dismissed = true;
  batch->given = NULL;
  if (id != NULL)
    g_queue_push_head (&batch->ids, id);
}

/* It was stopped before it had all that there was. */
static void
wait_for_account (Runner *runner, Batch *batch)
{
  g_autoptr (Backoff) after = backoff_read (runner->queue, batch->account);

  drop_ids (batch);
  if (after->failures == 0)
    put_aside (runner, batch->account);
  else if (!after->paused)
    wait_until (runner,
                MAX (backoff_due (after, batch->account, now ()), now ()));
}

/* Behind those who waited meanwhile. */
static void
move_back (Runner *runner, Batch *batch)
{
  unsigned index;

  if (!g_ptr_array_find (runner->batches, batch, &index))
    return;
  (void) g_ptr_array_steal_index (runner->batches, index);
  g_ptr_array_add (runner->batches, batch);
}

/* Whatever it was at work on when it died. */
static void
put_given_aside (Runner *runner, const Batch *batch)
{
  if (batch->given != NULL)
    put_aside (runner, batch->given);
  if (batch->before != NULL)
    put_aside (runner, batch->before);
  if (batch->given == NULL && batch->before == NULL)
    put_aside (runner, batch->account);
}

/* What kills it once may do so again: the others go on without it. */
static void
end_turn (Runner *runner, Batch *batch)
{
  bool well = turn_end (batch->turn);

  batch->turn = NULL;
  runner->turns--;
  if (!well && !signals_noted ())
    put_given_aside (runner, batch);
  else if (!batch->dismissed)
    wait_for_account (runner, batch);
  if (g_queue_is_empty (&batch->ids))
    drop_ids (batch);
  move_back (runner, batch);
  if (runner->turns == 0)
    signals_release ();
}

static void
hear (Runner *runner, Batch *batch)
{
  int value = 0;
  const char *aside;

  switch (turn_hear (batch->turn, &value))
    {
    case TURN_WANTS:
      give (runner, batch, value != 0);
      break;
    case TURN_ASIDE:
      aside = value != 0 ? batch->before : batch->given;
      if (aside != NULL)
        put_aside (runner, aside);
      break;
    case TURN_TROUBLE:
      runner->status = CLAMP (value, 1, 255);
      break;
    case TURN_RENEWED:
      batch->dismissed = true;
      if (value != 0 && batch->given != NULL)
        g_queue_push_head (&batch->ids, g_strdup (batch->given));
      break;
    case TURN_OVER:
      end_turn (runner, batch);
      break;
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

typedef struct
{
  const General *general;
  unsigned count;
} Doomed;

/* It leaves threads behind. */
static int
tell_doomed (const Apart *apart, void *data)
{
  const Doomed *doomed = data;

  notify_doomed (doomed->general, doomed->count);
  return EX_OK;
}

static void
sweep_held (Runner *runner)
{
  ApartResult result;
  g_autoptr (GPtrArray) ids = NULL;
  unsigned doomed = 0;

  if (runner->accounts->general.keep_held == 0)
    return;
  ids = queue_list (runner->queue, ROOM_HELD, NULL);
  for (size_t i = 0; ids != NULL && i < ids->len; i++)
    doomed += look_at_held (runner, ids->pdata[i]);
  if (doomed > 0
      && apart_run (tell_doomed,
                    &(Doomed){ &runner->accounts->general, doomed }, NULL,
                    false, &result, NULL))
    g_free (result.text);
}

/* Once a day. */
static void
sweep (Runner *runner)
{
  int64_t today = g_get_monotonic_time () / G_USEC_PER_SEC;

  if (runner->swept != 0 && today - runner->swept < DAY)
    {
      wait_until (runner, now () + DAY - (today - runner->swept));
      return;
    }
  runner->swept = today;
  wait_until (runner, now () + DAY);
  queue_sweep_accounts (runner->queue);
  sweep_held (runner);
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
  /* Whoever logged in since has a keyring and a desktop there. */
  (void) keyring_find_bus ();
  runner->accounts = accounts;
  collect (runner);
  start_turns (runner);
  sweep (runner);
  runner->accounts = NULL;
}

/* Sleeps until there is something for another pass: a reason, or a turn that has
   ended. */
static void
attend (Runner *runner)
{
  unsigned before = runner->turns;

  runner->reasons = 0;
  while (runner->reasons == 0 && runner->turns == before)
    {
      struct pollfd fds[TURNS_MAXIMUM];
      Batch *batches[TURNS_MAXIMUM];
      size_t count = 0;

      for (size_t i = 0; i < runner->batches->len; i++)
        {
          Batch *batch = runner->batches->pdata[i];

          if (batch->turn == NULL)
            continue;
          batches[count] = batch;
          fds[count++]
              = (struct pollfd){ turn_fd (batch->turn), POLLIN, 0 };
        }
      if (runner->wake != NULL)
        runner->reasons
            = wake_wait (runner->wake, runner->next, fds, count);
      else if (poll (fds, count, -1) < 0)
        continue;
      for (size_t i = 0; i < count; i++)
        if (fds[i].revents != 0)
          hear (runner, batches[i]);
    }
}

/* Who queues a message looks for a runner after that: so the lock goes first, and
   then the queue is looked at once more. */
static bool
may_leave (Runner *runner)
{
  if (runner->turns > 0 || !queue_is_empty (runner->queue))
    return false;
  close (runner->lock);
  runner->lock = -1;
  if (queue_is_empty (runner->queue))
    return true;
  runner->lock = queue_lock_runner (runner->queue, false, NULL);
  return runner->lock < 0;
}

static int
run_on (Runner *runner)
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
      pass (runner);
      if (runner->params->until == RUNNER_EMPTY && may_leave (runner))
        break;
      attend (runner);
    }
  return EX_OK;
}

static int
run_once (Runner *runner)
{
  runner->reasons = WAKE_ALL;
  for (pass (runner); runner->turns > 0; pass (runner))
    attend (runner);
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
                    .lock = queue_lock_runner (
                        queue, params->until == RUNNER_SERVICE, &error),
                    .batches = batches,
                    .aside = aside };
  int status;

  if (error != NULL)
    return report_error (error);
  if (runner.lock < 0)
    return EX_OK;
  status
      = params->until == RUNNER_ONCE ? run_once (&runner) : run_on (&runner);
  if (runner.lock >= 0)
    close (runner.lock);
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
