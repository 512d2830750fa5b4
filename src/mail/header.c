#include "mail/header.h"

#include <string.h>

#include <glib/gi18n.h>

#include "base/failure.h"

static void
field_free (void *data)
{
  Field *field = data;

  g_free (field->name);
  g_free (field->body);
  g_free (field);
}

Header *
header_new (void)
{
  Header *header = g_new0 (Header, 1);

  header->fields = g_ptr_array_new_with_free_func (field_free);
  return header;
}

void
header_free (Header *header)
{
  if (header == NULL)
    return;
  g_ptr_array_unref (header->fields);
  g_free (header);
}

static bool
is_blank (char c)
{
  return c == ' ' || c == '\t';
}

/* Length of the name that LINE begins with: ftext of RFC 5322 section 3.6.8.
 */
static size_t
name_length (const char *line, size_t length)
{
  size_t i = 0;

  while (i < length && line[i] > ' ' && line[i] < '\177' && line[i] != ':')
    i++;
  return i;
}

/* The first octet from START on that is neither a blank nor a bare CR. */
static size_t
skip_blanks (const char *line, size_t start, size_t length)
{
  while (start < length && (is_blank (line[start]) || line[start] == '\r'))
    start++;
  return start;
}

HeaderLine
header_line_kind (const char *line, size_t length)
{
  size_t name = name_length (line, length);
  size_t colon = name;

  if (skip_blanks (line, 0, length) == length)
    return HEADER_LINE_END;
  if (is_blank (line[0]))
    return HEADER_LINE_CONTINUATION;
  while (colon < length && is_blank (line[colon]))
    colon++;
  if (name > 0 && colon < length && line[colon] == ':')
    return HEADER_LINE_FIELD;
  return HEADER_LINE_OTHER;
}

static bool
check_line (Header *header, const char *line, size_t length, GError **error)
{
  if (memchr (line, '\0', length) != NULL)
    {
      g_set_error_literal (error, FAILURE, FAILURE_DATA,
                           _ ("the message header has a NUL octet"));
      return false;
    }
  if (memchr (line, '\r', length) != NULL)
    {
      g_set_error_literal (error, FAILURE, FAILURE_DATA,
                           _ ("the message header has a carriage return "
                              "within a line"));
      return false;
    }
  if (length + 2 > HEADER_MAXIMUM - header->size)
    {
      g_set_error (error, FAILURE, FAILURE_DATA,
                   _ ("the message header is longer than %d octets"),
                   HEADER_MAXIMUM);
      return false;
    }
  header->size += length + 2;
  return true;
}

/* What the last field had allocated is of no use once another one is last. */
static void
add_field (Header *header, int index, char *name, char *body)
{
  Field *field = g_new (Field, 1);

  field->name = name;
  field->body = body;
  g_ptr_array_insert (header->fields, index, field);
  header->room = 0;
}

/* Appends LINE to the last body, with CRLF before it. Room is doubled, so that
   many short lines cost no more than a long one. */
static void
append_line (Header *header, const char *line, size_t length)
{
  Field *field = g_ptr_array_index (header->fields, header->fields->len - 1);
  size_t tail = header->room > 0 ? header->tail : strlen (field->body);

  if (tail + 2 + length + 1 > header->room)
    {
      header->room = 2 * (tail + 2 + length + 1);
      field->body = g_realloc (field->body, header->room);
    }
  memcpy (field->body + tail, "\r\n", 2);
  memcpy (field->body + tail + 2, line, length);
  header->tail = tail + 2 + length;
  field->body[header->tail] = '\0';
}

