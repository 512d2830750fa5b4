#include "smtp/json-glib.h"

LIBRARY_DEFINE (json, LIBJSON_GLIB_1_0_FILE, JSON_FUNCTIONS)
LIBRARY_NOTE (json, LIBJSON_GLIB_1_0_FILE, "suggested",
              "what relays say to a token")
