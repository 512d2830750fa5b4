#include "mail/address.h"

#include <arpa/inet.h>
#include <string.h>

#include <glib/gi18n.h>

#include "base/failure.h"
#include "base/text.h"
#include "mail/encoding.h"
#include "mail/idn2.h"

#define SHOWN_MAXIMUM 200    /* octets of a bad address in a diagnostic */
#define PROBLEMS_MAXIMUM 100 /* bad addresses that are told */
#define DOMAIN_MAXIMUM 253 /* octets */
#define LABEL_MAXIMUM 63   /* octets of an ASCII label */
#define PHRASE_MAXIMUM 200 /* octets of a display name that stays ASCII */
#define NAME_COLUMN 16     /* at most, where a display name begins */
#define NAME_LINE_MAXIMUM 60 /* octets before the path is folded */

/* What a special character of RFC 5322 section 3.2.3 does not stand for. */
enum
{
  TOKEN_ATOM = 'a',
  TOKEN_QUOTED = '"',
  TOKEN_LITERAL = '[',
  TOKEN_BAD = '!',
  TOKEN_CONTROL = 'c',
  TOKEN_BREAK = 'n', /* NUL, or a line end that is no folding */
};

typedef struct
{
  size_t start;
  size_t length;
  char kind;  /* one of the above, or the special character itself */
  bool blank; /* white space or a comment stands before it */
} Token;

typedef enum
{
  REASON_NONE,
  REASON_SYNTAX,
  REASON_CONTROL,
  REASON_UTF8,
  REASON_LOCAL_PART,
  REASON_PATH,
  REASON_DOMAIN,
  REASON_WORD,
} Reason;

static const char *const reasons[] = {
  [REASON_SYNTAX] = N_ ("not a mail address"),
  [REASON_CONTROL] = N_ ("a control character in a mail address"),
  [REASON_UTF8] = N_ ("a mail address that is not valid UTF-8"),
  [REASON_LOCAL_PART] =
      N_ ("more than 64 octets before the @ of a mail address"),
  [REASON_PATH] = N_ ("a mail address of more than 254 octets"),
  [REASON_DOMAIN] = N_ ("a mail address without a valid domain"),
  [REASON_WORD] = N_ ("a name without a mail address"),
};

typedef struct
{
  const char *text;
  GArray *tokens; /* of Token */
  GPtrArray *addresses;
  GPtrArray *problems; /* nullable */
  GArray *gaps;        /* of size_t, nullable */
  GArray *pieces;      /* of AddressPiece, nullable */
  bool good;
} Parser;

void
address_free (Address *address)
{
  if (address == NULL)
    return;
  g_free (address->display_name);
  g_free (address->local_part);
  g_free (address->domain);
  g_free (address);
}

Address *
address_copy (const Address *address)
{
  Address *copy = g_new (Address, 1);

  copy->display_name = g_strdup (address->display_name);
  copy->local_part = g_strdup (address->local_part);
  copy->domain = g_strdup (address->domain);
  return copy;
}

/* Octets. */

static bool
is_control (char c)
{
  return (unsigned char)c < ' ' || c == '\177';
}

static bool
is_atext (char c)
{
  return g_ascii_isalnum (c) || (unsigned char)c >= 0x80
         || (c != '\0' && strchr ("!#$%&'*+-/=?^_`{|}~", c) != NULL);
}

/* Whether CHARACTER may stand in a local-part or domain. */
static bool
is_plain (gunichar character)
{
  switch (g_unichar_type (character))
    {
    case G_UNICODE_CONTROL:
    case G_UNICODE_LINE_SEPARATOR:
    case G_UNICODE_PARAGRAPH_SEPARATOR:
    case G_UNICODE_SURROGATE:
      return false;
    case G_UNICODE_SPACE_SEPARATOR:
      return character == ' ';
    case G_UNICODE_FORMAT: /* the joiners are part of some scripts */
      return character == 0x200c || character == 0x200d;
    default:
      return true;
    }
}

