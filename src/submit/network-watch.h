/* network-watch.h - tells when a way to some network comes up (rtnetlink(7)).
 *
 * The kernel's word, which every manager of networks ends in. Not
 * GNetworkMonitor: it wants the system bus where NetworkManager runs, and
 * gives up for good when it was not asked for a while and missed something.
 */
#pragma once

#include <stdbool.h>

/* A non-blocking descriptor, readable when there is news. -1: this kernel or
 * sandbox gives none. */
int network_watch_open (void);

/* Takes all news. Whether a route was added that can lead to a relay: no local
 * one, none of a link alone, and none that was there before. */
bool network_watch_read (int fd);
