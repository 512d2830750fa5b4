#include "cli/import.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include <glib/gi18n.h>

#include "account/account.h"
#include "account/edit.h"
#include "account/keyring.h"
#include "base/child.h"
#include "base/failure.h"
#include "base/trusted.h"
#include "base/user.h"
#include "cli/draft.h"
#include "cli/import-esmtp.h"
#include "cli/import-msmtp.h"
#include "cli/import-nullmailer.h"
#include "cli/import-ssmtp.h"
#include "cli/netrc.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/setup-after.h"
#include "smtp/sasl.h"
#include "submit/report.h"

#define PATIENCE (60 * 1000) /* milliseconds: the keyring may have to ask */
#define GLANCE (10 * 1000)
#define EVALUATION (30 * 1000)
#define NAME_LENGTH 256 /* octets of a host's name */
#define MAIL_NAME "/etc/mailname"

typedef struct Program Program;

typedef struct
{
  const char *accounts_file;
  bool dry_run;
  bool help;
  const Program *program;
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

/* Files of old */

/* The text of PATH, which may hold passwords; a link is followed. Where ABSENT
   is not NULL, a file that is not there is no error. */
static Secret *
read_old (const char *path, bool *absent, GError **error)
{
  char *real = realpath (path, NULL);
  g_autoptr (Secret) octets = NULL;

  if (absent != NULL)
    *absent = real == NULL && (errno == ENOENT || errno == ENOTDIR);
  if (real != NULL)
    octets = trusted_read_secret (AT_FDCWD, real, path, 0, error);
  else if (absent == NULL || !*absent)
    failure_set_errno (error, FAILURE_CONFIG, errno, _ ("cannot read %s"),
                       path);
  free (real);
  if (octets == NULL
      || strlen (secret_octets (octets)) == secret_length (octets))
    return g_steal_pointer (&octets);
  g_set_error (error, FAILURE, FAILURE_CONFIG, _ ("%s is no text file"), path);
  return NULL;
}

/* The first line of FILE; NULL: there is none, or ERROR says why. */
static char *
first_line (const char *file, GError **error)
{
  bool absent = false;
  g_autoptr (Secret) octets = read_old (file, &absent, error);
  char *text;

  if (octets == NULL)
    return NULL;
  text = g_strndup (secret_octets (octets),
                    strcspn (secret_octets (octets), "\r\n"));
  if (*g_strstrip (text) != '\0')
    return text;
  g_free (text);
  return NULL;
}

static DraftText
text_of (const char *path, const Secret *octets)
{
  return (DraftText){ path, secret_octets (octets), secret_length (octets) };
}

/* Where one file is all there is. */
static bool
read_one (Draft *draft, const char *path,
          void (*read) (Draft *, const DraftText *), GError **error)
{
  g_autoptr (Secret) octets = read_old (path, NULL, error);
  DraftText text;

  if (octets == NULL)
    return false;
  text = text_of (path, octets);
  read (draft, &text);
  return true;
}

static bool
read_msmtp (Draft *draft, const char *path, GError **error)
{
  return read_one (draft, path, import_msmtp, error);
}

static bool
read_esmtp (Draft *draft, const char *path, GError **error)
{
  return read_one (draft, path, import_esmtp, error);
}

/* NAME beside the file PATH. It lives as long as DRAFT. */
static const char *
beside (Draft *draft, const char *path, const char *name)
{
  g_autofree char *directory = g_path_get_dirname (path);
  char *other = g_build_filename (directory, name, NULL);

  g_ptr_array_add (draft->paths, other);
  return other;
}

static bool
read_ssmtp (Draft *draft, const char *path, GError **error)
{
  const char *other = beside (draft, path, "revaliases");
  bool absent = false;
  g_autoptr (GError) cause = NULL;
  g_autoptr (Secret) conf = read_old (path, NULL, error);
  g_autoptr (Secret) revaliases =
      conf != NULL ? read_old (other, &absent, &cause) : NULL;
  DraftText texts[2];

  if (cause != NULL)
    g_propagate_error (error, g_steal_pointer (&cause));
  if (conf == NULL || (revaliases == NULL && !absent))
    return false;
  texts[0] = text_of (path, conf);
  if (revaliases != NULL)
    texts[1] = text_of (other, revaliases);
  import_ssmtp (draft, &texts[0], revaliases != NULL ? &texts[1] : NULL);
  return true;
}

/* The directory may be named, or its file `remotes'. */
static bool
read_nullmailer (Draft *draft, const char *path, GError **error)
{
  g_autofree char *inside = g_build_filename (path, "remotes", NULL);
  const char *remotes = g_file_test (path, G_FILE_TEST_IS_DIR)
                            ? beside (draft, inside, "remotes")
                            : path;
  g_autoptr (Secret) octets = read_old (remotes, NULL, error);
  NullmailerControls controls = { 0 };
  struct
  {
    const char *name;
    const char **value;
  } files[] = {
    { "me", &controls.me },
    { "defaulthost", &controls.default_host },
    { "defaultdomain", &controls.default_domain },
    { "adminaddr", &controls.admin_address },
    { "allmailfrom", &controls.all_mail_from },
    { "helohost", &controls.helo_host },
    { "queuelifetime", &controls.queue_lifetime },
  };
  DraftText text;

  if (octets == NULL)
    return false;
  for (size_t i = 0; i < G_N_ELEMENTS (files); i++)
    {
      g_autoptr (GError) cause = NULL;
      char *line
          = first_line (beside (draft, remotes, files[i].name), &cause);

      if (cause != NULL)
        {
          g_propagate_error (error, g_steal_pointer (&cause));
          return false;
        }
      *files[i].value = line;
      if (line != NULL)
        g_ptr_array_add (draft->paths, line);
    }
  text = text_of (remotes, octets);
  import_nullmailer (draft, &text, &controls);
  return true;
}

/* Where a program has its file: `~/' is the home directory, `~config/' that of
   the XDG base directories. The first that is there is the user's. */
#define PLACES 3

struct Program
{
  const char *name;
  const char *places[PLACES + 1];
  bool (*read) (Draft *draft, const char *path, GError **error);
  const char *also; /* it reads this file besides the user's; nullable */
  bool netrc;       /* it looks for passwords there */
};

static const Program programs[] = {
  { .name = "msmtp",
    .places = { "~/.msmtprc", "~config/msmtp/config", "/etc/msmtprc" },
    .read = read_msmtp,
    .also = "/etc/msmtprc",
    .netrc = true },
  { .name = "ssmtp",
    .places = { "/etc/ssmtp/ssmtp.conf" },
    .read = read_ssmtp },
  { .name = "nullmailer",
    .places = { "/etc/nullmailer" },
    .read = read_nullmailer },
  { .name = "esmtp",
    .places = { "~/.esmtprc", "/etc/esmtprc" },
    .read = read_esmtp },
};

static char *
expand_place (const char *place, const char *home)
{
  g_autofree char *config =
      user_directory ("XDG_CONFIG_HOME", home, ".config");

  if (place[0] == '/')
    return g_strdup (place);
  if (g_str_has_prefix (place, "~config/"))
    return config != NULL
               ? g_build_filename (config, strchr (place, '/'), NULL)
               : NULL;
  return home != NULL ? g_build_filename (home, place + 1, NULL) : NULL;
}

/* The caller owns it. NULL: ERROR says where it was looked for. */
static char *
find_file (const Request *request, GError **error)
{
  g_autoptr (GString) tried = g_string_new (NULL);

  if (request->file != NULL)
    return g_strdup (request->file);
  for (size_t i = 0; request->program->places[i] != NULL; i++)
    {
      g_autofree char *path =
          expand_place (request->program->places[i], request->home);

      if (path != NULL && access (path, F_OK) == 0)
        return g_steal_pointer (&path);
      if (path != NULL)
        g_string_append_printf (tried, "%s%s", tried->len > 0 ? ", " : "",
                                path);
    }
  g_set_error (error, FAILURE, FAILURE_NO_INPUT,
               _ ("%s has no file here (%s): name it, as in `postrider import "
                  "%s FILE'"),
               request->program->name, tried->str, request->program->name);
  return NULL;
}

/* The world of the old programs */

static Secret *
evaluate (const char *command)
{
  const char *const argv[] = { "sh", "-c", command, NULL };

  return child_output (argv, SECRET_MAXIMUM, deadline_in (EVALUATION), NULL);
}

static Draft *
read_draft (const Request *request, const char *path, GError **error)
{
  static DraftWorld world = { .evaluate = evaluate };
  static char host[NAME_LENGTH];
  g_autoptr (Draft) draft = NULL;

  if (gethostname (host, sizeof host - 1) != 0 || host[0] == '\0')
    (void) g_strlcpy (host, "localhost", sizeof host);
  world.user = user_name ();
  world.host = host;
  if (world.mail_name == NULL)
    world.mail_name = first_line (MAIL_NAME, NULL);
  draft = draft_new (&world);
  return request->program->read (draft, path, error) ? g_steal_pointer (&draft)
                                                     : NULL;
}

/* What a person is told */

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
        (void) fprintf (stderr, "%s:%d: %s\n", note->file, note->line,
                        note->text);
      else
        (void) fprintf (stderr, "%s: %s\n", note->file, note->text);
    }
}