static Reason
check_characters (const char *text, size_t length)
{
  const char *end = text + length;

  if (!g_utf8_validate_len (text, length, NULL))
    return memchr (text, '\0', length) != NULL ? REASON_CONTROL : REASON_UTF8;
  for (const char *p = text; p < end; p = g_utf8_next_char (p))
    {
      if (!is_plain (g_utf8_get_char (p)))
        return REASON_CONTROL;
    }
  return REASON_NONE;
}

/* Length of the blank or folding at P, 0 where there is none. */
static size_t
blank_length (const char *p, size_t left)
{
  size_t ends = 0;

  if (left > 2 && p[0] == '\r' && p[1] == '\n')
    ends = 2;
  else if (left > 1 && p[0] == '\n')
    ends = 1;
  if (left > ends && (p[ends] == ' ' || p[ends] == '\t'))
    return ends + 1;
  return 0;
}

/* Length of the comment, quoted string or literal that begins at P; 0 where it
   does not end or has a control character. */
static size_t
enclosed_length (const char *p, size_t left)
{
  char close = p[0] == '(' ? ')' : p[0] == '[' ? ']' : '"';
  size_t depth = 0;
  size_t i = 1;

  while (i < left)
    {
      size_t blank = blank_length (p + i, left - i);
      bool pair = blank == 0 && p[i] == '\\' && i + 1 < left;

      if (blank == 0 && (is_control (p[i]) || (pair && is_control (p[i + 1]))))
        return 0;
      if (p[i] == close && depth-- == 0)
        return i + 1;
      if (p[0] == '(' && p[i] == '(')
        depth++;
      i += blank > 0 ? blank : pair ? 2 : 1;
    }
  return 0;
}

/* Tokens. */

static size_t
atom_length (const char *p, size_t left)
{
  size_t length = 0;

  while (length < left && is_atext (p[length]))
    length++;
  return length;
}

/* Length of the encoded word at P, 0 where there is none. Programs leave specials
   in it that RFC 2047 section 5 forbids in a phrase; they separate nothing. */
static size_t
encoded_word_length (const char *p, size_t left)
{
  size_t marks = 0;

  if (left < 2 || p[0] != '=' || p[1] != '?')
    return 0;
  for (size_t i = 1; i + 1 < left; i++)
    {
      if (!g_ascii_isgraph (p[i]) || strchr ("<>\"\\", p[i]) != NULL)
        return 0;
      if (p[i] != '?' || ++marks < 4)
        continue;
      return p[i + 1] == '=' ? i + 2 : 0;
    }
  return 0;
}

/* UNCLOSED remembers which openers close no more, else each of many would be
   followed to the end. */
static Token
next_token (const char *text, size_t start, size_t length, bool *unclosed)
{
  Token token = { .start = start, .length = 1, .kind = text[start] };
  size_t inside = 0;

  if (is_atext (token.kind))
    {
      token.length = MAX (atom_length (text + start, length - start),
                          encoded_word_length (text + start, length - start));
      token.kind = TOKEN_ATOM;
    }
  else if (memchr ("\r\n", token.kind, sizeof "\r\n") != NULL)
    token.kind = TOKEN_BREAK;
  else if (is_control (token.kind))
    token.kind = TOKEN_CONTROL;
  else if (token.kind == ')' || token.kind == ']')
    token.kind = TOKEN_BAD;
  else if (strchr ("(\"[", token.kind) != NULL)
    {
      if (!unclosed[(unsigned char)token.kind])
        inside = enclosed_length (text + start, length - start);
      unclosed[(unsigned char)token.kind] = inside == 0;
      token.length = MAX (inside, 1);
      if (inside == 0)
        token.kind = TOKEN_BAD;
    }
  return token;
}

static void
add_piece (GArray *pieces, AddressPart part, size_t start, size_t end)
{
  AddressPiece piece = { part, start, end - start };

  if (pieces != NULL && end > start)
    g_array_append_val (pieces, piece);
}

