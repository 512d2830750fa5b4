#include "mail/idn2.h"

LIBRARY_DEFINE (idn2, LIBIDN2_FILE, IDN2_FUNCTIONS)
LIBRARY_NOTE (idn2, LIBIDN2_FILE, "recommended",
              "domains that are not ASCII")
