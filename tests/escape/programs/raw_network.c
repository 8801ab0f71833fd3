// Technique: Raw and packet sockets
// Tries: to open sockets that see or forge packets, and to configure the network, as uid 0 of the box
// Right result: EPERM or EAFNOSUPPORT
// Class: escape
// Area: privileges
// Run: --uid 0 --pid1 program
// Reaches without: drop_privileges
#include <net/if.h>
#include <netinet/in.h>

#include "hostile.h"

int main(void) {
  REFUSED("a raw socket", socket(AF_INET, SOCK_RAW, IPPROTO_ICMP), EPERM);
  REFUSED("a raw IPv6 socket", socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6), EPERM);
  REFUSED("a packet socket", socket(AF_PACKET, SOCK_RAW, 0), EPERM, EAFNOSUPPORT);
  const int fd = socket(AF_INET, SOCK_DGRAM, 0);
  struct ifreq request = {.ifr_name = "lo"};
  REFUSED("an interface's flags", ioctl(fd, SIOCSIFFLAGS, &request), EPERM);
  return verdict();
}
