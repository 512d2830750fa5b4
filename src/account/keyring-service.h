/* keyring-service.h - a SecretService that asks a person only where one may be
 * asked.
 *
 * libsecret shows a prompt whenever a service wants one, and waits for it. This
 * subclass refuses with SECRET_ERROR_IS_LOCKED instead, unless prompts were
 * allowed. A service that opens by itself (unlocked at login) still does.
 */
#pragma once

#include "account/libsecret.h"

/* For secret_service_open_sync. */
GType keyring_service_get_type (void);

/* SERVICE is of that type. *PROMPTING, which outlives it, is set to 1 (atomically)
 * when a prompt begins. */
void keyring_service_allow_prompts (SecretService *service, int *prompting);
