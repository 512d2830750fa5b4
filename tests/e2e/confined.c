/* confined - does what is forbidden, from inside the sandbox of an attempt.
 *
 *   confined DIRECTORY ACCOUNTS ACCOUNT ACTION ARGUMENT...
 *   confined --version    of the kernel's Landlock; 0: it has none
 *
 * For ACCOUNT of the file ACCOUNTS, and the queue in DIRECTORY; ACCOUNT may be "-",
 * then nothing is confined. Prints a line for each action and its argument:
 *
 *   read PATH, list PATH, append PATH, truncate PATH, make PATH, mkdir PATH,
 *   remove PATH, socket PATH, execute PATH, connect PORT, connect6 PORT,
 *   listen PORT, abstract NAME, signal PID, log TEXT, thread-read PATH
 *
 * with "ok" or the error's name.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

#include <glib.h>

#include "account/account.h"
#include "base/log.h"
#include "queue/queue.h"
#include "submit/confine.h"

static int
opened (const char *path, int flags)
{
  int fd = open (path, flags | O_CLOEXEC, 0600);

  if (fd < 0)
    return -1;
  close (fd);
  return 0;
}

static int
act_read (const char *path)
{
  return opened (path, O_RDONLY);
}

static int
act_list (const char *path)
{
  return opened (path, O_RDONLY | O_DIRECTORY);
}

static int
act_append (const char *path)
{
  return opened (path, O_WRONLY | O_APPEND);
}

static int
act_truncate (const char *path)
{
  return truncate (path, 0);
}

static int
act_make (const char *path)
{
  return opened (path, O_WRONLY | O_CREAT | O_EXCL);
}

static int
act_mkdir (const char *path)
{
  return mkdir (path, 0700);
}

static int
act_remove (const char *path)
{
  return unlink (path);
}

static int
act_socket (const char *path)
{
  return mknod (path, S_IFSOCK | 0600, 0);
}

static int
act_execute (const char *path)
{
  pid_t child = vfork ();
  int status;

  if (child == 0)
    {
      execl (path, path, (char *) NULL);
      _exit (errno);
    }
  waitpid (child, &status, 0);
  errno = WEXITSTATUS (status);
  return errno == 0 ? 0 : -1;
}

static int
reach (int family, const void *address, socklen_t size)
{
  int fd = socket (family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int result = connect (fd, address, size);
  int errnum = errno;

  close (fd);
  errno = errnum;
  return result;
}

static int
act_connect (const char *port)
{
  struct sockaddr_in address = { .sin_family = AF_INET,
                                 .sin_port = htons ((uint16_t) atoi (port)) };

  address.sin_addr.s_addr = htonl (INADDR_LOOPBACK);
  return reach (AF_INET, &address, sizeof address);
}

static int
act_connect6 (const char *port)
{
  struct sockaddr_in6 address = { .sin6_family = AF_INET6,
                                  .sin6_port = htons ((uint16_t) atoi (port)),
                                  .sin6_addr = IN6ADDR_LOOPBACK_INIT };

  return reach (AF_INET6, &address, sizeof address);
}

static int
act_listen (const char *port)
{
  struct sockaddr_in address = { .sin_family = AF_INET,
                                 .sin_port = htons ((uint16_t) atoi (port)) };
  int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

  return bind (fd, (struct sockaddr *) &address, sizeof address);
}

static int
act_abstract (const char *name)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };

  g_strlcpy (address.sun_path + 1, name, sizeof address.sun_path - 1);
  return reach (AF_UNIX, &address,
                (socklen_t) (offsetof (struct sockaddr_un, sun_path) + 1
                             + strlen (name)));
}

static int
act_signal (const char *pid)
{
  return kill (atoi (pid), 0);
}

static int
act_log (const char *text)
{
  log_line (LOG_INFO, "text=\"%s\"", text);
  return 0;
}

static void *
read_there (void *path)
{
  return GINT_TO_POINTER (act_read (path) == 0 ? 0 : errno);
}

static int
act_thread_read (const char *path)
{
  pthread_t thread;
  void *result;

  if (pthread_create (&thread, NULL, read_there, (char *) path) != 0
      || pthread_join (thread, &result) != 0)
    abort ();
  errno = GPOINTER_TO_INT (result);
  return errno == 0 ? 0 : -1;
}

static const struct
{
  const char *name;
  int (*act) (const char *argument);
} actions[] = {
  { "read", act_read },         { "list", act_list },
  { "append", act_append },     { "truncate", act_truncate },
  { "make", act_make },         { "mkdir", act_mkdir },
  { "remove", act_remove },     { "socket", act_socket },
  { "execute", act_execute },   { "connect", act_connect },
  { "connect6", act_connect6 }, { "listen", act_listen },
  { "abstract", act_abstract }, { "signal", act_signal },
  { "log", act_log },           { "thread-read", act_thread_read },
};

static void
act (const char *name, const char *argument)
{
  for (size_t i = 0; i < G_N_ELEMENTS (actions); i++)
    if (strcmp (name, actions[i].name) == 0)
      {
        const char *result = actions[i].act (argument) == 0
                                 ? "ok"
                                 : strerrorname_np (errno);

        printf ("%s %s: %s\n", name, argument, result);
        return;
      }
  printf ("no action %s\n", name);
}

/* Whatever the headers know. */
static long
version (void)
{
  return MAX (syscall (444, NULL, 0, 1), 0);
}

static int
run (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Queue) queue = queue_open (argv[1], &error);
  g_autoptr (Accounts) accounts = accounts_load (argv[2], NULL, &error);
  const Account *account = NULL;

  if (queue == NULL || accounts == NULL)
    g_error ("%s", error->message);
  log_open (accounts->general.log);
  if (strcmp (argv[3], "-") != 0)
    {
      account = accounts_choose (accounts, argv[3], NULL, NULL, &error);
      if (account == NULL)
        g_error ("%s", error->message);
      if (!confine_attempt (queue, &accounts->general, account, false,
                            &error))
        g_error ("%s", error->message);
    }
  setvbuf (stdout, NULL, _IOLBF, 0);
  for (int i = 4; i + 1 < argc; i += 2)
    act (argv[i], argv[i + 1]);
  return 0;
}

int
main (int argc, char **argv)
{
  if (argc > 4)
    return run (argc, argv);
  printf ("%ld\n", version ());
  return 0;
}
