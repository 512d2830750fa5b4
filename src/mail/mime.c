#include "mail/mime.h"

#include <string.h>

#include <glib/gi18n.h>

#include "base/failure.h"
#include "base/text.h"
#include "mail/message.h"

#define BLOCK (64 * 1024)
#define NOBODY G_MAXUINT

/* A line, or a piece of one that is longer than BLOCK. */
typedef struct
{
  const char *octets; /* with its end, if that is in the piece */
  size_t length;
  uint64_t offset;
  bool begins; /* it is the first piece */
  bool ends;
} Line;

typedef struct
{
  int fd;
  uint64_t offset; /* of the octets that are not in BUFFER yet */
  uint64_t end;
  char *buffer;
  size_t start; /* what of BUFFER has not been given out */
  size_t fill;
  bool inside; /* the last one given out did not end */
} Reader;

/* A composite part whose end has not come yet. */
typedef struct
{
  guint part;
  char *boundary; /* NULL: it has none, or its close-delimiter has come */
  bool digest;
  bool has_parts;
} Level;

/* What the next line is: one of a part's header; or of the body of a part that
   is no composite; or it stands between the parts of a composite. */
typedef struct
{
  Reader reader;
  GArray *parts;
  GArray *levels; /* of Level */
  Header *header; /* of the current part; NULL: it is complete */
  guint current;  /* the part that is open, inside the last level */
  uint64_t line_length;
  bool may_be_mbox; /* a "From " line may stand before the header */
} Scan;

static Part *
part_at (const Scan *scan, guint i)
{
  return &g_array_index (scan->parts, Part, i);
}

static Level *
level_at (const Scan *scan, guint i)
{
  return &g_array_index (scan->levels, Level, i);
}

static void
part_clear (void *data)
{
  Part *part = data;

  g_free (part->type);
  g_free (part->charset);
}

static void
level_clear (void *data)
{
  Level *level = data;

  g_free (level->boundary);
}

/* Moves what is left to the start of the buffer, and fills it up. */
static bool
refill (Reader *reader, GError **error)
{
  size_t left = reader->fill - reader->start;
  size_t part = (size_t) MIN (reader->end - reader->offset, BLOCK - left);

  memmove (reader->buffer, reader->buffer + reader->start, left);
  reader->start = 0;
  reader->fill = left + part;
  reader->offset += part;
  return content_read (reader->fd, reader->buffer + left, part,
                       reader->offset - part, error);
}

/* How much of a line that does not fit is given out now: neither its last
   character nor CR CR LF is cut apart. */
static size_t
cut_line (const char *octets, size_t length)
{
  size_t cut = length - 1;

  /* pread wrote all that there is up to LENGTH, which is a whole block.
     NOLINTNEXTLINE(clang-analyzer-core.UndefinedBinaryOperatorResult) */
  while (cut > length - 4 && ((unsigned char) octets[cut] & 0xc0) == 0x80)
    cut--;
  return cut;
}

/* False at the end, or with ERROR. */
static bool
next_line (Reader *reader, Line *line, GError **error)
{
  const char *octets = reader->buffer + reader->start;
  size_t left = reader->fill - reader->start;
  const char *feed = memchr (octets, '\n', left);

  if (feed == NULL && reader->offset < reader->end)
    {
      if (!refill (reader, error))
        return false;
      octets = reader->buffer;
      left = reader->fill;
      feed = memchr (octets, '\n', left);
    }
  line->octets = octets;
  line->offset = reader->offset - left;
  line->begins = !reader->inside;
  line->length = feed != NULL ? (size_t) (feed + 1 - octets) : left;
  line->ends = feed != NULL || reader->offset == reader->end;
  if (!line->ends)
    line->length = cut_line (octets, left);
  reader->inside = !line->ends;
  reader->start += line->length;
  return line->length > 0;
}

