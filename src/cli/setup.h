/* setup.h - `postrider setup': an account from nothing.
 *
 * Asks only what it cannot find out, and nothing where nobody is there: then
 * one line names the option that is missing. Nothing is written before the
 * last question is answered and the relay has taken the login.
 */
#pragma once

/* Returns a status of sysexits(3). */
int setup_main (int argc, char **argv);
