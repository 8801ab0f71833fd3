// Technique: Descriptors of the host by SCM_RIGHTS
// Tries: to be sent a directory of the host over an abstract socket whose owner hands it to whoever comes
// Right result: nobody can be reached who would
// Class: escape
// Area: privileges
// Arguments: {token} {secret}
// Fixture: generous_socket
// Reaches without: enter_network + restrict_landlock
#include <sys/un.h>

#include "hostile.h"

int main(int argc, char** argv) {
  const char* name = argument(argc, argv, 1);
  const char* secret = argument(argc, argv, 2);
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  memcpy(address.sun_path + 1, name, strlen(name));
  const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  if (connect(fd, (struct sockaddr*)&address, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(name)))) {
    held("connect: %m");
    return verdict();
  }
  char byte, space[CMSG_SPACE(sizeof(int))];
  struct iovec data = {&byte, 1};
  struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = space, .msg_controllen = sizeof space};
  if (recvmsg(fd, &message, 0) < 0 || !CMSG_FIRSTHDR(&message)) cannot("recvmsg: %m");
  int directory;
  memcpy(&directory, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof directory);
  REFUSED("the host's file", openat(directory, secret + 1, O_RDONLY), ENOENT);
  return verdict();
}
