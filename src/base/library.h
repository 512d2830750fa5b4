/* library.h - libraries that only some runs need, loaded by those that do.
 *
 * A call that queues a message shall cost neither TLS nor D-Bus, so the
 * program is linked with neither. A header beside the modules that use such a
 * library (smtp/gnutls.h, base/gio.h, ...) takes the place of the library's
 * own: it has a table with a pointer to each function that is used, of the
 * type that the library declares, and a macro of the function's name that
 * calls through it. So sources look as if they were linked. A function that is
 * new in them needs a line in both lists there; the compiler and the linker
 * tell.
 *
 * The first use loads, wherever it is. Whoever can tell a person that it fails
 * loads before (library_load). Once it is full a table cannot be written to
 * any more.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A table has a page of its own. */
#define LIBRARY_PAGE 4096

typedef struct
{
  const char *file; /* the name that the linker found, without a path */
  const char *const *names; /* of the functions, in the order of the table */
  size_t count;
  void **table;
  bool loaded;
} Library;

/* False with FAILURE_OS: it is not there, or lacks a function. */
bool library_load (Library *library, GError **error);

/* The same; without the library the process ends. */
void library_load_now (Library *library);

/* What a header declares and its source defines for a library LIB (for the
 * names of C) in FILE; FUNCTIONS (F) is F (NAME) for each function. */
#define LIBRARY_POINTER(function) __typeof__ (function) *function;
#define LIBRARY_NAME(function) #function,

#define LIBRARY_DECLARE(lib, FUNCTIONS)                                       \
  typedef union                                                               \
  {                                                                           \
    struct                                                                    \
    {                                                                         \
      FUNCTIONS (LIBRARY_POINTER)                                             \
    };                                                                        \
    void *table[LIBRARY_PAGE / sizeof (void *)];                              \
  } lib##_Table;                                                              \
  extern Library lib##_library;                                               \
  extern lib##_Table lib##_table;                                             \
  static inline const lib##_Table *lib##_loaded (void)                        \
  {                                                                           \
    if (G_UNLIKELY (!lib##_library.loaded))                                   \
      library_load_now (&lib##_library);                                      \
    return &lib##_table;                                                      \
  }

#define LIBRARY_DEFINE(lib, FILE, FUNCTIONS)                                  \
  static const char *const lib##_names[] = { FUNCTIONS (LIBRARY_NAME) };      \
  G_STATIC_ASSERT (sizeof (lib##_Table) == LIBRARY_PAGE);                     \
  __attribute__ ((aligned (LIBRARY_PAGE))) lib##_Table lib##_table;           \
  Library lib##_library = { FILE, lib##_names, G_N_ELEMENTS (lib##_names),    \
                            lib##_table.table, false };

/* A note in the program, for packagers, that it loads FILE, since the linker does not
 * know (https://systemd.io/ELF_DLOPEN_METADATA/). PRIORITY: required, recommended or
 * suggested; PURPOSE goes into JSON as it is. */
#define LIBRARY_NOTE_OWNER "FDO"
#define LIBRARY_NOTE_TYPE 0x407c0c0a

#define LIBRARY_NOTE(lib, FILE, PRIORITY, PURPOSE)                            \
  LIBRARY_NOTE_TEXT (lib, "[{\"feature\":\"" #lib                             \
                          "\",\"description\":\"" PURPOSE                    \
                          "\",\"priority\":\"" PRIORITY                      \
                          "\",\"soname\":[\"" FILE "\"]}]")
#define LIBRARY_NOTE_TEXT(lib, TEXT)                                          \
  static const struct                                                         \
  {                                                                           \
    uint32_t owner_size, text_size, type;                                     \
    char owner[sizeof LIBRARY_NOTE_OWNER];                                    \
    char text[(sizeof TEXT + 3) / 4 * 4];                                     \
  } lib##_note __attribute__ ((used, section (".note.dlopen"), aligned (4))) = { \
    sizeof LIBRARY_NOTE_OWNER, sizeof TEXT, LIBRARY_NOTE_TYPE,                \
    LIBRARY_NOTE_OWNER, TEXT                                                  \
  };
