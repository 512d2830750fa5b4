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
#define PATIENCE 50000 /* for addresses of both kinds together */

/* A name can have thousands of addresses. At 250 ms each this many take half
 * of the usual deadline. */
#define ADDRESSES_MAXIMUM 64

#define TOLD_MAXIMUM 120 /* octets of addresses that a person is shown */

static const int families[] = { AF_INET6, AF_INET };

#define N_FAMILIES 2

/* Who is asked for addresses of both kinds comes behind who is asked for one. */
#define BOTH N_FAMILIES
#define N_QUESTIONS (N_FAMILIES + 1)

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
  const char *name;
  uint16_t port; /* in the order of the network */
  Answer source; /* the one address of this host; no list: any */
  Answer answers[N_FAMILIES];
  const struct addrinfo *next[N_FAMILIES]; /* to be tried */
  int turn;                                /* the family that comes next */
  int64_t due;                             /* when that is tried */
  int64_t start;

  /* Who is waited for, none where it is -1: answers, then connections. */
  struct pollfd waits[N_QUESTIONS + ADDRESSES_MAXIMUM];
  bool apart;         /* each kind has been asked for by itself as well */
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
  for (unsigned i = 0; i < N_QUESTIONS + race->addresses; i++)
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

static bool
ask_for (Race *race, int which, int family, GError **error)
{
  race->waits[which] = (struct pollfd){ ask (race->name, family), POLLIN, 0 };
  if (race->waits[which].fd >= 0)
    return true;
  failure_set_errno (error, FAILURE_OS, errno,
                     _ ("cannot have another file descriptor"));
  return false;
}

static bool
is_asked (const Race *race, int which)
{
  return race->waits[which].fd >= 0;
}

static void
stop_asking (Race *race, int which)
{
  if (is_asked (race, which))
    close (race->waits[which].fd);
  race->waits[which].fd = -1;
}

/* What need not be looked up is there at once. For the rest one thread does, as long
 * as nothing keeps the answers to one kind back. */
static bool
begin (Race *race, GError **error)
{
  bool local = is_localhost (race->name);

  for (int i = 0; i < N_FAMILIES; i++)
    {
      const char *loopback = families[i] == AF_INET ? "127.0.0.1" : "::1";

      take_answer (race, i,
                   look_up (local ? loopback : race->name, families[i],
                            AI_NUMERICHOST));
    }
  return has_next (race) || ask_for (race, BOTH, AF_UNSPEC, error);
}

/* When addresses of both kinds have not come together, as where a name server takes
 * no notice of questions for IPv6: whichever is there first is tried, for the other
 * has had its time (RFC 8305 section 3). */
static int64_t
time_to_part (const Race *race)
{
  return is_asked (race, BOTH) && !race->apart ? race->start + PATIENCE
                                               : INT64_MAX;
}

static void
ask_apart (Race *race)
{
  race->apart = true;
  for (int i = 0; i < N_FAMILIES; i++)
    (void) ask_for (race, i, families[i], NULL);
}

/* A family that was answered by itself does not count any more. */
static void
take_both (Race *race, struct addrinfo *list)
{
  struct addrinfo *split[N_FAMILIES] = { NULL };
  struct addrinfo **ends[N_FAMILIES] = { &split[0], &split[1] };

  for (struct addrinfo *next = NULL; list != NULL; list = next)
    {
      int which = list->ai_family == families[0] ? 0 : 1;

      next = list->ai_next;
      list->ai_next = NULL;
      *ends[which] = list;
      ends[which] = &list->ai_next;
    }
  for (int i = 0; i < N_FAMILIES; i++)
    {
      Answer answer = { split[i] != NULL ? 0 : EAI_NODATA, split[i] };

      if (race->apart && !is_asked (race, i))
        answer_clear (&answer);
      else
        take_answer (race, i, answer);
      stop_asking (race, i);
    }
}

/* There is no such name, whichever kind of address is asked for. */
static bool
is_final (int code)
{
  return code == EAI_NONAME || code == EAI_NODATA || code == EAI_ADDRFAMILY;
}

static void
read_both (Race *race, Answer answer)
{
  if (answer.code == 0)
    take_both (race, answer.list);
  else if (!race->apart && is_final (answer.code))
    for (int i = 0; i < N_FAMILIES; i++)
      race->answers[i].code = answer.code;
  else if (!race->apart)
    ask_apart (race);
}

static void
read_answer (Race *race, int which)
{
  Answer answer = { EAI_SYSTEM, NULL };

  if (read (race->waits[which].fd, &answer, sizeof answer) != sizeof answer)
    answer = (Answer){ EAI_SYSTEM, NULL };
  stop_asking (race, which);
  if (which == BOTH)
    read_both (race, answer);
  else
    take_answer (race, which, answer);
  if (race->apart && !is_asked (race, 0) && !is_asked (race, 1))
    stop_asking (race, BOTH);
  if (race->addresses == 0)
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
      struct pollfd *wait = &race->waits[N_QUESTIONS + race->addresses];

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
  for (unsigned i = 0; i < N_QUESTIONS + race->addresses; i++)
    if (race->waits[i].fd >= 0)
      return true;
  return has_next (race);
}

/* The first that is connected, which is the caller's then; -1: none is yet. */
static int
take_connected (Race *race)
{
  for (unsigned i = N_QUESTIONS; i < N_QUESTIONS + race->addresses; i++)
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
  int64_t next = time_to_part (race);

  if (has_next (race))
    next = MIN (next, race->due);
  if (next == INT64_MAX)
    return left;
  return (int) MIN (left, (MAX (next - now, 0) + 999) / 1000);
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
      if (g_get_monotonic_time () >= time_to_part (race))
        ask_apart (race);
      if (poll (race->waits, N_QUESTIONS + race->addresses,
                wait_time (race, deadline))
          <= 0)
        continue;
      for (int i = 0; i < N_QUESTIONS; i++)
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
    if (!is_final (race->answers[i].code))
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
  failure_set_errno (error, FAILURE_OS, errno,
                     _ ("cannot have another file descriptor"));
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
  g_auto (Race) race = { .name = name,
                         .port = htons (port),
                         .start = g_get_monotonic_time (),
                         .trace = trace };
  int fd;

  for (int i = 0; i < N_QUESTIONS; i++)
    race.waits[i].fd = -1;
  if (source_address != NULL)
    {
      race.source = look_up (source_address, AF_UNSPEC, AI_NUMERICHOST);
      g_assert (race.source.list != NULL);
      if (!check_source (race.source.list, source_address, error))
        return -1;
    }
  if (!begin (&race, error))
    return -1;
  fd = run (&race, deadline);
  if (fd < 0)
    set_failure (&race, setting, error);
  else
    (void) setsockopt (fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 },
                       sizeof (int));
  return fd;
}
