#include "queue/login.h"

#include <string.h>

#include "queue/account-file.h"
#include "smtp/sasl.h"

#define SUFFIX ".login"

/* For whom a login holds. Shorter than its parts, and no part can be taken for
   another. */
static char *
identity (const Relay *relay)
{
  g_autoptr (GChecksum) checksum = g_checksum_new (G_CHECKSUM_SHA256);
  const char *const parts[] = { relay->host, relay->user, relay->certificate };

  for (size_t i = 0; i < G_N_ELEMENTS (parts); i++)
    if (parts[i] != NULL)
      g_checksum_update (checksum, (const guchar *) parts[i],
                         (gssize) strlen (parts[i]) + 1);
    else
      g_checksum_update (checksum, (const guchar *) "\n", 1);
  return g_strdup_printf ("%u:%s", relay->port,
                          g_checksum_get_string (checksum));
}

/* The line is "1 mechanism identity"; 1 is this format. */
char *
login_remembered (Queue *queue, const char *account, const Relay *relay)
{
  enum { FORMAT, MECHANISM, IDENTITY, FIELDS };
  g_autofree char *line
      = relay->auth != NULL
            ? NULL
            : account_file_read_line (queue, account, SUFFIX);
  g_auto (GStrv) field = line == NULL ? NULL : g_strsplit (line, " ", FIELDS);
  g_autofree char *wanted = identity (relay);

  if (field == NULL || g_strv_length (field) != FIELDS
      || strcmp (field[FORMAT], "1") != 0
      || strcmp (field[IDENTITY], wanted) != 0
      || !sasl_is_stronger (field[MECHANISM], NULL))
    return NULL;
  return g_strdup (field[MECHANISM]);
}

bool
login_remember (Queue *queue, const char *account, const Relay *relay,
                const char *mechanism, GError **error)
{
  g_autofree char *known = login_remembered (queue, account, relay);
  g_autofree char *whom = NULL;
  g_autofree char *line = NULL;

  if (relay->auth != NULL)
    account_file_remove (queue, account, SUFFIX);
  if (relay->auth != NULL || !sasl_is_stronger (mechanism, known))
    return true;
  whom = identity (relay);
  line = g_strdup_printf ("1 %s %s", mechanism, whom);
  return account_file_write_line (queue, account, SUFFIX, line, error);
}
