/* duplex.h - the two pipes to a client that speaks SMTP with us.
 *
 * Replies are collected and written when there is nothing more to be read
 * (RFC 2920), and also while the client does not read them but goes on writing:
 * so neither waits for the other, however much it sends at once. There is no
 * deadline; a client may be silent for as long as it likes. One that reads no
 * replies any more is heard to its end all the same.
 *
 * The descriptors are borrowed, and stay as they are: their O_NONBLOCK belongs
 * to others as well.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct Duplex Duplex;

Duplex *duplex_new (int in, int out);
void duplex_free (Duplex *duplex);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Duplex, duplex_free)

typedef enum
{
  DUPLEX_LINE,
  DUPLEX_TOO_LONG, /* all of it was read, and thrown away */
  DUPLEX_END,      /* there is no more; what had no line end does not count */
} DuplexLine;

/* Reads a line into LINE, without its end. BARE: that was an LF alone. A line is
 * too long with more than MAXIMUM octets, its end included. */
DuplexLine duplex_line (Duplex *duplex, GString *line, size_t maximum,
                        bool *bare);

/* Octets that are there to be read, at least one, until duplex_take takes some
 * of them; NULL at the end. */
const char *duplex_octets (Duplex *duplex, size_t *length);
void duplex_take (Duplex *duplex, size_t length);

/* Why there is no more to read: an errno; 0 where the client ended it. */
int duplex_errnum (const Duplex *duplex);

/* Queues the line TEXT. */
void duplex_say (Duplex *duplex, const char *text);

/* Writes what can be written without waiting; or, at the end, all, unless nobody
 * reads it for a minute. */
void duplex_push (Duplex *duplex);
void duplex_flush (Duplex *duplex);
