// Technique: Memory in network sockets
// Tries: to hold four times the memory limit in what UDP and TCP sockets have sent to each other and nobody has read
// Right result: sending fails, or waits, before the limit is passed by far; a TCP socket keeps its
//   smallest buffer in any case
// Class: denial
// Area: resources
// Only as root: no control group is delegated to an ordinary user here
// Run: --memory 24M --rlimit nofile=4096
// Verdict: exited 0
// Verdict: memory_exceeded
// Reaches with: --rlimit nofile=4096
// Reaches without: write_cgroup
#include <arpa/inet.h>
#include <netinet/in.h>

#include "hostile.h"

enum { kLimit = 24 << 20, kReceivers = 1500, kStreams = 100 };

static char block[60000];

// A socket of `type` on the loopback interface, and its address.
static int bound(int type, struct sockaddr_in* address) {
  *address = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof *address;
  const int made = socket(AF_INET, type, 0);
  if (made < 0 || bind(made, (struct sockaddr*)address, size) != 0 ||
      getsockname(made, (struct sockaddr*)address, &size) != 0)
    return -1;
  return made;
}

static size_t fill_datagrams(void) {
  size_t held_there = 0;
  struct sockaddr_in address;
  for (int i = 0; i < kReceivers && held_there < 4U * kLimit; ++i) {
    const int receiver = bound(SOCK_DGRAM, &address);
    if (receiver < 0) break;
    const int large = 1 << 24;
    setsockopt(receiver, SOL_SOCKET, SO_RCVBUF, &large, sizeof large);
    const int sender = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    for (int j = 0; j < 10; ++j) sendto(sender, block, sizeof block, 0, (struct sockaddr*)&address, sizeof address);
    close(sender);
    // Sending succeeds also when what was sent is thrown away: what counts is what has arrived.
    int waiting = 0;
    uint32_t memory[9] = {0};
    socklen_t size = sizeof memory;
    if (ioctl(receiver, FIONREAD, &waiting) == 0 && waiting > 0 &&
        getsockopt(receiver, SOL_SOCKET, 55 /* SO_MEMINFO */, memory, &size) == 0)
      held_there += memory[0];
  }
  return held_there;
}

static size_t fill_streams(void) {
  size_t held_there = 0;
  struct sockaddr_in address;
  const int listener = bound(SOCK_STREAM, &address);
  if (listener < 0 || listen(listener, 4096) != 0) return 0;
  // Each has the least that TCP needs in any case, so few that could hold much.
  for (int i = 0; i < kStreams && held_there < 4U * kLimit; ++i) {
    const int sender = socket(AF_INET, SOCK_STREAM, 0);
    if (sender < 0 || connect(sender, (struct sockaddr*)&address, sizeof address) != 0) break;
    fcntl(sender, F_SETFL, O_NONBLOCK);
    for (ssize_t got; (got = write(sender, block, sizeof block)) > 0;) held_there += (size_t)got;
  }
  return held_there;
}

int main(void) {
  for (int streams = 0; streams < 2; ++streams) {
    const size_t held_there = streams ? fill_streams() : fill_datagrams();
    const char* kind = streams ? "TCP" : "UDP";
    if (held_there > 2U * kLimit)
      reached("%zu MiB in %s sockets", held_there >> 20, kind);
    else
      held("%zu MiB in %s sockets: %m", held_there >> 20, kind);
  }
  return verdict();
}