static size_t
text_length (const Line *line)
{
  size_t length = line->length;

  /* As above.
     NOLINTNEXTLINE(clang-analyzer-core.UndefinedBinaryOperatorResult) */
  if (line->ends && length > 0 && line->octets[length - 1] == '\n')
    length--;
  if (line->ends && length > 0 && line->octets[length - 1] == '\r')
    length--;
  return length;
}

/* NUL is a character like others. */
static bool
is_utf8 (const char *octets, size_t length)
{
  const char *end = octets + length;

  while (!g_utf8_validate_len (octets, (size_t) (end - octets), &octets))
    {
      if (*octets != '\0')
        return false;
      octets++;
    }
  return true;
}

static void
note (Scan *scan, Facts *facts, const Line *line)
{
  size_t length = text_length (line);

  if (line->begins)
    scan->line_length = 0;
  scan->line_length += length;
  facts->longest_line = MAX (facts->longest_line, scan->line_length);
  if (memchr (line->octets, '\0', length) != NULL)
    facts->nul = true;
  if (!text_is_8bit (line->octets, length))
    return;
  facts->eight_bit = true;
  if (is_utf8 (line->octets, length))
    facts->utf8 = true;
  else
    facts->not_utf8 = true;
}

/* INSIDE: the part that it is in, or NOBODY. */
static bool
begin_part (Scan *scan, uint64_t offset, guint inside, GError **error)
{
  Part part = { .header = { offset, 0 }, .body = { offset, 0 } };

  if (scan->parts->len >= MIME_PARTS)
    {
      g_set_error (error, FAILURE, FAILURE_DATA,
                   _ ("the message has more than %d parts"), MIME_PARTS);
      return false;
    }
  if (inside != NOBODY)
    part.header_sealed = part_at (scan, inside)->body_sealed;
  g_array_append_val (scan->parts, part);
  scan->current = scan->parts->len - 1;
  g_clear_pointer (&scan->header, header_free);
  scan->header = header_new ();
  scan->may_be_mbox = false;
  return true;
}

/* What a type asks of a part. */
static const struct
{
  const char *type; /* one that ends in '/' is all of that kind */
  PartKind kind;
  bool sealed;
  bool opaque;
} types[] = {
  { "text/", PART_TEXT, false, false },
  { "multipart/signed", PART_COMPOSITE, true, false },
  { "multipart/encrypted", PART_COMPOSITE, true, false },
  { "multipart/", PART_COMPOSITE, false, false },
  { "message/rfc822", PART_COMPOSITE, false, false },
  { "message/global", PART_COMPOSITE, false, false },
  { "message/news", PART_COMPOSITE, false, false },
  /* RFC 2046 section 5.2.2.1 and 5.2.3: nothing but 7bit. */
  { "message/partial", PART_DATA, false, true },
  { "message/external-body", PART_DATA, false, true },
  { "message/", PART_TEXT, false, false },
  { "application/pkcs7-mime", PART_DATA, true, false },
  { "application/x-pkcs7-mime", PART_DATA, true, false },
};

static bool
matches (const char *row, const char *type)
{
  return g_str_has_suffix (row, "/") ? g_str_has_prefix (type, row)
                                     : g_str_equal (type, row);
}

static void
classify (Part *part)
{
  if (part->type == NULL)
    return;
  part->kind = PART_DATA;
  for (size_t i = 0; i < G_N_ELEMENTS (types); i++)
    if (matches (types[i].type, part->type))
      {
        part->kind = types[i].kind;
        part->body_sealed = part->body_sealed || types[i].sealed;
        part->opaque = types[i].opaque;
        return;
      }
}

static bool
is_multipart (const Part *part)
{
  return part->type != NULL && g_str_has_prefix (part->type, "multipart/");
}

/* A composite that cannot be taken apart is a part like others, but one that
   is not encoded: RFC 2045 section 6.4 forbids it. A whole message that is
   encoded all the same (RFC 6532 section 3.7 allows it) is data. */
