/* state.h - where each message of a sweep is: in a room of the queue, with the
 * relay (tests/relay, --serve), or told about.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

/* One message and whom it is for; made of the files N and N.to of a directory,
 * and known by its Message-ID <N@crash.test>. */
typedef struct
{
  char *name;
  char *mark;   /* N@crash.test */
  char *octets; /* as the relay has to get them */
  size_t length;
  char **recipients;
  size_t count;
} Letter;

/* Those the relay does not take, by their local part. */
bool recipient_is_refused (const char *recipient);

GPtrArray *letters_load (const char *directory);

typedef struct
{
  unsigned queued, held; /* entries */
  bool owed[16];         /* of the queued one, for each recipient */
  bool untold[16];       /* failed, and the sender is yet to be told */
  bool ambiguous;        /* the relay may have it */
  bool passed;           /* the relay answered, and was asked for more */
  unsigned relayed[16];  /* how often the relay took it */
  unsigned notices_kept; /* about it, in queue/ */
  unsigned notices_ambiguous;
  unsigned notices_held;
  unsigned notices_relayed;
} Place;

typedef struct
{
  GArray *places; /* of Place, one for each letter */
  unsigned queued, held, corrupt, temporary; /* files */
  unsigned relayed;                          /* messages */
  GString *key; /* all that matters for what follows: no times, no words */
  GPtrArray *complaints; /* of char *: what is half, damaged or unknown */
} State;

/* QUEUE is the queue's directory, RECORD that of the relay. */
State *state_take (const char *queue, const char *record,
                   const GPtrArray *letters);
void state_free (State *state);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (State, state_free)

char *state_describe (const State *state, const GPtrArray *letters);
