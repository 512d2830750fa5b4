/* gnutls.h - GnuTLS, loaded when it is used (library.h).
 */
#pragma once

#include <gnutls/abstract.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <gnutls/ocsp.h>
#include <gnutls/pkcs11.h>
#include <gnutls/x509.h>

#include "base/library.h"

#define GNUTLS_FUNCTIONS(F)                                                   \
  F (gnutls_alert_get)                                                        \
  F (gnutls_alert_get_name)                                                   \
  F (gnutls_alert_send_appropriate)                                           \
  F (gnutls_bye)                                                              \
  F (gnutls_certificate_allocate_credentials)                                 \
  F (gnutls_certificate_free_credentials)                                     \
  F (gnutls_certificate_get_peers)                                            \
  F (gnutls_certificate_set_key)                                              \
  F (gnutls_certificate_set_x509_crl)                                         \
  F (gnutls_certificate_set_x509_system_trust)                                \
  F (gnutls_certificate_set_x509_trust_mem)                                   \
  F (gnutls_certificate_verify_peers)                                         \
  F (gnutls_check_version)                                                    \
  F (gnutls_ciphersuite_get)                                                  \
  F (gnutls_credentials_set)                                                  \
  F (gnutls_deinit)                                                           \
  F (gnutls_free)                                                             \
  F (gnutls_global_init)                                                      \
  F (gnutls_global_set_log_level)                                             \
  F (gnutls_handshake)                                                        \
  F (gnutls_handshake_set_hook_function)                                      \
  F (gnutls_handshake_set_max_packet_length)                                  \
  F (gnutls_hash_fast)                                                        \
  F (gnutls_hmac_get_len)                                                     \
  F (gnutls_init)                                                             \
  F (gnutls_ocsp_resp_check_crt)                                              \
  F (gnutls_ocsp_resp_deinit)                                                 \
  F (gnutls_ocsp_resp_get_single)                                             \
  F (gnutls_ocsp_resp_import)                                                 \
  F (gnutls_ocsp_resp_init)                                                   \
  F (gnutls_ocsp_status_request_get)                                          \
  F (gnutls_pbkdf2)                                                           \
  F (gnutls_pcert_import_x509_list)                                           \
  F (gnutls_pk_bits_to_sec_param)                                             \
  F (gnutls_pkcs11_token_get_flags)                                           \
  F (gnutls_privkey_deinit)                                                   \
  F (gnutls_privkey_get_pk_algorithm)                                         \
  F (gnutls_privkey_import_ext4)                                              \
  F (gnutls_privkey_import_url)                                               \
  F (gnutls_privkey_import_x509_raw)                                          \
  F (gnutls_privkey_init)                                                     \
  F (gnutls_privkey_set_pin_function)                                         \
  F (gnutls_privkey_sign_data2)                                               \
  F (gnutls_privkey_sign_hash2)                                               \
  F (gnutls_protocol_get_name)                                                \
  F (gnutls_protocol_get_version)                                             \
  F (gnutls_pubkey_deinit)                                                    \
  F (gnutls_pubkey_export2)                                                   \
  F (gnutls_pubkey_get_pk_algorithm)                                          \
  F (gnutls_pubkey_import_x509)                                               \
  F (gnutls_pubkey_init)                                                      \
  F (gnutls_record_get_direction)                                             \
  F (gnutls_record_recv)                                                      \
  F (gnutls_record_send)                                                      \
  F (gnutls_server_name_set)                                                  \
  F (gnutls_session_channel_binding)                                          \
  F (gnutls_session_get_ptr)                                                  \
  F (gnutls_session_set_ptr)                                                  \
  F (gnutls_session_set_verify_function)                                      \
  F (gnutls_set_default_priority_append)                                      \
  F (gnutls_sign_supports_pk_algorithm)                                       \
  F (gnutls_strerror)                                                         \
  F (gnutls_transport_set_errno)                                              \
  F (gnutls_transport_set_ptr)                                                \
  F (gnutls_transport_set_pull_function)                                      \
  F (gnutls_transport_set_push_function)                                      \
  F (gnutls_x509_crl_deinit)                                                  \
  F (gnutls_x509_crl_get_next_update)                                         \
  F (gnutls_x509_crl_get_this_update)                                         \
  F (gnutls_x509_crl_list_import2)                                            \
  F (gnutls_x509_crt_check_issuer)                                            \
  F (gnutls_x509_crt_deinit)                                                  \
  F (gnutls_x509_crt_get_activation_time)                                     \
  F (gnutls_x509_crt_get_expiration_time)                                     \
  F (gnutls_x509_crt_get_fingerprint)                                         \
  F (gnutls_x509_crt_get_issuer_dn3)                                          \
  F (gnutls_x509_crt_get_subject_alt_name)                                    \
  F (gnutls_x509_crt_import)                                                  \
  F (gnutls_x509_crt_init)                                                    \
  F (gnutls_x509_crt_list_import2)                                            \
  F (gnutls_x509_crt_list_import_url)

