#include "mail/alias.h"

#include <limits.h>
#include <string.h>

#include <glib/gi18n.h>

#include "base/failure.h"
#include "base/text.h"

#define PROBLEMS_MAXIMUM 100

#define BYTE_ORDER_MARK "\xef\xbb\xbf"
#define CATCH_ALL "default"

Locality
alias_locality (const char *domain, const char *const *hosts)
{
  if (domain == NULL || strpbrk (domain, ".[:") == NULL
      || g_ascii_strcasecmp (domain, "localhost.localdomain") == 0)
    return LOCALITY_NAME;
  for (; *hosts != NULL; hosts++)
    if (g_ascii_strcasecmp (domain, *hosts) == 0)
      return LOCALITY_HOST;
  return LOCALITY_ELSEWHERE;
}

typedef enum
{
  TARGET_ADDRESS,
  TARGET_COMMAND,
  TARGET_FILE,
  TARGET_DIRECTIVE, /* :include: and others */
  TARGET_BAD,
} TargetKind;

typedef struct
{
  TargetKind kind;
  Address *address; /* of TARGET_ADDRESS */
  char *text;       /* of the others: what it says, or what is wrong with it */
  int line;
} Target;

typedef struct
{
  char *name; /* printable */
  int line;
  GPtrArray *targets; /* of Target */
} Definition;

struct Aliases
{
  char *file;
  GHashTable *definitions; /* Definition by key */
  GPtrArray *problems;
};

static void
target_free (void *data)
{
  Target *target = data;

  g_clear_pointer (&target->address, address_free);
  g_free (target->text);
  g_free (target);
}

static void
definition_free (void *data)
{
  Definition *definition = data;

  g_free (definition->name);
  g_ptr_array_unref (definition->targets);
  g_free (definition);
}

void
aliases_free (Aliases *aliases)
{
  g_free (aliases->file);
  g_hash_table_unref (aliases->definitions);
  g_ptr_array_unref (aliases->problems);
  g_free (aliases);
}

const GPtrArray *
aliases_problems (const Aliases *aliases)
{
  return aliases->problems;
}

/* Reading. */

typedef struct
{
  size_t offset; /* in the logical line */
  int number;    /* in the file */
} Start;

/* A logical line, which may have several in the file. */
typedef struct
{
  Aliases *aliases;
  GString *text;
  GArray *starts; /* of Start; none: there is no line */
  size_t start;   /* the one that was asked for last */
} Reader;

static void complain (Aliases *aliases, int line, const char *format, ...)
    G_GNUC_PRINTF (3, 4);

static void
complain (Aliases *aliases, int line, const char *format, ...)
{
  g_autofree char *text = NULL;
  va_list arguments;

  if (aliases->problems->len >= PROBLEMS_MAXIMUM)
    return;
  va_start (arguments, format);
  text = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  g_ptr_array_add (aliases->problems,
                   g_strdup_printf ("%s:%d: %s", aliases->file, line, text));
}

/* Where in the file P stands; asked for in the order of the text. */
static int
line_at (Reader *reader, const char *p)
{
  size_t offset = (size_t) (p - reader->text->str);
  const GArray *starts = reader->starts;

  while (reader->start + 1 < starts->len
         && g_array_index (starts, Start, reader->start + 1).offset <= offset)
    reader->start++;
  return g_array_index (starts, Start, reader->start).number;
}

/* From the quote at *P to behind the one that ends it; what is between them,
   with its backslashes undone. NULL: none ends it. */
static char *
take_quoted (const char **p)
{
  g_autoptr (GString) text = g_string_new (NULL);

  for (const char *c = *p + 1; *c != '\0'; c++)
    {
      if (*c == '"')
        {
          *p = c + 1;
          return g_string_free (g_steal_pointer (&text), FALSE);
        }
      if (*c == '\\' && c[1] != '\0')
        c++;
      g_string_append_c (text, *c);
    }
  return NULL;
}

/* The name that *P begins with, up to behind its ':'. NULL: there is none. */
static char *
take_name (const char **p)
{
  g_autofree char *name = NULL;

  if (**p == '"')
    name = take_quoted (p);
  else
    {
      size_t length = strcspn (*p, ": \t\"");

      name = g_strndup (*p, length);
      *p += length;
    }
  *p += strspn (*p, " \t");
  if (name == NULL || name[0] == '\0' || **p != ':')
    return NULL;
  ++*p;
  for (const char *c = name; *c != '\0'; c++)
    if (g_ascii_iscntrl (*c) || *c == '@')
      return NULL;
  return g_steal_pointer (&name);
}

/* Behind the target at P: the next comma outside of quotes, brackets and
   comments, or the end. */
