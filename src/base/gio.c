#include "base/gio.h"

LIBRARY_DEFINE (gobject, LIBGIO_2_0_FILE, GOBJECT_FUNCTIONS)
LIBRARY_DEFINE (gio, LIBGIO_2_0_FILE, GIO_FUNCTIONS)
LIBRARY_NOTE (gio, LIBGIO_2_0_FILE, "recommended",
              "the keyring")
