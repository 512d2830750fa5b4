#include "account/libsecret.h"

LIBRARY_DEFINE (secret, LIBSECRET_1_FILE, SECRET_FUNCTIONS)
