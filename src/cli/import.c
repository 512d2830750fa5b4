#include "cli/import.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include <glib/gi18n.h>

#include "account/account.h"
#include "account/edit.h"
#include "base/failure.h"
#include "base/text.h"
#include "base/user.h"
#include "cli/draft.h"
#include "cli/old-password.h"
#include "cli/old-program.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/setup-after.h"
#include "submit/report.h"

typedef struct
{
  const char *accounts_file;
  bool dry_run;
  bool help;
  const OldProgram *program;
  const char *file; /* NULL: where the program has it */
  char *home;       /* nullable */
} Request;

static const Option options[] = {
  { 'C', "accounts-file", ARGUMENT_REQUIRED, NULL, N_ ("FILE"),
    OPTION_KEEPS (Request, accounts_file),
    .help = N_ ("write to this accounts file instead of your own") },
  { 'n', "dry-run", ARGUMENT_NONE, OPTION_SETS (Request, dry_run),
    .help = N_ ("show the new accounts file, and change nothing") },
  { 0, "help", ARGUMENT_NONE, OPTION_SETS (Request, help),
    .help = N_ ("show this help") },
  { 0 },
};

/* What a person is told */

/* Where the new file is printed, nothing else is. */
static FILE *
told_on (const Request *request)
{
  return request->dry_run ? stderr : stdout;
}

static int
note_order (const void *a, const void *b)
{
  const DraftNote *first = *(const DraftNote *const *) a;
  const DraftNote *second = *(const DraftNote *const *) b;
  int files = strcmp (first->file, second->file);

  return files != 0 ? files : first->line - second->line;
}

static void
print_notes (const Draft *draft)
{
  g_autoptr (GPtrArray) notes = g_ptr_array_copy (draft->notes, NULL, NULL);

  g_ptr_array_set_free_func (notes, NULL);
  g_ptr_array_sort (notes, note_order);
  for (size_t i = 0; i < notes->len; i++)
    {
      const DraftNote *note = g_ptr_array_index (notes, i);

      if (note->line > 0)
        text_print_line (stderr, "%s:%d: %s\n", note->file, note->line,
                         note->text);
      else
        text_print_line (stderr, "%s: %s\n", note->file, note->text);
    }
}

static char *
list_from (const Account *account)
{
  GString *list = g_string_new (NULL);

  for (size_t i = 0; i < account->from->len; i++)
    g_string_append_printf (list, "%s%s", i > 0 ? ", " : "",
                            (const char *) account->from->pdata[i]);
  return g_string_free (list, FALSE);
}

static int
settle_account (const Request *request, const Account *account,
                const DraftAccount *draft)
{
  const OldPasswords passwords = { told_on (request), request->dry_run,
                                   request->home, request->program->netrc };
  g_autofree char *from = list_from (account);
  g_autoptr (GError) error = NULL;
  g_autoptr (GError) cause = NULL;

  text_print_line (
      passwords.out,
      account->is_default
          ? _ ("Account `%s' sends mail from %s, and from anybody else, "
               "through %s.\n")
          : _ ("Account `%s' sends mail from %s through %s.\n"),
      account->name, from, account->relay.host);
  if (old_password_settle (&passwords, account, draft, &cause))
    return EX_OK;
  (void) fflush (stdout);
  g_set_error (&error, FAILURE, cause->code,
               _ ("the password of account `%s' is not stored: %s; import it "
                  "once more when there is a keyring, or write "
                  "`password-file' to the account"),
               account->name, cause->message);
  return report_error (error);
}

/* The sender of an account that could not be taken finds another one, where
   there is a default. */
static void
tell_of_detour (const Request *request, const Accounts *accounts,
                const DraftAccount *draft)
{
  const char *from = draft_get (draft, "from");
  g_autofree char *sender =
      from != NULL ? g_strndup (from, strcspn (from, ",")) : NULL;
  const Account *account =
      sender != NULL && strpbrk (sender, "*?") == NULL
          ? accounts_choose (accounts, NULL, sender, NULL, NULL)
          : NULL;

  if (account != NULL)
    text_print_line (
        told_on (request),
        _ ("Mail from %s goes through account `%s' now, as that of `%s' "
           "is left out.\n"),
        sender, account->name, draft->name);
}

/* Each account that was written, or has no password yet; how many they were,
   and the worst status. */
static int
settle (const Request *request, const Draft *draft, const Accounts *accounts,
        unsigned *settled)
{
  int status = EX_OK;

  for (size_t i = 0; i < draft->accounts->len; i++)
    {
      const DraftAccount *one = g_ptr_array_index (draft->accounts, i);
      const Account *account;
      int failed;

      if (one->left_out && !one->is_there)
        {
          tell_of_detour (request, accounts, one);
          continue;
        }
      account = accounts_choose (accounts, one->name, NULL, NULL, NULL);
      if (account == NULL
          || (one->is_there && !old_password_is_lacking (account, one)))
        continue;
      (*settled)++;
      failed = settle_account (request, account, one);
      status = MAX (status, failed);
    }
  return status;
}

static unsigned
count_written (const Draft *draft)
{
  unsigned count = 0;

  for (size_t i = 0; i < draft->accounts->len; i++)
    {
      const DraftAccount *account = g_ptr_array_index (draft->accounts, i);

      count += account->left_out ? 0 : 1;
    }
  return count;
}

/* Of the default account, or of the first that has one; NULL: all have
   patterns alone. */
