/* When something is tried again, with clocks that are numbers. */

#include <inttypes.h>

#include <glib.h>

#include "queue/retry.h"

#define MINUTE 60
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
#define NOW INT64_C (1790000000)

static void
test_interval (void)
{
  static const struct
  {
    unsigned failures;
    int64_t interval;
  } cases[] = {
    { 1, 1 * MINUTE },
    { 2, 5 * MINUTE },
    { 3, 15 * MINUTE },
    { 4, 30 * MINUTE },
    { 5, 1 * HOUR },
    { 6, 2 * HOUR },
    { 7, 2 * HOUR },
    { 100, 2 * HOUR },
    { UINT32_MAX, 2 * HOUR },
    /* Nothing failed: no worse than once. */
    { 0, 1 * MINUTE },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      int64_t interval = cases[i].interval;
      int64_t least = INT64_MAX, most = 0;

      for (uint32_t n = 0; n < 2000; n++)
        {
          uint32_t seed = n * UINT32_C (2246822519);
          int64_t found = retry_interval (cases[i].failures, seed);

          g_assert_cmpint (found, ==,
                           retry_interval (cases[i].failures, seed));
          least = MIN (least, found);
          most = MAX (most, found);
        }
      g_assert_cmpint (least, >=, interval - interval / 5);
      g_assert_cmpint (most, <=, interval + interval / 5);
      /* And not all at once. */
      g_assert_cmpint (least, <, interval - interval / 6);
      g_assert_cmpint (most, >, interval + interval / 6);
    }
}

/* What failed together is not tried together for ever. */
static void
test_spread (void)
{
  for (uint32_t seed = 0; seed < 100; seed++)
    {
      int64_t interval = retry_interval (6, seed);
      unsigned same = 0;

      for (unsigned failures = 7; failures < 17; failures++)
        same += retry_interval (failures, seed) == interval;
      g_assert_cmpuint (same, <, 3);
    }
}

static void
test_due (void)
{
  for (unsigned failures = 1; failures < 10; failures++)
    g_assert_cmpint (retry_due (failures, NOW, NOW, 7), ==,
                     NOW + retry_interval (failures, 7));
  /* It does not move while one waits for it. */
  g_assert_cmpint (retry_due (3, NOW, NOW + HOUR, 7), ==,
                   retry_due (3, NOW, NOW, 7));
  g_assert_cmpint (retry_due (0, NOW, NOW, 7), ==, 0);
  g_assert_cmpint (retry_due (0, NOW, NOW - DAY, 7), ==, 0);
}

static void
test_ambiguous (void)
{
  g_assert_cmpint (RETRY_AMBIGUOUS, >=, 15 * MINUTE);
  for (uint32_t seed = 0; seed < 1000; seed++)
    for (unsigned failures = 0; failures < 10; failures++)
      {
        int64_t due = retry_due_ambiguous (failures, NOW, NOW, seed);

        g_assert_cmpint (due, >=, NOW + RETRY_AMBIGUOUS);
        g_assert_cmpint (due, >=, retry_due (failures, NOW, NOW, seed));
      }
  g_assert_cmpint (retry_due_ambiguous (6, NOW, NOW, 7), ==,
                   retry_due (6, NOW, NOW, 7));
}

/* An attempt that seems to lie ahead: a little is what two clocks differ by,
   more is a clock that was set. */
static void
test_clock_back (void)
{
  static const int64_t jumps[] = { HOUR + 1, DAY, 365 * DAY, NOW };

  g_assert_cmpint (retry_due (1, NOW, NOW - MINUTE, 7), >, NOW);
  g_assert_cmpint (retry_due (1, NOW, NOW - HOUR, 7), >, NOW);
  for (size_t i = 0; i < G_N_ELEMENTS (jumps); i++)
    {
      g_assert_cmpint (retry_due (6, NOW, NOW - jumps[i], 7), ==, 0);
      g_assert_cmpint (retry_due_ambiguous (6, NOW, NOW - jumps[i], 7), ==, 0);
    }
}

