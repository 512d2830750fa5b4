#include "cli/mailq.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

#include <glib/gi18n.h>

#include "base/text.h"
#include "base/user.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/survey.h"
#include "submit/report.h"

/* Of Postfix with long identifiers. Nothing of it is translated. */
#define HEADING                                                               \
  "----Queue ID----- --Size-- ---Arrival Time---- --Sender/Recipient------\n"
#define REASON_COLUMNS 76
#define REASON_MAXIMUM 1000

typedef struct
{
  unsigned requests;
  uint64_t octets;
  bool untold; /* a notification is held */
} Total;

/* As asctime(3) has it, without the year. */
static char *
arrival_time (int64_t seconds)
{
  time_t time = (time_t) seconds;
  struct tm local;
  char text[32] = "";

  if (localtime_r (&time, &local) != NULL)
    (void) strftime (text, sizeof text, "%a %b %e %H:%M:%S", &local);
  return g_strdup (text);
}

static void
append_row (GString *out, const Sight *sight, const char *sender,
            uint64_t size, int64_t arrival)
{
  g_autofree char *time = arrival_time (arrival);
  const char mark = sight->state == STATE_WAITING   ? ' '
                    : sight->state == STATE_SENDING ? '*'
                                                    : '!';

  g_string_append_printf (out, "%s%c %8" PRIu64 " %-19.19s ", sight->id, mark,
                          size, time);
  output_append_text (out, sender);
  g_string_append_c (out, '\n');
}

static void
append_reason (GString *out, const char *reason)
{
  g_autofree char *line =
      text_printable (reason, strlen (reason), REASON_MAXIMUM);

  g_string_append_printf (out, "%*s(%s)\n",
                          MAX (REASON_COLUMNS - (int) text_width (line), 1), "",
                          line);
}

/* Those whom it is still for, below what kept it from them. */
static void
append_recipients (GString *out, const Sight *sight)
{
  const Entry *entry = sight->entry;
  g_autofree char *general = sight_reason (sight);
  g_autofree char *said = NULL;

  for (size_t i = 0; i < entry->statuses->len; i++)
    {
      const Status *status = entry->statuses->pdata[i];
      g_autofree char *reason =
          status != NULL ? status_words (status) : g_strdup (general);

      if (!sight_is_open (sight, i))
        continue;
      if (reason != NULL && g_strcmp0 (reason, said) != 0)
        append_reason (out, reason);
      g_string_append_printf (out, "%47s", "");
      output_append_text (out, entry->envelope->forward_paths->pdata[i]);
      g_string_append_c (out, '\n');
      g_free (said);
      said = g_steal_pointer (&reason);
    }
}

/* An identifier begins with the seconds of its time. */
static int64_t
id_time (const char *id)
{
  g_autofree char *seconds = g_strndup (id, 8);

  return (int64_t) g_ascii_strtoull (seconds, NULL, 16);
}

static void
append_message (GString *out, const Sight *sight, Total *total)
{
  const Entry *entry = sight->entry;
  uint64_t size = entry != NULL ? content_size (&entry->content) : 0;
  const char *sender = entry == NULL ? "?" : entry->envelope->reverse_path;

  if (total->requests++ == 0)
    g_string_append (out, HEADING);
  total->octets += size;
  append_row (out, sight, sender[0] == '\0' ? "MAILER-DAEMON" : sender, size,
              entry != NULL ? entry->arrival : id_time (sight->id));
  if (entry != NULL)
    append_recipients (out, sight);
  else
    append_reason (out, sight->damage);
  g_string_append_c (out, '\n');
  if (entry != NULL && entry->held && entry->notification)
    total->untold = true;
}

static void
print_end (const Total *total)
{
  g_autoptr (GString) out = g_string_new (NULL);

  if (total->requests == 0)
    g_string_append (out, "Mail queue is empty\n");
  else
    g_string_append_printf (out, "-- %" PRIu64 " Kbytes in %u Request%s.\n",
                            total->octets / 1024, total->requests,
                            total->requests == 1 ? "" : "s");
  (void) output_write_string (out);
}

static Total
print_all (Queue *queue, const GArray *places)
{
  g_autoptr (Survey) survey = survey_new (queue, NULL);
  g_autoptr (GString) out = g_string_new (NULL);
  Total total = { 0 };

  for (size_t i = 0; i < places->len; i++)
    {
      g_autoptr (Sight) sight =
          survey_look (survey, &g_array_index (places, Place, i));

      if (sight == NULL)
        continue;
      g_string_truncate (out, 0);
      append_message (out, sight, &total);
      (void) output_write_string (out);
    }
  print_end (&total);
  return total;
}

int
mailq_print (void)
{
  g_autofree char *home = user_home ();
  g_autoptr (GError) error = NULL;
  g_autoptr (Queue) queue = queue_open_own (home, &error);
  g_autoptr (GArray) places =
      queue != NULL ? survey_places (queue, &error) : NULL;
  Total total;

  if (places == NULL)
    return report_error (error);
  total = print_all (queue, places);
  if (!output_finish (&error))
    return report_error (error);
  return total.untold ? EX_UNAVAILABLE : EX_OK;
}

static const Option options[] = {
  { 0, "help", ARGUMENT_NONE, .help = N_ ("show this help"),
    .store = STORE_TRUE },
  /* Accepted and ignored: what callers of other mailq pass. */
  { 'A', .argument = ARGUMENT_REQUIRED, .group = OPTION_IGNORED },
  { 'v', .group = OPTION_IGNORED },
  { 0 },
};

static void
print_help (void)
{
  g_autofree char *text = options_help (options);

  output_help (
      _ ("Usage: mailq\n"
         "Lists the messages that wait or are held, as other programs read "
         "it; people may like `postrider queue' more.\n\n%s"),
      text);
}

int
mailq_main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  bool help = false;

  if (!options_parse_anywhere (options, argc, argv, &help, NULL, 0, &error))
    return report_error (error);
  if (help)
    {
      print_help ();
      return EX_OK;
    }
  return mailq_print ();
}
