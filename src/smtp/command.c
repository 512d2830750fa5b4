#include "smtp/command.h"

#include <string.h>

#include <glib/gi18n.h>

#include "base/failure.h"
#include "base/text.h"
#include "mail/address.h"

char *
command_path (const char *path, const Extensions *extensions,
              EnhancedCode *enhanced, GError **error)
{
  g_autoptr (Address) address = address_of_path (path);
  g_autofree char *domain = NULL;

  *enhanced = (EnhancedCode){ 5, 1, 3 };
  if (text_has_control (path))
    {
      g_set_error_literal (error, FAILURE, FAILURE_DATA,
                           _ ("the address has a control character in it"));
      return NULL;
    }
  if (path[0] != '\0' && address->domain == NULL)
    {
      *enhanced = (EnhancedCode){ 5, 1, 1 };
      g_set_error (error, FAILURE, FAILURE_NO_USER,
                   _ ("%s is a local name, and no mail is kept on this machine"),
                   path);
      return NULL;
    }
  if (g_str_is_ascii (path))
    return g_strdup (path);
  *enhanced = (EnhancedCode){ 5, 6, 7 };
  if (g_str_is_ascii (address->local_part))
    {
      domain = address_domain_ascii (address->domain, error);
      return domain == NULL ? NULL
                            : g_strdup_printf ("%s@%s", address->local_part,
                                               domain);
    }
  if (extensions->smtputf8)
    return g_strdup (path);
  g_set_error (error, FAILURE, FAILURE_DATA,
               _ ("the address %s is not ASCII, and the relay does not offer "
                  "SMTPUTF8"),
               path);
  return NULL;
}

/* RFC 3461 section 4. */
static char *
xtext (const char *text)
{
  GString *out = g_string_new (NULL);

  for (const char *p = text; *p != '\0'; p++)
    if (g_ascii_isgraph (*p) && *p != '+' && *p != '=')
      g_string_append_c (out, *p);
    else
      g_string_append_printf (out, "+%02X", (unsigned char) *p);
  return g_string_free (out, FALSE);
}

/* utf-8-addr-xtext of RFC 6533 section 3. */
static char *
utf8_xtext (const char *text)
{
  GString *out = g_string_new (NULL);

  for (const char *p = text; *p != '\0'; p = g_utf8_next_char (p))
    {
      gunichar c = g_utf8_get_char (p);

      if (c > 32 && c < 127 && strchr ("+=\\", (int) c) == NULL)
        g_string_append_unichar (out, c);
      else
        g_string_append_printf (out, "\\x{%02X}", c);
    }
  return g_string_free (out, FALSE);
}

char *
command_mail (const char *path, const Envelope *envelope,
              const Content *content, const Extensions *extensions, bool utf8,
              bool optional)
{
  GString *line = g_string_new (NULL);
  bool dsn = optional && extensions->dsn;

  g_string_append_printf (line, "MAIL FROM:<%s>", path);
  if (optional && extensions->size_offered)
    g_string_append_printf (line, " SIZE=%" G_GUINT64_FORMAT,
                            content_size (content));
  if (content->eight_bit)
    g_string_append (line, " BODY=8BITMIME");
  if (utf8)
    g_string_append (line, " SMTPUTF8");
  if (dsn && *envelope->ret != '\0')
    g_string_append_printf (line, " RET=%s", envelope->ret);
  if (dsn && *envelope->envid != '\0')
    {
      g_autofree char *envid = xtext (envelope->envid);

      g_string_append_printf (line, " ENVID=%s", envid);
    }
  return g_string_free (line, FALSE);
}

/* The path as the envelope has it. */
static void
append_own_orcpt (GString *line, const char *original)
{
  bool ascii = g_str_is_ascii (original);
  g_autofree char *text = NULL;

  if (!ascii && !g_utf8_validate (original, -1, NULL))
    return;
  text = ascii ? xtext (original) : utf8_xtext (original);
  if (strlen (text) + strlen ("rfc822;") <= ORCPT_MAXIMUM)
    g_string_append_printf (line, " ORCPT=%s;%s", ascii ? "rfc822" : "utf-8",
                            text);
}

/* As it was given; a utf-8-addr-unitext is for relays with SMTPUTF8 only, and
   has this form as well (RFC 6533 section 3). */
static void
append_given_orcpt (GString *line, const char *orcpt)
{
  g_autoptr (GString) text = g_string_new (NULL);

  if (!g_utf8_validate (orcpt, -1, NULL))
    return;
  for (const char *p = orcpt; *p != '\0'; p = g_utf8_next_char (p))
    if ((unsigned char) *p < 128)
      g_string_append_c (text, *p);
    else
      g_string_append_printf (text, "\\x{%02X}", g_utf8_get_char (p));
  if (text->len <= ORCPT_MAXIMUM)
    g_string_append_printf (line, " ORCPT=%s", text->str);
}

char *
command_rcpt (const char *path, const Envelope *envelope, size_t index,
              const Extensions *extensions)
{
  GString *line = g_string_new (NULL);
  const Wish *wish = envelope_wish (envelope, index);
  const char *notify = envelope_notify (envelope, index);

  g_string_append_printf (line, "RCPT TO:<%s>", path);
  if (extensions->dsn && notify[0] != '\0')
    g_string_append_printf (line, " NOTIFY=%s", notify);
  if (extensions->dsn && wish != NULL && wish->orcpt[0] != '\0')
    append_given_orcpt (line, wish->orcpt);
  else if (extensions->dsn && notify[0] != '\0')
    append_own_orcpt (line,
                      g_ptr_array_index (envelope->forward_paths, index));
  return g_string_free (line, FALSE);
}
