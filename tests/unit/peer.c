#include "tests/unit/peer.h"

#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct Peer
{
  int fd;
  char **script;
  const char *content;
  GThread *thread;
  GString *input;
  bool loose; /* content may still come */
};

/* More octets into the input; false at the end, or when patience is. */
static bool
receive (Peer *peer)
{
  struct pollfd item = { .fd = peer->fd, .events = POLLIN };
  char octets[65536];
  ssize_t got;

  if (poll (&item, 1, PEER_PATIENCE) <= 0)
    return false;
  got = recv (peer->fd, octets, sizeof octets, 0);
  if (got > 0)
    g_string_append_len (peer->input, octets, got);
  return got > 0;
}

static char *
expect_octets (Peer *peer, const char *octets, size_t length)
{
  while (peer->input->len < length && receive (peer))
    ;
  if (peer->input->len < length
      || memcmp (peer->input->str, octets, length) != 0)
    return g_strdup_printf ("expected \"%s\", got \"%s\"", octets,
                            peer->input->str);
  g_string_erase (peer->input, 0, (gssize) length);
  return NULL;
}

static char *
expect_line (Peer *peer, const char *line)
{
  g_autofree char *whole = g_strconcat (line, "\r\n", NULL);

  return expect_octets (peer, whole, strlen (whole));
}

static char *
expect_beginning (Peer *peer, const char *text)
{
  char *trouble = expect_octets (peer, text, strlen (text));
  const char *end;

  while (trouble == NULL && (end = strstr (peer->input->str, "\r\n")) == NULL)
    if (!receive (peer))
      trouble = g_strdup_printf ("no line after \"%s\"", text);
  if (trouble == NULL)
    g_string_erase (peer->input, 0, end + 2 - peer->input->str);
  return trouble;
}

static char *
expect_nothing (Peer *peer)
{
  char octet;

  if (peer->input->len == 0
      && recv (peer->fd, &octet, 1, MSG_PEEK | MSG_DONTWAIT) < 0)
    return NULL;
  return g_strdup ("the client did not wait");
}

static void
say (Peer *peer, const char *text, const char *end)
{
  g_autofree char *whole = g_strconcat (text, end, NULL);

  (void) send (peer->fd, whole, strlen (whole), MSG_NOSIGNAL);
}

/* Without reading. */
static void
wait_for_close (Peer *peer)
{
  struct pollfd item = { .fd = peer->fd, .events = POLLRDHUP };

  (void) poll (&item, 1, PEER_PATIENCE);
}

static char *
play (Peer *peer, const char *step)
{
  if (g_str_has_prefix (step, "> "))
    return expect_line (peer, step + 2);
  if (g_str_has_prefix (step, ">* "))
    return expect_beginning (peer, step + 3);
  if (g_str_equal (step, "?"))
    return expect_nothing (peer);
  if (g_str_equal (step, "="))
    return expect_octets (peer, peer->content, strlen (peer->content));
  if (g_str_has_prefix (step, "<< "))
    {
      g_autofree char *text = g_strcompress (step + 3);

      say (peer, text, "");
    }
  else if (g_str_has_prefix (step, "< "))
    say (peer, step + 2, "\r\n");
  else if (g_str_equal (step, "<"))
    say (peer, "", "\r\n");
  else if (g_str_equal (step, "~"))
    peer->loose = receive (peer);
  else if (g_str_equal (step, "|"))
    {
      wait_for_close (peer);
      peer->loose = true;
    }
  else if (g_str_equal (step, "!"))
    shutdown (peer->fd, SHUT_RDWR);
  else
    g_assert_cmpstr (step, ==, "");
  return NULL;
}

static char *
check_rest (Peer *peer)
{
  while (receive (peer))
    ;
  if (peer->loose ? g_str_has_suffix (peer->input->str, "\r\n.\r\n")
                  : peer->input->len > 0)
    return g_strdup_printf ("unexpected in the end: \"%s\"", peer->input->str);
  return NULL;
}

static gpointer
run (gpointer data)
{
  Peer *peer = data;
  char *trouble = NULL;

  for (char **step = peer->script; *step != NULL && trouble == NULL; step++)
    trouble = play (peer, *step);
  if (trouble == NULL)
    trouble = check_rest (peer);
  shutdown (peer->fd, SHUT_RDWR);
  return trouble;
}

Peer *
peer_start (const char *script, const char *content, int *fd)
{
  Peer *peer = g_new0 (Peer, 1);
  int pair[2];

  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair),
                   ==, 0);
  peer->fd = pair[0];
  peer->script = g_strsplit (script, "\n", -1);
  peer->content = content;
  peer->input = g_string_new (NULL);
  peer->thread = g_thread_new ("peer", run, peer);
  *fd = pair[1];
  return peer;
}

char *
peer_finish (Peer *peer)
{
  char *trouble = g_thread_join (peer->thread);

  close (peer->fd);
  g_strfreev (peer->script);
  g_string_free (peer->input, TRUE);
  g_free (peer);
  return trouble;
}
