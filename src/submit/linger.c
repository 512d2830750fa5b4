#include "submit/linger.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "queue/backoff.h"
#include "submit/linger-channel.h"
#include "submit/report.h"
#include "submit/signals.h"

/* A connection that leads nowhere any more is known to after 20 seconds. */
#define ALIVE_IDLE 10 /* seconds */
#define ALIVE_PAUSE 5
#define ALIVE_PROBES 2

struct Linger
{
  Queue *queue;
  char *account;
  char *fingerprint;
  int lock; /* that makes us the one */
  int listener;
  int connection;
  int64_t slept; /* seconds */
  Errand errand;
  Courier *courier; /* with an open session; NULL: it is over */
};

Linger *
linger_new (Queue *queue, const Accounts *accounts, const Account *account)
{
  Linger *linger;
  int lock = backoff_linger (queue, account->name);
  int listener = lock >= 0 ? linger_listen (queue, account->name) : -1;

  if (listener < 0)
    {
      if (lock >= 0)
        close (lock);
      return NULL;
    }
  linger = g_new0 (Linger, 1);
  linger->queue = queue;
  linger->account = g_strdup (account->name);
  linger->fingerprint = linger_fingerprint (accounts, account);
  linger->lock = lock;
  linger->listener = listener;
  linger->connection = -1;
  return linger;
}

/* Before the last caller is answered, so that it finds the connection free,
   and can take our place. */
static void
retire (Linger *linger)
{
  if (linger->listener < 0)
    return;
  g_clear_pointer (&linger->courier, courier_free);
  if (linger->connection >= 0)
    close (linger->connection);
  linger_unlink (linger->queue, linger->account);
  close (linger->listener);
  close (linger->lock);
  linger->listener = linger->connection = -1;
}

void
linger_free (Linger *linger)
{
  if (linger == NULL)
    return;
  retire (linger);
  g_free (linger->account);
  g_free (linger->fingerprint);
  g_free (linger);
}

/* One message */

static bool
say (int caller, char kind)
{
  return linger_say (caller, &kind, 1, -1);
}

static bool
hear_go (int caller)
{
  Deadline deadline = deadline_in (LINGER_STEP);
  char octet;

  return linger_hear (caller, &octet, 1, NULL, &deadline, false) == 1
         && octet == LINGER_GO;
}

/* The entry of FD, which is closed unless it becomes the entry's. */
static Entry *
adopt (const Linger *linger, const LingerRequest *request, int fd)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Entry) entry =
      fd >= 0 ? queue_adopt (linger->queue, request->id, fd, &error) : NULL;

  if (fd >= 0)
    close (fd);
  if (error != NULL)
    log_line (LOG_ERR, "text=\"%s\"", error->message);
  return entry != NULL && strcmp (entry->account, linger->account) == 0
                 && !entry->as_given
             ? g_steal_pointer (&entry)
             : NULL;
}

static GString *
write_answer (char kind, int exit_status, const char *text, const char *report)
{
  GString *answer = g_string_new (NULL);

  g_string_append_c (answer, kind);
  g_string_append_c (answer, (char) exit_status);
  if (text != NULL)
    g_string_append_len (answer, text,
                         (gssize) MIN (strlen (text), LINGER_TEXT_MAXIMUM));
  g_string_append_c (answer, '\0');
  if (report != NULL)
    g_string_append_len (
        answer, report, (gssize) MIN (strlen (report), LINGER_REPORT_MAXIMUM));
  return answer;
}

/* Where nobody will tell a person, the desktop is told. */
static GString *
answer_outcome (const Linger *linger, const LingerRequest *request,
                const Entry *entry, const Outcome *outcome)
{
  const Status *stopped = outcome_account_status (outcome);
  int exit_status = report_exit_status (outcome);
  g_autofree char *text =
      exit_status != 0 ? status_words (outcome->statuses->pdata[0]) : NULL;
  g_autofree char *report =
      report_text (entry, linger->errand.account, outcome);

  if (stopped != NULL && !request->attended)
    errand_notify (&linger->errand, stopped, outcome->settled == SETTLED_HELD);
  return write_answer (LINGER_VERDICT, exit_status, text, report);
}

static GString *
carry (Linger *linger, const LingerRequest *request, Entry *entry)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Outcome) outcome = NULL;

  courier_doubt (linger->courier);
  outcome = errand_run (&linger->errand, entry, linger->courier, &error);
  if (outcome == NULL)
    return write_answer (LINGER_UNSETTLED, 0, error->message, NULL);
  if (outcome->untried)
    return write_answer (LINGER_NO, 0, NULL, NULL);
  return answer_outcome (linger, request, entry, outcome);
}

