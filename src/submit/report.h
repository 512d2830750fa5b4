/* report.h - what the caller, the terminal and the log are told of an attempt.
 */
#pragma once

#include <stdbool.h>

#include "account/account.h"
#include "submit/attempt.h"

/* The status of sysexits(3) for an interactive caller: EX_OK where the message
 * is ours or with the relay for at least one recipient; else what the failure
 * asks for. */
int report_exit_status (const Entry *entry, const Outcome *outcome);

/* One line: id, account, host, TLS, mechanism, size, recipients, code, … */
void report_log (const Entry *entry, const Account *account,
                 const Outcome *outcome);

/* What a person should know, on stderr: each recipient that was not taken, the
 * relay's words, and what happens next. Quiet where all is well. */
void report_terminal (const Entry *entry, const Account *account,
                      const Outcome *outcome);
