/* import-esmtp.h - reads an esmtprc of esmtp (1.2).
 *
 * It is a row of words: KEYWORD [=] VALUE, values in quotes of either kind or bare,
 * with the escapes of C; lines mean nothing. Each `identity' begins an account; what
 * stands above the first is one without an address.
 */
#pragma once

#include "cli/draft.h"

void import_esmtp (Draft *draft, const DraftText *esmtprc);
