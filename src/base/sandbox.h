/* sandbox.h - what this process may still do, once it has given up the rest.
 *
 * Landlock (landlock(7)), by raw system calls, since the kernel is often newer than
 * the C library's headers. It holds for the calling thread and what it starts from
 * then on, so it is entered before there is a second thread. There is no way back.
 *
 * Best effort: each right is taken away where the kernel can do that. What was open
 * before stays open; pathname sockets and UDP are beyond Landlock.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct Sandbox Sandbox;

/* Nothing is allowed in it yet: no file can be opened, nothing executed, no TCP
 * connection made or waited for. */
Sandbox *sandbox_new (void);
void sandbox_free (Sandbox *sandbox);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Sandbox, sandbox_free)

typedef enum
{
  SANDBOX_READ,  /* files are read, directories listed */
  SANDBOX_WRITE, /* and files that are there, written */
  SANDBOX_KEEP,  /* and files made, moved, removed */
} SandboxRight;

/* PATH, and all below it, as far as it is there; PATH may be NULL. */
void sandbox_allow (Sandbox *sandbox, const char *path, SandboxRight right);

/* TCP connections to PORT. 0: sockets may be bound to any free port instead. */
void sandbox_allow_port (Sandbox *sandbox, uint16_t port);

/* TCP as before. */
void sandbox_allow_network (Sandbox *sandbox);

/* Signals to processes outside, and abstract sockets of theirs. */
void sandbox_allow_outside (Sandbox *sandbox);

typedef enum
{
  SANDBOX_ENTERED,
  SANDBOX_UNKNOWN, /* this kernel has no Landlock, or not enough of it (before Linux
                      5.19 files could not be moved), or it is switched off */
  SANDBOX_FAILED,  /* what is allowed would not be complete; FAILURE_TEMPORARY */
} SandboxEntry;

/* Where it was not entered nothing is changed. */
SandboxEntry sandbox_enter (const Sandbox *sandbox, GError **error);

/* For those who have to start something else before: sandbox_enter_prepared enters
 * SANDBOX (taken) the first time that it is called, and does nothing without. */
void sandbox_prepare (Sandbox *sandbox);
SandboxEntry sandbox_enter_prepared (GError **error);

/* Neither this process nor what it starts gets rights by executing a file that is
 * set-user-ID, set-group-ID, or has capabilities. */
void sandbox_refuse_privileges (void);
