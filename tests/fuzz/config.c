/* Any octets as an accounts file: it is refused with lines that name it and
 * the place, or has accounts that are complete. */

#include "tests/fuzz/fuzz.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib.h>

#include "account/account.h"
#include "account/config.h"
#include "base/failure.h"

#define HOME "/home/me"
#define ERROR_MAXIMUM 1100 /* octets of a line, with its place */
#define ENDPOINT_MAXIMUM 300

/* A value; what is quoted in it may have a tab. NULL: none. */
static void
check_value (const char *value)
{
  g_autofree char *text = g_strdup (value != NULL ? value : "");

  check_shown (g_strdelimit (text, "\t", ' '),
               CONFIG_LINE_MAXIMUM + strlen (HOME));
}

static void
check_values (char **values)
{
  for (; values != NULL && *values != NULL; values++)
    check_value (*values);
}

/* Each line begins with FILE, and with a place but for the last one of too many; none
   comes before another's. */
static void
check_error (const char *file, const GError *error)
{
  g_auto (GStrv) lines = g_strsplit (error->message, "\n", -1);
  int last = 0;

  g_assert (g_error_matches (error, FAILURE, FAILURE_CONFIG));
  g_assert (g_strv_length (lines) <= 101);
  for (char **line = lines; *line != NULL; line++)
    {
      int number, column;

      check_shown (*line, ERROR_MAXIMUM);
      g_assert (g_str_has_prefix (*line, file));
      if (sscanf (*line + strlen (file), ":%d:%d: ", &number, &column) != 2)
        {
          g_assert (line[1] == NULL && line == lines + 100);
          continue;
        }
      g_assert (number >= MAX (last, 1) && column >= 1);
      last = number;
    }
}

/* What was said once is said again. */
static void
check_again (const char *file, const uint8_t *data, size_t size,
             const GError *error)
{
  g_autoptr (GError) same = NULL;

  g_assert (accounts_check (file, (const char *) data, size, HOME, &same)
            == (error == NULL));
  if (error != NULL)
    g_assert_cmpstr (error->message, ==, same->message);
}

static void
check_relay (const Relay *relay)
{
  const RelayTimeouts *timeouts = &relay->timeouts;
  g_autofree char *endpoint = relay_endpoint (relay);

  g_assert (relay->host[0] != '\0' && relay->port != 0);
  g_assert (relay->tls <= TLS_STARTTLS);
  g_assert (timeouts->connect > 0 && timeouts->command > 0
            && timeouts->data > 0 && timeouts->block > 0
            && timeouts->end_of_data > 0 && timeouts->quit > 0);
  check_shown (endpoint, ENDPOINT_MAXIMUM);
  check_value (relay->user);
  check_value (relay->auth);
  check_value (relay->trust_file);
  check_value (relay->crl_file);
  check_value (relay->certificate);
  check_value (relay->key);
  check_value (relay->socket);
  check_value (relay->source_address);
  check_value (relay->proxy.host);
  check_values (relay->tunnel);
}

static void
check_account (const Accounts *accounts, const Account *account)
{
  const char *address = account_address (account);
  bool claimed;

  check_value (account->name);
  check_value (account->password_credential);
  check_value (account->password_file);
  check_values (account->password_command);
  check_values (account->token_command);
  for (guint i = 0; i < account->from->len; i++)
    check_value (g_ptr_array_index (account->from, i));
  check_relay (&account->relay);
  g_assert (account->from->len > 0 && account->line > 0);
  g_assert (account->max_connections >= 1 && account->max_connections <= 100);
  g_assert (account->delivery <= DELIVERY_QUEUE
            && account->rewrite_from <= REWRITE_NEVER);
  g_assert (accounts_choose (accounts, account->name, NULL, NULL, NULL)
            == account);
  if (address != NULL)
    g_assert (accounts_choose (accounts, NULL, address, &claimed, NULL) != NULL
              && claimed);
}

static void
check (const Accounts *accounts)
{
  static const char *const senders[] = { "me@example.org", "root@localhost",
                                         "gr\303\274n@example.org", NULL };
  const General *general = &accounts->general;

  check_value (general->log);
  check_value (general->aliases);
  check_values (general->local_mail_to);

  for (guint i = 0; i < accounts->accounts->len; i++)
    check_account (accounts, g_ptr_array_index (accounts->accounts, i));
  for (size_t i = 0; i < G_N_ELEMENTS (senders); i++)
    {
      g_autoptr (GError) error = NULL;

      if (accounts_choose (accounts, NULL, senders[i], NULL, &error) == NULL)
        check_shown (error->message, ERROR_MAXIMUM);
    }
  g_assert (general->queue_lifetime > 0 && general->delay_warning >= 0
            && general->keep_held >= 0);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  int fd = memfd_create ("accounts", MFD_CLOEXEC);
  g_autofree char *file = g_strdup_printf ("/proc/self/fd/%d", fd);
  g_autoptr (GError) error = NULL;
  g_autoptr (Accounts) accounts = NULL;

  g_assert (fchmod (fd, 0600) == 0);
  g_assert (write (fd, data, size) == (ssize_t) size);
  accounts = accounts_load (file, HOME, &error);
  g_assert ((accounts == NULL) == (error != NULL));
  if (error != NULL)
    check_error (file, error);
  else
    check (accounts);
  check_again (file, data, size, error);
  close (fd);
  return 0;
}
