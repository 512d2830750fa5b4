/* scripted-relay - a relay for tests, as polite or as hostile as wanted.
 *
 *   scripted-relay [OPTION...] --serve
 *   scripted-relay [OPTION...] DIALOGUE-FILE...
 *
 * Connection N runs the Nth dialogue, and those after the last run the last
 * (language: dialogue.h; --serve: serve.h; what is recorded: record.h).
 * Listens on loopback alone, and says its port once it does. Ends with status
 * 0 after --connections, by SIGTERM or with its parent; connections that are
 * open then may come to their end for two seconds. A starter takes the port
 * through a FIFO, since the relay dies with the shell that started it; this one
 * does not wait for ever where the relay cannot start:
 *
 *   mkfifo port; scripted-relay … >port & read -r number <port
 */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include <glib.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#include "relay/channel.h"
#include "relay/dialogue.h"
#include "relay/login.h"
#include "relay/record.h"
#include "relay/serve.h"

#define LISTENERS 3
#define LIFETIME_SECONDS 600 /* of a connection */
#define GRACE_SECONDS 2      /* after SIGTERM */

typedef struct
{
  ServeSettings serve;
  GPtrArray *dialogues; /* empty: --serve */
  GHashTable *variables;
  const char *socket; /* its path; NULL: none */
  const char *record, *port_file, *certificate, *key, *client_ca, *priority,
      *staple;
  bool ipv6, tickets;
  unsigned port, connections, receive_buffer; /* 0: any, endless, default */
  unsigned limit;                             /* 0: none */
  int listeners[LISTENERS];                   /* -1: none */
  GArray *children;                           /* of pid_t */
  gnutls_certificate_credentials_t credentials;
  gnutls_priority_t priorities;
  gnutls_datum_t ticket_key;
} Relay;

static volatile sig_atomic_t terminated;

enum
{
  OPTION_CERTIFICATE = 256,
  OPTION_CLIENT_CA,
  OPTION_CONNECTIONS,
  OPTION_HELP,
  OPTION_IPV6,
  OPTION_ITERATIONS,
  OPTION_KEY,
  OPTION_LIMIT,
  OPTION_MECHANISMS,
  OPTION_NO_TICKETS,
  OPTION_OPEN,
  OPTION_PASSWORD,
  OPTION_PORT,
  OPTION_PORT_FILE,
  OPTION_PRIORITY,
  OPTION_RECEIVE_BUFFER,
  OPTION_RECORD,
  OPTION_SERVE,
  OPTION_SET,
  OPTION_SIZE,
  OPTION_STAPLE,
  OPTION_STARTTLS,
  OPTION_UNIX,
  OPTION_USER,
};

static const struct
{
  struct option option;
  const char *help;
} options[] = {
  { { "certificate", 1, NULL, OPTION_CERTIFICATE }, "FILE.pem, of the relay" },
  { { "client-ca", 1, NULL, OPTION_CLIENT_CA },
    "FILE.pem: ask for client certificates" },
  { { "connections", 1, NULL, OPTION_CONNECTIONS }, "N: end after so many" },
  { { "help", 0, NULL, OPTION_HELP }, "this list" },
  { { "ipv6", 0, NULL, OPTION_IPV6 }, "listen on ::1 as well" },
  { { "iterations", 1, NULL, OPTION_ITERATIONS }, "N, of SCRAM (4096)" },
  { { "key", 1, NULL, OPTION_KEY }, "FILE (the certificate's, with .key)" },
  { { "limit", 1, NULL, OPTION_LIMIT },
    "N: 421 while so many connections are open" },
  { { "mechanisms", 1, NULL, OPTION_MECHANISMS },
    "LIST (" LOGIN_MECHANISMS ")" },
  { { "no-tickets", 0, NULL, OPTION_NO_TICKETS }, "no session tickets" },
  { { "open", 0, NULL, OPTION_OPEN }, "nobody needs to log in" },
  { { "password", 1, NULL, OPTION_PASSWORD }, "TEXT (secret)" },
  { { "port", 1, NULL, OPTION_PORT }, "N (any that is free)" },
  { { "port-file", 1, NULL, OPTION_PORT_FILE },
    "FILE: the port is written there, not to stdout" },
  { { "priority", 1, NULL, OPTION_PRIORITY }, "GnuTLS priority (NORMAL)" },
  { { "receive-buffer", 1, NULL, OPTION_RECEIVE_BUFFER }, "OCTETS" },
  { { "record", 1, NULL, OPTION_RECORD }, "DIRECTORY" },
  { { "serve", 0, NULL, OPTION_SERVE }, "no dialogue: behave" },
  { { "set", 1, NULL, OPTION_SET }, "NAME=VALUE, for dialogues" },
  { { "size", 1, NULL, OPTION_SIZE }, "OCTETS of a message (52428800)" },
  { { "staple", 1, NULL, OPTION_STAPLE },
    "FILE: an OCSP response (DER), sent with the certificate" },
  { { "starttls", 0, NULL, OPTION_STARTTLS },
    "clear first; otherwise TLS comes first" },
  { { "unix", 1, NULL, OPTION_UNIX }, "PATH of a socket: listen there as well" },
  { { "user", 1, NULL, OPTION_USER }, "NAME (me)" },
};

