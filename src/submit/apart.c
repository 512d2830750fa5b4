#include "submit/apart.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include <glib/gi18n.h>

#include "account/credential.h"
#include "base/failure.h"
#include "base/text.h"
#include "submit/signals.h"

#define TEXT_MAXIMUM APART_REPORT_MAXIMUM

/* wait4(2) fails for no reason but that there is no child, or none in time. */
#define WAITS_MAXIMUM 100

/* The first octet of what goes over the channel, one message at a time. */
enum
{
  WANTED = 'w',  /* to us: the secret */
  TOLD = 't',    /* to us: text */
  REPORT = 'r',  /* to us: octets, for who wants to hear them */
  LEFT = 'l',    /* to us: its exit status, for it goes its own way */
  SECRET = 's',  /* to the child: its octets */
  NONE = 'n',    /* there is none, and none is needed */
  FAILED = 'f',  /* a Failure, then text */
};

static bool
send_message (int channel, char kind, const void *octets, size_t length)
{
  struct iovec parts[] = { { &kind, 1 }, { (void *) octets, length } };
  struct msghdr message = { .msg_iov = parts, .msg_iovlen = 2 };
  ssize_t sent;

  do
    sent = sendmsg (channel, &message, MSG_NOSIGNAL);
  while (sent < 0 && errno == EINTR);
  return sent >= 0;
}

/* Its length; -1: the other side has ended. */
static ssize_t
receive_message (int channel, void *buffer, size_t size)
{
  ssize_t length;

  do
    length = recv (channel, buffer, size, 0);
  while (length < 0 && errno == EINTR);
  return length > 0 ? length : -1;
}

static bool
send_failure (int channel, const GError *error)
{
  g_autoptr (GString) text = g_string_new (NULL);

  g_string_append_c (text, (char) error->code);
  g_string_append (text, error->message);
  return send_message (channel, FAILED, text->str,
                       MIN (text->len, (size_t) TEXT_MAXIMUM));
}

/* Processes */

typedef struct
{
  ApartWork *work;
  void *data;
  Apart apart;
  int other; /* end of the channel */
} Start;

