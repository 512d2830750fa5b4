/* netrc.h - passwords of ~/.netrc, as ftp(1) describes it and msmtp reads it.
 */
#pragma once

#include "base/secret.h"

/* The password of USER at HOST, and the line where it stands; NULL: there is
 * none. The caller owns it. */
Secret *netrc_find (const Secret *netrc, const char *host, const char *user,
                    int *line);
