/* What an entry's records say: read back they say what they said when they were
 * written, whatever is cut short, and whatever could not be written. */

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib.h>

#include "queue/retry.h"
#include "tests/unit/queue-fixture.h"

#define DAY (24 * 60 * 60)

static void
assert_same_status (const Status *a, const Status *b)
{
  g_assert_cmpint (a == NULL, ==, b == NULL);
  if (a == NULL)
    return;
  g_assert_cmpint (a->stage, ==, b->stage);
  g_assert_cmpint (a->fate, ==, b->fate);
  g_assert_cmpint (a->scope, ==, b->scope);
  g_assert_cmpint (a->code, ==, b->code);
  g_assert_cmpint (a->enhanced.class, ==, b->enhanced.class);
  g_assert_cmpint (a->enhanced.subject, ==, b->enhanced.subject);
  g_assert_cmpint (a->enhanced.detail, ==, b->enhanced.detail);
  g_assert_cmpint (a->exit_status, ==, b->exit_status);
  g_assert_cmpint (a->ambiguous, ==, b->ambiguous);
  g_assert_cmpint (a->alert, ==, b->alert);
  g_assert_cmpstr (a->text, ==, b->text);
}

static void
assert_same_wish (const Wish *a, const Wish *b)
{
  g_assert_cmpint (a == NULL, ==, b == NULL);
  if (a == NULL)
    return;
  g_assert_cmpstr (a->notify, ==, b->notify);
  g_assert_cmpstr (a->orcpt, ==, b->orcpt);
}

static void
assert_same_recipients (const Entry *a, const Entry *b)
{
  size_t count = a->envelope->forward_paths->len;

  g_assert_cmpuint (b->envelope->forward_paths->len, ==, count);
  g_assert_cmpuint (a->statuses->len, ==, count);
  g_assert_cmpuint (b->statuses->len, ==, count);
  g_assert_cmpmem (a->told->data, a->told->len * sizeof (bool),
                   b->told->data, b->told->len * sizeof (bool));
  for (size_t i = 0; i < count; i++)
    {
      g_assert_cmpstr (a->envelope->forward_paths->pdata[i], ==,
                       b->envelope->forward_paths->pdata[i]);
      assert_same_wish (envelope_wish (a->envelope, i),
                        envelope_wish (b->envelope, i));
      assert_same_status (a->statuses->pdata[i], b->statuses->pdata[i]);
    }
}

static void
assert_same (const Entry *a, const Entry *b)
{
  g_assert_cmpstr (a->id, ==, b->id);
  g_assert_cmpint (a->held, ==, b->held);
  g_assert_cmpint (a->notification, ==, b->notification);
  g_assert_cmpint (a->as_given, ==, b->as_given);
  g_assert_cmpint (a->arrival, ==, b->arrival);
  g_assert_cmpstr (a->account, ==, b->account);
  g_assert_cmpstr (a->envelope->reverse_path, ==, b->envelope->reverse_path);
  assert_same_recipients (a, b);
  g_assert_cmpuint (a->attempts, ==, b->attempts);
  g_assert_cmpuint (a->delays, ==, b->delays);
  g_assert_cmpint (a->last_attempt, ==, b->last_attempt);
  g_assert_cmpint (a->waited, ==, b->waited);
  g_assert_cmpint (a->waited_until, ==, b->waited_until);
  g_assert_cmpint (a->retry, ==, b->retry);
  g_assert_cmpint (a->warned, ==, b->warned);
  g_assert_cmpuint (a->end, ==, b->end);
  g_assert_cmpint (a->end_of_data_sent, ==, b->end_of_data_sent);
  g_assert_cmpint (a->end_of_data, ==, b->end_of_data);
  g_assert_cmpstr (a->reason, ==, b->reason);
  g_assert_cmpint (a->held_since, ==, b->held_since);
  g_assert_cmpint (a->doomed, ==, b->doomed);
  g_assert_cmpmem (&a->content.header, sizeof a->content.header,
                   &b->content.header, sizeof b->content.header);
  g_assert_cmpmem (&a->content.body, sizeof a->content.body,
                   &b->content.body, sizeof b->content.body);
}

