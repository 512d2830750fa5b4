#include "cli/options.h"

#include <string.h>

#include <glib/gi18n.h>

#include "base/failure.h"
#include "base/suggest.h"
#include "base/text.h"
#include "cli/output.h"

/* Where the text begins. */
#define HELP_COLUMN 29

#define TOLD_MAXIMUM 200 /* octets of an argument in a diagnostic */

static bool
is_end (const Option *row)
{
  return row->letter == 0 && row->long_name == NULL;
}

/* The row that says how LETTER takes its argument. */
static const Option *
find_letter (const Option *table, char letter)
{
  for (const Option *row = table; !is_end (row); row++)
    if (row->letter == letter && letter != 0 && row->value == NULL)
      return row;
  return NULL;
}

static bool
fits (const Option *row, const char *argument)
{
  size_t length = strlen (row->value);
  bool begins = row->fold
                    ? g_ascii_strncasecmp (argument, row->value, length) == 0
                    : strncmp (argument, row->value, length) == 0;

  return begins
         && (row->argument != ARGUMENT_NONE || argument[length] == '\0');
}

/* The row for what ANY, a row without a value, was given. */
static const Option *
find_value (const Option *table, const Option *any, const char *argument)
{
  if (argument == NULL)
    argument = "";
  for (const Option *row = table; row < any; row++)
    if (row->letter == any->letter && row->value != NULL
        && fits (row, argument))
      return row;
  return any;
}

static const Option *
find_long (const Option *table, const char *name, size_t length)
{
  for (const Option *row = table; !is_end (row); row++)
    if (row->long_name != NULL && strlen (row->long_name) == length
        && strncmp (row->long_name, name, length) == 0)
      return row;
  return NULL;
}

/* The caller's octets, for a diagnostic. The caller of this owns it. */
static char *
printable (const char *text)
{
  return text_printable (text, strlen (text), TOLD_MAXIMUM);
}

static bool
store (const Option *row, void *target, const char *argument)
{
  void *place = (char *) target + row->offset;

  if (row->store == STORE_TRUE)
    *(bool *) place = true;
  else if (row->store == STORE_ARGUMENT)
    *(const char **) place = argument;
  return true;
}

/* OPTION is how it was written. */
static bool
take (const Option *row, void *target, const char *option,
      const char *argument, GError **error)
{
  g_autofree char *told = NULL;

  if (row->group != OPTION_REFUSED)
    return row->take != NULL ? row->take (target, argument, error)
                             : store (row, target, argument);
  told = printable (option);
  g_set_error (error, FAILURE, FAILURE_USAGE, _ ("option %s is refused: %s"),
               told, _ (row->help));
  return false;
}

static bool
needs_argument (const char *option, GError **error)
{
  g_autofree char *told = printable (option);

  g_set_error (error, FAILURE, FAILURE_USAGE,
               _ ("option %s needs an argument; see --help"), told);
  return false;
}

/* The long option that NAME is nearly; NULL: none. */
static const char *
near_long (const Option *table, const char *name)
{
  g_autoptr (GPtrArray) known = g_ptr_array_new ();
  size_t length = strcspn (name, "=");
  g_autofree char *word = g_strndup (name, length);

  for (const Option *row = table; !is_end (row); row++)
    if (row->long_name != NULL && row->group == OPTION_OBEYED)
      g_ptr_array_add (known, (char *) row->long_name);
  g_ptr_array_add (known, NULL);
  return suggest (word, (const char *const *) known->pdata);
}

static bool
is_unknown (const Option *table, const char *option, GError **error)
{
  /* What stands behind its name may be a password. */
  g_autofree char *told
      = text_printable (option, strcspn (option, "="), TOLD_MAXIMUM);
  const char *meant = g_str_has_prefix (option, "--")
                          ? near_long (table, option + 2)
                          : NULL;

  if (meant != NULL)
    g_set_error (error, FAILURE, FAILURE_USAGE,
                 _ ("unknown option %s: did you mean --%s?"), told, meant);
  else
    g_set_error (error, FAILURE, FAILURE_USAGE,
                 _ ("unknown option %s; see --help"), told);
  return false;
}

