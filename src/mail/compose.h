/* compose.h - what a message must have before it leaves (RFC 6409 section 8,
 * RFC 5322 section 3.6), done once, when it is queued.
 *
 * Added where absent or empty: From, Date, Message-ID (Resent-From,
 * Resent-Date, and Resent-Message-ID where the message was resent), and Sender
 * where there are several authors. Removed: Bcc, Resent-Bcc, Return-Path,
 * Content-Length. An unqualified address in From, Sender, Reply-To, To or Cc,
 * or the Resent form of one of them, is completed. All else stays to the octet.
 * Nothing that is added tells the host name, the login or the address of this
 * machine.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "mail/address.h"
#include "mail/header.h"

typedef struct
{
  const Address *from;   /* the From to supply where there is none */
  const char *domain;    /* completes unqualified addresses; not NULL */
  int64_t time;          /* seconds since the epoch, for Date */
} ComposeParams;

/* FAILURE_DATA where the header section cannot be sent: two From, Date or
 * Message-ID fields. */
bool compose (Header *header, const ComposeParams *params, GError **error);

/* RFC 5322 section 3.3 date of SECONDS in the local time zone, English whatever
 * the locale. */
char *compose_date (int64_t seconds);

/* 26 random base32 characters, that is 128 bits. */
char *compose_unique (void);

/* "<" compose_unique "@" DOMAIN ">". */
char *compose_message_id (const char *domain);
