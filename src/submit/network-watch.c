#include "submit/network-watch.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* More than the kernel puts into one datagram. */
#define DATAGRAM_MAXIMUM 32768

int
network_watch_open (void)
{
  struct sockaddr_nl address = { .nl_family = AF_NETLINK,
                                 .nl_groups =
                                     RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE };
  int fd = socket (AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
                   NETLINK_ROUTE);

  if (fd >= 0 && bind (fd, (struct sockaddr *) &address, sizeof (address)) < 0)
    {
      close (fd);
      return -1;
    }
  return fd;
}

/* fe80::/10: every device that comes up has one of these, a container's too.
 */
static bool
is_link_local (const struct nlmsghdr *message, const struct rtmsg *route)
{
  const struct rtattr *attribute = RTM_RTA (route);
  unsigned left = (unsigned) RTM_PAYLOAD (message);
  struct in6_addr destination;

  if (route->rtm_family != AF_INET6 || route->rtm_dst_len < 10)
    return false;
  for (; RTA_OK (attribute, left); attribute = RTA_NEXT (attribute, left))
    if (attribute->rta_type == RTA_DST
        && RTA_PAYLOAD (attribute) == sizeof (destination))
      {
        memcpy (&destination, RTA_DATA (attribute), sizeof (destination));
        return IN6_IS_ADDR_LINKLOCAL (&destination);
      }
  return false;
}

/* A route that is only renewed comes with NLM_F_REPLACE. */
static bool
is_new_way (const struct nlmsghdr *message)
{
  const struct rtmsg *route = NLMSG_DATA (message);

  return message->nlmsg_type == RTM_NEWROUTE
         && message->nlmsg_len >= NLMSG_LENGTH (sizeof (*route))
         && (message->nlmsg_flags & NLM_F_REPLACE) == 0
         && route->rtm_type == RTN_UNICAST
         && route->rtm_table != RT_TABLE_LOCAL
         && (route->rtm_flags & RTM_F_CLONED) == 0
         && !is_link_local (message, route);
}

static bool
has_new_way (const void *octets, size_t size)
{
  const struct nlmsghdr *message = octets;
  unsigned left = (unsigned) size;

  for (; NLMSG_OK (message, left); message = NLMSG_NEXT (message, left))
    if (is_new_way (message))
      return true;
  return false;
}

bool
network_watch_read (int fd)
{
  union
  {
    struct nlmsghdr header; /* for its alignment */
    char octets[DATAGRAM_MAXIMUM];
  } datagram;
  bool news = false;

  while (true)
    {
      struct sockaddr_nl from = { .nl_pid = 0 };
      socklen_t length = sizeof (from);
      ssize_t size = recvfrom (fd, &datagram, sizeof (datagram), 0,
                               (struct sockaddr *) &from, &length);

      if (size >= 0)
        /* Number 0 is the kernel; any process may write to this socket. */
        news |= from.nl_pid == 0 && has_new_way (&datagram, (size_t) size);
      else if (errno == ENOBUFS) /* some were missed */
        news = true;
      else if (errno != EINTR)
        return news;
    }
}
