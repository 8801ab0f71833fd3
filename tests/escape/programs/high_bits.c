// Technique: Arguments with bits set that the kernel does not look at (CVE-2019-10063)
// Tries: refused values of 32-bit arguments with the upper half filled
// Right result: refused as without them
// Class: escape
// Area: calls
// Reaches without: load_filter
#include "hostile.h"

int main(void) {
  const unsigned long high = 1UL << 32, all = 0xffffffff00000000UL;
  REFUSED("AF_ALG", syscall(SYS_socket, high | 38, SOCK_SEQPACKET, 0), EAFNOSUPPORT);
  REFUSED("AF_VSOCK", syscall(SYS_socket, all | AF_VSOCK, SOCK_STREAM, 0), EAFNOSUPPORT);
  REFUSED("AF_PACKET", syscall(SYS_socket, high | AF_PACKET, SOCK_RAW, 0), EAFNOSUPPORT, EPERM);
  REFUSED("personality", syscall(SYS_personality, high | 0x0400000), EPERM);
  REFUSED("chmod", syscall(SYS_chmod, "/tmp", high | 04777), EPERM);
  REFUSED("chmod", syscall(SYS_chmod, "/tmp", 1UL << 63 | 02777), EPERM);
  if (in_child()) {
    REFUSED("clone", syscall(SYS_unshare, all | CLONE_NEWUSER), EPERM, EINVAL);
    _exit(verdict());
  }
  return verdict();
}
