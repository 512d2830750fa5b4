/* Any octets as a file of another program: whatever becomes of them is an
 * accounts file that is read without an error, and nothing that is told has a
 * password in it. The first octet says which program it is. */

#include "tests/fuzz/fuzz.h"

#include <string.h>

#include <glib.h>

#include "account/edit.h"
#include "cli/draft.h"
#include "cli/import-msmtp.h"

/* What no file says by chance, so that it can be looked for. */
#define CANARY "canary-7"

static Secret *
evaluate (const char *command)
{
  return strlen (command) > 3 ? secret_new (command, strlen (command)) : NULL;
}

static const DraftWorld world = { "me", "box.example.org", "mail.example.org",
                                  evaluate };

static void (*const readers[]) (Draft *, const char *,
                                size_t) = { import_msmtp };

static void
check_text (const char *text)
{
  g_assert (g_utf8_validate (text, -1, NULL));
  for (const char *p = text; *p != '\0'; p++)
    g_assert (!g_ascii_iscntrl (*p));
}

static void
check (Draft *draft)
{
  g_autoptr (Edit) edit = edit_open_text ("accounts", "/home/me", "", NULL);
  g_autoptr (GError) error = NULL;

  draft_apply (draft, edit);
  if (!edit_check (edit, &error))
    g_error ("%s\n%s", error->message, edit_text (edit));
  for (guint i = 0; i < draft->notes->len; i++)
    {
      const DraftNote *note = g_ptr_array_index (draft->notes, i);

      check_text (note->text);
      g_assert (strcmp (note->file, "old") == 0 && note->line >= 0);
      g_assert (strstr (note->text, CANARY) == NULL);
    }
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

  if (size == 0)
    return 0;
  draft->file = "old";
  readers[data[0] % G_N_ELEMENTS (readers)](draft, (const char *) data + 1,
                                            size - 1);
  check (draft);
  return 0;
}
