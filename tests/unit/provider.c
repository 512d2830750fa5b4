/* The table of providers: what it has, whom it is for, and what is said. */

#include <string.h>

#include <glib.h>

#include "account/provider.h"
#include "base/failure.h"

static void
test_rows (void)
{
  static const struct
  {
    const char *domain; /* NULL: is found by its host alone */
    const char *host;
    uint16_t port;
    TlsMode tls;
    ProviderSecret secret;
  } rows[] = {
    { "gmail.com", "smtp.gmail.com", 465, TLS_IMPLICIT,
      PROVIDER_APP_PASSWORD },
    { "GoogleMail.com", "smtp.gmail.com", 465, TLS_IMPLICIT,
      PROVIDER_APP_PASSWORD },
    { NULL, "smtp.office365.com", 587, TLS_STARTTLS, PROVIDER_TOKEN },
    { "outlook.com", "smtp-mail.outlook.com", 587, TLS_STARTTLS,
      PROVIDER_TOKEN },
    { "hotmail.com", "smtp-mail.outlook.com", 587, TLS_STARTTLS,
      PROVIDER_TOKEN },
    { "fastmail.com", "smtp.fastmail.com", 465, TLS_IMPLICIT,
      PROVIDER_APP_PASSWORD },
    { "yahoo.com", "smtp.mail.yahoo.com", 465, TLS_IMPLICIT,
      PROVIDER_APP_PASSWORD },
    { "icloud.com", "smtp.mail.me.com", 587, TLS_STARTTLS,
      PROVIDER_APP_PASSWORD },
    { "proton.me", "127.0.0.1", 1025, TLS_STARTTLS, PROVIDER_BRIDGE },
    { "mailbox.org", "smtp.mailbox.org", 465, TLS_IMPLICIT,
      PROVIDER_APP_PASSWORD_2FA },
    { "gmx.net", "mail.gmx.net", 465, TLS_IMPLICIT,
      PROVIDER_APP_PASSWORD_2FA },
    { "web.de", "smtp.web.de", 587, TLS_STARTTLS,
      PROVIDER_APP_PASSWORD_2FA },
    { "posteo.net", "posteo.de", 465, TLS_IMPLICIT, PROVIDER_APP_PASSWORD },
    { "disroot.org", "disroot.org", 587, TLS_STARTTLS, PROVIDER_PASSWORD },
  };
  g_autoptr (Providers) providers = providers_open ();

  for (size_t i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      const Provider *provider
          = rows[i].domain != NULL
                ? providers_of_domain (providers, rows[i].domain)
                : providers_of_host (providers, rows[i].host);

      g_test_message ("%s", rows[i].host);
      g_assert_nonnull (provider);
      g_assert_cmpstr (provider->host, ==, rows[i].host);
      g_assert_cmpuint (provider->port, ==, rows[i].port);
      g_assert_cmpint (provider->tls, ==, rows[i].tls);
      g_assert_cmpint (provider->secret, ==, rows[i].secret);
      g_assert_true (providers_of_host (providers, rows[i].host) == provider);
    }
}

/* Each domain is somebody's alone, and each row can be told from the others. */
static void
test_table (void)
{
  g_autoptr (Providers) providers = providers_open ();
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (GDateTime) date = NULL;
  g_autofree char *stamp
      = g_strconcat (providers->checked, "T00:00:00Z", NULL);

  date = g_date_time_new_from_iso8601 (stamp, NULL);
  g_assert_nonnull (date);
  g_assert_cmpuint (providers->all->len, >=, 10);
  for (size_t i = 0; i < providers->all->len; i++)
    {
      const Provider *provider = providers->all->pdata[i];

      g_assert_true (g_hash_table_add (seen, provider->key));
      g_assert_true (g_hash_table_add (seen, provider->host)
                     || strcmp (provider->key, provider->host) == 0);
      for (char **domain = provider->domains; *domain != NULL; domain++)
        {
          g_assert_nonnull (strchr (*domain, '.'));
          g_assert_true (
              providers_of_domain (providers, *domain) == provider);
          g_assert_true (g_hash_table_add (seen, *domain)
                         || strcmp (provider->key, *domain) == 0);
        }
    }
}

static void
test_strangers (void)
{
  static const char *const domains[]
      = { "example.org", "gmail.com.example.org", "hotgmail.com", "ail.com",
          "com",         "",                      "gmail.co" };
  g_autoptr (Providers) providers = providers_open ();

  for (size_t i = 0; i < G_N_ELEMENTS (domains); i++)
    {
      g_assert_null (providers_of_domain (providers, domains[i]));
      g_assert_null (providers_of_host (providers, domains[i]));
    }
}

static void
test_advice (void)
{
  static const struct
  {
    const char *domain;
    const char *says;
  } cases[] = {
    { "gmail.com", "an app password for Postrider" },
    { "gmail.com", "https://myaccount.google.com/apppasswords" },
    { "outlook.com", "OAuth 2.0" },
    { "proton.me", "--trust-file" },
    { "mailbox.org", "second factor" },
    { "web.de", "POP3 and IMAP" },
  };
  g_autoptr (Providers) providers = providers_open ();

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *advice = provider_advice (
          providers_of_domain (providers, cases[i].domain));

      g_assert_nonnull (advice);
      g_assert_nonnull (strstr (advice, cases[i].says));
    }
}

static void
test_errors (void)
{
#define HEAD "[table]\nchecked = 2026-11-21\n[a]\nname = A\n"
#define REST "tls = implicit\nsecret = password\n"
  static const struct
  {
    const char *text;
    const char *problem;
  } cases[] = {
    { HEAD "host = h.example\n" REST, NULL },
    { "[a]\nname = A\nhost = h.example\n" REST, "lacks `checked'" },
    { HEAD REST, "a lacks host" },
    { HEAD "host = h.example\ntls = no\nsecret = password\n", "tls: " },
    { HEAD "host = h.example\nport = 0\n" REST, "port: " },
    { HEAD "host = [1.2.3.4]\n" REST, "host: " },
    { HEAD "host = h.example\nuser = me\n" REST, "user: " },
    { HEAD "host = h.example\ncolour = red\n" REST, "no such column" },
    { HEAD "host = h.example\n" REST "[a]\n", "began in line" },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (Providers) providers = providers_parse (
          "t", cases[i].text, strlen (cases[i].text), &error);

      g_test_message ("%s", cases[i].text);
      g_assert_true ((providers != NULL) == (cases[i].problem == NULL));
      if (cases[i].problem == NULL)
        continue;
      g_assert_error (error, FAILURE, FAILURE_CONFIG);
      g_assert_nonnull (strstr (error->message, cases[i].problem));
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/provider/rows", test_rows);
  g_test_add_func ("/provider/table", test_table);
  g_test_add_func ("/provider/strangers", test_strangers);
  g_test_add_func ("/provider/advice", test_advice);
  g_test_add_func ("/provider/errors", test_errors);
  return g_test_run ();
}
