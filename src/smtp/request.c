#include "smtp/request.h"

#include <stdlib.h>
#include <string.h>

#include <glib.h>

#include "mail/address.h"
#include "mail/encoding.h"

#define SIZE_DIGITS 20 /* RFC 1870 section 3 */
#define BLANKS " \t"

/* What parameters are taken into. */
typedef struct
{
  MailParameters mail;
  Envelope *envelope;
  char *notify;
  char *orcpt;
} Taken;

static bool
take_size (Taken *taken, const char *value)
{
  size_t digits = strspn (value, "0123456789");

  /* What is too long for the number is the largest that there is. */
  taken->mail.size = strtoull (value, NULL, 10);
  return digits >= 1 && digits <= SIZE_DIGITS && value[digits] == '\0';
}

/* What the body is, it tells itself. */
static bool
take_body (Taken *taken, const char *value)
{
  return g_ascii_strcasecmp (value, "7BIT") == 0
         || g_ascii_strcasecmp (value, "8BITMIME") == 0;
}

static bool
take_utf8 (Taken *taken, const char *value)
{
  taken->mail.utf8 = true;
  return true;
}

static bool
take_ret (Taken *taken, const char *value)
{
  return envelope_set_ret (taken->envelope, value, NULL);
}

static bool
take_envid (Taken *taken, const char *value)
{
  g_autofree char *envid = encoding_decode_xtext (value);

  return envid != NULL && envelope_set_envid (taken->envelope, envid, NULL);
}

static bool
take_notify (Taken *taken, const char *value)
{
  taken->notify = envelope_notify_words (value);
  return taken->notify != NULL;
}

/* The characters of an esmtp-value (RFC 5321 section 4.1.2, RFC 6531 section
   3.3), and no xtext that would be something else. */
static bool
is_orcpt_address (const char *text, bool utf8_type)
{
  g_autofree char *decoded = NULL;

  for (const char *p = text; *p != '\0'; p++)
    if ((!g_ascii_isgraph (*p) && (unsigned char) *p < 128) || *p == '=')
      return false;
  if (utf8_type)
    return text[0] != '\0';
  decoded = encoding_decode_xtext (text);
  if (decoded == NULL || decoded[0] == '\0')
    return false;
  for (const char *p = decoded; *p != '\0'; p++)
    if (g_ascii_iscntrl (*p))
      return false;
  return true;
}

static bool
take_orcpt (Taken *taken, const char *value)
{
  size_t type = strcspn (value, ";");

  if (strlen (value) > ORCPT_MAXIMUM || type == 0 || value[type] == '\0'
      || !g_utf8_validate (value, -1, NULL))
    return false;
  for (size_t i = 0; i < type; i++)
    if (!g_ascii_isalnum (value[i]) && strchr ("-._", value[i]) == NULL)
      return false;
  taken->orcpt = g_strdup (value);
  return is_orcpt_address (value + type + 1,
                           type == strlen ("utf-8")
                               && g_ascii_strncasecmp (value, "utf-8", type)
                                      == 0);
}

typedef struct
{
  const char *name;
  bool has_value;
  bool (*take) (Taken *taken, const char *value);
} Parameter;

static const Parameter mail_parameters[] = {
  { "SIZE", true, take_size },      { "BODY", true, take_body },
  { "SMTPUTF8", false, take_utf8 }, { "RET", true, take_ret },
  { "ENVID", true, take_envid },    { 0 },
};

static const Parameter rcpt_parameters[] = {
  { "NOTIFY", true, take_notify },
  { "ORCPT", true, take_orcpt },
  { 0 },
};

static const char bad_parameter[]
    = "501 5.5.4 a parameter cannot be like that";

/* SEEN: a bit for each that there was. */
static const char *
take_parameter (const Parameter *table, char *text, unsigned *seen,
                Taken *taken)
{
  char *value = strchr (text, '=');

  if (value != NULL)
    *value++ = '\0';
  for (unsigned i = 0; table[i].name != NULL; i++)
    {
      if (g_ascii_strcasecmp (text, table[i].name) != 0)
        continue;
      if ((*seen & 1U << i) != 0 || (value != NULL) != table[i].has_value
          || !table[i].take (taken, value))
        return bad_parameter;
      *seen |= 1U << i;
      return NULL;
    }
  return "555 5.5.4 there is no such parameter";
}

