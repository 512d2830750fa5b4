#include "smtp/relay.h"

#include <string.h>

#define SECONDS(n) ((n)*1000u)
#define MINUTES(n) SECONDS ((n)*60u)

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
  g_free (relay->trust_file);
  g_free (relay->crl_file);
  g_free (relay->certificate);
  g_free (relay->key);
  *relay = (Relay){ 0 };
}

char *
relay_endpoint (const Relay *relay)
{
  return g_strdup_printf (strchr (relay->host, ':') != NULL ? "[%s]:%u"
                                                            : "%s:%u",
                          relay->host, relay->port);
}