/* It sends us its signals until it has let go: after that none can hit the
   next message. False: it does not. */
static bool
await_end (int caller)
{
  Deadline deadline = deadline_in (LINGER_STEP);
  char octet;

  return linger_hear (caller, &octet, 1, NULL, &deadline, false) < 0
         && !deadline_passed (deadline);
}

static bool
serve_message (Linger *linger, const LingerRequest *request, Entry *taken,
               int caller)
{
  g_autoptr (Entry) entry = taken;
  g_autoptr (GString) answer = NULL;

  if (entry == NULL)
    {
      (void) say (caller, LINGER_NO);
      return true;
    }
  if (!say (caller, LINGER_READY) || !hear_go (caller))
    return true;
  answer = carry (linger, request, entry);
  /* The caller must have its lock alone when it hears of us. */
  g_clear_pointer (&entry, entry_free);
  if (!courier_is_open (linger->courier))
    retire (linger);
  return (!linger_say (caller, answer->str, answer->len, -1)
          || await_end (caller))
         && linger->courier != NULL;
}

/* False: it is the last. */
static bool
serve_caller (Linger *linger, int caller)
{
  Deadline deadline = deadline_in (LINGER_STEP);
  LingerRequest request;
  int fd;
  ssize_t length =
      linger_hear (caller, &request, sizeof request, &fd, &deadline, false);

  request.fingerprint[sizeof request.fingerprint - 1] = '\0';
  request.id[sizeof request.id - 1] = '\0';
  if (length == sizeof request && request.kind == LINGER_MESSAGE
      && strcmp (request.fingerprint, linger->fingerprint) == 0)
    return serve_message (linger, &request, adopt (linger, &request, fd),
                          caller);
  if (fd >= 0)
    close (fd);
  if (length != sizeof request)
    return true;
  retire (linger);
  (void) say (caller, LINGER_NO);
  return false;
}

/* How long the machine has, since it was booted: no connection outlives that.
 */
static int64_t
time_asleep (void)
{
  struct timespec all = { 0 };
  struct timespec awake = { 0 };

  (void) clock_gettime (CLOCK_BOOTTIME, &all);
  (void) clock_gettime (CLOCK_MONOTONIC, &awake);
  return (int64_t) all.tv_sec - (int64_t) awake.tv_sec;
}

static bool
is_sound (const Linger *linger)
{
  return courier_is_quiet (linger->courier)
         && time_asleep () - linger->slept <= 1;
}

/* What lies idle is not missed. A tunnel has no such thing. */
static void
keep_alive (int fd)
{
  static const int options[][3] = {
    { IPPROTO_TCP, TCP_KEEPIDLE, ALIVE_IDLE },
    { IPPROTO_TCP, TCP_KEEPINTVL, ALIVE_PAUSE },
    { IPPROTO_TCP, TCP_KEEPCNT, ALIVE_PROBES },
    { SOL_SOCKET, SO_KEEPALIVE, 1 },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (options); i++)
    (void) setsockopt (fd, options[i][0], options[i][1], &options[i][2],
                       sizeof (int));
}

/* The next caller; -1: nobody came, or the session is over. */
static int
await_caller (const Linger *linger)
{
  Deadline deadline = deadline_in (linger->errand.account->linger);
  struct pollfd fds[] = { { linger->listener, POLLIN, 0 },
                          { courier_fd (linger->courier), POLLIN, 0 } };
  int caller = -1;

  while (is_sound (linger) && !deadline_passed (deadline) && caller < 0)
    if (poll (fds, G_N_ELEMENTS (fds), deadline_poll (deadline)) < 0)
      return -1;
    else if (fds[0].revents != 0 && is_sound (linger))
      caller = linger_accept (linger->listener);
  return caller;
}

void
linger_run (Linger *linger, const Apart *apart, int exit_status,
            const Errand *errand, Courier *courier, int connection)
{
  bool more = courier_is_open (courier) && !signals_noted ()
              && apart_leave (apart, exit_status);
  int caller;

  linger->errand = *errand;
  linger->courier = courier;
  linger->connection = connection;
  linger->slept = time_asleep ();
  courier_stay (courier);
  if (more)
    keep_alive (courier_fd (courier));
  while (more)
    {
      /* With nothing in hand it may be ended. */
      signals_release ();
      caller = await_caller (linger);
      if (caller < 0)
        break;
      signals_defer ();
      more = serve_caller (linger, caller) && !signals_noted ();
      close (caller);
    }
  retire (linger);
}
