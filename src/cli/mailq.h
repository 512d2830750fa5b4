/* mailq.h - the personality `mailq', and `sendmail -bp': the queue in the
 * shape of Postfix, which other programs read. For people there is `postrider
 * queue'.
 */
#pragma once

int mailq_main (int argc, char **argv);

/* Prints it. EX_OK, or EX_UNAVAILABLE while a notification of ours is held:
 * its message failed, and its sender could not be told. */
int mailq_print (void);
