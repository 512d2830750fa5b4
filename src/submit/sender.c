#include "submit/sender.h"

#include <string.h>

#include <glib/gi18n.h>

#include "base/user.h"
#include "mail/alias.h"
#include "submit/local.h"

void
sender_free (Sender *sender)
{
  if (sender == NULL)
    return;
  g_free (sender->reverse_path);
  g_clear_pointer (&sender->from, address_free);
  g_free (sender->domain);
  g_free (sender);
}

/* What means this machine to itself, and nothing to anybody else. */
static bool
is_local (const Address *address)
{
  g_auto (GStrv) hosts = local_hosts ();

  return alias_locality (address->domain, (const char *const *) hosts)
         != LOCALITY_ELSEWHERE;
}

/* The first mailbox of field NAME; NULL: no such field, or nothing in it. */
static Address *
field_address (const Header *header, const char *name)
{
  const Field *field = header_find (header, name);
  g_autoptr (GPtrArray) addresses
      = g_ptr_array_new_with_free_func ((GDestroyNotify) address_free);

  if (field == NULL)
    return NULL;
  (void) address_parse_list (field->body, strlen (field->body), addresses,
                             NULL);
  return addresses->len > 0 ? address_copy (addresses->pdata[0]) : NULL;
}

static Address *
header_sender (const Header *header)
{
  Address *address = field_address (header, "Sender");

  return address != NULL ? address : field_address (header, "From");
}

static bool
is_null_path (const char *text)
{
  return text[0] == '\0' || strcmp (text, "<>") == 0;
}

static const Account *
choose (const SenderRequest *request, const Accounts *accounts,
        const Address *address, bool *claimed, GError **why)
{
  g_autofree char *path = NULL;

  *claimed = false;
  if (accounts == NULL)
    return NULL;
  if (address != NULL && address->domain != NULL)
    path = address_path (address);
  return accounts_choose (accounts, request->account, path, claimed, why);
}

static bool
gives_way (const Account *account, const Address *address, bool claimed)
{
  if (account == NULL || account_address (account) == NULL)
    return false;
  if (account->rewrite_from == REWRITE_LOCAL)
    return !claimed && is_local (address);
  return account->rewrite_from == REWRITE_ALWAYS;
}

/* The sender's address as the relay gets it: never unqualified. */
static char *
settle_path (const Sender *sender, const Address *address)
{
  const char *own
      = sender->account != NULL ? account_address (sender->account) : NULL;
  g_autofree char *path = NULL;

  if (address == NULL)
    {
      if (own != NULL)
        return g_strdup (own);
      return g_strdup_printf ("%s@%s", user_name (), sender->domain);
    }
  if (gives_way (sender->account, address, sender->claimed))
    return g_strdup (own);
  path = address_path (address);
  if (address->domain != NULL)
    return g_steal_pointer (&path);
  return g_strdup_printf ("%s@%s", path, sender->domain);
}

static char *
settle_domain (const Account *account, const Address *address)
{
  const char *own = account != NULL ? account_address (account) : NULL;

  if (own != NULL)
    return g_strdup (strrchr (own, '@') + 1);
  if (address != NULL && address->domain != NULL)
    return g_strdup (address->domain);
  return g_strdup ("localhost");
}

static bool
is_claimed (const Account *account, const Accounts *accounts,
            const Address *address)
{
  g_autofree char *path = address_path (address);
  bool claimed = false;

  if (address->domain != NULL)
    (void) accounts_choose (accounts, account->name, path, &claimed, NULL);
  return claimed;
}

/* What stood in the field, such as "root (Cron Daemon)", without the name of this
   host. */
static char *
name_of (const Field *field, const Address *address)
{
  g_autofree char *text = header_unfold (field->body);
  g_autofree char *place = NULL;
  g_auto (GStrv) parts = NULL;

  if (address->domain == NULL)
    return g_steal_pointer (&text);
  place = g_strconcat ("@", address->domain, NULL);
  parts = g_strsplit (text, place, -1);
  return g_strjoinv ("", parts);
}

/* The reader still sees who wrote: the display name stays, and where there is
   none, the rest of the field becomes one. */
static void
rewrite (const Account *account, const Accounts *accounts, Header *header,
         const char *name)
{
  const Field *field = header_find (header, name);
  g_autoptr (Address) address = field_address (header, name);
  g_autoptr (Address) own = NULL;
  g_autofree char *body = NULL;

  if (address == NULL
      || !gives_way (account, address, is_claimed (account, accounts, address)))
    return;
  own = address_parse (account_address (account), NULL);
  if (own == NULL)
    return;
  own->display_name = address->display_name != NULL
                          ? g_strdup (address->display_name)
                          : name_of (field, address);
  body = address_mailbox (own);
  header_replace (header, field, body);
}

static Address *
supply_from (const SenderRequest *request, const Sender *sender)
{
  const char *own
      = sender->account != NULL ? account_address (sender->account) : NULL;
  const char *path = sender->reverse_path[0] != '\0' ? sender->reverse_path
                     : own != NULL                   ? own
                                                     : "postmaster@localhost";
  Address *from = address_parse (path, NULL);

  if (from != NULL)
    from->display_name = request->full_name != NULL
                             ? g_strdup (request->full_name)
                             : user_full_name ();
  return from;
}

static void
explain_no_address (const Account *account, GError **why)
{
  g_set_error (why, FAILURE, FAILURE_CONFIG,
               _ ("%s:%d: account %s has no address of its own for a message "
                  "without a sender; add one to `from', beside the patterns"),
               account->file, account->line, account->name);
}

Sender *
sender_resolve (const SenderRequest *request, const Accounts *accounts,
                Header *header, GError **why, GError **error)
{
  g_autoptr (Sender) sender = g_new0 (Sender, 1);
  g_autoptr (Address) address = NULL;
  bool null_path
      = request->reverse_path != NULL && is_null_path (request->reverse_path);

  if (request->reverse_path != NULL && !null_path)
    {
      g_autoptr (GError) local = NULL;

      address = address_parse (request->reverse_path, &local);
      if (address == NULL)
        {
          g_set_error (error, FAILURE, FAILURE_DATA,
                       _ ("the sender given with -f is unusable: %s"),
                       local->message);
          return NULL;
        }
    }
  else
    address = header_sender (header);
  sender->account
      = choose (request, accounts, address, &sender->claimed, why);
  if (address == NULL && !null_path && sender->account != NULL
      && account_address (sender->account) == NULL)
    {
      explain_no_address (sender->account, why);
      sender->account = NULL;
    }
  sender->domain = settle_domain (sender->account, address);
  sender->reverse_path
      = null_path ? g_strdup ("") : settle_path (sender, address);
  sender->foreign = sender->account != NULL && address != NULL && !null_path
                    && !sender->claimed
                    && !gives_way (sender->account, address, false);
  if (sender->account != NULL)
    {
      rewrite (sender->account, accounts, header, "From");
      rewrite (sender->account, accounts, header, "Sender");
    }
  sender->from = supply_from (request, sender);
  return g_steal_pointer (&sender);
}

char *
sender_path (const Accounts *accounts, const Account *account,
             const char *path)
{
  g_autoptr (Address) address = address_of_path (path);

  return path[0] != '\0'
                 && gives_way (account, address,
                               is_claimed (account, accounts, address))
             ? g_strdup (account_address (account))
             : g_strdup (path);
}
