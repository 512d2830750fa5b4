/* log.h - `postrider log': what was sent when, and what the relay said.
 */
#pragma once

/* [ID|ADDRESS]... Returns a status of sysexits(3). */
int log_main (int argc, char **argv);
