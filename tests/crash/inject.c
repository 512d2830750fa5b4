#include "crash/inject.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <stdint.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include <glib.h>

#define STACK (256 * 1024)
#define PATIENCE 20000 /* milliseconds that a run may take */
#define NAP 50         /* what is quiet so long after it set a timer, sleeps */

typedef struct
{
  const Injection *injection;
  Injected *injected;
  struct sock_fprog filter;
  int listener;
  pid_t child;
  bool armed;        /* occurrences are counted */
  int64_t start;     /* milliseconds, monotonic */
  unsigned timers;   /* so many times the program set one */
  int64_t last_call; /* the same */
} Run;

static int64_t
now (void)
{
  return g_get_monotonic_time () / 1000;
}

static void
add (GArray *code, struct sock_filter instruction)
{
  g_array_append_val (code, instruction);
}

/* The verdict on one number. */
static void
add_case (GArray *code, int number, unsigned verdict)
{
  add (code, (struct sock_filter) BPF_JUMP (BPF_JMP | BPF_JEQ | BPF_K,
                                            (unsigned) number, 0, 1));
  add (code, (struct sock_filter) BPF_STMT (BPF_RET | BPF_K, verdict));
}

/* The program has one architecture, that of this one. */
static GArray *
make_filter (const Injection *injection)
{
  GArray *code = g_array_new (FALSE, FALSE, sizeof (struct sock_filter));
  unsigned otherwise = SECCOMP_RET_ALLOW;

  add (code,
       (struct sock_filter) BPF_STMT (BPF_LD | BPF_W | BPF_ABS,
                                      offsetof (struct seccomp_data, nr)));
  if (injection->call != NULL)
    add_case (code, injection->call->number, SECCOMP_RET_USER_NOTIF);
  else
    {
      for (size_t i = 0; i < n_left_out; i++)
        add_case (code, left_out[i], SECCOMP_RET_ALLOW);
      otherwise = SECCOMP_RET_USER_NOTIF;
    }
  if (injection->sleeps)
    add_case (code, SYS_timerfd_settime, SECCOMP_RET_USER_NOTIF);
  add (code, (struct sock_filter) BPF_STMT (BPF_RET | BPF_K, otherwise));
  return code;
}

/* Shares memory and descriptors with its parent, which waits until the program
   begins: so the parent has the listener. */