/* Closes *ENTRY and reads it again, by its lock and as a view. */
static void
read_again (Fixture *fixture, Entry **entry)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Entry) before = g_steal_pointer (entry);
  Room room = before->held ? ROOM_HELD : ROOM_QUEUE;
  g_autoptr (Entry) view
      = queue_view (fixture->queue, room, before->id, &error);

  g_assert_no_error (error);
  assert_same (before, view);
  close (before->fd);
  before->fd = -1;
  *entry = queue_lock (fixture->queue, room, before->id, NULL, &error);
  g_assert_no_error (error);
  g_assert_nonnull (*entry);
  assert_same (before, *entry);
}

static Fate
random_fate (GRand *rand)
{
  return (Fate) g_rand_int_range (rand, FATE_RELAYED, FATE_FAILED + 1);
}

static bool
random_statuses (Entry *entry, GRand *rand, GError **error)
{
  g_autoptr (GArray) owed = NULL;
  g_autoptr (Envelope) envelope = entry_owed (entry, &owed);
  g_autofree Fate *fates = g_new (Fate, owed->len + 1);
  g_autoptr (GPtrArray) statuses = NULL;

  for (size_t i = 0; i < owed->len; i++)
    fates[i] = random_fate (rand);
  statuses = new_statuses (fates, owed->len);
  for (size_t i = 0; i < owed->len; i++)
    {
      Status *status = statuses->pdata[i];

      status->scope = (Scope) g_rand_int_range (rand, 0, SCOPE_ACCOUNT + 1);
      status->ambiguous = g_rand_boolean (rand);
      status->alert = g_rand_boolean (rand);
      if (g_rand_boolean (rand))
        {
          g_free (status->text);
          status->text = g_strdup (g_rand_boolean (rand) ? "" : "a  b ö ");
          status->enhanced = (EnhancedCode){ 0 };
        }
    }
  return entry_record_statuses (entry, owed, statuses, error);
}

/* A clock that mostly goes on, and sometimes is set. */
static int64_t
random_time (GRand *rand)
{
  static int64_t time = 1600000000;

  time += g_rand_int_range (rand, 0, 5000);
  return g_rand_int_range (rand, 0, 20) == 0
             ? g_rand_int_range (rand, -2000000000, 2000000000)
             : time;
}

static bool
random_record (Entry *entry, GRand *rand, GError **error)
{
  int64_t time = random_time (rand);

  switch (g_rand_int_range (rand, 0, 9))
    {
    case 0:
      return entry_record_attempt (entry, time, error);
    case 1:
      return entry_record_end_of_data (entry, time, error);
    case 2:
      return entry_record_told (entry, error);
    case 3:
      return entry_record_warned (entry, error);
    case 4:
      return entry_record_retry (entry, error);
    case 5:
      return entry_record_release (entry, time, error);
    case 6:
      return entry_record_doomed (entry, time, error);
    case 7:
      return entry_record_reason (
          entry, g_rand_boolean (rand) ? "two\nlines" : "", time, error);
    default:
      return random_statuses (entry, rand, error);
    }
}

/* Any records in any order. In held/, where nothing is moved by itself. */
static void
test_read_back (Fixture *fixture, const void *data)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (1);

  for (int round = 0; round < 20; round++)
    {
      g_autoptr (Entry) entry = enter_many (fixture, "reason", 8);

      read_again (fixture, &entry);
      for (int i = 0; i < 30; i++)
        {
          g_autoptr (GError) error = NULL;

          g_assert_true (random_record (entry, rand, &error));
          g_assert_no_error (error);
          /* Unknown when, unless on record. */
          if (entry->held_since != 0)
            read_again (fixture, &entry);
        }
    }
}

static void
test_notification (Fixture *fixture, const void *data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Message) message = new_message (queue_spool (fixture->queue, 0));
  g_autoptr (Envelope) envelope = envelope_new ();
  g_autoptr (Entry) entry = NULL;

  envelope_add (envelope, "a@example.org");
  entry = queue_enter (fixture->queue, message,
                       &(QueueRequest){ .envelope = envelope,
                                        .account = "work",
                                        .notification = true },
                       &error);
  g_assert_no_error (error);
  g_assert_true (entry->notification);
  read_again (fixture, &entry);
}

