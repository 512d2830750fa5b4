/* sweep - one scenario, once for each system call that the program makes and
 * each way in which that can fail; each time the state is held against what
 * doc/QUEUE promises, at once and after the queue was run again.
 *
 *   sweep OPTION... -- PROGRAM ARGUMENT...
 *
 * Prints TAP comments; what is wrong as lines with "WRONG". Status 0: nothing
 * is. With --only CALL:N:FAULT one point alone is tried, and told about.
 */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include <glib.h>

#include "crash/calls.h"
#include "crash/inject.h"
#include "crash/state.h"
#include "submit/linger-channel.h"

#define ACCOUNTS 2        /* that the letters go through */
#define SHOWN 40          /* so many lines about what is wrong */
#define SLOW (500 * 1000) /* microseconds */
#define RELAY_TRIES 100000
#define PASSES 4 /* of the queue, until nothing more goes out */

/* What has to become of a letter. */
typedef enum
{
  OURS,   /* all get it, or their refusal is told */
  THEIRS, /* nobody ever gets it; a copy may be held */
  HELD,
  GONE,
  OURS_OR_HELD,
  OURS_OR_GONE,
  ANY, /* one of OURS and THEIRS */
} Expectation;

/* The first letter is what the command is about. */
typedef struct
{
  const char *name;
  Expectation done;   /* it ended with 0 */
  Expectation failed; /* it ended otherwise, or by SIGTERM */
  Expectation killed;
} Promise;

static const Promise promises[] = {
  { "submit", OURS, THEIRS, ANY },
  { "carry", OURS, OURS, OURS },
  { "hold", HELD, OURS_OR_HELD, OURS_OR_HELD },
  { "release", OURS, OURS_OR_HELD, OURS_OR_HELD },
  { "offer", OURS_OR_HELD, OURS_OR_HELD, OURS_OR_HELD },
  { "remove", GONE, OURS_OR_GONE, OURS_OR_GONE },
};

typedef struct
{
  const char *name, *queue, *template, *record, *input, *sendmail;
  const char *recover_accounts, *ripe, *ripe_record, *only;
  const char *opener, *rider, *place; /* of a session that stays */
  const Promise *promise;
  unsigned port;
  bool kill, fail, term, crash, sleeps, sensible;
  int error; /* the one that calls fail with; 0: each of them */
  GHashTable *recovered; /* what states look like that were run on well */
  const char *const *argv;
  GPtrArray *letters;
  char *output;
  unsigned seen; /* the last conversation of the relay that is over */
  FILE *out;
  /* The point */
  const Call *call;
  unsigned occurrence;
  int fault;
  bool was_wrong;
  /* Results */
  unsigned tried, unreached, wrong, hung, crashed, slow;
  unsigned done, failed, killed;
  unsigned in_queue, at_relay, in_both, nowhere, held;
  unsigned windows, notices_twice;
} Sweep;

static void complain (Sweep *sweep, const char *format, ...)
    G_GNUC_PRINTF (2, 3);

static void
complain (Sweep *sweep, const char *format, ...)
{
  g_autofree char *text = NULL;
  va_list arguments;

  va_start (arguments, format);
  text = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  sweep->was_wrong = true;
  if (++sweep->wrong <= SHOWN || sweep->only != NULL)
    fprintf (sweep->out, "# WRONG: %s, %s #%u %s: %s\n", sweep->name,
             sweep->call == NULL ? "no fault" : sweep->call->name,
             sweep->occurrence,
             sweep->call == NULL ? "" : fault_name (sweep->fault), text);
}

/* Files. */

static void
empty_directory (const char *path)
{
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *file = g_build_filename (path, name, NULL);

      if (unlink (file) == 0)
        continue;
      if (errno == EISDIR || errno == EPERM)
        empty_directory (file);
      if (rmdir (file) < 0)
        err (EX_IOERR, "%s", file);
    }
}