/* --name, --name=argument, --name argument. */
static bool
take_long (const Option *table, char **argv, int *i, void *target,
           GError **error)
{
  const char *name = argv[*i] + 2;
  const char *equals = strchr (name, '=');
  size_t length = equals == NULL ? strlen (name) : (size_t) (equals - name);
  const Option *row = find_long (table, name, length);

  if (row == NULL)
    return is_unknown (table, argv[*i], error);
  if (row->argument == ARGUMENT_NONE && equals != NULL)
    {
      g_set_error (error, FAILURE, FAILURE_USAGE,
                   _ ("option --%s takes no argument"), row->long_name);
      return false;
    }
  if (row->argument == ARGUMENT_REQUIRED && equals == NULL)
    {
      if (argv[*i + 1] == NULL)
        return needs_argument (argv[*i], error);
      (*i)++;
      return take (row, target, argv[*i - 1], argv[*i], error);
    }
  return take (row, target, argv[*i], equals == NULL ? NULL : equals + 1,
               error);
}

/* LETTER, written as -LETTER ARGUMENT; NEXT is the argument of argv behind that.
   *USED: it was taken. */
static bool
take_value (const Option *table, const Option *any, const char *argument,
            const char *next, bool *used, void *target, GError **error)
{
  const Option *row = find_value (table, any, argument);
  g_autofree char *option
      = g_strdup_printf ("-%c%s%s", any->letter, row->fold ? " " : "",
                         argument == NULL ? "" : argument);

  if (row->value != NULL && argument != NULL)
    argument += strlen (row->value);
  if (row->value != NULL && row->argument == ARGUMENT_REQUIRED
      && (argument == NULL || argument[0] == '\0'))
    {
      if (next == NULL)
        return needs_argument (option, error);
      *used = true;
      argument = next;
    }
  return take (row, target, option, argument, error);
}

/* The option whose letter is *P and whose argument, if it has one, is the rest or
   the next argument of argv. */
static bool
take_argument (const Option *table, const Option *any, const char *p,
               char **argv, int *i, void *target, GError **error)
{
  const char option[] = { '-', any->letter, '\0' };
  const char *argument = p[1] != '\0' ? p + 1 : NULL;
  bool used = false;
  bool taken;

  if (argument == NULL && any->argument == ARGUMENT_REQUIRED)
    {
      if (argv[*i + 1] == NULL)
        return needs_argument (option, error);
      (*i)++;
      argument = argv[*i];
    }
  taken = take_value (table, any, argument, argv[*i + 1], &used, target,
                      error);
  *i += used;
  return taken;
}

/* One argument of letters: each with nothing behind it but further letters, or
   with the rest as its argument. */
static bool
take_letters (const Option *table, char **argv, int *i, void *target,
              GError **error)
{
  for (const char *p = argv[*i] + 1; *p != '\0'; p++)
    {
      const Option *row = find_letter (table, *p);
      const char option[] = { '-', *p, '\0' };

      if (row == NULL)
        return is_unknown (table, option, error);
      if (row->argument != ARGUMENT_NONE)
        return take_argument (table, row, p, argv, i, target, error);
      if (!take (row, target, option, NULL, error))
        return false;
    }
  return true;
}

static bool
is_option (const char *argument)
{
  return argument[0] == '-' && argument[1] != '\0';
}

static bool
take_option (const Option *table, char **argv, int *i, void *target,
             GError **error)
{
  return argv[*i][1] == '-' ? take_long (table, argv, i, target, error)
                            : take_letters (table, argv, i, target, error);
}

