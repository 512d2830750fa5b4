#include "cli/ask.h"

#include <stdio.h>
#include <stdlib.h>

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

static char *
prompt_of (const char *question)
{
  /* TRANSLATORS: A question; what is typed comes behind it. */
  return g_strdup_printf (_ ("%s: "), question);
}

char *
ask_text (const char *question, const char *proposal, GError **error)
{
  /* TRANSLATORS: A question, and what is taken where nothing is typed. */
  g_autofree char *prompt =
      proposal != NULL ? g_strdup_printf (_ ("%s [%s]: "), question, proposal)
                       : prompt_of (question);

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
  g_autofree char *prompt = prompt_of (question);

  return ask (prompt, error);
}

bool
ask_yes_or_no (const char *question, bool proposal, bool *answer,
               GError **error)
{
  /* TRANSLATORS: A question. The letters are those of yes and no in your language,
     and the capital one is taken where nothing is typed. */
  g_autofree char *prompt = g_strdup_printf (
      proposal ? _ ("%s [Y/n] ") : _ ("%s [y/N] "), question);

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
ask_tell (const char *text)
{
  g_autoptr (GString) out = g_string_new (NULL);

  output_append_wrapped (out, text, 0);
  (void) fputs (out->str, stdout);
}

void
ask_tell_error (const char *message)
{
  /* TRANSLATORS: A message, as a sentence. */
  g_autofree char *sentence = g_strdup_printf (_ ("%s."), message);

  ask_tell (sentence);
}
