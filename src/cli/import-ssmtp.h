/* import-ssmtp.h - reads ssmtp.conf and revaliases of ssmtp (2.64).
 *
 * Both have a pair on each line, KEYWORD=VALUE and USER:ADDRESS:MAILHUB:PORT.
 * There is one relay for the machine, and another one for users whose alias says so.
 */
#pragma once

#include <stddef.h>

#include "cli/draft.h"

/* Fills DRAFT from CONF and REVALIASES (nullable). */
void import_ssmtp (Draft *draft, const DraftText *conf,
                   const DraftText *revaliases);