static void
print_help (void)
{
  puts ("usage: scripted-relay [OPTION...] --serve | DIALOGUE-FILE...\n");
  for (size_t i = 0; i < G_N_ELEMENTS (options); i++)
    printf ("  --%-16s %s\n", options[i].option.name, options[i].help);
}

static unsigned
number (const char *text)
{
  guint64 value;

  if (!g_ascii_string_to_unsigned (text, 10, 0, INT_MAX, &value, NULL))
    errx (EX_USAGE, "%s is no number", text);
  return (unsigned) value;
}

static void
set_variable (Relay *relay, const char *text)
{
  g_auto (GStrv) parts = g_strsplit (text, "=", 2);

  if (parts[0] == NULL || parts[1] == NULL)
    errx (EX_USAGE, "--set NAME=VALUE");
  g_hash_table_replace (relay->variables, g_strdup (parts[0]),
                        g_strdup (parts[1]));
}

static void
take_flag (Relay *relay, int option)
{
  switch (option)
    {
    case OPTION_HELP:
      print_help ();
      exit (EX_OK);
    case OPTION_IPV6:
      relay->ipv6 = true;
      break;
    case OPTION_NO_TICKETS:
      relay->tickets = false;
      break;
    case OPTION_OPEN:
      relay->serve.open = true;
      break;
    case OPTION_SERVE:
      break;
    case OPTION_STARTTLS:
      relay->serve.starttls = true;
      break;
    default:
      exit (EX_USAGE);
    }
}

static const char **
text_option (Relay *relay, int option)
{
  switch (option)
    {
    case OPTION_CERTIFICATE:
      return &relay->certificate;
    case OPTION_CLIENT_CA:
      return &relay->client_ca;
    case OPTION_ITERATIONS:
      return &relay->serve.user.iterations;
    case OPTION_KEY:
      return &relay->key;
    case OPTION_MECHANISMS:
      return &relay->serve.mechanisms;
    case OPTION_PASSWORD:
      return &relay->serve.user.password;
    case OPTION_PORT_FILE:
      return &relay->port_file;
    case OPTION_PRIORITY:
      return &relay->priority;
    case OPTION_RECORD:
      return &relay->record;
    case OPTION_SIZE:
      return &relay->serve.size;
    case OPTION_STAPLE:
      return &relay->staple;
    case OPTION_UNIX:
      return &relay->socket;
    case OPTION_USER:
      return &relay->serve.user.user;
    default:
      return NULL;
    }
}

static unsigned *
number_option (Relay *relay, int option)
{
  switch (option)
    {
    case OPTION_CONNECTIONS:
      return &relay->connections;
    case OPTION_LIMIT:
      return &relay->limit;
    case OPTION_PORT:
      return &relay->port;
    case OPTION_RECEIVE_BUFFER:
      return &relay->receive_buffer;
    default:
      return NULL;
    }
}

