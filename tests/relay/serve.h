/* serve.h - a small submission server that behaves (RFC 5321, 6409, 3207,
 * 4954).
 *
 * The whole server, or the polite part of a hostile dialogue: it can be told
 * to stop before a command, and to go on after somebody else has answered it.
 * It is strict: what RFC 2920 or 3207 forbid a client is noted as "early: …".
 *
 * The local part of an address decides: "reject" 550 5.1.1, "defer" 450 4.2.1,
 * "late-reject" and "late-defer" the same at the end of the data; any other is
 * accepted. Each message is kept as the record says.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "relay/channel.h"
#include "relay/login.h"
#include "relay/record.h"

typedef struct
{
  bool starttls; /* else TLS comes first */
  ChannelTls tls;
  LoginUser user;
  bool open; /* nobody needs to log in */
  const char *mechanisms; /* offered, separated by spaces */
  const char *size;       /* offered limit of a message */
} ServeSettings;

typedef struct
{
  const ServeSettings *settings; /* all three borrowed */
  Channel *channel;
  Record *record;
  GPtrArray *offers; /* of char *: the keyword lines of EHLO inside TLS */
  bool greeted, authenticated, mail, smtputf8;
  unsigned recipients;
  const char *late; /* the reply to the end of the data; NULL: 250 */
  bool finished;    /* QUIT was answered */
} Serve;

void serve_init (Serve *serve, const ServeSettings *settings, Channel *channel,
                 Record *record);
void serve_clear (Serve *serve);

/* Offers LINE instead of the usual extensions, or in addition to what was
 * offered by this function before; "": offers nothing. */
void serve_offer (Serve *serve, const char *line);

/* Answers until a command that matches GLOB waits, which is left unread. False
 * where the client ended before. */
bool serve_until (Serve *serve, const char *glob);
/* The same until TLS is up: EHLO is next. */
bool serve_secure (Serve *serve);
/* TLS where it comes first: the greeting is next. */
bool serve_begin (Serve *serve);
/* Answers until TLS comes: the client's handshake is next. */
bool serve_clear_part (Serve *serve);
/* Answers one command, which waits. */
void serve_command (Serve *serve);
/* Answers until the client or QUIT ends it. */
void serve_run (Serve *serve);
/* Greets with 421: there are too many already (RFC 5321 section 3.8). */
void serve_refuse (Serve *serve);

/* Reads a message up to its end-of-data, without a reply. False: the client
 * ended before, which is noted. */
bool serve_read_message (Serve *serve);
