#include "smtp/gsasl.h"

LIBRARY_DEFINE (gsasl, LIBGSASL_FILE, GSASL_FUNCTIONS)
LIBRARY_NOTE (gsasl, LIBGSASL_FILE, "recommended",
              "logins by SCRAM and other mechanisms")
