/* options.h - a command line in the manner of sendmail(8), by table.
 *
 * Letters with their argument attached or apart, clusters, "--", and an end at
 * the first operand, as POSIX has it: an address is never taken for an option.
 *
 * Of a letter with many meanings (-odb, -bp) each has a row of its own, with the
 * `value' that it is for; the last row of that letter has no value, and says how
 * the letter takes its argument.
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

typedef enum
{
  OPTION_OBEYED,
  OPTION_IGNORED, /* accepted, and without effect; `take' is NULL */
  OPTION_REFUSED, /* its help says what to do instead */
} OptionGroup;

typedef struct
{
  char letter;           /* 0: has only a long name */
  const char *long_name; /* without the dashes; NULL: none */
  Argument argument;     /* of a row with a value: what follows that value */
  bool (*take) (void *target, const char *argument, GError **error);
                         /* NULL: accepted and ignored */
  const char *name;      /* of the argument, for --help: N_("ADDRESS") */
  const char *help;      /* NULL: not shown */
  const char *value;     /* NULL: any */
  OptionGroup group;
  bool fold;             /* the value is a word of its own, in any case */
  bool usual;            /* shown where there is room for some only */
} Option;

/* Runs the options of ARGV (from 1) through TABLE, whose last row is all zero.
 * *FIRST is the index of the first operand. FAILURE_USAGE. */
bool options_parse (const Option *table, int argc, char **argv, void *target,
                    int *first, GError **error);

/* The rows of GROUP that have help, for --help. The caller owns it. */
char *options_help_group (const Option *table, OptionGroup group);

/* Those that are usual. */
char *options_help_usual (const Option *table);

/* Those that are obeyed. */
char *options_help (const Option *table);