static int
begin (void *data)
{
  Run *run = data;

  if (setpgid (0, 0) < 0 || prctl (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
    _exit (EX_OSERR);
  run->listener =
      (int) syscall (SYS_seccomp, SECCOMP_SET_MODE_FILTER,
                     SECCOMP_FILTER_FLAG_NEW_LISTENER, &run->filter);
  if (run->listener < 0)
    _exit (EX_OSERR);
  execv (run->injection->argv[0], (char *const *) run->injection->argv);
  _exit (EX_UNAVAILABLE);
}

/* As FD, for this process and the program. */
static void
open_as (int fd, const char *path, int flags)
{
  int opened = open (path, flags | O_CLOEXEC, 0600);

  if (opened < 0 || dup2 (opened, fd) < 0)
    err (EX_IOERR, "%s", path);
  close (opened);
}

static void
start (Run *run)
{
  static char *stack;
  g_autoptr (GArray) code = make_filter (run->injection);

  if (stack == NULL)
    stack = g_malloc (STACK);
  open_as (STDIN_FILENO, run->injection->input, O_RDONLY);
  open_as (STDOUT_FILENO, run->injection->output,
           O_WRONLY | O_CREAT | O_TRUNC);
  dup2 (STDOUT_FILENO, STDERR_FILENO);
  run->filter = (struct sock_fprog){
    .len = (unsigned short) code->len,
    .filter = (struct sock_filter *) code->data,
  };
  run->listener = -1;
  run->child = clone (begin, stack + STACK,
                      CLONE_VM | CLONE_VFORK | CLONE_FILES | SIGCHLD, run);
  if (run->child < 0 || run->listener < 0)
    err (EX_OSERR, "no system calls can be watched");
}

/* GLib wakes its threads by writing a number to an eventfd, which cannot fail;
   had it failed, one would sleep for ever. Nothing else that is written is so
   short. */
static bool
is_wake_up (const struct seccomp_data *data)
{
  return data->nr == SYS_write && data->args[2] == sizeof (uint64_t);
}

/* What becomes of the call that waits: the program goes on with it unless it
   is the one. False: there is no answer, for it would be made before the kill.
 */
static bool
decide (Run *run, const struct seccomp_notif *asked,
        struct seccomp_notif_resp *answer)
{
  const Injection *injection = run->injection;
  Injected *injected = run->injected;
  int number = asked->data.nr;

  answer->id = asked->id;
  answer->flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
  if (number == SYS_timerfd_settime)
    run->timers++;
  if (!run->armed || is_wake_up (&asked->data))
    return true;
  if (number >= 0 && number < CALLS_MAXIMUM)
    injected->counts[number]++;
  if (injection->call == NULL || number != injection->call->number
      || injected->counts[number] != injection->occurrence)
    return true;
  injected->reached = true;
  if (injection->fault == FAULT_TERM)
    kill (run->child, SIGTERM);
  if (injection->fault > 0)
    {
      answer->flags = 0;
      answer->error = -injection->fault;
    }
  if (injection->fault == FAULT_CRASH)
    return kill ((pid_t) asked->pid, SIGKILL) < 0;
  /* All of the program at once: none of it may go on while another is gone. */
  return injection->fault != FAULT_KILL || kill (-run->child, SIGKILL) < 0;
}

/* A caller that was killed or interrupted takes no answer. */
static void
answer_call (Run *run)
{
  struct seccomp_notif asked = { 0 };
  struct seccomp_notif_resp answer = { 0 };

  run->last_call = now ();
  if (ioctl (run->listener, SECCOMP_IOCTL_NOTIF_RECV, &asked) < 0)
    return;
  if (decide (run, &asked, &answer))
    (void) ioctl (run->listener, SECCOMP_IOCTL_NOTIF_SEND, &answer);
}

/* The first timer is set when nothing was done yet. */
static bool
is_asleep (const Run *run)
{
  return run->injection->sleeps && run->timers > 1
         && now () - run->last_call >= NAP;
}

/* All that are left, in whatever session they are. */
static void
kill_children (void)
{
  g_autofree char *path =
      g_strdup_printf ("/proc/self/task/%d/children", (int) getpid ());
  g_autofree char *text = NULL;
  g_auto (GStrv) children = NULL;

  if (!g_file_get_contents (path, &text, NULL, NULL))
    return;
  children = g_strsplit (g_strchomp (text), " ", -1);
  for (size_t i = 0; children[i] != NULL && children[i][0] != '\0'; i++)
    kill ((pid_t) strtol (children[i], NULL, 10), SIGKILL);
}

static void
look_after (Run *run)
{
  const Injection *injection = run->injection;

  if (!run->armed && injection->ripe != NULL
      && injection->ripe (injection->data))
    {
      run->armed = true;
      kill (run->child, SIGTERM);
    }
  if (is_asleep (run))
    {
      run->last_call = now ();
      kill (run->child, SIGTERM);
    }
  if (now () - run->start > PATIENCE)
    {
      run->injected->hung = true;
      kill (-run->child, SIGKILL);
      kill_children ();
    }
}

/* Until there is something to read of WANTED (-1: for a moment). False: there is
   not. */
static bool
serve (Run *run, int wanted)
{
  struct pollfd fds[] = { { wanted, POLLIN, 0 }, { run->listener, POLLIN, 0 } };

  if (poll (fds, G_N_ELEMENTS (fds), run->armed ? 10 : 1) < 0
      && errno != EINTR)
    err (EX_OSERR, "poll");
  if ((fds[0].revents & POLLIN) != 0)
    return true;
  if ((fds[1].revents & POLLIN) != 0)
    answer_call (run);
  else if (fds[1].revents != 0)
    {
      /* Nobody is left who could ask. */
      close (run->listener);
      run->listener = -1;
    }
  look_after (run);
  return false;
}

static void
serve_child (Run *run)
{
  int pidfd = (int) syscall (SYS_pidfd_open, run->child, 0);

  if (pidfd < 0)
    err (EX_OSERR, "pidfd_open");
  while (!serve (run, pidfd))
    continue;
  close (pidfd);
  if (waitpid (run->child, &run->injected->status, 0) != run->child)
    err (EX_OSERR, "waitpid");
}

static void
start_other (Run *run)
{
  run->child = fork ();
  if (run->child < 0)
    err (EX_OSERR, "fork");
  if (run->child > 0)
    return;
  (void) setpgid (0, 0);
  execv (run->injection->then[0], (char *const *) run->injection->then);
  _exit (EX_UNAVAILABLE);
}

/* What the program left behind became ours, and is waited for. */
static void
await_rest (Run *run)
{
  pid_t child;

  if (run->injection->part != NULL)
    run->injection->part (run->injection->data);
  else if (run->listener >= 0)
    {
      close (run->listener);
      run->listener = -1;
    }
  while ((child = waitpid (-1, NULL, WNOHANG)) >= 0)
    if (child == 0)
      (void) serve (run, -1);
}

void
inject_run (const Injection *injection, Injected *injected)
{
  Run run = { .injection = injection,
              .injected = injected,
              .armed = injection->ripe == NULL && injection->then == NULL,
              .start = now () };

  memset (injected, 0, sizeof *injected);
  if (prctl (PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0)
    err (EX_OSERR, "no subreaper");
  start (&run);
  serve_child (&run);
  if (injection->then != NULL)
    {
      run.armed = true;
      start_other (&run);
      serve_child (&run);
    }
  await_rest (&run);
  if (run.listener >= 0)
    close (run.listener);
}
