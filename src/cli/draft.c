#include "cli/draft.h"

#include <stdarg.h>
#include <string.h>

#include <glib/gi18n.h>

#include "account/config.h"
#include "account/credential.h"
#include "account/settings.h"
#include "base/text.h"

#define NOTES_MAXIMUM 1000
#define NOTE_MAXIMUM 1000 /* octets */

static void
setting_free (void *data)
{
  DraftSetting *setting = data;

  g_free (setting->value);
  g_free (setting->file);
  g_free (setting);
}

static void
account_free (void *data)
{
  DraftAccount *account = data;

  g_free (account->name);
  g_free (account->file);
  g_ptr_array_unref (account->settings);
  secret_free (account->password);
  g_free (account->password_file);
  g_free (account);
}

static void
note_free (void *data)
{
  DraftNote *note = data;

  g_free (note->file);
  g_free (note->text);
  g_free (note);
}

Draft *
draft_new (const DraftWorld *world)
{
  Draft *draft = g_new0 (Draft, 1);

  draft->world = world;
  draft->accounts = g_ptr_array_new_with_free_func (account_free);
  draft->general = g_ptr_array_new_with_free_func (setting_free);
  draft->notes = g_ptr_array_new_with_free_func (note_free);
  draft->paths = g_ptr_array_new_with_free_func (g_free);
  return draft;
}

void
draft_free (Draft *draft)
{
  g_ptr_array_unref (draft->accounts);
  g_ptr_array_unref (draft->general);
  g_ptr_array_unref (draft->notes);
  g_ptr_array_unref (draft->paths);
  g_free (draft);
}

/* Notes */

static bool
is_noted (const Draft *draft, const char *file, int line, const char *text)
{
  for (size_t i = 0; i < draft->notes->len; i++)
    {
      const DraftNote *note = g_ptr_array_index (draft->notes, i);

      if (note->line == line && strcmp (note->file, file) == 0
          && strcmp (note->text, text) == 0)
        return true;
    }
  return false;
}

/* Once only: a line of old may count for many accounts. TEXT is freed. */
static void
add_note (Draft *draft, const char *file, int line, char *text)
{
  char *shown = text_printable (text, strlen (text), NOTE_MAXIMUM);
  DraftNote *note;

  g_free (text);
  if (draft->notes->len >= NOTES_MAXIMUM
      || is_noted (draft, file, line, shown))
    {
      g_free (shown);
      return;
    }
  note = g_new0 (DraftNote, 1);
  *note = (DraftNote){ g_strdup (file), line, shown };
  g_ptr_array_add (draft->notes, note);
}

void
draft_note (Draft *draft, int line, const char *format, ...)
{
  va_list arguments;
  char *text;

  va_start (arguments, format);
  text = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  add_note (draft, draft->file, line, text);
}

void
draft_leave_out (Draft *draft, DraftAccount *account, int line,
                 const char *format, ...)
{
  g_autofree char *why = NULL;
  va_list arguments;

  if (account->left_out)
    return;
  account->left_out = true;
  va_start (arguments, format);
  why = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  add_note (draft, account->file, line,
            g_strdup_printf (_ ("account `%s' is left out: %s"), account->name,
                             why));
}

/* Accounts */

static bool
is_taken (const Draft *draft, const char *name)
{
  if (strcmp (name, CONFIG_DEFAULTS) == 0
      || strcmp (name, CONFIG_GENERAL) == 0)
    return true;
  for (size_t i = 0; i < draft->accounts->len; i++)
    {
      const DraftAccount *account = g_ptr_array_index (draft->accounts, i);

      if (strcmp (account->name, name) == 0)
        return true;
    }
  return false;
}

/* NAME as a section may be called. */
static char *
section_name (const char *name)
{
  g_autofree char *valid = g_utf8_make_valid (name, -1);
  g_autoptr (GString) section = g_string_new (NULL);

  for (const char *p = valid; *p != '\0'; p = g_utf8_next_char (p))
    {
      gunichar c = g_utf8_get_char (p);

      if (config_may_name (c))
        g_string_append_unichar (section, c);
      else
        g_string_append_c (section, '-');
    }
  if (section->len == 0)
    g_string_append (section, "account");
  return g_string_free (g_steal_pointer (&section), FALSE);
}

