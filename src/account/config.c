#include "account/config.h"

#include <limits.h>
#include <string.h>

#include <glib/gi18n.h>

#include "base/failure.h"
#include "base/text.h"
#include "base/trusted.h"

#define PROBLEMS_MAXIMUM 100
#define SECTIONS_MAXIMUM 1000
#define ENTRIES_MAXIMUM 200
#define PROBLEM_MAXIMUM 1000 /* octets of what is said of one */

#define BYTE_ORDER_MARK "\xef\xbb\xbf"

typedef struct
{
  int line;
  int column;
  char *text;
} Problem;

typedef struct
{
  Config *config;
  ConfigSection *section; /* NULL before the first; owned by config */
  int number;             /* of the line, from 1 */
  const char *line;       /* without its end */
} Reader;

static void
problem_free (void *data)
{
  Problem *problem = data;

  g_free (problem->text);
  g_free (problem);
}

static void
entry_free (void *data)
{
  ConfigEntry *entry = data;

  g_free (entry->name);
  g_free (entry->value);
  g_free (entry);
}

static void
section_free (void *data)
{
  ConfigSection *section = data;

  g_free (section->name);
  g_ptr_array_unref (section->entries);
  g_free (section);
}

void
config_free (Config *config)
{
  g_free (config->file);
  g_free (config->digest);
  g_ptr_array_unref (config->sections);
  g_ptr_array_unref (config->problems);
  g_free (config);
}

void
config_problem (Config *config, int line, int column, const char *format, ...)
{
  g_autofree char *text = NULL;
  Problem *problem;
  va_list arguments;

  if (config == NULL || config->problems->len >= PROBLEMS_MAXIMUM)
    return;
  problem = g_new0 (Problem, 1);
  problem->line = line;
  problem->column = column;
  va_start (arguments, format);
  text = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  problem->text = text_printable (text, strlen (text), PROBLEM_MAXIMUM);
  g_ptr_array_add (config->problems, problem);
}

static int
problem_order (const void *a, const void *b)
{
  const Problem *const *first = a;
  const Problem *const *second = b;
  int lines = (*first)->line - (*second)->line;

  return lines != 0 ? lines : (*first)->column - (*second)->column;
}

bool
config_check (Config *config, GError **error)
{
  g_autoptr (GString) text = g_string_new (NULL);
  g_autofree char *file =
      text_printable (config->file, strlen (config->file), PATH_MAX);

  if (config->problems->len == 0)
    return true;
  g_ptr_array_sort (config->problems, problem_order);
  for (size_t i = 0; i < config->problems->len; i++)
    {
      const Problem *problem = g_ptr_array_index (config->problems, i);

      g_string_append_printf (text, "%s%s:%d:%d: %s", i > 0 ? "\n" : "", file,
                              problem->line, problem->column, problem->text);
    }
  if (config->problems->len == PROBLEMS_MAXIMUM)
    {
      g_string_append_c (text, '\n');
      g_string_append_printf (text, _ ("%s: there may be more errors"), file);
    }
  g_set_error_literal (error, FAILURE, FAILURE_CONFIG, text->str);
  return false;
}

const ConfigEntry *
config_find (const ConfigSection *section, const char *name)
{
  for (size_t i = 0; i < section->entries->len; i++)
    {
      const ConfigEntry *entry = g_ptr_array_index (section->entries, i);

      if (strcmp (entry->name, name) == 0)
        return entry;
    }
  return NULL;
}

static int
column_of (const Reader *reader, const char *at)
{
  return (int) g_utf8_pointer_to_offset (reader->line, at) + 1;
}

/* One error at AT, a point of the line. */
#define complain(reader, at, ...)                                             \
  config_problem ((reader)->config, (reader)->number,                         \
                  column_of ((reader), (at)), __VA_ARGS__)

static const char *
skip_blanks (const char *p)
{
  while (*p == ' ' || *p == '\t')
    p++;
  return p;
}

static bool
ends_line (const char *p)
{
  return *p == '\0' || *p == '#' || *p == ';';
}

/* Account names stand in the log and on command lines. */
bool
config_may_name (gunichar c)
{
  return g_unichar_isalnum (c)
         || (c > ' ' && c < 128 && strchr ("-._@+", (int) c) != NULL);
}

static bool
is_section_name (const char *name)
{
  if (*name == '\0')
    return false;
  for (; *name != '\0'; name = g_utf8_next_char (name))
    if (!config_may_name (g_utf8_get_char (name)))
      return false;
  return true;
}

