/* A module for PKCS #11 that comes back neither from its first call nor, once the
 * process is about to end, from its destructor. */

#include <unistd.h>

int C_GetFunctionList (void **functions);

static void
stay (void)
{
  while (pause () < 0)
    ;
}

int
C_GetFunctionList (void **functions)
{
  (void) functions;
  stay ();
  return 0;
}

__attribute__ ((destructor)) static void
unload (void)
{
  stay ();
}