static void
copy_file (const char *from, const char *to)
{
  g_autofree char *octets = NULL;
  size_t length;
  int fd;

  if (!g_file_get_contents (from, &octets, &length, NULL))
    errx (EX_IOERR, "%s", from);
  fd = open (to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0 || write (fd, octets, length) != (ssize_t) length)
    err (EX_IOERR, "%s", to);
  close (fd);
}

static void
copy_directory (const char *from, const char *to)
{
  g_autoptr (GDir) dir = g_dir_open (from, 0, NULL);
  const char *name;

  if (mkdir (to, 0700) < 0)
    err (EX_IOERR, "%s", to);
  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *source = g_build_filename (from, name, NULL);
      g_autofree char *target = g_build_filename (to, name, NULL);

      if (g_file_test (source, G_FILE_TEST_IS_DIR))
        copy_directory (source, target);
      else
        copy_file (source, target);
    }
}

static bool
same_file (const char *a, const char *b)
{
  g_autofree char *octets_a = NULL, *octets_b = NULL;
  size_t length_a, length_b;

  return g_file_get_contents (a, &octets_a, &length_a, NULL)
         && g_file_get_contents (b, &octets_b, &length_b, NULL)
         && length_a == length_b && memcmp (octets_a, octets_b, length_a) == 0;
}

/* All of A is in B; locks apart, which are empty. */
static bool
is_contained (const char *a, const char *b)
{
  g_autoptr (GDir) dir = g_dir_open (a, 0, NULL);
  bool same = true;
  const char *name;

  while (same && dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *in_a = g_build_filename (a, name, NULL);
      g_autofree char *in_b = g_build_filename (b, name, NULL);

      if (g_str_has_suffix (name, ".lock"))
        continue;
      same = g_file_test (in_a, G_FILE_TEST_IS_DIR) ? is_contained (in_a, in_b)
                                                    : same_file (in_a, in_b);
    }
  return same;
}

static bool
is_untouched (const Sweep *sweep)
{
  return sweep->template != NULL
         && is_contained (sweep->template, sweep->queue)
         && is_contained (sweep->queue, sweep->template);
}

static void
reset (Sweep *sweep)
{
  empty_directory (sweep->record);
  if (sweep->ripe_record != NULL)
    empty_directory (sweep->ripe_record);
  empty_directory (sweep->queue);
  if (rmdir (sweep->queue) < 0 && errno != ENOENT)
    err (EX_IOERR, "%s", sweep->queue);
  if (sweep->template != NULL)
    copy_directory (sweep->template, sweep->queue);
}

/* The relay. */

static bool
is_over (const Sweep *sweep, unsigned number)
{
  g_autofree char *path = g_strdup_printf ("%s/%u.log", sweep->record, number);
  g_autofree char *text = NULL;

  return g_file_get_contents (path, &text, NULL, NULL)
         && (g_str_has_prefix (text, "verdict ")
             || strstr (text, "\nverdict ") != NULL);
}

static unsigned
last_conversation (const char *record)
{
  g_autoptr (GDir) dir = g_dir_open (record, 0, NULL);
  unsigned last = 0;
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    last = MAX (last, (unsigned) strtoul (name, NULL, 10));
  return last;
}

/* Connections are taken in their order: when one of ours is over, all of the
   program's have begun. */
static void
wait_for_relay (Sweep *sweep)
{
  struct sockaddr_in address = { .sin_family = AF_INET,
                                 .sin_port = htons ((uint16_t) sweep->port),
                                 .sin_addr = { .s_addr =
                                                   htonl (INADDR_LOOPBACK) } };
  int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  unsigned last;
  char octet;

  if (fd < 0 || connect (fd, (struct sockaddr *) &address, sizeof address) < 0
      || shutdown (fd, SHUT_WR) < 0)
    err (EX_UNAVAILABLE, "the relay");
  while (read (fd, &octet, 1) > 0)
    ;
  close (fd);
  last = last_conversation (sweep->record);
  for (unsigned number = sweep->seen + 1; number <= last; number++)
    for (int tries = 0; !is_over (sweep, number); tries++)
      if (tries < RELAY_TRIES)
        g_usleep (200);
      else
        errx (EX_UNAVAILABLE, "conversation %u does not end", number);
  sweep->seen = last;
}