/* Passwords */

static bool
uses_keyring (const Account *account)
{
  return account->relay.user != NULL && account->secret_source == NULL
         && sasl_wants_secret (account->relay.auth);
}

/* PASSWORD stands on LINE of FILE. */
static bool
store (const Account *account, const Secret *password, const char *file,
       int line, GError **error)
{
  if (!keyring_store (account, password, deadline_in (PATIENCE), error))
    return false;
  printf (
      _ ("  Its password is in the keyring now. It still stands in %s, line "
         "%d: remove it there once mail goes out.\n"),
      file, line);
  return true;
}

/* Stores what FILE, as of netrc(5), has for ACCOUNT. False: it has nothing, or
   ERROR is set. */
static bool
store_of_netrc (const Account *account, const char *file, GError **error)
{
  bool absent = false;
  g_autoptr (Secret) netrc = read_old (file, &absent, error);
  g_autoptr (Secret) password = NULL;
  int line = 0;

  if (netrc != NULL)
    password =
        netrc_find (netrc, account->relay.host, account->relay.user, &line);
  return password != NULL && store (account, password, file, line, error);
}

/* Where a program goes on looking when the keyring has no password. */
static bool
store_of_any_netrc (const Request *request, const Account *account,
                    GError **error)
{
  g_autofree char *own = g_build_filename (
      request->home != NULL ? request->home : "/", ".netrc", NULL);
  const char *files[] = { own, "/etc/netrc" };
  g_autoptr (GError) cause = NULL;
  bool stored = false;

  for (size_t i = 0; request->program->netrc && !stored && cause == NULL
                     && i < G_N_ELEMENTS (files);
       i++)
    stored = store_of_netrc (account, files[i], &cause);
  if (cause != NULL)
    g_propagate_error (error, g_steal_pointer (&cause));
  return stored;
}