/* The kernel ends it when we end, which may have been before it was asked to. */
static pid_t
start (const Start *how)
{
  pid_t parent = getpid ();
  pid_t child = fork ();

  if (child != 0)
    return child;
  (void) prctl (PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  if (getppid () != parent)
    _exit (EX_OSERR);
  signals_keep_all ();
  if (how->other >= 0)
    close (how->other);
  _exit (how->work (&how->apart, how->data));
}

pid_t
apart_start (ApartWork *work, void *data, GError **error)
{
  pid_t child = start (&(Start){ work, data, { -1 }, -1 });

  if (child >= 0)
    signals_pass_on (child);
  else
    failure_set_errno (error, FAILURE_OS, errno,
                       _ ("cannot start a process"));
  return child;
}

/* It stays a zombie until no signal is passed on to it, lest that goes to somebody
   else. */
int
apart_end (pid_t child)
{
  siginfo_t info;
  int status = 0;

  for (int i = 0; i < WAITS_MAXIMUM; i++)
    if (waitid (P_PID, (id_t) child, &info, WEXITED | WNOWAIT) == 0)
      break;
  signals_keep (child);
  for (int i = 0; i < WAITS_MAXIMUM; i++)
    if (waitpid (child, &status, 0) == child)
      break;
  return status;
}

/* Secrets */

typedef struct
{
  int channel;
  const ApartService *service;
} Broker;

static bool
send_secret (int channel, const Secret *secret)
{
  return send_message (channel, SECRET, secret_octets (secret),
                       secret_length (secret));
}

static bool
hand_over (const Broker *broker)
{
  const ApartService *service = broker->service;
  g_autoptr (GError) error = NULL;
  g_autoptr (Secret) secret
      = credential_get (service->account, service->attended, &error);

  if (error != NULL)
    return send_failure (broker->channel, error);
  if (secret == NULL)
    return send_message (broker->channel, NONE, NULL, 0);
  return send_secret (broker->channel, secret);
}

/* In a child of its own, for the keyring's threads. */
static int
fetch (const Apart *apart, void *data)
{
  signals_obey ();
  return hand_over (data) ? EX_OK : EX_OSERR;
}

/* The child waits for an answer, whatever happens here. */
static bool
serve_credential (const Broker *broker)
{
  g_autoptr (GError) error = NULL;
  pid_t child;

  if (broker->service->secret != NULL)
    return send_secret (broker->channel, broker->service->secret);
  if (credential_is_near (broker->service->account))
    return hand_over (broker);
  child = apart_start (fetch, (void *) broker, &error);
  if (child >= 0)
    {
      if (apart_end (child) == 0)
        return true;
      g_set_error_literal (
          &error, FAILURE, FAILURE_SOFTWARE,
          _ ("the process that was to fetch the password has died"));
    }
  return send_failure (broker->channel, error);
}

/* There is something to read from the child, or it has closed its end. False: it has
   ended; that end may live on in somebody it started. */
static bool
await_message (int channel, int pidfd)
{
  struct pollfd fds[] = { { channel, POLLIN, 0 }, { pidfd, POLLIN, 0 } };

  while (poll (fds, G_N_ELEMENTS (fds), -1) < 0)
    if (errno != EINTR)
      return true;
  return fds[0].revents != 0;
}

static void
hear (const ApartService *service, const char *octets, ssize_t length)
{
  if (service->hear != NULL)
    service->hear (service->data, octets, (size_t) length);
}

/* Until the child has ended, or goes its own way. What it says is no more trusted than the relay. */
static void
serve (const Broker *broker, int pidfd, ApartResult *result)
{
  char message[1 + TEXT_MAXIMUM];
  unsigned credentials = 0;
  ssize_t length;

  while (await_message (broker->channel, pidfd)
         && (length
             = receive_message (broker->channel, message, sizeof message))
                > 0)
    if (message[0] == TOLD)
      {
        g_free (result->text);
        result->text = text_printable (message + 1, (size_t) length - 1,
                                       TEXT_MAXIMUM);
      }
    else if (message[0] == REPORT)
      hear (broker->service, message + 1, length - 1);
    else if (message[0] == LEFT && length == 2)
      {
        result->exit_status = (unsigned char) message[1];
        result->left = true;
        return;
      }
    else if (message[0] != WANTED || broker->service->account == NULL
             || ++credentials > APART_CREDENTIALS
             || !serve_credential (broker))
      break;
}

bool
apart_run (ApartWork *work, void *data, const Account *account, bool attended,
           ApartResult *result, GError **error)
{
  ApartService service = { .account = account, .attended = attended };

  return apart_run_with (work, data, &service, result, error);
}

bool
apart_run_with (ApartWork *work, void *data, const ApartService *service,
                ApartResult *result, GError **error)
{
  int ends[2] = { -1, -1 };
  pid_t child = -1;
  int pidfd, status;

  *result = (ApartResult){ .signal = 0 };
  if (socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0)
    child = start (&(Start){ work, data, { ends[1] }, ends[0] });
  if (child < 0)
    {
      failure_set_errno (error, FAILURE_OS, errno,
                         _ ("cannot start a process"));
      if (ends[0] >= 0)
        close (ends[0]);
      if (ends[1] >= 0)
        close (ends[1]);
      return false;
    }
  close (ends[1]);
  signals_pass_on (child);
  pidfd = pidfd_open (child, 0);
  serve (&(Broker){ ends[0], service }, pidfd, result);
  close (ends[0]);
  if (pidfd >= 0)
    close (pidfd);
  if (result->left)
    {
      signals_keep (child);
      return true;
    }
  status = apart_end (child);
  if (WIFEXITED (status))
    result->exit_status = WEXITSTATUS (status);
  else
    result->signal = WTERMSIG (status);
  return true;
}

/* In the child */

static void
set_failure (const char *message, ssize_t length, GError **error)
{
  if (length >= 2 && message[0] == FAILED)
    g_set_error (error, FAILURE, message[1], "%.*s", (int) length - 2,
                 message + 2);
  else
    g_set_error_literal (error, FAILURE, FAILURE_OS,
                         _ ("the password was not handed over"));
}

/* Its length; -1: the other side has ended. A buffer that is as large as it must be
   costs less to lock and to wipe. */
static ssize_t
receive_secret (int channel, Secret **buffer)
{
  char kind;
  ssize_t length;

  do
    length = recv (channel, &kind, sizeof kind, MSG_PEEK | MSG_TRUNC);
  while (length < 0 && errno == EINTR);
  if (length <= 0 || length > 1 + SECRET_MAXIMUM)
    return -1;
  *buffer = secret_new_empty ((size_t) length);
  return receive_message (channel, secret_buffer (*buffer), (size_t) length);
}

Secret *
apart_credential (void *data, GError **error)
{
  const Apart *apart = data;
  g_autoptr (Secret) buffer = NULL;
  const char *message;
  ssize_t length;

  length = send_message (apart->channel, WANTED, NULL, 0)
               ? receive_secret (apart->channel, &buffer)
               : -1;
  message = length > 0 ? secret_octets (buffer) : NULL;
  if (length > 0 && message[0] == SECRET)
    return secret_new (message + 1, (size_t) length - 1);
  if (length != 1 || message[0] != NONE)
    set_failure (message, length, error);
  return NULL;
}

void
apart_tell (const Apart *apart, const char *text)
{
  (void) send_message (apart->channel, TOLD, text,
                       MIN (strlen (text), (size_t) TEXT_MAXIMUM));
}

void
apart_report (const Apart *apart, const void *octets, size_t length)
{
  g_assert (length <= APART_REPORT_MAXIMUM);
  (void) send_message (apart->channel, REPORT, octets, length);
}

/* Who called waits for the end of its pipes, may be stopped from its terminal, and may
   want its file systems back. */
static bool
leave_caller (void)
{
  int null = open ("/dev/null", O_RDWR | O_CLOEXEC);
  bool left = null >= 0 && chdir ("/") == 0;

  for (int fd = STDIN_FILENO; left && fd <= STDERR_FILENO; fd++)
    left = dup2 (null, fd) == fd;
  if (null > STDERR_FILENO)
    close (null);
  return left && setsid () >= 0;
}

bool
apart_leave (const Apart *apart, int exit_status)
{
  char octet = (char) exit_status;
  bool left = leave_caller () && prctl (PR_SET_PDEATHSIG, 0, 0, 0, 0) == 0
              && send_message (apart->channel, LEFT, &octet, 1);

  close (apart->channel);
  return left;
}
