#include "submit/recipients.h"

#include <string.h>
#include <syslog.h>

#include <glib/gi18n.h>

#include "base/failure.h"
#include "base/log.h"
#include "base/text.h"
#include "base/trusted.h"
#include "mail/address.h"
#include "submit/local.h"
#include "submit/sender.h"

#define SYSTEM_ALIASES "/etc/aliases"

void
recipients_gather (Envelope *envelope, char **operands, const Header *header,
                   GPtrArray *problems)
{
  g_autoptr (GPtrArray) texts = g_ptr_array_new_with_free_func (g_free);

  for (char **p = operands; *p != NULL; p++)
    (void) envelope_add_list (envelope, *p, texts);
  if (header != NULL)
    (void) envelope_add_header (envelope, header, texts);
  for (size_t i = 0; i < texts->len; i++)
    g_ptr_array_add (problems, g_error_new_literal (FAILURE, FAILURE_DATA,
                                                    texts->pdata[i]));
}

static const char *
aliases_path (const General *general)
{
  return general->aliases != NULL ? general->aliases : SYSTEM_ALIASES;
}

Aliases *
recipients_aliases (const General *general, GError **error)
{
  const char *file = aliases_path (general);
  bool absent;
  g_autoptr (GBytes) octets =
      trusted_read (file, ALIAS_FILE_MAXIMUM, FAILURE_CONFIG,
                    general->aliases == NULL ? &absent : NULL, error);
  const char *text;
  size_t length;

  if (octets == NULL)
    return NULL;
  text = g_bytes_get_data (octets, &length);
  return aliases_parse (file, text, length);
}

typedef struct
{
  const Accounts *accounts;
  bool aliases_wanted; /* they are, and were not read yet */
  Aliases *aliases;    /* NULL: there are none */
  char **hosts;
  const Envelope *given;
  size_t index; /* in it: the one that is being settled */
  Envelope *settled;
  Envelope *unknown; /* the local names of `given' that lead nowhere */
  GPtrArray *problems;
} Settling;

static void
log_texts (const GPtrArray *texts)
{
  for (size_t i = 0; i < texts->len; i++)
    log_line (LOG_WARNING, "text=\"%s\"", (const char *) texts->pdata[i]);
}

/* Only once they are needed: what is wrong with them concerns nobody else. */
static bool
need_aliases (Settling *settling, GError **error)
{
  g_autoptr (GError) local = NULL;

  if (!settling->aliases_wanted)
    return true;
  settling->aliases =
      recipients_aliases (&settling->accounts->general, &local);
  if (local != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&local));
      return false;
    }
  settling->aliases_wanted = false;
  if (settling->aliases != NULL)
    log_texts (aliases_problems (settling->aliases));
  return true;
}

static void
note_unknown (Settling *settling, const Address *address)
{
  const Accounts *accounts = settling->accounts;
  g_autofree char *name = text_shown (address->local_part);

  g_ptr_array_add (
      settling->problems,
      g_error_new (
          FAILURE, FAILURE_NO_USER,
          _ ("%s is a local name, and no mail is kept on this machine: "
             "write `local-mail-to = you@example.org' under "
             "[postrider] in %s, or an alias for %s in %s"),
          name, accounts->file, name, aliases_path (&accounts->general)));
}

/* With what was wished of the one that led to PATH (RFC 3461 section 5.2.7.1).
 */
static void
add_path (Settling *settling, const char *path)
{
  envelope_add_wish (settling->settled, path,
                     envelope_wish (settling->given, settling->index));
}

/* False where ADDRESS leads nowhere. */
static bool
add_address (Settling *settling, const Address *address)
{
  char **instead = settling->accounts->general.local_mail_to;

  if (address->domain != NULL)
    {
      g_autofree char *path = address_path (address);

      add_path (settling, path);
    }
  else if (instead == NULL)
    {
      note_unknown (settling, address);
      return false;
    }
  else
    for (; *instead != NULL; instead++)
      add_path (settling, *instead);
  return true;
}

static bool
settle_path (Settling *settling, GError **error)
{
  const char *path = settling->given->forward_paths->pdata[settling->index];
  g_autoptr (Address) address = address_of_path (path);
  g_autoptr (GPtrArray) found =
      g_ptr_array_new_with_free_func ((GDestroyNotify) address_free);
  g_autoptr (GPtrArray) notes = g_ptr_array_new_with_free_func (g_free);
  const char *const *hosts = (const char *const *) settling->hosts;
  bool known = false;

  if (alias_locality (address->domain, hosts) == LOCALITY_ELSEWHERE)
    {
      add_path (settling, path);
      return true;
    }
  if (!need_aliases (settling, error)
      || !aliases_expand (settling->aliases, address, hosts, found, notes,
                          error))
    return false;
  log_texts (notes);
  for (size_t i = 0; i < found->len; i++)
    known = add_address (settling, found->pdata[i]) || known;
  if (!known)
    envelope_add_wish (settling->unknown, address->local_part,
                       envelope_wish (settling->given, settling->index));
  return true;
}

static void
add_unknown (Settling *settling)
{
  const Envelope *unknown = settling->unknown;

  for (size_t i = 0; i < unknown->forward_paths->len; i++)
    envelope_add_wish (settling->settled, unknown->forward_paths->pdata[i],
                       envelope_wish (unknown, i));
}

Envelope *
recipients_settle (const Envelope *given, const Accounts *accounts,
                   bool no_aliases, GPtrArray *problems, GError **error)
{
  g_auto (GStrv) hosts = local_hosts ();
  g_autoptr (Envelope) settled = envelope_new_like (given);
  g_autoptr (Envelope) unknown = envelope_new ();
  Settling settling = { .accounts = accounts,
                        .aliases_wanted = !no_aliases,
                        .hosts = hosts,
                        .given = given,
                        .settled = settled,
                        .unknown = unknown,
                        .problems = problems };
  bool good = true;

  for (; good && settling.index < given->forward_paths->len; settling.index++)
    good = settle_path (&settling, error);
  g_clear_pointer (&settling.aliases, aliases_free);
  if (settled->forward_paths->len > 0)
    add_unknown (&settling);
  return good ? g_steal_pointer (&settled) : NULL;
}

Envelope *
recipients_settle_whole (const Envelope *given, const Accounts *accounts,
                         const Account *account, GError **error)
{
  g_autoptr (GPtrArray) problems =
      g_ptr_array_new_with_free_func ((GDestroyNotify) g_error_free);
  g_autoptr (Envelope) settled =
      recipients_settle (given, accounts, false, problems, error);

  if (settled == NULL)
    return NULL;
  if (problems->len > 0)
    {
      g_propagate_error (error, g_error_copy (problems->pdata[0]));
      return NULL;
    }
  g_free (settled->reverse_path);
  settled->reverse_path = sender_path (accounts, account, given->reverse_path);
  return g_steal_pointer (&settled);
}