static const char *
find_address (const Accounts *accounts)
{
  const char *address = NULL;

  for (size_t i = 0; i < accounts->accounts->len; i++)
    {
      const Account *account = g_ptr_array_index (accounts->accounts, i);

      if (address == NULL || account->is_default)
        address = account_address (account);
    }
  return address;
}

/* What is left to do. */
static void
print_rest (const Request *request, const Accounts *accounts)
{
  const char *address = find_address (accounts);

  printf (_ ("`postrider check' tells whether the relays let them in.\n"));
  if (address != NULL)
    setup_print_lines (address);
  printf (_ ("What calls `%s' by that name sends as before: have it call "
             "`sendmail'.\n"),
          request->program->name);
}

static bool
write_accounts (Edit *edit, unsigned count, GError **error)
{
  if (!edit_commit (edit, error))
    return false;
  text_print_line (stdout,
                   ngettext ("%u account is written to %s.\n",
                             "%u accounts are written to %s.\n", count),
                   count, edit_file (edit));
  (void) fflush (stdout); /* the keyring may have to ask */
  return true;
}

static void
note_files (const Request *request, Draft *draft, const char *path)
{
  const char *also = request->program->also;

  draft->file = path;
  if (request->accounts_file == NULL && g_str_has_prefix (path, "/etc/"))
    draft_note (draft, 0,
                _ ("this file serves all users, but the accounts made of it "
                   "serve you alone; those for all are in %s, and each user "
                   "has to be able to read that, and the password"),
                ACCOUNTS_SYSTEM_FILE);
  if (request->file != NULL || also == NULL || strcmp (path, also) == 0
      || access (also, F_OK) != 0)
    return;
  draft->file = also;
  draft_note (draft, 0,
              _ ("%s has accounts of this file as well: run `postrider import "
                 "%s %s' for them"),
              request->program->name, request->program->name, also);
}

static void
set_nothing (const char *path, GError **error)
{
  g_set_error (error, FAILURE, FAILURE_CONFIG,
               _ ("%s has no account that can be imported; nothing is "
                  "written"),
               path);
}

/* All accounts, with what EDIT adds. */
static Accounts *
load_accounts (const Request *request, const Edit *edit, GError **error)
{
  return request->dry_run
             ? accounts_parse (edit_file (edit), edit_text (edit),
                               strlen (edit_text (edit)), request->home, error)
             : accounts_load (request->accounts_file, request->home, error);
}

/* Writes what is new, and stores the passwords; a dry run shows both. A status
   of sysexits(3). */
static int
carry_out (const Request *request, const Draft *draft, Edit *edit,
           const char *path, GError **error)
{
  unsigned written = count_written (draft);
  unsigned settled = 0;
  g_autoptr (Accounts) accounts = NULL;
  int status;

  if (written > 0 && !request->dry_run
      && !write_accounts (edit, written, error))
    return EX_CONFIG;
  accounts = load_accounts (request, edit, error);
  if (accounts == NULL)
    return EX_CONFIG;
  status = settle (request, draft, accounts, &settled);
  if (written == 0 && settled == 0)
    set_nothing (path, error);
  else if (written > 0 && request->dry_run)
    (void) fputs (edit_text (edit), stdout);
  else if (written > 0)
    print_rest (request, accounts);
  return status;
}

/* A status of sysexits(3). */
static int
import (const Request *request, GError **error)
{
  g_autofree char *path =
      request->file != NULL
          ? g_strdup (request->file)
          : old_program_file (request->program, request->home, error);
  g_autoptr (Edit) edit =
      path != NULL ? edit_open (request->accounts_file, request->home, error)
                   : NULL;
  g_autoptr (Draft) draft =
      edit != NULL ? old_program_read (request->program, path, error) : NULL;

  if (draft == NULL)
    return EX_CONFIG;
  draft_apply (draft, edit);
  note_files (request, draft, path);
  print_notes (draft);
  return carry_out (request, draft, edit, path, error);
}

/* Command line */

static void
print_help (void)
{
  g_autofree char *text = options_help (options);

  output_help (
      _ ("Usage: postrider import [OPTION]... msmtp|ssmtp|nullmailer|esmtp "
         "[FILE]\n"
         "Makes accounts of those of another program. Passwords that stand in "
         "its "
         "FILE go into the keyring. What has no equivalent is told, with what "
         "to "
         "do instead. The old file stays as it is.\n\n%s"),
      text);
}

static bool
parse (int argc, char **argv, Request *request, GError **error)
{
  g_autoptr (GPtrArray) operands = g_ptr_array_new ();

  if (!options_parse_anywhere (options, argc, argv, request, operands, 2,
                               error))
    return false;
  if (request->help)
    return true;
  if (operands->len == 0)
    {
      g_set_error_literal (error, FAILURE, FAILURE_USAGE,
                           _ ("write which program to import from, as in "
                              "`postrider import msmtp'"));
      return false;
    }
  if (operands->len == 2)
    request->file = operands->pdata[1];
  request->program = old_program_find (operands->pdata[0], error);
  return request->program != NULL;
}

int
import_main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  Request request = { .home = user_home () };
  bool parsed = parse (argc, argv, &request, &error);
  int status = EX_OK;

  if (parsed && request.help)
    print_help ();
  else if (parsed)
    status = import (&request, &error);
  g_free (request.home);
  if (error != NULL)
    return report_error (error);
  if (!output_finish (&error))
    return report_error (error);
  return status;
}
