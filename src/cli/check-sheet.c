#include "cli/check-sheet.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include <glib/gi18n.h>

#include "base/progress.h"
#include "cli/json.h"
#include "cli/output.h"
#include "cli/words.h"

#define TIME_COLUMNS 8
#define TROUBLE_COLUMN 4

struct Sheet
{
  bool json;
  bool is_shown;     /* rows are read as they come */
  char *awaited;     /* what is told below them; nullable */
  bool of_account;   /* the group that is open */
  GString *accounts; /* JSON: members of arrays */
  GString *machine;
  ProbeResult worst; /* of the group */
  int exit_status;
};

/* What is looked at: a column of its own. */
static const Word labels[] = {
  { "account", NC_ ("check", "account") },
  { "secret", NC_ ("check", "password") },
  { "address", NC_ ("check", "DNS") },
  { "connection", NC_ ("check", "connection") },
  { "tls", NC_ ("check", "TLS") },
  { "greeting", NC_ ("check", "greeting") },
  { "ehlo", NC_ ("check", "EHLO") },
  { "login", NC_ ("check", "login") },
  { "sender", NC_ ("check", "sender") },
  { "pause", NC_ ("check", "pause") },
  { "held", NC_ ("check", "held") },
  { "file", NC_ ("check", "accounts") },
  { "queue", NC_ ("check", "queue") },
  { "runner", NC_ ("check", "runner") },
  { "unit", NC_ ("check", "systemd") },
  { "sendmail", NC_ ("check", "sendmail") },
  { "cron", NC_ ("check", "cron") },
  { NULL, NULL },
};

/* How it is: the next column. */
static const Word results[] = {
  { "ok", NC_ ("check", "ok") },
  { "warning", NC_ ("check", "warning") },
  { "skipped", NC_ ("check", "not tried") },
  { "failed", NC_ ("check", "FAILED") },
  { NULL, NULL },
};

Sheet *
sheet_new (bool json)
{
  Sheet *sheet = g_new0 (Sheet, 1);

  sheet->json = json;
  sheet->is_shown = !json && isatty (STDOUT_FILENO) && progress_enable ();
  sheet->accounts = g_string_new (NULL);
  sheet->machine = g_string_new (NULL);
  return sheet;
}

void
sheet_free (Sheet *sheet)
{
  if (sheet == NULL)
    return;
  g_free (sheet->awaited);
  g_string_free (sheet->accounts, TRUE);
  g_string_free (sheet->machine, TRUE);
  g_free (sheet);
}

int
sheet_exit_status (const Sheet *sheet)
{
  return sheet->exit_status;
}

static void
print_heading (const Account *account)
{
  g_autoptr (GString) out = g_string_new (NULL);
  g_autofree char *endpoint = NULL;
  g_autofree char *line = NULL;

  if (account != NULL)
    {
      endpoint = relay_endpoint (&account->relay);
      line = g_strdup_printf (_ ("Account %s at %s"), account->name, endpoint);
    }
  else
    line = g_strdup (_ ("This machine"));
  output_append_text (out, line);
  g_string_append_c (out, '\n');
  (void) output_write_string (out);
}

static void
open_account (GString *out, const Account *account)
{
  json_open (out, NULL, '{');
  json_string (out, "name", account->name);
  json_string (out, "file", account->file);
  json_integer (out, "line", account->line);
  json_string (out, "host", account->relay.host);
  json_integer (out, "port", account->relay.port);
  if (account->relay.user != NULL)
    json_string (out, "user", account->relay.user);
  else
    json_null (out, "user");
  json_open (out, "parts", '[');
}

void
sheet_begin (Sheet *sheet, const Account *account)
{
  sheet->of_account = account != NULL;
  sheet->worst = PROBE_OK;
  if (!sheet->json)
    print_heading (account);
  else if (account != NULL)
    open_account (sheet->accounts, account);
}

/* Those that are of a kind are told by the first of these that applies. */
static ProbeResult
worse (ProbeResult a, ProbeResult b)
{
  if (a == PROBE_FAILED || b == PROBE_FAILED)
    return PROBE_FAILED;
  return a == PROBE_WARNING || b == PROBE_WARNING ? PROBE_WARNING : PROBE_OK;
}

static void
append_trouble (GString *out, const char *text, const char *mark)
{
  size_t column = TROUBLE_COLUMN + strlen (mark);

  output_append_padded (out, "", TROUBLE_COLUMN, false);
  g_string_append (out, mark);
  output_append_folded (out, text, column, column);
}

