#include "smtp/session.h"

#include <malloc.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <glib/gi18n.h>

#include "base/failure.h"
#include "base/sandbox.h"
#include "smtp/auth.h"
#include "smtp/gnutls.h"
#include "smtp/way.h"

/* What GnuTLS takes until a handshake is done. Where pages are larger the kernel
   refuses, and gives them later. */
#define ROOM (288 * 1024)
#define PAGE 4096

void
session_drop (Session *session)
{
  if (session == NULL)
    return;
  stream_free (session->stream);
  /* Without its connection the command comes to its end. */
  child_free (session->tunnel);
  extensions_clear (&session->extensions);
  g_clear_pointer (&session->domains, g_ptr_array_unref);
  g_free (session->mechanism);
  g_free (session->tls);
  g_free (session);
}

void
session_close (Session *session)
{
  /* In the midst of a message QUIT would be a part of it. */
  if (session->broken || session->engaged)
    {
      session_drop (session);
      return;
    }
  session_command (session, "QUIT");
  stream_begin_end (session->stream);
  /* The relay has said all that matters; its 221 is not waited for. */
  (void) stream_flush (session->stream,
                       deadline_in (session->relay->timeouts.quit), NULL);
  stream_close (g_steal_pointer (&session->stream));
  session_drop (session);
}

bool
session_take_domain (Session *session, const char *domain)
{
  uint64_t maximum = session->extensions.rcpt_domain_max;

  if (maximum == 0)
    return true;
  if (session->domains == NULL)
    session->domains = g_ptr_array_new_with_free_func (g_free);
  for (guint i = 0; i < session->domains->len; i++)
    if (g_ascii_strcasecmp (session->domains->pdata[i], domain) == 0)
      return true;
  if (session->domains->len >= maximum)
    return false;
  g_ptr_array_add (session->domains, g_strdup (domain));
  return true;
}

void
session_command (Session *session, const char *format, ...)
{
  va_list arguments;
  g_autoptr (GString) line = g_string_new (NULL);

  va_start (arguments, format);
  g_string_append_vprintf (line, format, arguments);
  va_end (arguments);
  /* A line end in here would make the rest a command of its own. */
  g_assert (strpbrk (line->str, "\r\n") == NULL);
  g_string_append (line, "\r\n");
  stream_write (session->stream, line->str, line->len);
}

Reply *
session_reply (Session *session, unsigned milliseconds, GError **error)
{
  Reply *reply =
      reply_read (session->stream, deadline_in (milliseconds), error);

  if (reply != NULL && reply->bare_lf)
    session->extensions.pipelining = false;
  return reply;
}

bool
session_is_quiet (Session *session, GError **error)
{
  if (!stream_has_input (session->stream))
    return true;
  g_set_error_literal (error, FAILURE, FAILURE_PROTOCOL,
                       _ ("the relay spoke without being asked"));
  return false;
}

/* A relay that waits for TLS to begin says nothing, until it or we give up. */
static void
suggest_implicit (const Session *session, Stage stage, GError **error)
{
  GError *silence = *error;

  if (stage != STAGE_GREETING || session->relay->tls != TLS_STARTTLS
      || !g_error_matches (silence, FAILURE, FAILURE_TEMPORARY))
    return;
  *error = g_error_new (FAILURE, FAILURE_TEMPORARY,
                        _ ("%s; perhaps this port wants `tls = implicit'"),
                        silence->message);
  g_error_free (silence);
}

/* A command that has hung up is about to end, and will then have said why. */
static void
explain_tunnel (const Session *session, GError **error)
{
  Deadline deadline
      = deadline_in (stream_has_ended (session->stream) ? CHILD_GRACE : 0);
  g_autofree char *complaint = child_complaint (session->tunnel, deadline);
  GError *bare = *error;

  if (complaint != NULL)
    *error = g_error_new (FAILURE, bare->code, _ ("%s; the tunnel: %s"),
                          bare->message, complaint);
  else
    *error = g_error_new (FAILURE, bare->code,
                          _ ("%s; the tunnel's command runs, and says nothing"),
                          bare->message);
  g_error_free (bare);
}

void
session_explain (Session *session, GError **error)
{
  g_autofree char *endpoint = relay_endpoint (session->relay);

  g_prefix_error (error, "%s: ", endpoint);
  if (session->tunnel != NULL)
    explain_tunnel (session, error);
}

/* Takes ERROR. Those of the way and of TLS name the relay themselves. */
static bool
fail (Session *session, Stage stage, GError *error, Status **status)
{
  if (stage == STAGE_TLS && session->tunnel != NULL)
    explain_tunnel (session, &error);
  else if (stage != STAGE_CONNECT && stage != STAGE_TLS)
    {
      suggest_implicit (session, stage, &error);
      session_explain (session, &error);
    }
  *status = status_new_failure (stage, error);
  g_error_free (error);
  return false;
}