const ConfigSection *
config_find_section (const Config *config, const char *name)
{
  for (size_t i = 0; i < config->sections->len; i++)
    {
      const ConfigSection *section = g_ptr_array_index (config->sections, i);

      if (strcmp (section->name, name) == 0)
        return section;
    }
  return NULL;
}

/* Begins section NAME, whose head stands at AT. */
static void
begin_section (Reader *reader, const char *name, const char *at)
{
  const ConfigSection *earlier = config_find_section (reader->config, name);
  ConfigSection *section = g_new0 (ConfigSection, 1);

  section->name = g_strdup (name);
  section->line = reader->number;
  section->column = column_of (reader, at);
  section->entries = g_ptr_array_new_with_free_func (entry_free);
  section->refused = true;
  if (*name == '\0')
    complain (reader, at,
              _ ("a section needs a name: write [NAME], as in [work]"));
  else if (!is_section_name (name))
    complain (reader, at,
              _ ("a section's name has only letters, digits and -._@+"));
  else if (earlier != NULL)
    complain (reader, at,
              _ ("section [%s] began in line %d already: write all its "
                 "settings there, or choose another name"),
              name, earlier->line);
  else
    section->refused = false;
  g_ptr_array_add (reader->config->sections, section);
  reader->section = section;
}

/* AT points to the bracket. */
static void
read_section (Reader *reader, const char *at)
{
  const char *end = strchr (at, ']');
  const char *after;
  g_autofree char *name = NULL;

  if (reader->config->sections->len >= SECTIONS_MAXIMUM)
    {
      complain (reader, at, _ ("there are too many sections"));
      return;
    }
  if (end == NULL)
    {
      complain (reader, at, _ ("the `]' of this section's name is missing"));
      end = at + strlen (at);
    }
  name = g_strstrip (g_strndup (at + 1, end - at - 1));
  begin_section (reader, name, at);
  after = *end == ']' ? skip_blanks (end + 1) : end;
  if (!ends_line (after))
    complain (reader, after,
              _ ("a section's name stands alone on its line: write its "
                 "settings below it"));
}

/* The value in quotes at AT (the opening one); NULL: it was refused. */
static char *
read_quoted (Reader *reader, const char *at)
{
  g_autoptr (GString) value = g_string_new (NULL);
  const char *p = at + 1;

  for (; *p != '"'; p++)
    {
      if (*p == '\0')
        {
          complain (reader, at,
                    _ ("the closing quote of this value is missing"));
          return NULL;
        }
      if (*p == '\\' && p[1] != '"' && p[1] != '\\')
        {
          complain (reader, p,
                    _ ("inside quotes a backslash stands only before a quote "
                       "or another backslash"));
          return NULL;
        }
      if (*p == '\\')
        p++;
      g_string_append_c (value, *p);
    }
  p++;
  if (!ends_line (skip_blanks (p)) || (ends_line (p) && *p != '\0'))
    {
      complain (
          reader, p,
          _ ("there is text after the closing quote: put the whole value "
             "in quotes, with \\\" for a quote in it"));
      return NULL;
    }
  return g_string_free (g_steal_pointer (&value), FALSE);
}

/* The value without quotes at AT, to its end or to a comment; NULL: it was
 * refused. A quote inside it keeps its meaning for addresses: "a # b"@… */
static char *
read_plain (Reader *reader, const char *at)
{
  const char *quote = NULL;
  const char *end = at;
  const char *p;

  for (p = at; *p != '\0'; p++)
    {
      bool blank_before = p[-1] == ' ' || p[-1] == '\t';

      if (quote == NULL && blank_before && ends_line (p))
        break;
      if (*p == '"')
        quote = quote == NULL ? p : NULL;
      if (*p != ' ' && *p != '\t')
        end = p + 1;
    }
  if (quote == NULL)
    return g_strndup (at, end - at);
  complain (reader, quote, _ ("the second quote of a pair is missing"));
  return NULL;
}

static bool
is_name_octet (char c)
{
  return g_ascii_isalnum (c) || c == '-' || c == '_';
}

