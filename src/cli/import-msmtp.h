/* import-msmtp.h - reads a configuration file of msmtp (1.8).
 *
 * Its lines are a command and an argument, as its manual's chapter on the
 * configuration file has them: `defaults' counts for the accounts below it, an
 * account copies from others that stand above it, and later lines go before earlier
 * ones. Commands of older versions are read as well.
 */
#pragma once

#include "cli/draft.h"

void import_msmtp (Draft *draft, const DraftText *msmtprc);