static bool
is_ripe (void *data)
{
  const Sweep *sweep = data;
  g_autofree char *path = g_strdup_printf (
      "%s/%u.log", sweep->ripe_record, last_conversation (sweep->ripe_record));
  g_autofree char *text = NULL;

  return g_file_get_contents (path, &text, NULL, NULL)
         && strstr (text, sweep->ripe) != NULL;
}

/* Who keeps a session open. */

/* It goes when it has nothing in hand, and is told so before anybody has to wait
   for it. Twice, since it may fail to hear. */
static void
dismiss (void *data)
{
  const Sweep *sweep = data;
  LingerRequest request = { .kind = LINGER_LEAVE };
  struct sockaddr_un address = { .sun_family = AF_UNIX };

  if (g_strlcpy (address.sun_path, sweep->place, sizeof address.sun_path)
      >= sizeof address.sun_path)
    errx (EX_SOFTWARE, "%s: too long", sweep->place);
  for (int i = 0; i < 2; i++)
    {
      int fd = socket (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

      if (fd < 0)
        err (EX_OSERR, "socket");
      if (connect (fd, (struct sockaddr *) &address, sizeof address) == 0)
        (void) send (fd, &request, sizeof request, MSG_NOSIGNAL);
      close (fd);
    }
}

static void
run_opener (Sweep *sweep)
{
  char *argv[] = { (char *) "/bin/sh", (char *) sweep->opener, NULL };
  int status;

  if (!g_spawn_sync (NULL, argv, NULL, G_SPAWN_DEFAULT, NULL, NULL, NULL, NULL,
                     &status, NULL)
      || status != 0 || access (sweep->place, F_OK) < 0)
    complain (sweep, "no session stays open");
}

/* The promise. */

static bool
was_killed (const Sweep *sweep, int status)
{
  return WIFSIGNALED (status) && WTERMSIG (status) != SIGTERM;
}

static Expectation
expect (const Sweep *sweep, unsigned letter, int status)
{
  if (letter > 0)
    return OURS;
  if (was_killed (sweep, status))
    return sweep->promise->killed;
  return WIFEXITED (status) && WEXITSTATUS (status) == 0
             ? sweep->promise->done
             : sweep->promise->failed;
}

static bool
anybody_has_it (const Letter *letter, const Place *place)
{
  for (size_t i = 0; i < letter->count; i++)
    if (place->relayed[i] > 0)
      return true;
  return false;
}

static bool
is_owed (const Letter *letter, const Place *place)
{
  for (size_t i = 0; i < letter->count; i++)
    if (place->owed[i])
      return true;
  return false;
}

/* Right after the fault. */
static void
check_ours (Sweep *sweep, const Letter *letter, const Place *place)
{
  bool noticed =
      place->notices_kept + place->notices_held + place->notices_relayed > 0;

  for (size_t i = 0; i < letter->count; i++)
    {
      const char *recipient = letter->recipients[i];

      if (place->owed[i])
        continue;
      if (recipient_is_refused (recipient) ? !noticed && !place->untold[i]
                                           : place->relayed[i] == 0)
        complain (sweep, "letter %s is lost for %s%s", letter->name, recipient,
                  place->held > 0 ? " (held)" : "");
    }
}

static void
check_always (Sweep *sweep, const Letter *letter, const Place *place)
{
  if (place->queued + place->held > 1)
    complain (sweep, "letter %s is in the queue %u times, held %u times",
              letter->name, place->queued, place->held);
  for (size_t i = 0; i < letter->count; i++)
    if (place->relayed[i]
        > (recipient_is_refused (letter->recipients[i]) ? 0 : 1))
      complain (sweep, "%s got letter %s %u times", letter->recipients[i],
                letter->name, place->relayed[i]);
}

/* Nobody has it, and nobody is going to. */
static void
check_theirs (Sweep *sweep, const Letter *letter, const Place *place)
{
  if (anybody_has_it (letter, place))
    complain (sweep, "letter %s was sent, and the caller was told otherwise",
              letter->name);
  if (is_owed (letter, place))
    complain (sweep, "letter %s waits, and the caller was told otherwise",
              letter->name);
}

static void
check_now (Sweep *sweep, unsigned index, const State *state, int status)
{
  const Letter *letter = sweep->letters->pdata[index];
  const Place *place = &g_array_index (state->places, Place, index);
  unsigned kept = place->queued + place->held;
  Expectation wanted = expect (sweep, index, status);

  check_always (sweep, letter, place);
  /* The window is no wider than it has to be. */
  if ((sweep->fault == FAULT_KILL || sweep->fault == FAULT_CRASH)
      && place->queued > 0 && place->ambiguous
      && (place->passed || place->notices_kept > 0))
    complain (sweep, "the verdict on letter %s was not kept at once",
              letter->name);
  if (wanted == OURS || (wanted == OURS_OR_HELD && place->held == 0)
      || ((wanted == OURS_OR_GONE || wanted == ANY)
          && (place->queued > 0 || anybody_has_it (letter, place))))
    check_ours (sweep, letter, place);
  if (wanted == THEIRS || wanted == GONE || wanted == HELD)
    check_theirs (sweep, letter, place);
  if (wanted == HELD && place->held != 1)
    complain (sweep, "letter %s is not held", letter->name);
  if (wanted == GONE && kept > 0)
    complain (sweep, "letter %s was not removed", letter->name);
}

/* After the queue was run: everybody has it, but for the one case in which the
   relay may have it without our knowing. */
static void
check_sent (Sweep *sweep, const Letter *letter, const Place *place)
{
  bool window = place->queued == 1 && place->ambiguous;
  bool noticed = place->notices_relayed + place->notices_ambiguous > 0;

  sweep->windows += window;
  sweep->notices_twice += place->notices_relayed > 1;
  if (place->queued > 0 && !window)
    complain (sweep, "letter %s still waits", letter->name);
  for (size_t i = 0; i < letter->count; i++)
    {
      const char *recipient = letter->recipients[i];

      if (window && place->owed[i])
        continue;
      if (recipient_is_refused (recipient) ? !noticed : !place->relayed[i])
        complain (sweep, "letter %s was never sent to %s%s", letter->name,
                  recipient, place->held > 0 ? " (held)" : "");
    }
}

static void
check_later (Sweep *sweep, unsigned index, const State *before,
             const State *after, int status)
{
  const Letter *letter = sweep->letters->pdata[index];
  const Place *was = &g_array_index (before->places, Place, index);
  const Place *place = &g_array_index (after->places, Place, index);
  Expectation wanted = expect (sweep, index, status);

  check_always (sweep, letter, place);
  if (wanted == OURS
      || ((wanted == OURS_OR_HELD || wanted == OURS_OR_GONE || wanted == ANY)
          && (was->queued > 0 || anybody_has_it (letter, was))))
    check_sent (sweep, letter, place);
  else
    check_theirs (sweep, letter, place);
  if (wanted == HELD && place->held != 1)
    complain (sweep, "letter %s is held no more", letter->name);
  if (wanted == OURS_OR_HELD && place->held != was->held && was->queued == 0)
    complain (sweep, "letter %s is held no more", letter->name);
}

/* A process that was ended at once leaves its temporary file to be swept; so does
   one that cannot remove it. A runner has one process for each account. */
static void
check_rooms (Sweep *sweep, const State *state, int status)
{
  for (size_t i = 0; i < state->complaints->len; i++)
    complain (sweep, "%s", (char *) state->complaints->pdata[i]);
  if (state->corrupt > 0)
    complain (sweep, "something was set aside as corrupt");
  if (state->temporary
      > (WIFSIGNALED (status) || sweep->fault == FAULT_CRASH
                 || (sweep->call != NULL
                     && strstr (sweep->call->name, "unlink") != NULL)
             ? ACCOUNTS
             : 0))
    complain (sweep, "a temporary file was left behind");
}

static State *
take_state (Sweep *sweep)
{
  wait_for_relay (sweep);
  return state_take (sweep->queue, sweep->record, sweep->letters);
}

static bool
something_waits (const State *state)
{
  return state->queued > 0;
}

static void
tell (Sweep *sweep, const char *when, const State *state, int status)
{
  g_autofree char *text = state_describe (state, sweep->letters);

  if (sweep->only != NULL || (sweep->was_wrong && sweep->wrong <= SHOWN))
    fprintf (sweep->out, "#   %s: status %d signal %d %s\n", when,
             WIFEXITED (status) ? WEXITSTATUS (status) : -1,
             WIFSIGNALED (status) ? WTERMSIG (status) : 0, text);
}

static void
show_output (Sweep *sweep)
{
  g_autofree char *text = NULL;

  if (sweep->only == NULL
      || !g_file_get_contents (sweep->output, &text, NULL, NULL))
    return;
  fprintf (sweep->out, "%s", text);
}

/* Runs the queue as anybody may, until nothing more goes out. */
static State *
recover (Sweep *sweep, int status)
{
  static const Call none = { -1, "none", ORDINARY };
  const char *const plain[] = { sweep->sendmail, "-q", NULL };
  const char *const other[] = { sweep->sendmail, "-C", sweep->recover_accounts,
                                "-q", NULL };
  Injection injection = { .argv =
                              sweep->recover_accounts != NULL ? other : plain,
                          .input = "/dev/null",
                          .output = sweep->output,
                          .call = &none };
  Injected injected;
  State *state = NULL;

  for (int i = 0; i < PASSES && (i == 0 || something_waits (state)); i++)
    {
      state_free (state);
      inject_run (&injection, &injected);
      if (injected.hung || injected.status != 0)
        complain (sweep, "then the queue does not run (status %d)",
                  injected.status);
      show_output (sweep);
      state = take_state (sweep);
    }
  check_rooms (sweep, state, status);
  tell (sweep, "later", state, injected.status);
  return state;
}

static void
count (Sweep *sweep, const State *state, int status)
{
  const Letter *letter = sweep->letters->pdata[0];
  const Place *place = &g_array_index (state->places, Place, 0);
  bool relayed = anybody_has_it (letter, place);

  if (WIFSIGNALED (status))
    sweep->killed++;
  else if (WEXITSTATUS (status) == 0)
    sweep->done++;
  else
    sweep->failed++;
  if (place->queued > 0)
    *(relayed ? &sweep->in_both : &sweep->in_queue) += 1;
  else if (relayed)
    sweep->at_relay++;
  else if (place->held > 0)
    sweep->held++;
  else
    sweep->nowhere++;
}

/* How it ended, apart from what it left. Some libraries crash where there is
   no memory for them to begin with. */
static void
check_end (Sweep *sweep, const Injected *injected)
{
  if (injected->hung)
    {
      sweep->hung++;
      complain (sweep, "the program does not end");
    }
  else if (WIFSIGNALED (injected->status)
           && (WTERMSIG (injected->status) == SIGSEGV
               || WTERMSIG (injected->status) == SIGBUS))
    sweep->crashed++;
}

/* From equal states the same follows: a state that differs from an earlier one
   in times and words alone is not run again, but after kills. */
static void
check_recovery (Sweep *sweep, const State *before, int status)
{
  g_autofree char *key =
      g_strdup_printf ("%d %d %s", expect (sweep, 0, status),
                       before->temporary, before->key->str);
  g_autoptr (State) after = NULL;
  unsigned wrong = sweep->wrong;

  if (!something_waits (before)
      || (g_hash_table_contains (sweep->recovered, key)
          && (sweep->fault > 0 || is_untouched (sweep))))
    return;
  after = recover (sweep, status);
  for (unsigned i = 0; i < sweep->letters->len; i++)
    check_later (sweep, i, before, after, status);
  if (sweep->wrong == wrong)
    g_hash_table_add (sweep->recovered, g_steal_pointer (&key));
}

/* Where a fault has the program wait for a time limit. */
static void
note_time (Sweep *sweep, int64_t microseconds)
{
  if (microseconds < SLOW || sweep->call == NULL)
    return;
  sweep->slow++;
  if (sweep->slow <= SHOWN)
    fprintf (sweep->out, "# slow: %s, %s #%u %s: %.1f seconds\n", sweep->name,
             sweep->call->name, sweep->occurrence, fault_name (sweep->fault),
             (double) microseconds / G_USEC_PER_SEC);
}

/* False: the program got past the point. */
static bool
try (Sweep *sweep, Injected *injected)
{
  const char *const rider[] = { "/bin/sh", sweep->rider, NULL };
  Injection injection = { .argv = sweep->argv,
                          .input = sweep->input,
                          .output = sweep->output,
                          .call = sweep->call,
                          .occurrence = sweep->occurrence,
                          .fault = sweep->fault,
                          .sleeps = sweep->sleeps,
                          .ripe = sweep->ripe != NULL ? is_ripe : NULL,
                          .then = sweep->rider != NULL ? rider : NULL,
                          .part = sweep->place != NULL ? dismiss : NULL,
                          .data = sweep };
  g_autoptr (State) state = NULL;
  int64_t start;

  sweep->was_wrong = false;
  reset (sweep);
  if (sweep->opener != NULL)
    run_opener (sweep);
  start = g_get_monotonic_time ();
  inject_run (&injection, injected);
  note_time (sweep, g_get_monotonic_time () - start);
  show_output (sweep);
  state = take_state (sweep);
  if (sweep->call == NULL || injected->reached)
    count (sweep, state, injected->status);
  check_end (sweep, injected);
  check_rooms (sweep, state, injected->status);
  for (unsigned i = 0; i < sweep->letters->len; i++)
    check_now (sweep, i, state, injected->status);
  tell (sweep, "then", state, injected->status);
  check_recovery (sweep, state, injected->status);
  return injected->reached;
}

/* The way. */

static bool
wanted (const Sweep *sweep, int fault)
{
  return fault == FAULT_KILL    ? sweep->kill
         : fault == FAULT_TERM  ? sweep->term
         : fault == FAULT_CRASH ? sweep->crash
                                : sweep->fail
                                      && (sweep->error == 0
                                          || sweep->error == fault);
}

/* COUNT: how often it was called when nothing failed. */
static void
sweep_call (Sweep *sweep, const Call *call, int fault, unsigned count)
{
  Injected injected;

  if (!wanted (sweep, fault) || !call_can_have (call, fault, sweep->sensible))
    return;
  sweep->call = call;
  sweep->fault = fault;
  for (unsigned n = 1;; n++)
    {
      sweep->occurrence = n;
      if (try (sweep, &injected))
        sweep->tried++;
      else if (n <= count)
        sweep->unreached++;
      else
        return;
    }
}

static void
sweep_fault (Sweep *sweep, int fault, const unsigned *counts)
{
  unsigned before = sweep->tried;

  for (int number = 0; number < CALLS_MAXIMUM; number++)
    if (counts[number] > 0 && call_from_number (number) != NULL)
      sweep_call (sweep, call_from_number (number), fault, counts[number]);
  if (sweep->tried > before)
    fprintf (sweep->out, "# %s, %s: %u points\n", sweep->name,
             fault_name (fault), sweep->tried - before);
  fflush (sweep->out);
}

/* Every call has to be known. */
static void
run_reference (Sweep *sweep, Injected *injected)
{
  sweep->call = NULL;
  (void) try (sweep, injected);
  for (int number = 0; number < CALLS_MAXIMUM; number++)
    if (injected->counts[number] > 0 && call_from_number (number) == NULL)
      complain (sweep, "system call %d is not in calls.c", number);
}

static void
sweep_all (Sweep *sweep)
{
  Injected reference;

  run_reference (sweep, &reference);
  sweep->done = sweep->failed = sweep->killed = 0;
  sweep->in_queue = sweep->at_relay = sweep->in_both = 0;
  sweep->held = sweep->nowhere = 0;
  sweep_fault (sweep, FAULT_KILL, reference.counts);
  sweep_fault (sweep, FAULT_TERM, reference.counts);
  sweep_fault (sweep, FAULT_CRASH, reference.counts);
  for (const int *fault = fault_errnos; *fault != 0; fault++)
    sweep_fault (sweep, *fault, reference.counts);
  fprintf (sweep->out,
           "# %s: %u points tried, %u not reached; the program ended with 0 "
           "%u times, with an error %u, by a signal %u (%u crashes); the "
           "message was in the "
           "queue %u times, with the relay %u, both %u, held %u, nowhere %u; "
           "it may come twice %u times, a notification %u; %u wrong\n",
           sweep->name, sweep->tried, sweep->unreached, sweep->done,
           sweep->failed, sweep->killed, sweep->crashed, sweep->in_queue,
           sweep->at_relay, sweep->in_both, sweep->held, sweep->nowhere,
           sweep->windows, sweep->notices_twice, sweep->wrong);
}

static void
try_only (Sweep *sweep)
{
  g_auto (GStrv) part = g_strsplit (sweep->only, ":", 3);
  Injected injected;

  if (g_strv_length (part) != 3)
    errx (EX_USAGE, "CALL:N:FAULT is wanted");
  sweep->call = call_from_name (part[0]);
  sweep->occurrence = (unsigned) strtoul (part[1], NULL, 10);
  sweep->fault = fault_from_name (part[2]);
  if (sweep->call == NULL || sweep->fault == 0)
    errx (EX_USAGE, "%s is unknown", sweep->only);
  if (!try (sweep, &injected))
    fprintf (sweep->out, "# not reached\n");
  sweep->tried = 1;
}

enum
{
  NAME = 256,
  PROMISE,
  QUEUE,
  TEMPLATE,
  RECORD,
  PORT,
  LETTERS,
  INPUT,
  SENDMAIL,
  RECOVER_ACCOUNTS,
  RIPE,
  RIPE_RECORD,
  FAULTS,
  ALL,
  SENSIBLE,
  SLEEPS,
  OPENER,
  RIDER,
  PLACE,
  ERRNO,
  ONLY,
};

static const struct option options[] = {
  { "name", 1, NULL, NAME },
  { "promise", 1, NULL, PROMISE },
  { "queue", 1, NULL, QUEUE },       /* the directory */
  { "template", 1, NULL, TEMPLATE }, /* what it is before each run */
  { "record", 1, NULL, RECORD },
  { "port", 1, NULL, PORT },
  { "letters", 1, NULL, LETTERS },
  { "input", 1, NULL, INPUT },
  { "sendmail", 1, NULL, SENDMAIL },
  { "recover-accounts", 1, NULL, RECOVER_ACCOUNTS },
  { "ripe", 1, NULL, RIPE }, /* in the relay's record: then SIGTERM */
  { "ripe-record", 1, NULL, RIPE_RECORD }, /* another relay's */
  { "faults", 1, NULL, FAULTS },           /* kill,fail,term,crash */
  { "sensible", 0, NULL, SENSIBLE },       /* errnos alone */
  { "all", 0, NULL, ALL },                 /* in spite of that */
  { "sleeps", 0, NULL, SLEEPS },
  { "opener", 1, NULL, OPENER }, /* a script, before the program */
  { "rider", 1, NULL, RIDER },   /* one that follows: then what the program left
                                    is what fails */
  { "place", 1, NULL, PLACE },   /* the socket of who stays, and is to end */
  { "errno", 1, NULL, ERRNO },   /* no other */
  { "only", 1, NULL, ONLY },
  { 0 },
};

static const Promise *
find_promise (const char *name)
{
  for (size_t i = 0; i < G_N_ELEMENTS (promises); i++)
    if (strcmp (promises[i].name, name) == 0)
      return &promises[i];
  errx (EX_USAGE, "there is no promise %s", name);
}

static void
take_option (Sweep *sweep, int option, const char *argument)
{
  switch (option)
    {
    case NAME:
      sweep->name = argument;
      break;
    case PROMISE:
      sweep->promise = find_promise (argument);
      break;
    case QUEUE:
      sweep->queue = argument;
      break;
    case TEMPLATE:
      sweep->template = argument;
      break;
    case RECORD:
      sweep->record = argument;
      break;
    case PORT:
      sweep->port = (unsigned) strtoul (argument, NULL, 10);
      break;
    case LETTERS:
      sweep->letters = letters_load (argument);
      break;
    case INPUT:
      sweep->input = argument;
      break;
    case SENDMAIL:
      sweep->sendmail = argument;
      break;
    case RECOVER_ACCOUNTS:
      sweep->recover_accounts = argument;
      break;
    case RIPE_RECORD:
      sweep->ripe_record = argument;
      break;
    case RIPE:
      sweep->ripe = argument;
      break;
    case ALL:
      sweep->sensible = false;
      break;
    case SENSIBLE:
      sweep->sensible = true;
      break;
    case SLEEPS:
      sweep->sleeps = true;
      break;
    case OPENER:
      sweep->opener = argument;
      break;
    case RIDER:
      sweep->rider = argument;
      break;
    case PLACE:
      sweep->place = argument;
      break;
    case ERRNO:
      sweep->error = fault_from_name (argument);
      break;
    case ONLY:
      sweep->only = *argument == '\0' ? NULL : argument;
      break;
    case FAULTS:
      sweep->kill = strstr (argument, "kill") != NULL;
      sweep->fail = strstr (argument, "fail") != NULL;
      sweep->term = strstr (argument, "term") != NULL;
      sweep->crash = strstr (argument, "crash") != NULL;
      break;
    default:
      exit (EX_USAGE);
    }
}

int
main (int argc, char **argv)
{
  Sweep sweep = { .input = "/dev/null",
                  .kill = true,
                  .fail = true,
                  .recovered = g_hash_table_new_full (g_str_hash, g_str_equal,
                                                      g_free, NULL) };
  int option;

  while ((option = getopt_long (argc, argv, "+", options, NULL)) != -1)
    take_option (&sweep, option, optarg);
  if (sweep.name == NULL || sweep.promise == NULL || sweep.queue == NULL
      || sweep.record == NULL || sweep.letters == NULL
      || sweep.letters->len == 0 || sweep.sendmail == NULL || optind == argc)
    errx (EX_USAGE, "an option is missing");
  sweep.argv = (const char *const *) argv + optind;
  sweep.output = g_strconcat (sweep.record, ".output", NULL);
  sweep.out = fdopen (fcntl (STDOUT_FILENO, F_DUPFD_CLOEXEC, 10), "w");
  setvbuf (sweep.out, NULL, _IOLBF, 0);
  sweep.seen = last_conversation (sweep.record);
  if (sweep.only != NULL)
    try_only (&sweep);
  else
    sweep_all (&sweep);
  fclose (sweep.out);
  return sweep.wrong == 0 ? 0 : 1;
}