static const char *
target_end (const char *p)
{
  bool quoted = false;
  bool angle = false;
  unsigned depth = 0;

  for (; *p != '\0'; p++)
    {
      if (*p == '\\' && p[1] != '\0')
        p++;
      else if (*p == '"')
        quoted = !quoted;
      else if (quoted)
        continue;
      else if (*p == '(')
        depth++;
      else if (*p == ')' && depth > 0)
        depth--;
      else if (*p == '<' || *p == '>')
        angle = *p == '<';
      else if (*p == ',' && depth == 0 && !angle)
        break;
    }
  return p;
}

/* TEXT becomes the definition's. */
static Target *
add_target (Definition *definition, int line, TargetKind kind, char *text)
{
  Target *target = g_new0 (Target, 1);

  target->kind = kind;
  target->line = line;
  target->text = text;
  g_ptr_array_add (definition->targets, target);
  return target;
}

static void
add_addresses (Reader *reader, Definition *definition, int line,
               const char *text)
{
  g_autoptr (GPtrArray) addresses =
      g_ptr_array_new_with_free_func ((GDestroyNotify) address_free);
  g_autoptr (GPtrArray) problems = g_ptr_array_new_with_free_func (g_free);

  (void) address_parse_list (text, strlen (text), addresses, problems);
  for (size_t i = 0; i < problems->len; i++)
    {
      complain (reader->aliases, line, "%s",
                (const char *) problems->pdata[i]);
      add_target (definition, line, TARGET_BAD, g_strdup (problems->pdata[i]));
    }
  for (size_t i = 0; i < addresses->len; i++)
    add_target (definition, line, TARGET_ADDRESS, NULL)->address =
        address_copy (addresses->pdata[i]);
}

/* What TEXT is, where it is no address, by the first character that is not
   quoted away. */
static TargetKind
special_kind (const char *text)
{
  static const TargetKind kinds[] = {
    ['|'] = TARGET_COMMAND,
    ['/'] = TARGET_FILE,
    [':'] = TARGET_DIRECTIVE,
  };
  const char first = text[0] == '"' ? text[1] : text[0];

  return first >= 0 && (size_t) first < G_N_ELEMENTS (kinds)
             ? kinds[(size_t) first]
             : TARGET_ADDRESS;
}

static void
read_target (Reader *reader, Definition *definition, int line,
             const char *text)
{
  TargetKind kind = special_kind (text);

  if (kind == TARGET_ADDRESS)
    add_addresses (reader, definition, line, text);
  else
    add_target (definition, line, kind, text_shown (text));
}

static void
read_targets (Reader *reader, Definition *definition, const char *p)
{
  for (;;)
    {
      const char *end;
      g_autofree char *text = NULL;

      p += strspn (p, " \t");
      end = target_end (p);
      text = g_strchomp (g_strndup (p, (size_t) (end - p)));
      if (text[0] != '\0')
        read_target (reader, definition, line_at (reader, p), text);
      if (*end == '\0')
        return;
      p = end + 1;
    }
}

/* The logical line is complete. */
static void
read_logical (Reader *reader)
{
  Aliases *aliases = reader->aliases;
  const char *p = reader->text->str;
  g_autofree char *name = NULL;
  g_autofree char *key = NULL;
  Definition *definition;
  int line;

  if (reader->starts->len == 0)
    return;
  line = line_at (reader, p);
  name = take_name (&p);
  if (name == NULL)
    {
      complain (aliases, line,
                _ ("no alias: write `name: address'; the name has no domain, "
                   "and stands in quotes unless it is one word"));
      return;
    }
  definition = g_new0 (Definition, 1);
  definition->name = text_shown (name);
  definition->line = line;
  definition->targets = g_ptr_array_new_with_free_func (target_free);
  read_targets (reader, definition, p);
  key = g_ascii_strdown (name, -1);
  if (definition->targets->len == 0)
    complain (aliases, line, _ ("the alias `%s' stands for nothing"),
              definition->name);
  else if (g_hash_table_contains (aliases->definitions, key))
    complain (aliases, line,
              _ ("the alias `%s' is there twice: the first counts"),
              definition->name);
  else
    {
      g_hash_table_insert (aliases->definitions, g_steal_pointer (&key),
                           definition);
      return;
    }
  definition_free (definition);
}

static void
begin_logical (Reader *reader)
{
  g_string_truncate (reader->text, 0);
  g_array_set_size (reader->starts, 0);
  reader->start = 0;
}

