#include "submit/report.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <syslog.h>

#include <glib/gi18n.h>

#include "base/log.h"
#include "base/text.h"

/* Octets, of a line that has 4096 for all: recipients, and what the relay said when
   it took the message. */
#define PEOPLE_MAXIMUM 1500
#define REPLY_MAXIMUM 200

static bool
is_ours (const Status *status)
{
  return status->fate == FATE_RELAYED || status->fate == FATE_DELAYED;
}

/* What else has a line end in it has it from somebody else. */
int
report_error (const GError *error)
{
  bool is_list = g_error_matches (error, FAILURE, FAILURE_CONFIG);
  g_auto (GStrv) lines = g_strsplit (error->message, "\n", is_list ? -1 : 1);

  for (size_t i = 0; lines[i] != NULL; i++)
    text_print_line (stderr, "%s%s\n", i == 0 ? "postrider: " : "", lines[i]);
  return failure_exit_status (error);
}

int
report_exit_status (const Outcome *outcome)
{
  for (size_t i = 0; i < outcome->statuses->len; i++)
    if (is_ours (outcome->statuses->pdata[i]))
      return EX_OK;
  return ((const Status *) outcome->statuses->pdata[0])->exit_status;
}

static const char *
path_of (const Entry *entry, const Outcome *outcome, size_t i)
{
  size_t index = g_array_index (outcome->owed, size_t, i);

  return entry->envelope->forward_paths->pdata[index];
}

static bool
same_words (const Status *a, const Status *b)
{
  return a->code == b->code && a->stage == b->stage
         && strcmp (a->text, b->text) == 0;
}

/* Text in a log field stands between quotes. */
static void
append_quoted (GString *line, const char *text)
{
  g_string_append_c (line, '"');
  for (; *text != '\0'; text++)
    g_string_append_c (line, *text == '"' ? '\'' : *text);
  g_string_append_c (line, '"');
}

/* Every forward-path that was not taken is worth a word; what concerns them
   all was SAID once (NULL: nothing was yet). */
static bool
is_worth_saying (const Status *status, const Status *said)
{
  return status->fate != FATE_RELAYED
         && (said == NULL || status->scope == SCOPE_RECIPIENT
             || !same_words (said, status));
}

static void
append_refusals (GString *line, const Entry *entry, const Outcome *outcome)
{
  const Status *said = NULL;

  for (size_t i = 0; i < outcome->statuses->len; i++)
    {
      const Status *status = outcome->statuses->pdata[i];
      g_autofree char *text = status_words (status);

      if (!is_worth_saying (status, said))
        continue;
      if (status->scope == SCOPE_RECIPIENT)
        g_string_append_printf (line, " rcpt=%s", path_of (entry, outcome, i));
      g_string_append_printf (
          line, " stage=%s status=%s%s text=", stage_name (status->stage),
          fate_name (status->fate), status->ambiguous ? " ambiguous=yes" : "");
      append_quoted (line, text);
      said = status;
    }
}

/* Recipients of PATHS from FIRST on, as many as a line has room for; the first one
   that it has not. */
static unsigned
append_people (GString *line, const GPtrArray *paths, unsigned first)
{
  size_t end = line->len + PEOPLE_MAXIMUM;
  unsigned i;

  for (i = first; i < paths->len && line->len < end; i++)
    g_string_append_printf (line, "%s<%s>", i == first ? " to=" : ",",
                            (const char *) paths->pdata[i]);
  return i;
}

/* All of PATHS: those that do not fit into the line of what happened have lines of
   their own, before it. What is left for it; the caller owns that. */
static char *
log_people (const Entry *entry, const char *account, const GPtrArray *paths)
{
  unsigned next = 0;

  for (;;)
    {
      GString *people = g_string_new (NULL);

      next = append_people (people, paths, next);
      if (next == paths->len)
        return g_string_free (people, FALSE);
      log_line (LOG_INFO, "id=%s account=%s from=<%s>%s", entry->id, account,
                entry->envelope->reverse_path, people->str);
      (void) g_string_free (people, TRUE);
    }
}

static GPtrArray *
tried_paths (const Entry *entry, const Outcome *outcome)
{
  GPtrArray *paths = g_ptr_array_new ();

  for (size_t i = 0; i < outcome->statuses->len; i++)
    g_ptr_array_add (paths, (char *) path_of (entry, outcome, i));
  return paths;
}

/* What the relay said when it took the message. */
static void
append_reply (GString *line, const Outcome *outcome)
{
  for (size_t i = 0; i < outcome->statuses->len; i++)
    {
      const Status *status = outcome->statuses->pdata[i];

      if (status->fate == FATE_RELAYED)
        {
          g_autofree char *words = status_words (status);
          g_autofree char *text
              = text_printable (words, strlen (words), REPLY_MAXIMUM);

          g_string_append (line, " reply=");
          append_quoted (line, text);
          return;
        }
    }
}

static size_t
count_relayed (const Outcome *outcome)
{
  size_t count = 0;

  for (size_t i = 0; i < outcome->statuses->len; i++)
    {
      const Status *status = outcome->statuses->pdata[i];

      count += status->fate == FATE_RELAYED;
    }
  return count;
}

static const char *const settled_names[] = {
  [SETTLED_GONE] = "relayed",
  [SETTLED_QUEUED] = "queued",
  [SETTLED_HELD] = "held",
};