static void
settle_composite (const Scan *scan, Part *part, const char *boundary)
{
  bool multipart = is_multipart (part);
  bool identity = coding_is_identity (part->coding);
  bool deep = scan->levels->len >= MIME_DEPTH;
  bool broken = multipart ? boundary == NULL : part->joined;

  if (deep || broken || (multipart && !identity))
    part->opaque = true;
  if (deep || broken || (!multipart && !identity))
    part->kind = PART_DATA;
}

/* The header of the current part is complete, and its body begins at OFFSET.
 */
static bool
open_body (Scan *scan, const Header *header, uint64_t offset, GError **error)
{
  Part *part = part_at (scan, scan->current);
  g_autoptr (Media) media = media_of (header);
  guint last = scan->levels->len;
  Level level = { .part = scan->current };

  part->body.offset = offset;
  part->coding = coding_of (header);
  part->body_sealed = part->header_sealed;
  part->type = g_steal_pointer (&media->type);
  part->charset = g_steal_pointer (&media->charset);
  if (last > 0 && level_at (scan, last - 1)->digest && part->type == NULL)
    part->type = g_strdup ("message/rfc822");
  classify (part);
  if (part->coding == CODING_OTHER)
    part->opaque = true;
  if (part->kind == PART_COMPOSITE)
    settle_composite (scan, part, media->boundary);
  g_clear_pointer (&scan->header, header_free);
  if (part->kind != PART_COMPOSITE)
    return true;
  level.digest = g_strcmp0 (part->type, "multipart/digest") == 0;
  if (is_multipart (part))
    level.boundary = g_steal_pointer (&media->boundary);
  g_array_append_val (scan->levels, level);
  if (is_multipart (part))
    return true;
  level_at (scan, last)->has_parts = true;
  if (!begin_part (scan, offset, level.part, error))
    return false;
  part_at (scan, scan->current)->whole = true;
  scan->may_be_mbox = true;
  return true;
}

static void
end_body (Part *part, uint64_t end)
{
  part->body.size = end > part->body.offset ? end - part->body.offset : 0;
}

/* Ends the current part, and the levels from LEVEL on, at END; at OFFSET, some
   CRLF behind it, stands what ends them. */
static void
close_down_to (Scan *scan, guint level, uint64_t end, uint64_t offset)
{
  Part *part = part_at (scan, scan->current);

  if (scan->header != NULL)
    {
      part->header.size = offset - part->header.offset;
      part->body.offset = offset;
      part->joined = true;
      g_clear_pointer (&scan->header, header_free);
    }
  else if (part->kind != PART_COMPOSITE)
    end_body (part, end);
  for (guint i = level; i < scan->levels->len; i++)
    {
      part = part_at (scan, level_at (scan, i)->part);
      end_body (part, end);
      /* A text that only its header makes a multipart. */
      if (!level_at (scan, i)->has_parts)
        part->opaque = true;
    }
  g_array_set_size (scan->levels, level);
}

static bool
begins_with (const Line *line, const char *text)
{
  size_t length = strlen (text);

  return line->length >= length && memcmp (line->octets, text, length) == 0;
}

typedef enum
{
  NO_DELIMITER,
  DELIMITER,
  CLOSE_DELIMITER,
} Delimiter;

static Delimiter
match (const Line *line, const char *boundary)
{
  size_t length = strlen (boundary);
  size_t rest = text_length (line);
  const char *p = line->octets + 2;
  Delimiter found = DELIMITER;

  if (rest < length + 2 || memcmp (p, boundary, length) != 0)
    return NO_DELIMITER;
  p += length;
  rest -= length + 2;
  if (rest >= 2 && p[0] == '-' && p[1] == '-')
    {
      found = CLOSE_DELIMITER;
      p += 2;
      rest -= 2;
    }
  for (; rest > 0; p++, rest--)
    if (*p != ' ' && *p != '\t')
      return NO_DELIMITER;
  return found;
}

