#include "cli/netrc.h"

#include <string.h>

#include <glib.h>

typedef struct
{
  const char *at;
  const char *end;
  int line;
} Reader;

/* What stands behind a `machine'. */
typedef struct
{
  bool host;  /* it is ours */
  bool login; /* so is that */
  Secret *password;
  int line;
} Entry;

static void
skip_line (Reader *reader)
{
  while (reader->at < reader->end && *reader->at != '\n')
    reader->at++;
}

/* Up to the next word; what stands behind # is none. */
static void
skip_space (Reader *reader)
{
  while (reader->at < reader->end)
    if (*reader->at == '#')
      skip_line (reader);
    else if (g_ascii_isspace (*reader->at))
      reader->line += *reader->at++ == '\n' ? 1 : 0;
    else
      return;
}

/* The commands of a macro end at an empty line. */
static void
skip_macro (Reader *reader)
{
  while (reader->at < reader->end)
    {
      const char *start;

      skip_line (reader);
      if (reader->at < reader->end)
        reader->at++;
      reader->line++;
      start = reader->at;
      skip_line (reader);
      if (reader->at - start == (*start == '\r' ? 1 : 0))
        return;
      reader->at = start;
    }
}

/* The next word, without its quotes, which end with the line at the latest;
   NULL: there is none. */
static Secret *
next_word (Reader *reader)
{
  g_autoptr (Secret) word = NULL;
  char *octets;
  size_t length = 0;
  char quote = '\0';

  skip_space (reader);
  if (reader->at == reader->end)
    return NULL;
  word = secret_new_empty ((size_t) (reader->end - reader->at));
  octets = secret_buffer (word);
  for (; reader->at < reader->end; reader->at++)
    {
      char c = *reader->at;

      if (c == '\n' || (quote == '\0' && g_ascii_isspace (c)))
        break;
      if (quote == '\0' && (c == '"' || c == '\''))
        quote = c;
      else if (quote != '\0' && c == quote)
        quote = '\0';
      else
        octets[length++] = c;
    }
  secret_set_length (word, length);
  return g_steal_pointer (&word);
}

static bool
is (const Secret *word, const char *text)
{
  return word != NULL && strcmp (secret_octets (word), text) == 0;
}

static void
begin_entry (Entry *entry)
{
  secret_free (entry->password);
  *entry = (Entry){ .host = false };
}

static bool
is_found (const Entry *entry)
{
  return entry->host && entry->login && entry->password != NULL;
}

/* What WORD says of ENTRY. */
static void
read_word (Reader *reader, const Secret *word, const char *host,
           const char *user, Entry *entry)
{
  if (is (word, "macdef"))
    skip_macro (reader);
  else if (is (word, "machine"))
    {
      g_autoptr (Secret) value = next_word (reader);

      entry->host = is (value, host);
    }
  else if (is (word, "login") || is (word, "user"))
    {
      g_autoptr (Secret) value = next_word (reader);

      entry->login = is (value, user);
    }
  else if (is (word, "password") || is (word, "passwd"))
    {
      secret_free (entry->password);
      entry->password = next_word (reader);
      entry->line = reader->line;
    }
  else if (is (word, "account"))
    secret_free (next_word (reader));
}

Secret *
netrc_find (const Secret *netrc, const char *host, const char *user, int *line)
{
  Reader reader = { .at = secret_octets (netrc),
                    .end = secret_octets (netrc) + secret_length (netrc),
                    .line = 1 };
  Entry entry = { .host = false };
  bool more = true;

  while (more)
    {
      g_autoptr (Secret) word = next_word (&reader);

      if (word == NULL || is (word, "machine") || is (word, "default"))
        {
          if (is_found (&entry))
            break;
          begin_entry (&entry);
        }
      more = word != NULL;
      if (more)
        read_word (&reader, word, host, user, &entry);
    }
  if (line != NULL)
    *line = entry.line;
  return entry.password;
}
