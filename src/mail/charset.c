#include "mail/charset.h"

#include <stdbool.h>
#include <string.h>

#include <glib.h>

/* Charsets that mail is written in, in which ASCII is ASCII, and what iconv
   shall take for them. No others: it has modules that nobody looks at. */
static const char *const charsets[][2] = {
  { "iso-8859-1", "windows-1252" },
  { "latin1", "windows-1252" },
  { "iso-8859-2", "iso-8859-2" },
  { "iso-8859-3", "iso-8859-3" },
  { "iso-8859-4", "iso-8859-4" },
  { "iso-8859-5", "iso-8859-5" },
  { "iso-8859-6", "iso-8859-6" },
  { "iso-8859-7", "iso-8859-7" },
  { "iso-8859-8", "iso-8859-8" },
  { "iso-8859-8-i", "iso-8859-8" },
  { "iso-8859-9", "windows-1254" },
  { "iso-8859-10", "iso-8859-10" },
  { "iso-8859-13", "iso-8859-13" },
  { "iso-8859-14", "iso-8859-14" },
  { "iso-8859-15", "iso-8859-15" },
  { "iso-8859-16", "iso-8859-16" },
  { "windows-1250", "windows-1250" },
  { "windows-1251", "windows-1251" },
  { "windows-1252", "windows-1252" },
  { "windows-1253", "windows-1253" },
  { "windows-1254", "windows-1254" },
  { "windows-1255", "windows-1255" },
  { "windows-1256", "windows-1256" },
  { "windows-1257", "windows-1257" },
  { "windows-1258", "windows-1258" },
  { "windows-874", "cp874" },
  { "tis-620", "cp874" },
  { "koi8-r", "koi8-r" },
  { "koi8-u", "koi8-u" },
  { "gb2312", "gb18030" },
  { "gbk", "gb18030" },
  { "gb18030", "gb18030" },
  { "big5", "big5" },
  { "shift_jis", "cp932" },
  { "euc-jp", "euc-jp" },
  { "euc-kr", "uhc" },
  { "ks_c_5601-1987", "uhc" },
  { "macintosh", "macintosh" },
};

static const char *
known_charset (const char *charset)
{
  for (size_t i = 0; charset != NULL && i < G_N_ELEMENTS (charsets); i++)
    {
      if (g_ascii_strcasecmp (charset, charsets[i][0]) == 0)
        return charsets[i][1];
    }
  return NULL;
}

/* Octets that make controls are of another charset. */
static bool
has_control (const char *text)
{
  for (const char *p = text; *p != '\0'; p = g_utf8_next_char (p))
    {
      gunichar c = g_utf8_get_char (p);

      if (c >= 0x80 && g_unichar_iscntrl (c))
        return true;
    }
  return false;
}

char *
charset_to_utf8 (const char *text, const char *charset)
{
  const char *known = known_charset (charset);
  g_autoptr (GString) out = g_string_new (NULL);
  g_auto (GStrv) lines = g_strsplit (text, "\r\n", -1);

  if (known == NULL)
    return NULL;
  for (char **line = lines; *line != NULL; line++)
    {
      g_autofree char *converted =
          g_convert (*line, -1, "UTF-8", known, NULL, NULL, NULL);

      if (converted == NULL || strpbrk (converted, "\r\n") != NULL
          || has_control (converted))
        return NULL;
      g_string_append_printf (out, "%s%s", line > lines ? "\r\n" : "",
                              converted);
    }
  return g_string_free (g_steal_pointer (&out), FALSE);
}
