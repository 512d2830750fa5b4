#include "submit/discover.h"

#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

#include <glib/gi18n.h>

#include "account/keyring.h"
#include "base/failure.h"
#include "submit/apart.h"
#include "submit/confine.h"

#define PORT_DNS 53

#define PATIENCE 10 /* seconds, for DNS */
#define KEYRING_PATIENCE                                                      \
  (60 * 1000) /* milliseconds: somebody may have to type */

/* Runs WORK for DOMAIN; what it told, and *STATUS, what it came to. NULL: it
   did not end as it should. */
static char *
ask (ApartWork *work, const char *domain, int *status)
{
  ApartResult result;

  if (!apart_run (work, (void *) domain, NULL, false, &result, NULL))
    return NULL;
  *status = result.exit_status;
  if (result.signal == 0 && result.text != NULL)
    return result.text;
  g_free (result.text);
  return result.signal == 0 ? g_strdup ("") : NULL;
}

/* A reply is a stranger's: who reads it can open no file but those of the resolver,
   and nothing but it. */
static bool
confine (void)
{
  static const General nothing;
  const Account account = { .relay.port = PORT_DNS };

  (void) alarm (PATIENCE);
  return confine_attempt (NULL, &nothing, &account, false, NULL);
}

/* Its result is a SrvResult, and a target is told: port, TLS mode, host. */
static int
look_up_relay (const Apart *apart, void *data)
{
  SrvTarget target;
  SrvResult result;
  g_autofree char *text = NULL;

  result = confine () ? srv_look_up (data, &target) : SRV_TROUBLE;
  if (result != SRV_FOUND)
    return (int) result;
  text = g_strdup_printf ("%u %u %s", target.port, (unsigned) target.tls,
                          target.host);
  apart_tell (apart, text);
  srv_target_clear (&target);
  return SRV_FOUND;
}

SrvResult
discover_relay (const char *domain, SrvTarget *target)
{
  int status = SRV_TROUBLE;
  g_autofree char *told = ask (look_up_relay, domain, &status);
  char host[256];
  unsigned port, tls;

  target->host = NULL;
  if (told == NULL || status < SRV_FOUND || status > SRV_TROUBLE)
    return SRV_TROUBLE;
  if (status != SRV_FOUND)
    return (SrvResult) status;
  /* NOLINTNEXTLINE(cert-err34-c): five digits are not too large */
  if (sscanf (told, "%5u %1u %255s", &port, &tls, host) != 3
      || port > G_MAXUINT16 || tls > TLS_STARTTLS)
    return SRV_TROUBLE;
  *target = (SrvTarget){ g_strdup (host), (uint16_t) port, (TlsMode) tls };
  return SRV_FOUND;
}

static int
look_up_usual (const Apart *apart, void *data)
{
  static const char *const names[] = { "smtp", "mail", "submission" };
  const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };

  for (size_t i = 0; confine () && i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *host = g_strconcat (names[i], ".", data, NULL);
      struct addrinfo *found = NULL;

      if (getaddrinfo (host, NULL, &hints, &found) != 0)
        continue;
      freeaddrinfo (found);
      apart_tell (apart, host);
      break;
    }
  return EX_OK;
}

char *
discover_usual_host (const char *domain)
{
  int status = EX_OK;
  char *host = ask (look_up_usual, domain, &status);

  if (host != NULL && host[0] == '\0')
    g_clear_pointer (&host, g_free);
  return host;
}

static int
look_up_password (const Apart *apart, void *data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Secret) secret =
      keyring_lookup (data, true, deadline_in (KEYRING_PATIENCE), &error);

  if (secret != NULL)
    return EX_OK;
  apart_tell (apart, error->message);
  return failure_exit_status (error);
}

bool
discover_password (const Account *account, GError **error)
{
  ApartResult result;
  g_autofree char *text = NULL;

  if (!apart_run (look_up_password, (void *) account, NULL, false, &result,
                  error))
    return false;
  text = result.text;
  if (result.signal == 0 && result.exit_status == EX_OK)
    return true;
  if (result.signal != 0 || result.exit_status != EX_NOPERM)
    g_set_error_literal (error, FAILURE, FAILURE_TEMPORARY,
                         text != NULL ? text
                                      : _ ("the keyring cannot be asked"));
  return false;
}
