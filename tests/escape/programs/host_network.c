// Technique: Services on the host's loopback interface
// Tries: to connect to a listener of the host, and to find an interface that is not loopback
// Right result: ECONNREFUSED; only lo
// Class: escape
// Area: privileges
// Arguments: {port}
// Fixture: tcp_listener
// Reaches without: enter_network
// Reaches with: --net host
#include <net/if.h>
#include <netinet/in.h>

#include "hostile.h"

int main(int argc, char** argv) {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in address = {.sin_family = AF_INET,
                                .sin_port = htons((uint16_t)number(argument(argc, argv, 1))),
                                .sin_addr = {htonl(INADDR_LOOPBACK)}};
  REFUSED("the host's listener", connect(fd, (struct sockaddr*)&address, sizeof address), ECONNREFUSED, EACCES);
  struct if_nameindex* interfaces = if_nameindex();
  for (struct if_nameindex* i = interfaces; i && i->if_index; ++i) NEVER(i->if_name, strcmp(i->if_name, "lo") != 0);
  address.sin_addr.s_addr = htonl(0xC0000201);  // 192.0.2.1, for documentation
  const int out = socket(AF_INET, SOCK_DGRAM, 0);
  REFUSED("a route to the world", connect(out, (struct sockaddr*)&address, sizeof address), ENETUNREACH, EACCES);
  return verdict();
}