/* REPLY is a 4yz or 5yz. */
static bool
fail_refused (Stage stage, const Reply *reply, Status **status)
{
  g_autofree char *text = reply_text (reply);

  *status =
      status_new_reply (stage, reply->code, reply_enhanced (reply), text);
  return false;
}

/* The reply that STAGE wants, which is CODE and no other. */
static bool
expect (Session *session, Stage stage, int code, Reply **reply,
        Status **status)
{
  unsigned timeout = session->relay->timeouts.command;
  GError *error = NULL;

  *reply = stream_flush (session->stream, deadline_in (timeout), &error)
               ? session_reply (session, timeout, &error)
               : NULL;
  if (*reply == NULL)
    return fail (session, stage, error, status);
  if ((*reply)->code == code)
    return true;
  if ((*reply)->code >= 400)
    return fail_refused (stage, *reply, status);
  g_set_error (&error, FAILURE, FAILURE_PROTOCOL,
               _ ("the relay sent %d where it had to send %d"), (*reply)->code,
               code);
  return fail (session, stage, error, status);
}

/* What can be known to be missing before the relay is troubled. */
static bool
check_login (Session *session, const Secret *secret, Status **status)
{
  SaslLogin login;
  GError *error = NULL;

  auth_login (session->relay, secret, NULL, &login);
  return sasl_check (session->relay->auth, &login, &error)
         || fail (session, STAGE_CREDENTIAL, error, status);
}

/* The argument of EHLO (RFC 5321 section 4.1.3). The loopback address tells
   nothing of this host or its network. */
static const char *
ehlo_argument (const Relay *relay, int fd)
{
  struct sockaddr_storage address = { 0 };
  socklen_t size = sizeof address;

  if (relay->ehlo_name != NULL)
    return relay->ehlo_name;
  if (getsockname (fd, (struct sockaddr *) &address, &size) == 0
      && address.ss_family == AF_INET6)
    return "[IPv6:::1]";
  return "[127.0.0.1]";
}

static bool
check_ehlo_name (Session *session, Status **status)
{
  const char *name = session->relay->ehlo_name;
  GError *error = NULL;

  for (const char *p = name; p != NULL && *p != '\0'; p++)
    if (!g_ascii_isgraph (*p))
      {
        g_set_error_literal (&error, FAILURE, FAILURE_CONFIG,
                             _ ("`ehlo-name' is no domain"));
        return fail (session, STAGE_ACCOUNT, error, status);
      }
  return true;
}

static bool
start_tls (Session *session, Status **status)
{
  Deadline deadline = deadline_in (session->relay->timeouts.connect);
  GError *error = NULL;

  if (!stream_start_tls (session->stream, session->relay, deadline, &error))
    return fail (session, STAGE_TLS, error, status);
  session->tls = g_strdup (stream_tls_description (session->stream));
  return true;
}

static void
tell_connected (const Session *session, int fd)
{
  struct sockaddr_storage address = { 0 };
  socklen_t size = sizeof address;
  char host[INET6_ADDRSTRLEN + IF_NAMESIZE + 1], port[sizeof "65535"];
  g_autofree char *text = NULL;

  if (!trace_counts (session->trace))
    return;
  if (getpeername (fd, (struct sockaddr *) &address, &size) == 0
      && address.ss_family != AF_UNIX
      && getnameinfo ((struct sockaddr *) &address, size, host, sizeof host,
                      port, sizeof port, NI_NUMERICHOST | NI_NUMERICSERV)
             == 0)
    text = endpoint_text (host,
                          (uint16_t) g_ascii_strtoull (port, NULL, 10));
  trace_reached (session->trace, MILESTONE_CONNECTED,
                 text != NULL ? text : "");
}

static bool
connect_stream (Session *session, const char **name, Status **status)
{
  const Relay *relay = session->relay;
  GError *error = NULL;
  int fd = way_open (relay, &session->tunnel,
                     deadline_in (relay->timeouts.connect), session->trace,
                     &error);

  if (fd < 0)
    return fail (session, STAGE_CONNECT, error, status);
  /* The next octet is the relay's. */
  if (sandbox_enter_prepared (&error) == SANDBOX_FAILED)
    {
      close (fd);
      return fail (session, STAGE_CONNECT, error, status);
    }
  tell_connected (session, fd);
  *name = ehlo_argument (relay, fd);
  session->stream = stream_new (fd, session->trace);
  return relay->tls != TLS_IMPLICIT || start_tls (session, status);
}