/* PIECES (nullable) gets the comments. */
static GArray *
tokenize (const char *text, size_t length, GArray *pieces)
{
  GArray *tokens = g_array_new (FALSE, FALSE, sizeof (Token));
  bool unclosed[128] = { false };
  bool blank = false;
  size_t i = 0;

  while (i < length)
    {
      size_t skip = blank_length (text + i, length - i);
      Token token;

      if (skip == 0)
        {
          token = next_token (text, i, length, unclosed);
          token.blank = blank;
          skip = token.length;
          if (token.kind != '(')
            g_array_append_val (tokens, token);
          else
            add_piece (pieces, ADDRESS_COMMENT, i, i + skip);
          blank = token.kind == '(';
        }
      else
        blank = true;
      i += skip;
    }
  return tokens;
}

static const Token *
token_at (const Parser *parser, size_t i)
{
  return &g_array_index (parser->tokens, Token, i);
}

/* The kind of token I, or 0 from TO on. */
static char
kind_at (const Parser *parser, size_t i, size_t to)
{
  return i < to ? token_at (parser, i)->kind : '\0';
}

/* The first token in FROM to TO whose kind is one of KINDS, or TO. */
static size_t
find (const Parser *parser, const char *kinds, size_t from, size_t to)
{
  while (from < to && strchr (kinds, token_at (parser, from)->kind) == NULL)
    from++;
  return from;
}

/* Notes the octets of tokens FROM to TO. */
static void
note (const Parser *parser, AddressPart part, size_t from, size_t to)
{
  if (parser->pieces != NULL && from < to)
    add_piece (parser->pieces, part, token_at (parser, from)->start,
               token_at (parser, to - 1)->start
                   + token_at (parser, to - 1)->length);
}

static void
add_problem (Parser *parser, size_t from, size_t to, Reason reason)
{
  const Token *first = token_at (parser, from);
  const Token *last = token_at (parser, to - 1);
  g_autofree char *shown = NULL;

  parser->good = false;
  if (parser->problems == NULL || parser->problems->len >= PROBLEMS_MAXIMUM)
    return;
  shown = text_printable (parser->text + first->start,
                          last->start + last->length - first->start,
                          SHOWN_MAXIMUM);
  g_ptr_array_add (parser->problems,
                   g_strdup_printf ("%s: %s", shown, _ (reasons[reason])));
}

/* Words. */

static void
append_word (const Parser *parser, size_t i, GString *out)
{
  const Token *token = token_at (parser, i);
  const char *p = parser->text + token->start;
  const char *end = p + token->length;

  if (token->kind != TOKEN_QUOTED)
    {
      g_string_append_len (out, p, (gssize)token->length);
      return;
    }
  for (p++, end--; p < end; p++)
    {
      if (*p == '\\')
        p++;
      g_string_append_c (out, *p);
    }
}

/* TEXT with every run of blanks, line ends and controls as one space, and
   none at either end. Takes TEXT. */
static char *
collapse (char *text)
{
  char *out = text;

  for (const char *p = text; *p != '\0'; p++)
    {
      char c = is_control (*p) ? ' ' : *p;

      if (c != ' ' || (out > text && out[-1] != ' '))
        *out++ = c;
    }
  if (out > text && out[-1] == ' ')
    out--;
  *out = '\0';
  return text;
}

static char *
phrase_text (const Parser *parser, size_t from, size_t to)
{
  g_autoptr (GString) out = g_string_new (NULL);
  g_autofree char *text = NULL;

  for (size_t i = from; i < to; i++)
    {
      if (i > from && token_at (parser, i)->blank)
        g_string_append_c (out, ' ');
      append_word (parser, i, out);
    }
  text = collapse (g_utf8_make_valid (out->str, (gssize)out->len));
  return text[0] != '\0' ? g_steal_pointer (&text) : NULL;
}

static bool
is_dot_atom (const char *text, size_t length)
{
  size_t atom = atom_length (text, length);

  while (atom > 0 && atom < length && text[atom] == '.')
    {
      size_t next = atom_length (text + atom + 1, length - atom - 1);

      if (next == 0)
        return false;
      atom += 1 + next;
    }
  return atom > 0 && atom == length;
}