static Entry *
enter_as_given (Fixture *fixture)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Message) message = new_message (queue_spool (fixture->queue, 0));
  g_autoptr (Envelope) envelope = envelope_new ();
  Entry *entry;

  envelope_add (envelope, "root");
  entry = queue_enter (fixture->queue, message,
                       &(QueueRequest){ .envelope = envelope,
                                        .account = "",
                                        .hold_reason = "reason",
                                        .as_given = true },
                       &error);
  g_assert_no_error (error);
  return entry;
}

/* Each recipient has its own, and keeps it while others are owed no more. */
static void
test_wishes (Fixture *fixture, const void *data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Message) message = new_message (queue_spool (fixture->queue, 0));
  g_autoptr (Envelope) envelope = envelope_new ();
  g_autoptr (Envelope) left = NULL;
  g_autoptr (GArray) owed = NULL;
  g_autoptr (Entry) entry = NULL;
  Wish wishes[] = { { (char *) "NEVER", (char *) "" },
                    { (char *) "", (char *) "rfc822;b" },
                    { (char *) "SUCCESS,DELAY", (char *) "utf-8;\303\266" } };

  envelope_add (envelope, "a@example.org");
  for (size_t i = 0; i < G_N_ELEMENTS (wishes); i++)
    {
      g_autofree char *path = g_strdup_printf ("%zu@example.org", i);

      envelope_add_wish (envelope, path, &wishes[i]);
    }
  envelope_add_wish (envelope, "0@example.org", &wishes[1]);
  entry = queue_enter (fixture->queue, message,
                       &(QueueRequest){ .envelope = envelope,
                                        .account = "work" },
                       &error);
  g_assert_no_error (error);
  read_again (fixture, &entry);
  settle (fixture, entry,
          (Fate[]){ FATE_RELAYED, FATE_RELAYED, FATE_DELAYED, FATE_DELAYED },
          SETTLED_QUEUED);
  read_again (fixture, &entry);
  left = entry_owed (entry, &owed);
  g_assert_cmpuint (left->forward_paths->len, ==, 2);
  for (size_t i = 0; i < 2; i++)
    assert_same_wish (envelope_wish (left, i), &wishes[i + 1]);
}

/* Who a message is really for, once that is known; cut short anywhere, it is not
   known yet. */
static void
test_settled (Fixture *fixture, const void *data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Envelope) envelope = envelope_new ();
  g_autoptr (Entry) entry = enter_as_given (fixture);
  uint64_t before = entry->end, after;

  g_free (envelope->reverse_path);
  envelope->reverse_path = g_strdup ("me@example.org");
  envelope_add_wish (envelope, "a b@example.org",
                     &(Wish){ (char *) "", (char *) "rfc822;a+20b" });
  envelope_add (envelope, "c@example.org");
  read_again (fixture, &entry);
  g_assert_true (entry->as_given);
  g_assert_true (entry_record_settled (entry, "work", envelope, &error));
  read_again (fixture, &entry);
  g_assert_false (entry->as_given);
  g_assert_cmpstr (entry->account, ==, "work");
  g_assert_cmpstr (entry->envelope->reverse_path, ==, "me@example.org");
  g_assert_cmpuint (entry->envelope->forward_paths->len, ==, 2);
  g_assert_cmpstr (entry->envelope->forward_paths->pdata[0], ==,
                   "a b@example.org");
  after = entry->end;
  for (uint64_t end = after - 1; end > before; end--)
    {
      g_autoptr (Entry) cut = NULL;

      g_assert_cmpint (ftruncate (entry->fd, (off_t) end), ==, 0);
      cut = queue_view (fixture->queue, ROOM_HELD, entry->id, &error);
      g_assert_no_error (error);
      g_assert_true (cut->as_given);
      g_assert_cmpstr (cut->account, ==, "");
      g_assert_cmpstr (cut->envelope->forward_paths->pdata[0], ==, "root");
      g_assert_cmpuint (cut->statuses->len, ==, 1);
    }
  g_clear_pointer (&entry, entry_free);
}