static void
tell_offer (const Session *session)
{
  g_autofree char *text = NULL;

  if (!trace_counts (session->trace))
    return;
  text = extensions_text (&session->extensions);
  trace_reached (session->trace, MILESTONE_EHLO, text);
}

/* Never HELO instead: it knows neither STARTTLS nor AUTH. What an earlier EHLO
   told is forgotten (RFC 3207 section 4.2). */
static bool
say_ehlo (Session *session, const char *name, Status **status)
{
  g_autoptr (Reply) reply = NULL;
  GError *error = NULL;

  if (!session_is_quiet (session, &error))
    return fail (session, STAGE_EHLO, error, status);
  session_command (session, "EHLO %s", name);
  if (!expect (session, STAGE_EHLO, 250, &reply, status))
    return false;
  extensions_parse (&session->extensions, reply);
  if (reply->bare_lf)
    session->extensions.pipelining = false;
  tell_offer (session);
  return true;
}

static bool
say_starttls (Session *session, Status **status)
{
  g_autoptr (Reply) reply = NULL;
  GError *error = NULL;

  if (!session->extensions.starttls)
    {
      g_set_error_literal (
          &error, FAILURE, FAILURE_PROTOCOL,
          _ ("the relay does not offer STARTTLS, and without TLS nothing is "
             "sent; if TLS begins at once there, write `tls = "
             "implicit'"));
      return fail (session, STAGE_STARTTLS, error, status);
    }
  if (!session_is_quiet (session, &error))
    return fail (session, STAGE_STARTTLS, error, status);
  session_command (session, "STARTTLS");
  return expect (session, STAGE_STARTTLS, 220, &reply, status)
         && start_tls (session, status);
}

static void
tell_greeting (const Session *session, const Reply *greeting)
{
  g_autofree char *text = NULL;

  if (!trace_counts (session->trace))
    return;
  text = reply_text (greeting);
  trace_reached (session->trace, MILESTONE_GREETING, text);
}

/* From the greeting to the EHLO that counts. */
static bool
greet (Session *session, const char *name, Status **status)
{
  g_autoptr (Reply) greeting = NULL;

  if (!expect (session, STAGE_GREETING, 220, &greeting, status))
    return false;
  tell_greeting (session, greeting);
  if (session->relay->tls == TLS_STARTTLS
      && (!say_ehlo (session, name, status)
          || !say_starttls (session, status)))
    return false;
  return say_ehlo (session, name, status);
}

static bool
log_in (Session *session, const Secret *secret, Status **status)
{
  g_autoptr (Reply) reply = NULL;
  const char *mechanism = NULL;
  GError *error = NULL;

  /* A login in clear would give the password away. */
  g_assert (stream_is_tls (session->stream));
  reply = auth_run (session->stream, session->relay, &session->extensions,
                    secret, &mechanism, &error);
  if (reply == NULL)
    return fail (session, STAGE_AUTH, error, status);
  if (reply->code >= 400)
    return fail_refused (STAGE_AUTH, reply, status);
  session->mechanism = g_strdup (mechanism);
  trace_reached (session->trace, MILESTONE_LOGIN, mechanism);
  if (reply->bare_lf)
    session->extensions.pipelining = false;
  return true;
}

/* Has the kernel give at once what would cost a fault for each page. */
static void
make_room (void)
{
  char *room;
  size_t before;

  (void) mallopt (M_MMAP_THRESHOLD, 2 * ROOM);
  (void) mallopt (M_TRIM_THRESHOLD, 2 * ROOM);
  room = g_malloc (ROOM);
  before = PAGE - (uintptr_t) room % PAGE;
  (void) madvise (room + before, (ROOM - before) / PAGE * PAGE,
                  MADV_POPULATE_WRITE);
  g_free (room);
}

void
session_load_libraries (void)
{
  make_room ();
  (void) library_load (&gnutls_library, NULL);
}

Session *
session_open (const Relay *relay, const Secret *secret, const Trace *trace,
              Status **status)
{
  g_autoptr (Session) session = g_new0 (Session, 1);
  const char *name;

  session->relay = relay;
  session->trace = trace;
  if (check_login (session, secret, status)
      && check_ehlo_name (session, status)
      && connect_stream (session, &name, status)
      && greet (session, name, status) && log_in (session, secret, status))
    return g_steal_pointer (&session);
  /* A relay that said no in order is told goodbye; one that closes, or makes
     no sense, is not. */
  if ((*status)->code >= 400 && (*status)->code != 421)
    session_close (g_steal_pointer (&session));
  return NULL;
}
