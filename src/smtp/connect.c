#include "smtp/connect.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <glib/gi18n.h>

#include "base/failure.h"

/* RFC 8305 section 8, in microseconds. */
#define STAGGER 250000 /* from one attempt to the next */
#define PATIENCE 50000 /* for IPv6 addresses, once those of IPv4 are there */

/* A name can have thousands of addresses. At 250 ms each this many take half
 * of the usual deadline. */
#define ADDRESSES_MAXIMUM 64

#define TOLD_MAXIMUM 120 /* octets of addresses that a person is shown */

static const int families[] = { AF_INET6, AF_INET };

#define N_FAMILIES 2

/* Looking up */

/* getaddrinfo(3) has no deadline, so it has a thread of its own, which writes
 * the answer to a pipe and is left behind where nobody reads it any more. */
typedef struct
{
  char *name;
  int family;
  int pipe;
} Question;

typedef struct
{
  int code; /* EAI_...; 0: LIST is not empty */
  struct addrinfo *list;
} Answer;

static void
answer_clear (Answer *answer)
{
  if (answer->list != NULL)
    freeaddrinfo (answer->list);
  answer->list = NULL;
}

static Answer
look_up (const char *name, int family, int flags)
{
  struct addrinfo hints = { .ai_flags = flags,
                            .ai_family = family,
                            .ai_socktype = SOCK_STREAM };
  Answer answer = { 0, NULL };

  answer.code = getaddrinfo (name, NULL, &hints, &answer.list);
  return answer;
}

static void *
answer_question (void *data)
{
  Question *question = data;
  Answer answer = look_up (question->name, question->family, 0);

  if (write (question->pipe, &answer, sizeof answer) != sizeof answer)
    answer_clear (&answer);
  close (question->pipe);
  g_free (question->name);
  g_free (question);
  return NULL;
}

/* A pipe with the answer to come; -1 with errno. */
static int
ask (const char *name, int family)
{
  Question *question;
  int ends[2];

  if (pipe2 (ends, O_CLOEXEC) != 0)
    return -1;
  question = g_new (Question, 1);
  *question = (Question){ g_strdup (name), family, ends[1] };
  g_thread_unref (g_thread_new ("lookup", answer_question, question));
  return ends[0];
}

/* RFC 6761 section 6.3: nobody is asked for it. */
static bool
is_localhost (const char *name)
{
  static const char suffix[] = ".localhost";
  size_t length = strlen (name);

  return g_ascii_strcasecmp (name, suffix + 1) == 0
         || (length >= sizeof suffix
             && g_ascii_strcasecmp (name + length - strlen (suffix), suffix)
                    == 0);
}

/* Attempts */

typedef struct
{
  uint16_t port; /* in the order of the network */
  Answer source; /* the one address of this host; no list: any */
  Answer answers[N_FAMILIES];
  const struct addrinfo *next[N_FAMILIES]; /* to be tried */
  int turn;                                /* the family that comes next */
  int64_t due;                             /* when that is tried */
  int64_t start;

  /* Who is waited for, none where it is -1: answers, then connections. */
  struct pollfd waits[N_FAMILIES + ADDRESSES_MAXIMUM];
  unsigned addresses; /* tried so far */

  bool suits_source; /* one of them was of its kind */
  bool many;         /* there were more than may be tried */
  bool late;         /* the deadline has passed */
  int errnum;        /* of the last that failed; 0: none was tried */

  const Trace *trace;
  bool told; /* which addresses there are */
} Race;

static void
race_clear (Race *race)
{
  answer_clear (&race->source);
  for (int i = 0; i < N_FAMILIES; i++)
    answer_clear (&race->answers[i]);
  for (unsigned i = 0; i < N_FAMILIES + race->addresses; i++)
    if (race->waits[i].fd >= 0)
      close (race->waits[i].fd);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Race, race_clear)

static void
take_answer (Race *race, int which, Answer answer)
{
  race->answers[which] = answer;
  race->next[which] = answer.list;
}

static bool
has_next (const Race *race)
{
  return race->next[0] != NULL || race->next[1] != NULL;
}

/* What need not be looked up is there at once. */
static bool
begin (Race *race, const char *name, GError **error)
{
  bool local = is_localhost (name);

  for (int i = 0; i < N_FAMILIES; i++)
    {
      const char *loopback = families[i] == AF_INET ? "127.0.0.1" : "::1";

      race->waits[i].events = POLLIN;
      take_answer (
          race, i,
          look_up (local ? loopback : name, families[i], AI_NUMERICHOST));
    }
  if (has_next (race))
    return true;
  for (int i = 0; i < N_FAMILIES; i++)
    {
      race->waits[i].fd = ask (name, families[i]);
      if (race->waits[i].fd < 0)
        {
          failure_set_errno (error, FAILURE_OS, errno,
                             _ ("out of descriptors"));
          return false;
        }
    }
  return true;
}

