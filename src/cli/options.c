#include "cli/options.h"

#include <string.h>

#include <glib/gi18n.h>

#include "base/failure.h"

#define HELP_COLUMN 28

static const Option *
find_letter (const Option *table, char letter)
{
  for (const Option *row = table; row->letter != 0 || row->long_name != NULL;
       row++)
    if (row->letter != 0 && row->letter == letter)
      return row;
  return NULL;
}

static const Option *
find_long (const Option *table, const char *name, size_t length)
{
  for (const Option *row = table; row->letter != 0 || row->long_name != NULL;
       row++)
    if (row->long_name != NULL && strlen (row->long_name) == length
        && strncmp (row->long_name, name, length) == 0)
      return row;
  return NULL;
}

static bool
take (const Option *row, void *target, const char *argument, GError **error)
{
  return row->take == NULL || row->take (target, argument, error);
}

static bool
needs_argument (const char *option, GError **error)
{
  g_set_error (error, FAILURE, FAILURE_USAGE,
               _ ("option %s needs an argument; see --help"), option);
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
    {
      g_set_error (error, FAILURE, FAILURE_USAGE,
                   _ ("unknown option %s; see --help"), argv[*i]);
      return false;
    }
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
      return take (row, target, argv[*i], error);
    }
  return take (row, target, equals == NULL ? NULL : equals + 1, error);
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
        {
          g_set_error (error, FAILURE, FAILURE_USAGE,
                       _ ("unknown option %s; see --help"), option);
          return false;
        }
      if (row->argument == ARGUMENT_NONE)
        {
          if (!take (row, target, NULL, error))
            return false;
          continue;
        }
      if (p[1] != '\0' || row->argument == ARGUMENT_ATTACHED)
        return take (row, target, p[1] != '\0' ? p + 1 : NULL, error);
      if (argv[*i + 1] == NULL)
        return needs_argument (option, error);
      (*i)++;
      return take (row, target, argv[*i], error);
    }
  return true;
}

bool
options_parse (const Option *table, int argc, char **argv, void *target,
               int *first, GError **error)
{
  int i;

  for (i = 1; i < argc && argv[i][0] == '-' && argv[i][1] != '\0'; i++)
    {
      if (strcmp (argv[i], "--") == 0)
        {
          i++;
          break;
        }
      if (!(argv[i][1] == '-' ? take_long (table, argv, &i, target, error)
                              : take_letters (table, argv, &i, target, error)))
        return false;
    }
  *first = i;
  return true;
}

static void
append_help (GString *text, const Option *row)
{
  g_autoptr (GString) names = g_string_new ("  ");
  const char *argument = row->name == NULL ? "" : _ (row->name);

  if (row->letter != 0)
    g_string_append_printf (names, "-%c", row->letter);
  if (row->letter != 0 && row->long_name != NULL)
    g_string_append (names, ", ");
  if (row->long_name != NULL)
    g_string_append_printf (names, "--%s", row->long_name);
  if (argument[0] != '\0')
    g_string_append_printf (names, " %s", argument);
  g_string_append_printf (text, "%-*s %s\n", HELP_COLUMN, names->str,
                          _ (row->help));
}

char *
options_help (const Option *table)
{
  GString *text = g_string_new (NULL);

  for (const Option *row = table; row->letter != 0 || row->long_name != NULL;
       row++)
    if (row->help != NULL)
      append_help (text, row);
  return g_string_free (text, FALSE);
}
