/* probe.h - whether an account works: a submission without a message.
 *
 * The same code in the same confined process as a real one (attempt.h, apart.h,
 * confine.h): the secret, the way to the relay, TLS, EHLO, one login, and MAIL, which
 * RSET takes back. Never RCPT or DATA, so nothing is sent. One that ends well means
 * mail that leaves, but for relays that say at RCPT what they think of a sender.
 *
 * It is a person who asks, so an account that is paused or put off is tried all the
 * same, once. Where the login succeeds that is forgotten (backoff.h); else nothing
 * is counted.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "account/account.h"
#include "base/secret.h"
#include "queue/queue.h"
#include "smtp/trace.h"

/* The parts of a way to a relay. With STARTTLS the greeting comes before TLS. */
typedef enum
{
  PROBE_SECRET,
  PROBE_ADDRESS, /* DNS; of the proxy, where there is one; none with a tunnel */
  PROBE_CONNECTION,
  PROBE_TLS, /* with STARTTLS, and the certificate */
  PROBE_GREETING,
  PROBE_EHLO,
  PROBE_LOGIN,
  PROBE_SENDER,
  N_PROBE_PARTS,
} ProbePart;

typedef enum
{
  PROBE_OK,
  PROBE_WARNING, /* it works, and will not for long */
  PROBE_SKIPPED, /* there is nothing to try */
  PROBE_FAILED,  /* and what follows is not tried */
} ProbeResult;

typedef struct
{
  ProbePart part;
  ProbeResult result;
  unsigned milliseconds;
  int exit_status; /* of sysexits(3); EX_OK unless it failed */
  int code;        /* of the relay's reply that is the failure; 0: none */
  int64_t expires; /* PROBE_TLS: the certificate, seconds since the epoch; or 0 */
  bool strange; /* that failed, for no authority that is trusted here vouches for it */
  const char *text;   /* what there is, or what failed and where: one line */
  const char *advice; /* what to do next, where TEXT does not say it; or "" */
} ProbeStep;

typedef struct
{
  Queue *queue; /* nullable: then it is not known by what one logged in before */
  const General *general;
  const Account *account;
  const Secret *secret; /* one that is not stored yet; NULL: the account's */
  bool attended;        /* a person is there to be asked */
  unsigned patience;    /* milliseconds for each answer; 0: as the account says */
  const Trace *trace;   /* its lines alone; nullable */
  /* What is begun, before that is known to be over: PROBE_SECRET, PROBE_ADDRESS (with
   * all that follows until TLS is spoken), PROBE_LOGIN, PROBE_SENDER. Nullable. */
  void (*begin) (void *data, ProbePart part);
  /* Each part as soon as it is over, each once, in the order in which they come;
   * after one that failed, none. What STEP holds lasts for the call. */
  void (*step) (void *data, const ProbeStep *step);
  void *data;
} ProbeParams;

/* EX_OK, or the status of sysexits(3) of the part that failed. Needs a process of one
 * thread. */
int probe_run (const ProbeParams *params);

/* "secret", "address", ...: never translated. */
const char *probe_part_name (ProbePart part);

/* "ok", "warning", "skipped", "failed". */
const char *probe_result_name (ProbeResult result);
