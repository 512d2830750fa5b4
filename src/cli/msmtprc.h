/* msmtprc.h - reads a configuration file of msmtp (1.8), for import-msmtp.c.
 *
 * Its lines are a command and an argument, as its manual's chapter on the
 * configuration file has them: `defaults' counts for the accounts below it, an
 * account copies from others that stand above it, and later lines go before
 * earlier ones. Commands of older versions are read as well.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "base/secret.h"
#include "cli/draft.h"

/* What an account is told, whatever the commands for it are called. */
typedef enum
{
  MSMTP_FROM,
  MSMTP_AUTO_FROM,
  MSMTP_MAILDOMAIN,
  MSMTP_FROM_OVERRIDE,
  MSMTP_FULL_NAME,
  MSMTP_HOST,
  MSMTP_PORT,
  MSMTP_TLS,
  MSMTP_STARTTLS,
  MSMTP_TRUST_FILE,
  MSMTP_CRL_FILE,
  MSMTP_FINGERPRINT,
  MSMTP_CERTCHECK,
  MSMTP_KEY_FILE,
  MSMTP_CERT_FILE,
  MSMTP_PRIORITIES,
  MSMTP_DH_BITS,
  MSMTP_HOST_OVERRIDE,
  MSMTP_AUTH,
  MSMTP_USER,
  MSMTP_PASSWORD,
  MSMTP_PASSWORDEVAL,
  MSMTP_NTLMDOMAIN,
  MSMTP_PROTOCOL,
  MSMTP_TIMEOUT,
  MSMTP_DOMAIN_NAME,
  MSMTP_PROXY_HOST,
  MSMTP_PROXY_PORT,
  MSMTP_SOURCE_IP,
  MSMTP_SOCKET,
  MSMTP_DSN_NOTIFY,
  MSMTP_DSN_RETURN,
  MSMTP_SET_FROM,
  MSMTP_SET_DATE,
  MSMTP_SET_MSGID,
  MSMTP_SET_TO,
  MSMTP_REMOVE_BCC,
  MSMTP_LOGFILE,
  MSMTP_LOGFILE_TIME,
  MSMTP_SYSLOG,
  MSMTP_ALIASES,
  MSMTP_NO_SLOT,
  MSMTP_N_SLOTS = MSMTP_NO_SLOT,
} MsmtpSlot;

typedef struct
{
  char *text;     /* NULL: not set, or set to nothing */
  Secret *secret; /* the same, of MSMTP_PASSWORD */
  int line;
  bool said; /* by the account itself, or one that it copies from */
} MsmtpValue;

typedef struct
{
  char *name;
  int line;
  MsmtpValue values[MSMTP_N_SLOTS];
} MsmtpAccount;

/* The accounts of MSMTPRC, as MsmtpAccount and in their order; a line that
 * makes no sense becomes a note. The caller owns them. */
GPtrArray *msmtprc_read (Draft *draft, const DraftText *msmtprc);