static void
read_answer (Race *race, int which)
{
  Answer answer = { EAI_SYSTEM, NULL };

  if (read (race->waits[which].fd, &answer, sizeof answer) != sizeof answer)
    answer = (Answer){ EAI_SYSTEM, NULL };
  close (race->waits[which].fd);
  race->waits[which].fd = -1;
  take_answer (race, which, answer);
  /* IPv6 shall come first, if it comes soon. */
  if (families[which] == AF_INET && race->waits[0].fd >= 0
      && race->addresses == 0)
    race->due = g_get_monotonic_time () + PATIENCE;
  else if (race->addresses == 0)
    race->due = 0;
}

/* One is there. Families take turns while both have some (RFC 8305 section 4).
 */
static const struct addrinfo *
take_address (Race *race)
{
  const struct addrinfo *address;
  int which = race->turn;

  if (race->next[which] == NULL)
    which = N_FAMILIES - 1 - which;
  address = race->next[which];
  race->next[which] = address->ai_next;
  race->turn = N_FAMILIES - 1 - which;
  return address;
}

/* The next need not wait. That there is no IPv6 here says nothing of the
 * relay. */
static void
fail_one (Race *race, int fd, int errnum)
{
  if (fd >= 0)
    close (fd);
  if (race->errnum == 0 || errnum != ENETUNREACH)
    race->errnum = errnum;
  race->due = 0;
}

static void
set_port (struct sockaddr_storage *address, uint16_t port)
{
  if (address->ss_family == AF_INET6)
    ((struct sockaddr_in6 *) address)->sin6_port = port;
  else
    ((struct sockaddr_in *) address)->sin_port = port;
}

/* A socket that is connecting, or connected; -1: it cannot be. */
static int
try_address (Race *race, const struct addrinfo *address)
{
  const struct addrinfo *source = race->source.list;
  struct sockaddr_storage to = { 0 };
  int fd;

  if (source != NULL && source->ai_family != address->ai_family)
    return -1;
  race->suits_source = true;
  memcpy (&to, address->ai_addr, address->ai_addrlen);
  set_port (&to, race->port);
  fd = socket (address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
               0);
  if (fd >= 0
      && (source == NULL
          || bind (fd, source->ai_addr, source->ai_addrlen) == 0)
      && (connect (fd, (struct sockaddr *) &to, address->ai_addrlen) == 0
          || errno == EINPROGRESS))
    {
      race->due = g_get_monotonic_time () + STAGGER;
      return fd;
    }
  fail_one (race, fd, errno);
  return -1;
}

static void
append_addresses (GString *text, const struct addrinfo *address)
{
  char name[INET6_ADDRSTRLEN + IF_NAMESIZE + 1];

  for (; address != NULL && text->len < TOLD_MAXIMUM;
       address = address->ai_next)
    if (getnameinfo (address->ai_addr, address->ai_addrlen, name, sizeof name,
                     NULL, 0, NI_NUMERICHOST)
        == 0)
      g_string_append_printf (text, "%s%s", text->len > 0 ? ", " : "", name);
}

static void
tell_addresses (Race *race)
{
  g_autoptr (GString) text = NULL;

  if (race->told || !trace_counts (race->trace))
    return;
  race->told = true;
  text = g_string_new (NULL);
  for (int i = 0; i < N_FAMILIES; i++)
    append_addresses (text, race->answers[i].list);
  trace_reached (race->trace, MILESTONE_ADDRESS, text->str);
}

/* Those whose time has come. */
static void
try_addresses (Race *race)
{
  while (has_next (race) && g_get_monotonic_time () >= race->due)
    {
      struct pollfd *wait = &race->waits[N_FAMILIES + race->addresses];

      race->many = race->addresses == ADDRESSES_MAXIMUM;
      if (race->many)
        return;
      tell_addresses (race);
      race->addresses++;
      *wait = (struct pollfd){ -1, POLLOUT, 0 };
      wait->fd = try_address (race, take_address (race));
    }
}

static bool
is_waiting (const Race *race)
{
  for (unsigned i = 0; i < N_FAMILIES + race->addresses; i++)
    if (race->waits[i].fd >= 0)
      return true;
  return has_next (race);
}

/* The first that is connected, which is the caller's then; -1: none is yet. */
static int
take_connected (Race *race)
{
  for (unsigned i = N_FAMILIES; i < N_FAMILIES + race->addresses; i++)
    {
      int fd = race->waits[i].fd;
      int errnum = EIO;
      socklen_t size = sizeof errnum;

      if (fd < 0 || race->waits[i].revents == 0)
        continue;
      race->waits[i].fd = -1;
      if (getsockopt (fd, SOL_SOCKET, SO_ERROR, &errnum, &size) == 0
          && errnum == 0)
        return fd;
      fail_one (race, fd, errnum);
    }
  return -1;
}

static int
wait_time (const Race *race, Deadline deadline)
{
  int64_t now = g_get_monotonic_time ();
  int left = deadline_poll (deadline);

  if (!has_next (race))
    return left;
  return (int) MIN (left, (MAX (race->due - now, 0) + 999) / 1000);
}

