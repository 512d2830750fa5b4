/* Any octets but NUL as a file of another program: whatever becomes of them is an
 * accounts file that is read without an error, and nothing that is told has a
 * password in it. The first octet says which program it is. */

#include "tests/fuzz/fuzz.h"

#include <string.h>

#include <glib.h>

#include "account/edit.h"
#include "cli/draft.h"
#include "cli/import-esmtp.h"
#include "cli/import-msmtp.h"
#include "cli/import-nullmailer.h"
#include "cli/import-ssmtp.h"
#include "cli/netrc.h"

/* What no text of ours has, so that it can be looked for. */
#define CANARY "canary-7"

static Secret *
evaluate (const char *command)
{
  return strlen (command) > 3 ? secret_new (command, strlen (command)) : NULL;
}

static const DraftWorld world = { "me", "box.example.org", "mail.example.org",
                                  evaluate };

static void
read_ssmtp (Draft *draft, const DraftText *text)
{
  const char *second = memchr (text->octets, '\x01', text->length);
  DraftText conf = *text, revaliases = *text;

  if (second == NULL)
    import_ssmtp (draft, text, NULL);
  else
    {
      conf.length = (size_t) (second - text->octets);
      revaliases.octets = second + 1;
      revaliases.length = text->length - conf.length - 1;
      import_ssmtp (draft, &conf, &revaliases);
    }
}

static void
read_nullmailer (Draft *draft, const DraftText *text)
{
  static const NullmailerControls controls = {
    "box", NULL,          "example.org", "root@example.org, me",
    "a b", "[192.0.2.1]", "604800"
  };

  import_nullmailer (draft, text, &controls);
}

static void (*const readers[]) (Draft *, const DraftText *) = {
  import_msmtp, read_ssmtp, read_nullmailer, import_esmtp
};

/* What is found stands there, on a line that is there. */
static void
check_netrc (const DraftText *text)
{
  g_autoptr (Secret) netrc =
      secret_new (text->octets, MIN (text->length, SECRET_MAXIMUM));
  g_autoptr (Secret) password = NULL;
  int line = 0;

  password = netrc_find (netrc, "h", "u", &line);
  g_assert ((password != NULL) == (line > 0));
  g_assert (password == NULL
            || secret_length (password) <= secret_length (netrc));
}

/* Whether a password has it, and stands in the file once: so whatever else has
   it was told. */
static bool
is_secret (const Draft *draft, const DraftText *text)
{
  const char *first =
      memmem (text->octets, text->length, CANARY, strlen (CANARY));
  size_t rest;

  if (first == NULL)
    return false;
  rest = text->length - (size_t) (first + 1 - text->octets);
  if (memmem (first + 1, rest, CANARY, strlen (CANARY)) != NULL)
    return false;
  for (guint i = 0; i < draft->accounts->len; i++)
    {
      const DraftAccount *account = g_ptr_array_index (draft->accounts, i);

      if (account->password != NULL
          && strstr (secret_octets (account->password), CANARY) != NULL)
        return true;
    }
  return false;
}

static void
check (Draft *draft, const DraftText *text)
{
  bool secret = is_secret (draft, text);
  g_autoptr (Edit) edit = edit_open_text ("accounts", "/home/me", "", NULL);
  g_autoptr (GError) error = NULL;

  draft_apply (draft, edit);
  if (!edit_check (edit, &error))
    g_error ("%s\n%s", error->message, edit_text (edit));
  for (guint i = 0; i < draft->notes->len; i++)
    {
      const DraftNote *note = g_ptr_array_index (draft->notes, i);

      check_shown (note->text, 1000);
      g_assert (strcmp (note->file, "old") == 0 && note->line >= 0);
      g_assert (!secret || strstr (note->text, CANARY) == NULL);
    }
  g_assert (!secret || strstr (edit_text (edit), CANARY) == NULL);
  for (guint i = 0; i < draft->accounts->len; i++)
    {
      const DraftAccount *account = g_ptr_array_index (draft->accounts, i);

      g_assert (account->left_out || edit_has (edit, account->name));
      if (account->password != NULL)
        g_assert (g_utf8_validate (secret_octets (account->password), -1, NULL)
                  && secret_length (account->password) > 0);
    }
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autoptr (Draft) draft = draft_new (&world);
  DraftText text;

  if (size == 0 || memchr (data + 1, '\0', size - 1) != NULL)
    return 0;
  draft->file = "old";
  text = (DraftText){ "old", (const char *) data + 1, size - 1 };
  readers[data[0] % G_N_ELEMENTS (readers)](draft, &text);
  check (draft, &text);
  check_netrc (&text);
  return 0;
}
