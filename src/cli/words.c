#include "cli/words.h"

#include <glib/gi18n.h>

#include "base/text.h"

static const char *
translate (const char *context, const char *word)
{
  return context == NULL ? _ (word) : g_dpgettext2 (NULL, context, word);
}

const char *
words_find (const Word *table, const char *context, const char *name)
{
  while (table->name != NULL && g_strcmp0 (table->name, name) != 0)
    table++;
  return table->word == NULL ? name : translate (context, table->word);
}

size_t
words_width (const Word *table, const char *context)
{
  size_t width = 0;

  for (; table->word != NULL; table++)
    {
      size_t own = text_width (translate (context, table->word));

      width = MAX (width, own);
      if (table->name == NULL)
        break;
    }
  return width;
}
