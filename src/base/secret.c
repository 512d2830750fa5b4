#include "base/secret.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

struct Secret
{
  size_t mapped; /* octets of the mapping, this struct included */
  size_t capacity;
  size_t length;
  char octets[];
};

Secret *
secret_new_empty (size_t capacity)
{
  size_t page = (size_t) sysconf (_SC_PAGESIZE);
  size_t need = sizeof (Secret) + capacity + 1;
  size_t mapped = (need + page - 1) / page * page;
  Secret *secret;

  g_assert (capacity <= 2 * SECRET_MAXIMUM);
  secret = mmap (NULL, mapped, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (secret == MAP_FAILED)
    g_error ("out of memory");
  /* Both may be refused (RLIMIT_MEMLOCK, an old kernel); the secret is then no
     worse off than in ordinary memory. */
  (void) mlock (secret, mapped);
  (void) madvise (secret, mapped, MADV_DONTDUMP);
  (void) madvise (secret, mapped, MADV_WIPEONFORK);
  secret->mapped = mapped;
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
  size_t mapped;

  if (secret == NULL)
    return;
  mapped = secret->mapped;
  explicit_bzero (secret, mapped);
  (void) munmap (secret, mapped);
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
