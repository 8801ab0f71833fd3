// Technique: The kernel's log
// Tries: syslog(2): its size, its contents
// Right result: EPERM
// Class: leak
// Area: calls
// Reaches outside (root): root may
#include <sys/klog.h>

#include "hostile.h"

int main(void) {
  char text[1024];
  REFUSED("its size", klogctl(10, NULL, 0), EPERM);
  REFUSED("its contents", klogctl(3, text, sizeof text), EPERM);
  return verdict();
}
