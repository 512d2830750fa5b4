#include "base/secret.h"

#include <pthread.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

struct Secret
{
  size_t size; /* octets that are its own, this struct included */
  size_t capacity;
  size_t length;
  char octets[];
};

/* Where small secrets are, in as many grains as they need: to map and to lock a page
   for each costs more than what is done with them. */
#define GRAIN 64
#define GRAINS 64

static struct
{
  GMutex lock;
  char *page;    /* NULL: none yet */
  uint64_t used; /* a bit for each grain */
} shared;

static void *
map_pages (size_t size)
{
  void *pages = mmap (NULL, size, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

  if (pages == MAP_FAILED)
    g_error ("out of memory");
  /* Both may be refused (RLIMIT_MEMLOCK, an old kernel); a secret is then no
     worse off than in ordinary memory. */
  (void) mlock (pages, size);
  (void) madvise (pages, size, MADV_DONTDUMP);
  (void) madvise (pages, size, MADV_WIPEONFORK);
  return pages;
}

/* A child's is not locked, and was wiped. */
static void
leave_shared (void)
{
  memset (&shared, 0, sizeof shared);
}

static uint64_t
grains_of (size_t size)
{
  size_t count = (size + GRAIN - 1) / GRAIN;

  return count < GRAINS ? (UINT64_C (1) << count) - 1 : UINT64_MAX;
}

static void
open_shared (void)
{
  static bool watched;

  if (!watched)
    watched = pthread_atfork (NULL, NULL, leave_shared) == 0;
  if (watched)
    shared.page = map_pages (GRAIN * GRAINS);
}

/* NULL: there is none. */
static Secret *
take_grains (size_t size)
{
  uint64_t grains = grains_of (size);
  Secret *taken = NULL;

  if (size > GRAIN * GRAINS)
    return NULL;
  g_mutex_lock (&shared.lock);
  if (shared.page == NULL)
    open_shared ();
  for (unsigned i = 0; shared.page != NULL && taken == NULL && i < GRAINS; i++)
    {
      if ((shared.used & grains << i) == 0 && grains << i >> i == grains)
        {
          shared.used |= grains << i;
          taken = (Secret *) (void *) (shared.page + (size_t) i * GRAIN);
        }
    }
  g_mutex_unlock (&shared.lock);
  return taken;
}

/* False where it has pages of its own. It has been wiped. */
static bool
return_grains (const Secret *secret, size_t size)
{
  const char *start = (const char *) secret;
  bool is_shared;

  g_mutex_lock (&shared.lock);
  is_shared = shared.page != NULL && start >= shared.page
           && start < shared.page + GRAIN * GRAINS;
  if (is_shared)
    shared.used &= ~(grains_of (size) << (size_t) (start - shared.page) / GRAIN);
  g_mutex_unlock (&shared.lock);
  return is_shared;
}

Secret *
secret_new_empty (size_t capacity)
{
  size_t page = (size_t) sysconf (_SC_PAGESIZE);
  size_t size = sizeof (Secret) + capacity + 1;
  Secret *secret = take_grains (size);

  g_assert (capacity <= 2 * SECRET_MAXIMUM);
  if (secret == NULL)
    {
      size = (size + page - 1) / page * page;
      secret = map_pages (size);
    }
  secret->size = size;
  secret->capacity = capacity;
  return secret;
}

Secret *
secret_new (const void *octets, size_t length)
{
  Secret *secret = secret_new_empty (length);

  if (length > 0)
    memcpy (secret->octets, octets, length);
  secret->length = length;
  return secret;
}

void *
secret_buffer (Secret *secret)
{
  return secret->octets;
}

void
secret_set_length (Secret *secret, size_t length)
{
  g_assert (length <= secret->capacity);
  secret->length = length;
  secret->octets[length] = '\0';
}

void
secret_free (Secret *secret)
{
  size_t size;

  if (secret == NULL)
    return;
  size = secret->size;
  explicit_bzero (secret, size);
  if (!return_grains (secret, size))
    (void) munmap (secret, size);
}

const char *
secret_octets (const Secret *secret)
{
  return secret->octets;
}

size_t
secret_length (const Secret *secret)
{
  return secret->length;
}

bool
secret_equal (const Secret *a, const Secret *b)
{
  return a->length == b->length
         && memcmp (a->octets, b->octets, a->length) == 0;
}

#define STACK_SCRUBBED 16384 /* octets; no frame below may be larger */

__attribute__ ((noinline)) void
secret_scrub_stack (void)
{
  char room[STACK_SCRUBBED];

  explicit_bzero (room, sizeof room);
}

void
secret_harden_process (void)
{
  (void) prctl (PR_SET_DUMPABLE, 0, 0, 0, 0);
  (void) setrlimit (RLIMIT_CORE, &(struct rlimit){ 0, 0 });
}
