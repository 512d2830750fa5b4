/* queue.h - `postrider queue': what waits and what is held, for a person to
 * see and to decide about.
 */
#pragma once

/* list, show, retry, hold, release, remove. Returns a status of sysexits(3).
 */
int queue_main (int argc, char **argv);
