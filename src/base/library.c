#include "base/library.h"

#include <dlfcn.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include <glib/gi18n.h>

#include "base/failure.h"

static bool
set_failure (GError **error)
{
  /* TRANSLATORS: after the colon, the loader says which library, and why not.
   */
  g_set_error (error, FAILURE, FAILURE_OS, _ ("cannot load a library: %s"),
               dlerror ());
  return false;
}

/* Calls go through it, so nobody shall be able to turn them elsewhere. Where
   pages are larger, others share this one. */
static void
protect (void **table)
{
  if (sysconf (_SC_PAGESIZE) == LIBRARY_PAGE)
    (void) mprotect (table, LIBRARY_PAGE, PROT_READ);
}

bool
library_load (Library *library, GError **error)
{
  void *handle;

  if (library->loaded)
    return true;
  handle = dlopen (library->file, RTLD_NOW | RTLD_LOCAL);
  if (handle == NULL)
    return set_failure (error);
  for (size_t i = 0; i < library->count; i++)
    {
      library->table[i] = dlsym (handle, library->names[i]);
      if (library->table[i] == NULL)
        return set_failure (error);
    }
  protect (library->table);
  library->loaded = true;
  return true;
}

void
library_load_now (Library *library)
{
  g_autoptr (GError) error = NULL;

  if (!library_load (library, &error))
    g_error ("%s", error->message);
}
