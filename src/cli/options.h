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
#include <stddef.h>

typedef enum
{
  ARGUMENT_NONE,
  ARGUMENT_REQUIRED, /* -fX or -f X */
  ARGUMENT_ATTACHED, /* -qX; -q alone is allowed */
} Argument;

typedef enum
{
  OPTION_OBEYED,
  OPTION_IGNORED, /* accepted, and without effect */
  OPTION_REFUSED, /* its help says what to do instead */
} OptionGroup;

/* What an option does that has no function: a bool of the target becomes true,
 * or a const char * the argument, which is still argv's. */
typedef enum
{
  STORE_NOTHING,
  STORE_TRUE,
  STORE_ARGUMENT,
} OptionStore;

#define OPTION_SETS(type, field)                                              \
  .store = STORE_TRUE, .offset = offsetof (type, field)
#define OPTION_KEEPS(type, field)                                             \
  .store = STORE_ARGUMENT, .offset = offsetof (type, field)

typedef struct
{
  char letter;           /* 0: has only a long name */
  const char *long_name; /* without the dashes; NULL: none */
  Argument argument;     /* of a row with a value: what follows that value */
  /* NULL: see `store' */
  bool (*take) (void *target, const char *argument, GError **error);
  const char *name;      /* of the argument, for --help: N_("ADDRESS") */
  const char *help;      /* NULL: not shown */
  const char *value;     /* NULL: any */
  OptionGroup group;
  bool fold;             /* the value is a word of its own, in any case */
  OptionStore store;
  size_t offset;
  bool usual;            /* shown where there is room for some only */
} Option;

/* Runs the options of ARGV (from 1) through TABLE, whose last row is all zero.
 * *FIRST is the index of the first operand. FAILURE_USAGE. */
bool options_parse (const Option *table, int argc, char **argv, void *target,
                    int *first, GError **error);

/* The same, but options may stand behind operands as well; none is one behind
 * "--". OPERANDS gets at the most MOST, which are argv's; it may be NULL where
 * that is 0. FAILURE_USAGE, also for one operand more. */
bool options_parse_anywhere (const Option *table, int argc, char **argv,
                             void *target, GPtrArray *operands, size_t most,
                             GError **error);

/* FAILURE_USAGE: OF ("postrider queue") has no command NAME; one of KNOWN, which
 * ends with NULL, may be meant. */
void options_unknown_command (const char *of, const char *name,
                              const char *const *known, GError **error);

/* The rows of GROUP that have help, for --help. The caller owns it. */
char *options_help_group (const Option *table, OptionGroup group);

/* Those that are usual. */
char *options_help_usual (const Option *table);

/* Those that are obeyed. */
char *options_help (const Option *table);
