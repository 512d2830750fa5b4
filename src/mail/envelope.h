/* envelope.h - whom a message is from and whom it is for (RFC 5321 section
 * 2.3.1), with the sender's wishes about notifications (RFC 3461).
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "mail/header.h"

/* What was asked for one forward-path. */
typedef struct
{
  char *notify; /* as in Envelope; "": what that one says */
  char *orcpt;  /* "" or type;xtext, as it came and no longer than ORCPT_MAXIMUM:
                   printable, without blanks */
} Wish;

#define ORCPT_MAXIMUM 500 /* octets, RFC 3461 section 4.2 */

typedef struct
{
  char *reverse_path;       /* without brackets; "" is the null reverse-path */
  GPtrArray *forward_paths; /* of char *, without brackets, each once; owned */
  GPtrArray *wishes;        /* of Wish *, one for each; NULL: it has none */
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

/* Adds PATH unless an equal one is there already; with a copy of WISH (NULL: it
 * has none). */
void envelope_add (Envelope *envelope, const char *path);
void envelope_add_wish (Envelope *envelope, const char *path,
                        const Wish *wish);
/* The forward-path that was added last has WISH, a copy of it. */
void envelope_wish_last (Envelope *envelope, const Wish *wish);

/* Of the forward-path at INDEX: its own wish, or NULL; and the notify that
 * counts for it. */
const Wish *envelope_wish (const Envelope *envelope, size_t index);
const char *envelope_notify (const Envelope *envelope, size_t index);

/* Adds the recipients of argument ARGUMENT of argv (an address list), or of the
 * header's To, Cc and Bcc fields; where it has Resent-To, Resent-Cc or
 * Resent-Bcc, of those instead (RFC 5322 section 3.6.6). A text for each bad
 * address goes to PROBLEMS. True when there was no bad one. */
bool envelope_add_list (Envelope *envelope, const char *argument,
                        GPtrArray *problems);
bool envelope_add_header (Envelope *envelope, const Header *header,
                          GPtrArray *problems);

/* The argument of -N or NOTIFY as it stands in `notify', or NULL where it is
 * none. */
char *envelope_notify_words (const char *text);

/* Sets notify from the argument of -N ("never", "failure,delay"), ret from that
 * of -R ("full", "hdrs"), envid from that of -V. FAILURE_USAGE. */
bool envelope_set_notify (Envelope *envelope, const char *text,
                          GError **error);
bool envelope_set_ret (Envelope *envelope, const char *text, GError **error);
bool envelope_set_envid (Envelope *envelope, const char *text,
                         GError **error);