static int
run (Race *race, Deadline deadline)
{
  int fd = -1;

  while (fd < 0)
    {
      try_addresses (race);
      race->late = deadline_passed (deadline);
      if (race->late || race->many || !is_waiting (race))
        return -1;
      if (poll (race->waits, N_FAMILIES + race->addresses,
                wait_time (race, deadline))
          <= 0)
        continue;
      for (int i = 0; i < N_FAMILIES; i++)
        if (race->waits[i].fd >= 0 && race->waits[i].revents != 0)
          read_answer (race, i);
      fd = take_connected (race);
    }
  return fd;
}

/* What is told */

static const struct
{
  int errnum;
  const char *text;
} troubles[] = {
  { ENETUNREACH,
    N_ ("there is no way to its network; is this computer online?") },
  { EHOSTUNREACH,
    N_ ("the host cannot be reached; is this computer online?") },
  { ETIMEDOUT, N_ ("the host does not answer; perhaps this network lets "
                   "nothing through to this port") },
};

static bool
is_unknown (const Race *race)
{
  for (int i = 0; i < N_FAMILIES; i++)
    if (race->answers[i].code != EAI_NONAME
        && race->answers[i].code != EAI_NODATA
        && race->answers[i].code != EAI_ADDRFAMILY)
      return false;
  return true;
}

static char *
describe (const Race *race, const char *setting)
{
  if (race->errnum == 0 && is_unknown (race))
    return g_strdup_printf (_ ("there is no host of this name; check `%s'"),
                            setting);
  if (race->errnum == 0)
    return g_strdup (_ ("its address cannot be looked up at present; is this "
                        "computer online?"));
  if (race->errnum == ECONNREFUSED)
    return g_strdup_printf (_ ("nothing listens on this port; check `%s'"),
                            strcmp (setting, "host") == 0 ? "port" : setting);
  for (size_t i = 0; i < G_N_ELEMENTS (troubles); i++)
    if (race->errnum == troubles[i].errnum)
      return g_strdup (_ (troubles[i].text));
  return g_strdup (g_strerror (race->errnum));
}

static void
set_failure (const Race *race, const char *setting, GError **error)
{
  const struct addrinfo *source = race->source.list;
  unsigned waited =
      (unsigned) ((g_get_monotonic_time () - race->start) / 1000);
  g_autofree char *reason = NULL;

  if (race->late && waited < 1000)
    reason = g_strdup_printf (_ ("no connection within %u ms"), waited);
  else if (race->late)
    reason = g_strdup_printf (
        ngettext ("no connection within %u second; perhaps this network lets "
                  "nothing through to this port",
                  "no connection within %u seconds; perhaps this network lets "
                  "nothing through to this port",
                  (waited + 500) / 1000),
        (waited + 500) / 1000);
  else if (race->many)
    reason = g_strdup_printf (_ ("none of its first %d addresses answers"),
                              ADDRESSES_MAXIMUM);
  else if (source != NULL && race->addresses > 0 && !race->suits_source)
    reason = g_strdup (
        source->ai_family == AF_INET
            ? _ ("it has no IPv4 address, which `source-address' needs")
            : _ ("it has no IPv6 address, which `source-address' needs"));
  else
    reason = describe (race, setting);
  g_set_error_literal (error, FAILURE, FAILURE_TEMPORARY, reason);
}

int
connect_take (int fd, GError **error)
{
  if (fd >= 0 && fcntl (fd, F_SETFL, O_RDWR | O_NONBLOCK) == 0)
    return fd;
  failure_set_errno (error, FAILURE_OS, errno, _ ("out of descriptors"));
  if (fd >= 0)
    close (fd);
  return -1;
}

/* Whether this host has ADDRESS now: that of a VPN comes and goes. */
static bool
check_source (const struct addrinfo *address, const char *text, GError **error)
{
  int fd = socket (address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  bool has = fd >= 0 && bind (fd, address->ai_addr, address->ai_addrlen) == 0;
  int errnum = errno;

  if (fd >= 0)
    close (fd);
  if (!has && (errnum == EADDRNOTAVAIL || errnum == EAFNOSUPPORT))
    g_set_error (error, FAILURE, FAILURE_TEMPORARY,
                 _ ("this machine does not have the address %s at present; "
                    "check `source-address'"),
                 text);
  else if (!has)
    failure_set_errno (error, FAILURE_TEMPORARY, errnum,
                       _ ("the address %s of this machine cannot be used"),
                       text);
  return has;
}

int
connect_host (const char *name, uint16_t port, const char *source_address,
              const char *setting, Deadline deadline, const Trace *trace,
              GError **error)
{
  g_auto (Race) race = { .port = htons (port),
                         .start = g_get_monotonic_time (),
                         .trace = trace };
  int fd;

  for (int i = 0; i < N_FAMILIES; i++)
    race.waits[i].fd = -1;
  if (source_address != NULL)
    {
      race.source = look_up (source_address, AF_UNSPEC, AI_NUMERICHOST);
      g_assert (race.source.list != NULL);
      if (!check_source (race.source.list, source_address, error))
        return -1;
    }
  if (!begin (&race, name, error))
    return -1;
  fd = run (&race, deadline);
  if (fd < 0)
    set_failure (&race, setting, error);
  else
    (void) setsockopt (fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 },
                       sizeof (int));
  return fd;
}
