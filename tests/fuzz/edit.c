/* Any text as an accounts file, and any change to it: what was set is read
 * back, all else that was there still is, and a change that is refused changes
 * nothing. The input has the section, the setting, its value, and the text,
 * each but the last ended by a line. */

#include "tests/fuzz/fuzz.h"

#include <string.h>

#include <glib.h>

#include "account/config.h"
#include "account/edit.h"
#include "account/settings.h"
#include "base/failure.h"

#define HOME "/home/me"
#define ERROR_MAXIMUM 400

/* The next line of REST, which moves on. */
static char *
take_line (char **rest)
{
  char *line = *rest;
  char *end = strchr (line, '\n');

  *rest = end != NULL ? end + 1 : line + strlen (line);
  if (end != NULL)
    *end = '\0';
  return line;
}

static void
check_entry (const Config *config, const char *section,
             const ConfigEntry *entry)
{
  const ConfigSection *found = config_find_section (config, section);
  const ConfigEntry *same =
      found != NULL ? config_find (found, entry->name) : NULL;

  g_assert (same != NULL && g_strcmp0 (same->value, entry->value) == 0);
}

/* All of BEFORE but the changed setting is in AFTER, as it was. */
static void
check_rest (const char *before, const char *after, const char *section,
            const char *name)
{
  g_autoptr (Config) old = config_parse ("old", before, strlen (before));
  g_autoptr (Config) new = config_parse ("new", after, strlen (after));

  for (size_t i = 0; i < old->sections->len; i++)
    {
      const ConfigSection *part = g_ptr_array_index (old->sections, i);

      for (size_t j = 0; j < part->entries->len; j++)
        {
          const ConfigEntry *entry = g_ptr_array_index (part->entries, j);

          if (strcmp (part->name, section) != 0
              || strcmp (entry->name, name) != 0)
            check_entry (new, part->name, entry);
        }
    }
}

static size_t
count (const char *text, char c)
{
  size_t n = 0;

  for (; *text != '\0'; text++)
    n += *text == c ? 1 : 0;
  return n;
}

static void
change (Edit *edit, const char *section, const char *name, const char *value)
{
  g_autofree char *before = g_strdup (edit_text (edit));
  g_autoptr (GError) error = NULL;

  if (edit_set (edit, section, name, value, &error))
    {
      g_autofree char *got = edit_get (edit, section, name);

      g_assert (error == NULL);
      g_assert_cmpstr (got, ==, value);
      check_shown (value != NULL ? value : "", CONFIG_LINE_MAXIMUM);
      check_rest (before, edit_text (edit), section, name);
      if (value != NULL)
        g_assert (count (edit_text (edit), '\n') >= count (before, '\n'));
    }
  else
    {
      g_assert (g_error_matches (error, FAILURE, FAILURE_CONFIG));
      /* Nobody but us says which setting. */
      if (settings_find (SETTING_OF_ACCOUNT, name) != NULL)
        check_shown (error->message, ERROR_MAXIMUM);
      g_assert_cmpstr (before, ==, edit_text (edit));
    }
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autofree char *input = g_strndup ((const char *) data, size);
  char *rest = input;
  const char *section = take_line (&rest);
  const char *name = take_line (&rest);
  const char *value = take_line (&rest);
  g_autoptr (Edit) edit = edit_open_text ("accounts", HOME, rest, NULL);

  if (edit == NULL)
    return 0;
  change (edit, section, name, value);
  change (edit, section, "host", value);
  change (edit, section, "host", NULL);
  change (edit, "new", name, value);
  change (edit, "new", "trust-file", "a\n[b]\nc = d");
  return 0;
}
