/* run.h - `postrider run': sends what waits in the queue. */
#pragma once

/* Each message when it is due, oldest first, until told to end, or as an option
 * says. Returns a status of sysexits(3): EX_TEMPFAIL where something still waits
 * after --once. */
int run_main (int argc, char **argv);
