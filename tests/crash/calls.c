#include "crash/calls.h"

#include <errno.h>
#include <string.h>
#include <sys/syscall.h>

#include <glib.h>

/* Headers may be older than the kernel. */
#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_add_rule 445
#define SYS_landlock_restrict_self 446
#endif

#define CALL(name)                                                            \
  {                                                                           \
    SYS_##name, #name, ORDINARY                                               \
  }
#define LOOKS(name)                                                           \
  {                                                                           \
    SYS_##name, #name, LOOKS                                                  \
  }
#define MAKES(name)                                                           \
  {                                                                           \
    SYS_##name, #name, MAKES                                                  \
  }
#define WRITES(name)                                                          \
  {                                                                           \
    SYS_##name, #name, WRITES                                                 \
  }
#define CREATES(name)                                                         \
  {                                                                           \
    SYS_##name, #name, CREATES                                                \
  }
#define MEMORY(name)                                                          \
  {                                                                           \
    SYS_##name, #name, MEMORY                                                 \
  }

/* Some are not on every machine: their newer siblings are used there. */
const Call calls[] = {
#ifdef SYS_open
  LOOKS (stat),
  LOOKS (lstat),
  LOOKS (poll),
  LOOKS (select),
  LOOKS (access),
  CALL (fork),
  CALL (vfork),
  LOOKS (getdents),
  LOOKS (readlink),
  LOOKS (epoll_wait),
  MAKES (pipe),
  MAKES (dup2),
  MAKES (epoll_create),
  MAKES (eventfd),
  MAKES (inotify_init),
  WRITES (rename),
  WRITES (mkdir),
  WRITES (rmdir),
  WRITES (link),
  WRITES (unlink),
  WRITES (symlink),
  WRITES (chmod),
  WRITES (chown),
  WRITES (renameat),
  CREATES (open),
  CREATES (creat),
#endif
  CALL (close_range),
  LOOKS (read),
  LOOKS (readv),
  LOOKS (pread64),
  LOOKS (preadv),
  LOOKS (lseek),
  CALL (flock),
  CALL (ioctl),
  LOOKS (fstat),
  LOOKS (newfstatat),
  LOOKS (statx),
  LOOKS (statfs),
  LOOKS (fstatfs),
  LOOKS (faccessat),
  LOOKS (faccessat2),
  LOOKS (readlinkat),
  LOOKS (getdents64),
  CALL (connect),
  CALL (bind),
  CALL (listen),
  CALL (shutdown),
  CALL (sendto),
  CALL (sendmsg),
  CALL (sendmmsg),
  LOOKS (recvfrom),
  LOOKS (setsockopt),
  LOOKS (getsockopt),
  LOOKS (getsockname),
  LOOKS (getpeername),
  LOOKS (ppoll),
  LOOKS (pselect6),
  LOOKS (epoll_pwait),
  LOOKS (epoll_ctl),
  LOOKS (timerfd_settime),
  LOOKS (timerfd_gettime),
  CALL (inotify_rm_watch),
  LOOKS (getrandom),
  LOOKS (chdir),
  LOOKS (fchdir),
  CALL (wait4),
  CALL (waitid),
  CALL (kill),
  CALL (tgkill),
  LOOKS (prctl),
  CALL (exit_group),
  CALL (landlock_restrict_self),
  MAKES (fcntl),
  MAKES (dup),
  MAKES (dup3),
  MAKES (pipe2),
  MAKES (socket),
  MAKES (socketpair),
  MAKES (accept4),
  MAKES (recvmsg),
  MAKES (recvmmsg),
  MAKES (epoll_create1),
  MAKES (eventfd2),
  MAKES (timerfd_create),
  MAKES (inotify_init1),
  MAKES (memfd_create),
  MAKES (pidfd_open),
  MAKES (landlock_create_ruleset),
  MAKES (clone),
  MAKES (clone3),
  WRITES (close),
  WRITES (write),
  WRITES (writev),
  WRITES (pwrite64),
  WRITES (pwritev),
  WRITES (fsync),
  WRITES (fdatasync),
  WRITES (ftruncate),
  WRITES (truncate),
  WRITES (fallocate),
  WRITES (mkdirat),
  WRITES (linkat),
  WRITES (symlinkat),
  WRITES (renameat2),
  WRITES (unlinkat),
  WRITES (fchmod),
  WRITES (fchmodat),
  WRITES (fchown),
  WRITES (fchownat),
  WRITES (utimensat),
  WRITES (sendfile),
  WRITES (copy_file_range),
  WRITES (inotify_add_watch),
  CREATES (openat),
  CREATES (openat2),
  MEMORY (mmap),
  MEMORY (mremap),
  MEMORY (brk),
  MEMORY (mprotect),
  MEMORY (mlock),
};
const size_t n_calls = G_N_ELEMENTS (calls);

