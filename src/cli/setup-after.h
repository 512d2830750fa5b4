/* setup-after.h - what comes after an account: that its mail is sent without
 * anybody's doing, and that other programs find the program.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

/* Whether the user's systemd has the service, and does not start it by itself.
 */
bool setup_service_is_offered (void);

/* FAILURE_OS. */
bool setup_enable_service (GError **error);

/* Sends one from ADDRESS to TO, through ACCOUNT of ACCOUNTS_FILE (nullable),
 * by a process of its own; what it has to say goes to stderr. *WAITS: it is in
 * the queue. Returns its status of sysexits(3). */
int setup_send_test (const char *accounts_file, const char *account,
                     const char *address, const char *to, bool *waits);

/* What other programs are told, on standard output. */
void setup_print_lines (const char *address);
