#include "account/credential.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib/gi18n.h>

#include "account/keyring.h"
#include "base/child.h"
#include "base/failure.h"
#include "base/trusted.h"
#include "smtp/sasl.h"

#define UNATTENDED (10 * 1000) /* milliseconds */
#define ATTENDED (60 * 1000)   /* a person may have to type a password */

#define CREDENTIALS "CREDENTIALS_DIRECTORY"

static Secret *
run (const Account *account, char **command, GError **error)
{
  return child_output ((const char *const *) command, SECRET_MAXIMUM,
                       deadline_in (account->password_timeout), error);
}

static Secret *
run_password_command (const Account *account, GError **error)
{
  return run (account, account->password_command, error);
}

static Secret *
run_token_command (const Account *account, GError **error)
{
  return run (account, account->token_command, error);
}

static Secret *
read_file (const Account *account, GError **error)
{
  return trusted_read_secret (AT_FDCWD, account->password_file,
                              account->password_file, S_IRWXG | S_IRWXO,
                              error);
}

/* The directory that systemd made for this unit. */
static int
open_credentials (const char *path, GError **error)
{
  int fd = open (path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  struct stat status;

  if (fd < 0 || fstat (fd, &status) != 0)
    {
      failure_set_errno (error, FAILURE_CONFIG, errno,
                         _ ("cannot open the directory of $%s, %s"),
                         CREDENTIALS, path);
      if (fd >= 0)
        close (fd);
      return -1;
    }
  if ((status.st_uid == getuid () || status.st_uid == 0)
      && (status.st_mode & (S_IWGRP | S_IWOTH)) == 0)
    return fd;
  g_set_error (error, FAILURE, FAILURE_CONFIG,
               _ ("the directory of $%s, %s, is not of systemd's making: it "
                  "belongs to another user (uid %ju), or others may write to "
                  "it"),
               CREDENTIALS, path, (uintmax_t) status.st_uid);
  close (fd);
  return -1;
}

static Secret *
read_credential (const Account *account, GError **error)
{
  const char *path = g_getenv (CREDENTIALS);
  g_autofree char *file = NULL;
  Secret *secret;
  int directory;

  if (path == NULL || path[0] != '/')
    {
      g_set_error (error, FAILURE, FAILURE_CONFIG,
                   _ ("$%s is not set: only a unit of systemd with "
                      "`LoadCredential=%s:FILE' has this password"),
                   CREDENTIALS, account->password_credential);
      return NULL;
    }
  directory = open_credentials (path, error);
  if (directory < 0)
    return NULL;
  file = g_build_filename (path, account->password_credential, NULL);
  /* The bits of the group are the mask of an access control list by which
     systemd lets the unit's user read a file of root's. */
  secret = trusted_read_secret (directory, account->password_credential, file,
                                S_IWGRP | S_IXGRP | S_IRWXO, error);
  close (directory);
  return secret;
}

typedef struct
{
  const char *setting;
  Secret *(*get) (const Account *account, GError **error);
  bool tail; /* there may be more than the secret: from the second line on */
  bool near; /* it is read at once, and starts nothing */
} Source;

static const Source sources[] = {
  { "password-command", run_password_command, true, false },
  { "password-credential", read_credential, false, true },
  { "password-file", read_file, false, true },
  { TOKEN_COMMAND, run_token_command, true, false },
};

/* NULL: the keyring. */
static const Source *
source_of (const Account *account)
{
  for (size_t i = 0; i < G_N_ELEMENTS (sources); i++)
    if (g_strcmp0 (account->secret_source, sources[i].setting) == 0)
      return &sources[i];
  return NULL;
}

/* Whether ACCOUNT logs in with a secret. */
static bool
wants_secret (const Account *account)
{
  return account->relay.user != NULL
         && sasl_wants_secret (account->relay.auth);
}

bool
credential_is_near (const Account *account)
{
  const Source *source = source_of (account);

  return !wants_secret (account) || (source != NULL && source->near);
}

/* Why the LENGTH octets of LINE are no secret; NULL: they are one. */
static const char *
find_fault (const char *line, size_t length)
{
  if (length == 0)
    return _ ("its first line is empty");
  if (memchr (line, '\0', length) != NULL)
    return _ ("its first line has a NUL octet");
  if (memchr (line, '\r', length) != NULL)
    return _ ("its first line has a carriage return: let a line feed alone "
              "end it");
  if (!g_utf8_validate (line, (gssize) length, NULL))
    return _ ("its first line is not UTF-8 text");
  return NULL;
}

Secret *
credential_read (const char *octets, size_t length, bool tail, GError **error)
{
  const char *end = memchr (octets, '\n', length);
  size_t first = end != NULL ? (size_t) (end - octets) : length;
  const char *fault = find_fault (octets, first);

  while (length > first && octets[length - 1] == '\n')
    length--;
  if (fault == NULL && !tail && length > first)
    fault = _ ("there is more than one line in it");
  if (fault == NULL)
    return secret_new (octets, first);
  g_set_error_literal (error, FAILURE, FAILURE_CREDENTIAL, fault);
  return NULL;
}

static Secret *
ask_source (const Account *account, const Source *source, GError **error)
{
  g_autoptr (Secret) whole = source->get (account, error);
  Secret *secret = NULL;

  if (whole != NULL)
    secret = credential_read (secret_octets (whole), secret_length (whole),
                              source->tail, error);
  if (secret == NULL)
    g_prefix_error (error, "%s:%d: %s: ", account->file, account->line,
                    source->setting);
  return secret;
}

Secret *
credential_get (const Account *account, bool interactive, GError **error)
{
  const Source *source = source_of (account);

  if (!wants_secret (account))
    return NULL;
  if (source != NULL)
    return ask_source (account, source, error);
  return keyring_lookup (account, interactive,
                         deadline_in (interactive ? ATTENDED : UNATTENDED),
                         error);
}

bool
credential_is_renewed (const Account *account)
{
  return g_strcmp0 (account->secret_source, TOKEN_COMMAND) == 0;
}

char *
credential_advice (const Account *account)
{
  if (account->secret_source == NULL)
    return g_strdup_printf (
        _ ("run `postrider password set %s', or mend the account and run "
           "`postrider queue release --account %s'"),
        account->name, account->name);
  return g_strdup_printf (_ ("mend what `%s' gives, then run `postrider queue "
                             "release --account %s'"),
                          account->secret_source, account->name);
}

char *
credential_advice_for (const Accounts *accounts, const char *name)
{
  const Account *account
      = accounts != NULL ? accounts_choose (accounts, name, NULL, NULL, NULL)
                         : NULL;

  return account != NULL
             ? credential_advice (account)
             : g_strdup_printf (_ ("mend the account, then run `postrider "
                                   "queue release --account %s'"),
                                name);
}