/* A comment, or a line of blanks, does not even end what it interrupts. */
static void
read_physical (Reader *reader, int number, const char *line, size_t length)
{
  Start start = { 0, number };
  size_t blank = 0;

  if (length > 0 && line[length - 1] == '\r')
    length--;
  while (blank < length && (line[blank] == ' ' || line[blank] == '\t'))
    blank++;
  if (blank == length || line[blank] == '#')
    return;
  if (blank == 0)
    {
      read_logical (reader);
      begin_logical (reader);
    }
  else if (reader->starts->len == 0)
    {
      complain (reader->aliases, number,
                _ ("a line that begins with a blank continues an alias, and "
                   "there is none"));
      return;
    }
  start.offset = reader->text->len;
  g_array_append_val (reader->starts, start);
  g_string_append_len (reader->text, line, (gssize) length);
}

Aliases *
aliases_parse (const char *file, const char *text, size_t length)
{
  Aliases *aliases = g_new0 (Aliases, 1);
  /* A NUL is as unwelcome as other control characters, and they do not end a
     string. */
  g_autofree char *octets = g_memdup2 (text, length);
  g_autoptr (GString) logical = g_string_new (NULL);
  g_autoptr (GArray) starts = g_array_new (FALSE, FALSE, sizeof (Start));
  Reader reader = { .aliases = aliases, .text = logical, .starts = starts };
  size_t at = 0;

  aliases->file = text_printable (file, strlen (file), PATH_MAX);
  aliases->definitions =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, definition_free);
  aliases->problems = g_ptr_array_new_with_free_func (g_free);
  for (size_t i = 0; i < length; i++)
    if (octets[i] == '\0')
      octets[i] = '\1';
  if (length >= strlen (BYTE_ORDER_MARK)
      && memcmp (octets, BYTE_ORDER_MARK, strlen (BYTE_ORDER_MARK)) == 0)
    at = strlen (BYTE_ORDER_MARK);
  for (int number = 1; at < length; number++)
    {
      const char *line = octets + at;
      const char *end = memchr (line, '\n', length - at);
      size_t size = end != NULL ? (size_t) (end - line) : length - at;

      read_physical (&reader, number, line, size);
      at += size + 1;
    }
  read_logical (&reader);
  return aliases;
}

/* Expanding. */

typedef struct
{
  const Aliases *aliases;
  const char *const *hosts;
  GHashTable *begun; /* definitions whose targets are, or were, looked at */
  GPtrArray *open;   /* those that led here */
  GPtrArray *found;
  GPtrArray *notes;
} Expansion;

static bool expand (Expansion *expansion, const Address *address,
                    GError **error);

/* The local-part of ADDRESS as definitions have it. */
static char *
address_key (const Address *address)
{
  const char *p = address->local_part;
  g_autofree char *plain = p[0] == '"' ? take_quoted (&p) : NULL;

  return g_ascii_strdown (plain != NULL ? plain : address->local_part, -1);
}

static bool
is_open (const Expansion *expansion, const Definition *definition)
{
  return g_ptr_array_find (expansion->open, definition, NULL);
}

/* What is defined for ADDRESS; NULL: nothing. What the catch-all leads to is
   not for it to catch, and no address of this host is. */
static const Definition *
look_up (const Expansion *expansion, const Address *address, Locality locality)
{
  g_autofree char *key = address_key (address);
  const Definition *definition;

  if (expansion->aliases == NULL || locality == LOCALITY_ELSEWHERE)
    return NULL;
  definition = g_hash_table_lookup (expansion->aliases->definitions, key);
  if (definition != NULL || locality == LOCALITY_HOST)
    return definition;
  definition =
      g_hash_table_lookup (expansion->aliases->definitions, CATCH_ALL);
  return definition != NULL && !is_open (expansion, definition) ? definition
                                                                : NULL;
}

static bool fail (const Expansion *expansion, int line, GError **error,
                  const char *format, ...) G_GNUC_PRINTF (4, 5);

static bool
fail (const Expansion *expansion, int line, GError **error, const char *format,
      ...)
{
  g_autofree char *text = NULL;
  va_list arguments;

  va_start (arguments, format);
  text = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  g_set_error (error, FAILURE, FAILURE_CONFIG, "%s:%d: %s",
               expansion->aliases->file, line, text);
  return false;
}

static bool
fail_special (const Expansion *expansion, const Definition *definition,
              const Target *target, GError **error)
{
  const char *name = definition->name;
  const char *text = target->text;
  int line = target->line;

  switch (target->kind)
    {
    case TARGET_COMMAND:
      return fail (expansion, line, error,
                   _ ("the alias `%s' leads to the command %s, and none is "
                      "ever run: write an address instead"),
                   name, text);
    case TARGET_FILE:
      return fail (expansion, line, error,
                   _ ("the alias `%s' leads to the file %s, and none is ever "
                      "written: write an address instead"),
                   name, text);
    case TARGET_DIRECTIVE:
      return fail (expansion, line, error,
                   _ ("the alias `%s' leads to %s, which is not followed: "
                      "write the addresses instead"),
                   name, text);
    default:
      return fail (expansion, line, error,
                   _ ("the alias `%s' is unusable: %s"), name, text);
    }
}

