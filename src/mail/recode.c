#include "mail/recode.h"

#include <string.h>

#include <glib/gi18n.h>

#include "base/failure.h"
#include "base/text.h"
#include "mail/field.h"
#include "mail/message.h"

#define BLOCK (64 * 1024)
#define AHEAD 4096 /* octets that a step may look at and leave */
#define COLUMNS 75 /* of quoted-printable, the final '=' not counted */
#define GROUP 57   /* octets that are a line of base64 */
#define BASE64_COLUMNS 76

typedef struct
{
  Spool *spool;
  char buffer[BLOCK];
  size_t length;
  size_t column;
  char last; /* octet written */
  bool eight_bit;
  unsigned flags;
  GError *error; /* after which nothing is written any more */
} Writer;

/* Takes octets of IN and writes what becomes of them. How many it took: all
 * where they are FINAL, else it may leave less than AHEAD of them. */
typedef size_t Step (Writer *writer, const char *in, size_t length,
                     bool final);

static void
flush (Writer *writer)
{
  if (writer->length > 0)
    {
      writer->last = writer->buffer[writer->length - 1];
      writer->eight_bit =
          writer->eight_bit || text_is_8bit (writer->buffer, writer->length);
    }
  if (writer->error == NULL)
    spool_append (writer->spool, writer->buffer, writer->length,
                  &writer->error);
  writer->length = 0;
}

static void
put (Writer *writer, const char *octets, size_t length)
{
  while (length > 0)
    {
      size_t part = MIN (length, BLOCK - writer->length);

      memcpy (writer->buffer + writer->length, octets, part);
      writer->length += part;
      octets += part;
      length -= part;
      if (writer->length == BLOCK)
        flush (writer);
    }
}

static void
put_octet (Writer *writer, char octet)
{
  put (writer, &octet, 1);
}

static void
end_line (Writer *writer)
{
  put (writer, "\r\n", 2);
  writer->column = 0;
}

static size_t
copy (Writer *writer, const char *in, size_t length, bool final)
{
  (void) final;
  put (writer, in, length);
  return length;
}

/* Quoted-printable, RFC 2045 section 6.7. */

static bool
is_line_end (const char *p, const char *end)
{
  return end - p >= 2 && p[0] == '\r' && p[1] == '\n';
}

static bool
is_blank (char c)
{
  return c == ' ' || c == '\t';
}

/* OCTETS must not be torn by the end of a line. */
static void
put_token (Writer *writer, const char *octets, size_t length)
{
  if (writer->column + length > COLUMNS)
    {
      put_octet (writer, '=');
      end_line (writer);
    }
  put (writer, octets, length);
  writer->column += length;
}

static void
put_quoted (Writer *writer, char octet)
{
  static const char digits[] = "0123456789ABCDEF";
  unsigned char value = (unsigned char) octet;
  char token[3] = { '=', digits[value >> 4], digits[value & 15] };

  put_token (writer, token, sizeof token);
}

static bool
begins_with (const char *p, const char *end, const char *text)
{
  size_t length = strlen (text);

  return (size_t) (end - p) >= length && memcmp (p, text, length) == 0;
}

/* A blank must not end a line. None may begin like a delimiter that was none,
   and better not with a dot or "From ". */
static bool
stands_for_itself (const Writer *writer, const char *p, const char *end)
{
  bool first = writer->column == 0 || writer->column >= COLUMNS;

  if (is_blank (*p))
    return p + 1 < end && !is_line_end (p + 1, end);
  if (first
      && (*p == '.' || begins_with (p, end, "--")
          || begins_with (p, end, "From ")))
    return false;
  return g_ascii_isgraph (*p) && *p != '=';
}

static size_t
encode_text (Writer *writer, const char *in, size_t length, bool final)
{
  const char *end = in + length;
  const char *stop = final ? end : end - AHEAD;
  const char *p = in;

  while (p < stop)
    if (is_line_end (p, end))
      {
        end_line (writer);
        p += 2;
      }
    else if (stands_for_itself (writer, p, end))
      put_token (writer, p++, 1);
    else
      put_quoted (writer, *p++);
  return (size_t) (p - in);
}

