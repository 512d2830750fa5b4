/* report.h - what the caller, the terminal and the log are told of an attempt.
 */
#pragma once

#include <stdbool.h>

#include "account/account.h"
#include "submit/attempt.h"

/* ERROR on stderr, one line, or as many as an accounts file has errors;
 * returns its status of sysexits(3). */
int report_error (const GError *error);

/* The status of sysexits(3) for an interactive caller: EX_OK where at least one
 * forward-path is with the relay or waits in the queue; else what the first
 * failure asks for. */
int report_exit_status (const Outcome *outcome);

/* One line: id, account, host, TLS, mechanism, sender, recipients, size, fate of
 * the entry, and each forward-path that was not taken with code and words. */
void report_log (const Entry *entry, const Account *account,
                 const Outcome *outcome);

/* What a person should know, a line each: every forward-path that was not taken, the
 * relay's words, and what happens next. "" where all is well. Caller owns it. */
char *report_text (const Entry *entry, const Account *account,
                   const Outcome *outcome);
/* The same, on stderr. */
void report_person (const Entry *entry, const Account *account,
                    const Outcome *outcome);

/* The log's line for a message that was held without an attempt; and with it, on
 * stderr, what a person should know. */
void report_log_held (const Entry *entry, const char *text);
void report_copy_held (const Entry *entry);