/* Whose delimiter LINE is: an inner part's before an outer one's. */
static Delimiter
find_delimiter (const Scan *scan, const Line *line, guint *level)
{
  if (!line->begins || !line->ends || !begins_with (line, "--"))
    return NO_DELIMITER;
  for (guint i = scan->levels->len; i > 0; i--)
    {
      const char *boundary = level_at (scan, i - 1)->boundary;
      Delimiter found =
          boundary != NULL ? match (line, boundary) : NO_DELIMITER;

      *level = i - 1;
      if (found != NO_DELIMITER)
        return found;
    }
  return NO_DELIMITER;
}

static bool
take_delimiter (Scan *scan, const Line *line, Delimiter delimiter,
                guint number, GError **error)
{
  Level *level = level_at (scan, number);
  Part *part = part_at (scan, level->part);
  uint64_t end = line->offset >= 2 ? line->offset - 2 : 0;

  /* What has no header and nothing before it ends where it begins. */
  close_down_to (scan, number + 1, end, line->offset);
  scan->current = level->part;
  note (scan, &part->facts, line);
  if (text_length (line) > LINE_MAXIMUM)
    part->opaque = true;
  if (delimiter == DELIMITER)
    {
      level->has_parts = true;
      return begin_part (scan, line->offset + line->length, level->part,
                         error);
    }
  g_clear_pointer (&level->boundary, g_free);
  return true;
}

static bool
take_body_line (Scan *scan, const Line *line)
{
  note (scan, &part_at (scan, scan->current)->facts, line);
  return true;
}

/* Only in front of a message in a message; it is no part of it. One that is too
   long would have to be folded, and its rest would begin the body. */
static bool
is_mbox_line (const Scan *scan, const Line *line)
{
  return scan->may_be_mbox && line->ends && text_length (line) <= LINE_MAXIMUM
         && (begins_with (line, "From ") || begins_with (line, ">From "));
}

static void
skip_mbox_line (Scan *scan, const Line *line)
{
  guint around = level_at (scan, scan->levels->len - 1)->part;

  note (scan, &part_at (scan, around)->facts, line);
  part_at (scan, scan->current)->header.offset = line->offset + line->length;
}

/* The header ends at END, and the body begins with this line or behind it. */
static bool
end_header (Scan *scan, uint64_t end, bool joined, GError **error)
{
  g_autoptr (Header) header = g_steal_pointer (&scan->header);
  Part *part = part_at (scan, scan->current);

  part->header.size = end - part->header.offset;
  part->joined = joined;
  return open_body (scan, header, end, error);
}

static bool
take_header_line (Scan *scan, const Line *line, GError **error)
{
  size_t length = text_length (line);
  HeaderLine kind = header_line_kind (line->octets, length);
  bool mbox = is_mbox_line (scan, line);

  scan->may_be_mbox = false;
  if (mbox)
    {
      skip_mbox_line (scan, line);
      return true;
    }
  if (kind == HEADER_LINE_CONTINUATION && scan->header->fields->len == 0)
    kind = HEADER_LINE_OTHER;
  if (kind == HEADER_LINE_OTHER)
    return end_header (scan, line->offset, true, error)
           && take_body_line (scan, line);
  note (scan, &part_at (scan, scan->current)->header_facts, line);
  if (!line->ends)
    {
      g_set_error (error, FAILURE, FAILURE_DATA,
                   _ ("a part of the message has a header line of more than "
                      "%d octets"),
                   BLOCK);
      return false;
    }
  if (kind == HEADER_LINE_END)
    return end_header (scan, line->offset + line->length, false, error);
  return header_add_line (scan->header, line->octets, length, error);
}

static bool
take_line (Scan *scan, const Line *line, GError **error)
{
  guint level = 0;
  Delimiter delimiter = find_delimiter (scan, line, &level);

  if (delimiter != NO_DELIMITER)
    return take_delimiter (scan, line, delimiter, level, error);
  if (scan->header != NULL)
    return take_header_line (scan, line, error);
  return take_body_line (scan, line);
}