/* The wire form of a local-part (RFC 5321 section 4.1.2): quoted only where
   it must be. */
static char *
wire_local_part (const GString *value)
{
  GString *out;

  if (is_dot_atom (value->str, value->len))
    return g_strndup (value->str, value->len);
  out = g_string_new ("\"");
  for (size_t i = 0; i < value->len; i++)
    {
      if (value->str[i] == '"' || value->str[i] == '\\')
        g_string_append_c (out, '\\');
      g_string_append_c (out, value->str[i]);
    }
  g_string_append_c (out, '"');
  return g_string_free (out, FALSE);
}

/* Addresses. Each of these takes what it wants from *AT on, up to TO. */

/* Words with dots between them. Dots in a row, or before the "@", are in real
   use at some providers, though they have to be quoted. */
static Reason
parse_words (const Parser *parser, size_t *at, size_t to, GString *value)
{
  bool after_dot = false;
  bool quote = false;

  for (;; ++*at)
    {
      char kind = kind_at (parser, *at, to);

      if (kind == TOKEN_ATOM || kind == TOKEN_QUOTED)
        {
          append_word (parser, (*at)++, value);
          after_dot = false;
          kind = kind_at (parser, *at, to);
        }
      quote = quote || after_dot;
      if (kind != '.' || value->len == 0)
        break;
      g_string_append_c (value, '.');
      after_dot = true;
    }
  return quote && kind_at (parser, *at, to) != '@' ? REASON_SYNTAX
                                                   : REASON_NONE;
}

/* Whether LOCAL_PART, once its blanks are gone, would be read as something else:
   specials that stand between "=?" and "?=" separate nothing. */
static bool
looks_encoded (const char *local_part)
{
  size_t length = strlen (local_part);

  for (const char *p = local_part; p != NULL && local_part[0] != '"';
       p = strchr (p, '.'))
    {
      size_t left;

      p += *p == '.';
      left = length - (size_t) (p - local_part);
      if (encoded_word_length (p, left) > atom_length (p, left))
        return true;
    }
  return false;
}

static Reason
parse_local_part (const Parser *parser, size_t *at, size_t to, char **result)
{
  g_autoptr (GString) value = g_string_new (NULL);
  Reason reason;

  if (kind_at (parser, *at, to) == '\\')
    ++*at;
  reason = parse_words (parser, at, to, value);
  if (reason != REASON_NONE)
    return reason;
  reason = check_characters (value->str, value->len);
  if (reason != REASON_NONE)
    return reason;
  if (value->len == 0 || strpbrk (value->str, "<>") != NULL)
    return REASON_SYNTAX;
  *result = wire_local_part (value);
  if (looks_encoded (*result))
    return REASON_SYNTAX;
  return strlen (*result) <= LOCAL_PART_MAXIMUM ? REASON_NONE
                                                : REASON_LOCAL_PART;
}

/* A dot that a blank follows and none precedes is final; else the blanks are
   the obsolete ones within a domain. */
static bool
final_dot (const Parser *parser, size_t dot, size_t to)
{
  return kind_at (parser, dot + 1, to) != TOKEN_ATOM
         || (!token_at (parser, dot)->blank
             && token_at (parser, dot + 1)->blank);
}

static Reason
parse_domain (const Parser *parser, size_t *at, size_t to, char **result)
{
  g_autoptr (GString) domain = g_string_new (NULL);

  if (kind_at (parser, *at, to) == TOKEN_LITERAL)
    append_word (parser, (*at)++, domain);
  else
    {
      while (kind_at (parser, *at, to) == TOKEN_ATOM)
        {
          append_word (parser, (*at)++, domain);
          if (kind_at (parser, *at, to) != '.')
            break;
          if (final_dot (parser, (*at)++, to))
            break;
          g_string_append_c (domain, '.');
        }
    }
  if (!g_utf8_validate_len (domain->str, domain->len, NULL))
    return REASON_UTF8;
  if (!address_domain_valid (domain->str))
    return REASON_DOMAIN;
  *result = g_strndup (domain->str, domain->len);
  return REASON_NONE;
}