void
report_log (const Entry *entry, const Account *account, const Outcome *outcome)
{
  g_autoptr (GString) line = g_string_new (NULL);
  g_autoptr (GPtrArray) paths = tried_paths (entry, outcome);
  g_autofree char *people = log_people (entry, account->name, paths);
  char seconds[G_ASCII_DTOSTR_BUF_SIZE];

  g_ascii_formatd (seconds, sizeof seconds, "%.3f", outcome->seconds);
  g_string_append_printf (
      line,
      "id=%s account=%s host=%s port=%d tls=\"%s\" auth=%s from=<%s>%s "
      "recipients=%u relayed=%zu size=%" PRIu64 " attempt=%u seconds=%s%s "
      "fate=%s",
      entry->id, account->name, account->relay.host, account->relay.port,
      outcome->tls == NULL ? "" : outcome->tls,
      outcome->mechanism == NULL ? "" : outcome->mechanism,
      entry->envelope->reverse_path, people, outcome->statuses->len,
      count_relayed (outcome), content_size (&entry->content), entry->attempts,
      seconds, outcome->no_dsn ? " dsn=no" : "",
      settled_names[outcome->settled]);
  append_reply (line, outcome);
  append_refusals (line, entry, outcome);
  log_line (outcome->settled == SETTLED_GONE     ? LOG_INFO
            : outcome->settled == SETTLED_QUEUED ? LOG_WARNING
                                                 : LOG_ERR,
            "%s", line->str);
}

/* What the relay said no to, and its words. */
static void
append_words (GString *lines, Stage stage, const char *host, const char *text)
{
  if (stage == STAGE_GREETING)
    g_string_append_printf (
        lines, _ ("postrider: %s refused the connection: %s\n"), host, text);
  else if (stage == STAGE_EHLO || stage == STAGE_STARTTLS)
    g_string_append_printf (
        lines, _ ("postrider: %s refused the session: %s\n"), host, text);
  else if (stage == STAGE_AUTH)
    g_string_append_printf (lines, _ ("postrider: %s refused the login: %s\n"),
                            host, text);
  else
    g_string_append_printf (
        lines, _ ("postrider: %s did not take the message: %s\n"), host, text);
}

static void
append_refusal (GString *lines, const Entry *entry, const Account *account,
                const Outcome *outcome, size_t i)
{
  const Status *status = outcome->statuses->pdata[i];
  g_autofree char *text = status_words (status);

  if (status->code == 0)
    g_string_append_printf (lines, _ ("postrider: account %s: %s\n"),
                            account->name, text);
  else if (status->scope == SCOPE_RECIPIENT)
    g_string_append_printf (lines, _ ("postrider: %s did not take %s: %s\n"),
                            account->relay.host, path_of (entry, outcome, i),
                            text);
  else
    append_words (lines, status->stage, account->relay.host, text);
}

static void
append_copy_held (GString *lines, const Entry *entry)
{
  g_string_append_printf (
      lines, _ ("postrider: nothing was sent; a copy is held as %s\n"),
      entry->id);
}

static void
append_what_next (GString *lines, const Entry *entry, const Outcome *outcome)
{
  if (outcome->settled == SETTLED_QUEUED)
    g_string_append_printf (
        lines,
        _ ("postrider: the message is queued as %s and will be tried "
           "again\n"),
        entry->id);
  else if (entry_is_relayed (entry))
    g_string_append_printf (
        lines,
        _ ("postrider: the other recipients have the message; a copy is "
           "held as %s\n"),
        entry->id);
  else
    append_copy_held (lines, entry);
}

char *
report_text (const Entry *entry, const Account *account,
             const Outcome *outcome)
{
  g_autoptr (GString) lines = g_string_new (NULL);
  const Status *said = NULL;

  if (outcome->no_dsn)
    g_string_append_printf (
        lines,
        _ ("postrider: %s cannot notify of success, so it was not asked "
           "to\n"),
        account->relay.host);
  if (outcome->settled == SETTLED_GONE)
    return g_string_free (g_steal_pointer (&lines), FALSE);
  for (size_t i = 0; i < outcome->statuses->len; i++)
    {
      const Status *status = outcome->statuses->pdata[i];

      if (!is_worth_saying (status, said))
        continue;
      append_refusal (lines, entry, account, outcome, i);
      said = status;
    }
  append_what_next (lines, entry, outcome);
  return g_string_free (g_steal_pointer (&lines), FALSE);
}

void
report_person (const Entry *entry, const Account *account,
               const Outcome *outcome)
{
  g_autofree char *text = report_text (entry, account, outcome);

  (void) fputs (text, stderr);
}

void
report_log_held (const Entry *entry, const char *text)
{
  g_autoptr (GString) line = g_string_new (NULL);
  g_autofree char *people
      = log_people (entry, entry->account, entry->envelope->forward_paths);

  g_string_append_printf (
      line, "id=%s account=%s from=<%s>%s fate=held text=", entry->id,
      entry->account, entry->envelope->reverse_path, people);
  append_quoted (line, text);
  log_line (LOG_ERR, "%s", line->str);
}

void
report_copy_held (const Entry *entry)
{
  g_autoptr (GString) lines = g_string_new (NULL);

  append_copy_held (lines, entry);
  (void) fputs (lines->str, stderr);
}