static void
take_option (Relay *relay, int option, const char *argument)
{
  const char **text = text_option (relay, option);
  unsigned *value = number_option (relay, option);

  if (text != NULL)
    *text = argument;
  else if (value != NULL)
    *value = number (argument);
  else if (option == OPTION_SET)
    set_variable (relay, argument);
  else
    take_flag (relay, option);
}

static void
add_dialogue (Relay *relay, const char *file)
{
  g_autoptr (GError) error = NULL;
  Dialogue *dialogue = dialogue_read (file, &error);

  if (dialogue == NULL)
    errx (EX_DATAERR, "%s", error->message);
  g_ptr_array_add (relay->dialogues, dialogue);
}

static void
parse (Relay *relay, int argc, char **argv)
{
  struct option table[G_N_ELEMENTS (options) + 1] = { 0 };
  bool serve = false;
  int option;

  for (size_t i = 0; i < G_N_ELEMENTS (options); i++)
    table[i] = options[i].option;
  while ((option = getopt_long (argc, argv, "", table, NULL)) != -1)
    {
      serve = serve || option == OPTION_SERVE;
      take_option (relay, option, optarg);
    }
  for (; optind < argc; optind++)
    add_dialogue (relay, argv[optind]);
  if (serve == (relay->dialogues->len > 0))
    errx (EX_USAGE, "either --serve or dialogues");
  if (relay->certificate == NULL)
    errx (EX_USAGE, "--certificate is missing");
}

/* What cannot be set up ends the program. */
static void
need (int code, const char *what)
{
  if (code < 0)
    errx (EX_CONFIG, "%s: %s", what, gnutls_strerror (code));
}

/* As it stands in the file: GnuTLS would sort it, and leave out what it does not
   like. */
static void
load_chain (Relay *relay, const char *key_file)
{
  gnutls_datum_t pem;
  gnutls_x509_crt_t *chain;
  gnutls_x509_privkey_t key;
  unsigned count;

  need (gnutls_load_file (relay->certificate, &pem), relay->certificate);
  need (gnutls_x509_crt_list_import2 (&chain, &count, &pem,
                                      GNUTLS_X509_FMT_PEM, 0),
        relay->certificate);
  gnutls_free (pem.data);
  need (gnutls_load_file (key_file, &pem), key_file);
  need (gnutls_x509_privkey_init (&key), "GnuTLS");
  need (gnutls_x509_privkey_import2 (key, &pem, GNUTLS_X509_FMT_PEM, NULL, 0),
        key_file);
  gnutls_free (pem.data);
  need (gnutls_certificate_set_x509_key (relay->credentials, chain,
                                         (int) count, key),
        relay->certificate);
  for (unsigned i = 0; i < count; i++)
    gnutls_x509_crt_deinit (chain[i]);
  gnutls_free (chain);
  gnutls_x509_privkey_deinit (key);
}

/* Whatever the file holds, and whichever certificate it is for. */
static int
staple (gnutls_session_t session, void *data, gnutls_datum_t *response)
{
  return gnutls_load_file (data, response);
}

static void
prepare_tls (Relay *relay)
{
  g_autoptr (GString) key =
      g_string_new (relay->key == NULL ? relay->certificate : relay->key);

  if (relay->key == NULL)
    g_string_replace (key, ".pem", ".key", 0);
  need (gnutls_certificate_allocate_credentials (&relay->credentials),
        "GnuTLS");
  /* A weak certificate is what some tests want to show. */
  gnutls_certificate_set_flags (relay->credentials,
                                GNUTLS_CERTIFICATE_SKIP_KEY_CERT_MATCH);
  load_chain (relay, key->str);
  if (relay->staple != NULL)
    gnutls_certificate_set_ocsp_status_request_function (
        relay->credentials, staple, (void *) relay->staple);
  if (relay->client_ca != NULL)
    need (gnutls_certificate_set_x509_trust_file (
              relay->credentials, relay->client_ca, GNUTLS_X509_FMT_PEM),
          relay->client_ca);
  need (gnutls_priority_init (&relay->priorities, relay->priority, NULL),
        relay->priority);
  if (relay->tickets)
    need (gnutls_session_ticket_key_generate (&relay->ticket_key), "GnuTLS");
  relay->serve.tls = (ChannelTls) { relay->credentials, relay->priorities,
                                   relay->tickets ? &relay->ticket_key : NULL,
                                   relay->client_ca != NULL };
}

