#include "smtp/tls-anchors.h"

#include <stdint.h>
#include <string.h>

#define HEADER "-----BEGIN CERTIFICATE-----"
#define FOOTER "-----END CERTIFICATE-----"
#define DASHES "-----"

/* Identifier octets (ITU-T X.690 section 8.1.2). */
enum
{
  INTEGER = 0x02,
  BIT_STRING = 0x03,
  SEQUENCE = 0x30,
  CONTEXT_0 = 0xa0,
};

typedef struct
{
  gnutls_datum_t der, issuer, subject; /* within the octets */
} Anchor;

struct Anchors
{
  unsigned char *octets; /* of all certificates */
  GArray *anchors;
};

/* Base64 */

enum
{
  BLANK = 64,
  ODD,
};

typedef struct
{
  unsigned char values[256];
} Alphabet;

static void
alphabet_init (Alphabet *alphabet)
{
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                               "abcdefghijklmnopqrstuvwxyz0123456789+/";

  memset (alphabet->values, ODD, sizeof alphabet->values);
  for (unsigned i = 0; i < BLANK; i++)
    alphabet->values[(unsigned char) digits[i]] = (unsigned char) i;
  for (const char *p = " \t\r\n"; *p != '\0'; p++)
    alphabet->values[(unsigned char) *p] = BLANK;
}

static void
put_octets (unsigned char *out, uint32_t group)
{
  out[0] = (unsigned char) (group >> 16);
  out[1] = (unsigned char) (group >> 8);
  out[2] = (unsigned char) group;
}

/* The last digits, DIGITS of them in GROUP, of which nothing may be left over;
   END is what follows them. */
static bool
finish (uint32_t group, unsigned digits, const char *end, size_t length,
        const Alphabet *alphabet, unsigned char **out)
{
  unsigned padding = 0;

  for (size_t i = 0; i < length; i++)
    if (end[i] == '=')
      padding++;
    else if (alphabet->values[(unsigned char) end[i]] != BLANK)
      return false;
  if (digits == 0)
    return padding == 0;
  group <<= 6 * (4 - digits);
  if (digits == 1 || padding != 4 - digits
      || (group & (digits == 2 ? 0xffff : 0xff)) != 0)
    return false;
  for (unsigned i = 1; i < digits; i++)
    *(*out)++ = (unsigned char) (group >> (24 - 8 * i));
  return true;
}

/* The longest run of whole groups from TEXT on, to *OUT, which is moved on; how many
   digits it has. */
static size_t
decode_run (const char *text, size_t length, const Alphabet *alphabet,
            unsigned char **out)
{
  const unsigned char *values = alphabet->values;
  const unsigned char *in = (const unsigned char *) text;
  unsigned char *to = *out;
  size_t i;

  for (i = 0; i + 4 <= length; i += 4)
    {
      uint32_t a = values[in[i]], b = values[in[i + 1]];
      uint32_t c = values[in[i + 2]], d = values[in[i + 3]];

      if ((a | b | c | d) >= BLANK)
        break;
      put_octets (to, a << 18 | b << 12 | c << 6 | d);
      to += 3;
    }
  *out = to;
  return i;
}

/* RFC 4648 section 4, with blanks anywhere, to *OUT, which is moved on. */
static bool
decode (const char *text, size_t length, const Alphabet *alphabet,
        unsigned char **out)
{
  uint32_t group = 0;
  unsigned digits = 0;
  size_t i = 0;

  while (i < length && text[i] != '=')
    {
      unsigned value = alphabet->values[(unsigned char) text[i++]];

      if (value == ODD)
        return false;
      if (value != BLANK)
        {
          group = group << 6 | value;
          digits++;
        }
      if (digits == 4)
        {
          put_octets (*out, group);
          *out += 3;
          group = digits = 0;
        }
      if (digits == 0)
        i += decode_run (text + i, length - i, alphabet, out);
    }
  return finish (group, digits, text + i, length - i, alphabet, out);
}

/* DER */

/* How long its contents are, in the shortest form only; -1: that is not so.
   *AT is moved to them. */
static int64_t
read_length (const gnutls_datum_t *rest, unsigned *at)
{
  unsigned first = rest->data[1];
  unsigned octets = first & 0x7f;
  int64_t length = 0;

  *at = 2;
  if (first < 0x80)
    return first;
  if (octets == 0 || octets > 3 || rest->size < 2 + octets)
    return -1;
  for (unsigned i = 0; i < octets; i++)
    length = length << 8 | rest->data[2 + i];
  *at = 2 + octets;
  return length < 0x80 || length >> (8 * (octets - 1)) == 0 ? -1 : length;
}

/* Takes the element with TAG from the beginning of REST; WHOLE and CONTENTS
   are nullable. */
