/* sendmail.h - the personality `sendmail': a message on stdin, its recipients on
 * argv or in its header.
 *
 * The exit status is a contract. 0: the message is ours, durable in the queue or
 * with the relay. Not 0: it is still the caller's, nothing was sent, and nothing
 * will be sent later without a person.
 */
#pragma once

/* Returns a status of sysexits(3). */
int sendmail_main (int argc, char **argv);

/* The personality `newaliases': the same options, with -bi to begin with. */
int newaliases_main (int argc, char **argv);