static bool
take_lines (Scan *scan, GError **error)
{
  GError *failure = NULL;
  Line line;

  while (next_line (&scan->reader, &line, &failure))
    if (!take_line (scan, &line, error))
      return false;
  if (failure == NULL)
    return true;
  g_propagate_error (error, failure);
  return false;
}

bool
mime_is_signed (const Header *header)
{
  return header_find (header, "DKIM-Signature") != NULL;
}

/* The message's own header is not in the file. */
static bool
begin_message (Scan *scan, const Header *header, uint64_t offset,
               GError **error)
{
  if (!begin_part (scan, offset, NOBODY, error))
    return false;
  part_at (scan, 0)->whole = true;
  part_at (scan, 0)->header_sealed = mime_is_signed (header);
  return open_body (scan, header, offset, error);
}

Mime *
mime_scan (const Header *header, int fd, Segment body, GError **error)
{
  uint64_t end = body.offset + body.size;
  g_autofree char *buffer = g_malloc (BLOCK);
  g_autoptr (Mime) mime = g_new0 (Mime, 1);
  Scan scan = { .reader = { fd, body.offset, end, buffer, 0, 0, false },
                .levels = g_array_new (FALSE, FALSE, sizeof (Level)) };
  bool done;

  mime->fd = fd;
  mime->body = body;
  mime->parts = scan.parts = g_array_new (FALSE, FALSE, sizeof (Part));
  g_array_set_clear_func (scan.parts, part_clear);
  g_array_set_clear_func (scan.levels, level_clear);
  done = begin_message (&scan, header, body.offset, error)
         && take_lines (&scan, error);
  if (done)
    close_down_to (&scan, 0, end, end);
  g_clear_pointer (&scan.header, header_free);
  g_array_unref (scan.levels);
  return done ? g_steal_pointer (&mime) : NULL;
}

void
mime_free (Mime *mime)
{
  if (mime == NULL)
    return;
  g_clear_pointer (&mime->parts, g_array_unref);
  g_free (mime);
}

bool
mime_is_composite (const Header *header)
{
  g_autoptr (Media) media = media_of (header);
  Part part = { .type = media->type };

  classify (&part);
  return part.kind == PART_COMPOSITE;
}

static bool
add_line (Header *header, const char *line, size_t length, GError **error)
{
  HeaderLine kind = header_line_kind (line, length);

  if (kind == HEADER_LINE_END)
    return true;
  if (kind == HEADER_LINE_FIELD
      || (kind == HEADER_LINE_CONTINUATION && header->fields->len > 0))
    return header_add_line (header, line, length, error);
  g_set_error_literal (error, FAILURE, FAILURE_DATA,
                       _ ("the message header has a line that is no field"));
  return false;
}

Header *
mime_read_header (int fd, Segment segment, GError **error)
{
  g_autoptr (Header) header = header_new ();
  g_autofree char *text = NULL;
  const char *p, *end;

  if (segment.size > 2 * HEADER_MAXIMUM)
    {
      g_set_error (error, FAILURE, FAILURE_DATA,
                   _ ("the message header is longer than %d octets"),
                   HEADER_MAXIMUM);
      return NULL;
    }
  text = g_malloc (segment.size + 1);
  if (!content_read (fd, text, segment.size, segment.offset, error))
    return NULL;
  end = text + segment.size;
  for (p = text; p < end;)
    {
      const char *feed = memchr (p, '\n', (size_t) (end - p));
      const char *next = feed != NULL ? feed + 1 : end;
      size_t length = (size_t) ((feed != NULL ? feed : end) - p);

      if (length > 0 && p[length - 1] == '\r')
        length--;
      if (length == 0)
        break;
      if (!add_line (header, p, length, error))
        return NULL;
      p = next;
    }
  return g_steal_pointer (&header);
}