static bool
take (gnutls_datum_t *rest, unsigned tag, gnutls_datum_t *whole,
      gnutls_datum_t *contents)
{
  unsigned at;
  int64_t length;

  if (rest->size < 2 || rest->data[0] != tag)
    return false;
  length = read_length (rest, &at);
  if (length < 0 || length > rest->size - at)
    return false;
  if (contents != NULL)
    *contents = (gnutls_datum_t){ rest->data + at, (unsigned) length };
  at += (unsigned) length;
  if (whole != NULL)
    *whole = (gnutls_datum_t){ rest->data, at };
  rest->data += at;
  rest->size -= at;
  return true;
}

/* RFC 5280 section 4.1. */
static bool
read_certificate (const gnutls_datum_t *der, Anchor *anchor)
{
  gnutls_datum_t rest = *der;
  gnutls_datum_t certificate, body;

  anchor->der = *der;
  if (!take (&rest, SEQUENCE, NULL, &certificate) || rest.size != 0
      || !take (&certificate, SEQUENCE, NULL, &body)
      || !take (&certificate, SEQUENCE, NULL, NULL)
      || !take (&certificate, BIT_STRING, NULL, NULL) || certificate.size != 0)
    return false;
  (void) take (&body, CONTEXT_0, NULL, NULL);
  return take (&body, INTEGER, NULL, NULL) /* serial number */
         && take (&body, SEQUENCE, NULL, NULL)
         && take (&body, SEQUENCE, &anchor->issuer, NULL)
         && take (&body, SEQUENCE, NULL, NULL) /* validity */
         && take (&body, SEQUENCE, &anchor->subject, NULL)
         && take (&body, SEQUENCE, NULL, NULL); /* its key */
}

/* Bundles */

/* TEXT begins with a block, which is taken; its octets go to *OUT. */
static bool
take_block (gnutls_datum_t *text, const Alphabet *alphabet,
            unsigned char **out, Anchor *anchor)
{
  unsigned char *octets = *out;
  const char *begin = (const char *) text->data;
  const char *body = begin + strlen (HEADER);
  const char *end;
  size_t left;

  if (text->size < strlen (HEADER)
      || memcmp (begin, HEADER, strlen (HEADER)) != 0)
    return false;
  left = text->size - strlen (HEADER);
  end = memmem (body, left, DASHES, strlen (DASHES));
  if (end == NULL)
    return false;
  left -= (size_t) (end - body);
  if (left < strlen (FOOTER) || memcmp (end, FOOTER, strlen (FOOTER)) != 0
      || !decode (body, (size_t) (end - body), alphabet, out))
    return false;
  /* The last dashes may be the next one's first. */
  left -= strlen (FOOTER) - strlen (DASHES);
  text->data = (unsigned char *) end + strlen (FOOTER) - strlen (DASHES);
  text->size = (unsigned) left;
  return read_certificate (
      &(gnutls_datum_t){ octets, (unsigned) (*out - octets) }, anchor);
}

/* Drops what stands before the next block; whatever calls itself one counts.
 */
static bool
seek_block (gnutls_datum_t *text)
{
  static const char begin[] = "-----BEGIN ";
  unsigned char *at = memmem (text->data, text->size, begin, strlen (begin));

  if (at == NULL)
    return false;
  text->size -= (unsigned) (at - text->data);
  text->data = at;
  return true;
}

Anchors *
anchors_new (const gnutls_datum_t *pem)
{
  g_autoptr (Anchors) anchors = g_new0 (Anchors, 1);
  gnutls_datum_t text = *pem;
  unsigned char *out;
  Alphabet alphabet;

  alphabet_init (&alphabet);
  anchors->anchors = g_array_new (FALSE, FALSE, sizeof (Anchor));
  anchors->octets = out = g_malloc (pem->size / 4 * 3 + 3);
  while (seek_block (&text))
    {
      Anchor anchor;

      if (!take_block (&text, &alphabet, &out, &anchor))
        return NULL;
      g_array_append_val (anchors->anchors, anchor);
    }
  return anchors->anchors->len > 0 ? g_steal_pointer (&anchors) : NULL;
}

void
anchors_free (Anchors *anchors)
{
  if (anchors == NULL)
    return;
  g_array_unref (anchors->anchors);
  g_free (anchors->octets);
  g_free (anchors);
}

static bool
is_same (const gnutls_datum_t *a, const gnutls_datum_t *b)
{
  return a->size == b->size && memcmp (a->data, b->data, a->size) == 0;
}

static bool
is_named (const gnutls_datum_t *name, const Anchor *chain, unsigned count)
{
  for (unsigned i = 0; i < count; i++)
    if (is_same (name, &chain[i].issuer) || is_same (name, &chain[i].subject))
      return true;
  return false;
}

bool
anchors_find (const Anchors *anchors, const gnutls_datum_t *chain,
              unsigned count, GArray *found)
{
  g_autofree Anchor *read = g_new (Anchor, count);

  for (unsigned i = 0; i < count; i++)
    if (!read_certificate (&chain[i], &read[i]))
      return false;
  for (unsigned i = 0; i < anchors->anchors->len; i++)
    {
      const Anchor *anchor = &g_array_index (anchors->anchors, Anchor, i);

      if (is_named (&anchor->subject, read, count))
        g_array_append_val (found, anchor->der);
    }
  return true;
}
