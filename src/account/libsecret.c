#include "account/libsecret.h"

LIBRARY_DEFINE (secret, LIBSECRET_1_FILE, SECRET_FUNCTIONS)
LIBRARY_NOTE (secret, LIBSECRET_1_FILE, "recommended",
              "passwords in the keyring")
