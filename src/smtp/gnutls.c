#include "smtp/gnutls.h"

LIBRARY_DEFINE (gnutls, LIBGNUTLS_FILE, GNUTLS_FUNCTIONS)
LIBRARY_NOTE (gnutls, LIBGNUTLS_FILE, "required",
              "TLS")