/* Begun twice, it counts as it was ended. */
static void
test_settled_again (Fixture *fixture, const void *data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Envelope) envelope = envelope_new ();
  g_autoptr (Entry) entry = enter_as_given (fixture);
  g_autofree char *id = g_strdup (entry->id);
  uint64_t before = entry->end;

  envelope_add (envelope, "a@example.org");
  g_assert_true (entry_record_settled (entry, "work", envelope, &error));
  /* The last line is "crc settled work". */
  g_assert_cmpint (ftruncate (entry->fd,
                              (off_t) (entry->end
                                       - strlen ("01234567 settled work\n"))),
                   ==, 0);
  g_assert_cmpuint (entry->end, >, before);
  g_clear_pointer (&entry, entry_free);
  g_clear_pointer (&envelope, envelope_free);
  envelope = envelope_new ();
  envelope_add (envelope, "b@example.org");
  entry = queue_lock (fixture->queue, ROOM_HELD, id, NULL, &error);
  g_assert_no_error (error);
  g_assert_true (entry_record_settled (entry, "home", envelope, &error));
  read_again (fixture, &entry);
  g_assert_cmpstr (entry->account, ==, "home");
  g_assert_cmpuint (entry->envelope->forward_paths->len, ==, 1);
  g_assert_cmpstr (entry->envelope->forward_paths->pdata[0], ==,
                   "b@example.org");
}

/* Recipients who fared alike take one line, however many they are. */
static void
test_many_alike (Fixture *fixture, const void *data)
{
  enum { COUNT = 20000 };
  g_autoptr (GError) error = NULL;
  g_autoptr (Entry) entry = enter_many (fixture, NULL, COUNT);
  g_autofree Fate *fates = g_new0 (Fate, COUNT);
  uint64_t before = entry->end;

  for (size_t i = 0; i < COUNT; i++)
    fates[i] = i % 5000 == 77 ? FATE_FAILED : FATE_DELAYED;
  settle (fixture, entry, fates, SETTLED_QUEUED);
  g_assert_cmpuint (entry->end - before, <, 1000);
  read_again (fixture, &entry);
  before = entry->end;
  for (size_t i = 0; i < COUNT; i++)
    fates[i] = FATE_DELAYED;
  settle (fixture, entry, fates, SETTLED_QUEUED);
  g_assert_cmpuint (entry->end - before, <, 1000);
  read_again (fixture, &entry);
  g_assert_cmpint (((Status *) entry->statuses->pdata[77])->fate, ==,
                   FATE_FAILED);
}

/* Behind the last line end there may be anything: it does not count, and does not
   show behind the next record. */
static void
test_torn (Fixture *fixture, const void *data)
{
  static const char *const tails[]
      = { "0", "01234567 attempt 5", "01234567 status 0-2 relayed ", "\377\1",
          "a long line, longer than the records that will be written over it, "
          "so that its end would show behind them if it were left where it is" };

  for (size_t i = 0; i <= G_N_ELEMENTS (tails); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (Entry) entry = enter (fixture, NULL);
      char zeros[5000] = "";
      const char *tail = i < G_N_ELEMENTS (tails) ? tails[i] : zeros;
      size_t length = tail == zeros ? sizeof zeros : strlen (tail);

      g_assert_true (entry_record_warned (entry, &error));
      g_assert_cmpint (pwrite (entry->fd, tail, length, (off_t) entry->end),
                       ==, (ssize_t) length);
      read_again (fixture, &entry);
      g_assert_true (entry_record_attempt (entry, 1000, &error));
      read_again (fixture, &entry);
      g_assert_cmpint (entry->last_attempt, ==, 1000);
      g_assert_true (entry->warned);
    }
}

static void
record_delay (Entry *entry, int64_t time, Scope scope, bool ambiguous)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GArray) owed = NULL;
  g_autoptr (Envelope) envelope = entry_owed (entry, &owed);
  const Fate fates[] = { FATE_DELAYED, FATE_DELAYED, FATE_DELAYED };
  g_autoptr (GPtrArray) statuses = new_statuses (fates, owed->len);

  for (size_t i = 0; i < owed->len; i++)
    {
      Status *status = statuses->pdata[i];

      status->scope = scope;
      status->ambiguous = ambiguous;
    }
  g_assert_true (entry_record_attempt (entry, time, &error));
  g_assert_true (entry_record_statuses (entry, owed, statuses, &error));
}

