/* run.h - `postrider run': sends what waits in the queue. */
#pragma once

/* One pass over the queue, oldest first. Returns a status of sysexits(3):
 * EX_TEMPFAIL where something still waits afterwards. */
int run_main (int argc, char **argv);