bool
options_parse (const Option *table, int argc, char **argv, void *target,
               int *first, GError **error)
{
  int i;

  for (i = 1; i < argc && is_option (argv[i]); i++)
    {
      if (strcmp (argv[i], "--") == 0)
        {
          i++;
          break;
        }
      if (!take_option (table, argv, &i, target, error))
        return false;
    }
  *first = i;
  return true;
}

static bool
take_operand (char *operand, GPtrArray *operands, size_t most, GError **error)
{
  g_autofree char *told = NULL;

  if (most > 0 && operands->len < most)
    {
      g_ptr_array_add (operands, operand);
      return true;
    }
  told = printable (operand);
  g_set_error (error, FAILURE, FAILURE_USAGE,
               _ ("%s is one argument too many; see --help"), told);
  return false;
}

bool
options_parse_anywhere (const Option *table, int argc, char **argv,
                        void *target, GPtrArray *operands, size_t most,
                        GError **error)
{
  bool ended = false;

  for (int i = 1; i < argc; i++)
    if (ended || !is_option (argv[i]))
      {
        if (!take_operand (argv[i], operands, most, error))
          return false;
      }
    else if (strcmp (argv[i], "--") == 0)
      ended = true;
    else if (!take_option (table, argv, &i, target, error))
      return false;
  return true;
}

void
options_unknown_command (const char *of, const char *name,
                         const char *const *known, GError **error)
{
  g_autofree char *told = printable (name);
  const char *meant = suggest (name, known);

  if (meant != NULL)
    g_set_error (error, FAILURE, FAILURE_USAGE,
                 _ ("unknown command `%s %s': did you mean `%s %s'?"), of, told,
                 of, meant);
  else
    g_set_error (error, FAILURE, FAILURE_USAGE,
                 _ ("unknown command `%s %s'; see `%s --help'"), of, told, of);
}

/* As it is written: "-f ADDRESS", "-d[LEVEL]", "-odb", "-O IgnoreDots". */
static char *
names_of (const Option *row)
{
  const char *argument = row->name == NULL ? "" : _ (row->name);
  const char *value = row->value == NULL ? "" : row->value;
  GString *names = g_string_new (NULL);

  if (row->letter != 0)
    g_string_append_printf (names, "-%c%s%s", row->letter,
                            row->fold ? " " : "", value);
  if (row->letter != 0 && row->long_name != NULL)
    g_string_append (names, ", ");
  if (row->long_name != NULL)
    g_string_append_printf (names, "--%s", row->long_name);
  if (argument[0] == '\0')
    return g_string_free (names, FALSE);
  if (row->argument == ARGUMENT_REQUIRED)
    g_string_append_printf (names, " %s", argument);
  else
    g_string_append_printf (names, row->value == NULL ? "[%s]" : "%s",
                            argument);
  return g_string_free (names, FALSE);
}

/* Names that leave no room have a line of their own. */
static void
append_help (GString *out, const Option *row)
{
  g_autofree char *names = names_of (row);
  size_t width = 2 + text_width (names);

  g_string_append_printf (out, "  %s", names);
  if (width >= HELP_COLUMN)
    g_string_append_c (out, '\n');
  g_string_append_printf (
      out, "%*s", (int) (HELP_COLUMN - (width < HELP_COLUMN ? width : 0)), "");
  output_append_folded (out, _ (row->help), HELP_COLUMN, HELP_COLUMN);
}

char *
options_help_group (const Option *table, OptionGroup group)
{
  GString *out = g_string_new (NULL);

  for (const Option *row = table; !is_end (row); row++)
    if (row->help != NULL && row->group == group)
      append_help (out, row);
  return g_string_free (out, FALSE);
}

char *
options_help_usual (const Option *table)
{
  GString *out = g_string_new (NULL);

  for (const Option *row = table; !is_end (row); row++)
    if (row->usual)
      append_help (out, row);
  return g_string_free (out, FALSE);
}

char *
options_help (const Option *table)
{
  return options_help_group (table, OPTION_OBEYED);
}