static void
test_delays (Fixture *fixture, const void *data)
{
  g_autoptr (GError) error = NULL;
  static const Fate fates[] = { FATE_FAILED, FATE_RELAYED, FATE_HELD };
  g_autoptr (Entry) entry = enter (fixture, NULL);
  g_autoptr (GArray) owed = NULL;
  g_autoptr (Envelope) envelope = entry_owed (entry, &owed);
  g_autoptr (GPtrArray) failed = new_statuses (fates, 3);
  int64_t now = entry->arrival;

  g_assert_cmpint (entry_due (entry, now), ==, 0);
  record_delay (entry, now, SCOPE_ACCOUNT, false);
  g_assert_cmpuint (entry->delays, ==, 0);
  g_assert_cmpint (entry_due (entry, now), ==, 0);
  record_delay (entry, now, SCOPE_RECIPIENT, false);
  g_assert_cmpuint (entry->delays, ==, 1);
  g_assert_cmpint (entry_due (entry, now), >, now);
  record_delay (entry, now, SCOPE_ACCOUNT, false);
  g_assert_cmpuint (entry->delays, ==, 1);
  record_delay (entry, now, SCOPE_MESSAGE, false);
  g_assert_cmpuint (entry->delays, ==, 2);
  /* Asked for by a person, it is due, until it was tried. */
  g_assert_true (entry_record_retry (entry, &error));
  g_assert_cmpint (entry_due (entry, now), ==, 0);
  g_assert_cmpint (entry_due (entry, now), ==, 0);
  record_delay (entry, now, SCOPE_MESSAGE, false);
  g_assert_cmpint (entry_due (entry, now), >, now);
  read_again (fixture, &entry);
  g_assert_cmpuint (entry->delays, ==, 3);
  /* Its sender is to be told, and that need not wait. */
  g_assert_true (entry_record_statuses (entry, owed, failed, &error));
  g_assert_cmpint (entry_due (entry, now), ==, 0);
}

/* Where the relay may have the message nobody hastens anything, and the time runs
   from the final dot: a large message may have been on its way for long. */
static void
test_ambiguous (Fixture *fixture, const void *data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Entry) entry = enter (fixture, NULL);
  int64_t now = entry->arrival;
  int64_t dot = now + 3600;

  g_assert_true (entry_record_attempt (entry, now, &error));
  g_assert_true (entry_record_end_of_data (entry, dot, &error));
  read_again (fixture, &entry);
  g_assert_true (entry_is_ambiguous (entry));
  g_assert_true (entry_record_retry (entry, &error));
  g_assert_cmpint (entry_due (entry, dot), >=, dot + RETRY_AMBIGUOUS);
  record_delay (entry, dot + 3600, SCOPE_MESSAGE, true);
  g_assert_true (entry_is_ambiguous (entry));
  read_again (fixture, &entry);
  g_assert_cmpint (entry_due (entry, dot + 3600), >=,
                   dot + 3600 + RETRY_AMBIGUOUS);
  record_delay (entry, dot + 2 * 3600, SCOPE_MESSAGE, false);
  g_assert_false (entry_is_ambiguous (entry));
}

/* No jump of the clock is more than a day of its life, nor does one stop it. */
static void
test_waited (Fixture *fixture, const void *data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Entry) entry = enter (fixture, NULL);
  int64_t then = entry->arrival;

  g_assert_true (entry_record_attempt (entry, then + 100, &error));
  g_assert_cmpint (entry->waited, ==, 100);
  g_assert_true (entry_record_attempt (entry, then + 300, &error));
  g_assert_cmpint (entry->waited, ==, 300);
  g_assert_true (entry_record_attempt (entry, then + 365 * DAY, &error));
  g_assert_cmpint (entry->waited, ==, 300 + DAY);
  g_assert_true (entry_record_attempt (entry, then - 365 * DAY, &error));
  g_assert_cmpint (entry->waited, ==, 300 + DAY);
  g_assert_true (entry_record_attempt (entry, then - 365 * DAY + 7, &error));
  g_assert_cmpint (entry->waited, ==, 307 + DAY);
  read_again (fixture, &entry);
}

