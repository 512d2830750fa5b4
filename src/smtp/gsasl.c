#include "smtp/gsasl.h"

LIBRARY_DEFINE (gsasl, LIBGSASL_FILE, GSASL_FUNCTIONS)