static const char *
take_parameters (const Parameter *table, const char *text, Taken *taken)
{
  g_auto (GStrv) words = g_strsplit_set (text, BLANKS, -1);
  unsigned seen = 0;

  for (char **word = words; *word != NULL; word++)
    {
      const char *refusal
          = **word == '\0' ? NULL
                           : take_parameter (table, *word, &seen, taken);

      if (refusal != NULL)
        return refusal;
    }
  return NULL;
}

/* How long the path is that TEXT begins with: to the bracket that ends it, or,
   where there are none, to a blank. 0: there is no end. */
static size_t
path_length (const char *text)
{
  bool quoted = false;

  if (text[0] != '<')
    return strcspn (text, BLANKS);
  for (size_t i = 1; text[i] != '\0'; i++)
    if (text[i] == '\\' && text[i + 1] != '\0')
      i++;
    else if (text[i] == '"')
      quoted = !quoted;
    else if (text[i] == '>' && !quoted)
      return i + 1;
  return 0;
}

/* Cuts ARGUMENT, "FROM:<path> parameters", into path and parameters. False: it
   is not like that. */
static bool
cut (const char *argument, const char *keyword, char **path,
     const char **parameters)
{
  size_t length;

  if (g_ascii_strncasecmp (argument, keyword, strlen (keyword)) != 0)
    return false;
  argument += strlen (keyword);
  argument += strspn (argument, BLANKS);
  length = path_length (argument);
  if (length == 0
      || (argument[length] != '\0' && strchr (BLANKS, argument[length]) == NULL))
    return false;
  *path = g_strndup (argument, length);
  *parameters = argument + length;
  return true;
}

/* TEXT as address_path writes it; NULL: it is no path. */
static char *
read_path (const char *text)
{
  g_autoptr (Address) address = address_parse (text, NULL);

  return address != NULL ? address_path (address) : NULL;
}

static const char not_ascii[]
    = "553 5.6.7 an address that is not ASCII is for SMTPUTF8";

static const char *
take_mail (const char *text, const char *parameters, Taken *taken)
{
  const char *refusal
      = take_parameters (mail_parameters, parameters, taken);
  char *path;

  if (refusal != NULL)
    return refusal;
  path = strcmp (text, "<>") == 0 ? g_strdup ("") : read_path (text);
  if (path == NULL)
    return "501 5.1.7 this is no mail address";
  g_free (taken->envelope->reverse_path);
  taken->envelope->reverse_path = path;
  return g_str_is_ascii (path) || taken->mail.utf8 ? NULL : not_ascii;
}

const char *
request_mail (const char *argument, Envelope *envelope,
              MailParameters *parameters)
{
  Taken taken = { .envelope = envelope };
  g_autofree char *path = NULL;
  const char *rest;
  const char *refusal;

  if (!cut (argument, "FROM:", &path, &rest))
    return "501 5.5.4 say MAIL FROM:<address>";
  refusal = take_mail (path, rest, &taken);
  *parameters = taken.mail;
  return refusal;
}

static const char *
take_rcpt (const char *text, const char *parameters, bool utf8, Taken *taken)
{
  const char *refusal
      = take_parameters (rcpt_parameters, parameters, taken);
  g_autofree char *path = read_path (text);
  Wish wish = { taken->notify != NULL ? taken->notify : (char *) "",
                taken->orcpt != NULL ? taken->orcpt : (char *) "" };

  if (refusal != NULL)
    return refusal;
  if (path == NULL)
    return "501 5.1.3 this is no mail address";
  if (!utf8 && !g_str_is_ascii (path))
    return not_ascii;
  if (!utf8 && !g_str_is_ascii (wish.orcpt))
    return bad_parameter;
  envelope_add_wish (taken->envelope, path, &wish);
  return NULL;
}

const char *
request_rcpt (const char *argument, bool utf8, Envelope *envelope)
{
  Taken taken = { .envelope = envelope };
  g_autofree char *path = NULL;
  const char *rest;
  const char *refusal;

  if (!cut (argument, "TO:", &path, &rest))
    return "501 5.5.4 say RCPT TO:<address>";
  refusal = take_rcpt (path, rest, utf8, &taken);
  g_free (taken.notify);
  g_free (taken.orcpt);
  return refusal;
}

void
request_split (char *line, const char **verb, const char **argument)
{
  size_t length;

  g_strstrip (line);
  length = strcspn (line, BLANKS);
  *verb = line;
  *argument = line + length + strspn (line + length, BLANKS);
  line[length] = '\0';
}
