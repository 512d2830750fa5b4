#include "cli/ask.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <glib/gi18n.h>

#include "base/terminal.h"
#include "cli/output.h"

static char *
ask (const char *prompt, GError **error)
{
  char *line;

  (void) fflush (stdout);
  line = terminal_ask_line (prompt, error);

  return line != NULL ? g_strstrip (line) : NULL;
}

char *
ask_text (const char *question, const char *proposal, GError **error)
{
  g_autofree char *prompt =
      proposal != NULL ? g_strdup_printf ("%s [%s]: ", question, proposal)
                       : g_strdup_printf ("%s: ", question);

  for (;;)
    {
      g_autofree char *line = ask (prompt, error);

      if (line == NULL || line[0] != '\0')
        return g_steal_pointer (&line);
      if (proposal != NULL)
        return g_strdup (proposal);
    }
}

char *
ask_optional (const char *question, GError **error)
{
  g_autofree char *prompt = g_strdup_printf ("%s: ", question);

  return ask (prompt, error);
}

bool
ask_yes_or_no (const char *question, bool proposal, bool *answer,
               GError **error)
{
  g_autofree char *prompt = g_strdup_printf (
      "%s %s ", question, proposal ? _ ("[Y/n]") : _ ("[y/N]"));

  for (;;)
    {
      g_autofree char *line = ask (prompt, error);
      int said;

      if (line == NULL)
        return false;
      /* As the user's language has it. */
      said = line[0] == '\0' ? proposal : rpmatch (line);
      if (said < 0)
        continue;
      *answer = said == 1;
      return true;
    }
}

void
ask_tell (const char *text, const char *end)
{
  g_autofree char *whole = g_strconcat (text, end, NULL);
  g_autoptr (GString) out = g_string_new (NULL);

  output_append_wrapped (out, whole, 0);
  (void) fputs (out->str, stdout);
}
