/* secret.h - the one place where a password or token lives.
 *
 * Pages that have nothing else: locked in memory where the limit allows it, left out
 * of core dumps, zeroed on fork and wiped before they are returned. Small secrets
 * share one. A Secret has no
 * printf conversion and is never copied into a GString, argument, environment,
 * log, trace or file. secret_octets () is for the few callers that must feed it
 * to a mechanism; what they derive lives in a Secret as well.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

#define SECRET_MAXIMUM 65536 /* octets */

typedef struct Secret Secret;

/* A copy of LENGTH octets (at most SECRET_MAXIMUM); the caller wipes its own. */
Secret *secret_new (const void *octets, size_t length);

/* CAPACITY writable octets, all zero; length is 0 until secret_set_length. For
 * those who read or compute a secret in place. */
Secret *secret_new_empty (size_t capacity);
void *secret_buffer (Secret *secret);
void secret_set_length (Secret *secret, size_t length);

/* Wipes. NULL is allowed. */
void secret_free (Secret *secret);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Secret, secret_free)

/* The octets, followed by a NUL that does not count. */
const char *secret_octets (const Secret *secret);
size_t secret_length (const Secret *secret);

bool secret_equal (const Secret *a, const Secret *b);

/* Wipes what the functions that were called last have left below us on the stack:
 * libraries do not wipe what they derive from a secret there. */
void secret_scrub_stack (void);

/* No core file of this process, no ptrace by others of the same user. Called
 * once, before the first secret is made. */
void secret_harden_process (void);
