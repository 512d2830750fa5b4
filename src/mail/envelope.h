/* envelope.h - whom a message is from and whom it is for (RFC 5321 section
 * 2.3.1), with the sender's wishes about notifications (RFC 3461).
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "mail/header.h"

typedef struct
{
  char *reverse_path;       /* without brackets; "" is the null reverse-path */
  GPtrArray *forward_paths; /* of char *, without brackets, each once; owned */
  char *notify; /* "" or "NEVER" or of SUCCESS,FAILURE,DELAY */
  char *ret;    /* "", "FULL" or "HDRS" */
  char *envid;  /* "" or 1 to 100 printable ASCII octets, not xtext */
  GHashTable *known; /* private: forward_paths, domains in lower case */
} Envelope;

Envelope *envelope_new (void); /* all empty */
/* Sender and wishes of ENVELOPE, and no forward-paths. */
Envelope *envelope_new_like (const Envelope *envelope);
void envelope_free (Envelope *envelope);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Envelope, envelope_free)

/* Adds PATH unless an equal one is there already. */
void envelope_add (Envelope *envelope, const char *path);

/* Adds the recipients of argument ARGUMENT of argv (an address list), or of the
 * header's To, Cc and Bcc fields; where it has Resent-To, Resent-Cc or
 * Resent-Bcc, of those instead (RFC 5322 section 3.6.6). An unqualified one is
 * completed with DOMAIN (NULL: it stays as it is). A text for each bad address
 * goes to PROBLEMS. True when there was no bad one. */
bool envelope_add_list (Envelope *envelope, const char *argument,
                        const char *domain, GPtrArray *problems);
bool envelope_add_header (Envelope *envelope, const Header *header,
                          const char *domain, GPtrArray *problems);

/* Sets notify from the argument of -N ("never", "failure,delay"), ret from that
 * of -R ("full", "hdrs"), envid from that of -V. FAILURE_USAGE. */
bool envelope_set_notify (Envelope *envelope, const char *text,
                          GError **error);
bool envelope_set_ret (Envelope *envelope, const char *text, GError **error);
bool envelope_set_envid (Envelope *envelope, const char *text,
                         GError **error);
