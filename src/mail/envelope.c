#include "mail/envelope.h"

#include <string.h>

#include <glib/gi18n.h>

#include "base/failure.h"
#include "base/text.h"
#include "mail/address.h"

#define ENVID_MAXIMUM 100 /* octets, RFC 3461 section 4.4 */

static void
wish_free (Wish *wish)
{
  if (wish == NULL)
    return;
  g_free (wish->notify);
  g_free (wish->orcpt);
  g_free (wish);
}

static Wish *
wish_copy (const Wish *wish)
{
  Wish *copy = NULL;

  if (wish != NULL)
    {
      copy = g_new0 (Wish, 1);
      copy->notify = g_strdup (wish->notify);
      copy->orcpt = g_strdup (wish->orcpt);
    }
  return copy;
}

Envelope *
envelope_new (void)
{
  Envelope *envelope = g_new0 (Envelope, 1);

  envelope->reverse_path = g_strdup ("");
  envelope->forward_paths = g_ptr_array_new_with_free_func (g_free);
  envelope->wishes =
      g_ptr_array_new_with_free_func ((GDestroyNotify)wish_free);
  envelope->notify = g_strdup ("");
  envelope->ret = g_strdup ("");
  envelope->envid = g_strdup ("");
  envelope->known =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  return envelope;
}

static void
replace (char **slot, const char *value)
{
  g_free (*slot);
  *slot = g_strdup (value);
}

Envelope *
envelope_new_like (const Envelope *envelope)
{
  Envelope *other = envelope_new ();

  replace (&other->reverse_path, envelope->reverse_path);
  replace (&other->notify, envelope->notify);
  replace (&other->ret, envelope->ret);
  replace (&other->envid, envelope->envid);
  return other;
}

void
envelope_free (Envelope *envelope)
{
  if (envelope == NULL)
    return;
  g_free (envelope->reverse_path);
  g_ptr_array_unref (envelope->forward_paths);
  g_ptr_array_unref (envelope->wishes);
  g_free (envelope->notify);
  g_free (envelope->ret);
  g_free (envelope->envid);
  g_hash_table_unref (envelope->known);
  g_free (envelope);
}

/* There may be many thousands, hence the table. */
void
envelope_add_wish (Envelope *envelope, const char *path, const Wish *wish)
{
  if (!g_hash_table_add (envelope->known, address_path_fold (path)))
    return;
  g_ptr_array_add (envelope->forward_paths, g_strdup (path));
  g_ptr_array_add (envelope->wishes, wish_copy (wish));
}

void
envelope_add (Envelope *envelope, const char *path)
{
  envelope_add_wish (envelope, path, NULL);
}

void
envelope_wish_last (Envelope *envelope, const Wish *wish)
{
  gpointer *last = &envelope->wishes->pdata[envelope->wishes->len - 1];

  wish_free (*last);
  *last = wish_copy (wish);
}

const Wish *
envelope_wish (const Envelope *envelope, size_t index)
{
  return g_ptr_array_index (envelope->wishes, index);
}

const char *
envelope_notify (const Envelope *envelope, size_t index)
{
  const Wish *wish = envelope_wish (envelope, index);

  return wish != NULL && wish->notify[0] != '\0' ? wish->notify
                                                 : envelope->notify;
}

static bool
add_text (Envelope *envelope, const char *text, GPtrArray *problems)
{
  g_autoptr (GPtrArray) addresses =
      g_ptr_array_new_with_free_func ((GDestroyNotify)address_free);
  bool good = address_parse_list (text, strlen (text), addresses, problems);

  for (guint i = 0; i < addresses->len; i++)
    {
      g_autofree char *path = address_path (g_ptr_array_index (addresses, i));

      envelope_add (envelope, path);
    }
  return good;
}

bool
envelope_add_list (Envelope *envelope, const char *argument,
                   GPtrArray *problems)
{
  return add_text (envelope, argument, problems);
}

