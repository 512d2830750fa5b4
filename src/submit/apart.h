/* apart.h - work in a child process: what reads a stranger's octets, holds secrets,
 * or leaves threads behind.
 *
 * The child is a copy of ours, so we have one thread as long as all such work is
 * done apart, and may do it again and again. It ends when we do. Signals that are
 * put off (signals.h) go to it as well. What it cannot do for itself, once it is
 * confined, it asks of us: the secret comes from another child.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "account/account.h"
#include "base/secret.h"

/* The child's way to us. */
typedef struct
{
  int channel;
} Apart;

/* Its result, of sysexits(3), is the child's exit status. */
typedef int ApartWork (const Apart *apart, void *data);

typedef struct
{
  int exit_status; /* of the child */
  int signal;      /* that ended it; 0: none did */
  char *text;      /* what it told; NULL: nothing */
  bool left;       /* it lives on, and the exit status is what it said: apart_leave */
} ApartResult;

/* Runs WORK in a child to its end. Meanwhile secrets of ACCOUNT (nullable) are
 * fetched for it, each in a further child if that may wait or leave anything behind;
 * ATTENDED: a person can be asked. False with FAILURE_OS: there is no child to be
 * had. */
bool apart_run (ApartWork *work, void *data, const Account *account,
                bool attended, ApartResult *result, GError **error);

/* What the child of apart_run_with is served with. */
typedef struct
{
  const Account *account;
  bool attended;
  const Secret *secret; /* instead of the account's own; nullable */
  /* Gets what the child tells by apart_report, at once, with DATA. It is no more
   * trusted than the relay. Nullable. */
  void (*hear) (void *data, const char *octets, size_t length);
  void *data;
} ApartService;

bool apart_run_with (ApartWork *work, void *data, const ApartService *service,
                     ApartResult *result, GError **error);

/* Starts WORK (its Apart has no channel) in a child that lives beside us; it ends
 * when we do. Signals that are put off go to it as well until apart_end, which waits
 * for its end and returns what wait(2) says. -1 with FAILURE_OS. */
pid_t apart_start (ApartWork *work, void *data, GError **error);
int apart_end (pid_t child);

/* Secrets that one child gets: who asks for more is not ours any more. */
#define APART_CREDENTIALS 64

/* In the child: credential_get, somewhere else. DATA is an Apart. */
Secret *apart_credential (void *data, GError **error);

/* In the child: what its exit status cannot say. */
void apart_tell (const Apart *apart, const char *text);

/* In the child of apart_run_with: LENGTH octets, at most APART_REPORT_MAXIMUM. */
#define APART_REPORT_MAXIMUM 4000
void apart_report (const Apart *apart, const void *octets, size_t length);

/* In the child of apart_run: it has done its work with EXIT_STATUS, and nobody waits
 * for it any more. It has left the caller's session, directory, and standard
 * descriptors, and does not end with its parent. False: it cannot. */
bool apart_leave (const Apart *apart, int exit_status);
