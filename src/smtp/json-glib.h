/* json-glib.h - JSON-GLib, loaded when it is used (library.h).
 */
#pragma once

/* First: see there. */
#include "base/gio.h"

#include <json-glib/json-glib.h>

#include "base/library.h"

#define JSON_FUNCTIONS(F)                                                     \
  F (json_node_dup_string)                                                    \
  F (json_node_get_int)                                                       \
  F (json_node_get_node_type)                                                 \
  F (json_node_get_object)                                                    \
  F (json_node_get_value_type)                                                \
  F (json_object_get_member)                                                  \
  F (json_parser_get_root)                                                    \
  F (json_parser_load_from_data)                                              \
  F (json_parser_new_immutable)

LIBRARY_DECLARE (json, JSON_FUNCTIONS)

#define json_node_dup_string (*json_loaded ()->json_node_dup_string)
#define json_node_get_int (*json_loaded ()->json_node_get_int)
#define json_node_get_node_type (*json_loaded ()->json_node_get_node_type)
#define json_node_get_object (*json_loaded ()->json_node_get_object)
#define json_node_get_value_type (*json_loaded ()->json_node_get_value_type)
#define json_object_get_member (*json_loaded ()->json_object_get_member)
#define json_parser_get_root (*json_loaded ()->json_parser_get_root)
#define json_parser_load_from_data                                            \
  (*json_loaded ()->json_parser_load_from_data)
#define json_parser_new_immutable (*json_loaded ()->json_parser_new_immutable)
