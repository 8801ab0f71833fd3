// Technique: POSIX message queues of the host
// Tries: to open a queue of the host by its name
// Right result: ENOENT
// Class: escape
// Area: privileges
// Arguments: {token}
// Fixture: message_queue
// Reaches without: namespace.ipc + restrict_landlock
#include <mqueue.h>

#include "hostile.h"

int main(int argc, char** argv) {
  char name[128];
  snprintf(name, sizeof name, "/%s", argument(argc, argv, 1));
  REFUSED("the queue", mq_open(name, O_RDONLY), ENOENT);
  return verdict();
}
