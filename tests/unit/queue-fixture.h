/* queue-fixture.h - a queue of one's own, for the tests of src/queue. */
#pragma once

#include <stdbool.h>

#include "queue/queue.h"

typedef struct
{
  char *top;
  Queue *queue;
} Fixture;

#define QUEUE_TEST(path, function)                                            \
  g_test_add ("/queue/" path, Fixture, NULL, fixture_set_up, function,        \
              fixture_tear_down)

void fixture_set_up (Fixture *fixture, const void *data);
void fixture_tear_down (Fixture *fixture, const void *data);

char *path_in (const Fixture *fixture, const char *room, const char *id);

/* ID is in ROOM alone, or with ROOM NULL in none. */
void assert_place (const Fixture *fixture, const char *id, const char *room);

/* A message of ours, its body in BODY. */
#define BODY "one\r\n.two\r\n"
Message *new_message (Spool *body);

/* Enters one for RECIPIENTS recipients, a@example.org, b@example.org, …, or the
 * three first of them. */
Entry *enter_many (Fixture *fixture, const char *hold_reason,
                   size_t recipients);
Entry *enter (Fixture *fixture, const char *hold_reason);

/* A status for each of OWED: 550 with FATES, one for each. */
GPtrArray *new_statuses (const Fate *fates, size_t count);

/* Settles what is owed with FATES, and holds it where it says so. */
void settle (Fixture *fixture, Entry *entry, const Fate *fates,
             Settled expected);
