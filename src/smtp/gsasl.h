/* gsasl.h - GNU SASL, loaded when it is used (library.h).
 */
#pragma once

#include <gsasl.h>

#include "base/library.h"

#define GSASL_FUNCTIONS(F)                                                    \
  F (gsasl_check_version)                                                     \
  F (gsasl_client_start)                                                      \
  F (gsasl_done)                                                              \
  F (gsasl_finish)                                                            \
  F (gsasl_free)                                                              \
  F (gsasl_init)                                                              \
  F (gsasl_property_fast)                                                     \
  F (gsasl_property_set)                                                      \
  F (gsasl_saslprep)                                                          \
  F (gsasl_step)                                                              \
  F (gsasl_strerror)

LIBRARY_DECLARE (gsasl, GSASL_FUNCTIONS)

#define gsasl_check_version (*gsasl_loaded ()->gsasl_check_version)
#define gsasl_client_start (*gsasl_loaded ()->gsasl_client_start)
#define gsasl_done (*gsasl_loaded ()->gsasl_done)
#define gsasl_finish (*gsasl_loaded ()->gsasl_finish)
#define gsasl_free (*gsasl_loaded ()->gsasl_free)
#define gsasl_init (*gsasl_loaded ()->gsasl_init)
#define gsasl_property_fast (*gsasl_loaded ()->gsasl_property_fast)
#define gsasl_property_set (*gsasl_loaded ()->gsasl_property_set)
#define gsasl_saslprep (*gsasl_loaded ()->gsasl_saslprep)
#define gsasl_step (*gsasl_loaded ()->gsasl_step)
#define gsasl_strerror (*gsasl_loaded ()->gsasl_strerror)
