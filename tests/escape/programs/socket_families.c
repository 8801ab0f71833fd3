// Technique: Socket families that are in no namespace, or hardly used and often broken
// Tries: to open a socket of every family from 3 to 63, and a pair of each
// Right result: EAFNOSUPPORT for all but UNIX, INET, INET6 and NETLINK_ROUTE
// Class: escape
// Area: calls
// Reaches without: load_filter
#include "hostile.h"

int main(void) {
  const int types[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET, SOCK_RAW};
  for (int family = 3; family < 64; ++family) {
    if (family == AF_INET6 || family == AF_NETLINK) continue;
    for (int i = 0; i < 4; ++i) {
      char name[32];
      snprintf(name, sizeof name, "family %d type %d", family, types[i]);
      REFUSED(name, socket(family, types[i], 0), EAFNOSUPPORT);
    }
  }
  for (int protocol = 1; protocol < 24; ++protocol) {
    char name[32];
    snprintf(name, sizeof name, "netlink %d", protocol);
    REFUSED(name, socket(AF_NETLINK, SOCK_RAW, protocol), EAFNOSUPPORT);
  }
  int pair[2];
  REFUSED("a pair of TIPC", socketpair(30, SOCK_STREAM, 0, pair), EAFNOSUPPORT);
  return verdict();
}
