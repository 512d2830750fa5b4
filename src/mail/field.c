#include "mail/field.h"

#include <string.h>

#include <glib/gi18n.h>

#include "base/failure.h"
#include "mail/address.h"
#include "mail/charset.h"
#include "mail/encoding.h"
#include "mail/fold.h"
#include "mail/media.h"

#define SOFT_LINE_MAXIMUM 76  /* of a line with encoded words */
#define NAME_SHOWN_MAXIMUM 60 /* octets of a field's name in a diagnostic */
#define PARAMETER_MAXIMUM 40  /* octets of a parameter's name */
#define WORD_ENOUGH 18        /* octets that begin a line's last word */
#define BLANKS_MAXIMUM 8      /* at the start of a line with encoded words */

static const char unknown_charset[] = "unknown-8bit";

/* A field on its way into another form. What stands before AT is done. */
typedef struct
{
  const char *text;
  size_t length;
  size_t at;
  GString *out;
  size_t before;       /* octets of the name and its colon */
  const char *charset; /* of what is not ASCII in TEXT */
  bool has_word;       /* the last line of OUT has an encoded word */
} Writer;

static bool
is_ascii (const char *text, size_t length)
{
  for (size_t i = 0; i < length; i++)
    {
      if ((unsigned char) text[i] >= 0x80)
        return false;
    }
  return true;
}

