/* replay FILE...: what a fuzzer of this directory once found worth keeping, without
 * the fuzzer. Whatever is wrong ends the program by a signal. */

#include "tests/fuzz/fuzz.h"

#include <stdio.h>

#include <glib.h>

int
main (int argc, char **argv)
{
  for (int i = 1; i < argc; i++)
    {
      g_autofree char *octets = NULL;
      g_autoptr (GError) error = NULL;
      gsize length;

      printf ("%s\n", argv[i]);
      (void) fflush (stdout);
      if (!g_file_get_contents (argv[i], &octets, &length, &error))
        g_error ("%s", error->message);
      (void) LLVMFuzzerTestOneInput ((const uint8_t *) octets, length);
    }
  return 0;
}