LIBRARY_DECLARE (gnutls, GNUTLS_FUNCTIONS)

#define gnutls_alert_get (*gnutls_loaded ()->gnutls_alert_get)
#define gnutls_alert_get_name (*gnutls_loaded ()->gnutls_alert_get_name)
#define gnutls_alert_send_appropriate                                         \
  (*gnutls_loaded ()->gnutls_alert_send_appropriate)
#define gnutls_bye (*gnutls_loaded ()->gnutls_bye)
#define gnutls_certificate_allocate_credentials                               \
  (*gnutls_loaded ()->gnutls_certificate_allocate_credentials)
#define gnutls_certificate_free_credentials                                   \
  (*gnutls_loaded ()->gnutls_certificate_free_credentials)
#define gnutls_certificate_get_peers                                          \
  (*gnutls_loaded ()->gnutls_certificate_get_peers)
#define gnutls_certificate_set_key                                            \
  (*gnutls_loaded ()->gnutls_certificate_set_key)
#define gnutls_certificate_set_x509_crl                                       \
  (*gnutls_loaded ()->gnutls_certificate_set_x509_crl)
#define gnutls_certificate_set_x509_system_trust                              \
  (*gnutls_loaded ()->gnutls_certificate_set_x509_system_trust)
#define gnutls_certificate_set_x509_trust_mem                                 \
  (*gnutls_loaded ()->gnutls_certificate_set_x509_trust_mem)
#define gnutls_certificate_verify_peers                                       \
  (*gnutls_loaded ()->gnutls_certificate_verify_peers)
#define gnutls_check_version (*gnutls_loaded ()->gnutls_check_version)
#define gnutls_ciphersuite_get (*gnutls_loaded ()->gnutls_ciphersuite_get)
#define gnutls_credentials_set (*gnutls_loaded ()->gnutls_credentials_set)
#define gnutls_deinit (*gnutls_loaded ()->gnutls_deinit)
#define gnutls_free (*gnutls_loaded ()->gnutls_free)
#define gnutls_global_init (*gnutls_loaded ()->gnutls_global_init)
#define gnutls_global_set_log_level                                           \
  (*gnutls_loaded ()->gnutls_global_set_log_level)
#define gnutls_handshake (*gnutls_loaded ()->gnutls_handshake)
#define gnutls_handshake_set_hook_function                                    \
  (*gnutls_loaded ()->gnutls_handshake_set_hook_function)
#define gnutls_handshake_set_max_packet_length                                \
  (*gnutls_loaded ()->gnutls_handshake_set_max_packet_length)
#define gnutls_hash_fast (*gnutls_loaded ()->gnutls_hash_fast)
#define gnutls_hmac_get_len (*gnutls_loaded ()->gnutls_hmac_get_len)
#define gnutls_init (*gnutls_loaded ()->gnutls_init)
#define gnutls_ocsp_resp_check_crt                                            \
  (*gnutls_loaded ()->gnutls_ocsp_resp_check_crt)
#define gnutls_ocsp_resp_deinit (*gnutls_loaded ()->gnutls_ocsp_resp_deinit)
#define gnutls_ocsp_resp_get_single                                           \
  (*gnutls_loaded ()->gnutls_ocsp_resp_get_single)
#define gnutls_ocsp_resp_import (*gnutls_loaded ()->gnutls_ocsp_resp_import)
#define gnutls_ocsp_resp_init (*gnutls_loaded ()->gnutls_ocsp_resp_init)
#define gnutls_ocsp_status_request_get                                        \
  (*gnutls_loaded ()->gnutls_ocsp_status_request_get)
#define gnutls_pbkdf2 (*gnutls_loaded ()->gnutls_pbkdf2)
#define gnutls_pcert_import_x509_list                                         \
  (*gnutls_loaded ()->gnutls_pcert_import_x509_list)
#define gnutls_pk_bits_to_sec_param                                           \
  (*gnutls_loaded ()->gnutls_pk_bits_to_sec_param)
#define gnutls_pkcs11_token_get_flags                                         \
  (*gnutls_loaded ()->gnutls_pkcs11_token_get_flags)
#define gnutls_privkey_deinit (*gnutls_loaded ()->gnutls_privkey_deinit)
#define gnutls_privkey_get_pk_algorithm                                       \
  (*gnutls_loaded ()->gnutls_privkey_get_pk_algorithm)
#define gnutls_privkey_import_ext4                                            \
  (*gnutls_loaded ()->gnutls_privkey_import_ext4)
#define gnutls_privkey_import_url                                             \
  (*gnutls_loaded ()->gnutls_privkey_import_url)
#define gnutls_privkey_import_x509_raw                                        \
  (*gnutls_loaded ()->gnutls_privkey_import_x509_raw)