/* Blanks at P up to what follows them, as far as it is worth looking. */
static const char *
skip_blanks (const char *p, const char *end)
{
  const char *limit = end - p > AHEAD / 2 ? p + AHEAD / 2 : end;

  while (p < limit && is_blank (*p))
    p++;
  return p;
}

static bool
ends_line (const char *p, const char *end)
{
  return p == end || is_line_end (p, end);
}

/* What an '=' at P begins is written; returns what follows it. One that begins
   nothing stands for itself. */
static const char *
rewrap_equals (Writer *writer, const char *p, const char *end)
{
  const char *next = skip_blanks (p + 1, end);

  if (ends_line (next, end))
    {
      put_octet (writer, '=');
      if (next < end)
        end_line (writer);
      return next < end ? next + 2 : end;
    }
  if (end - p >= 3 && g_ascii_isxdigit (p[1]) && g_ascii_isxdigit (p[2]))
    {
      put_token (writer, p, 3);
      return p + 3;
    }
  put_quoted (writer, '=');
  return p + 1;
}

/* Blanks at P; returns what follows them. At the end of a line they are none
   (RFC 2045 section 6.7), and must not become some by a line end that comes
   before. */
static const char *
rewrap_blanks (Writer *writer, const char *p, const char *end)
{
  const char *next = skip_blanks (p, end);
  size_t length = (size_t) (next - p);

  if (!ends_line (next, end))
    for (; p < next; p++)
      put_token (writer, p, 1);
  else if (writer->column + length <= COLUMNS)
    put_token (writer, p, length);
  return next;
}

/* Quoted-printable with other lines. */
static size_t
rewrap_text (Writer *writer, const char *in, size_t length, bool final)
{
  const char *end = in + length;
  const char *stop = final ? end : end - AHEAD;
  const char *p = in;

  while (p < stop)
    if (is_line_end (p, end))
      {
        end_line (writer);
        p += 2;
      }
    else if (*p == '=')
      p = rewrap_equals (writer, p, end);
    else if (is_blank (*p))
      p = rewrap_blanks (writer, p, end);
    else if (writer->column >= COLUMNS && *p == '-')
      /* NOLINTNEXTLINE(bugprone-branch-clone): the order tells them apart */
      put_quoted (writer, *p++);
    else if (g_ascii_isgraph (*p))
      put_token (writer, p++, 1);
    else
      put_quoted (writer, *p++);
  return (size_t) (p - in);
}

/* Base64, RFC 2045 section 6.8. */

static size_t
encode_data (Writer *writer, const char *in, size_t length, bool final)
{
  size_t done = 0;

  while (length - done >= GROUP || (final && done < length))
    {
      size_t part = MIN (length - done, GROUP);
      char line[BASE64_COLUMNS + 8];
      int state = 0;
      int save = 0;
      size_t size = g_base64_encode_step ((const guchar *) in + done, part,
                                          FALSE, line, &state, &save);

      size += g_base64_encode_close (FALSE, line + size, &state, &save);
      if (writer->column > 0)
        end_line (writer);
      put (writer, line, size);
      writer->column = size;
      done += part;
    }
  return done;
}

static bool
is_base64 (char c)
{
  return g_ascii_isalnum (c) || c == '+' || c == '/' || c == '=';
}

/* What is not of the alphabet is nothing. */
static size_t
rewrap_data (Writer *writer, const char *in, size_t length, bool final)
{
  (void) final;
  for (size_t i = 0; i < length; i++)
    {
      if (!is_base64 (in[i]))
        continue;
      if (writer->column == BASE64_COLUMNS)
        end_line (writer);
      put_octet (writer, in[i]);
      writer->column++;
    }
  return length;
}

/* Lines between parts. What follows a fold is no delimiter. */
static size_t
mend_gap (Writer *writer, const char *in, size_t length, bool final)
{
  bool fold = (writer->flags & RECODE_LINES) != 0;
  bool ascii = (writer->flags & RECODE_7BIT) != 0;

  (void) final;
  for (size_t i = 0; i < length; i++)
    {
      char c = in[i];

      if ((ascii && (unsigned char) c > 127) || (fold && c == '\0'))
        c = '?';
      if (c == '\r' || c == '\n')
        writer->column = 0;
      else if (fold && writer->column >= LINE_MAXIMUM)
        {
          put (writer, "\r\n ", 3);
          writer->column = 1;
        }
      put_octet (writer, c);
      if (c != '\r' && c != '\n')
        writer->column++;
    }
  return length;
}

