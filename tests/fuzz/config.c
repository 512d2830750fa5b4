/* Any octets as an accounts file: it is refused with lines that name it and
 * the place, or has accounts that are complete. */

#include "tests/fuzz/fuzz.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib.h>

#include "account/account.h"
#include "base/failure.h"

#define HOME "/home/me"

static void
check_text (const char *text)
{
  g_assert (g_utf8_validate (text, -1, NULL));
  for (const char *p = text; *p != '\0'; p++)
    g_assert (!g_ascii_iscntrl (*p));
}

static void
check_error (const char *file, const GError *error)
{
  g_auto (GStrv) lines = g_strsplit (error->message, "\n", -1);

  g_assert (g_error_matches (error, FAILURE, FAILURE_CONFIG));
  for (char **line = lines; *line != NULL; line++)
    {
      check_text (*line);
      g_assert (g_str_has_prefix (*line, file));
    }
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
  check_text (endpoint);
  check_text (relay->user != NULL ? relay->user : "");
  check_text (relay->auth != NULL ? relay->auth : "");
}

static void
check_account (const Accounts *accounts, const Account *account)
{
  const char *address = account_address (account);
  bool claimed;

  check_text (account->name);
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

  for (guint i = 0; i < accounts->accounts->len; i++)
    check_account (accounts, g_ptr_array_index (accounts->accounts, i));
  for (size_t i = 0; i < G_N_ELEMENTS (senders); i++)
    {
      g_autoptr (GError) error = NULL;

      if (accounts_choose (accounts, NULL, senders[i], NULL, &error) == NULL)
        check_text (error->message);
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
  close (fd);
  return 0;
}
