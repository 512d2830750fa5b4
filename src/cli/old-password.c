#include "cli/old-password.h"

#include <sys/stat.h>

#include <glib/gi18n.h>

#include "account/keyring.h"
#include "base/failure.h"
#include "base/text.h"
#include "cli/netrc.h"
#include "cli/old-program.h"
#include "smtp/sasl.h"

#define PATIENCE (60 * 1000) /* milliseconds: the keyring may have to ask */
#define GLANCE (10 * 1000)

static bool
uses_keyring (const Account *account)
{
  return account->relay.user != NULL && account->secret_source == NULL
         && sasl_wants_secret (account->relay.auth);
}

static void
tell_of_readers (const OldPasswords *passwords, const Account *account,
                 const char *file)
{
  struct stat status;

  if (stat (file, &status) == 0 && (status.st_mode & (S_IRGRP | S_IROTH)) != 0)
    text_print_line (
        passwords->out,
        _ ("  Others could read it there: run `chmod go= %s', change it "
           "at your provider, and run `postrider password set %s'.\n"),
        file, account->name);
}

/* PASSWORD stands on LINE of FILE. */
static bool
store (const OldPasswords *passwords, const Account *account,
       const Secret *password, const char *file, int line, GError **error)
{
  if (passwords->dry_run)
    text_print_line (
        passwords->out,
        _ ("%s:%d: the password of account `%s' would go into the "
           "keyring\n"),
        file, line, account->name);
  else if (keyring_store (account, password, deadline_in (PATIENCE), error))
    text_print_line (
        passwords->out,
        _ ("  Its password is in the keyring now. It still stands in "
           "%s, line %d: remove it there once mail goes out.\n"),
        file, line);
  else
    return false;
  tell_of_readers (passwords, account, file);
  return true;
}

/* What FILE, as of netrc(5), has for ACCOUNT, and on which LINE. NULL: it has
   nothing, or ERROR is set. */
static Secret *
find_in_netrc (const char *file, const Account *account, int *line,
               GError **error)
{
  bool absent = false;
  g_autoptr (Secret) netrc = old_file_read (file, &absent, error);

  return netrc != NULL ? netrc_find (netrc, account->relay.host,
                                     account->relay.user, line)
                       : NULL;
}

/* Where a program goes on looking when the keyring has no password. */
static bool
store_of_netrc (const OldPasswords *passwords, const Account *account,
                GError **error)
{
  g_autofree char *own = g_build_filename (
      passwords->home != NULL ? passwords->home : "/", ".netrc", NULL);
  const char *files[] = { own, "/etc/netrc" };

  for (size_t i = 0; passwords->netrc && i < G_N_ELEMENTS (files); i++)
    {
      int line = 0;
      g_autoptr (GError) cause = NULL;
      g_autoptr (Secret) password =
          find_in_netrc (files[i], account, &line, &cause);

      if (password != NULL)
        return store (passwords, account, password, files[i], line, error);
      if (cause != NULL)
        {
          g_propagate_error (error, g_steal_pointer (&cause));
          return false;
        }
    }
  text_print_line (
      passwords->out,
      _ ("  No password is stored for it: run `postrider password set "
         "%s'.\n"),
      account->name);
  return true;
}

/* It may be there already, as what msmtp's users stored is. */
static bool
look_up (const OldPasswords *passwords, const Account *account, GError **error)
{
  g_autoptr (GError) cause = NULL;
  g_autoptr (Secret) found =
      keyring_lookup (account, false, deadline_in (GLANCE), &cause);

  if (g_error_matches (cause, FAILURE, FAILURE_CREDENTIAL))
    return store_of_netrc (passwords, account, error);
  if (found != NULL)
    fputs (_ ("  Its password is in the keyring already.\n"), passwords->out);
  else
    text_print_line (
        passwords->out,
        _ ("  The keyring could not be asked for its password: %s.\n"),
        cause->message);
  return true;
}

bool
old_password_is_lacking (const Account *account, const DraftAccount *draft)
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

bool
old_password_settle (const OldPasswords *passwords, const Account *account,
                     const DraftAccount *draft, GError **error)
{
  if (!uses_keyring (account))
    return true;
  return draft->password != NULL
             ? store (passwords, account, draft->password,
                      draft->password_file, draft->password_line, error)
             : look_up (passwords, account, error);
}
