/* password.h - `postrider password': stores an account's password in the
 * keyring, or removes it.
 *
 * The password comes from the terminal, unseen, or is the first line of stdin
 * where that is no terminal; never from argv.
 */
#pragma once

/* set ACCOUNT, forget ACCOUNT. Returns a status of sysexits(3). */
int password_main (int argc, char **argv);
