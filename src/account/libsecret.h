/* libsecret.h - libsecret, loaded when it is used (library.h).
 */
#pragma once

/* First: see there. */
#include "base/gio.h"

#include <libsecret/secret.h>

#include "base/library.h"

#define SECRET_FUNCTIONS(F)                                                   \
  F (secret_collection_create_sync)                                           \
  F (secret_collection_for_alias_sync)                                        \
  F (secret_collection_get_locked)                                            \
  F (secret_error_get_quark)                                                  \
  F (secret_item_delete_sync)                                                 \
  F (secret_item_get_locked)                                                  \
  F (secret_item_get_modified)                                                \
  F (secret_item_get_secret)                                                  \
  F (secret_item_load_secret_sync)                                            \
  F (secret_prompt_get_type)                                                  \
  F (secret_prompt_perform)                                                   \
  F (secret_prompt_perform_finish)                                            \
  F (secret_prompt_perform_sync)                                              \
  F (secret_service_get_type)                                                 \
  F (secret_service_open_sync)                                                \
  F (secret_service_search_sync)                                              \
  F (secret_service_store_sync)                                               \
  F (secret_service_unlock_sync)                                              \
  F (secret_value_get)                                                        \
  F (secret_value_new)                                                        \
  F (secret_value_unref)

LIBRARY_DECLARE (secret, SECRET_FUNCTIONS)

#define secret_collection_create_sync                                         \
  (*secret_loaded ()->secret_collection_create_sync)
#define secret_collection_for_alias_sync                                      \
  (*secret_loaded ()->secret_collection_for_alias_sync)
#define secret_collection_get_locked                                          \
  (*secret_loaded ()->secret_collection_get_locked)
#define secret_error_get_quark (*secret_loaded ()->secret_error_get_quark)
#define secret_item_delete_sync (*secret_loaded ()->secret_item_delete_sync)
#define secret_item_get_locked (*secret_loaded ()->secret_item_get_locked)
#define secret_item_get_modified (*secret_loaded ()->secret_item_get_modified)
#define secret_item_get_secret (*secret_loaded ()->secret_item_get_secret)
#define secret_item_load_secret_sync                                          \
  (*secret_loaded ()->secret_item_load_secret_sync)
#define secret_prompt_get_type (*secret_loaded ()->secret_prompt_get_type)
#define secret_prompt_perform (*secret_loaded ()->secret_prompt_perform)
#define secret_prompt_perform_finish                                          \
  (*secret_loaded ()->secret_prompt_perform_finish)
#define secret_prompt_perform_sync                                            \
  (*secret_loaded ()->secret_prompt_perform_sync)
#define secret_service_get_type (*secret_loaded ()->secret_service_get_type)
#define secret_service_open_sync (*secret_loaded ()->secret_service_open_sync)
#define secret_service_search_sync                                            \
  (*secret_loaded ()->secret_service_search_sync)
#define secret_service_store_sync                                             \
  (*secret_loaded ()->secret_service_store_sync)
#define secret_service_unlock_sync                                            \
  (*secret_loaded ()->secret_service_unlock_sync)
#define secret_value_get (*secret_loaded ()->secret_value_get)
#define secret_value_new (*secret_loaded ()->secret_value_new)
#define secret_value_unref (*secret_loaded ()->secret_value_unref)
