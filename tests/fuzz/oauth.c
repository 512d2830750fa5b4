/* Any octets as what a relay says against a token. Whatever they are: what is shown
 * of them is printable, bounded, and no part of the token. */

#include "tests/fuzz/fuzz.h"

#include <string.h>

#include <glib.h>

#include "base/failure.h"
#include "smtp/sasl-oauth.h"

#define TOKEN "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJtZSJ9.c2lnbmF0dXJl"
#define PART 16
#define SHOWN 512

static void
check_reason (const char *reason)
{
  size_t length = strlen (reason);

  g_assert (length <= SHOWN);
  for (size_t i = 0; i < length; i++)
    g_assert (g_ascii_isprint (reason[i]));
  for (size_t i = 0; i + PART <= strlen (TOKEN); i++)
    g_assert (memmem (reason, length, TOKEN + i, PART) == NULL);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autoptr (Secret) token = secret_new (TOKEN, strlen (TOKEN));
  g_autofree char *challenge = g_malloc0 (size + 1);
  g_autoptr (GError) error = NULL;
  g_autofree char *reason = NULL;

  if (size > 0)
    memcpy (challenge, data, size);
  reason = oauth_reason (challenge, size, token, &error);
  if (reason != NULL)
    check_reason (reason);
  else
    g_assert_error (error, FAILURE, FAILURE_PROTOCOL);
  return 0;
}