static int
listen_on (const Relay *relay, const void *address, socklen_t length)
{
  int family = ((const struct sockaddr *) address)->sa_family;
  int fd = socket (family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  int on = 1, buffer = (int) relay->receive_buffer;

  if (fd < 0)
    err (EX_OSERR, "socket");
  setsockopt (fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (buffer > 0)
    setsockopt (fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
  if (bind (fd, address, length) != 0 || listen (fd, 64) != 0)
    err (EX_OSERR, "listen");
  return fd;
}

static void
start_listening (Relay *relay)
{
  struct sockaddr_in v4 = { .sin_family = AF_INET,
                            .sin_port = htons ((uint16_t) relay->port),
                            .sin_addr = { .s_addr =
                                              htonl (INADDR_LOOPBACK) } };
  struct sockaddr_in6 v6 = { .sin6_family = AF_INET6,
                             .sin6_addr = IN6ADDR_LOOPBACK_INIT };
  struct sockaddr_un local = { .sun_family = AF_UNIX };
  socklen_t length = sizeof v4;

  relay->listeners[0] = listen_on (relay, &v4, sizeof v4);
  getsockname (relay->listeners[0], (struct sockaddr *) &v4, &length);
  relay->port = ntohs (v4.sin_port);
  v6.sin6_port = v4.sin_port;
  if (relay->ipv6)
    relay->listeners[1] = listen_on (relay, &v6, sizeof v6);
  if (relay->socket == NULL)
    return;
  unlink (relay->socket);
  g_strlcpy (local.sun_path, relay->socket, sizeof local.sun_path);
  relay->listeners[2] = listen_on (relay, &local, sizeof local);
}

static void
stop_listening (Relay *relay)
{
  for (int i = 0; i < LISTENERS; i++)
    if (relay->listeners[i] >= 0)
      {
        close (relay->listeners[i]);
        relay->listeners[i] = -1;
      }
}

static void
tell_port (const Relay *relay)
{
  FILE *file =
      relay->port_file == NULL ? stdout : fopen (relay->port_file, "we");

  if (file == NULL || fprintf (file, "%u\n", relay->port) < 0
      || fclose (file) != 0)
    err (EX_CANTCREAT, "port");
}

static void
converse (const Relay *relay, int fd, unsigned connection)
{
  g_autoptr (Record) record = record_new (relay->record, connection);
  g_autoptr (Channel) channel = channel_new (fd, record);
  unsigned count = relay->dialogues->len;
  Serve serve;

  serve_init (&serve, &relay->serve, channel, record);
  if (relay->limit > 0 && relay->children->len >= relay->limit)
    serve_refuse (&serve);
  else if (count == 0)
    serve_run (&serve);
  else
    dialogue_run (
        g_ptr_array_index (relay->dialogues, MIN (connection, count) - 1),
        &serve, relay->variables);
  channel_close (channel);
  if (count == 0)
    record_verdict (record, "ok");
  serve_clear (&serve);
}

static void
on_signal (int signal)
{
  /* Never written otherwise: one signal may come in the midst of another. */
  if (signal == SIGTERM)
    terminated = 1;
}

static void
on_signal_of_child (int signal)
{
  alarm (GRACE_SECONDS);
}

static void catch (int signal, void (*handler) (int))
{
  struct sigaction action = { .sa_handler = handler, .sa_flags = SA_RESTART };

  sigaction (signal, &action, NULL);
}

static void
relay_clear (Relay *relay)
{
  stop_listening (relay);
  g_array_unref (relay->children);
  g_ptr_array_unref (relay->dialogues);
  g_hash_table_unref (relay->variables);
  gnutls_certificate_free_credentials (relay->credentials);
  gnutls_priority_deinit (relay->priorities);
  gnutls_free (relay->ticket_key.data);
}

/* True in the child, which is done. */
static bool
hand_over (Relay *relay, int fd, unsigned connection, const sigset_t *mask)
{
  int on = 1;
  pid_t parent = getpid ();
  pid_t child = fork ();

  if (child < 0)
    warn ("fork");
  if (child != 0)
    {
      close (fd);
      g_array_append_val (relay->children, child);
      return false;
    }
  catch (SIGTERM, on_signal_of_child);
  prctl (PR_SET_PDEATHSIG, SIGTERM);
  if (getppid () != parent)
    raise (SIGTERM);
  alarm (LIFETIME_SECONDS);
  sigprocmask (SIG_SETMASK, mask, NULL);
  stop_listening (relay);
  fcntl (fd, F_SETFL, 0);
  setsockopt (fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  converse (relay, fd, connection);
  return true;
}

static void
reap (Relay *relay, int how)
{
  pid_t child;

  while ((child = waitpid (-1, NULL, how)) > 0
         || (child < 0 && errno == EINTR))
    for (unsigned i = 0; i < relay->children->len; i++)
      if (g_array_index (relay->children, pid_t, i) == child)
        g_array_remove_index_fast (relay->children, i--);
}

/* All who wait at the listeners; true in a child. */
static bool
accept_waiting (Relay *relay, unsigned *connection, const sigset_t *mask)
{
  for (int i = 0; i < LISTENERS; i++)
    while (relay->listeners[i] >= 0
           && (relay->connections == 0 || *connection < relay->connections))
      {
        int fd = accept4 (relay->listeners[i], NULL, NULL, SOCK_CLOEXEC);

        if (fd < 0)
          break;
        reap (relay, WNOHANG);
        if (hand_over (relay, fd, ++*connection, mask))
          return true;
      }
  return false;
}

static void
terminate_children (const Relay *relay)
{
  for (unsigned i = 0; i < relay->children->len; i++)
    kill (g_array_index (relay->children, pid_t, i), SIGTERM);
}

/* Each connection in a process of its own; true in such a process. */
static bool
run (Relay *relay, const sigset_t *mask)
{
  unsigned connection = 0;

  while (!terminated
         && (relay->connections == 0 || connection < relay->connections))
    {
      struct pollfd waiting[LISTENERS];

      for (int i = 0; i < LISTENERS; i++)
        waiting[i] = (struct pollfd){ relay->listeners[i], POLLIN, 0 };
      ppoll (waiting, LISTENERS, NULL, mask);
      if (accept_waiting (relay, &connection, mask))
        return true;
      reap (relay, WNOHANG);
    }
  stop_listening (relay);
  if (terminated)
    terminate_children (relay);
  reap (relay, 0);
  return false;
}

int
main (int argc, char **argv)
{
  Relay relay = {
    .serve = { .user = { "me", "secret", "4096" },
               .mechanisms = LOGIN_MECHANISMS,
               .size = "52428800" },
    .dialogues =
        g_ptr_array_new_with_free_func ((GDestroyNotify) dialogue_free),
    .variables =
        g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free),
    .children = g_array_new (FALSE, FALSE, sizeof (pid_t)),
    .priority = "NORMAL",
    .tickets = true,
    .listeners = { -1, -1, -1 },
  };
  sigset_t blocked, mask;

  parse (&relay, argc, argv);
  prepare_tls (&relay);
  sigemptyset (&blocked);
  sigaddset (&blocked, SIGTERM);
  sigaddset (&blocked, SIGCHLD);
  sigprocmask (SIG_BLOCK, &blocked, &mask);
  catch (SIGTERM, on_signal);
  catch (SIGCHLD, on_signal);
  prctl (PR_SET_PDEATHSIG, SIGTERM);
  start_listening (&relay);
  tell_port (&relay);
  run (&relay, &mask);
  relay_clear (&relay);
  return EX_OK;
}
