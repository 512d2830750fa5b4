#include "smtp/relay.h"

#include <idn2.h>
#include <string.h>

#include <glib/gi18n.h>

#include "base/failure.h"

#define SECONDS(n) ((n) *1000u)
#define MINUTES(n) SECONDS ((n) *60u)

void
relay_init (Relay *relay)
{
  *relay = (Relay){
    .timeouts = {
      .connect = SECONDS (30),
      .command = MINUTES (5),
      .data = MINUTES (2),
      .block = MINUTES (3),
      .end_of_data = MINUTES (10),
      .quit = SECONDS (5),
    },
  };
}

void
relay_clear (Relay *relay)
{
  g_free (relay->host);
  g_free (relay->ehlo_name);
  g_free (relay->user);
  g_free (relay->auth);
  g_free (relay->remembered);
  g_free (relay->trust_file);
  g_strfreev (relay->pins);
  g_free (relay->crl_file);
  g_free (relay->certificate);
  g_free (relay->key);
  *relay = (Relay){ 0 };
}

bool
relay_trusts_pins_alone (const Relay *relay)
{
  return g_strcmp0 (relay->trust_file, RELAY_TRUST_NONE) == 0;
}

char *
relay_endpoint (const Relay *relay)
{
  return g_strdup_printf (strchr (relay->host, ':') != NULL ? "[%s]:%u"
                                                            : "%s:%u",
                          relay->host, relay->port);
}

char *
relay_dns_name (const Relay *relay, GError **error)
{
  g_autofree char *host = g_strdup (relay->host);
  char *ascii = NULL;
  char *name;
  int result;

  if (g_str_has_suffix (host, "."))
    host[strlen (host) - 1] = '\0';
  if (g_str_is_ascii (host) && host[0] != '\0')
    return g_steal_pointer (&host);
  result =
      idn2_to_ascii_8z (host, &ascii, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
  if (result != IDN2_OK || ascii[0] == '\0')
    {
      idn2_free (ascii);
      g_set_error (error, FAILURE, FAILURE_CONFIG,
                   _ ("`host' cannot be `%s': write a name such as "
                      "smtp.example.org"),
                   relay->host);
      return NULL;
    }
  name = g_strdup (ascii);
  idn2_free (ascii);
  return name;
}
