/* gio.h - GIO and GObject, loaded when they are used (library.h).
 *
 * What frees an object stands in functions of their headers, so the macros of
 * GObject come before those of GIO, and of what builds on it.
 */
#pragma once

#include <glib-object.h>

#include "base/library.h"

#define GOBJECT_FUNCTIONS(F)                                                  \
  F (g_object_unref)                                                          \
  F (g_signal_connect_data)                                                   \
  F (g_signal_handler_disconnect)                                             \
  F (g_type_check_instance_cast)                                              \
  F (g_type_class_adjust_private_offset)                                      \
  F (g_type_class_peek_parent)                                                \
  F (g_type_register_static_simple)

LIBRARY_DECLARE (gobject, GOBJECT_FUNCTIONS)

#define g_object_unref (*gobject_loaded ()->g_object_unref)
#define g_signal_connect_data (*gobject_loaded ()->g_signal_connect_data)
#define g_signal_handler_disconnect                                           \
  (*gobject_loaded ()->g_signal_handler_disconnect)
#define g_type_check_instance_cast                                            \
  (*gobject_loaded ()->g_type_check_instance_cast)
#define g_type_class_adjust_private_offset                                    \
  (*gobject_loaded ()->g_type_class_adjust_private_offset)
#define g_type_class_peek_parent (*gobject_loaded ()->g_type_class_peek_parent)
#define g_type_register_static_simple                                         \
  (*gobject_loaded ()->g_type_register_static_simple)

#include <gio/gio.h>

#define GIO_FUNCTIONS(F)                                                      \
  F (g_bus_get_sync)                                                          \
  F (g_bus_unwatch_name)                                                      \
  F (g_bus_watch_name_on_connection)                                          \
  F (g_cancellable_cancel)                                                    \
  F (g_cancellable_is_cancelled)                                              \
  F (g_cancellable_new)                                                       \
  F (g_dbus_connection_call)                                                  \
  F (g_dbus_connection_call_finish)                                           \
  F (g_dbus_connection_get_type)                                              \
  F (g_dbus_connection_new_for_address)                                       \
  F (g_dbus_connection_new_for_address_finish)                                \
  F (g_dbus_connection_set_exit_on_close)                                     \
  F (g_dbus_connection_signal_subscribe)                                      \
  F (g_dbus_connection_signal_unsubscribe)                                    \
  F (g_dbus_error_quark)                                                      \
  F (g_inet_address_get_is_any)                                               \
  F (g_inet_address_get_is_multicast)                                         \
  F (g_inet_address_new_from_string)                                          \
  F (g_inet_address_to_string)                                                \
  F (g_io_error_quark)                                                        \
  F (g_task_get_type)                                                         \
  F (g_task_new)                                                              \
  F (g_task_propagate_pointer)                                                \
  F (g_task_return_error)                                                     \
  F (g_task_return_pointer)

LIBRARY_DECLARE (gio, GIO_FUNCTIONS)

#define g_bus_get_sync (*gio_loaded ()->g_bus_get_sync)
#define g_bus_unwatch_name (*gio_loaded ()->g_bus_unwatch_name)
#define g_bus_watch_name_on_connection                                        \
  (*gio_loaded ()->g_bus_watch_name_on_connection)
#define g_cancellable_cancel (*gio_loaded ()->g_cancellable_cancel)
#define g_cancellable_is_cancelled (*gio_loaded ()->g_cancellable_is_cancelled)
#define g_cancellable_new (*gio_loaded ()->g_cancellable_new)
#define g_dbus_connection_call (*gio_loaded ()->g_dbus_connection_call)
#define g_dbus_connection_call_finish                                         \
  (*gio_loaded ()->g_dbus_connection_call_finish)
#define g_dbus_connection_get_type (*gio_loaded ()->g_dbus_connection_get_type)
#define g_dbus_connection_new_for_address                                     \
  (*gio_loaded ()->g_dbus_connection_new_for_address)
#define g_dbus_connection_new_for_address_finish                              \
  (*gio_loaded ()->g_dbus_connection_new_for_address_finish)
#define g_dbus_connection_set_exit_on_close                                   \
  (*gio_loaded ()->g_dbus_connection_set_exit_on_close)
#define g_dbus_connection_signal_subscribe                                    \
  (*gio_loaded ()->g_dbus_connection_signal_subscribe)
#define g_dbus_connection_signal_unsubscribe                                  \
  (*gio_loaded ()->g_dbus_connection_signal_unsubscribe)
#define g_dbus_error_quark (*gio_loaded ()->g_dbus_error_quark)
#define g_inet_address_get_is_any (*gio_loaded ()->g_inet_address_get_is_any)
#define g_inet_address_get_is_multicast                                       \
  (*gio_loaded ()->g_inet_address_get_is_multicast)
#define g_inet_address_new_from_string                                        \
  (*gio_loaded ()->g_inet_address_new_from_string)
#define g_inet_address_to_string (*gio_loaded ()->g_inet_address_to_string)
#define g_io_error_quark (*gio_loaded ()->g_io_error_quark)
#define g_task_get_type (*gio_loaded ()->g_task_get_type)
#define g_task_new (*gio_loaded ()->g_task_new)
#define g_task_propagate_pointer (*gio_loaded ()->g_task_propagate_pointer)
#define g_task_return_error (*gio_loaded ()->g_task_return_error)
#define g_task_return_pointer (*gio_loaded ()->g_task_return_pointer)
