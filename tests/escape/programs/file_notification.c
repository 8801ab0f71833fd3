// Technique: fanotify, quotas, swap, accounting
// Tries: calls on whole file systems
// Right result: EPERM
// Class: leak
// Area: calls
// Reaches without: load_filter
#include <sys/fanotify.h>
#include <sys/quota.h>
#include <sys/swap.h>

#include "hostile.h"

int main(void) {
  REFUSED("fanotify", fanotify_init(FAN_CLASS_NOTIF | FAN_REPORT_FID, O_RDONLY), EPERM);
  REFUSED("quotactl", quotactl(QCMD(Q_SYNC, USRQUOTA), NULL, 0, NULL), EPERM);
  REFUSED("swapon", swapon("/tmp", 0), EPERM);
  return verdict();
}