static bool
is_recipient_field (const Field *field, bool resent)
{
  static const char *const names[] = { "To", "Cc", "Bcc" };
  const char *name = field->name;

  if (resent)
    {
      if (g_ascii_strncasecmp (name, "Resent-", strlen ("Resent-")) != 0)
        return false;
      name += strlen ("Resent-");
    }
  for (size_t i = 0; i < G_N_ELEMENTS (names); i++)
    {
      if (g_ascii_strcasecmp (name, names[i]) == 0)
        return true;
    }
  return false;
}

static bool
is_resent (const Header *header)
{
  for (guint i = 0; i < header->fields->len; i++)
    {
      if (is_recipient_field (g_ptr_array_index (header->fields, i), true))
        return true;
    }
  return false;
}

bool
envelope_add_header (Envelope *envelope, const Header *header,
                     GPtrArray *problems)
{
  bool resent = is_resent (header);
  bool good = true;

  for (guint i = 0; i < header->fields->len; i++)
    {
      const Field *field = g_ptr_array_index (header->fields, i);

      if (is_recipient_field (field, resent)
          && !add_text (envelope, field->body, problems))
        good = false;
    }
  return good;
}

/* Delivery status notifications. */

static bool
refuse (GError **error, const char *option, const char *text)
{
  g_autofree char *shown = text_printable (text, strlen (text), 100);

  g_set_error (error, FAILURE, FAILURE_USAGE,
               _ ("the argument of %s cannot be `%s'; see --help"), option,
               shown);
  return false;
}

/* The index of WORD in WORDS without regard to case, or COUNT. */
static size_t
find_word (const char *word, const char *const *words, size_t count)
{
  size_t i = 0;

  while (i < count && g_ascii_strcasecmp (word, words[i]) != 0)
    i++;
  return i;
}

char *
envelope_notify_words (const char *text)
{
  static const char *const words[] = { "SUCCESS", "FAILURE", "DELAY" };
  g_auto (GStrv) given = g_strsplit (text, ",", -1);
  g_autoptr (GString) notify = g_string_new (NULL);
  bool wanted[G_N_ELEMENTS (words)] = { false };

  if (g_ascii_strcasecmp (text, "NEVER") == 0)
    return g_strdup ("NEVER");
  for (char **word = given; *word != NULL; word++)
    {
      size_t i = find_word (g_strstrip (*word), words, G_N_ELEMENTS (words));

      if (i == G_N_ELEMENTS (words))
        return NULL;
      wanted[i] = true;
    }
  for (size_t i = 0; i < G_N_ELEMENTS (words); i++)
    {
      if (wanted[i])
        g_string_append_printf (notify, "%s%s", notify->len > 0 ? "," : "",
                                words[i]);
    }
  return notify->len > 0 ? g_strndup (notify->str, notify->len) : NULL;
}

bool
envelope_set_notify (Envelope *envelope, const char *text, GError **error)
{
  char *notify = envelope_notify_words (text);

  if (notify == NULL)
    return refuse (error, "-N", text);
  g_free (envelope->notify);
  envelope->notify = notify;
  return true;
}

bool
envelope_set_ret (Envelope *envelope, const char *text, GError **error)
{
  static const char *const words[] = { "FULL", "HDRS" };
  size_t i = find_word (text, words, G_N_ELEMENTS (words));

  if (i == G_N_ELEMENTS (words))
    return refuse (error, "-R", text);
  g_free (envelope->ret);
  envelope->ret = g_strdup (words[i]);
  return true;
}

bool
envelope_set_envid (Envelope *envelope, const char *text, GError **error)
{
  size_t length = strlen (text);

  for (size_t i = 0; i < length; i++)
    {
      if (!g_ascii_isprint (text[i]))
        return refuse (error, "-V", text);
    }
  if (length == 0 || length > ENVID_MAXIMUM)
    return refuse (error, "-V", text);
  g_free (envelope->envid);
  envelope->envid = g_strdup (text);
  return true;
}