static bool
add_found (Expansion *expansion, const Address *address, Locality locality,
           GError **error)
{
  Address *found = address_copy (address);
  const Definition *first;

  if (locality == LOCALITY_NAME)
    g_clear_pointer (&found->domain, g_free);
  g_ptr_array_add (expansion->found, found);
  if (expansion->found->len <= ALIAS_FOUND_MAXIMUM)
    return true;
  first = expansion->open->pdata[0];
  return fail (expansion, first->line, error,
               _ ("the alias `%s' stands for more than %d addresses"),
               first->name, ALIAS_FOUND_MAXIMUM);
}

/* The mailbox that DEFINITION's name would have here. */
static bool
is_own_mailbox (const Expansion *expansion, const Definition *definition,
                const Target *target)
{
  Locality locality =
      target->kind == TARGET_ADDRESS
          ? alias_locality (target->address->domain, expansion->hosts)
          : LOCALITY_ELSEWHERE;

  return locality == LOCALITY_NAME
         && look_up (expansion, target->address, locality) == definition;
}

static bool
/* NOLINTNEXTLINE(misc-no-recursion): ALIAS_DEPTH_MAXIMUM bounds it */
expand_target (Expansion *expansion, const Definition *definition,
               const Target *target, GError **error)
{
  if (target->kind != TARGET_ADDRESS)
    return fail_special (expansion, definition, target, error);
  return expand (expansion, target->address, error);
}

static bool
/* NOLINTNEXTLINE(misc-no-recursion): ALIAS_DEPTH_MAXIMUM bounds it */
expand_targets (Expansion *expansion, const Definition *definition,
                GError **error)
{
  const Target *own = NULL;
  bool others = false;

  for (size_t i = 0; i < definition->targets->len; i++)
    {
      const Target *target = definition->targets->pdata[i];

      if (is_own_mailbox (expansion, definition, target))
        own = target;
      else if (!expand_target (expansion, definition, target, error))
        return false;
      others = others || own != target;
    }
  if (own != NULL && !others)
    return add_found (expansion, own->address, LOCALITY_NAME, error);
  if (own != NULL)
    g_ptr_array_add (
        expansion->notes,
        g_strdup_printf (_ ("%s:%d: `%s' has no mailbox on this machine; the "
                            "other targets of the alias have the message"),
                         expansion->aliases->file, own->line,
                         definition->name));
  return true;
}

static bool
/* NOLINTNEXTLINE(misc-no-recursion): ALIAS_DEPTH_MAXIMUM bounds it */
expand_definition (Expansion *expansion, const Definition *definition,
                   GError **error)
{
  bool good;

  if (expansion->open->len == ALIAS_DEPTH_MAXIMUM)
    return fail (expansion, definition->line, error,
                 _ ("more than %d aliases lead from one to the next"),
                 ALIAS_DEPTH_MAXIMUM);
  g_hash_table_add (expansion->begun, (void *) definition);
  g_ptr_array_add (expansion->open, (void *) definition);
  good = expand_targets (expansion, definition, error);
  g_ptr_array_set_size (expansion->open, (int) expansion->open->len - 1);
  return good;
}

static bool
/* NOLINTNEXTLINE(misc-no-recursion): ALIAS_DEPTH_MAXIMUM bounds it */
expand (Expansion *expansion, const Address *address, GError **error)
{
  Locality locality = alias_locality (address->domain, expansion->hosts);
  const Definition *definition = look_up (expansion, address, locality);

  if (definition != NULL && is_open (expansion, definition)
      && locality == LOCALITY_NAME)
    return fail (expansion, definition->line, error,
                 _ ("the alias `%s' leads back to itself"), definition->name);
  if (definition == NULL || is_open (expansion, definition))
    return add_found (expansion, address, locality, error);
  /* Each once: what two aliases lead to does not get a message twice. */
  if (g_hash_table_contains (expansion->begun, definition))
    return true;
  return expand_definition (expansion, definition, error);
}

bool
aliases_expand (const Aliases *aliases, const Address *address,
                const char *const *hosts, GPtrArray *found, GPtrArray *notes,
                GError **error)
{
  g_autoptr (GHashTable) begun = g_hash_table_new (NULL, NULL);
  g_autoptr (GPtrArray) open = g_ptr_array_new ();
  g_autoptr (GPtrArray) own =
      g_ptr_array_new_with_free_func ((GDestroyNotify) address_free);
  Expansion expansion = { aliases, hosts, begun, open, own, notes };

  if (!expand (&expansion, address, error))
    return false;
  g_ptr_array_extend_and_steal (found, g_steal_pointer (&own));
  return true;
}