static Reason
parse_addr_spec (const Parser *parser, size_t *at, size_t to, Address *address)
{
  Reason reason = parse_local_part (parser, at, to, &address->local_part);

  if (reason != REASON_NONE || kind_at (parser, *at, to) != '@')
    return reason;
  ++*at;
  reason = parse_domain (parser, at, to, &address->domain);
  if (reason == REASON_NONE
      && strlen (address->local_part) + strlen (address->domain) + 1
             > PATH_MAXIMUM)
    reason = REASON_PATH;
  return reason;
}

/* Adds ADDRESS, whose addr-spec is FROM to TO. */
static void
add_address (Parser *parser, Address *address, size_t from, size_t to)
{
  const Token *last = token_at (parser, to - 1);
  size_t gap = last->start + last->length;

  if (parser->gaps != NULL && address->domain == NULL
      && token_at (parser, from)->kind != '\\')
    g_array_append_val (parser->gaps, gap);
  note (parser, ADDRESS_DOMAIN, find (parser, "@", from, to) + 1, to);
  g_ptr_array_add (parser->addresses, address);
}

/* Where the next blank-separated address may begin. */
static size_t
next_word (const Parser *parser, size_t from, size_t to)
{
  do
    from = find (parser, "a\"\\", from + 1, to);
  while (from < to && !token_at (parser, from)->blank);
  return from;
}

/* One address of a row of bare ones. A word without a domain is only believed
   where no other address stands in its row. */
static size_t
parse_bare (Parser *parser, size_t from, size_t to, bool lone)
{
  g_autoptr (Address) address = g_new0 (Address, 1);
  const Token *first = token_at (parser, from);
  size_t at = from;
  Reason reason = parse_addr_spec (parser, &at, to, address);

  if (reason == REASON_NONE && at < to
      && (!token_at (parser, at)->blank
          || strchr ("a\"\\", token_at (parser, at)->kind) == NULL))
    reason = REASON_SYNTAX;
  if (reason == REASON_NONE && address->domain == NULL
      && (!lone
          || (first->length > 1
              && strncmp (parser->text + first->start, "=?", 2) == 0)))
    reason = REASON_WORD;
  if (reason == REASON_NONE)
    {
      add_address (parser, g_steal_pointer (&address), from, at);
      return at;
    }
  at = next_word (parser, MAX (at, from + 1) - 1, to);
  add_problem (parser, from, at, reason);
  return at;
}

/* A phrase is words and dots; brackets are in real use there as well. */
static bool
is_name (const Parser *parser, size_t from, size_t to)
{
  while (from < to && strchr ("a\".[", token_at (parser, from)->kind) != NULL)
    from++;
  return from == to;
}

/* And so is the address itself as its own display name. */
static bool
is_display_name (const Parser *parser, size_t from, size_t to)
{
  g_autoptr (Address) address = g_new0 (Address, 1);
  size_t at = from;

  if (is_name (parser, from, to))
    return true;
  return parse_addr_spec (parser, &at, to, address) == REASON_NONE && at == to;
}

/* The first token behind the route of a path (RFC 5321 appendix C). */
static size_t
skip_route (const Parser *parser, size_t from, size_t to)
{
  size_t at = from;

  if (kind_at (parser, from, to) != '@')
    return from;
  while (at < to && strchr ("@,.a[", token_at (parser, at)->kind) != NULL)
    at++;
  return kind_at (parser, at, to) == ':' ? at + 1 : from;
}

