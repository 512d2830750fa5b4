/* calls.h - the system calls that a sweep counts as points, and how each may
 * fail.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define FAULT_KILL (-1)
#define FAULT_TERM (-2) /* SIGTERM, and the call goes on */
#define FAULT_CRASH (-3) /* of the process that makes the call, and no other */
/* else an errno */

#define CALLS_MAXIMUM 1024 /* above every number */

typedef enum
{
  ORDINARY,
  LOOKS,   /* nobody outside can notice it: a kill there leaves what one at the
              next call leaves */
  MEMORY,  /* fails with ENOMEM alone, and nobody outside can notice it */
  MAKES,   /* a descriptor: EMFILE makes sense */
  WRITES,  /* ENOSPC and EDQUOT make sense */
  CREATES, /* both */
} Kind;

typedef struct
{
  int number;
  const char *name;
  Kind kind;
} Call;

/* In no order. */
extern const Call calls[];
extern const size_t n_calls;

/* What is no point: it cannot fail, or not in a way that the program could
 * tell, and a kill there is a kill at the next call that is one. */
bool call_is_left_out (int number);
extern const int left_out[];
extern const size_t n_left_out;

const Call *call_from_number (int number);
const Call *call_from_name (const char *name);

/* The errnos of a sweep; 0 ends them. */
extern const int fault_errnos[];
/* With SENSIBLE those alone that its manual page knows, and no kill that another
 * stands for. */
bool call_can_have (const Call *call, int fault, bool sensible);
const char *fault_name (int fault);
int fault_from_name (const char *name); /* 0: there is none */
