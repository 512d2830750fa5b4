#include "smtp/srv.h"

#include <arpa/nameser.h>
#include <netdb.h>
#include <netinet/in.h>
#include <resolv.h>
#include <string.h>

#include <glib.h>

#include "mail/address.h"

#define REPLY_MAXIMUM 65535
#define RECORDS_MAXIMUM 4096 /* that are looked at */
#define PORT_OF_RELAYS 25

/* Before the data of a record: type, class, time to live, length. */
#define RECORD_HEAD 10
/* Before the target: priority, weight, port. */
#define SRV_HEAD 6

/* In the order of preference. */
static const struct
{
  const char *service;
  TlsMode tls;
} services[] = {
  { "_submissions._tcp", TLS_IMPLICIT },
  { "_submission._tcp", TLS_STARTTLS },
};

typedef struct
{
  const unsigned char *start;
  const unsigned char *end;
  const unsigned char *at;
} Reader;

/* Reads that are past the end are none. */
static bool
has (const Reader *reader, size_t count)
{
  return (size_t) (reader->end - reader->at) >= count;
}

static unsigned
number_at (const unsigned char *octets)
{
  return (unsigned) octets[0] << 8 | octets[1];
}

static bool
skip_name (Reader *reader)
{
  int length = dn_skipname (reader->at, reader->end);

  if (length < 0)
    return false;
  reader->at += length;
  return true;
}

static bool
skip_questions (Reader *reader, unsigned count)
{
  for (; count > 0; count--)
    {
      if (!skip_name (reader) || !has (reader, QFIXEDSZ))
        return false;
      reader->at += QFIXEDSZ;
    }
  return true;
}

/* With dots, of letters, digits and hyphens: dn_expand writes all else with a
 * backslash. */
static bool
is_host (const char *name)
{
  return strchr (name, '.') != NULL
         && strspn (name, "abcdefghijklmnopqrstuvwxyz"
                          "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.")
                == strlen (name)
         && !g_hostname_is_ip_address (name) && address_domain_valid (name);
}

/* What is best so far, and what else there was. */
typedef struct
{
  SrvTarget *target;
  unsigned priority;
  unsigned weight;
  bool refuses;
  bool unusable;
} Choice;

static void
consider (Choice *choice, const unsigned char *data, const char *host)
{
  unsigned priority = number_at (data);
  unsigned weight = number_at (data + 2);
  unsigned port = number_at (data + 4);
  bool better = choice->target->host == NULL || priority < choice->priority
                || (priority == choice->priority && weight > choice->weight);

  if (host[0] == '\0' || strcmp (host, ".") == 0)
    choice->refuses = true;
  else if (port == 0 || port == PORT_OF_RELAYS || !is_host (host))
    choice->unusable = true;
  else if (better)
    {
      g_free (choice->target->host);
      choice->target->host = g_ascii_strdown (host, -1);
      choice->target->port = (uint16_t) port;
      choice->priority = priority;
      choice->weight = weight;
    }
}

/* False: the reply ends before it says all. */
static bool
read_record (Reader *reader, Choice *choice)
{
  char host[NS_MAXDNAME];
  unsigned type, class, length;

  if (!skip_name (reader) || !has (reader, RECORD_HEAD))
    return false;
  type = number_at (reader->at);
  class = number_at (reader->at + 2);
  length = number_at (reader->at + 8);
  reader->at += RECORD_HEAD;
  if (!has (reader, length))
    return false;
  if (type == ns_t_srv && class == ns_c_in)
    {
      if (length <= SRV_HEAD
          || dn_expand (reader->start, reader->end, reader->at + SRV_HEAD,
                        host, sizeof host)
                 < 0)
        return false;
      consider (choice, reader->at, host);
    }
  reader->at += length;
  return true;
}

SrvResult
srv_read (const unsigned char *reply, size_t length, SrvTarget *target)
{
  Reader reader;
  Choice choice = { .target = target };
  unsigned answers;
  bool whole;

  target->host = NULL;
  if (length < HFIXEDSZ)
    return SRV_TROUBLE;
  answers = MIN (number_at (reply + 6), RECORDS_MAXIMUM);
  reader = (Reader){ reply, reply + length, reply + HFIXEDSZ };
  whole = skip_questions (&reader, number_at (reply + 4));
  for (; whole && answers > 0; answers--)
    whole = read_record (&reader, &choice);
  if (!whole)
    {
      srv_target_clear (target);
      return SRV_TROUBLE;
    }
  if (target->host != NULL)
    return SRV_FOUND;
  return choice.unusable  ? SRV_UNUSABLE
         : choice.refuses ? SRV_REFUSED
                          : SRV_ABSENT;
}

void
srv_target_clear (SrvTarget *target)
{
  g_clear_pointer (&target->host, g_free);
}

static SrvResult
ask (const char *name, SrvTarget *target)
{
  g_autofree unsigned char *reply = g_malloc (REPLY_MAXIMUM);
  int length = res_query (name, ns_c_in, ns_t_srv, reply, REPLY_MAXIMUM);

  if (length >= 0)
    return srv_read (reply, MIN ((size_t) length, REPLY_MAXIMUM), target);
  return h_errno == HOST_NOT_FOUND || h_errno == NO_DATA ? SRV_ABSENT
                                                         : SRV_TROUBLE;
}

/* A service that can be used goes before whatever the other one says. */
SrvResult
srv_look_up (const char *domain, SrvTarget *target)
{
  SrvResult first = SRV_ABSENT;

  target->host = NULL;
  for (size_t i = 0; i < G_N_ELEMENTS (services); i++)
    {
      g_autofree char *name =
          g_strconcat (services[i].service, ".", domain, NULL);
      SrvResult result = ask (name, target);

      target->tls = services[i].tls;
      if (result == SRV_FOUND)
        return result;
      if (first == SRV_ABSENT)
        first = result;
    }
  return first;
}

bool
srv_is_within (const char *host, const char *domain)
{
  size_t length = strlen (host);
  size_t tail = strlen (domain);

  return length >= tail
         && g_ascii_strcasecmp (host + length - tail, domain) == 0
         && (length == tail || host[length - tail - 1] == '.');
}