bool
header_add_line (Header *header, const char *line, size_t length,
                 GError **error)
{
  g_autofree char *copy = NULL;
  size_t name = name_length (line, length);
  const char *colon;

  if (!check_line (header, line, length, error))
    return false;
  copy = g_strndup (line, length);
  g_strdelimit (copy, "\n", ' ');
  if (header_line_kind (line, length) == HEADER_LINE_CONTINUATION)
    {
      g_assert (header->fields->len > 0);
      append_line (header, copy, length);
      return true;
    }
  colon = strchr (copy, ':');
  g_assert (name > 0 && colon != NULL);
  if (header->fields->len >= HEADER_MAXIMUM_FIELDS)
    {
      g_set_error (error, FAILURE, FAILURE_DATA,
                   _ ("the message header has more than %d fields"),
                   HEADER_MAXIMUM_FIELDS);
      return false;
    }
  add_field (header, -1, g_strndup (copy, name), g_strdup (colon + 1));
  return true;
}

const Field *
header_find (const Header *header, const char *name)
{
  for (guint i = 0; i < header->fields->len; i++)
    {
      const Field *field = g_ptr_array_index (header->fields, i);

      if (g_ascii_strcasecmp (field->name, name) == 0)
        return field;
    }
  return NULL;
}

size_t
header_count (const Header *header, const char *name)
{
  size_t count = 0;

  for (guint i = 0; i < header->fields->len; i++)
    {
      const Field *field = g_ptr_array_index (header->fields, i);

      if (g_ascii_strcasecmp (field->name, name) == 0)
        count++;
    }
  return count;
}

size_t
header_remove (Header *header, const char *name)
{
  size_t count = 0;

  for (guint i = header->fields->len; i > 0; i--)
    {
      const Field *field = g_ptr_array_index (header->fields, i - 1);

      if (g_ascii_strcasecmp (field->name, name) == 0)
        {
          g_ptr_array_remove_index (header->fields, i - 1);
          count++;
        }
    }
  header->room = 0;
  return count;
}

/* Whether P is a folding: CRLF, a blank, and not only blanks on that line, as
   such a line would end the header for some readers. */
static bool
is_folding (const char *p)
{
  if (p[0] != '\r' || p[1] != '\n' || !is_blank (p[2]))
    return false;
  p += 2 + strspn (p + 2, " \t");
  return *p != '\0' && *p != '\r' && *p != '\n';
}

static char *
clean_body (const char *body, bool tight)
{
  bool space = !tight && !is_blank (body[0]) && !is_folding (body);
  char *clean = g_strconcat (space ? " " : "", body, NULL);

  for (char *p = clean; *p != '\0'; p++)
    {
      if (is_folding (p))
        p += 2;
      else if (*p == '\r' || *p == '\n')
        *p = ' ';
    }
  return clean;
}

void
header_prepend (Header *header, const char *name, const char *body)
{
  add_field (header, 0, g_strdup (name), clean_body (body, false));
}

void
header_append (Header *header, const char *name, const char *body)
{
  add_field (header, -1, g_strdup (name), clean_body (body, false));
}

void
header_replace (Header *header, const Field *field, const char *body)
{
  guint index;
  Field *own;
  bool tight;

  if (!g_ptr_array_find (header->fields, field, &index))
    g_assert_not_reached ();
  own = g_ptr_array_index (header->fields, index);
  tight = own->body[0] != '\0' && !is_blank (own->body[0]);
  g_free (own->body);
  own->body = clean_body (body, tight);
  header->room = 0;
}

char *
header_unfold (const char *body)
{
  char *text = g_malloc (strlen (body) + 1);
  char *out = text;

  for (const char *p = body; *p != '\0'; p++)
    {
      if (p[0] == '\r' && p[1] == '\n' && is_blank (p[2]))
        p++;
      else
        *out++ = *p;
    }
  *out = '\0';
  return g_strstrip (text);
}

GString *
header_to_string (const Header *header)
{
  GString *out = g_string_sized_new (header->size + 1024);

  for (guint i = 0; i < header->fields->len; i++)
    {
      const Field *field = g_ptr_array_index (header->fields, i);

      g_string_append (out, field->name);
      g_string_append_c (out, ':');
      g_string_append (out, field->body);
      g_string_append (out, "\r\n");
    }
  g_string_append (out, "\r\n");
  return out;
}
