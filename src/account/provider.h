/* provider.h - the relays of well-known providers, for who sets up an account.
 *
 * The table is data/providers, which is a part of the program. It is asked
 * when an account is made, and never afterwards: what it says then stands in
 * the accounts file.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "smtp/relay.h"

/* What logs in there. */
typedef enum
{
  PROVIDER_PASSWORD,
  PROVIDER_APP_PASSWORD,     /* one that the provider makes for one program */
  PROVIDER_APP_PASSWORD_2FA, /* the same, where the login has a second factor
                              */
  PROVIDER_TOKEN,            /* of OAuth 2.0 */
  PROVIDER_BRIDGE,           /* what a program on this machine shows */
} ProviderSecret;

/* Who logs in there. */
typedef enum
{
  PROVIDER_ADDRESS,
  PROVIDER_LOCAL_PART, /* what stands before the @ of the address */
} ProviderUser;

typedef struct
{
  char *key;      /* its section: fit for the name of an account */
  char *name;     /* as people call it */
  char **domains; /* of addresses; ends with NULL, and may be empty */
  char *host;
  uint16_t port;
  TlsMode tls;
  ProviderUser user;
  ProviderSecret secret;
  bool
      switched; /* sending has to be allowed in the mailbox's settings first */
  char *page;   /* where the provider tells of its passwords; nullable */
} Provider;

typedef struct
{
  GPtrArray *all; /* of Provider; owned */
  char *checked;  /* the day of the table, "2026-11-21" */
} Providers;

void providers_free (Providers *providers);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Providers, providers_free)

/* The program's own. */
Providers *providers_open (void);

/* Those that the LENGTH octets of TEXT say. FAILURE_CONFIG, as of
 * accounts_load; errors call it FILE. */
Providers *providers_parse (const char *file, const char *text, size_t length,
                            GError **error);

/* The one that has the addresses of DOMAIN, or the relay HOST (A-labels, in
 * any case of letters). NULL: none. */
const Provider *providers_of_domain (const Providers *providers,
                                     const char *domain);
const Provider *providers_of_host (const Providers *providers,
                                   const char *host);

/* What a person has to know before the login: whole sentences, with their full
 * stops; NULL: nothing. The caller owns it. */
char *provider_advice (const Provider *provider);