DraftAccount *
draft_account (Draft *draft, const char *name, int line)
{
  DraftAccount *account = g_new0 (DraftAccount, 1);
  g_autofree char *section = section_name (name);

  account->name = g_strdup (section);
  for (unsigned n = 2; is_taken (draft, account->name); n++)
    {
      g_free (account->name);
      account->name = g_strdup_printf ("%s-%u", section, n);
    }
  account->file = g_strdup (draft->file);
  account->line = line;
  account->settings = g_ptr_array_new_with_free_func (setting_free);
  g_ptr_array_add (draft->accounts, account);
  if (strcmp (account->name, name) != 0)
    draft_note (draft, line, _ ("account `%s' is called `%s' now"), name,
                account->name);
  return account;
}

/* What the reader of accounts files has against NAME = VALUE; NULL: nothing.
 */
static char *
find_problem (const DraftAccount *account, const char *name, const char *value)
{
  static const char place[] = ":2:";
  const char *section = account != NULL ? "x" : CONFIG_GENERAL;
  g_autoptr (Edit) edit = edit_open_text ("", "/", "", NULL);
  g_autoptr (GError) error = NULL;
  g_auto (GStrv) lines = NULL;
  const char *text;

  if (!edit_set (edit, section, name, value, NULL))
    return g_strdup_printf (
        _ ("`%s' has characters that an accounts file cannot have"), name);
  if (edit_check (edit, &error))
    return NULL;
  /* What is wrong with the section is another matter: it has one setting. */
  lines = g_strsplit (error->message, "\n", -1);
  for (size_t i = 0; lines[i] != NULL; i++)
    if (g_str_has_prefix (lines[i], place))
      {
        text = strstr (lines[i], ": ");
        return g_strdup (text != NULL ? text + 2 : lines[i]);
      }
  return NULL;
}

static DraftSetting *
find_setting (const GPtrArray *list, const char *name)
{
  for (size_t i = 0; i < list->len; i++)
    {
      DraftSetting *setting = g_ptr_array_index (list, i);

      if (strcmp (setting->name, name) == 0)
        return setting;
    }
  return NULL;
}

void
draft_set (Draft *draft, DraftAccount *account, const char *name,
           const char *value, int line)
{
  GPtrArray *list = account != NULL ? account->settings : draft->general;
  DraftSetting *setting = find_setting (list, name);
  g_autofree char *problem = NULL;

  if (setting != NULL && account == NULL)
    {
      if (strcmp (setting->value, value) != 0)
        draft_note (draft, line,
                    _ ("`%s' can be set once, for all accounts: what line %d "
                       "says is taken"),
                    name, setting->line);
      return;
    }
  problem = find_problem (account, name, value);
  if (problem != NULL)
    {
      draft_note (draft, line, "%s", problem);
      return;
    }
  if (setting == NULL)
    {
      setting = g_new0 (DraftSetting, 1);
      g_ptr_array_add (list, setting);
    }
  g_free (setting->value);
  g_free (setting->file);
  *setting =
      (DraftSetting){ name, g_strdup (value), g_strdup (draft->file), line };
}

void
draft_way (Draft *draft, DraftAccount *account, const char *port,
           bool starttls, int line)
{
  if (strcmp (port, starttls ? "587" : "465") != 0)
    draft_set (draft, account, "port", port, line);
  if (starttls)
    draft_set (draft, account, "tls", "starttls", line);
}

const char *
draft_get (const DraftAccount *account, const char *name)
{
  const DraftSetting *setting = find_setting (account->settings, name);

  return setting != NULL ? setting->value : NULL;
}

void
draft_set_default (DraftAccount *account)
{
  DraftSetting *setting = find_setting (account->settings, "default");

  if (setting != NULL)
    return;
  setting = g_new0 (DraftSetting, 1);
  *setting = (DraftSetting){ "default", g_strdup ("yes"),
                             g_strdup (account->file), account->line };
  g_ptr_array_add (account->settings, setting);
}

static bool
has_item (const char *list, const char *item)
{
  g_auto (GStrv) items = g_strsplit (list, ", ", -1);

  return g_strv_contains ((const char *const *) items, item);
}

bool
draft_from (Draft *draft, DraftAccount *account, const char *address, int line)
{
  const char *from = draft_get (account, "from");
  g_autofree char *problem = find_problem (account, "from", address);
  g_autofree char *longer = NULL;

  if (problem != NULL)
    draft_note (draft, line, "%s", problem);
  else if (from == NULL)
    draft_set (draft, account, "from", address, line);
  else if (!has_item (from, address))
    {
      longer = g_strdup_printf ("%s, %s", from, address);
      draft_set (draft, account, "from", longer, line);
    }
  return problem == NULL;
}