/* It may be there already, as what msmtp's users stored is. */
static bool
look_up (const Request *request, const Account *account, GError **error)
{
  g_autoptr (GError) cause = NULL;
  g_autoptr (GError) failure = NULL;
  g_autoptr (Secret) found =
      keyring_lookup (account, false, deadline_in (GLANCE), &cause);

  if (found != NULL)
    printf (_ ("  Its password is in the keyring already.\n"));
  else if (!g_error_matches (cause, FAILURE, FAILURE_CREDENTIAL))
    printf (_ ("  The keyring could not be asked for its password: %s.\n"),
            cause->message);
  else if (!store_of_any_netrc (request, account, &failure) && failure == NULL)
    printf (_ ("  No password is stored for it: run `postrider password set "
               "%s'.\n"),
            account->name);
  if (failure == NULL)
    return true;
  g_propagate_error (error, g_steal_pointer (&failure));
  return false;
}

/* An account that was there, but its password is only where DRAFT found it, as
   after a run without a keyring. */
static bool
lacks_password (const Account *account, const DraftAccount *draft)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Secret) found = NULL;

  if (draft->password == NULL || !uses_keyring (account)
      || g_strcmp0 (account->relay.host, draft_get (draft, "host")) != 0
      || g_strcmp0 (account->relay.user, draft_get (draft, "user")) != 0)
    return false;
  found = keyring_lookup (account, false, deadline_in (GLANCE), &error);
  return g_error_matches (error, FAILURE, FAILURE_CREDENTIAL);
}

