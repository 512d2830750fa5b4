/* accounts.h - `postrider accounts': what counts for each account, and where that
 * stands; and which account a sender would take.
 */
#pragma once

/* Returns a status of sysexits(3). */
int accounts_main (int argc, char **argv);
