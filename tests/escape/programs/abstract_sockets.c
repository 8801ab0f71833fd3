// Technique: Abstract unix sockets of the host
// Tries: to connect to a listening abstract socket
// Right result: ECONNREFUSED or EPERM: a net namespace of its own
// Class: escape
// Area: privileges
// Arguments: {token}
// Fixture: abstract_socket
// Reaches without: enter_network + restrict_landlock
#include <sys/un.h>

#include "hostile.h"

int main(int argc, char** argv) {
  const char* name = argument(argc, argv, 1);
  const int types[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET};
  for (int i = 0; i < 3; ++i) {
    const int fd = socket(AF_UNIX, types[i], 0);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memcpy(address.sun_path + 1, name, strlen(name));
    const socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(name));
    REFUSED("connect", connect(fd, (struct sockaddr*)&address, size), ECONNREFUSED, EPERM, EPROTOTYPE);
    if (attempts_strange) break;
  }
  return verdict();
}