/* A name and a path in angle brackets, whose first one is OPEN. */
static size_t
parse_angle (Parser *parser, size_t from, size_t open, size_t to)
{
  g_autoptr (Address) address = g_new0 (Address, 1);
  size_t close = find (parser, "<>", open + 1, to);
  size_t start, at;
  Reason reason;

  if (kind_at (parser, close, to) != '>')
    {
      add_problem (parser, from, to, REASON_SYNTAX);
      return to;
    }
  note (parser, ADDRESS_NAME, from, open);
  start = at = skip_route (parser, open + 1, close);
  reason = parse_addr_spec (parser, &at, close, address);
  if (reason == REASON_NONE
      && (at < close || !is_display_name (parser, from, open)))
    reason = REASON_SYNTAX;
  if (reason == REASON_NONE)
    {
      address->display_name = phrase_text (parser, from, open);
      add_address (parser, g_steal_pointer (&address), start, at);
    }
  else
    add_problem (parser, from, close + 1, reason);
  return close + 1;
}

/* What stands between two separators. */
static void
parse_run (Parser *parser, size_t from, size_t to)
{
  bool lone = find (parser, "@<", from, to) == to;
  size_t bad = find (parser, "!cn", from, to);

  if (bad < to)
    {
      add_problem (parser, from, to,
                   token_at (parser, bad)->kind == TOKEN_BAD ? REASON_SYNTAX
                                                             : REASON_CONTROL);
      return;
    }
  for (size_t open = find (parser, "<", from, to); open < to;
       open = find (parser, "<", from, to))
    from = parse_angle (parser, from, open, to);
  while (from < to)
    from = parse_bare (parser, from, to, lone);
}

/* The separator that ends what begins at FROM. Those in angle brackets (of a
   route) are none. */
static size_t
run_end (const Parser *parser, size_t from, bool group)
{
  size_t count = parser->tokens->len;

  for (size_t i = from; i < count; i++)
    {
      char kind = token_at (parser, i)->kind;

      if (kind == ',' || kind == ';' || (kind == ':' && !group))
        return i;
      if (kind == '<')
        {
          size_t close = find (parser, "<>", i + 1, count);

          if (kind_at (parser, close, count) == '>')
            i = close;
        }
    }
  return count;
}

/* A line break is an attempt to smuggle something: nothing is believed then.
 */
static void
parse_list (Parser *parser)
{
  size_t count = parser->tokens->len;
  bool group = false;

  if (find (parser, "n", 0, count) < count)
    {
      add_problem (parser, 0, count, REASON_CONTROL);
      return;
    }
  for (size_t from = 0; from < count;)
    {
      size_t to = run_end (parser, from, group);
      char kind = kind_at (parser, to, count);

      if (kind != ':')
        parse_run (parser, from, to);
      else if (from == to || !is_name (parser, from, to))
        add_problem (parser, from, to + 1, REASON_SYNTAX);
      else
        note (parser, ADDRESS_NAME, from, to);
      if (kind == ',' || kind == ';')
        note (parser, ADDRESS_COMMA, to, to + 1);
      group = kind == ':' || (group && kind == ',');
      from = to + 1;
    }
}

bool
address_parse_list (const char *text, size_t length, GPtrArray *addresses,
                    GPtrArray *problems)
{
  g_autoptr (GArray) tokens = tokenize (text, length, NULL);
  Parser parser = { .text = text,
                    .tokens = tokens,
                    .addresses = addresses,
                    .problems = problems,
                    .good = true };

  parse_list (&parser);
  return parser.good;
}

GArray *
address_list_unqualified (const char *text, size_t length)
{
  g_autoptr (GArray) tokens = tokenize (text, length, NULL);
  g_autoptr (GPtrArray) addresses =
      g_ptr_array_new_with_free_func ((GDestroyNotify)address_free);
  Parser parser = { .text = text,
                    .tokens = tokens,
                    .addresses = addresses,
                    .gaps = g_array_new (FALSE, FALSE, sizeof (size_t)),
                    .good = true };

  parse_list (&parser);
  return parser.gaps;
}

static int
compare_pieces (const void *a, const void *b)
{
  const AddressPiece *left = a;
  const AddressPiece *right = b;

  return (left->start > right->start) - (left->start < right->start);
}

/* What is left of a name from START to END when its comments are taken out. The
   piece behind the name in PIECES is I; that behind its comments is returned.
 */
