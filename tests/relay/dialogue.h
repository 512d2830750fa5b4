/* dialogue.h - what a scripted relay says and expects, line by line.
 *
 * A line is a verb and its text. Empty lines and lines that begin with # do
 * not count. In TEXT \r \n \t \e \\ \0 and \xNN are octets, and %{NAME} is a
 * variable: of --set NAME=VALUE, of `set`, or one that a verb sets.
 *
 * Polite parts, from the server that behaves (serve.h):
 *   offer TEXT        a keyword line for EHLO inside TLS; the first one takes
 *                     the place of the usual ones; without TEXT: none at all
 *   begin             TLS where it comes first; the greeting is next
 *   clear             serve until TLS comes; the client's handshake is next
 *   secure            serve until TLS is up; the client's EHLO is next
 *   until GLOB        serve until a command that matches GLOB waits
 *   pass GLOB         serve one command, which has to match
 *   serve             serve until the client ends
 *   message           read the content up to its end-of-data and keep it
 *
 * Saying and expecting:
 *   > TEXT            send a line
 *   >- TEXT           send octets, no CRLF added: put several lines into one
 *                     segment by \r\n
 *   flood N TEXT      send TEXT N times, nothing added
 *   drip MS TEXT      send TEXT octet by octet, MS milliseconds between
 *   < GLOB            read a line; one that does not match GLOB fails the
 *                     dialogue. Sets "line".
 *   <= TEXT           the same for a line that is TEXT
 *   answer GLOB => TEXT  read every line that matches GLOB and answer each
 *   bye               the client may say QUIT (answered), must end, and may
 *                     say nothing else
 *   eof               the client must end and may say nothing
 *   quiet MS          the client must say nothing for so long
 *   drain             read whatever comes until the client ends
 *
 * SASL by hand:
 *   nonce             the last word of "line" is the base64 of SCRAM's
 *                     client-first-message: sets "nonce"
 *   challenge TEXT    send 334 and the base64 of TEXT
 *   cancel            the client may say "*" (answered); then as bye
 *
 * TLS and the connection:
 *   tls               server's handshake
 *   greeted           the greeting was said: serve does not say it again
 *   hello             wait for the client to begin its handshake
 *   shred             from now on each octet is a record of its own
 *   beneath TEXT      send octets to the socket, around TLS
 *   sip MS N          take one octet from the socket, N times, MS milliseconds
 *                     between; nothing can be read any more
 *   empty N           send N empty records
 *   tickets N         send N session tickets (TLS 1.3)
 *   key-update        ask for new keys (TLS 1.3)
 *   rehandshake       HelloRequest (TLS 1.2)
 *   alert             send a warning alert
 *   half-close        no more from us, with close_notify
 *   half-cut          without it
 *   close, cut, reset with close_notify, without it, by a reset
 *   delay MS
 *   stall             never answer again, but read, until the client ends
 *   stop-reading      never read or answer again, until the relay is killed
 *
 *   include FILE      beside this one
 *   set NAME TEXT     unless --set did
 *   repeat N … end
 *
 * A dialogue that came to its end is ok, whatever the client does then.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "relay/serve.h"

typedef struct Dialogue Dialogue;

/* The text names file and line. */
Dialogue *dialogue_read (const char *file, GError **error);
void dialogue_free (Dialogue *dialogue);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Dialogue, dialogue_free)

/* VARIABLES (char * to char *) is changed. The verdict is recorded. */
bool dialogue_run (const Dialogue *dialogue, Serve *serve,
                   GHashTable *variables);
