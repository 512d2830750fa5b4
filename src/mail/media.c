#include "mail/media.h"

#include <string.h>

#include "base/text.h"

/* Blanks, line ends and comments, which nest. */
static const char *
skip_blanks (const char *p)
{
  size_t depth = 0;

  for (; *p != '\0'; p++)
    if (*p == '(')
      depth++;
    else if (depth > 0 && *p == ')')
      depth--;
    else if (depth > 0 && *p == '\\' && p[1] != '\0')
      p++;
    else if (depth == 0 && strchr (" \t\r\n", *p) == NULL)
      break;
  return p;
}

/* A token at *P, in lower case; "" where there is none. */
static char *
take_token (const char **p)
{
  size_t length = strcspn (*p, " \t\r\n()<>@,;:\\\"/[]?=");
  char *token = g_ascii_strdown (*p, (gssize) length);

  *p += length;
  return token;
}

static char *
take_quoted (const char **p)
{
  GString *value = g_string_new (NULL);
  const char *q = *p + 1;

  for (; *q != '\0' && *q != '"'; q++)
    {
      if (*q == '\\' && q[1] != '\0')
        q++;
      if (*q != '\r' && *q != '\n')
        g_string_append_c (value, *q);
    }
  *p = *q == '"' ? q + 1 : q;
  return g_string_free (value, FALSE);
}

/* What is no token and not quoted either is taken up to where it must end. */
static char *
take_value (const char **p)
{
  size_t length;
  char *value;

  if (**p == '"')
    return take_quoted (p);
  length = strcspn (*p, " \t\r\n;\"(");
  value = g_strndup (*p, length);
  *p += length;
  return value;
}

/* The next ';' that is neither in a comment nor quoted. */
static const char *
next_parameter (const char *p)
{
  for (p = skip_blanks (p); *p != '\0' && *p != ';'; p = skip_blanks (p))
    if (*p == '"')
      g_free (take_quoted (&p));
    else
      p++;
  return p;
}

/* Blanks at the end of a delimiter are padding (RFC 2046 section 5.1.1). */
static bool
make_boundary (char *value)
{
  size_t length = strlen (g_strchomp (value));

  return length > 0 && length <= BOUNDARY_MAXIMUM
         && !text_is_8bit (value, length) && strpbrk (value, "\r\n") == NULL;
}

static void
take_parameter (Media *media, const char **p)
{
  g_autofree char *name = NULL;
  g_autofree char *value = NULL;

  *p = skip_blanks (*p + 1);
  name = take_token (p);
  *p = skip_blanks (*p);
  if (**p != '=')
    return;
  *p = skip_blanks (*p + 1);
  value = take_value (p);
  if (g_str_equal (name, "boundary") && media->boundary == NULL
      && make_boundary (value))
    media->boundary = g_steal_pointer (&value);
  else if (g_str_equal (name, "charset") && media->charset == NULL)
    media->charset = g_ascii_strdown (value, -1);
}

Media *
media_of (const Header *header)
{
  const Field *field = header_find (header, "Content-Type");
  Media *media = g_new0 (Media, 1);
  g_autofree char *type = NULL;
  g_autofree char *subtype = NULL;
  const char *p;

  if (field == NULL)
    return media;
  p = skip_blanks (field->body);
  type = take_token (&p);
  p = skip_blanks (p);
  if (*type == '\0' || *p != '/')
    return media;
  p = skip_blanks (p + 1);
  subtype = take_token (&p);
  if (*subtype == '\0')
    return media;
  media->type = g_strdup_printf ("%s/%s", type, subtype);
  for (p = next_parameter (p); *p == ';'; p = next_parameter (p))
    take_parameter (media, &p);
  return media;
}

void
media_free (Media *media)
{
  if (media == NULL)
    return;
  g_free (media->type);
  g_free (media->boundary);
  g_free (media->charset);
  g_free (media);
}

static bool
has_parts (const Media *media)
{
  return media->type != NULL
         && (g_str_has_prefix (media->type, "multipart/")
             || g_str_has_prefix (media->type, "message/"));
}

bool
media_alike (const Media *a, const Media *b)
{
  return g_strcmp0 (a->boundary, b->boundary) == 0
         && (g_strcmp0 (a->type, b->type) == 0
             || (!has_parts (a) && !has_parts (b)));
}

Coding
coding_of (const Header *header)
{
  static const struct
  {
    const char *name;
    Coding coding;
  } codings[] = {
    { "7bit", CODING_7BIT },
    { "8bit", CODING_8BIT },
    { "binary", CODING_8BIT },
    { "quoted-printable", CODING_QUOTED_PRINTABLE },
    { "base64", CODING_BASE64 },
    { "", CODING_7BIT },
  };
  const Field *field = header_find (header, "Content-Transfer-Encoding");
  g_autofree char *token = NULL;
  const char *p;

  if (field == NULL)
    return CODING_7BIT;
  p = skip_blanks (field->body);
  token = take_token (&p);
  for (size_t i = 0; i < G_N_ELEMENTS (codings); i++)
    if (g_str_equal (token, codings[i].name))
      return codings[i].coding;
  return CODING_OTHER;
}

bool
coding_is_identity (Coding coding)
{
  return coding == CODING_7BIT || coding == CODING_8BIT;
}
