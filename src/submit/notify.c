#include "submit/notify.h"

#include <string.h>

#include <glib.h>
#include <glib/gi18n.h>

#include "base/text.h"
#include "submit/bus.h"

/* All of it; a desktop that hangs must not keep mail. */
#define DEADLINE_MS 2000

/* After so many failures in a row it will not mend itself. */
#define FAILURES_MINIMUM 3

/* Octets of what others say. */
#define TEXT_MAXIMUM 500

/* Desktop Notifications Specification 1.2. */
static const BusMethod notify = {
  .name = "org.freedesktop.Notifications",
  .path = "/org/freedesktop/Notifications",
  .interface = "org.freedesktop.Notifications",
  .method = "Notify",
};

enum
{
  URGENCY_NORMAL = 1,
  URGENCY_CRITICAL = 2,
};

/* BODY is plain text. False: nobody was told. */
static bool
show (const char *summary, const char *body, const char *category,
      uint8_t urgency)
{
  g_autofree char *markup = g_markup_escape_text (body, -1);
  g_autoptr (GVariant) answer = NULL;
  GVariantBuilder hints;

  if (!bus_is_known ())
    return false;
  g_variant_builder_init (&hints, G_VARIANT_TYPE_VARDICT);
  g_variant_builder_add (&hints, "{sv}", "urgency",
                         g_variant_new_byte (urgency));
  g_variant_builder_add (&hints, "{sv}", "category",
                         g_variant_new_string (category));
  answer = bus_call (&notify,
                     g_variant_new ("(susssasa{sv}i)", "Postrider", 0,
                                    "dialog-warning", summary, markup, NULL,
                                    &hints, -1),
                     deadline_in (DEADLINE_MS));
  return answer != NULL;
}

static char *
printable (const char *text)
{
  return text_printable (text, strlen (text), TEXT_MAXIMUM);
}

/* A refused login and a relay that is somebody else are told at once; other
   trouble mends itself more often than not. */
static bool
is_worth_it (const Backoff *backoff, const Status *status)
{
  if (backoff->paused || status->fate == FATE_HELD
      || (status->stage == STAGE_TLS && status->alert))
    return true;
  return backoff->failures >= FAILURES_MINIMUM
         && (status->alert || status->stage == STAGE_CREDENTIAL);
}

static char *
cause (const Account *account, const Status *status)
{
  g_autofree char *text = printable (status->text);

  if (status->code != 0)
    return g_strdup_printf (_ ("%s answered: %s"), account->relay.host, text);
  /* Many of our own words begin with the host. */
  if (g_str_has_prefix (text, account->relay.host))
    return g_steal_pointer (&text);
  return g_strdup_printf ("%s: %s", account->relay.host, text);
}

static char *
advice (const Account *account, const char *name, const Backoff *backoff,
        const Status *status)
{
  bool held = backoff->paused || status->fate == FATE_HELD;

  bool login =
      status->stage == STAGE_AUTH || status->stage == STAGE_CREDENTIAL;

  if (held && login && account->secret_source != NULL)
    return g_strdup_printf (_ ("Once `%s' gives what the relay takes: postrider "
                               "queue release --account %s"),
                            account->secret_source, name);
  if (held && login)
    return g_strdup_printf (
        _ ("To store the right password: postrider password set %s"), name);
  if (held)
    return g_strdup (_ ("To see what is held: postrider queue list"));
  return g_strdup (_ ("Its messages wait and are tried again. To see them: "
                      "postrider queue list"));
}

void
notify_account (const General *general, const Account *account,
                Backoff *backoff, const Status *status, unsigned held)
{
  g_autofree char *summary = NULL;
  g_autofree char *name = NULL;
  g_autofree char *why = NULL;
  g_autofree char *what = NULL;
  g_autoptr (GString) body = NULL;

  if (!general->notify || backoff->notified || !bus_is_known ()
      || !is_worth_it (backoff, status))
    return;
  name = printable (account->name);
  summary = g_strdup_printf (_ ("Account %s cannot send mail"), name);
  why = cause (account, status);
  what = advice (account, name, backoff, status);
  body = g_string_new (why);
  g_string_append_c (body, '\n');
  if (held > 0)
    {
      g_string_append_printf (body,
                              ngettext ("%u of its messages is held.",
                                        "%u of its messages are held.", held),
                              held);
      g_string_append_c (body, '\n');
    }
  g_string_append (body, what);
  /* Who is not there yet is told at the next failure. */
  backoff->notified =
      show (summary, body->str, "email",
            backoff->paused || status->fate == FATE_HELD ? URGENCY_CRITICAL
                                                         : URGENCY_NORMAL);
}

void
notify_undelivered (const General *general, const char *account,
                    unsigned count, const char *first, bool untold)
{
  g_autofree char *summary = NULL;
  g_autofree char *name = NULL;
  g_autofree char *words = NULL;
  g_autoptr (GString) body = NULL;

  if (!general->notify || count == 0 || !bus_is_known ())
    return;
  name = printable (account);
  words = printable (first);
  summary =
      g_strdup_printf (ngettext ("%u message could not be delivered",
                                 "%u messages could not be delivered", count),
                       count);
  body = g_string_new (NULL);
  g_string_append_printf (body, "%s: %s\n", name, words);
  if (untold)
    g_string_append_printf (
        body, "%s\n",
        ngettext ("Its sender could not be told of it by mail.",
                  "Their senders could not be told of them by mail.", count));
  g_string_append (body, _ ("To see what is held: postrider queue list"));
  (void) show (summary, body->str, "email.bounced",
               untold ? URGENCY_CRITICAL : URGENCY_NORMAL);
}

void
notify_doomed (const General *general, unsigned count)
{
  g_autofree char *summary = NULL;

  if (!general->notify || count == 0)
    return;
  summary = g_strdup_printf (ngettext ("%u held message will be removed soon",
                                       "%u held messages will be removed soon",
                                       count),
                             count);
  (void) show (summary,
               _ ("To see them: postrider queue list\n"
                  "To send one: postrider queue release ID"),
               "email", URGENCY_NORMAL);
}
