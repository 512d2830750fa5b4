/* import-msmtp.h - reads a configuration file of msmtp (1.8).
 *
 * Its lines are a command and an argument, as its manual's chapter on the
 * configuration file has them: `defaults' counts for the accounts below it, an
 * account copies from others that stand above it, and later lines go before earlier
 * ones. Commands of older versions are read as well.
 */
#pragma once

#include <stddef.h>

#include "cli/draft.h"

/* Fills DRAFT from the LENGTH octets of TEXT. */
void import_msmtp (Draft *draft, const char *text, size_t length);
