/* keyring-probe - asks the keyring as Postrider does, and says what it got.
 *
 *   keyring-probe lookup|store|forget SECONDS [interactive]
 *
 * For $KEYRING_USER at $KEYRING_HOST. store takes the password from stdin, to
 * its end. Prints the password, or the kind of failure, a blank and its text.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "account/keyring.h"
#include "base/failure.h"

static const char *
kind (const GError *error)
{
  switch (error->code)
    {
    case FAILURE_TEMPORARY:
      return "temporary";
    case FAILURE_CREDENTIAL:
      return "credential";
    case FAILURE_DATA:
      return "data";
    }
  return "?";
}

static bool
lookup (const Account *account, bool interactive, Deadline deadline,
        GError **error)
{
  g_autoptr (Secret) secret
      = keyring_lookup (account, interactive, deadline, error);

  if (secret == NULL)
    return false;
  fwrite (secret_octets (secret), 1, secret_length (secret), stdout);
  puts ("");
  return true;
}

static bool
store (const Account *account, bool interactive, Deadline deadline,
       GError **error)
{
  static char buffer[2 * SECRET_MAXIMUM];
  size_t length = fread (buffer, 1, sizeof buffer, stdin);
  g_autoptr (Secret) secret = secret_new (buffer, length);

  return keyring_store (account, secret, deadline, error);
}

static bool
forget (const Account *account, bool interactive, Deadline deadline,
        GError **error)
{
  bool found;

  if (!keyring_forget (account, &found, deadline, error))
    return false;
  puts (found ? "found" : "none");
  return true;
}

static const struct
{
  const char *name;
  bool (*run) (const Account *, bool, Deadline, GError **);
} actions[] = {
  { "lookup", lookup },
  { "store", store },
  { "forget", forget },
};

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  Account account = { .name = (char *) "work" };

  if (argc < 3 || getenv ("KEYRING_HOST") == NULL
      || getenv ("KEYRING_USER") == NULL)
    return EXIT_FAILURE;
  keyring_prepare_environment ();
  account.relay.host = getenv ("KEYRING_HOST");
  account.relay.user = getenv ("KEYRING_USER");
  account.relay.port = 465;
  for (size_t i = 0; i < G_N_ELEMENTS (actions); i++)
    if (strcmp (argv[1], actions[i].name) == 0
        && actions[i].run (&account, argc > 3,
                           deadline_in ((unsigned) atoi (argv[2]) * 1000),
                           &error))
      return EXIT_SUCCESS;
  if (error != NULL)
    printf ("%s %s\n", kind (error), error->message);
  return EXIT_FAILURE;
}