#define gnutls_privkey_init (*gnutls_loaded ()->gnutls_privkey_init)
#define gnutls_privkey_set_pin_function                                       \
  (*gnutls_loaded ()->gnutls_privkey_set_pin_function)
#define gnutls_privkey_sign_data2                                             \
  (*gnutls_loaded ()->gnutls_privkey_sign_data2)
#define gnutls_privkey_sign_hash2                                             \
  (*gnutls_loaded ()->gnutls_privkey_sign_hash2)
#define gnutls_protocol_get_name (*gnutls_loaded ()->gnutls_protocol_get_name)
#define gnutls_protocol_get_version                                           \
  (*gnutls_loaded ()->gnutls_protocol_get_version)
#define gnutls_pubkey_deinit (*gnutls_loaded ()->gnutls_pubkey_deinit)
#define gnutls_pubkey_export2 (*gnutls_loaded ()->gnutls_pubkey_export2)
#define gnutls_pubkey_get_pk_algorithm                                        \
  (*gnutls_loaded ()->gnutls_pubkey_get_pk_algorithm)
#define gnutls_pubkey_import_x509                                             \
  (*gnutls_loaded ()->gnutls_pubkey_import_x509)
#define gnutls_pubkey_init (*gnutls_loaded ()->gnutls_pubkey_init)
#define gnutls_record_get_direction                                           \
  (*gnutls_loaded ()->gnutls_record_get_direction)
#define gnutls_record_recv (*gnutls_loaded ()->gnutls_record_recv)
#define gnutls_record_send (*gnutls_loaded ()->gnutls_record_send)
#define gnutls_server_name_set (*gnutls_loaded ()->gnutls_server_name_set)
#define gnutls_session_channel_binding                                        \
  (*gnutls_loaded ()->gnutls_session_channel_binding)
#define gnutls_session_get_ptr (*gnutls_loaded ()->gnutls_session_get_ptr)
#define gnutls_session_set_ptr (*gnutls_loaded ()->gnutls_session_set_ptr)
#define gnutls_session_set_verify_function                                    \
  (*gnutls_loaded ()->gnutls_session_set_verify_function)
#define gnutls_set_default_priority_append                                    \
  (*gnutls_loaded ()->gnutls_set_default_priority_append)
#define gnutls_sign_supports_pk_algorithm                                     \
  (*gnutls_loaded ()->gnutls_sign_supports_pk_algorithm)
#define gnutls_strerror (*gnutls_loaded ()->gnutls_strerror)
#define gnutls_transport_set_errno                                            \
  (*gnutls_loaded ()->gnutls_transport_set_errno)
#define gnutls_transport_set_ptr (*gnutls_loaded ()->gnutls_transport_set_ptr)
#define gnutls_transport_set_pull_function                                    \
  (*gnutls_loaded ()->gnutls_transport_set_pull_function)
#define gnutls_transport_set_push_function                                    \
  (*gnutls_loaded ()->gnutls_transport_set_push_function)
#define gnutls_x509_crl_deinit (*gnutls_loaded ()->gnutls_x509_crl_deinit)
#define gnutls_x509_crl_get_next_update                                       \
  (*gnutls_loaded ()->gnutls_x509_crl_get_next_update)
#define gnutls_x509_crl_get_this_update                                       \
  (*gnutls_loaded ()->gnutls_x509_crl_get_this_update)
#define gnutls_x509_crl_list_import2                                          \
  (*gnutls_loaded ()->gnutls_x509_crl_list_import2)
#define gnutls_x509_crt_check_issuer                                          \
  (*gnutls_loaded ()->gnutls_x509_crt_check_issuer)
#define gnutls_x509_crt_deinit (*gnutls_loaded ()->gnutls_x509_crt_deinit)
#define gnutls_x509_crt_get_activation_time                                   \
  (*gnutls_loaded ()->gnutls_x509_crt_get_activation_time)
#define gnutls_x509_crt_get_expiration_time                                   \
  (*gnutls_loaded ()->gnutls_x509_crt_get_expiration_time)
#define gnutls_x509_crt_get_fingerprint                                       \
  (*gnutls_loaded ()->gnutls_x509_crt_get_fingerprint)
#define gnutls_x509_crt_get_issuer_dn3                                        \
  (*gnutls_loaded ()->gnutls_x509_crt_get_issuer_dn3)
#define gnutls_x509_crt_get_subject_alt_name                                  \
  (*gnutls_loaded ()->gnutls_x509_crt_get_subject_alt_name)
#define gnutls_x509_crt_import (*gnutls_loaded ()->gnutls_x509_crt_import)
#define gnutls_x509_crt_init (*gnutls_loaded ()->gnutls_x509_crt_init)
#define gnutls_x509_crt_list_import2                                          \
  (*gnutls_loaded ()->gnutls_x509_crt_list_import2)
#define gnutls_x509_crt_list_import_url                                       \
  (*gnutls_loaded ()->gnutls_x509_crt_list_import_url)
