/* Any octets as the challenges of those mechanisms whose answers GNU SASL makes: the
 * first octet chooses which, a line end parts two challenges of DIGEST-MD5. */

#include "tests/fuzz/fuzz.h"

#include <string.h>

#include <glib.h>

#include "smtp/sasl.h"

static Sasl *
start (const char *name, const SaslLogin *login)
{
  const char *const offered[] = { name, NULL };

  return sasl_new (sasl_choose (offered, name, login, NULL), offered, login,
                   NULL);
}

/* A copy, with a NUL after it. */
static bool
answer (Sasl *sasl, const uint8_t *data, size_t size)
{
  g_autofree char *challenge = g_malloc0 (size + 1);
  g_autoptr (Secret) said = NULL;
  g_autoptr (GError) error = NULL;

  if (size > 0)
    memcpy (challenge, data, size);
  said = sasl_step (sasl, challenge, size, &error);
  g_assert ((said == NULL) == (error != NULL));
  if (error != NULL)
    check_shown (error->message, 500);
  return said != NULL;
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  static const char *const names[] = { "CRAM-MD5", "DIGEST-MD5", "NTLM" };
  g_autoptr (Secret) password = secret_new ("secret", 6);
  SaslLogin login = { .user = "me@example.org",
                      .password = password,
                      .host = "relay.example" };
  const char *name = size == 0 ? names[0] : names[data[0] % 3];
  g_autoptr (Sasl) sasl = start (name, &login);
  const uint8_t *rest = size == 0 ? NULL : data + 1;
  size_t length = size == 0 ? 0 : size - 1;
  const uint8_t *end = name == names[1] && length > 0
                           ? memchr (rest, '\n', length)
                           : NULL;
  size_t first = end == NULL ? length : (size_t) (end - rest);

  if (sasl_speaks_first (sasl))
    g_assert (answer (sasl, NULL, 0));
  if (answer (sasl, rest, first) && end != NULL)
    (void) answer (sasl, end + 1, length - first - 1);
  /* Nobody proves by chance that he knows the password. */
  g_assert (name != names[1] || !sasl_finished (sasl));
  return 0;
}
