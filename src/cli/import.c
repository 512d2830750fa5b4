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
#include "cli/options.h"
#include "cli/output.h"
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

/* The octets of PATH, which may hold passwords; a link is followed. Where
   ABSENT is not NULL, a file that is not there is no error. */
static Secret *
read_old (const char *path, bool *absent, GError **error)
{
  char *real = realpath (path, NULL);
  Secret *octets = NULL;

  if (absent != NULL)
    *absent = real == NULL && (errno == ENOENT || errno == ENOTDIR);
  if (real != NULL)
    octets = trusted_read_secret (AT_FDCWD, real, path, 0, error);
  else if (absent == NULL || !*absent)
    failure_set_errno (error, FAILURE_CONFIG, errno, _ ("cannot read %s"),
                       path);
  free (real);
  return octets;
}

/* The first line of FILE; NULL: there is none. */
static char *
first_line (const char *file)
{
  char *text = NULL;

  if (!g_file_get_contents (file, &text, NULL, NULL))
    return NULL;
  text[strcspn (text, "\r\n")] = '\0';
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
      char *line = first_line (beside (draft, remotes, files[i].name));

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
};

static const Program programs[] = {
  { "msmtp",
    { "~/.msmtprc", "~config/msmtp/config", "/etc/msmtprc" },
    read_msmtp },
  { "ssmtp", { "/etc/ssmtp/ssmtp.conf" }, read_ssmtp },
  { "nullmailer", { "/etc/nullmailer" }, read_nullmailer },
  { "esmtp", { "~/.esmtprc", "/etc/esmtprc" }, read_esmtp },
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
      g_autofree char *path
          = expand_place (request->program->places[i], request->home);

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
    world.mail_name = first_line (MAIL_NAME);
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
store (const Account *account, const DraftAccount *draft, GError **error)
{
  if (!keyring_store (account, draft->password, deadline_in (PATIENCE), error))
    return false;
  printf (
      _ ("  Its password is in the keyring now. It still stands in %s, line "
         "%d: remove it there once mail goes out.\n"),
      draft->password_file, draft->password_line);
  return true;
}

/* Whether it is there already, as what msmtp's users stored is. */
static void
look_up (const Account *account)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Secret) found =
      keyring_lookup (account, false, deadline_in (GLANCE), &error);

  if (found != NULL)
    printf (_ ("  Its password is in the keyring already.\n"));
  else if (g_error_matches (error, FAILURE, FAILURE_CREDENTIAL))
    printf (_ ("  No password is stored for it: run `postrider password set "
               "%s'.\n"),
            account->name);
  else
    printf (_ ("  The keyring could not be asked for its password: %s.\n"),
            error->message);
}

static bool
settle_password (const Account *account, const DraftAccount *draft,
                 GError **error)
{
  if (account->relay.user == NULL || account->secret_source != NULL
      || !sasl_wants_secret (account->relay.auth))
    return true;
  if (draft->password != NULL)
    return store (account, draft, error);
  look_up (account);
  return true;
}

static int
settle_account (const Accounts *accounts, const DraftAccount *draft)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GError) cause = NULL;
  const Account *account =
      accounts_choose (accounts, draft->name, NULL, NULL, &error);

  if (account == NULL)
    return report_error (error);
  printf (account->is_default
              ? _ ("Account `%s' sends mail from %s, and from anybody else, "
                   "through %s.\n")
              : _ ("Account `%s' sends mail from %s through %s.\n"),
          account->name, draft_get (draft, "from"), account->relay.host);
  if (settle_password (account, draft, &cause))
    return EX_OK;
  g_set_error (&error, FAILURE, cause->code,
               _ ("the password of account `%s' is not stored: %s; then run "
                  "`postrider password set %s'"),
               account->name, cause->message, account->name);
  return report_error (error);
}

/* Each account that was written, with its password; the worst status. */
static int
settle (const Request *request, const Draft *draft)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Accounts) accounts =
      accounts_load (request->accounts_file, request->home, &error);
  int status = EX_OK;

  if (accounts == NULL)
    return report_error (error);
  for (size_t i = 0; i < draft->accounts->len; i++)
    {
      const DraftAccount *account = g_ptr_array_index (draft->accounts, i);
      int one = account->left_out ? EX_OK : settle_account (accounts, account);

      status = MAX (status, one);
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
  unsigned written;
  int status;

  if (draft == NULL)
    return EX_CONFIG;
  draft_apply (draft, edit);
  print_notes (draft);
  written = count_written (draft);
  if (written == 0)
    {
      g_set_error (error, FAILURE, FAILURE_CONFIG,
                   _ ("%s has no account that can be imported; nothing is "
                      "written"),
                   path);
      return EX_CONFIG;
    }
  if (request->dry_run)
    {
      show (draft, edit);
      return EX_OK;
    }
  if (!edit_commit (edit, error))
    return EX_CONFIG;
  printf (ngettext ("%u account is written to %s.\n",
                    "%u accounts are written to %s.\n", written),
          written, edit_file (edit));
  (void) fflush (stdout);
  status = settle (request, draft);
  printf (_ ("`postrider check' tells whether the relays let them in.\n"));
  return status;
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
