/* import.h - `postrider import': the accounts of other programs become accounts of
 * ours, and their passwords go into the keyring.
 */
#pragma once

/* Returns a status of sysexits(3). */
int import_main (int argc, char **argv);