static void
test_elapsed (void)
{
  static const struct
  {
    int64_t from, to, elapsed;
  } cases[] = {
    { NOW, NOW, 0 },
    { NOW, NOW + 1, 1 },
    { NOW, NOW + 2 * HOUR, 2 * HOUR },
    { NOW, NOW + DAY, DAY },
    { NOW, NOW + DAY + 1, DAY },
    { NOW, NOW + 365 * DAY, DAY },
    { 0, NOW, DAY },
    { NOW, NOW - 1, 0 },
    { NOW, NOW - 365 * DAY, 0 },
    { NOW, 0, 0 },
    /* What a damaged file or a broken clock may say. */
    { INT64_MIN, INT64_MAX, DAY },
    { INT64_MAX, INT64_MIN, 0 },
    { INT64_MIN, INT64_MIN + 1, 1 },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    g_assert_cmpint (retry_elapsed (cases[i].from, cases[i].to), ==,
                     cases[i].elapsed);
}

/* What a damaged file may say, and a clock that nobody has set. The sanitizers
   look on. */
static void
test_absurd_times (void)
{
  static const int64_t lasts[] = { INT64_MIN, INT64_MIN + 1, -1,       0,
                                   NOW,       INT64_MAX - 1, INT64_MAX };
  static const int64_t nows[] = { -NOW, -1, 0, NOW, 100 * NOW };

  for (size_t i = 0; i < G_N_ELEMENTS (lasts); i++)
    for (size_t j = 0; j < G_N_ELEMENTS (nows); j++)
      {
        int64_t due = retry_due (6, lasts[i], nows[j], 7);

        g_assert_cmpint (due, <=, MAX (nows[j] + 4 * HOUR, 0));
        due = retry_due_ambiguous (6, lasts[i], nows[j], 7);
        g_assert_cmpint (due, <=, MAX (nows[j] + 4 * HOUR, 0));
      }
}

static void
test_policy (void)
{
  RetryPolicy policy = { .lifetime = 5 * DAY, .delay_warning = 4 * HOUR };

  g_assert_false (retry_is_late (&policy, 4 * HOUR - 1));
  g_assert_true (retry_is_late (&policy, 4 * HOUR));
  g_assert_false (retry_is_over (&policy, 5 * DAY - 1));
  g_assert_true (retry_is_over (&policy, 5 * DAY));
  policy.delay_warning = 0;
  g_assert_false (retry_is_late (&policy, 5 * DAY));
}

/* The life of one message that nobody takes: what became of it. */
typedef struct
{
  unsigned attempts;
  unsigned first_day; /* attempts in its first 24 hours */
  int64_t warned;     /* seconds after the first attempt, by the true time */
  int64_t given_up;
} Life;

/* The wall clock differs by JUMP seconds from AFTER seconds on. */
static Life
live (uint32_t seed, int64_t after, int64_t jump)
{
  RetryPolicy policy = { .lifetime = 5 * DAY, .delay_warning = 4 * HOUR };
  Life life = { 0 };
  int64_t last = 0, counted_to = NOW, waited = 0;

  for (int64_t time = 0; life.given_up == 0; time++)
    {
      int64_t clock = NOW + time + (time >= after ? jump : 0);

      g_assert_cmpint (time, <, 20 * DAY);
      if (retry_due (life.attempts, last, clock, seed) > clock)
        continue;
      waited += retry_elapsed (counted_to, clock);
      counted_to = last = clock;
      life.attempts++;
      life.first_day += time < DAY;
      if (g_test_verbose ())
        g_test_message ("attempt %u: %3ld h %02ld min, clock %+" PRId64,
                        life.attempts, (long) (time / HOUR),
                        (long) (time % HOUR / MINUTE), clock - NOW);
      if (life.warned == 0 && retry_is_late (&policy, waited))
        life.warned = time;
      if (retry_is_over (&policy, waited))
        life.given_up = time;
    }
  return life;
}

static void
test_five_days (void)
{
  for (uint32_t seed = 0; seed < 20; seed++)
    {
      Life life = live (seed * UINT32_C (2654435761), INT64_MAX, 0);

      /* 6 in the first hour and 51 min, then one every two hours. */
      g_assert_cmpuint (life.first_day, >=, 14);
      g_assert_cmpuint (life.first_day, <=, 20);
      g_assert_cmpuint (life.attempts, >=, 59);
      g_assert_cmpuint (life.attempts, <=, 72);
      g_assert_cmpint (life.warned, >=, 4 * HOUR);
      g_assert_cmpint (life.warned, <=, 4 * HOUR + 12 * 2 * HOUR / 10);
      g_assert_cmpint (life.given_up, >=, 5 * DAY);
      g_assert_cmpint (life.given_up, <=, 5 * DAY + 12 * 2 * HOUR / 10);
    }
}

/* A clock that is set, once, by much, late or early: no storm, and no message
   that is given up at once or kept for ever. */
static void
test_five_days_jump (void)
{
  static const int64_t afters[] = { 30, 40 * MINUTE, 2 * DAY };
  static const int64_t jumps[] = { HOUR,  DAY,  30 * DAY,  365 * DAY,
                                   -HOUR, -DAY, -30 * DAY, -365 * DAY };

  Life calm = live (42, INT64_MAX, 0);

  for (size_t i = 0; i < G_N_ELEMENTS (afters); i++)
    for (size_t j = 0; j < G_N_ELEMENTS (jumps); j++)
      {
        Life life = live (42, afters[i], jumps[j]);

        /* One more for the jump, up to a day's less for the time it took. */
        g_assert_cmpuint (life.attempts, >=, calm.attempts - 17);
        g_assert_cmpuint (life.attempts, <=, calm.attempts + 1);
        g_assert_cmpint (life.given_up, >=, 4 * DAY - 3 * HOUR);
        g_assert_cmpint (life.given_up, <=, 5 * DAY + 7 * HOUR);
        g_assert_cmpint (life.warned, >, 0);
      }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/retry/interval", test_interval);
  g_test_add_func ("/retry/spread", test_spread);
  g_test_add_func ("/retry/due", test_due);
  g_test_add_func ("/retry/ambiguous", test_ambiguous);
  g_test_add_func ("/retry/clock-back", test_clock_back);
  g_test_add_func ("/retry/elapsed", test_elapsed);
  g_test_add_func ("/retry/absurd-times", test_absurd_times);
  g_test_add_func ("/retry/policy", test_policy);
  g_test_add_func ("/retry/five-days", test_five_days);
  g_test_add_func ("/retry/five-days-jump", test_five_days_jump);
  return g_test_run ();
}
