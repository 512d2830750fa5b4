#include "smtp/relay.h"

#include <string.h>

#include <glib/gi18n.h>

#include "base/failure.h"
#include "mail/idn2.h"

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
  g_free (relay->proxy.host);
  g_free (relay->socket);
  g_strfreev (relay->tunnel);
  g_free (relay->source_address);
  *relay = (Relay){ 0 };
}

uint16_t
relay_usual_port (TlsMode tls)
{
  return tls == TLS_STARTTLS ? 587 : 465;
}

bool
relay_trusts_pins_alone (const Relay *relay)
{
  return g_strcmp0 (relay->trust_file, RELAY_TRUST_NONE) == 0;
}

char *
endpoint_text (const char *host, uint16_t port)
{
  return g_strdup_printf (strchr (host, ':') != NULL ? "[%s]:%u" : "%s:%u",
                          host, port);
}

char *
relay_endpoint (const Relay *relay)
{
  return endpoint_text (relay->host, relay->port);
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
  if (!library_load (&idn2_library, error))
    return NULL;
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

/* NAME and PORT in the place of what stands for them. */
static char *
expand (const char *argument, const char *name, uint16_t port)
{
  GString *expanded = g_string_new (NULL);

  for (const char *p = argument; *p != '\0'; p++)
    if (*p != '%')
      g_string_append_c (expanded, *p);
    else if (*++p == 'h')
      g_string_append (expanded, name);
    else if (*p == 'p')
      g_string_append_printf (expanded, "%u", port);
    else
      g_string_append_c (expanded, '%');
  return g_string_free (expanded, FALSE);
}

char **
relay_tunnel (const Relay *relay, GError **error)
{
  g_autofree char *name = relay_dns_name (relay, error);
  char **tunnel;

  if (name == NULL)
    return NULL;
  tunnel = g_new0 (char *, g_strv_length (relay->tunnel) + 1);
  for (size_t i = 0; relay->tunnel[i] != NULL; i++)
    tunnel[i] = expand (relay->tunnel[i], name, relay->port);
  return tunnel;
}

bool
relay_tunnel_valid (const char *argument)
{
  for (const char *p = argument; (p = strchr (p, '%')) != NULL; p += 2)
    if (p[1] == '\0' || strchr ("hp%", p[1]) == NULL)
      return false;
  return true;
}

const char *
relay_web_server (void)
{
  return _ ("a web server answers there, and no relay; where a network wants a "
            "login first, open a web page and log in, else check `host' and "
            "`port'");
}
