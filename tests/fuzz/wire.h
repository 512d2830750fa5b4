/* wire.h - the relay's side of a connection, without a relay: what it says
 * comes from the fuzzer, what the client says is kept. Nothing waits, no
 * thread runs.
 *
 * Who links this needs wire_ldflags of Makefile.am: recv, send and poll of the
 * program end here. smtp/way and smtp/tls are replaced as well, and by a
 * TLS that is none: it takes any relay for the right one, and lets all octets
 * through as they are. That is why only a fuzzer can link it.
 *
 * What the relay says is cut at each form feed: there it waits for the client
 * to say something. After the last piece it hangs up; an empty piece stands
 * for a silence that lasts until the client gives up. In a piece {TEXT} is
 * TEXT in base64, and within it % is the client's nonce and ^ the proof that
 * SCRAM wants of a relay that knows the password (of which it has salted very
 * little). An octet 1 is a NUL.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

#define WIRE_USER "user"
#define WIRE_PASSWORD "pencil-and-paper"

typedef struct
{
  bool slow;    /* takes few octets at a time */
  bool binding; /* TLS has a channel binding */
} WireManners;

void wire_begin (const char *text, size_t length, WireManners manners);
void wire_end (void);

/* What the client said, before TLS and within. Valid until wire_end. */
const GString *wire_heard_clear (void);
const GString *wire_heard (void);

/* A socket that stands for the connection. */
int wire_socket (void);
