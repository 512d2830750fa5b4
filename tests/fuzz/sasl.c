/* Any octets as the challenges of a login by SCRAM, one per line; "%" stands
 * for our nonce. */

#include "tests/fuzz/fuzz.h"

#include <string.h>

#include <glib.h>

#include "smtp/sasl.h"

/* CHALLENGE with our nonce, which the client-first-message ends with. */
static char *
with_nonce (const char *challenge, const Secret *first)
{
  const char *nonce = strstr (secret_octets (first), ",r=") + 3;
  g_auto (GStrv) parts = g_strsplit (challenge, "%", 4);

  return g_strjoinv (nonce, parts);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  static const char *const offered[] = { "SCRAM-SHA-256", NULL };
  g_autofree char *text = g_strndup ((const char *) data, size);
  g_auto (GStrv) lines = g_strsplit (text, "\n", 4);
  g_autoptr (Secret) password = secret_new ("secret", 6);
  SaslLogin login = { .user = "me", .password = password };
  const SaslMechanism *mechanism = sasl_choose (offered, NULL, &login, NULL);
  g_autoptr (Sasl) sasl = sasl_new (mechanism, offered, &login, NULL);
  g_autoptr (Secret) first = sasl_step (sasl, "", 0, NULL);

  for (size_t i = 0; lines[i] != NULL; i++)
    {
      g_autoptr (GError) error = NULL;
      g_autofree char *challenge = with_nonce (lines[i], first);
      g_autoptr (Secret) answer =
          sasl_step (sasl, challenge, strlen (challenge), &error);

      g_assert ((answer == NULL) == (error != NULL));
      if (answer == NULL)
        {
          check_shown (error->message, 500);
          break;
        }
    }
  /* Nobody proves by chance that he knows the password. */
  g_assert (!sasl_finished (sasl));
  return 0;
}
