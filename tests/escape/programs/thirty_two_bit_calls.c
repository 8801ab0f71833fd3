// Technique: 32-bit system calls (int 0x80), whose numbers mean something else
// Tries: unshare(CLONE_NEWUSER) by its 32-bit number, which is a harmless call's in 64 bits
// Right result: killed by SIGSYS
// Class: escape
// Area: calls
// Verdict: signalled SIGSYS
// Verdict: disallowed_syscall
// Reaches without: load_filter
#include "hostile.h"

int main(void) {
  long result;
  __asm__ volatile("int $0x80" : "=a"(result) : "a"(310L), "b"(0x10000000L) : "memory", "r8", "r9", "r10", "r11");
  reached("a 32-bit call was made and answered %ld", result);
  return verdict();
}
