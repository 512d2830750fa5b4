/* srv.h - the relay that a mail domain names in DNS (RFC 2782, RFC 6186, RFC
 * 8314 section 5.1).
 *
 * For who sets up an account, once: the answer is not signed, so anybody on
 * the way may have written it. It is shown to a person where it leads out of
 * the domain, and no message ever depends on it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "smtp/relay.h"

typedef enum
{
  SRV_FOUND,
  SRV_ABSENT,   /* the domain says nothing */
  SRV_REFUSED,  /* it says that there is no such service */
  SRV_UNUSABLE, /* what it says names no relay that could be used */
  SRV_TROUBLE,  /* there was no answer, or none that can be read */
} SrvResult;

typedef struct
{
  char *host; /* A-labels; NULL: none */
  uint16_t port;
  TlsMode tls;
} SrvTarget;

void srv_target_clear (SrvTarget *target);

/* The relay that DOMAIN (A-labels) names: that for implicit TLS before that
 * for STARTTLS. It waits as long as the resolver does. */
SrvResult srv_look_up (const char *domain, SrvTarget *target);

/* The best of the SRV records in the LENGTH octets of a reply: of those with
 * the lowest priority one with the highest weight. Not one that names port 25,
 * which is no submission, or no host. Only HOST and PORT of TARGET are set. */
SrvResult srv_read (const unsigned char *reply, size_t length,
                    SrvTarget *target);

/* Whether HOST is DOMAIN or below it. */
bool srv_is_within (const char *host, const char *domain);