static void
test_release (Fixture *fixture, const void *data)
{
  static const Fate first[] = { FATE_RELAYED, FATE_DELAYED, FATE_FAILED };
  static const Fate second[] = { FATE_HELD };
  g_autoptr (GError) error = NULL;
  g_autoptr (Entry) entry = enter (fixture, NULL);
  g_autoptr (GArray) owed = NULL;
  g_autoptr (Envelope) envelope = NULL;

  g_assert_true (entry_record_attempt (entry, entry->arrival + 50, &error));
  settle (fixture, entry, first, SETTLED_QUEUED);
  g_assert_true (entry_record_told (entry, &error));
  g_assert_true (entry_record_warned (entry, &error));
  g_assert_true (g_array_index (entry->told, bool, 2));
  g_assert_false (g_array_index (entry->told, bool, 1));
  settle (fixture, entry, second, SETTLED_HELD);
  g_assert_true (entry_record_doomed (entry, 5, &error));
  read_again (fixture, &entry);
  assert_place (fixture, entry->id, "held");
  g_assert_cmpint (entry->held_since, >, 0);
  g_assert_true (queue_release (fixture->queue, entry, &error));
  assert_place (fixture, entry->id, "queue");
  read_again (fixture, &entry);
  g_assert_cmpstr (entry->reason, ==, "");
  g_assert_cmpint (entry->held_since, ==, 0);
  g_assert_cmpint (entry->doomed, ==, 0);
  g_assert_cmpint (entry->waited, ==, 0);
  g_assert_false (entry->warned);
  g_assert_false (g_array_index (entry->told, bool, 2));
  /* Who has it is not sent it again. */
  envelope = entry_owed (entry, &owed);
  g_assert_cmpuint (envelope->forward_paths->len, ==, 2);
  g_assert_cmpstr (envelope->forward_paths->pdata[0], ==, "b@example.org");
}

/* Killed between the move and the record: nobody released it. */
static void
test_release_cut_short (Fixture *fixture, const void *data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Entry) entry = enter (fixture, "reason");
  g_autofree char *id = g_strdup (entry->id);
  g_autofree char *held = path_in (fixture, "held", id);
  g_autofree char *queued = path_in (fixture, "queue", id);

  g_assert_cmpint (rename (held, queued), ==, 0);
  g_clear_pointer (&entry, entry_free);
  g_assert_null (queue_lock (fixture->queue, ROOM_QUEUE, id, NULL, &error));
  g_assert_no_error (error);
  assert_place (fixture, id, "held");
}

static void
test_cancel (Fixture *fixture, const void *data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Entry) entry = enter (fixture, NULL);
  g_autofree char *id = g_strdup (entry->id);
  QueueCancel *cancel;

  g_assert_true (entry_record_attempt (entry, 1000, &error));
  cancel = queue_prepare_cancel (fixture->queue, entry, "taken\nback");
  queue_cancel (cancel);
  queue_cancel_free (cancel);
  assert_place (fixture, id, "held");
  g_clear_pointer (&entry, entry_free);
  entry = queue_lock (fixture->queue, ROOM_HELD, id, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (entry->reason, ==, "taken back");
  g_assert_cmpint (entry->held_since, >, 0);
  g_assert_cmpuint (entry->attempts, ==, 1);
}

/* As on a full disk: no file grows beyond SIZE octets. */
static void
limit_files (uint64_t size)
{
  struct rlimit limit;

  g_assert_cmpint (getrlimit (RLIMIT_FSIZE, &limit), ==, 0);
  limit.rlim_cur = size;
  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &limit), ==, 0);
}

static void
lift_limit (void)
{
  struct rlimit limit;

  g_assert_cmpint (getrlimit (RLIMIT_FSIZE, &limit), ==, 0);
  limit.rlim_cur = limit.rlim_max;
  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &limit), ==, 0);
}

/* Whatever part of a record is written, the entry is as before, takes the next
   record, and another reader agrees. */
