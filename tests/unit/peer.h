/* peer.h - a scripted relay in a thread, over a socket pair.
 *
 * A script is lines:
 *   "> line"   the client must send this line now
 *   ">* text"  the client must send a line that begins so
 *   "?"        the client must not have sent more than that (as far as one sees)
 *   "< line"   the relay sends this line
 *   "<< text"  the relay sends this text with its C escapes, and no line end
 *   "="        the client must send the peer's content and the final dot
 *   "~"        the relay reads some content, and does not mind what follows but
 *              that it never ends in a final dot
 *   "|"        the relay reads nothing until the client closes; as above
 *   "!"        the relay closes
 * After the script nothing but the end of the connection may come. A relay that
 * waits for what does not come gives up after PEER_PATIENCE.
 */
#pragma once

#include <glib.h>

#define PEER_PATIENCE 10000 /* ms */

typedef struct Peer Peer;

/* FD is the client's end. CONTENT (nullable, with doubled dots and the final
 * one) is borrowed. */
Peer *peer_start (const char *script, const char *content, int *fd);

/* Waits for the end of the script, after the client has closed. NULL, or what
 * went wrong. */
char *peer_finish (Peer *peer);
