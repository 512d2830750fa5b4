/* idn2.h - libidn2, loaded when it is used (library.h).
 */
#pragma once

#include <glib.h>
#include <idn2.h>

#include "base/library.h"

#define IDN2_FUNCTIONS(F)                                                     \
  F (idn2_check_version)                                                      \
  F (idn2_free)                                                               \
  F (idn2_strerror)                                                           \
  F (idn2_to_ascii_8z)

LIBRARY_DECLARE (idn2, IDN2_FUNCTIONS)

#define idn2_check_version (*idn2_loaded ()->idn2_check_version)
#define idn2_free (*idn2_loaded ()->idn2_free)
#define idn2_strerror (*idn2_loaded ()->idn2_strerror)
#define idn2_to_ascii_8z (*idn2_loaded ()->idn2_to_ascii_8z)
