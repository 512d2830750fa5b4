/* delay - a link between two network namespaces on which every packet takes
 * its time, so handshakes, acknowledgements and ends are late as well as data.
 *
 *   delay NAMESPACE NAMESPACE INTERFACE MICROSECONDS
 *
 * A namespace is a file such as /proc/PID/ns/net. Both get a tun device
 * INTERFACE; what one sends, the other has MICROSECONDS later. Prints a line
 * once they are there. For kernels without netem. */
#include <err.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#define PACKETS                                                               \
  16384 /* on the way, in each direction; those above are lost                \
         */
#define LONGEST 2048

typedef struct
{
  int64_t due;
  size_t length;
  char octets[LONGEST];
} Packet;

typedef struct
{
  int fd;          /* where they leave */
  Packet *packets; /* a ring */
  size_t first, count;
} Way;

static int64_t
now (void)
{
  struct timespec time;

  clock_gettime (CLOCK_MONOTONIC, &time);
  return time.tv_sec * INT64_C (1000000000) + time.tv_nsec;
}

static int
make_interface (const char *space, const char *name)
{
  struct ifreq request = { .ifr_flags = IFF_TUN | IFF_NO_PI };
  int fd = open (space, O_RDONLY | O_CLOEXEC);

  if (fd < 0 || setns (fd, CLONE_NEWNET) != 0)
    err (1, "%s", space);
  close (fd);
  fd = open ("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0)
    err (1, "/dev/net/tun");
  strncpy (request.ifr_name, name, IFNAMSIZ - 1);
  if (ioctl (fd, TUNSETIFF, &request) != 0)
    err (1, "%s", name);
  return fd;
}

static void
take (Way *way, int from, int64_t delay)
{
  char spare[LONGEST];

  for (;;)
    {
      bool full = way->count == PACKETS;
      Packet *packet = &way->packets[(way->first + way->count) % PACKETS];
      ssize_t length = read (from, full ? spare : packet->octets, LONGEST);

      if (length <= 0)
        return;
      if (full)
        continue;
      packet->length = (size_t) length;
      packet->due = now () + delay;
      way->count++;
    }
}

/* give: those that are due. Returns when the next one is, or `later'. */
static int64_t
give (Way *way, int64_t later)
{
  while (way->count > 0)
    {
      Packet *packet = &way->packets[way->first];

      if (packet->due > now ())
        return packet->due < later ? packet->due : later;
      if (write (way->fd, packet->octets, packet->length) < 0)
        warnx ("a packet is lost");
      way->first = (way->first + 1) % PACKETS;
      way->count--;
    }
  return later;
}

static void
carry (Way ways[2], int64_t delay)
{
  for (;;)
    {
      struct pollfd polls[2] = { { ways[0].fd, POLLIN, 0 },
                                 { ways[1].fd, POLLIN, 0 } };
      int64_t due = give (&ways[1], give (&ways[0], INT64_MAX));
      int64_t wait = due == INT64_MAX ? 0 : due - now ();
      struct timespec limit = { wait / 1000000000, wait % 1000000000 };

      if (wait < 0)
        continue;
      if (ppoll (polls, 2, due == INT64_MAX ? NULL : &limit, NULL) <= 0)
        continue;
      take (&ways[1], ways[0].fd, delay);
      take (&ways[0], ways[1].fd, delay);
    }
}

int
main (int argc, char **argv)
{
  Way ways[2] = { 0 };

  if (argc != 5)
    errx (2, "usage: delay NAMESPACE NAMESPACE INTERFACE MICROSECONDS");
  for (int i = 0; i < 2; i++)
    {
      ways[i].fd = make_interface (argv[1 + i], argv[3]);
      ways[i].packets = calloc (PACKETS, sizeof (Packet));
      if (ways[i].packets == NULL)
        err (1, "calloc");
    }
  /* Else a sleep may be 50 microseconds longer. */
  prctl (PR_SET_TIMERSLACK, 1UL);
  puts ("up");
  fflush (stdout);
  carry (ways, atoll (argv[4]) * 1000);
}