/* The entry for NAME at AT; NULL: there is no place for it. */
static ConfigEntry *
add_entry (Reader *reader, const char *name, const char *at)
{
  const ConfigEntry *earlier;
  ConfigEntry *entry;

  if (reader->section == NULL)
    {
      complain (reader, at,
                _ ("`%s' stands before the first section: write [NAME] above "
                   "it, or [defaults] for all accounts"),
                name);
      return NULL;
    }
  earlier = config_find (reader->section, name);
  if (earlier != NULL)
    {
      complain (reader, at, _ ("`%s' was set in line %d already"), name,
                earlier->line);
      return NULL;
    }
  if (reader->section->entries->len >= ENTRIES_MAXIMUM)
    {
      complain (reader, at, _ ("there are too many settings in this section"));
      return NULL;
    }
  entry = g_new0 (ConfigEntry, 1);
  entry->name = g_strdup (name);
  entry->line = reader->number;
  entry->column = column_of (reader, at);
  g_ptr_array_add (reader->section->entries, entry);
  return entry;
}

/* The line is not shown where it makes no sense: it may hold a secret. */
static void
read_setting (Reader *reader, const char *at)
{
  const char *end = at;
  const char *p;
  g_autofree char *name = NULL;
  ConfigEntry *entry;

  while (is_name_octet (*end))
    end++;
  p = skip_blanks (end);
  if (end == at || *p != '=')
    {
      complain (reader, at, _ ("this is no setting: write `name = value'"));
      return;
    }
  name = g_strndup (at, end - at);
  entry = add_entry (reader, name, at);
  if (entry == NULL)
    return;
  p = skip_blanks (p + 1);
  entry->value_column = column_of (reader, p);
  if (*p == '"')
    entry->value = read_quoted (reader, p);
  else
    entry->value = read_plain (reader, p);
  if (entry->value != NULL && entry->value[0] == '\0')
    {
      complain (reader, p, _ ("`%s' needs a value"), name);
      g_clear_pointer (&entry->value, g_free);
    }
}

/* Whether the line is text that a person could have written. */
static bool
check_line (Reader *reader, size_t length)
{
  const char *end;

  if (length > CONFIG_LINE_MAXIMUM)
    {
      config_problem (reader->config, reader->number, 1,
                      _ ("this line is longer than %d octets"),
                      CONFIG_LINE_MAXIMUM);
      return false;
    }
  if (!g_utf8_validate (reader->line, (gssize) length, &end))
    {
      if (*end == '\0')
        complain (reader, end, _ ("there is a NUL character"));
      else
        complain (reader, end, _ ("this is not UTF-8"));
      return false;
    }
  for (const char *p = reader->line; *p != '\0'; p = g_utf8_next_char (p))
    if (*p != '\t' && text_is_control (g_utf8_get_char (p)))
      {
        complain (reader, p, _ ("there is a control character"));
        return false;
      }
  return true;
}

static void
read_line (Reader *reader, const char *octets, size_t length)
{
  g_autofree char *line = NULL;
  const char *p;

  if (length > 0 && octets[length - 1] == '\r')
    length--;
  line = g_strndup (octets, MIN (length, CONFIG_LINE_MAXIMUM + 1));
  reader->line = line;
  if (!check_line (reader, length))
    return;
  p = skip_blanks (line);
  if (*p == '[')
    read_section (reader, p);
  else if (!ends_line (p))
    read_setting (reader, p);
}

Config *
config_parse (const char *file, const char *octets, size_t length)
{
  Config *config = g_new0 (Config, 1);
  Reader reader = { .config = config };
  const char *end = octets + length;

  config->file = g_strdup (file);
  config->digest = g_compute_checksum_for_data (
      G_CHECKSUM_SHA256, (const guchar *) octets, length);
  config->sections = g_ptr_array_new_with_free_func (section_free);
  config->problems = g_ptr_array_new_with_free_func (problem_free);
  if (length >= strlen (BYTE_ORDER_MARK)
      && memcmp (octets, BYTE_ORDER_MARK, strlen (BYTE_ORDER_MARK)) == 0)
    octets += strlen (BYTE_ORDER_MARK);
  while (octets < end && config->problems->len < PROBLEMS_MAXIMUM)
    {
      const char *line_end = memchr (octets, '\n', end - octets);

      if (line_end == NULL)
        line_end = end;
      reader.number++;
      read_line (&reader, octets, line_end - octets);
      octets = line_end < end ? line_end + 1 : end;
    }
  return config;
}

Config *
config_read (const char *file, bool *absent, GError **error)
{
  g_autoptr (GBytes) octets
      = trusted_read (file, CONFIG_FILE_MAXIMUM, FAILURE_CONFIG, absent, error);
  const char *text;
  size_t length;

  if (octets == NULL)
    return NULL;
  text = g_bytes_get_data (octets, &length);
  return config_parse (file, text, length);
}