bool
draft_guess_from (Draft *draft, DraftAccount *account, const char *guess,
                  int line)
{
  if (guess == NULL || strchr (guess, '@') == NULL
      || !draft_from (draft, account, guess, line))
    return false;
  draft_note (draft, line,
              _ ("account `%s' has no address, so it gets %s: change its "
                 "`from' if that is not yours"),
              account->name, guess);
  return true;
}

/* Secrets */

/* Whether the quote at *P ends, with nothing in it that means something else
   to a shell than to us; *P is the last octet then. */
static bool
quote_is_plain (const char **p)
{
  char quote = **p;

  while (*++*p != quote)
    if (**p == '\0' || (quote == '"' && strchr ("$`\\", **p) != NULL))
      return false;
  return true;
}

/* Whether COMMAND is words and quotes, and its first word a program. */
static bool
is_plain (const char *command)
{
  bool program = true;

  if (g_str_has_prefix (command, "~/"))
    command++;
  for (const char *p = command; *p != '\0'; p++)
    {
      bool blank = *p == ' ' || *p == '\t';

      if ((*p == '\'' || *p == '"') && !program)
        {
          if (!quote_is_plain (&p))
            return false;
          continue;
        }
      if (!blank && !g_ascii_isalnum (*p)
          && (strchr ("_@%+:,./-", *p) == NULL && (program || *p != '=')))
        return false;
      program = program && !blank;
    }
  return *command != '\0' && *command != ' ' && *command != '\t';
}

char *
draft_command (const char *command)
{
  const char *slash = strchr (command, '/');
  size_t first = strcspn (command, " \t");
  bool relative = slash != NULL && slash < command + first && command[0] != '/'
                  && !g_str_has_prefix (command, "~/");
  g_autofree char *quoted = NULL;

  if (is_plain (command) && !relative)
    return g_strdup (command);
  quoted = g_shell_quote (command);
  return g_strconcat ("sh -c ", quoted, NULL);
}

void
draft_password (Draft *draft, DraftAccount *account, const Secret *password,
                int line)
{
  g_autoptr (GError) error = NULL;
  Secret *taken = credential_read (secret_octets (password),
                                   secret_length (password), false, &error);

  if (taken == NULL)
    {
      draft_note (draft, line,
                  _ ("this password cannot be stored: %s; run `postrider "
                     "password set %s'"),
                  error->message, account->name);
      return;
    }
  secret_free (account->password);
  account->password = taken;
  g_free (account->password_file);
  account->password_file = g_strdup (draft->file);
  account->password_line = line;
}

void
draft_no_login (Draft *draft, const DraftAccount *account, int line)
{
  draft_note (draft, line,
              _ ("account `%s' does not log in, and without a login nothing "
                 "is submitted: write `user = NAME' to it, and run "
                 "`postrider password set %s'"),
              account->name, account->name);
}

void
draft_unchecked (Draft *draft, const DraftAccount *account, int line)
{
  draft_note (draft, line,
              _ ("certificates are always checked: run `postrider check %s', "
                 "and if it refuses that of the relay, write `trust-file' or "
                 "`pin' to the account"),
              account->name);
}

bool
draft_is_system_bundle (const char *path)
{
  static const char *const bundles[] = {
    "system", /* msmtp's word */
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
    "/etc/ssl/certs/ca-bundle.crt",
    "/etc/ssl/certs/ca-bundle.trust.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ca-certificates/extracted/tls-ca-bundle.pem",
    NULL
  };

  return g_strv_contains (bundles, path);
}

/* Into the file */

/* The first line of an error of the accounts file, without the place there,
   which is nowhere yet. */
static char *
first_reason (const char *message)
{
  g_auto (GStrv) lines = g_strsplit (message, "\n", 2);
  const char *text = strstr (lines[0], ": ");

  return g_strdup (text != NULL ? text + 2 : lines[0]);
}

/* In the order of the manual page. */
static int
setting_order (const void *a, const void *b)
{
  const DraftSetting *first = *(const DraftSetting *const *) a;
  const DraftSetting *second = *(const DraftSetting *const *) b;
  ptrdiff_t one = settings_find (SETTING_OF_ACCOUNT, first->name) - settings;
  ptrdiff_t other =
      settings_find (SETTING_OF_ACCOUNT, second->name) - settings;

  return one < other ? -1 : one > other;
}

