#include "smtp/sasl-oauth.h"

#include <string.h>

#include <glib/gi18n.h>

#include "base/failure.h"
#include "smtp/json-glib.h"

#define DEPTH_MAXIMUM 8   /* RFC 7628 wants one */
#define VALUE_MAXIMUM 128 /* octets that are shown */
#define TOKEN_PART 16     /* octets of a token that nobody says by chance */
#define BASE64_RUN 32     /* the same of its base64 */

/* b64token = 1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"=" */
static bool
is_b64token (const char *octets, size_t length)
{
  size_t i = 0;

  while (i < length
         && (g_ascii_isalnum (octets[i])
             || (octets[i] != '\0' && strchr ("-._~+/", octets[i]) != NULL)))
    i++;
  if (i == 0)
    return false;
  while (i < length && octets[i] == '=')
    i++;
  return i == length;
}

bool
oauth_check_token (const Secret *token, GError **error)
{
  if (token == NULL || secret_length (token) == 0)
    g_set_error_literal (error, FAILURE, FAILURE_CREDENTIAL,
                         _ ("the token is empty"));
  else if (!is_b64token (secret_octets (token), secret_length (token)))
    g_set_error_literal (
        error, FAILURE, FAILURE_CREDENTIAL,
        _ ("the account's token is none: it may have letters, digits and "
           "-._~+/ only, and = at its end"));
  else
    return true;
  return false;
}

/* BEFORE, the token, and the end of the last pair. */
static Secret *
with_token (const char *before, const Secret *token)
{
  static const char end[] = "\1\1";
  size_t head = strlen (before), middle = secret_length (token);
  Secret *answer = secret_new_empty (head + middle + strlen (end));
  char *out = secret_buffer (answer);

  memcpy (out, before, head);
  memcpy (out + head, secret_octets (token), middle);
  memcpy (out + head + middle, end, strlen (end));
  secret_set_length (answer, head + middle + strlen (end));
  return answer;
}

/* saslname of RFC 5801 section 4. */
static char *
escape_user (const char *user)
{
  GString *escaped = g_string_new (user);

  g_string_replace (escaped, "=", "=3D", 0);
  g_string_replace (escaped, ",", "=2C", 0);
  return g_string_free (escaped, FALSE);
}

Secret *
oauth_bearer (const char *user, const char *host, uint16_t port,
              const Secret *token)
{
  g_autofree char *escaped = escape_user (user);
  g_autofree char *before = g_strdup_printf (
      "n,a=%s,\1host=%s\1port=%u\1auth=Bearer ", escaped, host, port);

  return with_token (before, token);
}

Secret *
oauth_xoauth2 (const char *user, const Secret *token)
{
  g_autofree char *before = g_strdup_printf ("user=%s\1auth=Bearer ", user);

  return with_token (before, token);
}

/* Whether TEXT is one object as far as brackets and strings go, without the
   comments that JSON-GLib would take, and not so deep that its recursion
   mattered. Version 1.6 loses memory where anything follows the object. */
static bool
is_one_object (const char *text, size_t length)
{
  unsigned depth = 0;
  bool quoted = false;

  for (size_t i = 0; i < length; i++)
    {
      char c = text[i];

      if (quoted && c == '\\')
        i++;
      else if (c == '"')
        quoted = !quoted;
      else if (!quoted && (c == '{' || c == '['))
        depth++;
      else if (!quoted && (c == '}' || c == ']') && depth > 0)
        depth--;
      else if (!quoted && !g_ascii_isalnum (c)
               && strchr (" \t\r\n:,.+-", c) == NULL)
        return false;
      if (depth > DEPTH_MAXIMUM
          || (depth == 0 && strspn (text + i + 1, " \t\r\n") + i + 1 < length))
        return false;
    }
  return depth == 0;
}

/* What a parser may be given. It loses memory at half a surrogate pair as
 * well. */
static bool
is_harmless (const char *text, size_t length)
{
  return length <= OAUTH_REASON_MAXIMUM
         && g_utf8_validate (text, (gssize) length, NULL)
         && strstr (text, "\\ud") == NULL && strstr (text, "\\uD") == NULL
         && is_one_object (text, length);
}

/* The text of a member, or the number that some send instead; nullable. */
static char *
get_member (JsonObject *object, const char *name)
{
  JsonNode *node = json_object_get_member (object, name);

  if (node == NULL || !JSON_NODE_HOLDS_VALUE (node))
    return NULL;
  if (json_node_get_value_type (node) == G_TYPE_STRING)
    return json_node_dup_string (node);
  if (json_node_get_value_type (node) == G_TYPE_INT64)
    return g_strdup_printf ("%" G_GINT64_FORMAT, json_node_get_int (node));
  return NULL;
}

/* A part is enough: two of them would make a whole in a log. */
static bool
repeats_token (const char *text, const Secret *token)
{
  size_t part = MIN (TOKEN_PART, secret_length (token));

  for (size_t i = 0; i + part <= strlen (text); i++)
    if (memmem (secret_octets (token), secret_length (token), text + i, part)
        != NULL)
      return true;
  return false;
}

/* Whatever stands in it. */
static bool
looks_like_base64 (const char *text)
{
  size_t run = 0;

  for (; *text != '\0' && run < BASE64_RUN; text++)
    run =
        g_ascii_isalnum (*text) || *text == '+' || *text == '/' ? run + 1 : 0;
  return run == BASE64_RUN;
}

static void
append_value (GString *reason, const char *name, const char *value,
              const Secret *token)
{
  bool hide = repeats_token (value, token) || looks_like_base64 (value);
  size_t length = strlen (value);

  g_string_append_printf (reason, "%s%s=", reason->len == 0 ? "(" : ", ",
                          name);
  for (size_t i = 0; !hide && i < MIN (length, VALUE_MAXIMUM); i++)
    g_string_append_c (reason, g_ascii_isprint (value[i]) ? value[i] : '?');
  g_string_append (reason, hide ? "***" : length > VALUE_MAXIMUM ? "..." : "");
}

static char *
describe (JsonObject *object, const Secret *token)
{
  static const char *const names[] = { "status", "scope", "schemes" };
  GString *reason = g_string_new (NULL);

  for (size_t i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *value = get_member (object, names[i]);

      if (value != NULL)
        append_value (reason, names[i], value, token);
    }
  if (reason->len > 0)
    g_string_append_c (reason, ')');
  return g_string_free (reason, FALSE);
}

char *
oauth_reason (const char *challenge, size_t length, const Secret *token,
              GError **error)
{
  g_autoptr (JsonParser) parser = NULL;
  JsonNode *root = NULL;

  if (length == 0)
    return g_strdup ("");
  if (!library_load (&json_library, error))
    return NULL;
  parser = json_parser_new_immutable ();
  if (is_harmless (challenge, length)
      && json_parser_load_from_data (parser, challenge, (gssize) length, NULL))
    root = json_parser_get_root (parser);
  if (root != NULL && JSON_NODE_HOLDS_OBJECT (root))
    return describe (json_node_get_object (root), token);
  g_set_error_literal (error, FAILURE, FAILURE_PROTOCOL,
                       _ ("the relay does not take the token, and its reason "
                          "cannot be read"));
  return NULL;
}