/* SEGMENT through STEP. */
static bool
pump (Writer *writer, int fd, Segment segment, Step *step, GError **error)
{
  g_autofree char *in = g_malloc (BLOCK);
  uint64_t end = segment.offset + segment.size;
  uint64_t offset = segment.offset;
  size_t kept = 0;

  writer->column = 0;
  while (offset < end || kept > 0)
    {
      size_t part = (size_t) MIN (end - offset, BLOCK - kept);
      size_t length = kept + part;
      bool final = offset + part == end;
      size_t done;

      if (!content_read (fd, in + kept, part, offset, error))
        return false;
      offset += part;
      done = final || length > AHEAD ? step (writer, in, length, final) : 0;
      kept = length - done;
      memmove (in, in + done, kept);
      if (writer->error != NULL)
        break;
    }
  if (writer->error == NULL)
    return true;
  g_propagate_error (error, g_steal_pointer (&writer->error));
  return false;
}

/* What has to be done to which part. */

static bool
body_is_bad (const Part *part, unsigned flags)
{
  const Facts *facts = &part->facts;

  return ((flags & RECODE_LINES) != 0
          && (facts->longest_line > LINE_MAXIMUM || facts->nul))
         || ((flags & RECODE_7BIT) != 0 && facts->eight_bit);
}

static bool
header_is_bad (const Part *part, unsigned flags)
{
  const Facts *facts = &part->header_facts;

  return ((flags & RECODE_LINES) != 0 && facts->longest_line > LINE_MAXIMUM)
         || ((flags & RECODE_UTF8) != 0 && facts->not_utf8
             && !part->header_sealed)
         || ((flags & RECODE_HEADERS) != 0 && facts->eight_bit);
}

/* It announces more than there is in it once all is 7bit. */
static bool
label_is_bad (const Part *part, unsigned flags)
{
  return (flags & RECODE_7BIT) != 0 && part->kind == PART_COMPOSITE
         && part->coding == CODING_8BIT && !part->body_sealed
         && !part->header_sealed;
}

bool
recode_is_needed (const Mime *mime, unsigned flags)
{
  for (guint i = 0; i < mime->parts->len; i++)
    {
      const Part *part = &g_array_index (mime->parts, Part, i);

      if (body_is_bad (part, flags) || header_is_bad (part, flags))
        return true;
    }
  return false;
}

static const char *
what_is_bad (const Part *part, unsigned flags)
{
  const Facts *facts = &part->facts;

  if ((flags & RECODE_LINES) != 0
      && (facts->longest_line > LINE_MAXIMUM
          || part->header_facts.longest_line > LINE_MAXIMUM))
    return _ ("the message has a line of more than 998 octets in a part that "
              "must not be changed, for it is signed, encrypted or broken");
  if ((flags & RECODE_LINES) != 0 && facts->nul)
    return _ ("the message has a NUL octet in a part that must not be "
              "changed, for it is signed, encrypted or broken");
  return _ ("the message has 8-bit octets in a part that must not be changed, "
            "for it is signed, encrypted or broken");
}

bool
recode_is_possible (const Mime *mime, unsigned flags, GError **error)
{
  for (guint i = 0; i < mime->parts->len; i++)
    {
      const Part *part = &g_array_index (mime->parts, Part, i);
      bool body = body_is_bad (part, flags);

      /* The header has to tell of the body's encoding. */
      if ((body && (part->body_sealed || part->opaque))
          || ((body || header_is_bad (part, flags)) && part->header_sealed))
        {
          g_set_error_literal (error, FAILURE, FAILURE_DATA,
                               what_is_bad (part, flags));
          return false;
        }
    }
  return true;
}

typedef struct
{
  Step *step;
  const char *coding; /* NULL: as before */
} Treatment;

static Treatment
treatment_of (const Part *part, unsigned flags)
{
  if (!body_is_bad (part, flags) || part->kind == PART_COMPOSITE)
    return (Treatment){ copy, NULL };
  if (part->coding == CODING_QUOTED_PRINTABLE)
    return (Treatment){ rewrap_text, NULL };
  if (part->coding == CODING_BASE64)
    return (Treatment){ rewrap_data, NULL };
  if (part->kind == PART_TEXT)
    return (Treatment){ encode_text, "quoted-printable" };
  return (Treatment){ encode_data, "base64" };
}

