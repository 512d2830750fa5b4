#include "base/progress.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <glib.h>
#include <glib/gi18n.h>

#include "base/text.h"

#define LARGE (1024 * 1024)         /* octets; what has less is not shown */
#define SOON (G_USEC_PER_SEC / 2)   /* and what takes less */
#define INTERVAL 200                /* milliseconds from one line to the next */
#define MEMORY 3.0                  /* seconds, of the rate */
#define STALLED (5 * G_USEC_PER_SEC) /* so long without an octet: it stands still */
#define LONGEST (99 * 60 * 60)      /* seconds that are told */
#define CLEAR "\r\033[K"

static bool enabled;
static bool on;
static volatile sig_atomic_t shown;

static struct
{
  ProgressKind kind;
  uint64_t total, done;
  int64_t start, drawn, moved; /* microseconds */
  uint64_t drawn_done;
  double rate; /* octets in a second; 0: not known yet */
} now;

bool
progress_enable (void)
{
  const char *terminal = getenv ("TERM");

  enabled = isatty (STDERR_FILENO) && terminal != NULL
            && terminal[0] != '\0' && strcmp (terminal, "dumb") != 0;
  return enabled;
}

void
progress_begin (ProgressKind kind, uint64_t total)
{
  progress_end ();
  if (!enabled || (kind == PROGRESS_SENDING && total < LARGE)
      || !isatty (STDERR_FILENO))
    return;
  on = true;
  memset (&now, 0, sizeof now);
  now.kind = kind;
  now.total = total;
  now.start = now.drawn = now.moved = g_get_monotonic_time ();
}

/* A job in the background, or a terminal that was stopped, is not written to. */
static bool
may_draw (void)
{
  struct pollfd item = { .fd = STDERR_FILENO, .events = POLLOUT };
  pid_t foreground = tcgetpgrp (STDERR_FILENO);

  return (foreground < 0 || foreground == getpgrp ())
         && poll (&item, 1, 0) == 1 && (item.revents & POLLOUT) != 0;
}

/* Of the last seconds, as far as possible. */
static void
measure (int64_t time)
{
  double span = (double) (time - now.drawn) / G_USEC_PER_SEC;
  double latest = (double) (now.done - now.drawn_done) / span;
  double weight = now.rate > 0 ? span / (span + MEMORY) : 1;

  if (now.done != now.drawn_done)
    now.moved = time;
  now.rate += weight * (latest - now.rate);
  if (time - now.moved >= STALLED)
    now.rate = 0;
  now.drawn = time;
  now.drawn_done = now.done;
}

/* "1:05", "2:00:00", or NULL: nobody knows. */
static char *
time_left (void)
{
  uint64_t rest = now.total > now.done ? now.total - now.done : 0;
  double left = now.rate > 1 ? (double) rest / now.rate : LONGEST;
  unsigned seconds;

  if (left >= LONGEST)
    return NULL;
  seconds = (unsigned) left;
  return seconds < 3600
             ? g_strdup_printf ("%u:%02u", seconds / 60, seconds % 60)
             : g_strdup_printf ("%u:%02u:%02u", seconds / 3600,
                                seconds / 60 % 60, seconds % 60);
}

/* All that there is to say, in a line. The caller owns it. */
static char *
long_line (void)
{
  bool reads = now.kind == PROGRESS_READING;
  g_autofree char *done = g_format_size (now.done);
  g_autofree char *total = g_format_size (now.total);
  g_autofree char *rate = g_format_size ((uint64_t) MAX (now.rate, 0));
  g_autofree char *left = time_left ();

  if (!reads && now.done >= now.total)
    return g_strdup_printf (
        _ ("postrider: %s are sent; the relay's answer is awaited"), total);
  if (now.done >= now.total)
    return g_strdup_printf (_ ("postrider: reading: %s, %s/s"), done, rate);
  if (left == NULL)
    return g_strdup_printf (reads ? _ ("postrider: reading: %s of %s, %s/s")
                                  : _ ("postrider: sending: %s of %s, %s/s"),
                            done, total, rate);
  return g_strdup_printf (
      reads ? _ ("postrider: reading: %s of %s, %s/s, %s left")
            : _ ("postrider: sending: %s of %s, %s/s, %s left"),
      done, total, rate, left);
}

/* What a narrow terminal has room for. */
static char *
short_line (void)
{
  return now.total == 0
             ? g_format_size (now.done)
             : g_strdup_printf ("%u %%", (unsigned) (100 * (double) now.done
                                                     / (double) now.total));
}

/* Asked each time, so that no signal need tell of a change. */
static bool
has_room (const char *line)
{
  return text_width (line) < text_columns (STDERR_FILENO);
}

static void
draw (const char *line)
{
  g_autofree char *drawn
      = g_strconcat ("\r", has_room (line) ? line : "", "\033[K", NULL);

  shown = true;
  (void) !write (STDERR_FILENO, drawn, strlen (drawn));
}

static void
draw_now (void)
{
  g_autofree char *line = long_line ();

  if (!has_room (line))
    {
      g_free (line);
      line = short_line ();
    }
  draw (line);
}

bool
progress_tick (void)
{
  int64_t time;

  if (!on)
    return false;
  time = g_get_monotonic_time ();
  if (time - now.drawn < INTERVAL * 1000 || time - now.start < SOON
      || (now.kind == PROGRESS_READING && now.done < LARGE))
    return true;
  measure (time);
  if (may_draw ())
    draw_now ();
  return true;
}

void
progress_step (uint64_t done)
{
  if (!on)
    return;
  now.done = done;
  (void) progress_tick ();
}

int
progress_patience (int wait)
{
  return on && (wait < 0 || wait > INTERVAL) ? INTERVAL : wait;
}

void
progress_say (const char *text)
{
  progress_end ();
  if (enabled && may_draw ())
    draw (text);
}

void
progress_wipe (void)
{
  int kept = errno;

  if (shown)
    (void) !write (STDERR_FILENO, CLEAR, strlen (CLEAR));
  shown = false;
  errno = kept;
}

void
progress_end (void)
{
  progress_wipe ();
  on = false;
}

void
progress_end_any (void)
{
  shown = shown || enabled;
  progress_end ();
}