static guint
split_name (const GArray *pieces, guint i, size_t start, size_t end,
            GArray *out)
{
  for (; i < pieces->len; i++)
    {
      AddressPiece inner = g_array_index (pieces, AddressPiece, i);

      if (inner.start >= end)
        break;
      add_piece (out, ADDRESS_NAME, start, inner.start);
      g_array_append_val (out, inner);
      start = inner.start + inner.length;
    }
  add_piece (out, ADDRESS_NAME, start, end);
  return i;
}

/* Comments may stand within names, which go on behind them, and within domains,
   which swallow them. */
static GArray *
disjoint (GArray *pieces)
{
  GArray *out = g_array_new (FALSE, FALSE, sizeof (AddressPiece));
  size_t end = 0;

  g_array_sort (pieces, compare_pieces);
  for (guint i = 0; i < pieces->len;)
    {
      AddressPiece piece = g_array_index (pieces, AddressPiece, i++);

      if (piece.start < end)
        continue;
      end = piece.start + piece.length;
      if (piece.part == ADDRESS_NAME)
        i = split_name (pieces, i, piece.start, end, out);
      else
        g_array_append_val (out, piece);
    }
  return out;
}

GArray *
address_list_pieces (const char *text, size_t length)
{
  g_autoptr (GArray) pieces =
      g_array_new (FALSE, FALSE, sizeof (AddressPiece));
  g_autoptr (GArray) tokens = tokenize (text, length, pieces);
  g_autoptr (GPtrArray) addresses =
      g_ptr_array_new_with_free_func ((GDestroyNotify)address_free);
  Parser parser = { .text = text,
                    .tokens = tokens,
                    .addresses = addresses,
                    .pieces = pieces,
                    .good = true };

  parse_list (&parser);
  return disjoint (pieces);
}

Address *
address_parse (const char *text, GError **error)
{
  g_autoptr (GArray) tokens = tokenize (text, strlen (text), NULL);
  g_autoptr (GPtrArray) addresses =
      g_ptr_array_new_with_free_func ((GDestroyNotify)address_free);
  g_autoptr (GPtrArray) problems = g_ptr_array_new_with_free_func (g_free);
  g_autofree char *shown = NULL;
  Parser parser = { .text = text,
                    .tokens = tokens,
                    .addresses = addresses,
                    .problems = problems,
                    .good = true };

  if (run_end (&parser, 0, false) == tokens->len)
    parse_run (&parser, 0, tokens->len);
  if (parser.good && addresses->len == 1)
    return g_ptr_array_steal_index (addresses, 0);
  if (problems->len > 0)
    {
      g_set_error_literal (error, FAILURE, FAILURE_DATA,
                           g_ptr_array_index (problems, 0));
      return NULL;
    }
  shown = text_printable (text, strlen (text), SHOWN_MAXIMUM);
  g_set_error (error, FAILURE, FAILURE_DATA,
               _ ("%s: exactly one mail address is wanted"), shown);
  return NULL;
}

/* Writing. */

char *
address_path (const Address *address)
{
  if (address->domain == NULL)
    return g_strdup (address->local_part);
  return g_strconcat (address->local_part, "@", address->domain, NULL);
}

static bool
is_phrase (const char *name)
{
  return strspn (name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                       "0123456789!#$%&'*+-/=?^_`{|}~ ")
         == strlen (name);
}

static void
append_quoted (GString *out, const char *name)
{
  g_string_append_c (out, '"');
  for (const char *p = name; *p != '\0'; p++)
    {
      if (*p == '"' || *p == '\\')
        g_string_append_c (out, '\\');
      g_string_append_c (out, *p);
    }
  g_string_append_c (out, '"');
}

