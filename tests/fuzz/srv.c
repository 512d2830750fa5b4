/* Any octets as a reply of DNS: what is found in it is a host with a port. */

#include "tests/fuzz/fuzz.h"

#include <string.h>

#include <glib.h>

#include "smtp/srv.h"

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autofree unsigned char *reply = g_memdup2 (data, size);
  SrvTarget target;
  SrvResult result = srv_read (reply, size, &target);

  g_assert (result <= SRV_TROUBLE);
  g_assert ((result == SRV_FOUND) == (target.host != NULL));
  if (result != SRV_FOUND)
    return 0;
  g_assert (target.port != 0 && target.port != 25);
  g_assert (strlen (target.host) < 256 && strchr (target.host, '.') != NULL);
  for (const char *p = target.host; *p != '\0'; p++)
    g_assert (g_ascii_islower (*p) || g_ascii_isdigit (*p) || *p == '-'
              || *p == '.');
  g_assert (srv_is_within (target.host, target.host));
  srv_target_clear (&target);
  return 0;
}
