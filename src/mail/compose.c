#include "mail/compose.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include <glib/gi18n.h>

#include "base/failure.h"

#define ID_OCTETS 16     /* 128 bits of chance */
#define ID_CHARACTERS 26 /* the same in base32, RFC 4648 section 6 */

static const char *const single_fields[] = { "From", "Date", "Message-ID" };

static const char *const dropped_fields[] = { "Bcc", "Resent-Bcc",
                                              "Return-Path",
                                              "Content-Length" };

static const char *const qualified_fields[] = {
  "From",        "Sender",        "Reply-To",        "To",        "Cc",
  "Resent-From", "Resent-Sender", "Resent-Reply-To", "Resent-To", "Resent-Cc",
};

static const char *const resent_fields[] = { "Resent-From", "Resent-Sender",
                                             "Resent-To", "Resent-Cc",
                                             "Resent-Bcc" };

char *
compose_date (int64_t seconds)
{
  static const char days[][4] = { "Sun", "Mon", "Tue", "Wed",
                                  "Thu", "Fri", "Sat" };
  static const char months[][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                    "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
  time_t when = (time_t)seconds;
  struct tm tm;
  int minutes;

  tzset ();
  if (localtime_r (&when, &tm) == NULL)
    {
      when = 0;
      gmtime_r (&when, &tm);
    }
  minutes = (int)(tm.tm_gmtoff / 60);
  return g_strdup_printf (
      "%s, %d %s %04d %02d:%02d:%02d %c%02d%02d", days[tm.tm_wday], tm.tm_mday,
      months[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec,
      minutes < 0 ? '-' : '+', ABS (minutes) / 60, ABS (minutes) % 60);
}

static void
fill_random (uint8_t *octets, size_t length)
{
  size_t done = 0;

  while (done < length)
    {
      ssize_t got = getrandom (octets + done, length - done, 0);

      g_assert (got > 0 || errno == EINTR);
      done += (size_t)MAX (got, 0);
    }
}

char *
compose_unique (void)
{
  static const char base32[] = "abcdefghijklmnopqrstuvwxyz234567";
  uint8_t octets[ID_OCTETS + 1] = { 0 }; /* one more for the last digit */
  char id[ID_CHARACTERS + 1] = "";

  fill_random (octets, ID_OCTETS);
  for (size_t i = 0; i < ID_CHARACTERS; i++)
    {
      size_t bit = 5 * i;
      unsigned pair = octets[bit / 8] * 256u + octets[bit / 8 + 1];

      id[i] = base32[(pair >> (11 - bit % 8)) & 31];
    }
  return g_strdup (id);
}

char *
compose_message_id (const char *domain)
{
  g_autofree char *id = compose_unique ();

  return g_strdup_printf ("<%s@%s>", id, domain);
}

/* DOMAIN in ASCII, NULL where it has no such form. */
static char *
ascii_domain (const char *domain)
{
  return domain != NULL ? address_domain_ascii (domain, NULL) : NULL;
}

static GPtrArray *
field_addresses (const Header *header, const char *name)
{
  const Field *field = header_find (header, name);
  GPtrArray *addresses =
      g_ptr_array_new_with_free_func ((GDestroyNotify)address_free);

  if (field != NULL)
    address_parse_list (field->body, strlen (field->body), addresses, NULL);
  return addresses;
}

/* The domain for a Message-ID: that of field NAME, or of our own. */
static char *
id_domain (const Header *header, const char *name, const ComposeParams *params)
{
  g_autoptr (GPtrArray) addresses = field_addresses (header, name);
  const Address *first =
      addresses->len > 0 ? g_ptr_array_index (addresses, 0) : params->from;
  char *domain = ascii_domain (first->domain);

  if (domain == NULL)
    domain = ascii_domain (params->domain);
  return domain != NULL ? domain : g_strdup ("localhost");
}

static bool
has (const Header *header, const char *name)
{
  for (guint i = 0; i < header->fields->len; i++)
    {
      const Field *field = g_ptr_array_index (header->fields, i);
      g_autofree char *text = NULL;

      if (g_ascii_strcasecmp (field->name, name) != 0)
        continue;
      text = header_unfold (field->body);
      if (text[0] != '\0')
        return true;
    }
  return false;
}

/* An empty field of that name counts for none. */
static void
supply (Header *header, const char *name, const char *body)
{
  header_remove (header, name);
  header_prepend (header, name, body);
}

static void
supply_message_id (Header *header, const char *name, const char *from,
                   const ComposeParams *params)
{
  g_autofree char *domain = id_domain (header, from, params);
  g_autofree char *id = compose_message_id (domain);

  supply (header, name, id);
}

static void
supply_date (Header *header, const char *name, const ComposeParams *params)
{
  g_autofree char *date = compose_date (params->time);

  supply (header, name, date);
}

static void
supply_from (Header *header, const char *name, const ComposeParams *params)
{
  g_autoptr (Address) from = address_copy (params->from);
  g_autofree char *mailbox = NULL;

  if (from->domain == NULL)
    from->domain = g_strdup (params->domain);
  mailbox = address_mailbox (from);
  supply (header, name, mailbox);
}

/* RFC 5322 section 3.6.2: with several authors it must be said who sent. */
static void
supply_sender (Header *header)
{
  g_autoptr (GPtrArray) authors = field_addresses (header, "From");
  g_autofree char *mailbox = NULL;

  if (authors->len < 2)
    return;
  mailbox = address_mailbox (g_ptr_array_index (authors, 0));
  supply (header, "Sender", mailbox);
}

static bool
was_resent (const Header *header)
{
  for (size_t i = 0; i < G_N_ELEMENTS (resent_fields); i++)
    {
      if (header_find (header, resent_fields[i]) != NULL)
        return true;
    }
  return false;
}

/* BODY with DOMAIN added to each unqualified address, NULL where there is
   none. */
static char *
complete (const char *body, const char *domain)
{
  g_autoptr (GArray) gaps = address_list_unqualified (body, strlen (body));
  g_autoptr (GString) out = g_string_new (NULL);
  size_t copied = 0;

  if (gaps->len == 0)
    return NULL;
  for (guint i = 0; i < gaps->len; i++)
    {
      size_t gap = g_array_index (gaps, size_t, i);

      g_string_append_len (out, body + copied, (gssize)(gap - copied));
      g_string_append_printf (out, "@%s", domain);
      copied = gap;
    }
  g_string_append (out, body + copied);
  return g_string_free (g_steal_pointer (&out), FALSE);
}

static void
qualify (Header *header, const char *name, const char *domain)
{
  for (guint i = 0; i < header->fields->len; i++)
    {
      const Field *field = g_ptr_array_index (header->fields, i);
      g_autofree char *body = NULL;

      if (g_ascii_strcasecmp (field->name, name) == 0)
        body = complete (field->body, domain);
      if (body != NULL)
        header_replace (header, field, body);
    }
}

/* Last comes first: fields are put on top. Resent fields belong to those that
   stand there already. */
static void
supply_all (Header *header, const ComposeParams *params)
{
  if (was_resent (header))
    {
      if (!has (header, "Resent-Message-ID"))
        supply_message_id (header, "Resent-Message-ID", "Resent-From", params);
      if (!has (header, "Resent-From"))
        supply_from (header, "Resent-From", params);
      if (!has (header, "Resent-Date"))
        supply_date (header, "Resent-Date", params);
    }
  if (!has (header, "Message-ID"))
    supply_message_id (header, "Message-ID", "From", params);
  if (!has (header, "Sender"))
    supply_sender (header);
  if (!has (header, "From"))
    supply_from (header, "From", params);
  if (!has (header, "Date"))
    supply_date (header, "Date", params);
}

bool
compose (Header *header, const ComposeParams *params, GError **error)
{
  for (size_t i = 0; i < G_N_ELEMENTS (single_fields); i++)
    {
      if (header_count (header, single_fields[i]) > 1)
        {
          g_set_error (error, FAILURE, FAILURE_DATA,
                       _ ("the message has more than one %s field"),
                       single_fields[i]);
          return false;
        }
    }
  for (size_t i = 0; i < G_N_ELEMENTS (qualified_fields); i++)
    qualify (header, qualified_fields[i], params->domain);
  supply_all (header, params);
  for (size_t i = 0; i < G_N_ELEMENTS (dropped_fields); i++)
    header_remove (header, dropped_fields[i]);
  return true;
}