/* What is well stands beside its label; what is not has lines of its own. */
static void
print_row (const Row *row)
{
  g_autoptr (GString) out = g_string_new ("  ");
  g_autofree char *time
      = row->milliseconds < 0
            ? g_strdup ("")
            : g_strdup_printf (_ ("%d ms"), row->milliseconds);
  bool well = row->result == PROBE_OK || row->result == PROBE_SKIPPED;
  size_t label_columns = words_width (labels, "check") + 2;
  size_t result_columns = words_width (results, "check") + 1;
  size_t column = 2 + label_columns + result_columns + TIME_COLUMNS + 2;

  output_append_padded (out, words_find (labels, "check", row->part),
                        label_columns, false);
  output_append_padded (
      out, words_find (results, "check", probe_result_name (row->result)),
      result_columns, false);
  output_append_padded (out, time, TIME_COLUMNS, true);
  if (well && row->text[0] != '\0')
    {
      g_string_append (out, "  ");
      output_append_folded (out, row->text, column, column);
    }
  else
    {
      while (out->str[out->len - 1] == ' ')
        g_string_truncate (out, out->len - 1);
      g_string_append_c (out, '\n');
      append_trouble (out, row->text, "");
    }
  if (row->advice != NULL && row->advice[0] != '\0')
    append_trouble (out, row->advice, "-> ");
  (void) output_write_string (out);
  /* The next one may take its time. */
  (void) fflush (stdout);
}

static void
append_row (GString *out, const Row *row)
{
  json_open (out, NULL, '{');
  json_string (out, "part", row->part);
  json_string (out, "result", probe_result_name (row->result));
  if (row->milliseconds >= 0)
    json_integer (out, "milliseconds", row->milliseconds);
  else
    json_null (out, "milliseconds");
  json_string (out, "text", row->text);
  if (row->advice != NULL && row->advice[0] != '\0')
    json_string (out, "advice", row->advice);
  else
    json_null (out, "advice");
  json_integer (out, "exit_status", row->exit_status);
  if (row->code > 0)
    json_integer (out, "code", row->code);
  else
    json_null (out, "code");
  if (row->expires > 0)
    json_integer (out, "expires", row->expires);
  else
    json_null (out, "expires");
  json_close (out, '}');
}

static void
show_awaited (const Sheet *sheet)
{
  if (sheet->is_shown && sheet->awaited != NULL)
    progress_say (sheet->awaited);
}

void
sheet_add (Sheet *sheet, const Row *row)
{
  sheet->worst = worse (sheet->worst, row->result);
  if (sheet->exit_status == EX_OK)
    sheet->exit_status = row->exit_status;
  if (sheet->json)
    append_row (sheet->of_account ? sheet->accounts : sheet->machine, row);
  else
    {
      progress_wipe ();
      print_row (row);
      show_awaited (sheet);
    }
}

void
sheet_await (Sheet *sheet, const char *text)
{
  g_free (sheet->awaited);
  sheet->awaited = g_strdup (text);
  progress_wipe ();
  show_awaited (sheet);
}

void
sheet_add_step (Sheet *sheet, const ProbeStep *step)
{
  sheet_add (sheet, &(Row){ .part = probe_part_name (step->part),
                            .result = step->result,
                            .exit_status = step->exit_status,
                            .code = step->code,
                            .milliseconds = step->result == PROBE_SKIPPED
                                                ? -1
                                                : (int) step->milliseconds,
                            .expires = step->expires,
                            .text = step->text,
                            .advice = step->advice });
}

void
sheet_end (Sheet *sheet)
{
  if (!sheet->json)
    {
      (void) output_write ("\n", 1);
      return;
    }
  if (!sheet->of_account)
    return;
  json_close (sheet->accounts, ']');
  json_string (sheet->accounts, "result", probe_result_name (sheet->worst));
  json_close (sheet->accounts, '}');
}

static void
print_json (const Sheet *sheet)
{
  g_autoptr (GString) out = g_string_new (NULL);

  json_open (out, NULL, '{');
  json_open (out, "accounts", '[');
  g_string_append (out, sheet->accounts->str);
  json_close (out, ']');
  json_open (out, "machine", '[');
  g_string_append (out, sheet->machine->str);
  json_close (out, ']');
  json_integer (out, "exit_status", sheet->exit_status);
  json_close (out, '}');
  g_string_append_c (out, '\n');
  (void) output_write_string (out);
}

bool
sheet_finish (Sheet *sheet, GError **error)
{
  if (sheet->json)
    print_json (sheet);
  return output_finish (error);
}
