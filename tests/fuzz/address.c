/* Any octets as an address list: what is believed is safe on the wire and is
 * read again as what it was. */

#include "tests/fuzz/fuzz.h"

#include <string.h>

#include <glib.h>

#include "mail/address.h"

#define PROBLEM_MAXIMUM 400 /* octets of the address, and why */

static void
check_path (const char *path)
{
  g_autoptr (Address) again = address_parse (path, NULL);
  g_autofree char *same = NULL;

  check_shown (path, PATH_MAXIMUM);
  g_assert (strpbrk (path, "<>") == NULL);
  /* A lone piece of an encoded word is only believed in brackets. */
  if (again == NULL)
    {
      g_assert (g_str_has_prefix (path, "=?"));
      return;
    }
  same = address_path (again);
  g_assert (strcmp (path, same) == 0);
  g_assert (address_path_equal (path, same));
}

static void
check_same_path (const Address *a, const Address *b)
{
  g_autofree char *path = address_path (a);
  g_autofree char *other = address_path (b);

  g_assert (address_path_equal (path, other));
}

static void
check_mailbox (const Address *address)
{
  g_autofree char *mailbox = address_mailbox (address);
  g_autoptr (Address) again = address_parse (mailbox, NULL);

  for (const char *p = mailbox; *p != '\0'; p++)
    g_assert (*p != '\r' || (p[1] == '\n' && p[2] == ' '));
  if (again != NULL)
    check_same_path (address, again);
  else
    g_assert (g_str_has_prefix (mailbox, "=?"));
}

/* Pieces stand one behind the other, within the text. */
static void
check_pieces (const char *text, size_t size)
{
  g_autoptr (GArray) pieces = address_list_pieces (text, size);
  size_t end = 0;

  for (guint i = 0; i < pieces->len; i++)
    {
      AddressPiece piece = g_array_index (pieces, AddressPiece, i);

      g_assert (piece.start >= end && piece.length > 0);
      end = piece.start + piece.length;
      g_assert (end <= size);
      g_assert ((text[piece.start] == '(') == (piece.part == ADDRESS_COMMENT));
      g_assert (piece.part != ADDRESS_COMMENT || text[end - 1] == ')');
    }
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  const char *text = (const char *)data;
  g_autoptr (GPtrArray) addresses =
      g_ptr_array_new_with_free_func ((GDestroyNotify)address_free);
  g_autoptr (GPtrArray) problems = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GArray) gaps = address_list_unqualified (text, size);
  size_t last = 0;
  bool good = address_parse_list (text, size, addresses, problems);

  g_assert (good == (problems->len == 0));
  check_pieces (text, size);
  for (guint i = 0; i < addresses->len; i++)
    {
      g_autofree char *path = address_path (g_ptr_array_index (addresses, i));

      check_path (path);
      check_mailbox (g_ptr_array_index (addresses, i));
    }
  for (guint i = 0; i < problems->len; i++)
    check_shown (g_ptr_array_index (problems, i), PROBLEM_MAXIMUM);
  for (guint i = 0; i < gaps->len; i++)
    {
      size_t gap = g_array_index (gaps, size_t, i);

      g_assert (gap > last && gap <= size);
      last = gap;
    }
  return 0;
}