static void
test_full_disk (Fixture *fixture, const void *data)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (2);

  for (uint64_t room = 0; room < 400; room++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (Entry) entry = enter_many (fixture, "reason", 4);
      g_autoptr (Entry) view = NULL;
      bool written;

      limit_files (entry->end + room);
      written = random_record (entry, rand, &error);
      lift_limit ();
      g_assert_cmpint (written, ==, error == NULL);
      if (error != NULL)
        g_assert_error (error, FAILURE, FAILURE_IO);
      view = queue_view (fixture->queue, ROOM_HELD, entry->id, NULL);
      g_assert_nonnull (view);
      g_clear_error (&error);
      g_assert_true (entry_record_warned (entry, &error));
      if (entry->held_since != 0)
        read_again (fixture, &entry);
    }
}

/* The relay has it for all: that need not be on record for the file to go. */
static void
test_settle_unrecorded (Fixture *fixture, const void *data)
{
  static const Fate all[] = { FATE_RELAYED, FATE_RELAYED, FATE_RELAYED };
  static const Fate some[] = { FATE_RELAYED, FATE_RELAYED, FATE_DELAYED };
  g_autoptr (GError) error = NULL;
  g_autoptr (Entry) gone = enter (fixture, NULL);
  g_autoptr (Entry) kept = enter (fixture, NULL);
  g_autoptr (GArray) owed = NULL;
  g_autoptr (Envelope) envelope = entry_owed (gone, &owed);
  g_autoptr (GPtrArray) relayed = new_statuses (all, 3);
  g_autoptr (GPtrArray) mixed = new_statuses (some, 3);
  Settled where = SETTLED_QUEUED;
  bool settled;

  limit_files (gone->end);
  settled = queue_settle (fixture->queue, gone, owed, relayed, &where, &error);
  lift_limit ();
  g_assert_true (settled);
  g_assert_no_error (error);
  g_assert_cmpint (where, ==, SETTLED_GONE);
  assert_place (fixture, gone->id, NULL);
  limit_files (kept->end);
  settled = queue_settle (fixture->queue, kept, owed, mixed, &where, &error);
  lift_limit ();
  g_assert_false (settled);
  g_assert_error (error, FAILURE, FAILURE_IO);
  assert_place (fixture, kept->id, "queue");
  read_again (fixture, &kept);
}

static void
test_moves_unrecorded (Fixture *fixture, const void *data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Entry) queued = enter (fixture, NULL);
  g_autoptr (Entry) held = enter (fixture, "reason");
  QueueCancel *cancel;
  bool moved;

  limit_files (queued->end);
  moved = queue_hold (fixture->queue, queued, "reason", &error);
  lift_limit ();
  g_assert_false (moved);
  g_assert_error (error, FAILURE, FAILURE_IO);
  g_clear_error (&error);
  assert_place (fixture, queued->id, "queue");
  limit_files (held->end);
  moved = queue_release (fixture->queue, held, &error);
  lift_limit ();
  g_assert_false (moved);
  g_assert_error (error, FAILURE, FAILURE_IO);
  assert_place (fixture, held->id, "held");
  g_assert_true (held->held);
  read_again (fixture, &held);
  /* The move alone keeps it from being sent, and it is not thought to be held
     since 1970. */
  cancel = queue_prepare_cancel (fixture->queue, queued, "taken back");
  limit_files (queued->end);
  queue_cancel (cancel);
  lift_limit ();
  queue_cancel_free (cancel);
  assert_place (fixture, queued->id, "held");
  g_clear_pointer (&held, entry_free);
  held = queue_view (fixture->queue, ROOM_HELD, queued->id, NULL);
  g_assert_cmpint (held->held_since, >=, queued->arrival);
}

static void
test_nothing_kept (Fixture *fixture, const void *data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Message) message = new_message (queue_spool (fixture->queue, 0));
  g_autoptr (Envelope) envelope = envelope_new ();
  g_autoptr (GPtrArray) queued = NULL;
  g_autoptr (GPtrArray) held = NULL;
  Entry *entry;

  envelope_add (envelope, "a@example.org");
  limit_files (100);
  entry = queue_enter (fixture->queue, message,
                       &(QueueRequest){ .envelope = envelope,
                                        .account = "",
                                        .hold_reason = "reason" },
                       &error);
  lift_limit ();
  g_assert_null (entry);
  g_assert_error (error, FAILURE, FAILURE_IO);
  queued = queue_list (fixture->queue, ROOM_QUEUE, NULL);
  held = queue_list (fixture->queue, ROOM_HELD, NULL);
  g_assert_cmpuint (queued->len + held->len, ==, 0);
}

