// Technique: Taking the processor away from init
// Tries: priority, scheduling class, affinity, I/O priority and limits of pid 1
// Right result: EPERM: init holds a capability that the program has not got
// Class: denial
// Area: privileges
// Arguments: 1
// Arguments outside: {victim}
// Fixture: victim
// Reaches outside: another process of the same user
#include <linux/ioprio.h>

#include "hostile.h"

int main(int argc, char** argv) {
  const pid_t pid = (pid_t)number(argument(argc, argv, 1));
  REFUSED("setpriority", setpriority(PRIO_PROCESS, (id_t)pid, 19), EPERM, EACCES);
  const struct sched_param parameters = {0};
  REFUSED("sched_setscheduler", sched_setscheduler(pid, SCHED_IDLE, &parameters), EPERM);
  REFUSED("sched_setparam", sched_setparam(pid, &parameters), EPERM);
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(0, &one);
  REFUSED("sched_setaffinity", sched_setaffinity(pid, sizeof one, &one), EPERM);
  struct {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime, deadline, period;
  } attributes = {.size = 48, .policy = SCHED_IDLE};
  REFUSED("sched_setattr", syscall(SYS_sched_setattr, pid, &attributes, 0), EPERM);
  REFUSED("ioprio_set", syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, pid, IOPRIO_PRIO_VALUE(IOPRIO_CLASS_IDLE, 0)),
          EPERM);
  const struct rlimit limit = {1, 1};
  REFUSED("prlimit", prlimit(pid, RLIMIT_CORE, &limit, NULL), EPERM);
  return verdict();
}
