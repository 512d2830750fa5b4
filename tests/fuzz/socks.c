/* Any octets as the answers of a SOCKS5 proxy, with the relay's behind them. */

#include "tests/fuzz/fuzz.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <glib.h>

#include "base/failure.h"
#include "smtp/socks.h"

#define SIZE_MAXIMUM 4096 /* fits into any socket */
#define SOON 10000        /* ms */

/* How long the answers of one that says yes are. */
static size_t
length_of_answers (const uint8_t *data)
{
  static const size_t address[] = { [1] = 4, [4] = 16 };

  g_assert (memcmp (data, "\5\0\5\0", 4) == 0);
  return 2 + 4 + (data[5] == 3 ? 1 + (size_t) data[6] : address[data[5]]) + 2;
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autoptr (GError) error = NULL;
  uint8_t rest[SIZE_MAXIMUM];
  int pair[2];
  bool connected;

  if (size > SIZE_MAXIMUM
      || socketpair (AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) != 0)
    return -1;
  g_assert (send (pair[1], data, size, 0) == (ssize_t) size);
  shutdown (pair[1], SHUT_WR);
  connected = socks_connect (pair[0], "mail.example", 465, deadline_in (SOON),
                             &error);
  g_assert (connected == (error == NULL));
  g_assert (connected || error->domain == FAILURE);
  if (!connected)
    check_shown (error->message, 200);
  if (connected)
    g_assert (recv (pair[0], rest, sizeof rest, 0)
              == (ssize_t) (size - length_of_answers (data)));
  close (pair[0]);
  close (pair[1]);
  return 0;
}
