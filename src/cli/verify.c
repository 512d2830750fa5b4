#include "cli/verify.h"

#include <sysexits.h>

#include <glib/gi18n.h>

#include "account/account.h"
#include "base/log.h"
#include "base/user.h"
#include "cli/output.h"
#include "mail/header.h"
#include "submit/recipients.h"
#include "submit/report.h"
#include "submit/sender.h"

typedef struct
{
  const SendmailOptions *options;
  const Accounts *accounts;
  const Account *account;
  int status; /* the worst so far */
} Verification;

static void
note_error (Verification *verification, const GError *error)
{
  int status = report_error (error);

  verification->status = MAX (verification->status, status);
}

static void
note_problems (Verification *verification, const GPtrArray *problems)
{
  for (size_t i = 0; i < problems->len; i++)
    note_error (verification, problems->pdata[i]);
}

static char *
join_paths (const Envelope *envelope)
{
  GString *text = g_string_new (NULL);

  for (size_t i = 0; i < envelope->forward_paths->len; i++)
    g_string_append_printf (text, "%s%s", i > 0 ? ", " : "",
                            (char *) envelope->forward_paths->pdata[i]);
  return g_string_free (text, FALSE);
}

static void
verify_path (Verification *verification, const char *path)
{
  const Account *account = verification->account;
  g_autoptr (GPtrArray) problems =
      g_ptr_array_new_with_free_func ((GDestroyNotify) g_error_free);
  g_autoptr (GError) error = NULL;
  g_autoptr (Envelope) given = envelope_new ();
  g_autoptr (Envelope) settled = NULL;
  g_autoptr (GString) out = g_string_new (NULL);
  g_autofree char *paths = NULL;
  g_autofree char *line = NULL;

  envelope_add (given, path);
  settled =
      recipients_settle (given, verification->accounts,
                         verification->options->no_aliases, problems, &error);
  if (settled == NULL)
    {
      note_error (verification, error);
      return;
    }
  note_problems (verification, problems);
  if (settled->forward_paths->len == 0)
    return;
  paths = join_paths (settled);
  line = g_strdup_printf (
      _ ("%s goes to %s through account %s and relay %s, port %d"), path,
      paths, account->name, account->relay.host, account->relay.port);
  output_append_text (out, line);
  g_string_append_c (out, '\n');
  (void) output_write_string (out);
}

static void
verify_operands (Verification *verification)
{
  g_autoptr (GPtrArray) problems =
      g_ptr_array_new_with_free_func ((GDestroyNotify) g_error_free);
  g_autoptr (Envelope) given = envelope_new ();

  recipients_gather (given, verification->options->operands, NULL, problems);
  note_problems (verification, problems);
  for (size_t i = 0; i < given->forward_paths->len; i++)
    verify_path (verification, given->forward_paths->pdata[i]);
}

/* As if a message without a header were sent. */
int
verify_recipients (const SendmailOptions *options)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GError) why = NULL;
  g_autofree char *home = user_home ();
  g_autoptr (Accounts) accounts =
      accounts_load (options->accounts_file, home, &error);
  g_autoptr (Header) header = header_new ();
  g_autoptr (Sender) sender = NULL;
  Verification verification = { options, accounts, NULL, EX_OK };

  if (accounts == NULL)
    return report_error (error);
  log_open (accounts->general.log);
  sender = sender_resolve (&options->sender, accounts, header, &why, &error);
  if (sender == NULL || sender->account == NULL)
    return report_error (sender == NULL ? error : why);
  verification.account = sender->account;
  verify_operands (&verification);
  if (!output_finish (&error))
    note_error (&verification, error);
  return verification.status;
}
