/* verify.h - where mail would go, without sending any (sendmail -bv). */
#pragma once

#include "cli/sendmail-options.h"

/* A line for each recipient of OPTIONS. The status of sysexits(3): the worst of
 * them. */
int verify_recipients (const SendmailOptions *options);