/* ACCOUNT as a file of its own; NULL: it is no account, and ERROR says why. */
static Edit *
write_section (const DraftAccount *account, GError **error)
{
  g_autofree char *head = g_strdup_printf ("[%s]\n", account->name);
  g_autoptr (Edit) alone = edit_open_text ("", "/", "", NULL);

  /* One of which nothing could be taken is refused for what it lacks. */
  edit_append (alone, head);
  for (size_t i = 0; i < account->settings->len; i++)
    {
      const DraftSetting *setting = g_ptr_array_index (account->settings, i);

      if (!edit_set (alone, account->name, setting->name, setting->value,
                     error))
        return NULL;
    }
  return edit_check (alone, error) ? g_steal_pointer (&alone) : NULL;
}

static void
check_whole (Draft *draft, DraftAccount *account)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Edit) alone = write_section (account, &error);
  g_autofree char *reason = NULL;

  if (alone != NULL)
    return;
  reason = first_reason (error->message);
  draft_note (draft, account->line, _ ("%s; so it is left out"), reason);
  account->left_out = true;
}

/* One account of the file is the default at the most. */
static bool
has_default (const Edit *edit, const Draft *draft)
{
  g_autoptr (Edit) probe = edit_open_text ("", "/", edit_text (edit), NULL);

  return draft->accounts->len > 0
         && (probe == NULL
             || !(edit_set (probe, "-import-", "from", "x@x.example", NULL)
                  && edit_set (probe, "-import-", "host", "x.example", NULL)
                  && edit_set (probe, "-import-", "default", "yes", NULL)
                  && edit_check (probe, NULL)));
}

static void
apply_account (Draft *draft, DraftAccount *account, Edit *edit)
{
  DraftSetting *marked = find_setting (account->settings, "default");
  g_autoptr (Edit) alone = NULL;

  account->is_there = edit_has (edit, account->name);
  if (account->is_there)
    {
      draft_leave_out (draft, account, account->line,
                       _ ("there is one of this name in %s, and it stays as "
                          "it is"),
                       edit_file (edit));
      return;
    }
  if (marked != NULL && has_default (edit, draft))
    {
      draft_note (draft, account->line,
                  _ ("account `%s' is not the default, for there is one in "
                     "%s already"),
                  account->name, edit_file (edit));
      (void) g_ptr_array_remove (account->settings, marked);
    }
  alone = write_section (account, NULL);
  edit_append (edit, edit_text (alone));
}

static void
apply_general (Draft *draft, Edit *edit)
{
  for (size_t i = 0; i < draft->general->len; i++)
    {
      const DraftSetting *setting = g_ptr_array_index (draft->general, i);
      g_autofree char *there = edit_get (edit, CONFIG_GENERAL, setting->name);

      if (there == NULL)
        (void) edit_set (edit, CONFIG_GENERAL, setting->name, setting->value,
                         NULL);
      else if (strcmp (there, setting->value) != 0)
        add_note (draft, setting->file, setting->line,
                  g_strdup_printf (_ ("`%s' is set in %s already, and stays "
                                      "as it is"),
                                   setting->name, edit_file (edit)));
    }
}

void
draft_apply (Draft *draft, Edit *edit)
{
  bool any = false;

  for (size_t i = 0; i < draft->accounts->len; i++)
    {
      DraftAccount *account = g_ptr_array_index (draft->accounts, i);

      g_ptr_array_sort (account->settings, setting_order);
      draft->file = account->file;
      if (!account->left_out)
        check_whole (draft, account);
      any = any || !account->left_out;
    }
  if (!any)
    return;
  apply_general (draft, edit);
  for (size_t i = 0; i < draft->accounts->len; i++)
    {
      DraftAccount *account = g_ptr_array_index (draft->accounts, i);

      draft->file = account->file;
      if (!account->left_out)
        apply_account (draft, account, edit);
    }
}

/* Lines */

static bool
take_line (DraftLines *lines)
{
  size_t left = lines->text->length - lines->next;
  const char *end;

  if (left == 0)
    return false;
  lines->line = lines->text->octets + lines->next;
  end = memchr (lines->line, '\n', left);
  lines->length = end != NULL ? (size_t) (end - lines->line) : left;
  lines->next += lines->length + (end != NULL ? 1 : 0);
  lines->number++;
  if (end != NULL && lines->length > 0
      && lines->line[lines->length - 1] == '\r')
    lines->length--;
  return true;
}

bool
draft_next_line (Draft *draft, DraftLines *lines, size_t maximum)
{
  while (take_line (lines))
    {
      if (lines->length <= maximum)
        return true;
      draft_note (draft, lines->number,
                  _ ("this line is too long; it is left out"));
    }
  return false;
}
