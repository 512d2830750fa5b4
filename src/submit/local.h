/* local.h - what this machine is called. */
#pragma once

/* Its full names, that of the kernel and that of /etc/mailname, as far as they
 * have a dot (alias.h); ended by NULL. The caller owns them (g_strfreev). */
char **local_hosts (void);
