/* relay.h - how a relay is reached and logged in to: all that smtp/ is told.
 *
 * A plain description, made by account/ from its settings. Strings are owned by
 * the Relay; NULL means "not set" where a field says so.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef enum
{
  TLS_IMPLICIT, /* from the first octet (RFC 8314 section 3.3) */
  TLS_STARTTLS, /* RFC 3207, required */
} TlsMode;

/* Where a relay with that listens, unless it is said otherwise: 465 or 587. */
uint16_t relay_usual_port (TlsMode tls);

/* Milliseconds (RFC 5321 section 4.5.3.2). */
typedef struct
{
  unsigned connect;     /* DNS, TCP and, by itself again, the TLS handshake */
  unsigned command;     /* greeting and the reply to each command */
  unsigned data;        /* DATA until 354 */
  unsigned block;       /* each write of the content */
  unsigned end_of_data; /* the final dot until its reply */
  unsigned quit;
} RelayTimeouts;

/* Where something listens. */
typedef struct
{
  char *host; /* name or address literal without brackets; NULL: not set */
  uint16_t port;
} Endpoint;

typedef struct
{
  char *host;        /* name or address literal without brackets */
  uint16_t port;
  TlsMode tls;
  char *ehlo_name;   /* NULL: the address literal of loopback */
  char *user;        /* NULL: no password mechanism is possible */
  char *auth;        /* a mechanism's name, "any" or NULL: the strongest */
  bool token;        /* the secret is a token, for OAUTHBEARER and XOAUTH2 */
  char *remembered;  /* by what it logged us in before; see sasl.h; nullable */
  char *trust_file;  /* PEM; replaces the system's trust anchors; nullable.
                        RELAY_TRUST_NONE: the pins alone count */
  char **pins;       /* SHA-256 of a SubjectPublicKeyInfo in base64: the relay's
                        key must be one of these; NULL: any */
  char *crl_file;    /* PEM; nullable */
  char *certificate; /* client certificate and key, PEM files; nullable */
  char *key;
  Endpoint proxy;       /* SOCKS5; at most one of these three ways is set */
  char *socket;         /* path of a Unix-domain socket; nullable */
  char **tunnel;        /* a command, as given; nullable */
  char *source_address; /* IP address of this host; nullable */
  RelayTimeouts timeouts;
} Relay;

#define RELAY_TRUST_NONE "none"

/* The defaults of RFC 5321, everything else zero. */
void relay_init (Relay *relay);
void relay_clear (Relay *relay);

bool relay_trusts_pins_alone (const Relay *relay);

/* "HOST:PORT", "[2001:db8::1]:465": where errors say they come from. Caller
 * owns the result. */
char *relay_endpoint (const Relay *relay);
char *endpoint_text (const char *host, uint16_t port);

/* What is said where HTTP was heard, and what to do: of the user's language. */
const char *relay_web_server (void);

/* The host as DNS and certificates know it: A-labels (RFC 5890), no trailing
 * dot; an address literal as it is. Caller owns the result. FAILURE_CONFIG where
 * the host is no name. */
char *relay_dns_name (const Relay *relay, GError **error);

/* `tunnel', with the relay's DNS name for %h, its port for %p and % for %%.
 * Caller owns the result. */
char **relay_tunnel (const Relay *relay, GError **error);

/* Whether every % of ARGUMENT is one of these. */
bool relay_tunnel_valid (const char *argument);