static void
set_field (Header *header, const char *name, const char *body)
{
  const Field *field = header_find (header, name);

  if (header_count (header, name) == 1)
    header_replace (header, field, body);
  else
    {
      header_remove (header, name);
      header_append (header, name, body);
    }
}

/* What HEADER says of the body of PART, now that it is encoded as CODING. */
static void
label (Header *header, const Part *part, const char *coding)
{
  if (part->whole && header_find (header, "MIME-Version") == NULL)
    header_append (header, "MIME-Version", "1.0");
  if (header_find (header, "Content-Type") == NULL && part->facts.eight_bit)
    header_append (header, "Content-Type",
                   part->facts.not_utf8 ? "text/plain; charset=unknown-8bit"
                                        : "text/plain; charset=UTF-8");
  set_field (header, "Content-Transfer-Encoding", coding);
}

static void
change_labels (Header *header, const Part *part, unsigned flags)
{
  Treatment treatment = treatment_of (part, flags);

  if (treatment.coding != NULL)
    label (header, part, treatment.coding);
  else if (label_is_bad (part, flags))
    header_remove (header, "Content-Transfer-Encoding");
}

/* CHARSET: of the message, where its part names none. */
static bool
put_header (Writer *writer, int fd, const Part *part, const char *charset,
            GError **error)
{
  unsigned flags = writer->flags;
  g_autoptr (Header) header = NULL;
  g_autoptr (GString) text = NULL;

  if (!header_is_bad (part, flags) && !label_is_bad (part, flags)
      && treatment_of (part, flags).coding == NULL)
    return pump (writer, fd, part->header, copy, error);
  header = mime_read_header (fd, part->header, error);
  if (header == NULL)
    return false;
  change_labels (header, part, flags);
  if (((flags & RECODE_UTF8) != 0
       && !field_make_utf8 (header,
                            part->charset != NULL ? part->charset : charset,
                            false, error))
      || ((flags & RECODE_HEADERS) != 0
          && !field_make_ascii (header, false, error))
      || ((flags & RECODE_LINES) != 0 && !field_fold (header, false, error)))
    return false;
  text = header_to_string (header);
  /* An empty line where there was none may be the end of another header. */
  if (part->joined && treatment_of (part, flags).coding == NULL)
    g_string_truncate (text, text->len - strlen ("\r\n"));
  put (writer, text->str, text->len);
  return true;
}

static bool
put_parts (Writer *writer, const Mime *mime, GError **error)
{
  const Part *first = &g_array_index (mime->parts, Part, 0);
  uint64_t end = mime->body.offset + mime->body.size;
  uint64_t offset = mime->body.offset;

  for (guint i = 0; i < mime->parts->len; i++)
    {
      const Part *part = &g_array_index (mime->parts, Part, i);
      Segment gap = { offset, part->header.offset - offset };

      if (!pump (writer, mime->fd, gap, mend_gap, error)
          || (i > 0
              && !put_header (writer, mime->fd, part, first->charset, error)))
        return false;
      offset = part->header.offset + part->header.size;
      if (part->kind == PART_COMPOSITE)
        continue;
      if (!pump (writer, mime->fd, part->body,
                 treatment_of (part, writer->flags).step, error))
        return false;
      offset = part->body.offset + part->body.size;
    }
  return pump (writer, mime->fd, (Segment){ offset, end - offset }, mend_gap,
               error);
}

bool
recode (const Mime *mime, unsigned flags, Header *header, Spool *out,
        bool *eight_bit, GError **error)
{
  g_autofree Writer *writer = NULL;

  if (!recode_is_possible (mime, flags, error))
    return false;
  change_labels (header, &g_array_index (mime->parts, Part, 0), flags);
  writer = g_new0 (Writer, 1);
  writer->spool = out;
  writer->flags = flags;
  if (!put_parts (writer, mime, error))
    return false;
  flush (writer);
  if (spool_size (out) > 0 && writer->last != '\n')
    put (writer, "\r\n", 2);
  flush (writer);
  *eight_bit = writer->eight_bit;
  if (writer->error == NULL)
    return true;
  g_propagate_error (error, writer->error);
  return false;
}
