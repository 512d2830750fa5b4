/* login.h - by what an account was logged in before, so that somebody who takes
 * the strong mechanisms out of a relay's offer gets no weaker login instead.
 *
 * One small file for each account, accounts/NAME.login beside the queue's rooms
 * (account-file.h). It holds for one host, port, user and client certificate:
 * where these change, nothing is known. Where it is lost, the next login is
 * believed as the first one was.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "queue/queue.h"
#include "smtp/relay.h"

/* The name of the strongest mechanism that logged ACCOUNT (its name) in at RELAY;
 * NULL: none is known, or RELAY says which mechanisms may be used. Caller owns
 * the result. */
char *login_remembered (Queue *queue, const char *account,
                        const Relay *relay);

/* MECHANISM has logged ACCOUNT in. Where RELAY says which mechanisms may be used,
 * what was known is forgotten. FAILURE_IO. */
bool login_remember (Queue *queue, const char *account, const Relay *relay,
                     const char *mechanism, GError **error);
