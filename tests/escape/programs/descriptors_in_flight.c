// Technique: Descriptors parked in unix sockets
// Tries: to keep more descriptors in flight than it may have open
// Right result: ETOOMANYREFS or EMFILE
// Class: denial
// Area: resources
// Run: --rlimit nofile=64
// Reaches without: set_limit
#include "hostile.h"

int main(void) {
  int sent = 0;
  for (int pair = 0; pair < 12 && sent < 300; ++pair) {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_DGRAM, 0, ends) != 0) break;
    for (;;) {
      char byte = 0, space[CMSG_SPACE(sizeof(int) * 16)];
      struct iovec data = {&byte, 1};
      struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = space, .msg_controllen = sizeof space};
      struct cmsghdr* header = CMSG_FIRSTHDR(&message);
      *header =
          (struct cmsghdr){.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof(int) * 16)};
      for (int i = 0; i < 16; ++i) ((int*)CMSG_DATA(header))[i] = 0;
      if (sendmsg(ends[0], &message, MSG_DONTWAIT) < 0) break;
      sent += 16;
    }
    if (errno == ETOOMANYREFS) break;
  }
  if (sent > 160)
    reached("%d descriptors in flight", sent);
  else
    held("%d descriptors in flight: %m", sent);
  return verdict();
}