char *
address_mailbox (const Address *address)
{
  g_autofree char *path = address_path (address);
  g_autoptr (GString) out = g_string_new (NULL);
  g_autofree char *name = NULL;

  if (address->display_name != NULL)
    name = collapse (g_utf8_make_valid (address->display_name, -1));
  if (name == NULL || name[0] == '\0')
    return g_steal_pointer (&path);
  if (!g_str_is_ascii (name) || strlen (name) > PHRASE_MAXIMUM)
    {
      g_autofree char *words = encoding_words (name, NAME_COLUMN);

      g_string_append (out, words);
    }
  else if (is_phrase (name))
    g_string_append (out, name);
  else
    append_quoted (out, name);
  g_string_append_printf (
      out, "%s<%s>",
      out->len + strlen (path) > NAME_LINE_MAXIMUM ? "\r\n " : " ", path);
  return g_string_free (g_steal_pointer (&out), FALSE);
}

/* Comparing. */

/* The domain of PATH with its '@', or the end of PATH. */
static const char *
path_domain (const char *path)
{
  const char *end = path + strlen (path);
  const char *at = strrchr (path, '@');

  return at != NULL && end[-1] != '"' ? at : end;
}

Address *
address_of_path (const char *path)
{
  const char *domain = path_domain (path);
  Address *address = g_new0 (Address, 1);

  address->local_part = g_strndup (path, (size_t) (domain - path));
  address->domain = *domain != '\0' ? g_strdup (domain + 1) : NULL;
  return address;
}

bool
address_path_equal (const char *a, const char *b)
{
  g_autofree char *folded_a = address_path_fold (a);
  g_autofree char *folded_b = address_path_fold (b);

  return strcmp (folded_a, folded_b) == 0;
}

char *
address_path_fold (const char *path)
{
  const char *domain = path_domain (path);
  g_autofree char *lower = g_ascii_strdown (domain, -1);

  return g_strdup_printf ("%.*s%s", (int)(domain - path), path, lower);
}

/* Domains. */

static bool
literal_valid (const char *domain, size_t length)
{
  g_autofree char *inside = NULL;
  struct in6_addr storage;

  if (length < 2 || domain[length - 1] != ']')
    return false;
  inside = g_strndup (domain + 1, length - 2);
  if (g_ascii_strncasecmp (inside, "IPv6:", 5) == 0)
    return inet_pton (AF_INET6, inside + 5, &storage) == 1;
  return inet_pton (AF_INET, inside, &storage) == 1;
}

/* The length limit is that of an A-label; that of a U-label shows only when it
   is converted. */
static bool
label_valid (const char *label, size_t length)
{
  bool ascii = true;

  if (length == 0 || label[0] == '-' || label[length - 1] == '-')
    return false;
  for (size_t i = 0; i < length; i++)
    {
      if ((unsigned char)label[i] >= 0x80)
        ascii = false;
      else if (!g_ascii_isalnum (label[i]) && label[i] != '-')
        return false;
    }
  return !ascii || length <= LABEL_MAXIMUM;
}

bool
address_domain_valid (const char *domain)
{
  size_t length = strlen (domain);

  if (domain[0] == '[')
    return literal_valid (domain, length);
  if (length > DOMAIN_MAXIMUM
      || check_characters (domain, length) != REASON_NONE)
    return false;
  for (const char *label = domain;;)
    {
      const char *end = strchrnul (label, '.');

      if (!label_valid (label, (size_t)(end - label)))
        return false;
      if (*end == '\0')
        return true;
      label = end + 1;
    }
}

char *
address_domain_ascii (const char *domain, GError **error)
{
  char *labels = NULL;
  g_autofree char *ascii = NULL;
  int code;

  if (g_str_is_ascii (domain))
    return g_strdup (domain);
  if (!library_load (&idn2_library, error))
    return NULL;
  code = idn2_to_ascii_8z (domain, &labels,
                           IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
  if (code != IDN2_OK)
    {
      g_set_error (error, FAILURE, FAILURE_DATA,
                   _ ("the domain %s has no ASCII form: %s"), domain,
                   idn2_strerror (code));
      return NULL;
    }
  ascii = g_strdup (labels);
  idn2_free (labels);
  if (g_str_is_ascii (ascii) && address_domain_valid (ascii))
    return g_steal_pointer (&ascii);
  g_set_error (error, FAILURE, FAILURE_DATA,
               _ ("the domain %s has no ASCII form"), domain);
  return NULL;
}