/* Who I am, what time it is, which signals are wanted, and memory that is
   given back or advised about: these do not fail for a reason of the
   machine's. A futex that fails in another way than by EAGAIN or EINTR, which
   the C library retries, ends the program there. */
const int left_out[] = {
#ifdef SYS_open
  SYS_arch_prctl,
  SYS_getpgrp,
  SYS_alarm,
  SYS_pause,
  SYS_time,
#endif
  SYS_execve, /* before the program */
  SYS_exit,   /* of a thread */
  SYS_futex,
  SYS_munmap,
  SYS_madvise,
  SYS_munlock,
  SYS_rseq,
  SYS_set_robust_list,
  SYS_set_tid_address,
  SYS_rt_sigaction,
  SYS_rt_sigprocmask,
  SYS_rt_sigreturn,
  SYS_rt_sigsuspend,
  SYS_restart_syscall,
  SYS_sigaltstack,
  SYS_umask,
  SYS_getpid,
  SYS_getppid,
  SYS_gettid,
  SYS_getuid,
  SYS_geteuid,
  SYS_getgid,
  SYS_getegid,
  SYS_getpgid,
  SYS_getsid,
  SYS_getrusage,
  SYS_prlimit64,
  SYS_clock_gettime,
  SYS_clock_getres,
  SYS_clock_nanosleep,
  SYS_nanosleep,
  SYS_gettimeofday,
  SYS_times,
  SYS_uname,
  SYS_sysinfo,
  SYS_sched_yield,
  SYS_sched_getattr,
  SYS_sched_setattr,
  SYS_sched_getaffinity,
  SYS_membarrier,
  SYS_fadvise64,
  SYS_landlock_add_rule, /* many of them, and none matters more than the others */
};
const size_t n_left_out = G_N_ELEMENTS (left_out);

const int fault_errnos[] = { EIO, ENOSPC, EDQUOT, EMFILE, ENOMEM, EINTR, 0 };

static const struct
{
  int fault;
  const char *name;
} faults[] = {
  { FAULT_KILL, "KILL" }, { FAULT_TERM, "TERM" },
  { FAULT_CRASH, "CRASH" }, { EIO, "EIO" },
  { ENOSPC, "ENOSPC" },   { EDQUOT, "EDQUOT" },   { EMFILE, "EMFILE" },
  { ENOMEM, "ENOMEM" },   { EINTR, "EINTR" },
};

bool
call_is_left_out (int number)
{
  for (size_t i = 0; i < n_left_out; i++)
    if (left_out[i] == number)
      return true;
  return false;
}

const Call *
call_from_number (int number)
{
  for (size_t i = 0; i < n_calls; i++)
    if (calls[i].number == number)
      return &calls[i];
  return NULL;
}

const Call *
call_from_name (const char *name)
{
  for (size_t i = 0; i < n_calls; i++)
    if (strcmp (calls[i].name, name) == 0)
      return &calls[i];
  return NULL;
}

static bool
makes_sense (const Call *call, int fault)
{
  if (call->number == SYS_getrandom) /* it is up, or it has to wait */
    return fault < 0 || fault == EINTR;
  switch (fault)
    {
    case ENOSPC:
    case EDQUOT:
      return call->kind == WRITES || call->kind == CREATES;
    case EMFILE:
      return call->kind == MAKES || call->kind == CREATES;
    default:
      return true;
    }
}

bool
call_can_have (const Call *call, int fault, bool sensible)
{
  /* To signal oneself or one's child, and to end, cannot fail. */
  if (call->number == SYS_exit_group || call->number == SYS_tgkill
      || call->number == SYS_kill)
    return fault < 0;
  if (call->kind == MEMORY)
    return fault == ENOMEM;
  if (call->kind == LOOKS && fault == FAULT_KILL)
    return !sensible;
  return !sensible || makes_sense (call, fault);
}

const char *
fault_name (int fault)
{
  for (size_t i = 0; i < G_N_ELEMENTS (faults); i++)
    if (faults[i].fault == fault)
      return faults[i].name;
  return "?";
}

int
fault_from_name (const char *name)
{
  for (size_t i = 0; i < G_N_ELEMENTS (faults); i++)
    if (strcmp (faults[i].name, name) == 0)
      return faults[i].fault;
  return 0;
}
