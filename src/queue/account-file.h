/* account-file.h - small files about an account: accounts/NAME and accounts/NAME
 * with a suffix, beside the queue's rooms.
 *
 * One line with a checksum, replaced as a whole. What is lost, damaged or not
 * this user's reads as nothing, so no message may depend on these files.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "queue/queue.h"

/* An account's name may hold anything and be of any length; a file's may not.
 * SUFFIX begins with a dot, or is empty. Caller owns the result. */
char *account_file_name (const char *account, const char *suffix);

/* A number that stands for TEXT. */
uint32_t account_file_hash (const char *text);

/* All that is in it, without a look at the checksum; NULL: nothing. Caller owns
 * the result. */
char *account_file_read (Queue *queue, const char *account,
                         const char *suffix);

/* The line without its end, and without the checksum; NULL where there is none,
 * or it is not sound. Caller owns the result. */
char *account_file_read_line (Queue *queue, const char *account,
                              const char *suffix);

/* FAILURE_IO. */
bool account_file_write_line (Queue *queue, const char *account,
                              const char *suffix, const char *line,
                              GError **error);

void account_file_remove (Queue *queue, const char *account,
                          const char *suffix);
