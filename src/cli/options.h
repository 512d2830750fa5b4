/* options.h - a command line in the manner of sendmail(8), by table.
 *
 * Letters with their argument attached or apart, clusters, "--", and an end at
 * the first operand, as POSIX has it: an address is never taken for an option.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

typedef enum
{
  ARGUMENT_NONE,
  ARGUMENT_REQUIRED, /* -fX or -f X */
  ARGUMENT_ATTACHED, /* -qX; -q alone is allowed */
} Argument;

typedef struct
{
  char letter;           /* 0: has only a long name */
  const char *long_name; /* without the dashes; NULL: none */
  Argument argument;
  bool (*take) (void *target, const char *argument, GError **error);
                         /* NULL: accepted and ignored */
  const char *name;      /* of the argument, for --help: N_("ADDRESS") */
  const char *help;      /* NULL: not shown */
} Option;

/* Runs the options of ARGV (from 1) through TABLE, whose last row is all zero.
 * *FIRST is the index of the first operand. FAILURE_USAGE. */
bool options_parse (const Option *table, int argc, char **argv, void *target,
                    int *first, GError **error);

/* The rows that have help, one line each, for --help. Caller owns it. */
char *options_help (const Option *table);
