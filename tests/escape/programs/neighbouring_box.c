// Technique: Reaching another box of the same user
// Tries: its abstract and named sockets, its TCP port, its shared memory and its files in /dev/shm
// Right result: nothing of it is there
// Class: lateral
// Area: privileges
// Arguments: {token} {key} {port}
// Fixture: neighbour
// Not shown: each way is shown alone: abstract_sockets, host_network, shared_memory_of_host, files_left
#include <netinet/in.h>
#include <sys/shm.h>
#include <sys/un.h>

#include "hostile.h"

int main(int argc, char** argv) {
  const char* name = argument(argc, argv, 1);
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  memcpy(address.sun_path + 1, name, strlen(name));
  const socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(name));
  REFUSED("its abstract socket", connect(socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr*)&address, size),
          ECONNREFUSED, EPERM);
  snprintf(address.sun_path, sizeof address.sun_path, "/tmp/%s", name);
  REFUSED("its socket in /tmp", connect(socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr*)&address, sizeof address),
          ENOENT, EACCES);
  struct sockaddr_in tcp = {.sin_family = AF_INET,
                            .sin_port = htons((uint16_t)number(argument(argc, argv, 3))),
                            .sin_addr = {htonl(INADDR_LOOPBACK)}};
  REFUSED("its port", connect(socket(AF_INET, SOCK_STREAM, 0), (struct sockaddr*)&tcp, sizeof tcp), ECONNREFUSED,
          EACCES);
  REFUSED("its segment", shmget((key_t)strtoul(argument(argc, argv, 2), NULL, 0), 0, 0), ENOENT);
  char path[PATH_MAX];
  snprintf(path, sizeof path, "/dev/shm/%s", name);
  REFUSED("its file", open(path, O_RDONLY), ENOENT);
  return verdict();
}
