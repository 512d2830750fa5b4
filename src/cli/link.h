/* link.h - the name sendmail, under which other programs look for this one.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

#define LINK_SENDMAIL "/usr/sbin/sendmail"

/* It leads here. */
bool link_is_ours (void);

/* It leads nowhere, and this user can have it lead here. */
bool link_is_possible (void);

/* Who is there instead, where it does not lead here, and what to do about that; the
 * caller owns both. */
void link_describe (char **text, char **advice);

/* FAILURE_CANNOT_CREATE where there is another program, or this one is not for root
 * to run. */
bool link_make (GError **error);
