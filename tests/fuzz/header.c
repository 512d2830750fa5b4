/* Any octets as the lines of a header, which is then made ready to leave: what
 * comes out is fields and nothing else, no Bcc, no line that is too long, valid
 * UTF-8 or, if wanted, ASCII, and the addresses of before. */

#include "tests/fuzz/fuzz.h"

#include <string.h>

#include <glib.h>

#include "mail/compose.h"
#include "mail/envelope.h"
#include "mail/field.h"

static void
check_text (const Header *header)
{
  g_autoptr (GString) text = header_to_string (header);
  g_autoptr (Header) again = header_new ();
  g_autoptr (GString) same = NULL;
  g_auto (GStrv) lines = g_strsplit (text->str, "\r\n", -1);

  g_assert (strlen (text->str) == text->len);
  for (char **line = lines; **line != '\0'; line++)
    {
      g_assert (strpbrk (*line, "\r\n") == NULL);
      if (!header_add_line (again, *line, strlen (*line), NULL))
        return;
    }
  same = header_to_string (again);
  g_assert (g_string_equal (text, same));
  g_assert (header_count (again, "Bcc") == header_count (header, "Bcc"));
}

/* The paths of all fields that may have some, in ASCII where they can be. */
static Envelope *
addresses_of (const Header *header)
{
  static const char *const names[] = { "From", "Reply-To", "To", "Cc" };
  Envelope *envelope = envelope_new ();

  for (guint i = 0; i < header->fields->len; i++)
    {
      const Field *field = g_ptr_array_index (header->fields, i);
      g_autoptr (GPtrArray) addresses =
          g_ptr_array_new_with_free_func ((GDestroyNotify)address_free);

      for (size_t j = 0; j < G_N_ELEMENTS (names); j++)
        {
          if (g_ascii_strcasecmp (field->name, names[j]) == 0)
            address_parse_list (field->body, strlen (field->body), addresses,
                                NULL);
        }
      for (guint j = 0; j < addresses->len; j++)
        {
          Address *address = g_ptr_array_index (addresses, j);
          g_autofree char *path = NULL;
          char *ascii = address->domain != NULL
                            ? address_domain_ascii (address->domain, NULL)
                            : NULL;

          if (ascii != NULL)
            {
              g_free (address->domain);
              address->domain = ascii;
            }
          path = address_path (address);
          envelope_add (envelope, path);
        }
    }
  return envelope;
}

/* All of BEFORE are there still. What was bad may be good now: a name with an
   "@" in it is an encoded word. */
static void
check_addresses (const Header *header, const Envelope *before)
{
  g_autoptr (Envelope) after = addresses_of (header);

  for (guint i = 0; i < before->forward_paths->len; i++)
    {
      const char *path = g_ptr_array_index (before->forward_paths, i);

      g_assert (g_ptr_array_find_with_equal_func (
          after->forward_paths, path,
          (GEqualFunc)(void (*) (void))address_path_equal, NULL));
    }
}

static void
check_lines (const Header *header)
{
  for (guint i = 0; i < header->fields->len; i++)
    {
      const Field *field = g_ptr_array_index (header->fields, i);
      g_auto (GStrv) lines = g_strsplit (field->body, "\r\n", -1);

      for (char **line = lines; *line != NULL; line++)
        {
          size_t before = line == lines ? strlen (field->name) + 1 : 0;

          g_assert (before + strlen (*line) <= 998);
          g_assert (before > 0 || **line == ' ' || **line == '\t');
        }
    }
}

static void
check_fields (Header *header, const char *charset)
{
  g_autoptr (Envelope) before = NULL;

  if (!field_make_utf8 (header, charset, false, NULL)
      || !field_fold (header, false, NULL))
    return;
  check_lines (header);
  check_text (header);
  for (guint i = 0; i < header->fields->len; i++)
    {
      const Field *field = g_ptr_array_index (header->fields, i);

      g_assert (g_utf8_validate (field->body, -1, NULL));
    }
  before = addresses_of (header);
  if (!field_make_ascii (header, false, NULL))
    return;
  check_lines (header);
  check_text (header);
  for (guint i = 0; i < header->fields->len; i++)
    {
      const Field *field = g_ptr_array_index (header->fields, i);

      g_assert (g_str_is_ascii (field->body));
    }
  check_addresses (header, before);
  g_assert (field_make_ascii (header, true, NULL));
  g_assert (field_make_utf8 (header, NULL, true, NULL));
  g_assert (field_fold (header, true, NULL));
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  static const Address from = { (char *)"Me", (char *)"me",
                                (char *)"x.example" };
  static const ComposeParams params = { &from, "d.example", 0 };
  static const char *const charsets[] = { NULL, "iso-8859-1", "iso-8859-2",
                                          "euc-jp", "shift_jis" };
  const char *p = (const char *)data;
  const char *end = p + size;
  g_autoptr (Header) header = header_new ();
  g_autoptr (Envelope) envelope = envelope_new ();

  while (p < end)
    {
      const char *feed = memchr (p, '\n', (size_t)(end - p));
      const char *stop = feed != NULL ? feed : end;
      HeaderLine kind = header_line_kind (p, (size_t)(stop - p));

      if (kind == HEADER_LINE_FIELD
          || (kind == HEADER_LINE_CONTINUATION && header->fields->len > 0))
        header_add_line (header, p, (size_t)(stop - p), NULL);
      p = stop + 1;
    }
  check_text (header);
  envelope_add_header (envelope, header, NULL);
  if (!compose (header, &params, NULL))
    return 0;
  check_text (header);
  g_assert (header_count (header, "Bcc") == 0);
  g_assert (header_count (header, "From") == 1);
  g_assert (header_count (header, "Date") == 1);
  g_assert (header_count (header, "Message-ID") == 1);
  check_fields (header, charsets[size % G_N_ELEMENTS (charsets)]);
  return 0;
}
