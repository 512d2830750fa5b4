/* pipe - what GnuTLS itself can carry: a session, and nothing in it.
 *
 *   pipe sink PORT CERTIFICATE KEY
 *   pipe HOST PORT MEBIBYTES
 *
 * The sink reads one session after the other and throws all away. The other
 * end sends full records, and prints what the session is. */
#include <err.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <gnutls/gnutls.h>

#define RECORD 16384

static gnutls_session_t
begin (unsigned flags, gnutls_certificate_credentials_t credentials, int fd)
{
  gnutls_session_t session;

  gnutls_init (&session, flags);
  gnutls_set_default_priority (session);
  gnutls_credentials_set (session, GNUTLS_CRD_CERTIFICATE, credentials);
  gnutls_transport_set_int (session, fd);
  if (gnutls_handshake (session) != 0)
    errx (1, "there is no session");
  return session;
}

static void
sink (unsigned port, const char *certificate, const char *key)
{
  struct sockaddr_in address = { .sin_family = AF_INET,
                                 .sin_port = htons ((uint16_t) port) };
  static char octets[4 * RECORD];
  gnutls_certificate_credentials_t credentials;
  int listener = socket (AF_INET, SOCK_STREAM, 0);

  if (bind (listener, (struct sockaddr *) &address, sizeof address) != 0
      || listen (listener, 5) != 0)
    err (1, "port %u", port);
  gnutls_certificate_allocate_credentials (&credentials);
  if (gnutls_certificate_set_x509_key_file (credentials, certificate, key,
                                            GNUTLS_X509_FMT_PEM)
      != 0)
    errx (1, "%s", certificate);
  for (;;)
    {
      int fd = accept (listener, NULL, NULL);
      gnutls_session_t session = begin (GNUTLS_SERVER, credentials, fd);

      while (gnutls_record_recv (session, octets, sizeof octets) > 0)
        ;
      gnutls_bye (session, GNUTLS_SHUT_WR);
      gnutls_deinit (session);
      close (fd);
    }
}

static int
reach (const char *host, const char *port)
{
  struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *address;
  int fd;

  if (getaddrinfo (host, port, &hints, &address) != 0)
    errx (1, "%s: there is no such host", host);
  fd = socket (address->ai_family, SOCK_STREAM, 0);
  if (connect (fd, address->ai_addr, address->ai_addrlen) != 0)
    err (1, "%s port %s", host, port);
  freeaddrinfo (address);
  return fd;
}

static void
fill (const char *host, const char *port, long mebibytes)
{
  static char octets[RECORD];
  gnutls_certificate_credentials_t credentials;
  gnutls_session_t session;

  gnutls_certificate_allocate_credentials (&credentials);
  session = begin (GNUTLS_CLIENT, credentials, reach (host, port));
  memset (octets, 'x', sizeof octets);
  for (long n = mebibytes * (1048576 / RECORD); n > 0; n--)
    for (size_t sent = 0; sent < RECORD;)
      {
        ssize_t more =
            gnutls_record_send (session, octets + sent, RECORD - sent);

        if (more <= 0)
          errx (1, "the session ended");
        sent += (size_t) more;
      }
  gnutls_bye (session, GNUTLS_SHUT_RDWR);
  puts (gnutls_session_get_desc (session));
}

int
main (int argc, char **argv)
{
  if (argc == 5 && strcmp (argv[1], "sink") == 0)
    sink ((unsigned) atoi (argv[2]), argv[3], argv[4]);
  if (argc != 4)
    errx (2, "usage: pipe HOST PORT MEBIBYTES, or: pipe sink PORT CERTIFICATE "
             "KEY");
  fill (argv[1], argv[2], atol (argv[3]));
  return 0;
}