static void
put_file (const char *path, const char *text, size_t size)
{
  int fd = open (path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

  g_assert_cmpint (write (fd, text, size), ==, (ssize_t) size);
  close (fd);
}

/* One octet of the file is another: it is damaged, or nothing has changed. */
static void
test_any_octet (Fixture *fixture, const void *data)
{
  static const Fate fates[] = { FATE_RELAYED, FATE_DELAYED, FATE_HELD };
  g_autoptr (GError) error = NULL;
  g_autoptr (Entry) entry = enter (fixture, "reason");
  g_autofree char *id = g_strdup (entry->id);
  g_autofree char *path = path_in (fixture, "held", id);
  g_autofree char *whole = NULL;
  gsize size;

  settle (fixture, entry, fates, SETTLED_QUEUED);
  close (entry->fd);
  entry->fd = -1;
  g_assert_true (g_file_get_contents (path, &whole, &size, NULL));
  for (size_t i = 0; i + 1 < size; i++)
    for (int bit = 0; bit < 8; bit++)
      {
        g_autoptr (Entry) read = NULL;
        g_autoptr (Entry) view = NULL;
        char was = whole[i];

        whole[i] = (char) (was ^ 1 << bit);
        put_file (path, whole, size);
        whole[i] = was;
        view = queue_view (fixture->queue, ROOM_HELD, id, NULL);
        read = queue_lock (fixture->queue, ROOM_HELD, id, NULL, &error);
        g_assert_cmpint (read == NULL, ==, error != NULL);
        g_clear_error (&error);
        if (read != NULL)
          assert_same (read, entry);
      }
}

static void
test_any_length (Fixture *fixture, const void *data)
{
  static const Fate fates[] = { FATE_RELAYED, FATE_DELAYED, FATE_HELD };
  g_autoptr (Entry) entry = enter (fixture, "reason");
  g_autofree char *id = g_strdup (entry->id);
  g_autofree char *path = path_in (fixture, "held", id);
  g_autofree char *whole = NULL;
  gsize size;

  settle (fixture, entry, fates, SETTLED_QUEUED);
  g_assert_true (g_file_get_contents (path, &whole, &size, NULL));
  for (size_t length = 0; length < size; length++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (Entry) view = NULL;

      put_file (path, whole, length);
      view = queue_view (fixture->queue, ROOM_HELD, id, &error);
      g_assert_cmpint (view == NULL, ==, error != NULL);
      g_assert_true (view == NULL || view->end <= length);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  signal (SIGXFSZ, SIG_IGN);
  QUEUE_TEST ("records/read-back", test_read_back);
  QUEUE_TEST ("records/notification", test_notification);
  QUEUE_TEST ("records/wishes", test_wishes);
  QUEUE_TEST ("records/settled", test_settled);
  QUEUE_TEST ("records/settled-again", test_settled_again);
  QUEUE_TEST ("records/many-alike", test_many_alike);
  QUEUE_TEST ("records/torn", test_torn);
  QUEUE_TEST ("records/delays", test_delays);
  QUEUE_TEST ("records/ambiguous", test_ambiguous);
  QUEUE_TEST ("records/waited", test_waited);
  QUEUE_TEST ("records/release", test_release);
  QUEUE_TEST ("records/release-cut-short", test_release_cut_short);
  QUEUE_TEST ("records/cancel", test_cancel);
  QUEUE_TEST ("records/full-disk", test_full_disk);
  QUEUE_TEST ("records/settle-unrecorded", test_settle_unrecorded);
  QUEUE_TEST ("records/moves-unrecorded", test_moves_unrecorded);
  QUEUE_TEST ("records/nothing-kept", test_nothing_kept);
  QUEUE_TEST ("records/any-octet", test_any_octet);
  QUEUE_TEST ("records/any-length", test_any_length);
  return g_test_run ();
}
