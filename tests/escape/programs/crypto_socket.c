// Technique: AF_ALG and splice: writing pages of read-only files (CVE-2026-31431)
// Tries: to open the socket it begins with
// Right result: EAFNOSUPPORT
// Class: escape
// Area: calls
// Not shown: the answer is that of a kernel without AF_ALG; socket_families shows that it is the filter's
#include "hostile.h"

int main(void) {
  REFUSED("AF_ALG", socket(38, SOCK_SEQPACKET, 0), EAFNOSUPPORT);
  REFUSED("AF_ALG without a file", socket(38, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), EAFNOSUPPORT);
  return verdict();
}