/* A line end is never without the blank that makes it a folding. */
static bool
is_blank (char c)
{
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static size_t
skip_blanks (const Writer *writer, size_t i, size_t end)
{
  while (i < end && is_blank (writer->text[i]))
    i++;
  return i;
}

/* Writing. */

/* How many octets stand in the last line. */
static size_t
column (const Writer *writer)
{
  const GString *out = writer->out;
  const char *feed = memrchr (out->str, '\n', out->len);

  if (feed == NULL)
    return writer->before + out->len;
  return out->len - (size_t) (feed + 1 - out->str);
}

static void
append (Writer *writer, const char *text, size_t length)
{
  g_string_append_len (writer->out, text, (gssize) length);
  if (memchr (text, '\n', length) != NULL)
    writer->has_word = false;
}

static void
copy_to (Writer *writer, size_t end)
{
  append (writer, writer->text + writer->at, end - writer->at);
  writer->at = end;
}

/* Copies up to END. The line is folded before what comes next where that would
   make a line with an encoded word too long. */
static void
copy_word (Writer *writer, size_t end)
{
  size_t start = skip_blanks (writer, writer->at, writer->length);
  size_t stop = start;

  while (writer->has_word && stop < writer->length
         && !is_blank (writer->text[stop])
         && stop - start <= SOFT_LINE_MAXIMUM)
    stop++;
  if (writer->has_word && start > writer->at && stop > start
      && memchr (writer->text + writer->at, '\n', start - writer->at) == NULL
      && column (writer) + (stop - writer->at) > SOFT_LINE_MAXIMUM)
    append (writer, "\r\n", 2);
  copy_to (writer, end);
}

/* Ends the line before its last blanks. */
static void
break_line (Writer *writer)
{
  GString *out = writer->out;
  size_t start = out->len;

  while (start > 0
         && (out->str[start - 1] == ' ' || out->str[start - 1] == '\t'))
    start--;
  if (out->len - start > BLANKS_MAXIMUM)
    g_string_truncate (out, start + 1);
  if (out->len == start)
    g_string_append_c (out, ' ');
  if (start == 0 || out->str[start - 1] != '\n')
    g_string_insert (out, (gssize) start, "\r\n");
  writer->has_word = false;
}

static void
write_words (Writer *writer, const GString *value)
{
  if (value->len == 0)
    return;
  if (encoding_words_room (column (writer), writer->charset)
      < MIN (value->len, WORD_ENOUGH))
    break_line (writer);
  encoding_append_words (writer->out, column (writer), value->str, value->len,
                         writer->charset);
  writer->has_word = true;
}

/* Encoded words: in a text, in a phrase, and in a comment. What belongs to one
   word, and what it stands for, is all that they differ in. */

typedef enum
{
  STYLE_TEXT,
  STYLE_PHRASE,
  STYLE_COMMENT,
} Style;

/* Whether the octet at I quotes the next one. */
static bool
is_pair (const Writer *writer, size_t i, size_t end, Style style, bool quoted)
{
  return writer->text[i] == '\\' && i + 1 < end && writer->text[i + 1] != '\r'
         && (quoted || style == STYLE_COMMENT);
}

static size_t
word_end (const Writer *writer, size_t i, size_t end, Style style)
{
  bool quoted = false;

  while (i < end && (quoted || !is_blank (writer->text[i])))
    {
      if (style == STYLE_PHRASE && writer->text[i] == '"')
        quoted = !quoted;
      i += is_pair (writer, i, end, style, quoted) ? 2 : 1;
    }
  return i;
}

/* Appends what the octets from I to END say. */
static void
append_value (const Writer *writer, size_t i, size_t end, Style style,
              GString *value)
{
  bool quoted = false;

  for (; i < end; i++)
    {
      char c = writer->text[i];

      if (style == STYLE_PHRASE && c == '"')
        {
          quoted = !quoted;
          continue;
        }
      if (is_pair (writer, i, end, style, quoted))
        c = writer->text[++i];
      if (c != '\r' && c != '\n')
        g_string_append_c (value, c);
    }
}

static bool
is_encoded_word (const char *word, size_t length)
{
  return length > 4 && memcmp (word, "=?", 2) == 0
         && memcmp (word + length - 2, "?=", 2) == 0;
}

/* Encodes the words from BLANK_END on that are not ASCII, the blanks between
   them as well, as readers drop those between encoded words. AFTER says that
   one stands before them already. */
static void
encode_run (Writer *writer, size_t blank_end, size_t end, Style style,
            bool after)
{
  g_autoptr (GString) value = g_string_new (NULL);
  size_t start = blank_end;
  size_t stop;

  if (after)
    append_value (writer, writer->at, blank_end, STYLE_TEXT, value);
  copy_to (writer, blank_end);
  for (;;)
    {
      stop = word_end (writer, start, end, style);
      append_value (writer, start, stop, style, value);
      writer->at = stop;
      start = skip_blanks (writer, stop, end);
      stop = word_end (writer, start, end, style);
      if (start == stop)
        break;
      if (is_ascii (writer->text + start, stop - start))
        {
          if (is_encoded_word (writer->text + start, stop - start))
            append_value (writer, writer->at, start, STYLE_TEXT, value);
          break;
        }
      append_value (writer, writer->at, start, STYLE_TEXT, value);
    }
  write_words (writer, value);
}

static void
encode_to (Writer *writer, size_t end, Style style)
{
  bool after = false;

  while (writer->at < end)
    {
      size_t start = skip_blanks (writer, writer->at, end);
      size_t stop = word_end (writer, start, end, style);
      const char *word = writer->text + start;

      if (is_ascii (word, stop - start))
        {
          after = is_encoded_word (word, stop - start);
          copy_word (writer, stop);
        }
      else
        {
          encode_run (writer, start, end, style, after);
          after = true;
        }
    }
}

/* A comment, whose parentheses stay. */
static void
encode_comment (Writer *writer, size_t end)
{
  while (writer->at < end)
    {
      size_t i = writer->at;

      while (i < end && writer->text[i] != '(' && writer->text[i] != ')')
        i += is_pair (writer, i, end, STYLE_COMMENT, false) ? 2 : 1;
      encode_to (writer, i, STYLE_COMMENT);
      copy_to (writer, MIN (i + 1, end));
    }
}

/* An encoded word in a phrase needs blanks around it. */
static void
encode_name (Writer *writer, size_t end)
{
  const GString *out = writer->out;

  if (is_ascii (writer->text + writer->at, end - writer->at))
    {
      copy_word (writer, end);
      return;
    }
  if (writer->at > 0 && !is_blank (out->str[out->len - 1])
      && !is_blank (writer->text[writer->at]))
    append (writer, " ", 1);
  encode_to (writer, end, STYLE_PHRASE);
  if (end < writer->length && !is_blank (writer->text[end])
      && !is_blank (writer->text[end - 1]))
    append (writer, " ", 1);
}

/* Fields by their kind. */

/* The next octets, which have no other form. */
static bool
keep_to (Writer *writer, size_t end)
{
  size_t start = writer->at;

  copy_word (writer, end);
  return is_ascii (writer->text + start, end - start);
}

static bool
encode_text (Writer *writer)
{
  encode_to (writer, writer->length, STYLE_TEXT);
  return true;
}

static bool
encode_domain (Writer *writer, size_t end)
{
  g_autofree char *domain = NULL;
  g_autofree char *path = NULL;
  g_autofree char *ascii = NULL;
  g_autoptr (Address) address = NULL;

  if (is_ascii (writer->text + writer->at, end - writer->at))
    return keep_to (writer, end);
  domain = g_strndup (writer->text + writer->at, end - writer->at);
  path = g_strconcat ("x@", domain, NULL);
  address = address_parse (path, NULL);
  if (address != NULL)
    ascii = address_domain_ascii (address->domain, NULL);
  if (ascii == NULL)
    return false;
  append (writer, ascii, strlen (ascii));
  writer->at = end;
  return true;
}

static bool
encode_addresses (Writer *writer)
{
  g_autoptr (GArray) pieces =
      address_list_pieces (writer->text, writer->length);
  bool good = true;

  for (guint i = 0; i < pieces->len && good; i++)
    {
      AddressPiece piece = g_array_index (pieces, AddressPiece, i);
      size_t end = piece.start + piece.length;

      good = keep_to (writer, piece.start);
      if (piece.part == ADDRESS_NAME)
        encode_name (writer, end);
      else if (piece.part == ADDRESS_COMMENT)
        encode_comment (writer, end);
      else if (piece.part == ADDRESS_DOMAIN)
        good = good && encode_domain (writer, end);
      else
        copy_to (writer, end);
    }
  return good && keep_to (writer, writer->length);
}

/* The end of the quoted string or comment that begins at I. */
static size_t
enclosed_end (const Writer *writer, size_t i)
{
  bool comment = writer->text[i] == '(';
  size_t depth = 0;

  do
    {
      char c = writer->text[i++];

      if (c == '\\')
        i++;
      else if (comment ? c == '(' : depth == 0)
        depth++;
      else if (c == (comment ? ')' : '"'))
        depth--;
    }
  while (depth > 0 && i < writer->length);
  return MIN (i, writer->length);
}

/* Where in I to END the first KIND stands, in no quoted string and in no
   comment; or END. */
static size_t
find (const Writer *writer, size_t i, size_t end, char kind)
{
  while (i < end && writer->text[i] != kind)
    i = strchr ("(\"", writer->text[i]) != NULL ? enclosed_end (writer, i)
                                                : i + 1;
  return MIN (i, end);
}

static bool
encode_comments_to (Writer *writer, size_t end)
{
  bool good = true;

  while (writer->at < end && good)
    {
      size_t comment = find (writer, writer->at, end, '(');

      good = keep_to (writer, comment);
      if (comment < end)
        encode_comment (writer, MIN (enclosed_end (writer, comment), end));
    }
  return good;
}

static bool
encode_comments (Writer *writer)
{
  return encode_comments_to (writer, writer->length);
}

/* Parameters, RFC 2231. */

static void
append_extended (GString *out, const char *text, size_t length)
{
  for (size_t i = 0; i < length; i++)
    {
      if (g_ascii_isalnum (text[i]) || strchr ("-._", text[i]) != NULL)
        g_string_append_c (out, text[i]);
      else
        g_string_append_printf (out, "%%%02X", (unsigned char) text[i]);
    }
}

/* VALUE as the parameter NAME: in one piece where that fits a line, else in
   several, each of whole characters. */
static void
append_parameter (Writer *writer, const char *name, const GString *value)
{
  const char *p = value->str;
  const char *end = p + value->len;
  bool utf8 = strcmp (writer->charset, "UTF-8") == 0;
  g_autoptr (GString) part = g_string_new (NULL);

  g_string_printf (part, "%s*=%s''", name, writer->charset);
  append_extended (part, p, value->len);
  if (column (writer) + part->len >= SOFT_LINE_MAXIMUM)
    break_line (writer);
  if (part->len + 1 >= SOFT_LINE_MAXIMUM)
    g_string_printf (part, "%s*0*=%s''", name, writer->charset);
  else
    p = end;
  for (unsigned i = 1; p < end; i++)
    {
      do
        {
          const char *next = utf8 ? g_utf8_next_char (p) : p + 1;

          append_extended (part, p, (size_t) (next - p));
          p = next;
        }
      while (p < end
             && part->len + strlen ("%F0%9F%98%80;") < SOFT_LINE_MAXIMUM);
      if (p == end)
        break;
      g_string_append_printf (writer->out, "%s;\r\n ", part->str);
      g_string_printf (part, "%s*%u*=", name, i);
    }
  g_string_append_len (writer->out, part->str, (gssize) part->len);
}

/* The value that begins at I and, where it is not quoted, ends before END. */
static size_t
read_value (const Writer *writer, size_t i, size_t end, GString *value)
{
  size_t stop = end;

  if (i < end && writer->text[i] == '"')
    {
      stop = enclosed_end (writer, i);
      append_value (writer, i, stop, STYLE_PHRASE, value);
      return stop;
    }
  while (stop > i && is_blank (writer->text[stop - 1]))
    stop--;
  append_value (writer, i, stop, STYLE_TEXT, value);
  return stop;
}

/* Writes up to END what claims to be encoded already. */
static void
append_percent (Writer *writer, size_t end)
{
  for (; writer->at < end; writer->at++)
    {
      unsigned char c = (unsigned char) writer->text[writer->at];

      if (c < 0x80)
        g_string_append_c (writer->out, (char) c);
      else
        g_string_append_printf (writer->out, "%%%02X", c);
    }
}

/* Writes up to END what stands beside its own extended form, or is a part of a
   value whose other parts are not encoded. */
static void
append_substitute (Writer *writer, size_t end)
{
  for (; writer->at < end; writer->at++)
    {
      unsigned char c = (unsigned char) writer->text[writer->at];

      if (c < 0x80 || c >= 0xc0)
        g_string_append_c (writer->out, c < 0x80 ? (char) c : '_');
    }
}

/* The name of the parameter from START to END, in lower case; NULL where that
   is none. */
static char *
parameter_name (const Writer *writer, size_t start, size_t end)
{
  size_t equals = find (writer, start, end, '=');
  g_autofree char *name = NULL;

  if (equals == end)
    return NULL;
  name = g_ascii_strdown (writer->text + start, (gssize) (equals - start));
  g_strstrip (name);
  if (name[0] == '\0' || strlen (name) > PARAMETER_MAXIMUM
      || !g_str_is_ascii (name) || strpbrk (name, " \t\r\n(\"") != NULL)
    return NULL;
  return g_steal_pointer (&name);
}

/* The names of the parameters that are there in their extended form, without
   the asterisk. */
static GHashTable *
extended_names (const Writer *writer)
{
  GHashTable *names =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  size_t start = 0;

  while (start < writer->length)
    {
      size_t end = find (writer, start, writer->length, ';');
      char *name = parameter_name (writer, start, end);
      char *star = name != NULL ? strchr (name, '*') : NULL;

      if (star != NULL)
        {
          *star = '\0';
          g_hash_table_add (names, name);
        }
      else
        g_free (name);
      start = end + 1;
    }
  return names;
}

static bool
encode_parameter (Writer *writer, size_t end, GHashTable *extended)
{
  size_t start = skip_blanks (writer, writer->at, end);
  g_autoptr (GString) value = g_string_new (NULL);
  g_autofree char *name = NULL;
  size_t equals, stop;

  if (!is_ascii (writer->text + start, end - start))
    name = parameter_name (writer, start, end);
  if (name == NULL)
    return encode_comments_to (writer, end);
  equals = find (writer, start, end, '=');
  stop =
      read_value (writer, skip_blanks (writer, equals + 1, end), end, value);
  if (is_ascii (value->str, value->len))
    return encode_comments_to (writer, end);
  copy_to (writer, start);
  if (g_str_has_suffix (name, "*"))
    append_percent (writer, stop);
  else if (strchr (name, '*') != NULL
           || g_hash_table_contains (extended, name))
    append_substitute (writer, stop);
  else
    append_parameter (writer, name, value);
  writer->at = stop;
  return encode_comments_to (writer, end);
}

static bool
encode_parameters (Writer *writer)
{
  g_autoptr (GHashTable) extended = extended_names (writer);
  bool good = true;

  while (writer->at < writer->length && good)
    {
      size_t end = find (writer, writer->at, writer->length, ';');

      good = encode_parameter (writer, end, extended);
      if (end < writer->length)
        copy_to (writer, end + 1);
    }
  return good;
}

static bool
encode_nothing (Writer *writer)
{
  return keep_to (writer, writer->length);
}

typedef bool (*Encoder) (Writer *writer);

static const struct
{
  const char *name;
  Encoder encode;
} kinds[] = {
  { "From", encode_addresses },
  { "Sender", encode_addresses },
  { "Reply-To", encode_addresses },
  { "To", encode_addresses },
  { "Cc", encode_addresses },
  { "Bcc", encode_addresses },
  { "Resent-From", encode_addresses },
  { "Resent-Sender", encode_addresses },
  { "Resent-Reply-To", encode_addresses },
  { "Resent-To", encode_addresses },
  { "Resent-Cc", encode_addresses },
  { "Resent-Bcc", encode_addresses },
  { "Apparently-To", encode_addresses },
  { "Disposition-Notification-To", encode_addresses },
  { "Errors-To", encode_addresses },
  { "Mail-Followup-To", encode_addresses },
  { "Mail-Reply-To", encode_addresses },
  { "Return-Receipt-To", encode_addresses },
  { "Content-Type", encode_parameters },
  { "Content-Disposition", encode_parameters },
  { "Date", encode_comments },
  { "Message-ID", encode_comments },
  { "In-Reply-To", encode_comments },
  { "References", encode_comments },
  { "Resent-Date", encode_comments },
  { "Resent-Message-ID", encode_comments },
  { "Received", encode_comments },
  { "Return-Path", encode_comments },
  { "MIME-Version", encode_comments },
  { "Content-Transfer-Encoding", encode_comments },
  { "Content-ID", encode_comments },
  { "Content-Language", encode_comments },
  { "Content-Location", encode_comments },
  { "Auto-Submitted", encode_comments },
  { "Authentication-Results", encode_comments },
  { "Received-SPF", encode_comments },
  { "DKIM-Signature", encode_nothing },
  { "DomainKey-Signature", encode_nothing },
  { "ARC-Seal", encode_nothing },
  { "ARC-Message-Signature", encode_nothing },
  { "ARC-Authentication-Results", encode_nothing },
};

static Encoder
encoder (const char *name)
{
  for (size_t i = 0; i < G_N_ELEMENTS (kinds); i++)
    {
      if (g_ascii_strcasecmp (name, kinds[i].name) == 0)
        return kinds[i].encode;
    }
  return encode_text;
}

/* Folding. */

/* BODY, a list of addresses, with a blank behind each comma. */
static char *
part_addresses (const char *body)
{
  g_autoptr (GArray) pieces = address_list_pieces (body, strlen (body));
  g_autoptr (GString) out = g_string_new (NULL);
  size_t at = 0;

  for (guint i = 0; i < pieces->len; i++)
    {
      AddressPiece piece = g_array_index (pieces, AddressPiece, i);
      size_t end = piece.start + piece.length;

      if (piece.part != ADDRESS_COMMA || is_blank (body[end])
          || body[end] == '\0')
        continue;
      g_string_append_len (out, body + at, (gssize) (end - at));
      g_string_append_c (out, ' ');
      at = end;
    }
  g_string_append (out, body + at);
  return g_string_free (g_steal_pointer (&out), FALSE);
}

static char *
fold_body (const char *name, const char *body)
{
  size_t before = strlen (name) + 1;
  g_autofree char *folded = NULL;
  g_autofree char *parted = NULL;

  folded = fold_lines (body, before);
  if (folded != NULL || encoder (name) != encode_addresses)
    return g_steal_pointer (&folded);
  parted = part_addresses (body);
  return fold_lines (parted, before);
}

static void
set_long_line (const Field *field, GError **error)
{
  g_set_error (error, FAILURE, FAILURE_DATA,
               _ ("the %.*s field has a line of more than %d octets, and no "
                  "blank to fold it at"),
               NAME_SHOWN_MAXIMUM, field->name, FOLD_MAXIMUM);
}

/* The calls. */

static bool
refuse_sealed (const Field *field, GError **error)
{
  g_set_error (error, FAILURE, FAILURE_DATA,
               _ ("the %.*s field has to be changed before the message can be "
                  "sent, which would break the message's signature"),
               NAME_SHOWN_MAXIMUM, field->name);
  return false;
}

static bool
refuse_encoding (const char *name, GError **error)
{
  g_set_error (error, FAILURE, FAILURE_DATA,
               _ ("the %.*s field has characters that are not ASCII where "
                  "they cannot be encoded"),
               NAME_SHOWN_MAXIMUM, name);
  return false;
}

/* A broken Content-Type that is encoded may be understood otherwise. */
static bool
keeps_parts (const Header *header, const Media *before, GError **error)
{
  g_autoptr (Media) now = media_of (header);

  return media_alike (before, now) || refuse_encoding ("Content-Type", error);
}

/* Encodes FIELD, whose body is BODY now, in CHARSET. */
static bool
encode_field (Header *header, const Field *field, const char *body,
              const char *charset, bool sealed, GError **error)
{
  g_autoptr (GString) out = g_string_new (NULL);
  g_autofree char *folded = NULL;
  Writer writer = { .text = body,
                    .length = strlen (body),
                    .out = out,
                    .before = strlen (field->name) + 1,
                    .charset = charset };

  if (sealed)
    return refuse_sealed (field, error);
  if (!encoder (field->name) (&writer))
    return refuse_encoding (field->name, error);
  folded = fold_body (field->name, out->str);
  if (folded != NULL)
    header_replace (header, field, folded);
  else
    set_long_line (field, error);
  return folded != NULL;
}

bool
field_make_ascii (Header *header, bool sealed, GError **error)
{
  g_autoptr (Media) media = media_of (header);

  for (guint i = 0; i < header->fields->len; i++)
    {
      const Field *field = g_ptr_array_index (header->fields, i);
      bool utf8 = g_utf8_validate (field->body, -1, NULL);

      if (!g_str_is_ascii (field->body)
          && !encode_field (header, field, field->body,
                            utf8 ? "UTF-8" : unknown_charset, sealed, error))
        return false;
    }
  return keeps_parts (header, media, error);
}

bool
field_make_utf8 (Header *header, const char *charset, bool sealed,
                 GError **error)
{
  g_autoptr (Media) media = media_of (header);

  for (guint i = 0; i < header->fields->len; i++)
    {
      const Field *field = g_ptr_array_index (header->fields, i);
      g_autofree char *body = NULL;

      if (g_utf8_validate (field->body, -1, NULL))
        continue;
      body = charset_to_utf8 (field->body, charset);
      if (!encode_field (header, field, body != NULL ? body : field->body,
                         body != NULL ? "UTF-8" : unknown_charset, sealed,
                         error))
        return false;
    }
  return keeps_parts (header, media, error);
}

bool
field_fold (Header *header, bool sealed, GError **error)
{
  for (guint i = 0; i < header->fields->len; i++)
    {
      const Field *field = g_ptr_array_index (header->fields, i);
      g_autofree char *body = NULL;

      if (!fold_is_needed (field->body, strlen (field->name) + 1))
        continue;
      if (sealed)
        return refuse_sealed (field, error);
      body = fold_body (field->name, field->body);
      if (body == NULL)
        {
          set_long_line (field, error);
          return false;
        }
      header_replace (header, field, body);
    }
  return true;
}
