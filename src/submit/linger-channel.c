#include "submit/linger-channel.h"

#include <errno.h>
#include <locale.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "queue/account-file.h"
#include "submit/signals.h"

/* Ends the socket's name. */
#define SUFFIX ".linger"

/* Callers above that go their own way. */
#define BACKLOG 16

/* poll(2) fails for want of memory alone. Whoever waits for a verdict can do nothing
   else: somebody is sending the message. */
#define FAILURES_MAXIMUM 1000

/* What has to be the same */

static void
add_text (GChecksum *checksum, const char *text)
{
  /* With its end, so that two texts are not taken for two others. */
  if (text != NULL)
    g_checksum_update (checksum, (const guchar *) text,
                       (gssize) strlen (text) + 1);
  else
    g_checksum_update (checksum, (const guchar *) "\0\1", 2);
}

/* Whatever is done to a file, one of these changes. */
static void
add_file (GChecksum *checksum, const char *path)
{
  struct stat st;
  g_autofree char *text = NULL;

  if (path != NULL && stat (path, &st) == 0)
    text =
        g_strdup_printf ("%ju %ju %jd %jd.%ld %jd.%ld", (uintmax_t) st.st_dev,
                         (uintmax_t) st.st_ino, (intmax_t) st.st_size,
                         (intmax_t) st.st_mtim.tv_sec, st.st_mtim.tv_nsec,
                         (intmax_t) st.st_ctim.tv_sec, st.st_ctim.tv_nsec);
  add_text (checksum, path);
  add_text (checksum, text);
}

/* Two networks have two ways to the relay. */
static void
add_network (GChecksum *checksum)
{
  struct stat st = { 0 };
  g_autofree char *text = NULL;

  (void) stat ("/proc/self/ns/net", &st);
  text = g_strdup_printf ("%ju", (uintmax_t) st.st_ino);
  add_text (checksum, text);
}

char *
linger_fingerprint (const Accounts *accounts, const Account *account)
{
  const Relay *relay = &account->relay;
  const char *const texts[] = { VERSION,
                                accounts->digest,
                                account->name,
                                accounts->general.log,
                                log_name (),
                                setlocale (LC_MESSAGES, NULL),
                                setlocale (LC_CTYPE, NULL),
                                g_getenv ("LANGUAGE") };
  const char *const files[] = { relay->trust_file, relay->crl_file,
                                relay->certificate, relay->key };
  GChecksum *checksum = g_checksum_new (G_CHECKSUM_SHA256);
  char *result;

  for (size_t i = 0; i < G_N_ELEMENTS (texts); i++)
    add_text (checksum, texts[i]);
  for (size_t i = 0; i < G_N_ELEMENTS (files); i++)
    add_file (checksum, files[i]);
  add_network (checksum);
  result = g_strdup (g_checksum_get_string (checksum));
  g_checksum_free (checksum);
  return result;
}

/* The socket */

static char *
socket_name (const char *account)
{
  return account_file_name (account, SUFFIX);
}

/* By way of the directory that is open, since the whole path of a socket may
   be too long for an address. False: even so. */
static bool
make_address (Queue *queue, const char *account, struct sockaddr_un *address)
{
  g_autofree char *name = socket_name (account);
  int length =
      snprintf (address->sun_path, sizeof address->sun_path,
                "/proc/self/fd/%d/%s", queue_accounts_fd (queue), name);

  address->sun_family = AF_UNIX;
  return length > 0 && (size_t) length < sizeof address->sun_path;
}

static int
close_all (int fd)
{
  if (fd >= 0)
    close (fd);
  return -1;
}

void
linger_unlink (Queue *queue, const char *account)
{
  g_autofree char *name = socket_name (account);

  (void) unlinkat (queue_accounts_fd (queue), name, 0);
}

