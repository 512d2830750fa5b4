/* import-msmtp.h - makes accounts of those of msmtp. */
#pragma once

#include "cli/draft.h"

void import_msmtp (Draft *draft, const DraftText *msmtprc);