static bool
settle_password (const Request *request, const Account *account,
                 const DraftAccount *draft, GError **error)
{
  if (!uses_keyring (account))
    return true;
  return draft->password != NULL
             ? store (account, draft->password, draft->password_file,
                      draft->password_line, error)
             : look_up (request, account, error);
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
  g_autofree char *from = list_from (account);
  g_autoptr (GError) error = NULL;
  g_autoptr (GError) cause = NULL;

  printf (account->is_default
              ? _ ("Account `%s' sends mail from %s, and from anybody else, "
                   "through %s.\n")
              : _ ("Account `%s' sends mail from %s through %s.\n"),
          account->name, from, account->relay.host);
  if (settle_password (request, account, draft, &cause))
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
tell_of_detour (const Accounts *accounts, const DraftAccount *draft)
{
  const char *from = draft_get (draft, "from");
  g_autofree char *sender =
      from != NULL ? g_strndup (from, strcspn (from, ",")) : NULL;
  const Account *account =
      sender != NULL && strpbrk (sender, "*?") == NULL
          ? accounts_choose (accounts, NULL, sender, NULL, NULL)
          : NULL;

  if (account != NULL)
    printf (
        _ ("Mail from %s goes through account `%s' now, as that of `%s' is "
           "left out.\n"),
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
          tell_of_detour (accounts, one);
          continue;
        }
      account = accounts_choose (accounts, one->name, NULL, NULL, NULL);
      if (account == NULL || (one->is_there && !lacks_password (account, one)))
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

static void
show (const Draft *draft, const Edit *edit)
{
  for (size_t i = 0; i < draft->accounts->len; i++)
    {
      const DraftAccount *account = g_ptr_array_index (draft->accounts, i);

      if (!account->left_out && account->password != NULL)
        (void) fprintf (
            stderr,
            _ ("%s:%d: the password of account `%s' would go into the "
               "keyring\n"),
            account->password_file, account->password_line, account->name);
    }
  (void) fputs (edit_text (edit), stdout);
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
  printf (ngettext ("%u account is written to %s.\n",
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

/* Writes what is new, and stores the passwords. A status of sysexits(3). */
static int
carry_out (const Request *request, const Draft *draft, Edit *edit,
           const char *path, GError **error)
{
  unsigned written = count_written (draft);
  unsigned settled = 0;
  g_autoptr (Accounts) accounts = NULL;
  int status;

  if (written > 0 && !write_accounts (edit, written, error))
    return EX_CONFIG;
  accounts = accounts_load (request->accounts_file, request->home, error);
  if (accounts == NULL)
    return EX_CONFIG;
  status = settle (request, draft, accounts, &settled);
  if (written > 0)
    print_rest (request, accounts);
  else if (settled == 0)
    set_nothing (path, error);
  return status;
}

/* A status of sysexits(3). */
static int
import (const Request *request, GError **error)
{
  g_autofree char *path = find_file (request, error);
  g_autoptr (Edit) edit =
      path != NULL ? edit_open (request->accounts_file, request->home, error)
                   : NULL;
  g_autoptr (Draft) draft =
      edit != NULL ? read_draft (request, path, error) : NULL;

  if (draft == NULL)
    return EX_CONFIG;
  draft_apply (draft, edit);
  note_files (request, draft, path);
  print_notes (draft);
  if (!request->dry_run)
    return carry_out (request, draft, edit, path, error);
  if (count_written (draft) > 0)
    show (draft, edit);
  else
    set_nothing (path, error);
  return EX_OK;
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

static const Program *
find_program (const char *name, GError **error)
{
  g_autofree const char **names =
      g_new0 (const char *, G_N_ELEMENTS (programs) + 1);
  g_autofree char *all = NULL;

  for (size_t i = 0; i < G_N_ELEMENTS (programs); i++)
    if (strcmp (programs[i].name, name) == 0)
      return &programs[i];
    else
      names[i] = programs[i].name;
  all = g_strjoinv (", ", (char **) names);
  g_set_error (error, FAILURE, FAILURE_USAGE,
               _ ("`%s' cannot be imported from, but these can: %s"), name,
               all);
  return NULL;
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
  request->program = find_program (operands->pdata[0], error);
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