int
linger_listen (Queue *queue, const char *account)
{
  struct sockaddr_un address = { 0 };
  int fd = socket (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

  if (fd < 0 || !make_address (queue, account, &address))
    return close_all (fd);
  linger_unlink (queue, account);
  if (fchmod (fd, 0600) == 0
      && bind (fd, (struct sockaddr *) &address, sizeof address) == 0
      && listen (fd, BACKLOG) == 0)
    return fd;
  return close_all (fd);
}

static bool
get_peer (int fd, struct ucred *peer)
{
  socklen_t size = sizeof *peer;

  return getsockopt (fd, SOL_SOCKET, SO_PEERCRED, peer, &size) == 0
         && peer->uid == geteuid ();
}

int
linger_accept (int listener)
{
  struct sockaddr_un from;
  socklen_t size = sizeof from;
  struct ucred peer;
  int fd = accept4 (listener, (struct sockaddr *) &from, &size, SOCK_CLOEXEC);

  return fd >= 0 && get_peer (fd, &peer) ? fd : close_all (fd);
}

/* Who listens is whoever had this number when it began to, and may be dead; if
   it answers it was alive when PIDFD was made, and that is its own. */
int
linger_connect (Queue *queue, const char *account, int *pidfd)
{
  struct sockaddr_un address = { 0 };
  struct ucred peer;
  int fd = socket (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

  *pidfd = -1;
  if (fd < 0 || !make_address (queue, account, &address)
      || connect (fd, (struct sockaddr *) &address, sizeof address) != 0
      || !get_peer (fd, &peer))
    return close_all (fd);
  *pidfd = pidfd_open (peer.pid, 0);
  return *pidfd >= 0 ? fd : close_all (fd);
}

/* What is said */

bool
linger_say (int fd, const void *octets, size_t length, int passed)
{
  union
  {
    char room[CMSG_SPACE (sizeof (int))];
    struct cmsghdr aligned;
  } control = { { 0 } };
  struct iovec part = { (void *) octets, length };
  struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
  ssize_t sent;

  if (passed >= 0)
    {
      message.msg_control = control.room;
      message.msg_controllen = sizeof control.room;
      *CMSG_FIRSTHDR (&message) =
          (struct cmsghdr){ .cmsg_len = CMSG_LEN (sizeof (int)),
                            .cmsg_level = SOL_SOCKET,
                            .cmsg_type = SCM_RIGHTS };
      memcpy (CMSG_DATA (CMSG_FIRSTHDR (&message)), &passed, sizeof passed);
    }
  do
    sent = sendmsg (fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
  while (sent < 0 && errno == EINTR);
  return sent >= 0;
}

static bool
await (int fd, const Deadline *deadline, bool watchful)
{
  struct pollfd item = { .fd = fd, .events = POLLIN };

  for (int failures = 0; failures < FAILURES_MAXIMUM;)
    {
      int ready;

      if (watchful && signals_noted ())
        return false;
      ready =
          poll (&item, 1, deadline != NULL ? deadline_poll (*deadline) : -1);
      if (ready > 0)
        return true;
      if (ready == 0 || (errno != EINTR && deadline != NULL))
        return false;
      failures += errno != EINTR;
    }
  return false;
}

/* The one descriptor of MESSAGE. Others, which nobody of ours sends, were
   closed by the kernel for want of room. */
static int
take_descriptor (struct msghdr *message)
{
  struct cmsghdr *control = CMSG_FIRSTHDR (message);
  int fd;

  if (control == NULL || control->cmsg_level != SOL_SOCKET
      || control->cmsg_type != SCM_RIGHTS
      || control->cmsg_len != CMSG_LEN (sizeof fd))
    return -1;
  memcpy (&fd, CMSG_DATA (control), sizeof fd);
  return fd;
}

ssize_t
linger_hear (int fd, void *octets, size_t size, int *passed,
             const Deadline *deadline, bool watchful)
{
  union
  {
    char room[CMSG_SPACE (sizeof (int))];
    struct cmsghdr aligned;
  } control = { { 0 } };
  struct iovec part = { octets, size };
  struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
  ssize_t length = -1;

  if (passed != NULL)
    {
      *passed = -1;
      message.msg_control = control.room;
      message.msg_controllen = sizeof control.room;
    }
  if (await (fd, deadline, watchful))
    length = recvmsg (fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  if (length > 0 && passed != NULL)
    *passed = take_descriptor (&message);
  return length > 0 ? length : -1;
}
