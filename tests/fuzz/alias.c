/* Any octets as an aliases file, and each name of it: what is found is an address
 * or a name, and all ends. */

#include "tests/fuzz/fuzz.h"

#include <string.h>

#include <glib.h>

#include "base/failure.h"
#include "mail/alias.h"

#define PROBLEM_MAXIMUM 700 /* octets */

static const char *const hosts[] = { "host.example", NULL };

static void
check_found (const GPtrArray *found)
{
  g_assert (found->len <= ALIAS_FOUND_MAXIMUM);
  for (guint i = 0; i < found->len; i++)
    {
      const Address *address = g_ptr_array_index (found, i);
      g_autofree char *path = address_path (address);

      g_assert (address->domain == NULL
                || alias_locality (address->domain, hosts) != LOCALITY_NAME);
      check_shown (path, PATH_MAXIMUM);
    }
}

static void
try_name (const Aliases *aliases, const char *local_part, const char *domain)
{
  g_autoptr (GPtrArray) found
      = g_ptr_array_new_with_free_func ((GDestroyNotify) address_free);
  g_autoptr (GPtrArray) notes = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GError) error = NULL;
  Address address = { NULL, (char *) local_part, (char *) domain };
  bool good
      = aliases_expand (aliases, &address, hosts, found, notes, &error);

  g_assert (good == (error == NULL));
  g_assert (good ? found->len > 0 : found->len == 0);
  if (!good)
    {
      g_assert (g_error_matches (error, FAILURE, FAILURE_CONFIG));
      g_assert (g_str_has_prefix (error->message, "aliases:"));
      check_shown (error->message, PROBLEM_MAXIMUM);
    }
  for (guint i = 0; i < notes->len; i++)
    check_shown (g_ptr_array_index (notes, i), PROBLEM_MAXIMUM);
  check_found (found);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  const char *text = (const char *) data;
  g_autoptr (Aliases) aliases = aliases_parse ("aliases", text, size);
  const GPtrArray *problems = aliases_problems (aliases);
  unsigned tries = 0;

  for (guint i = 0; i < problems->len; i++)
    check_shown (g_ptr_array_index (problems, i), PROBLEM_MAXIMUM);
  try_name (aliases, "root", NULL);
  try_name (aliases, "\"a b\"", "localhost");
  /* What may be names: the words of the text. */
  for (size_t at = 0; at < size && tries < 20; at++)
    {
      size_t length = 0;
      g_autofree char *name = NULL;

      while (at + length < size && g_ascii_isalnum (text[at + length]))
        length++;
      if (length == 0 || length > LOCAL_PART_MAXIMUM)
        continue;
      name = g_strndup (text + at, length);
      try_name (aliases, name, tries % 2 == 0 ? NULL : "host.example");
      at += length;
      tries++;
    }
  return 0;
}
