#include "cli/old-password.h"

#include <stdio.h>

#include <glib/gi18n.h>

#include "account/keyring.h"
#include "base/failure.h"
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
  g_autoptr (Secret) netrc = old_file_read (file, &absent, error);
  g_autoptr (Secret) password = NULL;
  int line = 0;

  if (netrc != NULL)
    password =
        netrc_find (netrc, account->relay.host, account->relay.user, &line);
  return password != NULL && store (account, password, file, line, error);
}

/* Where a program goes on looking when the keyring has no password. */
static bool
store_of_any_netrc (const OldPasswords *passwords, const Account *account,
                    GError **error)
{
  g_autofree char *own = g_build_filename (
      passwords->home != NULL ? passwords->home : "/", ".netrc", NULL);
  const char *files[] = { own, "/etc/netrc" };
  g_autoptr (GError) cause = NULL;
  bool stored = false;

  for (size_t i = 0; passwords->netrc && !stored && cause == NULL
                     && i < G_N_ELEMENTS (files);
       i++)
    stored = store_of_netrc (account, files[i], &cause);
  if (cause != NULL)
    g_propagate_error (error, g_steal_pointer (&cause));
  return stored;
}

/* It may be there already, as what msmtp's users stored is. */
static bool
look_up (const OldPasswords *passwords, const Account *account, GError **error)
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
  else if (!store_of_any_netrc (passwords, account, &failure)
           && failure == NULL)
    printf (_ ("  No password is stored for it: run `postrider password set "
               "%s'.\n"),
            account->name);
  if (failure == NULL)
    return true;
  g_propagate_error (error, g_steal_pointer (&failure));
  return false;
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
             ? store (account, draft->password, draft->password_file,
                      draft->password_line, error)
             : look_up (passwords, account, error);
}
