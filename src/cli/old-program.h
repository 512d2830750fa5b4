/* old-program.h - the programs that accounts are imported from: where each has its
 * files, and what reads them.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "base/secret.h"
#include "cli/draft.h"

#define OLD_PROGRAM_PLACES 3

typedef struct
{
  const char *name;
  /* Where it has its file: `~/' is the home directory, `~config/' that of the XDG
     base directories. The first that is there is the user's. */
  const char *places[OLD_PROGRAM_PLACES + 1];
  bool (*read) (Draft *draft, const char *path, GError **error);
  const char *also; /* it reads this file besides the user's; nullable */
  bool netrc;       /* it looks for passwords there */
} OldProgram;

/* FAILURE_USAGE, and a text that names all, where there is none of this NAME. */
const OldProgram *old_program_find (const char *name, GError **error);

/* The file of the user whose home is HOME (nullable). The caller owns it. NULL and
 * FAILURE_NO_INPUT: the text says where it was looked for. */
char *old_program_file (const OldProgram *program, const char *home,
                        GError **error);

/* What stands in PATH, and in what belongs to it. */
Draft *old_program_read (const OldProgram *program, const char *path,
                         GError **error);

/* The text of PATH, which may hold passwords; a link is followed. Where ABSENT
 * is not NULL, a file that is not there is no error. */
Secret *old_file_read (const char *path, bool *absent, GError **error);
