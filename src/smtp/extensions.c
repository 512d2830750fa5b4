#include "smtp/extensions.h"

#include <string.h>

#define MECHANISM_MAXIMUM 20 /* RFC 4422 section 3.1 */

typedef struct
{
  const char *keyword;
  size_t flag; /* offset of a bool in Extensions */
  void (*parse) (Extensions *extensions, const char *parameters);
} Extension;

static void
parse_size (Extensions *extensions, const char *parameters)
{
  guint64 size = 0;

  if (g_ascii_string_to_unsigned (parameters, 10, 0, G_MAXUINT64, &size, NULL))
    extensions->size = size;
}

static bool
is_mechanism (const char *name)
{
  size_t length = strspn (name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_");

  return length > 0 && length <= MECHANISM_MAXIMUM && name[length] == '\0';
}

static void
parse_auth (Extensions *extensions, const char *parameters)
{
  g_autofree char *upper = g_ascii_strup (parameters, -1);
  g_auto (GStrv) names = g_strsplit (upper, " ", -1);
  g_autoptr (GPtrArray) auth = g_ptr_array_new ();

  for (size_t i = 0; names[i] != NULL; i++)
    if (is_mechanism (names[i]))
      g_ptr_array_add (auth, g_strdup (names[i]));
  g_ptr_array_add (auth, NULL);
  g_strfreev (extensions->auth);
  extensions->auth = (GStrv)g_ptr_array_free (g_steal_pointer (&auth), FALSE);
}

/* RFC 9422 section 4: what is unknown or malformed does not count. */
static void
parse_limits (Extensions *extensions, const char *parameters)
{
  const struct
  {
    const char *name;
    uint64_t *value;
  } limits[] = {
    { "RCPTMAX=", &extensions->rcpt_max },
    { "MAILMAX=", &extensions->mail_max },
    { "RCPTDOMAINMAX=", &extensions->rcpt_domain_max },
  };
  g_auto (GStrv) words = g_strsplit (parameters, " ", -1);

  for (size_t i = 0; words[i] != NULL; i++)
    for (size_t j = 0; j < G_N_ELEMENTS (limits); j++)
      {
        size_t length = strlen (limits[j].name);
        guint64 value;

        if (g_ascii_strncasecmp (words[i], limits[j].name, length) == 0
            && *limits[j].value == 0
            && g_ascii_string_to_unsigned (words[i] + length, 10, 1, 999999,
                                           &value, NULL))
          *limits[j].value = value;
      }
}

static const Extension table[] = {
  { "STARTTLS", G_STRUCT_OFFSET (Extensions, starttls), NULL },
  { "PIPELINING", G_STRUCT_OFFSET (Extensions, pipelining), NULL },
  { "8BITMIME", G_STRUCT_OFFSET (Extensions, eight_bit_mime), NULL },
  { "SMTPUTF8", G_STRUCT_OFFSET (Extensions, smtputf8), NULL },
  { "DSN", G_STRUCT_OFFSET (Extensions, dsn), NULL },
  { "ENHANCEDSTATUSCODES", G_STRUCT_OFFSET (Extensions, enhanced_codes),
    NULL },
  { "LIMITS", G_STRUCT_OFFSET (Extensions, limits), parse_limits },
  { "BURL", G_STRUCT_OFFSET (Extensions, burl), NULL },
  { "SIZE", G_STRUCT_OFFSET (Extensions, size_offered), parse_size },
  { "AUTH", G_STRUCT_OFFSET (Extensions, auth_offered), parse_auth },
};

static void
parse_line (Extensions *extensions, const char *line)
{
  size_t length = strcspn (line, " ");
  const char *parameters = line + length + (line[length] == ' ' ? 1 : 0);

  for (size_t i = 0; i < G_N_ELEMENTS (table); i++)
    {
      bool *flag = (bool *)((char *)extensions + table[i].flag);

      if (length != strlen (table[i].keyword)
          || g_ascii_strncasecmp (line, table[i].keyword, length) != 0
          || *flag)
        continue;
      *flag = true;
      if (table[i].parse != NULL)
        table[i].parse (extensions, parameters);
    }
}

/* Relays older than RFC 2554 wrote "AUTH=PLAIN LOGIN". */
static void
parse_old_auth (Extensions *extensions, const char *line)
{
  if (extensions->auth_offered
      || g_ascii_strncasecmp (line, "AUTH=", strlen ("AUTH=")) != 0)
    return;
  extensions->auth_offered = true;
  parse_auth (extensions, line + strlen ("AUTH="));
}

void
extensions_parse (Extensions *extensions, const Reply *reply)
{
  extensions_clear (extensions);
  /* The first line is a greeting, whatever its words (RFC 5321 section
     4.1.1.1). */
  for (guint i = 1; i < reply->lines->len; i++)
    parse_line (extensions, g_ptr_array_index (reply->lines, i));
  for (guint i = 1; i < reply->lines->len; i++)
    parse_old_auth (extensions, g_ptr_array_index (reply->lines, i));
  if (extensions->auth == NULL)
    extensions->auth = g_new0 (char *, 1);
}

void
extensions_clear (Extensions *extensions)
{
  g_strfreev (extensions->auth);
  *extensions = (Extensions){ .auth = NULL };
}

static void
append_part (GString *text, const char *keyword, const char *parameters)
{
  g_string_append_printf (text, "%s%s%s%s", text->len > 0 ? ", " : "", keyword,
                          parameters[0] != '\0' ? " " : "", parameters);
}

char *
extensions_text (const Extensions *extensions)
{
  GString *text = g_string_new (NULL);
  g_autofree char *names = g_strjoinv (" ", extensions->auth);
  g_autofree char *size
      = g_strdup_printf ("%" G_GUINT64_FORMAT, extensions->size);

  if (extensions->auth_offered)
    append_part (text, "AUTH", names);
  if (extensions->size_offered)
    append_part (text, "SIZE", extensions->size > 0 ? size : "");
  for (size_t i = 0; i < G_N_ELEMENTS (table); i++)
    if (table[i].parse == NULL
        && *(const bool *) ((const char *) extensions + table[i].flag))
      append_part (text, table[i].keyword, "");
  return g_string_free (text, FALSE);
}
