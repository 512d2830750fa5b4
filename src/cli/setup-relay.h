/* setup-relay.h - through which relay: what is known, what DNS says, what a
 * person says, and what is found there.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "base/secret.h"
#include "cli/setup-draft.h"
#include "submit/probe.h"

/* What a look at the relay has shown. */
typedef struct
{
  char *texts[N_PROBE_PARTS]; /* of those that were passed; else NULL */
  bool failed;
  ProbePart part; /* that failed */
  int exit_status;
  int code;
  bool certificate; /* that is what failed */
  bool strange;     /* of an authority that is not known here */
  char *text;       /* why, and what to do */
} Findings;

void findings_clear (Findings *findings);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Findings, findings_clear)

/* The relay said no to a login. */
bool findings_are_refusal (const Findings *findings);

/* As far as the login, or (LOGIN) to its end, with SECRET (nullable: the
 * account's). */
void setup_probe (const SetupDraft *draft, bool login, const Secret *secret,
                  Findings *findings);

/* They failed. */
void findings_set_error (const Findings *findings, GError **error);

/* Sets the host, and what else is known, in DRAFT. A host that DNS alone names
 * and that is not of the domain is taken only if a person says so. */
bool setup_find_relay (SetupDraft *draft, GError **error);

/* Connects, says whom it has reached, and settles port and TLS mode. Asks
 * again where there is nobody who could be it. */
bool setup_reach_relay (SetupDraft *draft, GError **error);
