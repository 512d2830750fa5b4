#include "account/provider.h"

#include <string.h>

#include <glib/gi18n.h>

#include "account/config.h"
#include "account/setting-type.h"

#define TABLE "table" /* the section about the table itself */

static const char own_table[] =
#include "data/providers.inc"
    ;

static const char *const tls_modes[] = { "implicit", "starttls", NULL };
static const char *const answers[] = { "no", "yes", NULL };
static const char *const users[] = { "address", "local-part", NULL };
static const char *const secrets[] = { "password",         "app-password",
                                       "app-password-2fa", "token",
                                       "bridge",           NULL };

typedef struct
{
  const char *name;
  SettingType type;
  bool required;
  size_t offset;
  const char *const *choices;
} Column;

#define FIELD(field) offsetof (Provider, field)

static const Column columns[] = {
  { "name", SETTING_TEXT, true, FIELD (name), NULL },
  { "host", SETTING_HOST, true, FIELD (host), NULL },
  { "port", SETTING_PORT, false, FIELD (port), NULL },
  { "tls", SETTING_CHOICE, true, FIELD (tls), tls_modes },
  { "user", SETTING_CHOICE, false, FIELD (user), users },
  { "secret", SETTING_CHOICE, true, FIELD (secret), secrets },
  { "switch", SETTING_BOOL, false, FIELD (switched), answers },
  { "page", SETTING_TEXT, false, FIELD (page), NULL },
};

static void
provider_free (void *data)
{
  Provider *provider = data;

  g_free (provider->key);
  g_free (provider->name);
  g_strfreev (provider->domains);
  g_free (provider->host);
  g_free (provider->page);
  g_free (provider);
}

void
providers_free (Providers *providers)
{
  if (providers == NULL)
    return;
  g_ptr_array_unref (providers->all);
  g_free (providers->checked);
  g_free (providers);
}

static const Column *
find_column (const char *name)
{
  for (size_t i = 0; i < G_N_ELEMENTS (columns); i++)
    if (strcmp (columns[i].name, name) == 0)
      return &columns[i];
  return NULL;
}

static void
read_entry (Config *config, const ConfigEntry *entry, Provider *provider)
{
  const Column *column = find_column (entry->name);
  g_autofree char *advice = NULL;

  if (entry->value == NULL)
    return;
  if (strcmp (entry->name, "domains") == 0)
    {
      g_strfreev (provider->domains);
      provider->domains = g_strsplit (entry->value, ",", -1);
      for (char **domain = provider->domains; *domain != NULL; domain++)
        g_strstrip (*domain);
      return;
    }
  if (column == NULL)
    advice = g_strdup ("there is no such column");
  else
    advice = setting_type_store (
        &(Assignment){ column->type, column->choices, entry->value, NULL,
                       (char *) provider + column->offset });
  if (advice != NULL)
    config_problem (config, entry->line, entry->value_column, "%s: %s",
                    entry->name, advice);
}

static Provider *
read_provider (Config *config, const ConfigSection *section)
{
  Provider *provider = g_new0 (Provider, 1);

  provider->key = g_strdup (section->name);
  provider->domains = g_new0 (char *, 1);
  for (size_t i = 0; i < section->entries->len; i++)
    read_entry (config, g_ptr_array_index (section->entries, i), provider);
  for (size_t i = 0; i < G_N_ELEMENTS (columns); i++)
    if (columns[i].required && config_find (section, columns[i].name) == NULL)
      config_problem (config, section->line, section->column, "%s lacks %s",
                      section->name, columns[i].name);
  if (provider->port == 0)
    provider->port = relay_usual_port (provider->tls);
  return provider;
}

Providers *
providers_parse (const char *file, const char *text, size_t length,
                 GError **error)
{
  g_autoptr (Config) config = config_parse (file, text, length);
  g_autoptr (Providers) providers = g_new0 (Providers, 1);

  providers->all = g_ptr_array_new_with_free_func (provider_free);
  for (size_t i = 0; i < config->sections->len; i++)
    {
      const ConfigSection *section = g_ptr_array_index (config->sections, i);
      const ConfigEntry *checked = config_find (section, "checked");

      if (strcmp (section->name, TABLE) != 0)
        g_ptr_array_add (providers->all, read_provider (config, section));
      else if (checked != NULL)
        providers->checked = g_strdup (checked->value);
    }
  if (providers->checked == NULL)
    config_problem (config, 1, 1, "[%s] lacks `checked'", TABLE);
  return config_check (config, error) ? g_steal_pointer (&providers) : NULL;
}

Providers *
providers_open (void)
{
  Providers *providers =
      providers_parse ("providers", own_table, strlen (own_table), NULL);

  g_assert (providers != NULL);
  return providers;
}

const Provider *
providers_of_domain (const Providers *providers, const char *domain)
{
  for (size_t i = 0; i < providers->all->len; i++)
    {
      const Provider *provider = g_ptr_array_index (providers->all, i);

      for (char **own = provider->domains; *own != NULL; own++)
        if (g_ascii_strcasecmp (*own, domain) == 0)
          return provider;
    }
  return NULL;
}

const Provider *
providers_of_host (const Providers *providers, const char *host)
{
  for (size_t i = 0; i < providers->all->len; i++)
    {
      const Provider *provider = g_ptr_array_index (providers->all, i);

      if (g_ascii_strcasecmp (provider->host, host) == 0)
        return provider;
    }
  return NULL;
}

static char *
secret_advice (const Provider *provider)
{
  switch (provider->secret)
    {
    case PROVIDER_PASSWORD:
      return NULL;
    case PROVIDER_APP_PASSWORD:
      return g_strdup_printf (
          _ ("%s takes no login from programs with the password of the "
             "mailbox: "
             "have it make an app password for Postrider, and type that one."),
          provider->name);
    case PROVIDER_APP_PASSWORD_2FA:
      return g_strdup_printf (
          _ ("If your login at %s has a second factor, have it make an app "
             "password for Postrider, and type that one."),
          provider->name);
    case PROVIDER_TOKEN:
      return g_strdup_printf (
          _ ("%s wants a token of OAuth 2.0 in place of a password. Postrider "
             "gets none by itself: it runs a command that prints one, such as "
             "oama or mutt_oauth2.py, which you set up first."),
          provider->name);
    case PROVIDER_BRIDGE:
      return g_strdup_printf (
          _ ("Mail at %s goes through the Bridge, a program that has to run "
             "on "
             "this machine. Have it export its TLS certificate, and name that "
             "file by --trust-file. The password is the one that the Bridge "
             "shows for SMTP."),
          provider->name);
    }
  return NULL;
}

char *
provider_advice (const Provider *provider)
{
  g_autofree char *secret = secret_advice (provider);
  g_autoptr (GString) text = g_string_new (secret);

  if (provider->switched && text->len > 0)
    g_string_append_c (text, ' ');
  if (provider->switched)
    g_string_append_printf (
        text,
        _ ("Programs may send through %s only once POP3 and IMAP are switched "
           "on in the settings of the mailbox."),
        provider->name);
  if (text->len > 0 && provider->page != NULL)
    g_string_append_printf (text, " %s", provider->page);
  return text->len > 0 ? g_string_free (g_steal_pointer (&text), FALSE) : NULL;
}
