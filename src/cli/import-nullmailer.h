/* import-nullmailer.h - reads the control files of nullmailer (2.2).
 *
 * `remotes' has a relay on each line: HOST PROTOCOL OPTION..., words as a shell has
 * them. The other files are one line each.
 */
#pragma once

#include "cli/draft.h"

/* One-line files; NULL: not there. */
typedef struct
{
  const char *me;
  const char *default_host;
  const char *default_domain;
  const char *admin_address;
  const char *all_mail_from;
  const char *helo_host;
  const char *queue_lifetime;
} NullmailerControls;

void import_nullmailer (Draft *draft, const DraftText *remotes,
                        const NullmailerControls *controls);
